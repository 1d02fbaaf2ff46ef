/*
 * The verdict about a certificate, beside a real TLS handshake in memory: OpenSSL as the server, set
 * up as PostgreSQL does, sends the alert that we foretell.
 */
#include "config.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "core/pki/chain.h"
#include "core/pki/inspect.h"
#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

#define LIST_MAX 4

struct scene { /* one server and one client */
    struct pair leaf;
    const struct cert *untrusted[LIST_MAX];
    const struct cert *trusted[LIST_MAX];
    struct crl *crls[LIST_MAX];
};

/* -- the handshake ----------------------------------------------------------------------------- */

static void note_alert(const SSL *ssl, int where, int value)
{
    int *alert = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL)
        *alert = value & 0xff;
}

static SSL_CTX *server_context(const struct scene *scene, const struct pair *server)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);

    SSL_CTX_set_security_level(ctx, 2);
    assert_int_equal(SSL_CTX_use_certificate(ctx, ossl_cert(server->cert)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, ossl_key(server->key)), 1);
    for (size_t i = 0; i < LIST_MAX; i++) {
        if (scene->trusted[i])
            assert_int_equal(X509_STORE_add_cert(store, ossl_cert(scene->trusted[i])), 1);
        if (scene->crls[i])
            assert_int_equal(X509_STORE_add_crl(store, ossl_crl(scene->crls[i])), 1);
    }
    if (scene->crls[0])
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), (time_t)NOW);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
    return ctx;
}

static SSL_CTX *client_context(const struct scene *scene)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_security_level(ctx, 0); /* sends weak certificates, too */
    assert_int_equal(SSL_CTX_use_certificate(ctx, ossl_cert(scene->leaf.cert)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, ossl_key(scene->leaf.key)), 1);
    for (size_t i = 0; i < LIST_MAX; i++) {
        if (scene->untrusted[i])
            assert_int_equal(SSL_CTX_add1_chain_cert(ctx, ossl_cert(scene->untrusted[i])), 1);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_info_callback(ctx, note_alert);
    return ctx;
}

