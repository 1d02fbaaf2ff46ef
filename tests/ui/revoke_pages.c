/* revoke_pages.c - revoking, the lists, and what ends when, through their pages. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/authority_change.h"
#include "core/store/published.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

#define PASSPHRASE "correct horse battery"

static struct server *add_server(struct page_box *box, const char *name)
{
    char host[] = "db.example.org", provider[] = "self-managed", none[] = "";
    struct server server = {
        .tls_host = host, .provider = provider, .system_identifier = none, .cluster = none};
    struct err err = ERR_INIT;
    struct server *added;

    server.name = mem_strdup(name);
    server.conninfo = mem_printf("host=127.0.0.1 port=1 user=admin"); /* nobody is there */
    BOX_OK(server_add(box->box.store, &server, &err));
    free(server.name);
    free(server.conninfo);
    added = server_load(box->box.store, name, &err);
    assert_non_null(added);
    return added;
}

/* "alice" has two certificates of a CA with a passphrase, "bob" one; db1 trusts the CA and is away. */
static char *fill(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);
    struct secret *secret = box_secret(PASSPHRASE);
    struct server *server = add_server(box, "db1");
    struct issued *issued = box_issue(&box->box, authority, key, "alice", 365);
    char hex[SERIAL_HEX_MAX];
    char *which = mem_printf("Acme PG Root:%s", serial_format_hex(hex, &issued->serial));

    issued_free(issued);
    issued_free(box_issue(&box->box, authority, key, "alice", 20));
    issued_free(box_issue(&box->box, authority, key, "bob", 365));
    BOX_OK(server_set_trust(box->box.store, server, authority->id, true, &err));
    BOX_OK(published_set(box->box.store, server->id, authority->id, authority->crl.number, &err));
    BOX_OK(authority_set_passphrase(box->box.store, authority, key, secret, &err));
    secret_free(secret);
    server_free(server);
    key_free(key);
    authority_free(authority);
    return which;
}

static int64_t revoked(struct page_box *box, const char *role)
{
    struct issued_filter filter = {.role = role, .state = ISSUED_REVOKED};
    struct issued_list list = {.n = 0};
    struct err err = ERR_INIT;
    int64_t n;

    BOX_OK(issued_list(box->box.store, &filter, &list, &err));
    n = (int64_t)list.n;
    issued_list_clear(&list);
    return n;
}

/* From the review on: passphrase, button, name, Yes. */
static void do_it(struct page_box *box, const char *passphrase, const char *name)
{
    ui_type(box->navigator, passphrase);
    page_box_keys(box, KEY_CODE_ENTER, 2);
    page_box_wait(box, "cannot be undone");
    ui_type(box->navigator, name);
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
}

/* One of two, from its sheet; a wrong passphrase loses nothing; the server that is away is named. */
static void one(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    size_t behind = 0;
    char *which;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    which = fill(&box);
    navigator_push(box.navigator, page_cert(box.app, which));
    page_box_wait(&box, "valid, 365 days left");
    ui_key(box.navigator, 'x');
    page_box_wait(&box, "only this certificate");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Servers that get the list");
    assert_true(ui_shows(box.navigator, "db1: not reached"));
    assert_true(ui_shows(box.navigator, "Stays valid"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "CA passphrase");
    ui_check_navigator(box.navigator, 24, 80, "revoke-review");
    do_it(&box, "wrong", "alice");
    page_box_wait(&box, "does not open the CA's key");
    assert_int_equal(revoked(&box, "alice"), 0);
    do_it(&box, PASSPHRASE, "alice");
    page_box_wait(&box, "is revoked.");
    assert_true(ui_shows(box.navigator, "db1: not reached"));
    assert_true(ui_shows(box.navigator, "pgseal crl refresh"));
    assert_int_equal(revoked(&box, "alice"), 1);
    assert_int_equal(revoked(&box, "bob"), 0);
    BOX_OK(published_count_behind(box.box.store, &behind, &err));
    assert_int_equal(behind, 1);
    ui_key(box.navigator, KEY_CODE_ENTER); /* back on the sheet */
    page_box_wait(&box, "reason: keyCompromise");
    ui_key(box.navigator, 'x');
    assert_true(ui_shows(box.navigator, "It is revoked already."));
    free(which);
    page_box_close(&box);
}

/* By the role, all of them; Enter alone means No, the wrong name does nothing. */
static void role(void **state)
{
    struct page_box box;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    free(fill(&box));
    navigator_push(box.navigator, page_revoke(box.app, NULL));
    ui_type(box.navigator, "carol");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "error PS-");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_check_navigator(box.navigator, 24, 80, "revoke-which");
    ui_key(box.navigator, KEY_CODE_BACK_TAB);
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "alice");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "keyCompromise");
    assert_false(ui_shows(box.navigator, "only this certificate"));
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Revoked, for ever");
    assert_false(ui_shows(box.navigator, "Stays valid"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "2 certificates of \"alice\"");
    ui_type(box.navigator, PASSPHRASE);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "cannot be undone");
    ui_check_navigator(box.navigator, 24, 80, "revoke-question");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_type(box.navigator, "bob");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_int_equal(revoked(&box, "alice"), 0);
    page_box_close(&box);
}

