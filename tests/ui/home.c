/* home.c - the first page and the words: pictures, and where the lines lead. */
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
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

static void add_server(struct page_box *box, char *name, const char *host)
{
    struct err err = ERR_INIT;
    char *conninfo = mem_printf("host=%s port=1 user=admin", host);
    char empty[] = "", provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = empty,
                            .provider = provider,
                            .system_identifier = empty};

    BOX_OK(server_add(box->box.store, &server, &err));
    free(conninfo);
}

static void fill_store(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);
    struct issued *bob = box_issue(&box->box, authority, key, "bob", 80);
    struct crl *crl = NULL;
    char db1[] = "db1", db2[] = "db2";

    issued_free(box_issue(&box->box, authority, key, "alice", 365));
    issued_free(box_issue(&box->box, authority, key, "app", 12));
    crl = revoked_and_sign(box->box.store, authority, key, bob, CRL_UNSPECIFIED, 20, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    crl_free(crl);
    issued_free(bob);
    key_free(key);
    authority_free(authority);
    add_server(box, db1, "127.0.0.1"); /* nobody listens on port 1 */
    add_server(box, db2, "127.0.0.1");
}

static void pictures(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    navigator_push(box.navigator, page_home(box.app));
    ui_check_navigator(box.navigator, 24, 80, "home-busy");
    page_box_wait(&box, "New here?");
    ui_check_navigator(box.navigator, 24, 80, "home-empty");
    ui_key(box.navigator, '2');
    ui_check_navigator(box.navigator, 24, 80, "home-line-is-off");
    ui_key(box.navigator, KEY_CODE_F1);
    ui_check_navigator(box.navigator, 24, 80, "home-help");
    page_box_close(&box);
}

static void filled(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill_store(&box);
    navigator_push(box.navigator, page_home(box.app));
    page_box_wait(&box, "not reachable");
    ui_check_navigator(box.navigator, 24, 80, "home-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "home-filled-120x40");
    assert_string_equal(app_server(box.app), "db1");
    ui_key(box.navigator, '3');
    page_box_wait(&box, "(chosen)");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_string_equal(app_server(box.app), "db2");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, '2');
    page_box_wait(&box, "Database role");
    page_box_close(&box);
}

/* The loop has not run yet when the key comes: the choice is kept until the store was read. */
static void key_before_the_store_was_read(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill_store(&box);
    navigator_push(box.navigator, page_home(box.app));
    ui_key(box.navigator, '2');
    page_box_wait(&box, "Database role");
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "What do you want to do?"));
    page_box_close(&box);

    /* the same when it comes back from another page, which may have made what was missing */
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_home(box.app));
    page_box_wait(&box, "New here?");
    navigator_push(box.navigator, page_words(NULL));
    fill_store(&box);
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, '2');
    page_box_wait(&box, "Database role");
    page_box_close(&box);

    /* what is off stays off, and says why; a second key takes the first one's place */
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    navigator_push(box.navigator, page_home(box.app));
    ui_key(box.navigator, '2');
    page_box_wait(&box, "New here?");
    assert_true(ui_shows(box.navigator, "There is no CA yet: take 1 first."));
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill_store(&box);
    navigator_push(box.navigator, page_home(box.app));
    ui_key(box.navigator, '2');
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_wait(&box, "not reachable");
    assert_true(ui_shows(box.navigator, "What do you want to do?"));
    page_box_close(&box);
}

static void error(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;

    (void)state;
    page_box_open(&box, NULL, "other", &ui_ascii);
    assert_int_equal(chdir(box.box.folder), 0);
    BOX_OK(fs_make_folder("other", &err));
    BOX_OK(fs_write_new("other/pgseal.db", "not SQLite", 10, 0600, &err));
    navigator_push(box.navigator, page_home(box.app));
    page_box_wait(&box, "[xx]");
    assert_true(ui_shows(box.navigator, "[xx] cannot use the store"));
    assert_false(ui_shows(box.navigator, "New here?"));
    page_box_close(&box);
}

static void words(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    navigator_push(box.navigator, page_home(box.app));
    navigator_push(box.navigator, page_words("CRL"));
    ui_check_navigator(box.navigator, 24, 80, "words-crl");
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "secret half");
    ui_check_navigator(box.navigator, 24, 80, "words-filter");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "What do you want to do?"));
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(filled),
        cmocka_unit_test(key_before_the_store_was_read),
        cmocka_unit_test(error),
        cmocka_unit_test(words),
    };

    return cmocka_run_group_tests_name("home", tests, NULL, NULL);
}
