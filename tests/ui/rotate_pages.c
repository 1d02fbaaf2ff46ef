/* rotate_pages.c - "Renew and rotate": the list, several at once, rotations and their steps. */
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
#include "core/pg/sessions.h"
#include "core/pki/serial.h"
#include "core/store/authority_change.h"
#include "core/store/rotation.h"
#include "core/store/server.h"
#include "core/store/sighting.h"
#include "screens/pages.h"
#include "screens/without_options.h"
#include "tests/harness/page_box.h"

#define PASSPHRASE "correct horse battery"

static void add_server(struct page_box *box, const struct authority *authority)
{
    char name[] = "db1", conninfo[] = "host=127.0.0.1 port=1 user=admin", empty[] = "";
    char provider[] = "self-managed";
    struct server row = {.name = name,
                         .conninfo = conninfo,
                         .tls_host = empty,
                         .provider = provider,
                         .system_identifier = empty};
    struct err err = ERR_INIT;
    struct server *server;

    BOX_OK(server_add(box->box.store, &row, &err));
    server = server_load(box->box.store, name, &err);
    assert_non_null(server);
    BOX_OK(server_set_trust(box->box.store, server, authority->id, true, &err));
    server_free(server);
}

/* A session with this certificate was seen on db1. */
static void see(struct page_box *box, const struct issued *issued)
{
    char hex[SERIAL_HEX_MAX];
    struct sighting_item item = {.key = {.server = "db1",
                                         .role = issued->role,
                                         .database = "app",
                                         .address = "10.0.0.8",
                                         .class = session_class_name(SESSION_TLS_CERT),
                                         .version = "TLSv1.3",
                                         .issuer = "/CN=Acme PG Root",
                                         .serial = serial_format_hex(hex, &issued->serial),
                                         .application = "report"},
                                 .authority = issued->authority,
                                 .start = BOX_NOW - 60,
                                 .seen_at = BOX_NOW};
    struct err err = ERR_INIT;
    struct sightings *sightings = sightings_open(box->box.store_folder, true, &err);

    assert_non_null(sightings);
    BOX_OK(sightings_add(sightings, &item, 1, &err));
    sightings_close(sightings);
}

static void fill(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *authority = box_authority(&box->box, "Acme PG Root", &key);
    struct issued *app = box_issue(&box->box, authority, key, "app", 12);
    struct issued *bob = box_issue(&box->box, authority, key, "bob", 80);
    struct secret *secret = box_secret(PASSPHRASE);
    struct crl *crl;

    issued_free(box_issue(&box->box, authority, key, "report", 27));
    issued_free(box_issue(&box->box, authority, key, "alice", 365));
    crl = revoked_and_sign(box->box.store, authority, key, bob, CRL_UNSPECIFIED, 6, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    crl_free(crl);
    BOX_OK(authority_set_passphrase(box->box.store, authority, key, secret, &err));
    add_server(box, authority);
    see(box, app);
    secret_free(secret);
    issued_free(app);
    issued_free(bob);
    key_free(key);
    authority_free(authority);
}

static int64_t valid(struct page_box *box, const char *role)
{
    struct issued_filter filter = {.role = role, .state = -1};
    struct issued_list list = {.n = 0};
    struct err err = ERR_INIT;
    int64_t n;

    BOX_OK(issued_list(box->box.store, &filter, &list, &err));
    n = (int64_t)list.n;
    issued_list_clear(&list);
    return n;
}

/* The worst first; r and Enter lead to what the line needs. */
static void list(void **state)
{
    struct page_box box;
    struct screen *page;

    (void)state;
    page_box_open(&box, NULL, NULL, &ui_ascii);
    navigator_push(box.navigator, page_rotate(box.app));
    page_box_wait(&box, "the store has no CA yet");
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    page = page_rotate(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "USED ON");
    ui_check_navigator(box.navigator, 24, 80, "rotate");
    page_box_check_texts(&box, page, 1);
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "rotate-120x40");
    *navigator_theme(box.navigator) = ui_ascii;
    ui_check_navigator(box.navigator, 12, 40, "rotate-40x12");
    assert_true(ui_shows(box.navigator, "USED ON")); /* nothing is lost */

    ui_key(box.navigator, 'r'); /* the list of revoked certificates is the worst */
    page_box_wait(&box, "a set for later");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, '/');
    ui_type(box.navigator, "bob");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, 'r');
    assert_true(ui_shows(box.navigator, "It is revoked"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "state  [--] revoked");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, KEY_CODE_ESC); /* the filter first */
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_close(&box);
}

