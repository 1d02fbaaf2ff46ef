/* The life of a CA by commands: renewed, locked anew, under an offline root, deleted. Everything that
 * is claimed of certificates is asked of openssl. */
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
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

/* Runs in sh; the output must have this text. */
static void shell(const char *expected, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0 || !strstr(result.out, expected))
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    command_clear(&result);
}

static char *field(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        fail_msg("no \"%s\"", name);
    return mem_strdup(text);
}

static void test_renew_client(void **state)
{
    json_t *json;
    char *old, *now, *replaces;

    (void)state;
    json = EXPECT_JSON(0, "issue", "client", "alice", "--out", "a", "--days", "20", "--note", "app",
                       "--json");
    old = field(json, "serial");
    json_decref(json);
    json = EXPECT_JSON(0, "renew", "alice", "--out", "b", "--json");
    now = field(json, "serial");
    replaces = field(json, "replaces");
    assert_string_equal(replaces, old);
    assert_string_not_equal(now, old);
    assert_string_equal(json_string_value(json_object_get(json, "note")), "app");
    json_decref(json);
    shell("OK", "openssl verify -x509_strict -purpose sslclient -CAfile a/root.crt a/alice.crt");
    shell("OK", "openssl verify -x509_strict -purpose sslclient -CAfile a/root.crt b/alice.crt");
    shell("differ", "cmp -s a/alice.key b/alice.key || echo differ");
    /* as long as the old one, not the usual year */
    shell("ends", "openssl x509 -in b/alice.crt -noout -checkend 1900800 || echo ends");
    /* two valid ones now: the role alone is not enough */
    EXPECT_ERROR(1, "PS-4015", "renew", "alice");
    free(EXPECT(0, "renew", old, "--out", "c", "--days", "3", "--key", "rsa-2048"));
    shell("2048 bit", "openssl x509 -in c/alice.crt -noout -text");
    free(EXPECT(0, "revoke", old, "--confirm=alice"));
    EXPECT_ERROR(1, "PS-4016", "renew", old, "--out", "d");
    EXPECT_ERROR(1, "PS-3001", "renew", now, "--out", "b");
    free(old);
    free(now);
    free(replaces);
}

static void test_renew_with_a_request(void **state)
{
    (void)state;
    free(EXPECT(0, "issue", "client", "bob", "--out", "a"));
    shell("", "openssl req -new -newkey rsa:2048 -nodes -keyout x.key -out x.csr -subj /CN=mallory "
              "-addext basicConstraints=CA:TRUE 2>/dev/null");
    EXPECT_ERROR(0, "asks to be a CA", "renew", "bob", "--csr", "x.csr", "--out", "b");
    shell("CN = bob", "openssl x509 -in b/bob.crt -noout -subject");
    shell("CA:FALSE", "openssl x509 -in b/bob.crt -noout -ext basicConstraints");
    shell("no key", "test -e b/bob.key || echo no key");
}

static void test_renew_server(void **state)
{
    json_t *json;
    char *serial;

    (void)state;
    json = EXPECT_JSON(0, "issue", "server", "db1.example", "10.0.0.5", "--out", "a", "--json");
    serial = field(json, "serial");
    json_decref(json);
    free(EXPECT(0, "renew", serial, "--out", "b"));
    shell("DNS:db1.example, IP Address:10.0.0.5",
          "openssl x509 -in b/db1.example.crt -noout -ext subjectAltName");
    shell("OK", "openssl verify -x509_strict -purpose sslserver -CAfile b/root.crt "
                "b/db1.example.crt");
    free(serial);
}

