/* ca_pages.c - the pages that look after CAs: the list, the sheet, and each act on one. */
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
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

static void list(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority, *g2, *g3;
    struct authority_spec spec = {.name = "Acme PG Issuing", .key_type = KEY_EC_P256};

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_authorities(box.app));
    ui_check_navigator(box.navigator, 24, 80, "authorities-busy");
    page_box_wait(&box, "No CA yet.");
    ui_check_navigator(box.navigator, 24, 80, "authorities-empty");
    page_box_close(&box);

    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = box_authority(&box.box, "Acme PG Root", &key);
    issued_free(box_issue(&box.box, authority, key, "alice", 365));
    g2 = box_authority(&box.box, "Acme PG Root G2", NULL);
    g3 = box_authority(&box.box, "Acme PG Root G3", NULL);
    BOX_OK(authority_retire(box.box.store, authority, &err));
    authority_request_free(authority_request_make(box.box.store, &spec, &err));
    assert_int_equal(err.code, ERR_NONE);
    box_set_now(BOX_NOW + 350 * CLOCK_DAY); /* their lists end soon */
    navigator_push(box.navigator, page_authorities(box.app));
    page_box_wait(&box, "waits");
    ui_check_navigator(box.navigator, 24, 80, "authorities-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "authorities-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    navigator_push(box.navigator, page_authority(box.app, "Acme PG Root"));
    page_box_wait(&box, "generations");
    ui_check_navigator(box.navigator, 24, 80, "authority-filled");
    navigator_push(box.navigator, page_authority(box.app, "Nobody"));
    page_box_wait(&box, "pgseal explain PS-");
    key_free(key);
    authority_free(authority);
    authority_free(g2);
    authority_free(g3);
    page_box_close(&box);
}

/* The same key and name: what was issued before verifies with the new certificate. */
static void renews(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority, *now;
    struct issued *alice;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = box_authority(&box.box, "Acme PG Root", &key);
    alice = box_issue(&box.box, authority, key, "alice", 365);
    navigator_push(box.navigator, page_authority(box.app, "Acme PG Root"));
    page_box_wait(&box, "trusted by");
    ui_key(box.navigator, 'r');
    page_box_wait(&box, "Valid for");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "7000");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "two new ones");
    ui_check_navigator(box.navigator, 24, 80, "ca-renew-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "has a new certificate");
    now = authority_load(box.box.store, "Acme PG Root", &err);
    assert_non_null(now);
    assert_true(cert_not_after(now->cert) > cert_not_after(authority->cert));
    assert_true(cert_issued_by(alice->cert, now->cert));
    authority_free(now);
    issued_free(alice);
    key_free(key);
    authority_free(authority);
    page_box_close(&box);
}

static void exports(void **state)
{
    struct page_box box;
    char *out = NULL;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    navigator_push(box.navigator, page_ca_export(box.app, "Acme PG Root"));
    page_box_wait(&box, "~/Acme-PG-Root.crt");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "Written to ~/Acme-PG-Root.crt");
    assert_int_equal(
        box_run(&out, "openssl x509 -noout -subject -in '%s/Acme-PG-Root.crt'", box.box.folder), 0);
    assert_non_null(strstr(out, "Acme PG Root"));
    free(out);
    navigator_push(box.navigator, page_ca_export(box.app, "Acme PG Root"));
    page_box_wait(&box, "[~/Acme-PG-Root.crt");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "error PS-3001"); /* never overwritten */
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_keys(&box, KEY_CODE_BACK_TAB, 2);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_check_navigator(box.navigator, 24, 80, "ca-export-folder");
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "Its private key is in it too.");
    assert_int_equal(
        box_run(NULL,
                "cd '%s/Acme-PG-Root-openssl' && openssl ca -config openssl.cnf -gencrl "
                "-out new.crl >/dev/null 2>&1",
                box.box.folder),
        0);
    page_box_close(&box);
}

static void passphrase(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct secret *secret = box_secret("correct horse battery");
    struct authority *now;
    struct key *key;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    navigator_push(box.navigator, page_ca_passphrase(box.app, "Acme PG Root"));
    page_box_wait(&box, "Key protection");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "correct horse battery");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "correct horse battery");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "encrypted anew");
    ui_check_navigator(box.navigator, 24, 80, "ca-passphrase-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "has a new passphrase");
    now = authority_load(box.box.store, "Acme PG Root", &err);
    assert_non_null(now);
    assert_true(now->key_encrypted);
    key = authority_unlock(box.box.store, now, secret, &err);
    assert_non_null(key);
    key_free(key);
    authority_free(now);
    secret_free(secret);
    page_box_close(&box);
}

