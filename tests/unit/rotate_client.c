/* rotate_client.c - client certificates replaced as a worklist: made, handed over, seen, ended. No server:
 * what sessions show stands in the sightings. */
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
#include "core/rotate/rotate.h"
#include "core/store/published.h"
#include "tests/harness/store_box.h"

#define DAY INT64_C(86400)

struct stage {
    struct box box;
    struct authority *ca;
    struct key *key;
    char *folder; /* for kits */
    struct rotation *rotation;
    struct rotate_request request;
    struct rotate_outcome outcome;
};

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    struct server server = {.name = (char[]){"db1"},
                            .conninfo = (char[]){"host=/nowhere"},
                            .tls_host = (char[]){""},
                            .provider = (char[]){"self-managed"},
                            .system_identifier = (char[]){""},
                            .cluster = (char[]){""}};
    struct err err = ERR_INIT;

    box_open(&stage->box);
    stage->ca = box_authority(&stage->box, "Acme", &stage->key);
    BOX_OK(server_add(stage->box.store, &server, &err));
    stage->folder = fs_join(stage->box.folder, "kits");
    stage->request = (struct rotate_request){
        .folder = stage->folder, .new_key = stage->key, .old_key = stage->key};
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;

    rotate_outcome_clear(&stage->outcome);
    rotation_free(stage->rotation);
    authority_free(stage->ca);
    key_free(stage->key);
    free(stage->folder);
    box_close(&stage->box);
    free(stage);
    return 0;
}

/* ---- steps ---- */

static void start(struct stage *stage, const char *role, int within_days)
{
    const struct rotate_start what = {
        .kind = ROTATION_CLIENT, .name = role, .within_days = within_days};
    struct err err = ERR_INIT;

    stage->rotation = rotate_start(stage->box.store, &what, &err);
    if (stage->rotation == NULL)
        fail_msg("%s", err.msg);
}

static bool next(struct stage *stage, struct err *err)
{
    rotate_outcome_clear(&stage->outcome);
    return rotate_next(stage->box.store, stage->rotation, &stage->request, &stage->outcome, err);
}

static void back(struct stage *stage)
{
    struct err err = ERR_INIT;

    rotate_outcome_clear(&stage->outcome);
    BOX_OK(rotate_back(stage->box.store, stage->rotation, &stage->request, &stage->outcome, &err));
}

static void look(struct stage *stage, struct rotate_status *ret)
{
    struct err err = ERR_INIT;

    BOX_OK(rotate_look(stage->box.store, stage->rotation, &stage->request, false, ret, &err));
}

static struct rotation_counts counts(struct stage *stage)
{
    struct rotate_status status;
    struct rotation_counts found;

    look(stage, &status);
    found = status.items;
    rotate_status_clear(&status);
    return found;
}

/* The server trusts the CA as if a kept plan had given it. */
static void trust(struct stage *stage)
{
    struct err err = ERR_INIT;
    struct server *server = server_load(stage->box.store, "db1", &err);

    BOX_OK(server_set_trust(stage->box.store, server, stage->ca->id, true, &err));
    server_free(server);
}

static void see(struct stage *stage, const struct issued *issued, int64_t at, bool open)
{
    struct err err = ERR_INIT;
    struct sightings *sightings = sightings_open(stage->box.store_folder, true, &err);
    char hex[SERIAL_HEX_MAX];
    struct sighting_item item = {.key = {.server = "db1",
                                         .role = issued->role,
                                         .database = "app",
                                         .address = "10.0.0.1",
                                         .class = "tls-cert",
                                         .version = "TLSv1.3",
                                         .issuer = "/CN=Acme",
                                         .serial = serial_format_hex(hex, &issued->serial),
                                         .application = "web"},
                                 .authority = "Acme",
                                 .start = at,
                                 .seen_at = at,
                                 .full = open};

    assert_non_null(sightings);
    BOX_OK(sightings_add(sightings, &item, 1, &err));
    sightings_close(sightings);
}

/* What the rotation made for this certificate. */
static struct issued *new_of(struct stage *stage, const struct issued *old)
{
    struct rotation_item_list items;
    struct issued *issued = NULL;
    struct err err = ERR_INIT;

