/*
 * new_ca_job.h - making a CA in a job: its data, and what came of it.
 *
 * Owner    new_ca_job_start() copies all it needs; job_take() gives the struct back, which the page
 *          frees with new_ca_job_free().
 */
#ifndef PGSEAL_SCREENS_NEW_CA_JOB_H
#define PGSEAL_SCREENS_NEW_CA_JOB_H

#include "core/store/authority.h"
#include "screens/app.h"

struct new_ca_job {
    char *store_folder, *name;
    enum key_type type;
    int days;
    struct secret *passphrase;   /* NULL: none */
    struct authority *authority; /* result; NULL with err */
    struct err err;
};

struct job *new_ca_job_start(struct app *app, void *owner, const char *name, enum key_type type,
                             int days, const struct secret *passphrase) MUST_CHECK;
void new_ca_job_free(void *data);

/* The names that CAs of the store have already. */
struct ca_names_job {
    char *store_folder;
    char **names;
    size_t n;
};
struct job *ca_names_job_start(struct app *app, void *owner) MUST_CHECK;
void ca_names_job_free(void *data);

#endif
