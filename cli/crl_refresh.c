/*
 * crl_refresh.c - "crl refresh": every server gets the list that is due, from a terminal or a timer.
 *
 * Key      none is needed: what is signed already goes where it is missing. Only a list that ends soon,
 *          with none for later behind it, wants one: it is signed where the key can be had without a
 *          question (no passphrase, --passphrase-file) or a person is there; else that is said (exit 6).
 *          A list that cannot be signed keeps none that is signed from its servers.
 * Safe     any number side by side: each server has a lock, and whoever comes later finds nothing to do.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/publish.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/cron.h"

struct refresh {
    struct cli *cli;
    int days;
    struct authority_list cas; /* that servers trust, or --ca names */
    size_t n_signed, n_unsigned;
    json_t *lists; /* what was, or must be, signed */
    struct publish_results results;
};

/* ---- lists that end ---- */

/* With a third of its life left, and never more than 30 days: then there is time for a person. */
static bool ends_soon(const struct authority *authority)
{
    int64_t left = authority->crl.until - clock_now();
    int64_t third = (authority->crl.next_update - authority->crl.this_update) / 3;
    int64_t soon = third < 30 * CLOCK_DAY ? third : 30 * CLOCK_DAY;

    return left <= soon && authority->crl.until < cert_not_after(authority->cert);
}

/* Its key cannot be had without a person, and there is none. */
static bool wants_person(struct refresh *refresh, const struct authority *authority)
{
    struct cli *cli = refresh->cli;
    bool given = args_has(cli->args, OPT_PASSPHRASE_FILE) ||
                 args_has(cli->args, OPT_PASSPHRASE_FD) || cli->passphrase;

    return !authority->has_key || (authority->key_encrypted && !given && !ask_possible(cli));
}

/* ret NULL and true: it cannot be had without a person. */
static bool get_key(struct refresh *refresh, const struct authority *authority, struct key **ret,
                    struct err *err)
{
    *ret = NULL;
    if (wants_person(refresh, authority))
        return true;
    *ret = cli_unlock(refresh->cli, authority, err);
    return *ret != NULL;
}

/* why: it could not be signed for this reason; NULL: it was, or there is no key. */
static void note_list(struct refresh *refresh, const struct authority *authority, bool done,
                      const struct err *why)
{
    char date[96];

    (void)record_date(date, sizeof(date), authority->crl.until);
    json_array_append_new(refresh->lists,
                          json_pack("{s:o, s:I, s:o, s:b}", "ca",
                                    json_string_or_empty(authority->name), "number",
                                    (json_int_t)authority->crl.number, "next_update",
                                    json_time(authority->crl.until), "signed", done));
    if (refresh->cli->out.json)
        return;
    if (done && refresh->cli->out.quiet)
        return;
    if (done)
        output_line(&refresh->cli->out, _("[ok] CRL number %llu of \"%s\" signed, until %s"),
                    (unsigned long long)authority->crl.number, authority->name, date);
    else if (why)
        output_line(&refresh->cli->out,
                    _("[!!] the CRL of \"%s\" ends %s, and was not signed: %s (PS-%d)"),
                    authority->name, date, why->msg, (int)why->code);
    else
        output_line(&refresh->cli->out,
                    _("[!!] the CRL of \"%s\" ends %s, and its key wants an answer or is not "
                      "here: \"pgseal crl sign\" or \"pgseal crl presign\", by hand"),
                    authority->name, date);
}

static bool sign_one(struct refresh *refresh, struct authority *authority, bool *ret_signed,
                     struct err *err)
{
    struct key *key = NULL;
    struct crl *crl;

    *ret_signed = false;
    if (!get_key(refresh, authority, &key, err))
        return false;
    if (!key)
        return true;
    crl = authority_sign_crl(refresh->cli->store, authority, key, refresh->days, err);
    key_free(key);
    crl_free(crl);
    *ret_signed = crl != NULL;
    return crl != NULL;
}

/* Nobody asked for this list by name, and others wait for theirs: a revocation may be on them. */
static bool may_go_on(const struct refresh *refresh, const struct err *why)
{
    return refresh->days == 0 && !args_has(refresh->cli->args, OPT_CA) &&
           why->code != ERR_CANCELLED;
}

static bool sign_or_say(struct refresh *refresh, struct authority *authority, struct err *err)
{
    struct err why = ERR_INIT;
    bool is_signed = false;
    bool good = sign_one(refresh, authority, &is_signed, &why);

    if (!good && !may_go_on(refresh, &why)) {
        *err = why;
        return false;
    }
    refresh->n_signed += is_signed;
    refresh->n_unsigned += !is_signed;
    note_list(refresh, authority, is_signed, good ? NULL : &why);
    return true;
}

