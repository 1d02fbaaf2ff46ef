/* The wizard without a screen, in a terminal that can do nothing: lines in, lines out, no secret shown. */
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
#include "core/base/mem.h"
#include "tests/harness/wizard_box.h"

#define PASSPHRASE "long words 7"

static size_t seen; /* of the output: where the next text is looked for */

static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

static void run(struct wizard_box *box, const char *const *args, const char *const *env,
                const char *term)
{
    pty_free(box->pty);
    box->pty = NULL;
    seen = 0;
    wizard_run(box, &(struct wizard_options){.args = args, .env = env, .term = term, .rows = 60});
}

/* Behind what was waited for before. */
static void wait_for(struct wizard_box *box, const char *text)
{
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;

    for (;;) {
        const struct strbuf *output = pty_output(box->pty);
        const char *found = memmem(output->data + seen, output->len - seen, text, strlen(text));

        if (found) {
            seen = (size_t)(found - output->data) + strlen(text);
            return;
        }
        if (clock_mono_ms() > end)
            fail_msg("\"%s\" did not come, but:\n%s", text, output->data + seen);
        pty_listen(box->pty, 10);
    }
}

/* Waits for the question and its prompt, then answers it. */
static void answer(struct wizard_box *box, const char *question, const char *line)
{
    wait_for(box, question);
    wait_for(box, "\n> ");
    pty_type(box->pty, line);
    pty_type(box->pty, "\n");
}

/* Nothing but lines was written, and the terminal is as it was. */
static void expect_lines_only(struct wizard_box *box)
{
    const struct strbuf *output = pty_output(box->pty);

    if (memchr(output->data, '\033', output->len))
        fail_msg("an escape sequence was written");
    assert_null(strstr(output->data, PASSPHRASE));
    assert_true(pty_settings_as_before(box->pty));
}

static const char *const plain[] = {"--plain", NULL};

static void a_ca_and_a_certificate(void **state)
{
    struct wizard_box *box = *state;
    char *pk8;

    run(box, plain, NULL, "xterm-256color");
    answer(box, "default: s", "1");
    answer(box, "Question 1 of 3. Name of the CA.\r\n  default: none", "Acme");
    answer(box, "Question 2 of 3. Valid for", "");
    answer(box, "Question 3 of 3. Key type.", "");
    answer(box, "Go on?", "");
    answer(box, "Question 1 of 3. Key protection.", "");
    answer(box, "Question 2 of 3. Passphrase.", PASSPHRASE);
    answer(box, "Question 3 of 3. Again.", PASSPHRASE);
    answer(box, "Go on?\r\n  1. Next\r\n", "");
    answer(box, "Go on?\r\n  1. Create\r\n", "");
    answer(box, "ok: The CA \"Acme\" is made.", "1");
    answer(box, "Question 1 of 4. Database role.\r\n  default: none", "alice");
    answer(box, "Question 2 of 4. Name in cert.\r\n  default: alice", "");
    answer(box, "Question 3 of 4. Note", "");
    answer(box, "Question 4 of 4. Valid for", "30");
    answer(box, "Go on?", "");
    answer(box, "Question 1 of 8. Private key.", "");
    answer(box, "Question 2 of 8. Key type.", "");
    answer(box, "Question 3 of 8. Key protection.", "2");
    answer(box, "Question 4 of 6. Also make: PKCS#12, for Java and Windows.", "no");
    answer(box, "Question 5 of 6. PKCS#8 in DER, for JDBC.", "yes");
    answer(box, "Question 6 of 6. Files in.", "");
    answer(box, "Go on?", "");
    wait_for(box, "now: 3 Review, 3 of 3");
    answer(box, "Question 1 of 1. CA passphrase.", PASSPHRASE);
    answer(box, "Go on?\r\n  1. Create", "");
    answer(box, "ok: Certificate for \"alice\" made.", "2");
    pk8 = fs_join(box->store, "clients/alice/alice.pk8");
    assert_true(fs_exists(pk8));
    free(pk8);
    answer(box, "\npgseal: Home.", "q");
    wizard_expect_exit(box, 0);
    expect_lines_only(box);
}

static void who_gets_lines(void **state)
{
    static const char *const accessible[] = {"ACCESSIBLE=1", NULL};
    static const char *const not_accessible[] = {"ACCESSIBLE=0", NULL};
    struct wizard_box *box = *state;
    struct command_result result;

    run(box, NULL, accessible, "xterm-256color");
    answer(box, "default: s", "0");
    wizard_expect_exit(box, 0);
    expect_lines_only(box);
    run(box, NULL, NULL, "dumb");
    answer(box, "default: s", "8");
    answer(box, "Rows: WORD, IN SHORT", "/secret half");
    answer(box, "Row 1 of 1 is marked.", "<"); /* all rows again */
    answer(box, "38. ", "<");
    answer(box, "\npgseal: Home.", "q");
    wizard_expect_exit(box, 0);
    expect_lines_only(box);
    run(box, NULL, not_accessible, "xterm-256color");
    wizard_wait(box, WIZARD_ON_HOME);
    assert_true(pty_mode_is_on(box->pty, "?1049"));
    wizard_keys(box, "0", 1);
    wizard_expect_exit(box, 0);

    command_run(&result, &(struct command_options){.input = "0\n"}, "--plain", NULL);
    assert_int_equal(result.status, 69); /* not a terminal: nobody is there to be asked */
    command_clear(&result);
}

static void ways_out(void **state)
{
    struct wizard_box *box = *state;

    run(box, plain, NULL, "dumb");
    answer(box, "default: s", "1");
    answer(box, "Name of the CA.", "half");
    wait_for(box, "Question 2 of 3.");
    wait_for(box, "\n> ");
    pty_type(box->pty, "50\003"); /* Ctrl-C: what was typed is thrown away, and it asks */
    answer(box, "Type yes (Yes, leave) or no (No, stay). default: no", "no");
    answer(box, "Question 2 of 3.", "");
    wait_for(box, "Question 3 of 3.");
    wait_for(box, "\n> ");
    pty_type(box->pty, "\003");
    pty_type(box->pty, "\003"); /* twice leaves; or the question is there by then */
    pty_type(box->pty, "\003");
    wizard_expect_exit(box, 130);
    expect_lines_only(box);

    /* while a passphrase is asked, nothing is shown: that comes back */
    run(box, plain, NULL, "dumb");
    answer(box, "default: s", "1");
    answer(box, "Name of the CA.", "half");
    answer(box, "Question 2 of 3.", "");
    answer(box, "Question 3 of 3.", "");
    answer(box, "Go on?", "");
    answer(box, "Question 1 of 3. Key protection.", "");
    wait_for(box, "Question 2 of 3. Passphrase.");
    wait_for(box, "\n> ");
    pty_signal(box->pty, SIGTERM);
    wizard_expect_exit(box, 143);
    expect_lines_only(box);

    run(box, plain, NULL, "dumb");
    wait_for(box, "default: s");
    wait_for(box, "\n> ");
    pty_type(box->pty, "\004"); /* Ctrl-D */
    wizard_expect_exit(box, 0);
    run(box, plain, NULL, "dumb");
    wait_for(box, "default: s");
    pty_hang_up(box->pty);
    assert_int_equal(pty_wait_exit(box->pty), 129);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ca_and_a_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(who_gets_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(ways_out, setup, teardown),
    };

    return cmocka_run_group_tests_name("wizard plain", tests, NULL, NULL);
}
