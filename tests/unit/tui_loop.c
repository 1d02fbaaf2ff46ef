/* Jobs, timers, watches and signals: started, ended, cancelled, forgotten. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tui/loop.h"

#define LIMIT_MS 60000 /* a test that hangs ends itself */

struct world {
    struct loop *loop;
    struct timer *limit;
    unsigned jobs, progress, timers, watches, signals;
    unsigned stop_after_jobs, stop_after_timers, stop_after_watches;
    unsigned last_done, last_ready;
    char last_text[64];
    void *taken, *owner;
    struct timer *stop_timer; /* stopped when the next timer goes off */
    struct job *cancel_job;   /* cancelled at the first progress */
    bool take;
};

static void deliver(void *arg, void *owner, const struct event *event)
{
    struct world *world = arg;

    world->owner = owner;
    switch (event->type) {
    case EVENT_JOB:
        world->jobs++;
        if (world->take)
            world->taken = job_take(event->job);
        if (world->jobs == world->stop_after_jobs)
            loop_stop(world->loop);
        break;
    case EVENT_JOB_PROGRESS:
        world->progress++;
        world->last_done = event->done;
        snprintf(world->last_text, sizeof(world->last_text), "%s", event->text);
        if (world->cancel_job) {
            job_cancel(world->cancel_job);
            world->cancel_job = NULL;
            loop_stop(world->loop);
        }
        break;
    case EVENT_TIMER:
        if (event->timer == world->limit)
            fail_msg("the loop did not end");
        world->timers++;
        if (world->stop_timer) {
            timer_stop(world->stop_timer);
            world->stop_timer = NULL;
        }
        if (world->timers == world->stop_after_timers)
            loop_stop(world->loop);
        break;
    case EVENT_WATCH:
        world->watches++;
        world->last_ready = event->ready;
        if (world->watches == world->stop_after_watches)
            loop_stop(world->loop);
        break;
    case EVENT_SHOWN:
    case EVENT_HIDDEN:
    case EVENT_KEY:
    case EVENT_PASTE:
    case EVENT_RESIZE:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        fail_msg("not the loop's event");
    }
}

static void begin(struct world *world)
{
    struct err err = ERR_INIT;

    memset(world, 0, sizeof(*world));
    world->loop = loop_new(deliver, world, &err);
    assert_non_null(world->loop);
    world->limit = timer_start(world->loop, world, LIMIT_MS, 0);
}

static void run(struct world *world)
{
    struct err err = ERR_INIT;

    assert_true(loop_run(world->loop, &err));
}

/* A job's data: shared counters outlive the job, as the test does. */
struct counters {
    atomic_uint ran, freed, seen_cancel;
};

struct data {
    struct counters *counters;
    int until_cancelled; /* runs until then */
    unsigned progress;
};

static void work(struct job *job, void *arg)
{
    struct data *data = arg;
    int64_t end = clock_mono_ms() + LIMIT_MS;

    atomic_fetch_add(&data->counters->ran, 1);
    for (unsigned i = 1; i <= data->progress; i++)
        job_progress(job, i, data->progress, "step\033[2J");
    while (data->until_cancelled && clock_mono_ms() < end) {
        if (job_cancelled(job)) {
            atomic_fetch_add(&data->counters->seen_cancel, 1);
            return;
        }
        (void)usleep(1000);
    }
}

static void drop(void *arg)
{
    struct data *data = arg;

    atomic_fetch_add(&data->counters->freed, 1);
    free(data);
}

static const struct job_ops ops = {.name = "test", .run = work, .free = drop};

static struct job *start(struct world *world, void *owner, struct counters *counters,
                         bool until_cancelled, unsigned progress)
{
    struct data *data = mem_zalloc(sizeof(*data));

    data->counters = counters;
    data->until_cancelled = until_cancelled;
    data->progress = progress;
    return job_start(world->loop, owner, &ops, data);
}

