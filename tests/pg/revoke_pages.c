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

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/kit/kit.h"
#include "core/plan/fleet.h"
#include "core/store/published.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"
#include "tests/pg/need_pg.h"

struct story {
    struct page_box box;
    struct demo *demo;
    struct authority *ca;
    struct key *key;
};

static void add_server(struct story *story)
{
    char name[] = "db1", host[] = "127.0.0.1", provider[] = "self-managed", none[] = "";
    struct server server = {.name = name,
                            .tls_host = host,
                            .tls_port = demo_port(story->demo),
                            .provider = provider,
                            .system_identifier = none};
    struct err err = ERR_INIT;

    server.conninfo = mem_strdup(demo_admin_conninfo(story->demo));
    BOX_OK(server_add(story->box.box.store, &server, &err));
    free(server.conninfo);
}

static struct plan *make_tls(void *arg, const struct plan_target *target, struct err *err)
{
    const struct story *story = arg;
    struct server_tls_intent intent = {.authority = story->ca,
                                       .authority_key = story->key,
                                       .hosts = &target->tls_host,
                                       .n_hosts = 1};

    return plan_server_tls(target, &intent, err);
}

static struct plan *make_trust(void *arg, const struct plan_target *target, struct err *err)
{
    const struct story *story = arg;
    const struct authority *ca = story->ca;
    struct trust_ca_intent intent = {.authorities = &ca, .n_authorities = 1};

    return plan_trust_ca(target, &intent, err);
}

static void change(struct story *story,
                   struct plan *(*make)(void *, const struct plan_target *, struct err *))
{
    struct fleet_order order = {.make = make, .arg = story};
    struct err err = ERR_INIT;
    struct fleet *fleet = fleet_load(story->box.box.store, "db1", &err);

    assert_non_null(fleet);
    BOX_OK(fleet_run(fleet, &order, NULL, NULL, &err));
    fleet_free(fleet);
}

/* Its kit is in the box's folder. */
static void issue(struct story *story, const char *role)
{
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec issue = {.kind = ISSUED_CLIENT, .role = role, .key = key};
    struct issued *issued = issued_make(story->box.box.store, story->ca, story->key, &issue, &err);
    char *folder = fs_join(story->box.box.folder, role);
    struct kit_spec spec = {
        .folder = folder, .formats = KIT_PEM, .issued = issued, .key = key, .ca = story->ca->cert};
    struct kit_files files = {0};

    if (issued == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(kit_write(&spec, &files, &err));
    kit_files_clear(&files);
    issued_free(issued);
    key_free(key);
    free(folder);
}

static int begin(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    struct err err = ERR_INIT;

    story->demo = demo_start(&(struct demo_options){0}, &err);
    if (story->demo == NULL)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    clock_replace(NULL); /* certificates are for a server that has the real time */
    add_server(story);
    story->ca = box_authority(&story->box.box, "Lab Root", &story->key);
    change(story, make_tls);
    change(story, make_trust);
    issue(story, "alice");
    issue(story, "bob");
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;

    authority_free(story->ca);
    key_free(story->key);
    page_box_close(&story->box);
    demo_free(story->demo);
    free(story);
    return 0;
}

static int psql(struct story *story, const char *role, char **ret_output)
{
    return box_run(ret_output,
                   "PGPASSWORD='%s' psql -w -Atc 'SELECT 1' \"host=127.0.0.1 port=%d user=%s "
                   "dbname=app sslmode=verify-full sslcert=%s/%s/%s.crt sslkey=%s/%s/%s.key "
                   "sslrootcert=%s/%s/root.crt\" 2>&1",
                   demo_password(story->demo, role), demo_port(story->demo), role,
                   story->box.box.folder, role, role, story->box.box.folder, role, role,
                   story->box.box.folder, role);
}

static struct conn *session(struct story *story, const char *role)
{
    struct err err = ERR_INIT;
    const char *folder = story->box.box.folder, *word = demo_password(story->demo, role);
    char *text = mem_printf("host=127.0.0.1 port=%d user=%s dbname=app sslmode=require "
                            "sslcert='%s/%s/%s.crt' sslkey='%s/%s/%s.key'",
                            demo_port(story->demo), role, folder, role, role, folder, role, role);
    struct params *params = params_parse(text, &err);
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct conn *conn;

    assert_non_null(params);
    assert_true(secret_set(password, word, strlen(word)));
    conn = conn_open(params, &(struct conn_options){.password = password}, &err);
    if (conn == NULL)
        fail_msg("%s", err.msg);
    secret_free(password);
    params_free(params);
    free(text);
    return conn;
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
    struct story *story = *state;
    struct page_box *box = &story->box;
    struct conn *alice = session(story, "alice"), *bob = session(story, "bob");
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
        cmocka_unit_test_setup_teardown(revokes, begin, end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("revoke_pages", tests, NULL, NULL);
}
