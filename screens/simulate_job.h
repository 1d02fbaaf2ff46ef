/*
 * simulate_job.h - who gets in now, and who by the rules of a draft: read and reckoned in a job.
 *
 * Cost     a login and a few queries; nothing is changed, and nothing is tried.
 */
#ifndef PGSEAL_SCREENS_SIMULATE_JOB_H
#define PGSEAL_SCREENS_SIMULATE_JOB_H

#include "screens/require_job.h"

struct simulate_job {
    char *store_folder, *server;
    struct require_data *draft; /* NULL: the rules as they are */
    struct secret *password;    /* or NULL */
    /* results */
    bool ok;
    bool wants_password;
    bool changes; /* the draft's rules are not there yet */
    struct simulate_who who;
    struct simulation simulation;
    struct err err; /* !ok */
};
/* draft: copied, or NULL. password: taken, or NULL. */
struct job *simulate_job_start(struct app *app, void *owner, const struct require_data *draft,
                               struct secret *password) MUST_CHECK;
void simulate_job_free(void *data);

#endif
