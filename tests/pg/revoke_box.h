/*
 * revoke_box.h - two real servers, "db1" and "db2", that trust the CAs "lab" and "other", and a store
 *                that the commands work on.
 *
 * Errors   fail the cmocka test that called.
 */
#ifndef PGSEAL_TESTS_PG_REVOKE_BOX_H
#define PGSEAL_TESTS_PG_REVOKE_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/command.h"

struct lab {
    char *folder;
    struct demo *one, *two;
};

/* For cmocka_run_group_tests(); *state is a struct lab. */
int lab_setup(void **state);
int lab_teardown(void **state);

const char *lab_text(const json_t *json, const char *name); /* borrowed */
json_int_t lab_int(const json_t *json, const char *name);
/* Of this array the row whose key has this value; borrowed. */
json_t *lab_row(const json_t *document, const char *array, const char *key, const char *value);

/* A client certificate for this role, its files in this new folder. */
void lab_issue(const char *role, const char *ca, const char *folder);
/* By a CA whose key has the passphrase of this file. */
void lab_issue_with(const char *role, const char *ca, const char *folder, const char *word);
/* With the certificate of the folder; NULL: refused, err says why. */
struct conn *lab_log_in_to(const struct demo *demo, const char *database, const char *role,
                           const char *folder, struct err *err);
struct conn *lab_log_in(const struct demo *demo, const char *role, const char *folder,
                        struct err *err);
struct conn *lab_must_log_in(const struct demo *demo, const char *role, const char *folder);
/* As revoked, by libpq's own words: of psql, or of a login. */
void lab_refused_by_psql(const struct demo *demo, const char *role, const char *folder);
void lab_refused(const struct demo *demo, const char *role, const char *folder);
bool lab_is_alive(struct conn *conn);

/* On the store itself. */
void lab_store_sql(const char *sql);

/* Servers that lack a list, as "check" says: exit 6 with, 0 without any finding. */
json_int_t lab_count_behind(void);
/* At once, and nothing else of it changes: its administrator's socket is not where it was. */
void lab_set_away(const struct demo *demo, bool away);

#endif
