/* health_rules.c - pg_hba.conf and pg_ident.conf of a real server, and the simulation against it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/simulate.h"
#include "tests/harness/pg_version.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

static void run(struct health_box *box, const char *sql)
{
    struct err err = ERR_INIT;

    assert_ok(conn_run(box->plan.admin, sql, &err), &err);
}

/* ---- findings ---- */

static void test_lines_that_cannot_be_read(void **state)
{
    struct health_box *box = *state;
    const struct finding *finding;

    health_rules(box, HEALTH_RULES "host all all 10.0.0.0/99 md5\n");
    finding = health_expect(box, FINDING_ERROR, ERR_HBA, "pg_hba.conf line 5");
    assert_non_null(strstr(finding->message, "10.0.0.0/99"));
    assert_true(box->check.restart_fails);
    /* error is NULL for this one: only "type IS NULL" tells */
    health_rules(box, HEALTH_RULES "hostssl all all 10.0.0.0/8 md5 clientcert=1\n");
    if (pg_has(PG_CLIENTCERT_WORDS))
        health_expect(box, FINDING_ERROR, ERR_HBA, "pg_hba.conf line 5");
    else
        health_expect_well(box); /* it was a way to say verify-ca */
    health_rules(box, HEALTH_RULES "hostssl all all 10.0.0.0/8 md5 clientcert=2\n");
    health_expect(box, FINDING_ERROR, ERR_HBA, "pg_hba.conf line 5");
    health_rules(box, HEALTH_RULES "host all all 10.0.0.0/8 cert\n");
    health_expect(box, FINDING_ERROR, ERR_HBA, "pg_hba.conf line 5");
    health_rules(box, HEALTH_RULES);
    health_expect_well(box);
}

static void test_clear_text_goes_past(void **state)
{
    struct health_box *box = *state;
    const struct finding *finding;

    health_rules(box, "local all admin trust\n"
                      "hostssl all alice 127.0.0.1/32 cert\n"
                      "host all all 127.0.0.1/32 scram-sha-256\n");
    finding = health_expect(box, FINDING_WARNING, ERR_RULE_CLEAR, "pg_hba.conf line 3");
    assert_non_null(strstr(finding->message, "alice"));
    assert_non_null(strstr(finding->message, "line 2"));
    assert_int_equal(finding->act, ACT_REQUIRE);
    health_expect_none(box, ERR_RULE_ABOVE);
    health_rules(box, HEALTH_RULES);
    health_expect_well(box);
}

static void test_a_password_line_above(void **state)
{
    struct health_box *box = *state;

    health_rules(box, "local all admin trust\n"
                      "hostssl all all 127.0.0.1/32 scram-sha-256\n"
                      "hostssl all alice 127.0.0.1/32 cert\n");
    health_expect(box, FINDING_WARNING, ERR_RULE_ABOVE, "pg_hba.conf line 2");
    /* a line for somebody else, from elsewhere, and one that refuses are not in the way */
    health_rules(box, "local all admin trust\n"
                      "hostssl all bob 127.0.0.1/32 scram-sha-256\n"
                      "hostssl all alice 10.0.0.0/8 scram-sha-256\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 cert\n");
    health_expect_well(box);
    /* a group that alice is in is */
    run(box, "CREATE ROLE staff");
    run(box, "GRANT staff TO alice");
    health_rules(box, "local all admin trust\n"
                      "hostssl all +staff 127.0.0.1/32 md5\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 cert\n");
    health_expect(box, FINDING_WARNING, ERR_RULE_ABOVE, "pg_hba.conf line 2");
    health_rules(box, HEALTH_RULES);
    run(box, "DROP ROLE staff");
}

static void test_any_certificate_for_any_role(void **state)
{
    struct health_box *box = *state;

    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 trust clientcert=verify-ca\n");
    health_expect(box, FINDING_ERROR, ERR_RULE_ANY_CERT, "pg_hba.conf line 3");
    health_rules(box, HEALTH_RULES);
}

static void test_maps_and_roles(void **state)
{
    struct health_box *box = *state;
    static const char bad[] = "people \"Alice Example\"\n";
    static const char good[] = "people \"Alice Example\" alice\n";

    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 cert map=people\n");
    health_expect(box, FINDING_ERROR, ERR_RULE_MAP, "pg_hba.conf line 3");
    health_write(box, "pg_ident.conf", bad, sizeof(bad) - 1, 0600);
    if (conn_server_version(box->plan.admin) >= 150000)
        health_expect(box, FINDING_ERROR, ERR_IDENT, "pg_ident.conf line 1");
    health_write(box, "pg_ident.conf", good, sizeof(good) - 1, 0600);
    health_reload(box);
    health_expect_well(box);
    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all ghost 127.0.0.1/32 cert\n"
                      "hostssl all \"no login\" 127.0.0.1/32 cert\n");
    run(box, "CREATE ROLE \"no login\"");
    health_expect(box, FINDING_WARNING, ERR_RULE_ROLE, "pg_hba.conf line 3");
    assert_string_equal(
        health_expect(box, FINDING_WARNING, ERR_RULE_ROLE, "pg_hba.conf line 4")->act_on,
        "no login");
    run(box, "DROP ROLE \"no login\"");
    health_rules(box, HEALTH_RULES);
    health_expect_well(box);
}

