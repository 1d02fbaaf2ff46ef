/* The terminal as a person has it: taken over, resized, pasted into, given back on every way out. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "tests/harness/pty.h"

static char *probe(void)
{
    const char *top = getenv("top_builddir");

    return mem_printf("%s/tests/e2e/term_probe", top ? top : ".");
}

static struct pty *start_as(const char *term, const char *const *env)
{
    char *path = probe();
    const char *argv[] = {path, NULL};
    struct pty_options options = {.argv = argv, .term = term, .env = env};
    struct pty *pty = pty_start(&options);

    free(path);
    return pty;
}

static struct pty *start(void)
{
    struct pty *pty = start_as(NULL, NULL);

    pty_wait_text(pty, "keys 0");
    return pty;
}

/* What every way out must leave behind. */
static void check_restored(struct pty *pty)
{
    assert_false(pty_mode_is_on(pty, "?2004"));
    assert_false(pty_mode_is_on(pty, "?1049"));
    assert_true(pty_settings_as_before(pty));
}

static void leaves_by_key(void **state)
{
    struct pty *pty = start();
    char *row;

    (void)state;
    assert_true(pty_mode_is_on(pty, "?2004"));
    assert_true(pty_mode_is_on(pty, "?1049"));
    assert_false(pty_settings_as_before(pty));
    row = pty_row(pty, 0);
    assert_string_equal(row, " pgseal  Probe");
    free(row);
    /* wide and combining characters stand where the canvas put them */
    pty_wait_text(pty, "gr\303\274n \345\257\206\347\240\201 e\314\201|");
    pty_type(pty, "x");
    assert_int_equal(pty_wait_exit(pty), 0);
    check_restored(pty);
    pty_free(pty);
}

static void signals_end_it(void **state)
{
    static const struct {
        int signal, code;
    } table[] = {{SIGTERM, 143}, {SIGHUP, 129}, {SIGINT, 130}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct pty *pty = start();

        pty_signal(pty, table[i].signal);
        assert_int_equal(pty_wait_exit(pty), table[i].code);
        check_restored(pty);
        pty_free(pty);
    }
}

static void stop_waits_for_a_job(void **state)
{
    struct pty *pty = start();

    (void)state;
    pty_type(pty, "j");
    pty_wait_text(pty, "keys 1 last 6a");
    pty_signal(pty, SIGTERM);
    pty_wait_text(pty, "stopping");
    assert_int_equal(pty_wait_exit(pty), 143);
    check_restored(pty);
    pty_free(pty);
}

static void fatal_signals_restore(void **state)
{
    struct pty *pty;

    (void)state;
#ifndef WITH_SANITIZERS /* AddressSanitizer ends the program its own way, and not by the signal */
    pty = start();
    pty_type(pty, "S");
    assert_int_equal(pty_wait_exit(pty), 128 + SIGSEGV);
    check_restored(pty);
    pty_free(pty);
#endif
    pty = start();
    pty_type(pty, "A");
    assert_int_equal(pty_wait_exit(pty), 128 + SIGABRT);
    check_restored(pty);
    pty_free(pty);

    pty = start();
    pty_signal(pty, SIGQUIT);
    assert_int_equal(pty_wait_exit(pty), 128 + SIGQUIT);
    check_restored(pty);
    pty_free(pty);
}

