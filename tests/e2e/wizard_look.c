/* The wizard in other windows and surroundings: sizes, C locale, NO_COLOR, vt100, --ascii. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/harness/wizard_box.h"

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

/* The row of the screen where this text is, -1: nowhere. */
static int row_of(struct pty *pty, const char *text, int rows)
{
    int found = -1;

    for (int row = 0; row < rows && found < 0; row++) {
        char *line = pty_row(pty, row);

        if (strstr(line, text))
            found = row;
        free(line);
    }
    return found;
}

/* The cursor comes to the row of this text, at that column. */
static void expect_cursor(struct pty *pty, const char *text, int column, int rows)
{
    int row = -1, at = -1, wanted = -1;

    for (int i = 0; i < PTY_WAIT_MS / 20; i++) {
        wanted = row_of(pty, text, rows);
        pty_cursor(pty, &row, &at);
        if (wanted >= 0 && row == wanted && at == column)
            return;
        pty_listen(pty, 20);
    }
    fail_msg("the cursor is at %d,%d, and \"%s\" is in row %d, wanted column %d", row, at, text,
             wanted, column);
}

/* A form half filled, in every size, and back: nothing is lost, the cursor is on the focus. */
static void sizes(void **state)
{
    static const struct {
        int rows, columns;
        const char *shows; /* NULL: the form */
    } table[] = {
        {1, 5, "5x1"},   {24, 80, NULL},
        {60, 200, NULL}, {24, 79, "window is 79 x 24"},
        {20, 80, NULL},  {12, 40, "window is 40 x 12"},
        {1, 5, "5x1"},   {40, 120, NULL},
        {24, 80, NULL},
    };
    struct wizard_box *box = *state;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_type(box->pty, "1");
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "Acme PG");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, "\0252"); /* Ctrl-U empties the field */
    wizard_wait(box, "Valid for        [2   ]");
    expect_cursor(box->pty, "Valid for        [", 21, 24);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        pty_resize(box->pty, table[i].rows, table[i].columns);
        if (table[i].shows) {
            wizard_wait(box, table[i].shows);
            pty_type(box->pty, "999");   /* nobody acts blind */
            pty_resize(box->pty, 3, 30); /* and its answer says that they were read */
            wizard_wait(box, "30x3");
            continue;
        }
        wizard_wait(box, "Name of the CA   [Acme PG  ");
        wizard_wait(box, "Valid for        [2   ]");
        wizard_wait(box, "F10 Quit");
        expect_cursor(box->pty, "Valid for        [", 21, table[i].rows);
    }
    pty_type(box->pty, "1"); /* where it was left */
    wizard_wait(box, "Valid for        [21  ]");
    pty_type(box->pty, "\003\003");
    wizard_expect_exit(box, 130);
}

/* Tab by Tab the hardware cursor stands in the row of the field with the focus. */
static void cursor_follows_the_focus(void **state)
{
    static const struct {
        const char *label;
        int column;
    } stops[] = {{"Name of the CA", 20}, {"Valid for", 22}, {"EC P-256", 20}, {"< Next >", 19}};
    struct wizard_box *box = *state;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    expect_cursor(box->pty, "s  Set up everything, step by step", 0, 18);
    pty_type(box->pty, "1");
    wizard_wait(box, "Name of the CA");
    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        expect_cursor(box->pty, stops[i].label, stops[i].column, 17);
        wizard_keys(box, KEYS_TAB, 1);
    }
    /* and the help of the field behind the focus is the one that opens */
    wizard_keys(box, KEYS_TAB, 1);
    expect_cursor(box->pty, stops[0].label, stops[0].column, 17);
    wizard_keys(box, KEYS_F1, 1);
    wizard_wait(box, "Printable ASCII, at most 59");
    wizard_keys(box, KEYS_ESC, 1);
    pty_wait_no_text(box->pty, "Printable ASCII, at most 59");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_type(box->pty, "q");
    wizard_expect_exit(box, 0);
}

/* ---- surroundings ---- */

