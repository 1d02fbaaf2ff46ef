/* sessions.c - the live page on a server that answers what a test wants: pictures, truth, keys. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/server.h"
#include "core/store/sighting.h"
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

static void answer(int fd, void *arg)
{
    const struct answers *answers = arg;

    if (!fake_read_startup(fd))
        return;
    fake_let_in(fd, "15.18");
    if (!fake_read_query(fd))
        return;
    fake_done(fd); /* search_path and the like */
    if (!fake_read_query(fd))
        return;
    fake_done(fd); /* PREPARE */
    for (int i = 0; i < answers->break_first; i++) {
        if (!fake_read_query(fd))
            return;
        fake_refuse(fd, "22P05", "character with byte sequence 0xff has no equivalent");
        if (!fake_read_query(fd))
            return;
        fake_done(fd); /* SET client_encoding */
    }
    if (!fake_read_query(fd))
        return;
    fake_rows(fd, &answers->rows[0][0], answers->n, COLUMNS);
    if (!fake_read_query(fd)) /* one is hidden: what may this role see? */
        return;
    fake_rows(fd, (const char *const[]){"admin", "f", "f"}, 1, 3);
    while (fake_read_query(fd)) {
        fake_rows(fd, &answers->rows[0][0], answers->n, COLUMNS);
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

static void add_named_server(struct page_box *box, const char *as, const char *host, int port)
{
    struct err err = ERR_INIT;
    char *conninfo =
        mem_printf("host=%s port=%d user=admin sslmode=disable gssencmode=disable", host, port);
    char name[8], empty[] = "", provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = empty,
                            .provider = provider,
                            .system_identifier = empty};

    snprintf(name, sizeof(name), "%s", as);
    BOX_OK(server_add(box->box.store, &server, &err));
    free(conninfo);
}

static void add_server(struct page_box *box, const char *host, int port)
{
    add_named_server(box, "db1", host, port);
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
    page_box_wait(&box, "TO \"admin\"");
    ui_key(box.navigator, 'g'); /* to legacy: serial numbers are others in each run */
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

static void open_filled(struct page_box *box, struct answers *answers, struct fake **ret)
{
    open_page(box, answers, ret);
    page_box_wait(box, "[xx] revoked");
    page_box_wait(box, "TO \"admin\"");
}

static void filter(struct page_box *box, const char *text)
{
    ui_key(box->navigator, '/');
    ui_key(box->navigator, KEY_CODE_CTRL('u'));
    ui_type(box->navigator, text);
    ui_key(box->navigator, KEY_CODE_ENTER);
}

static bool lists(const struct page_box *box, const char *const *roles)
{
    static const char *const all[] = {"alice",  "app  ",    "bob",       "report",
                                      "legacy", "postgres", "secretive", "admin"};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char row[32];
        bool wanted = false;

        for (size_t k = 0; roles[k] != NULL; k++)
            wanted |= strncmp(all[i], roles[k], strlen(roles[k])) == 0;
        snprintf(row, sizeof(row), "%.9s", all[i]);
        if (wanted && !ui_shows(box->navigator, row))
            return false;
    }
    return true;
}
#define LISTS(box, ...) lists((box), (const char *const[]){__VA_ARGS__, NULL})

