/*
 * plan_parts.h - what plan_page.c, plan_review.c, plan_draw.c and plan_frame.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_PLAN_PARTS_H
#define PGSEAL_SCREENS_PLAN_PARTS_H

#include "screens/plan_page.h"
#include "screens/text_save.h"
#include "tui/button_row.h"
#include "tui/dialog.h"
#include "tui/form.h"
#include "tui/menu.h"
#include "tui/progress.h"

struct plan_page {
    struct app *app;
    const struct plan_page_spec *spec; /* borrowed */
    void *data;                        /* of the intent; NULL: a plan of the journal */
    char *server;
    int64_t plan_id;
    bool by_hand; /* no change: the text to paste is wanted */
    bool keep;    /* that plan is kept; else it is taken back */

    struct attempt *attempt;
    struct attempt_view view;
    int64_t started_ms;        /* of applying */
    size_t at;                 /* review: a step, or view.n_steps: the buttons */
    struct button_row buttons; /* review, keep, result */
    struct dialog *question;
    struct text_save *save; /* the plan is being saved; or NULL */
    struct form *secret;    /* ATTEMPT_ASKING */
    int secret_field;
    struct progress *progress;
    struct menu *help; /* the error page's */
    struct timer *tick;
    char message[160];
    enum mark message_mark;
};

enum plan_help {
    PLAN_HELP_BY_HAND,
    PLAN_HELP_AGAIN,
    PLAN_HELP_UNDO,
    PLAN_HELP_BACK,
    PLAN_HELP_LOG,
    PLAN_HELP_HOME
};

/* The error page is shown: it ended with an error that a person should read. */
static inline bool plan_has_failed(const struct attempt_view *view)
{
    return view->phase == ATTEMPT_ENDED && view->err.code != ERR_NONE &&
           view->err.code != ERR_CANCELLED;
}

void plan_review_enter(struct plan_page *self);
struct nav plan_review_key(struct plan_page *self, uint32_t key);
struct nav plan_review_save_event(struct plan_page *self, const struct event *event);
bool plan_step_has_effect(const struct attempt_step *step); /* there is more to say of it */
const char *plan_end_text(const struct attempt_view *view);
void plan_draw(const void *arg, struct canvas *body);
void plan_frame(const void *arg, struct frame *ret);

#endif
