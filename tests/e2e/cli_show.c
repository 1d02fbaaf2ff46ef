/* "show": things that openssl and ssh-keygen made, good and bad, and what is said of them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/harness/command.h"

static int setup(void **state)
{
    *state = command_box();
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

#define QUIET " 2>/dev/null"
#define EC    "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.key "

/* What makes "thing", and what is said of it (a NULL ends the list). */
static const struct {
    const char *make;
    const char *says[6];
} things[] = {
    {"openssl req -x509 " EC "-subj /CN=Acme -days 400 -out thing" QUIET,
     {"Certificate\n", "CN=Acme", "EC P-256", "CA, root", "decimal", NULL}},
    {"openssl req -x509 " EC "-subj '/CN=Alice Smith' -days 10 -out thing "
     "-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=clientAuth" QUIET,
     {"for clients", "[!!] It ends in ", "capital letters", NULL}},
    {"openssl req -x509 " EC "-subj / -days 100 -out thing "
     "-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=clientAuth" QUIET,
     {"[xx] It has no common name (CN)", NULL}},
    {"openssl req -x509 " EC "-subj /CN=db1 -days 100 -out thing "
     "-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=serverAuth" QUIET,
     {"for servers", "[!!] It has no subjectAltName", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 100 -out thing "
     "-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=codeSigning" QUIET,
     {"neither clients, servers nor CA", "[xx] Its usages allow neither", NULL}},
    {"openssl req -x509 -newkey rsa:1024 -nodes -keyout k.key -subj /CN=x -days 9 -out thing" QUIET,
     {"[xx] The key is too weak", NULL}},
    {"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -keyout k.key "
     "-subj /CN=x -days 99 -out thing" QUIET,
     {"no certificates on the curve \"secp256k1\"", NULL}},
    {"openssl req -new " EC "-subj /CN=x -out x.csr" QUIET
     " && openssl x509 -req -in x.csr -signkey k.key -days 99 -out thing" QUIET,
     {"[!!] It is X.509 version 1", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out thing -addext "
     "keyUsage=critical,keyCertSign" QUIET,
     {"[xx] This CA may not sign lists", NULL}},
    {"openssl req -new " EC "-subj /CN=mallory -addext basicConstraints=CA:TRUE -addext "
     "subjectAltName=DNS:a.example -out thing" QUIET,
     {"request (CSR)", "CN=mallory", "DNS:a.example", "[ok] Signed by its own key",
      "[!!] It asks to be a CA", NULL}},
    {"openssl req -new " EC "-subj /CN=x -out c" QUIET
     " && openssl req -in c -outform der | tail -c +1 | sed 's/x/y/' | openssl req -inform der "
     "-out thing" QUIET,
     {"[xx]", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && openssl x509 -in c -outform der -out thing",
     {"[xx] It is binary (DER)", "CN=x", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && openssl x509 -in c -trustout -addtrust clientAuth -out thing",
     {"[!!] It is a TRUSTED CERTIFICATE", NULL}},
    {"openssl genpkey -algorithm ed25519 -out thing && chmod 644 thing",
     {"Private key: SECRET", "Ed25519", "PKCS#8",
      "[xx] Others can read this private key (mode 0644)", NULL}},
    {"openssl genrsa -traditional -aes128 -passout pass:x -out thing 2048" QUIET
     " && chmod 600 thing",
     {"passphrase  yes", "PKCS#1", "[--] A server cannot start", NULL}},
    {"ssh-keygen -q -t ed25519 -N '' -f s && cp s.pub thing",
     {"ssh key", "X.509 certificate", NULL}},
    {"rm -f s s.pub; ssh-keygen -q -t ed25519 -N '' -f s && cp s thing",
     {"Private key: SECRET", "[xx] It is in OpenSSH's own form", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && openssl pkcs12 -export -in c -inkey k.key -name bob -passout pass: -out thing"
     " && chmod 600 thing",
     {"PKCS#12", "alias", "bob", "[!!] pgjdbc looks for the alias \"user\"", "passphrase is empty",
      NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && openssl pkcs12 -export -legacy -in c -inkey k.key -name user -passout pass:p -out thing",
     {"locked with a passphrase", "[!!] It uses RC2", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && openssl crl2pkcs7 -nocrl -certfile c -out thing",
     {"PKCS#7", "does not read this wrapping", "CN=x", NULL}},
    {": > i; printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=i\\ndefault_md=sha256\\n"
     "default_crl_days=3\\n' > f; openssl req -x509 " EC "-subj /CN=Acme -days 99 -out c" QUIET
     "; openssl ca -config f -gencrl -keyfile k.key -cert c -out thing" QUIET,
     {"(CRL)", "CN=Acme", "[--] It has no number", "[!!] It ends in ", NULL}},
    {"openssl req -x509 " EC "-subj /CN=x -days 99 -out c" QUIET
     " && cat c k.key > thing && chmod 600 thing",
     {"Private key: SECRET", "do not hand this file out", NULL}},
};

static void run_sh(const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0)
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    command_clear(&result);
}

static void test_things(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        char *make = mem_printf("umask 077; %s", things[i].make);
        json_t *json;
        char *text;

        run_sh(make);
        text = EXPECT(0, "show", "thing");
        for (size_t k = 0; things[i].says[k]; k++)
            if (!strstr(text, things[i].says[k]))
                fail_msg("%s\n\"%s\" is not said:\n%s", make, things[i].says[k], text);
        assert_null(strstr(text, "PRIVATE KEY-----"));
        free(text);
        json = EXPECT_JSON(0, "show", "thing", "--json");
        assert_true(json_array_size(json_object_get(json, "items")) > 0);
        json_decref(json);
        run_sh("rm -f thing");
        free(make);
    }
}

static void test_chains(void **state)
{
    char *text;

    (void)state;
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "issue", "client", "alice", "--out", "a"));
    run_sh("cat a/alice.crt a/root.crt > good; cat a/root.crt a/alice.crt > turned; "
           "cat a/alice.crt a/alice.crt > twice");
    text = EXPECT(0, "show", "good");
    assert_non_null(strstr(text, "[ok] A chain: each is signed by the next one"));
    assert_non_null(strstr(text, "issued by us, by the CA \"lab\""));
    free(text);
    text = EXPECT(0, "show", "turned");
    assert_null(strstr(text, "[ok] A chain"));
    free(text);
    text = EXPECT(0, "show", "twice");
    assert_non_null(strstr(text, "Not a chain in order"));
    assert_non_null(strstr(text, "Number 2 is number 1 again"));
    free(text);
    command_write("pass", "p12 passphrase of alice\n", 0600);
    free(EXPECT(0, "issue", "client", "bob", "--out", "b", "--format", "p12",
                "--p12-passphrase-file", "pass"));
    text = EXPECT(0, "show", "b/bob.p12", "--p12-passphrase-file", "pass");
    assert_non_null(strstr(text, "CN=bob"));
    assert_non_null(strstr(text, "CN=lab"));
    assert_null(strstr(text, "[!!]"));
    assert_null(strstr(text, "[xx]"));
    free(text);
    /* a certificate of ours is as it should be: nothing to complain of */
    text = EXPECT(0, "show", "a/alice.crt");
    assert_null(strstr(text, "[!!]"));
    assert_null(strstr(text, "[xx]"));
    free(text);
    text = EXPECT(0, "show", "a/root.crt");
    assert_null(strstr(text, "[!!]"));
    assert_null(strstr(text, "[xx]"));
    free(text);
    free(EXPECT(0, "crl", "export", "--out", "lab.crl"));
    text = EXPECT(0, "show", "lab.crl");
    assert_null(strstr(text, "[!!]"));
    assert_null(strstr(text, "[xx]"));
    assert_null(strstr(text, "[--]"));
    free(text);
}

static void test_garbage(void **state)
{
    static const char *const garbage[] = {"",
                                          "\n\n",
                                          "hello",
                                          "-----BEGIN CERTIFICATE-----\nAAAA",
                                          "-----BEGIN X509 CRL-----\n!!\n-----END X509 CRL-----\n",
                                          "0\x82\x01"};

    (void)state;
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct command_result result;
        struct command_options options = {.input = garbage[i]};

        command_run(&result, &options, "show", "-", NULL);
        if (result.status != 1 && result.status != 0)
            fail_msg("%zu: status %d %s", i, result.status, result.err);
        if (result.status == 0)
            assert_non_null(strstr(result.out, "[xx]"));
        else
            assert_non_null(strstr(result.err, "PS-1"));
        command_clear(&result);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* "words" stands here too: it explains, as "show" does. */
static void test_words(void **state)
{
    char *text = EXPECT(0, "words", "crl");
    json_t *document;
    size_t n;

    (void)state;
    assert_non_null(strstr(text, "CRL: certificate revocation list\n"));
    assert_non_null(strstr(text, "ssl_crl_file"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    free(text);
    text = EXPECT(0, "words", "private", "key");
    assert_non_null(strstr(text, "private key: "));
    free(text);
    text = EXPECT(0, "words");
    assert_non_null(strstr(text, "verify-full"));
    free(text);
    EXPECT_ERROR(2, "Near it: CRL", "words", "crll");
    EXPECT_ERROR(2, "lists them all", "words", "\033[31mzz");

    document = EXPECT_JSON(0, "words", "hostssl", "--json");
    assert_string_equal(json_string_value(json_object_get(document, "word")), "hostssl");
    assert_string_equal(json_string_value(json_array_get(json_object_get(document, "see"), 1)),
                        "cert method");
    assert_true(json_is_null(json_object_get(document, "by_hand")) ||
                json_is_string(json_object_get(document, "by_hand")));
    json_decref(document);
    document = EXPECT_JSON(0, "words", "--json");
    n = json_array_size(json_object_get(document, "words"));
    assert_true(n > 30);
    json_decref(document);
    document = EXPECT_JSON(2, "words", "crll", "--json");
    assert_non_null(json_object_get(document, "error"));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_things),
        TEST(test_chains),
        TEST(test_garbage),
        TEST(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
