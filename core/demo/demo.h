/*
 * demo.h - a private PostgreSQL: started, filled with a little life, stopped, and gone.
 *
 * Source   initdb(1), pg_basebackup(1), postgres(1), prctl(2) PR_SET_PDEATHSIG; initdb refuses root, so as root it
 *          runs as "postgres", else "nobody".
 * Shapes   everything in one folder 0700: data/, socket/ (the superuser "admin" comes in here only,
 *          by trust), store/ (made by whoever opens the store), log. As root the folder is 0710 with
 *          the server's group, so that the server can walk through it; data/ and socket/ are 0700
 *          of the server's user, log and store/ root's. TCP on 127.0.0.1 with a free port, with a
 *          new cluster's ordinary scram-sha-256 lines, for the roles alice, bob, carol; there is a
 *          database "app". ssl = off at the start.
 * Life     the postmaster dies with the process that called demo_start(), whatever ends it, and the
 *          folder goes too, unless it was asked to be kept: a small process, keeper.h, sees to it.
 * Errors   ERR_DEMO with the server's last words, ERR_FILE_EXISTS for a folder that is there.
 * Rules    libpq's variables (PGSERVICE, PGSSLMODE, ...) are taken out of the environment: they are
 *          meant for other servers.
 * Threads  one at a time per struct demo. demo_start() forks: before other threads run where it can
 *          be, and never while one of them holds OpenSSL's locks. It takes 1 to 3 s.
 * Used by  "pgseal demo", and by the tests as their server.
 */
#ifndef PGSEAL_DEMO_DEMO_H
#define PGSEAL_DEMO_DEMO_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/err.h"

struct demo;

struct demo_options {
    const char *keep;   /* folder to make and keep, or NULL: a temporary one that goes */
    const char *bindir; /* NULL: $PGSEAL_TEST_PGBIN, PATH, pg_config --bindir, the usual places */
    bool quiet_roles;   /* only the superuser and no database "app": for tests */
    bool replicated;    /* standbys may follow it */
    const struct demo *standby_of; /* a standby of that one, by pg_basebackup: quiet_roles too */
    bool with_load;                /* a few sessions of the roles that come and go */
    void (*progress)(void *arg, const char *line); /* or NULL; translated, one line a step */
    void *progress_arg;
};

struct demo *demo_start(const struct demo_options *options, struct err *err) MUST_CHECK;
/* Stops the server by its own pid, waits, removes the folder. *ret_nothing_left (may be NULL) is
 * set in any case: whether the processes and, unless it is kept, the folder are gone. */
bool demo_stop(struct demo *demo, bool *ret_nothing_left, struct err *err) MUST_CHECK;
void demo_free(struct demo *demo); /* stops first when still running; NULL is fine */

const char *demo_folder(const struct demo *demo);
const char *demo_store(const struct demo *demo);  /* its store folder */
const char *demo_data(const struct demo *demo);   /* data directory */
const char *demo_socket(const struct demo *demo); /* socket folder */
const char *demo_log(const struct demo *demo);    /* server log file */
const char *demo_bindir(const struct demo *demo);
int demo_port(const struct demo *demo);
int demo_pid(const struct demo *demo);        /* postmaster; 0 after demo_stop() */
int demo_keeper_pid(const struct demo *demo); /* for tests */
/* "host=<socket> port=… user=admin dbname=postgres" */
const char *demo_admin_conninfo(const struct demo *demo);
/* alice's, bob's, carol's; "" for any other name and with quiet_roles. Borrowed. */
const char *demo_password(const struct demo *demo, const char *role);
/* For tests: stop -m fast and start again (a restart is the proof of the files); when it does not
 * come up again: ERR_DEMO with its last words, and demo_restart() may be tried again. SIGSTOP and
 * SIGCONT for the postmaster and all backends. */
bool demo_restart(struct demo *demo, struct err *err) MUST_CHECK;
bool demo_freeze(struct demo *demo, bool frozen, struct err *err) MUST_CHECK;

#endif
