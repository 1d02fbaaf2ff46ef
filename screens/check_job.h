/*
 * check_job.h - the chosen server looked at from all sides, in a job; nothing is changed.
 */
#ifndef PGSEAL_SCREENS_CHECK_JOB_H
#define PGSEAL_SCREENS_CHECK_JOB_H

#include "core/health/server_check.h"
#include "screens/app.h"

struct check_job {
    char *store_folder, *server;
    struct secret *password; /* or NULL */
    /* results */
    bool ok;
    bool wants_password;
    struct server_check check; /* ok; of a cluster: and what differs between its members */
    size_t n_members;          /* of its cluster; 0: of none */
    struct err err;            /* !ok */
};
/* password: taken; or NULL. */
struct job *check_job_start(struct app *app, void *owner, struct secret *password) MUST_CHECK;
void check_job_free(void *data);

#endif
