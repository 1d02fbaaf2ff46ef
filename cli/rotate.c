/* rotate.c - "rotate": begin one, look at it, mark a line of its list. */
#include "config.h"

#include "cli/rotate.h"

#include <stdlib.h>
#include <string.h>

#include "cli/day.h"
#include "cli/publish.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"

#define FILE_MAX_BYTES (1u << 20)

/* ---- begin ---- */

bool rotate_quiet_option(struct cli *cli, int64_t *ret, struct err *err)
{
    const char *text = args_value(cli->args, OPT_QUIET_TIME);

    *ret = 0;
    if (text == NULL || (day_parse_age(text, ret, err) && *ret > 0))
        return true;
    err_set(err, ERR_BAD_VALUE, _("\"--quiet-time\" wants a time, not \"%s\""), text);
    return err_hint(err, _("As 7d, 12h or 90m."));
}

static bool show_new(struct cli *cli, struct rotation *rotation, struct err *err)
{
    const struct rotate_request request = {.folder = NULL};
    struct rotate_status status = {.n_phases = 0};

    if (!rotate_look(cli->store, rotation, &request, false, &status, err))
        return false;
    if (cli->out.json)
        output_json(rotate_json(rotation, &status), false);
    else
        rotate_print(cli, rotation, &status);
    rotate_status_clear(&status);
    return true;
}

static void show_dry(struct cli *cli, const struct rotate_start *start)
{
    size_t n = rotate_phase_count(start->kind);

    if (cli->out.json) {
        output_json(json_pack("{s:b, s:s, s:o}", "dry_run", true, "kind",
                              rotation_kind_name(start->kind), "name", json_text(start->name)),
                    false);
        return;
    }
    output_line(&cli->out, _("would begin: %s"), rotate_kind_words(start->kind));
    for (size_t i = 0; i < n; i++)
        output_line(&cli->out, "  %zu %-10s  %s", i + 1, rotate_phase(start->kind, i)->key,
                    _(rotate_phase(start->kind, i)->title));
}

bool rotate_begin(struct cli *cli, const struct rotate_start *start, struct err *err)
{
    struct rotation *rotation;
    bool dry = args_has(cli->args, OPT_DRY_RUN);
    bool done;

    /* dry: written and rolled back, so that all of a start's refusals are there */
    if (dry && !store_begin(cli->store, err))
        return false;
    rotation = rotate_start(cli->store, start, err);
    if (dry)
        store_rollback(cli->store);
    if (rotation == NULL)
        return false;
    if (dry) {
        show_dry(cli, start);
        done = true;
    } else {
        done = show_new(cli, rotation, err);
    }
    rotation_free(rotation);
    return done;
}

bool rotate_read_cert(struct cli *cli, enum option option, struct cert **ret, struct err *err)
{
    const char *path = args_value(cli->args, option);
    struct strbuf text = STRBUF_INIT;

    (void)cli;
    if (path == NULL)
        return true;
    if (cli_read_input(path, FILE_MAX_BYTES, &text, err))
        *ret = cert_from_pem(text.data, text.len, err);
    if (*ret == NULL)
        err_prefix(err, "\"%s\"", path);
    strbuf_clear(&text);
    return *ret != NULL;
}

static bool read_crl(struct cli *cli, struct crl **ret, struct err *err)
{
    const char *path = args_value(cli->args, OPT_CRL);
    struct strbuf text = STRBUF_INIT;

    if (path == NULL)
        return true;
    if (cli_read_input(path, FILE_MAX_BYTES * 16, &text, err))
        *ret = crl_from_pem(text.data, text.len, err);
    if (*ret == NULL)
        err_prefix(err, "\"%s\"", path);
    strbuf_clear(&text);
    return *ret != NULL;
}

static bool begin_ca(struct cli *cli, enum rotation_kind kind, struct err *err)
{
    const struct args_values *servers = &cli->args->options[OPT_SERVER];
    struct rotate_start start = {.kind = kind,
                                 .name = cli->args->n_names > 0 ? cli->args->names[0] : NULL,
                                 .servers = servers->items,
                                 .n_servers = servers->n,
                                 .new_authority = args_value(cli->args, OPT_TO)};
    struct cert *old = NULL;
    struct cert *other = NULL;
    struct crl *crl = NULL;
    bool done = rotate_quiet_option(cli, &start.quiet_seconds, err) &&
                rotate_read_cert(cli, OPT_OLD_FILE, &old, err) &&
                rotate_read_cert(cli, OPT_TO_FILE, &other, err) && read_crl(cli, &crl, err);

    start.old_foreign = old;
    start.new_foreign = other;
    start.new_foreign_crl = crl;
    if (done && (start.name == NULL) == (old == NULL))
        done = err_set(err, ERR_USAGE,
                       _("name the old CA, or give somebody else's with \"--old-file\""));
    if (done && start.new_authority != NULL && other != NULL)
        done = err_set(err, ERR_USAGE, _("\"--to\" and \"--to-file\" exclude each other"));
    done = done && cli_store(cli, STORE_WRITE, err) && rotate_begin(cli, &start, err);
    cert_free(old);
    cert_free(other);
    crl_free(crl);
    return done;
}

