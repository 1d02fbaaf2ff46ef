#include "config.h"

#include "tui/loop.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define POOL_THREADS  "16"
#define PROGRESS_TEXT 160

struct job {
    uv_work_t work;
    struct loop *loop;
    void *owner;
    const struct job_ops *ops;
    void *data;
    atomic_bool cancelled;
    bool has_progress; /* this and the next three under loop->lock */
    unsigned done, total;
    char text[PROGRESS_TEXT];
    struct job *next, *prev;
};

struct timer {
    uv_timer_t handle;
    struct loop *loop;
    void *owner;
    struct timer *next, *prev;
};

struct watch {
    uv_poll_t handle;
    struct loop *loop;
    void *owner;
    unsigned ready;
    struct watch *next, *prev;
};

struct signal_watch {
    uv_signal_t handle;
    struct loop *loop;
    void (*on_signal)(void *arg, int signal);
    void *arg;
    struct signal_watch *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t progress; /* wakes the loop when a job has something to tell */
    uv_prepare_t prepare;
    uv_mutex_t lock;
    loop_deliver *deliver;
    void *arg;
    void (*before_wait)(void *arg);
    void *before_wait_arg;
    struct job *jobs;
    struct timer *timers;
    struct watch *watches;
    struct signal_watch *signals;
};

#define LIST_ADD(head, item)                                                                       \
    do {                                                                                           \
        (item)->prev = NULL;                                                                       \
        (item)->next = (head);                                                                     \
        if (head)                                                                                  \
            (head)->prev = (item);                                                                 \
        (head) = (item);                                                                           \
    } while (0)

#define LIST_REMOVE(head, item)                                                                    \
    do {                                                                                           \
        if ((item)->prev)                                                                          \
            (item)->prev->next = (item)->next;                                                     \
        else                                                                                       \
            (head) = (item)->next;                                                                 \
        if ((item)->next)                                                                          \
            (item)->next->prev = (item)->prev;                                                     \
        (item)->prev = (item)->next = NULL;                                                        \
    } while (0)

static void on_progress(uv_async_t *async);

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;

    if (loop->before_wait)
        loop->before_wait(loop->before_wait_arg);
}

struct loop *loop_new(loop_deliver *deliver, void *arg, struct err *err)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));
    int rc;

    /* read by libuv when the first job starts; a value from outside wins */
    (void)setenv("UV_THREADPOOL_SIZE", POOL_THREADS, 0);
    loop->deliver = deliver;
    loop->arg = arg;
    rc = uv_loop_init(&loop->uv);
    if (rc) {
        err_set(err, ERR_INTERNAL, _("event loop: %s"), uv_strerror(rc));
        free(loop);
        return NULL;
    }
    rc = uv_mutex_init(&loop->lock);
    if (rc) {
        err_set(err, ERR_INTERNAL, _("event loop: %s"), uv_strerror(rc));
        (void)uv_loop_close(&loop->uv);
        free(loop);
        return NULL;
    }
    rc = uv_async_init(&loop->uv, &loop->progress, on_progress);
    if (rc) {
        err_set(err, ERR_INTERNAL, _("event loop: %s"), uv_strerror(rc));
        uv_mutex_destroy(&loop->lock);
        (void)uv_loop_close(&loop->uv);
        free(loop);
        return NULL;
    }
    loop->progress.data = loop;
    (void)uv_prepare_init(&loop->uv, &loop->prepare); /* these two cannot fail */
    loop->prepare.data = loop;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    return loop;
}

