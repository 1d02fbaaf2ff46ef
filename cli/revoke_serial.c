/*
 * revoke_serial.c - "revoke" for what is known by its serial number only.
 *
 * Known    an imported CA's index named it without a file; or nobody knows it (--ca): it was issued, and
 *          the store that knew is lost. Then the number alone goes onto the list, and stays there.
 */
#include "config.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/publish.h"
#include "cli/revoke.h"
#include "core/base/intl.h"
#include "core/store/authority_import.h"

struct numbered {
    struct cli *cli;
    const struct revoke_request *request;
    struct serial_only entry;
    struct authority *authority;
    char hex[SERIAL_HEX_MAX];
};

static bool find(struct numbered *self, bool *ret_found, struct err *err)
{
    struct cli *cli = self->cli;
    const char *text = cli->args->names[0];

    if (!args_has(cli->args, OPT_CA))
        return serial_only_find(cli->store, text, ret_found, &self->entry, err);
    self->authority = cli_authority(cli, err);
    if (!self->authority)
        return false;
    *ret_found = true;
    if (serial_only_find(cli->store, text, ret_found, &self->entry, err) && *ret_found &&
        self->entry.authority_id == self->authority->id)
        return true;
    serial_only_clear(&self->entry);
    *ret_found = serial_only_new(cli->store, self->authority, text, &self->entry, err);
    return *ret_found ||
           err->code == ERR_BAD_VALUE; /* that is no number: a role, and there is none */
}

static void explain(const struct numbered *self)
{
    const struct output *out = &self->cli->out;
    char decimal[SERIAL_DECIMAL_MAX];

    output_note(out, _("serial %s of \"%s\" (decimal %s)"), self->hex, self->authority->name,
                serial_format_decimal(decimal, &self->entry.serial));
    if (!self->entry.is_new)
        return;
    output_note(out,
                _("[!!] no such certificate is known here: whether \"%s\" ever issued it, to "
                  "whom and until when, is not checked"),
                self->authority->name);
    output_note(out, _("     it stays on the list as long as the CA lives"));
}

static bool publish(struct numbered *self, struct publish_results *ret, struct err *err)
{
    struct cli *cli = self->cli;
    struct server_list all = {.n = 0};
    struct publish_request order = {.servers = self->request->only, .door = self->request->door};
    struct publish_progress progress;
    bool done;

    if (!order.servers && !publish_list_servers(cli->store, self->authority->id, &all, err))
        return false;
    if (!order.servers)
        order.servers = &all;
    publish_progress_begin(cli, &progress);
    done = publish_run(cli->store, &order, &progress.watch, ret, err);
    publish_progress_end(&progress);
    server_list_clear(&all);
    return done;
}

static json_t *done_json(const struct numbered *self, const struct publish_results *results)
{
    return json_pack("{s:s, s:o, s:s, s:I, s:o}", "serial", self->hex, "ca",
                     json_text(self->authority->name), "reason",
                     crl_reason_name(self->request->reason), "crl_number",
                     (json_int_t)self->authority->crl.number, "servers", publish_json(results));
}

static bool bring(struct numbered *self, struct err *err)
{
    struct cli *cli = self->cli;
    struct publish_results results = {.n = 0};
    bool done = publish(self, &results, err);

    if (done) {
        publish_print(cli, &results);
        done = publish_judge(cli, &results, true, err);
    }
    if (done && cli->out.json)
        output_json(done_json(self, &results), false);
    else if (cli->out.json)
        cli->out.done = done_json(self, &results);
    publish_results_clear(&results);
    return done;
}

static bool revoke(struct numbered *self, struct err *err)
{
    struct cli *cli = self->cli;
    struct key *key;
    struct crl *crl;
    char question[300];

    serial_format_hex(self->hex, &self->entry.serial);
    explain(self);
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would revoke serial %s of \"%s\""), self->hex,
                    self->authority->name);
        return true;
    }
    snprintf(question, sizeof(question), _("Revoking serial %s (%s) cannot be undone"), self->hex,
             *self->entry.subject ? self->entry.subject : _("not known here"));
    if (!ask_name(cli, question, self->hex, err))
        return false;
    key = cli_unlock(cli, self->authority, err);
    if (!key)
        return false;
    crl = serial_only_revoke(cli->store, self->authority, key, &self->entry, self->request->reason,
                             self->request->crl_days, err);
    key_free(key);
    if (!crl)
        return false;
    crl_free(crl);
    output_line(&cli->out, _("serial %s revoked; it is on CRL number %llu of \"%s\""), self->hex,
                (unsigned long long)self->authority->crl.number, self->authority->name);
    if (self->request->end_sessions)
        output_warning(&cli->out, _("its open sessions are not ended: known by its number only. "
                                    "\"pgseal sessions\" shows them, d ends them"));
    return bring(self, err);
}

bool revoke_serial_only(struct cli *cli, const struct revoke_request *request, bool *ret_found,
                        struct err *err)
{
    struct numbered self = {.cli = cli, .request = request};
    bool done = find(&self, ret_found, err);

    if (!done || !*ret_found)
        goto out;
    if (self.entry.revoked_at != 0)
        done = err_set(err, ERR_REVOKED_ALREADY, _("the serial number is revoked already"));
    if (done && !self.authority)
        self.authority = authority_load_id(cli->store, self.entry.authority_id, err);
    done = done && self.authority && revoke(&self, err);
out:
    authority_free(self.authority);
    serial_only_clear(&self.entry);
    return done;
}
