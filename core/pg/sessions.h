/*
 * sessions.h - who is connected how.
 *
 * Source   pg_stat_activity, pg_stat_ssl, pg_stat_gssapi (PostgreSQL 13 to 18), one statement, so one
 *          snapshot. Hidden rows: backend_type IS NULL. Names are cut at 63 bytes, also in the middle
 *          of a character; they come from clients: raw here, to be cleaned where they are shown.
 * Rules    never coalesce(ssl, false): what is not known is SESSION_HIDDEN.
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

struct session { /* strings: owned, clean (text_clean), "" where unknown */
    int pid;
    enum session_class class;
    char *database, *role, *application, *address, *backend_type, *state;
    int64_t backend_start;    /* seconds UTC; 0 unknown */
    char *backend_start_text; /* exact, for the check when it is ended */
    char *version, *cipher;
    int bits;
    char *client_dn, *issuer_dn; /* clean */
    char *issuer_dn_raw;         /* as the server sent it: for the join */
    char *client_serial;         /* decimal, "" */
    bool own;
    bool before_reload; /* connected before the last reload */
};
struct sessions {
    struct session *rows; /* ordered by backend_start, pid */
    size_t n;
    int hidden;
    int64_t taken_at; /* seconds UTC */
    int64_t query_ms;
};

/* The statement for this server version; send it with conn_send() (no values). */
const char *sessions_sql(int server_version);
bool sessions_from_result(const struct result *result, int server_version, int own_pid,
                          struct sessions *ret, struct err *err) MUST_CHECK;
bool sessions_read(struct conn *conn, struct sessions *ret, struct err *err) MUST_CHECK; /* waits */
void sessions_clear(struct sessions *sessions);
/* Ends the session only if pid and backend_start still belong together and it is not our own;
 * *ret_ended tells whether it was there. */
bool sessions_end(struct conn *conn, int pid, const char *backend_start_text, bool *ret_ended,
                  struct err *err) MUST_CHECK;
/* Ends all sessions that use this certificate (issuer as pg_stat_ssl renders it, decimal serial). */
bool sessions_end_serial(struct conn *conn, const char *issuer_dn, const char *serial_decimal,
                         int *ret_ended, struct err *err) MUST_CHECK;

#endif
