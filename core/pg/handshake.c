/*
 * handshake.c - SSLRequest and a TLS handshake, asked for what it tells about the server.
 *
 * The verdict on a client certificate: on TLS 1.2 it stands inside the handshake. On TLS 1.3 the
 * handshake has ended here before the server has looked: SSL_shutdown() says goodbye, which also
 * keeps the server's log quiet, and SSL_read() then finds a close_notify or the alert (measured: 100
 * of 100). Where a reset swallowed it, a second attempt listens before it says goodbye.
 */
#include "config.h"

#include "core/pg/handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/wire.h"
#include "core/pki/chain.h"
#include "core/pki/ossl.h"

#define TIMEOUT_MS       5000
#define LISTEN_MS        500
#define ALERT_SEEN       256 /* alert numbers are a byte */
#define MSG_CERTIFICATE  11  /* RFC 8446 4: HandshakeType */
#define RECORD_HANDSHAKE 22

/* PostgreSQL 55.2.11: without SSLRequest the protocol is named inside TLS; its length stands first. */
static const unsigned char alpn[] = {10, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l'};

enum outcome {
    OUTCOME_KNOWN,   /* the handshake is filled in */
    OUTCOME_UNCLEAR, /* the connection broke where the verdict should have been */
    OUTCOME_FAILED   /* err is set */
};

struct probe {
    const struct handshake_request *request;
    int64_t deadline_ms;
    bool listen_first;
    SSL_CTX *ctx; /* owned */
    SSL *ssl;     /* owned */
    int fd;       /* owned, or -1 */
    struct handshake *ret;
};

void handshake_clear(struct handshake *handshake)
{
    cert_list_clear(&handshake->chain);
    for (size_t i = 0; i < handshake->n_accepted_cas; i++)
        free(handshake->accepted_cas[i]);
    free(handshake->accepted_cas);
    memset(handshake, 0, sizeof(*handshake));
    cert_list_init(&handshake->chain);
}

bool handshake_accepts_ca(const struct handshake *handshake, const struct cert *ca)
{
    struct name *name = cert_subject(ca);
    struct strbuf text = STRBUF_INIT;
    bool found = false;

    name_format_slash(name, &text);
    for (size_t i = 0; !found && i < handshake->n_accepted_cas; i++)
        found = !strcmp(handshake->accepted_cas[i], text.data);
    strbuf_clear(&text);
    name_free(name);
    return found;
}

/* ---- what the handshake shows ---- */

/* Called when the server asks for a certificate, and only then. */
static int note_request(SSL *ssl, void *arg)
{
    struct handshake *handshake = arg;

    (void)ssl;
    handshake->asks_certificate = true;
    return 1;
}

/* OpenSSL silently sends an empty list when no key fits what the server takes: an "accepted" would
 * then say nothing about the certificate. */
static void note_message(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                         void *arg)
{
    struct handshake *handshake = arg;
    const unsigned char *message = bytes;
    size_t list = 4; /* type, 24 bits of length; TLS 1.3: the context's length before the list */

    (void)version;
    if (!sent || type != RECORD_HANDSHAKE || len < 8 || message[0] != MSG_CERTIFICATE)
        return;
    if (SSL_version(ssl) == TLS1_3_VERSION)
        list += 1 + (size_t)message[4];
    if (len >= list + 3 && (message[list] | message[list + 1] | message[list + 2]))
        handshake->sent_certificate = true;
}

static void take_chain(struct probe *probe)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(probe->ssl);

    cert_list_clear(&probe->ret->chain);
    for (int i = 0; sent && i < sk_X509_num(sent); i++) {
        X509 *x509 = sk_X509_value(sent, i);

        X509_up_ref(x509);
        cert_list_take(&probe->ret->chain, ossl_cert_take(x509));
    }
}

static void take_accepted_cas(struct probe *probe)
{
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(probe->ssl);
    int n = names ? sk_X509_NAME_num(names) : 0;
    struct handshake *ret = probe->ret;

    if (n <= 0 || ret->accepted_cas)
        return;
    ret->accepted_cas = mem_array((size_t)n, sizeof(*ret->accepted_cas));
    for (int i = 0; i < n; i++) {
        struct name *name = ossl_name_copy(sk_X509_NAME_value(names, i));
        struct strbuf text = STRBUF_INIT;

        name_format_slash(name, &text);
        ret->accepted_cas[ret->n_accepted_cas++] = strbuf_steal(&text);
        name_free(name);
    }
}

