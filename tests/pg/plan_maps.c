/* plan_maps.c - maps of pg_ident.conf: a certificate of another name gets in, and nobody else. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

/* One server for all tests: each takes back what it did. */
static int setup(void **state)
{
    struct plan_box *box = mem_zalloc(sizeof(*box));

    plan_box_open(box);
    plan_box_tls(box);
    plan_box_trust(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    plan_box_close(*state);
    free(*state);
    return 0;
}

static struct plan *require(struct plan_box *box, const char *role, const char *map,
                            const struct access_map_line *lines, size_t n,
                            const struct kit_files *kit, struct err *err)
{
    struct access_rules_probe probe = {.role = role, .database = "app"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = &role,
                                         .n_roles = 1,
                                         .address = "127.0.0.1/32",
                                         .method = ACCESS_CERT,
                                         .map = map,
                                         .map_lines = lines,
                                         .n_map_lines = n};

    memset(err, 0, sizeof(*err));
    if (kit) {
        probe.cert_file = kit->certificate;
        probe.key_file = kit->key;
        probe.root_file = kit->root;
        intent.probes = &probe;
        intent.n_probes = 1;
    }
    return plan_access_rules(&box->target, &intent, err);
}

static bool gets_in(struct plan_box *box, const char *role, const struct kit_files *kit)
{
    struct proof_login login = {.role = role,
                                .database = "app",
                                .cert_file = kit->certificate,
                                .key_file = kit->key,
                                .root_file = kit->root};
    struct proof_login_result result;
    struct err err = ERR_INIT;

    must(proof_login(&box->target, &login, &result, &err), &err);
    assert_int_equal(result.alert, 0); /* all of them are good certificates */
    return result.got_in;
}

static void write_ident(const struct plan_box *box, const char *text)
{
    char *path = mem_printf("%s/pg_ident.conf", demo_data(box->demo));
    FILE *file = fopen(path, "w"); /* in place: owner and mode stay */

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void undo(struct plan_box *box, int64_t id)
{
    enum journal_plan_state ended;
    struct err err = ERR_INIT;

    must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
}

static void test_another_name(void **state)
{
    static const struct access_map_line lines[] = {{"alice.laptop", "alice"},
                                                   {"alice's home", "alice"}};
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box), after;
    struct kit_files laptop, home, alice, capital;
    struct remove_rules_intent all = {.n_lines = 0};
    struct plan *plan;
    struct err err = ERR_INIT;
    int64_t id, removal;

    plan_box_kit(box, box->ca, box->ca_key, "alice.laptop", &laptop);
    plan_box_kit(box, box->ca, box->ca_key, "alice's home", &home);
    plan_box_kit(box, box->ca, box->ca_key, "alice", &alice);
    plan_box_kit(box, box->ca, box->ca_key, "Alice.Laptop", &capital);

    plan = require(box, "alice", "people", lines, 2, &laptop, &err);
    must(plan != NULL, &err);
    assert_non_null(plan_wanted_ident(plan));
    assert_int_equal(plan_count_refused(plan), 0); /* one of hers does */
    id = plan_box_keep(box, plan);
    plan_box_saw(box, "login as \"alice\" with its certificate: in, /CN=alice.laptop");
    after = plan_box_files(box);
    assert_non_null(strstr(after.hba, "hostssl all alice 127.0.0.1/32 cert map=people # pgseal\n"));
    assert_non_null(strstr(after.ident, "people alice.laptop alice # pgseal\n"
                                        "people \"alice's home\" alice # pgseal\n"));
    plan_files_clear(&after);
    plan_box_restart(box);
    assert_true(gets_in(box, "alice", &laptop));
    assert_true(gets_in(box, "alice", &home));
    assert_false(gets_in(box, "alice", &alice)); /* her own name is not in the map */
    assert_false(gets_in(box, "alice", &capital));

    plan = require(box, "alice", "people", lines, 2, &laptop, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);

    /* taken away: rules and lines, and nothing else */
    plan = plan_remove_rules(&box->target, &all, &err);
    must(plan != NULL, &err);
    removal = plan_box_keep(box, plan);
    after = plan_box_files(box);
    assert_string_equal(after.hba, before.hba);
    assert_string_equal(after.ident, before.ident);
    plan_files_clear(&after);
    undo(box, removal);
    assert_true(gets_in(box, "alice", &laptop));
    undo(box, id);
    plan_box_same_files(box, &before);
    assert_int_equal(plan_box_count_files(box, "pgseal-ident"), 0);
    kit_files_clear(&laptop);
    kit_files_clear(&home);
    kit_files_clear(&alice);
    kit_files_clear(&capital);
    plan_files_clear(&before);
}

/* A second certificate for the same role, into the map that is there: only that file changes. */
static void test_one_more_line(void **state)
{
    static const struct access_map_line first = {"bob.desk", "bob"}, second = {"bob.phone", "bob"};
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    struct kit_files desk, phone;
    struct plan *plan;
    struct err err = ERR_INIT;
    int64_t one, two;

    plan_box_kit(box, box->ca, box->ca_key, "bob.desk", &desk);
    plan_box_kit(box, box->ca, box->ca_key, "bob.phone", &phone);
    plan = require(box, "bob", "m", &first, 1, NULL, &err);
    must(plan != NULL, &err);
    one = plan_box_keep(box, plan);
    assert_false(gets_in(box, "bob", &phone));
    plan = require(box, "bob", "m", &second, 1, &phone, &err);
    must(plan != NULL, &err);
    assert_null(plan_wanted_hba(plan));
    two = plan_box_keep(box, plan);
    plan_box_saw(box, "login as \"bob\" with its certificate: in, /CN=bob.phone");
    assert_true(gets_in(box, "bob", &desk));
    undo(box, two);
    assert_false(gets_in(box, "bob", &phone));
    undo(box, one);
    plan_box_same_files(box, &before);
    kit_files_clear(&desk);
    kit_files_clear(&phone);
    plan_files_clear(&before);
}

/* The probe's certificate is not in the map: all is taken back. */
static void test_wrong_probe(void **state)
{
    static const struct access_map_line line = {"carol.desk", "carol"};
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    struct kit_files other;
    struct plan *plan;
    struct err err = ERR_INIT;

    plan_box_kit(box, box->ca, box->ca_key, "carol.phone", &other);
    plan = require(box, "carol", "m", &line, 1, &other, &err);
    must(plan != NULL, &err);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->watch, &err));
    assert_int_equal(err.code, ERR_TEST_LOGIN);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_free(plan);
    plan_box_same_files(box, &before);
    kit_files_clear(&other);
    plan_files_clear(&before);
}

