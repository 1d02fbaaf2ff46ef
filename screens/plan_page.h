/*
 * plan_page.h - the page that every change to a server goes through: review, question, progress, keep
 * or undo, result or error.
 *
 * End      when the change is over (kept, taken back, nothing to do) the page says so to the app
 *          (app_set_done()) and goes; the page below that asked for it goes too (app_take_done()).
 */
#ifndef PGSEAL_SCREENS_PLAN_PAGE_H
#define PGSEAL_SCREENS_PLAN_PAGE_H

#include "screens/attempt.h"
#include "tui/screen.h"

struct plan_page_spec {
    const char *title; /* N_(): "Give a server the CA" */
    const char *path;  /* N_(): "Server CA" */
    const char *next;  /* N_(): what comes after it is kept, a sentence; or NULL */
    const char *word;  /* for F3 */
    const struct attempt_intent *intent;
    /* what "r" shows where somebody could not come back; or NULL: a list */
    struct screen *(*who)(struct app *app, const void *data);
};

/* spec is borrowed for good (static); data is taken. */
struct screen *page_plan(struct app *app, const struct plan_page_spec *spec, void *data) MUST_CHECK;
/* A plan of the journal, kept or open, is taken back; or one that was proven is kept. */
struct screen *page_plan_undo(struct app *app, const char *server, int64_t plan_id) MUST_CHECK;
struct screen *page_plan_keep(struct app *app, const char *server, int64_t plan_id) MUST_CHECK;

#endif
