/* use.c - who uses certificates of a CA: looked at, and listed from what was seen. */
#include "config.h"

#include "core/rotate/use.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/rotate/use_part.h"
#include "core/watch/recorder.h"

#define LIMIT_DEFAULT 1000

/* ---- a look ---- */

static bool find_certificates(struct store *store, const struct sessions *sessions,
                              struct session_book *book, struct err *err)
{
    struct session_lookup *lookup = session_book_wanted(book, sessions, store_folder(store));
    struct err ignored = ERR_INIT;
    bool ok;

    if (!lookup)
        return true;
    /* one lock for all of them: a lock for each costs more than the search */
    ok = store_begin_reading(store, err);
    if (ok) {
        ok = session_lookup_names(lookup, store, err);
        ok = store_commit(store, ok ? err : &ignored) && ok;
    }
    if (ok)
        session_book_take(book, lookup);
    else
        session_lookup_free(lookup);
    return ok;
}

static bool record(struct store *store, const struct server *server,
                   const struct sessions *sessions, struct err *err)
{
    struct session_book *book = session_book_new();
    struct recorder *recorder = recorder_new(server->name);
    struct record_batch *batch = NULL;
    bool ok = find_certificates(store, sessions, book, err);

    if (ok) {
        recorder_add(recorder, sessions, book);
        batch = recorder_take(recorder, clock_mono_ms());
        ok = !batch || record_batch_write(batch, store_folder(store), err);
    }
    record_batch_free(batch);
    recorder_free(recorder);
    session_book_free(book);
    return ok;
}

/* Of a member that does not inherit, SET ROLE shows more: for this one statement. */
static bool read_all(struct conn *admin, struct sessions *ret, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct sessions_rights rights;
    struct sessions again;
    struct result *result;

    if (!sessions_read(admin, ret, err))
        return false;
    if (ret->hidden == 0)
        return true;
    result = conn_exec(admin, sessions_rights_sql(), 0, NULL, &ignored);
    if (result && sessions_rights_from_result(result, &rights, &ignored) && rights.could_see_all &&
        conn_run(admin, "SET ROLE pg_read_all_stats", &ignored)) {
        if (sessions_read(admin, &again, &ignored)) {
            sessions_clear(ret);
            *ret = again;
        }
        /* The connection goes on being used: as who it was. */
        if (!conn_run(admin, "RESET ROLE", err)) {
            result_free(result);
            sessions_clear(ret);
            return false;
        }
    }
    result_free(result);
    return true;
}

bool use_look(struct store *store, const struct server *server, struct conn *admin, struct err *err)
{
    struct err away = ERR_INIT;
    struct sessions sessions;
    bool ok;

    /* A server that does not answer any more was not looked at: that is a gap, and no failure. */
    if (!read_all(admin, &sessions, &away))
        return true;
    ok = record(store, server, &sessions, err);
    sessions_clear(&sessions);
    return ok;
}

/* ---- the list ---- */

void use_list_clear(struct use_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct use *use = &list->rows[i];

        free(use->server);
        free(use->role);
        free(use->database);
        free(use->application);
        free(use->address);
        free(use->serial);
        free(use->authority);
    }
    free(list->rows);
    *list = (struct use_list){.n = 0};
}

struct sorted { /* borrowed sightings */
    const struct sighting **rows;
    size_t n;
};

static int compare_text(const char *const *x, const char *const *y, size_t n)
{
    int order = 0;

    for (size_t i = 0; i < n && order == 0; i++)
        order = strcmp(x[i], y[i]);
    return order;
}

static int compare_client(const struct sighting_key *a, const struct sighting_key *b)
{
    const char *const x[] = {a->role, a->application, a->address};
    const char *const y[] = {b->role, b->application, b->address};

    return compare_text(x, y, ARRAY_LEN(x));
}

static int compare_clients(const void *a, const void *b)
{
    return compare_client(&(*(const struct sighting *const *)a)->key,
                          &(*(const struct sighting *const *)b)->key);
}

/* All that a use tells apart: neither the TLS version nor what the client's CA was called then. */
static int compare_alike(const void *a, const void *b)
{
    const struct sighting_key *k = &(*(const struct sighting *const *)a)->key;
    const struct sighting_key *m = &(*(const struct sighting *const *)b)->key;
    const char *const x[] = {k->server, k->database, k->serial};
    const char *const y[] = {m->server, m->database, m->serial};
    int order = compare_client(k, m);

    return order != 0 ? order : compare_text(x, y, ARRAY_LEN(x));
}