/* A list with no server is nobody's worry but "check"'s. */
static bool is_used(struct refresh *refresh, const struct authority *authority, bool *ret,
                    struct err *err)
{
    struct server_list servers = {.n = 0};

    if (!server_list_trusting(refresh->cli->store, authority->id, &servers, err))
        return false;
    *ret = servers.n > 0;
    server_list_clear(&servers);
    return true;
}

static bool wants_signing(struct refresh *refresh, const struct authority *authority, bool *ret,
                          struct err *err)
{
    *ret = refresh->days > 0 || ends_soon(authority);
    if (!*ret || args_has(refresh->cli->args, OPT_CA))
        return true;
    return is_used(refresh, authority, ret, err);
}

static bool load_cas(struct refresh *refresh, struct err *err)
{
    struct cli *cli = refresh->cli;
    struct authority *named;

    if (!args_has(cli->args, OPT_CA))
        return authority_list(cli->store, &refresh->cas, err);
    named = cli_authority(cli, err);
    if (!named)
        return false;
    refresh->cas.rows = mem_array(1, sizeof(refresh->cas.rows[0]));
    refresh->cas.rows[refresh->cas.n++] = named;
    return true;
}

/* ---- what there is to do ---- */

static bool wanted_servers(struct refresh *refresh, struct server_list *ret, struct err *err)
{
    struct cli *cli = refresh->cli;
    int64_t ca = args_has(cli->args, OPT_CA) ? refresh->cas.rows[0]->id : 0;

    if (args_has(cli->args, OPT_SERVER))
        return publish_named_servers(cli, ret, err);
    return publish_list_servers(cli->store, ca, ret, err);
}

static bool count_signing(struct refresh *refresh, size_t *ret, struct err *err)
{
    *ret = 0;
    for (size_t i = 0; i < refresh->cas.n; i++) {
        bool wants = false;

        if (!wants_signing(refresh, refresh->cas.rows[i], &wants, err))
            return false;
        *ret += wants;
    }
    return true;
}

/* It has the list, and is visited all the same. */
static void show_again(struct cli *cli, const struct published *row, bool is_result)
{
    void (*print)(const struct output *, const char *, ...) = is_result ? output_line : output_note;

    if (row->n_sessions > 0)
        print(&cli->out, _("%s: open sessions of revoked certificates of \"%s\" are to be ended"),
              row->server, row->authority);
    else
        print(&cli->out, _("%s: is looked at again for \"%s\"; the last attempt: %s"), row->server,
              row->authority, row->why);
}

/* Who has to be visited, as far as the store knows: for the question and for --dry-run. */
static size_t show_behind(struct refresh *refresh, const struct server_list *servers,
                          bool is_result)
{
    struct cli *cli = refresh->cli;
    size_t n = 0;

    for (size_t i = 0; i < servers->n; i++) {
        struct published_list list = {.n = 0};
        struct err ignored = ERR_INIT; /* the run itself will say it */

        if (!published_list(cli->store, servers->rows[i]->name, 0, &list, &ignored))
            continue;
        for (size_t k = 0; k < list.n; k++) {
            const struct published *row = &list.rows[k];
            void (*print)(const struct output *, const char *, ...) =
                is_result ? output_line : output_note;

            if (row->known && !row->behind && row->n_sessions == 0 && row->failed_at == 0)
                continue;
            n++;
            if (row->known && !row->behind) {
                show_again(cli, row, is_result);
                continue;
            }
            print(&cli->out, _("%s: has CRL number %llu of \"%s\", gets number %llu%s%s"),
                  row->server, (unsigned long long)row->number, row->authority,
                  (unsigned long long)row->current, *row->why ? _("; the last attempt: ") : "",
                  row->why);
        }
        published_list_clear(&list);
    }
    return n;
}

static bool ask(struct refresh *refresh, size_t n_sign, const struct server_list *servers,
                struct err *err)
{
    char question[200];
    size_t n = show_behind(refresh, servers, false);

    if (n_sign + n == 0)
        return true; /* a look only */
    snprintf(question, sizeof(question), _("Sign %zu lists, bring %zu to their servers?"), n_sign,
             n);
    return ask_yes(refresh->cli, question, err);
}

static void print_end(struct refresh *refresh)
{
    struct cli *cli = refresh->cli;
    size_t same = 0;

    for (size_t i = 0; i < refresh->results.n; i++)
        same += refresh->results.rows[i].state == PUBLISH_SAME;
    if (same == refresh->results.n && refresh->n_signed + refresh->n_unsigned == 0) {
        if (cli->out.quiet)
            return;
        output_line(
            &cli->out,
            ngettext("[ok] nothing to do: %zu server has the current lists, as last proven there",
                     "[ok] nothing to do: %zu servers have the current lists, as last proven there",
                     (unsigned long)same),
            same);
    } else {
        publish_print(cli, &refresh->results);
    }
}