bool run_rotate_ca(struct cli *cli, struct err *err)
{
    return begin_ca(cli, args_has(cli->args, OPT_SAME_KEY) ? ROTATION_CA_LIFE : ROTATION_CLIENT_CA,
                    err);
}

bool run_rotate_emergency(struct cli *cli, struct err *err)
{
    return begin_ca(cli, ROTATION_EMERGENCY, err);
}

/* ---- status ---- */

bool rotate_ask(struct cli *cli, struct rotation *rotation, bool ask, struct rotate_status *ret,
                struct err *err)
{
    const struct fleet_door door = publish_door(cli);
    const struct rotate_request request = {.door = &door};

    return rotate_look(cli->store, rotation, &request, ask && rotation->ended_at == 0, ret, err);
}

static bool show_one(struct cli *cli, struct rotation *rotation, bool ask, json_t *rows,
                     struct err *err)
{
    struct rotate_status status = {.n_phases = 0};

    if (!rotate_ask(cli, rotation, ask, &status, err))
        return false;
    if (rows != NULL)
        json_array_append_new(rows, rotate_json(rotation, &status));
    else
        rotate_print(cli, rotation, &status);
    rotate_status_clear(&status);
    return true;
}

static bool show_all(struct cli *cli, struct err *err)
{
    struct rotation_list list = {.n = 0};
    json_t *rows = cli->out.json ? json_array() : NULL;
    bool done = rotation_list(cli->store, args_has(cli->args, OPT_ALL), &list, err);

    for (size_t i = 0; done && i < list.n; i++)
        done = show_one(cli, list.rows[i], list.n == 1, rows, err);
    if (done && list.n == 0)
        output_note(&cli->out, _("no rotation is under way"));
    if (done && rows != NULL)
        output_json(json_pack("{s:O}", "rotations", rows), false);
    json_decref(rows);
    rotation_list_clear(&list);
    return done;
}

bool run_rotate_status(struct cli *cli, struct err *err)
{
    struct rotation *rotation;
    json_t *rows = NULL;
    bool done;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    if (cli->args->n_names == 0)
        return show_all(cli, err);
    rotation = rotation_find(cli->store, cli->args->names[0], err);
    if (rotation == NULL)
        return false;
    rows = cli->out.json ? json_array() : NULL;
    done = show_one(cli, rotation, true, rows, err);
    if (done && rows != NULL)
        output_json(json_incref(json_array_get(rows, 0)), false);
    json_decref(rows);
    rotation_free(rotation);
    return done;
}

struct rotation *rotate_find_named(struct cli *cli, struct err *err)
{
    if (!cli_store(cli, STORE_WRITE, err))
        return NULL;
    return rotation_find(cli->store, cli->args->n_names > 0 ? cli->args->names[0] : NULL, err);
}

/* ---- marks ---- */

/* dry: written and rolled back, so that a role that is not on the list is refused. */
static bool mark(struct cli *cli, struct rotation *rotation, const char *role, bool without,
                 struct err *err)
{
    bool dry = args_has(cli->args, OPT_DRY_RUN);
    bool done;

    if (dry && !store_begin(cli->store, err))
        return false;
    done = rotate_mark(cli->store, rotation, role, !without, without, err);
    if (dry)
        store_rollback(cli->store);
    return done;
}

bool run_rotate_mark(struct cli *cli, struct err *err)
{
    const char *role = cli->args->names[1];
    const bool handed = args_has(cli->args, OPT_HANDED);
    const bool without = args_has(cli->args, OPT_WITHOUT);
    struct rotation *rotation;
    bool done;

    if (handed == without)
        return err_set(err, ERR_USAGE, _("give \"--handed\" or \"--without\""));
    rotation = rotate_find_named(cli, err);
    if (rotation == NULL)
        return false;
    done = mark(cli, rotation, role, without, err);
    if (done && cli->out.json) {
        json_t *json = json_pack("{s:o, s:b, s:b}", "role", json_text(role), "handed", handed,
                                 "without", without);

        if (args_has(cli->args, OPT_DRY_RUN))
            json_object_set_new(json, "dry_run", json_true());
        output_json(json, false);
    } else if (done && args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would mark \"%s\""), role);
    } else if (done) {
        output_line(&cli->out,
                    without ? _("\"%s\": the rotation goes on without it")
                            : _("\"%s\": handed over"),
                    role);
    }
    rotation_free(rotation);
    return done;
}
