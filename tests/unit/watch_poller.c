/* watch_poller.c - a server asked again and again: what it is told, refusals, hangs, ways back. */
#include "config.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/watch/poller.h"
#include "tests/harness/fake_server.h"

#define WAIT_MS 60000
#define COLUMNS 19

/* What the server does to a statement that begins so; the log has all that it was told. */
struct script {
    const char *refuse;   /* beginning of a statement that is refused, once or always */
    const char *sqlstate; /* with this */
    bool refuse_always;
    const char *hang; /* at a statement that begins so, from the second time on */
    bool hidden;      /* one row is hidden, until SET ROLE */
    bool member;      /* the role is a member of pg_read_all_stats that does not inherit */
    int polls;        /* the connection ends after so many; 0: never */
    bool password;    /* wants one */
    char log[4096];
    int refused, hung;
};

static const char *const seen_row[COLUMNS] = {"10",
                                              "app",
                                              "alice",
                                              "psql",
                                              "10.0.0.1",
                                              "4711",
                                              "client backend",
                                              "idle",
                                              "2026-11-21 18:00:00+00",
                                              "f",
                                              "f",
                                              NULL,
                                              NULL,
                                              NULL,
                                              NULL,
                                              NULL,
                                              NULL,
                                              "f",
                                              NULL};
static const char *const hidden_row[COLUMNS] = {"11", "app", "bob", "psql"};

static bool begins(const char *sql, const char *with)
{
    return with != NULL && text_starts_with(sql, with);
}

static bool ask_password(int fd, struct script *script)
{
    char head[5], body[64];
    uint32_t size;

    fake_message(fd, 'R', "\0\0\0\3", 4); /* AuthenticationCleartextPassword */
    if (!fake_read(fd, head, sizeof(head)))
        return false;
    memcpy(&size, head + 1, sizeof(size));
    size = __builtin_bswap32(size);
    if (size > sizeof(body) || !fake_read(fd, body, size - 4))
        return false;
    if (strcmp(body, "right") == 0)
        return true;
    fake_error(fd, "FATAL", "28P01", "password authentication failed");
    (void)script;
    return false;
}

static void send_sessions(int fd, const struct script *script)
{
    const char *cells[2][COLUMNS];

    memcpy(cells[0], seen_row, sizeof(seen_row));
    memcpy(cells[1], script->hidden ? hidden_row : seen_row, sizeof(seen_row));
    fake_rows(fd, &cells[0][0], script->hidden ? 2 : 1, COLUMNS);
}

/* False: the connection is to end. */
static bool answer_one(int fd, struct script *script, const char *sql, int *polls)
{
    snprintf(script->log + strlen(script->log), sizeof(script->log) - strlen(script->log), "%.18s|",
             sql);
    if (begins(sql, script->hang) && script->hung++ > 0) {
        fake_wait_for_end(fd);
        return false;
    }
    if (begins(sql, script->refuse) && (script->refused++ == 0 || script->refuse_always)) {
        fake_refuse(fd, script->sqlstate, "no");
    } else if (begins(sql, "EXECUTE") || begins(sql, "SELECT a.pid")) {
        if (script->polls != 0 && ++*polls > script->polls)
            return false;
        send_sessions(fd, script);
    } else if (begins(sql, "SELECT current_user")) {
        fake_rows(fd, (const char *const[]){"ops", "f", script->member ? "t" : "f"}, 1, 3);
    } else {
        script->hidden = script->hidden && !begins(sql, "SET ROLE");
        fake_done(fd);
    }
    return true;
}

static void serve(int fd, void *arg)
{
    struct script *script = arg;
    char sql[2048];
    int polls = 0;

    if (!fake_read_startup(fd) || (script->password && !ask_password(fd, script)))
        return;
    fake_let_in(fd, "15.18");
    while (fake_read_sql(fd, sql, sizeof(sql)) && answer_one(fd, script, sql, &polls))
        ;
}

struct stage {
    struct script script;
    struct fake *fake;
    struct poller *poller;
    int resolved; /* how often it asked for params */
};

static void begin(struct stage *stage)
{
    stage->fake = fake_start(serve, &stage->script);
    stage->poller = poller_new();
    poller_set_interval(stage->poller, 20);
    poller_start(stage->poller);
}

static void end(struct stage *stage)
{
    poller_free(stage->poller);
    fake_stop(stage->fake);
}

