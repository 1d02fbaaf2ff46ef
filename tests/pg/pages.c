/* pages.c - pages on a real PostgreSQL: the live panel, ending a session, the role look-up, F2. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"
#include "tests/pg/need_pg.h"

struct story {
    struct page_box box;
    struct demo *demo;
    struct conn *alice; /* a session to look at */
};

static struct conn *log_in(const struct demo *demo, const char *application)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn;

    assert_non_null(params);
    conn = conn_open(params, &(struct conn_options){.application_name = application}, &err);
    if (conn == NULL)
        fail_msg("%s", err.msg);
    params_free(params);
    return conn;
}

static int begin(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;
    char name[] = "db1", empty[] = "", provider[] = "self-managed";
    struct server server = {
        .name = name, .tls_host = empty, .provider = provider, .system_identifier = empty};

    story->demo = demo_start(&(struct demo_options){0}, &err);
    if (story->demo == NULL)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    server.conninfo = mem_strdup(demo_admin_conninfo(story->demo));
    BOX_OK(server_add(story->box.box.store, &server, &err));
    free(server.conninfo);
    story->alice = log_in(story->demo, "the one to end");
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;

    page_box_close(&story->box);
    conn_close(story->alice);
    demo_free(story->demo);
    free(story);
    return 0;
}

static void select_the_one(struct story *story)
{
    ui_key(story->box.navigator, '/');
    ui_type(story->box.navigator, "admin");
    ui_key(story->box.navigator, KEY_CODE_ENTER);
    for (int i = 0; i < 8 && !ui_shows(story->box.navigator, "application \"the one to end\""); i++)
        ui_key(story->box.navigator, KEY_CODE_DOWN);
    assert_true(ui_shows(story->box.navigator, "application \"the one to end\""));
}

static void ends_a_session(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;
    struct result *result = conn_exec(story->alice, "SELECT 1", 0, NULL, &err);

    assert_non_null(result);
    result_free(result);
    navigator_push(story->box.navigator, page_sessions(story->box.app));
    page_box_wait(&story->box, "2 sessions");
    select_the_one(story);
    ui_key(story->box.navigator, 'd');
    assert_true(ui_shows(story->box.navigator, "End this session?"));
    ui_key(story->box.navigator, 'y');
    page_box_wait(&story->box, "The session was ended.");
    assert_null(conn_exec(story->alice, "SELECT 1", 0, NULL, &err));
    assert_int_equal(conn_state(story->alice), CONN_FAILED);
}

/* What F2 shows runs as printed: psql reads it, and the session under the cursor ends. */
static void commands_run_as_printed(void **state)
{
    struct story *story = *state;
    struct screen *page = page_sessions(story->box.app);
    struct strbuf lines = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *path = fs_join(story->box.box.folder, "f2.sql"), *output;

    navigator_push(story->box.navigator, page);
    page_box_wait(&story->box, "2 sessions");
    select_the_one(story);
    page->ops->commands(page->self, &lines);
    BOX_OK(fs_write_new(path, lines.data, lines.len, 0644, &err));
    if (box_run(&output, "psql -X -At -v ON_ERROR_STOP=1 -f %s '%s' 2>&1", path,
                demo_admin_conninfo(story->demo)) != 0)
        fail_msg("%s\n%s", lines.data, output);
    assert_non_null(strstr(output, "the one to end"));
    assert_null(conn_exec(story->alice, "SELECT 1", 0, NULL, &err));
    free(output);
    free(path);
    strbuf_clear(&lines);
}