/* The alert that the server sends; 0 when it takes the certificate. */
static int alert_on_wire(const struct scene *scene, int version)
{
    struct pair server_ca = fixture_ca("Server CA");
    struct pair server = fixture_leaf(&server_ca, PROFILE_SERVER, "db1");
    SSL_CTX *server_ctx = server_context(scene, &server);
    SSL_CTX *client_ctx = client_context(scene);
    SSL *server_ssl = SSL_new(server_ctx);
    SSL *client_ssl = SSL_new(client_ctx);
    BIO *server_bio = NULL;
    BIO *client_bio = NULL;
    int alert = 0;
    int taken = 0;
    char byte;

    SSL_set_max_proto_version(server_ssl, version);
    assert_int_equal(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
    SSL_set_bio(server_ssl, server_bio, server_bio);
    SSL_set_bio(client_ssl, client_bio, client_bio);
    SSL_set_app_data(client_ssl, &alert);
    SSL_set_app_data(server_ssl, &alert);
    for (int i = 0; i < 20 && taken != 1; i++) {
        (void)SSL_connect(client_ssl);
        taken = SSL_accept(server_ssl);
    }
    (void)SSL_read(client_ssl, &byte, 1); /* with TLS 1.3 the alert comes after the handshake */
    assert_int_equal(taken == 1, alert == 0);
    SSL_free(server_ssl);
    SSL_free(client_ssl);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    pair_clear(&server);
    pair_clear(&server_ca);
    ossl_clear();
    return alert;
}

/* -- our verdict beside it --------------------------------------------------------------------- */

static struct cert_list list_of(const struct cert *const certs[LIST_MAX])
{
    struct cert_list list;

    cert_list_init(&list);
    for (size_t i = 0; i < LIST_MAX; i++) {
        if (certs[i])
            cert_list_take(&list, cert_dup(certs[i]));
    }
    return list;
}

/* Ours and the server's verdict are this alert, and our cause has these words. */
static void assert_verdict(const struct scene *scene, int alert, int depth, const char *words)
{
    struct cert_list untrusted = list_of(scene->untrusted);
    struct cert_list trusted = list_of(scene->trusted);
    struct chain_verdict verdict;
    size_t n_crls = 0;

    while (n_crls < LIST_MAX && scene->crls[n_crls])
        n_crls++;
    chain_verify_client(scene->leaf.cert, &untrusted, &trusted, scene->crls, n_crls, NOW, &verdict);
    if (verdict.alert != alert || verdict.depth != depth || !strstr(verdict.cause, words))
        fail_msg("alert %d at depth %d (openssl %d): %s", verdict.alert, verdict.depth,
                 verdict.openssl_code, verdict.cause);
    assert_int_equal(verdict.accepted, alert == 0);
    if (alert == 0)
        assert_string_equal(verdict.cause, "");
    assert_int_equal(alert_on_wire(scene, TLS1_2_VERSION), alert);
    assert_int_equal(alert_on_wire(scene, TLS1_3_VERSION), alert);
    cert_list_clear(&untrusted);
    cert_list_clear(&trusted);
}

static void scene_clear(struct scene *scene)
{
    pair_clear(&scene->leaf);
    for (size_t i = 0; i < LIST_MAX; i++)
        crl_free(scene->crls[i]);
}

/* -- certificates that we would not make ------------------------------------------------------- */

struct craft {
    const char *cn;
    const struct pair *issuer; /* NULL: self-signed */
    const struct key *key;     /* NULL: a new P-256 key */
    const EVP_MD *md;          /* NULL: SHA-256 */
    bool is_ca;
    int key_usage; /* bit number, or -1 */
};

static struct pair craft(const struct craft *how)
{
    struct pair made = {.key = NULL};
    EVP_PKEY *pkey = how->key ? ossl_key(how->key) : EVP_EC_gen("P-256");
    EVP_PKEY *signer = how->issuer ? ossl_key(how->issuer->key) : pkey;
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    static long serial = 1000;

    basic->ca = how->is_ca;
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)how->cn, -1, -1, 0),
                     1);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(NOW - DAY));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(NOW + YEAR));
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x,
                         how->issuer ? X509_get_subject_name(ossl_cert(how->issuer->cert)) : name);
    X509_set_pubkey(x, pkey);
    assert_int_equal(X509_add1_ext_i2d(x, NID_basic_constraints, basic, 1, 0), 1);
    if (how->key_usage >= 0) {
        ASN1_BIT_STRING_set_bit(usage, how->key_usage, 1);
        assert_int_equal(X509_add1_ext_i2d(x, NID_key_usage, usage, 1, 0), 1);
    }
    assert_true(X509_sign(x, signer, how->md ? how->md : EVP_sha256()) > 0);
    EVP_PKEY_up_ref(pkey);
    made.key = ossl_key_take(pkey);
    made.cert = ossl_cert_take(x);
    if (!how->key)
        EVP_PKEY_free(pkey);
    ASN1_BIT_STRING_free(usage);
    BASIC_CONSTRAINTS_free(basic);
    X509_NAME_free(name);
    return made;
}

/* The same list, signed by another key. */
static struct crl *forge(struct crl *crl, const struct key *key)
{
    struct err err = ERR_INIT;
    X509_CRL *x = X509_CRL_dup(ossl_crl(crl));
    unsigned char *der = NULL;
    struct crl *made;
    int len;

    assert_true(X509_CRL_sign(x, ossl_key(key), EVP_sha256()) > 0);
    len = i2d_X509_CRL(x, &der);
    made = crl_from_der(der, (size_t)len, &err);
    assert_ok(made, &err);
    OPENSSL_free(der);
    X509_CRL_free(x);
    crl_free(crl);
    return made;
}

/* -- scenes ------------------------------------------------------------------------------------ */

