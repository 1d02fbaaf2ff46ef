/* simulate.c - the simulation without a server: names, maps, and the quick way against the slow one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/pg/simulate.h"

/* ---- one session ---- */

struct setting {
    struct session session;
    struct role_row role;
    int certs;
    struct simulate_who who;
};

static void set_up(struct setting *setting, enum session_class class, const char *dn)
{
    static char alice[] = "alice";

    *setting = (struct setting){.certs = SIMULATE_CERTS_UNKNOWN};
    setting->session = (struct session){.pid = 7,
                                        .class = class,
                                        .role = "alice",
                                        .database = "app",
                                        .address = class == SESSION_SOCKET ? "" : "10.0.0.5",
                                        .client_dn = dn};
    setting->role = (struct role_row){.name = alice, .can_login = true};
    setting->who = (struct simulate_who){.sessions = {.rows = &setting->session, .n = 1},
                                         .roles = {.rows = &setting->role, .n = 1},
                                         .certs = &setting->certs,
                                         .server_version = 150000};
}

/* What the second rules do to a session that is there under the first. */
static enum simulate_outcome then(const struct setting *setting, const char *present,
                                  const char *wanted, const char *why)
{
    struct simulation simulation;
    enum simulate_outcome outcome;

    simulate(&setting->who, present, strlen(present), wanted, strlen(wanted), &simulation);
    assert_int_equal(simulation.n, 1);
    outcome = simulation.rows[0].then.outcome;
    if (!strstr(simulation.rows[0].why, why))
        fail_msg("\"%s\" is not in \"%s\"", why, simulation.rows[0].why);
    simulation_clear(&simulation);
    return outcome;
}

#define PASSWORD "host all all all scram-sha-256\n"
#define CERT     "hostssl all all all cert\n"

static void test_names_in_certificates(void **state)
{
    static const struct {
        const char *dn;
        enum simulate_outcome outcome;
    } cases[] = {
        {"/CN=alice", SIMULATE_ALLOWED},
        {"/O=Acme/CN=alice", SIMULATE_ALLOWED},
        {"/CN=alice/O=Acme", SIMULATE_ALLOWED},
        {"/CN=Alice", SIMULATE_REFUSED},
        {"/CN=alice\\ ", SIMULATE_REFUSED},     /* a blank at its end */
        {"/CN=bob/CN=alice", SIMULATE_REFUSED}, /* the first counts */
        {"/O=Acme", SIMULATE_REFUSED},
        {"", SIMULATE_REFUSED}, /* a canary: no name at all */
        /* cut at 63 bytes: the CN may go on */
        {"/O=A very long organisation name that takes all the room/CN=alic", SIMULATE_UNSURE},
        {"/CN=alice/O=A very long organisation name that takes all the roo", SIMULATE_ALLOWED},
    };
    struct setting setting;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_up(&setting, SESSION_TLS_CERT, cases[i].dn);
        if (then(&setting, PASSWORD, CERT, "") != cases[i].outcome)
            fail_msg("%s", cases[i].dn);
    }
}

static void test_methods(void **state)
{
    struct setting setting;

    (void)state;
    set_up(&setting, SESSION_TLS, "");
    assert_int_equal(then(&setting, PASSWORD, CERT, "no certificate"), SIMULATE_REFUSED);
    assert_int_equal(then(&setting, PASSWORD, "host all all all md5\n", ""), SIMULATE_ALLOWED);
    assert_int_equal(then(&setting, "host all all all trust\n", PASSWORD, "password"),
                     SIMULATE_UNSURE);
    assert_int_equal(then(&setting, PASSWORD, "host all all all ldap ldapserver=x\n", "ldap"),
                     SIMULATE_UNSURE);
    assert_int_equal(then(&setting, PASSWORD, "host all bob all trust\n", "no line"),
                     SIMULATE_REFUSED);
    assert_int_equal(then(&setting, PASSWORD, "host all all db.example trust\n", "cannot be told"),
                     SIMULATE_UNSURE);
    assert_int_equal(then(&setting, PASSWORD, "host all all 10.0.0.0/99 trust\n", "line 1"),
                     SIMULATE_UNSURE);
    set_up(&setting, SESSION_CLEAR, "");
    assert_int_equal(then(&setting, PASSWORD, "hostnossl all all all reject\n" CERT, "without TLS"),
                     SIMULATE_REFUSED);
    assert_int_equal(then(&setting, PASSWORD, CERT, "without TLS"), SIMULATE_REFUSED);
    set_up(&setting, SESSION_SOCKET, "");
    assert_int_equal(then(&setting, "local all all peer\n", "local all all peer\n", ""),
                     SIMULATE_ALLOWED);
    assert_int_equal(then(&setting, "local all all trust\n", "local all all peer\n", "peer"),
                     SIMULATE_UNSURE);
}

