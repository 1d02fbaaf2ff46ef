/*
 * simulate_judge.h - inside core/pg only: what the line that fits does to a client.
 *
 * Source   PostgreSQL auth.c ClientAuthentication(), CheckCertAuth(): a certificate's first CN (or, with
 *          clientname=DN, its whole name) against the role, through the map where there is one.
 */
#ifndef PGSEAL_PG_SIMULATE_JUDGE_H
#define PGSEAL_PG_SIMULATE_JUDGE_H

#include "core/base/strbuf.h"
#include "core/pg/simulate.h"

enum judge_cert {
    JUDGE_CERT_NONE,
    JUDGE_CERT_NAMED,  /* cn holds its CN, whole; "": it has none */
    JUDGE_CERT_UNKNOWN /* there is one, and its name was cut */
};
struct judge_client {
    struct hba_client client;
    enum judge_cert cert;
    char cn[64];
    int certs; /* of a role without a session: valid ones for it, or SIMULATE_CERTS_UNKNOWN */
    bool is_session;
};

/* "/O=Acme/CN=alice" as pg_stat_ssl writes it, at most 63 bytes of it. */
void judge_take_dn(struct judge_client *client, const char *dn);

/* ident: the maps, or NULL: not known. line NULL: none fits. before: the line that fits in the other file and lets it in now, or NULL.
 * why is appended to for what is refused or unsure. */
enum simulate_outcome judge(const struct ident *ident, const struct judge_client *client,
                            const struct hba_line *line, bool sure, const struct hba_line *before,
                            struct strbuf *why);

#endif
