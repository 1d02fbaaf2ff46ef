/* rotation.c - rows of rotation, rotation_event and rotation_server. */
#include "config.h"

#include "core/store/rotation.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/sql.h"

#define COLUMNS                                                                                    \
    "id, kind, name, phase, since, started_at, ended_at, given_up, old_authority_id,"              \
    " new_authority_id, old_foreign_id, new_foreign_id, quiet_seconds, folder, options, version"   \
    " FROM rotation "

const char *rotation_kind_name(enum rotation_kind kind)
{
    switch (kind) {
    case ROTATION_CLIENT:
        break;
    case ROTATION_CLIENT_CA:
        return "client-ca";
    case ROTATION_CA_LIFE:
        return "ca-life";
    case ROTATION_SERVER:
        return "server";
    case ROTATION_SERVER_CA:
        return "server-ca";
    case ROTATION_EMERGENCY:
        return "emergency";
    }
    return "client";
}

void rotation_free(struct rotation *rotation)
{
    if (rotation == NULL)
        return;
    free(rotation->name);
    free(rotation->folder);
    free(rotation->options);
    free(rotation);
}

void rotation_list_clear(struct rotation_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        rotation_free(list->rows[i]);
    free(list->rows);
    *list = (struct rotation_list){.n = 0};
}

/* ---- reading ---- */

static struct rotation *read_row(const struct sql *sql)
{
    struct rotation *row = mem_zalloc(sizeof(*row));

    row->id = sql_int(sql, 0);
    row->kind = (enum rotation_kind)sql_int(sql, 1);
    row->name = sql_text(sql, 2);
    row->phase = (int)sql_int(sql, 3);
    row->since = sql_int(sql, 4);
    row->started_at = sql_int(sql, 5);
    row->ended_at = sql_int(sql, 6);
    row->given_up = sql_int(sql, 7) != 0;
    row->old_authority_id = sql_int(sql, 8);
    row->new_authority_id = sql_int(sql, 9);
    row->old_foreign_id = sql_int(sql, 10);
    row->new_foreign_id = sql_int(sql, 11);
    row->quiet_seconds = sql_int(sql, 12);
    row->folder = sql_text(sql, 13);
    row->options = sql_text(sql, 14);
    row->version = sql_int(sql, 15);
    return row;
}

/* Runs it to the end and frees it. */
static bool read_rows(struct sql *sql, struct rotation_list *ret, struct err *err)
{
    struct rotation_list list = {.n = 0};
    bool row = false;
    bool ok;

    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(struct rotation *));
        list.rows[list.n++] = read_row(sql);
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        rotation_list_clear(&list);
    return ok;
}

bool rotation_list(struct store *store, bool ended, struct rotation_list *ret, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                ended ? "SELECT " COLUMNS "ORDER BY ended_at IS NOT NULL, started_at DESC, id DESC"
                      : "SELECT " COLUMNS "WHERE ended_at IS NULL ORDER BY started_at, id",
                err);

    return sql != NULL && read_rows(sql, ret, err);
}

struct rotation *rotation_load(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT " COLUMNS "WHERE id = ?1", err);
    struct rotation_list list = {.n = 0};
    struct rotation *found = NULL;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (!read_rows(sql, &list, err))
        return NULL;
    if (list.n > 0) {
        found = list.rows[0];
        list.rows[0] = NULL;
    } else {
        err_set(err, ERR_ROTATION_UNKNOWN, _("there is no rotation %lld"), (long long)id);
    }
    rotation_list_clear(&list);
    return found;
}

static void say_several(const struct rotation_list *list, struct err *err)
{
    struct strbuf names = STRBUF_INIT;

    for (size_t i = 0; i < list->n; i++)
        strbuf_printf(&names, "%s#%lld %s \"%s\"", i > 0 ? ", " : "", (long long)list->rows[i]->id,
                      rotation_kind_name(list->rows[i]->kind), list->rows[i]->name);
    err_set(err, ERR_ROTATION_UNKNOWN, _("%zu rotations are under way: %s"), list->n, names.data);
    err_hint(err, _("Name one of them; \"#%lld\" is the first."), (long long)list->rows[0]->id);
    strbuf_clear(&names);
}

static bool list_named(struct store *store, const char *name, struct rotation_list *ret,
                       struct err *err)
{
    struct sql *sql;
    int64_t id = 0;

