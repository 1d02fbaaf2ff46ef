/*
 * pg.h - a private PostgreSQL for a cmocka program, and short words for what tests do to it.
 *
 * Use      main(): "if (!need_pg()) return 0;" (tests/pg/need_pg.h); group setup: pg_setup(), group
 *          teardown: pg_teardown(); each test gets the struct pg as *state.
 * Errors   a step that fails ends the test with its message.
 */
#ifndef PGSEAL_TESTS_PG_H
#define PGSEAL_TESTS_PG_H

#include "core/base/strbuf.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"

struct pg {
    struct demo *demo;
    struct conn *admin; /* superuser, by the socket */
};

int pg_setup(void **state);
int pg_teardown(void **state);

/* "dbname=x user=y": over the admin's way in. NULL with err when refused. */
struct conn *pg_open(const struct pg *pg, const char *changes, struct err *err) MUST_CHECK;
/* The same, and the test ends when refused. */
struct conn *pg_connect(const struct pg *pg, const char *changes) MUST_CHECK;
void pg_run(struct conn *conn, const char *sql);
/* The first value as text, to free(); "" for NULL. */
char *pg_ask(struct conn *conn, const char *sql) MUST_CHECK;
/* A file of the data directory (or an absolute path), owned by the server's user. */
void pg_write_file(const struct pg *pg, const char *name, const void *bytes, size_t len,
                   unsigned mode);
char *pg_data_path(const struct pg *pg, const char *name) MUST_CHECK; /* to free() */
/* pg_hba.conf: the superuser's socket line, and these lines. Reloads. */
void pg_rules(struct pg *pg, const char *lines);
/* The server's log so far; out is emptied first. */
void pg_log(const struct pg *pg, struct strbuf *out);

#endif