static void jobs_end(void **state)
{
    struct counters counters = {0};
    struct world world;
    int owner;

    (void)state;
    begin(&world);
    world.stop_after_jobs = 40; /* more than the pool has threads */
    for (int i = 0; i < 40; i++)
        assert_non_null(start(&world, &owner, &counters, false, 0));
    assert_int_equal(loop_jobs(world.loop), 40);
    run(&world);
    assert_int_equal(loop_jobs(world.loop), 0);
    assert_ptr_equal(world.owner, &owner);
    assert_int_equal(counters.ran, 40);
    assert_int_equal(counters.freed, 40); /* nobody took the data */
    loop_free(world.loop);
}

static void jobs_are_taken(void **state)
{
    struct counters counters = {0};
    struct world world;
    struct job *job;

    (void)state;
    begin(&world);
    world.take = true;
    world.stop_after_jobs = 1;
    job = start(&world, &world, &counters, false, 0);
    assert_non_null(job);
    run(&world);
    assert_int_equal(counters.freed, 0);
    assert_non_null(world.taken);
    loop_free(world.loop);
    drop(world.taken);
}

static void progress(void **state)
{
    struct counters counters = {0};
    struct world world;
    struct job *job;

    (void)state;
    begin(&world);
    world.stop_after_jobs = 1;
    job = start(&world, &world, &counters, false, 1000);
    assert_non_null(job);
    run(&world);
    /* only the newest counts, and it comes before the end */
    assert_in_range(world.progress, 1, 1000);
    assert_int_equal(world.last_done, 1000);
    assert_string_equal(world.last_text, "step\357\277\275[2J"); /* cleaned */
    loop_free(world.loop);
}

static void jobs_are_cancelled(void **state)
{
    struct counters counters = {0};
    struct world world;
    struct job *job;

    (void)state;
    begin(&world);
    world.cancel_job = start(&world, &world, &counters, true, 1);
    run(&world); /* until the job is cancelled in its own progress */
    assert_int_equal(loop_jobs(world.loop), 0);
    /* twenty that wait for a thread, cancelled before they run; and one without an owner */
    for (int i = 0; i < 20; i++) {
        job = start(&world, &world, &counters, true, 0);
        job_cancel(job);
    }
    job = start(&world, NULL, &counters, false, 0);
    assert_non_null(job);
    assert_int_equal(loop_jobs(world.loop), 1);
    loop_free(world.loop);
    assert_int_equal(world.jobs, 0);
    assert_int_equal(counters.freed, 22);
    assert_in_range(counters.seen_cancel, 1, 21);
}

static void owners_are_forgotten(void **state)
{
    struct counters counters = {0};
    struct world world;
    int one, other, ends[2];
    struct watch *watch;

    (void)state;
    begin(&world);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 3; i++) {
        assert_non_null(start(&world, &one, &counters, true, 0));
        assert_non_null(timer_start(world.loop, &one, 1, 1));
    }
    watch = watch_start(world.loop, &one, ends[1], LOOP_WRITE);
    assert_non_null(watch);
    assert_non_null(timer_start(world.loop, &other, 50, 0));
    loop_forget(world.loop, &one);
    world.stop_after_timers = 1;
    run(&world);
    assert_ptr_equal(world.owner, &other);
    assert_int_equal(world.timers, 1);
    assert_int_equal(world.watches + world.jobs, 0);
    loop_free(world.loop);
    assert_int_equal(counters.freed, 3);
    close(ends[0]);
    close(ends[1]);
}

static void timers(void **state)
{
    struct world world;
    struct timer *once, *again;
    int64_t before = clock_mono_ms();

    (void)state;
    begin(&world);
    once = timer_start(world.loop, &world, 20, 0);
    again = timer_start(world.loop, &world, 30, 10);
    world.stop_after_timers = 4;
    run(&world);
    assert_true(clock_mono_ms() - before >= 50);
    assert_int_equal(world.timers, 4);
    timer_stop(once); /* valid after it went off */
    timer_stop(NULL);
    world.stop_timer = again; /* stopped by itself */
    world.stop_after_timers = 6;
    assert_non_null(timer_start(world.loop, &world, 30, 0));
    run(&world);
    assert_int_equal(world.timers, 6);
    loop_free(world.loop);
}

