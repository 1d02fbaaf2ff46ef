/* login_loop.c - clients that log in all the time. */
#include "config.h"

#include "tests/harness/login_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"

#define CLIENTS_MAX 16
#define WRONG_SHOWN 20

struct client {
    char *name, *conninfo;
    enum login_expect expect;
    long tries, in, refused;
};
struct login_loop {
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below; held by the thread except while it logs in or sleeps */
    pthread_cond_t changed;
    struct client clients[CLIENTS_MAX];
    int n_clients;
    bool stop, paused, trying, spread;
    int at;       /* trying: who */
    int settling; /* how many wait for it */
    int turn;     /* spread: of the others */
    FILE *log;
    int64_t began;
    long wrong;
    struct strbuf wrong_lines;
};

static const char *expect_name(enum login_expect expect)
{
    static const char *const names[] = {"in", "refused", "either"};

    return names[expect];
}

/* One login; what libpq said, to free(), or NULL when it got in. */
static char *try_login(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    char *said = NULL;

    if (PQstatus(conn) == CONNECTION_OK) {
        /* Under TLS 1.3 a refused certificate shows with the first answer at the latest. */
        PGresult *result = PQexec(conn, "SELECT 1");

        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            said = mem_strdup(PQerrorMessage(conn));
        PQclear(result);
    } else {
        said = mem_strdup(PQerrorMessage(conn));
    }
    PQfinish(conn);
    for (char *c = said; c && *c; c++)
        if (*c == '\n')
            *c = ' ';
    return said;
}

/* With the mutex. */
static void note(struct login_loop *loop, struct client *client, enum login_expect expect,
                 const char *said)
{
    enum login_expect outcome = said ? LOGIN_REFUSED : LOGIN_IN;
    char *line =
        mem_printf("%lld %s %s %s %s\n", (long long)(clock_mono_ms() - loop->began), client->name,
                   expect_name(outcome), expect_name(expect), said ? said : "");

    client->tries++;
    *(said ? &client->refused : &client->in) += 1;
    (void)fputs(line, loop->log);
    if (expect != LOGIN_EITHER && expect != outcome) {
        if (loop->wrong++ < WRONG_SHOWN)
            strbuf_add_str(&loop->wrong_lines, line);
    }
    free(line);
}

/* With the mutex, which is given up meanwhile. */
static void try_client(struct login_loop *loop, int i)
{
    struct client *client = &loop->clients[i];
    enum login_expect expect = client->expect;
    char *conninfo = mem_strdup(client->conninfo);
    char *said;

    loop->trying = true;
    loop->at = i;
    (void)pthread_mutex_unlock(&loop->mutex);
    said = try_login(conninfo);
    (void)pthread_mutex_lock(&loop->mutex);
    loop->trying = false;
    note(loop, client, client->expect == expect ? expect : LOGIN_EITHER, said);
    (void)pthread_cond_broadcast(&loop->changed);
    free(said);
    free(conninfo);
}

/* With the mutex. */
static void try_unless_paused(struct login_loop *loop, int i)
{
    while (loop->paused && !loop->stop)
        (void)pthread_cond_wait(&loop->changed, &loop->mutex);
    if (!loop->stop)
        try_client(loop, i);
}

/* With the mutex. */
static void try_round(struct login_loop *loop)
{
    if (!loop->spread || loop->settling > 0 || loop->n_clients < 3) {
        for (int i = 0; i < loop->n_clients && !loop->stop; i++)
            try_unless_paused(loop, i);
        return;
    }
    try_unless_paused(loop, 0);
    if (++loop->turn % 2 == 0)
        try_unless_paused(loop, 1 + loop->turn / 2 % (loop->n_clients - 1));
}

static void *run(void *arg)
{
    struct login_loop *loop = arg;

    (void)pthread_mutex_lock(&loop->mutex);
    while (!loop->stop) {
        int64_t next = clock_mono_ms() + LOGIN_LOOP_MS;
        int64_t left;

        try_round(loop);
        left = next - clock_mono_ms();
        if (left > 0 && !(loop->spread && loop->settling > 0)) {
            (void)pthread_mutex_unlock(&loop->mutex);
            (void)nanosleep(&(struct timespec){.tv_nsec = (long)left * 1000000}, NULL);
            (void)pthread_mutex_lock(&loop->mutex);
        }
    }
    (void)pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

struct login_loop *login_loop_start(const char *log)
{
    struct login_loop *loop = mem_zalloc(sizeof(*loop));

    assert_int_equal(pthread_mutex_init(&loop->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&loop->changed, NULL), 0);
    loop->began = clock_mono_ms();
    loop->log = fopen(log, "wxe");
    assert_non_null(loop->log);
    assert_int_equal(pthread_create(&loop->thread, NULL, run, loop), 0);
    return loop;
}

void login_loop_spread(struct login_loop *loop)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->spread = true;
    (void)pthread_mutex_unlock(&loop->mutex);
}

