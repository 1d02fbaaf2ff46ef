/* rotate_job.c - what can be renewed or rotated, and who uses it. */
#include "config.h"

#include "screens/rotate_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/address.h"
#include "core/store/sighting.h"

/* ---- where it is in use ---- */

static void add_name(struct strbuf *names, const char *name)
{
    if (names->len > 0)
        strbuf_add_char(names, ' ');
    text_clean(names, name, strlen(name), TEXT_ONE_LINE);
}

struct seen { /* a certificate of ours, on a server */
    char *which;
    const char *server;
};

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    int order = strcmp(x->which, y->which);

    return order != 0 ? order : strcmp(x->server, y->server);
}

static size_t first_seen(const struct seen *seen, size_t n, const char *which)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (strcmp(seen[middle].which, which) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void join_seen(struct rotate_job *self, const struct seen *seen, size_t n)
{
    for (size_t i = 0; i < self->n; i++) {
        struct rotate_row *row = &self->rows[i];
        struct strbuf names = STRBUF_INIT;

        if (row->end == NULL || row->end->kind != TIMELINE_CLIENT)
            continue;
        for (size_t k = first_seen(seen, n, row->end->which);
             k < n && strcmp(seen[k].which, row->end->which) == 0; k++) {
            if (k == 0 || compare_seen(&seen[k - 1], &seen[k]) != 0)
                add_name(&names, seen[k].server);
        }
        free(row->used_on);
        row->used_on = strbuf_steal(&names);
        strbuf_clear(&names);
    }
}

/* Nothing was recorded yet, or it cannot be read: then nobody is known to use it. */
static void read_clients(struct rotate_job *self)
{
    struct err ignored = ERR_INIT;
    struct sightings *sightings = sightings_open(self->store_folder, false, &ignored);
    struct sighting_filter filter = {.limit = ROTATE_SIGHTINGS};
    struct sighting_list list = {.n = 0};
    struct seen *seen;
    size_t n = 0;

    if (sightings == NULL)
        return;
    if (sightings_list(sightings, &filter, &list, &ignored) && list.n > 0) {
        seen = mem_realloc_array(NULL, list.n, sizeof(*seen));
        for (size_t i = 0; i < list.n; i++) {
            const struct sighting *one = &list.rows[i];

            if (one->key.serial[0] != '\0' && one->authority[0] != '\0')
                seen[n++] = (struct seen){mem_printf("%s:%s", one->authority, one->key.serial),
                                          one->key.server};
        }
        if (n > 0)
            qsort(seen, n, sizeof(*seen), compare_seen);
        join_seen(self, seen, n);
        for (size_t i = 0; i < n; i++)
            free(seen[i].which);
        free(seen);
    }
    sighting_list_clear(&list);
    sightings_close(sightings);
}

/* A CA and its list are called the same. */
static bool read_trusted(struct rotate_job *self, struct store *store, struct err *err)
{
    struct authority_list authorities = {.n = 0};
    bool good = authority_list(store, &authorities, err);

    for (size_t i = 0; i < authorities.n && good; i++) {
        struct server_list servers = {.n = 0};
        struct strbuf names = STRBUF_INIT;

        good = server_list_trusting(store, authorities.rows[i]->id, &servers, err);
        for (size_t k = 0; k < servers.n; k++)
            add_name(&names, servers.rows[k]->name);
        for (size_t k = 0; k < self->n && names.len > 0; k++) {
            struct rotate_row *row = &self->rows[k];

            if (row->end == NULL ||
                (row->end->kind != TIMELINE_CA && row->end->kind != TIMELINE_CRL) ||
                !text_equal(row->end->which, authorities.rows[i]->name))
                continue;
            free(row->used_on);
            row->used_on = mem_strdup(names.data);
        }
        strbuf_clear(&names);
        server_list_clear(&servers);
    }
    authority_list_clear(&authorities);
    return good;
}

/* Servers that clients know by this name, or by one of " db1 10.0.0.5 ". */
static void add_known_by(const struct server_list *servers, const char *name, const char *hosts,
                         struct strbuf *out)
{
    for (size_t i = 0; i < servers->n; i++) {
        struct err ignored = ERR_INIT;
        char *host = NULL, *word;
        int port;

        if (!plan_tls_address(servers->rows[i], &host, &port, &ignored))
            continue;
        word = mem_printf(" %s ", host);
        if (name != NULL ? text_equal(host, name) : host[0] != '\0' && strstr(hosts, word) != NULL)
            add_name(out, servers->rows[i]->name);
        free(word);
        free(host);
    }
}

static bool read_servers(struct rotate_job *self, struct store *store, struct err *err)
{
    struct server_list servers = {.n = 0};

    if (!server_list(store, &servers, err))
        return false;
    for (size_t i = 0; i < self->n; i++) {
        struct rotate_row *row = &self->rows[i];
        struct strbuf names = STRBUF_INIT;

        if (row->end == NULL || row->end->kind != TIMELINE_SERVER || row->end->followed)
            continue;
        add_known_by(&servers, row->end->name, NULL, &names);
        if (names.len == 0) /* by another of its names */
            add_known_by(&servers, NULL, row->end->hosts, &names);
        free(row->used_on);
        row->used_on = strbuf_steal(&names);
        strbuf_clear(&names);
    }
    server_list_clear(&servers);
    return true;
}

/* ---- rows ---- */

static bool add_rotations(struct rotate_job *self, struct store *store, struct err *err)
{
    bool good = rotation_list(store, false, &self->rotations, err);

    self->rows =
        mem_realloc_array(self->rows, self->rotations.n + self->ends->n + 1, sizeof(self->rows[0]));
    for (size_t i = 0; i < self->rotations.n && good; i++) {
        const struct rotation *rotation = self->rotations.rows[i];
        struct rotate_row *row = &self->rows[self->n++];
        struct strbuf name = STRBUF_INIT;

        text_clean(&name, rotation->name, strlen(rotation->name), TEXT_ONE_LINE);
        *row = (struct rotate_row){
            .rotation = rotation, .name = strbuf_steal(&name), .used_on = mem_strdup("")};
        good = rotation_count_items(store, rotation->id, &row->counts, err);
        strbuf_clear(&name);
    }
    return good;
}

static void add_ends(struct rotate_job *self)
{
    for (size_t i = 0; i < self->ends->n; i++)
        self->rows[self->n++] =
            (struct rotate_row){.end = &self->ends->rows[i], .used_on = mem_strdup("")};
}

/* ---- the job ---- */

static void rotate_run(struct job *job, void *data)
{
    struct rotate_job *self = data;
    struct store *store;

    (void)job;
    self->ends = mem_zalloc(sizeof(*self->ends));
    self->ends->store_folder = mem_strdup(self->store_folder);
    self->ends->with_revoked = true;
    timeline_job_read(self->ends);
    self->now = self->ends->now;
    self->err = self->ends->err;
    if (self->err.code != ERR_NONE)
        return;
    store = store_open(self->store_folder, STORE_READ, &self->err);
    if (store == NULL) {
        if (self->err.code == ERR_NO_STORE)
            self->err = (struct err)ERR_INIT;
        return;
    }
    if (add_rotations(self, store, &self->err)) {
        add_ends(self);
        read_clients(self);
        (void)!(read_trusted(self, store, &self->err) &&
                read_servers(self, store, &self->err)); /* err is shown */
    }
    store_close(store);
}

void rotate_job_free(void *data)
{
    struct rotate_job *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        free(self->rows[i].name);
        free(self->rows[i].used_on);
    }
    free(self->rows);
    rotation_list_clear(&self->rotations);
    timeline_job_free(self->ends);
    free(self->store_folder);
    free(self);
}

static const struct job_ops rotate_ops = {"rotate: list", rotate_run, rotate_job_free};

struct job *rotate_job_start(struct app *app, void *owner)
{
    struct rotate_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    return job_start(app_loop(app), owner, &rotate_ops, self);
}
