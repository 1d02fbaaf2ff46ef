/* plan_file.c - "plan save", "plan apply": an intent goes into a file, and comes back. */
#include "config.h"

#include <stdlib.h>

#include "cli/change.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/fleet.h"
#include "core/plan/saved.h"

static struct saved_plan *of_journal(struct cli *cli, int64_t id, struct err *err)
{
    struct journal_plan *row =
        cli_store(cli, STORE_WRITE, err) ? journal_load(cli->store, id, err) : NULL;
    struct saved_plan *saved = row ? saved_from_journal(row, err) : NULL;

    journal_plan_free(row);
    return saved;
}

/* A number is a plan of the journal; a file of that name is "./12". */
static struct saved_plan *read_saved(struct cli *cli, const char *name, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct saved_plan *saved = NULL;
    int64_t id;

    if (text_parse_int(name, 1, INT64_MAX, &id))
        return of_journal(cli, id, err);
    if (cli_read_input(name, SAVED_MAX, &text, err))
        saved = saved_parse(text.data, text.len, err);
    strbuf_clear(&text);
    return saved;
}

/* The key of the CA that shall sign, where the plan needs one. */
static bool unlock(struct cli *cli, const struct saved_plan *saved, struct key **ret,
                   struct err *err)
{
    const char *name = saved_needs_key_of(saved);
    struct authority *authority;

    *ret = NULL;
    if (!name)
        return true;
    authority = authority_load(cli->store, name, err);
    if (authority)
        *ret = cli_unlock(cli, authority, err);
    authority_free(authority);
    return *ret != NULL;
}

struct applying {
    const struct saved_plan *saved;
    const struct key *key;
};

static struct plan *make_member(void *arg, const struct plan_target *target, struct err *err)
{
    const struct applying *self = arg;

    return saved_make_member(self->saved, target, self->key, err);
}

/* Each member gets it, and is remembered where it was away. */
static bool apply_to_cluster(struct cli *cli, const char *cluster, const struct saved_plan *saved,
                             struct err *err)
{
    struct applying self = {.saved = saved};
    char *what = mem_printf(_("plan file \"%s\""), cli->args->names[0]);
    struct fleet_order order = {.make = make_member, .arg = &self, .what = what};
    struct key *key = NULL;
    bool done = unlock(cli, saved, &key, err);

    self.key = key;
    done = done && change_run(cli, cluster, &order, err);
    key_free(key);
    free(what);
    return done;
}

static bool apply_to_one(struct cli *cli, const char *server, const struct saved_plan *saved,
                         struct err *err)
{
    struct change change = {0};
    struct key *key = NULL;
    bool done = change_open(cli, server, &change, err) && unlock(cli, saved, &key, err) &&
                change_apply(&change, saved_make(saved, &change.target, key, err), err);

    change_close(&change);
    key_free(key);
    return done;
}

bool run_plan_apply(struct cli *cli, struct err *err)
{
    const char *server = args_value(cli->args, OPT_SERVER);
    struct saved_plan *saved = read_saved(cli, cli->args->names[0], err);
    bool is_cluster = false;
    bool done = false;

    if (!saved)
        return false;
    if (!server)
        server = saved->server;
    if (cli_store(cli, STORE_WRITE, err) && server_is_cluster(cli->store, server, &is_cluster, err))
        done = is_cluster ? apply_to_cluster(cli, server, saved, err)
                          : apply_to_one(cli, server, saved, err);
    saved_free(saved);
    return done;
}

/* The plan is made again: the file holds what the server is like now. */
bool run_plan_save(struct cli *cli, struct err *err)
{
    const char *path = cli->args->names[1];
    struct saved_plan *saved = NULL;
    struct change change = {0};
    struct plan *plan = NULL;
    struct key *key = NULL;
    bool done = false;
    int64_t id;

    if (!text_parse_int(cli->args->names[0], 1, INT64_MAX, &id))
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a plan"),
                       cli->args->names[0]);
    saved = of_journal(cli, id, err);
    if (!saved)
        return false;
    saved_forget_saw(saved);
    if (!change_open(cli, saved->server, &change, err) || !unlock(cli, saved, &key, err))
        goto out;
    plan = saved_make(saved, &change.target, key, err);
    done = plan && change_save(&change, plan, path, err);
    if (done && cli->out.json)
        output_json(change_plan_json(plan, change.server->name), false);
out:
    plan_free(plan);
    change_close(&change);
    key_free(key);
    saved_free(saved);
    return done;
}
