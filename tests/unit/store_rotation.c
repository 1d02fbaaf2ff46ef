/* store_rotation.c - rotations in the store: found, moved by one admin at a time, their worklists. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/authority_change.h"
#include "core/store/fsck.h"
#include "core/store/rotation.h"
#include "tests/harness/store_box.h"

static struct err err;

static int setup(void **state)
{
    struct box *box = mem_zalloc(sizeof(*box));

    err = (struct err)ERR_INIT;
    box_open(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    box_close(*state);
    free(*state);
    return 0;
}

static struct rotation *begin(struct store *store, enum rotation_kind kind, const char *name,
                              int64_t authority_id)
{
    struct rotation *rotation = mem_zalloc(sizeof(*rotation));

    rotation->kind = kind;
    rotation->name = mem_strdup(name);
    rotation->folder = mem_strdup("");
    rotation->options = mem_strdup("{}");
    rotation->old_authority_id = authority_id;
    rotation->quiet_seconds = 60;
    if (!rotation_add(store, rotation, &err)) {
        rotation_free(rotation);
        return NULL;
    }
    return rotation;
}

static void test_found(void **state)
{
    struct box *box = *state;
    struct rotation *one, *other, *found;
    struct rotation_list list = {.n = 0};
    struct rotation_history history;

    assert_null(rotation_find(box->store, NULL, &err));
    box_assert_err(&err, ERR_ROTATION_UNKNOWN);
    one = begin(box->store, ROTATION_CLIENT_CA, "Acme Root", 0);
    assert_non_null(one);
    assert_int_equal(one->started_at, BOX_NOW);
    assert_int_equal(one->version, 1);
    assert_null(begin(box->store, ROTATION_CLIENT_CA, "ACME root", 0));
    box_assert_err(&err, ERR_ROTATION_EXISTS);

    found = rotation_find(box->store, NULL, &err); /* the only one */
    assert_non_null(found);
    assert_int_equal(found->id, one->id);
    assert_string_equal(found->options, "{}");
    rotation_free(found);
    other = begin(box->store, ROTATION_EMERGENCY, "Acme Root", 0);
    assert_non_null(other);
    assert_null(rotation_find(box->store, NULL, &err));
    box_assert_err(&err, ERR_ROTATION_UNKNOWN);
    assert_null(rotation_find(box->store, "acme root", &err)); /* two are called so */
    assert_non_null(strstr(err.msg, "emergency"));
    box_assert_err(&err, ERR_ROTATION_UNKNOWN);
    found = rotation_find(box->store, "#2", &err);
    assert_non_null(found);
    assert_int_equal(found->kind, ROTATION_EMERGENCY);
    rotation_free(found);

    box_set_now(BOX_NOW + 5);
    one->phase = 3;
    one->since = BOX_NOW + 5;
    BOX_OK(rotation_save(box->store, one, "phase watch", &err));
    one->ended_at = BOX_NOW + 5;
    one->given_up = true;
    BOX_OK(rotation_save(box->store, one, "given up", &err));
    BOX_OK(rotation_list(box->store, false, &list, &err));
    assert_int_equal(list.n, 1);
    rotation_list_clear(&list);
    BOX_OK(rotation_list(box->store, true, &list, &err));
    assert_int_equal(list.n, 2);
    assert_true(list.rows[1]->given_up);
    rotation_list_clear(&list);
    BOX_OK(rotation_history(box->store, one->id, &history, &err));
    assert_int_equal(history.n, 3);
    assert_int_equal(history.rows[1].phase, 3);
    assert_int_equal(history.rows[1].at, BOX_NOW + 5);
    assert_string_equal(history.rows[2].detail, "given up");
    assert_true(history.rows[2].who[0] != '\0');
    rotation_history_clear(&history);

    rotation_free(one); /* its name is free again */
    one = begin(box->store, ROTATION_CLIENT_CA, "Acme Root", 0);
    assert_non_null(one);
    rotation_free(one);
    rotation_free(other);
}

