/* new_ca.c - the page that creates a CA: its pictures, and a CA that is really made. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "screens/pages.h"
#include "tests/harness/page_box.h"

static void pictures(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    navigator_push(box.navigator, page_new_ca(box.app));
    ui_check_navigator(box.navigator, 24, 80, "new-ca-empty");
    ui_type(box.navigator, "Acme / Root");
    ui_check_navigator(box.navigator, 24, 80, "new-ca-bad-name");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "Acme PG Root");
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_check_navigator(box.navigator, 24, 80, "new-ca-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "new-ca-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, KEY_CODE_F2);
    ui_check_navigator(box.navigator, 24, 80, "new-ca-commands");
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_keys(&box, KEY_CODE_TAB, 1);
    page_box_keys(&box, KEY_CODE_DOWN, 2);
    ui_check_navigator(box.navigator, 24, 80, "new-ca-ed25519");
    page_box_keys(&box, KEY_CODE_UP, 2);
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_type(box.navigator, "correct horse battery");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "correct house");
    ui_check_navigator(box.navigator, 24, 80, "new-ca-passphrase-differs");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "correct horse battery");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "new-ca-review");
    ui_key(box.navigator, KEY_CODE_F1);
    ui_key(box.navigator, KEY_CODE_F10); /* the question comes over the help too */
    ui_check_navigator(box.navigator, 24, 80, "new-ca-leave");
    ui_key(box.navigator, KEY_CODE_F10);
    ui_key(box.navigator, KEY_CODE_ENTER); /* No */
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_true(ui_shows(box.navigator, "Nothing was made yet."));
    ui_key(box.navigator, KEY_CODE_F10);
    assert_false(navigator_done(box.navigator));
    ui_key(box.navigator, 'y');
    assert_true(navigator_done(box.navigator));
    page_box_close(&box);
}

/* To the review of a CA without a passphrase. */
static void fill_in(struct page_box *box, const char *name)
{
    ui_type(box->navigator, name);
    page_box_keys(box, KEY_CODE_TAB, 3);
    ui_key(box->navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box->navigator, "2 of 3"));
    ui_key(box->navigator, KEY_CODE_DOWN);
    page_box_keys(box, KEY_CODE_TAB, 1);
    ui_key(box->navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box->navigator, "A CA key without a passphrase?"));
    ui_key(box->navigator, KEY_CODE_ENTER); /* means No */
    assert_false(ui_shows(box->navigator, "A CA key without"));
    ui_key(box->navigator, KEY_CODE_ENTER);
    ui_key(box->navigator, 'y');
    assert_true(ui_shows(box->navigator, "3 of 3"));
}

static void makes_one(void **state)
{
    struct page_box box;
    struct authority *authority;
    struct err err = ERR_INIT;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_new_ca(box.app));
    fill_in(&box, "Acme PG Root");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "new-ca-busy");
    page_box_wait(&box, "The CA \"Acme PG Root\" is made.");
    assert_true(ui_shows(box.navigator, "NOT encrypted"));
    assert_true(ui_shows(box.navigator, "pgseal server trust NAME --ca 'Acme PG Root'"));
    box_reopen(&box.box, STORE_READ);
    authority = authority_load(box.box.store, NULL, &err);
    assert_non_null(authority);
    assert_string_equal(authority->name, "Acme PG Root");
    assert_false(authority->key_encrypted);
    assert_int_equal(authority->crl.number, 1);
    authority_free(authority);
    page_box_close(&box);
}

static void refuses_a_name_that_is_taken(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    navigator_push(box.navigator, page_new_ca(box.app));
    ui_type(box.navigator, "Acme PG Root");
    page_box_wait(&box, "there is a CA of this name");
    page_box_close(&box);
}

/* Somebody else makes it between the form and the job: an error page, the answers are kept. */
static void shows_the_error(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_new_ca(box.app));
    fill_in(&box, "Acme PG Root");
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "error PS-4011");
    ui_check_navigator(box.navigator, 24, 80, "new-ca-error");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "CN = Acme PG Root"));
    page_box_close(&box);
}

static void esc_loses_nothing(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    navigator_push(box.navigator, page_words(NULL));
    navigator_push(box.navigator, page_new_ca(box.app));
    ui_type(box.navigator, "Half a na");
    ui_key(box.navigator, KEY_CODE_ESC);
    assert_false(ui_shows(box.navigator, "Half a na"));
    navigator_push(box.navigator, page_new_ca(box.app));
    assert_true(ui_shows(box.navigator, "Half a na"));
    page_box_close(&box);
}

static void every_field_explains_itself(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, "/home/ops/.local/share/pgseal", &ui_ascii);
    page = page_new_ca(box.app);
    navigator_push(box.navigator, page);
    ui_type(box.navigator, "Acme");
    page_box_check_texts(&box, page, 5); /* three fields, two buttons */
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "2 of 3"));
    page_box_check_texts(&box, page, 5);
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(makes_one),
        cmocka_unit_test(refuses_a_name_that_is_taken),
        cmocka_unit_test(shows_the_error),
        cmocka_unit_test(esc_loses_nothing),
        cmocka_unit_test(every_field_explains_itself),
    };

    return cmocka_run_group_tests_name("new_ca", tests, NULL, NULL);
}