    BOX_OK(rotation_items(stage->box.store, stage->rotation->id, NULL, 0, &items, &err));
    for (size_t i = 0; i < items.n; i++)
        if (items.rows[i].old_issued_id == old->id && items.rows[i].new_issued_id != 0)
            issued = issued_load(stage->box.store, items.rows[i].new_issued_id, &err);
    rotation_item_list_clear(&items);
    assert_non_null(issued);
    return issued;
}

static struct issued *again(struct stage *stage, const struct issued *issued)
{
    struct err err = ERR_INIT;
    struct issued *now = issued_load(stage->box.store, issued->id, &err);

    assert_non_null(now);
    return now;
}

static void assert_revoked(struct stage *stage, const struct issued *issued, bool revoked)
{
    struct issued *now = again(stage, issued);

    assert_int_equal(now->revoked_at != 0, revoked);
    issued_free(now);
}

static void assert_kit(const struct stage *stage, const char *role, bool there)
{
    char *path = mem_printf("%s/%s/%s.key", stage->folder, role, role);

    assert_int_equal(fs_exists(path), there);
    free(path);
}

/* ---- tests ---- */

static void one_role_makes_its_way(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->ca, stage->key, "alice", 30);
    struct issued *fresh;
    struct rotate_status status;
    struct err err = ERR_INIT;

    trust(stage);
    start(stage, "alice", 0);
    assert_string_equal(stage->rotation->name, "alice");
    look(stage, &status);
    assert_int_equal(status.n_phases, 3);
    assert_int_equal(status.items.total, 1);
    assert_int_equal(status.needs, ROTATE_NEED_NEW_KEY | ROTATE_NEED_FOLDER);
    rotate_status_clear(&status);

    BOX_OK(next(stage, &err));
    assert_int_equal(stage->outcome.made, 1);
    assert_int_equal(stage->rotation->phase, 1);
    assert_kit(stage, "alice", true);
    fresh = new_of(stage, alice);
    assert_int_equal(fresh->replaces, alice->id);
    assert_true(fresh->delivered);

    /* never seen: it stays where it is, and says who */
    see(stage, alice, BOX_NOW + 5, false);
    assert_false(next(stage, &err));
    assert_int_equal(err.code, ERR_ROTATION_BLOCKED);
    assert_non_null(strstr(err.msg, "\"alice\""));
    err = (struct err)ERR_INIT;
    BOX_OK(rotate_mark(stage->box.store, stage->rotation, "alice", true, false, &err));
    assert_int_equal(counts(stage).handed, 1);
    assert_int_equal(counts(stage).seen, 0); /* that it was handed over is no proof */

    box_set_now(BOX_NOW + 60);
    see(stage, fresh, BOX_NOW + 50, false);
    BOX_OK(next(stage, &err)); /* the server is away; but everybody has moved */
    assert_int_equal(stage->rotation->phase, 2);

    /* by default the old one is left to end */
    BOX_OK(next(stage, &err));
    assert_int_equal(stage->rotation->phase, 3);
    assert_int_not_equal(stage->rotation->ended_at, 0);
    assert_revoked(stage, alice, false);
    issued_free(fresh);
    issued_free(alice);
}

