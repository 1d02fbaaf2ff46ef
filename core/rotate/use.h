/*
 * use.h - which certificates are in use: open sessions now, and sightings of before, by serial.
 *
 * Why      "safe to remove" is a statement about everybody who might come back: the nightly job, the
 *          standby's walreceiver, the pool that has held a session open for days. pg_stat_ssl shows who is
 *          connected now; the sightings (store/sighting.h) who was. Between two looks nobody knows, so
 *          the longest gap between looks is part of the answer.
 * Shapes   times in seconds UTC; text clean.
 */
#ifndef PGSEAL_ROTATE_USE_H
#define PGSEAL_ROTATE_USE_H

#include "core/pg/sessions.h"
#include "core/store/server.h"
#include "core/store/sighting.h"

struct use { /* sessions that are alike */
    char *server, *role, *database, *application, *address;
    char *serial;       /* hex, of the certificate; "" */
    char *authority;    /* CA of the store it is of; or "" */
    bool replication;   /* a walsender */
    int open;           /* sessions of now */
    int64_t open_since; /* of the oldest of them; 0 */
    int64_t last_seen;
    bool has_new; /* the same role, application and address was seen with a new certificate since */
};
struct use_list {
    struct use *rows; /* open ones first, then the last seen first */
    size_t n;
    int64_t total; /* beyond a limit */
};
void use_list_clear(struct use_list *list);

struct use_quiet {
    int64_t last_used;   /* the old one, by anybody; 0: never seen */
    int64_t quiet_since; /* from when on watching counts: after last_used; 0: in use now */
    int64_t looked_at;   /* the last look at the server that was looked at least */
    int64_t longest_gap; /* between two looks in that time, seconds */
    char *worst_server;  /* where; "" */
    int64_t needed;      /* seconds */
    int64_t safe_at;     /* when it is long enough, if it stays so; 0: cannot be said */
    bool safe;
};
void use_quiet_clear(struct use_quiet *quiet);

/* What use is asked about: certificates of one CA of ours, or of a foreign one. */
struct use_of {
    const struct authority *authority; /* or: */
    const struct cert *foreign;        /* by its name as pg_stat_ssl has it */
};

/* A server was looked at now: its sessions are put into the sightings, and the look itself. False only
 * where the sightings cannot be written. */
bool use_look(struct store *store, const struct server *server, struct conn *admin,
              struct err *err) MUST_CHECK;
/* Who uses certificates of it on these servers; since bounds the sightings. limit 0: 1000. */
bool use_list(struct store *store, const struct server_list *servers, const struct use_of *of,
              int64_t since, int limit, struct use_list *ret, struct err *err) MUST_CHECK;
/* From `since` on (the phase began) for `needed` seconds. */
bool use_quiet(struct store *store, const struct server_list *servers, const struct use_of *of,
               int64_t since, int64_t needed, struct use_quiet *ret, struct err *err) MUST_CHECK;
/* When the certificate with this serial was seen in use first and last since then; 0: never. */
bool use_of_serial(struct store *store, const char *issuer_dn, const char *serial_hex,
                   int64_t since, int64_t *ret_first, int64_t *ret_last,
                   struct err *err) MUST_CHECK;

#endif
