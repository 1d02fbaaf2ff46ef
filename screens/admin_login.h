/*
 * admin_login.h - the administrator's connection of a job that only looks.
 *
 * Secrets  a password is the caller's; libpq's own places (~/.pgpass) are asked first.
 */
#ifndef PGSEAL_SCREENS_ADMIN_LOGIN_H
#define PGSEAL_SCREENS_ADMIN_LOGIN_H

#include "core/pg/conn.h"
#include "core/store/server.h"
#include "tui/loop.h"

#define ADMIN_LOGIN_MS 8000

/* password may be NULL. NULL: *ret_wants_password tells whether a (right) one would help. Given up when
 * the job is cancelled. */
struct conn *admin_login(const struct server *server, const struct secret *password,
                         struct job *job, bool *ret_wants_password, struct err *err) MUST_CHECK;

#endif
