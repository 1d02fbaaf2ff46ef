/* issue.c - the pages that sign: a server's names, a request from elsewhere, a list of roles; and the
 * one that says what anything is. */
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
#include "core/pki/csr.h"
#include "core/pki/pem.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

/* A request for CN=name with a host name in it, made by openssl; caller frees. */
static char *make_request(const struct page_box *box, const char *name)
{
    char *path = fs_join(box->box.folder, "request.csr"), *pem;

    assert_int_equal(box_run(NULL,
                             "cd '%s' && openssl req -new -newkey ec -pkeyopt "
                             "ec_paramgen_curve:P-256 -nodes -keyout own.key -subj '/O=Acme/CN=%s' "
                             "-addext 'subjectAltName=DNS:%s,IP:10.0.0.5' -addext "
                             "basicConstraints=CA:TRUE -out request.csr 2>/dev/null",
                             box->box.folder, name, name),
                     0);
    pem = box_read(path);
    free(path);
    return pem;
}

/* openssl agrees that the CA signed it, for this purpose. */
static void assert_verifies(const struct page_box *box, const char *folder, const char *file,
                            const char *purpose)
{
    char *out = NULL;

    if (box_run(&out,
                "cd '%s/store/%s' && openssl verify -x509_strict -purpose %s -CAfile root.crt %s",
                box->box.folder, folder, purpose, file) != 0)
        fail_msg("%s", out);
    free(out);
}

static void server(void **state)
{
    struct page_box box;
    struct screen *page;
    char *out = NULL;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_new_server(box.app));
    page_box_wait(&box, "there is no CA in the store yet");
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    page = page_new_server(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "Names of the server");
    ui_type(box.navigator, "db1.example.org, no_host!");
    ui_check_navigator(box.navigator, 24, 80, "new-server-bad-name");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "db1.example.org, 10.0.0.5");
    ui_check_navigator(box.navigator, 24, 80, "new-server-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "new-server-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    page_box_check_texts(&box, page, 7);
    page_box_keys(&box, KEY_CODE_TAB, 5);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "names: db1.example.org, 10.0.0.5"));
    ui_key(box.navigator, KEY_CODE_F2);
    assert_true(ui_shows(box.navigator, "pgseal issue server 'db1.example.org' '10.0.0.5'") ||
                ui_shows(box.navigator, "pgseal issue server db1.example.org 10.0.0.5"));
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"db1.example.org\" made.");
    assert_verifies(&box, "servers/db1.example.org", "db1.example.org.crt", "sslserver");
    assert_int_equal(box_run(&out,
                             "openssl x509 -noout -ext subjectAltName -in "
                             "'%s/store/servers/db1.example.org/db1.example.org.crt'",
                             box.box.folder),
                     0);
    assert_non_null(strstr(out, "DNS:db1.example.org, IP Address:10.0.0.5"));
    free(out);
    page_box_close(&box);
}

static void request(void **state)
{
    struct page_box box;
    char *pem, *out = NULL;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    pem = make_request(&box, "alice");
    navigator_push(box.navigator, page_sign_request(box.app));
    page_box_wait(&box, "It is for");
    ui_check_navigator(box.navigator, 24, 80, "sign-request-empty");
    ui_paste(box.navigator, pem);
    page_box_wait(&box, "--[!!]-+"); /* it asks to be a CA */
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "names: alice, 10.0.0.5");
    ui_check_navigator(box.navigator, 24, 80, "sign-request-gets");
    page_box_keys(&box, KEY_CODE_ENTER, 5);
    page_box_wait(&box, "CN = alice, for clients only");
    ui_check_navigator(box.navigator, 24, 80, "sign-request-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"alice\" made.");
    assert_verifies(&box, "clients/alice", "alice.crt", "sslclient");
    assert_int_equal(box_run(&out,
                             "openssl x509 -noout -text -in '%s/store/clients/alice/alice.crt'",
                             box.box.folder),
                     0);
    assert_null(strstr(out, "CA:TRUE")); /* never its CA bit, nor its names */
    assert_null(strstr(out, "10.0.0.5"));
    free(out);
    assert_int_equal(
        box_run(
            NULL,
            "cd '%s' && test \"$(openssl x509 -pubkey -noout -in store/clients/alice/alice.crt)\" "
            "= \"$(openssl pkey -pubout -in own.key)\" && test ! -e store/clients/alice/alice.key",
            box.box.folder),
        0);
    free(pem);
    page_box_close(&box);
}

/* From a file, for a server: its names are taken over into the form. */
static void request_of_a_server(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    free(make_request(&box, "db2.example.org"));
    navigator_push(box.navigator, page_sign_request(box.app));
    page_box_wait(&box, "It is for");
    page_box_keys(&box, KEY_CODE_BACK_TAB, 1);
    ui_key(box.navigator, KEY_CODE_DOWN); /* a file */
    page_box_keys(&box, KEY_CODE_BACK_TAB, 1);
    ui_key(box.navigator, KEY_CODE_DOWN); /* a server */
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_type(box.navigator, "own.key");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "there is a private key in this file");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_BACK_TAB);
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "request.csr");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "[db2.example.org, 10.0.0.5");
    page_box_keys(&box, KEY_CODE_ENTER, 5);
    page_box_wait(&box, "for servers only");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"db2.example.org\" made.");
    assert_verifies(&box, "servers/db2.example.org", "db2.example.org.crt", "sslserver");
    page_box_close(&box);
}

