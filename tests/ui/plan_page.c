/* plan_page.c - the page of a change, in each of its phases: pictures of made-up views. What real
 * changes do on it is in tests/pg/plan_pages.c. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "screens/plan_parts.h"
#include "tests/harness/page_box.h"

static const struct plan_page_spec spec = {
    .title = "Give a server the CA",
    .path = "Server CA",
    .next = "Next step: make a certificate for a role, then require certificates.",
    .word = "CA",
};

static const struct {
    enum plan_mark mark;
    const char *title, *effect;
} steps[] = {
    {PLAN_NEW, "file pgseal-crl-4ba93151a6d9.crl: new, 0644, 402 bytes", ""},
    {PLAN_NEW, "file pgseal-ca-9020053fc735.crt: new, 0644, 546 bytes", ""},
    {PLAN_CHANGE, "ssl_crl_file: '' -> 'pgseal-crl-4ba93151a6d9.crl'", ""},
    {PLAN_CHANGE, "ssl_ca_file: '' -> 'pgseal-ca-9020053fc735.crt'",
     "the server asks every TLS client for a certificate from now on"},
    {PLAN_ACT, "reload", "sessions stay open"},
    {PLAN_LOOK, "handshake: the server names exactly these CAs", ""},
    {PLAN_LOOK, "handshakes: the canaries of \"Acme PG Root\", good and revoked", ""},
    {PLAN_LOOK, "a new admin login", ""},
};

struct picture {
    struct page_box box;
    struct plan_page page;
};

static struct nav no_event(void *self, const struct event *event)
{
    (void)self;
    (void)event;
    return nav_stay();
}

static const struct screen_ops ops = {
    .name = "plan", .event = no_event, .draw = plan_draw, .frame = plan_frame};

static void log_line(struct attempt_view *view, const char *text)
{
    view->log = mem_realloc_array(view->log, view->n_log + 1, sizeof(*view->log));
    view->log[view->n_log++] = mem_strdup(text);
}

/* The first done steps are done, and the next one is being done. */
static void set_progress(struct picture *picture, size_t done, bool busy)
{
    struct attempt_view *view = &picture->page.view;

    progress_free(picture->page.progress);
    picture->page.progress = progress_new();
    for (size_t i = 0; i < view->n_steps; i++) {
        view->steps[i].state = i < done            ? JOURNAL_STEP_DONE
                               : i == done && busy ? JOURNAL_STEP_DOING
                                                   : JOURNAL_STEP_OPEN;
        progress_add(picture->page.progress, view->steps[i].title);
        if (i < done)
            progress_set(picture->page.progress, i, MARK_OK, "0.1 s");
        else if (i == done && busy)
            progress_set(picture->page.progress, i, MARK_BUSY, "2.3 s");
    }
    for (size_t i = 0; i < view->n_log; i++)
        progress_log(picture->page.progress, view->log[i]);
}

static void open_picture(struct picture *picture, enum attempt_phase phase)
{
    struct attempt_view *view = &picture->page.view;

    memset(picture, 0, sizeof(*picture));
    page_box_open(&picture->box, "db1", "/home/ops/.local/share/pgseal", &ui_ascii);
    picture->page.app = picture->box.app;
    picture->page.spec = &spec;
    picture->page.started_ms = clock_mono_ms() - 7100;
    *view = (struct attempt_view){.phase = phase,
                                  .server_version = 150018,
                                  .sessions_before = 14,
                                  .sessions_after = 14,
                                  .err = ERR_INIT};
    view->title = mem_strdup("give server \"db1\" its CAs");
    view->server = mem_strdup("db1");
    view->where = mem_strdup("127.0.0.1:5432");
    view->wants = mem_strdup("");
    view->script = mem_strdup("");
    view->log_file = mem_strdup("/home/ops/.local/state/pgseal/log/2026-11-21-db1-plan-3.log");
    view->script_file = mem_strdup("/home/ops/.local/state/pgseal/log/2026-11-21-db1-plan-3.sh");
    view->plan_id = 3;
    view->n_steps = ARRAY_LEN(steps);
    view->steps = mem_array(ARRAY_LEN(steps), sizeof(*view->steps));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        view->steps[i] = (struct attempt_step){.mark = steps[i].mark,
                                               .title = mem_strdup(steps[i].title),
                                               .effect = mem_strdup(steps[i].effect),
                                               .details = mem_strdup(""),
                                               .saw = mem_strdup("")};
    set_progress(picture, 0, false);
    button_row_init(&picture->page.buttons);
}

static void take(struct picture *picture, const char *name)
{
    struct screen screen = {&ops, &picture->page};

    ui_check_screen(&screen, 24, 80, &ui_ascii, name);
}

static void close_picture(struct picture *picture)
{
    attempt_view_clear(&picture->page.view);
    progress_free(picture->page.progress);
    dialog_free(picture->page.question);
    menu_free(picture->page.help);
    page_box_close(&picture->box);
}

static void busy(void **state)
{
    struct picture picture;

    (void)state;
    open_picture(&picture, ATTEMPT_CONNECTING);
    picture.page.view.server_version = 0;
    take(&picture, "plan-busy");
    close_picture(&picture);
}

