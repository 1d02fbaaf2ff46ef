/*
 * act.h - a page that does one thing to the store: questions, review, work, result.
 *
 * Shape    an act is a table of functions over its own data: steps with a form each, a review made of
 *          lines, one run. The page does the rest: jobs, the CA's passphrase, what went wrong, keys.
 * Order    load (job) -> step 0 .. n-1: build, check, take, look (job) -> review -> run (job) -> result.
 *          Nothing is written before run. Without steps it begins with the review, without a review
 *          the last step's button runs it.
 * Data     belongs to the page; while a job works with it, to the job: no other function is called then.
 *          Jobs open their own store, and hear from the page by act_stopped() only.
 * Errors   of load: shown, and that is all. Of look and run: shown, then back to the answers, which are
 *          kept. ERR_PASSPHRASE of a run: back to the passphrase.
 */
#ifndef PGSEAL_SCREENS_ACT_H
#define PGSEAL_SCREENS_ACT_H

#include "screens/app.h"
#include "screens/lines.h"
#include "tui/form.h"
#include "tui/screen.h"

struct act_job; /* a job that works with the data */

const char *act_store_folder(const struct act_job *job);
/* The CA passphrase from the review; NULL: it was not asked for. Borrowed. */
const struct secret *act_passphrase(const struct act_job *job);
/* For the core's "cancelled": arg is the struct act_job. */
bool act_stopped(void *arg);
void act_progress(struct act_job *job, size_t done, size_t total);

struct act_step {
    const char *name; /* N_(): "Request" */
    /* Adds fields; called each time the step is entered from before. The form's arg is data. */
    void (*build)(void *data, struct form *form);
    form_check *check; /* may be NULL */
    /* The answers into data; only when all are good. */
    void (*take)(void *data, const struct form *form);
    bool (*look)(void *data, struct act_job *job, struct err *err); /* in a job; may be NULL */
};

struct act_ops {
    const char *name;  /* "renew": of the screen */
    const char *title; /* N_() */
    const char *where; /* N_(): "Certificates > Renew" */
    const char *word;
    const char *why;  /* N_(): where no field has one; at most 3 x 76 columns */
    const char *go;   /* N_(): the review's button: "Renew" */
    const char *stop; /* N_(): what Esc does while it runs; NULL: it cannot be stopped */
    const struct act_step *steps;
    size_t n_steps;
    bool (*load)(void *data, struct act_job *job, struct err *err); /* in a job; may be NULL */
    /* What will be done. NULL: there is no review. */
    void (*review)(const void *data, struct form *form);
    /* The CA whose passphrase is needed, or NULL. May be NULL. */
    const char *(*locked)(const void *data);
    /* Severe: what must be typed; the question is added to out. May be NULL. */
    const char *(*severe)(const void *data, struct strbuf *out);
    bool (*run)(void *data, struct act_job *job, struct err *err); /* in a job */
    void (*result)(const void *data, struct lines *lines);
    const char *(*copy)(const void *data); /* what y copies from the result; may be NULL */
    /* form NULL: at the review or later. */
    void (*commands)(const void *data, const struct form *form, struct strbuf *out);
    void (*keep)(const void *data, const struct form *form, struct app *app); /* or NULL */
    void (*free)(void *data);
};

/* data is the page's from now on. */
struct screen *act_page(struct app *app, const struct act_ops *ops, void *data) MUST_CHECK;

#endif