/* A list and two certificates with one passphrase; what is renewed is no worry any more. */
static void several(void **state)
{
    struct page_box box;
    char *path;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    navigator_push(box.navigator, page_rotate(box.app));
    page_box_wait(&box, "USED ON");
    page_box_keys(&box, ' ', 3);
    assert_true(ui_shows(box.navigator, "3 are marked"));
    ui_check_navigator(box.navigator, 24, 80, "rotate-marked");
    ui_key(box.navigator, 'r');
    page_box_wait(&box, "Folders in");
    ui_key(box.navigator, KEY_CODE_TAB); /* protection: none */
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_check_navigator(box.navigator, 24, 80, "rotate-several");
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "This will be made");
    ui_check_navigator(box.navigator, 24, 80, "rotate-several-review");
    ui_type(box.navigator, PASSPHRASE);
    page_box_keys(&box, KEY_CODE_ENTER, 2);
    page_box_wait(&box, "3 of 3 renewed");
    ui_check_navigator(box.navigator, 24, 80, "rotate-several-done");
    path = fs_join(box.box.store_folder, "clients/renewed-2026-11-21/app/app.crt");
    assert_int_equal(box_run(NULL, "openssl x509 -in '%s' -noout", path), 0);
    free(path);
    assert_int_equal(valid(&box, "app"), 2);
    assert_int_equal(valid(&box, "report"), 2);
    assert_int_equal(valid(&box, "alice"), 1);
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "Nothing ends soon.");
    assert_true(ui_shows(box.navigator, "[--] replaced"));
    page_box_close(&box);
}

/* The line of the CA, then r. */
static void open_start(struct page_box *box)
{
    navigator_push(box->navigator, page_rotate(box->app));
    page_box_wait(box, "USED ON");
    ui_key(box->navigator, '/');
    ui_type(box->navigator, "2036");
    ui_key(box->navigator, KEY_CODE_ENTER);
    ui_key(box->navigator, 'r');
    page_box_wait(box, "another CA for the clients");
}

static struct rotation *only_rotation(struct page_box *box)
{
    struct err err = ERR_INIT;
    struct rotation *rotation = rotation_find(box->box.store, NULL, &err);

    if (rotation == NULL)
        fail_msg("%s", err.msg);
    return rotation;
}

static void set_phase(struct page_box *box, int phase)
{
    struct rotation *rotation = only_rotation(box);
    struct err err = ERR_INIT;

    rotation->phase = phase;
    rotation->since = BOX_NOW;
    BOX_OK(rotation_save(box->box.store, rotation, "test", &err));
    rotation_free(rotation);
}

/* From the list to the first step, which makes the new CA; then the server is away, and that is said. */
static void begins(void **state)
{
    struct page_box box;
    struct err err = ERR_INIT;
    struct authority *made;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    open_start(&box);
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_wait(&box, "Quiet time");
    ui_check_navigator(box.navigator, 24, 80, "rotate-start");
    page_box_keys(&box, KEY_CODE_TAB, 4);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "It is only begun");
    ui_check_navigator(box.navigator, 24, 80, "rotate-start-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "[>>] 1 ");
    page_box_wait(&box, "It can be left at any time");
    ui_check_navigator(box.navigator, 24, 80, "rotation");

    ui_key(box.navigator, 'n');
    page_box_wait(&box, "Key protection");
    ui_key(box.navigator, KEY_CODE_DOWN); /* none */
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Way back");
    ui_check_navigator(box.navigator, 24, 80, "rotation-review");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Now in step 2 of 6");
    made = authority_load(box.box.store, "Acme PG Root G2", &err);
    assert_non_null(made);
    authority_free(made);

    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "was not reached");
    ui_key(box.navigator, 'n');
    page_box_wait(&box, "Nothing was done yet. Enter goes on"); /* what it would do there */
    assert_true(ui_shows(box.navigator, "[!!] db1: PS-"));
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "~ servers");
    ui_key(box.navigator, KEY_CODE_ENTER);
    assert_true(ui_shows(box.navigator, "> < Cancel >"));
    ui_key(box.navigator, KEY_CODE_ENTER); /* the safe answer is the first */
    page_box_wait(&box, "~ servers");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, 'y');
    page_box_wait(&box, "Still in step 2 of 6");
    assert_true(ui_shows(box.navigator, "[!!] Not all of it is done"));
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "[>>] 2 ");

    page_box_keys(&box, KEY_CODE_ESC, 2); /* the list, its filter off, has it on top */
    page_box_wait(&box, "[>>] step 2/6");
    ui_key(box.navigator, 'g');
    ui_check_navigator(box.navigator, 24, 80, "rotate-under-way");
    page_box_close(&box);
}

