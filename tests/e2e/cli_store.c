/* The commands around the store, as a script runs them: files, modes, JSON, exit codes, bad input. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
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

/* A store with the CA "lab", whose key has no passphrase. */
static int setup_ca(void **state)
{
    setup(state);
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    return 0;
}

static const char *text_of(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        fail_msg("no \"%s\"", name);
    return text;
}

static char *serial_of(const char *role)
{
    json_t *json = EXPECT_JSON(0, "list", "--role", role, "--json");
    json_t *rows = json_object_get(json, "certificates");
    char *serial;

    assert_int_equal(json_array_size(rows), 1);
    serial = mem_strdup(text_of(json_array_get(rows, 0), "serial"));
    json_decref(json);
    return serial;
}

static bool file_has(const char *path, const char *text)
{
    char *content = command_read(path);
    bool found = strstr(content, text) != NULL;

    free(content);
    return found;
}

static void shell(int status, const char *expected, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != status || !strstr(result.out, expected))
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    command_clear(&result);
}

/* ---- the way it goes when all is well ---- */

static void test_ca(void **state)
{
    json_t *json, *ca;

    (void)state;
    command_write("pass", "correct horse\n", 0600);
    json = EXPECT_JSON(0, "ca", "create", "Acme PG Root", "--passphrase-file", "pass", "--key",
                       "ec-p384", "--days", "400", "--json");
    assert_string_equal(text_of(json, "key_type"), "ec-p384");
    assert_string_equal(text_of(json, "subject"), "CN=Acme PG Root");
    json_decref(json);
    assert_int_equal(command_mode("store"), 0700);
    assert_int_equal(command_mode("store/pgseal.db"), 0600);
    assert_int_equal(command_mode("store/keys"), 0700);
    shell(0, "0", "ls -l store/keys | grep -c -v -e '^total' -e '^-rw-------' || true");
    assert_false(file_has("store/pgseal.db", "PRIVATE KEY"));
    shell(0, "ENCRYPTED PRIVATE KEY", "cat store/keys/*");

    json = EXPECT_JSON(0, "ca", "list", "--json");
    ca = json_array_get(json_object_get(json, "authorities"), 0);
    assert_string_equal(text_of(ca, "name"), "Acme PG Root");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(ca, "crl"), "number")), 1);
    json_decref(json);

    free(EXPECT(0, "ca", "export", "Acme PG Root", "--out", "root.crt"));
    assert_int_equal(command_mode("root.crt"), 0644);
    shell(0, "CA:TRUE", "openssl x509 -in root.crt -noout -ext basicConstraints");
    shell(0, "root.crt: OK", "openssl verify -CAfile root.crt root.crt");
    EXPECT_ERROR(1, "PS-3001", "ca", "export", "Acme PG Root", "--out", "root.crt");
    free(EXPECT(0, "ca", "export", "Acme PG Root", "--out", "root.der", "--der"));
    shell(0, "subject=CN = Acme PG Root", "openssl x509 -inform der -in root.der -noout -subject");
}

