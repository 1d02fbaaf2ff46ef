/* pg_conn.c - the connection's state machine against servers that hang, lie and go away. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/pg/conn.h"
#include "core/pg/settings.h"
#include "tests/harness/fake_server.h"

static struct params *params_for(const struct fake *fake)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d user=u dbname=d sslmode=disable "
                            "gssencmode=disable",
                            fake_port(fake));
    struct params *params = params_parse(text, &err);

    assert_non_null(params);
    free(text);
    return params;
}

static struct conn *open_fake(const struct fake *fake, int timeout_ms, struct err *err)
{
    struct params *params = params_for(fake);
    struct conn_options options = {.connect_timeout_ms = timeout_ms};
    struct conn *conn = conn_open(params, &options, err);

    params_free(params);
    return conn;
}

/* ---- servers ---- */

static void hang(int fd, void *arg)
{
    (void)arg;
    fake_wait_for_end(fd);
}

static void talk_http(int fd, void *arg)
{
    char byte;

    (void)arg;
    if (fake_read(fd, &byte, 1))
        fake_write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    fake_wait_for_end(fd);
}

static void talk_garbage(int fd, void *arg)
{
    char bytes[4096];

    (void)arg;
    if (!fake_read_startup(fd))
        return;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 197 + 91);
    fake_write(fd, bytes, sizeof(bytes));
    fake_wait_for_end(fd);
}

static void hang_up(int fd, void *arg)
{
    (void)fd;
    (void)arg;
}

static void refuse(int fd, void *arg)
{
    if (fake_read_startup(fd))
        fake_error(fd, "FATAL", arg, "PASSWORT\x1b[31m falsch: 12345: x");
}

static void let_in_old(int fd, void *arg)
{
    if (!fake_read_startup(fd))
        return;
    fake_let_in(fd, arg);
    fake_wait_for_end(fd);
}

static void answer_one_row(int fd)
{
    static const char description[] = "\0\1c\0\0\0\0\0\0\0\0\0\0\x19\377\377\377\377\377\377\0";

    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    fake_message(fd, 'T', description, sizeof(description));
    fake_message(fd, 'D', "\0\1\0\0\0\1t", 7);
    fake_message(fd, 'C', "SELECT 1", 9);
    fake_message(fd, 'Z', "I", 1);
}

/* Answers n statements (the first is the connection's own), then does the last thing. */
struct script {
    int n;
    void (*then)(int fd);
};

static void follow_script(int fd, void *arg)
{
    const struct script *script = arg;

    if (!fake_read_startup(fd))
        return;
    fake_let_in(fd, "15.4");
    for (int i = 0; i < script->n; i++) {
        if (!fake_read_query(fd))
            return;
        answer_one_row(fd);
    }
    if (script->then)
        script->then(fd);
    fake_wait_for_end(fd);
}

static void refuse_statement(int fd)
{
    if (!fake_read_query(fd))
        return;
    fake_error(fd, "ERROR", "42501", "darf nicht");
    fake_message(fd, 'Z', "I", 1);
    if (fake_read_query(fd))
        answer_one_row(fd);
}

static void be_shut_down(int fd)
{
    fake_error(fd, "FATAL", "57P01", "wird beendet");
    shutdown(fd, SHUT_WR);
}

static void start_a_copy(int fd)
{
    if (!fake_read_query(fd))
        return;
    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    fake_message(fd, 'H', "\0\0\1\0\0", 5);
}

static void be_silent(int fd)
{
    fake_wait_for_end(fd);
}

static void flood(int fd, const void *bytes, size_t len)
{
    while (send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len)
        ;
}

/* One row after the other, as long as somebody takes them. */
static void answer_without_end(int fd)
{
    static const char description[] = "\0\1c\0\0\0\0\0\0\0\0\0\0\x19\377\377\377\377\377\377\0";
    static const char row[65536 + 1] = "D\0\1\0\0\0\1\0\0\377\366";

    if (!fake_read_query(fd))
        return;
    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    fake_message(fd, 'T', description, sizeof(description));
    flood(fd, row, sizeof(row));
}

/* Settings that nobody asked for, before the login has ended. */
static void greet_without_end(int fd, void *arg)
{
    struct strbuf many = STRBUF_INIT;

    (void)arg;
    if (!fake_read_startup(fd))
        return;
    fake_message(fd, 'R', "\0\0\0\0", 4);
    for (int i = 0; i < 1000; i++) {
        strbuf_add(&many, "S\0\0\0\x0e", 5);
        strbuf_printf(&many, "a%03d", i);
        strbuf_add(&many,
                   "\0"
                   "word\0",
                   6);
    }
    flood(fd, many.data, many.len);
    strbuf_clear(&many);
}