static void test_renew_ca(void **state)
{
    (void)state;
    free(EXPECT(0, "issue", "client", "alice", "--out", "a"));
    free(EXPECT(0, "issue", "client", "bob", "--out", "b"));
    free(EXPECT(0, "revoke", "bob", "--confirm=bob"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "old.crt"));
    free(EXPECT(0, "ca", "renew", "lab", "--days", "5000"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "new.crt"));
    free(EXPECT(0, "crl", "export", "--out", "lab.crl"));
    shell("differ", "cmp -s old.crt new.crt || echo differ");
    shell("same", "test \"$(openssl x509 -in old.crt -noout -pubkey -subject)\" = "
                  "\"$(openssl x509 -in new.crt -noout -pubkey -subject)\" && echo same");
    for (int i = 0; i < 2; i++) {
        const char *ca = i == 0 ? "old" : "new";
        char *good = mem_printf("openssl verify -x509_strict -purpose sslclient -crl_check -CAfile "
                                "%s.crt -CRLfile lab.crl a/alice.crt",
                                ca);
        char *bad =
            mem_printf("openssl verify -crl_check -CAfile %s.crt -CRLfile lab.crl b/bob.crt "
                       "2>&1 || true",
                       ca);
        shell("alice.crt: OK", good);
        shell("certificate revoked", bad);
        free(good);
        free(bad);
    }
    /* what comes after verifies with the old one as well */
    free(EXPECT(0, "issue", "client", "carol", "--out", "c", "--days", "100"));
    shell("OK", "openssl verify -CAfile old.crt c/carol.crt");
    shell("OK", "openssl verify -CAfile new.crt c/carol.crt");
}

static void test_passphrase(void **state)
{
    (void)state;
    command_write("one", "correct horse battery staple\n", 0600);
    command_write("two", "12345678\n", 0600);
    free(EXPECT(0, "ca", "passphrase", "lab", "--new-passphrase-file", "one"));
    shell("3", "ls store/keys | wc -l");
    shell("1", "grep -l ENCRYPTED store/keys/* | wc -l");
    EXPECT_ERROR(2, "PS-1004", "crl", "sign", "--yes", "--no-input");
    free(EXPECT(0, "crl", "sign", "--yes", "--passphrase-file", "one"));
    EXPECT_ERROR(1, "PS-4001", "ca", "passphrase", "lab", "--passphrase-file", "two",
                 "--no-passphrase");
    EXPECT_ERROR(0, "the passphrase is weak", "ca", "passphrase", "lab", "--passphrase-file", "one",
                 "--new-passphrase-file", "two");
    free(EXPECT(0, "crl", "sign", "--yes", "--passphrase-file", "two"));
    free(EXPECT(0, "ca", "passphrase", "lab", "--passphrase-file", "two", "--no-passphrase"));
    free(EXPECT(0, "crl", "sign", "--yes", "--no-input"));
    shell("3", "ls store/keys | wc -l");
}

static void test_key_types(void **state)
{
    static const char *const types[] = {"ec-p384", "ed25519", "rsa-2048", "rsa-3072"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char *verify = mem_printf("openssl verify -x509_strict -purpose sslclient -crl_check "
                                  "-CAfile k%zu/root.crt -CRLfile k%zu/c.crl k%zu/alice.crt",
                                  i, i, i);
        char *folder = mem_printf("k%zu", i);
        char *crl = mem_printf("k%zu/c.crl", i);

        if (strcmp(types[i], "ed25519") == 0)
            EXPECT_ERROR(0, "SCRAM", "ca", "create", types[i], "--key", types[i],
                         "--no-passphrase");
        else
            free(EXPECT(0, "ca", "create", types[i], "--key", types[i], "--no-passphrase"));
        free(EXPECT(0, "issue", "client", "alice", "--ca", types[i], "--out", folder));
        free(EXPECT(0, "crl", "export", "--ca", types[i], "--out", crl));
        shell("OK", verify);
        free(verify);
        free(folder);
        free(crl);
    }
    EXPECT_ERROR(0, "TLS 1.2", "issue", "client", "bob", "--ca", "lab", "--key", "ec-p384", "--out",
                 "p384");
    EXPECT_ERROR(2, "PS-4012", "issue", "client", "bob", "--out", "which"); /* a missing flag */
}

static void sign_request(const char *csr, const char *serial, const char *out)
{
    char *command =
        mem_printf("openssl x509 -req -in %s -CA r.crt -CAkey r.key -set_serial %s "
                   "-days 1000 -extfile i.ext -out i.crt 2>/dev/null && cat i.crt r.crt "
                   "r.crl > %s",
                   csr, serial, out);

    shell("", command);
    free(command);
}

