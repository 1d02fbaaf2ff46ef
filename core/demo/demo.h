/*
 * demo.h - a private PostgreSQL: started, filled with a little life, stopped, and gone.
 *
 * Source   initdb(1), postgres(1), prctl(2) PR_SET_PDEATHSIG; initdb refuses root, so as root it runs
 *          as "postgres", else "nobody".
 * Shapes   everything in one folder 0700: data/, socket/ (superuser "admin" comes in here only, peer
 *          or trust in a 0700 folder), store/, log. TCP on 127.0.0.1 with a free port for the demo's
 *          roles alice, bob, carol (password) only. ssl = off at the start.
 * Life     the postmaster dies with the process that called demo_start(), whatever ends it, and the
 *          folder goes too (a small watcher process), unless it was asked to be kept.
 * Used by  "pgseal demo", and by the tests as their server.
 */
#ifndef PGSEAL_DEMO_DEMO_H
#define PGSEAL_DEMO_DEMO_H

#include "core/base/err.h"
#include "core/pg/params.h"

struct demo;

struct demo_options {
    const char *keep; /* folder to make and keep, or NULL: a temporary one that goes */
    const char
        *bindir; /* NULL: $PGSEAL_TEST_PGBIN, PATH, pg_config --bindir, /usr/lib/postgresql/… */
    bool quiet_roles; /* only the superuser: for tests */
    bool with_load;   /* a few sessions of the roles that come and go */
    void (*progress)(void *arg, const char *line); /* or NULL */
    void *progress_arg;
};

struct demo *demo_start(const struct demo_options *options, struct err *err) MUST_CHECK;
/* Stops the server by its own pid, waits, removes the folder. *ret_nothing_left (may be NULL): the
 * process and the folder are gone. */
bool demo_stop(struct demo *demo, bool *ret_nothing_left, struct err *err) MUST_CHECK;
void demo_free(struct demo *demo); /* stops first when still running */

const char *demo_folder(const struct demo *demo);
const char *demo_store(const struct demo *demo);  /* its store folder */
const char *demo_data(const struct demo *demo);   /* data directory */
const char *demo_socket(const struct demo *demo); /* socket folder */
const char *demo_log(const struct demo *demo);    /* server log file */
const char *demo_bindir(const struct demo *demo);
int demo_port(const struct demo *demo);
int demo_pid(const struct demo *demo); /* postmaster */
/* "host=<socket> port=… user=admin dbname=postgres" */
const char *demo_admin_conninfo(const struct demo *demo);
const char *demo_password(const struct demo *demo, const char *role); /* carol's; "" for none */
/* For tests: stop -m fast and start again (a restart is the proof of the files); SIGSTOP, SIGCONT. */
bool demo_restart(struct demo *demo, struct err *err) MUST_CHECK;
bool demo_freeze(struct demo *demo, bool frozen, struct err *err) MUST_CHECK;

#endif
