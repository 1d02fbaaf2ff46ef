/*
 * readiness.h - what would break if the server asked for more: over live sessions and sightings.
 *
 * Truth    a client that logged in with TLS 1.2 may know 1.3 no better than the server did then; one
 *          that came in clear text may have been free to use TLS. So a client that is listed here has
 *          to be looked at; one that is not listed was seen to do what would be asked for.
 *          Clients by Unix socket are never refused by such rules. Hidden sessions are not judged: they
 *          are counted, and while there is one nothing is certain.
 * Shapes   a client is all that is alike in server, role, database, address, application, class, TLS
 *          version and CA.
 */
#ifndef PGSEAL_WATCH_READINESS_H
#define PGSEAL_WATCH_READINESS_H

#include "core/pg/sessions.h"
#include "core/store/sighting.h"
#include "core/watch/session_book.h"

enum readiness_case {
    READINESS_TLS,     /* clear text is refused */
    READINESS_TLS_1_2, /* ssl_min_protocol_version */
    READINESS_TLS_1_3,
    READINESS_CERTIFICATE, /* clientcert=verify-full, or the method cert */
    READINESS_CA,          /* one CA is taken away */
    READINESS_CASES
};

struct readiness_client { /* strings owned by the readiness */
    char *server, *role, *database, *address, *application, *class, *version;
    char *authority; /* the CA's name in the store; of a foreign one: as pg_stat_ssl has it */
    bool live;
    int64_t last_seen; /* seconds UTC */
    int64_t sessions;  /* seen in all; live ones that are not recorded count as one each */
};

struct readiness {
    struct readiness_client *clients;
    size_t n;
    int64_t hidden; /* live sessions that nothing is known of */
    size_t room;
};

struct readiness_count {
    size_t live; /* clients that would be refused and are connected now */
    size_t seen; /* and that were seen before */
};

void readiness_add_live(struct readiness *readiness, const char *server,
                        const struct sessions *sessions, const struct session_book *book);
void readiness_add_sightings(struct readiness *readiness, const struct sighting_list *list);
/* After the last addition: what is alike becomes one; live ones first, then the last seen. */
void readiness_settle(struct readiness *readiness);
void readiness_clear(struct readiness *readiness);

/* ca: of READINESS_CA; the name in the store, of a foreign one: as pg_stat_ssl has it. */
bool readiness_refuses(enum readiness_case what, const char *ca,
                       const struct readiness_client *client);
struct readiness_count readiness_count(const struct readiness *readiness, enum readiness_case what,
                                       const char *ca);
const char *readiness_name(enum readiness_case what); /* "tls-1.2": JSON */
const char *readiness_text(enum readiness_case what); /* "TLS 1.2 at least"; untranslated */
/* The names of the CAs in use, each once; the array is to be freed, the names are borrowed. */
const char **readiness_authorities(const struct readiness *readiness, size_t *ret_n) MUST_CHECK;

#endif