/* Weeks later: who got the new one, who has not moved, when it will be safe. */
static void waits(void **state)
{
    struct page_box box;
    struct rotation *rotation;
    struct rotation_counts counts = {0};
    struct err err = ERR_INIT;
    struct screen *page;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    fill(&box);
    open_start(&box);
    ui_key(box.navigator, KEY_CODE_DOWN);
    page_box_keys(&box, KEY_CODE_TAB, 4);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "It is only begun");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "[>>] 1 ");
    rotation = only_rotation(&box);
    BOX_OK(rotation_add_issued(box.box.store, rotation->id, rotation->old_authority_id, 0, NULL,
                               &counts.total, &err));
    assert_int_equal(counts.total, 3);
    set_phase(&box, 3);
    ui_key(box.navigator, KEY_CODE_F5);
    page_box_wait(&box, "The step is done; what is left");
    page_box_wait(&box, "0 of 3 moved");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "rotation-waits-120x40");
    *navigator_theme(box.navigator) = ui_ascii;

    ui_key(box.navigator, 's');
    page_box_wait(&box, "report");
    ui_check_navigator(box.navigator, 24, 80, "rotation-left");
    ui_key(box.navigator, KEY_CODE_ESC);
    ui_key(box.navigator, 'm');
    page_box_wait(&box, "[  ] to make");
    ui_key(box.navigator, 'h');
    page_box_wait(&box, "is handed over");
    ui_key(box.navigator, KEY_CODE_DOWN);
    ui_key(box.navigator, 'x');
    page_box_wait(&box, "Go on without this client?");
    ui_key(box.navigator, 'y');
    page_box_wait(&box, "It goes on without");
    ui_check_navigator(box.navigator, 24, 80, "rotation-items");
    BOX_OK(rotation_count_items(box.box.store, rotation->id, &counts, &err));
    assert_int_equal(counts.handed, 1);
    assert_int_equal(counts.left, 1);
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "1 of 3 moved");
    ui_key(box.navigator, 'w');
    page_box_wait(&box, "What keeps it here");
    ui_key(box.navigator, KEY_CODE_ESC);

    ui_key(box.navigator, 't'); /* another quiet time */
    page_box_wait(&box, "Quiet time");
    ui_key(box.navigator, KEY_CODE_CTRL('u'));
    ui_type(box.navigator, "21");
    page_box_keys(&box, KEY_CODE_TAB, 2);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "0 s of 21 d");

    ui_key(box.navigator, 'n'); /* waiting is a result, no failure */
    page_box_wait(&box, "Go on without");
    ui_check_navigator(box.navigator, 24, 80, "rotation-go-on");
    page_box_keys(&box, KEY_CODE_TAB, 1);
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Way back");
    ui_key(box.navigator, KEY_CODE_ENTER);
    page_box_wait(&box, "Still in step 4 of 6");
    ui_key(box.navigator, KEY_CODE_ESC);
    page_box_wait(&box, "[>>] 4 ");

    ui_key(box.navigator, 'b');
    page_box_wait(&box, "Back to");
    ui_key(box.navigator, KEY_CODE_ENTER);
    ui_key(box.navigator, 'y');
    page_box_wait(&box, "Back in step 3 of 6");
    rotation_free(rotation);
    navigator_clear(box.navigator);
    rotation = only_rotation(&box);
    assert_int_equal(rotation->phase, 2);
    assert_int_equal(rotation->quiet_seconds, 21 * CLOCK_DAY);
    rotation_free(rotation);

    page = page_rotate(box.app);
    navigator_push(box.navigator, page);
    page_box_wait(&box, "to move");
    navigator_clear(box.navigator);
    navigator_push(box.navigator, page_home(box.app));
    page_box_wait(&box, "not moved");
    page_box_close(&box);
}

/* A page has fields: the options of commands that core names in parentheses are left away. */
static void says_it_without_options(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"Name the servers (--server NAME).", "Name the servers."},
        {"Change (now), or go on (pgseal rotate ca 'A (b)' --same-key), so.",
         "Change (now), or go on, so."},
        {"a -- b (its end -- near)", "a -- b (its end -- near)"},
        {"open (--out", "open (--out"},
    };
    char out[100];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        without_options(cases[i].text, out, sizeof(out));
        assert_string_equal(out, cases[i].said);
    }
    without_options("Give it (--out DIR).", out, 5);
    assert_string_equal(out, "Give");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list),
        cmocka_unit_test(several),
        cmocka_unit_test(begins),
        cmocka_unit_test(waits),
        cmocka_unit_test(says_it_without_options),
    };

    return cmocka_run_group_tests_name("rotate_pages", tests, NULL, NULL);
}
