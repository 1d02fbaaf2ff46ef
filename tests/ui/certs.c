/* certs.c - the pages about certificates that were issued: the list, the sheet, what it leads to. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/issued_many.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

/* A certificate with a serial number that is the same in each run: pictures show it. */
static void record(struct page_box *box, const struct authority *authority, const struct key *key,
                   const char *role, const char *serial, int days, const char *note, bool delivered)
{
    struct err err = ERR_INIT;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct name *subject = name_new_common_name(role, &err);
    struct cert_request request = {.profile = PROFILE_CLIENT,
                                   .subject = subject,
                                   .key = own,
                                   .not_before = BOX_NOW - 3600,
                                   .not_after = BOX_NOW + days * CLOCK_DAY};
    struct issued row = {.authority_id = authority->id,
                         .authority = authority->name,
                         .role = mem_strdup(role),
                         .note = mem_strdup(note),
                         .not_before = request.not_before,
                         .not_after = request.not_after,
                         .created_at = BOX_NOW};
    struct issued *rows[] = {&row};
    struct issued_list list = {.rows = rows, .n = 1};

    assert_non_null(subject);
    BOX_OK(serial_parse_hex(&request.serial, serial, &err));
    row.serial = request.serial;
    row.cert = cert_sign(&request, authority->cert, key, &err);
    if (row.cert == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(issued_many_record(box->box.store, authority, rows, 1, NULL, "test", &err));
    if (delivered)
        BOX_OK(issued_many_delivered(box->box.store, &list, &err));
    cert_free(row.cert);
    free(row.role);
    free(row.note);
    name_free(subject);
    key_free(own);
}

static void revoke_one(struct page_box *box, struct authority *authority, const struct key *key,
                       const char *role)
{
    struct err err = ERR_INIT;
    struct issued *issued = issued_find(box->box.store, role, &err);
    struct crl *crl;

    assert_non_null(issued);
    crl = revoked_and_sign(box->box.store, authority, key, issued, CRL_KEY_COMPROMISE, 365, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    crl_free(crl);
    issued_free(issued);
}

static void fill(struct page_box *box)
{
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);

    record(box, authority, key, "app", "4a11111111111111111111111111aaa1", 12, NULL, true);
    record(box, authority, key, "bob", "4b22222222222222222222222222bbb2", 80, NULL, true);
    record(box, authority, key, "lost", "4c33333333333333333333333333ccc3", 365, NULL, false);
    record(box, authority, key, "alice", "4d44444444444444444444444444ddd4", 365,
           "alice@example.org", true);
    revoke_one(box, authority, key, "bob");
    key_free(key);
    authority_free(authority);
}

static void list(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_certs(box.app));
    ui_check_navigator(box.navigator, 24, 80, "certs-busy");
    page_box_wait(&box, "No certificate was issued yet.");
    ui_check_navigator(box.navigator, 24, 80, "certs-empty");
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_certs(box.app));
    page_box_wait(&box, "1 of 4");
    ui_check_navigator(box.navigator, 24, 80, "certs-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "certs-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_key(box.navigator, KEY_CODE_DOWN); /* its files were never written: that is said */
    assert_true(ui_shows(box.navigator, "r makes it again"));
    ui_key(box.navigator, 's');
    ui_key(box.navigator, 's');
    ui_key(box.navigator, 's');
    assert_true(ui_shows(box.navigator, "Order: by role."));
    page_box_wait(&box, "> alice");
    page_box_close(&box);
}

static void finds(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {{"4d4444", "> alice"},
                 {"102705016", "> alice"}, /* as pg_stat_ssl has it */
                 {"alice@", "> alice"},
                 {"CN=lo", "> lost"},
                 {"xyz", "No certificate fits."}};
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_certs(box.app));
    page_box_wait(&box, "1 of 4");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ui_key(box.navigator, '/');
        ui_type(box.navigator, cases[i].text);
        page_box_wait(&box, i + 1 < ARRAY_LEN(cases) ? "1 certificate" : "0 certificates");
        assert_true(ui_shows(box.navigator, cases[i].shown));
        if (i + 1 == ARRAY_LEN(cases))
            ui_check_navigator(box.navigator, 24, 80, "certs-find");
        ui_key(box.navigator, KEY_CODE_ESC);
        page_box_wait(&box, "1 of 4");
    }
    ui_key(box.navigator, 'f');
    ui_check_navigator(box.navigator, 24, 80, "certs-filter");
    page_box_keys(&box, KEY_CODE_DOWN, 4); /* revoked */
    page_box_keys(&box, KEY_CODE_BACK_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "1 certificate");
    assert_true(ui_shows(box.navigator, "> bob"));
    ui_key(box.navigator, 'r');
    assert_true(ui_shows(box.navigator, "A revoked one is not renewed"));
    ui_key(box.navigator, 'x');
    assert_true(ui_shows(box.navigator, "It is revoked already."));
    ui_key(box.navigator, KEY_CODE_F2);
    assert_true(ui_shows(box.navigator, "pgseal list --state revoked"));
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC); /* the filter goes first, then the page */
    page_box_wait(&box, "1 of 4");
    page_box_close(&box);
}

