/*
 * kit_openssl.c - what pgseal makes, read by somebody else's programs: openssl, certtool, keytool.
 *
 * Without openssl the program skips; certtool and keytool are asked where they are installed.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "core/store/revoked.h"
#include "tests/harness/need.h"
#include "tests/harness/store_box.h"

#define PASSPHRASE "correct horse battery"

static struct err err;

struct fixture {
    struct box box;
    struct authority *authority;
    struct key *key;
    struct secret *passphrase;
    char *crl; /* path */
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    box_open(&fixture->box);
    clock_replace(NULL); /* openssl has the real time */
    fixture->authority = box_authority(&fixture->box, "Acme PG Root", &fixture->key);
    fixture->passphrase = box_secret(PASSPHRASE);
    fixture->crl = fs_join(fixture->box.folder, "acme.crl");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    authority_free(fixture->authority);
    key_free(fixture->key);
    secret_free(fixture->passphrase);
    free(fixture->crl);
    box_close(&fixture->box);
    free(fixture);
    return 0;
}

/* Runs a command in a kit's folder; its output must have all of the words. */
static void says(const char *folder, const char *command, const char *const *words)
{
    char *output = NULL;
    int status = box_run(&output, "cd '%s' && { %s; } 2>&1", folder, command);

    if (status != 0)
        fail_msg("\"%s\" ended with %d: %s", command, status, output);
    for (; *words != NULL; words++)
        if (strstr(output, *words) == NULL)
            fail_msg("\"%s\" does not say \"%s\": %s", command, *words, output);
    free(output);
}

#define SAYS(folder, command, ...) says(folder, command, (const char *const[]){__VA_ARGS__, NULL})

/* Issues and writes a kit with everything in it, for a key of this type. Caller frees the path. */
static char *make_kit(struct fixture *fixture, enum issued_kind kind, const char *role,
                      enum key_type type, bool protected_key, struct issued **ret)
{
    static const char *const hosts[] = {"db1.example", "127.0.0.1", "::1"};
    struct key *own = key_generate(type, NULL, NULL, &err);
    struct issue_spec issue = {
        .kind = kind, .role = role, .hosts = hosts, .n_hosts = 3, .key = own};
    struct kit_files files = {.certificate = NULL};
    struct kit_spec spec = {.formats = KIT_PEM | KIT_P12 | KIT_PK8,
                            .key = own,
                            .ca = fixture->authority->cert,
                            .key_passphrase = protected_key ? fixture->passphrase : NULL,
                            .p12_passphrase = fixture->passphrase};
    char *folder = mem_printf("%s/%s-%d", fixture->box.folder, role, (int)type);

    if (own == NULL)
        fail_msg("%s", err.msg);
    *ret = issued_make(fixture->box.store, fixture->authority, fixture->key, &issue, &err);
    if (*ret == NULL)
        fail_msg("%s", err.msg);
    spec.folder = folder;
    spec.issued = *ret;
    BOX_OK(kit_write(&spec, &files, &err));
    kit_files_clear(&files);
    key_free(own);
    return folder;
}

static void write_crl(struct fixture *fixture, const struct crl *crl)
{
    struct strbuf pem = STRBUF_INIT;

    BOX_OK(crl_to_pem(crl, &pem, &err));
    BOX_OK(fs_write_replace(fixture->crl, pem.data, pem.len, 0600, &err));
    strbuf_clear(&pem);
}

