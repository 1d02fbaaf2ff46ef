/*
 * conn_state.h - inside core/pg only: what a connection is made of, for conn.c and conn_fact.c.
 */
#ifndef PGSEAL_PG_CONN_STATE_H
#define PGSEAL_PG_CONN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/pg/conn.h"

#define SQLSTATE_SIZE 6

struct conn {
    struct pg_conn *pg; /* PGconn, owned */
    enum conn_state state;
    unsigned wants; /* enum conn_wants */
    int64_t deadline_ms;
    int connect_timeout_ms;
    int statement_timeout_ms;
    uint64_t answer_max;
    uint64_t before_answer; /* bytes that had come when the statement was sent */
    bool (*cancelled)(void *arg);
    void *cancelled_arg;
    struct pg_result *result; /* PGresult, owned: the first one of the running statement */
    bool refused;             /* the running statement ended with an error, which is in why */
    bool needs_password;
    char *loose_passfile; /* owned, or NULL: a password file that was left out */
    struct err why; /* of a refused statement; also: of the end, when the server announced it */
    char sqlstate[SQLSTATE_SIZE];
};

#endif