/* Two admins looked at the same time; one is faster, and the other one's decision is void. */
static void test_two_admins(void **state)
{
    struct box *box = *state;
    struct rotation *mine = begin(box->store, ROTATION_CLIENT_CA, "Acme", 0);
    struct store *second;
    struct rotation *theirs;

    BOX_OK(second = store_open(box->store_folder, STORE_WRITE, &err));
    theirs = rotation_find(second, "Acme", &err);
    assert_non_null(theirs);
    mine->phase = 1;
    BOX_OK(rotation_save(box->store, mine, "phase trust", &err));
    assert_int_equal(mine->version, 2);

    theirs->phase = 4;
    assert_false(rotation_save(second, theirs, "phase retire", &err));
    box_assert_err(&err, ERR_ROTATION_MOVED);
    assert_int_equal(theirs->version, 1);
    rotation_free(theirs);
    theirs = rotation_find(second, "Acme", &err);
    assert_int_equal(theirs->phase, 1);
    rotation_free(theirs);
    rotation_free(mine);
    store_close(second);
}

static void add_server(struct box *box, const char *name)
{
    char *copy = mem_strdup(name);
    static char nothing[] = "";
    static char provider[] = "self-managed";
    struct server server = {
        .name = copy, .conninfo = nothing, .tls_host = nothing, .provider = provider};

    BOX_OK(server_add(box->store, &server, &err));
    free(copy);
}

static void test_servers(void **state)
{
    struct box *box = *state;
    struct rotation *rotation = begin(box->store, ROTATION_CLIENT_CA, "Acme", 0);
    struct rotation_server_list list;
    struct rotation_server row = {.chosen = true, .phase = -1};
    struct server *server;
    static char away[] = "no route to host";

    add_server(box, "db1");
    server = server_load(box->store, "db1", &err);
    assert_non_null(server);
    row.server_id = server->id;
    BOX_OK(rotation_set_server(box->store, rotation->id, &row, &err));
    row.phase = 1;
    row.state = ROTATION_SERVER_AWAY;
    row.why = away;
    BOX_OK(rotation_set_server(box->store, rotation->id, &row, &err));
    BOX_OK(rotation_servers(box->store, rotation->id, &list, &err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].server, "db1");
    assert_true(list.rows[0].chosen);
    assert_int_equal(list.rows[0].state, ROTATION_SERVER_AWAY);
    assert_string_equal(list.rows[0].why, away);
    assert_int_equal(list.rows[0].at, BOX_NOW);
    rotation_server_list_clear(&list);
    BOX_OK(server_remove(box->store, "db1", &err)); /* forgotten: not waited for any more */
    BOX_OK(rotation_servers(box->store, rotation->id, &list, &err));
    assert_int_equal(list.n, 0);
    rotation_server_list_clear(&list);
    server_free(server);
    rotation_free(rotation);
}

static struct issued *replace(struct box *box, const struct authority *authority,
                              const struct key *key, const struct issued *old)
{
    struct key *fresh = key_generate(KEY_EC_P256, NULL, NULL, &err);
    const struct issue_spec spec = {
        .kind = ISSUED_CLIENT, .role = old->role, .days = 30, .key = fresh, .replaces = old};
    struct issued *issued = issued_make(box->store, authority, key, &spec, &err);

    key_free(fresh);
    if (!issued)
        fail_msg("%s", err.msg);
    return issued;
}

static struct rotation_counts counts(struct box *box, const struct rotation *rotation)
{
    struct rotation_counts now;

    BOX_OK(rotation_count_items(box->store, rotation->id, &now, &err));
    return now;
}

