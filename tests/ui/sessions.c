/* sessions.c - the live page on a server that answers what a test wants: pictures, truth, keys. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/fake_server.h"
#include "tests/harness/page_box.h"

#define COLUMNS 19
#define ROWS    8
#define OWN_PID "4660" /* as fake_let_in() says */

struct answers {
    const char *rows[ROWS][COLUMNS];
    char serials[3][SERIAL_DECIMAL_MAX];
    int n;
    int break_first;  /* how many answers are an encoding error */
    bool hang_second; /* nothing after the first rows */
};

static void add_u16(struct strbuf *out, size_t value)
{
    uint16_t network = htons((uint16_t)value);

    strbuf_add(out, &network, sizeof(network));
}

static void add_u32(struct strbuf *out, uint32_t value)
{
    uint32_t network = htonl(value);

    strbuf_add(out, &network, sizeof(network));
}

static void send_rows(int fd, const struct answers *answers)
{
    struct strbuf body = STRBUF_INIT;

    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    add_u16(&body, COLUMNS);
    for (int i = 0; i < COLUMNS; i++)
        strbuf_add(&body, "c\0\0\0\0\0\0\0\0\0\0\x19\377\377\377\377\377\377\0", 20);
    fake_message(fd, 'T', body.data, body.len);
    for (int row = 0; row < answers->n; row++) {
        strbuf_reset(&body);
        add_u16(&body, COLUMNS);
        for (int i = 0; i < COLUMNS; i++) {
            const char *text = answers->rows[row][i];

            add_u32(&body, text != NULL ? (uint32_t)strlen(text) : UINT32_MAX);
            if (text != NULL)
                strbuf_add_str(&body, text);
        }
        fake_message(fd, 'D', body.data, body.len);
    }
    strbuf_clear(&body);
    fake_message(fd, 'C', "SELECT 1", 9);
    fake_message(fd, 'Z', "I", 1);
}

static void send_done(int fd)
{
    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    fake_message(fd, 'n', "", 0);
    fake_message(fd, 'C', "SET", 4);
    fake_message(fd, 'Z', "I", 1);
}

static void answer(int fd, void *arg)
{
    const struct answers *answers = arg;

    if (!fake_read_startup(fd))
        return;
    fake_let_in(fd, "15.18");
    if (!fake_read_query(fd))
        return;
    send_done(fd); /* search_path and the like */
    for (int i = 0; i < answers->break_first; i++) {
        if (!fake_read_query(fd))
            return;
        fake_error(fd, "ERROR", "22P05", "character with byte sequence 0xff has no equivalent");
        fake_message(fd, 'Z', "I", 1);
        if (!fake_read_query(fd))
            return;
        send_done(fd); /* SET client_encoding */
    }
    while (fake_read_query(fd)) {
        send_rows(fd, answers);
        if (answers->hang_second) {
            fake_wait_for_end(fd);
            return;
        }
    }
}

static void add(struct answers *answers, const char *pid, const char *role, const char *application,
                const char *address, const char *port, const char *version)
{
    const char **row = answers->rows[answers->n++];

    row[0] = pid;
    row[1] = "app";
    row[2] = role;
    row[3] = application;
    row[4] = address;
    row[5] = port;
    row[6] = "client backend";
    row[7] = "idle";
    row[8] = "2026-11-21 19:40:00.123456+00";
    row[9] = "f";
    row[10] = version != NULL ? "t" : "f";
    row[11] = version;
    row[12] = version != NULL ? "TLS_AES_256_GCM_SHA384" : NULL;
    row[13] = version != NULL ? "256" : NULL;
    row[17] = "f";
}

static void with_certificate(struct answers *answers, const char *dn, const char *serial)
{
    const char **row = answers->rows[answers->n - 1];

    row[14] = dn;
    row[15] = serial;
    row[16] = "/CN=Acme PG Root";
}

/* Three certificates of the store: fine, ends soon, revoked. */
static void fill_store(struct page_box *box, struct answers *answers)
{
    static const char *const roles[] = {"alice", "app", "bob"};
    static const int days[] = {365, 12, 80};
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);

    for (size_t i = 0; i < 3; i++) {
        struct issued *issued = box_issue(&box->box, authority, key, roles[i], days[i]);

        serial_format_decimal(answers->serials[i], &issued->serial);
        if (i == 2) {
            struct crl *crl = revoked_and_sign(box->box.store, authority, key, issued,
                                               CRL_KEY_COMPROMISE, 0, &err);

            if (crl == NULL)
                fail_msg("%s", err.msg);
            crl_free(crl);
        }
        issued_free(issued);
    }
    key_free(key);
    authority_free(authority);
}