/* A private key is gone before anything is drawn. */
static void pasted_keys(void **state)
{
    static struct screen *(*const pages[])(struct app * app) = {page_sign_request, page_show};
    static const char *const ready[] = {"It is for", "It comes from"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct page_box box;
        char *path, *pem;

        page_box_open(&box, NULL, NULL, &ui_ascii);
        authority_free(box_authority(&box.box, "Acme PG Root", NULL));
        free(make_request(&box, "alice"));
        path = fs_join(box.box.folder, "own.key");
        pem = box_read(path);
        navigator_push(box.navigator, pages[i](box.app));
        page_box_wait(&box, ready[i]);
        ui_paste(box.navigator, pem);
        assert_true(ui_shows(box.navigator, "This is a private key. It was thrown away"));
        assert_false(ui_shows(box.navigator, "PRIVATE KEY"));
        page_box_keys(&box, KEY_CODE_ENTER, 3);
        assert_true(ui_shows(box.navigator, "1 of "));
        free(pem);
        free(path);
        page_box_close(&box);
    }
}

/* The passphrase of the CA: a wrong one leads back to it, with the answers kept. */
static void passphrase(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct secret *secret = box_secret("correct horse battery");
    struct authority_spec spec = {
        .name = "Acme PG Root", .key_type = KEY_EC_P256, .passphrase = secret};

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(authority_create(box.box.store, &spec, &err));
    assert_int_equal(err.code, ERR_NONE);
    navigator_push(box.navigator, page_new_server(box.app));
    page_box_wait(&box, "Names of the server");
    ui_type(box.navigator, "db1");
    page_box_keys(&box, KEY_CODE_ENTER, 6);
    ui_type(box.navigator, "wrong horse battery");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "this passphrase does not open");
    ui_check_navigator(box.navigator, 24, 80, "new-server-wrong-passphrase");
    ui_type(box.navigator, "correct horse battery");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "Certificate for \"db1\" made.");
    ui_key(box.navigator, KEY_CODE_ENTER);
    secret_free(secret);
    page_box_close(&box);
}

static void write_list(const struct page_box *box, const char *text)
{
    struct err err = ERR_INIT;
    char *path = fs_join(box->box.folder, "roles.csv");

    BOX_OK(fs_write_replace(path, text, strlen(text), 0644, &err));
    free(path);
}

/* Down the form to < Next >, with keys that have no passphrase. */
static void batch_next(struct page_box *box, bool first)
{
    if (first) {
        page_box_keys(box, KEY_CODE_TAB, 3);
        ui_key(box->navigator, KEY_CODE_DOWN);
        page_box_keys(box, KEY_CODE_TAB, 4);
    }
    ui_key(box->navigator, KEY_CODE_ENTER);
}

static void batch(void **state)
{
    struct page_box box;
    char *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    write_list(&box, "role,days,note\nalice,,mail\nbob,soon,\n");
    navigator_push(box.navigator, page_batch(box.app));
    page_box_wait(&box, "Folders in");
    ui_check_navigator(box.navigator, 24, 80, "batch-empty");
    ui_type(box.navigator, "roles.csv");
    batch_next(&box, true);
    page_box_wait(&box, "line 3"); /* the bad one is named, nothing was made */
    write_list(&box, "role,days,note\nalice,,mail\nbob,30,\ncarol,,\n");
    ui_key(box.navigator, KEY_CODE_ENTER);
    batch_next(&box, false);
    page_box_wait(&box, "3 roles in the list");
    ui_check_navigator(box.navigator, 24, 80, "batch-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "3 certificates made.");
    assert_verifies(&box, "clients/kits/bob", "bob.crt", "sslclient");
    path = fs_join(box.box.store_folder, "clients/kits/bob");
    assert_int_equal(box_run(NULL, "rm -r '%s'", path), 0);
    free(path);
    ui_key(box.navigator, KEY_CODE_ENTER);
    navigator_push(box.navigator, page_batch(box.app)); /* again: only what is missing */
    page_box_wait(&box, "Folders in");
    batch_next(&box, true);
    page_box_wait(&box, "2 are there already and stay");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "1 certificate made.");
    ui_check_navigator(box.navigator, 24, 80, "batch-done");
    page_box_close(&box);
}

static void show(void **state)
{
    struct page_box box;
    struct screen *page;
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority;
    struct issued *alice;
    struct strbuf pem = STRBUF_INIT;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = box_authority(&box.box, "Acme PG Root", &key);
    alice = box_issue(&box.box, authority, key, "alice", 365);
    BOX_OK(cert_to_pem(alice->cert, &pem, &err));
    page = page_show(box.app);
    navigator_push(box.navigator, page);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_UP);
    page_box_check_texts(&box, page, 3);
    ui_check_navigator(box.navigator, 24, 80, "show-empty");
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_show(box.app));
    page_box_wait(&box, "It comes from");
    ui_paste(box.navigator, "nothing of use\n");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "[ok] 1 Text");
    ui_check_navigator(box.navigator, 24, 80, "show-garbage");
    ui_key(box.navigator, KEY_CODE_ESC);
    navigator_push(box.navigator, page_show(box.app));
    page_box_wait(&box, "It comes from");
    ui_paste(box.navigator, pem.data);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "subject               CN=alice");
    ui_key(box.navigator, KEY_CODE_END);
    strbuf_clear(&pem);
    issued_free(alice);
    key_free(key);
    authority_free(authority);
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server),
        cmocka_unit_test(request),
        cmocka_unit_test(request_of_a_server),
        cmocka_unit_test(pasted_keys),
        cmocka_unit_test(passphrase),
        cmocka_unit_test(batch),
        cmocka_unit_test(show),
    };

    return cmocka_run_group_tests_name("issue", tests, NULL, NULL);
}