static void test_rules_without_a_ca(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_ca_file", "");
    health_expect(box, FINDING_ERROR, ERR_RULE_NO_CA, "ssl_ca_file");
    health_heal(box);
}

static void test_rules_that_were_not_reloaded(void **state)
{
    struct health_box *box = *state;
    static const char text[] = HEALTH_RULES "# a remark\n";

    for (int i = 0; i < 30; i++) { /* times of files are whole seconds */
        health_write(box, "pg_hba.conf", text, sizeof(text) - 1, 0600);
        health_check(box);
        if (findings_find(&box->check.findings, ERR_NOT_RELOADED, "pg_hba.conf"))
            break;
        usleep(100000);
    }
    health_expect(box, FINDING_WARNING, ERR_NOT_RELOADED, "pg_hba.conf");
    health_rules(box, HEALTH_RULES);
    health_expect_well(box);
}

/* Names and rules that nobody should make. */
static void test_hostile_surroundings(void **state)
{
    struct health_box *box = *state;

    run(box, "CREATE ROLE \"x'; DROP TABLE t; --\" LOGIN");
    run(box, "CREATE ROLE \"\x1b[31mred\" LOGIN");
    run(box, "CREATE FUNCTION public.position(bytea, bytea) RETURNS integer LANGUAGE sql"
             " AS 'SELECT 1'");
    run(box, "ALTER ROLE admin SET search_path = public, pg_catalog");
    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all \"x'; DROP TABLE t; --\" 127.0.0.1/32 cert map=\"\x1b[2J\"\n");
    assert_true(text_is_clean(
        health_expect(box, FINDING_ERROR, ERR_RULE_MAP, "pg_hba.conf line 3")->message));
    health_expect_none(box, ERR_RULE_ROLE);
    health_rules(box, HEALTH_RULES);
    run(box, "ALTER ROLE admin RESET search_path");
    run(box, "DROP FUNCTION public.position(bytea, bytea)");
    run(box, "DROP ROLE \"\x1b[31mred\"");
    run(box, "DROP ROLE \"x'; DROP TABLE t; --\"");
    health_expect_well(box);
}

/* ---- the simulation ---- */

/* alice with her certificate, over TLS. NULL: refused, with the SQLSTATE. */
static struct conn *login(struct health_box *box, const char *role, bool tls, bool cert, char *ret)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=%s",
                            box->plan.target.tls_port, role, tls ? "require" : "disable");
    struct params *params = params_parse(text, &err);
    const char *password = demo_password(box->plan.demo, role);
    struct secret *secret = secret_new(256);
    struct conn_options options = {.password = secret};
    struct conn *conn;

    params_set(params, "sslcert", cert ? box->alice.certificate : "/nonexistent");
    params_set(params, "sslkey", box->alice.key);
    params_set(params, "sslrootcert", box->alice.root);
    assert_true(secret_set(secret, password, strlen(password)));
    conn = conn_open(params, &options, &err);
    text_clean_copy(ret, 64, conn ? "" : err.msg);
    secret_free(secret);
    params_free(params);
    free(text);
    return conn;
}

static const struct simulate_row *row_of(const struct simulation *simulation, int pid)
{
    size_t at = simulation->n;

    for (size_t i = 0; i < simulation->n; i++) {
        if (simulation->rows[i].is_session && simulation->rows[i].pid == pid)
            at = i;
    }
    assert_true(at < simulation->n);
    return &simulation->rows[at];
}

struct way { /* who comes how */
    const char *role;
    bool tls, cert;
};

/* Sessions come in under the first rules; the simulation says who would be refused under the second;
 * then they come again for real. */