static double seconds_used(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void terminal_gone(void **state)
{
    /* SIGHUP ignored, as under nohup: only the descriptor tells */
    char *path = probe();
    char *command = mem_printf("trap '' HUP; exec %s", path);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    struct pty_options options = {.argv = argv};
    struct pty *pty = pty_start(&options);
    double before = seconds_used();

    (void)state;
    pty_wait_text(pty, "keys 0");
    pty_hang_up(pty);
    assert_int_equal(pty_wait_exit(pty), 129);
    pty_free(pty);

    pty = start(); /* and with the signal */
    pty_hang_up(pty);
    assert_int_equal(pty_wait_exit(pty), 129);
    pty_free(pty);
    assert_true(seconds_used() - before < 2.0); /* no busy loop; sanitizers are slow to start */
    free(command);
    free(path);
}

static void ctrl_c(void **state)
{
    struct pty *pty = start();

    (void)state;
    pty_type(pty, "\003");
    assert_int_equal(pty_wait_exit(pty), 130); /* the page has no question */
    check_restored(pty);
    pty_free(pty);
}

static void resizes(void **state)
{
    struct pty *pty = start();

    (void)state;
    pty_type(pty, "tabc");
    pty_wait_text(pty, "typed [abc]");
    pty_resize(pty, 1, 5);
    pty_wait_text(pty, "5x1");
    pty_type(pty, "zzz"); /* nobody acts blind */
    pty_resize(pty, 12, 40);
    pty_wait_text(pty, "window is 40 x 12");
    pty_resize(pty, 40, 120);
    pty_wait_text(pty, "body 120 x 35");
    pty_resize(pty, 24, 80);
    pty_wait_text(pty, "body 80 x 19");
    pty_wait_text(pty, "typed [abc]");
    pty_type(pty, "d");
    pty_wait_text(pty, "typed [abcd]");
    pty_type(pty, "\021");
    assert_int_equal(pty_wait_exit(pty), 0);
    pty_free(pty);
}

static void cursor_on_the_focus(void **state)
{
    struct pty *pty = start();
    int row, column;

    (void)state;
    pty_type(pty, "tab");
    pty_wait_text(pty, "typed [ab]");
    pty_listen(pty, 50);
    pty_cursor(pty, &row, &column);
    assert_int_equal(row, 6);
    assert_int_equal(column, 11);
    pty_free(pty);
}

static void pastes_64_kB(void **state)
{
    struct pty *pty = start();
    struct strbuf text = STRBUF_INIT;
    uint32_t hash = 2166136261u;
    char *expected;

    (void)state;
    /* all that could be taken for a key or an end: Ctrl-C, Esc, an end marker that is not whole */
    while (text.len < (size_t)64 * 1024)
        strbuf_printf(&text, "%06zu Zeile \003\033[A\033[201 \303\274\r", text.len);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    expected = mem_printf("paste %zu %08x whole", text.len, (unsigned)hash);

    pty_type(pty, "t");
    pty_wait_text(pty, "keys 1");
    pty_paste(pty, text.data);
    pty_wait_text(pty, expected);
    pty_wait_text(pty, "keys 1");
    free(expected);

    /* where no text is wanted it is said, and nothing runs */
    pty_listen(pty, 350);
    pty_type(pty, "\033");
    pty_wait_text(pty, "letters");
    pty_paste(pty, "xxxx\rx");
    pty_wait_text(pty, "Paste ignored on this screen: 6 characters.");
    pty_signal(pty, SIGTERM);
    assert_int_equal(pty_wait_exit(pty), 143);
    check_restored(pty);
    strbuf_clear(&text);
    pty_free(pty);
}

static void unusable_terminals(void **state)
{
    char *path = probe();
    char *command = mem_printf("%s </dev/null; exit $?", path);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    struct pty_options options = {.argv = argv};
    struct pty *pty = start_as("dumb", NULL);

    (void)state;
    assert_int_equal(pty_wait_exit(pty), 69);
    pty_wait_text(pty, "error PS-5001");
    assert_true(pty_settings_as_before(pty));
    pty_free(pty);

    pty = start_as("", NULL);
    assert_int_equal(pty_wait_exit(pty), 69);
    pty_free(pty);

    pty = pty_start(&options); /* standard input is not a terminal */
    assert_int_equal(pty_wait_exit(pty), 69);
    pty_free(pty);
    free(command);
    free(path);
}

static void unknown_terminals(void **state)
{
    static const char *const no_terminfo[] = {"TERMINFO=/nonexistent", NULL};
    struct pty *pty = start_as("xterm-kitty", no_terminfo);

    (void)state;
    pty_wait_text(pty, "keys 0");
    pty_wait_text(pty, "\"xterm-kitty\" is not known here: xterm-256color is used.");
    pty_type(pty, "\033OP"); /* F1 */
    pty_wait_text(pty, "Keys everywhere");
    pty_type(pty, "\033");
    pty_wait_no_text(pty, "Keys everywhere");
    pty_type(pty, "x");
    assert_int_equal(pty_wait_exit(pty), 0);
    check_restored(pty);
    pty_free(pty);
}

static void plain_surroundings(void **state)
{
    static const char *const c_locale[] = {"LC_ALL=C", "LINES=10", "COLUMNS=30", NULL};
    static const char *const no_locale[] = {"LC_ALL=sv_SE.UTF-8", NULL};
    struct pty *pty = start_as("vt100", c_locale);

    (void)state;
    pty_wait_text(pty, "keys 0"); /* the exported size does not count */
    pty_wait_text(pty, "----------");
    pty_wait_text(pty, "gr?n ???? e|");
    pty_type(pty, "x");
    assert_int_equal(pty_wait_exit(pty), 0);
    check_restored(pty);
    pty_free(pty);

    pty = start_as(NULL, no_locale); /* not generated: C.UTF-8 */
    pty_wait_text(pty, "\342\224\200\342\224\200\342\224\200");
    pty_free(pty);
}

static void keys_as_bytes(void **state)
{
    static const struct {
        const char *bytes, *shows;
    } table[] = {
        {"\033[1~", "110004"},  {"\033[8~", "110005"}, {"\033[A", "110000"}, {"\033OA", "110000"},
        {"\033[15~", "110010"}, {"\0335", "110010"},   {"\303\274", "fc"},   {"\177", "110008"},
        {"\010", "110008"},     {"\r", "d"},           {"\033[Z", "11000b"}, {"\023", "13"},
    };
    struct pty *pty = start();
    char *expected;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        pty_type(pty, table[i].bytes);
        expected = mem_printf("keys %zu last %s", i + 1, table[i].shows);
        pty_wait_text(pty, expected);
        free(expected);
    }
    pty_type(pty, "\033[99;99zk"); /* unknown: dropped whole */
    pty_wait_text(pty, "keys 13 last 6b");
    pty_type(pty, "\033[11~"); /* PuTTY's F1 */
    pty_wait_text(pty, "Keys everywhere");
    pty_type(pty, "\033[[A"); /* the Linux console's: closes */
    pty_wait_no_text(pty, "Keys everywhere");
    pty_free(pty);
}

