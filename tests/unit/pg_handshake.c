/* pg_handshake.c - the probe against what is no PostgreSQL, and what does not answer. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "tests/harness/fake_server.h"

static void hang(int fd, void *arg)
{
    (void)arg;
    fake_wait_for_end(fd);
}

static void hang_up(int fd, void *arg)
{
    char request[8];

    (void)arg;
    (void)fake_read(fd, request, sizeof(request));
}

static void echo(int fd, void *arg)
{
    char request[8];

    (void)arg;
    if (fake_read(fd, request, sizeof(request)))
        fake_write(fd, request, sizeof(request));
    fake_wait_for_end(fd);
}

/* arg: what is said after the request, as a string */
static void say(int fd, void *arg)
{
    char request[8];

    if (fake_read(fd, request, sizeof(request)))
        fake_write(fd, arg, strlen(arg));
    fake_wait_for_end(fd);
}

/* as sshd does: it does not wait to be asked */
static void greet(int fd, void *arg)
{
    fake_write(fd, arg, strlen(arg));
    fake_wait_for_end(fd);
}

static void promise_then_talk(int fd, void *arg)
{
    char request[8], hello[16];

    if (!fake_read(fd, request, sizeof(request)))
        return;
    fake_write(fd, "S", 1);
    if (fake_read(fd, hello, sizeof(hello)))
        fake_write(fd, arg, strlen(arg));
    fake_wait_for_end(fd);
}

static void promise_then_hang(int fd, void *arg)
{
    char request[8];

    (void)arg;
    if (fake_read(fd, request, sizeof(request)))
        fake_write(fd, "S", 1);
    fake_wait_for_end(fd);
}

static bool probe(void (*answer)(int, void *), void *arg, int64_t timeout_ms, struct handshake *ret,
                  struct err *err)
{
    struct fake *fake = fake_start(answer, arg);
    struct handshake_request request = {
        .host = "127.0.0.1", .port = fake_port(fake), .timeout_ms = timeout_ms};
    bool ok = handshake_run(&request, ret, err);

    fake_stop(fake);
    return ok;
}

static void no_tls_is_an_answer(void **state)
{
    static char no[] = "N";
    struct handshake handshake;
    struct err err = ERR_INIT;

    (void)state;
    assert_true(probe(say, no, 3000, &handshake, &err));
    assert_int_equal(handshake.verdict, HANDSHAKE_NO_TLS);
    assert_int_equal(handshake.chain.n, 0);
    assert_false(handshake.asks_certificate);
    handshake_clear(&handshake);
}

static void what_is_not_postgresql_is_told(void **state)
{
    static char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    static char ssh[] = "SSH-2.0-OpenSSH_9.2p1\r\n";
    static char no_command[] = "NO such command\r\n";
    static char mysql[] = "J";
    static const struct {
        void (*answer)(int, void *);
        void *arg;
    } servers[] = {
        {say, http},     {greet, ssh}, {greet, no_command},       {say, mysql},
        {hang_up, NULL}, {echo, NULL}, {promise_then_talk, http},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct handshake handshake;
        struct err err = ERR_INIT;

        assert_false(probe(servers[i].answer, servers[i].arg, 3000, &handshake, &err));
        if (err.code != ERR_NOT_POSTGRES)
            fail_msg("server %zu: PS-%d %s", i, (int)err.code, err.msg);
        assert_true(text_is_clean(err.msg));
    }
}

static void a_server_that_hangs_costs_the_deadline(void **state)
{
    static void (*const servers[])(int, void *) = {hang, promise_then_hang};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct handshake handshake;
        struct err err = ERR_INIT;
        int64_t start = clock_mono_ms();

        assert_false(probe(servers[i], NULL, 200, &handshake, &err));
        assert_int_equal(err.code, ERR_TIMEOUT);
        assert_in_range(clock_mono_ms() - start, 190, 1500);
    }
}

static void nobody_there(void **state)
{
    struct fake *fake = fake_start(hang, NULL);
    struct handshake_request request = {.host = "127.0.0.1", .port = fake_port(fake)};
    struct handshake handshake;
    struct err err = ERR_INIT;

    (void)state;
    fake_stop(fake);
    assert_false(handshake_run(&request, &handshake, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
    request.host = "no-such-name.invalid";
    assert_false(handshake_run(&request, &handshake, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
    request.host = "/no/such/folder";
    assert_false(handshake_run(&request, &handshake, &err));
    assert_int_equal(err.code, ERR_NO_CONNECTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_tls_is_an_answer),
        cmocka_unit_test(what_is_not_postgresql_is_told),
        cmocka_unit_test(a_server_that_hangs_costs_the_deadline),
        cmocka_unit_test(nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
