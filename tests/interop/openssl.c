/* What we write, read by the program openssl; and what it writes, read by us. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/need.h"
#include "tests/interop/pki_files.h"

static struct pki_files files; /* written once for all tests */

static int setup(void **state)
{
    (void)state;
    pki_files_write(&files);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pki_files_remove(&files);
    return 0;
}

static void expect_refused(const char *command, const char *words)
{
    struct strbuf out = STRBUF_INIT;
    int status = pki_files_run(&files, &out, command);

    if (status == 0 || !strstr(out.data, words))
        fail_msg("exit %d of: %s\n%s", status, command, out.data);
    strbuf_clear(&out);
}

#define VERIFY "openssl verify -x509_strict -auth_level 2 "

static void test_verify(void **state)
{
    (void)state;
    pki_files_expect(&files, VERIFY "-CAfile ca.crt ca.crt", "ca.crt: OK");
    pki_files_expect(&files, VERIFY "-purpose sslclient -CAfile ca.crt client.crt", "OK");
    pki_files_expect(&files, VERIFY "-purpose sslclient -CAfile ca.crt canary.crt", "OK");
    pki_files_expect(&files,
                     VERIFY "-purpose sslserver -CAfile ca.crt "
                            "-verify_hostname db1.example server.crt",
                     "OK");
    pki_files_expect(&files, VERIFY "-purpose sslserver -CAfile ca.crt -verify_ip ::1 server.crt",
                     "OK");
    pki_files_expect(&files,
                     VERIFY "-purpose sslclient -CAfile ca.crt -untrusted sub.crt "
                            "subclient.crt",
                     "OK");
    expect_refused(VERIFY "-purpose sslserver -CAfile ca.crt client.crt", "purpose");
    expect_refused(VERIFY "-purpose sslclient -CAfile ca.crt server.crt", "purpose");
}

static void test_each_kind(void **state)
{
    static const char *const kinds[] = {"ec-p384", "ed25519", "rsa-2048"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char *command = mem_printf(VERIFY "-purpose sslclient -crl_check -CRLfile %s-crl.pem "
                                          "-CAfile %s-ca.crt %s-client.crt",
                                   kinds[i], kinds[i], kinds[i]);

        pki_files_expect(&files, command, "OK");
        free(command);
    }
}

static void test_extensions(void **state)
{
    (void)state;
    pki_files_expect(&files, "openssl x509 -in ca.crt -noout -ext basicConstraints,keyUsage",
                     "X509v3 Basic Constraints: critical\n    CA:TRUE\n"
                     "X509v3 Key Usage: critical\n    Certificate Sign, CRL Sign\n");
    pki_files_expect(&files,
                     "openssl x509 -in client.crt -noout -ext basicConstraints,keyUsage,"
                     "extendedKeyUsage",
                     "X509v3 Basic Constraints: critical\n    CA:FALSE\n"
                     "X509v3 Key Usage: critical\n    Digital Signature\n"
                     "X509v3 Extended Key Usage: \n    TLS Web Client Authentication\n");
    pki_files_expect(&files, "openssl x509 -in server.crt -noout -ext subjectAltName",
                     "DNS:db1.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    pki_files_expect(&files, "openssl x509 -in canary.crt -noout -subject -ext subjectAltName",
                     "subject=\nX509v3 Subject Alternative Name: critical\n");
    /* keyid only: no issuer and serial number */
    pki_files_expect(&files,
                     "! openssl x509 -in client.crt -noout -text | grep -E "
                     "'DirName|^ *serial:' && echo keyid only",
                     "keyid only");
}

static void test_crl(void **state)
{
    (void)state;
    pki_files_expect(&files, "openssl crl -in crl.pem -CAfile ca.crt -noout", "verify OK");
    pki_files_expect(&files, "openssl crl -in crl.pem -noout -text",
                     "X509v3 CRL Number: \n"
                     "                7");
    pki_files_expect(&files, "openssl crl -in crl.pem -noout -text", "Key Compromise");
    pki_files_expect(&files, "openssl crl -in crl.pem -noout -text",
                     "X509v3 Authority Key Identifier");
    pki_files_expect(&files, VERIFY "-crl_check_all -CRLfile crl.pem -CAfile ca.crt client.crt",
                     "OK");
    pki_files_expect(&files,
                     "cat crl.pem sub-crl.pem > both.pem; " VERIFY
                     "-crl_check_all -CRLfile both.pem -CAfile ca.crt -untrusted sub.crt "
                     "subclient.crt",
                     "OK");
    expect_refused(VERIFY "-crl_check -CRLfile crl.pem -CAfile ca.crt bob.crt",
                   "certificate revoked");
}