    if (name == NULL)
        return rotation_list(store, false, ret, err);
    if (name[0] == '#' && text_parse_int(name + 1, 1, INT64_MAX, &id)) {
        sql = sql_new(store, "SELECT " COLUMNS "WHERE ended_at IS NULL AND id = ?1", err);
        if (sql != NULL)
            sql_bind_int(sql, 1, id);
    } else {
        sql = sql_new(store, "SELECT " COLUMNS "WHERE ended_at IS NULL AND name = ?1 ORDER BY id",
                      err);
        if (sql != NULL)
            sql_bind_text(sql, 1, name);
    }
    return sql != NULL && read_rows(sql, ret, err);
}

struct rotation *rotation_find(struct store *store, const char *name, struct err *err)
{
    struct rotation_list list = {.n = 0};
    struct rotation *found = NULL;

    if (!list_named(store, name, &list, err))
        return NULL;
    if (list.n == 1) {
        found = list.rows[0];
        list.rows[0] = NULL;
    } else if (list.n > 1) {
        say_several(&list, err);
    } else if (name != NULL) {
        err_set(err, ERR_ROTATION_UNKNOWN, _("no rotation of \"%s\" is under way"), name);
    } else {
        err_set(err, ERR_ROTATION_UNKNOWN, _("no rotation is under way"));
        err_hint(err, _("\"pgseal rotate ca NAME\" begins one."));
    }
    rotation_list_clear(&list);
    return found;
}

/* ---- writing ---- */

/* Inside a transaction: the log, and the rotation's own history with the same words. */
static bool note(struct store *store, const struct rotation *rotation, const char *act,
                 const char *detail, struct err *err)
{
    char *object = mem_printf("%s \"%s\"", rotation_kind_name(rotation->kind), rotation->name);
    bool ok = store_note(store, act, object, detail, err);
    int64_t log_id = sql_last_id(store);
    struct sql *sql = NULL;

    free(object);
    if (ok)
        sql = sql_new(store,
                      "INSERT INTO rotation_event (rotation_id, n, at, phase, who, detail)"
                      " SELECT ?1, 1 + coalesce((SELECT max(n) FROM rotation_event"
                      " WHERE rotation_id = ?1), 0), at, ?2, who, ?3 FROM log WHERE id = ?4",
                      err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation->id);
    sql_bind_int(sql, 2, rotation->phase);
    sql_bind_text(sql, 3, detail);
    sql_bind_int(sql, 4, log_id);
    return sql_run(sql, err);
}

static void bind_id(struct sql *sql, int at, int64_t id)
{
    if (id != 0)
        sql_bind_int(sql, at, id);
    else
        sql_bind_null(sql, at);
}

/* Parameters 1 to 11; the statement says which columns they are. */
static void bind_fields(struct sql *sql, const struct rotation *rotation)
{
    sql_bind_int(sql, 1, rotation->phase);
    sql_bind_int(sql, 2, rotation->since);
    bind_id(sql, 3, rotation->ended_at);
    sql_bind_int(sql, 4, rotation->given_up);
    bind_id(sql, 5, rotation->old_authority_id);
    bind_id(sql, 6, rotation->new_authority_id);
    bind_id(sql, 7, rotation->old_foreign_id);
    bind_id(sql, 8, rotation->new_foreign_id);
    sql_bind_int(sql, 9, rotation->quiet_seconds);
    sql_bind_text(sql, 10, rotation->folder != NULL ? rotation->folder : "");
    sql_bind_text(sql, 11, rotation->options != NULL ? rotation->options : "{}");
}

static bool check_none(struct store *store, const struct rotation *rotation, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT id FROM rotation WHERE ended_at IS NULL AND kind = ?1"
                              " AND name = ?2",
                              err);
    int64_t id = 0;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation->kind);
    sql_bind_text(sql, 2, rotation->name);
    if (!sql_run_int(sql, 0, &id, err))
        return false;
    if (id == 0)
        return true;
    err_set(err, ERR_ROTATION_EXISTS, _("a rotation of \"%s\" is under way already: #%lld"),
            rotation->name, (long long)id);
    return err_hint(err, _("\"pgseal rotate status\" shows it, \"rotate next\" takes it up."));
}

static bool insert(struct store *store, struct rotation *rotation, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO rotation (phase, since, ended_at, given_up, old_authority_id,"
                " new_authority_id, old_foreign_id, new_foreign_id, quiet_seconds, folder,"
                " options, kind, name, started_at, version)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?2, 1)",
                err);

    if (sql == NULL)
        return false;
    bind_fields(sql, rotation);
    sql_bind_int(sql, 12, rotation->kind);
    sql_bind_text(sql, 13, rotation->name);
    if (!sql_run(sql, err))
        return false;
    rotation->id = sql_last_id(store);
    return true;
}

