/* store_pages.c - the pages that look after the store: copies, a look through it, its log, CAs from
 * elsewhere. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/authority_change.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

static void fill(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);
    struct secret *secret = box_secret("correct horse battery");

    issued_free(box_issue(&box->box, authority, key, "alice", 365));
    BOX_OK(authority_set_passphrase(box->box.store, authority, key, secret, &err));
    secret_free(secret);
    key_free(key);
    authority_free(authority);
}

static void copies(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct store *store;
    struct authority *authority;
    char *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_backup(box.app));
    page_box_wait(&box, "~/pgseal-2026-11-21.backup");
    ui_check_navigator(box.navigator, 24, 80, "backup-form");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "The store is copied to");
    ui_key(box.navigator, KEY_CODE_ESC);
    navigator_push(box.navigator, page_restore(box.app));
    page_box_wait(&box, "~/store-restored");
    ui_check_navigator(box.navigator, 24, 80, "restore-form");
    ui_type(box.navigator, "pgseal-2026-11-21.backup");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "A store was made in ~/store-restored");
    ui_check_navigator(box.navigator, 24, 80, "restore-done");
    path = fs_join(box.box.folder, "store-restored");
    store = store_open(path, STORE_READ, &err);
    assert_non_null(store);
    authority = authority_load(store, "Acme PG Root", &err);
    assert_non_null(authority);
    assert_true(authority->has_key);
    assert_int_equal(authority->issued, 1);
    authority_free(authority);
    store_close(store);
    free(path);
    ui_key(box.navigator, KEY_CODE_ESC); /* again into the same folder: refused, nothing is lost */
    navigator_push(box.navigator, page_restore(box.app));
    page_box_wait(&box, "[pgseal-2026-11-21.backup");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "error PS-");
    assert_true(ui_shows(box.navigator, "nothing was changed"));
    page_box_close(&box);
}

static void looks_through(void **state)
{
    struct page_box box;
    char *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    path = fs_join(box.box.store_folder, "pgseal.db");
    assert_int_equal(chmod(path, 0644), 0);
    free(path);
    navigator_push(box.navigator, page_fsck(box.app));
    page_box_wait(&box, "What to do");
    ui_check_navigator(box.navigator, 24, 80, "fsck-form");
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "were looked at");
    page_box_wait(&box, "can be mended here");
    ui_key(box.navigator, KEY_CODE_ESC);
    navigator_push(box.navigator, page_fsck(box.app));
    page_box_wait(&box, "What to do");
    ui_key(box.navigator, KEY_CODE_DOWN);
    assert_true(ui_shows(box.navigator, "CA passphrase"));
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "(mended)");
    assert_true(ui_shows(box.navigator, "0 problems are left"));
    page_box_close(&box);
}

static void the_log(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_history(box.app));
    page_box_wait(&box, "Nothing was done in this store yet.");
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_history(box.app));
    page_box_wait(&box, "ca create");
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "ca create");
    page_box_wait(&box, "> 2026-11-21");
    while (ui_shows(box.navigator, "ca passphrase"))
        page_box_wait(&box, "Acme PG Root");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "what    ca create"));
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, '/');
    ui_type(box.navigator, " nonsense");
    page_box_wait(&box, "Nothing in the log fits.");
    ui_check_navigator(box.navigator, 24, 80, "history-find");
    page_box_close(&box);
}

/* A CA that openssl made, with a locked key: a wrong passphrase is said, the right one takes it in. */
static void imports(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct authority *authority;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    clock_replace(NULL); /* openssl's certificates begin now */
    assert_int_equal(
        box_run(NULL,
                "cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -passout "
                "pass:%s -keyout old.key -subj '/CN=Old Root' -days 4000 -out old.crt -addext "
                "keyUsage=critical,keyCertSign,cRLSign 2>/dev/null",
                box.box.folder, "secret-of-old"),
        0);
    page = page_ca_import(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "Its folder");
    ui_check_navigator(box.navigator, 24, 80, "ca-import-empty");
    page_box_check_texts(&box, page, 6);
    ui_type(box.navigator, "Old Root");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "old.crt");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "old.key");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Passphrase");
    ui_type(box.navigator, "wrong");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "encrypted in this store");
    ui_check_navigator(box.navigator, 24, 80, "ca-import-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "error PS-4001");
    page_box_keys(&box, KEY_CODE_ESC, 2); /* to the review, to the key */
    ui_key(box.navigator, KEY_CODE_BACK_TAB);
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "secret-of-old");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "encrypted in this store");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "CA \"Old Root\" is in the store.");
    authority = authority_load(box.box.store, "Old Root", &err);
    assert_non_null(authority);
    assert_true(authority->key_encrypted);
    authority_free(authority);
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(looks_through),
        cmocka_unit_test(the_log),
        cmocka_unit_test(imports),
    };

    return cmocka_run_group_tests_name("store_pages", tests, NULL, NULL);
}
