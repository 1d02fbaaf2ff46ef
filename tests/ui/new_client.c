/* new_client.c - the page that issues a client certificate: its pictures, and one that is made. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/fake_server.h"
#include "tests/harness/page_box.h"

#define PASSPHRASE "correct horse battery"

static void make_ca(struct page_box *box, const char *name, int days, bool locked)
{
    struct err err = ERR_INIT;
    struct secret *passphrase = locked ? box_secret(PASSPHRASE) : NULL;
    struct authority *authority = authority_create(
        box->box.store,
        &(struct authority_spec){
            .name = name, .key_type = KEY_EC_P256, .days = days, .passphrase = passphrase},
        &err);

    if (authority == NULL)
        fail_msg("%s", err.msg);
    authority_free(authority);
    secret_free(passphrase);
}

static void open_page(struct page_box *box)
{
    navigator_push(box->navigator, page_new_client(box->app));
    page_box_wait(box, "Database role");
}

static void pictures(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Acme PG Root", 0, true);
    navigator_push(box.navigator, page_new_client(box.app));
    ui_check_navigator(box.navigator, 24, 80, "new-client-loading");
    page_box_wait(&box, "Database role");
    ui_check_navigator(box.navigator, 24, 80, "new-client-empty");
    ui_type(box.navigator, "alice");
    assert_true(ui_shows(box.navigator, "Name in cert     [alice"));
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_HOME);
    ui_key(box.navigator, KEY_CODE_DELETE);
    ui_type(box.navigator, "A");
    ui_check_navigator(box.navigator, 24, 80, "new-client-name-differs");
    ui_key(box.navigator, KEY_CODE_F4);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "alice@example.org");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_check_navigator(box.navigator, 24, 80, "new-client-filled");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "new-client-filled-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_type(box.navigator, "00");
    ui_check_navigator(box.navigator, 24, 80, "new-client-beyond-the-ca");
    page_box_keys(&box, KEY_CODE_BACKSPACE, 2);
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "new-client-key");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_check_navigator(box.navigator, 24, 80, "new-client-csr");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_paste(box.navigator, "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqG\n"
                            "-----END PRIVATE KEY-----\n");
    ui_check_navigator(box.navigator, 24, 80, "new-client-csr-was-a-key");
    page_box_close(&box);
}

/* From the first form to the review; the key gets a passphrase, and a PKCS#12 file is wanted. */
static void fill_in(struct page_box *box, const char *role)
{
    ui_type(box->navigator, role);
    page_box_keys(box, KEY_CODE_TAB, 4);
    ui_key(box->navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box->navigator, "2 of 3"));
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_DOWN); /* none */
    page_box_keys(box, KEY_CODE_TAB, 1);
    ui_key(box->navigator, ' '); /* PKCS#12 too */
    assert_true(ui_shows(box->navigator, "a PKCS#12 file needs a passphrase"));
    ui_key(box->navigator, KEY_CODE_BACK_TAB);
    ui_key(box->navigator, KEY_CODE_UP);
    ui_key(box->navigator, KEY_CODE_TAB);
    ui_type(box->navigator, "a client's own");
    ui_key(box->navigator, KEY_CODE_TAB);
    ui_type(box->navigator, "a client's own");
    ui_key(box->navigator, KEY_CODE_TAB);
    page_box_keys(box, KEY_CODE_TAB, 3);
    ui_key(box->navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box->navigator, "3 of 3"));
}

static void assert_mode(const struct page_box *box, const char *name, mode_t mode)
{
    char *path = mem_printf("%s/clients/alice/%s", box->box.store_folder, name);
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
    free(path);
}

static void makes_one(void **state)
{
    struct page_box box;
    char *output;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Acme PG Root", 0, true);
    open_page(&box);
    fill_in(&box, "alice");
    ui_check_navigator(box.navigator, 24, 80, "new-client-review");
    ui_type(box.navigator, "wrong");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "does not open the CA's key");
    ui_check_navigator(box.navigator, 24, 80, "new-client-wrong-passphrase");
    ui_type(box.navigator, PASSPHRASE);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "[..] 1  open the key of the CA"));
    page_box_wait(&box, "Certificate for \"alice\" made.");
    assert_true(ui_shows(box.navigator, "alice.p12"));
    assert_true(ui_shows(box.navigator, "sslcert=alice.crt sslkey=alice.key"));
    assert_true(ui_shows(box.navigator, "> < One more >"));
    assert_mode(&box, "alice.crt", 0644);
    assert_mode(&box, "alice.key", 0600);
    assert_mode(&box, "alice.p12", 0600);
    /* somebody else's program says what it is */
    assert_int_equal(
        box_run(&output,
                "cd %s/store/clients/alice && openssl verify -purpose sslclient -CAfile root.crt "
                "alice.crt && openssl x509 -in alice.crt -noout -subject -ext "
                "extendedKeyUsage 2>&1",
                box.box.folder),
        0);
    assert_non_null(strstr(output, "CN = alice"));
    assert_non_null(strstr(output, "TLS Web Client Authentication"));
    free(output);

    /* the same once more: its files are there, nothing is recorded */
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Database role");
    assert_false(ui_shows(box.navigator, "alice"));
    fill_in(&box, "alice");
    ui_type(box.navigator, PASSPHRASE);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "error PS-3001");
    assert_true(ui_shows(box.navigator, "> < Back to the answers >"));
    page_box_close(&box);
}

