/* wizard_rotate.c - another CA for the clients, and a new certificate for one, key by key on a real server:
 * who is left is shown, nobody is refused before the last steps, keys work while the server hangs. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/session_stage.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define LOOKS    200
#define CA_WORD  "seven yellow lamps"
#define ROTATION "Another CA for \"" STAGE_CA "\""

struct stage {
    struct wizard_box box;
    struct pg *pg;
};

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    void *pg = NULL;

    wizard_box_open(&stage->box);
    if (pg_setup(&pg))
        return -1;
    stage->pg = pg;
    session_stage_open(stage->pg);
    pg_run(stage->pg->admin, "CREATE ROLE alice LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE bob LOGIN");
    session_stage_issue("alice", 365, "alice");
    session_stage_issue("bob", 365, "bob");
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    void *pg = stage->pg;
    int result = pg_teardown(&pg);

    wizard_box_close(&stage->box);
    free(stage);
    return result;
}

/* Logs in with these files and leaves; false: it was refused. */
/* As the pool does: a look may see it, and then the pool counts as moved when it is seen again. */
static bool gets_in(const struct stage *stage, const char *role, const char *folder)
{
    char *certificate = session_stage_certificate(folder, role);
    char *conninfo = mem_printf("host=127.0.0.1 port=%d dbname=postgres user=%s"
                                " application_name=pool %s",
                                demo_port(stage->pg->demo), role, certificate);
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *result = PQexec(conn, "SELECT 1");
    bool in = PQresultStatus(result) == PGRES_TUPLES_OK;

    assert_true(fs_exists(folder)); /* without its files it would get in by the open rules */
    PQclear(result);
    PQfinish(conn);
    free(conninfo);
    free(certificate);
    return in;
}

static PGconn *hold_open(const struct stage *stage, const char *role, const char *folder)
{
    char *certificate = session_stage_certificate(folder, role);
    PGconn *conn = session_stage_log_in(stage->pg, role, "pool", certificate);

    free(certificate);
    return conn;
}

static void press(struct stage *stage, const char *button)
{
    char *at = mem_printf(WIZARD_AT "< %s >", button);

    wizard_wait(&stage->box, at);
    wizard_keys(&stage->box, KEYS_ENTER, 1);
    free(at);
}

/* The list from Home, its line that has this word. */
static void open_line(struct stage *stage, const char *word)
{
    struct wizard_box *box = &stage->box;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_type(box->pty, "r");
    wizard_wait(box, "USED ON");
    pty_type(box->pty, "/");
    pty_type(box->pty, word);
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait_row(box, WIZARD_AT, word);
}

/* n on the rotation's page, up to its review. */
static void next_step(struct stage *stage)
{
    pty_type(stage->box.pty, "n");
    wizard_wait(&stage->box, "Next step");
}

/* The review's button, and yes to the plain question. */
static void do_it(struct stage *stage, bool asks)
{
    press(stage, "Do it");
    if (!asks)
        return;
    wizard_wait(&stage->box, WIZARD_AT "< Cancel >");
    pty_type(stage->box.pty, "y");
}

static void done(struct stage *stage, const char *result, const char *then)
{
    wizard_wait(&stage->box, result);
    press(stage, "Done");
    wizard_wait(&stage->box, then);
}

/* ---- another CA for the clients ---- */

static void begin_ca(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    open_line(stage, STAGE_CA);
    pty_type(box->pty, "G"); /* the CA ends last */
    wizard_wait_row(box, WIZARD_AT, "CA  ", STAGE_CA);
    pty_type(box->pty, "r");
    wizard_wait(box, "another CA for the clients");
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "Quiet time");
    wizard_keys(box, KEYS_TAB, 2);
    pty_type(box->pty, "\0250"); /* empties it: none at all, for this test */
    wizard_keys(box, KEYS_TAB, 2);
    press(stage, "Next");
    wizard_wait(box, "It is only begun");
    press(stage, "Begin");
    wizard_wait(box, "[>>] 1 ");
    wizard_wait(box, ROTATION);
}

