/* page_box.c - a page with a real store, a real loop and no terminal. */
#include "config.h"

#include "tests/harness/page_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/word_list.h"
#include "screens/pages.h"
#include "tui/utf8.h"

#define WAIT_MS 120000 /* for what comes: a loaded machine with sanitizers */

static void deliver(void *arg, void *owner, const struct event *event)
{
    struct page_box *box = arg;

    if (owner == box) {
        box->late = true;
        loop_stop(box->loop);
        return;
    }
    navigator_event(box->navigator, owner, event);
}

static void look(void *arg)
{
    struct page_box *box = arg;

    if (box->wanted && ui_shows(box->navigator, box->wanted)) {
        box->seen = true;
        loop_stop(box->loop);
    }
}

static struct screen *words(void *arg, const char *word)
{
    (void)arg;
    return page_words(word);
}

void page_box_open(struct page_box *box, const char *server, const char *store_folder,
                   const struct theme *theme)
{
    struct err err = ERR_INIT;

    memset(box, 0, sizeof(*box));
    box_open(&box->box);
    assert_int_equal(setenv("HOME", store_folder == NULL ? box->box.folder : "/home/ops", 1), 0);
    assert_int_equal(chdir(store_folder == NULL ? box->box.folder : "/"), 0);
    box->app = app_new(&(struct app_options){
        .store_folder = store_folder != NULL ? store_folder : box->box.store_folder,
        .server = server});
    box->navigator =
        navigator_new(&(struct navigator_options){.theme = *theme, .words = words, .arg = box});
    box->loop = loop_new(deliver, box, &err);
    if (!box->loop)
        fail_msg("%s", err.msg);
    loop_before_wait(box->loop, look, box);
    app_set_loop(box->app, box->loop);
    navigator_set_loop(box->navigator, box->loop);
}

void page_box_close(struct page_box *box)
{
    navigator_free(box->navigator);
    assert_true(loop_drain(box->loop, WAIT_MS));
    loop_free(box->loop);
    app_free(box->app);
    assert_int_equal(chdir("/"), 0);
    box_close(&box->box);
}

void page_box_wait(struct page_box *box, const char *text)
{
    struct timer *timer = timer_start(box->loop, box, WAIT_MS, 0);
    struct err err = ERR_INIT;

    box->wanted = text;
    box->seen = box->late = false;
    if (!loop_run(box->loop, &err))
        fail_msg("%s", err.msg);
    timer_stop(timer);
    box->wanted = NULL;
    if (!box->seen) {
        struct canvas *canvas = canvas_new(24, 80, navigator_theme(box->navigator));
        struct strbuf shown = STRBUF_INIT;

        navigator_draw(box->navigator, canvas);
        canvas_to_text(canvas, &shown);
        fail_msg("never showed \"%s\", but\n%s", text, shown.data);
    }
}

void page_box_keys(struct page_box *box, uint32_t key, int times)
{
    for (int i = 0; i < times; i++)
        ui_key(box->navigator, key);
}

static int wrapped_rows(const char *text, int width)
{
    int rows = 0;

    while (*text) {
        size_t next;

        (void)utf8_wrap(text, width, &next);
        text += next;
        rows++;
    }
    return rows;
}

void page_box_check_texts(struct page_box *box, const struct screen *page, int tabs)
{
    for (int i = 0; i < tabs; i++) {
        struct frame frame;
        size_t n_words;

        (void)word_list(&n_words);
        screen_frame(page, &frame);
        if (wrapped_rows(frame.why, 76) > 3)
            fail_msg("the Why text of \"%s\" is too long: %s", frame.why_title, frame.why);
        if (frame.text_focus && (!frame.help || !frame.help[0]))
            fail_msg("\"%s\" has no help", frame.why_title);
        if (frame.word && word_find(frame.word) == n_words)
            fail_msg("the word \"%s\" of \"%s\" is not explained", frame.word, frame.why_title);
        ui_key(box->navigator, KEY_CODE_TAB);
    }
}
