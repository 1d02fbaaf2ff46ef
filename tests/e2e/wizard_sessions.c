/* The live page in a terminal: every kind of session, an end by keys, a server that hangs or goes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/harness/session_stage.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define KEY_MS       200 /* from a key to its effect on the screen */
#define SESSIONS_MAX 16

struct stage {
    struct wizard_box box;
    struct pg *pg;
    PGconn *conns[SESSIONS_MAX];
    size_t n;
};

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    void *pg = NULL;

    wizard_box_open(&stage->box);
    if (pg_setup(&pg))
        return -1;
    stage->pg = pg;
    session_stage_open(stage->pg);
    pg_run(stage->pg->admin, "CREATE ROLE alice LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE bob LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE carol LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE victim LOGIN");
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    void *pg = stage->pg;
    int result;

    for (size_t i = 0; i < stage->n; i++)
        PQfinish(stage->conns[i]);
    result = pg_teardown(&pg);
    wizard_box_close(&stage->box);
    free(stage);
    return result;
}

static PGconn *log_in(struct stage *stage, const char *role, const char *application,
                      const char *more)
{
    assert_true(stage->n < SESSIONS_MAX);
    stage->conns[stage->n] = session_stage_log_in(stage->pg, role, application, more);
    return stage->conns[stage->n++];
}

static PGconn *log_in_with(struct stage *stage, const char *role, const char *folder,
                           const char *name)
{
    char *certificate = session_stage_certificate(folder, name);
    PGconn *conn = log_in(stage, role, "", certificate);

    free(certificate);
    return conn;
}

static void open_page(struct stage *stage)
{
    static const char *const args[] = {"sessions", STAGE_SERVER, NULL};

    wizard_run(&stage->box, &(struct wizard_options){.args = args, .rows = 40, .columns = 120});
    wizard_wait(&stage->box, "SSL sessions (live)");
    wizard_wait(&stage->box, "FROM");
}

static void leave(struct stage *stage)
{
    pty_type(stage->box.pty, "q");
    wizard_expect_exit(&stage->box, 0);
}

#define WAIT_ROW(stage, ...) wizard_wait_row(&(stage)->box, __VA_ARGS__)

/* ---- every class ---- */

/* psql of another process, whose OpenSSL is told to speak TLS 1.1. */
static struct pty *old_tls(struct stage *stage)
{
    char *conninfo = mem_printf("host=127.0.0.1 port=%d dbname=postgres user=carol sslmode=require "
                                "ssl_min_protocol_version=TLSv1.1 ssl_max_protocol_version=TLSv1.1",
                                demo_port(stage->pg->demo));
    const char *argv[] = {"psql", "-X", conninfo, NULL};
    const char *env[] = {"OPENSSL_CONF=old.cnf", "HISTFILE=/dev/null", NULL};
    struct pty *psql;

    command_write("old.cnf",
                  "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                  "MinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n",
                  0600);
    pg_run(stage->pg->admin, "ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1'");
    pg_run(stage->pg->admin, "ALTER SYSTEM SET ssl_ciphers = 'DEFAULT@SECLEVEL=0'");
    pg_run(stage->pg->admin, "SELECT pg_reload_conf()");
    psql = pty_start(&(struct pty_options){.argv = argv, .env = env});
    pty_wait_text(psql, "postgres=>");
    free(conninfo);
    return psql;
}

static void every_class(void **state)
{
    struct stage *stage = *state;
    struct pty *psql;

    session_stage_issue("alice", 365, "alice");
    session_stage_issue("alice", 12, "soon");
    session_stage_issue("bob", 365, "bob");
    session_stage_issue_foreign("guest", "guest");
    log_in(stage, "carol", "no TLS", "sslmode=disable");
    log_in(stage, "carol", "no certificate", "sslmode=require");
    log_in_with(stage, "alice", "alice", "alice");
    log_in_with(stage, "alice", "soon", "alice");
    log_in_with(stage, "bob", "bob", "bob");
    log_in_with(stage, "carol", "partner", "guest");
    psql = old_tls(stage);
    open_page(stage);
    WAIT_ROW(stage, "carol", "127.0.0.1", "no ", "[!!] no TLS");
    WAIT_ROW(stage, "carol", "1.3", "[--] no cert");
    WAIT_ROW(stage, "carol", "1.1", "[!!] old TLS");
    WAIT_ROW(stage, "alice", "1.3", "364 d", "[ok]");
    WAIT_ROW(stage, "alice", "1.3", "11 d", "[!!] soon");
    WAIT_ROW(stage, "bob", "1.3", "364 d", "[ok]");
    WAIT_ROW(stage, "carol", "1.3", "guest", "[--] foreign");
    WAIT_ROW(stage, "admin", "local", "[--] local");
    WAIT_ROW(stage, "admin", "local", "[--] you");
    wizard_wait(&stage->box, "9 sessions");
    wizard_wait(&stage->box, "6 with TLS");
    wizard_wait(&stage->box, "1 without [!!]");
    wizard_wait(&stage->box, "4 with cert");
    wizard_wait(&stage->box, "3 of 9 sessions need a look.");

    /* revoked by somebody else while the page is open */
    free(EXPECT(0, "revoke", "bob", "--confirm", "bob", "--server", STAGE_SERVER));
    WAIT_ROW(stage, "bob", "364 d", "[xx] revoked");
    wizard_wait(&stage->box, "1 revoked [xx]");
    wizard_keys(&stage->box, KEYS_UP, 8);
    wizard_wait(&stage->box,
                "Revoked. This session is older, so it stays until it ends: d ends it.");
    leave(stage);
    pty_free(psql);
}