/* Comments at the head stay there, a line that goes on with a backslash is one line, a regular
 * expression that fails stands below ours; names that look like keywords or patterns are names. */
static void test_any_file(void **state)
{
    /* lines that go on in the next one came with 14 */
    const bool continued = pg_has(PG_CONTINUED_LINES);
    const char *head =
        continued ? "# B\xfcro \\\r\nstill the comment\r\n\r\n" : "# B\xfcro\r\n\r\n";
    const char *tail = continued
                           ? "m\t/^(.*)@acme\\.example$\t\\1\r\nm \"a b\" \\\r\n  carol # mine"
                           : "m\t/^(.*)@acme\\.example$\t\\1\r\nm \"a b\"  carol # mine";
    char *text = mem_printf("%s%s", head, tail), *wanted;
    static const char role[] = "of all";
    static const struct access_map_line lines[] = {{"it's", role}, {"\\1", role}, {"+all", role}};
    struct plan_box *box = *state;
    struct plan_files before, now;
    struct kit_files kit;
    struct plan *plan;
    struct err err = ERR_INIT;
    int64_t id;

    must(conn_run(box->admin, "CREATE ROLE \"of all\" LOGIN", &err), &err);
    write_ident(box, text);
    before = plan_box_files(box);
    plan_box_kit(box, box->ca, box->ca_key, "it's", &kit);
    plan = require(box, role, "m", lines, 3, &kit, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(box, plan);
    now = plan_box_files(box);
    wanted = mem_printf("%sm \"it's\" \"of all\" # pgseal\r\n"
                        "m \"\\1\" \"of all\" # pgseal\r\n"
                        "m \"+all\" \"of all\" # pgseal\r\n%s",
                        head, tail);
    assert_string_equal(now.ident, wanted);
    plan_files_clear(&now);
    assert_true(gets_in(box, role, &kit));
    undo(box, id);
    plan_box_same_files(box, &before);
    kit_files_clear(&kit);
    plan_files_clear(&before);
    write_ident(box, "");
    free(wanted);
    free(text);
}

static void refused(struct plan_box *box, const char *role, const char *map, const char *cn,
                    enum err_code code, const char *part)
{
    struct access_map_line line = {cn, "alice"};
    struct err err = ERR_INIT;

    assert_null(require(box, role, map, &line, cn ? 1 : 0, NULL, &err));
    if (err.code != code || !strstr(err.msg, part))
        fail_msg("expected PS-%d %s, got PS-%d %s", (int)code, part, (int)err.code, err.msg);
}

/* She has a certificate and no session: with a map that names another one only, she is out. */
static void test_role_loses_its_certificate(void **state)
{
    static const struct access_map_line line = {"carol.later", "carol"};
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    struct kit_files kit;
    struct plan *plan;
    struct err err = ERR_INIT;

    plan_box_kit(box, box->ca, box->ca_key, "carol", &kit);
    plan = require(box, "carol", "m", &line, 1, NULL, &err);
    must(plan != NULL, &err);
    assert_int_equal(plan_count_refused(plan), 1);
    assert_string_equal(plan_refused(plan, 0)->role, "carol");
    assert_int_equal(plan_refused(plan, 0)->pid, 0);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->watch, &err));
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    plan_free(plan);
    plan_box_same_files(box, &before);
    kit_files_clear(&kit);
    plan_files_clear(&before);
}

