/* wizard_change.c - a change of a real server in a real terminal that is interrupted from outside while
 * its question is open: kill -9, SIGTERM, SIGHUP, a lost terminal, Ctrl-C twice, Ctrl-Z. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

struct story {
    struct wizard_box box;
    struct demo *demo;
    char *auto_conf;
};

static char *read_auto_conf(const struct story *story)
{
    char *path = fs_join(demo_data(story->demo), "postgresql.auto.conf");
    char *text = command_read(path);

    free(path);
    return text;
}

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s", (int)err->code, err->msg);
}

static void fill_store(struct story *story)
{
    char *address = mem_printf("127.0.0.1:%d", demo_port(story->demo));

    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(story->demo), "--address", address));
    free(EXPECT(0, "ca", "create", "Lab Root", "--no-passphrase"));
    free(address);
}

static int setup(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    story->demo = demo_start(&(struct demo_options){.quiet_roles = true}, &err);
    must(story->demo != NULL, &err);
    wizard_box_open(&story->box);
    fill_store(story);
    story->auto_conf = read_auto_conf(story);
    *state = story;
    return 0;
}

static int teardown(void **state)
{
    struct story *story = *state;

    wizard_box_close(&story->box);
    demo_free(story->demo);
    free(story->auto_conf);
    free(story);
    return 0;
}

static bool is_as_before(const struct story *story)
{
    char *now = read_auto_conf(story);
    bool same = strcmp(now, story->auto_conf) == 0;

    free(now);
    return same;
}

/* A new wizard, up to the question whether TLS shall be kept. */
static void up_to_the_question(struct story *story)
{
    struct wizard_box *box = &story->box;

    wizard_run(box, NULL);
    wizard_wait(box, "no TLS");
    pty_type(box->pty, "4");
    wizard_wait(box, "Names of the server");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_wait(box, WIZARD_AT "< See the plan >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, WIZARD_AT "< Apply... >");
    pty_type(box->pty, "a");
    wizard_wait(box, "Apply this plan?");
    pty_type(box->pty, "y");
    wizard_wait(box, WIZARD_AT "< Keep the change >");
    assert_false(is_as_before(story));
}

/* ---- told to stop: it takes back first ---- */

static void signal_takes_back(void **state)
{
    static const struct {
        int signal, code;
    } table[] = {{SIGTERM, 143}, {SIGHUP, 129}};
    struct story *story = *state;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        up_to_the_question(story);
        pty_signal(story->box.pty, table[i].signal);
        wizard_expect_exit(&story->box, table[i].code);
        assert_true(is_as_before(story));
    }
    EXPECT_ERROR(1, "", "server", "undo", "db1"); /* nothing is open any more */
}

static void lost_terminal_takes_back(void **state)
{
    struct story *story = *state;
    pid_t pid;

    up_to_the_question(story);
    pid = pty_pid(story->box.pty);
    pty_hang_up(story->box.pty);
    (void)pty_wait_exit(story->box.pty);
    assert_true(wizard_process_ends(pid, 20000));
    assert_true(is_as_before(story));
}

/* ---- killed: the next start offers it ---- */

static void killed(void **state)
{
    struct story *story = *state;
    struct wizard_box *box = &story->box;

    up_to_the_question(story);
    pty_signal(box->pty, SIGKILL);
    assert_int_equal(pty_wait_exit(box->pty), 128 + SIGKILL);
    assert_false(is_as_before(story));

    wizard_run(box, NULL);
    wizard_wait(box, "1 change is open");
    wizard_wait(box, "[!!] not kept");
    pty_type(box->pty, "u");
    wizard_wait(box, WIZARD_AT "< Take it back... >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Take this change back?");
    pty_type(box->pty, "y");
    wizard_wait(box, "Everything was taken back.");
    assert_true(is_as_before(story));
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "[--] undone");
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
}

/* ---- keys ---- */

static void keys_that_would_leave(void **state)
{
    struct story *story = *state;
    struct wizard_box *box = &story->box;

    up_to_the_question(story);
    pty_type(box->pty, "\032"); /* Ctrl-Z */
    wizard_wait(box, "A change is open: pgseal cannot be suspended now.");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, "Choose: keep it, or undo it.");
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_wait(box, "First choose:");
    wizard_keys(box, KEYS_RIGHT, 1);
    wizard_wait(box, WIZARD_AT "< Undo now >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Everything was taken back.");
    assert_true(is_as_before(story));
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
}

/* Another pgseal says "keep": the page hears of it. */
static void kept_from_elsewhere(void **state)
{
    struct story *story = *state;
    struct wizard_box *box = &story->box;

    up_to_the_question(story);
    free(EXPECT(0, "plan", "keep", "1", "--yes"));
    wizard_wait(box, "Kept.");
    assert_false(is_as_before(story));
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signal_takes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_terminal_takes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(killed, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_that_would_leave, setup, teardown),
        cmocka_unit_test_setup_teardown(kept_from_elsewhere, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