/* A role that may not see others' sessions is told so, and can end none of them. */
static void hidden(void **state)
{
    struct stage *stage = *state;
    char *conninfo = mem_printf("host=%s port=%d user=carol dbname=postgres",
                                demo_socket(stage->pg->demo), demo_port(stage->pg->demo));
    static const char *const args[] = {"sessions", "as-carol", NULL};

    free(EXPECT(0, "server", "add", "as-carol", conninfo));
    log_in(stage, "alice", "secret work", "sslmode=require");
    wizard_run(&stage->box, &(struct wizard_options){.args = args, .rows = 40, .columns = 120});
    WAIT_ROW(stage, "alice", "?", "[--] hidden");
    WAIT_ROW(stage, "carol", "local", "[--] you");
    assert_false(pty_has_text(stage->box.pty, "secret work"));
    pty_type(stage->box.pty, "/");
    pty_type(stage->box.pty, "alice\r");
    pty_wait_no_text(stage->box.pty, "carol     ");
    pty_type(stage->box.pty, "d");
    wizard_wait(&stage->box, "Your role may not see this session");
    leave(stage);
    free(conninfo);
}

/* ---- an end by keys ---- */

static bool lives(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT 1");
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;

    PQclear(result);
    return ok;
}

static void ended_by_keys(void **state)
{
    struct stage *stage = *state;
    PGconn *victim = log_in(stage, "victim", "the one", "sslmode=disable");
    PGconn *other = log_in(stage, "carol", "another", "sslmode=disable");

    open_page(stage);
    wizard_wait(&stage->box, "victim");
    pty_type(stage->box.pty, "/");
    pty_type(stage->box.pty, "victim\r");
    wizard_wait(&stage->box, "filter: victim");
    pty_wait_no_text(stage->box.pty, "carol  ");
    pty_type(stage->box.pty, "d");
    wizard_wait(&stage->box, "End this session?");
    wizard_wait(&stage->box, "of \"victim\" from 127.0.0.1");
    pty_type(stage->box.pty, "\r"); /* Enter is the safe answer */
    wizard_wait(&stage->box, "Nothing was done.");
    assert_true(lives(victim));
    pty_type(stage->box.pty, "d");
    wizard_wait(&stage->box, "End this session?");
    pty_type(stage->box.pty, "y");
    wizard_wait(&stage->box, "The session was ended.");
    assert_false(lives(victim));
    assert_true(lives(other));
    wizard_keys(&stage->box, KEYS_ESC, 1); /* the filter */
    wizard_wait(&stage->box, "filter: none");
    pty_wait_no_text(stage->box.pty, "victim");
    wizard_wait(&stage->box, "carol");
    leave(stage);
}

/* ---- a server that hangs, and one that goes ---- */

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Sorts by each column in turn; the time of the middle key of all. One slow key may be the
 * machine's fault; a page that waits for its server would make all of them slow. */
static int key_ms(struct stage *stage)
{
    static const char *const sorts[] = {"PID",  "ROLE",  "DATABASE", "APPLICATION",
                                        "FROM", "SINCE", "TLS",      "CIPHER",
                                        "CERT", "CA",    "ENDS",     "worst first"};
    int ms[ARRAY_LEN(sorts)];

    for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
        char *text = mem_printf("Sorted by: %s", sorts[i]);
        int64_t start = clock_mono_ms();

        pty_type(stage->box.pty, "s");
        pty_wait_text(stage->box.pty, text);
        ms[i] = (int)(clock_mono_ms() - start);
        free(text);
    }
    qsort(ms, ARRAY_LEN(ms), sizeof(ms[0]), compare);
    return ms[ARRAY_LEN(ms) / 2];
}

