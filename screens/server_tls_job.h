/*
 * server_tls_job.h - what the page of a server's certificate ends in: one of our CA, a request for
 * another CA, or a certificate that exists.
 *
 * Secrets  a key file is read by the job and wiped with it; the page never holds its bytes.
 */
#ifndef PGSEAL_SCREENS_SERVER_TLS_JOB_H
#define PGSEAL_SCREENS_SERVER_TLS_JOB_H

#include "core/base/secret.h"
#include "core/base/strbuf.h"
#include "screens/attempt.h"

enum tls_source { TLS_OURS, TLS_REQUEST, TLS_GIVEN };

struct tls_data {
    enum tls_source source;
    char *ca; /* TLS_OURS */
    char **hosts;
    size_t n_hosts;
    int days;                  /* TLS_OURS */
    char *request_file;        /* TLS_REQUEST: where the request goes; absolute */
    struct strbuf *request;    /* made with the plan, written when it is applied */
    char *cert_file;           /* TLS_GIVEN: absolute */
    char *key_file;            /* NULL: the server has it */
    struct secret *passphrase; /* of the key; or NULL */
};
struct tls_data *tls_data_new(void) MUST_CHECK;
void tls_data_free(void *data);
extern const struct attempt_intent tls_intent;

#endif