static void give_params(struct stage *stage)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d user=u dbname=d sslmode=disable"
                            " gssencmode=disable passfile=/nonexistent",
                            fake_port(stage->fake));
    struct params *params = params_parse(text, &err);

    assert_non_null(params);
    free(text);
    stage->resolved++;
    poller_take_params(stage->poller, params, &err);
}

static bool is_in(struct stage *stage, enum poller_state state)
{
    return poller_state(stage->poller) == state;
}

/* Runs it until so many new snapshots came, or it is in a state; false: neither. */
static bool run(struct stage *stage, int snapshots, int state)
{
    int64_t until = clock_mono_ms() + WAIT_MS;

    while (clock_mono_ms() < until) {
        struct pollfd fd = {.fd = poller_fd(stage->poller)};
        unsigned wants = poller_wants(stage->poller);
        int64_t left = poller_at_ms(stage->poller) - clock_mono_ms();

        if (poller_needs_params(stage->poller)) {
            give_params(stage);
            continue;
        }
        fd.events = (short)((wants & CONN_READ ? POLLIN : 0) | (wants & CONN_WRITE ? POLLOUT : 0));
        (void)poll(&fd, 1, left < 0 ? 0 : left > 100 ? 100 : (int)left);
        snapshots -= poller_step(stage->poller);
        if (snapshots == 0 || (int)poller_state(stage->poller) == state)
            return true;
    }
    return false;
}

static void asks_one_prepared_statement(void **state)
{
    struct stage stage = {.resolved = 0};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 3, -1));
    assert_true(is_in(&stage, POLLER_LIVE));
    assert_string_equal(stage.script.log, "SELECT pg_catalog.|PREPARE pgseal_ses|"
                                          "EXECUTE pgseal_ses|EXECUTE pgseal_ses|"
                                          "EXECUTE pgseal_ses|");
    assert_int_equal(poller_rows(stage.poller)->n, 1);
    assert_int_equal(poller_server_version(stage.poller), 150018);
    assert_int_equal(stage.resolved, 1);
    assert_null(poller_rights(stage.poller));
    end(&stage);
}

/* Behind a pooler the statement is gone in the next transaction: asked in full from then on. */
static void goes_on_without_preparing(void **state)
{
    struct stage stage = {.script = {.refuse = "EXECUTE", .sqlstate = "26000"}};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 2, -1));
    assert_non_null(strstr(stage.script.log, "EXECUTE pgseal_ses|SELECT a.pid, d.da|SELECT a.pid"));
    assert_int_equal(fake_connections(stage.fake), 1);
    end(&stage);

    stage = (struct stage){.script = {.refuse = "PREPARE", .sqlstate = "42501"}};
    begin(&stage);
    assert_true(run(&stage, 1, -1));
    assert_non_null(strstr(stage.script.log, "PREPARE pgseal_ses|SELECT a.pid"));
    end(&stage);
}

static void goes_on_in_bytes(void **state)
{
    struct stage stage = {.script = {.refuse = "EXECUTE", .sqlstate = "22021"}};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 2, -1));
    assert_non_null(
        strstr(stage.script.log, "EXECUTE pgseal_ses|SET client_encodin|EXECUTE pgseal_ses|EXEC"));
    end(&stage);
}

static void a_refusal_that_stays_is_away(void **state)
{
    struct stage stage = {
        .script = {.refuse = "EXECUTE", .sqlstate = "42501", .refuse_always = true}};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 1, POLLER_AWAY));
    assert_null(poller_rows(stage.poller));
    assert_int_equal(poller_fd(stage.poller), -1);
    end(&stage);
}

static void hidden_rows_ask_for_the_right(void **state)
{
    struct stage stage = {.script = {.hidden = true}};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 3, -1));
    assert_non_null(strstr(stage.script.log, "EXECUTE pgseal_ses|SELECT current_use|EXECUTE"));
    assert_string_equal(poller_rights(stage.poller)->role, "ops");
    assert_int_equal(poller_rows(stage.poller)->hidden, 1);
    end(&stage);

    stage = (struct stage){.script = {.hidden = true, .member = true}};
    begin(&stage);
    assert_true(run(&stage, 2, -1));
    assert_non_null(strstr(stage.script.log, "SELECT current_use|SET ROLE pg_read_a|EXECUTE"));
    assert_int_equal(poller_rows(stage.poller)->hidden, 0);
    assert_null(poller_rights(stage.poller));
    end(&stage);
}