/* One that was renewed and whose new one was revoked is in use still: nobody else stands for it. */
static void test_a_successor_that_is_gone(void **state)
{
    struct box *box = *state;
    struct key *key;
    struct authority *ca = box_authority(box, "Old", &key);
    struct issued *alice = box_issue(box, ca, key, "alice", 90);
    struct issued *bob = box_issue(box, ca, key, "bob", 90);
    struct issued *lost = replace(box, ca, key, alice), *good = replace(box, ca, key, bob);
    struct rotation *rotation = begin(box->store, ROTATION_EMERGENCY, "Old", ca->id);
    struct crl *crl = revoked_and_sign(box->store, ca, key, lost, CRL_UNSPECIFIED, 0, &err);
    struct rotation_item_list items;
    int64_t added = 0;

    assert_non_null(crl);
    BOX_OK(rotation_add_issued(box->store, rotation->id, ca->id, 0, NULL, &added, &err));
    assert_int_equal(added, 2);
    BOX_OK(rotation_items(box->store, rotation->id, "alice", 0, &items, &err));
    assert_int_equal(items.n, 1);
    assert_int_equal(items.rows[0].old_issued_id, alice->id);
    rotation_item_list_clear(&items);
    BOX_OK(rotation_items(box->store, rotation->id, "bob", 0, &items, &err));
    assert_int_equal(items.n, 1);
    assert_int_equal(items.rows[0].old_issued_id, good->id);
    rotation_item_list_clear(&items);
    crl_free(crl);
    issued_free(alice);
    issued_free(bob);
    issued_free(lost);
    issued_free(good);
    rotation_free(rotation);
    authority_free(ca);
    key_free(key);
}

/* A kit of another CA, of a rotation that was given up: where the old CA goes, it lets nobody in. */
static void test_a_successor_of_a_third_ca(void **state)
{
    struct box *box = *state;
    struct key *key, *third_key;
    struct authority *ca = box_authority(box, "Old", &key);
    struct authority *third = box_authority(box, "Third", &third_key);
    struct issued *alice = box_issue(box, ca, key, "alice", 90);
    struct issued *other = replace(box, third, third_key, alice);
    struct rotation *of_ca = begin(box->store, ROTATION_EMERGENCY, "Old", ca->id);
    struct rotation *of_certs = begin(box->store, ROTATION_CLIENT, "all", ca->id);
    int64_t added = 0;

    BOX_OK(issued_mark_delivered(box->store, other, &err));
    BOX_OK(rotation_add_issued(box->store, of_certs->id, ca->id, BOX_NOW + 400 * CLOCK_DAY, NULL,
                               &added, &err));
    assert_int_equal(added, 0);
    BOX_OK(rotation_add_issued(box->store, of_ca->id, ca->id, 0, NULL, &added, &err));
    assert_int_equal(added, 1);
    BOX_OK(rotation_join_items(box->store, of_ca->id, ca->id + 100, &err));
    assert_int_equal(counts(box, of_ca).made, 0);
    /* unless it is the new one: then she has her kit, and has not been seen with it */
    BOX_OK(rotation_join_items(box->store, of_ca->id, third->id, &err));
    assert_int_equal(counts(box, of_ca).made, 1);
    assert_int_equal(counts(box, of_ca).seen, 0);
    rotation_free(of_ca);
    rotation_free(of_certs);
    issued_free(alice);
    issued_free(other);
    authority_free(ca);
    authority_free(third);
    key_free(key);
    key_free(third_key);
}