/* The worst first; a renewed one is not a worry; Enter opens what mends. */
static void timeline(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_timeline(box.app));
    page_box_wait(&box, "Nothing ends");
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii);
    free(fill(&box));
    page = page_timeline(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "FROM NOW ON");
    ui_check_navigator(box.navigator, 24, 80, "timeline");
    page_box_check_texts(&box, page, 1);
    ui_key(box.navigator, '+');
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "timeline-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    for (int i = 0; i < 3; i++)
        ui_key(box.navigator, 'f'); /* clients, servers, CRLs */
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "a set for later");
    navigator_clear(box.navigator);

    box_set_now(BOX_NOW + 366 * CLOCK_DAY); /* day 366: all are locked out */
    navigator_push(box.navigator, page_timeline(box.app));
    page_box_wait(&box, "ended, ");
    ui_check_navigator(box.navigator, 24, 80, "timeline-ended");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "a set for later");
    page_box_close(&box);
}

/* A set is signed with the passphrase once; the server that is away stays named. */
static void lists(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct authority *authority;
    struct screen *page;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    free(fill(&box));
    page = page_crls(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "UNTIL");
    ui_check_navigator(box.navigator, 24, 80, "crls");
    page_box_check_texts(&box, page, 1);
    ui_key(box.navigator, 't');
    assert_true(ui_shows(box.navigator, "pgseal-crl-refresh.timer"));
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "a set for later");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_check_navigator(box.navigator, 24, 80, "crl-sign-set");
    page_box_keys(&box, KEY_CODE_ENTER, 5);
    page_box_wait(&box, "12 lists, one a month");
    ui_type(box.navigator, PASSPHRASE);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "is signed, until");
    assert_true(ui_shows(box.navigator, "db1: not reached"));
    authority = authority_load(box.box.store, "Acme PG Root", &err);
    assert_non_null(authority);
    assert_int_equal(authority->crl.ahead, 11);
    authority_free(authority);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "1 behind");
    ui_key(box.navigator, 'b');
    page_box_wait(&box, "and needs");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "No key is needed");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Not all servers have the list");
    page_box_close(&box);
}

/* A list made by openssl is taken with its CA's certificate, not without; ours goes out as a file. */
static void files(void **state)
{
    struct page_box box;
    char *path, *both, *output = NULL;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    free(fill(&box));
    clock_replace(NULL); /* openssl's list begins now */
    assert_int_equal(
        box_run(NULL,
                "cd '%s' && touch index.txt && printf '[ca]\\ndefault_ca=d\\n[d]\\n"
                "database=index.txt\\ndefault_md=sha256\\ncrl_extensions=e\\ncrlnumber=number\\n"
                "[e]\\nauthorityKeyIdentifier=keyid\\n' > ca.cnf && echo 05 > number && "
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 300 "
                "-subj '/CN=Their CA' -keyout their.key -out their.crt 2>/dev/null && "
                "openssl ca -config ca.cnf -gencrl -crldays 10 -cert their.crt -keyfile their.key "
                "-out their.crl 2>/dev/null && cat their.crl their.crt > both.pem",
                box.box.folder),
        0);
    path = fs_join(box.box.folder, "both.pem");
    both = box_read(path);
    navigator_push(box.navigator, page_crls(box.app));
    page_box_wait(&box, "UNTIL");
    ui_key(box.navigator, 'i');
    ui_key(box.navigator, KEY_CODE_BACK_TAB);
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_type(box.navigator, "their.crl");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "no CA is known here that signed");
    navigator_clear(box.navigator);

    navigator_push(box.navigator, page_crls(box.app));
    page_box_wait(&box, "UNTIL");
    ui_key(box.navigator, 'i');
    ui_paste(box.navigator, both);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "0 entries, until");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Their CA is stored");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Their CA (other's)");
    ui_key(box.navigator, KEY_CODE_HOME);
    ui_key(box.navigator, 'w');
    page_box_wait(&box, "~/Acme-PG-Root.crl");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "Written to");
    assert_int_equal(
        box_run(&output, "openssl crl -noout -crlnumber -in '%s/Acme-PG-Root.crl'", box.box.folder),
        0);
    assert_non_null(strstr(output, "01"));
    free(output);
    free(both);
    free(path);
    page_box_close(&box);
}

