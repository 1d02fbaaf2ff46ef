/* The stack of pages and the keys that mean the same everywhere. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "tests/harness/ui.h"
#include "tui/nav.h"

/* All pages write what they hear into one log: "a:shown a:key(j) b:hidden". */
struct world {
    struct strbuf log;
    struct navigator *navigator;
    unsigned redraws, suspends;
    char copied[64];
    bool copy_fails;
};

struct page {
    struct world *world;
    const char *name;
    struct nav answer; /* to the next event of this type */
    enum event_type answer_to;
    bool has_answer;
    bool text_focus, no_suspend;
};

static struct page *new_page(struct world *world, const char *name, struct screen **ret);

static void answer(struct page *self, enum event_type type, struct nav nav)
{
    self->answer_to = type;
    self->answer = nav;
    self->has_answer = true;
}

static struct nav on_event(void *arg, const struct event *event)
{
    static const char *const names[] = {
        [EVENT_SHOWN] = "shown",   [EVENT_HIDDEN] = "hidden", [EVENT_PASTE] = "paste",
        [EVENT_RESIZE] = "resize", [EVENT_JOB] = "job",       [EVENT_JOB_PROGRESS] = "progress",
        [EVENT_TIMER] = "timer",   [EVENT_WATCH] = "watch",   [EVENT_QUIT_ASKED] = "asked",
        [EVENT_STOP] = "stop",
    };
    struct page *self = arg;

    if (event->type == EVENT_KEY)
        strbuf_printf(&self->world->log, "%s:key(%c) ", self->name, (char)event->key);
    else
        strbuf_printf(&self->world->log, "%s:%s ", self->name, names[event->type]);
    if (self->has_answer && self->answer_to == event->type) {
        self->has_answer = false;
        return self->answer;
    }
    return nav_stay();
}

static void draw(const void *arg, struct canvas *body)
{
    const struct page *self = arg;

    canvas_printf(body, 0, 2, STYLE_NORMAL, "page %s, %d x %d", self->name, canvas_columns(body),
                  canvas_rows(body));
}

static void frame(const void *arg, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"F1", "Help", "this help", 90},
        {"Enter", "Choose", "open what is marked", 80},
        {"q", "Quit", "leave pgseal", 70},
        {"x", "Mark", "only in the help", 0},
        {0},
    };
    const struct page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "Page %s", self->name);
    snprintf(ret->message, sizeof(ret->message), "message of %s", self->name);
    snprintf(ret->why_title, sizeof(ret->why_title), "Name");
    ret->why = "One idea, one consequence, one normal value.";
    ret->bindings = bindings;
    ret->text_focus = self->text_focus;
    ret->no_suspend = self->no_suspend;
    ret->word = "CRL";
}

static void commands(const void *arg, struct strbuf *out)
{
    const struct page *self = arg;

    if (self->name[0] == 'a')
        for (int i = 1; i <= 40; i++)
            strbuf_printf(out, "openssl step %d\n", i);
}

static void free_page(void *arg)
{
    struct page *self = arg;

    strbuf_printf(&self->world->log, "%s:free ", self->name);
    free(self);
}

static const struct screen_ops ops = {
    .name = "page",
    .event = on_event,
    .draw = draw,
    .frame = frame,
    .commands = commands,
    .free = free_page,
};

static const struct screen_ops words_ops = {
    .name = "words",
    .event = on_event,
    .draw = draw,
    .frame = frame,
    .free = free_page,
};

static struct page *new_page(struct world *world, const char *name, struct screen **ret)
{
    struct page *self = mem_zalloc(sizeof(*self));

    self->world = world;
    self->name = name;
    *ret = screen_new(&ops, self);
    return self;
}

static struct screen *words(void *arg, const char *word)
{
    struct screen *screen;

    assert_string_equal(word, "CRL");
    (void)new_page(arg, "w", &screen);
    screen->ops = &words_ops;
    return screen;
}

static void redraw(void *arg)
{
    ((struct world *)arg)->redraws++;
}

static void suspend(void *arg)
{
    ((struct world *)arg)->suspends++;
}

static bool copy(void *arg, const char *text)
{
    struct world *world = arg;

    snprintf(world->copied, sizeof(world->copied), "%s", text);
    return !world->copy_fails;
}

static const struct navigator_terminal terminal = {
    .redraw = redraw, .suspend = suspend, .copy = copy};