static void check_client(struct fixture *fixture, enum key_type type)
{
    struct issued *alice = NULL;
    char *folder = make_kit(fixture, ISSUED_CLIENT, "alice", type, false, &alice);
    char hex[SERIAL_HEX_MAX];

    SAYS(folder, "openssl verify -x509_strict -purpose sslclient -CAfile root.crt alice.crt",
         "alice.crt: OK");
    SAYS(folder, "! openssl verify -purpose sslserver -CAfile root.crt alice.crt", "unsuitable");
    SAYS(folder, "openssl x509 -in alice.crt -noout -subject -nameopt RFC2253", "subject=CN=alice");
    SAYS(folder, "openssl x509 -in alice.crt -noout -serial | tr A-F a-f | cut -d= -f2",
         serial_format_hex(hex, &alice->serial));
    /* key identifier only: a renewed CA must not orphan its leaves */
    SAYS(folder,
         "openssl x509 -in alice.crt -noout -text | grep -A1 'Authority Key Identifier'"
         " && ! openssl x509 -in alice.crt -noout -text | grep -q DirName",
         "Authority Key Identifier");
    SAYS(folder, "openssl pkey -in alice.key -noout -check", "Key is valid");
    /* the three forms of the key are one key, and it is the certificate's */
    SAYS(
        folder,
        "openssl x509 -in alice.crt -noout -pubkey > a && openssl pkey -in alice.key -pubout > b &&"
        " openssl pkcs8 -inform DER -nocrypt -in alice.pk8 | openssl pkey -pubout > c &&"
        " openssl pkcs12 -in alice.p12 -passin 'pass:" PASSPHRASE "' -nocerts -nodes |"
        " openssl pkey -pubout > d && cmp a b && cmp a c && cmp a d && echo same",
        "same");
    SAYS(folder, "openssl pkcs12 -in alice.p12 -info -noout -passin 'pass:" PASSPHRASE "'", "PBES2",
         "AES-256");
    SAYS(folder,
         "openssl pkcs12 -in alice.p12 -nokeys -passin 'pass:" PASSPHRASE "'"
         " | grep -c 'BEGIN CERTIFICATE'",
         "2");
    SAYS(folder, "openssl pkcs12 -in alice.p12 -nokeys -passin 'pass:" PASSPHRASE "'",
         "friendlyName: user");
    SAYS(folder, "! openssl pkcs12 -in alice.p12 -noout -passin pass:wrong", "invalid password");
    if (have_command("certtool"))
        SAYS(folder,
             "certtool --verify --load-ca-certificate root.crt --infile alice.crt"
             " --verify-purpose 1.3.6.1.5.5.7.3.2",
             "Verified. The certificate is trusted.");
    free(folder);
    issued_free(alice);
}

static void test_client(void **state)
{
    check_client(*state, KEY_EC_P256);
    check_client(*state, KEY_EC_P384);
    check_client(*state, KEY_RSA_2048);
}

static void test_protected_key(void **state)
{
    struct issued *alice = NULL;
    char *folder = make_kit(*state, ISSUED_CLIENT, "alice", KEY_EC_P256, true, &alice);

    SAYS(folder, "cat alice.key", "BEGIN ENCRYPTED PRIVATE KEY");
    SAYS(folder, "! openssl pkey -in alice.key -noout -passin pass:wrong", "");
    SAYS(folder, "openssl pkey -in alice.key -noout -check -passin 'pass:" PASSPHRASE "'",
         "Key is valid");
    SAYS(folder, "openssl asn1parse -in alice.key", "PBES2", "aes-256-cbc", "hmacWithSHA256",
         "EA60"); /* 60,000 rounds: libpq pays them at every connect */
    free(folder);
    issued_free(alice);
}

static void test_server(void **state)
{
    struct issued *db1 = NULL;
    char *folder = make_kit(*state, ISSUED_SERVER, "db1", KEY_EC_P256, false, &db1);

    SAYS(folder,
         "openssl verify -x509_strict -purpose sslserver -verify_hostname db1.example"
         " -CAfile root.crt db1.example.crt",
         "OK");
    SAYS(folder, "openssl verify -verify_ip 127.0.0.1 -CAfile root.crt db1.example.crt", "OK");
    SAYS(folder, "openssl verify -verify_ip ::1 -CAfile root.crt db1.example.crt", "OK");
    SAYS(folder, "! openssl verify -verify_hostname db2.example -CAfile root.crt db1.example.crt",
         "mismatch");
    SAYS(folder, "! openssl verify -purpose sslclient -CAfile root.crt db1.example.crt",
         "unsuitable");
    SAYS(folder, "openssl x509 -in db1.example.crt -noout -subject -nameopt RFC2253",
         "subject=CN=db1.example");
    free(folder);
    issued_free(db1);
}