static int compare_shown(const void *a, const void *b)
{
    const struct use *x = a;
    const struct use *y = b;
    const char *const of_x[] = {x->role,   x->application, x->address,
                                x->server, x->database,    x->serial};
    const char *const of_y[] = {y->role,   y->application, y->address,
                                y->server, y->database,    y->serial};

    if ((x->open > 0) != (y->open > 0))
        return x->open > 0 ? -1 : 1;
    if (x->last_seen != y->last_seen)
        return x->last_seen > y->last_seen ? -1 : 1;
    return compare_text(of_x, of_y, ARRAY_LEN(of_x));
}

static void take(struct use_list *list, const struct sighting *seen)
{
    list->rows[list->n++] = (struct use){.server = mem_strdup(seen->key.server),
                                         .role = mem_strdup(seen->key.role),
                                         .database = mem_strdup(seen->key.database),
                                         .application = mem_strdup(seen->key.application),
                                         .address = mem_strdup(seen->key.address),
                                         .serial = mem_strdup(seen->key.serial),
                                         .authority = mem_strdup(seen->authority)};
}

static void add_to(struct use *use, const struct sighting *seen)
{
    if (seen->open > 0 && (use->open_since == 0 || seen->open_since < use->open_since))
        use->open_since = seen->open_since;
    use->open += (int)seen->open;
    use->last_seen = seen->last_seen > use->last_seen ? seen->last_seen : use->last_seen;
    use->replication |= seen->walsender;
}

static struct use_list gather(const struct sorted *mine, const struct sorted *others)
{
    struct use_list list = {.rows = mem_array(mine->n + 1, sizeof(*list.rows))};

    for (size_t i = 0; i < mine->n; i++) {
        if (i == 0 || compare_alike(&mine->rows[i - 1], &mine->rows[i]) != 0) {
            take(&list, mine->rows[i]);
            list.rows[list.n - 1].has_new =
                others->n > 0 && bsearch(&mine->rows[i], others->rows, others->n,
                                         sizeof(*others->rows), compare_clients) != NULL;
        }
        add_to(&list.rows[list.n - 1], mine->rows[i]);
    }
    if (list.n > 0)
        qsort(list.rows, list.n, sizeof(*list.rows), compare_shown);
    list.total = (int64_t)list.n;
    return list;
}

static void cut(struct use_list *list, size_t limit)
{
    struct use_list rest;

    if (list->n <= limit)
        return;
    rest = (struct use_list){.rows = mem_array(list->n - limit, sizeof(*rest.rows)),
                             .n = list->n - limit};
    memcpy(rest.rows, list->rows + limit, rest.n * sizeof(*rest.rows));
    list->n = limit;
    use_list_clear(&rest);
}

bool use_list(struct store *store, const struct server_list *servers, const struct use_of *of,
              int64_t since, int limit, struct use_list *ret, struct err *err)
{
    struct sighting_list seen = {.n = 0};
    struct sorted mine = {NULL, 0}, others = {NULL, 0};
    struct use_match match;
    bool ok;

    if (!use_match_init(store, of, &match, err))
        return false;
    ok = use_sightings(store, servers, NULL, since, &seen, err);
    mine.rows = mem_array(seen.n + 1, sizeof(*mine.rows));
    others.rows = mem_array(seen.n + 1, sizeof(*others.rows));
    for (size_t i = 0; ok && i < seen.n; i++) {
        bool is = false;

        ok = use_matches(&match, &seen.rows[i], &is, err);
        if (is)
            mine.rows[mine.n++] = &seen.rows[i];
        else
            others.rows[others.n++] = &seen.rows[i];
    }
    if (ok) {
        if (mine.n > 0)
            qsort(mine.rows, mine.n, sizeof(*mine.rows), compare_alike);
        if (others.n > 0)
            qsort(others.rows, others.n, sizeof(*others.rows), compare_clients);
        *ret = gather(&mine, &others);
        cut(ret, limit > 0 ? (size_t)limit : LIMIT_DEFAULT);
    }
    free(mine.rows);
    free(others.rows);
    sighting_list_clear(&seen);
    use_match_clear(&match);
    return ok;
}