static void test_good(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice"), .trusted = {ca.cert}};

    (void)state;
    assert_verdict(&scene, 0, 0, "");
    scene.crls[0] = fixture_crl(&ca, NULL, 0);
    assert_verdict(&scene, 0, 0, "");
    scene_clear(&scene);
    pair_clear(&ca);
}

static void test_unknown_ca(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct pair other = fixture_ca("Other CA");
    struct pair same_name = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice"),
                          .trusted = {other.cert}};

    (void)state;
    assert_verdict(&scene, 48, 0, "the CA \"Acme CA\" is not trusted");
    scene.trusted[0] = same_name.cert;
    assert_verdict(&scene, 48, 0, "a CA named \"Acme CA\" is trusted, but it has another key");
    scene.trusted[0] = NULL;
    assert_verdict(&scene, 48, 0, "no CA is trusted");
    scene.trusted[0] = scene.leaf.cert; /* somebody pasted the client's certificate */
    assert_verdict(&scene, 48, 0, "the CA \"Acme CA\" is not trusted");
    scene_clear(&scene);
    pair_clear(&ca);
    pair_clear(&other);
    pair_clear(&same_name);
}

static void test_dates(void **state)
{
    struct pair ca = fixture_ca_dates("Acme CA", NOW - YEAR, NOW + YEAR);
    struct pair ended_ca = fixture_ca_dates("Ended CA", NOW - YEAR, NOW - DAY);
    struct scene ended = {
        .leaf = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", NOW - 9 * DAY, NOW - 2 * DAY),
        .trusted = {ca.cert}};
    struct scene early = {
        .leaf = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", NOW + DAY, NOW + 2 * DAY),
        .trusted = {ca.cert}};
    /* its own dates are good, which needs a hand: we do not sign beyond the CA's end */
    struct scene old_ca = {
        .leaf = craft(&(struct craft){.cn = "alice", .issuer = &ended_ca, .key_usage = -1}),
        .trusted = {ended_ca.cert}};

    (void)state;
    assert_verdict(&ended, 45, 0, "the certificate of \"alice\" ended on 2026-11-19");
    assert_verdict(&early, 42, 0, "not valid before 2026-11-22 20:15 UTC");
    assert_verdict(&old_ca, 45, 1, "the CA \"Ended CA\" ended on 2026-11-20");
    scene_clear(&ended);
    scene_clear(&early);
    scene_clear(&old_ca);
    pair_clear(&ca);
    pair_clear(&ended_ca);
}

static void test_purpose(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_SERVER, "db1"), .trusted = {ca.cert}};

    (void)state;
    assert_verdict(&scene, 43, 0, "\"db1\" is a server's certificate, not a client's");
    scene_clear(&scene);
    pair_clear(&ca);
}

static void test_revoked(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_CLIENT, "bob"), .trusted = {ca.cert}};

    (void)state;
    scene.crls[0] = fixture_crl(&ca, (const struct cert *[]){scene.leaf.cert}, 1);
    assert_verdict(&scene, 44, 0, "\"bob\" was revoked on 2026-11-20");
    scene_clear(&scene);
    pair_clear(&ca);
}

static void test_crl_missing(void **state)
{
    struct pair one = fixture_ca("CA One");
    struct pair two = fixture_ca("CA Two");
    struct pair same_name = fixture_ca("CA Two");
    struct scene scene = {.leaf = fixture_leaf(&two, PROFILE_CLIENT, "alice"),
                          .trusted = {one.cert, two.cert},
                          .crls = {fixture_crl(&one, NULL, 0)}};

    (void)state;
    assert_verdict(&scene, 48, 0, "there is no CRL of \"CA Two\"");
    scene.crls[1] = fixture_crl(&same_name, NULL, 0);
    assert_verdict(&scene, 48, 0, "the CRL of \"CA Two\" is that of another CA of the same name");
    scene.crls[2] = fixture_crl(&two, NULL, 0);
    assert_verdict(&scene, 0, 0, "");
    scene_clear(&scene);
    pair_clear(&one);
    pair_clear(&two);
    pair_clear(&same_name);
}