static void test_intermediate(void **state)
{
    json_t *json;

    (void)state;
    shell("", "openssl req -x509 -newkey rsa:2048 -nodes -keyout r.key -out r.crt "
              "-subj '/O=Acme/CN=Offline Root' -days 3650 "
              "-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null");
    shell("", "printf 'basicConstraints=critical,CA:TRUE,pathlen:0\\nkeyUsage=critical,keyCertSign,"
              "cRLSign\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n' > i.ext");
    shell("", ": > index.txt; printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=index.txt\\n"
              "default_md=sha256\\ndefault_crl_days=30\\n' > r.cnf; openssl ca -config r.cnf "
              "-gencrl -keyfile r.key -cert r.crt -out r.crl 2>/dev/null");
    free(EXPECT(0, "ca", "create", "issuing", "--intermediate", "--no-passphrase", "--out",
                "i.csr"));
    shell("self-signature verify OK", "openssl req -in i.csr -noout -verify 2>&1");
    EXPECT_ERROR(1, "PS-4011", "ca", "create", "issuing", "--no-passphrase");
    json = EXPECT_JSON(0, "ca", "list", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "requests")), 1);
    json_decref(json);

    sign_request("i.csr", "7", "chain.pem");
    EXPECT_ERROR(1, "is missing", "ca", "import", "issuing", "--cert", "i.crt");
    EXPECT_ERROR(1, "is for this CA's key", "ca", "import", "issuing", "--cert", "r.crt");
    EXPECT_ERROR(1, "PS-1011", "ca", "import", "issuing", "--cert", "r.key");
    free(EXPECT(0, "ca", "import", "issuing", "--cert", "chain.pem"));
    free(EXPECT(0, "issue", "client", "alice", "--ca", "issuing", "--out", "a"));
    shell("OK", "openssl verify -x509_strict -purpose sslclient -CAfile a/root.crt -untrusted "
                "a/alice.crt a/alice.crt");
    shell("OK", "cmp a/root.crt r.crt && echo OK");
    free(EXPECT(0, "crl", "export", "--ca", "issuing", "--out", "i.crl"));
    shell("OK",
          "cat i.crl r.crl > both.crl; openssl verify -crl_check_all -CAfile r.crt -untrusted "
          "i.crt -CRLfile both.crl a/alice.crt");

    /* its certificate again: only its root can do that */
    EXPECT_ERROR(1, "PS-1020", "ca", "renew", "issuing");
    free(EXPECT(0, "ca", "renew", "issuing", "--out", "again.csr"));
    sign_request("again.csr", "8", "chain2.pem");
    free(EXPECT(0, "ca", "import", "issuing", "--cert", "chain2.pem"));
    shell("OK", "openssl verify -CAfile r.crt -untrusted i.crt a/alice.crt");
}

static void test_delete(void **state)
{
    (void)state;
    free(EXPECT(0, "issue", "client", "alice", "--out", "a"));
    EXPECT_ERROR(2, "PS-1004", "ca", "delete", "lab");
    EXPECT_ERROR(2, "PS-1006", "ca", "delete", "lab", "--confirm=other");
    shell("3", "ls store/keys | wc -l");
    free(EXPECT(0, "ca", "delete", "lab", "--confirm=lab"));
    shell("0", "ls store/keys | wc -l");
    EXPECT_ERROR(1, "PS-4010", "ca", "show", "lab");
    shell("alice", "$PGSEAL list");
    /* a name that certificates carry is not given again; one that was never used is */
    EXPECT_ERROR(1, "PS-4011", "ca", "create", "lab", "--no-passphrase");
    free(EXPECT(0, "ca", "create", "tmp", "--no-passphrase"));
    free(EXPECT(0, "ca", "delete", "tmp", "--confirm=tmp"));
    free(EXPECT(0, "ca", "create", "tmp", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "sub", "--intermediate", "--no-passphrase", "--out", "s.csr"));
    shell("4", "ls store/keys | wc -l");
    free(EXPECT(0, "ca", "delete", "sub", "--confirm=sub"));
    shell("3", "ls store/keys | wc -l");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_renew_client), TEST(test_renew_with_a_request),
        TEST(test_renew_server), TEST(test_renew_ca),
        TEST(test_passphrase),   TEST(test_key_types),
        TEST(test_intermediate), TEST(test_delete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