static void test_maps(void **state)
{
    static const char text[] = "people Alice alice # comment\n"
                               "people \"Bob Example\" bob\n"
                               "regex /^(.*)@acme$ \\1\n"
                               "short one\n";
    struct setting setting;

    (void)state;
    set_up(&setting, SESSION_TLS_CERT, "/CN=Alice");
    assert_int_equal(then(&setting, PASSWORD, "hostssl all all all cert map=people\n", "map"),
                     SIMULATE_UNSURE); /* pg_ident.conf was not read */
    ident_parse(text, strlen(text), 150000, &setting.who.ident);
    setting.who.ident_read = true;
    assert_int_equal(setting.who.ident.n, 3);
    assert_int_equal(then(&setting, PASSWORD, "hostssl all all all cert map=people\n", ""),
                     SIMULATE_ALLOWED);
    assert_int_equal(then(&setting, PASSWORD, "hostssl all all all cert map=other\n", "other"),
                     SIMULATE_REFUSED);
    assert_int_equal(then(&setting, PASSWORD, "hostssl all all all cert map=regex\n", "regex"),
                     SIMULATE_UNSURE);
    setting.session.client_dn = "/CN=Bob Example";
    assert_int_equal(then(&setting, PASSWORD, "hostssl all all all cert map=people\n", "Bob"),
                     SIMULATE_REFUSED);
    ident_clear(&setting.who.ident);
}

static void test_roles_without_a_session(void **state)
{
    static const char wanted[] = "hostssl app alice 10.0.0.0/8 cert\n" PASSWORD;
    struct setting setting;
    struct simulation simulation;

    (void)state;
    for (int certs = SIMULATE_CERTS_UNKNOWN; certs <= 1; certs++) {
        set_up(&setting, SESSION_TLS, "");
        setting.who.sessions.n = 0;
        setting.certs = certs;
        simulate(&setting.who, PASSWORD, strlen(PASSWORD), wanted, strlen(wanted), &simulation);
        assert_int_equal(simulation.n, certs == 1 ? 0 : 1);
        assert_int_equal(simulation.n_refused, certs == 0 ? 1 : 0);
        assert_int_equal(simulation.n_unsure, certs < 0 ? 1 : 0);
        simulation_clear(&simulation);
    }
    /* rules for somebody else do not concern her; a change of a comment concerns nobody */
    setting.certs = 0;
    simulate(&setting.who, PASSWORD, strlen(PASSWORD), "hostssl app bob all cert\n" PASSWORD,
             strlen("hostssl app bob all cert\n" PASSWORD), &simulation);
    assert_int_equal(simulation.n, 0);
    simulation_clear(&simulation);
    simulate(&setting.who, PASSWORD, strlen(PASSWORD), "# x\n" PASSWORD, strlen("# x\n" PASSWORD),
             &simulation);
    assert_int_equal(simulation.n, 0);
    simulation_clear(&simulation);
}

/* ---- the quick way answers as the slow one ---- */

