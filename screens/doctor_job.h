/*
 * doctor_job.h - what an application would meet under each sslmode, tried in a job.
 */
#ifndef PGSEAL_SCREENS_DOCTOR_JOB_H
#define PGSEAL_SCREENS_DOCTOR_JOB_H

#include "core/health/doctor.h"
#include "screens/app.h"

struct doctor_job {
    char *store_folder;
    char *conninfo;
    char *cert, *key, *root; /* NULL: where libpq looks */
    struct secret *password, *key_passphrase;
    /* results */
    bool ok;
    struct doctor doctor;
    struct err err;
};
struct doctor_job *doctor_job_new(struct app *app) MUST_CHECK; /* to be filled */
struct job *doctor_job_start(struct app *app, void *owner, struct doctor_job *data) MUST_CHECK;
void doctor_job_free(void *data);

#endif