static void a_list_is_made_whole_after_a_kill(void **state)
{
    struct stage *stage = *state;
    struct issued *old[] = {
        box_issue(&stage->box, stage->ca, stage->key, "alice", 10),
        box_issue(&stage->box, stage->ca, stage->key, "bob", 20),
        box_issue(&stage->box, stage->ca, stage->key, "bob", 25), /* a second one of bob's */
        box_issue(&stage->box, stage->ca, stage->key, "carol", 29),
        box_issue(&stage->box, stage->ca, stage->key, "dora", 300), /* ends later */
    };
    struct key *own;
    struct issue_spec lost = {.kind = ISSUED_CLIENT, .role = "alice", .replaces = old[0]};
    struct rotation_item_list items;
    struct issued *killed, *kit;
    struct issued_list all;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        BOX_OK(issued_mark_delivered(stage->box.store, old[i], &err));
    start(stage, NULL, 30);
    assert_string_equal(stage->rotation->name, "all");
    assert_int_equal(counts(stage).total, 4);
    assert_null(rotate_start(
        stage->box.store, &(struct rotate_start){.kind = ROTATION_CLIENT, .within_days = 5}, &err));
    err = (struct err)ERR_INIT;

    /* a run that was killed between the row and the files: the key is gone */
    own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    lost.key = own;
    killed = issued_make(stage->box.store, stage->ca, stage->key, &lost, &err);
    assert_non_null(killed);
    assert_int_equal(counts(stage).made, 0);

    BOX_OK(next(stage, &err));
    assert_int_equal(stage->outcome.made, 3); /* one kit for both of bob's */
    assert_kit(stage, "alice", true);
    assert_kit(stage, "dora", false);
    kit = new_of(stage, old[0]);
    assert_int_equal(kit->replaces, killed->id);
    issued_free(kit);
    BOX_OK(rotation_items(stage->box.store, stage->rotation->id, "bob", 0, &items, &err));
    assert_int_equal(items.n, 2);
    assert_int_not_equal(items.rows[0].new_issued_id, 0);
    assert_int_equal(items.rows[0].new_issued_id, items.rows[1].new_issued_id);
    rotation_item_list_clear(&items);

    /* back and again: nothing is made twice */
    back(stage);
    assert_int_equal(stage->rotation->phase, 0);
    BOX_OK(next(stage, &err));
    assert_int_equal(stage->outcome.made, 0);
    assert_int_equal(stage->rotation->phase, 1);
    BOX_OK(issued_list(stage->box.store, &(struct issued_filter){.role = "bob", .state = -1}, &all,
                       &err));
    assert_int_equal(all.n, 3);
    issued_list_clear(&all);

    /* given up: what was made stays */
    back(stage);
    back(stage);
    assert_true(stage->rotation->given_up);
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        assert_revoked(stage, old[i], false);
        issued_free(old[i]);
    }
    issued_free(killed);
    key_free(own);
}

/* Kits of an earlier time in the folder are not taken for these. */
static void a_folder_with_other_kits_is_refused(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->ca, stage->key, "alice", 30);
    struct rotation *first;
    struct err err = ERR_INIT;

    start(stage, "alice", 0);
    BOX_OK(next(stage, &err));
    back(stage);
    back(stage);
    first = stage->rotation;
    box_set_now(BOX_NOW + 10);
    start(stage, "alice", 0);
    assert_int_equal(counts(stage).total, 2); /* the old one, and the one that was made for it */
    assert_false(next(stage, &err));
    box_assert_err(&err, ERR_FILE_EXISTS);
    free(stage->folder);
    stage->folder = fs_join(stage->box.folder, "kits2");
    stage->request.folder = stage->folder;
    BOX_OK(next(stage, &err));
    assert_int_equal(stage->outcome.made, 1);
    assert_kit(stage, "alice", true);
    rotation_free(first);
    issued_free(alice);
}

