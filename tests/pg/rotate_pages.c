/* rotate_pages.c - rotations by their pages, on a real server: a trust file that is tried first, a server's
 * certificate of another's CA, an emergency that names whom it refuses, the old key into a file. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/kit/kit.h"
#include "core/rotate/rotate.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/page_story.h"

static bool lives(struct conn *conn)
{
    struct err err = ERR_INIT;
    struct result *result = conn_exec(conn, "SELECT 1", 0, NULL, &err);

    if (result == NULL)
        return false;
    result_free(result);
    return true;
}

/* ---- a trust file ---- */

static void trust_file_is_tried(struct page_story *story)
{
    struct page_box *box = &story->box;
    char *path = fs_join(box->box.folder, "db1-trust.crt");

    navigator_push(box->navigator, page_client_trust(box->app, NULL));
    page_box_wait(box, "at least one CA goes in");
    ui_key(box->navigator, KEY_CODE_TAB);
    ui_key(box->navigator, ' '); /* that of the servers */
    page_box_keys(box, KEY_CODE_TAB, 3);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "tried on db1: verify-ca and verify-full");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "sslrootcert");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "with 1 certificate");
    assert_true(fs_exists(path));
    free(path);
    navigator_clear(box->navigator);
}

/* Only the other CA in it: the server that runs does not fit, so there is no file. */
static void wrong_trust_file(struct page_story *story, const char *partner)
{
    struct page_box *box = &story->box;

    navigator_push(box->navigator, page_client_trust(box->app, NULL));
    page_box_wait(box, "at least one CA goes in");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, ' ');
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_paste(box->navigator, partner);
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "is not trusted by this file");
    navigator_clear(box->navigator);
}

/* ---- another's CA for the server ---- */

static char *openssl(struct page_story *story, const char *command)
{
    char *output;

    if (box_run(&output, "cd '%s' && { %s; } 2>o.log", story->box.box.folder, command) != 0)
        fail_msg("openssl: %s", command);
    return output;
}