static void test_issue(void **state)
{
    json_t *json, *files;

    (void)state;
    json = EXPECT_JSON(0, "issue", "client", "alice", "--out", "kit", "--days", "30", "--json");
    files = json_object_get(json, "files");
    assert_true(text_of(files, "key")[0] == '/');
    assert_true(json_is_null(json_object_get(files, "p12")));
    assert_string_equal(text_of(json, "role"), "alice");
    json_decref(json);
    assert_int_equal(command_mode("kit"), 0700);
    assert_int_equal(command_mode("kit/alice.key"), 0600);
    assert_int_equal(command_mode("kit/alice.crt"), 0644);
    shell(0, "alice.crt: OK",
          "openssl verify -purpose sslclient -CAfile kit/root.crt kit/alice.crt");
    shell(0, "subject=CN = alice", "openssl x509 -in kit/alice.crt -noout -subject");
    shell(0, "same",
          "test \"$(openssl pkey -in kit/alice.key -pubout)\" = "
          "\"$(openssl x509 -in kit/alice.crt -noout -pubkey)\" && echo same");

    free(EXPECT(0, "issue", "server", "db1.example", "10.0.0.5", "--out", "db1"));
    shell(0, "DNS:db1.example, IP Address:10.0.0.5",
          "openssl x509 -in db1/db1.example.crt -noout -ext subjectAltName");
    shell(0, "OK",
          "openssl verify -purpose sslserver -verify_hostname db1.example "
          "-CAfile db1/root.crt db1/db1.example.crt");

    /* the folder's name is the role's when none is given */
    free(EXPECT(0, "issue", "client", "bob"));
    assert_int_equal(command_mode("bob/bob.key"), 0600);

    /* locked in every format */
    command_write("pass", "secret\n", 0600);
    free(EXPECT(0, "issue", "client", "carol", "--format", "pem,p12,pk8", "--p12-passphrase-file",
                "pass", "--key-passphrase-file", "pass"));
    shell(0, "BEGIN ENCRYPTED PRIVATE KEY", "cat carol/carol.key");
    shell(0, "friendlyName: user",
          "openssl pkcs12 -in carol/carol.p12 -passin pass:secret -nodes | grep friendlyName");
    shell(0, "prime256v1", "openssl pkey -inform der -in carol/carol.pk8 -noout -text");
}

static void test_csr(void **state)
{
    (void)state;
    shell(0, "",
          "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
          "-keyout own.key -out own.csr -subj /CN=dave 2>&1");
    free(EXPECT(0, "issue", "client", "dave", "--csr", "own.csr", "--out", "dave"));
    assert_false(fs_exists("dave/dave.key"));
    shell(0, "same",
          "test \"$(openssl pkey -in own.key -pubout)\" = "
          "\"$(openssl x509 -in dave/dave.crt -noout -pubkey)\" && echo same");
    EXPECT_ERROR(1, "PS-1011", "issue", "client", "eve", "--csr", "own.key");
    EXPECT_ERROR(1, "PS-1018", "issue", "client", "eve", "--csr", "dave/dave.crt");
    EXPECT_ERROR(2, "--csr", "issue", "client", "eve", "--csr", "own.csr", "--format", "p12");
}

/* Killed after the files were written and before it was said: the next run sees them. Killed before
 * they were: it makes another one. */
static void test_delivered_late(void **state)
{
    (void)state;
    free(EXPECT(0, "issue", "client", "alice"));
    assert_int_equal(command_mode("store/delivered"), 0600);
    shell(0, "", "rm store/delivered"); /* the one trace, until the next change */
    shell(0, "not delivered", "$PGSEAL list 2>&1");
    EXPECT_ERROR(1, "are there: it counts as delivered now", "issue", "client", "alice");
    shell(1, "", "$PGSEAL list 2>&1 | grep 'not delivered'");
    shell(0, "", "rm store/delivered && rm -r alice");
    shell(0, "takes its place", "$PGSEAL issue client alice 2>&1");
    shell(0, "", "test -s alice/alice.key");
}

static void test_revoke(void **state)
{
    json_t *json, *row;
    char *serial;

    (void)state;
    free(EXPECT(0, "issue", "client", "bob"));
    serial = serial_of("bob");
    EXPECT_ERROR(2, "--confirm=bob", "revoke", "bob", "--no-input");
    EXPECT_ERROR(2, "PS-1006", "revoke", "bob", "--confirm=alice");
    EXPECT_ERROR(2, "PS-1003", "revoke", "bob", "--confirm=bob", "--reason", "boredom");
    free(EXPECT(0, "revoke", "bob", "--dry-run"));
    json = EXPECT_JSON(0, "list", "--state", "revoked", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "certificates")), 0);
    json_decref(json);

    json = EXPECT_JSON(0, "revoke", serial, "--reason", "keyCompromise", "--confirm=bob", "--json");
    assert_string_equal(text_of(json, "state"), "revoked");
    assert_int_equal(json_integer_value(json_object_get(json, "crl_number")), 2);
    json_decref(json);
    json = EXPECT_JSON(0, "list", "--state", "revoked", "--json");
    row = json_array_get(json_object_get(json, "certificates"), 0);
    assert_string_equal(text_of(row, "reason"), "keyCompromise");
    json_decref(json);
    EXPECT_ERROR(1, "PS-4016", "revoke", serial, "--confirm=bob");
    EXPECT_ERROR(1, "PS-4014", "revoke", "nobody", "--confirm=nobody");

    free(EXPECT(0, "crl", "export", "--out", "root.crl"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "root.crt"));
    shell(2, "certificate revoked",
          "openssl verify -crl_check -CRLfile root.crl -CAfile root.crt bob/bob.crt 2>&1");
    json = EXPECT_JSON(0, "crl", "show", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "entries")), 2);
    json_decref(json);
    free(serial);
}

