/*
 * sessions.h - who is connected how.
 *
 * Source   pg_stat_activity, pg_stat_ssl, pg_stat_gssapi (PostgreSQL 13 to 18), one statement, so one
 *          snapshot. Hidden rows: backend_type IS NULL. Names are cut at 63 bytes, also in the middle
 *          of a character; they come from clients: raw here, to be cleaned where they are shown.
 * Rules    never coalesce(ssl, false): what is not known is SESSION_HIDDEN. Parallel workers are not
 *          rows: they are counted at their leader.
 * Cost     1,000 rows: 0.3 ms beside libpq's own work.
 * Errors   those of conn_exec() (conn.h); ERR_POLICY for a session of our own, ERR_MAY_NOT_CHANGE where the
 *          role may not end one.
 */
#ifndef PGSEAL_PG_SESSIONS_H
#define PGSEAL_PG_SESSIONS_H

#include "core/pg/conn.h"

enum session_class {
    SESSION_TLS_CERT,
    SESSION_TLS,
    SESSION_GSS,
    SESSION_CLEAR, /* TCP without encryption */
    SESSION_SOCKET,
    SESSION_HIDDEN /* this role may not see */
};
const char *session_class_name(enum session_class c); /* "tls-cert": JSON */

struct session { /* strings: of the struct sessions, clean (text_clean), "" where unknown */
    int pid;
    enum session_class class;
    const char *database, *role, *application, *address, *backend_type, *state;
    int64_t backend_start;          /* seconds UTC; 0 unknown */
    int64_t start_us;               /* the same in microseconds: with pid it names the session */
    const char *backend_start_text; /* exact, for the check when it is ended */
    const char *version, *cipher;
    int bits;
    const char *client_dn, *issuer_dn; /* clean */
    const char *issuer_dn_raw;         /* as the server sent it: for the join */
    const char *client_serial;         /* decimal, "" */
    int workers;                       /* parallel workers that run for it now */
    bool own;
    bool before_reload; /* connected before the last reload */
};
struct sessions_text; /* the rows' strings: in a few blocks, since equal ones stand there once */
struct sessions {
    struct session *rows; /* ordered by backend_start, pid */
    size_t n;
    int hidden;
    int64_t taken_at; /* seconds UTC */
    int64_t query_ms;
    struct sessions_text *text; /* owned */
};

/* The statement for this server version; send it with conn_send() (no values). */
const char *sessions_sql(int server_version);
bool sessions_are_in(const struct result *result); /* sessions_from_result() will take it */
bool sessions_from_result(const struct result *result, int server_version, int own_pid,
                          struct sessions *ret, struct err *err) MUST_CHECK;
bool sessions_read(struct conn *conn, struct sessions *ret, struct err *err) MUST_CHECK; /* waits */
void sessions_clear(struct sessions *sessions);

/* What the connection's role may see: asked when rows are hidden. */
struct sessions_rights {
    char role[64];      /* cleaned */
    bool sees_all;      /* pg_has_role(…, 'USAGE'): what counts since PostgreSQL 15 */
    bool could_see_all; /* a member that does not inherit: SET ROLE helps */
};
const char *sessions_rights_sql(void);
bool sessions_rights_from_result(const struct result *result, struct sessions_rights *ret,
                                 struct err *err) MUST_CHECK;
/* The GRANT to ask for, as SQL. */
void sessions_rights_grant(const struct sessions_rights *rights, struct strbuf *out);

/* What sessions_end() sends, with the values in it: to be shown to a person. */
void sessions_end_sql(int pid, const char *backend_start_text, struct strbuf *out);
/* Ends the session only if pid and backend_start still belong together and it is not our own;
 * *ret_ended tells whether it was there. */
bool sessions_end(struct conn *conn, int pid, const char *backend_start_text, bool *ret_ended,
                  struct err *err) MUST_CHECK;
/* Ends all sessions that use this certificate (issuer as pg_stat_ssl renders it, decimal serial). */
bool sessions_end_serial(struct conn *conn, const char *issuer_dn, const char *serial_decimal,
                         int *ret_ended, struct err *err) MUST_CHECK;

#endif