static void step(struct page_story *story, struct rotation *rotation,
                 const struct rotate_request *request)
{
    struct rotate_outcome outcome = {0};
    struct err err = ERR_INIT;

    if (!rotate_next(story->box.box.store, rotation, request, &outcome, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    rotate_outcome_clear(&outcome);
}

static void server_of_another(struct page_story *story, const char *partner)
{
    struct page_box *box = &story->box;
    struct err err = ERR_INIT;
    struct cert *ca = cert_from_pem(partner, strlen(partner), &err);
    const struct rotate_start start = {
        .kind = ROTATION_SERVER_CA, .name = "db1", .new_foreign = ca};
    struct rotation *rotation = rotate_start(box->box.store, &start, &err);
    char *folder = fs_join(box->box.folder, "trust");
    const struct rotate_request request = {.folder = folder, .key_type = KEY_EC_P256};
    char *pem;

    if (rotation == NULL)
        fail_msg("%s", err.msg);
    for (int phase = 0; phase < 3; phase++)
        step(story, rotation, &request);
    assert_int_equal(rotation->phase, 3);
    pem =
        openssl(story, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                       "-keyout srv.key -out srv.csr -subj /CN=db1 && "
                       "printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' "
                       ">srv.ext && openssl x509 -req -in srv.csr -CA p.crt -CAkey p.key -days 90 "
                       "-CAcreateserial -extfile srv.ext && chmod 600 srv.key");
    navigator_push(box->navigator, page_rotation(box->app, rotation->id));
    page_box_wait(box, "[>>] 4 ");
    page_box_wait(box, "It can be left at any time");
    ui_key(box->navigator, 'n');
    page_box_wait(box, "of the new CA, whose owner signed it");
    ui_check_navigator(box->navigator, 24, 80, "rotation-server-cert");
    ui_key(box->navigator, KEY_CODE_TAB);
    ui_paste(box->navigator, pem);
    ui_key(box->navigator, KEY_CODE_TAB);
    ui_type(box->navigator, "srv.key");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    /* its plan, as it would run */
    page_box_wait(box, "~ ssl_cert_file: ");
    assert_true(ui_shows(box->navigator, "? handshake: the server shows exactly this chain"));
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "CN=db1, of CN=Partner");
    ui_key(box->navigator, KEY_CODE_ENTER);
    ui_key(box->navigator, 'y');
    page_box_wait(box, "Now in step 5 of 5");
    navigator_clear(box->navigator);
    free(pem);
    rotation_free(rotation);
    cert_free(ca);
    free(folder);
}

/* ---- an emergency ---- */

static struct rotation *begin_emergency(struct page_story *story)
{
    const struct rotate_start start = {.kind = ROTATION_EMERGENCY, .name = "Lab Root"};
    char *folder = fs_join(story->box.box.folder, "kits");
    struct err err = ERR_INIT;
    struct rotation *rotation = rotate_start(story->box.box.store, &start, &err);
    struct rotate_request request = {.folder = folder, .formats = KIT_PEM};
    struct authority *ca;
    struct key *key;

    if (rotation == NULL)
        fail_msg("%s", err.msg);
    step(story, rotation, &request);
    ca = authority_load_id(story->box.box.store, rotation->new_authority_id, &err);
    key = ca != NULL ? authority_unlock(story->box.box.store, ca, NULL, &err) : NULL;
    if (key == NULL)
        fail_msg("%s", err.msg);
    request.new_key = key;
    step(story, rotation, &request);
    key_free(key);
    authority_free(ca);
    assert_int_equal(rotation->phase, 2);
    free(folder);
    return rotation;
}

#define POOL 14 /* more than the review has room for */

/* Who is refused stands there by name, whole pools too; with the CA's name typed, exactly they are. */
static void names_whom_it_refuses(struct page_story *story)
{
    struct page_box *box = &story->box;
    struct conn *pool[POOL];
    struct rotation *rotation = begin_emergency(story);
    char *path = fs_join(box->box.folder, "old.key"), *text;

    for (size_t i = 0; i < POOL; i++)
        pool[i] = page_story_session(story, i + 1 < POOL ? "alice" : "bob");
    navigator_push(box->navigator, page_rotation(box->app, rotation->id));
    page_box_wait(box, "[>>] 3 ");
    page_box_wait(box, "It can be left at any time");
    ui_key(box->navigator, 'n');
    page_box_wait(box, "14 at the next login, and ended now:");
    assert_true(ui_shows(box->navigator, "alice from 127.0.0.1 on db1, pid "));
    for (int i = 0; i < 5 && !ui_shows(box->navigator, "bob from 127.0.0.1 on db1, pid "); i++)
        ui_key(box->navigator, KEY_CODE_PAGE_DOWN);
    assert_true(ui_shows(box->navigator, "bob from 127.0.0.1 on db1, pid "));
    ui_key(box->navigator, KEY_CODE_END);
    assert_true(ui_shows(box->navigator, "? a new admin login"));
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "and 4 more: \"Effect\" names all");
    ui_key(box->navigator, KEY_CODE_ESC);
    page_box_wait(box, "Enter goes on, Esc goes back");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "Do it");
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "14 sessions and roles would be refused");
    ui_type(box->navigator, "Lab Root");
    page_box_keys(box, KEY_CODE_TAB, 2);
    assert_true(lives(pool[0])); /* nothing was done yet */
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "Now in step 4 of 4");
    assert_true(ui_shows(box->navigator, "14 sessions ended"));
    assert_false(lives(pool[0]) || lives(pool[POOL - 1]));

    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "[>>] 4 ");
    page_box_wait(box, "It can be left at any time");
    ui_key(box->navigator, 'n'); /* the old key */
    page_box_wait(box, "into a file");
    ui_key(box->navigator, KEY_CODE_DOWN);
    page_box_keys(box, KEY_CODE_TAB, 1);
    ui_type(box->navigator, "old.key");
    page_box_keys(box, KEY_CODE_TAB, 1);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "~/old.key, NOT locked");
    ui_key(box->navigator, KEY_CODE_ENTER);
    ui_type(box->navigator, "Lab Root");
    page_box_keys(box, KEY_CODE_TAB, 2);
    ui_key(box->navigator, KEY_CODE_ENTER);
    page_box_wait(box, "The rotation is done.");
    assert_int_equal(box_run(&text, "openssl pkey -in '%s' -noout && stat -c %%a '%s'", path, path),
                     0);
    assert_string_equal(text, "600\n");
    free(text);
    free(path);
    navigator_clear(box->navigator);
    rotation_free(rotation);
    for (size_t i = 0; i < POOL; i++)
        conn_close(pool[i]);
}

static void by_pages(void **state)
{
    struct page_story *story = *state;
    char *partner =
        openssl(story, "openssl req -x509 -newkey ec -pkeyopt "
                       "ec_paramgen_curve:P-256 -nodes -keyout p.key -days 900 "
                       "-subj /CN=Partner -addext keyUsage=critical,keyCertSign,cRLSign "
                       "-out p.crt && cat p.crt");

    trust_file_is_tried(story);
    wrong_trust_file(story, partner);
    server_of_another(story, partner);
    names_whom_it_refuses(story);
    free(partner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_pages, page_story_begin_two, page_story_end)};

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests_name("rotate_pages on a server", tests, NULL, NULL);
}
