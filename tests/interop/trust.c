/* trust.c - "trust": files that openssl and Java's keytool read, and what does not get into them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/command.h"

/* Runs in sh; it must succeed. */
static void sh(const char *script)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-ec", script, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s%s", script, result.out, result.err);
    command_clear(&result);
}

static int setup(void **state)
{
    *state = command_box();
    free(EXPECT(0, "ca", "create", "Servers", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Servers G2", "--no-passphrase"));
    sh("ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
       "openssl req -x509 $ec -keyout twin.key -out twin.crt -subj '/CN=Servers' -days 30\n"
       "openssl req $ec -keyout ended.key -out ended.csr -subj '/CN=Ended Root'\n"
       "openssl x509 -req -in ended.csr -signkey ended.key -days -1 -out ended.crt\n"
       "openssl req -x509 $ec -keyout old.key -out old.crt -subj '/CN=Old Root' -days 99\n"
       "openssl req $ec -keyout mid.key -out mid.csr -subj '/CN=Middle'\n"
       "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n' > "
       "ca.ext\n"
       "openssl x509 -req -in mid.csr -CA old.crt -CAkey old.key -CAcreateserial -days 90 "
       "-extfile ca.ext -out mid.crt\n"
       "printf 'basicConstraints=CA:FALSE\\nextendedKeyUsage=serverAuth\\n' > server.ext\n"
       "openssl req $ec -keyout leaf.key -out leaf.csr -subj '/CN=db1.example'\n"
       "openssl x509 -req -in leaf.csr -CA mid.crt -CAkey mid.key -CAcreateserial -days 9 "
       "-extfile server.ext -out leaf.crt\n"
       "openssl req -x509 $ec -keyout lone.key -out lone.crt -subj '/CN=db2.example' -days 99 "
       "-addext basicConstraints=critical,CA:FALSE\n"
       "sed 's/^/> /' old.crt > quoted.txt\n"
       "cat old.crt twin.key > withkey.pem\n"
       "printf 'swordfish\\n' > pass; chmod 600 pass\n");
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

static void expect_count(const char *path, int n)
{
    char *script =
        mem_printf("[ $(grep -c BEGIN %s) = %d ] && ! grep -q PRIVATE %s", path, n, path);

    sh(script);
    free(script);
}

static void test_pem(void **state)
{
    json_t *seen, *rows;

    (void)state;
    seen = EXPECT_JSON(0, "trust", "--ca", "Servers", "--ca", "Servers G2", "--add", "quoted.txt",
                       "--add", "old.crt", "--add", "ended.crt", "--add", "twin.crt", "--add",
                       "mid.crt", "--add", "lone.crt", "--out", "root.crt", "--json");
    rows = json_object_get(seen, "certificates");
    assert_int_equal(json_array_size(rows), 6);
    /* the two of one name are told apart, the intermediate stands last */
    for (size_t i = 0, twins = 0; i < 6; i++) {
        const json_t *row = json_array_get(rows, i);

        if (strcmp(json_string_value(json_object_get(row, "subject")), "CN=Servers") == 0) {
            assert_true(json_is_true(json_object_get(row, "same_name")));
            assert_string_equal(json_string_value(json_object_get(row, "alias")),
                                twins++ == 0 ? "servers" : "servers-2");
        }
        if (i == 5)
            assert_string_equal(json_string_value(json_object_get(row, "part")), "intermediate");
    }
    rows = json_object_get(seen, "dropped");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "reason")),
                        "duplicate");
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "reason")),
                        "ended");
    json_decref(seen);
    expect_count("root.crt", 6);
    sh("openssl verify -CAfile root.crt -untrusted mid.crt leaf.crt");
    EXPECT_ERROR(1, "PS-3001", "trust", "--add", "old.crt", "--out", "root.crt");
    free(EXPECT(0, "trust", "--add", "old.crt", "--out", "none.crt", "--dry-run"));
    assert_false(fs_exists("none.crt"));
}

static void test_refused(void **state)
{
    (void)state;
    free(EXPECT(0, "crl", "export", "--ca", "Servers", "--out", "servers.crl"));
    EXPECT_ERROR(1, "servers.crl: this is a list of revoked certificates", "trust", "--add",
                 "servers.crl", "--out", "no.crt");
    EXPECT_ERROR(1, "PS-1011", "trust", "--add", "withkey.pem", "--out", "no.crt");
    EXPECT_ERROR(1, "mid.csr: this is a request", "trust", "--add", "mid.csr", "--out", "no.crt");
    EXPECT_ERROR(1, "leaf.crt: \"CN=db1.example\" is not a CA", "trust", "--add", "leaf.crt",
                 "--out", "no.crt");
    EXPECT_ERROR(1, "ca.ext: the text has no -----BEGIN", "trust", "--add", "ca.ext", "--out",
                 "no.crt");
    EXPECT_ERROR(1, "and no root", "trust", "--add", "mid.crt", "--out", "no.crt");
    EXPECT_ERROR(1, "\"CN=Ended Root\" ended on", "trust", "--add", "ended.crt", "--out", "no.crt");
    EXPECT_ERROR(2, "PS-4012", "trust", "--out", "no.crt");
    EXPECT_ERROR(2, "--pkcs12", "trust", "--add", "old.crt", "--format", "p12", "--out", "no.crt");
    EXPECT_ERROR(1, "PS-2001", "trust", "--add", "old.crt", "--out", "no.crt", "--test",
                 "127.0.0.1:1");
    assert_false(fs_exists("no.crt"));
}

/* Java shows an entry only with Oracle's attribute; openssl shows that there is no key. */
static void test_java(void **state)
{
    static const char list[] =
        "command -v keytool >/dev/null && keytool -help >/dev/null 2>&1 || exit 0\n"
        "LC_ALL=C keytool -J-Duser.language=en -list -storetype PKCS12 -keystore trust.p12 "
        "-storepass swordfish > list.txt\n"
        "[ $(grep -c trustedCertEntry list.txt) = 3 ]\n"
        "grep -q '^servers-2,' list.txt\n"
        "LC_ALL=C keytool -J-Duser.language=en -list -storetype PKCS12 -keystore old.p12 "
        "-storepass changeit | grep -q trustedCertEntry\n";

    (void)state;
    free(EXPECT(0, "trust", "--ca", "Servers", "--add", "twin.crt", "--add", "old.crt", "--pkcs12",
                "--p12-passphrase-file", "pass", "--out", "trust.p12"));
    free(EXPECT(0, "trust", "--ca", "Servers", "--pkcs12", "--format", "p12-old", "--out",
                "old.p12"));
    sh("openssl pkcs12 -in trust.p12 -passin pass:swordfish -nodes > all.txt\n"
       "[ $(grep -c 'BEGIN CERTIFICATE' all.txt) = 3 ] && ! grep -q PRIVATE all.txt\n"
       "grep -q 2.16.840.1.113894.746875.1.1 all.txt\n");
    sh(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_java),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
