/* wizard_guide.c - the whole way by following the pages of "pgseal demo", key by key: server, CA, TLS, the
 * CA on the server, a certificate, the rule that would refuse sessions that are open, and a login that proves
 * it; psql has the last word. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define CA_PASSPHRASE     "seven yellow lamps"
#define CLIENT_PASSPHRASE "a clients own word"

static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    wizard_run_demo(box, NULL);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

static void press(struct wizard_box *box, const char *button)
{
    char *at = mem_printf(WIZARD_AT "< %s >", button);

    wizard_wait(box, at);
    wizard_keys(box, KEYS_ENTER, 1);
    free(at);
}

/* Tab by Tab to a button, at most this often. */
static void go_to(struct wizard_box *box, const char *button, int tabs)
{
    wizard_keys(box, KEYS_TAB, tabs);
    press(box, button);
}

static void back_in_the_walk(struct wizard_box *box, const char *done)
{
    wizard_wait(box, "From a server to a login with a certificate");
    wizard_wait(box, done);
}

/* Review, question, proof, "keep", and back. */
static void apply_and_keep(struct wizard_box *box)
{
    press(box, "Apply...");
    wizard_wait(box, "Apply this plan?");
    pty_type(box->pty, "y");
    press(box, "Keep the change");
    wizard_wait(box, "Kept.");
    press(box, "Go on");
}

static void make_ca(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "Lab Root");
    go_to(box, "Next", 3);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_PASSPHRASE);
    go_to(box, "Next", 1);
    press(box, "Create");
    wizard_wait(box, "The CA \"Lab Root\" is made.");
    press(box, "Next step");
    back_in_the_walk(box, "2 of 7 done");
}

static void give_tls(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Names of the server");
    go_to(box, "See the plan", 2);
    wizard_wait(box, "Passphrase of the CA \"Lab Root\"");
    pty_type(box->pty, CA_PASSPHRASE);
    go_to(box, "Go on", 1);
    apply_and_keep(box);
    back_in_the_walk(box, "3 of 7 done");
}

static void give_ca(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Take the CA from");
    go_to(box, "See the plan", 3);
    apply_and_keep(box);
    back_in_the_walk(box, "4 of 7 done");
}

static void make_client(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Database role");
    wizard_type(box, "dora");
    wizard_wait(box, "role \"dora\" is on demo and may log in");
    go_to(box, "Next", 4);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 3);
    pty_type(box->pty, CLIENT_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CLIENT_PASSPHRASE);
    go_to(box, "Next", 4);
    wizard_wait(box, "CA passphrase");
    pty_type(box->pty, CA_PASSPHRASE);
    go_to(box, "Create", 1);
    wizard_wait(box, "Certificate for \"dora\" made.");
    press(box, "Next step");
    back_in_the_walk(box, "5 of 7 done");
}

/* In sh: true when it ended as wanted and said this. */
static void shell(bool works, const char *wanted, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if ((result.status == 0) != works ||
        (!strstr(result.out, wanted) && !strstr(result.err, wanted)))
        fail_msg("%s\nstatus %d, wanted \"%s\"\n%s%s", command, result.status, wanted, result.out,
                 result.err);
    command_clear(&result);
}

/* She has been there all the while, by her password: the rule would refuse her. */
static struct pty *dora_comes(struct wizard_box *box)
{
    char *admin = mem_printf("psql -qX -h %s/socket -p %d -U admin postgres -c \"CREATE ROLE dora "
                             "LOGIN PASSWORD 'x'\"",
                             box->demo, box->port);
    char *conninfo = mem_printf("host=127.0.0.1 port=%d dbname=app user=dora sslcert=none "
                                "sslmode=prefer",
                                box->port);
    const char *argv[] = {"psql", "-X", conninfo, NULL};
    const char *env[] = {"PGPASSWORD=x", NULL};
    struct pty *psql;

    shell(true, "", admin);
    psql = pty_start(&(struct pty_options){.argv = argv, .env = env});
    pty_wait_text(psql, "app=>");
    free(admin);
    free(conninfo);
    return psql;
}

static void require(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "decides for \"dora\":"); /* the role is the one of the step before */
    wizard_wait(box, "the one session of \"dora\" has no certificate");
    go_to(box, "See the plan", 6);
    wizard_wait(box, "1 session that is open now could not come back: r shows it");
    pty_type(box->pty, "r");
    wizard_wait(box, "Refused: 1 connected now");
    wizard_wait(box, "refuses what comes without TLS");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "->   6  hostnossl all dora all reject # pgseal");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, "Refused: 1 connected now");
    wizard_keys(box, KEYS_ESC, 1);
    press(box, "Apply...");
    wizard_wait(box, "Refused  1 session that is open now could not come back");
    wizard_keys(box, KEYS_ENTER, 1); /* the safe answer is marked */
    wizard_wait(box, "Not applied yet.");
    apply_and_keep(box);
    back_in_the_walk(box, "6 of 7 done");
}

static void try_login(struct wizard_box *box)
{
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "certificate of \"dora\"");
    wizard_wait(box, "Passphrase");
    wizard_keys(box, KEYS_TAB, 3);
    pty_type(box->pty, CLIENT_PASSPHRASE);
    go_to(box, "Try", 1);
    wizard_wait(box, "Proven: the certificate opens the door, and nothing else does.");
    press(box, "Go on");
    back_in_the_walk(box, "7 of 7 done");
    wizard_wait(box, "All of it is done and proven.");
}

static void psql_says_so(struct wizard_box *box)
{
    char *with = mem_printf(
        "psql -XAtc 'SELECT current_user, client_dn FROM pg_stat_ssl WHERE pid "
        "= pg_backend_pid()' \"host=127.0.0.1 port=%d dbname=app user=dora "
        "sslmode=verify-full sslrootcert=$PGSEAL_STORE/clients/dora/root.crt "
        "sslcert=$PGSEAL_STORE/clients/dora/dora.crt sslkey=$PGSEAL_STORE/clients/dora/dora.key "
        "sslpassword='" CLIENT_PASSPHRASE "'\"",
        box->port);
    char *without = mem_printf("psql -wXAtc 'SELECT 1' \"host=127.0.0.1 port=%d dbname=app "
                               "user=dora sslmode=require sslcert=none\"",
                               box->port);

    shell(true, "dora|/CN=dora", with);
    shell(false, "requires a valid client certificate", without);
    free(with);
    free(without);
}

static void from_a_server_to_a_login(void **state)
{
    struct wizard_box *box = *state;
    struct pty *dora = dora_comes(box);

    wizard_wait(box, WIZARD_AT "s  Set up everything");
    wizard_keys(box, KEYS_ENTER, 1);
    back_in_the_walk(box, "1 of 7 done");
    make_ca(box);
    give_tls(box);

    /* left in the middle, and taken up again where it was */
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_wait_no_text(box->pty, "3 of 7 done"); /* all of the frame has come */
    pty_type(box->pty, "s");
    back_in_the_walk(box, "3 of 7 done");

    give_ca(box);
    make_client(box);
    require(box);
    pty_type(dora, "SELECT 'still ' || 'here';\r"); /* what is open stays open */
    pty_wait_text(dora, "still here");
    pty_free(dora);
    try_login(box);
    psql_says_so(box);

    assert_null(strstr(pty_output(box->pty)->data, "yellow"));
    assert_null(strstr(pty_output(box->pty)->data, "own word"));
    assert_null(strstr(pty_output(box->pty)->data, "PRIVATE KEY"));
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
    wizard_expect_nothing_left(box, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_a_server_to_a_login, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