static void test_worklist(void **state)
{
    struct box *box = *state;
    struct key *old_key, *new_key, *other_key;
    struct authority *old = box_authority(box, "Old", &old_key);
    struct authority *fresh = box_authority(box, "New", &new_key);
    struct authority *other = box_authority(box, "Other", &other_key);
    struct issued *alice = box_issue(box, old, old_key, "alice", 90);
    struct issued *laptop = box_issue(box, old, old_key, "alice", 60);
    struct issued *bob = box_issue(box, old, old_key, "bob", 90);
    struct issued *gone = box_issue(box, old, old_key, "gone", 90);
    struct issued *ended = box_issue(box, old, old_key, "soon", 1);
    struct issued *foreign = box_issue(box, other, other_key, "carol", 90);
    struct rotation *rotation = begin(box->store, ROTATION_CLIENT_CA, "Old", old->id);
    struct rotation_item_list items;
    struct issued *lost, *made;
    struct crl *crl;
    char hex[SERIAL_HEX_MAX];
    int64_t added = 0;

    crl = revoked_and_sign(box->store, old, old_key, gone, CRL_UNSPECIFIED, 0, &err);
    assert_non_null(crl);
    crl_free(crl);
    BOX_OK(rotation_add_issued(box->store, rotation->id, old->id, 0, NULL, &added, &err));
    assert_int_equal(added, 4); /* not the revoked one, not the other CA's */
    BOX_OK(rotation_add_issued(box->store, rotation->id, old->id, 0, NULL, &added, &err));
    assert_int_equal(added, 0);
    BOX_OK(rotation_items(box->store, rotation->id, "bob", 0, &items, &err));
    assert_int_equal(items.n, 1);
    assert_int_equal(items.rows[0].old_issued_id, bob->id);
    assert_string_equal(items.rows[0].old_serial, serial_format_hex(hex, &bob->serial));
    rotation_item_list_clear(&items);

    /* a run that was killed: recorded, never written; nobody has that key */
    lost = replace(box, fresh, new_key, bob);
    BOX_OK(rotation_join_items(box->store, rotation->id, fresh->id, &err));
    assert_int_equal(counts(box, rotation).made, 0);
    made = replace(box, fresh, new_key, lost); /* made anew for the lost one */
    BOX_OK(issued_mark_delivered(box->store, made, &err));
    BOX_OK(rotation_join_items(box->store, rotation->id, fresh->id, &err));
    assert_int_equal(counts(box, rotation).made, 1);
    BOX_OK(rotation_items(box->store, rotation->id, "bob", 0, &items, &err));
    assert_int_equal(items.rows[0].new_issued_id, made->id);
    items.rows[0].handed_at = BOX_NOW;
    BOX_OK(rotation_set_item(box->store, rotation->id, &items.rows[0], &err));
    rotation_item_list_clear(&items);
    assert_int_equal(counts(box, rotation).handed, 1);
    /* the new one is nothing to be replaced itself */
    BOX_OK(rotation_add_issued(box->store, rotation->id, 0, 0, "bob", &added, &err));
    assert_int_equal(added, 0);

    /* one kit for a role with two certificates */
    issued_free(made);
    made = replace(box, fresh, new_key, alice);
    BOX_OK(issued_mark_delivered(box->store, made, &err));
    BOX_OK(rotation_join_items(box->store, rotation->id, fresh->id, &err));
    assert_int_equal(counts(box, rotation).made, 3);
    crl = revoked_and_sign(box->store, fresh, new_key, made, CRL_UNSPECIFIED, 0, &err);
    assert_non_null(crl);
    crl_free(crl);
    BOX_OK(rotation_join_items(box->store, rotation->id, fresh->id, &err));
    assert_int_equal(counts(box, rotation).made, 1);

    box_set_now(BOX_NOW + 2 * CLOCK_DAY);
    BOX_OK(rotation_join_items(box->store, rotation->id, fresh->id, &err));
    assert_int_equal(counts(box, rotation).ended, 1); /* "soon" */
    assert_int_equal(counts(box, rotation).total, 4);

    issued_free(made);
    issued_free(lost);
    issued_free(alice);
    issued_free(laptop);
    issued_free(bob);
    issued_free(gone);
    issued_free(ended);
    issued_free(foreign);
    rotation_free(rotation);
    authority_free(old);
    authority_free(fresh);
    authority_free(other);
    key_free(old_key);
    key_free(new_key);
    key_free(other_key);
}

/* A rotation refers to CAs and certificates that may never go. */
static void test_whole(void **state)
{
    struct box *box = *state;
    struct key *key;
    struct authority *old = box_authority(box, "Old", &key);
    struct rotation *rotation = begin(box->store, ROTATION_CLIENT_CA, "Old", old->id);
    const struct fsck_options options = {.repair = false};
    struct fsck_list list = {.n = 0};

    BOX_OK(authority_delete(box->store, old, &err)); /* the end of a rotation */
    BOX_OK(fsck_run(box->store, &options, &list, &err));
    assert_int_equal(fsck_count(&list, FSCK_WARNING), 0);
    fsck_clear(&list);
    rotation_free(rotation);
    authority_free(old);
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_admins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_successor_that_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_successor_of_a_third_ca, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worklist, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