static void test_keys(void **state)
{
    (void)state;
    pki_files_expect(&files, "openssl pkey -in client.key -check -noout", "Key is valid");
    pki_files_expect(&files,
                     "openssl pkcs8 -in client-locked.key -passin 'pass:" PASSPHRASE
                     "' | cmp - client.key && echo same",
                     "same");
    pki_files_expect(&files,
                     "openssl pkcs8 -inform DER -nocrypt -in client.pk8 | "
                     "cmp - client.key && echo same",
                     "same");
    pki_files_expect(&files, "openssl pkey -in ca.key -passin 'pass:" PASSPHRASE "' -check -noout",
                     "Key is valid");
    expect_refused("openssl pkey -in ca.key -passin pass:wrong -noout", "");
    pki_files_expect(&files, "openssl asn1parse -in ca.key",
                     "INTEGER           :0927C0"); /* 600,000 rounds */
    pki_files_expect(&files, "openssl asn1parse -in client-locked.key",
                     "INTEGER           :EA60"); /* 60,000 */
    pki_files_expect(&files, "openssl asn1parse -in ca.key", ":hmacWithSHA256");
    pki_files_expect(&files, "openssl asn1parse -in ca.key", ":aes-256-cbc");
    pki_files_expect(&files,
                     "openssl x509 -in client.crt -noout -pubkey > a; "
                     "openssl pkey -in client.key -pubout > b; cmp a b && echo same",
                     "same");
}

static void test_pkcs12(void **state)
{
    static const char *const names[] = {"client.p12", "client-legacy.p12"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *command = mem_printf("openssl pkcs12 -in %s -passin 'pass:" PASSPHRASE
                                   "' -nodes -out out.%zu && openssl pkey -in out.%zu | "
                                   "cmp - client.key && cat out.%zu",
                                   names[i], i, i, i);
        char *wrong = mem_printf("openssl pkcs12 -in %s -passin pass:wrong -nokeys", names[i]);

        pki_files_expect(&files, command, "friendlyName: user");
        pki_files_expect(&files, command, "Acme PG Root CA");
        expect_refused(wrong, "invalid password");
        free(command);
        free(wrong);
    }
    pki_files_expect(&files,
                     "openssl pkcs12 -in client.p12 -passin 'pass:" PASSPHRASE "' -info -noout",
                     "PBES2, PBKDF2, AES-256-CBC, Iteration 60000, "
                     "PRF hmacWithSHA256");
    pki_files_expect(
        &files, "openssl pkcs12 -in client-legacy.p12 -passin 'pass:" PASSPHRASE "' -info -noout",
        "pbeWithSHA1And3-KeyTripleDES-CBC");
}

static void test_request(void **state)
{
    (void)state;
    pki_files_expect(&files, "openssl req -in client.csr -verify -noout -subject",
                     "subject=CN = alice");
    pki_files_expect(&files, "openssl req -in client.csr -noout -text", "DNS:db1.example");
}

/* The number that pg_stat_ssl shows, by two other programs. */
static void test_serial(void **state)
{
    char hex[SERIAL_HEX_MAX];
    char decimal[SERIAL_DECIMAL_MAX];
    char *command;

    (void)state;
    (void)serial_format_hex(hex, &files.serial);
    (void)serial_format_decimal(decimal, &files.serial);
    pki_files_expect(&files, "openssl x509 -in client.crt -noout -serial | tr A-F a-f", hex);
    command = mem_printf("if command -v python3 >/dev/null; then python3 -c 'print(0x%s)'; "
                         "else printf 'INTEGER:%s' > s.txt; "
                         "openssl asn1parse -genstr INTEGER:%s -noout -out s.der && "
                         "openssl asn1parse -inform DER -in s.der | grep -qi ':%s' && echo %s; fi",
                         hex, decimal, decimal, hex, decimal);
    pki_files_expect(&files, command, decimal);
    free(command);
}

static void read_back(const char *name, struct strbuf *out)
{
    struct err err = ERR_INIT;
    char *path = fs_join(files.folder, name);

    strbuf_reset(out);
    assert_ok(fs_read(path, 1 << 20, out, &err), &err);
    free(path);
}

