/* plain.c - the wizard as lines: what the real pages say, what they ask, what a line does to them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"
#include "tui/dialog.h"
#include "tui/plain_parts.h"

struct lines {
    struct page_box box;
    struct talk *talk;
    struct strbuf heard; /* what was said since the last line */
};

static void say(struct lines *self)
{
    strbuf_reset(&self->heard);
    talk_say(self->talk, &self->heard);
    if (strchr(self->heard.data, '\033'))
        fail_msg("an escape sequence: %s", self->heard.data);
}

/* A line of the person, and what is said to it. */
static void type(struct lines *self, const char *line)
{
    talk_hear(self->talk, line);
    say(self);
}

static void expect(const struct lines *self, const char *text)
{
    if (!strstr(self->heard.data, text))
        fail_msg("\"%s\" was not said, but:\n%s", text, self->heard.data);
}

static void expect_not(const struct lines *self, const char *text)
{
    if (strstr(self->heard.data, text))
        fail_msg("\"%s\" was said:\n%s", text, self->heard.data);
}

static void open_lines(struct lines *self, const struct theme *theme)
{
    memset(self, 0, sizeof(*self));
    strbuf_init(&self->heard);
    page_box_open(&self->box, NULL, NULL, theme);
    self->talk = talk_new(self->box.navigator);
}

static void close_lines(struct lines *self)
{
    talk_free(self->talk);
    strbuf_clear(&self->heard);
    page_box_close(&self->box);
}

static void home_and_a_new_ca(void **state)
{
    struct lines self;

    (void)state;
    open_lines(&self, &ui_ascii);
    navigator_push(self.box.navigator, page_home(self.box.app));
    page_box_wait(&self.box, "New here?");
    say(&self);
    expect(&self, "Type < to go back, ? for help, ! to see the commands, Ctrl-C to leave.\n");
    expect(&self, "\npgseal: Home.");
    expect(&self, "  1. Create a certificate authority (CA)\n");
    expect(&self, "  2. Create a client certificate (off: There is no CA yet: take 1 first.)\n");
    expect(&self, "Type the number or letter of a line. default: s\n> ");
    say(&self); /* nothing has changed: nothing is said */
    assert_string_equal(self.heard.data, "");
    type(&self, "2");
    expect(&self, "There is no CA yet");
    type(&self, "hello");
    expect(&self, "problem: \"hello\" means nothing here. ? has the keys.\n> ");
    expect_not(&self, "Create a"); /* the menu is not read out again */

    type(&self, "1");
    expect(&self, "\npgseal: Create a CA.");
    expect(&self, "now: 1 Details, 1 of 3\n");
    expect(&self, "Question 1 of 3. Name of the CA.\n  default: none\n> ");
    type(&self, "Acme PG Root");
    expect(&self, "Question 2 of 3. Valid for (years, ends ");
    expect(&self, "  default: 10\n> ");
    type(&self, "50000");
    expect(&self, "problem: not all of it can stand here; this is left: 500\nproblem: ");
    type(&self, "abc");
    expect(&self, "problem: not all of it");
    type(&self, "5");
    expect(&self, "Question 3 of 3. Key type.\n  1. EC P-256: fast and small; the usual choice\n");
    type(&self, "<");
    expect(&self, "Question 2 of 3.");
    expect(&self, "  default: 5\n> ");
    type(&self, "");
    type(&self, "7");
    expect(&self, "problem: type a number from 1 to 6, or < to go back.\n> ");
    type(&self, "?");
    expect(&self, "why: ");
    expect(&self, "Question 3 of 3.");
    type(&self, "2");
    expect(&self, "Go on?\n  1. Next\n  2. Back\n  Type a number. default: 1\n> ");
    type(&self, "!");
    expect(&self, "openssl req -x509");
    expect(&self, "Acme PG Root");
    type(&self, "1");
    expect(&self, "now: 2 Passphrase, 2 of 3\n");
    assert_false(talk_wants_secret(self.talk));
    type(&self, "");
    expect(&self, "Question 2 of 3. Passphrase.\n");
    expect(&self, "What you type is not shown. default: none");
    assert_true(talk_wants_secret(self.talk));
    type(&self, "short");
    expect(&self, "problem: at least 8 characters\n");
    type(&self, "four long words");
    expect_not(&self, "four long");
    expect(&self, "Question 3 of 3. Again.");
    type(&self, "four long wordz");
    expect(&self, "problem: ");
    type(&self, "four long words");
    expect(&self, "Go on?");
    assert_false(talk_wants_secret(self.talk));
    type(&self, "<");
    expect(&self, "Question 3 of 3. Again.\n");
    expect(&self, "default: what was typed before");
    type(&self, "");
    type(&self, "");
    expect(&self, "+ certificate  CN = Acme PG Root\n");
    expect(&self, "  1. Create\n  2. Back\n");
    type(&self, "1");
    page_box_wait(&self.box, "is made.");
    say(&self);
    expect(&self, "ok: The CA \"Acme PG Root\" is made.");
    expect(&self, "  1. Client certificate\n  2. Home\n");
    type(&self, "2");
    expect(&self, "\npgseal: Home.");
    close_lines(&self);
}