static void test_crl_dates(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice"),
                          .trusted = {ca.cert},
                          .crls = {fixture_crl_dates(&ca, NULL, 0, NOW - 30 * DAY, NOW - DAY)}};

    (void)state;
    assert_verdict(&scene, 45, 0, "the CRL of \"Acme CA\" ended on 2026-11-20");
    crl_free(scene.crls[0]);
    scene.crls[0] = fixture_crl_dates(&ca, NULL, 0, NOW + DAY, NOW + 2 * DAY);
    assert_verdict(&scene, 42, 0, "the CRL of \"Acme CA\" is not valid before 2026-11-22 20:15");
    scene_clear(&scene);
    pair_clear(&ca);
}

static void test_crl_signature(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct pair other = fixture_ca("Acme CA");
    struct scene scene = {.leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice"),
                          .trusted = {ca.cert},
                          .crls = {forge(fixture_crl(&ca, NULL, 0), other.key)}};

    (void)state;
    assert_verdict(&scene, 51, 0, "the CRL of \"Acme CA\" was signed by another key");
    scene_clear(&scene);
    pair_clear(&ca);
    pair_clear(&other);
}

static void test_no_crl_sign(void **state)
{
    struct pair good = fixture_ca("Acme CA");
    struct pair ca = craft(&(struct craft){
        .cn = "Acme CA", .key = good.key, .is_ca = true, .key_usage = 5 /* keyCertSign alone */});
    struct scene scene = {.leaf = fixture_leaf(&good, PROFILE_CLIENT, "alice"),
                          .trusted = {ca.cert},
                          .crls = {fixture_crl(&good, NULL, 0)}};

    (void)state;
    assert_verdict(&scene, 46, 0, "the CA \"Acme CA\" may not sign CRLs");
    scene_clear(&scene);
    pair_clear(&good);
    pair_clear(&ca);
}

/* Leaves without authorityKeyIdentifier, two CAs of one name: the wrong one is taken. */
static void test_signature(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct pair other = fixture_ca("Acme CA");
    struct scene scene = {.leaf =
                              craft(&(struct craft){.cn = "alice", .issuer = &ca, .key_usage = -1}),
                          .trusted = {other.cert}};

    (void)state;
    assert_verdict(&scene, 51, 0, "\"alice\" was not signed by the trusted CA \"Acme CA\"");
    scene_clear(&scene);
    pair_clear(&ca);
    pair_clear(&other);
}

static void test_intermediate(void **state)
{
    struct pair root = fixture_ca("Root");
    struct pair inter = fixture_sub_ca(&root, "Inter");
    struct scene scene = {.leaf = fixture_leaf(&inter, PROFILE_CLIENT, "alice"),
                          .trusted = {root.cert}};

    (void)state;
    assert_verdict(&scene, 48, 0, "the CA \"Inter\" is not trusted");
    scene.untrusted[0] = inter.cert; /* the client sends it */
    assert_verdict(&scene, 0, 0, "");
    scene.untrusted[0] = NULL;
    scene.trusted[0] = inter.cert; /* no partial chains */
    assert_verdict(&scene, 48, 1, "\"Inter\" is there, but its own CA \"Root\" is missing");
    scene.trusted[1] = root.cert;
    assert_verdict(&scene, 0, 0, "");
    scene.crls[0] = fixture_crl(&root, NULL, 0);
    assert_verdict(&scene, 48, 0, "there is no CRL of \"Inter\"");
    scene.crls[1] = fixture_crl(&inter, NULL, 0);
    assert_verdict(&scene, 0, 0, "");
    crl_free(scene.crls[0]);
    scene.crls[0] = fixture_crl(&root, (const struct cert *[]){inter.cert}, 1);
    assert_verdict(&scene, 44, 1, "\"Inter\" was revoked");
    scene_clear(&scene);
    pair_clear(&root);
    pair_clear(&inter);
}

