/* use.c - which certificates are in use, as far as the sightings know. */
#include "config.h"

#include "core/rotate/use.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/text.h"

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

void use_quiet_clear(struct use_quiet *quiet)
{
    free(quiet->worst_server);
    *quiet = (struct use_quiet){.safe = false};
}

/* What the panel and "sessions" record; nothing more yet. */
bool use_look(struct store *store, const struct server *server, struct conn *admin, struct err *err)
{
    (void)store;
    (void)server;
    (void)admin;
    (void)err;
    return true;
}

static bool list(struct store *store, const struct sighting_filter *filter,
                 struct sighting_list *ret, struct err *err)
{
    struct err none = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(store), false, &none);
    bool ok = true;

    if (sightings == NULL) {
        if (none.code == ERR_NO_STORE)
            return true;
        *err = none;
        return false;
    }
    ok = sightings_list(sightings, filter, ret, err);
    sightings_close(sightings);
    return ok;
}

static struct use use_of_row(const struct sighting *row)
{
    return (struct use){.server = mem_strdup(row->key.server),
                        .role = mem_strdup(row->key.role),
                        .database = mem_strdup(row->key.database),
                        .application = mem_strdup(row->key.application),
                        .address = mem_strdup(row->key.address),
                        .serial = mem_strdup(row->key.serial),
                        .authority = mem_strdup(row->authority),
                        .last_seen = row->last_seen};
}

bool use_list(struct store *store, const struct server_list *servers, const struct use_of *of,
              int64_t since, int limit, struct use_list *ret, struct err *err)
{
    struct sighting_filter filter = {.since = since, .limit = limit > 0 ? limit : 1000};
    struct sighting_list seen = {.n = 0};
    char issuer[NAME_PG_SIZE] = "";

    (void)servers;
    if (of->authority != NULL) {
        filter.authority = of->authority->name;
    } else {
        struct name *subject = cert_subject(of->foreign);

        name_format_pg(subject, issuer);
        name_free(subject);
    }
    if (!list(store, &filter, &seen, err))
        return false;
    ret->rows = mem_array(seen.n + 1, sizeof(ret->rows[0]));
    for (size_t i = 0; i < seen.n; i++) {
        if (of->authority != NULL || text_equal(seen.rows[i].key.issuer, issuer))
            ret->rows[ret->n++] = use_of_row(&seen.rows[i]);
    }
    ret->total = (int64_t)ret->n;
    sighting_list_clear(&seen);
    return true;
}

/* How well it was watched is not known here: never safe. */
bool use_quiet(struct store *store, const struct server_list *servers, const struct use_of *of,
               int64_t since, int64_t needed, struct use_quiet *ret, struct err *err)
{
    struct use_list used = {.n = 0};

    if (!use_list(store, servers, of, since, 1, &used, err))
        return false;
    *ret = (struct use_quiet){.needed = needed, .worst_server = mem_strdup("")};
    if (used.n > 0)
        ret->last_used = used.rows[0].last_seen;
    use_list_clear(&used);
    return true;
}

bool use_of_serial(struct store *store, const char *issuer_dn, const char *serial_hex,
                   int64_t since, int64_t *ret_first, int64_t *ret_last, struct err *err)
{
    struct sighting_filter filter = {.since = since};
    struct sighting_list seen = {.n = 0};

    *ret_first = *ret_last = 0;
    if (!list(store, &filter, &seen, err))
        return false;
    for (size_t i = 0; i < seen.n; i++) {
        const struct sighting *row = &seen.rows[i];

        if (!text_equal(row->key.issuer, issuer_dn) || !text_equal(row->key.serial, serial_hex))
            continue;
        if (*ret_first == 0 || row->first_seen < *ret_first)
            *ret_first = row->first_seen;
        if (row->last_seen > *ret_last)
            *ret_last = row->last_seen;
    }
    sighting_list_clear(&seen);
    return true;
}
