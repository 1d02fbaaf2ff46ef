/*
 * lab.h - for tests of commands that change a server: a private PostgreSQL and a folder for commands.
 *
 * Every function ends the test (cmocka's fail) when it cannot do what it says.
 */
#ifndef PGSEAL_TESTS_HARNESS_LAB_H
#define PGSEAL_TESTS_HARNESS_LAB_H

#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/command.h"

struct lab {
    char *folder; /* of command_box() */
    struct demo *demo;
    char address[32]; /* "127.0.0.1:54321" */
};

/* *state is the struct lab. */
int lab_setup(void **state);
int lab_teardown(void **state);

struct conn *lab_admin(const struct demo *demo) MUST_CHECK;
/* One value from the server, as its administrator; "" for NULL. Caller frees. */
char *lab_ask(const struct demo *demo, const char *sql) MUST_CHECK;
/* All that a change could leave behind on the server. Caller frees. */
char *lab_state(const struct demo *demo) MUST_CHECK;
/* A login as a client: with the kit in this folder and root.crt, or (NULL) without TLS. NULL: refused,
 * err says why. */
struct conn *lab_login(const struct lab *lab, const char *role, const char *kit,
                       struct err *err) MUST_CHECK;
/* State of the newest plan; "" when there is none. */
void lab_plan_state(char *ret, size_t size);
void lab_expect_plan(const char *expected);

#endif