/* Whether a parameter of "ESC [ … m" sets a colour; 39 and 49 too. */
static bool is_colour(long parameter)
{
    return (parameter >= 30 && parameter <= 49) || (parameter >= 90 && parameter <= 107);
}

static bool has_colour(const struct strbuf *output)
{
    for (const char *at = output->data; (at = strstr(at, "\033["));) {
        const char *end;

        at += 2;
        end = at + strspn(at, "0123456789;");
        if (*end != 'm')
            continue;
        while (at < end) {
            char *next;

            if (is_colour(strtol(at, &next, 10)))
                return true;
            at = next + 1;
        }
    }
    return false;
}

static bool is_ascii(const struct strbuf *output)
{
    for (size_t i = 0; i < output->len; i++) {
        if ((unsigned char)output->data[i] > 126)
            return false;
    }
    return true;
}

static void walk(struct wizard_box *box)
{
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_wait(box, "2  Create a client certificate [--]"); /* off, and says so by words */
    wizard_wait(box, "none yet        [  ]");
    pty_type(box->pty, "1");
    wizard_wait(box, "[>>] 1 Details  [  ] 2 Passphrase");
    wizard_type(box, "a/b");
    wizard_wait(box, "[xx]");
    wizard_wait(box, "Next is off: 1 wrong");
    wizard_keys(box, "\177", 2);
    wizard_wait(box, "All fields are good.");
    wizard_wait(box, "[ok]");
    wizard_keys(box, KEYS_F2, 1);
    wizard_wait(box, "Commands: the same by hand");
    wizard_wait(box, "openssl genpkey");
    wizard_keys(box, KEYS_ESC, 1);
    pty_wait_no_text(box->pty, "Commands: the same by hand");
    pty_signal(box->pty, SIGTERM);
    wizard_expect_exit(box, 128 + SIGTERM);
}

static void surroundings(void **state)
{
    static const struct {
        const char *term, *env, *arg;
        bool colour, ascii;
    } table[] = {
        {"xterm-256color", NULL, NULL, true, false}, /* so that the rest can fail */
        {"xterm-256color", "NO_COLOR=1", NULL, false, false},
        {"xterm-256color", "NO_COLOR=", NULL, true, false}, /* empty counts as not set */
        {"xterm-256color", NULL, "--no-color", false, false},
        {"xterm-256color", NULL, "--ascii", true, true},
        {"xterm-256color", "LC_ALL=C", NULL, true, true},
        {"vt100", NULL, NULL, false, false},
        {"vt100", "LC_ALL=C", "--ascii", false, true},
        {"linux", NULL, NULL, true, false},
        {"screen-256color", "NO_COLOR=1", "--ascii", false, true},
    };
    struct wizard_box *box = *state;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const char *args[] = {table[i].arg, NULL};
        const char *env[] = {"NO_COLOR", table[i].env, NULL};

        wizard_run(box, &(struct wizard_options){.args = args, .env = env, .term = table[i].term});
        walk(box);
        if (has_colour(pty_output(box->pty)) != table[i].colour)
            fail_msg("line %zu: %s colour", i, table[i].colour ? "no" : "there is");
        if (is_ascii(pty_output(box->pty)) != table[i].ascii)
            fail_msg("line %zu: %s ASCII only", i, table[i].ascii ? "not" : "it is");
    }
}

/* F9 takes colour and lines away, and gives them back. */
static void plain_look_by_key(void **state)
{
    struct wizard_box *box = *state;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_wait(box, WIZARD_AT "s  Set up");
    pty_type(box->pty, "\0339");
    wizard_wait(box, "> s  Set up");
    wizard_wait(box, "------------");
    pty_type(box->pty, "\0339");
    wizard_wait(box, WIZARD_AT "s  Set up");
    pty_type(box->pty, "q");
    wizard_expect_exit(box, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_follows_the_focus, setup, teardown),
        cmocka_unit_test_setup_teardown(surroundings, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_look_by_key, setup, teardown),
    };

    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