/* Text, a regular expression, a finding, a class; each turned around; and what is none of them. */
static void filters(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_filled(&box, &answers, &fake);
    filter(&box, ":no-tls");
    assert_true(LISTS(&box, "legacy"));
    assert_false(ui_shows(box.navigator, "secretive")); /* hidden is not "no TLS" */
    assert_false(ui_shows(box.navigator, "report"));
    filter(&box, ":socket");
    assert_true(LISTS(&box, "postgres"));
    assert_false(ui_shows(box.navigator, "legacy "));
    filter(&box, "!:tls-cert");
    assert_true(LISTS(&box, "legacy", "report", "postgres", "secretive"));
    assert_false(ui_shows(box.navigator, "alice"));
    filter(&box, "~^(bob|alice)$");
    assert_true(LISTS(&box, "bob", "alice"));
    assert_false(ui_shows(box.navigator, "legacy "));
    filter(&box, "!~^10[.]");
    assert_true(LISTS(&box, "postgres", "secretive"));
    assert_false(ui_shows(box.navigator, "alice"));
    filter(&box, "~(");
    assert_true(ui_shows(box.navigator, "The filter: "));
    ui_key(box.navigator, 'g');
    assert_true(LISTS(&box, "bob", "legacy")); /* while it is broken all are shown */
    filter(&box, ":nonsense");
    assert_true(ui_shows(box.navigator, "no finding or class has this name"));

    /* f walks through the findings that somebody has */
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, 'f');
    assert_true(ui_shows(box.navigator, "filter: :no-tls"));
    assert_true(ui_shows(box.navigator, "1 with the finding \"no-tls\""));
    ui_key(box.navigator, 'f');
    assert_true(ui_shows(box.navigator, "filter: :no-client-cert"));
    ui_key(box.navigator, 'f');
    assert_true(ui_shows(box.navigator, "filter: :revoked"));
    ui_key(box.navigator, 'f');
    assert_true(ui_shows(box.navigator, "filter: :expiring"));
    ui_key(box.navigator, 'f');
    assert_true(ui_shows(box.navigator, "All rows again."));
    page_box_close(&box);
    fake_stop(fake);
}

static void groups(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_filled(&box, &answers, &fake);
    for (int i = 0; i < 5; i++)
        ui_key(box.navigator, 'b'); /* role, application, address, CA, TLS version */
    ui_check_navigator(box.navigator, 24, 80, "sessions-groups");
    ui_key(box.navigator, 'g');
    ui_key(box.navigator, KEY_CODE_ENTER); /* the worst first */
    assert_true(ui_shows(box.navigator, "> TLS TLSv1.2"));
    assert_true(LISTS(&box, "bob", "report"));
    assert_false(ui_shows(box.navigator, "alice"));
    ui_key(box.navigator, KEY_CODE_ESC); /* to the groups */
    assert_true(ui_shows(box.navigator, "by: TLS"));
    ui_key(box.navigator, KEY_CODE_ESC); /* to all sessions */
    assert_true(ui_shows(box.navigator, "filter: none"));
    assert_true(ui_shows(box.navigator, "PID"));
    page_box_close(&box);
    fake_stop(fake);
}

static void the_sheet_explains(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_filled(&box, &answers, &fake);
    filter(&box, "legacy");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "sessions-sheet");
    ui_key(box.navigator, KEY_CODE_ESC);
    filter(&box, "bob");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "CA           \"Acme PG Root\", issued for \"bob\""));
    assert_true(ui_shows(box.navigator, "2027-02-09, in 80 days; revoked 2026-11-21 21:55 UTC"));
    assert_true(ui_shows(box.navigator, "[xx] Revoked."));
    ui_key(box.navigator, KEY_CODE_DOWN);
    assert_false(ui_shows(box.navigator, "2117 on db1")); /* it scrolls */
    ui_key(box.navigator, 'd');                           /* also from here */
    assert_true(ui_shows(box.navigator, "Session 2117 of \"bob\" from 10.0.0.31."));
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC);
    filter(&box, "report");
    ui_key(box.navigator, 'o'); /* the page that mends it, filled in */
    page_box_wait(&box, "Client certificate");
    page_box_wait(&box, "[report");
    page_box_close(&box);
    fake_stop(fake);
}

/* The header of a panel whose rows all may be seen. */
static void nothing_hidden(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill_store(&box, &answers);
    add(&answers, "2101", "alice", "psql", "10.0.0.17", "40001", "TLSv1.3");
    with_certificate(&answers, "/CN=alice", answers.serials[0]);
    fake = fake_start(answer, &answers);
    add_server(&box, "127.0.0.1", fake_port(fake));
    navigator_push(box.navigator, page_sessions(box.app));
    page_box_wait(&box, "365 d [ok]");
    assert_true(ui_shows(box.navigator, "[ok] Nothing needs a look."));
    assert_false(ui_shows(box.navigator, "GRANT"));
    page_box_close(&box);
    fake_stop(fake);
}

