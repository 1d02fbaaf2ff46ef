/* new_ca_job.c - making a CA in a job. */
#include "config.h"

#include "screens/new_ca_job.h"

#include <stdlib.h>

#include "core/base/mem.h"

static bool cancelled(void *arg)
{
    return job_cancelled(arg);
}

static void new_ca_run(struct job *job, void *data)
{
    struct new_ca_job *self = data;
    struct authority_spec spec = {.name = self->name,
                                  .key_type = self->type,
                                  .days = self->days,
                                  .passphrase = self->passphrase,
                                  .cancelled = cancelled,
                                  .cancelled_arg = job};
    struct store *store = store_open(self->store_folder, STORE_CREATE, &self->err);

    if (store == NULL)
        return;
    self->authority = authority_create(store, &spec, &self->err);
    store_close(store);
}

void new_ca_job_free(void *data)
{
    struct new_ca_job *self = data;

    if (self == NULL)
        return;
    authority_free(self->authority);
    secret_free(self->passphrase);
    free(self->store_folder);
    free(self->name);
    free(self);
}

static const struct job_ops new_ca_ops = {"ca: create", new_ca_run, new_ca_job_free};

struct job *new_ca_job_start(struct app *app, void *owner, const char *name, enum key_type type,
                             int days, const struct secret *passphrase)
{
    struct new_ca_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(app));
    data->name = mem_strdup(name);
    data->type = type;
    data->days = days;
    data->passphrase = secret_dup(passphrase);
    return job_start(app_loop(app), owner, &new_ca_ops, data);
}

static void ca_names_run(struct job *job, void *data)
{
    struct ca_names_job *self = data;
    struct authority_list list = {0};
    struct err err = ERR_INIT; /* no store yet: no names */
    struct store *store = store_open(self->store_folder, STORE_READ, &err);

    (void)job;
    if (store == NULL)
        return;
    if (authority_list(store, &list, &err)) {
        self->names = mem_array(list.n, sizeof(*self->names));
        for (size_t i = 0; i < list.n; i++)
            self->names[self->n++] = mem_strdup(list.rows[i]->name);
        authority_list_clear(&list);
    }
    store_close(store);
}

void ca_names_job_free(void *data)
{
    struct ca_names_job *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        free(self->names[i]);
    free(self->names);
    free(self->store_folder);
    free(self);
}

static const struct job_ops ca_names_ops = {"ca: names", ca_names_run, ca_names_job_free};

struct job *ca_names_job_start(struct app *app, void *owner)
{
    struct ca_names_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(app));
    return job_start(app_loop(app), owner, &ca_names_ops, data);
}
