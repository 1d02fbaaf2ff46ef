/* crowd.c - a few threads, and a number that each of them takes and raises. */
#include "config.h"

#include "core/plan/crowd.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

struct crowd {
    const char *folder; /* of the store, or NULL */
    crowd_work work;
    void *arg;
    size_t n;
    atomic_size_t next;
};

static void take_turns(struct crowd *crowd, struct store *store)
{
    for (;;) {
        size_t i = atomic_fetch_add(&crowd->next, 1);

        if (i >= crowd->n)
            return;
        crowd->work(crowd->arg, store, i);
    }
}

static void *help(void *arg)
{
    struct crowd *crowd = arg;
    struct err ignored = ERR_INIT;
    struct store *store = NULL;

    if (crowd->folder)
        store = store_open(crowd->folder, STORE_WRITE, &ignored);
    if (store || !crowd->folder)
        take_turns(crowd, store);
    store_close(store);
    return NULL;
}

void crowd_run(struct store *store, size_t n, crowd_work work, void *arg)
{
    struct crowd crowd = {
        .folder = store ? store_folder(store) : NULL, .work = work, .arg = arg, .n = n};
    pthread_t threads[CROWD_MAX - 1];
    size_t n_threads = 0;
    sigset_t all, before;
    bool held;

    atomic_init(&crowd.next, 0);
    sigfillset(&all);
    held = pthread_sigmask(SIG_BLOCK, &all, &before) == 0;
    while (n_threads + 1 < n && n_threads < CROWD_MAX - 1 &&
           pthread_create(&threads[n_threads], NULL, help, &crowd) == 0)
        n_threads++;
    if (held)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    take_turns(&crowd, store);
    while (n_threads > 0)
        (void)pthread_join(threads[--n_threads], NULL);
}
