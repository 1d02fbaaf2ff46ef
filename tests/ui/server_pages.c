/* server_pages.c - the pages about servers without a server: pictures {empty, filled, error, busy}. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/journal.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

#define NOWHERE "/home/ops/.local/share/pgseal"

static void add_server(struct page_box *box, char *name, bool production)
{
    struct err err = ERR_INIT;
    char conninfo[] = "host=127.0.0.1 port=1 user=postgres"; /* nobody listens there */
    char host[] = "127.0.0.1", provider[] = "self-managed", identifier[] = "7301234567890123456";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = host,
                            .tls_port = 1,
                            .provider = provider,
                            .production = production,
                            .system_identifier = identifier};

    BOX_OK(server_add(box->box.store, &server, &err));
}

static void fill(struct page_box *box)
{
    char db1[] = "db1", shop[] = "shop-primary";

    authority_free(box_authority(&box->box, "Acme PG Root", NULL));
    add_server(box, db1, false);
    add_server(box, shop, true);
}

static void servers(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_servers(box.app));
    ui_check_navigator(box.navigator, 24, 80, "servers-busy");
    page_box_wait(&box, "No server yet.");
    ui_check_navigator(box.navigator, 24, 80, "servers-empty");
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_servers(box.app));
    page_box_wait(&box, "not reachable");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_check_navigator(box.navigator, 24, 80, "servers-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "servers-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, 'd');
    ui_check_navigator(box.navigator, 24, 80, "servers-remove");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_string_equal(app_server(box.app), "shop-primary");
    page_box_close(&box);
}

static void removes_one(void **state)
{
    struct page_box box;
    struct server_list list = {.n = 0};
    struct err err = ERR_INIT;

    (void)state;
    page_box_open(&box, "shop-primary", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_servers(box.app));
    page_box_wait(&box, "PRODUCTION");
    ui_key(box.navigator, 'd');
    ui_type(box.navigator, "shop-primary"); /* its name, not a "y" */
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "\"shop-primary\" is forgotten.");
    BOX_OK(server_list(box.box.store, &list, &err));
    assert_int_equal(list.n, 1);
    server_list_clear(&list);
    page_box_close(&box);
}

static void broken_store(void **state)
{
    static struct screen *(*const pages[])(struct app * app) = {page_servers, page_log};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct page_box box;
        struct err err = ERR_INIT;

        page_box_open(&box, NULL, "other", &ui_ascii);
        assert_int_equal(chdir(box.box.folder), 0);
        BOX_OK(fs_make_folder("other", &err));
        BOX_OK(fs_write_new("other/pgseal.db", "not SQLite", 10, 0600, &err));
        navigator_push(box.navigator, pages[i](box.app));
        page_box_wait(&box, "error PS-4003"); /* no picture: it names the folder */
        assert_true(ui_shows(box.navigator, "State now      nothing was changed"));
        page_box_close(&box);
    }
}

static void server_add_page(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NOWHERE, &ui_ascii);
    navigator_push(box.navigator, page_server_add(box.app));
    ui_check_navigator(box.navigator, 24, 80, "server-add-empty");
    ui_type(box.navigator, "db 1");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_type(box.navigator, "127.0.0.1");
    ui_key(box.navigator, KEY_CODE_TAB);
    page_box_keys(&box, KEY_CODE_CTRL('u'), 1);
    ui_type(box.navigator, "1");
    ui_check_navigator(box.navigator, 24, 80, "server-add-bad-name");
    page_box_keys(&box, KEY_CODE_BACK_TAB, 3);
    page_box_keys(&box, KEY_CODE_CTRL('u'), 1);
    ui_type(box.navigator, "db1");
    ui_check_navigator(box.navigator, 24, 80, "server-add-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "server-add-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    page_box_keys(&box, KEY_CODE_TAB, 9);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "server-add-busy");
    page_box_wait(&box, "error PS-2001");
    ui_check_navigator(box.navigator, 24, 80, "server-add-error");
    ui_key(box.navigator, KEY_CODE_ESC); /* answers are kept */
    assert_true(ui_shows(box.navigator, "[127.0.0.1"));
    page_box_close(&box);
}

/* A password in a connection string would be stored and shown: refused in the field. */
static void refuses_a_password(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NOWHERE, &ui_ascii);
    navigator_push(box.navigator, page_server_add(box.app));
    ui_type(box.navigator, "db1");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "host=db1 user=postgres password=x");
    assert_true(ui_shows(box.navigator, "[xx]"));
    assert_true(ui_shows(box.navigator, "off: 1 wrong"));
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "host=10.0.0.5 port=6000 user=postgres");
    assert_true(ui_shows(box.navigator, "[10.0.0.5:6000 "));
    assert_false(ui_shows(box.navigator, "is off"));
    page_box_close(&box);
}