/* Gone: the rows stay, and it comes back by itself, its name resolved anew. */
static void comes_back(void **state)
{
    struct stage stage = {.script = {.polls = 1}};
    int64_t at_ms;

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 1, -1));
    assert_true(run(&stage, 1, POLLER_AWAY));
    assert_int_equal(poller_rows(stage.poller)->n, 1);
    assert_int_equal(poller_error(stage.poller)->code, ERR_CONNECTION_LOST);
    at_ms = poller_at_ms(stage.poller) - clock_mono_ms();
    assert_in_range(at_ms, 900, 1250); /* a second, and up to a quarter more */
    assert_true(run(&stage, 1, -1));
    assert_int_equal(stage.resolved, 2);
    assert_true(is_in(&stage, POLLER_LIVE));
    end(&stage);
}

static void a_hang_is_told(void **state)
{
    struct stage stage = {.script = {.hang = "EXECUTE"}};
    int64_t until;

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 1, -1));
    assert_int_equal(poller_silence_ms(stage.poller), 0);
    for (until = clock_mono_ms() + WAIT_MS;
         clock_mono_ms() < until && poller_silence_ms(stage.poller) < 100;) {
        struct pollfd fd = {.fd = poller_fd(stage.poller), .events = POLLIN};

        (void)poll(&fd, 1, 10);
        assert_false(poller_step(stage.poller)); /* never waits */
    }
    assert_true(poller_silence_ms(stage.poller) >= 100);
    assert_true(poller_age_ms(stage.poller) >= 100);
    assert_true(is_in(&stage, POLLER_LIVE));
    end(&stage);
}

static void a_password_is_asked_for(void **state)
{
    struct stage stage = {.script = {.password = true}};
    struct secret *password = secret_new(64);

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 1, POLLER_PASSWORD));
    assert_int_equal(poller_at_ms(stage.poller), INT64_MAX); /* it waits for the person */
    assert_true(secret_set(password, "wrong", 5));
    poller_set_password(stage.poller, password);
    assert_true(run(&stage, 1, POLLER_PASSWORD));
    assert_null(strstr(poller_error(stage.poller)->msg, "wrong"));
    assert_true(secret_set(password, "right", 5));
    poller_set_password(stage.poller, password);
    assert_true(run(&stage, 1, -1));

    /* kept for the next connection */
    poller_stop(stage.poller);
    poller_start(stage.poller);
    assert_true(run(&stage, 1, -1));
    assert_true(is_in(&stage, POLLER_LIVE));
    assert_string_equal(secret_data(poller_password(stage.poller)), "right");
    secret_free(password);
    end(&stage);
}

static void pauses_and_speeds(void **state)
{
    struct stage stage = {.resolved = 0};

    (void)state;
    begin(&stage);
    assert_true(run(&stage, 1, -1));
    poller_pause(stage.poller, true);
    assert_int_equal(poller_at_ms(stage.poller), INT64_MAX);
    poller_refresh(stage.poller); /* one look, and still paused */
    assert_true(run(&stage, 1, -1));
    assert_int_equal(poller_at_ms(stage.poller), INT64_MAX);
    poller_pause(stage.poller, false);
    assert_true(run(&stage, 2, -1));
    poller_set_interval(stage.poller, 60000);
    assert_true(poller_at_ms(stage.poller) - clock_mono_ms() > 50000);
    end(&stage);
}

static void no_params_is_away(void **state)
{
    struct stage stage = {.resolved = 0};
    struct err why = ERR_INIT;

    (void)state;
    begin(&stage);
    err_set(&why, ERR_SERVER_UNKNOWN, "gone from the store");
    poller_take_params(stage.poller, NULL, &why);
    assert_true(is_in(&stage, POLLER_AWAY));
    assert_string_equal(poller_error(stage.poller)->msg, "gone from the store");
    poller_refresh(stage.poller);
    assert_true(run(&stage, 1, -1)); /* tried again at once */
    end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_one_prepared_statement),
        cmocka_unit_test(goes_on_without_preparing),
        cmocka_unit_test(goes_on_in_bytes),
        cmocka_unit_test(a_refusal_that_stays_is_away),
        cmocka_unit_test(hidden_rows_ask_for_the_right),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(a_hang_is_told),
        cmocka_unit_test(a_password_is_asked_for),
        cmocka_unit_test(pauses_and_speeds),
        cmocka_unit_test(no_params_is_away),
    };

    return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