static void server_hangs(void **state)
{
    struct stage *stage = *state;
    struct err err = ERR_INIT;
    int ms;

    log_in(stage, "carol", "", "sslmode=disable");
    open_page(stage);
    wizard_wait(&stage->box, "1 of 3 sessions needs a look.");
    wizard_keys(&stage->box, "+", 2);
    wizard_wait(&stage->box, "every 0.5 s");
    assert_true(demo_freeze(stage->pg->demo, true, &err));
    ms = key_ms(stage);
    if (ms > KEY_MS)
        fail_msg("a key took %d ms beside a server that hangs", ms);
    wizard_keys(&stage->box, KEYS_DOWN, 1);
    wizard_wait(&stage->box, "The server does not answer. These rows are ");
    assert_true(pty_has_text(stage->box.pty, "3 sessions"));
    ms = key_ms(stage);
    if (ms > KEY_MS)
        fail_msg("a key took %d ms beside a server that hangs", ms);
    wizard_keys(&stage->box, KEYS_DOWN, 1);
    wizard_wait(&stage->box, "s old.");

    assert_true(demo_freeze(stage->pg->demo, false, &err));
    wizard_wait(&stage->box, "1 of 3 sessions needs a look.");
    log_in(stage, "alice", "", "sslmode=disable");
    wizard_wait(&stage->box, "2 of 4 sessions need a look.");

    /* and it is left at once while it hangs again */
    assert_true(demo_freeze(stage->pg->demo, true, &err));
    wizard_wait(&stage->box, "The server does not answer.");
    leave(stage);
    assert_true(demo_freeze(stage->pg->demo, false, &err));
}

static void server_restarts(void **state)
{
    struct stage *stage = *state;
    struct err err = ERR_INIT;

    log_in(stage, "carol", "", "sslmode=disable");
    open_page(stage);
    wizard_wait(&stage->box, "1 of 3 sessions needs a look.");
    wizard_keys(&stage->box, "+", 2);
    if (!demo_restart(stage->pg->demo, &err))
        fail_msg("%s", err.msg);
    wizard_wait(&stage->box, "Stale since ");
    wizard_wait(&stage->box, "1 session, and nothing needs a look.");
    log_in(stage, "alice", "after it", "sslmode=require");
    WAIT_ROW(stage, "alice", "1.3", "[--] no cert");
    leave(stage);
}

/* ---- hostile names ---- */

/* A statement with names that SQL takes and a terminal should never see. */
static void make_role(struct stage *stage, const char *name)
{
    struct strbuf sql = STRBUF_INIT;

    strbuf_add_str(&sql, "CREATE ROLE ");
    strbuf_add_char(&sql, '"');
    strbuf_add_str(&sql, name);
    strbuf_add_str(&sql, "\" LOGIN");
    pg_run(stage->pg->admin, sql.data);
    strbuf_clear(&sql);
}

static void expect_never(struct stage *stage, const char *bytes)
{
    const struct strbuf *output = pty_output(stage->box.pty);

    if (memmem(output->data, output->len, bytes, strlen(bytes)))
        fail_msg("raw on the terminal: %s", bytes + 1);
}

/* Every character whole, and none of C1. */
static void expect_utf8(const struct strbuf *output)
{
    const char *at = output->data, *end = at + output->len;

    assert_true(at < end);
    while (at < end) {
        const char *before = at;
        uint32_t code_point = text_next(&at, end);

        if ((code_point == 0xfffd && at == before + 1) || (code_point >= 0x80 && code_point < 0xa0))
            fail_msg("not UTF-8 at byte %td: %02x", before - output->data, (unsigned char)*before);
    }
}

static void hostile_names(void **state)
{
    static const char title[] = "ev\033]0;PWNED\007\033[2Jil", right_to_left[] = "a\342\200\256exe",
                      c1[] = "b\302\2331mx\302\2330";
    struct strbuf umlauts = STRBUF_INIT;
    struct stage *stage = *state;

    for (int i = 0; i < 40; i++) /* pg_stat_ssl cuts it within a character */
        strbuf_add_str(&umlauts, "\303\274");
    session_stage_issue_foreign("long", umlauts.data);
    make_role(stage, title);
    make_role(stage, right_to_left);
    make_role(stage, c1);
    log_in(stage, title, "app\033]0;PWNED\007\033[31m\342\200\256", "sslmode=disable");
    log_in(stage, right_to_left, "\303\303\303", "sslmode=require");
    log_in(stage, c1, "c1 \302\2332J", "sslmode=disable");
    log_in_with(stage, "carol", "partner", "long");
    open_page(stage);
    wizard_wait(&stage->box, "6 sessions");
    wizard_wait(&stage->box, "]0;PW"); /* it is there, cleaned */
    WAIT_ROW(stage, "carol", "\303\274\303\274\303\274", "[--] foreign");
    wizard_keys(&stage->box, KEYS_DOWN, 6); /* the sheet of each */
    wizard_keys(&stage->box, KEYS_UP, 6);
    pty_type(stage->box.pty, "s");
    wizard_wait(&stage->box, "Sorted by: PID");
    leave(stage);
    expect_never(stage, "\033]0;");
    expect_never(stage, "PWNED\007");
    expect_never(stage, "\033[2Jil");
    expect_never(stage, "\342\200\256");
    expect_never(stage, "\302\233");
    expect_never(stage, "\303\303");
    expect_utf8(pty_output(stage->box.pty));
    strbuf_clear(&umlauts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_class, setup, teardown),
        cmocka_unit_test_setup_teardown(hidden, setup, teardown),
        cmocka_unit_test_setup_teardown(ended_by_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(server_hangs, setup, teardown),
        cmocka_unit_test_setup_teardown(server_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_names, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
