/* readiness.c - what would break if the server asked for more. */
#include "config.h"

#include "core/watch/readiness.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/watch/finding.h"

static struct readiness_client *add(struct readiness *readiness)
{
    if (readiness->n == readiness->room) {
        readiness->room = readiness->room ? readiness->room * 2 : 64;
        readiness->clients =
            mem_realloc_array(readiness->clients, readiness->room, sizeof(*readiness->clients));
    }
    return &readiness->clients[readiness->n++];
}

void readiness_add_live(struct readiness *readiness, const char *server,
                        const struct sessions *sessions, const struct session_book *book)
{
    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *session = &sessions->rows[i];
        const struct session_certificate *certificate = session_book_find(book, session);

        if (session->class == SESSION_HIDDEN) {
            readiness->hidden++;
            continue;
        }
        if (session->own)
            continue;
        *add(readiness) = (struct readiness_client){
            .server = mem_strdup(server),
            .role = mem_strdup(session->role),
            .database = mem_strdup(session->database),
            .address = mem_strdup(session->address),
            .application = mem_strdup(session->application),
            .class = mem_strdup(session_class_name(session->class)),
            .version = mem_strdup(session->version),
            .authority = mem_strdup(certificate && certificate->known ? certificate->authority
                                                                      : session->issuer_dn),
            .live = true,
            .last_seen = sessions->taken_at,
            .sessions = 1};
    }
}

void readiness_add_sightings(struct readiness *readiness, const struct sighting_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct sighting *seen = &list->rows[i];

        *add(readiness) = (struct readiness_client){
            .server = mem_strdup(seen->key.server),
            .role = mem_strdup(seen->key.role),
            .database = mem_strdup(seen->key.database),
            .address = mem_strdup(seen->key.address),
            .application = mem_strdup(seen->key.application),
            .class = mem_strdup(seen->key.class),
            .version = mem_strdup(seen->key.version),
            .authority = mem_strdup(seen->authority[0] ? seen->authority : seen->key.issuer),
            .live = false,
            .last_seen = seen->last_seen,
            .sessions = seen->count};
    }
}

static void client_clear(struct readiness_client *client)
{
    free(client->server);
    free(client->role);
    free(client->database);
    free(client->address);
    free(client->application);
    free(client->class);
    free(client->version);
    free(client->authority);
}

void readiness_clear(struct readiness *readiness)
{
    for (size_t i = 0; i < readiness->n; i++)
        client_clear(&readiness->clients[i]);
    free(readiness->clients);
    memset(readiness, 0, sizeof(*readiness));
}

static int compare_alike(const void *a, const void *b)
{
    const struct readiness_client *x = a;
    const struct readiness_client *y = b;
    const char *const of_x[] = {x->server,      x->role,  x->database, x->address,
                                x->application, x->class, x->version,  x->authority};
    const char *const of_y[] = {y->server,      y->role,  y->database, y->address,
                                y->application, y->class, y->version,  y->authority};
    int order = 0;

    for (size_t i = 0; i < ARRAY_LEN(of_x) && order == 0; i++)
        order = strcmp(of_x[i], of_y[i]);
    return order;
}

/* Of those that are alike the live ones first: readiness_settle() counts on it. */
static int compare_live(const void *a, const void *b)
{
    const struct readiness_client *x = a;
    const struct readiness_client *y = b;
    int order = compare_alike(a, b);

    return order != 0 ? order : (int)y->live - (int)x->live;
}

static int compare_shown(const void *a, const void *b)
{
    const struct readiness_client *x = a;
    const struct readiness_client *y = b;

    if (x->live != y->live)
        return x->live ? -1 : 1;
    if (x->last_seen != y->last_seen)
        return x->last_seen > y->last_seen ? -1 : 1;
    return compare_alike(a, b);
}

void readiness_settle(struct readiness *readiness)
{
    struct readiness_client *clients = readiness->clients;
    size_t n = 0;

    if (readiness->n == 0)
        return;
    qsort(clients, readiness->n, sizeof(*clients), compare_live);
    for (size_t i = 1; i < readiness->n; i++) {
        struct readiness_client *kept = &clients[n];

        if (compare_alike(kept, &clients[i]) != 0) {
            clients[++n] = clients[i];
            continue;
        }
        /* Live sessions are recorded too: then the record's count is the true one. */
        kept->sessions = kept->live && clients[i].live ? kept->sessions + clients[i].sessions
                         : clients[i].sessions > kept->sessions ? clients[i].sessions
                                                                : kept->sessions;
        kept->live |= clients[i].live;
        kept->last_seen =
            clients[i].last_seen > kept->last_seen ? clients[i].last_seen : kept->last_seen;
        client_clear(&clients[i]);
    }
    readiness->n = n + 1;
    qsort(clients, readiness->n, sizeof(*clients), compare_shown);
}

static bool is_class(const struct readiness_client *client, enum session_class class)
{
    return strcmp(client->class, session_class_name(class)) == 0;
}

bool readiness_refuses(enum readiness_case what, const char *ca,
                       const struct readiness_client *client)
{
    switch (what) {
    case READINESS_TLS:
        return is_class(client, SESSION_CLEAR) || is_class(client, SESSION_GSS);
    case READINESS_TLS_1_2:
        return finding_is_old_tls(client->version);
    case READINESS_TLS_1_3:
        return client->version[0] != '\0' && strcmp(client->version, "TLSv1.3") != 0;
    case READINESS_CERTIFICATE:
        return !is_class(client, SESSION_TLS_CERT) && !is_class(client, SESSION_SOCKET);
    case READINESS_CA:
        return is_class(client, SESSION_TLS_CERT) && ca && strcasecmp(client->authority, ca) == 0;
    case READINESS_CASES:
        break;
    }
    return false;
}

struct readiness_count readiness_count(const struct readiness *readiness, enum readiness_case what,
                                       const char *ca)
{
    struct readiness_count count = {0, 0};

    for (size_t i = 0; i < readiness->n; i++) {
        if (!readiness_refuses(what, ca, &readiness->clients[i]))
            continue;
        if (readiness->clients[i].live)
            count.live++;
        else
            count.seen++;
    }
    return count;
}

static const struct {
    const char *name, *text;
} cases[] = {
    [READINESS_TLS] = {"tls", N_("TLS required")},
    [READINESS_TLS_1_2] = {"tls-1.2", N_("TLS 1.2 at least")},
    [READINESS_TLS_1_3] = {"tls-1.3", N_("TLS 1.3 at least")},
    [READINESS_CERTIFICATE] = {"certificate", N_("certificate required")},
    [READINESS_CA] = {"without-ca", N_("CA removed")},
};

const char *readiness_name(enum readiness_case what)
{
    return cases[what].name;
}

const char *readiness_text(enum readiness_case what)
{
    return cases[what].text;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **readiness_authorities(const struct readiness *readiness, size_t *ret_n)
{
    const char **names = mem_array(readiness->n + 1, sizeof(*names));
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < readiness->n; i++)
        if (readiness->clients[i].authority[0] != '\0')
            names[n++] = readiness->clients[i].authority;
    if (n > 0)
        qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[kept - 1]) != 0)
            names[kept++] = names[i];
    *ret_n = kept;
    return names;
}