static void test_their_keys(void **state)
{
    static const char *const commands[] = {
        "openssl genpkey -quiet -algorithm RSA -out k 2>/dev/null || "
        "openssl genpkey -algorithm RSA -out k 2>/dev/null; "
        "openssl rsa -in k -traditional -aes256 -passout 'pass:" PASSPHRASE "' -out key",
        "openssl pkcs8 -topk8 -in client.key -v1 PBE-SHA1-3DES -passout 'pass:" PASSPHRASE
        "' -out key",
        "openssl pkcs8 -topk8 -in client.key -scrypt -passout 'pass:" PASSPHRASE "' -out key",
        "openssl ec -in client.key -aes128 -passout 'pass:" PASSPHRASE "' -out key",
        "openssl genpkey -algorithm ed25519 -aes256 -pass 'pass:" PASSPHRASE "' -out key",
        "(openssl x509 -in client.crt -text; cat client-locked.key) > key",
    };
    struct secret *passphrase = secret_new(64);
    struct secret *wrong = secret_new(64);
    struct strbuf pem = STRBUF_INIT;

    (void)state;
    assert_true(secret_set(passphrase, PASSPHRASE, strlen(PASSPHRASE)));
    assert_true(secret_set(wrong, "wrong", 5));
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct err err = ERR_INIT;
        struct key *key;

        pki_files_expect(&files, commands[i], "");
        read_back("key", &pem);
        assert_true(key_pem_is_encrypted(pem.data, pem.len));
        key = key_from_pem(pem.data, pem.len, passphrase, &err);
        if (!key)
            fail_msg("%s: %s", commands[i], err.msg);
        key_free(key);
        assert_null(key_from_pem(pem.data, pem.len, wrong, &err));
        assert_int_equal(err.code, ERR_PASSPHRASE);
        assert_null(key_from_pem(pem.data, pem.len, NULL, &err));
        assert_int_equal(err.code, ERR_PASSPHRASE);
    }
    secret_free(passphrase);
    secret_free(wrong);
    strbuf_clear(&pem);
}

static void test_their_request(void **state)
{
    struct err err = ERR_INIT;
    struct strbuf pem = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct csr *csr;
    struct name *subject;
    struct san san;

    (void)state;
    pki_files_expect(&files,
                     "openssl req -new -key client.key -subj '/O=Acme/CN=dave' "
                     "-addext 'subjectAltName=DNS:x.example,IP:10.0.0.1,email:d@x' "
                     "-addext basicConstraints=critical,CA:TRUE -text -out their.csr",
                     "");
    read_back("their.csr", &pem);
    csr = csr_from_pem(pem.data, pem.len, &err);
    assert_ok(csr, &err);
    subject = csr_subject(csr);
    name_format(subject, &text);
    assert_string_equal(text.data, "CN=dave, O=Acme");
    assert_true(csr_asks_for_ca(csr));
    san_init(&san);
    assert_ok(csr_san(csr, &san, &err), &err);
    strbuf_reset(&text);
    san_format(&san, &text);
    assert_string_equal(text.data, "DNS:x.example, IP:10.0.0.1, email:d@x");
    san_clear(&san);
    name_free(subject);
    csr_free(csr);
    strbuf_clear(&pem);
    strbuf_clear(&text);
}

/* The same name in our words and in theirs. */
static void test_names(void **state)
{
    struct err err = ERR_INIT;
    struct strbuf pem = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct cert *cert;

    (void)state;
    pki_files_expect(&files,
                     "openssl req -x509 -new -key client.key -utf8 -days 10 "
                     "-subj '/C=DE/O=Zürich Öl, Inc./OU=a\\+b/CN=al ice' -out named.crt",
                     "");
    read_back("named.crt", &pem);
    cert = cert_from_pem(pem.data, pem.len, &err);
    assert_ok(cert, &err);
    cert_format_subject(cert, &text);
    pki_files_expect(&files,
                     "openssl x509 -in named.crt -noout -subject -nameopt "
                     "esc_2253,esc_ctrl,utf8,sep_comma_plus_space,dn_rev,sname",
                     text.data);
    assert_string_equal(text.data, "CN=al ice, OU=a\\+b, O=Zürich Öl\\, Inc., C=DE");
    cert_free(cert);
    strbuf_clear(&pem);
    strbuf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),     cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_extensions), cmocka_unit_test(test_crl),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_pkcs12),
        cmocka_unit_test(test_request),    cmocka_unit_test(test_serial),
        cmocka_unit_test(test_their_keys), cmocka_unit_test(test_their_request),
        cmocka_unit_test(test_names),
    };

    if (!need(have_command("openssl"), "the program openssl"))
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