/* Severe: its name is typed; Enter alone means No. */
static void deletes(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct authority_list list = {.n = 0};
    struct key *key = NULL;
    struct authority *authority;
    struct issued *alice;
    char hex[SERIAL_HEX_MAX], which[80];

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = box_authority(&box.box, "Acme PG Root", &key);
    alice = box_issue(&box.box, authority, key, "alice", 365);
    snprintf(which, sizeof(which), "Acme PG Root:%s", serial_format_hex(hex, &alice->serial));
    issued_free(alice);
    key_free(key);
    authority_free(authority);
    navigator_push(box.navigator, page_authorities(box.app));
    page_box_wait(&box, "1 CA");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "trusted by");
    ui_key(box.navigator, 'd');
    page_box_wait(&box, "This cannot be undone.");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "ca-delete-question");
    ui_key(box.navigator, KEY_CODE_ENTER);
    BOX_OK(authority_list(box.box.store, &list, &err));
    assert_int_equal(list.n, 1);
    authority_list_clear(&list);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_type(box.navigator, "Acme PG Root");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "is deleted.");
    BOX_OK(authority_list(box.box.store, &list, &err));
    assert_int_equal(list.n, 0);
    authority_list_clear(&list);
    ui_key(box.navigator, KEY_CODE_ENTER); /* its sheet has gone too */
    page_box_wait(&box, "No CA yet.");
    navigator_push(box.navigator, page_cert(box.app, which)); /* what it issued stays */
    page_box_wait(&box, "History");
    navigator_push(box.navigator, page_cert_export(box.app, which));
    page_box_wait(&box, "alice-public");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "Written to ~/alice-public");
    page_box_close(&box);
}

/* Request out, signed by a root that openssl keeps, certificate in; then it signs. */
static void intermediate(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct authority *now;
    char *path, *answer;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_ca_request(box.app));
    page_box_wait(&box, "Name of the CA");
    ui_type(box.navigator, "Acme PG Issuing");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_DOWN); /* no passphrase */
    page_box_keys(&box, KEY_CODE_ENTER, 3);
    page_box_wait(&box, "waits for its certificate");
    ui_check_navigator(box.navigator, 24, 80, "ca-request-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "The request is in ~/intermediate.csr");
    assert_int_equal(
        box_run(NULL,
                "cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                "-keyout root.key -subj '/CN=Offline Root' -days 4000 -out root.crt "
                "-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null && "
                "printf '%%s\\n' basicConstraints=critical,CA:TRUE,pathlen:0 "
                "keyUsage=critical,keyCertSign,cRLSign subjectKeyIdentifier=hash "
                "authorityKeyIdentifier=keyid > ca.ext && "
                "openssl x509 -req -in intermediate.csr -CA root.crt -CAkey root.key -days 1826 "
                "-extfile ca.ext -out intermediate.crt 2>/dev/null && "
                "cat intermediate.crt root.crt > answer.pem",
                box.box.folder),
        0);
    path = fs_join(box.box.folder, "answer.pem");
    answer = box_read(path);
    clock_replace(NULL); /* openssl's certificates begin now */
    navigator_push(box.navigator, page_authorities(box.app));
    page_box_wait(&box, "[  ] waits");
    ui_key(box.navigator, 'i');
    page_box_wait(&box, "It comes from");
    ui_paste(box.navigator, answer);
    assert_true(ui_shows(box.navigator, "2 blocks"));
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "from now on this CA can sign");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "is ready.");
    assert_true(ui_shows(box.navigator, "No CRL of the root came along"));
    now = authority_load(box.box.store, "Acme PG Issuing", &err);
    assert_non_null(now);
    assert_true(now->has_key);
    authority_free(now);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "1 CA");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "signed by");
    ui_key(box.navigator, 'r'); /* its root renews it: a request again */
    page_box_wait(&box, "~/Acme-PG-Issuing.csr");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "for the root to sign");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "The request is in");
    navigator_push(box.navigator, page_new_server(box.app)); /* and its kits carry the chain */
    page_box_wait(&box, "Names of the server");
    ui_type(box.navigator, "db1");
    page_box_keys(&box, KEY_CODE_ENTER, 6);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"db1\" made.");
    assert_int_equal(
        box_run(NULL,
                "cd '%s/store/servers/db1' && openssl verify -purpose sslserver -CAfile root.crt "
                "-untrusted db1.crt db1.crt >/dev/null",
                box.box.folder),
        0);
    free(answer);
    free(path);
    page_box_close(&box);
}

static void texts(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    page = page_ca_request(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "Name of the CA");
    page_box_check_texts(&box, page, 8);
    page = page_ca_renew(box.app, "Acme PG Root");
    navigator_push(box.navigator, page);
    page_box_wait(&box, "Valid for");
    page_box_check_texts(&box, page, 3);
    page = page_desk(box.app);
    navigator_push(box.navigator, page);
    ui_check_navigator(box.navigator, 24, 80, "desk");
    for (int i = 0; i < 6; i++) {
        page_box_check_texts(&box, page, 1);
        ui_key(box.navigator, KEY_CODE_DOWN);
    }
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list),       cmocka_unit_test(renews),  cmocka_unit_test(exports),
        cmocka_unit_test(passphrase), cmocka_unit_test(deletes), cmocka_unit_test(intermediate),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests_name("ca_pages", tests, NULL, NULL);
}