/* What the page says is missing is missing, and the SQL that it shows is all that was. */
static void grants_run_as_printed(struct story *story)
{
    struct screen *page = page_grants(story->box.app);
    struct strbuf lines = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *path = fs_join(story->box.box.folder, "grants.sql"), *output;
    const char *sql;

    navigator_push(story->box.navigator, page);
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    ui_key(story->box.navigator, KEY_CODE_ENTER); /* no role: the login's own */
    page_box_wait(&story->box, "\"admin\" is a superuser: it needs none of these.");
    ui_key(story->box.navigator, KEY_CODE_ESC);
    page_box_keys(&story->box, KEY_CODE_BACK_TAB, 1);
    ui_type(story->box.navigator, "alice");
    page_box_keys(&story->box, KEY_CODE_TAB, 1);
    ui_key(story->box.navigator, KEY_CODE_ENTER);
    page_box_wait(&story->box, "\"alice\" lacks");
    page->ops->commands(page->self, &lines);
    sql = strstr(lines.data, "\n\n");
    assert_non_null(sql);
    BOX_OK(fs_write_new(path, sql, strlen(sql), 0644, &err));
    ui_key(story->box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(story->box.navigator, "GRANT"));
    ui_key(story->box.navigator, KEY_CODE_ESC);
    if (box_run(&output, "psql -X -At -v ON_ERROR_STOP=1 -f %s '%s' 2>&1", path,
                demo_admin_conninfo(story->demo)) != 0)
        fail_msg("%s\n%s", sql, output);
    ui_key(story->box.navigator, KEY_CODE_F5);
    page_box_wait(&story->box, "\"alice\" has what pgseal needs.");
    navigator_clear(story->box.navigator);
    free(output);
    free(path);
    strbuf_clear(&lines);
}

/* The rules as they are: everyone gets in; the walk shows by which line. */
static void who_gets_in(struct story *story)
{
    navigator_push(story->box.navigator, page_simulate(story->box.app, NULL));
    page_box_wait(&story->box, "Nobody would be refused.");
    assert_true(ui_shows(story->box.navigator, "gets in by line"));
    ui_key(story->box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(story->box.navigator, "By the rules as they are it gets in by line"));
    assert_true(ui_shows(story->box.navigator, "->"));
    navigator_clear(story->box.navigator);
}

static void looks_a_role_up(void **state)
{
    struct story *story = *state;

    authority_free(box_authority(&story->box.box, "Acme PG Root", NULL));
    navigator_push(story->box.navigator, page_new_client(story->box.app));
    page_box_wait(&story->box, "Database role");
    ui_type(story->box.navigator, "alic");
    page_box_wait(&story->box, "role \"alic\" is not on db1 yet");
    ui_type(story->box.navigator, "e");
    page_box_wait(&story->box, "role \"alice\" is on db1 and may log in");
    ui_key(story->box.navigator, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, "admin");
    page_box_wait(&story->box, "role \"admin\" is a SUPERUSER on db1");
    navigator_clear(story->box.navigator);
    grants_run_as_printed(story);
    who_gets_in(story);
}

/* The server is stopped dead in its tracks: keys work, and the panel comes back by itself. */
static void survives_a_frozen_server(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;

    navigator_push(story->box.navigator, page_sessions(story->box.app));
    page_box_wait(&story->box, "2 sessions");
    page_box_keys(&story->box, '+', 2);
    BOX_OK(demo_freeze(story->demo, true, &err));
    page_box_wait(&story->box, "The server does not answer.");
    ui_key(story->box.navigator, KEY_CODE_DOWN);
    assert_true(ui_shows(story->box.navigator, "2 sessions"));
    BOX_OK(demo_freeze(story->demo, false, &err));
    page_box_wait(&story->box, "2 sessions, and nothing needs a look.");
}

/* The server goes and comes again: stale rows meanwhile, then new ones. */
static void survives_a_restart(void **state)
{
    struct story *story = *state;
    struct err err = ERR_INIT;

    navigator_push(story->box.navigator, page_sessions(story->box.app));
    page_box_wait(&story->box, "2 sessions");
    BOX_OK(demo_restart(story->demo, &err));
    page_box_wait(&story->box, "Stale since");
    assert_true(ui_shows(story->box.navigator, "2 sessions"));
    page_box_wait(&story->box, "1 session  0 with TLS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_a_session, begin, end),
        cmocka_unit_test_setup_teardown(commands_run_as_printed, begin, end),
        cmocka_unit_test_setup_teardown(looks_a_role_up, begin, end),
        cmocka_unit_test_setup_teardown(survives_a_frozen_server, begin, end),
        cmocka_unit_test_setup_teardown(survives_a_restart, begin, end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
