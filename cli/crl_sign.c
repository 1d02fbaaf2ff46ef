/*
 * crl_sign.c - "crl sign", "crl presign": what needs the CA's key.
 *
 * Servers are not touched: the machine with the key may be one that reaches none. "crl refresh" takes
 * the lists there.
 */
#include "config.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/crl.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/crl_ahead.h"
#include "core/store/published.h"

/* What the date means: said wherever one is chosen. */
static void say_consequence(struct cli *cli, const struct authority *authority)
{
    char date[96];
    size_t behind = 0;
    struct err ignored = ERR_INIT; /* only a hint hangs on it */

    output_note(&cli->out,
                _("Each server needs another list before %s: after that it refuses everybody with "
                  "a certificate of \"%s\"."),
                record_date(date, sizeof(date), authority->crl.until), authority->name);
    if (published_count_behind(cli->store, &behind, &ignored) && behind > 0)
        output_note(&cli->out,
                    ngettext("next   pgseal crl refresh: %zu server has an older list",
                             "next   pgseal crl refresh: %zu servers have an older list",
                             (unsigned long)behind),
                    behind);
}

static bool sign_next(struct cli *cli, struct authority *authority, int days, struct err *err)
{
    struct key *key = NULL;
    struct crl *crl = NULL;
    char question[200];

    snprintf(question, sizeof(question), _("Sign CRL number %llu of the CA \"%s\"?"),
             (unsigned long long)(authority->crl.number + authority->crl.ahead) + 1,
             authority->name);
    if (!ask_yes(cli, question, err))
        return false;
    key = cli_unlock(cli, authority, err);
    if (key)
        crl = authority_sign_crl(cli->store, authority, key, days, err);
    key_free(key);
    if (!crl)
        return false;
    crl_print(cli, authority, crl);
    crl_free(crl);
    say_consequence(cli, authority);
    return true;
}

bool run_crl_sign(struct cli *cli, struct err *err)
{
    struct authority *authority = NULL;
    int64_t days;
    bool done;

    if (!args_int(cli->args, OPT_DAYS, 1, 36525, 0, &days, err) ||
        !cli_store(cli, STORE_WRITE, err))
        return false;
    authority = cli_authority(cli, err);
    if (!authority)
        return false;
    if (days > 0 && authority->crl.ahead > 0)
        output_note(&cli->out, _("%llu lists that are signed for later are given up by this"),
                    (unsigned long long)authority->crl.ahead);
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would sign CRL number %llu of the CA \"%s\""),
                    (unsigned long long)(authority->crl.number + authority->crl.ahead) + 1,
                    authority->name);
        done = true;
    } else {
        done = sign_next(cli, authority, (int)days, err);
    }
    authority_free(authority);
    return done;
}

/* ---- a set ---- */

static json_t *set_json(const struct authority *authority, const struct crl_ahead_list *list)
{
    json_t *rows = json_array();

    json_array_append_new(rows,
                          json_pack("{s:I, s:o, s:o}", "number", (json_int_t)authority->crl.number,
                                    "due", json_time(clock_now()), "next_update",
                                    json_time(authority->crl.next_update)));
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(rows, json_pack("{s:I, s:o, s:o}", "number",
                                              (json_int_t)list->rows[i].number, "due",
                                              json_time(list->rows[i].due_at), "next_update",
                                              json_time(list->rows[i].next_update)));
    return json_pack("{s:o, s:o}", "ca", json_string_or_empty(authority->name), "lists", rows);
}

static bool print_set(struct cli *cli, const struct authority *authority, struct err *err)
{
    struct crl_ahead_list list = {.n = 0};
    char due[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];

    if (!crl_ahead_list(cli->store, authority->id, &list, err))
        return false;
    if (cli->out.json) {
        output_json(set_json(authority, &list), false);
    } else {
        output_line(&cli->out, _("CRL number %llu of \"%s\": from now on, until %s"),
                    (unsigned long long)authority->crl.number, authority->name,
                    clock_format_date(end, authority->crl.next_update));
        for (size_t i = 0; i < list.n; i++)
            output_line(&cli->out, _("CRL number %llu: from %s, until %s"),
                        (unsigned long long)list.rows[i].number,
                        clock_format_date(due, list.rows[i].due_at),
                        clock_format_date(end, list.rows[i].next_update));
    }
    crl_ahead_list_clear(&list);
    say_consequence(cli, authority);
    output_note(&cli->out, _("A timer that runs \"pgseal crl refresh --yes\" publishes each on its "
                             "day, without the key: see \"pgseal crl refresh --print-cron\"."));
    return true;
}

bool run_crl_presign(struct cli *cli, struct err *err)
{
    struct crl_ahead_spec spec;
    struct authority *authority = NULL;
    struct key *key = NULL;
    int64_t months, days;
    size_t lists = 0;
    char question[200];
    bool done = false;

    if (!args_int(cli->args, OPT_MONTHS, 2, CRL_AHEAD_MAX, 12, &months, err) ||
        !args_int(cli->args, OPT_DAYS, 1, 3650, CRL_AHEAD_DAYS, &days, err) ||
        !cli_store(cli, STORE_WRITE, err))
        return false;
    authority = cli_authority(cli, err);
    if (!authority)
        return false;
    spec = (struct crl_ahead_spec){.lists = (int)months, .days = (int)days};
    snprintf(question, sizeof(question),
             _("Sign %d lists of the CA \"%s\", one a month, each good for %d days?"), spec.lists,
             authority->name, spec.days);
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would sign %d lists of \"%s\", one a month, %d days each"),
                    spec.lists, authority->name, spec.days);
        done = true;
        goto out;
    }
    if (!ask_yes(cli, question, err))
        goto out;
    key = cli_unlock(cli, authority, err);
    done = key && crl_ahead_sign(cli->store, authority, key, &spec, &lists, err) &&
           print_set(cli, authority, err);
out:
    key_free(key);
    authority_free(authority);
    return done;
}