/* A store from an older copy: the list of the one that went on says what was revoked since. */
static void adopted(void **state)
{
    const struct crl_entry later = {.serial = {.len = 3, .bytes = {7, 7, 7}},
                                    .revoked_at = BOX_NOW};
    struct err err = ERR_INIT;
    struct secret *secret = box_secret(PASSPHRASE);
    struct strbuf pem = STRBUF_INIT;
    struct authority *authority;
    struct page_box box;
    struct key *key;
    struct crl *crl;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    free(fill(&box));
    authority = authority_load(box.box.store, "Acme PG Root", &err);
    assert_non_null(authority);
    key = authority_unlock(box.box.store, authority, secret, &err);
    assert_non_null(key);
    crl = crl_build(authority->cert, key, &later, 1, 40, clock_now() - 60, clock_now() + CLOCK_DAY,
                    &err);
    assert_non_null(crl);
    BOX_OK(crl_to_pem(crl, &pem, &err));
    crl_free(crl);
    key_free(key);
    secret_free(secret);

    navigator_push(box.navigator, page_crls(box.app));
    page_box_wait(&box, "UNTIL");
    ui_key(box.navigator, 'i');
    ui_paste(box.navigator, pem.data);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "not known here");
    ui_check_navigator(box.navigator, 24, 80, "crl-import-ours");
    ui_type(box.navigator, "not this one");
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "assphrase");
    ui_type(box.navigator, PASSPHRASE);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "1 revocation of \"Acme PG Root\" was new here");
    assert_true(ui_shows(box.navigator, "List number 41 is signed"));
    authority_free(authority);
    authority = authority_load(box.box.store, "Acme PG Root", &err);
    assert_non_null(authority);
    crl = authority_crl(box.box.store, authority, &err);
    assert_non_null(crl);
    assert_true(crl_has(crl, &later.serial));
    crl_free(crl);

    /* once more: it says nothing new */
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "UNTIL");
    ui_key(box.navigator, 'i');
    ui_paste(box.navigator, pem.data);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "nothing would be changed");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "was known here");
    authority_free(authority);
    strbuf_clear(&pem);
    page_box_close(&box);
}

static void texts(void **state)
{
    struct page_box box;
    struct screen *page;
    char *which;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    which = fill(&box);
    page = page_revoke(box.app, NULL);
    navigator_push(box.navigator, page);
    page_box_check_texts(&box, page, 3);
    page = page_revoke(box.app, which);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "only this certificate");
    page_box_check_texts(&box, page, 5);
    page = page_crl_sign(box.app, "Acme PG Root");
    navigator_push(box.navigator, page);
    page_box_wait(&box, "a set for later");
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_check_texts(&box, page, 5);
    page = page_crl_import(box.app);
    navigator_push(box.navigator, page);
    page_box_check_texts(&box, page, 3);
    page = page_crl_export(box.app, "Acme PG Root");
    navigator_push(box.navigator, page);
    page_box_check_texts(&box, page, 2);
    free(which);
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one),   cmocka_unit_test(role),  cmocka_unit_test(timeline),
        cmocka_unit_test(lists), cmocka_unit_test(files), cmocka_unit_test(adopted),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests_name("revoke_pages", tests, NULL, NULL);
}