int login_loop_add(struct login_loop *loop, const char *client, const char *conninfo,
                   enum login_expect expect)
{
    int i;

    (void)pthread_mutex_lock(&loop->mutex);
    i = loop->n_clients;
    if (i < CLIENTS_MAX) {
        loop->clients[i] = (struct client){
            .name = mem_strdup(client), .conninfo = mem_strdup(conninfo), .expect = expect};
        loop->n_clients++;
    }
    (void)pthread_mutex_unlock(&loop->mutex);
    assert_true(i < CLIENTS_MAX);
    return i;
}

void login_loop_expect(struct login_loop *loop, int client, enum login_expect expect)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->clients[client].expect = expect;
    (void)pthread_mutex_unlock(&loop->mutex);
}

void login_loop_change(struct login_loop *loop, int client, const char *conninfo)
{
    (void)pthread_mutex_lock(&loop->mutex);
    free(loop->clients[client].conninfo);
    loop->clients[client].conninfo = mem_strdup(conninfo);
    (void)pthread_mutex_unlock(&loop->mutex);
}

void login_loop_settle(struct login_loop *loop)
{
    long before[CLIENTS_MAX] = {0};
    int n;

    (void)pthread_mutex_lock(&loop->mutex);
    loop->settling++;
    n = loop->n_clients;
    for (int i = 0; i < n; i++)
        before[i] = loop->clients[i].tries + (loop->trying && loop->at == i); /* began before */
    for (int i = 0; i < n; i++)
        while (loop->clients[i].tries <= before[i])
            (void)pthread_cond_wait(&loop->changed, &loop->mutex);
    loop->settling--;
    (void)pthread_mutex_unlock(&loop->mutex);
}

void login_loop_pause(struct login_loop *loop)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->paused = true;
    while (loop->trying)
        (void)pthread_cond_wait(&loop->changed, &loop->mutex);
    (void)pthread_mutex_unlock(&loop->mutex);
}

void login_loop_resume(struct login_loop *loop)
{
    (void)pthread_mutex_lock(&loop->mutex);
    loop->paused = false;
    (void)pthread_cond_broadcast(&loop->changed);
    (void)pthread_mutex_unlock(&loop->mutex);
}

long login_loop_count(struct login_loop *loop, int client, enum login_expect outcome)
{
    long count;

    (void)pthread_mutex_lock(&loop->mutex);
    count = outcome == LOGIN_IN        ? loop->clients[client].in
            : outcome == LOGIN_REFUSED ? loop->clients[client].refused
                                       : loop->clients[client].tries;
    (void)pthread_mutex_unlock(&loop->mutex);
    return count;
}

void login_loop_stop(struct login_loop *loop)
{
    const char *untried = NULL;
    char *text = NULL;

    (void)pthread_mutex_lock(&loop->mutex);
    loop->stop = true;
    (void)pthread_cond_broadcast(&loop->changed);
    (void)pthread_mutex_unlock(&loop->mutex);
    (void)pthread_join(loop->thread, NULL);
    for (int i = 0; i < loop->n_clients; i++) {
        struct client *client = &loop->clients[i];

        print_message("# %s: %ld logins, %ld refused\n", client->name, client->in, client->refused);
        if (client->tries == 0)
            untried = "a client was never tried";
        free(client->name);
        free(client->conninfo);
    }
    if (loop->wrong > 0)
        text =
            mem_printf("%ld logins were not as expected:\n%s", loop->wrong, loop->wrong_lines.data);
    (void)fclose(loop->log);
    strbuf_clear(&loop->wrong_lines);
    (void)pthread_mutex_destroy(&loop->mutex);
    (void)pthread_cond_destroy(&loop->changed);
    free(loop);
    if (text) {
        print_error("%s", text);
        free(text);
        fail_msg("logins were not as expected");
    }
    if (untried)
        fail_msg("%s", untried);
}
