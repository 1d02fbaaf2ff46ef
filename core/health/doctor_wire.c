/* doctor_wire.c - our own handshakes, beside those of libpq: what the server shows, and its verdict. */
#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor_state.h"
#include "core/pg/wire.h"
#include "core/pki/ossl.h"

/* ---- where we come from ---- */

/* The address that the server sees where nothing is between. It logs nothing for a connection that
 * says nothing. */
static void find_own_address(struct doctoring *self)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof(own);
    struct err ignored = ERR_INIT; /* the handshake says it */
    int fd =
        wire_open(self->connect_to, self->out->port, clock_mono_ms() + self->timeout_ms, &ignored);

    if (fd < 0)
        return;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
        getnameinfo((struct sockaddr *)&own, len, self->address, sizeof(self->address), NULL, 0,
                    NI_NUMERICHOST) != 0)
        self->address[0] = '\0';
    close(fd);
}

/* ---- the server's certificate ---- */

static bool host_fits(X509 *leaf, const char *host)
{
    unsigned char address[16];

    if (!host || !*host)
        return false;
    if ((inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) &&
        X509_check_ip_asc(leaf, host, 0) == 1)
        return true;
    return X509_check_host(leaf, host, 0, 0, NULL) == 1;
}

static void add_names(const struct cert *leaf, struct strbuf *out)
{
    struct san san;
    struct err ignored = ERR_INIT; /* a name that cannot be read is not shown */

    san_init(&san);
    if (cert_san(leaf, &san, &ignored))
        san_format(&san, out);
    if (san.n == 0)
        (void)!cert_common_name(leaf, out);
    san_clear(&san);
}

static void judge_host(struct doctoring *self, const struct cert *leaf)
{
    struct strbuf names = STRBUF_INIT;
    struct finding *finding;
    bool full = self->mode == DOCTOR_VERIFY_FULL;

    self->host_fits = host_fits(ossl_cert(leaf), self->host);
    if (self->host_fits)
        return;
    add_names(leaf, &names);
    finding =
        finding_add(&self->out->findings, full ? FINDING_ERROR : FINDING_WARNING, ERR_HOST_DIFFERS,
                    self->out->host, _("the server's certificate is for %s"),
                    names.len > 0 ? names.data : _("nobody"));
    if (!self->host || !*self->host)
        finding_cause(finding,
                      _("The connection string has an address (hostaddr) and no host: there "
                        "is no name to compare."));
    strbuf_clear(&names);
}

/* Without the client's own lists it would be trusted. */
static bool is_list_at_fault(const struct doctoring *self)
{
    const struct cert_list *chain = &self->wire.chain;
    struct chain_verdict verdict;

    if (self->n_lists == 0)
        return false;
    chain_verify_server(chain->certs[0], chain, &self->roots, NULL, clock_now(), &verdict);
    return verdict.accepted;
}

/* The root file holds the CA that signed the client's certificate, and not the server's. */
static bool is_client_ca(const struct doctoring *self)
{
    for (size_t i = 0; i < self->roots.n && self->certs.n > 0; i++) {
        if (cert_issued_by(self->certs.certs[0], self->roots.certs[i]))
            return true;
    }
    return false;
}

static void judge_chain(struct doctoring *self)
{
    const struct cert_list *chain = &self->wire.chain;
    bool checks = self->mode >= DOCTOR_REQUIRE; /* require too, where there is a root file */
    struct finding *finding;

    if (self->root.is_system)
        chain_verify_server_system(chain->certs[0], chain, clock_now(), &self->server_verdict);
    else if (self->roots.n > 0)
        chain_verify_server_lists(chain->certs[0], chain, &self->roots, self->lists, self->n_lists,
                                  clock_now(), &self->server_verdict);
    else
        return;
    self->server_verified = self->server_verdict.accepted;
    if (self->server_verified)
        return;
    finding =
        finding_add(&self->out->findings, checks ? FINDING_ERROR : FINDING_WARNING,
                    ERR_SERVER_NOT_VERIFIED, self->root.path,
                    _("the server's certificate is not trusted: %s"), self->server_verdict.cause);
    if (is_list_at_fault(self))
        finding_fix(finding_cause(finding,
                                  _("The client has a CRL of its own, \"%s\": with one, libpq "
                                    "wants a current list of every CA of the server's chain."),
                                  self->list.path),
                    _("Give the client the CRL of the server's CA, or take that file (or sslcrl) "
                      "away."));
    else if (is_client_ca(self))
        finding_cause(finding, _("This file holds the CA of the client's certificate. The server's "
                                 "certificate comes from another CA, and that one belongs here."));
}