static void suspends(void **state)
{
    struct pty *pty = start();
    int status;

    (void)state;
    /* the test is its parent and no shell: the group is orphaned, where the kernel drops SIGTSTP;
     * what is written on the way is the same */
    pty_type(pty, "\032");
    pty_wait_output(pty, "\033[?2004l");
    pty_wait_output(pty, "\033[?1049l");
    assert_int_equal(waitpid(pty_pid(pty), &status, WNOHANG), 0);
    pty_type(pty, "k");
    pty_wait_text(pty, "keys 1 last 6b");
    assert_true(pty_mode_is_on(pty, "?2004"));
    assert_true(pty_mode_is_on(pty, "?1049"));
    pty_free(pty);
}

static void under_a_shell(void **state)
{
    char *path = probe();
    const char *argv[] = {"/bin/bash", "--norc", "--noprofile", "-i", NULL};
    static const char *const env[] = {"PS1=prompt> ", NULL};
    struct pty_options options = {.argv = argv, .env = env};
    struct pty *pty = pty_start(&options);

    (void)state;
    pty_wait_text(pty, "prompt>");
    pty_type(pty, path);
    pty_type(pty, "\r");
    pty_wait_text(pty, "keys 0");
    pty_type(pty, "\032");
    pty_wait_text(pty, "Stopped");
    pty_type(pty, "fg\r");
    pty_wait_text(pty, "keys 0");
    pty_type(pty, "k");
    pty_wait_text(pty, "keys 1 last 6b");
    pty_type(pty, "x");
    pty_wait_text(pty, "Stopped"); /* the first screen again */
    pty_type(pty, "echo code $?\r");
    pty_wait_text(pty, "code 0");
    free(path);
    pty_free(pty);
}

static void idle_is_idle(void **state)
{
    struct pty *pty = start();
    char *path = mem_printf("/proc/%d/status", (int)pty_pid(pty));
    unsigned long before = 0, after = 0;

    (void)state;
    pty_listen(pty, 300);
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(path, "r");
        char line[256];

        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
            (void)sscanf(line, "voluntary_ctxt_switches: %lu", i ? &after : &before);
        fclose(file);
        if (i == 0)
            pty_listen(pty, 1500);
    }
    assert_true(before > 0);
    assert_int_equal(after, before); /* no wake-up in a second and a half */
    free(path);
    pty_free(pty);
}

static void copies(void **state)
{
    static const char *const env[] = {"TMUX", NULL};
    struct pty *pty = start_as(NULL, env);

    (void)state;
    pty_wait_text(pty, "keys 0");
    pty_type(pty, "c");
    pty_wait_output(pty, "\033]52;c;c29tZSB0ZXh0\a");
    pty_wait_text(pty, "Sent to the terminal: 9 characters.");
    pty_free(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_by_key),
        cmocka_unit_test(signals_end_it),
        cmocka_unit_test(stop_waits_for_a_job),
        cmocka_unit_test(fatal_signals_restore),
        cmocka_unit_test(terminal_gone),
        cmocka_unit_test(ctrl_c),
        cmocka_unit_test(resizes),
        cmocka_unit_test(cursor_on_the_focus),
        cmocka_unit_test(pastes_64_kB),
        cmocka_unit_test(unusable_terminals),
        cmocka_unit_test(unknown_terminals),
        cmocka_unit_test(plain_surroundings),
        cmocka_unit_test(keys_as_bytes),
        cmocka_unit_test(suspends),
        cmocka_unit_test(under_a_shell),
        cmocka_unit_test(idle_is_idle),
        cmocka_unit_test(copies),
    };

    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