static void make_ca(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    next_step(stage);
    wizard_wait(box, "Key protection");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_WORD);
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_WORD);
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    do_it(stage, false);
    done(stage, "Now in step 2 of 6", "[>>] 2 ");
}

/* The postmaster stands still, and nothing of the page does: were it to wait for the server itself, it
 * would never say that it works. */
static void server_hangs(struct stage *stage)
{
    struct wizard_box *box = &stage->box;
    struct err err = ERR_INIT;

    assert_true(demo_freeze(stage->pg->demo, true, &err));
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "all keys work meanwhile");
    pty_type(box->pty, "w");
    wizard_wait(box, "Why this step");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, ROTATION);
    pty_type(box->pty, "n");
    wizard_wait(box, "Working. It takes a moment.");
    wizard_keys(box, KEYS_F1, 1);
    wizard_wait(box, "Keys everywhere");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, "Working. It takes a moment.");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, ROTATION);
    assert_true(demo_freeze(stage->pg->demo, false, &err));
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "It can be left at any time");
}

static void trust_both(struct stage *stage)
{
    next_step(stage);
    wizard_wait(&stage->box, "ssl_ca_file");
    press(stage, "Next");
    wizard_wait(&stage->box, "~ servers");
    do_it(stage, true);
    done(stage, "Now in step 3 of 6", "[>>] 3 ");
    wizard_wait(&stage->box, "old and new");
    assert_true(gets_in(stage, "alice", "alice"));
}

static void make_kits(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    next_step(stage);
    wizard_wait(box, "Kits in");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_keys(box, KEYS_DOWN, 1); /* no passphrase */
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    wizard_wait(box, "CA passphrase");
    pty_type(box->pty, CA_WORD);
    wizard_keys(box, KEYS_TAB, 1);
    do_it(stage, false);
    done(stage, "2 certificates made", "[>>] 4 ");
}

/* alice moves; bob's pool holds a session with the old one, and he is named until it ends. */
static void clients_move(struct stage *stage, const char *kits)
{
    struct wizard_box *box = &stage->box;
    char *alice = fs_join(kits, "alice"), *bob = fs_join(kits, "bob");
    PGconn *old = hold_open(stage, "bob", "bob"), *moved = hold_open(stage, "alice", alice);

    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "1 of 2 moved");
    pty_type(box->pty, "s");
    wizard_wait_row(box, "bob", "pool", "127.0.0.1", STAGE_SERVER, "[!!] 1");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, ROTATION);
    pty_type(box->pty, "m");
    wizard_wait_row(box, "alice", "[ok] moved");
    wizard_wait_row(box, "bob", "[>>] made");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, ROTATION);
    PQfinish(old);
    PQfinish(moved);
    moved = hold_open(stage, "bob", bob);
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "2 of 2 moved");
    PQfinish(moved);
    free(alice);
    free(bob);
}

static void retire(struct stage *stage, const char *kits)
{
    struct wizard_box *box = &stage->box;
    char *alice = fs_join(kits, "alice");

    for (int i = 0; i < LOOKS && !pty_has_text(box->pty, "nothing blocks"); i++) {
        wizard_keys(box, KEYS_F5, 1); /* until the pool's session is gone for a second */
        wizard_wait(box, "all keys work meanwhile");
        pty_wait_no_text(box->pty, "all keys work meanwhile");
    }
    wizard_wait(box, "nothing blocks");
    next_step(stage);
    do_it(stage, false);
    done(stage, "Now in step 5 of 6", "[>>] 5 ");
    next_step(stage);
    wizard_wait(box, "~ ssl_ca_file");
    press(stage, "Next");
    do_it(stage, true);
    done(stage, "Now in step 6 of 6", "[>>] 6 ");
    assert_true(gets_in(stage, "alice", alice));
    assert_false(gets_in(stage, "alice", "alice"));
    free(alice);
}

