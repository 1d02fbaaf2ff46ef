/* "issue batch": lists and CSV, run again, stopped, killed; what is bad in a list. */
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

/* Runs in sh; the output must have this text. Returns the exit status. */
static int shell_any(const char *expected, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    int status;

    command_run(&result, &options, "-c", command, NULL);
    if (!strstr(result.out, expected))
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    status = result.status;
    command_clear(&result);
    return status;
}

static void shell(const char *expected, const char *command)
{
    assert_int_equal(shell_any(expected, command), 0);
}

static long long number(json_t *json, const char *name)
{
    json_t *value = json_object_get(json, name);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void test_csv(void **state)
{
    json_t *json;

    (void)state;
    command_write("roles.csv",
                  "\xef\xbb\xbfRole,days,KEY,note\r\n"
                  "alice,90,,\"team \"\"blue\"\", app\"\r\n"
                  "bob,,rsa-2048,\r\n\r\n# nobody\r\n"
                  "o'brien x,,,\r\n",
                  0644);
    free(EXPECT(0, "issue", "batch", "roles.csv", "--out", "kits", "--dry-run"));
    shell("none", "test -e kits || echo none");
    json = EXPECT_JSON(0, "issue", "batch", "roles.csv", "--out", "kits", "--json");
    assert_int_equal(number(json, "made"), 3);
    assert_int_equal(number(json, "present"), 0);
    json_decref(json);
    shell("4", "ls kits/alice | wc -l");
    shell("3", "ls -a kits | grep -vc '^[.]'");
    shell("0", "ls -a kits | grep -c pgseal-batch || true");
    assert_int_equal(command_mode("kits"), 0700);
    assert_int_equal(command_mode("kits/alice"), 0700);
    assert_int_equal(command_mode("kits/alice/alice.key"), 0600);
    assert_int_equal(command_mode("kits/alice/alice.crt"), 0644);
    assert_int_equal(command_mode("kits/alice/README.txt"), 0644);
    shell("OK", "openssl verify -x509_strict -purpose sslclient -CAfile kits/bob/root.crt "
                "kits/alice/alice.crt kits/bob/bob.crt");
    shell("2048 bit", "openssl pkey -in kits/bob/bob.key -noout -text");
    shell("ASN1 OID: prime256v1", "openssl pkey -in kits/alice/alice.key -noout -text -check");
    shell("same", "test \"$(openssl pkey -in kits/alice/alice.key -pubout)\" = "
                  "\"$(openssl x509 -in kits/alice/alice.crt -noout -pubkey)\" && echo same");
    shell("o'brien x", "openssl x509 -in \"kits/o_brien_x/o_brien_x.crt\" -noout -subject");
    shell("ends", "openssl x509 -in kits/alice/alice.crt -noout -checkend 8000000 || echo ends");
    shell("team \\\"blue\\\", app", "$PGSEAL list --role alice --json");
    /* all of them are delivered: nobody is made anew */
    json = EXPECT_JSON(0, "issue", "client", "alice", "--out", "a2", "--json");
    assert_null(json_object_get(json, "replaces"));
    json_decref(json);
}

/* Days beyond the CA's end are cut there, and that is said before and after. */
static void test_cut(void **state)
{
    static const char *const when[] = {"--dry-run", "--json"};
    json_t *json;

    (void)state;
    free(EXPECT(0, "ca", "create", "short", "--days", "100", "--no-passphrase"));
    command_write("roles.csv", "role,days\nalice,90\nbob,\ncarol,9999\n", 0644);
    for (size_t i = 0; i < 2; i++) {
        json = EXPECT_JSON(0, "issue", "batch", "roles.csv", "--ca", "short", "--out", "kits",
                           "--json", when[i]);
        assert_int_equal(number(json, "made"), 3);
        assert_int_equal(number(json, "cut"), 2);
        json_decref(json);
    }
    shell("kits/carol/carol.crt: OK",
          "openssl verify -CAfile kits/carol/root.crt kits/carol/carol.crt");
    shell("ends sooner",
          "printf 'dave 9\\n' | tr -d ' ' > one.txt; $PGSEAL issue batch one.txt --ca "
          "short --out kits --days 200 2>&1");
}

static void test_again(void **state)
{
    json_t *json;

    (void)state;
    command_write("roles", "alice\nbob\ncarol\n", 0644);
    free(EXPECT(0, "issue", "batch", "roles", "--out", "kits"));
    shell("", "cp kits/alice/alice.key before; rm -r kits/bob");
    json = EXPECT_JSON(0, "issue", "batch", "roles", "--out", "kits", "--json");
    assert_int_equal(number(json, "made"), 1);
    assert_int_equal(number(json, "present"), 2);
    json_decref(json);
    shell("", "cmp before kits/alice/alice.key");
    free(EXPECT(0, "issue", "batch", "roles", "--out", "kits"));
    /* a folder that is not one of ours is not touched, and named */
    shell("", "rm -r kits/carol; mkdir kits/carol; echo mine > kits/carol/x");
    EXPECT_ERROR(1, "PS-3001", "issue", "batch", "roles", "--out", "kits");
    shell("mine", "cat kits/carol/x");
    /* from standard input; a passphrase for all keys */
    command_write("pass", "correct horse battery staple\n", 0600);
    shell("made 2", "printf 'dave\\neve\\n' | $PGSEAL issue batch - --out more "
                    "--key-passphrase-file pass --format pem,p12 --p12-passphrase-file pass");
    shell("ENCRYPTED", "cat more/dave/dave.key");
    shell("friendlyName: user",
          "openssl pkcs12 -in more/eve/eve.p12 -passin file:pass -nokeys 2>/dev/null");
}

static void test_bad_lists(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } lists[] = {
        {"alice\nbob\nalice\n", "line 3"},
        {"", "no role"},
        {"# only words\n\n", "no role"},
        {"role,days\nalice,0\n", "line 2"},
        {"role,days\nalice,10,x\n", "too many fields"},
        {"role,pet\nalice,cat\n", "pet"},
        {"days,note\n10,x\n", "\"role\" is missing"},
        {"role,key\nalice,dsa\n", "line 2"},
        {"role,note\nalice,\"x\n", "no end"},
        {"alice\nb\303\266b\n", "line 2"},
        {"a b\na_b\n", "line 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        command_write("bad", lists[i].text, 0644);
        EXPECT_ERROR(2, lists[i].says, "issue", "batch", "bad", "--out", "kits");
        shell("", "rm bad; test ! -e kits");
    }
    command_write("bad", "ok\n", 0644);
    EXPECT_ERROR(2, "--out", "issue", "batch", "bad");
    shell("\"total\": 0", "$PGSEAL list --json");
}

/* Every folder that is there has its four files; hidden ones are not handed over yet. */
static void check_whole(const char *folder)
{
    char *look =
        mem_printf("cd %s && for d in *; do set -- \"$d\"/*; test $# = 4 || echo half; done; "
                   "echo all",
                   folder);
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", look, NULL);
    assert_string_equal(result.out, "all\n");
    command_clear(&result);
    free(look);
}

static void test_stopped(void **state)
{
    json_t *json;
    long long present;

    (void)state;
    shell("", "seq -f 'role%g' 1 3000 > roles");
    assert_int_equal(shell_any("status 143",
                               "$PGSEAL issue batch roles --out kits 2>log & p=$!; "
                               "while [ ! -e kits/role1 ]; do sleep 0.02; done; kill -TERM $p; "
                               "wait $p; echo status $?"),
                     0);
    shell("PS-9003", "cat log");
    check_whole("kits");
    json = EXPECT_JSON(0, "issue", "batch", "roles", "--out", "kits", "--json");
    present = number(json, "present");
    assert_true(present >= 1000 && present < 3000);
    assert_int_equal(number(json, "made"), 3000 - present);
    assert_int_equal(number(json, "remade"), 0); /* what was begun was finished */
    json_decref(json);
    shell("3000", "ls kits | wc -l");
    shell("\"total\": 3000", "$PGSEAL list --limit 1 --json");
}

static void test_killed(void **state)
{
    json_t *json;
    long long present, made;

    (void)state;
    shell("", "seq -f 'role%g' 1 2100 > roles");
    (void)shell_any("",
                    "$PGSEAL issue batch roles --out kits 2>/dev/null & p=$!; "
                    "while [ ! -e kits/role1001 ]; do sleep 0.01; done; kill -KILL $p; wait $p");
    check_whole("kits");
    json = EXPECT_JSON(0, "issue", "batch", "roles", "--out", "kits", "--json");
    present = number(json, "present");
    made = number(json, "made");
    assert_true(present >= 1001);
    assert_int_equal(present + made, 2100);
    json_decref(json);
    check_whole("kits");
    /* every row without files has one in its place: nothing is left to be said */
    json = EXPECT_JSON(0, "issue", "batch", "roles", "--out", "kits", "--json");
    assert_int_equal(number(json, "present"), 2100);
    json_decref(json);
    shell("2100", "ls kits | wc -l");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_csv),       TEST(test_cut),     TEST(test_again),
        TEST(test_bad_lists), TEST(test_stopped), TEST(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
