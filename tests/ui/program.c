/* program.c - help a program to log in: who and where, which programs, the key, what is in the kit, what
 * was written. */
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
#include "core/kit/kit.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

/* A CA, alice's certificate with its folder, and a server that is away. */
static void fill(struct page_box *box, char **ret_key)
{
    struct err err = ERR_INIT;
    struct key *key = NULL, *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = "alice", .key = own};
    struct issued *alice = issued_make(box->box.store, authority, key, &spec, &err);
    struct server server = {.name = (char *)(uintptr_t) "db1",
                            .conninfo = (char *)(uintptr_t) "host=127.0.0.1 port=1 dbname=app",
                            .tls_host = (char *)(uintptr_t) "127.0.0.1",
                            .tls_port = 1,
                            .provider = (char *)(uintptr_t) "self-managed"};
    char *folder = fs_join(box->box.folder, "given");
    struct kit_spec kit = {.folder = folder, .issued = alice, .key = own, .ca = authority->cert};
    struct kit_files files = {.certificate = NULL};

    BOX_OK(alice != NULL && kit_write(&kit, &files, &err));
    BOX_OK(issued_mark_delivered(box->box.store, alice, &err));
    BOX_OK(server_add(box->box.store, &server, &err));
    *ret_key = mem_strdup(files.key);
    kit_files_clear(&files);
    issued_free(alice);
    authority_free(authority);
    key_free(key);
    key_free(own);
    free(folder);
}

static void writes(void **state)
{
    struct page_box box;
    char *key, *readme;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box, &key);
    navigator_push(box.navigator, page_program(box.app, NULL, NULL));
    page_box_wait(&box, "Database role");
    ui_check_navigator(box.navigator, 24, 80, "program-empty");
    ui_type(box.navigator, "alice");
    page_box_keys(&box, KEY_CODE_ENTER, 4);
    page_box_wait(&box, "psql, libpq");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_type(box.navigator, " "); /* Python */
    ui_check_navigator(box.navigator, 24, 80, "program-programs");
    page_box_keys(&box, KEY_CODE_TAB, 10);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "It will lie in");
    ui_type(box.navigator, "given/alice.key");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_type(box.navigator, "here"); /* not whole */
    assert_true(ui_shows(box.navigator, "the whole path"));
    for (int i = 0; i < 4; i++)
        ui_key(box.navigator, KEY_CODE_BACKSPACE);
    ui_type(box.navigator, "/etc/app");
    ui_check_navigator(box.navigator, 24, 80, "program-files");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "fits; it has no passphrase");
    assert_true(ui_shows(box.navigator, "[!!] not tried"));
    assert_true(ui_shows(box.navigator, "CN=Acme PG Root"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "[ok] Written to ~/store/clients/alice-kit");
    readme = fs_join(box.box.store_folder, "clients/alice-kit/README.txt");
    assert_true(fs_exists(readme));
    assert_int_equal(box_run(NULL,
                             "cd '%s/clients/alice-kit' && grep -q '/etc/app/alice.key' "
                             "pg_service.conf && test -f connect.py && cmp alice.key '%s'",
                             box.box.store_folder, key),
                     0);
    page_box_close(&box);
    free(readme);
    free(key);
}

/* The key of another certificate: said, and the answers are kept. */
static void refuses(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct key *other = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct secret *pem = key_to_pem(other, NULL, 0, &err);
    char *key, *path;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box, &key);
    path = fs_join(box.box.folder, "other.key");
    BOX_OK(fs_write_new(path, secret_data(pem), secret_len(pem), FS_MODE_SECRET, &err));
    navigator_push(box.navigator, page_program(box.app, NULL, "alice"));
    page_box_wait(&box, "Database role");
    page_box_keys(&box, KEY_CODE_ENTER, 4);
    page_box_wait(&box, "psql, libpq");
    page_box_keys(&box, KEY_CODE_TAB, 12);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "It will lie in");
    ui_type(box.navigator, "other.key");
    page_box_keys(&box, KEY_CODE_TAB, 4);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "the key is not that of the certificate");
    assert_true(ui_shows(box.navigator, "PS-2304"));
    page_box_close(&box);
    secret_free(pem);
    key_free(other);
    free(path);
    free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(refuses),
    };

    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