static struct page *begin(struct world *world)
{
    struct navigator_options options = {.theme = ui_colour, .words = words, .arg = world};
    struct screen *screen;
    struct page *page;

    memset(world, 0, sizeof(*world));
    strbuf_init(&world->log);
    world->navigator = navigator_new(&options);
    navigator_set_terminal(world->navigator, &terminal, world);
    page = new_page(world, "a", &screen);
    navigator_push(world->navigator, screen);
    return page;
}

static struct page *push(struct world *world, const char *name)
{
    struct screen *screen;
    struct page *page = new_page(world, name, &screen);

    navigator_push(world->navigator, screen);
    return page;
}

static void heard(struct world *world, const char *expected)
{
    assert_string_equal(world->log.data, expected);
    strbuf_reset(&world->log);
}

static void end(struct world *world)
{
    navigator_free(world->navigator);
    strbuf_clear(&world->log);
}

static void message_is(struct world *world, const char *expected)
{
    char *message = ui_message(world->navigator);

    assert_string_equal(message, expected);
    free(message);
}

static void stack(void **state)
{
    struct world world;
    struct page *a = begin(&world), *b, *c;
    struct screen *next;

    (void)state;
    heard(&world, "a:shown ");
    b = new_page(&world, "b", &next);
    answer(a, EVENT_KEY, nav_push(next));
    ui_key(world.navigator, 'j');
    heard(&world, "a:key(j) a:hidden b:shown ");
    c = new_page(&world, "c", &next);
    answer(b, EVENT_KEY, nav_replace(next));
    ui_key(world.navigator, 'j');
    heard(&world, "b:key(j) b:free c:shown ");
    answer(c, EVENT_KEY, nav_pop());
    ui_key(world.navigator, 'j');
    heard(&world, "c:key(j) c:free a:shown ");
    b = push(&world, "b");
    c = push(&world, "c");
    heard(&world, "a:hidden b:shown b:hidden c:shown ");
    answer(c, EVENT_KEY, nav_home());
    ui_key(world.navigator, 'j');
    heard(&world, "c:key(j) c:free b:free a:shown ");
    answer(a, EVENT_KEY, nav_pop());
    assert_false(navigator_done(world.navigator));
    ui_key(world.navigator, 'j');
    heard(&world, "a:key(j) a:free ");
    assert_true(navigator_done(world.navigator));
    ui_key(world.navigator, 'j'); /* nobody is there any more */
    heard(&world, "");
    (void)b;
    end(&world);
}

static void pages_below(void **state)
{
    struct event job = {.type = EVENT_JOB};
    struct world world;
    struct page *a = begin(&world), *b, *c;
    struct screen *next;

    (void)state;
    b = push(&world, "b");
    ui_key(world.navigator, KEY_CODE_F1); /* a help overlay on top of b */
    strbuf_reset(&world.log);
    /* its own event reaches a page below; what it replaces itself with stays below */
    c = new_page(&world, "c", &next);
    answer(b, EVENT_JOB, nav_replace(next));
    navigator_event(world.navigator, b, &job);
    heard(&world, "b:job b:free ");
    navigator_event(world.navigator, a, &job);
    navigator_event(world.navigator, b, &job); /* gone: nobody hears it */
    heard(&world, "a:job ");
    ui_key(world.navigator, KEY_CODE_ESC); /* closes the overlay */
    heard(&world, "c:shown ");
    answer(a, EVENT_JOB, nav_pop()); /* the one below goes, the top stays */
    navigator_event(world.navigator, a, &job);
    heard(&world, "a:job a:free ");
    ui_key(world.navigator, 'k');
    heard(&world, "c:key(k) ");
    (void)c;
    end(&world);
}

/* A poll comes in many pieces: what changes nothing is not painted, and says so itself. */
static void not_painted(void **state)
{
    struct world world;
    struct page *a = begin(&world), *b;
    struct event timer = {.type = EVENT_TIMER}, key = {.type = EVENT_KEY, .key = 'x'};

    (void)state;
    navigator_event(world.navigator, a, &timer);
    assert_false(navigator_unseen(world.navigator)); /* a page that says nothing is painted */
    answer(a, EVENT_TIMER, nav_unseen());
    navigator_event(world.navigator, a, &timer);
    assert_true(navigator_unseen(world.navigator));
    answer(a, EVENT_KEY, nav_unseen());
    navigator_event(world.navigator, NULL, &key); /* a key may have taken a notice away */
    assert_false(navigator_unseen(world.navigator));

    b = push(&world, "b");
    navigator_event(world.navigator, a, &timer); /* a lies below: nobody sees it */
    assert_true(navigator_unseen(world.navigator));
    answer(a, EVENT_TIMER, nav_pop());
    navigator_event(world.navigator, a, &timer);
    assert_false(navigator_unseen(world.navigator));
    answer(b, EVENT_TIMER, nav_quit());
    navigator_event(world.navigator, b, &timer);
    assert_false(navigator_unseen(world.navigator));
    end(&world);
}

