/* rotate_start.c - a rotation is begun from a page: another's CAs by paste, lists of several CAs. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/store/foreign.h"
#include "core/store/rotation.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "tests/harness/page_box.h"

static void add_server(struct page_box *box, const char *of, const char *host)
{
    char *name = mem_strdup(of), *tls_host = mem_strdup(host);
    char conninfo[] = "host=127.0.0.1 port=1 user=admin", empty[] = "";
    char provider[] = "self-managed";
    struct server row = {.name = name,
                         .conninfo = conninfo,
                         .tls_host = tls_host,
                         .provider = provider,
                         .system_identifier = empty};
    struct err err = ERR_INIT;

    BOX_OK(server_add(box->box.store, &row, &err));
    free(name);
    free(tls_host);
}

/* A CA of somebody else, with its list below it. Caller frees. */
static char *others_ca(struct box *other, const char *name)
{
    struct err err = ERR_INIT;
    struct authority *authority = box_authority(other, name, NULL);
    struct crl *crl = authority_crl(other->store, authority, &err);
    struct strbuf text = STRBUF_INIT;

    assert_non_null(crl);
    BOX_OK(cert_to_pem(authority->cert, &text, &err));
    BOX_OK(crl_to_pem(crl, &text, &err));
    crl_free(crl);
    authority_free(authority);
    return strbuf_steal(&text);
}

static struct rotation *only_rotation(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct rotation *rotation = rotation_find(box->box.store, NULL, &err);

    if (rotation == NULL)
        fail_msg("%s", err.msg);
    return rotation;
}

/* Both are another's: pasted, shown with what to compare, kept with their lists. */
static void of_others(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct foreign_ca_list list = {.n = 0};
    struct rotation *rotation;
    struct box other;
    char *old, *fresh;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    add_server(&box, "db1", "");
    box_open(&other);
    old = others_ca(&other, "Partner");
    fresh = others_ca(&other, "Partner 2030");
    navigator_push(box.navigator, page_rotate(box.app));
    page_box_wait(&box, "USED ON");
    ui_key(box.navigator, 'o');
    page_box_wait(&box, "The CA that is to go");
    ui_paste(box.navigator, "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n"
                            "-----END PRIVATE KEY-----\n");
    page_box_wait(&box, "This is a private key");
    ui_paste(box.navigator, old);
    page_box_wait(&box, "CN=Partner, root CA, ends");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Quiet time");
    ui_check_navigator(box.navigator, 24, 80, "rotate-start-foreign");
    page_box_keys(&box, KEY_CODE_DOWN, 2); /* another's */
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_paste(box.navigator, old); /* both at once are too many */
    ui_paste(box.navigator, fresh);
    page_box_wait(&box, "one CA: these are several");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_paste(box.navigator, fresh);
    page_box_wait(&box, "CN=Partner 2030, root CA, ends");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_type(box.navigator, "db1");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "It is only begun");
    assert_true(ui_shows(box.navigator, "CN=Partner 2030, root CA"));
    assert_true(ui_shows(box.navigator, "those that you named"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "[>>] 1 ");
    rotation = only_rotation(&box);
    assert_string_equal(rotation->name, "Partner");
    assert_int_equal(rotation->old_authority_id, 0);
    BOX_OK(foreign_list(box.box.store, &list, &err));
    assert_int_equal(list.n, 2);
    for (size_t i = 0; i < list.n; i++) {
        assert_true(list.rows[i].has_crl);
        assert_true(list.rows[i].id == rotation->old_foreign_id ||
                    list.rows[i].id == rotation->new_foreign_id);
    }
    assert_true(rotation->old_foreign_id != rotation->new_foreign_id);
    foreign_list_clear(&list);
    rotation_free(rotation);
    free(old);
    free(fresh);
    page_box_close(&box);
    box_close(&other);
}

static size_t count_rotations(struct page_box *box)
{
    struct rotation_list list = {.n = 0};
    struct err err = ERR_INIT;
    size_t n;

    BOX_OK(rotation_list(box->box.store, false, &list, &err));
    n = list.n;
    rotation_list_clear(&list);
    return n;
}

/* What ends soon is of two CAs: one list each, or of one alone. */
static void of_several_cas(void **state)
{
    static const char *const names[] = {"Acme PG Root", "Beta PG Root", "Gamma PG Root"};
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    for (int i = 0; i < 3; i++) {
        struct key *key = NULL;
        struct authority *authority = box_authority(&box.box, names[i], &key);

        if (i < 2) /* the third has nothing that ends soon */
            issued_free(box_issue(&box.box, authority, key, i == 0 ? "app" : "bob", 12));
        key_free(key);
        authority_free(authority);
    }
    navigator_push(box.navigator, page_rotate(box.app));
    page = page_rotate_start(box.app, ROTATE_FROM_CLIENT, "app", "Acme PG Root:1", "");
    navigator_push(box.navigator, page);
    page_box_wait(&box, "for all that end soon");
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_wait(&box, "a list for each CA");
    assert_true(ui_shows(box.navigator, "(*) Acme PG Root")); /* the line's own */
    page_box_check_texts(&box, page, 3);
    ui_check_navigator(box.navigator, 24, 80, "rotate-start-soon");
    ui_key(box.navigator, KEY_CODE_BACK_TAB);
    ui_key(box.navigator, KEY_CODE_UP); /* all */
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "all: a list for each");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "[>>] step 1/"); /* the list has them */
    assert_int_equal(count_rotations(&box), 2);
    page_box_close(&box);
}

/* A certificate with several names is known as the server's by any of them. */
static void finds_the_server(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    authority_free(box_authority(&box.box, "Acme PG Root G2", NULL));
    add_server(&box, "db1", "10.0.0.5");
    navigator_push(box.navigator, page_rotate_start(box.app, ROTATE_FROM_SERVER, "localhost",
                                                    "Acme PG Root:1", "db1"));
    page_box_wait(&box, "db1, which clients know as localhost");
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_wait(&box, "begin at the line of its CA");
    assert_true(ui_shows(box.navigator, "clients trust one that this store does not know"));
    assert_true(ui_shows(box.navigator, "[Acme PG Root G2 ")); /* not the one that it is of */
    ui_check_navigator(box.navigator, 24, 80, "rotate-start-server");
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_others),
        cmocka_unit_test(of_several_cas),
        cmocka_unit_test(finds_the_server),
    };

    return cmocka_run_group_tests_name("rotate_start", tests, NULL, NULL);
}
