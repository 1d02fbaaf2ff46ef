/*
 * session_stage.h - a server with TLS and sessions of every kind, for the live page to show.
 *
 * Use      after command_box() or wizard_box_open() (the store is PGSEAL_STORE) and pg_setup(). The
 *          server is known to the store as "db1"; everything is set up by pgseal's own commands.
 *          Everybody may log in as anybody: who shows which certificate is what is played here.
 * Errors   a step that fails ends the test.
 */
#ifndef PGSEAL_TESTS_HARNESS_SESSION_STAGE_H
#define PGSEAL_TESTS_HARNESS_SESSION_STAGE_H

#include <libpq-fe.h>

#include "tests/harness/pg.h"

#define STAGE_SERVER "db1"
#define STAGE_CA     "Acme PG Root"

/* The CA, a foreign one ("Partner CA", folder partner/), TLS, both trusted, and open rules. */
void session_stage_open(struct pg *pg);
/* A certificate of the stage's CA and its files in folder. */
void session_stage_issue(const char *role, int days, const char *folder);
/* A certificate of the foreign CA: partner/NAME.crt and .key; cn in UTF-8. */
void session_stage_issue_foreign(const char *name, const char *cn);
/* A session by TCP. more: keywords as in a connection string. PQfinish() ends it. */
PGconn *session_stage_log_in(const struct pg *pg, const char *role, const char *application,
                             const char *more);
/* "sslmode=require sslcert=FOLDER/NAME.crt sslkey=FOLDER/NAME.key", to free(). */
char *session_stage_certificate(const char *folder, const char *name);

#endif
