/*
 * act.h - a page that does one thing to the store: questions, review, work, result.
 *
 * Shape    an act is a table of functions over its own data: steps with a form each, a review made of
 *          lines, one run. The page does the rest: jobs, the CA's passphrase, what went wrong, keys.
 * Order    load (job) -> step 0 .. n-1: build, check, take, look (job) -> review -> run (job) -> result.
 *          Nothing is written before run. Without steps it begins with the review, without a review
 *          the last step's button runs it. A step without build is only read.
 * Data     belongs to the page; while a job works with it, to the job: no other function is called then.
 *          Jobs open their own store; they talk with the page by the functions below.
 * Errors   of load: shown, and that is all. Of look and run: shown, then back to the answers, which are
 *          kept. ERR_PASSPHRASE of a run: back to the passphrase.
 */
#ifndef PGSEAL_SCREENS_ACT_H
#define PGSEAL_SCREENS_ACT_H

#include "screens/app.h"
#include "screens/lines.h"
#include "tui/form.h"
#include "tui/screen.h"

#define ACT_LOCKS 4 /* CAs that one act opens */

struct act_job; /* a job that works with the data */

const char *act_store_folder(const struct act_job *job);
/* The CA passphrase from the review; NULL: it was not asked for. Borrowed. */
const struct secret *act_passphrase(const struct act_job *job);
/* For the core's "cancelled": arg is the struct act_job. */
bool act_stopped(void *arg);
void act_progress(struct act_job *job, size_t done, size_t total);
/* A line under the progress bar. One with MARK_BUSY is replaced by the next. */
void act_tell(struct act_job *job, enum mark mark, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Asks the person for a secret and waits. NULL: was not given, or it is stopped. Caller frees. */
struct secret *act_ask(struct act_job *job, const char *what, bool was_wrong) MUST_CHECK;
/* Where ops->locked_more names further CAs: 0 is that of ops->locked. NULL beyond them. */
const struct secret *act_passphrase_of(const struct act_job *job, size_t i);
/* ERR_PASSPHRASE is about this one. */
void act_passphrase_is_wrong(struct act_job *job, size_t i);

struct act_step {
    const char *name; /* N_(): "Request" */
    /* Adds fields; called each time the step is entered from before. The form's arg is data. NULL:
     * ops->show fills lines to be read, and check, take and look are NULL. */
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
    const char *sure; /* N_(): that of the question behind it; NULL: go */
    const char *stop; /* N_(): what Esc does while it runs; NULL: it cannot be stopped */
    const struct act_step *steps;
    size_t n_steps;
    bool (*load)(void *data, struct act_job *job, struct err *err); /* in a job; may be NULL */
    void (*show)(const void *data, struct lines *lines);            /* of the step without build */
    /* True: there is nothing to be read in that step now, and it is passed over. May be NULL. */
    bool (*shows_nothing)(const void *data);
    /* What will be done. NULL: there is no review. */
    void (*review)(const void *data, struct form *form);
    /* The CA whose passphrase is needed, or NULL. May be NULL. */
    const char *(*locked)(const void *data);
    /* The further ones: i from 1 on, NULL at the end, at most ACT_LOCKS. May be NULL. */
    const char *(*locked_more)(const void *data, size_t i);
    /* Severe: what must be typed; the question is added to out. "": a plain question, whose default is
     * No. May be NULL. */
    const char *(*severe)(const void *data, struct strbuf *out);
    bool (*run)(void *data, struct act_job *job, struct err *err); /* in a job */
    void (*result)(const void *data, struct lines *lines);
    /* True: the result says what is missing, and it is not called done. May be NULL. */
    bool (*is_partly)(const void *data);
    /* In place of a result: the page that comes then; NULL: the one below. May be NULL. */
    struct screen *(*next)(const void *data, struct app *app);
    const char *(*copy)(const void *data); /* what y copies from the result; may be NULL */
    /* form NULL: at the review or later. */
    void (*commands)(const void *data, const struct form *form, struct strbuf *out);
    void (*keep)(const void *data, const struct form *form, struct app *app); /* or NULL */
    void (*free)(void *data);
};

/* data is the page's from now on. */
struct screen *act_page(struct app *app, const struct act_ops *ops, void *data) MUST_CHECK;

#endif