/* All that are shown, but for those who must be spared; the number has to be typed. */
static void ends_many(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_filled(&box, &answers, &fake);
    ui_key(box.navigator, 'D');
    assert_true(ui_shows(box.navigator, "D ends all that are shown: set a filter"));
    filter(&box, "!legacy");
    ui_key(box.navigator, 'D');
    ui_check_navigator(box.navigator, 24, 80, "sessions-end-many");
    ui_key(box.navigator, 'y'); /* no single key for a severe act */
    assert_true(ui_shows(box.navigator, "End 5 sessions?"));
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "Nothing was done."));
    page_box_close(&box);
    fake_stop(fake);
}

static void read_only_ends_nothing(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;
    struct app *app;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill_store(&box, &answers);
    fill_answers(&answers);
    fake = fake_start(answer, &answers);
    add_server(&box, "127.0.0.1", fake_port(fake));
    app = app_new(&(struct app_options){
        .store_folder = box.box.store_folder, .server = "db1", .read_only = true});
    app_set_loop(app, box.loop);
    navigator_push(box.navigator, page_sessions(app));
    page_box_wait(&box, "[xx] revoked");
    ui_key(box.navigator, 'd');
    assert_true(ui_shows(box.navigator, "Read only: pgseal was started with --read-only."));
    filter(&box, ":no-tls");
    ui_key(box.navigator, 'D');
    assert_true(ui_shows(box.navigator, "Read only: pgseal was started with --read-only."));
    navigator_clear(box.navigator);
    app_free(app);
    page_box_close(&box);
    fake_stop(fake);
}

static void saves_what_is_shown(void **state)
{
    struct answers answers = {.n = 0};
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct page_box box;
    struct fake *fake;
    struct stat st;

    (void)state;
    open_filled(&box, &answers, &fake);
    filter(&box, "legacy");
    ui_key(box.navigator, 'w');
    ui_check_navigator(box.navigator, 24, 80, "sessions-save");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Wrote \"sessions-db1-20261121-215542.csv\".");
    BOX_OK(fs_read("sessions-db1-20261121-215542.csv", 1 << 20, &text, &err));
    assert_non_null(strstr(text.data, ",2133,clear,app,legacy,"));
    assert_null(strstr(text.data, "alice"));
    assert_int_equal(stat("sessions-db1-20261121-215542.csv", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    ui_key(box.navigator, 'w'); /* never over it */
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "exists");
    ui_key(box.navigator, 'w');
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "x.json");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Wrote \"x.json\".");
    strbuf_reset(&text);
    BOX_OK(fs_read("x.json", 1 << 20, &text, &err));
    assert_true(text_starts_with(text.data, "{\n  \"v\": 1,"));
    assert_non_null(strstr(text.data, "\"pid\": 2133"));
    assert_null(strstr(text.data, "\"pid\": 2101"));
    strbuf_clear(&text);
    page_box_close(&box);
    fake_stop(fake);
}

/* What the panel has seen stands in the store afterwards, and the page "what if" reads it. */
/* With what the live page wrote down: a job does that, when it comes to it. */
static void open_what_if(struct page_box *box)
{
    ui_key(box->navigator, 't');
    page_box_wait(box, "Nothing is changed here.");
    while (ui_shows(box->navigator, "Nothing was recorded before")) {
        ui_key(box->navigator, KEY_CODE_ESC);
        ui_key(box->navigator, 't');
        page_box_wait(box, "Nothing is changed here.");
    }
}