static void test_crl(void **state)
{
    json_t *json;

    (void)state;
    EXPECT_ERROR(2, "--yes", "crl", "sign", "--no-input");
    json = EXPECT_JSON(0, "crl", "sign", "--yes", "--days", "10", "--json");
    assert_int_equal(json_integer_value(json_object_get(json, "number")), 2);
    json_decref(json);
    shell(0, "/a\\%b --store",
          "cp -a store 'a%b' && $PGSEAL crl refresh --print-cron --store 'a%b' |"
          " sed -n 's,.* --store /.*/,/,; 2s,$, --store,p'");
    free(EXPECT(0, "crl", "export", "--out", "root.der", "--der"));
    shell(0, "verify OK",
          "test -n \"$($PGSEAL ca export lab > root.crt)\"; openssl crl -inform "
          "der -in root.der -CAfile root.crt -noout 2>&1");
}

static void test_show(void **state)
{
    struct command_options options = {0};
    struct command_result result;
    json_t *json, *items;
    char *serial, *text;

    (void)state;
    free(EXPECT(0, "issue", "client", "alice"));
    serial = serial_of("alice");
    json = EXPECT_JSON(0, "show", serial, "--json");
    assert_string_equal(text_of(json, "role"), "alice");
    json_decref(json);
    json = EXPECT_JSON(0, "show", "alice/alice.crt", "--json");
    items = json_object_get(json, "items");
    assert_string_equal(text_of(json_array_get(items, 0), "kind"), "certificate");
    assert_string_equal(text_of(json_array_get(items, 0), "serial"), serial);
    assert_string_equal(text_of(json_array_get(items, 0), "state"), "valid");
    json_decref(json);
    text = EXPECT(0, "show", "alice/alice.key");
    assert_non_null(strstr(text, "SECRET"));
    assert_null(strstr(text, "BEGIN"));
    free(text);
    assert_int_equal(chmod("alice/alice.key", 0644), 0);
    text = EXPECT(0, "show", "alice/alice.key");
    assert_non_null(strstr(text, "chmod 600"));
    free(text);
    json = EXPECT_JSON(0, "show", "--json", "alice/root.crt");
    items = json_object_get(json, "items");
    assert_true(json_is_true(json_object_get(json_array_get(items, 0), "is_ca")));
    json_decref(json);

    EXPECT_ERROR(1, "PS-4014", "show", "nothing");
    options.input = "\x01\x02 garbage \xff\xfe";
    command_run(&result, &options, "show", "-", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-1010"));
    command_clear(&result);
    options.input = "-----BEGIN CERTIFICATE-----\nMIIB";
    command_run(&result, &options, "show", "-", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-1013"));
    command_clear(&result);
    options.input = "";
    command_run(&result, &options, "show", "-", NULL);
    assert_int_equal(result.status, 1);
    command_clear(&result);
    EXPECT_ERROR(1, "PS-3003", "show", "/dev/zero");
    free(EXPECT(0, "show", "alice")); /* the role, though there is a folder of its name */
    free(serial);
}

/* ---- the way it goes when it is not ---- */

static void test_existing_files(void **state)
{
    char *before, *after;
    json_t *json;

    (void)state;
    assert_int_equal(mkdir("kit", 0700), 0);
    command_write("kit/alice.key", "mine", 0600);
    EXPECT_ERROR(1, "PS-3001", "issue", "client", "alice", "--out", "kit");
    before = command_read("kit/alice.key");
    assert_string_equal(before, "mine");
    assert_false(fs_exists("kit/alice.crt"));
    /* refused before anything was recorded */
    json = EXPECT_JSON(0, "list", "--json");
    assert_int_equal(json_integer_value(json_object_get(json, "total")), 0);
    json_decref(json);
    EXPECT_ERROR(1, "PS-4011", "ca", "create", "lab", "--no-passphrase");
    EXPECT_ERROR(1, "PS-4011", "ca", "create", "lab", "--dry-run");
    after = command_read("kit/alice.key");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_passphrase(void **state)
{
    struct command_options options = {.input = "correct\n"};
    struct command_result result;

    (void)state;
    command_write("good", "correct\n", 0600);
    command_write("bad", "wrong\n", 0600);
    command_write("open", "correct\n", 0644);
    command_write("empty", "", 0600);
    EXPECT_ERROR(2, "--passphrase-file=FILE or --no-passphrase", "ca", "create", "a", "--no-input");
    EXPECT_ERROR(2, "--passphrase-file=FILE or --no-passphrase", "ca", "create", "a");
    EXPECT_ERROR(2, "exclude", "ca", "create", "a", "--no-passphrase", "--passphrase-file", "good");
    EXPECT_ERROR(1, "PS-3005", "ca", "create", "a", "--passphrase-file", "open");
    EXPECT_ERROR(1, "PS-3003", "ca", "create", "a", "--passphrase-file", "missing");
    free(EXPECT(0, "ca", "create", "a", "--passphrase-file", "good"));
    EXPECT_ERROR(1, "PS-4001", "issue", "client", "x", "--passphrase-file", "bad");
    EXPECT_ERROR(2, "--passphrase-file", "issue", "client", "x", "--no-input");
    assert_false(fs_exists("x/x.crt"));
    /* from a descriptor */
    command_run(&result, &options, "issue", "client", "x", "--passphrase-fd", "0", NULL);
    assert_int_equal(result.status, 0);
    command_clear(&result);
    EXPECT_ERROR(2, "exclude", "issue", "client", "y", "--passphrase-fd", "0", "--passphrase-file",
                 "good");
}

static void test_no_store(void **state)
{
    struct command_options options = {.input_closed = true};
    struct command_result result;
    json_t *json;

    (void)state;
    free(EXPECT(0, "list"));
    json = EXPECT_JSON(0, "ca", "list", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "authorities")), 0);
    json_decref(json);
    EXPECT_ERROR(1, "PS-4006", "issue", "client", "alice");
    EXPECT_ERROR(1, "PS-4006", "crl", "show");
    assert_false(fs_exists("store"));
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase", "--dry-run"));
    assert_false(fs_exists("store"));
    /* a closed standard input: no prompt, no loop, and the store does not become descriptor 0 */
    command_run(&result, &options, "ca", "create", "lab", NULL);
    assert_int_equal(result.status, 2);
    command_clear(&result);
    command_run(&result, &options, "ca", "create", "lab", "--no-passphrase", NULL);
    assert_int_equal(result.status, 0);
    command_clear(&result);
    command_run(&result, &options, "show", "-", NULL);
    assert_int_equal(result.status, 1);
    command_clear(&result);
}

static void test_newer_store(void **state)
{
    (void)state;
    shell(0, "",
          "sqlite3 store/pgseal.db 'PRAGMA user_version = 9999' 2>/dev/null || "
          "printf '\\000\\000\\047\\017' | dd of=store/pgseal.db bs=1 seek=60 "
          "conv=notrunc 2>/dev/null");
    EXPECT_ERROR(1, "PS-4004", "ca", "list");
    EXPECT_ERROR(1, "PS-4004", "issue", "client", "alice");
    assert_false(fs_exists("alice"));
}

static void test_foreign_store(void **state)
{
    (void)state;
    assert_int_equal(chmod("store", 0777), 0);
    EXPECT_ERROR(1, "PS-3005", "ca", "list");
    assert_int_equal(chmod("store", 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown("store", 12345, 12345), 0);
        EXPECT_ERROR(1, "PS-4005", "ca", "list");
        EXPECT_ERROR(1, "PS-4005", "issue", "client", "alice");
        assert_int_equal(chown("store", 0, 0), 0);
    } else {
        EXPECT_ERROR(1, "PS-4005", "ca", "list", "--store", "/"); /* root's */
    }
    command_write("file", "", 0600);
    EXPECT_ERROR(1, "PS-3003", "ca", "list", "--store", "file");
    EXPECT_ERROR(1, "PS-3003", "ca", "create", "x", "--no-passphrase", "--store", "file/below");
}

static void test_full_disk(void **state)
{
    struct command_options full = {.output = "/dev/full"};
    struct command_options small = {.file_size_limit = 200};
    struct command_result result;
    json_t *json;

    (void)state;
    command_run(&result, &full, "ca", "list", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-3004"));
    command_clear(&result);

    shell(0, "", "cp store/pgseal.db before.db");
    command_run(&result, &small, "issue", "client", "alice", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "pgseal: error PS-"));
    command_clear(&result);
    assert_false(fs_exists("alice/alice.crt"));
    assert_false(fs_exists("alice/alice.key"));
    command_run(&result, &small, "ca", "create", "other", "--no-passphrase", NULL);
    assert_int_equal(result.status, 1);
    command_clear(&result);
    shell(0, "same", "cmp store/pgseal.db before.db && echo same");
    shell(0, "1", "ls store/keys | grep -c '' | grep -qx 3 && echo 1"); /* CA and two canaries */
    free(EXPECT(0, "issue", "client", "alice"));
    json = EXPECT_JSON(0, "list", "--json");
    assert_int_equal(json_integer_value(json_object_get(json, "total")), 1);
    json_decref(json);
}

static void test_usage(void **state)
{
    json_t *json, *error;

    (void)state;
    EXPECT_ERROR(2, "PS-1000", "nonsense");
    EXPECT_ERROR(2, "PS-1000", "list", "--nonsense");
    EXPECT_ERROR(2, "PS-1003", "list", "--limit", "0");
    EXPECT_ERROR(2, "PS-1003", "list", "--state", "fine");
    EXPECT_ERROR(2, "PS-1003", "ca", "create", "x", "--key", "rsa-1");
    EXPECT_ERROR(2, "PS-1002", "issue", "client", "ro\nle");
    EXPECT_ERROR(2, "PS-1002", "issue", "client", "");
    EXPECT_ERROR(2, "PS-1003", "explain", "PS-12345");
    EXPECT_ERROR(2, "bash, zsh or fish", "completion", "csh");
    json = EXPECT_JSON(2, "list", "--json", "--nonsense");
    error = json_object_get(json, "error");
    assert_string_equal(text_of(error, "code"), "PS-1000");
    assert_non_null(text_of(error, "help"));
    json_decref(json);
    json = EXPECT_JSON(1, "show", "--json", "nothing");
    assert_string_equal(text_of(json_object_get(json, "error"), "code"), "PS-3003");
    json_decref(json);
    json = EXPECT_JSON(0, "explain", "2104", "--json");
    assert_string_equal(text_of(json, "code"), "PS-2104");
    json_decref(json);
    free(EXPECT(2, "ca"));
    free(EXPECT(0, "--help"));
    free(EXPECT(0, "--version"));
    shell(0, "", "$PGSEAL completion bash > c.bash && bash -n c.bash");
    shell(0, "client server",
          "bash -c 'source c.bash; COMP_WORDS=(pgseal issue \"\"); COMP_CWORD=2; "
          "_pgseal; echo ${COMPREPLY[@]}'");
}

/* No passphrase in what other users see: the arguments and the environment are the shell's own; and
 * none in the log. */
static void test_no_secret_left(void **state)
{
    (void)state;
    command_write("good", "correct-horse-battery\n", 0600);
    free(EXPECT(0, "ca", "create", "a", "--passphrase-file", "good", "-v"));
    free(EXPECT(0, "issue", "client", "x", "--passphrase-file", "good", "-v"));
    shell(1, "", "rm good && grep -r correct-horse-battery .");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ca, setup, teardown),
        cmocka_unit_test_setup_teardown(test_issue, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_csr, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_delivered_late, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_revoke, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_crl, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_show, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_existing_files, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_passphrase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_store, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_store, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_store, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup_ca, teardown),
        cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_secret_left, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
