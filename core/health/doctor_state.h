/*
 * doctor_state.h - the inside of the doctor: what it knows when it explains.
 *
 * Use      core/health only.
 */
#ifndef PGSEAL_HEALTH_DOCTOR_STATE_H
#define PGSEAL_HEALTH_DOCTOR_STATE_H

#include "core/health/doctor.h"
#include "core/health/doctor_login.h"
#include "core/pg/handshake.h"
#include "core/pg/hba.h"
#include "core/pg/ident.h"
#include "core/pki/chain.h"

/* One of the client's own files, as libpq takes it. */
struct client_file {
    char *path; /* owned */
    bool named; /* in the connection string, the environment or by an option */
    bool found;
    bool is_system;        /* sslrootcert=system, for a libpq that knows it: no file */
    enum err_code problem; /* ERR_NONE: libpq can use it */
    char why[160];         /* what is wrong, for people */
};

struct doctoring {
    const struct doctor_request *request;
    struct doctor *out;
    struct params *params; /* resolved, with the files that were named */
    struct params *newer;  /* what was taken out of params: the libpq here does not know it */
    struct doctor_effective *effective;
    int64_t timeout_ms;

    /* where */
    bool is_socket;
    const char *host; /* name that is verified; "" none; borrowed from out or effective */
    char *connect_to; /* owned: address or name */
    char address[64]; /* of this machine, as the server sees it where nothing is between; "" */
    const char *user, *database;
    enum doctor_sslmode mode; /* the application's own */

    /* the client's files */
    struct client_file cert, key, root, list;
    struct cert_list certs; /* of cert, in order */
    struct key *loaded_key; /* or NULL */
    struct cert_list roots;
    struct crl **lists; /* of list: libpq wants one for every CA then */
    size_t n_lists;
    char cn[128]; /* of the first certificate; "" none */

    /* the wire */
    bool has_wire;
    struct handshake wire; /* without a certificate */
    struct err wire_err;
    bool tried_cert;
    struct handshake with_cert;          /* TLS as the server chooses */
    int alert_12;                        /* the same on TLS 1.2; -1: not known */
    struct chain_verdict server_verdict; /* the server's chain against roots */
    bool server_verified;
    bool host_fits;

    /* the server's side: by its admin, else by what the wire and the store tell */
    bool certain; /* its files were read */
    struct chain_verdict client_verdict;
    bool has_client_verdict;
    struct hba hba;
    bool has_hba;
    bool not_loaded;    /* ssl = on is set, and the wire speaks none */
    bool gave_password; /* in the application's own login */
    bool needs_no_cert; /* a login without the certificate got as far as, or in */
};

/* ---- doctor_files.c ---- */
void doctor_read_files(struct doctoring *self);
/* ---- doctor_wire.c ---- */
void doctor_look_at_wire(struct doctoring *self);
/* ---- doctor_server.c: with admin, or from the store ---- */
bool doctor_look_at_server(struct doctoring *self, struct err *err) MUST_CHECK;
/* Why the server refuses the certificate: its alert, the local verdict, what to do. Sets code, cause,
 * fix; cause and fix are owned by the caller. */
void doctor_explain_refusal(const struct doctoring *self, int alert, enum err_code *ret_code,
                            char **ret_cause, char **ret_fix);
/* The line of pg_hba.conf that fits: NULL none or not known. */
const struct hba_line *doctor_line(const struct doctoring *self, bool tls, bool *ret_known);
/* ---- doctor_newer.c ---- */
void doctor_take_newer(struct doctoring *self);
void doctor_judge_newer(struct doctoring *self); /* after the logins */
/* libpq gave up by itself: is it an option of its own that did that? Tries without; borrowed texts. */
bool doctor_option_at_fault(const struct doctoring *self, enum doctor_sslmode mode,
                            const char **ret_cause, const char **ret_fix);
/* ---- doctor_explain.c ---- */
void doctor_explain(const struct doctoring *self, const struct doctor_login *login,
                    struct doctor_try *ret);

#endif
