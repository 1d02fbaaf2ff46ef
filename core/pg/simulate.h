/*
 * simulate.h - who gets in by the present pg_hba.conf, and who by another one.
 *
 * Shape    who is there (sessions, roles) is read once; then any text of rules is tried against the
 *          present one, without the server. 1,000 rules over 1,000 sessions: a few milliseconds.
 * Sessions each one connected now, the caller's own too: it is judged as if it came again, with the
 *          address, the encryption and the certificate that it has.
 * Roles    login roles without a session that the changed lines fit: over TLS, from the line's own
 *          addresses. What they need is compared with the certificates that the caller knows of.
 * Seen     sessions that are not connected now, and were before (the caller's sightings): judged as if
 *          they came again. They are counted apart: nobody can say whether they will.
 * Limits   "unsure" is an answer: host names, "@file", include, regular expressions, samenet, names
 *          that pg_stat_ssl cut, methods that ask somebody else. Never guessed as "allowed".
 *          Certificates are judged by name only; chain.h does dates, CAs and CRLs.
 * Errors   simulate_read() alone can fail, as conn_exec() does (conn.h).
 */
#ifndef PGSEAL_PG_SIMULATE_H
#define PGSEAL_PG_SIMULATE_H

#include "core/pg/hba.h"
#include "core/pg/ident.h"
#include "core/pg/roles.h"
#include "core/pg/sessions.h"

#define SIMULATE_CERTS_UNKNOWN (-1)

struct simulate_seen { /* strings owned, clean, "" unknown; dn as pg_stat_ssl writes it */
    char *role, *database, *address, *application, *dn;
    enum session_class class;
    int64_t last_seen; /* seconds UTC */
};
struct simulate_who {
    struct sessions sessions;
    struct role_list roles;
    int *certs;         /* one for each role: valid client certificates for it, or UNKNOWN */
    struct ident ident; /* pg_ident.conf; empty when it could not be read */
    bool ident_read;
    struct ident ident_wanted; /* what it would be beside the wanted rules */
    bool ident_changes;        /* else ident_wanted is empty, and ident counts on both sides */
    int server_version;
    struct simulate_seen *seen; /* simulate_read() leaves it empty; who_seen.h */
    size_t n_seen;
};

/* Sessions, roles and pg_ident.conf (ident_file may be NULL: not read). */
bool simulate_read(struct conn *conn, const char *ident_file, struct simulate_who *ret,
                   struct err *err) MUST_CHECK;
void simulate_who_clear(struct simulate_who *who);
/* The maps that the wanted rules would be used with. */
void simulate_want_ident(struct simulate_who *who, const void *bytes, size_t len);

enum simulate_outcome { SIMULATE_ALLOWED, SIMULATE_REFUSED, SIMULATE_UNSURE };
const char *simulate_outcome_name(enum simulate_outcome outcome); /* "allowed": JSON */

struct simulate_side {
    enum simulate_outcome outcome;
    int line;           /* number in pg_hba.conf of the first line that fits; 0: none */
    const char *method; /* borrowed from the simulation; "" without a line */
};
struct simulate_row {
    bool is_session;   /* of now or before; else a role without one */
    int64_t last_seen; /* a session of before; 0: of now, or a role */
    bool own;          /* the session of the connection that looked */
    int pid;
    const char *role, *database, *address; /* borrowed from who; "" unknown, address "" a socket */
    enum session_class class;
    struct simulate_side now, then;
    char *why; /* of "then" when it is refused or unsure: a sentence without a full stop; or "" */
};
struct simulation {
    struct simulate_row *rows; /* sessions in their order, those of before, then roles */
    size_t n;
    size_t n_refused; /* get in now and not then: what --accept-refused counts */
    size_t n_already; /* refused then, and refused already if they came again now */
    size_t n_unsure;
    size_t n_seen_refused; /* of before: got in by the present rules, and would not now */
    int hidden;            /* sessions that the role may not see: not judged */
    int64_t took_us;
    struct hba present, wanted; /* owned: the rows' methods point into them */
};

/* wanted NULL: the present text on both sides. who is borrowed by the rows. */
void simulate(const struct simulate_who *who, const void *present, size_t present_len,
              const void *wanted, size_t wanted_len, struct simulation *ret);
void simulation_clear(struct simulation *simulation);

/* The walk of one client through a file, down to the line that decides. */
struct simulate_step {
    int line;
    char *text; /* the line, clean */
    enum hba_fit fit;
    const char *why; /* "is for another role"; translated; "" where it fits */
};
struct simulate_walk {
    struct simulate_step *steps;
    size_t n;
};
void simulate_walk(const struct simulate_who *who, const struct simulate_row *row,
                   const struct hba *hba, struct simulate_walk *ret);
void simulate_walk_clear(struct simulate_walk *walk);

#endif