static void judge_server(struct doctoring *self)
{
    const struct cert *leaf = self->wire.chain.certs[0];
    int nid = X509_get_signature_nid(ossl_cert(leaf));

    judge_host(self, leaf);
    judge_chain(self);
    if (nid == NID_ED25519 || nid == NID_ED448)
        finding_add(&self->out->findings, FINDING_WARNING, ERR_SCRAM_EDDSA, self->out->host,
                    _("the server's certificate is signed with %s"), OBJ_nid2sn(nid));
}

/* ---- the client's certificate ---- */

static bool shake_hands(struct doctoring *self, enum handshake_tls tls, bool with_cert,
                        struct handshake *ret, struct err *err)
{
    struct cert_list chain = {.n = 0};
    struct handshake_request request = {.host = self->connect_to,
                                        .port = self->out->port,
                                        .timeout_ms = self->timeout_ms,
                                        .tls = tls};

    if (with_cert) {
        request.cert = self->certs.certs[0];
        request.key = self->loaded_key;
        chain.certs = self->certs.certs + 1;
        chain.n = self->certs.n - 1;
        request.cert_chain = chain.n > 0 ? &chain : NULL;
    }
    return handshake_run(&request, ret, err);
}

static void try_cert(struct doctoring *self)
{
    struct handshake old;
    struct err ignored = ERR_INIT; /* what libpq met is told anyway */

    if (self->certs.n == 0 || !self->loaded_key || self->key.problem ||
        !self->wire.asks_certificate)
        return;
    self->tried_cert = shake_hands(self, HANDSHAKE_TLS_ANY, true, &self->with_cert, &ignored);
    if (shake_hands(self, HANDSHAKE_TLS_12, true, &old, &ignored)) {
        self->alert_12 = old.verdict == HANDSHAKE_REFUSED ? old.alert : 0;
        handshake_clear(&old);
    }
}

static void judge_issuer(struct doctoring *self)
{
    struct strbuf issuer = STRBUF_INIT;
    bool fits = false;

    if (self->certs.n == 0 || !self->wire.asks_certificate)
        return;
    for (size_t i = 0; i < self->wire.n_accepted_cas && !fits; i++) {
        for (size_t j = 0; j < self->certs.n && !fits; j++) {
            struct name *name = cert_issuer(self->certs.certs[j]);

            strbuf_reset(&issuer);
            name_format_slash(name, &issuer);
            fits = strcmp(issuer.data, self->wire.accepted_cas[i]) == 0;
            name_free(name);
        }
    }
    if (!fits)
        finding_mend(
            finding_add(&self->out->findings, FINDING_ERROR, ERR_ALERT_UNKNOWN_CA, self->cert.path,
                        _("the certificate is from \"%s\", the server accepts \"%s\"%s"),
                        issuer.data,
                        self->wire.n_accepted_cas > 0 ? self->wire.accepted_cas[0] : _("nobody"),
                        self->wire.n_accepted_cas > 1 ? _(" and others") : ""),
            ACT_TRUST, "");
    strbuf_clear(&issuer);
}

/* ---- all ---- */

static void copy_cas(struct doctoring *self)
{
    struct doctor *out = self->out;

    out->n_accepted_cas = self->wire.n_accepted_cas;
    out->accepted_cas = mem_array(out->n_accepted_cas + 1, sizeof(char *));
    for (size_t i = 0; i < out->n_accepted_cas; i++)
        out->accepted_cas[i] = mem_strdup(self->wire.accepted_cas[i]);
}

void doctor_look_at_wire(struct doctoring *self)
{
    self->alert_12 = -1;
    if (self->is_socket)
        return;
    find_own_address(self);
    self->has_wire = shake_hands(self, HANDSHAKE_TLS_ANY, false, &self->wire, &self->wire_err);
    if (!self->has_wire) {
        finding_cause(finding_add(&self->out->findings, FINDING_ERROR, self->wire_err.code,
                                  self->out->host, "%s", self->wire_err.msg),
                      "%s", err_cause_text(&self->wire_err));
        return;
    }
    self->out->server_tls = self->wire.verdict != HANDSHAKE_NO_TLS;
    self->out->server_asks = self->wire.asks_certificate;
    copy_cas(self);
    if (!self->out->server_tls)
        return; /* why, the server's settings may tell */
    if (self->wire.chain.n > 0)
        judge_server(self);
    try_cert(self);
    judge_issuer(self);
}
