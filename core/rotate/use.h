/*
 * use.h - which certificates are in use: open sessions now, and sightings of before, by serial.
 *
 * Why      "safe to remove" is a statement about everybody who might come back: the nightly job, the
 *          standby's walreceiver, the pool that has held a session open for days. pg_stat_ssl shows who is
 *          connected now; the sightings (store/sighting.h) who was. Between two looks nobody knows, so
 *          the longest gap between looks is part of the answer.
 * Limits   a session that began and ended between two looks was never seen: what is said here holds for
 *          sessions that last longer than the longest gap, and use_quiet_say() says so. last_used is
 *          exact to SIGHTING_EXACT_SECONDS. The login of pgseal itself is not counted.
 * Gaps     quiet time counts only while somebody looked: a gap between two looks that is longer than
 *          use_gap_allowed() begins it anew. That is a tenth of the quiet time, an hour at most, ten
 *          minutes at least: for 7 days a look in each hour is enough, a nightly one is not, for the job
 *          that runs in the night between would never be met. What a gap costs is said
 *          (use_quiet.but_gaps), for an admin who knows better. A look that some sessions were hidden
 *          from is none; nor is one in the future, which a clock that was ahead wrote.
 * Whose    a certificate is of a CA when its issuer is called as the CA, as pg_stat_ssl has it, and its
 *          serial number is not that of another CA of ours that is called alike. So one that the store
 *          knows nothing of counts: it would be refused like the others.
 * Cost     reads the sightings of the time, 50,000 rows at most: 5 ms with 1,000.
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
    int open;           /* sessions, at the last look that saw all of the server's */
    int64_t open_since; /* of the oldest of them; 0 */
    int64_t last_seen;
    bool
        has_new; /* the same role, application and address was seen with another certificate since */
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
    int open;            /* sessions at the last look */
    int64_t gap_allowed; /* use_gap_allowed(needed) */
    int64_t gap_at;      /* the longest gap began */
    bool but_gaps;       /* not safe, but it would be if nobody came in the gaps */
    int hidden;          /* sessions that the last look at a server could not see: never safe */
    char *hidden_server; /* which; "" */
};
void use_quiet_clear(struct use_quiet *quiet);

/* What use is asked about: certificates of one CA of ours, or of a foreign one. */
struct use_of {
    const struct authority *authority; /* or: */
    const struct cert *foreign;        /* by its name as pg_stat_ssl has it; or: */
    const struct use_certificate {     /* these alone, of any CA */
        const char *issuer;            /* use_issuer() */
        const char *serial;            /* hex */
    } * certificates;
    size_t n_certificates;
};

/* The CA as pg_stat_ssl calls it in issuer_dn, clean: as the sightings have it. Caller frees. */
char *use_issuer(const struct cert *ca) MUST_CHECK;

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
int64_t use_gap_allowed(int64_t needed);
/* What there is to know of the quiet time, in sentences: for the page and the command. */
void use_quiet_say(const struct use_quiet *quiet, struct strbuf *out);
/* When the certificate with this serial was seen in use first and last since then; 0: never. */
bool use_of_serial(struct store *store, const char *issuer_dn, const char *serial_hex,
                   int64_t since, int64_t *ret_first, int64_t *ret_last,
                   struct err *err) MUST_CHECK;
/* The same for a whole worklist at once: seen_at, and old_seen_at since `since`. Writes only what is
 * news: old_seen_at is exact to SIGHTING_EXACT_SECONDS. The lines must know their new certificates: rotation_join_items() before. */
bool use_mark_items(struct store *store, int64_t rotation_id, int64_t since,
                    struct err *err) MUST_CHECK;

#endif