/* More than one window of rows: the page reads on before the cursor comes to its end. */
static void walks_through_many(void **state)
{
    enum { MANY = 450 };
    struct page_box box;
    struct err err = ERR_INIT;
    struct key *key = NULL, *own;
    struct authority *authority;
    struct issued *rows[MANY];

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = box_authority(&box.box, "Acme PG Root", &key);
    own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    for (int i = 0; i < MANY; i++) {
        char *role = mem_printf("role%03d", i);
        struct issue_spec spec = {.role = role, .key = own, .for_writing = true};

        rows[i] = issued_sign(authority, key, &spec, &err);
        if (rows[i] == NULL)
            fail_msg("%s", err.msg);
        free(role);
    }
    BOX_OK(issued_many_record(box.box.store, authority, rows, MANY, NULL, "test", &err));
    navigator_push(box.navigator, page_certs(box.app));
    page_box_wait(&box, "1 of 450");
    assert_true(ui_shows(box.navigator, "> role449"));
    ui_key(box.navigator, 'G');
    page_box_wait(&box, "450 of 450");
    assert_true(ui_shows(box.navigator, "> role000"));
    for (int at = 449; at > 200; at--) { /* into the windows before */
        char place[32];

        snprintf(place, sizeof(place), "%d of 450", at);
        ui_key(box.navigator, KEY_CODE_UP);
        page_box_wait(&box, place);
    }
    assert_true(ui_shows(box.navigator, "> role249"));
    ui_key(box.navigator, 'g');
    page_box_wait(&box, "1 of 450");
    for (int i = 0; i < MANY; i++)
        issued_free(rows[i]);
    key_free(own);
    key_free(key);
    authority_free(authority);
    page_box_close(&box);
}

static void sheet(void **state)
{
    struct page_box box;
    struct cert *cert;
    struct err err = ERR_INIT;
    char *pem, *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_certs(box.app));
    page_box_wait(&box, "1 of 4");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "never written");
    ui_check_navigator(box.navigator, 24, 80, "cert-undelivered");
    ui_key(box.navigator, 'x');
    page_box_wait(&box, "1 Why"); /* the page that revokes */
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "> lost");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "reason: keyCompromise");
    ui_check_navigator(box.navigator, 24, 80, "cert-revoked");
    ui_key(box.navigator, 'w'); /* its files once more, without a key */
    page_box_wait(&box, "bob-public");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "Written to");
    path = fs_join(box.box.folder, "bob-public/bob.crt");
    pem = box_read(path);
    cert = cert_from_pem(pem, strlen(pem), &err);
    assert_non_null(cert);
    cert_free(cert);
    free(pem);
    free(path);
    path = fs_join(box.box.folder, "bob-public/bob.key");
    assert_false(fs_exists(path));
    free(path);
    page_box_close(&box);
}

/* A lost one is made again, and the new one takes its place. */
static void renews(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct issued_list lost = {.n = 0};
    char *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_certs(box.app));
    page_box_wait(&box, "1 of 4");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, 'r');
    page_box_wait(&box, "nobody has its key");
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_DOWN); /* no passphrase */
    page_box_keys(&box, KEY_CODE_TAB, 4);
    assert_true(ui_shows(box.navigator, "> < Next >"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "CN = lost, for clients only"));
    ui_check_navigator(box.navigator, 24, 80, "renew-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"lost\" made.");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "of 5");
    BOX_OK(issued_undelivered(box.box.store, NULL, 10, &lost, &err));
    assert_int_equal(lost.n, 0);
    issued_list_clear(&lost);
    path = fs_join(box.box.store_folder, "clients/lost/lost.key");
    assert_true(fs_exists(path));
    free(path);
    page_box_close(&box);
}

static void texts(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    page = page_certs(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "1 of 4");
    page_box_check_texts(&box, page, 1);
    ui_key(box.navigator, 'f');
    page_box_check_texts(&box, page, 7);
    ui_key(box.navigator, KEY_CODE_ESC);
    page = page_renew(box.app, "alice");
    navigator_push(box.navigator, page);
    page_box_wait(&box, "The old one");
    page_box_check_texts(&box, page, 10);
    page_box_close(&box);
}

static void broken_store(void **state)
{
    static struct screen *(*const pages[])(struct app * app) = {page_certs, page_authorities,
                                                                page_new_server, page_batch};

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

static void unknown(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_cert(box.app, "Acme PG Root:4eee"));
    page_box_wait(&box, "error PS-4014"); /* no picture: it names the folder */
    assert_true(ui_shows(box.navigator, "pgseal explain PS-4014"));
    assert_false(ui_shows(box.navigator, "Revoke..."));
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list),
        cmocka_unit_test(finds),
        cmocka_unit_test(walks_through_many),
        cmocka_unit_test(sheet),
        cmocka_unit_test(renews),
        cmocka_unit_test(texts),
        cmocka_unit_test(unknown),
        cmocka_unit_test(broken_store),
    };

    return cmocka_run_group_tests_name("certs", tests, NULL, NULL);
}
