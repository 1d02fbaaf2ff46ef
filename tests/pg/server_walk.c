/*
 * server_walk.c - both rotations of servers' certificates from one end to the other: pgseal is killed in
 * every phase, the servers are started again in every phase, and there is a way back from every phase.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/pg/server_lab.h"

void test_before(void **state)
{
    struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "Servers", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Servers G2", "--no-passphrase"));
    lab_add_server(lab->db1, "db1", "main");
    lab_add_server(lab->db2, "db2", "main");
    EXPECT_ERROR(1, "PS-2002", "rotate", "server", "main");
    EXPECT_ERROR(1, "PS-2008", "rotate", "server", "nobody");
    free(EXPECT(0, "server", "tls", "main", "--ca", "Servers", "--host", "127.0.0.1", "--host",
                "db.example", "--yes"));
    free(EXPECT(0, "trust", "--ca", "Servers", "--out", "old.crt", "--test", "main"));
    lab->loop = login_loop_start("logins.txt");
    lab->slow = lab_add_client(lab, "slow@db1", lab->db1, "old.crt");
    lab->quick1 = lab_add_client(lab, "quick@db1", lab->db1, "old.crt");
    lab->quick2 = lab_add_client(lab, "quick@db2", lab->db2, "old.crt");
    lab_open_pool(lab, "old.crt");
    login_loop_settle(lab->loop);
}

/* ---- killed ---- */

static void die(struct lab *lab, struct lab_run run, const char *server, int at)
{
    int end;

    run.server = server;
    run.at = at;
    end = lab_run(lab, &run);
    if (end != -SIGKILL)
        fail_msg("%d at %s, and not killed at %d", end, server ? server : "taking back", at);
}

/* Between any two steps, on the standby, which comes first, and then on the primary. */
static void die_everywhere(struct lab *lab, const struct lab_run *run, const int at[2][6])
{
    for (int i = 0; at[0][i] != 0; i++)
        die(lab, *run, "db2", at[0][i]);
    die(lab, *run, NULL, 2);    /* as it takes the last one back, and has not reloaded */
    lab_restart(lab, lab->db2); /* started again with what was half done on it */
    die(lab, *run, "db2", LAB_ENDED);
    for (int i = 0; at[1][i] != 0; i++)
        die(lab, *run, "db1", at[1][i]);
}

/* Where no server is changed: between any two writes. Then it goes through. */
static void die_writing(struct lab *lab, struct lab_run run, int phase, int step)
{
    int end = -SIGKILL;

    run.phase = phase;
    for (run.write = 2; end == -SIGKILL && run.write < 1000; run.write += step)
        end = lab_run(lab, &run);
    if (end != ERR_ROTATION_UNKNOWN) /* killed as it had ended */
        assert_int_equal(end, ERR_NONE);
    assert_true(run.write > 2 + step);
}

static void expect_phase(const char *name, const char *key)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", name, "--json");

    assert_string_equal(json_string_value(json_object_get(json, "phase")), key);
    json_decref(json);
}

/* ---- a standby that hangs, and an admin who is faster ---- */

static void freeze_and_race(struct lab *lab)
{
    int out[2], in[2], hold[2];
    struct lab_run run = {.name = "main", .ca = "Servers G2", .server = "db1", .hold = hold};
    struct err err = ERR_INIT;
    struct lab_child first;
    char byte = 0;

    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(in), 0);
    hold[0] = in[0];
    hold[1] = out[1];
    lab_change_root(lab, lab->quick2, lab->db1,
                    "trust/main-both.crt"); /* its pool goes where somebody answers */
    login_loop_settle(lab->loop);
    assert_true(demo_freeze(lab->db2, true, &err));
    first = lab_begin(lab, &run);
    assert_int_equal(read(out[0], &byte, 1), 1); /* it is at the primary */
    EXPECT_ERROR(1, "PS-4021", "rotate", "next", "main", "--yes");
    EXPECT_ERROR(1, "PS-4021", "rotate", "back", "main", "--yes");
    assert_int_equal(write(in[1], &byte, 1), 1);
    assert_int_equal(lab_end(first), ERR_MEMBER_MISSED);
    assert_true(demo_freeze(lab->db2, false, &err));
    lab_change_root(lab, lab->quick2, lab->db2, "trust/main-both.crt");
    for (int i = 0; i < 2; i++) {
        close(out[i]);
        close(in[i]);
    }
}

/* ---- the same CA: nobody notices, whatever happens meanwhile ---- */

static void differs(const char *server, const char *before, bool wanted)
{
    char *now = lab_leaf(server);

    assert_int_equal(strcmp(now, before) != 0, wanted);
    free(now);
}