static void take_facts(struct probe *probe)
{
    const char *cipher = SSL_get_cipher_name(probe->ssl);

    text_clean_copy(probe->ret->version, sizeof(probe->ret->version), SSL_get_version(probe->ssl));
    text_clean_copy(probe->ret->cipher, sizeof(probe->ret->cipher), cipher ? cipher : "");
    take_chain(probe);
    take_accepted_cas(probe);
}

static void verify(struct probe *probe)
{
    const struct handshake_request *request = probe->request;
    struct handshake *ret = probe->ret;
    struct chain_verdict verdict = {0};

    if (!request->roots || !ret->chain.n)
        return;
    chain_verify_server(ret->chain.certs[0], &ret->chain, request->roots,
                        request->host[0] == '/' ? NULL : request->host, clock_now(), &verdict);
    ret->verified = verdict.accepted;
    if (!verdict.accepted)
        text_clean_copy(ret->verify_error, sizeof(ret->verify_error), verdict.cause);
}

/* ---- the handshake ---- */

static bool set_versions(SSL_CTX *ctx, enum handshake_tls tls)
{
    int lowest = TLS1_VERSION; /* to look at an old server, not to talk to it */
    int highest = 0;

    if (tls == HANDSHAKE_TLS_12)
        lowest = highest = TLS1_2_VERSION;
    else if (tls == HANDSHAKE_TLS_13)
        lowest = highest = TLS1_3_VERSION;
    return SSL_CTX_set_min_proto_version(ctx, lowest) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, highest) == 1;
}

static bool set_certificate(SSL_CTX *ctx, const struct handshake_request *request)
{
    const struct cert_list *chain = request->cert_chain;

    if (!request->cert)
        return true;
    if (SSL_CTX_use_certificate(ctx, ossl_cert(request->cert)) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, ossl_key(request->key)) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return false;
    for (size_t i = 0; chain && i < chain->n; i++)
        if (SSL_CTX_add1_chain_cert(ctx, ossl_cert(chain->certs[i])) != 1)
            return false;
    /* what is sent is what was given: no intermediate from anywhere else */
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    return true;
}

/* SNI for names, as libpq does. The macro casts a const away, which clang refuses. */
static bool set_server_name(SSL *ssl, const char *host)
{
    unsigned char address[16];
    char name[256];

    if (host[0] == '/' || strchr(host, ':') || inet_pton(AF_INET, host, address) == 1 ||
        strlen(host) >= sizeof(name))
        return true;
    memcpy(name, host, strlen(host) + 1);
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

/* A server that sends all the time keeps OpenSSL, or us, reading: each read looks at the clock. */
static long stop_at_deadline(BIO *bio, int operation, const char *bytes, size_t len, int argi,
                             long argl, int rc, size_t *done)
{
    const struct probe *probe = (const struct probe *)(void *)BIO_get_callback_arg(bio);

    (void)bytes;
    (void)len;
    (void)argi;
    (void)argl;
    (void)done;
    return operation == BIO_CB_READ && clock_mono_ms() >= probe->deadline_ms ? -1 : rc;
}

static void watch_reads(struct probe *probe)
{
    BIO *bio = SSL_get_rbio(probe->ssl);

    BIO_set_callback_arg(bio, (char *)(void *)probe);
    BIO_set_callback_ex(bio, stop_at_deadline);
}

static bool timed_out(const struct probe *probe, struct err *err)
{
    if (clock_mono_ms() < probe->deadline_ms)
        return false;
    err_set(err, ERR_TIMEOUT, _("the server did not come to an end in time"));
    return true;
}

static bool prepare(struct probe *probe, struct err *err)
{
    const struct handshake_request *request = probe->request;

    ossl_clear();
    probe->ctx = SSL_CTX_new(TLS_client_method());
    if (!probe->ctx)
        return ossl_err(err, ERR_CRYPTO, _("no TLS context"));
    /* Level 0: what is weak shall be seen and named, and the verdict on it be the server's. */
    SSL_CTX_set_security_level(probe->ctx, 0);
    SSL_CTX_set_verify(probe->ctx, SSL_VERIFY_NONE, NULL); /* verified afterwards, see verify() */
    SSL_CTX_set_session_cache_mode(probe->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cert_cb(probe->ctx, note_request, probe->ret);
    SSL_CTX_set_msg_callback(probe->ctx, note_message);
    SSL_CTX_set_msg_callback_arg(probe->ctx, probe->ret);
    if (!set_versions(probe->ctx, request->tls))
        return ossl_err(err, ERR_CRYPTO, _("the TLS version could not be chosen"));
    if (!set_certificate(probe->ctx, request))
        return ossl_err(err, ERR_CRYPTO, _("the client certificate could not be used"));
    probe->ssl = SSL_new(probe->ctx);
    if (!probe->ssl || SSL_set_fd(probe->ssl, probe->fd) != 1 ||
        !set_server_name(probe->ssl, request->host) ||
        (request->direct && SSL_set_alpn_protos(probe->ssl, alpn, sizeof(alpn)) != 0))
        return ossl_err(err, ERR_CRYPTO, _("no TLS connection could be made"));
    watch_reads(probe);
    return true;
}

/* The alert that came from the server, or 0. */
static int alert_in_queue(void)
{
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) != ERR_LIB_SSL || reason < SSL_AD_REASON_OFFSET ||
        reason >= SSL_AD_REASON_OFFSET + ALERT_SEEN)
        return 0;
    return reason - SSL_AD_REASON_OFFSET;
}