static void test_only_inter_crl(void **state)
{
    struct pair root = fixture_ca("Root");
    struct pair inter = fixture_sub_ca(&root, "Inter");
    struct scene scene = {.leaf = fixture_leaf(&inter, PROFILE_CLIENT, "alice"),
                          .trusted = {root.cert, inter.cert},
                          .crls = {fixture_crl(&inter, NULL, 0)}};

    (void)state;
    assert_verdict(&scene, 48, 1, "there is no CRL of \"Root\"");
    scene_clear(&scene);
    pair_clear(&root);
    pair_clear(&inter);
}

static void test_not_a_ca(void **state)
{
    struct pair root = fixture_ca("Root");
    struct pair fake = fixture_leaf(&root, PROFILE_CLIENT, "carol");
    struct pair self = craft(&(struct craft){.cn = "mallory", .key_usage = -1});
    struct scene scene = {
        .leaf = craft(&(struct craft){.cn = "alice", .issuer = &fake, .key_usage = -1}),
        .untrusted = {fake.cert},
        .trusted = {root.cert}};
    struct scene alone = {.leaf = self, .trusted = {root.cert}};

    (void)state;
    assert_verdict(&scene, 48, 1, "\"carol\" is not a CA");
    assert_verdict(&alone, 48, 0, "\"mallory\" signed itself, and is not trusted");
    scene_clear(&scene);
    scene_clear(&alone);
    pair_clear(&root);
    pair_clear(&fake);
}

static void test_weak(void **state)
{
    struct pair ca = fixture_ca("Acme CA");
    struct key *rsa = ossl_key_take(EVP_RSA_gen(1024));
    struct scene small = {
        .leaf = craft(&(struct craft){.cn = "alice", .issuer = &ca, .key = rsa, .key_usage = -1}),
        .trusted = {ca.cert}};
    struct scene sha1 = {.leaf = craft(&(struct craft){
                             .cn = "alice", .issuer = &ca, .md = EVP_sha1(), .key_usage = -1}),
                         .trusted = {ca.cert}};

    (void)state;
    assert_verdict(&small, 42, 0, "the key of \"alice\" is too weak: 1024 bits");
    assert_verdict(&sha1, 42, 0, "\"alice\" is signed with the weak hash SHA1");
    scene_clear(&small);
    scene_clear(&sha1);
    key_free(rsa);
    pair_clear(&ca);
}

/* A cause has 160 bytes, names from outside have no end. */
static void test_long_names(void **state)
{
    struct pair ca =
        craft(&(struct craft){.cn = "Zürich Öffentliche Datenbank Zertifizierungsstelle Nr 1 ÄÖÜ",
                              .is_ca = true,
                              .key_usage = 5});
    struct pair other = fixture_ca("Other");
    struct scene scene = {
        .leaf = craft(&(struct craft){.cn = "a\x1b[2Jlice\n", .issuer = &ca, .key_usage = -1}),
        .trusted = {other.cert}};
    struct scene self = {.leaf = craft(&(struct craft){.cn = "a\x1b[2Jlice\n", .key_usage = -1}),
                         .trusted = {other.cert}};

    (void)state;
    assert_verdict(&scene, 48, 0, "...\" is not trusted");
    assert_verdict(&self, 48, 0, "lice \" signed itself");
    scene_clear(&scene);
    scene_clear(&self);
    pair_clear(&ca);
    pair_clear(&other);
}

