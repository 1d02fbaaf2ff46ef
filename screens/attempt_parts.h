/*
 * attempt_parts.h - what attempt*.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ATTEMPT_PARTS_H
#define PGSEAL_SCREENS_ATTEMPT_PARTS_H

#include <pthread.h>

#include "screens/attempt.h"

#define ATTEMPT_FOREVER INT64_MAX

enum attempt_answer { ATTEMPT_NO_ANSWER, ATTEMPT_YES, ATTEMPT_NO };

struct attempt {
    /* fixed before the job starts */
    char *store_folder, *server, *log_folder; /* log_folder NULL: no files */
    int keep_seconds;
    bool by_hand; /* only the text is wanted */
    struct attempt_intent intent;
    void *data;
    int64_t plan_id; /* of the journal: taken back, or kept; 0: a new change */
    struct secret
        *passphrase; /* the job's: of the CA passphrase_of, for the next member; or NULL */
    char *passphrase_of;
    bool member_ended; /* the job's: this log is of a member whose part is over, so */
    enum attempt_end member_end;
    char *log_name; /* the job's; NULL: no log was written yet */

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

struct attempt_run { /* one job, on its own thread */
    struct job *job;
    struct attempt *attempt;
    struct store *store;
    struct server *server;
    struct conn *admin;
    struct secret *password;
    char *tls_host;
    struct plan_target target;
    struct plan *plan;
    const struct fleet *fleet; /* of which it is one member; or NULL */
    struct plan_watch watch;
};

/* ---- attempt_view.c ---- */
void attempt_drop(struct attempt *attempt);           /* a hold ends */
void attempt_set_text(char **text, const char *with); /* owned: the old one is freed */
void attempt_step_clear(struct attempt_step *step);
void attempt_step_take(struct attempt_step *to, const struct plan_step_view *from); /* copies */

/* ---- attempt_job.c ---- */
extern const struct job_ops attempt_job_ops;

/* ---- attempt_talk.c ---- */
/* What the plan says of itself goes to the page, and the page's stop to the plan. */
struct plan_watch attempt_run_watch(struct attempt_run *run);
void attempt_run_go(struct attempt_run *run, enum attempt_phase phase);
/* clock_mono_ms() or ATTEMPT_FOREVER; ATTEMPT_NO_ANSWER: the time was over. A stop is a "no". */
enum attempt_answer attempt_run_wait(struct attempt_run *run, int64_t until_ms);
bool attempt_run_stopped(struct attempt_run *run);
struct attempt_view *attempt_run_lock(struct attempt_run *run);
void attempt_run_unlock(struct attempt_run *run); /* and the page is told */
/* Until the page says something; under the lock. False: the time was over. */
bool attempt_wait_heard(struct attempt *attempt, int64_t until_ms);
enum attempt_end attempt_end_of(enum journal_plan_state state);

/* ---- attempt_run.c ---- */
/* From the plan to its end, on run->target. */
enum attempt_end attempt_run_new(struct attempt_run *run, struct err *err);

/* ---- attempt_login.c ---- */

/* To run->server; asks the page for a password where it must: run->admin, run->password. */
bool attempt_run_log_in(struct attempt_run *run, struct err *err) MUST_CHECK;

/* ---- attempt_journal.c ---- */

/* The plan attempt->plan_id, from its review to its end. */
enum attempt_end attempt_run_journalled(struct attempt_run *run, struct err *err);

/* ---- attempt_members.c ---- */

/* True when the change is for each member of the cluster that run->server is in; what is for one server
 * alone (a request) is for the chosen one. */
bool attempt_has_members(const struct attempt_run *run);
/* Standbys first, the primary last; each with its own review, proof and "keep". Ends at the first that is
 * not kept, and asks whether those before it go back, too. By hand: the text for each. */
enum attempt_end attempt_run_members(struct attempt_run *run, struct err *err);

/* ---- attempt_log.c ---- */

/* "20:15:31  text", cleaned, at the end of the view's log; the caller holds the lock. */
void attempt_log_line(struct attempt_view *view, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The lines of the script that belong to a step; "" when there are none. Caller frees. */
char *attempt_script_part(const char *script, size_t step) MUST_CHECK;
/* Writes both files (anew); their names go into the view, "" for what could not be written. On the
 * job's thread, without the lock. */
void attempt_log_save(struct attempt *attempt);

#endif