static void compare(struct health_box *box, const char *wanted, size_t *ret_refused)
{
    static const char open_to_all[] = "local all all trust\n"
                                      "host all all 127.0.0.1/32 trust\n";
    static const struct way ways[] = {
        {"alice", true, true}, {"alice", true, false}, {"alice", false, false},
        {"bob", true, true},   {"bob", true, false},   {"carol", false, false},
    };
    struct conn *conns[ARRAY_LEN(ways)];
    struct simulate_who who;
    struct simulation simulation;
    struct err err = ERR_INIT;
    char why[64];

    health_rules(box, open_to_all);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        conns[i] = login(box, ways[i].role, ways[i].tls, ways[i].cert, why);
        if (!conns[i])
            fail_msg("%s: %s", ways[i].role, why);
    }
    {
        char *path = health_path(box, "pg_ident.conf");

        assert_ok(simulate_read(box->plan.admin, path, &who, &err), &err);
        free(path);
    }
    simulate(&who, open_to_all, sizeof(open_to_all) - 1, wanted, strlen(wanted), &simulation);
    health_rules(box, wanted);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        const struct simulate_row *row = row_of(&simulation, conn_backend_pid(conns[i]));
        struct conn *again = login(box, ways[i].role, ways[i].tls, ways[i].cert, why);

        assert_int_equal(row->now.outcome, SIMULATE_ALLOWED);
        /* "unsure" is about passwords here: they have one, so they get in */
        if ((again == NULL) != (row->then.outcome == SIMULATE_REFUSED))
            fail_msg("%s %s %s: simulated %s (%s), but \"%s\"", ways[i].role,
                     ways[i].tls ? "TLS" : "clear", ways[i].cert ? "cert" : "none",
                     simulate_outcome_name(row->then.outcome), row->why, why);
        assert_true((row->then.outcome == SIMULATE_ALLOWED) == (row->why[0] == '\0'));
        conn_close(again);
        conn_close(conns[i]);
    }
    *ret_refused = simulation.n_refused;
    simulation_clear(&simulation);
    simulate_who_clear(&who);
}

static void test_simulated_and_for_real(void **state)
{
    struct health_box *box = *state;
    size_t refused;

    compare(box, HEALTH_RULES, &refused);
    assert_int_equal(refused, 3); /* alice twice, carol comes without TLS */
    compare(box, "local all admin trust\nhostssl all all 127.0.0.1/32 cert\n", &refused);
    assert_int_equal(refused, 5);
    compare(box,
            "local all admin trust\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n",
            &refused);
    assert_int_equal(refused, 4); /* bob with alice's certificate and his password gets in */
    compare(box,
            "local all admin trust\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n",
            &refused);
    assert_int_equal(refused, 5);
    compare(box,
            "local all admin trust\n"
            "host all alice 127.0.0.1/32 reject\n"
            "host all all 127.0.0.0/8 scram-sha-256\n",
            &refused);
    assert_int_equal(refused, 3);
    {
        static const char map[] = "people alice bob\npeople alice carol\n";

        health_write(box, "pg_ident.conf", map, sizeof(map) - 1, 0600);
        compare(box,
                "local all admin trust\n"
                "hostssl all all 127.0.0.1/32 cert map=people\n",
                &refused);
        assert_int_equal(refused, 5); /* alice's certificate is bob's now, not alice's own */
        health_write(box, "pg_ident.conf", "", 0, 0600);
    }
    health_rules(box, HEALTH_RULES);
    health_expect_well(box);
}

static void test_the_admin_locks_himself_out(void **state)
{
    struct health_box *box = *state;
    static const char wanted[] = "hostssl all alice 127.0.0.1/32 cert\n";
    struct simulate_who who;
    struct simulation simulation;
    struct simulate_walk walk;
    const struct simulate_row *own;
    struct err err = ERR_INIT;

    assert_ok(simulate_read(box->plan.admin, NULL, &who, &err), &err);
    simulate(&who, HEALTH_RULES, sizeof(HEALTH_RULES) - 1, wanted, sizeof(wanted) - 1, &simulation);
    own = row_of(&simulation, conn_backend_pid(box->plan.admin));
    assert_true(own->own);
    assert_int_equal(own->then.outcome, SIMULATE_REFUSED);
    assert_int_equal(own->then.line, 0);
    assert_true(simulation.n_refused >= 1);
    simulate_walk(&who, own, &simulation.wanted, &walk);
    assert_int_equal(walk.n, 1);
    assert_int_equal(walk.steps[0].fit, HBA_FIT_NO);
    assert_string_equal(walk.steps[0].why, "is for TLS");
    simulate_walk_clear(&walk);
    simulation_clear(&simulation);
    simulate_who_clear(&who);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_cannot_be_read),
        cmocka_unit_test(test_clear_text_goes_past),
        cmocka_unit_test(test_a_password_line_above),
        cmocka_unit_test(test_any_certificate_for_any_role),
        cmocka_unit_test(test_maps_and_roles),
        cmocka_unit_test(test_rules_without_a_ca),
        cmocka_unit_test(test_rules_that_were_not_reloaded),
        cmocka_unit_test(test_hostile_surroundings),
        cmocka_unit_test(test_simulated_and_for_real),
        cmocka_unit_test(test_the_admin_locks_himself_out),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
}
