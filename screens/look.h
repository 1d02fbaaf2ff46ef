/*
 * look.h - the common part of pages that look at the chosen server and show what they found as a table.
 *
 * Shape    one job at a time, started by the page and again by F5; the administrator's password where
 *          the job needs it; a table with its filter; q and Esc. The page draws what it found.
 * Use      part of the page. The page's event gives it what is not its own, its draw and frame ask it
 *          first: while a password is asked for, the question is all there is.
 */
#ifndef PGSEAL_SCREENS_LOOK_H
#define PGSEAL_SCREENS_LOOK_H

#include "core/base/secret.h"
#include "screens/app.h"
#include "tui/screen.h"
#include "tui/table.h"

struct password_ask;

struct look_ops {
    /* The page is the job's owner. password: taken; or NULL. */
    struct job *(*start)(void *page, struct secret *password);
    /* Takes the job's result. True: it wants the password. */
    bool (*ended)(void *page, struct job *job);
    /* A key that is no text of the filter. False: it means nothing special here. */
    bool (*key)(void *page, uint32_t key, struct nav *ret);
};

struct look {
    struct app *app;
    void *page;
    const struct look_ops *ops;
    struct table *table;
    struct job *job;               /* NULL: none at work */
    struct password_ask *password; /* NULL: not asked for */
};

/* table: taken. */
void look_init(struct look *look, struct app *app, void *page, const struct look_ops *ops,
               struct table *table);
void look_clear(struct look *look);
/* Nothing while one is at work. password: taken; or NULL. */
void look_start(struct look *look, struct secret *password);
struct nav look_event(struct look *look, const struct event *event);
/* True: a password is asked for, and that was drawn. */
bool look_draws(const struct look *look, struct canvas *body);
/* The same for the frame; else its focus is set. */
bool look_frames(const struct look *look, struct frame *ret);

#endif
