/*
 * trust_job.h - what the trust page needs: the store's CAs, what the server shows, a file's bytes; and
 * the intent that it ends in.
 */
#ifndef PGSEAL_SCREENS_TRUST_JOB_H
#define PGSEAL_SCREENS_TRUST_JOB_H

#include "core/pki/pem.h"
#include "screens/attempt.h"

struct trust_facts {
    char *store_folder, *server;
    char **names; /* of CAs that are not retired */
    char **notes; /* "ends 2036-11-18" */
    size_t
        first; /* that is proposed: one that it lacks, rather not the one of its own certificate */
    size_t n;
    struct cert_list chain; /* what the server shows as its own; empty without an answer */
    char **accepted;        /* CNs of the CAs that it takes from clients, as the wire says */
    size_t n_accepted;
    struct err err;
};
struct job *trust_facts_start(struct app *app, void *owner) MUST_CHECK;
void trust_facts_free(void *data);

/* Bytes of a file, wiped when it is freed: somebody will name a file with a private key. */
struct trust_file {
    char *path;
    struct strbuf bytes;
    bool ok;
    struct err err;
};
struct job *trust_file_start(struct app *app, void *owner, const char *path) MUST_CHECK;
void trust_file_free(void *data);

struct trust_data {
    bool away; /* trust is taken away: from these names, or from all */
    bool all;
    char **names; /* away: of the server's CAs */
    size_t n_names;
    char **authorities; /* names of ours */
    size_t n_authorities;
    struct cert_list foreign;
    struct crl **crls;
    size_t n_crls;
    bool keep_present;
    char *path; /* of the file, for the command; or NULL */
};
void trust_data_free(void *data);
extern const struct attempt_intent trust_intent;

#endif
