/*
 * login_loop.h - clients that log in all the time, while a test changes what they depend on.
 *
 * Use      login_loop_start(); login_loop_add() for each client; change things; login_loop_expect() where
 *          a client's fate is to change; login_loop_stop(). A thread of its own, libpq alone.
 * Rules    every client logs in every LOGIN_LOOP_MS (later where the machine is busy), asks one thing and
 *          leaves. An attempt counts by what was expected when it began and when it ended: where the two
 *          differ nothing is expected of it. Each attempt is a line of the log:
 *          "<ms> <client> <in|refused> <expected> <what libpq said>".
 * Errors   login_loop_stop() fails the cmocka test when a client was refused that should get in, or let
 *          in that should not, and shows those lines.
 */
#ifndef PGSEAL_TESTS_HARNESS_LOGIN_LOOP_H
#define PGSEAL_TESTS_HARNESS_LOGIN_LOOP_H

#include "core/base/attr.h"

#define LOGIN_LOOP_MS 50

enum login_expect { LOGIN_IN, LOGIN_REFUSED, LOGIN_EITHER };

struct login_loop;

/* log: a new file. */
struct login_loop *login_loop_start(const char *log) MUST_CHECK;
/* From now on the first client every LOGIN_LOOP_MS, and every second time one of the others in turn; all of
 * them, without a rest, while login_loop_settle() waits. For many clients: each login costs a backend. */
void login_loop_spread(struct login_loop *loop);
/* Returns its number; both are copied. */
int login_loop_add(struct login_loop *loop, const char *client, const char *conninfo,
                   enum login_expect expect);
void login_loop_expect(struct login_loop *loop, int client, enum login_expect expect);
/* The client's files are other ones from now on. */
void login_loop_change(struct login_loop *loop, int client, const char *conninfo);
/* Returns when each client was tried since, from the beginning to the end: what is so now was seen. */
void login_loop_settle(struct login_loop *loop);
/* No attempt runs or begins in between: for a server that is down on purpose. */
void login_loop_pause(struct login_loop *loop);
void login_loop_resume(struct login_loop *loop);
/* How often it got in, or was refused, until now. */
long login_loop_count(struct login_loop *loop, int client, enum login_expect outcome);
/* Ends it; fails the test where something was not as expected, or a client was never tried. */
void login_loop_stop(struct login_loop *loop);

#endif