/* A request: its key stays where it is; nothing of what it asks for is taken but the public key. */
static void signs_a_request(void **state)
{
    struct page_box box;
    char *csr;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Acme PG Root", 0, false);
    assert_int_equal(
        box_run(&csr,
                "cd %s && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                "-keyout own.key -subj /O=Evil/CN=postgres -out own.csr 2>/dev/null && cat own.csr",
                box.box.folder),
        0);
    open_page(&box);
    ui_type(box.navigator, "alice");
    page_box_keys(&box, KEY_CODE_TAB, 4);
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_paste(box.navigator, "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n");
    assert_true(ui_shows(box.navigator, "The end is missing."));
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_paste(box.navigator, csr);
    free(csr);
    assert_true(ui_shows(box.navigator, "request of \"CN=postgres, O=Evil\""));
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "the request's owner has it"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Certificate for \"alice\" made.");
    assert_int_equal(
        box_run(
            NULL,
            "cd %s && test ! -e store/clients/alice/alice.key && openssl x509 -in "
            "store/clients/alice/alice.crt "
            "-noout -pubkey > a.pub && openssl pkey -in own.key -pubout > b.pub && "
            "cmp a.pub b.pub && openssl x509 -in store/clients/alice/alice.crt -noout -subject | "
            "grep -qx 'subject=CN = alice'",
            box.box.folder),
        0);
    page_box_close(&box);
}

static void wants_a_ca_first(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_new_client(box.app));
    page_box_wait(&box, "error PS-4010");
    ui_check_navigator(box.navigator, 24, 80, "new-client-error");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "Name of the CA"));
    page_box_close(&box);
}

static void never_outlives_the_ca(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Short", 100, false);
    open_page(&box);
    assert_false(ui_shows(box.navigator, "[365"));
    ui_type(box.navigator, "alice");
    page_box_keys(&box, KEY_CODE_TAB, 3);
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "101");
    assert_true(ui_shows(box.navigator, "Next is off: 1 wrong"));
    ui_key(box.navigator, KEY_CODE_F4);
    assert_false(ui_shows(box.navigator, "Next is off"));
    page_box_close(&box);
}

static void lets_choose_among_cas(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Acme G1", 100, false);
    make_ca(&box, "Acme G2", 0, false);
    open_page(&box);
    ui_check_navigator(box.navigator, 24, 80, "new-client-two-cas");
    page_box_close(&box);
}

static void every_field_explains_itself(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    make_ca(&box, "Acme G1", 0, true);
    make_ca(&box, "Acme G2", 0, true);
    page = page_new_client(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "Database role");
    ui_type(box.navigator, "alice");
    page_box_check_texts(&box, page, 7);
    page_box_keys(&box, KEY_CODE_TAB, 4);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "2 of 3"));
    page_box_check_texts(&box, page, 10);
    ui_key(box.navigator, KEY_CODE_DOWN); /* a request */
    page_box_check_texts(&box, page, 5);
    ui_key(box.navigator, KEY_CODE_UP);
    page_box_close(&box);
}

/* ---- the role on the server ---- */

static void add_server(struct page_box *box, int port)
{
    struct err err = ERR_INIT;
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=admin dbname=postgres sslmode=disable "
                                "gssencmode=disable",
                                port);
    char name[] = "db1", empty[] = "", provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = empty,
                            .provider = provider,
                            .system_identifier = empty};

    BOX_OK(server_add(box->box.store, &server, &err));
    free(conninfo);
}

static void hang(int fd, void *arg)
{
    (void)arg;
    fake_wait_for_end(fd);
}

/* A server that hangs keeps nobody from going on, nor from typing. */
static void a_server_that_hangs(void **state)
{
    struct page_box box;
    struct fake *fake = fake_start(hang, NULL);

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    make_ca(&box, "Acme PG Root", 0, false);
    add_server(&box, fake_port(fake));
    open_page(&box);
    ui_type(box.navigator, "alice");
    assert_true(ui_shows(box.navigator, "asking db1 whether the role is there"));
    assert_int_equal(fake_connections(fake), 0); /* not for every letter */
    page_box_wait(&box, "db1 could not be asked");
    assert_false(ui_shows(box.navigator, "Next is off"));
    page_box_close(&box);
    fake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(makes_one),
        cmocka_unit_test(signs_a_request),
        cmocka_unit_test(wants_a_ca_first),
        cmocka_unit_test(never_outlives_the_ca),
        cmocka_unit_test(lets_choose_among_cas),
        cmocka_unit_test(every_field_explains_itself),
        cmocka_unit_test(a_server_that_hangs),
    };

    return cmocka_run_group_tests_name("new_client", tests, NULL, NULL);
}