static void stragglers_keep_the_old_one(void **state)
{
    struct stage *stage = *state;
    struct issued *old[] = {
        box_issue(&stage->box, stage->ca, stage->key, "alice", 10),
        box_issue(&stage->box, stage->ca, stage->key, "bob", 20),
        box_issue(&stage->box, stage->ca, stage->key, "carol", 29),
    };
    struct rotate_status status;
    struct published_list lists;
    struct server *server;
    struct err err = ERR_INIT;

    trust(stage);
    server = server_load(stage->box.store, "db1", &err);
    BOX_OK(published_set(stage->box.store, server->id, stage->ca->id, stage->ca->crl.number, &err));
    start(stage, NULL, 30);
    BOX_OK(next(stage, &err));
    box_set_now(BOX_NOW + 100);
    for (size_t i = 0; i < 2; i++) {
        struct issued *fresh = new_of(stage, old[i]);

        see(stage, fresh, BOX_NOW + 50, true);
        issued_free(fresh);
    }
    see(stage, old[0], BOX_NOW + 60, true); /* alice's pool has both open */
    look(stage, &status);
    assert_int_equal(status.left.n, 1);
    assert_string_equal(status.left.rows[0].role, "alice");
    assert_true(status.left.rows[0].has_new);
    assert_true(status.left.rows[0].open > 0);
    assert_int_equal(status.quiet.quiet_since, 0);
    rotate_status_clear(&status);

    /* carol was never seen: exactly one is gone on without */
    stage->request.accept_left = 2;
    assert_false(next(stage, &err));
    assert_non_null(strstr(err.msg, "\"carol\""));
    box_assert_err(&err, ERR_ROTATION_BLOCKED);
    assert_int_equal(counts(stage).left, 0);
    stage->request.accept_left = 1;
    BOX_OK(next(stage, &err));
    assert_int_equal(counts(stage).left, 1);
    stage->request.accept_left = 0;

    /* alice is connected with the old one: not without saying so */
    stage->request.revoke = true;
    look(stage, &status);
    assert_int_equal(status.needs, ROTATE_NEED_OLD_KEY | ROTATE_NEED_SERVERS);
    rotate_status_clear(&status);
    assert_false(next(stage, &err));
    box_assert_err(&err, ERR_WOULD_LOCK_OUT);
    assert_revoked(stage, old[1], false);
    stage->request.accepts_refused = true;
    stage->request.accept_refused = 1;
    /* the server is away: who is connected there is not known */
    assert_false(next(stage, &err));
    assert_non_null(strstr(err.msg, "looked at"));
    box_assert_err(&err, ERR_ROTATION_BLOCKED);
    assert_revoked(stage, old[0], false);
    look(stage, &status);
    assert_true(status.quiet.but_gaps);
    rotate_status_clear(&status);
    stage->request.accept_gaps = true;
    /* they are revoked, and the phase stays open until the server has the list */
    assert_false(next(stage, &err));
    assert_non_null(strstr(err.msg, "\"db1\""));
    box_assert_err(&err, ERR_ROTATION_BLOCKED);
    assert_revoked(stage, old[0], true);
    assert_revoked(stage, old[1], true);
    assert_revoked(stage, old[2], false); /* carol's goes on until it ends */
    assert_int_equal(stage->outcome.n_servers, 1);
    assert_false(stage->outcome.servers[0].done);

    BOX_OK(published_list(stage->box.store, "db1", stage->ca->id, &lists, &err));
    BOX_OK(published_set(stage->box.store, server->id, stage->ca->id, lists.rows[0].current, &err));
    published_list_clear(&lists);
    BOX_OK(next(stage, &err));
    assert_int_not_equal(stage->rotation->ended_at, 0);
    assert_int_equal(counts(stage).ended, 2);
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        issued_free(old[i]);
    server_free(server);
}

/* An old one that ends meanwhile keeps nobody. */
static void what_has_ended_does_not_wait(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->ca, stage->key, "alice", 10);
    struct err err = ERR_INIT;

    start(stage, NULL, 30);
    BOX_OK(next(stage, &err));
    assert_false(next(stage, &err));
    err = (struct err)ERR_INIT;
    box_set_now(BOX_NOW + 11 * DAY);
    BOX_OK(next(stage, &err));
    assert_int_equal(counts(stage).ended, 1);
    issued_free(alice);
}

static void nonsense_is_refused(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->ca, stage->key, "alice", 100);
    const struct rotate_start starts[] = {
        {.kind = ROTATION_CLIENT},
        {.kind = ROTATION_CLIENT, .name = "alice", .within_days = 5},
        {.kind = ROTATION_CLIENT, .name = "nobody"},
        {.kind = ROTATION_CLIENT, .within_days = 5}, /* none ends so soon */
        {.kind = ROTATION_CLIENT, .name = "alice", .new_authority = "Other"},
    };
    const enum err_code codes[] = {ERR_USAGE, ERR_USAGE, ERR_CERT_UNKNOWN, ERR_CERT_UNKNOWN,
                                   ERR_CA_UNKNOWN};
    struct err err = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        assert_null(rotate_start(stage->box.store, &starts[i], &err));
        box_assert_err(&err, codes[i]);
    }
    start(stage, "alice", 0);
    stage->request.folder = NULL;
    assert_false(next(stage, &err));
    box_assert_err(&err, ERR_NEEDS_ANSWER);
    stage->request.folder = stage->folder;
    stage->request.new_key = stage->request.old_key = NULL;
    assert_false(next(stage, &err));
    box_assert_err(&err, ERR_CA_KEY);
    issued_free(alice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_role_makes_its_way, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_is_made_whole_after_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_with_other_kits_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(stragglers_keep_the_old_one, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_ended_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests_name("client rotations", tests, NULL, NULL);
}