bool loop_run(struct loop *loop, struct err *err)
{
    int rc = uv_run(&loop->uv, UV_RUN_DEFAULT);

    if (rc < 0)
        return err_set(err, ERR_INTERNAL, _("event loop: %s"), uv_strerror(rc));
    return true;
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_before_wait(struct loop *loop, void (*before_wait)(void *arg), void *arg)
{
    loop->before_wait = before_wait;
    loop->before_wait_arg = arg;
}

/* -- jobs ----------------------------------------------------------------------------------- */

static void job_free(struct job *job)
{
    if (job->data && job->ops->free)
        job->ops->free(job->data);
    free(job);
}

static void run_job(uv_work_t *work)
{
    struct job *job = work->data;

    if (!atomic_load(&job->cancelled))
        job->ops->run(job, job->data);
}

static void tell_progress(struct job *job)
{
    struct event event = {.type = EVENT_JOB_PROGRESS, .job = job};
    char text[PROGRESS_TEXT];
    bool has_progress;

    uv_mutex_lock(&job->loop->lock);
    has_progress = job->has_progress;
    job->has_progress = false;
    event.done = job->done;
    event.total = job->total;
    memcpy(text, job->text, sizeof(text));
    uv_mutex_unlock(&job->loop->lock);

    event.text = text;
    if (has_progress && job->owner && !atomic_load(&job->cancelled))
        job->loop->deliver(job->loop->arg, job->owner, &event);
}

/* The page may cancel any job while it hears of one, so the walk starts anew after each. */
static void on_progress(uv_async_t *async)
{
    struct loop *loop = async->data;
    struct job *job;

    do {
        uv_mutex_lock(&loop->lock);
        for (job = loop->jobs; job && !job->has_progress; job = job->next)
            ;
        uv_mutex_unlock(&loop->lock);
        if (job)
            tell_progress(job);
    } while (job);
}

static void job_ended(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct loop *loop = job->loop;
    struct event event = {.type = EVENT_JOB, .job = job};

    if (status == 0)
        tell_progress(job); /* what it said last comes before its end */
    LIST_REMOVE(loop->jobs, job);
    if (job->owner && !atomic_load(&job->cancelled))
        loop->deliver(loop->arg, job->owner, &event);
    job_free(job);
}

struct job *job_start(struct loop *loop, void *owner, const struct job_ops *ops, void *data)
{
    struct job *job = mem_zalloc(sizeof(*job));

    job->loop = loop;
    job->owner = owner;
    job->ops = ops;
    job->data = data;
    atomic_init(&job->cancelled, false);
    job->work.data = job;
    LIST_ADD(loop->jobs, job);
    /* fails only for a missing function */
    if (uv_queue_work(&loop->uv, &job->work, run_job, job_ended))
        abort();
    return job;
}

void job_cancel(struct job *job)
{
    if (!job)
        return;
    atomic_store(&job->cancelled, true);
    job->owner = NULL;
    (void)uv_cancel((uv_req_t *)&job->work); /* EBUSY: it runs, and looks at job_cancelled() */
}

bool job_cancelled(const struct job *job)
{
    return atomic_load(&job->cancelled);
}

void job_progress(struct job *job, unsigned done, unsigned total, const char *text)
{
    uv_mutex_lock(&job->loop->lock);
    job->done = done;
    job->total = total;
    (void)text_clean_copy(job->text, sizeof(job->text), text ? text : "");
    job->has_progress = true;
    uv_mutex_unlock(&job->loop->lock);
    (void)uv_async_send(&job->loop->progress);
}

void *job_take(struct job *job)
{
    void *data = job->data;

    job->data = NULL; /* job_ended() frees the job itself */
    return data;
}

size_t loop_jobs(const struct loop *loop)
{
    size_t n = 0;

    for (const struct job *job = loop->jobs; job; job = job->next)
        n += !atomic_load(&job->cancelled);
    return n;
}

/* -- timers --------------------------------------------------------------------------------- */

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *handle)
{
    struct timer *timer = handle->data;
    struct event event = {.type = EVENT_TIMER, .timer = timer};

    timer->loop->deliver(timer->loop->arg, timer->owner, &event);
}

struct timer *timer_start(struct loop *loop, void *owner, int64_t after_ms, int64_t repeat_ms)
{
    struct timer *timer = mem_zalloc(sizeof(*timer));

    timer->loop = loop;
    timer->owner = owner;
    (void)uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    uv_update_time(&loop->uv); /* the loop's clock is as old as its last wait */
    (void)uv_timer_start(&timer->handle, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0,
                         repeat_ms > 0 ? (uint64_t)repeat_ms : 0);
    LIST_ADD(loop->timers, timer);
    return timer;
}

void timer_stop(struct timer *timer)
{
    if (!timer)
        return;
    LIST_REMOVE(timer->loop->timers, timer);
    uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

/* -- watched descriptors -------------------------------------------------------------------- */

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct watch *watch = handle->data;
    struct event event = {.type = EVENT_WATCH, .watch = watch};

    if (status < 0)
        event.ready = LOOP_READ | LOOP_WRITE;
    if (events & UV_READABLE)
        event.ready |= LOOP_READ;
    if (events & UV_WRITABLE)
        event.ready |= LOOP_WRITE;
    if (event.ready)
        watch->loop->deliver(watch->loop->arg, watch->owner, &event);
}

