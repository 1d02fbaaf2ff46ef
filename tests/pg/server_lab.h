/*
 * server_lab.h - for the tests of servers' certificates: a primary, its standby, and clients that verify.
 *
 * Shape    db1 is the primary of the cluster "main", db2 its standby. "slow" never gets another trust
 *          file than the first by itself; "quick" has what the phases hand out. The tests of a program
 *          share one lab, and each goes on where the one before ended.
 */
#ifndef PGSEAL_TESTS_PG_SERVER_LAB_H
#define PGSEAL_TESTS_PG_SERVER_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>

#include "core/demo/demo.h"
#include "core/rotate/rotate.h"
#include "tests/harness/command.h"
#include "tests/harness/login_loop.h"

struct lab {
    char *folder;
    struct demo *db1, *db2;
    struct login_loop *loop;
    int slow, quick1, quick2;
    PGconn *pool; /* alice's: open sessions stay, whatever the server shows */
};

int lab_setup(void **state);
int lab_teardown(void **state);

void lab_sh(const char *script);
void lab_sql(const struct demo *demo, const char *sql);
void lab_add_server(const struct demo *demo, const char *name, const char *cluster);
int lab_add_client(struct lab *lab, const char *name, const struct demo *demo, const char *root);
void lab_change_root(struct lab *lab, int i, const struct demo *demo, const char *root);
/* Whatever phase it is in, the servers may be started again: nobody is refused afterwards who was not. Both,
 * and the pool is opened again with this root. */
void lab_restart_all(struct lab *lab, const char *root);
void lab_restart(struct lab *lab, struct demo *demo);
/* What "next" or "back" would do, as --dry-run says it: nothing is changed by it. How many servers have
 * steps, and how many lines there are; "says" stands in a step or a line of it. */
void lab_ahead(const char *way, const char *name, size_t servers, size_t lines, const char *says);
void lab_open_pool(struct lab *lab, const char *root);
void lab_pool_lives(const struct lab *lab);
/* The subject of the CA behind what a server shows. */
void lab_shows(const char *server, const char *issuer);
char *lab_leaf(const char *server); /* its sha256; the caller frees */
/* "next" or "back", which must lead to this phase. */
void lab_go(const char *way, const char *name, const char *phase);

/* ---- another pgseal, which is killed or waits ---- */

#define LAB_ENDED -1

struct lab_run {
    const char *name, *ca; /* of the rotation; whose key it gets */
    bool back;             /* else next */
    const char
        *server; /* killed at the report number `at` of its turn; NULL: of what comes before, while
                            * it takes back what another run left */
    int at;      /* 0: it is not; LAB_ENDED: when its turn ends */
    int write;   /* killed at this write to the store or a file, in this phase: */
    int phase;
    const char *folder; /* for trust files */
    const int *hold; /* when server's turn comes, a byte is sent by [1], and one awaited from [0] */
    int64_t ahead;   /* of the right time: its clock */
};
struct lab_child {
    pid_t pid;
    int said; /* a pipe with its error code */
};
struct lab_child lab_begin(struct lab *lab, const struct lab_run *run);
/* ERR_NONE: it went on to the next phase; the code of its error; -SIGKILL: it was killed. */
int lab_end(struct lab_child child);
int lab_run(struct lab *lab, const struct lab_run *run);

/* ---- server_walk.c ---- */

void test_before(void **state);
void test_renew(void **state);
void test_other_ca(void **state);

/* ---- server_traps.c ---- */

void test_lost(void **state);
void test_traps(void **state);
void test_login(void **state);
void test_restored(void **state);
void test_removed(void **state);

#endif
