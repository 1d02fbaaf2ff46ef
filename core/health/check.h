/*
 * check.h - the inside of a server check: what was read, and the parts that judge it.
 *
 * Use      core/health only. Each part adds findings; false only when the connection or the store is
 *          gone.
 */
#ifndef PGSEAL_HEALTH_CHECK_H
#define PGSEAL_HEALTH_CHECK_H

#include "core/health/server_check.h"
#include "core/pg/handshake.h"
#include "core/pg/hba.h"
#include "core/pg/ident.h"
#include "core/pg/roles.h"
#include "core/pg/settings.h"
#include "core/pg/tls_file.h"

struct check {
    const struct server_check_request *request;
    struct conn *conn;
    struct server_check *out;
    struct findings *findings; /* of out */
    struct settings settings;
    int64_t now;         /* by the server's clock */
    int64_t loaded_at;   /* its last reload or start */
    bool ssl;            /* ssl = on */
    bool is_here;        /* the data directory is on this machine, and we may look into it */
    unsigned server_uid; /* is_here */
    struct tls_file cert, ca, crl;
    struct cert_list dir_cas; /* certificates in ssl_crl_dir */
    struct crl **dir_crls;    /* lists in it that PostgreSQL finds */
    size_t n_dir_crls;
    bool dir_seen; /* its content is known */
    struct handshake wire;
    bool has_wire;
    struct hba hba;
    bool has_hba;
    struct ident ident;
    bool has_ident;
    struct role_list roles;
};

/* Days that count as soon. life: seconds from the beginning to the end; a third of it at most, so
 * that a short-lived thing is not "soon" all its life. */
bool check_is_soon(const struct check *check, int64_t life, int64_t end);
bool check_uses_crls(const struct check *check); /* ssl_crl_file or ssl_crl_dir is set */
/* "CN=Acme, O=X": the subject, clipped; returns out. */
#define CHECK_NAME_SIZE 96
char *check_name(char out[CHECK_NAME_SIZE], const struct cert *cert);
void check_not_seen(struct check *check, const char *object, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

bool check_files(struct check *check, struct err *err) MUST_CHECK; /* reads them, too */
bool check_trust(struct check *check, struct err *err) MUST_CHECK; /* CAs and their lists */
bool check_keys(struct check *check, struct err *err) MUST_CHECK;  /* kinds and strengths */
bool check_wire(struct check *check, struct err *err) MUST_CHECK;
bool check_rules(struct check *check, struct err *err) MUST_CHECK;
/* Sessions of revoked certificates, of the first so many that are connected. */
#define CHECK_SESSIONS_MAX 5000
bool check_sessions(struct check *check, struct err *err) MUST_CHECK;
/* Part of check_rules(): what goes past the certificate rules. */
void check_bypass(struct check *check);

#endif