static void shown_may_go_on(void **state)
{
    struct world world;
    struct page *b;
    struct screen *next;

    (void)state;
    (void)begin(&world);
    strbuf_reset(&world.log);
    b = new_page(&world, "b", &next);
    answer(b, EVENT_SHOWN, nav_pop()); /* has nothing to show */
    navigator_push(world.navigator, next);
    heard(&world, "a:hidden b:shown b:free a:shown ");
    end(&world);
}

static void quitting(void **state)
{
    struct world world;
    struct page *a = begin(&world), *question;
    struct screen *next;

    (void)state;
    (void)push(&world, "b");
    strbuf_reset(&world.log);
    /* b has nothing to say; a, below, asks: its question comes on top */
    question = new_page(&world, "q", &next);
    answer(a, EVENT_QUIT_ASKED, nav_push(next));
    ui_key(world.navigator, KEY_CODE_F10);
    heard(&world, "b:asked a:asked b:hidden q:shown ");
    assert_false(navigator_done(world.navigator));
    answer(question, EVENT_KEY, nav_quit());
    ui_key(world.navigator, 'y');
    assert_true(navigator_done(world.navigator));
    assert_int_equal(navigator_exit_code(world.navigator), 0);
    end(&world);

    a = begin(&world);
    answer(a, EVENT_QUIT_ASKED, nav_not_now());
    ui_key(world.navigator, KEY_CODE_CTRL('q'));
    assert_false(navigator_done(world.navigator));
    ui_key(world.navigator, 'q'); /* named in the bindings */
    assert_true(navigator_done(world.navigator));
    end(&world);

    a = begin(&world);
    a->text_focus = true;
    strbuf_reset(&world.log);
    ui_type(world.navigator, "q?"); /* text is text */
    heard(&world, "a:key(q) a:key(?) ");
    end(&world);
}

static void ctrl_c(void **state)
{
    struct world world;
    struct page *a = begin(&world);

    (void)state;
    ui_key(world.navigator, KEY_CODE_CTRL('c'));
    assert_true(navigator_done(world.navigator));
    assert_int_equal(navigator_exit_code(world.navigator), 130);
    end(&world);

    a = begin(&world);
    answer(a, EVENT_QUIT_ASKED, nav_not_now());
    strbuf_reset(&world.log);
    ui_key(world.navigator, KEY_CODE_CTRL('c'));
    assert_false(navigator_done(world.navigator));
    ui_key(world.navigator, KEY_CODE_CTRL('c')); /* the second one leaves; drafts are kept */
    heard(&world, "a:asked a:stop ");
    assert_true(navigator_done(world.navigator));
    assert_int_equal(navigator_exit_code(world.navigator), 130);
    end(&world);
}

static void paste_rule(void **state)
{
    struct world world;
    struct page *a = begin(&world);

    (void)state;
    strbuf_reset(&world.log);
    ui_paste(world.navigator, "q\303\274x\r");
    heard(&world, "");
    message_is(&world, "[!!] Paste ignored on this screen: 4 characters.");
    ui_key(world.navigator, 'j');
    message_is(&world, "message of a");
    heard(&world, "a:key(j) ");
    assert_false(navigator_takes_text(world.navigator));
    a->text_focus = true;
    assert_true(navigator_takes_text(world.navigator));
    ui_paste(world.navigator, "text");
    heard(&world, "a:paste ");
    end(&world);
}

static void looks(void **state)
{
    struct world world;

    (void)state;
    (void)begin(&world);
    assert_true(ui_shows(world.navigator, "Why: Name"));
    ui_key(world.navigator, KEY_CODE_F8);
    assert_false(ui_shows(world.navigator, "Why: Name"));
    assert_true(navigator_brief(world.navigator));
    ui_key(world.navigator, KEY_CODE_F8);
    assert_true(navigator_theme(world.navigator)->unicode);
    ui_key(world.navigator, KEY_CODE_F9);
    assert_false(navigator_theme(world.navigator)->unicode);
    assert_false(navigator_theme(world.navigator)->colour);
    ui_key(world.navigator, KEY_CODE_F9);
    assert_true(navigator_theme(world.navigator)->colour);
    ui_key(world.navigator, KEY_CODE_CTRL('l'));
    assert_int_equal(world.redraws, 1);
    end(&world);
}