static void review(void **state)
{
    struct picture picture;
    struct screen screen = {&ops, &picture.page};

    (void)state;
    open_picture(&picture, ATTEMPT_REVIEW);
    button_row_add(&picture.page.buttons, "Apply...");
    button_row_add(&picture.page.buttons, "Back");
    picture.page.at = ARRAY_LEN(steps);
    take(&picture, "plan-review");
    picture.page.at = 3;
    picture.page.view.refused = mem_array(1, sizeof(char *));
    picture.page.view.refused[picture.page.view.n_refused++] =
        mem_strdup("\"alice\" in database \"app\" from 10.0.0.17, pid 2101: no TLS");
    take(&picture, "plan-review-step");
    ui_check_screen(&screen, 40, 120, &ui_colour, "plan-review-120x40");
    close_picture(&picture);
}

/* More steps than rows: the one with the cursor is seen. */
static void review_scrolls(void **state)
{
    struct picture picture;
    struct attempt_view *view = &picture.page.view;

    (void)state;
    open_picture(&picture, ATTEMPT_REVIEW);
    button_row_add(&picture.page.buttons, "Apply...");
    view->steps = mem_realloc_array(view->steps, 20, sizeof(*view->steps));
    for (size_t i = view->n_steps; i < 20; i++)
        view->steps[i] = (struct attempt_step){.mark = PLAN_LOOK,
                                               .title = mem_printf("login number %zu", i),
                                               .effect = mem_strdup("only looks"),
                                               .details = mem_strdup(""),
                                               .saw = mem_strdup("")};
    view->n_steps = 20;
    picture.page.at = 15;
    take(&picture, "plan-review-scrolled");
    close_picture(&picture);
}

static void applying(void **state)
{
    struct picture picture;

    (void)state;
    open_picture(&picture, ATTEMPT_APPLYING);
    log_line(&picture.page.view, "20:15:31   4  done: ssl_ca_file: '' -> '...'");
    log_line(&picture.page.view, "20:15:31   5  done: reload");
    set_progress(&picture, 5, true);
    take(&picture, "plan-applying");
    picture.page.view.stopping = true;
    take(&picture, "plan-stopping");
    close_picture(&picture);
}

static void keep(void **state)
{
    struct picture picture;

    (void)state;
    open_picture(&picture, ATTEMPT_KEEP);
    button_row_add(&picture.page.buttons, "Keep the change");
    button_row_add(&picture.page.buttons, "Undo now");
    set_progress(&picture, ARRAY_LEN(steps), false);
    picture.page.view.deadline_ms = clock_mono_ms() + 106900;
    take(&picture, "plan-keep");
    close_picture(&picture);
}

/* A member of a cluster has not got it, and the one before it has. */
static void members_differ(void **state)
{
    struct picture picture;
    struct attempt_view *view = &picture.page.view;

    (void)state;
    open_picture(&picture, ATTEMPT_OTHERS);
    set_progress(&picture, 6, true);
    view->member = view->n_members = 2;
    view->n_kept = 1;
    view->results = mem_array(2, sizeof(*view->results));
    view->results[view->n_results++] = mem_strdup("db2 (standby): kept");
    view->results[view->n_results++] = mem_strdup("db1 (primary): taken back");
    err_set(&view->err, ERR_PROOF,
            "the revoked canary of \"Acme PG Root\" got in: the list is not loaded");
    button_row_add(&picture.page.buttons, "Take it back on them, too");
    button_row_add(&picture.page.buttons, "Leave it so");
    take(&picture, "plan-others");
    view->phase = ATTEMPT_ENDED;
    view->end = ATTEMPT_END_PARTLY;
    view->err = (struct err)ERR_INIT;
    button_row_init(&picture.page.buttons);
    button_row_add(&picture.page.buttons, "Go on");
    button_row_add(&picture.page.buttons, "Show the log");
    take(&picture, "plan-partly");
    close_picture(&picture);
}

static void ends(void **state)
{
    struct picture picture;
    struct attempt_view *view = &picture.page.view;

    (void)state;
    open_picture(&picture, ATTEMPT_ENDED);
    button_row_add(&picture.page.buttons, "Go on");
    button_row_add(&picture.page.buttons, "Show the log");
    set_progress(&picture, ARRAY_LEN(steps), false);
    view->end = ATTEMPT_END_KEPT;
    take(&picture, "plan-kept");
    view->end = ATTEMPT_END_UNDONE;
    view->timed_out = true;
    take(&picture, "plan-timed-out");
    view->end = ATTEMPT_END_NOTHING;
    take(&picture, "plan-nothing-to-do");
    close_picture(&picture);
}

static void fails(void **state)
{
    static const struct menu_item items[] = {
        {'1', "Try again: the server is read anew", PLAN_HELP_AGAIN},
        {'5', "Home", PLAN_HELP_HOME},
    };
    struct picture picture;
    struct attempt_view *view = &picture.page.view;

    (void)state;
    open_picture(&picture, ATTEMPT_ENDED);
    picture.page.help = menu_new(items, ARRAY_LEN(items));
    set_progress(&picture, 6, false);
    view->steps[6].state = JOURNAL_STEP_FAILED;
    view->end = ATTEMPT_END_UNDONE;
    err_set(&view->err, ERR_PROOF, "the revoked canary of \"Acme PG Root\" got in");
    err_cause(&view->err, "The list of revoked certificates was not loaded.");
    err_state(&view->err, "Everything was taken back: server \"db1\" is as it was before.");
    take(&picture, "plan-error");
    close_picture(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(busy),           cmocka_unit_test(review),
        cmocka_unit_test(review_scrolls), cmocka_unit_test(applying),
        cmocka_unit_test(keep),           cmocka_unit_test(ends),
        cmocka_unit_test(fails),          cmocka_unit_test(members_differ),
    };

    return cmocka_run_group_tests_name("plan page", tests, NULL, NULL);
}
