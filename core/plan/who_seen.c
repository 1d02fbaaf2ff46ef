/* who_seen.c - sightings as sessions that may come again. */
#include "config.h"

#include "core/plan/who_seen.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/serial.h"
#include "core/store/issued.h"
#include "core/store/sighting.h"

static bool class_parse(const char *name, enum session_class *ret)
{
    static const enum session_class classes[] = {SESSION_TLS_CERT, SESSION_TLS, SESSION_GSS,
                                                 SESSION_CLEAR, SESSION_SOCKET};

    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (text_equal(session_class_name(classes[i]), name)) {
            *ret = classes[i];
            return true;
        }
    }
    return false;
}

/* "/CN=alice", where the certificate is one of the store's; else "". Caller frees. */
static bool find_dn(struct store *store, const struct sighting_key *key, char **ret,
                    struct err *err)
{
    char decimal[SERIAL_DECIMAL_MAX];
    struct issued *issued = NULL;
    struct serial serial;
    struct err ignored = ERR_INIT;
    struct strbuf name = STRBUF_INIT;

    *ret = NULL;
    if (key->serial[0] != '\0' && serial_parse_hex(&serial, key->serial, &ignored) &&
        !issued_find_session(store, key->issuer, serial_format_decimal(decimal, &serial), &issued,
                             err))
        return false;
    if (issued && cert_common_name(issued->cert, &name))
        *ret = mem_printf("/CN=%s", name.data);
    else
        *ret = mem_strdup("");
    strbuf_clear(&name);
    issued_free(issued);
    return true;
}

static bool is_connected(const struct simulate_who *who, const struct sighting_key *key,
                         enum session_class class)
{
    for (size_t i = 0; i < who->sessions.n; i++) {
        const struct session *row = &who->sessions.rows[i];

        if (row->class == class && text_equal(row->role, key->role) &&
            text_equal(row->database, key->database) && text_equal(row->address, key->address))
            return true;
    }
    return false;
}

static bool is_there(const struct simulate_who *who, const struct simulate_seen *seen)
{
    for (size_t i = 0; i < who->n_seen; i++) {
        const struct simulate_seen *row = &who->seen[i];

        if (row->class == seen->class && text_equal(row->role, seen->role) &&
            text_equal(row->database, seen->database) && text_equal(row->address, seen->address) &&
            text_equal(row->dn, seen->dn))
            return true;
    }
    return false;
}

static bool add(struct store *store, const struct sighting *row, struct simulate_who *who,
                struct err *err)
{
    struct simulate_seen seen = {.last_seen = row->last_seen};

    if (!class_parse(row->key.class, &seen.class) || is_connected(who, &row->key, seen.class))
        return true;
    if (!find_dn(store, &row->key, &seen.dn, err))
        return false;
    seen.role = mem_strdup(row->key.role);
    seen.database = mem_strdup(row->key.database);
    seen.address = mem_strdup(row->key.address);
    seen.application = mem_strdup(row->key.application);
    if (is_there(who, &seen)) {
        free(seen.role);
        free(seen.database);
        free(seen.address);
        free(seen.application);
        free(seen.dn);
        return true;
    }
    who->seen = mem_realloc_array(who->seen, who->n_seen + 1, sizeof(who->seen[0]));
    who->seen[who->n_seen++] = seen;
    return true;
}

bool who_seen(struct store *store, const char *server, int64_t since, struct simulate_who *who,
              struct err *err)
{
    struct sighting_filter filter = {
        .servers = &server, .n_servers = 1, .since = since, .limit = WHO_SEEN_MAX};
    struct sighting_list list = {.n = 0};
    struct err why = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(store), false, &why);
    bool done;

    if (!sightings && why.code == ERR_NO_STORE)
        return true; /* nothing was recorded yet */
    done = sightings && sightings_list(sightings, &filter, &list, &why);
    if (!done)
        *err = why;
    for (size_t i = 0; done && i < list.n; i++)
        done = add(store, &list.rows[i], who, err);
    sighting_list_clear(&list);
    sightings_close(sightings);
    return done;
}