/* ---- tests ---- */

static void a_server_that_hangs_costs_the_deadline(void **state)
{
    struct fake *fake = fake_start(hang, NULL);
    struct err err = ERR_INIT;
    int64_t start = clock_mono_ms();

    (void)state;
    assert_null(open_fake(fake, 200, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_in_range(clock_mono_ms() - start, 190, 1500);
    fake_stop(fake);
}

static void steps_never_wait(void **state)
{
    struct fake *fake = fake_start(hang, NULL);
    struct params *params = params_for(fake);
    struct conn_options options = {.connect_timeout_ms = 300};
    struct err err = ERR_INIT;
    struct conn *conn = conn_start(params, &options, &err);
    int64_t worst = 0;

    (void)state;
    assert_non_null(conn);
    assert_int_equal(conn_state(conn), CONN_CONNECTING);
    for (;;) {
        int64_t start = clock_mono_ms();
        bool ok = conn_step(conn, &err);
        int64_t took = clock_mono_ms() - start;
        struct pollfd fd = {.fd = conn_fd(conn)};

        worst = took > worst ? took : worst;
        if (!ok)
            break;
        assert_true(fd.fd >= 0);
        assert_true(conn_wants(conn));
        fd.events = (short)((conn_wants(conn) & CONN_READ ? POLLIN : 0) |
                            (conn_wants(conn) & CONN_WRITE ? POLLOUT : 0));
        poll(&fd, 1, 20);
    }
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_int_equal(conn_state(conn), CONN_FAILED);
    assert_int_equal(conn_fd(conn), -1);
    assert_in_range(worst, 0, 100);
    assert_false(conn_step(conn, &err));
    conn_close(conn);
    params_free(params);
    fake_stop(fake);
}

static void what_is_not_postgresql_is_said_to_be_so(void **state)
{
    static const struct {
        void (*answer)(int, void *);
        enum err_code code;
    } servers[] = {{talk_http, ERR_NOT_POSTGRES},
                   {talk_garbage, ERR_NOT_POSTGRES},
                   {hang_up, ERR_NO_CONNECTION}};

    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct fake *fake = fake_start(servers[i].answer, NULL);
        struct err err = ERR_INIT;
        int64_t start = clock_mono_ms();

        assert_null(open_fake(fake, 3000, &err));
        assert_int_equal(err.code, servers[i].code);
        assert_true(text_is_clean(err.msg));
        assert_in_range(clock_mono_ms() - start, 0, 2000);
        fake_stop(fake);
    }
}

static void nobody_there(void **state)
{
    struct fake *fake = fake_start(hang, NULL);
    struct params *params = params_for(fake);
    struct err err = ERR_INIT;

    (void)state;
    fake_stop(fake); /* now nobody listens on its port */
    assert_null(conn_open(params, NULL, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
    params_free(params);
}

static void a_refused_login_is_told_by_sqlstate(void **state)
{
    static struct {
        char sqlstate[6];
        enum err_code code;
    } rows[] = {{"28P01", ERR_LOGIN},         {"28000", ERR_LOGIN},
                {"3D000", ERR_LOGIN},         {"42501", ERR_LOGIN},
                {"57P03", ERR_NO_CONNECTION}, {"53300", ERR_NO_CONNECTION},
                {"XX000", ERR_NO_CONNECTION}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake *fake = fake_start(refuse, rows[i].sqlstate);
        struct err err = ERR_INIT;

        assert_null(open_fake(fake, 3000, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_true(text_is_clean(err.msg));
        assert_non_null(strstr(err.msg, "PASSWORT"));
        assert_non_null(strstr(err.msg, rows[i].sqlstate));
        fake_stop(fake);
    }
}

static void an_old_server_is_refused(void **state)
{
    static char version[] = "9.6.24";
    struct fake *fake = fake_start(let_in_old, version);
    struct err err = ERR_INIT;

    (void)state;
    assert_null(open_fake(fake, 3000, &err));
    assert_int_equal(err.code, ERR_OLD_SERVER);
    fake_stop(fake);
}

static void a_statement_gives_rows(void **state)
{
    struct script script = {.n = 2};
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);
    const char *values[] = {"one", NULL};
    struct result *result = NULL;

    (void)state;
    assert_non_null(conn);
    assert_int_equal(conn_state(conn), CONN_IDLE);
    assert_int_equal(conn_server_version(conn), 150004);
    assert_int_equal(conn_backend_pid(conn), 0x1234);
    assert_false(conn_uses_tls(conn));
    assert_int_equal(conn_deadline_ms(conn), 0);
    assert_null(conn_take_result(conn));
    result = conn_exec(conn, "SELECT $1, $2", 2, values, &err);
    assert_non_null(result);
    assert_string_equal(result_get(result, 0, 0), "t");
    assert_null(conn_take_result(conn));
    result_free(result);
    conn_close(conn);
    fake_stop(fake);
}

static void a_refused_statement_leaves_the_connection(void **state)
{
    struct script script = {.n = 1, .then = refuse_statement};
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);

    (void)state;
    assert_non_null(conn);
    assert_false(conn_run(conn, "ALTER SYSTEM", &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_string_equal(conn_sqlstate(conn), "42501");
    assert_int_equal(conn_state(conn), CONN_IDLE);
    assert_true(conn_run(conn, "SELECT 1", &err));
    assert_string_equal(conn_sqlstate(conn), "");
    conn_close(conn);
    fake_stop(fake);
}

static void a_silent_statement_costs_the_deadline(void **state)
{
    struct script script = {.n = 1, .then = be_silent};
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);
    int64_t deadline = clock_mono_ms() + 150;

    (void)state;
    assert_non_null(conn);
    assert_true(conn_send(conn, "SELECT 1", 0, NULL, deadline, &err));
    assert_int_equal(conn_state(conn), CONN_BUSY);
    assert_int_equal(conn_deadline_ms(conn), deadline);
    assert_false(conn_send(conn, "SELECT 2", 0, NULL, deadline, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_false(conn_wait(conn, deadline + 5000, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_int_equal(conn_state(conn), CONN_FAILED);
    assert_in_range(clock_mono_ms(), deadline, deadline + 1500);
    assert_false(conn_run(conn, "SELECT 1", &err));
    assert_int_equal(err.code, ERR_CONNECTION_LOST);
    conn_close(conn);
    fake_stop(fake);
}

static bool say_yes(void *arg)
{
    int *asked = arg;

    return ++*asked > 2;
}

static void a_wish_to_stop_is_obeyed(void **state)
{
    struct fake *fake = fake_start(hang, NULL);
    struct params *params = params_for(fake);
    int asked = 0;
    struct conn_options options = {
        .connect_timeout_ms = 20000, .cancelled = say_yes, .cancelled_arg = &asked};
    struct err err = ERR_INIT;
    int64_t start = clock_mono_ms();

    (void)state;
    assert_null(conn_open(params, &options, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_in_range(clock_mono_ms() - start, 0, 3000);
    params_free(params);
    fake_stop(fake);
}

static void a_server_that_ends_is_noticed_while_idle(void **state)
{
    struct script script = {.n = 1, .then = be_shut_down};
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);

    (void)state;
    assert_non_null(conn);
    assert_int_equal(conn_wants(conn), CONN_READ);
    /* the last words come first, the end after them */
    for (int i = 0; i < 10 && conn_state(conn) == CONN_IDLE; i++) {
        struct pollfd fd = {.fd = conn_fd(conn), .events = POLLIN};

        assert_int_equal(poll(&fd, 1, 3000), 1);
        if (!conn_step(conn, &err))
            break;
    }
    assert_int_equal(conn_state(conn), CONN_FAILED);
    assert_int_equal(err.code, ERR_CONNECTION_LOST);
    assert_non_null(strstr(err.msg, "wird beendet"));
    conn_close(conn);
    fake_stop(fake);
}

static void a_copy_is_not_waited_for(void **state)
{
    struct script script = {.n = 1, .then = start_a_copy};
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);

    (void)state;
    assert_non_null(conn);
    assert_false(conn_run(conn, "COPY t TO STDOUT", &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_int_equal(conn_state(conn), CONN_FAILED);
    conn_close(conn);
    fake_stop(fake);
}

/* Memory is not what a server may take from us, whoever it is. */
static void an_answer_without_end_is_not_kept(void **state)
{
    struct script script = {.n = 1, .then = answer_without_end};
    struct fake *fake = fake_start(follow_script, &script);
    struct params *params = params_for(fake);
    struct conn_options options = {.connect_timeout_ms = 20000, .answer_max = 4u << 20};
    struct err err = ERR_INIT;
    struct conn *conn = conn_open(params, &options, &err);

    (void)state;
    assert_non_null(conn);
    assert_false(conn_run(conn, "SELECT 1", &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(conn_state(conn), CONN_FAILED);
    conn_close(conn);
    params_free(params);
    fake_stop(fake);
}

static void a_greeting_without_end_is_not_kept(void **state)
{
    struct fake *fake = fake_start(greet_without_end, NULL);
    struct err err = ERR_INIT;

    (void)state;
    assert_null(open_fake(fake, 20000, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    fake_stop(fake);
}

static void a_setting_of_the_command_line_is_not_changed(void **state)
{
    struct script script = {.n = 2}; /* the second answer: yes, it is held there */
    struct fake *fake = fake_start(follow_script, &script);
    struct err err = ERR_INIT;
    struct conn *conn = open_fake(fake, 3000, &err);

    (void)state;
    assert_non_null(conn);
    assert_false(settings_alter(conn, "ssl_ca_file", "x", &err));
    assert_int_equal(err.code, ERR_SETTING_OVERRIDDEN);
    assert_int_equal(conn_state(conn), CONN_IDLE);
    conn_close(conn);
    fake_stop(fake);
}

static void names_are_looked_up_before(void **state)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse("host=localhost,/tmp,::1 port=1 user=u", &err);
    const char *hosts = NULL, *addresses = NULL;

    (void)state;
    assert_non_null(params);
    assert_null(conn_start(params, NULL, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
    assert_non_null(strstr(err.msg, "localhost"));
    assert_true(conn_resolve(params, &err));
    hosts = params_get(params, "host");
    addresses = params_get(params, "hostaddr");
    assert_non_null(strstr(addresses, "127.0.0.1"));
    assert_true(text_starts_with(hosts, "localhost,"));
    assert_non_null(strstr(hosts, "/tmp,::1"));
    assert_true(conn_resolve(params, &err)); /* twice changes nothing */
    assert_ptr_equal(params_get(params, "hostaddr"), addresses);
    params_free(params);

    params = params_parse("host=no-such-name.invalid user=u", &err);
    assert_false(conn_resolve(params, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
    assert_non_null(strstr(err.msg, "no-such-name.invalid"));
    params_free(params);
}

static void a_service_is_looked_into(void **state)
{
    struct err err = ERR_INIT;
    char path[] = "/tmp/pgseal-service-XXXXXX";
    int fd = mkstemp(path);
    struct params *params = params_parse("here", &err);

    (void)state;
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "[here]\nhost=localhost\nport=5999\nuser=u\n") > 0);
    close(fd);
    setenv("PGSERVICEFILE", path, 1);
    assert_true(conn_resolve(params, &err));
    assert_non_null(strstr(params_get(params, "hostaddr"), "127.0.0.1"));
    assert_non_null(strstr(params_get(params, "port"), "5999"));
    params_free(params);

    params = params_parse("elsewhere", &err);
    assert_false(conn_resolve(params, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.msg, "elsewhere"));
    params_free(params);
    unsetenv("PGSERVICEFILE");
    unlink(path);
}

/* libpq warns on standard error, over the screen, when others can read the password file. */
static void a_loose_password_file_is_not_shown_to_libpq(void **state)
{
    static char sqlstate[] = "28P01";
    char path[] = "/tmp/pgseal-pgpass-XXXXXX";
    int file = mkstemp(path);
    int pipe_fds[2];
    int saved = dup(STDERR_FILENO);
    struct fake *fake = fake_start(refuse, sqlstate);
    struct err err = ERR_INIT;
    char said[256] = "";

    (void)state;
    assert_true(file >= 0 && saved >= 0);
    assert_true(dprintf(file, "*:*:*:*:secret\n") > 0);
    assert_int_equal(fchmod(file, 0644), 0);
    close(file);
    setenv("PGPASSFILE", path, 1);
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
    assert_null(open_fake(fake, 3000, &err));
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_true(read(pipe_fds[0], said, sizeof(said) - 1) < 0);
    assert_string_equal(said, "");
    assert_int_equal(err.code, ERR_LOGIN);
    assert_non_null(strstr(err.hint, path));
    unsetenv("PGPASSFILE");
    unlink(path);
    close(saved);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_hangs_costs_the_deadline),
        cmocka_unit_test(steps_never_wait),
        cmocka_unit_test(what_is_not_postgresql_is_said_to_be_so),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_refused_login_is_told_by_sqlstate),
        cmocka_unit_test(an_old_server_is_refused),
        cmocka_unit_test(a_statement_gives_rows),
        cmocka_unit_test(a_refused_statement_leaves_the_connection),
        cmocka_unit_test(a_silent_statement_costs_the_deadline),
        cmocka_unit_test(a_wish_to_stop_is_obeyed),
        cmocka_unit_test(a_server_that_ends_is_noticed_while_idle),
        cmocka_unit_test(a_copy_is_not_waited_for),
        cmocka_unit_test(an_answer_without_end_is_not_kept),
        cmocka_unit_test(a_greeting_without_end_is_not_kept),
        cmocka_unit_test(a_setting_of_the_command_line_is_not_changed),
        cmocka_unit_test(names_are_looked_up_before),
        cmocka_unit_test(a_service_is_looked_into),
        cmocka_unit_test(a_loose_password_file_is_not_shown_to_libpq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
