/*
 * conn.h - one connection to a server: a state machine that never waits, and one wait over it.
 *
 * Source   libpq 34.1, 34.4 (asynchronous); the traps: PQconnectPoll ignores connect_timeout, the
 *          socket may change between polls, the default notice processor writes to stderr.
 * Units    deadlines are clock_mono_ms() values; 0 for "none" is not allowed: every wait has one.
 * Values   after the first statements: DateStyle ISO, TimeZone UTC, bytea as hex, whatever the role,
 *          the database or the environment say.
 * Use      live panel: conn_start(), then whenever fd is ready or the deadline passed: conn_step().
 *          jobs: conn_open() and conn_exec(), which wait with a deadline.
 * Rules    first statement: set_config('search_path','pg_catalog',false); client_encoding UTF8;
 *          application_name "pgseal"; statement_timeout as asked. Names are resolved in a job by the
 *          caller (conn_resolve()) and passed as hostaddr beside host: PQconnectStart blocks on DNS.
 * Errors   ERR_NO_CONNECTION, ERR_TIMEOUT, ERR_LOGIN, ERR_QUERY (message.h gave it its code),
 *          ERR_CONNECTION_LOST, ERR_TOO_LARGE (an answer without end). Server text is cleaned.
 * Threads  one thread at a time.
 */
#ifndef PGSEAL_PG_CONN_H
#define PGSEAL_PG_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/secret.h"
#include "core/pg/params.h"

#define CONN_TIMEOUT_MS 10000

struct conn;

enum conn_state {
    CONN_CONNECTING,
    CONN_PREPARING, /* search_path and the other first statements */
    CONN_IDLE,
    CONN_BUSY,
    CONN_FAILED
};
enum conn_wants { CONN_READ = 1, CONN_WRITE = 2 };

struct conn_options {
    const struct secret *password; /* or NULL; copied */
    int connect_timeout_ms;        /* 0: connect_timeout of the params, else CONN_TIMEOUT_MS */
    int statement_timeout_ms;      /* 0: none on the server's side */
    const char *application_name;  /* NULL: "pgseal" */
    uint64_t answer_max;           /* bytes of one answer, over TCP; 0: half a gigabyte */
    bool (*cancelled)(void *arg);  /* asked 10 times a second while waiting; or NULL */
    void *cancelled_arg;
    bool *ret_needs_password; /* or NULL; set when conn_open() fails: conn_needs_password() */
    bool *ret_starting; /* or NULL; set when conn_open() fails: it starts, recovers or shuts down */
};

/* Result of a statement: rows of text values. */
struct result;
void result_free(struct result *result);
int result_rows(const struct result *result);
int result_columns(const struct result *result);
const char *result_get(const struct result *result, int row,
                       int column); /* NULL: SQL NULL; raw bytes */
size_t result_len(const struct result *result, int row, int column);
int64_t result_int(const struct result *result, int row, int column, int64_t if_null);
bool result_bool(const struct result *result, int row, int column); /* NULL is false */
/* bytea in hex form -> bytes, appended */
bool result_bytes(const struct result *result, int row, int column, struct strbuf *out);

/* ---- never waits ---- */
struct conn *conn_start(const struct params *params, const struct conn_options *options,
                        struct err *err) MUST_CHECK;
enum conn_state conn_state(const struct conn *conn);
int conn_fd(const struct conn *conn);              /* ask afresh after each step; -1: none */
unsigned conn_wants(const struct conn *conn);      /* enum conn_wants */
int64_t conn_deadline_ms(const struct conn *conn); /* 0: nothing is waited for (idle, failed) */
/* Moves on as far as it can without waiting; may be called at any time. False with err when the
 * server refused the statement (state CONN_IDLE: the connection lives) or when all is over (state
 * CONN_FAILED). Called while idle it finds out that the server went away. */
bool conn_step(struct conn *conn, struct err *err) MUST_CHECK;
/* Sends one statement; values are text or NULL. State becomes BUSY. */
bool conn_send(struct conn *conn, const char *sql, size_t n_values, const char *const *values,
               int64_t deadline_ms, struct err *err) MUST_CHECK;
/* When the state is IDLE again after a BUSY: the result, once; the caller frees. NULL: none. */
struct result *conn_take_result(struct conn *conn);
void conn_close(struct conn *conn); /* NULL is fine; any state */

/* ---- waits, with a deadline; for jobs and commands ---- */
struct conn *conn_open(const struct params *params, const struct conn_options *options,
                       struct err *err) MUST_CHECK;
/* Waits until the connection is idle; false as conn_step(). A deadline that passes, or a wish to
 * stop (ERR_CANCELLED), ends the connection: what it was doing is not known. */
bool conn_wait(struct conn *conn, int64_t deadline_ms, struct err *err) MUST_CHECK;
struct result *conn_exec(struct conn *conn, const char *sql, size_t n_values,
                         const char *const *values, struct err *err) MUST_CHECK; /* 30 s */
bool conn_run(struct conn *conn, const char *sql,
              struct err *err) MUST_CHECK; /* no values, no rows */
/* SQLSTATE of the last refused login or statement; "" when there was none. */
const char *conn_sqlstate(const struct conn *conn);

/* ---- facts ---- */
int conn_server_version(const struct conn *conn); /* 150018 */
int conn_backend_pid(const struct conn *conn);
bool conn_uses_tls(const struct conn *conn);
bool conn_is_superuser(const struct conn *conn);
/* True when it is sure that the other end is the server that was meant: a socket, this machine, GSS,
 * or TLS with sslmode=verify-ca or verify-full. */
bool conn_is_verified(const struct conn *conn);
const char *conn_parameter(const struct conn *conn, const char *name); /* PQparameterStatus */
/* pg_control_system().system_identifier; needs no superuser. "" and true when the role may not. */
bool conn_system_identifier(struct conn *conn, char out[32], struct err *err) MUST_CHECK;
/* True when a failed connection failed for want of a (right) password. */
bool conn_needs_password(const struct conn *conn);
/* Sets hostaddr (and host and port, when a name has several addresses) from what host, a service or
 * the environment say, by getaddrinfo; blocks: in a job. Sockets and addresses: nothing to do. */
bool conn_resolve(struct params *params, struct err *err) MUST_CHECK;
/* The first host and port, as libpq has them in the end: a service file or the environment may say
 * them. "" where nothing does. The caller frees both. Opens no connection, asks no DNS. */
bool conn_effective_host(const struct params *params, char **ret_host, char **ret_port,
                         struct err *err) MUST_CHECK;
/* ERR_BAD_VALUE for a list of hosts: good for an application, not for what changes a server. */
bool conn_one_host(const struct params *params, struct err *err) MUST_CHECK;

#endif
