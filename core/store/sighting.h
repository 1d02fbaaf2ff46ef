/*
 * sighting.h - who was seen connected how: remembered, aggregated, bounded.
 *
 * Source   SQLite in WAL mode, in a file of its own beside the store (sightings.db, 0600): what was seen
 *          may be lost or thrown away, what was issued may not. Nothing is opened by hand.
 * Shapes   one row for all sessions that are alike: server, role, database, application, address, class,
 *          TLS version, issuer, serial. Times are seconds UTC. Text is clean, "" where unknown.
 *          last_seen is exact to SIGHTING_EXACT_SECONDS for a session that stays.
 * Looks    who was not seen is news only where somebody looked: each recorder writes down when it did,
 *          as periods in which the looks were SIGHTING_LOOK_JOIN apart at most. A look that could not
 *          see all sessions (hidden rows) is none: it is remembered as such. What is forgotten takes
 *          its looks along.
 * Bounds   SIGHTINGS_MAX rows: the ones not seen for the longest go. SIGHTING_LOOKS_MAX periods likewise. Application names are what a
 *          client says: of sessions that are alike in all else, SIGHTING_APPLICATIONS_MAX names are
 *          kept, the rest is counted under SIGHTING_MANY.
 * Errors   ERR_NO_STORE (nothing was recorded yet), ERR_STORE, ERR_STORE_BUSY, ERR_STORE_OWNER,
 *          ERR_FILE_UNSAFE, ERR_DISK_FULL.
 * Threads  one per struct sightings; a job opens its own.
 */
#ifndef PGSEAL_STORE_SIGHTING_H
#define PGSEAL_STORE_SIGHTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

#define SIGHTINGS_MAX             50000
#define SIGHTING_APPLICATIONS_MAX 32
#define SIGHTING_EXACT_SECONDS    300
#define SIGHTING_MANY             "(many)"
#define SIGHTING_LOOK_JOIN        600
#define SIGHTING_LOOKS_MAX        20000

/* What tells one kind of session from another; strings borrowed or owned as the holder says. */
struct sighting_key {
    const char *server, *role, *database, *address;
    const char *class;   /* session_class_name() */
    const char *version; /* "TLSv1.3" */
    const char *issuer;  /* of its certificate, as pg_stat_ssl has it */
    const char *serial;  /* lower-case hex */
    const char *application;
};

struct sighting {
    struct sighting_key key; /* strings owned by the list */
    char *authority;         /* the CA's name in the store when it was seen; or "" */
    int64_t first_seen, last_seen;
    int64_t count;      /* sessions */
    int64_t open;       /* that were there at the last look at all of the server's, or came since */
    int64_t open_since; /* the oldest of these began; 0 */
    bool walsender;     /* one of them was: replication */
};
struct sighting_list {
    struct sighting *rows;
    size_t n;
    int64_t total; /* that fit the filter, also beyond its limit */
};

/* One session that is to be remembered; strings borrowed for the call. */
struct sighting_item {
    struct sighting_key key;
    const char *authority;
    int64_t start; /* of the session: counted when it is later than what was seen before */
    int64_t seen_at;
    bool full; /* one of all that were there at seen_at; else only news are among the items */
    bool walsender;
};

struct sightings; /* owns one database connection */

/* write: the file is made where it is missing; its folder must be there. */
struct sightings *sightings_open(const char *store_folder, bool write, struct err *err) MUST_CHECK;
void sightings_close(struct sightings *sightings);
/* In one transaction; items are put in order. */
bool sightings_add(struct sightings *sightings, struct sighting_item *items, size_t n,
                   struct err *err) MUST_CHECK;

struct sighting_filter {
    const char *const *servers; /* n_servers 0: all */
    size_t n_servers;
    int64_t since;         /* last_seen is not before; 0: all */
    bool without_tls;      /* clear text over TCP only */
    const char *authority; /* certificates of this CA only; NULL: all */
    bool with_certificate; /* TLS with a certificate only */
    const char *issuer;    /* as in the key; NULL: all */
    const char *serial;
    int limit; /* 0: 10000 */
};
/* The last seen first. */
bool sightings_list(struct sightings *sightings, const struct sighting_filter *filter,
                    struct sighting_list *ret, struct err *err) MUST_CHECK;
void sighting_list_clear(struct sighting_list *list);
/* Deletes, overwritten with zeros, what was not seen since then. */
bool sightings_forget(struct sightings *sightings, int64_t before, int64_t *ret_rows,
                      struct err *err) MUST_CHECK;

/* ---- looks: when somebody watched ---- */

struct sighting_look {
    const char *server;  /* borrowed for the call */
    int64_t from, until; /* the first look and the last one; 0, 0: none that saw all */
    int64_t longest_gap; /* between two looks in it */
    int64_t full_at;     /* the last one whose sessions are all among the items; 0: none */
    int64_t hidden_at;   /* the last one that some sessions were hidden from; 0: none */
    int hidden;          /* how many; */
};
/* After sightings_add() of what was seen. Periods that overlap or are near become one. What earlier looks
 * say of the future, written while the clock was ahead, is taken away. */
bool sightings_add_look(struct sightings *sightings, const struct sighting_look *look,
                        struct err *err) MUST_CHECK;

struct sighting_watch {  /* of one server */
    int64_t last_at;     /* the last look that saw all; 0: never */
    int64_t longest_gap; /* between looks, from since until now, both ends counted as looks */
    int64_t gap_at;      /* it began */
    int64_t holds_from; /* since then no gap was longer than allowed; `now` where the last one is */
    int hidden;         /* sessions at the last look, if it could not see all */
};
bool sightings_watch(struct sightings *sightings, const char *server, int64_t since, int64_t now,
                     int64_t allowed_gap, struct sighting_watch *ret, struct err *err) MUST_CHECK;

#endif
