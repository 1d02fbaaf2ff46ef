/* revoke_serial.c - "revoke" for what an imported CA knows by its serial number only. */
#include "config.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/revoke.h"
#include "core/base/intl.h"
#include "core/store/authority_import.h"

static bool revoke(struct cli *cli, const struct serial_only *entry, enum crl_reason reason,
                   int days, struct err *err)
{
    struct authority *authority = authority_load_id(cli->store, entry->authority_id, err);
    struct key *key = NULL;
    struct crl *crl = NULL;
    char hex[SERIAL_HEX_MAX], question[300];

    serial_format_hex(hex, &entry->serial);
    if (!authority)
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would revoke serial %s of \"%s\""), hex, authority->name);
        authority_free(authority);
        return true;
    }
    snprintf(question, sizeof(question), _("Revoking serial %s (%s) cannot be undone"), hex,
             entry->subject);
    if (!ask_name(cli, question, hex, err))
        goto out;
    key = cli_unlock(cli, authority, err);
    if (key)
        crl = serial_only_revoke(cli->store, authority, key, entry, reason, days, err);
    if (crl && cli->out.json)
        output_json(json_pack("{s:s, s:o, s:s, s:I}", "serial", hex, "ca",
                              json_text(authority->name), "reason", crl_reason_name(reason),
                              "crl_number", (json_int_t)authority->crl.number),
                    false);
    else if (crl)
        output_line(&cli->out, _("serial %s revoked; it is on CRL number %llu of \"%s\""), hex,
                    (unsigned long long)authority->crl.number, authority->name);
out:
    key_free(key);
    authority_free(authority);
    if (!crl)
        return false;
    output_note(&cli->out, _("next   pgseal crl refresh: brings it to the servers"));
    crl_free(crl);
    return true;
}

bool revoke_serial_only(struct cli *cli, enum crl_reason reason, int days, bool *ret_found,
                        struct err *err)
{
    struct serial_only entry;
    bool done;

    if (!serial_only_find(cli->store, cli->args->names[0], ret_found, &entry, err))
        return false;
    if (!*ret_found)
        return true;
    if (entry.revoked_at != 0)
        done = err_set(err, ERR_REVOKED_ALREADY, _("the serial number is revoked already"));
    else if (args_has(cli->args, OPT_SERVER))
        done = err_set(err, ERR_USAGE,
                       _("this certificate is known by its number only: \"--server\" comes after, "
                         "as \"pgseal server crl NAME\""));
    else
        done = revoke(cli, &entry, reason, days, err);
    serial_only_clear(&entry);
    return done;
}
