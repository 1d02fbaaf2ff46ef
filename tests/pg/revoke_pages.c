/* revoke_pages.c - a role is revoked through the wizard's page, on a real server: psql is refused, its
 * open session ends, the others are unharmed. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/published.h"
#include "screens/pages.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/page_story.h"

static int psql(struct page_story *story, const char *role, char **ret_output)
{
    return box_run(ret_output,
                   "PGPASSWORD='%s' psql -w -Atc 'SELECT 1' \"host=127.0.0.1 port=%d user=%s "
                   "dbname=app sslmode=verify-full sslcert=%s/%s/%s.crt sslkey=%s/%s/%s.key "
                   "sslrootcert=%s/%s/root.crt\" 2>&1",
                   demo_password(story->demo, role), demo_port(story->demo), role,
                   story->box.box.folder, role, role, story->box.box.folder, role, role,
                   story->box.box.folder, role);
}

static bool lives(struct conn *conn)
{
    struct err err = ERR_INIT;
    struct result *result = conn_exec(conn, "SELECT 1", 0, NULL, &err);

    if (result == NULL)
        return false;
    result_free(result);
    return true;
}

static void revokes(void **state)
{
    struct page_story *story = *state;
    struct page_box *box = &story->box;
    struct conn *alice = page_story_session(story, "alice"),
                *bob = page_story_session(story, "bob");
    struct err err = ERR_INIT;
    char *output = NULL;
    size_t behind = 1;

    assert_int_equal(psql(story, "alice", NULL), 0);
    /* from the live panel: the certificate of the session under the cursor */
    navigator_push(box->navigator, page_sessions(box->app));
    page_box_wait(box, "alice");
    ui_key(box->navigator, '/');
    ui_type(box->navigator, "alice");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, " d [ok]");
    ui_key(box->navigator, 'x');
    page_box_wait(box, "keyCompromise");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "db1: 1 open session, will be ended");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "1 gets the list");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "cannot be undone");
    ui_type(box->navigator, "alice");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "is revoked.");
    assert_true(ui_shows(box->navigator, "db1: has the current list, proven on the wire"));
    assert_true(ui_shows(box->navigator, "1 open session ended"));

    assert_int_not_equal(psql(story, "alice", &output), 0);
    assert_non_null(strstr(output, "revoked"));
    free(output);
    assert_int_equal(psql(story, "bob", NULL), 0);
    assert_false(lives(alice));
    assert_true(lives(bob));
    BOX_OK(published_count_behind(box->box.store, &behind, &err));
    assert_int_equal(behind, 0);
    conn_close(alice);
    conn_close(bob);
    navigator_clear(box->navigator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(revokes, page_story_begin, page_story_end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("revoke_pages", tests, NULL, NULL);
}
