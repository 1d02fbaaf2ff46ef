/*
 * attempt_parts.h - what attempt.c, attempt_run.c and attempt_log.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ATTEMPT_PARTS_H
#define PGSEAL_SCREENS_ATTEMPT_PARTS_H

#include <pthread.h>

#include "screens/attempt.h"

enum attempt_answer { ATTEMPT_NO_ANSWER, ATTEMPT_YES, ATTEMPT_NO };

struct attempt {
    /* fixed before the job starts */
    char *store_folder, *server, *log_folder; /* log_folder NULL: no files */
    int keep_seconds;
    bool by_hand; /* only the text is wanted */
    struct attempt_intent intent;
    void *data;
    int64_t plan_id; /* of the journal: taken back, or kept; 0: a new change */
    char *log_name;  /* the job's; NULL: no log was written yet */

    struct job *job; /* the page's; NULL when it has ended */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t heard; /* the page said something */
    int holds;            /* page and job: the last one frees */
    struct attempt_view view;
    enum attempt_answer answer;
    struct secret *secret;       /* given, not taken yet */
    enum attempt_phase asked_in; /* ATTEMPT_ASKING: where the job goes on */
    bool stop;                   /* attempt_stop(), or the page is gone */
};

/* ---- attempt.c ---- */
void attempt_drop(struct attempt *attempt); /* a hold ends */
void attempt_step_clear(struct attempt_step *step);

/* ---- attempt_run.c ---- */
extern const struct job_ops attempt_job_ops;

/* ---- attempt_log.c ---- */

/* "20:15:31  text", cleaned, at the end of the view's log; the caller holds the lock. */
void attempt_log_line(struct attempt_view *view, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The lines of the script that belong to a step; "" when there are none. Caller frees. */
char *attempt_script_part(const char *script, size_t step) MUST_CHECK;
/* Writes both files (anew); their names go into the view, "" for what could not be written. On the
 * job's thread, without the lock. */
void attempt_log_save(struct attempt *attempt);

#endif
