/* doctor_job.c - what an application would meet under each sslmode. */
#include "config.h"

#include "screens/doctor_job.h"

#include <stdlib.h>

#include "core/base/mem.h"

struct doctor_job *doctor_job_new(struct app *app)
{
    struct doctor_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    return self;
}

static void doctor_job_run(struct job *job, void *data)
{
    struct doctor_job *self = data;
    struct err ignored = ERR_INIT; /* without a store there are no CAs of ours to compare with */
    struct store *store = store_open(self->store_folder, STORE_READ, &ignored);
    struct params *params = doctor_parse(self->conninfo, &self->err);
    struct doctor_request request = {.params = params,
                                     .cert_file = self->cert,
                                     .key_file = self->key,
                                     .root_file = self->root,
                                     .password = self->password,
                                     .key_passphrase = self->key_passphrase,
                                     .store = store};

    (void)job;
    self->ok = params != NULL && doctor_run(&request, &self->doctor, &self->err);
    params_free(params);
    store_close(store);
}

void doctor_job_free(void *data)
{
    struct doctor_job *self = data;

    if (self == NULL)
        return;
    if (self->ok)
        doctor_clear(&self->doctor);
    secret_free(self->password);
    secret_free(self->key_passphrase);
    free(self->store_folder);
    free(self->conninfo);
    free(self->cert);
    free(self->key);
    free(self->root);
    free(self);
}

static const struct job_ops doctor_ops = {"doctor", doctor_job_run, doctor_job_free};

struct job *doctor_job_start(struct app *app, void *owner, struct doctor_job *data)
{
    return job_start(app_loop(app), owner, &doctor_ops, data);
}