static void test_server_side(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("Acme CA");
    struct pair client = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
    struct cert_list trusted = {.certs = &ca.cert, .n = 1};
    struct cert_list none = {.certs = NULL, .n = 0};
    struct key *key = fixture_key();
    struct name *subject = name_new_common_name("db1.example", &err);
    struct san san;
    struct cert_request request = {.profile = PROFILE_SERVER,
                                   .subject = subject,
                                   .san = &san,
                                   .key = key,
                                   .serial = {.bytes = {4}, .len = 1},
                                   .not_before = NOW,
                                   .not_after = NOW + YEAR};
    struct chain_verdict verdict;
    struct cert *cert;

    (void)state;
    san_init(&san);
    assert_ok(san_add(&san, "db1.example", &err), &err);
    assert_ok(san_add(&san, "127.0.0.1", &err), &err);
    cert = cert_sign(&request, ca.cert, ca.key, &err);
    assert_ok(cert, &err);
    chain_verify_server(cert, NULL, &trusted, NULL, NOW, &verdict);
    assert_true(verdict.accepted);
    chain_verify_server(cert, NULL, &trusted, "db1.example", NOW, &verdict);
    assert_true(verdict.accepted);
    chain_verify_server(cert, NULL, &trusted, "127.0.0.1", NOW, &verdict);
    assert_true(verdict.accepted);
    chain_verify_server(cert, NULL, &trusted, "db2.example", NOW, &verdict);
    assert_false(verdict.accepted);
    assert_int_equal(verdict.alert, 0);
    assert_non_null(strstr(verdict.cause, "is not for the host \"db2.example\""));
    chain_verify_server(cert, NULL, &trusted, "127.0.0.2", NOW, &verdict);
    assert_false(verdict.accepted);
    chain_verify_server(cert, NULL, &none, "db1.example", NOW, &verdict);
    assert_int_equal(verdict.alert, 48);
    chain_verify_server(client.cert, NULL, &trusted, NULL, NOW, &verdict);
    assert_int_equal(verdict.alert, 43);
    assert_non_null(strstr(verdict.cause, "is a client's certificate, not a server's"));
    chain_verify_server(cert, NULL, &trusted, NULL, NOW + 2 * YEAR, &verdict);
    assert_int_equal(verdict.alert, 45);
    cert_free(cert);
    san_clear(&san);
    name_free(subject);
    key_free(key);
    pair_clear(&client);
    pair_clear(&ca);
}

/* Not self-signed, and none is the issuer of another one, but all names fit. Without key identifiers only
 * the signatures tell, one by one. */
static void test_crowd_of_one_name(void **state)
{
    struct key *subject_key = fixture_key();
    struct key *key = fixture_key();
    struct strbuf pem = STRBUF_INIT;
    struct inspect_options options = {.now = NOW};
    struct inspect_node *tree, *all;

    (void)state;
    for (long i = 1; i <= 80; i++) {
        X509 *x509 = X509_new();
        X509_NAME *name = X509_get_subject_name(x509);
        struct cert *cert;

        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)"X", -1, -1, 0),
                         1);
        assert_int_equal(X509_set_issuer_name(x509, name), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), i), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), DAY));
        assert_int_equal(X509_set_pubkey(x509, ossl_key(subject_key)), 1);
        assert_true(X509_sign(x509, ossl_key(key), EVP_sha256()) > 0);
        cert = ossl_cert_take(x509);
        fixture_pem(&pem, cert);
        cert_free(cert);
    }
    tree = inspect_bytes(pem.data, pem.len, &options);
    assert_true(tree->n > 80);
    all = tree->children[80];
    assert_string_equal(all->children[0]->text, "80");
    assert_in_range(all->n, 4, 30); /* of the rest it is not said that their issuer is not there */
    assert_non_null(strstr(all->children[all->n - 2]->text, "not every signature was tried"));
    inspect_free(tree);
    strbuf_clear(&pem);
    key_free(subject_key);
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_unknown_ca),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_purpose),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_crl_missing),
        cmocka_unit_test(test_crl_dates),
        cmocka_unit_test(test_crl_signature),
        cmocka_unit_test(test_no_crl_sign),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_intermediate),
        cmocka_unit_test(test_only_inter_crl),
        cmocka_unit_test(test_not_a_ca),
        cmocka_unit_test(test_weak),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_server_side),
        cmocka_unit_test(test_crowd_of_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