static void poll_for(struct watch *watch)
{
    int events = 0;

    if (watch->ready & LOOP_READ)
        events |= UV_READABLE;
    if (watch->ready & LOOP_WRITE)
        events |= UV_WRITABLE;
    if (events)
        (void)uv_poll_start(&watch->handle, events, on_ready);
    else
        (void)uv_poll_stop(&watch->handle);
}

struct watch *watch_start(struct loop *loop, void *owner, int fd, unsigned ready)
{
    struct watch *watch = mem_zalloc(sizeof(*watch));

    if (uv_poll_init(&loop->uv, &watch->handle, fd)) {
        free(watch);
        return NULL;
    }
    watch->handle.data = watch;
    watch->loop = loop;
    watch->owner = owner;
    watch->ready = ready;
    LIST_ADD(loop->watches, watch);
    poll_for(watch);
    return watch;
}

void watch_change(struct watch *watch, unsigned ready)
{
    if (watch->ready == ready && uv_is_active((uv_handle_t *)&watch->handle))
        return;
    watch->ready = ready;
    poll_for(watch);
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    LIST_REMOVE(watch->loop->watches, watch);
    uv_close((uv_handle_t *)&watch->handle, watch_closed);
}

/* -- signals -------------------------------------------------------------------------------- */

static void on_signal_handle(uv_signal_t *handle, int signal)
{
    struct signal_watch *watch = handle->data;

    watch->on_signal(watch->arg, signal);
}

static void signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

bool loop_signals(struct loop *loop, const int *signals, size_t n,
                  void (*on_signal)(void *arg, int signal), void *arg, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct signal_watch *watch = mem_zalloc(sizeof(*watch));
        int rc = uv_signal_init(&loop->uv, &watch->handle);

        if (rc) {
            free(watch);
            return err_set(err, ERR_INTERNAL, _("signal %d: %s"), signals[i], uv_strerror(rc));
        }
        watch->handle.data = watch;
        watch->loop = loop;
        watch->on_signal = on_signal;
        watch->arg = arg;
        watch->next = loop->signals;
        loop->signals = watch;
        rc = uv_signal_start(&watch->handle, on_signal_handle, signals[i]);
        if (rc)
            return err_set(err, ERR_INTERNAL, _("signal %d: %s"), signals[i], uv_strerror(rc));
    }
    return true;
}

/* -- the end -------------------------------------------------------------------------------- */

void loop_forget(struct loop *loop, void *owner)
{
    if (!owner)
        return;
    for (struct job *job = loop->jobs; job; job = job->next) {
        if (job->owner == owner)
            job_cancel(job);
    }
    for (struct timer *timer = loop->timers, *next; timer; timer = next) {
        next = timer->next;
        if (timer->owner == owner)
            timer_stop(timer);
    }
    for (struct watch *watch = loop->watches, *next; watch; watch = next) {
        next = watch->next;
        if (watch->owner == owner)
            watch_stop(watch);
    }
}

static void stop_all(struct loop *loop)
{
    loop->before_wait = NULL;
    for (struct job *job = loop->jobs; job; job = job->next)
        job_cancel(job);
    while (loop->timers)
        timer_stop(loop->timers);
    while (loop->watches)
        watch_stop(loop->watches);
    while (loop->signals) {
        struct signal_watch *watch = loop->signals;

        loop->signals = watch->next;
        uv_close((uv_handle_t *)&watch->handle, signal_closed);
    }
}

static void on_drain_timeout(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

bool loop_drain(struct loop *loop, int64_t timeout_ms)
{
    uv_timer_t *limit = mem_zalloc(sizeof(*limit));

    stop_all(loop);
    limit->data = limit;
    (void)uv_timer_init(&loop->uv, limit);
    uv_update_time(&loop->uv);
    (void)uv_timer_start(limit, on_drain_timeout, timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
    /* only jobs keep the loop alive now: neither their signal nor the limit do */
    uv_unref((uv_handle_t *)&loop->progress);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)limit);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)limit, timer_closed);
    return loop->jobs == NULL;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    stop_all(loop);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    while (loop->jobs) /* jobs call uv_async_send() until they end */
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&loop->progress, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv))
        abort(); /* a handle that nobody closed */
    uv_mutex_destroy(&loop->lock);
    free(loop);
}