static unsigned random_number(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

#define PICK(seed, list) list[random_number(seed, (unsigned)ARRAY_LEN(list))]

static void random_rules(unsigned *seed, struct strbuf *out)
{
    static const char *const types[] = {"host", "hostssl", "hostnossl", "hostgssenc"};
    static const char *const databases[] = {"all",      "app",  "app,db2",     "\"all\"",
                                            "sameuser", "same", "replication", "@file",
                                            "samerole", "alice"};
    static const char *const roles[] = {"all",        "alice", "bob,alice", "+staff",
                                        "\"+staff\"", "/^a",   "\"all\"",   "@people"};
    static const char *const addresses[] = {
        "all",        "10.0.0.0/8", "10.0.0.5/32",           "samehost", "192.168.0.0/16",
        "db.example", "::/0",       "10.0.0.0 255.255.255.0"};

    strbuf_reset(out);
    for (int i = 0; i < 12; i++)
        strbuf_printf(out, "%s %s %s %s trust\n", PICK(seed, types), PICK(seed, databases),
                      PICK(seed, roles), PICK(seed, addresses));
}

static int slowly(const struct hba *hba, const struct hba_client *client, bool *ret_sure)
{
    *ret_sure = true;
    for (size_t i = 0; i < hba->n; i++) {
        enum hba_fit fit = hba_fits(&hba->lines[i], client);

        if (fit == HBA_FIT_MAYBE || hba->lines[i].kind == HBA_BAD)
            *ret_sure = false;
        if (fit != HBA_FIT_NO)
            return (int)i;
    }
    return -1;
}

static void test_quick_and_slow(void **state)
{
    static const char *const databases[] = {NULL, "app", "db2", "all", "alice", "same", "staff"};
    static const char *const names[] = {"alice", "bob", "all", "+staff", "staff"};
    static const char *const addresses[] = {"10.0.0.5", "10.9.9.9", "127.0.0.1",  "::1",
                                            "all",      NULL,       "10.0.0.0/16"};
    static const char *const staff[] = {"staff"};
    struct strbuf text = STRBUF_INIT;
    unsigned seed = 20261121;

    (void)state;
    for (int round = 0; round < 400; round++) {
        struct hba hba;

        random_rules(&seed, &text);
        hba_parse(text.data, text.len, 150000, &hba);
        for (int i = 0; i < 40; i++) {
            struct hba_client client = {.database = PICK(&seed, databases),
                                        .role = PICK(&seed, names),
                                        .member_of = staff,
                                        .n_member_of = random_number(&seed, 2),
                                        .address = PICK(&seed, addresses),
                                        .tls = random_number(&seed, 2),
                                        .replication = random_number(&seed, 8) == 0};
            bool sure, slow_sure;
            int slow = slowly(&hba, &client, &slow_sure);

            if (hba_first_match(&hba, &client, &sure) != slow || sure != slow_sure)
                fail_msg("line %d: %s %s %s\n%s", slow, client.database ? client.database : "any",
                         client.role, client.address ? client.address : "socket", text.data);
        }
        hba_clear(&hba);
    }
    strbuf_clear(&text);
}

/* The nightly job is not connected now: it is judged as it came, and counted apart. */
static void test_seen_before(void **state)
{
    static char none[] = "", role[] = "alice", database[] = "app", address[] = "10.0.0.9";
    static char dn[] = "/CN=alice";
    struct simulate_seen seen[] = {
        {.class = SESSION_CLEAR, .last_seen = 1, .dn = none},
        {.class = SESSION_TLS_CERT, .last_seen = 2, .dn = dn},
        {.class = SESSION_TLS_CERT, .last_seen = 3, .dn = none}, /* not one of the store's */
    };
    static const enum simulate_outcome outcomes[] = {SIMULATE_REFUSED, SIMULATE_ALLOWED,
                                                     SIMULATE_UNSURE};
    struct setting setting;
    struct simulation simulation;
    struct simulate_walk walk;

    (void)state;
    set_up(&setting, SESSION_TLS_CERT, "/CN=alice");
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        seen[i].role = mem_strdup(role); /* a string of its own tells one from the other */
        seen[i].database = database;
        seen[i].address = address;
    }
    setting.who.seen = seen;
    setting.who.n_seen = ARRAY_LEN(seen);
    simulate(&setting.who, PASSWORD, strlen(PASSWORD), CERT, strlen(CERT), &simulation);
    assert_int_equal(simulation.n, 4);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        assert_int_equal(simulation.rows[i + 1].last_seen, i + 1);
        assert_int_equal(simulation.rows[i + 1].then.outcome, outcomes[i]);
    }
    assert_int_equal(simulation.n_seen_refused, 1);
    assert_int_equal(simulation.n_refused, 0);
    simulate_walk(&setting.who, &simulation.rows[1], &simulation.wanted, &walk);
    assert_int_equal(walk.n, 1);
    assert_string_equal(walk.steps[0].why, "is for TLS");
    simulate_walk_clear(&walk);
    simulation_clear(&simulation);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        free(seen[i].role);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_in_certificates),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_roles_without_a_session),
        cmocka_unit_test(test_quick_and_slow),
        cmocka_unit_test(test_seen_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
