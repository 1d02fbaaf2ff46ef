/*
 * servers_job.h - all servers of the store and what they do now; one tried, added, forgotten: in jobs.
 *
 * Owner    job_take() gives the struct back; its _free() ends it.
 */
#ifndef PGSEAL_SCREENS_SERVERS_JOB_H
#define PGSEAL_SCREENS_SERVERS_JOB_H

#include "screens/app.h"
#include "screens/server_state.h"

/* ---- the list: first the store alone, then each server is asked ---- */

struct servers_job {
    char *store_folder;
    bool probe;
    struct server_list servers;
    enum server_state *states; /* one each, with probe */
    char **trusts;             /* one each: "Acme PG Root, Old CA" or "" */
    int64_t *plans;            /* one each: open changes */
    struct err err;
};
struct job *servers_job_start(struct app *app, void *owner, bool probe) MUST_CHECK;
void servers_job_free(void *data);

/* ---- one server: a login without any change ---- */

struct server_try {
    char *store_folder;
    struct server *server;   /* as the form says; then with its identifier */
    struct secret *password; /* or NULL */
    /* results */
    bool ok;
    bool wants_password;
    int version;
    char role[64];
    bool superuser, may_write_files, tls; /* tls: of this connection */
    enum server_state state;
    struct err err;
};
/* The job takes what it is given. */
struct job *server_try_start(struct app *app, void *owner, struct server *server,
                             struct secret *password) MUST_CHECK;
void server_try_free(void *data);

/* ---- a row of the store: quick, but a disk: in a job ---- */

struct server_store_job {
    char *store_folder;
    struct server *add; /* or NULL */
    char *remove;       /* or NULL */
    bool ok;
    struct err err;
};
struct job *server_store_start(struct app *app, void *owner, struct server *add,
                               const char *remove) MUST_CHECK;
void server_store_free(void *data);

#endif