static void what_if(void **state)
{
    struct answers answers = {.n = 0};
    struct sighting_list seen;
    struct sightings *sightings;
    struct err err = ERR_INIT;
    struct page_box box;
    struct fake *fake;

    (void)state;
    open_filled(&box, &answers, &fake);
    open_what_if(&box);
    ui_check_navigator(box.navigator, 24, 80, "readiness");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_DOWN); /* certificate required */
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "readiness-who");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "SSL sessions (live)"));
    ui_key(box.navigator, KEY_CODE_ESC); /* leaves: what waits is written */
    assert_true(loop_drain(box.loop, 20000));
    sightings = sightings_open(box.box.store_folder, false, &err);
    if (sightings == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sightings_list(sightings, &(struct sighting_filter){.without_tls = true}, &seen, &err));
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].key.role, "legacy");
    assert_string_equal(seen.rows[0].key.application, "\xef\xbf\xbd[31m");
    sighting_list_clear(&seen);
    BOX_OK(sightings_list(sightings, &(struct sighting_filter){.authority = "Acme PG Root"}, &seen,
                          &err));
    assert_int_equal(seen.n, 3);
    sighting_list_clear(&seen);
    sightings_close(sightings);
    page_box_close(&box);
    fake_stop(fake);
}

/* Two servers in one panel: each with its own state; one of them is away. */
static void several_servers(void **state)
{
    static const char *const names[] = {"db1", "db2"};
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;
    struct app *app;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill_store(&box, &answers);
    fill_answers(&answers);
    fake = fake_start(answer, &answers);
    add_server(&box, "127.0.0.1", fake_port(fake));
    add_named_server(&box, "db2", "/nowhere", 5432);
    app = app_new(&(struct app_options){
        .store_folder = box.box.store_folder, .server = "db1", .watched = names, .n_watched = 2});
    app_set_loop(app, box.loop);
    navigator_push(box.navigator, page_sessions(app));
    page_box_wait(&box, "[xx] revoked");
    page_box_wait(&box, "[xx] db2");
    assert_true(ui_shows(box.navigator, "[ok] db1"));
    assert_true(ui_shows(box.navigator, "2 servers"));
    assert_true(ui_shows(box.navigator, "db2: Not reached: "));
    assert_true(ui_shows(box.navigator, "8 sessions"));
    navigator_clear(box.navigator);
    app_free(app);
    page_box_close(&box);
    fake_stop(fake);
}

/* A server that wants a password, and a person who knows it. */
static void ask_then_answer(int fd, void *arg)
{
    char head[5], body[64];
    uint32_t size;

    if (!fake_read_startup(fd))
        return;
    fake_message(fd, 'R', "\0\0\0\3", 4);
    if (!fake_read(fd, head, sizeof(head)))
        return;
    memcpy(&size, head + 1, sizeof(size));
    size = __builtin_bswap32(size);
    if (size > sizeof(body) || !fake_read(fd, body, size - 4))
        return;
    if (strcmp(body, "sesame") != 0) {
        fake_error(fd, "FATAL", "28P01", "password authentication failed for user \"admin\"");
        return;
    }
    fake_let_in(fd, "15.18");
    (void)fake_read_query(fd);
    fake_done(fd);
    (void)fake_read_query(fd);
    fake_done(fd);
    while (fake_read_query(fd))
        fake_rows(fd, &((struct answers *)arg)->rows[0][0], 1, COLUMNS);
}

static void asks_for_a_password(void **state)
{
    struct answers answers = {.n = 0};
    struct page_box box;
    struct fake *fake;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    add(&answers, "2101", "alice", "psql", "10.0.0.17", "40001", "TLSv1.3");
    fake = fake_start(ask_then_answer, &answers);
    add_server(&box, "127.0.0.1", fake_port(fake));
    navigator_push(box.navigator, page_sessions(box.app));
    page_box_wait(&box, "Password for db1");
    ui_type(box.navigator, "wrong");
    ui_check_navigator(box.navigator, 24, 80, "sessions-password");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "password authentication failed");
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "db1 wants a password. p asks for it."));
    ui_key(box.navigator, 'p');
    ui_type(box.navigator, "sesame");
    assert_false(ui_shows(box.navigator, "sesame"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "alice");
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
        cmocka_unit_test(filters),
        cmocka_unit_test(groups),
        cmocka_unit_test(the_sheet_explains),
        cmocka_unit_test(nothing_hidden),
        cmocka_unit_test(ends_many),
        cmocka_unit_test(read_only_ends_nothing),
        cmocka_unit_test(saves_what_is_shown),
        cmocka_unit_test(what_if),
        cmocka_unit_test(several_servers),
        cmocka_unit_test(asks_for_a_password),
    };

    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