static void watches(void **state)
{
    struct world world;
    struct watch *watch;
    int ends[2], file;

    (void)state;
    begin(&world);
    assert_int_equal(pipe(ends), 0);
    watch = watch_start(world.loop, &world, ends[0], LOOP_READ);
    assert_non_null(watch);
    assert_null(watch_start(world.loop, &world, ends[0], LOOP_READ)); /* watched already */
    assert_int_equal(write(ends[1], "x", 1), 1);
    world.stop_after_watches = 1;
    run(&world);
    assert_int_equal(world.last_ready, LOOP_READ);

    watch_change(watch, 0); /* nothing: only the timer is heard */
    world.stop_after_timers = 1;
    assert_non_null(timer_start(world.loop, &world, 20, 0));
    run(&world);
    assert_int_equal(world.watches, 1);

    watch_stop(watch);
    watch_stop(NULL);
    watch = watch_start(world.loop, &world, ends[1], LOOP_WRITE); /* at once on another one */
    world.stop_after_watches = 2;
    run(&world);
    assert_int_equal(world.last_ready, LOOP_WRITE);
    watch_stop(watch);
    watch = watch_start(world.loop, &world, ends[1], LOOP_READ | LOOP_WRITE);
    close(ends[0]); /* the other side is gone */
    world.stop_after_watches = 3;
    run(&world);
    assert_true(world.last_ready & LOOP_WRITE);
    watch_stop(watch);
    close(ends[1]);

    file = open("/proc/self/exe", O_RDONLY);
    assert_true(file >= 0);
    assert_null(watch_start(world.loop, &world, file, LOOP_READ)); /* a regular file */
    close(file);
    loop_free(world.loop);
}

static void on_signal(void *arg, int signal)
{
    struct world *world = arg;

    assert_int_equal(signal, SIGUSR1);
    world->signals++;
    loop_stop(world->loop);
}

static void signals(void **state)
{
    static const int list[] = {SIGUSR1};
    struct err err = ERR_INIT;
    struct world world;

    (void)state;
    begin(&world);
    assert_true(loop_signals(world.loop, list, 1, on_signal, &world, &err));
    assert_int_equal(raise(SIGUSR1), 0);
    run(&world);
    assert_int_equal(world.signals, 1);
    loop_free(world.loop);
}

static void drains(void **state)
{
    struct counters counters = {0};
    struct world world;

    (void)state;
    begin(&world);
    assert_non_null(start(&world, &world, &counters, true, 0));
    assert_true(loop_drain(world.loop, 5000)); /* the job sees that it is cancelled */
    assert_int_equal(counters.freed, 1);
    loop_free(world.loop);
}

/* Says that it runs, and does not end before it is told to, cancelled or not. */
struct stubborn {
    int says, hears;
};

static void stubborn(struct job *job, void *arg)
{
    struct stubborn *self = arg;
    char byte = 'x';

    (void)job;
    if (write(self->says, &byte, 1) == 1 && read(self->hears, &byte, 1) == 1)
        return;
    abort();
}

static void drain_gives_up(void **state)
{
    static const struct job_ops stubborn_ops = {.name = "stubborn", .run = stubborn, .free = free};
    struct stubborn data;
    struct world world;
    int says[2], hears[2];
    char byte = 'x';

    (void)state;
    begin(&world);
    assert_int_equal(pipe(says), 0);
    assert_int_equal(pipe(hears), 0);
    data = (struct stubborn){.says = says[1], .hears = hears[0]};
    assert_non_null(job_start(world.loop, &world, &stubborn_ops, mem_dup(&data, sizeof(data))));
    assert_int_equal(read(says[0], &byte, 1), 1);
    assert_false(loop_drain(world.loop, 20));
    assert_int_equal(write(hears[1], &byte, 1), 1);
    loop_free(world.loop); /* waits for it */
    assert_int_equal(world.jobs, 0);
    for (int i = 0; i < 2; i++) {
        close(says[i]);
        close(hears[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_end),
        cmocka_unit_test(jobs_are_taken),
        cmocka_unit_test(progress),
        cmocka_unit_test(jobs_are_cancelled),
        cmocka_unit_test(owners_are_forgotten),
        cmocka_unit_test(timers),
        cmocka_unit_test(watches),
        cmocka_unit_test(signals),
        cmocka_unit_test(drains),
        cmocka_unit_test(drain_gives_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
