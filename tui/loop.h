/*
 * loop.h - one event loop: terminal, jobs on a worker pool, timers, watched descriptors, signals.
 *
 * Source   libuv (the only file that includes <uv.h> is loop.c). The pool has 16 threads.
 * Rules    everything here is called on the loop's thread but job_cancelled() and job_progress(),
 *          which a job calls on its own. Nothing on the loop's thread may take 10 ms.
 * Jobs     own their data: start() takes it; when the job ended, EVENT_JOB is delivered to its
 *          owner and job_take() hands the data over; a cancelled or ownerless job frees it itself.
 * Owner    an opaque pointer: the page's self (what screen_new() got). loop_forget(owner) cancels
 *          and stops all that is its own; the navigator does so after a page was freed.
 * Life     a timer and a watch are valid until they are stopped (also a timer that went off) or
 *          forgotten; job_cancel() and job_take() end the page's hold on a job.
 * Threads  a job that never looks at job_cancelled() holds loop_free() up until it ends.
 * Errors   ERR_INTERNAL with libuv's word, at the start only.
 */
#ifndef PGSEAL_TUI_LOOP_H
#define PGSEAL_TUI_LOOP_H

#include "core/base/attr.h"
#include "core/base/err.h"
#include "tui/event.h"

struct loop;

enum loop_ready { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_deliver(void *arg, void *owner, const struct event *event);

struct loop *loop_new(loop_deliver *deliver, void *arg, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop);
/* Runs until loop_stop(). */
bool loop_run(struct loop *loop, struct err *err) MUST_CHECK;
void loop_stop(struct loop *loop);
void loop_forget(struct loop *loop, void *owner);

/* Called whenever the loop is about to wait: the place to draw what the last events changed. */
void loop_before_wait(struct loop *loop, void (*before_wait)(void *arg), void *arg);
/* From now on these signals come to on_signal(), on the loop's thread. */
bool loop_signals(struct loop *loop, const int *signals, size_t n,
                  void (*on_signal)(void *arg, int signal), void *arg, struct err *err) MUST_CHECK;
/* Jobs that were started and not cancelled, and whose EVENT_JOB was not delivered yet. */
size_t loop_jobs(const struct loop *loop);
/* Cancels and stops everything and waits for the running jobs; false when they take longer. */
bool loop_drain(struct loop *loop, int64_t timeout_ms) MUST_CHECK;

struct job_ops {
    const char *name;
    void (*run)(struct job *job, void *data); /* on a pool thread */
    void (*free)(void *data);
};
struct job *job_start(struct loop *loop, void *owner, const struct job_ops *ops,
                      void *data) MUST_CHECK;
void job_cancel(
    struct job *job); /* no event comes any more; data is freed when it ended; NULL ok */
bool job_cancelled(const struct job *job); /* in run(): stop soon */
void job_progress(struct job *job, unsigned done, unsigned total, const char *text); /* in run() */
void *job_take(struct job *job); /* in EVENT_JOB: the data is the page's now; the job is gone */

struct timer *timer_start(struct loop *loop, void *owner, int64_t after_ms,
                          int64_t repeat_ms) MUST_CHECK;
void timer_stop(struct timer *timer); /* NULL is fine */

/* Sets O_NONBLOCK on fd. NULL where fd cannot be polled (a regular file) or is watched already. An
 * error on fd makes it ready for both: reading or writing tells which. Stop it BEFORE fd is closed. */
struct watch *watch_start(struct loop *loop, void *owner, int fd, unsigned ready) MUST_CHECK;
void watch_change(struct watch *watch, unsigned ready);
void watch_stop(struct watch *watch); /* NULL is fine */

#endif