/* It cannot be taken back: the name is typed. */
static void end_key(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    next_step(stage);
    wizard_wait(box, "The old key");
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    press(stage, "Do it");
    wizard_wait(box, "This cannot be taken back.");
    wizard_type(box, STAGE_CA);
    wizard_keys(box, KEYS_TAB, 2);
    press(stage, "Do it");
    done(stage, "The rotation is done.", "All of it is done.");
}

static void ca_rotation(void **state)
{
    struct stage *stage = *state;
    struct wizard_box *box = &stage->box;
    char *kits = fs_join(box->store, "clients/rotation-Acme_PG_Root");

    begin_ca(stage);
    make_ca(stage);
    server_hangs(stage);
    trust_both(stage);
    make_kits(stage);
    clients_move(stage, kits);
    retire(stage, kits);
    end_key(stage);
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
    free(kits);
}

/* ---- a new certificate for one role ---- */

static void begin_client(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    open_line(stage, "alice");
    pty_type(box->pty, "r");
    wizard_wait(box, "a new one for this role");
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    wizard_wait(box, "It is only begun");
    press(stage, "Begin");
    wizard_wait(box, "[>>] 1 ");
    wizard_wait(box, "New certificate for \"alice\"");
}

static void make_one(struct stage *stage)
{
    struct wizard_box *box = &stage->box;

    next_step(stage);
    wizard_wait(box, "Kits in");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    do_it(stage, false);
    done(stage, "1 certificate made", "[>>] 2 ");
}

static void one_moves(struct stage *stage, const char *kit)
{
    struct wizard_box *box = &stage->box;
    PGconn *conn;

    pty_type(box->pty, "m");
    wizard_wait_row(box, "alice", "[>>] made");
    pty_type(box->pty, "x");
    wizard_wait(box, "When that ends or is revoked");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, "x goes on without a client.");
    pty_type(box->pty, "h");
    wizard_wait_row(box, "alice", "[>>] handed");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, "0 of 1 moved");
    conn = hold_open(stage, "alice", kit);
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "1 of 1 moved");
    PQfinish(conn);
    next_step(stage);
    do_it(stage, false);
    done(stage, "Now in step 3 of 3", "[>>] 3 ");
}

/* Back and on again; then the old one is revoked, on the server too. */
static void old_goes(struct stage *stage)
{
    struct wizard_box *box = &stage->box;
    PGconn *conn;

    pty_type(box->pty, "b");
    wizard_wait(box, "Back to");
    do_it(stage, true);
    done(stage, "Back in step 2 of 3", "[>>] 2 ");
    conn = hold_open(stage, "alice", "alice");
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "1 now: s shows who");
    PQfinish(conn);
    next_step(stage);
    do_it(stage, false);
    done(stage, "Now in step 3 of 3", "[>>] 3 ");

    next_step(stage);
    wizard_wait(box, "revoke the old ones");
    pty_type(box->pty, " ");
    wizard_wait(box, "Accept");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, "1"); /* herself, with the old one just now */
    wizard_keys(box, KEYS_TAB, 1);
    press(stage, "Next");
    press(stage, "Do it");
    wizard_wait(box, "This cannot be taken back.");
    wizard_type(box, "alice");
    wizard_keys(box, KEYS_TAB, 2);
    press(stage, "Do it");
    done(stage, "The rotation is done.", "All of it is done.");
}

static void client_rotation(void **state)
{
    struct stage *stage = *state;
    struct wizard_box *box = &stage->box;
    char *kit = fs_join(box->store, "clients/rotation-alice/alice");

    begin_client(stage);
    make_one(stage);
    one_moves(stage, kit);
    old_goes(stage);
    assert_true(gets_in(stage, "alice", kit));
    assert_false(gets_in(stage, "alice", "alice"));
    assert_true(gets_in(stage, "bob", "bob"));
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
    free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ca_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(client_rotation, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