/* What is below a question that a key or < goes to. */
static void off_and_problems(void **state)
{
    struct lines self;

    (void)state;
    open_lines(&self, &ui_ascii);
    navigator_push(self.box.navigator, page_new_ca(self.box.app));
    say(&self);
    type(&self, "");
    type(&self, "");
    type(&self, "");
    expect(&self, "  1. Next (Next is off: 1 open)\n");
    type(&self, "1"); /* goes to what is open */
    expect(&self, "Question 1 of 3. Name of the CA.");
    type(&self, "x");
    type(&self, "<");
    expect(&self, "  default: x\n");
    type(&self, "\"\""); /* nothing */
    type(&self, "<");
    expect(&self, "Question 1 of 3. Name of the CA.\n  default: none\n");
    type(&self, "<");
    assert_true(navigator_done(self.box.navigator));
    say(&self);
    close_lines(&self);
}

static void a_table(void **state)
{
    struct lines self;

    (void)state;
    open_lines(&self, &ui_ascii);
    navigator_push(self.box.navigator, page_words("CRL"));
    say(&self);
    expect(&self, "Rows: WORD, IN SHORT\n1. backend/session, one client's connection on the "
                  "server\n");
    expect(&self, "CRL, certificate revocation list\nA file, signed by the CA");
    expect(&self, " is marked. Type a row's number to mark it");
    type(&self, "1");
    expect(&self, "PostgreSQL starts one process for each client.");
    expect(&self, "Row 1 of ");
    expect_not(&self, "1. backend"); /* only what is new */
    type(&self, "/secret half");
    expect(&self, "1. private key, ");
    expect(&self, "Row 1 of 1 is marked.");
    type(&self, "esc"); /* the row stays marked, among all again */
    expect(&self, "1. backend/session, ");
    type(&self, "END");
    expect(&self, "verify-full, the client checks the server\n");
    type(&self, "<");
    assert_true(navigator_done(self.box.navigator));
    close_lines(&self);
}

static void a_paste(void **state)
{
    struct lines self;

    (void)state;
    open_lines(&self, &ui_ascii);
    navigator_push(self.box.navigator, page_show(self.box.app));
    say(&self);
    expect(&self, "Paste the text, then type a line with only a dot.\n> ");
    type(&self, "one");
    assert_string_equal(self.heard.data, "> ");
    type(&self, "<"); /* belongs to the text */
    type(&self, "?");
    assert_string_equal(self.heard.data, "> ");
    type(&self, "");
    type(&self, ".");
    assert_null(self.talk->pasting);
    assert_int_equal(self.talk->paste.len, 0);
    expect(&self, "Go on?");
    type(&self, "<");
    expect(&self, "  default: what is there, 4 lines\n");
    type(&self, "another one"); /* takes its place */
    type(&self, ".");
    type(&self, "<");
    expect(&self, "  default: what is there, 1 line\n");
    type(&self, "");
    expect(&self, "Go on?");
    close_lines(&self);
}

/* ---- a question ---- */

struct question {
    struct dialog *dialog;
    enum dialog_answer answer;
};

