/* pg_handshake.c - the probe against what is no PostgreSQL, and what does not answer. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/pki/cert.h"
#include "core/pki/ossl.h"
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

/* ---- a verdict that gets lost on the way: TLS 1.3, and a reset instead of the alert ---- */

struct tls_server {
    struct key *key;
    struct cert *cert;
    const char
        *plan; /* a letter a connection: x reset, a accepted, r refused with alert 44, f talks
                         on and on */
    atomic_int at;
};

static int refuse_as_revoked(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
    return 0;
}

static int accept_anything(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

/* The socket goes with a reset; the number stays taken until fake_stop(). */
static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nothing < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ||
        dup2(nothing, fd) < 0)
        abort();
    close(nothing);
}

static void talk_without_end(SSL *ssl)
{
    static const char words[16384];

    while (SSL_write(ssl, words, sizeof(words)) > 0)
        ;
}

static void serve_tls(int fd, void *arg)
{
    struct tls_server *server = arg;
    char step = server->plan[atomic_fetch_add(&server->at, 1)];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl = NULL;
    char request[8];

    if (!ctx || !fake_read(fd, request, sizeof(request)))
        abort();
    fake_write(fd, "S", 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, step == 'r' ? refuse_as_revoked : accept_anything);
    if (SSL_CTX_use_certificate(ctx, ossl_cert(server->cert)) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, ossl_key(server->key)) != 1)
        abort();
    SSL_CTX_set_num_tickets(ctx, 0);
    ssl = SSL_new(ctx);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        abort();
    if (SSL_accept(ssl) == 1 && step == 'x')
        reset(fd);
    else if (step == 'f')
        talk_without_end(ssl);
    else if (step == 'a' && SSL_read(ssl, request, 1) <= 0)
        (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void make_self_signed(struct tls_server *server)
{
    struct err err = ERR_INIT;
    struct name *name = name_new_common_name("fake", &err);
    struct cert_request request = {.profile = PROFILE_CA, .subject = name};

    server->key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    assert_true(serial_random(&request.serial, &err));
    request.key = server->key;
    request.not_before = clock_now() - 60;
    request.not_after = clock_now() + 3600;
    server->cert = cert_sign(&request, NULL, server->key, &err);
    assert_non_null(server->cert);
    name_free(name);
}

static void a_lost_verdict_is_asked_for_again(void **state)
{
    static const struct {
        const char *plan;
        int alert; /* -1: no verdict at all */
    } rows[] = {{"a", 0}, {"r", 44}, {"xa", 0}, {"xr", 44}, {"xx", -1}};
    struct tls_server server = {0};

    (void)state;
    make_self_signed(&server);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake *fake = NULL;
        struct handshake_request request = {.host = "127.0.0.1"};
        struct handshake handshake;
        struct err err = ERR_INIT;
        bool ok = false;

        server.plan = rows[i].plan;
        atomic_store(&server.at, 0);
        fake = fake_start(serve_tls, &server);
        request.port = fake_port(fake);
        request.cert = server.cert;
        request.key = server.key;
        ok = handshake_run(&request, &handshake, &err);
        fake_stop(fake);
        assert_int_equal(ok, rows[i].alert >= 0);
        assert_int_equal(atomic_load(&server.at), strlen(rows[i].plan));
        if (ok) {
            assert_int_equal(handshake.alert, rows[i].alert);
            assert_int_equal(handshake.verdict,
                             rows[i].alert ? HANDSHAKE_REFUSED : HANDSHAKE_ACCEPTED);
            assert_true(handshake.sent_certificate);
            handshake_clear(&handshake);
        } else {
            assert_int_equal(err.code, ERR_NO_CONNECTION);
        }
    }
    key_free(server.key);
    cert_free(server.cert);
}

/* Bytes that come all the time are no reason to read them for ever. */
static void a_server_that_talks_without_end_costs_the_deadline(void **state)
{
    struct tls_server server = {.plan = "ff"};

    (void)state;
    make_self_signed(&server);
    for (int with = 0; with < 2; with++) {
        struct fake *fake = fake_start(serve_tls, &server);
        struct handshake_request request = {.host = "127.0.0.1",
                                            .port = fake_port(fake),
                                            .cert = with ? server.cert : NULL,
                                            .key = with ? server.key : NULL,
                                            .timeout_ms = 500};
        struct handshake handshake;
        struct err err = ERR_INIT;

        assert_false(handshake_run(&request, &handshake, &err));
        assert_int_equal(err.code, ERR_TIMEOUT);
        fake_stop(fake);
    }
    key_free(server.key);
    cert_free(server.cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_tls_is_an_answer),
        cmocka_unit_test(what_is_not_postgresql_is_told),
        cmocka_unit_test(a_server_that_hangs_costs_the_deadline),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_lost_verdict_is_asked_for_again),
        cmocka_unit_test(a_server_that_talks_without_end_costs_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