static void tls(void **state)
{
    struct page_box box;
    char db1[] = "db1";

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    add_server(&box, db1, false);
    navigator_push(box.navigator, page_server_tls(box.app));
    ui_check_navigator(box.navigator, 24, 80, "server-tls-busy");
    page_box_wait(&box, "there is no CA in the store yet");
    ui_check_navigator(box.navigator, 24, 80, "server-tls-empty");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "Name of the CA"));
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_server_tls(box.app));
    page_box_wait(&box, "Names of the server");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "db1.example.org, 10.0.0.5");
    ui_check_navigator(box.navigator, 24, 80, "server-tls-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "server-tls-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_type(box.navigator, ", /var/run");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "99999");
    ui_check_navigator(box.navigator, 24, 80, "server-tls-error");
    page_box_close(&box);
}

static void require(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_require(box.app));
    ui_check_navigator(box.navigator, 24, 80, "require-empty");
    page_box_wait(&box, "the rules of today are not shown");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "alice, bob");
    ui_check_navigator(box.navigator, 24, 80, "require-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "require-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_type(box.navigator, ", all");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, " of them");
    ui_check_navigator(box.navigator, 24, 80, "require-error");
    page_box_close(&box);
}

static void guide(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_guide(box.app));
    ui_check_navigator(box.navigator, 24, 80, "guide-busy");
    page_box_wait(&box, "[>>] 1");
    ui_check_navigator(box.navigator, 24, 80, "guide-empty");
    ui_key(box.navigator, '6');
    assert_true(ui_shows(box.navigator, "First step 1: Add the server."));
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_guide(box.app));
    page_box_wait(&box, "not reachable");
    ui_check_navigator(box.navigator, 24, 80, "guide-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "guide-filled-120x40");
    page_box_close(&box);
}

static void add_plan(struct page_box *box, const char *title, enum journal_plan_state state)
{
    char server[] = "db1", none[] = "", intent[] = "{}", kind[] = "setting",
         step_title[] = "ssl: 'off' -> 'on'", data[] = "{}";
    struct journal_step step = {
        .n = 1, .kind = kind, .title = step_title, .data = data, .state = JOURNAL_STEP_DONE};
    struct journal_plan plan = {.server = server,
                                .system_identifier = none,
                                .title = mem_strdup(title),
                                .intent = intent,
                                .state = JOURNAL_READY,
                                .created_at = BOX_NOW,
                                .steps = &step,
                                .n_steps = 1};
    struct err err = ERR_INIT;

    BOX_OK(journal_add(box->box.store, &plan, &err));
    BOX_OK(journal_set_plan(box->box.store, plan.id, JOURNAL_DOING, &err));
    BOX_OK(journal_set_step(box->box.store, plan.id, 1, JOURNAL_STEP_DONE, NULL, &err));
    BOX_OK(journal_set_plan(box->box.store, plan.id, state, &err));
    free(plan.title);
}

static void log_page(void **state)
{
    struct page_box box;
    char db1[] = "db1";

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    add_server(&box, db1, false);
    navigator_push(box.navigator, page_log(box.app));
    ui_check_navigator(box.navigator, 24, 80, "log-busy");
    page_box_wait(&box, "No server was changed yet.");
    ui_check_navigator(box.navigator, 24, 80, "log-empty");
    add_plan(&box, "turn TLS on for server \"db1\"", JOURNAL_KEPT);
    add_plan(&box, "give server \"db1\" its CAs", JOURNAL_UNDONE);
    add_plan(&box, "require certificates on server \"db1\"", JOURNAL_DONE);
    add_plan(&box, "publish the CRLs on server \"db1\"", JOURNAL_FAILED);
    ui_key(box.navigator, KEY_CODE_F5);
    page_box_wait(&box, "4 changes");
    ui_check_navigator(box.navigator, 24, 80, "log-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "log-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "log-steps");
    page_box_close(&box);
}

/* At the start, what an earlier run left open comes before anything else. */
static void offers_open_plans(void **state)
{
    struct page_box box;
    char db1[] = "db1";

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    add_server(&box, db1, false);
    add_plan(&box, "require certificates on server \"db1\"", JOURNAL_DONE);
    navigator_push(box.navigator, page_home(box.app));
    page_box_wait(&box, "1 change is open");
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "1 is open");
    page_box_close(&box);
}

