/*
 * programs.h - where initdb and postgres are, and as whom they may run.
 *
 * Source   PATH; pg_config(1); Debian's /usr/lib/postgresql/N/bin, PGDG's /usr/pgsql-N/bin; initdb(1)
 *          ("initdb must not be run as root").
 * Errors   ERR_DEMO.
 */
#ifndef PGSEAL_DEMO_PROGRAMS_H
#define PGSEAL_DEMO_PROGRAMS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/attr.h"
#include "core/base/err.h"

/*
 * The folder that has both initdb and postgres, links resolved: wanted when it is not NULL, else
 * $PGSEAL_TEST_PGBIN when set, else PATH, `pg_config --bindir`, the newest of the usual places. A
 * place that was asked for and has them not is an error, never skipped. Caller frees.
 */
char *programs_find(const char *wanted, struct err *err) MUST_CHECK;

struct server_user {
    bool other; /* we are root: the server's processes take uid and gid and nothing else */
    uid_t uid;
    gid_t gid;
};

/* Ourselves; for root "postgres", else "nobody". */
bool server_user_find(struct server_user *ret, struct err *err) MUST_CHECK;

/* True when user can walk down to the folder path itself: every part of it lets them through. */
bool server_user_reaches(const struct server_user *user, const char *path);

#endif
