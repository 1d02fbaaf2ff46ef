/* client_trust.c - the trust file for clients: what goes in, what is shown before it is written. */
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
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

static struct authority *add_ca(struct page_box *box, const char *name)
{
    return box_authority(&box->box, name, NULL);
}

static char *pem_of(const struct cert *cert)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    BOX_OK(cert_to_pem(cert, &text, &err));
    return strbuf_steal(&text);
}

static void add_server(struct page_box *box)
{
    char name[] = "db1", conninfo[] = "host=127.0.0.1 port=1 user=admin", empty[] = "";
    char provider[] = "self-managed";
    struct server row = {.name = name,
                         .conninfo = conninfo,
                         .tls_host = empty,
                         .provider = provider,
                         .system_identifier = empty};
    struct err err = ERR_INIT;

    BOX_OK(server_add(box->box.store, &row, &err));
}

/* Both generations from the sheet of one; then a truststore of the same. */
static void both_in_one(void **state)
{
    struct page_box box;
    struct screen *page;
    char *path, *out;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority_free(add_ca(&box, "Acme PG Root"));
    authority_free(add_ca(&box, "Acme PG Root G2"));
    authority_free(add_ca(&box, "Clients"));
    navigator_push(box.navigator, page_authority(box.app, "Acme PG Root"));
    page_box_wait(&box, "serial");
    ui_key(box.navigator, 't');
    page_box_wait(&box, "[x] Acme PG Root G2");
    assert_true(ui_shows(box.navigator, "[ ] Clients"));
    ui_check_navigator(box.navigator, 24, 80, "client-trust");
    page_box_keys(&box, KEY_CODE_TAB, 5);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "In the file");
    assert_true(ui_shows(box.navigator, "CN=Acme PG Root G2"));
    assert_true(ui_shows(box.navigator, "not tried"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "sslrootcert");
    ui_check_navigator(box.navigator, 24, 80, "client-trust-file");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    path = fs_join(box.box.folder, "trust.crt");
    assert_false(fs_exists(path)); /* shown before it is written */
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "with 2 certificates");
    ui_check_navigator(box.navigator, 24, 80, "client-trust-done");
    assert_int_equal(box_run(&out, "grep -c 'BEGIN CERTIFICATE' '%s'", path), 0);
    assert_string_equal(out, "2\n");
    free(out);
    free(path);

    page = page_client_trust(box.app, NULL); /* an only CA would be ticked; of three none is */
    navigator_push(box.navigator, page);
    page_box_wait(&box, "at least one CA goes in");
    page_box_check_texts(&box, page, 5);
    navigator_push(box.navigator, page_client_trust(box.app, NULL));
    page_box_wait(&box, "at least one CA goes in");
    ui_key(box.navigator, ' ');
    page_box_keys(&box, KEY_CODE_TAB, 5);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "In the file");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "sslrootcert");
    ui_key(box.navigator, KEY_CODE_DOWN);
    assert_true(ui_shows(box.navigator, "[trust.p12 "));
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "-Djavax.net.ssl.trustStore=trust.p12");
    path = fs_join(box.box.folder, "trust.p12");
    assert_int_equal(
        box_run(&out, "openssl pkcs12 -in '%s' -passin pass:changeit -nokeys | grep -c BEGIN",
                path),
        0);
    assert_string_equal(out, "1\n");
    free(out);
    free(path);
    page_box_close(&box);
}

/* Others by paste: a private key is wiped; the same CA twice counts once. */
static void others(void **state)
{
    struct page_box box;
    struct authority *authority;
    char *pem, *path;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    authority = add_ca(&box, "Acme PG Root");
    pem = pem_of(authority->cert);
    navigator_push(box.navigator, page_client_trust(box.app, NULL));
    page_box_wait(&box, "[x] Acme PG Root");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, ' '); /* and others */
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_paste(box.navigator, "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n"
                            "-----END PRIVATE KEY-----\n");
    page_box_wait(&box, "This is a private key");
    assert_false(ui_shows(box.navigator, "MIGHAgEA"));
    ui_paste(box.navigator, pem);
    page_box_wait(&box, "1 block");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "db9");
    page_box_wait(&box, "no server of the store is called \"db9\"");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "left out: CN=Acme PG Root is in it already (the paste)");
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii); /* a server that is away: no file */
    authority_free(authority);
    authority = add_ca(&box, "Acme PG Root");
    add_server(&box);
    navigator_push(box.navigator, page_client_trust(box.app, NULL));
    page_box_wait(&box, "[x] Acme PG Root");
    assert_true(ui_shows(box.navigator, "[db1 "));
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Back to the answers");
    path = fs_join(box.box.folder, "db1-trust.crt");
    assert_false(fs_exists(path));
    free(path);
    free(pem);
    authority_free(authority);
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_in_one),
        cmocka_unit_test(others),
    };

    return cmocka_run_group_tests_name("client_trust", tests, NULL, NULL);
}