static void login(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_login(box.app));
    ui_check_navigator(box.navigator, 24, 80, "login-empty");
    ui_type(box.navigator, "nothing-here");
    ui_check_navigator(box.navigator, 24, 80, "login-busy");
    page_box_wait(&box, "there is no folder");
    assert_true(ui_shows(box.navigator, "[xx]"));
    page_box_close(&box);
}

static void check(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_check(box.app));
    ui_check_navigator(box.navigator, 24, 80, "check-busy");
    page_box_wait(&box, "error PS-2001");
    ui_check_navigator(box.navigator, 24, 80, "check-error");
    page_box_close(&box);
}

static void doctor(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NOWHERE, &ui_ascii);
    navigator_push(box.navigator, page_doctor(box.app, NULL));
    ui_check_navigator(box.navigator, 24, 80, "doctor-empty");
    ui_type(box.navigator, "host=127.0.0.1 port=1 user=alice dbname=app sslmode=verify-full");
    ui_check_navigator(box.navigator, 24, 80, "doctor-filled");
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "doctor-busy");
    page_box_wait(&box, "<- the application's");
    ui_check_navigator(box.navigator, 24, 80, "doctor-refused");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "doctor-refused-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, KEY_CODE_ESC); /* answers are kept */
    assert_true(ui_shows(box.navigator, "[host=127.0.0.1 port=1"));
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    page_box_close(&box);
}

static struct screen *doctor_page(struct app *app)
{
    return page_doctor(app, NULL);
}

static void every_field_explains_itself(void **state)
{
    static const struct {
        struct screen *(*page)(struct app *app);
        const char *wait;
        int tabs;
    } pages[] = {{page_server_add, "Member of", 13},
                 {page_server_tls, "Valid for", 6},
                 {page_trust, "keep what the server", 8},
                 {page_require, "Try a login", 8},
                 {page_login, "Client's folder", 6},
                 {page_check, "error PS-2001", 1},
                 {doctor_page, "Its files", 5},
                 {page_guide, "not reachable", 1},
                 {page_servers, "not reachable", 1},
                 {page_log, "No server was", 1},
                 {page_grants, "Role", 3},
                 {page_plan_file, "Plan file", 3}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct page_box box;
        struct screen *page;

        page_box_open(&box, "db1", NULL, &ui_ascii);
        fill(&box);
        page = pages[i].page(box.app);
        navigator_push(box.navigator, page);
        page_box_wait(&box, pages[i].wait);
        page_box_check_texts(&box, page, pages[i].tabs);
        page_box_close(&box);
    }
}

/* "Who gets in": of this server nobody answers. */
static void who_gets_in(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_simulate(box.app, NULL));
    ui_check_navigator(box.navigator, 24, 80, "simulate-busy");
    page_box_wait(&box, "PS-2001");
    ui_check_navigator(box.navigator, 24, 80, "simulate-error");
    page_box_close(&box);
}

static void grants(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_grants(box.app));
    ui_check_navigator(box.navigator, 24, 80, "grants-empty");
    ui_type(box.navigator, "pgseal_admin");
    ui_check_navigator(box.navigator, 40, 120, "grants-filled-120x40");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "grants-busy");
    page_box_wait(&box, "PS-2001");
    ui_check_navigator(box.navigator, 24, 80, "grants-error");
    page_box_close(&box);
}

static void plan_file(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_plan_file(box.app));
    ui_check_navigator(box.navigator, 24, 80, "plan-file-empty");
    ui_type(box.navigator, "~/trust.plan");
    ui_check_navigator(box.navigator, 24, 80, "plan-file-filled");
    ui_check_navigator(box.navigator, 40, 120, "plan-file-filled-120x40");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "PS-2001");
    ui_check_navigator(box.navigator, 24, 80, "plan-file-error");
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers),
        cmocka_unit_test(removes_one),
        cmocka_unit_test(broken_store),
        cmocka_unit_test(server_add_page),
        cmocka_unit_test(refuses_a_password),
        cmocka_unit_test(tls),
        cmocka_unit_test(require),
        cmocka_unit_test(guide),
        cmocka_unit_test(log_page),
        cmocka_unit_test(offers_open_plans),
        cmocka_unit_test(login),
        cmocka_unit_test(check),
        cmocka_unit_test(doctor),
        cmocka_unit_test(who_gets_in),
        cmocka_unit_test(grants),
        cmocka_unit_test(plan_file),
        cmocka_unit_test(every_field_explains_itself),
    };

    return cmocka_run_group_tests_name("server pages", tests, NULL, NULL);
}