static bool judge(struct refresh *refresh, struct err *err)
{
    struct cli *cli = refresh->cli;
    bool good = publish_judge(cli, &refresh->results, false, err);
    json_t *document = json_pack("{s:O, s:o}", "lists", refresh->lists, "servers",
                                 publish_json(&refresh->results));

    if (cli->out.json && good)
        output_json(document, false);
    else if (cli->out.json)
        cli->out.done = document;
    else
        json_decref(document);
    return good;
}

/* What would be signed, and what would not for want of a passphrase: then as the run would end. */
static bool show_signing(struct refresh *refresh, struct err *err)
{
    struct cli *cli = refresh->cli;

    for (size_t i = 0; i < refresh->cas.n; i++) {
        const struct authority *authority = refresh->cas.rows[i];
        bool wants = false;

        if (!wants_signing(refresh, authority, &wants, err))
            return false;
        if (!wants)
            continue;
        if (!wants_person(refresh, authority)) {
            output_line(&cli->out,
                        authority->key_encrypted
                            ? _("would sign the list of \"%s\", with the passphrase of its key")
                            : _("would sign the list of \"%s\""),
                        authority->name);
            continue;
        }
        output_line(&cli->out,
                    authority->has_key
                        ? _("[!!] would not sign the list of \"%s\": its key has a passphrase, "
                            "which is given by --passphrase-file or typed")
                        : _("[!!] would not sign the list of \"%s\": its key is not here"),
                    authority->name);
        cli->exit = EXIT_FOUND;
    }
    return true;
}

static bool run(struct refresh *refresh, struct err *err)
{
    struct cli *cli = refresh->cli;
    struct fleet_door door = publish_door(cli);
    struct server_list servers = {.n = 0};
    struct publish_request request = {
        .servers = &servers, .door = &door, .only_behind = !args_has(cli->args, OPT_SERVER)};
    struct publish_progress progress;
    size_t n_sign = 0;
    bool done = false;

    if (!load_cas(refresh, err) || !count_signing(refresh, &n_sign, err) ||
        !wanted_servers(refresh, &servers, err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        if (show_behind(refresh, &servers, true) + n_sign == 0)
            output_line(&cli->out, _("nothing to do"));
        done = show_signing(refresh, err);
        goto out;
    }
    if (!ask(refresh, n_sign, &servers, err))
        goto out;
    for (size_t i = 0; i < refresh->cas.n; i++) {
        bool wants = false;

        if (!wants_signing(refresh, refresh->cas.rows[i], &wants, err) ||
            (wants && !sign_or_say(refresh, refresh->cas.rows[i], err)))
            goto out;
    }
    publish_progress_begin(cli, &progress);
    done = publish_run(cli->store, &request, &progress.watch, &refresh->results, err);
    publish_progress_end(&progress);
    if (done)
        print_end(refresh);
    done = done && judge(refresh, err);
    if (done && refresh->n_unsigned > 0)
        cli->exit = EXIT_FOUND;
out:
    server_list_clear(&servers);
    return done;
}

/* ---- the lines for cron ---- */

static void print_cron(struct cli *cli, const char *folder)
{
    struct strbuf lines = STRBUF_INIT;

    cron_lines(folder, (unsigned)getpid() % 60, "", &lines); /* not all machines at once */
    output_line(&cli->out,
                _("# crontab -e, as the owner of the store: mail comes when something is "
                  "wrong"));
    output_line(&cli->out, "%.*s", (int)lines.len - 1, lines.data);
    strbuf_clear(&lines);
}

bool run_crl_refresh(struct cli *cli, struct err *err)
{
    struct refresh refresh = {.cli = cli};
    int64_t days;
    bool done = false;

    if (args_has(cli->args, OPT_PRINT_CRON)) {
        char *folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);

        if (folder)
            print_cron(cli, folder);
        done = folder != NULL;
        free(folder);
        return done;
    }
    if (!args_int(cli->args, OPT_DAYS, 1, 36525, 0, &days, err) ||
        (!args_has(cli->args, OPT_DRY_RUN) && !cli_may_change_servers(cli, err)) ||
        !cli_store(cli, STORE_WRITE, err))
        return false;
    refresh.days = (int)days;
    refresh.lists = json_array();
    done = run(&refresh, err);
    json_decref(refresh.lists);
    authority_list_clear(&refresh.cas);
    publish_results_clear(&refresh.results);
    return done;
}