static struct nav question_event(void *arg, const struct event *event)
{
    struct question *self = arg;

    if (self->answer == DIALOG_OPEN)
        self->answer = dialog_event(self->dialog, event);
    return nav_stay();
}

static void question_draw(const void *arg, struct canvas *body)
{
    const struct question *self = arg;

    canvas_text(body, 0, 2, STYLE_NORMAL, "below");
    dialog_draw(self->dialog, body);
}

static void question_frame(const void *arg, struct frame *ret)
{
    const struct question *self = arg;

    dialog_frame(self->dialog, ret);
}

static void question_free(void *arg)
{
    struct question *self = arg;

    dialog_free(self->dialog);
    free(self);
}

static const struct screen_ops question_ops = {
    .name = "question",
    .event = question_event,
    .draw = question_draw,
    .frame = question_frame,
    .free = question_free,
};

static struct question *ask(struct lines *self, const char *name)
{
    struct question *question = mem_zalloc(sizeof(*question));

    question->dialog = dialog_new(&(struct dialog_spec){
        .title = "Revoke it?", .text = "For ever.", .no = "Cancel", .yes = "Revoke", .name = name});
    navigator_push(self->box.navigator, screen_new(&question_ops, question));
    say(self);
    return question;
}

static void questions(void **state)
{
    static const struct {
        const char *name, *line;
        enum dialog_answer answer;
    } rows[] = {
        {NULL, "yes", DIALOG_YES},   {NULL, "y", DIALOG_YES},      {NULL, "no", DIALOG_NO},
        {NULL, "", DIALOG_NO},       {NULL, "<", DIALOG_NO},       {NULL, "maybe", DIALOG_OPEN},
        {NULL, "1", DIALOG_OPEN},    {"bob", "bob", DIALOG_YES},   {"bob", "Bob", DIALOG_OPEN},
        {"bob", "yes", DIALOG_OPEN}, {"bob", "", DIALOG_NO},       {"bob", "y", DIALOG_OPEN},
        {"bob", "<", DIALOG_NO},     {"bob", "bob ", DIALOG_OPEN},
    };
    struct lines self;

    (void)state;
    open_lines(&self, &ui_ascii);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct question *question = ask(&self, rows[i].name);

        expect(&self, "below\nRevoke it?\nFor ever.\n");
        expect(&self, rows[i].name
                          ? "To go on (Revoke), type the name: bob. default: no (Cancel)\n> "
                          : "Type yes (Revoke) or no (Cancel). default: no\n> ");
        talk_hear(self.talk, rows[i].line);
        if (question->answer != rows[i].answer)
            fail_msg("\"%s\" to \"%s\" was answer %d", rows[i].line,
                     rows[i].name ? rows[i].name : "", (int)question->answer);
        say(&self);
        if (rows[i].answer == DIALOG_OPEN)
            expect(&self, "problem: ");
    }
    close_lines(&self);
}

/* What goes on by itself is said once; the prompt's line is ended before it. */
static void what_is_new(void **state)
{
    struct lines self;

    (void)state;
    open_lines(&self, &ui_colour);
    navigator_push(self.box.navigator, page_home(self.box.app));
    say(&self);
    expect(&self, "default: s\n> ");
    page_box_wait(&self.box, "New here?"); /* the store was read meanwhile */
    say(&self);
    expect(&self, "\nCA  none yet");
    assert_int_equal(self.heard.data[0], '\n');
    expect_not(&self, "pgseal: Home.");
    navigator_notice(self.box.navigator, MARK_WARN, "%d seconds left", 10);
    say(&self);
    assert_string_equal(self.heard.data, "\nwarning: 10 seconds left\n> ");
    navigator_notice(self.box.navigator, MARK_WARN, "%d seconds left", 9);
    say(&self);
    assert_string_equal(self.heard.data, ""); /* only the number is another one */
    close_lines(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(home_and_a_new_ca), cmocka_unit_test(off_and_problems),
        cmocka_unit_test(a_table),           cmocka_unit_test(a_paste),
        cmocka_unit_test(questions),         cmocka_unit_test(what_is_new),
    };

    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
