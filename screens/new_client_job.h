/*
 * new_client_job.h - what the page needs to know of the store, and making a certificate with its kit;
 * both in jobs.
 *
 * Owner    the start functions copy or take what they are given; job_take() gives the struct back.
 */
#ifndef PGSEAL_SCREENS_NEW_CLIENT_JOB_H
#define PGSEAL_SCREENS_NEW_CLIENT_JOB_H

#include "core/kit/kit.h"
#include "core/store/authority_request.h"
#include "screens/app.h"

/* CAs that can sign here and now, and where the chosen server's clients connect. */
struct client_facts {
    char *store_folder, *server;
    struct client_ca {
        char *name;
        int64_t not_after;
        bool key_encrypted;
    } * cas;
    size_t n;
    size_t
        server_ca; /* of these the one for servers: it signed the last server certificate, else it
                       * signed no client's; else the first */
    char *host;    /* or NULL */
    int port;
    struct err err; /* when n is 0 */
};
struct job *client_facts_start(struct app *app, void *owner) MUST_CHECK;
void client_facts_free(void *data);
/* The same inside another job: store_folder is set, server too or NULL. */
void client_facts_read(struct client_facts *facts);

enum new_client_step {
    CLIENT_STEP_UNLOCK,
    CLIENT_STEP_KEY,
    CLIENT_STEP_SIGN,
    CLIENT_STEP_FILES,
    CLIENT_STEPS
};

struct new_client_job {
    enum issued_kind kind; /* ISSUED_CLIENT, ISSUED_SERVER */
    char **hosts;          /* server: names and addresses; name is the first one */
    size_t n_hosts;
    char *
        replaces; /* "CA:serial" of what is renewed; NULL: what was never delivered under the name */
    char *store_folder, *ca, *name, *note, *folder, *host;
    int port, days;
    enum key_type type;
    unsigned formats;
    char *csr; /* PEM; NULL: a key is made */
    struct secret *ca_passphrase, *key_passphrase;
    /* results */
    bool ok;
    struct issued *issued; /* may be there although !ok: recorded, but its files were not written */
    struct kit_files files;
    struct err err;
    struct issued *replaced; /* what this one stands for now; or NULL */
    bool (*cancelled)(void *arg);
    void *cancelled_arg;
    void (*progress)(void *arg, enum new_client_step step); /* or NULL */
};
/* The names of a server's certificate are those of the old one. */
bool new_client_job_take_hosts(struct new_client_job *self, const struct issued *old,
                               struct err *err) MUST_CHECK;
/* In a job. */
bool new_client_make(struct new_client_job *self) MUST_CHECK;
struct new_client_job *new_client_job_new(struct app *app) MUST_CHECK; /* to be filled */
struct job *new_client_job_start(struct app *app, void *owner,
                                 struct new_client_job *data) MUST_CHECK;
void new_client_job_free(void *data);

#endif
