/* load.c - sessions of the demo's roles that come and go. */
#include "config.h"

#include "core/demo/load.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/attr.h"
#include "core/base/clock.h"

#define TICK_MS     250
#define WAIT_MIN_MS 5000
#define WAIT_MAX_MS 30000

/* What each slot plays. The last one is a client that never heard of TLS. */
static const struct part {
    const char *role;
    const char *application;
    const char *sslmode;
    const char *sql;
} parts[] = {
    {"alice", "web shop", "prefer", "select count(*) from generate_series(1, 20000)"},
    {"bob", "nightly report", "prefer", "select sum(i) from generate_series(1, 50000) i"},
    {"carol", "billing", "prefer", "select now()"},
    {"carol", "old terminal", "disable", "select pg_sleep(0.2)"},
};

struct slot {
    PGconn *conn;
    int64_t next_ms;  /* when it does its next thing */
    int64_t until_ms; /* when this session ends */
    int wait_ms;      /* after the next refusal */
};

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* A spread, not a secret. */
static int64_t between(unsigned *seed, int64_t low, int64_t high)
{
    return low + rand_r(seed) % (high - low + 1);
}

static const char *password_of(const struct demo_role *roles, size_t n_roles, const char *name)
{
    for (size_t i = 0; i < n_roles; i++) {
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].password;
    }
    return "";
}

static PGconn *log_in(const struct part *part, const char *password, int port)
{
    char port_text[12];
    PGconn *conn;

    snprintf(port_text, sizeof(port_text), "%d", port);
    /* The user's own ~/.postgresql/postgresql.crt would be sent, and refused. */
    const char *const keywords[] = {
        "host",    "port",        "user",   "password",   "dbname",           "sslmode",
        "sslcert", "sslrootcert", "sslcrl", "gssencmode", "application_name", "connect_timeout",
        NULL};
    const char *const values[] = {"127.0.0.1",
                                  port_text,
                                  part->role,
                                  password,
                                  DEMO_DATABASE,
                                  part->sslmode,
                                  "/nonexistent",
                                  "/nonexistent",
                                  "/nonexistent",
                                  "disable",
                                  part->application,
                                  "5",
                                  NULL};

    conn = PQconnectdbParams(keywords, values, 0);
    if (conn != NULL)
        (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    if (PQstatus(conn) != CONNECTION_OK) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

static void end_session(struct slot *slot)
{
    PQfinish(slot->conn);
    slot->conn = NULL;
}

static void step(struct slot *slot, const struct part *part, const char *password, int port,
                 unsigned *seed)
{
    int64_t now = clock_mono_ms();
    ExecStatusType status;
    PGresult *result;

    if (now < slot->next_ms)
        return;
    if (slot->conn == NULL) {
        slot->conn = log_in(part, password, port);
        now = clock_mono_ms();
        if (slot->conn == NULL) {
            slot->next_ms = now + slot->wait_ms;
            slot->wait_ms = slot->wait_ms * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : slot->wait_ms * 2;
            return;
        }
        slot->wait_ms = WAIT_MIN_MS;
        slot->until_ms = now + between(seed, 8000, 30000);
    } else if (now >= slot->until_ms) {
        end_session(slot);
        slot->next_ms = now + between(seed, 1000, 4000);
        return;
    }
    result = PQexec(slot->conn, part->sql);
    status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_TUPLES_OK)
        end_session(slot);
    slot->next_ms = clock_mono_ms() + between(seed, 500, 2500);
}

/* libpq reads a dozen PG… variables; none of the user's is meant for this server. */
static void forget_environment(void)
{
    for (char **at = environ; *at != NULL;) {
        char name[64];
        size_t len = strcspn(*at, "=");

        if (strncmp(*at, "PG", 2) != 0 || len >= sizeof(name)) {
            at++;
            continue;
        }
        memcpy(name, *at, len);
        name[len] = '\0';
        (void)unsetenv(name); /* moves the rest up */
    }
}

_Noreturn void load_run(const struct demo_role *roles, size_t n_roles, int port)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    struct slot slots[ARRAY_LEN(parts)];
    unsigned seed = (unsigned)getpid();

    forget_environment();
    memset(slots, 0, sizeof(slots));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        slots[i].wait_ms = WAIT_MIN_MS;
    for (;;) {
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
            step(&slots[i], &parts[i], password_of(roles, n_roles, parts[i].role), port, &seed);
        (void)nanosleep(&tick, NULL);
    }
}
