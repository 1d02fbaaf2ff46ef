/* simulate.c - 1,000 rules over 1,000 sessions, each of another role, database and address. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/simulate.h"

#define N    1000
#define RUNS 21

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void make_who(struct simulate_who *who, char *texts[N][4])
{
    *who = (struct simulate_who){.server_version = 150000};
    who->sessions.n = who->roles.n = N;
    who->sessions.rows = mem_array(N, sizeof(who->sessions.rows[0]));
    who->roles.rows = mem_array(N, sizeof(who->roles.rows[0]));
    who->certs = mem_array(N, sizeof(who->certs[0]));
    for (int i = 0; i < N; i++) {
        struct session *session = &who->sessions.rows[i];

        *session = (struct session){.pid = i + 1, .class = SESSION_TLS_CERT};
        texts[i][0] = mem_printf("role%03d", i);
        texts[i][1] = mem_printf("db%d", i % 20);
        texts[i][2] = mem_printf("10.%d.%d.%d", i % 7, i / 250, i % 250);
        texts[i][3] = mem_printf("/CN=role%03d", i);
        session->role = texts[i][0];
        session->database = texts[i][1];
        session->address = texts[i][2];
        session->client_dn = texts[i][3];
        who->roles.rows[i] =
            (struct role_row){.name = mem_strdup(session->role), .can_login = true};
    }
}

/* Rules that nobody matches but at the end, so that all of them are walked through: half of them are
 * for other addresses, half for other roles. */
static void make_rules(struct strbuf *out, const char *last)
{
    for (int i = 0; i < N - 1; i++) {
        if (i % 2 == 0)
            strbuf_printf(out, "hostssl db%d,other all 172.%d.%d.0/24 scram-sha-256\n", i % 20,
                          16 + i % 16, i % 256);
        else
            strbuf_printf(out, "host all role%03dx,other all scram-sha-256\n", i);
    }
    strbuf_add_str(out, last);
}

int main(void)
{
    struct strbuf present = STRBUF_INIT;
    struct strbuf wanted = STRBUF_INIT;
    struct simulate_who who;
    int64_t took[RUNS];
    size_t refused = 0;
    char *(*texts)[4] = mem_array(N, sizeof(*texts));

    make_who(&who, texts);
    make_rules(&present, "host all all all scram-sha-256\n");
    make_rules(&wanted, "hostssl all all all cert\n");
    for (int i = 0; i < RUNS; i++) {
        struct simulation simulation;

        simulate(&who, present.data, present.len, wanted.data, wanted.len, &simulation);
        took[i] = simulation.took_us;
        refused = simulation.n_refused;
        simulation_clear(&simulation);
    }
    qsort(took, RUNS, sizeof(took[0]), by_number);
    printf("%lld us, %zu refused\n", (long long)took[RUNS / 2], refused);
    strbuf_clear(&present);
    strbuf_clear(&wanted);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < 4; j++)
            free(texts[i][j]);
        free(who.roles.rows[i].name);
    }
    free(texts);
    free(who.sessions.rows);
    free(who.roles.rows);
    free(who.certs);
    return 0;
}