/* The list as openssl sees it: alice passes, bob does not, and the canaries as they must. */
static void test_revoked(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = NULL;
    struct issued *bob = NULL;
    char *alice_folder = make_kit(fixture, ISSUED_CLIENT, "alice", KEY_EC_P256, false, &alice);
    char *bob_folder = make_kit(fixture, ISSUED_CLIENT, "bob", KEY_EC_P256, false, &bob);
    struct crl *crl = authority_crl(fixture->box.store, fixture->authority, &err);
    struct canary canary;
    struct strbuf pem = STRBUF_INIT;
    char *path = fs_join(alice_folder, "canary.crt");

    assert_non_null(crl);
    write_crl(fixture, crl);
    crl_free(crl);
    SAYS(bob_folder, "openssl verify -crl_check -CAfile root.crt -CRLfile ../acme.crl bob.crt",
         "bob.crt: OK");
    crl = revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, bob,
                           CRL_KEY_COMPROMISE, 0, &err);
    assert_non_null(crl);
    write_crl(fixture, crl);
    crl_free(crl);
    SAYS(bob_folder, "! openssl verify -crl_check -CAfile root.crt -CRLfile ../acme.crl bob.crt",
         "certificate revoked");
    SAYS(alice_folder, "openssl verify -crl_check -CAfile root.crt -CRLfile ../acme.crl alice.crt",
         "alice.crt: OK");
    SAYS(alice_folder, "openssl crl -in ../acme.crl -noout -text -CAfile root.crt", "verify OK",
         "Key Compromise", "X509v3 CRL Number", "Authority Key Identifier");
    if (have_command("certtool"))
        SAYS(alice_folder,
             "certtool --verify-crl --load-ca-certificate root.crt --infile ../acme.crl",
             "Verified");
    for (int i = 0; i < 2; i++) {
        BOX_OK(authority_canary(fixture->box.store, fixture->authority,
                                i == 0 ? CANARY_GOOD : CANARY_REVOKED, &canary, &err));
        strbuf_reset(&pem);
        BOX_OK(cert_to_pem(canary.cert, &pem, &err));
        BOX_OK(fs_write_replace(path, pem.data, pem.len, 0600, &err));
        if (i == 0)
            SAYS(alice_folder,
                 "openssl verify -crl_check -purpose sslclient -CAfile root.crt"
                 " -CRLfile ../acme.crl canary.crt",
                 "canary.crt: OK");
        else
            SAYS(alice_folder,
                 "! openssl verify -crl_check -CAfile root.crt -CRLfile ../acme.crl canary.crt",
                 "certificate revoked");
        canary_clear(&canary);
    }
    strbuf_clear(&pem);
    free(path);
    free(alice_folder);
    free(bob_folder);
    issued_free(alice);
    issued_free(bob);
}

static void test_authority(void **state)
{
    struct fixture *fixture = *state;
    struct authority_spec spec = {.name = "Locked", .passphrase = fixture->passphrase};
    struct authority *locked = authority_create(fixture->box.store, &spec, &err);
    char *keys = fs_join(fixture->box.store_folder, "keys");

    assert_non_null(locked);
    SAYS(keys, "openssl asn1parse -in locked-????????????.key", "PBES2", "aes-256-cbc",
         "hmacWithSHA256", "0927C0"); /* 600,000 rounds */
    SAYS(keys,
         "openssl pkey -in locked-????????????.key -noout -check -passin 'pass:" PASSPHRASE "'",
         "Key is valid");
    SAYS(keys, "openssl pkey -in acme-pg-root-????????????.key -noout -check", "Key is valid");
    free(keys);
    authority_free(locked);
}

static void test_keytool(void **state)
{
    struct issued *alice = NULL;
    char *folder;

    if (!have_command("keytool")) {
        print_message("# keytool is not installed: the .p12 was not shown to Java\n");
        return;
    }
    folder = make_kit(*state, ISSUED_CLIENT, "alice", KEY_EC_P256, false, &alice);
    SAYS(folder,
         "keytool -J-Duser.language=en -list -v -storetype PKCS12 -keystore alice.p12"
         " -storepass '" PASSPHRASE "'",
         "Alias name: user", "Entry type: PrivateKeyEntry", "Certificate chain length: 2",
         "Owner: CN=alice", "Owner: CN=Acme PG Root");
    free(folder);
    issued_free(alice);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_client),  TEST(test_protected_key), TEST(test_server),
        TEST(test_revoked), TEST(test_authority),     TEST(test_keytool),
    };

    if (!need(have_command("openssl"), "the program openssl"))
        return 0;
    (void)need_some(have_command("certtool"), "certtool (package gnutls-bin)");
    (void)need_some(have_command("keytool"), "keytool (a Java runtime)");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