static void fill_answers(struct answers *answers)
{
    add(answers, "2101", "alice", "psql", "10.0.0.17", "40001", "TLSv1.3");
    with_certificate(answers, "/CN=alice", answers->serials[0]);
    add(answers, "2102", "app", "web", "10.0.0.20", "40002", "TLSv1.3");
    with_certificate(answers, "/CN=app", answers->serials[1]);
    add(answers, "2117", "bob", "", "10.0.0.31", "40003", "TLSv1.2");
    with_certificate(answers, "/CN=bob", answers->serials[2]);
    add(answers, "2120", "report", "nightly", "10.0.0.8", "40004", "TLSv1.2");
    add(answers, "2133", "legacy", "\x1b[31m", "10.0.0.99", "40005", NULL);
    add(answers, "2140", "postgres", "", NULL, "-1", NULL);
    add(answers, "2150", "secretive", "x", NULL, NULL, NULL);
    answers->rows[answers->n - 1][6] = NULL; /* hidden */
    answers->rows[answers->n - 1][8] = NULL;
    answers->rows[answers->n - 1][10] = NULL;
    add(answers, OWN_PID, "admin", "pgseal", "127.0.0.1", "40006", "TLSv1.3");
}

static void add_server(struct page_box *box, const char *host, int port)
{
    struct err err = ERR_INIT;
    char *conninfo =
        mem_printf("host=%s port=%d user=admin sslmode=disable gssencmode=disable", host, port);
    char name[] = "db1", empty[] = "", provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = empty,
                            .provider = provider,
                            .system_identifier = empty};

    BOX_OK(server_add(box->box.store, &server, &err));
    free(conninfo);
}

static void open_page(struct page_box *box, struct answers *answers, struct fake **ret)
{
    page_box_open(box, "db1", NULL, &ui_ascii);
    fill_store(box, answers);
    fill_answers(answers);
    *ret = fake_start(answer, answers);
    add_server(box, "127.0.0.1", fake_port(*ret));
    navigator_push(box->navigator, page_sessions(box->app));
}

static void pictures(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_page(&box, &answers, &fake);
    ui_check_navigator(box.navigator, 24, 80, "sessions-busy");
    page_box_wait(&box, "[xx] revoked"); /* rows, and the join with the store */
    ui_key(box.navigator, 'g');          /* to legacy: serial numbers are others in each run */
    ui_key(box.navigator, 'j');
    ui_check_navigator(box.navigator, 24, 80, "sessions-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "sessions-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, 'd');
    ui_check_navigator(box.navigator, 24, 80, "sessions-question");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "Nothing was done."));
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "10.0.0.9");
    ui_check_navigator(box.navigator, 24, 80, "sessions-filter");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, ' ');
    assert_true(ui_shows(box.navigator, "PAUSED"));
    page_box_close(&box);
    fake_stop(fake);
}

/* Hidden is not "no TLS", a socket is not, and our own session is never offered to be ended. */
static void tells_the_truth(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_page(&box, &answers, &fake);
    page_box_wait(&box, "[xx] revoked");
    assert_true(ui_shows(box.navigator, "8 sessions  5 with TLS  1 without [!!]  3 with cert"));
    assert_true(ui_shows(box.navigator, "1 hidden"));
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "admin");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, 'd');
    assert_true(ui_shows(box.navigator, "This is pgseal's own session."));
    page_box_close(&box);
    fake_stop(fake);
}

/* A name that the server cannot convert: the rows come as bytes, and are cleaned here. */
static void a_name_that_cannot_be_converted(void **state)
{
    struct answers answers = {.n = 0, .break_first = 1};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_page(&box, &answers, &fake);
    page_box_wait(&box, "[xx] revoked");
    assert_int_equal(fake_connections(fake), 1);
    page_box_close(&box);
    fake_stop(fake);
}

/* The server stops answering: the rows stay, the keys work, the message says how old they are. */
static void a_server_that_hangs(void **state)
{
    struct answers answers = {.n = 0, .hang_second = true};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_page(&box, &answers, &fake);
    page_box_wait(&box, "[xx] revoked");
    ui_key(box.navigator, '+');
    ui_key(box.navigator, '+'); /* twice a second */
    page_box_wait(&box, "The server does not answer.");
    assert_true(ui_shows(box.navigator, "legacy"));
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "bob");
    assert_true(ui_shows(box.navigator, "1 of 8"));
    page_box_close(&box);
    fake_stop(fake);
}

static void a_server_that_is_not_there(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    add_server(&box, "/nowhere", 5432);
    navigator_push(box.navigator, page_sessions(box.app));
    page_box_wait(&box, "It is tried again by itself.");
    ui_check_navigator(box.navigator, 24, 80, "sessions-error");
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(tells_the_truth),
        cmocka_unit_test(a_name_that_cannot_be_converted),
        cmocka_unit_test(a_server_that_hangs),
        cmocka_unit_test(a_server_that_is_not_there),
    };

    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