bool rotation_add(struct store *store, struct rotation *rotation, struct err *err)
{
    if (!store_begin(store, err))
        return false;
    rotation->since = rotation->started_at = clock_now();
    rotation->version = 1;
    if (!check_none(store, rotation, err) || !insert(store, rotation, err) ||
        !note(store, rotation, "rotate start", "", err)) {
        store_rollback(store);
        rotation->id = 0;
        return false;
    }
    if (store_commit(store, err))
        return true;
    rotation->id = 0;
    return false;
}

static bool update(struct store *store, const struct rotation *rotation, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "UPDATE rotation SET phase = ?1, since = ?2, ended_at = ?3, given_up = ?4,"
                " old_authority_id = ?5, new_authority_id = ?6, old_foreign_id = ?7,"
                " new_foreign_id = ?8, quiet_seconds = ?9, folder = ?10, options = ?11,"
                " version = version + 1 WHERE id = ?12 AND version = ?13",
                err);

    if (sql == NULL)
        return false;
    bind_fields(sql, rotation);
    sql_bind_int(sql, 12, rotation->id);
    sql_bind_int(sql, 13, rotation->version);
    if (!sql_run(sql, err))
        return false;
    if (sql_changes(store) == 1)
        return true;
    err_set(err, ERR_ROTATION_MOVED,
            _("another admin moved the rotation of \"%s\" on meanwhile: nothing was written"),
            rotation->name);
    return false;
}

bool rotation_save(struct store *store, struct rotation *rotation, const char *detail,
                   struct err *err)
{
    bool good;

    if (!store_begin(store, err))
        return false;
    good = update(store, rotation, err) && note(store, rotation, "rotate", detail, err);
    if (!store_end(store, good, err))
        return false;
    rotation->version++;
    return true;
}

/* ---- history ---- */

bool rotation_history(struct store *store, int64_t rotation_id, struct rotation_history *ret,
                      struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT at, phase, who, detail FROM rotation_event"
                              " WHERE rotation_id = ?1 ORDER BY n",
                              err);
    struct rotation_history history = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        history.rows = mem_realloc_array(history.rows, history.n + 1, sizeof(history.rows[0]));
        history.rows[history.n++] = (struct rotation_event){.at = sql_int(sql, 0),
                                                            .phase = (int)sql_int(sql, 1),
                                                            .who = sql_text(sql, 2),
                                                            .detail = sql_text(sql, 3)};
    }
    sql_free(sql);
    if (ok)
        *ret = history;
    else
        rotation_history_clear(&history);
    return ok;
}

void rotation_history_clear(struct rotation_history *history)
{
    for (size_t i = 0; i < history->n; i++) {
        free(history->rows[i].who);
        free(history->rows[i].detail);
    }
    free(history->rows);
    *history = (struct rotation_history){.n = 0};
}

/* ---- servers ---- */

bool rotation_servers(struct store *store, int64_t rotation_id, struct rotation_server_list *ret,
                      struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT r.server_id, s.name, r.chosen, r.phase, r.state, r.at,"
                              " r.plan_id, r.why FROM rotation_server AS r JOIN server AS s"
                              " ON s.id = r.server_id WHERE r.rotation_id = ?1 ORDER BY s.name",
                              err);
    struct rotation_server_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(list.rows[0]));
        list.rows[list.n++] =
            (struct rotation_server){.server_id = sql_int(sql, 0),
                                     .server = sql_text(sql, 1),
                                     .chosen = sql_int(sql, 2) != 0,
                                     .phase = (int)sql_int(sql, 3),
                                     .state = (enum rotation_server_state)sql_int(sql, 4),
                                     .at = sql_int(sql, 5),
                                     .plan_id = sql_int(sql, 6),
                                     .why = sql_text(sql, 7)};
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        rotation_server_list_clear(&list);
    return ok;
}

void rotation_server_list_clear(struct rotation_server_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].server);
        free(list->rows[i].why);
    }
    free(list->rows);
    *list = (struct rotation_server_list){.n = 0};
}

bool rotation_set_server(struct store *store, int64_t rotation_id,
                         const struct rotation_server *row, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO rotation_server (rotation_id, server_id, chosen, phase, state, at,"
                " plan_id, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                " ON CONFLICT (rotation_id, server_id) DO UPDATE SET chosen = excluded.chosen,"
                " phase = excluded.phase, state = excluded.state, at = excluded.at,"
                " plan_id = excluded.plan_id, why = excluded.why",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, row->server_id);
    sql_bind_int(sql, 3, row->chosen);
    sql_bind_int(sql, 4, row->phase);
    sql_bind_int(sql, 5, row->state);
    sql_bind_int(sql, 6, clock_now());
    bind_id(sql, 7, row->plan_id);
    sql_bind_text(sql, 8, row->why != NULL ? row->why : "");
    return sql_run(sql, err);
}