static void write_hba(const struct plan_box *box, const char *head, const char *rest)
{
    char *path = mem_printf("%s/pg_hba.conf", demo_data(box->demo));
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%s%s", head, rest);
    fclose(file);
    free(path);
}

/* The map of a line for users of the operating system: there the new line would need no certificate. */
static void test_map_of_peer(void **state)
{
    static const struct access_map_line lines[] = {{"nobody", "alice"}};
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    struct plan *plan;
    struct err err = ERR_INIT;

    write_hba(box, "local all alice peer map=people\n", before.hba);
    assert_null(require(box, "alice", "people", lines, 1, NULL, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_non_null(strstr(err.msg, "(peer)"));
    write_hba(box, "local all bob peer map=people\n", before.hba); /* it never is for her */
    plan = require(box, "alice", "people", lines, 1, NULL, &err);
    must(plan != NULL, &err);
    plan_free(plan);
    write_hba(box, "", before.hba);
    plan_files_clear(&before);
}

static void test_refusals(void **state)
{
    static const char *const roles[] = {"alice"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "all",
                                         .method = ACCESS_VERIFY_FULL,
                                         .map = "m"};
    struct plan_box *box = *state;
    struct err err = ERR_INIT;

    refused(box, "alice", "nobody", NULL, ERR_WOULD_LOCK_OUT, "lets no certificate in as");
    refused(box, "bob", "m", "bob.desk", ERR_BAD_VALUE, "not for that role");
    refused(box, "alice", "m", "/^.*$", ERR_BAD_NAME, "begins with a slash");
    refused(box, "alice", "m", "a\nm b alice", ERR_BAD_NAME, "line break");
    refused(box, "alice", "m", "", ERR_BAD_NAME, "empty");
    refused(box, "alice", "my map", "x", ERR_BAD_NAME, "letters");
    refused(box, "alice", "include_if_exists", "x", ERR_BAD_NAME, "include");
    assert_null(plan_access_rules(&box->target, &intent, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    /* errors that are there already: the server would not load our lines either */
    write_ident(box, "m /*bad[ alice\n");
    refused(box, "alice", "m", "x", ERR_HBA, "line 1 of pg_ident.conf");
    write_ident(box, "# fine\nm /^(a,b)$ alice\n");
    refused(box, "alice", "m", "x", ERR_HBA, "line 2 of pg_ident.conf");
    write_ident(box, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_name),
        cmocka_unit_test(test_one_more_line),
        cmocka_unit_test(test_wrong_probe),
        cmocka_unit_test(test_any_file),
        cmocka_unit_test(test_role_loses_its_certificate),
        cmocka_unit_test(test_map_of_peer),
        cmocka_unit_test(test_refusals),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