void test_renew(void **state)
{
    static const int at[2][6] = {{2, 8, 15}, {5, 11}};
    static const int back_at[2][6] = {{4}, {9}};
    struct lab *lab = *state;
    const struct lab_run next = {.name = "main", .ca = "Servers"};
    const struct lab_run back = {.name = "main", .back = true};
    char *before1 = lab_leaf("db1");
    char *before2 = lab_leaf("db2");
    json_t *seen;

    EXPECT_ERROR(2, "already", "rotate", "server", "main", "--to", "Servers");
    free(EXPECT(0, "rotate", "server", "main"));
    lab_go("back", "main", "renew"); /* given up */
    free(EXPECT(0, "rotate", "server", "main"));
    EXPECT_ERROR(1, "PS-", "rotate", "server", "main");
    lab_ahead("next", "main", 2, 0, "~ ssl_cert_file: ");
    lab_ahead("back", "main", 0, 0, "given up");
    differs("db1", before1, false);
    lab_restart_all(lab, "old.crt");
    die_everywhere(lab, &next, at);
    die(lab, next, "db1", LAB_ENDED); /* all have it, and the phase is the same */
    lab_go("next", "main", "look");
    differs("db1", before1, true);
    differs("db2", before2, true);
    seen = EXPECT_JSON(0, "server", "probe", "db1", "--json"); /* with the names that it had */
    assert_int_equal(
        json_array_size(json_object_get(json_array_get(json_object_get(seen, "chain"), 0), "san")),
        2);
    json_decref(seen);
    lab_pool_lives(lab);
    lab_restart_all(lab, "old.crt");
    lab_ahead("back", "main", 2, 0, "~ ssl_cert_file: ");
    die_everywhere(lab, &back, back_at);
    lab_go("back", "main", "renew");
    differs("db1", before1, false);
    differs("db2", before2, false);
    lab_go("next", "main", "look");
    die_writing(lab, next, 1, 17);
    EXPECT_ERROR(1, "PS-", "rotate", "next", "main", "--yes");
    lab_shows("db1", "CN=Servers");
    login_loop_settle(lab->loop);
    free(before1);
    free(before2);
}

/* ---- another CA of ours ---- */

static void has_both(void)
{
    lab_sh("[ $(grep -c BEGIN trust/main-both.crt) = 2 ]\n"
           "openssl pkcs12 -in trust/main-both.p12 -passin pass:changeit -nokeys | "
           "grep -c friendlyName | grep -qx 2\n");
}

/* Who uses TLS, the file with both, and that everybody has it. */
static void hand_out(struct lab *lab, struct lab_run *run)
{
    char *text;

    lab_restart_all(lab, "old.crt"); /* alice is seen whenever it is looked */
    lab_ahead("next", "main", 0, 1, "no server and no file is changed");
    die_writing(lab, *run, 0, 17);
    expect_phase("main", "files");
    text = EXPECT(0, "rotate", "stragglers", "main");
    assert_non_null(strstr(text, "alice"));
    assert_non_null(strstr(text, "shop"));
    free(text);
    lab_go("back", "main", "who");
    lab_go("next", "main", "files");
    lab_restart_all(lab, "old.crt");
    EXPECT_ERROR(2, "--out", "rotate", "next", "main", "--yes");
    lab_ahead("next", "main", 0, 1, "\\\"main-both.crt\\\" is written");
    run->folder = "trust";
    die_writing(lab, *run, 1, 17);
    run->folder = NULL;
    expect_phase("main", "hand");
    has_both();
    lab_go("back", "main", "files");
    lab_go("next", "main", "hand"); /* the file is there */
    lab_go("back", "main", "files");
    lab_sh("rm trust/main-both.crt");
    lab_go("next", "main", "hand"); /* the truststore is there, with the same in it */
    has_both();
    EXPECT_ERROR(1, "1 role of the list has not got", "rotate", "next", "main", "--yes");
    lab_change_root(lab, lab->quick1, lab->db1, "trust/main-both.crt");
    lab_change_root(lab, lab->quick2, lab->db2, "trust/main-both.crt");
    login_loop_settle(lab->loop);
    lab_restart_all(lab, "trust/main-both.crt");
    free(EXPECT(0, "rotate", "mark", "main", "alice", "--handed"));
    die_writing(lab, *run, 2, 17);
    expect_phase("main", "switch");
}

void test_other_ca(void **state)
{
    static const int at[2][6] = {{4, 10}, {7, 13}};
    static const int back_at[2][6] = {{2, 6}, {7}};
    struct lab *lab = *state;
    struct lab_run run = {.name = "main", .ca = "Servers G2"};

    free(EXPECT(0, "rotate", "server", "main", "--to", "Servers G2"));
    free(EXPECT(0, "rotate", "back", "main", "--yes"));
    free(EXPECT(0, "rotate", "server", "main", "--to", "Servers G2"));
    hand_out(lab, &run);
    lab_go("back", "main", "hand");
    lab_go("next", "main", "switch");
    lab_restart_all(lab, "trust/main-both.crt");
    lab_ahead("next", "main", 2, 1, "1 of 1 roles are marked");
    lab_shows("db1", "CN=Servers");

    /* who has the old one alone is refused from now on: that is what the phases before are for */
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    die_everywhere(lab, &run, at);
    freeze_and_race(lab);
    lab_go("next", "main", "clean");
    lab_shows("db1", "CN=Servers G2");
    lab_shows("db2", "CN=Servers G2");
    login_loop_expect(lab->loop, lab->slow, LOGIN_REFUSED);
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    lab_pool_lives(lab);
    lab_restart_all(lab, "trust/main-both.crt");
    run.back = true;
    die_everywhere(lab, &run, back_at);
    die(lab, run, "db1", LAB_ENDED);
    run.back = false;
    lab_go("back", "main", "switch");
    lab_shows("db1", "CN=Servers");
    lab_shows("db2", "CN=Servers");
    login_loop_expect(lab->loop, lab->slow, LOGIN_IN);
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    lab_go("next", "main", "clean");
    lab_ahead("next", "main", 0, 1, "main-new.crt");
    die_writing(lab, run, 4, 17);
    lab_sh("[ $(grep -c BEGIN trust/main-new.crt) = 1 ]\n");
    lab_change_root(lab, lab->quick1, lab->db1, "trust/main-new.crt");
    lab_change_root(lab, lab->quick2, lab->db2, "trust/main-new.crt");
    lab_change_root(lab, lab->slow, lab->db1, "trust/main-new.crt");
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_IN);
    login_loop_settle(lab->loop);
}