/* What a call of OpenSSL wants: waits for it and answers true; false: look at *ret_error. */
static bool wait_for(struct probe *probe, int rc, int64_t deadline_ms, int *ret_error,
                     struct err *err)
{
    *ret_error = SSL_get_error(probe->ssl, rc);
    if (*ret_error == SSL_ERROR_WANT_READ)
        return wire_wait(probe->fd, POLLIN, deadline_ms, err);
    if (*ret_error == SSL_ERROR_WANT_WRITE)
        return wire_wait(probe->fd, POLLOUT, deadline_ms, err);
    return false;
}

static bool wants_more(int error)
{
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static enum outcome refused(struct probe *probe, int alert)
{
    probe->ret->verdict = HANDSHAKE_REFUSED;
    probe->ret->alert = alert;
    return OUTCOME_KNOWN;
}

/* A handshake that did not end well, and not with an alert. */
static enum outcome connect_failed(struct probe *probe, int error, struct err *err)
{
    unsigned long last = ERR_peek_last_error();

    if (error == SSL_ERROR_SSL && ERR_GET_LIB(last) == ERR_LIB_SSL &&
        (ERR_GET_REASON(last) == SSL_R_WRONG_VERSION_NUMBER ||
         ERR_GET_REASON(last) == SSL_R_PACKET_LENGTH_TOO_LONG ||
         ERR_GET_REASON(last) == SSL_R_UNEXPECTED_MESSAGE)) {
        err_set(err, ERR_NOT_POSTGRES, _("the server promised TLS and spoke something else"));
        return OUTCOME_FAILED;
    }
    if (probe->ret->sent_certificate)
        return OUTCOME_UNCLEAR; /* TLS 1.2: the verdict was lost */
    ossl_err(err, ERR_NO_CONNECTION, _("the TLS handshake failed"));
    return OUTCOME_FAILED;
}

static enum outcome shake_hands(struct probe *probe, struct err *err)
{
    for (;;) {
        int error = 0;
        int alert = 0;
        int rc = 0;

        ossl_clear();
        errno = 0;
        rc = SSL_connect(probe->ssl);
        if (rc == 1)
            return OUTCOME_KNOWN;
        if (wait_for(probe, rc, probe->deadline_ms, &error, err))
            continue;
        if (wants_more(error))
            return OUTCOME_FAILED; /* the deadline */
        alert = alert_in_queue();
        if (!alert && timed_out(probe, err))
            return OUTCOME_FAILED;
        take_facts(probe);
        return alert ? refused(probe, alert) : connect_failed(probe, error, err);
    }
}

/* One SSL_read() loop until there is a verdict, the end, or the deadline (then FAILED). */
static enum outcome read_verdict(struct probe *probe, int64_t deadline_ms, struct err *err)
{
    for (;;) {
        char byte = 0;
        int error = 0;
        int alert = 0;
        int rc = 0;

        ossl_clear();
        errno = 0;
        rc = SSL_read(probe->ssl, &byte, 1);
        if (rc > 0 || wait_for(probe, rc, deadline_ms, &error, err))
            continue;
        if (wants_more(error))
            return OUTCOME_FAILED;
        alert = alert_in_queue();
        if (alert)
            return refused(probe, alert);
        if (error != SSL_ERROR_ZERO_RETURN && timed_out(probe, err))
            return OUTCOME_FAILED;
        probe->ret->verdict = HANDSHAKE_ACCEPTED;
        if (error == SSL_ERROR_ZERO_RETURN)
            return OUTCOME_KNOWN;
        /* A broken connection is a verdict only where none is due any more. */
        return probe->ret->sent_certificate && SSL_version(probe->ssl) == TLS1_3_VERSION
                   ? OUTCOME_UNCLEAR
                   : OUTCOME_KNOWN;
    }
}

static enum outcome say_goodbye(struct probe *probe, struct err *err)
{
    ossl_clear();
    (void)SSL_shutdown(probe->ssl); /* 31 bytes into an empty buffer: does not wait */
    return read_verdict(probe, probe->deadline_ms, err);
}

static bool speaks_postgres(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(ssl, &name, &len);
    return len == sizeof(alpn) - 1 && memcmp(name, alpn + 1, len) == 0;
}

static enum outcome talk(struct probe *probe, struct err *err)
{
    enum outcome outcome = shake_hands(probe, err);

    if (outcome != OUTCOME_KNOWN || probe->ret->verdict == HANDSHAKE_REFUSED)
        return outcome;
    take_facts(probe);
    if (probe->request->direct && !speaks_postgres(probe->ssl)) {
        err_set(err, ERR_NOT_POSTGRES, _("the server speaks TLS at once, and not PostgreSQL"));
        return OUTCOME_FAILED;
    }
    if (probe->listen_first) {
        struct err silence = ERR_INIT;
        int64_t until = clock_mono_ms() + LISTEN_MS;

        if (until > probe->deadline_ms)
            until = probe->deadline_ms;
        outcome = read_verdict(probe, until, &silence);
        if (outcome != OUTCOME_FAILED)
            return outcome;
        /* the server waits for our startup packet: it has taken the certificate */
    }
    return say_goodbye(probe, err);
}

static enum outcome attempt(struct probe *probe, struct err *err)
{
    const struct handshake_request *request = probe->request;
    enum outcome outcome = OUTCOME_FAILED;
    bool tls = false;

    handshake_clear(probe->ret);
    probe->fd = wire_open(request->host, request->port, probe->deadline_ms, err);
    tls = request->direct;
    if (probe->fd < 0 || (!tls && !wire_ask_tls(probe->fd, probe->deadline_ms, &tls, err)))
        goto out;
    if (!tls) {
        probe->ret->verdict = HANDSHAKE_NO_TLS;
        outcome = OUTCOME_KNOWN;
        goto out;
    }
    if (prepare(probe, err))
        outcome = talk(probe, err);
out:
    SSL_free(probe->ssl);
    SSL_CTX_free(probe->ctx);
    if (probe->fd >= 0)
        close(probe->fd);
    probe->ssl = NULL;
    probe->ctx = NULL;
    probe->fd = -1;
    ossl_clear();
    return outcome;
}

bool handshake_run(const struct handshake_request *request, struct handshake *ret, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;
    struct handshake handshake = {0};
    struct probe probe = {
        .request = request, .deadline_ms = start_ms + timeout_ms, .fd = -1, .ret = &handshake};
    enum outcome outcome;

    if (request->cert && !request->key)
        return err_set(err, ERR_INTERNAL, _("a certificate without its key cannot be tried"));
    outcome = attempt(&probe, err);
    if (outcome == OUTCOME_UNCLEAR) {
        probe.listen_first = true;
        outcome = attempt(&probe, err);
    }
    if (outcome == OUTCOME_KNOWN) {
        verify(&probe);
        handshake.took_ms = clock_mono_ms() - start_ms;
        *ret = handshake;
        return true;
    }
    if (outcome == OUTCOME_UNCLEAR)
        err_set(err, ERR_NO_CONNECTION,
                _("the connection broke before the server's verdict on the certificate"));
    handshake_clear(&handshake);
    return err_prefix(err, "\"%s\"", request->host);
}
