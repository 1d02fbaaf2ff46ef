/* Questions at the terminal: echo off, three tries, Ctrl-C, Ctrl-Z, the name of a severe act. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "tests/harness/command.h"
#include "tests/harness/pty.h"

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

static struct pty *start(const char *args[])
{
    const char *argv[16] = {getenv("PGSEAL")};
    struct pty_options options = {.argv = argv, .columns = 120};

    for (size_t i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    return pty_start(&options);
}
#define START(...) start((const char *[]){__VA_ARGS__, NULL})

/* It ends so, the terminal is as it was, and the secret was never on the screen. */
static void ends(struct pty *pty, int status, const char *secret)
{
    assert_int_equal(pty_wait_exit(pty), status);
    assert_true(pty_settings_as_before(pty));
    if (secret && strstr(pty_output(pty)->data, secret))
        fail_msg("\"%s\" was shown", secret);
    pty_free(pty);
}

/* Waits until this stood on the terminal n times. */
static void wait_count(struct pty *pty, const char *text, int n)
{
    int64_t deadline = clock_mono_ms() + PTY_WAIT_MS;

    for (;;) {
        int seen = 0;

        for (const char *at = pty_output(pty)->data; (at = strstr(at, text)); at++)
            seen++;
        if (seen >= n)
            return;
        if (clock_mono_ms() > deadline)
            fail_msg("\"%s\" came %d times, not %d", text, seen, n);
        pty_listen(pty, 10);
    }
}

static void make_ca(void)
{
    command_write("pass", "correct\n", 0600);
    free(EXPECT(0, "ca", "create", "lab", "--passphrase-file", "pass"));
}

static void test_new_passphrase(void **state)
{
    struct pty *pty = START("ca", "create", "lab");

    (void)state;
    wait_count(pty, "CA's key: ", 1);
    pty_type(pty, "\r");
    wait_count(pty, "CA's key: ", 2);
    pty_wait_text(pty, "problem: it is empty");
    pty_type(pty, "swordfish\r");
    wait_count(pty, "again: ", 1);
    pty_type(pty, "swordfisch\r");
    wait_count(pty, "CA's key: ", 3);
    pty_wait_text(pty, "problem: the two are not the same");
    pty_type(pty, "swordfish\r");
    wait_count(pty, "again: ", 2);
    pty_type(pty, "swordfish\r");
    ends(pty, 0, "swordfis");
    command_write("right", "swordfish\n", 0600);
    free(EXPECT(0, "issue", "client", "alice", "--passphrase-file", "right"));
}

static void test_three_tries(void **state)
{
    struct pty *pty;

    (void)state;
    make_ca();
    pty = START("issue", "client", "alice");
    pty_wait_text(pty, "Passphrase of the CA \"lab\":");
    pty_type(pty, "wrong\r");
    wait_count(pty, "\"lab\": ", 2);
    pty_wait_text(pty, "problem: this passphrase does not open the key");
    pty_type(pty, "correct\r");
    pty_wait_text(pty, "certificate for \"alice\" made");
    ends(pty, 0, "correct");

    pty = START("issue", "client", "bob");
    for (int i = 1; i <= 3; i++) {
        wait_count(pty, "\"lab\": ", i);
        pty_type(pty, "wrong\r");
    }
    pty_wait_text(pty, "PS-4001");
    ends(pty, 1, "wrong");
    assert_false(fs_exists("bob"));
}

/* One act, two CAs: what opens the one key is not all there is to try on the other. */
static void test_two_keys(void **state)
{
    struct pty *pty;

    (void)state;
    make_ca();
    command_write("other", "another\n", 0600);
    free(EXPECT(0, "ca", "create", "two", "--passphrase-file", "other"));
    free(EXPECT(0, "issue", "client", "alice", "--ca", "lab", "--out", "a", "--passphrase-file",
                "pass"));
    free(EXPECT(0, "issue", "client", "alice", "--ca", "two", "--out", "b", "--passphrase-file",
                "other"));
    pty = START("revoke", "--all", "alice", "--confirm=alice");
    pty_wait_text(pty, "Passphrase of the CA \"two\":");
    pty_type(pty, "another\r");
    pty_wait_text(pty, "Passphrase of the CA \"lab\":");
    pty_type(pty, "correct\r");
    ends(pty, 0, "correct");
}

static void test_signals(void **state)
{
    struct pty *pty;

    (void)state;
    make_ca();
    pty = START("issue", "client", "alice");
    pty_wait_text(pty, "Passphrase");
    pty_type(pty, "half\x03"); /* Ctrl-C */
    ends(pty, 128 + SIGINT, "half");
    pty = START("issue", "client", "alice");
    pty_wait_text(pty, "Passphrase");
    pty_signal(pty, SIGTERM);
    ends(pty, 128 + SIGTERM, NULL);
    pty = START("issue", "client", "alice");
    pty_wait_text(pty, "Passphrase");
    pty_type(pty, "\x04"); /* the end of the input is "no" */
    ends(pty, 3, NULL);
    assert_false(fs_exists("alice"));
}

static void test_name(void **state)
{
    struct pty *pty;
    json_t *json;

    (void)state;
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "issue", "client", "bob"));
    pty = START("revoke", "bob");
    pty_wait_output(pty, "type the name \"bob\":");
    pty_type(pty, "yes\r");
    pty_wait_output(pty, "PS-1005");
    ends(pty, 3, NULL);
    json = EXPECT_JSON(0, "list", "--state", "revoked", "--json");
    assert_int_equal(json_integer_value(json_object_get(json, "total")), 0);
    json_decref(json);
    pty = START("revoke", "bob");
    pty_wait_output(pty, "type the name \"bob\":");
    pty_type(pty, "bob\r");
    pty_wait_output(pty, "revoked; it is on CRL number 2");
    ends(pty, 0, NULL);
}

static void test_yes(void **state)
{
    struct pty *pty;

    (void)state;
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    pty = START("crl", "sign");
    pty_wait_text(pty, "Type yes or no. [no]");
    pty_type(pty, "\r");
    pty_wait_text(pty, "PS-1005");
    ends(pty, 3, NULL);
    pty = START("crl", "sign", "--no-input");
    pty_wait_text(pty, "--yes");
    ends(pty, 2, NULL);
    pty = START("crl", "sign");
    pty_wait_text(pty, "Type yes or no. [no]");
    pty_type(pty, "yes\r");
    ends(pty, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_passphrase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_three_tries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