static void suspending(void **state)
{
    struct world world;
    struct page *a = begin(&world);

    (void)state;
    ui_key(world.navigator, KEY_CODE_CTRL('z'));
    assert_int_equal(world.suspends, 1);
    a->no_suspend = true;
    ui_key(world.navigator, KEY_CODE_CTRL('z'));
    assert_int_equal(world.suspends, 1);
    message_is(&world, "[!!] A change is open: pgseal cannot be suspended now.");
    end(&world);
}

static void too_small(void **state)
{
    struct world world;
    struct canvas *small = canvas_new(5, 30, &ui_ascii);

    (void)state;
    (void)begin(&world);
    strbuf_reset(&world.log);
    navigator_draw(world.navigator, small);
    ui_type(world.navigator, "jq?");
    ui_key(world.navigator, KEY_CODE_F2);
    ui_paste(world.navigator, "text");
    heard(&world, "");
    assert_false(navigator_done(world.navigator));
    ui_key(world.navigator, KEY_CODE_CTRL('q'));
    heard(&world, "a:stop "); /* no question that nobody can read */
    assert_true(navigator_done(world.navigator));
    canvas_free(small);
    end(&world);
}

static void help_overlay(void **state)
{
    struct world world;

    (void)state;
    (void)begin(&world);
    strbuf_reset(&world.log);
    ui_key(world.navigator, '?');
    heard(&world, "a:hidden ");
    assert_true(ui_shows(world.navigator, "Help: Name"));
    assert_true(ui_shows(world.navigator, "x        only in the help"));
    assert_true(ui_shows(world.navigator, "Page a"));
    ui_key(world.navigator, KEY_CODE_F1);
    heard(&world, "a:shown ");
    ui_key(world.navigator, KEY_CODE_CTRL('g'));
    ui_key(world.navigator, 'g'); /* words, over the help */
    heard(&world, "a:hidden w:shown ");
    ui_key(world.navigator, KEY_CODE_F3); /* open already */
    heard(&world, "w:free ");
    end(&world);
}

static void commands_overlay(void **state)
{
    struct world world;

    (void)state;
    (void)begin(&world);
    ui_key(world.navigator, KEY_CODE_F2);
    assert_true(ui_shows(world.navigator, "lines 1 to 13 of 40"));
    message_is(&world, "Shown only. Nothing runs from this window.");
    ui_key(world.navigator, KEY_CODE_PAGE_DOWN);
    assert_true(ui_shows(world.navigator, "lines 13 to 25 of 40"));
    ui_key(world.navigator, KEY_CODE_END);
    assert_true(ui_shows(world.navigator, "lines 28 to 40 of 40"));
    ui_type(world.navigator, "/STEP 17");
    message_is(&world, "Find: STEP 17_");
    assert_true(navigator_takes_text(world.navigator));
    ui_key(world.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(world.navigator, "lines 17 to 29 of 40"));
    ui_type(world.navigator, "/nowhere\r");
    message_is(&world, "[!!] \"nowhere\" is not in this text.");
    ui_type(world.navigator, "y");
    assert_int_equal(strncmp(world.copied, "openssl step 1\nopenssl step 2\n", 30), 0);
    world.copy_fails = true;
    ui_type(world.navigator, "y");
    message_is(&world, "[!!] 631 characters are too many for the terminal's clipboard.");
    ui_key(world.navigator, KEY_CODE_CTRL('o'));
    message_is(&world, "message of a");
    (void)push(&world, "b");
    ui_key(world.navigator, KEY_CODE_F2);
    message_is(&world, "This page runs no commands.");
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack),        cmocka_unit_test(pages_below),
        cmocka_unit_test(not_painted),  cmocka_unit_test(shown_may_go_on),
        cmocka_unit_test(quitting),     cmocka_unit_test(ctrl_c),
        cmocka_unit_test(paste_rule),   cmocka_unit_test(looks),
        cmocka_unit_test(suspending),   cmocka_unit_test(too_small),
        cmocka_unit_test(help_overlay), cmocka_unit_test(commands_overlay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
