/* From nothing to a login with a certificate: the wizard by keys, the server by commands, psql. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define CA_PASSPHRASE     "seven yellow lamps"
#define CLIENT_PASSPHRASE "a client's own word"
#define TRIES             10

static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    wizard_run_demo(box, &(struct wizard_options){.keep = true});
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

/* Runs the words in sh; ends with 0, or not, and says this. */
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

static void expect_mode(const char *folder, const char *name, unsigned mode)
{
    char *path = fs_join(folder, name);

    if (command_mode(path) != mode)
        fail_msg("%s has mode %04o, and %04o was expected", path, command_mode(path), mode);
    free(path);
}

static void make_ca(struct wizard_box *box)
{
    pty_type(box->pty, "1");
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "Lab Root");
    wizard_keys(box, KEYS_TAB, 3);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_PASSPHRASE);
    wizard_wait(box, "[*****************"); /* F6 was not pressed */
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CA_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "3 of 3");
    wizard_wait(box, "CN = Lab Root");
    assert_false(pty_has_text(box->pty, "wrong"));
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "The CA \"Lab Root\" is made.");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_wait(box, "Lab Root");
    wizard_wait(box, "0 valid");
}

static void make_client(struct wizard_box *box)
{
    pty_type(box->pty, "2");
    wizard_wait(box, "Database role");
    wizard_type(box, "alice");
    wizard_wait(box, "role \"alice\" is on demo and may log in");
    wizard_wait(box, "Name in cert     [alice");
    wizard_keys(box, KEYS_TAB, 4);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 3);
    pty_type(box->pty, CLIENT_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, CLIENT_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, " ");
    wizard_wait(box, "[x] PKCS#12");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, " ");
    wizard_wait(box, "[x] PKCS#8");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "3 of 3");
    wizard_wait(box, "CA passphrase");

    /* a wrong one first: asked again, and nothing was made */
    pty_type(box->pty, "seven yellow lamp");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Create >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "this passphrase does not open the CA's key");
    pty_type(box->pty, CA_PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Create >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Certificate for \"alice\" made.");
    wizard_wait(box, "alice.p12");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_wait(box, "1 valid");
}

static void check_files(struct wizard_box *box)
{
    char *kit = fs_join(box->store, "clients/alice"), *keys = fs_join(box->store, "keys");

    assert_int_equal(command_mode(box->store), 0700);
    assert_int_equal(command_mode(keys), 0700);
    expect_mode(box->store, "pgseal.db", 0600);
    expect_mode(kit, "alice.crt", 0644);
    expect_mode(kit, "alice.key", 0600);
    expect_mode(kit, "alice.p12", 0600);
    expect_mode(kit, "alice.pk8", 0600);
    expect_mode(kit, "root.crt", 0644);
    expect_mode(kit, "README.txt", 0644);
    assert_int_equal(command_mode(kit) & 0077, 0);
    /* handed over, as the page says: it is gone from here */
    shell(true, "", "mv \"$PGSEAL_STORE/clients/alice\" alice");
    command_write("word", CLIENT_PASSPHRASE "\n", 0600);
    command_write("ca-word", CA_PASSPHRASE "\n", 0600);

    shell(true, "alice.crt: OK",
          "openssl verify -purpose sslclient -CAfile alice/root.crt alice/alice.crt");
    shell(true, "CN = alice", "openssl x509 -in alice/alice.crt -noout -subject");
    shell(true, "TLS Web Client Authentication",
          "openssl x509 -in alice/alice.crt -noout -ext extendedKeyUsage");
    shell(true, "the same",
          "openssl x509 -in alice/alice.crt -noout -pubkey > a && "
          "openssl pkey -in alice/alice.key -passin file:word -pubout > b && "
          "openssl pkcs12 -in alice/alice.p12 -passin file:word -nocerts -nodes | "
          "openssl pkey -pubout > c && cmp a b && cmp a c && echo the same");
    shell(false, "", "openssl pkey -in alice/alice.key -passin pass:wrong -noout");
    shell(true, "", "grep -q 'BEGIN ENCRYPTED PRIVATE KEY' alice/alice.key");
    /* keys/: the CA's, encrypted, and its two canaries'; none inside the database */
    shell(true, "fine",
          "cd \"$PGSEAL_STORE\" && [ \"$(stat -c %a keys/* | sort | uniq -c | xargs)\" = '3 600' ] "
          "&& "
          "set -- $(grep -l 'BEGIN ENCRYPTED' keys/*) && [ $# = 1 ] && "
          "openssl pkey -in \"$1\" -passin \"file:$HOME/ca-word\" -noout && "
          "! grep -aq 'PRIVATE KEY' pgseal.db && echo fine");
    free(keys);
    free(kit);
}

/* The demo plays alice without a certificate, now and then: the command refuses to lock her out,
 * says how many sessions it would be, and goes on when exactly that is accepted. */
static void require_certificate(void)
{
    char accept[40] = "--accept-refused=0";

    for (int i = 0; i < TRIES; i++) {
        struct command_result result;
        const char *error;
        int refused = 0;

        command_run(&result, NULL, "server", "require", "demo", "--database", "app", "--role",
                    "alice", "--from", "127.0.0.1/32", "--yes", accept, NULL);
        if (result.status == 0) {
            command_clear(&result);
            return;
        }
        error = strstr(result.err, "error PS-2109: ");
        if (!error || (!strstr(error, "nobody would be refused") && /* she has just gone */
                       sscanf(error, "error PS-2109: %d session", &refused) != 1))
            fail_msg("status %d\n%s", result.status, result.err);
        (void)snprintf(accept, sizeof(accept), "--accept-refused=%d", refused);
        command_clear(&result);
    }
    fail_msg("never as many sessions of alice as a moment before");
}

/* While the wizard is open: the same store, by commands. */
static void set_up_server(void)
{
    free(EXPECT(0, "server", "tls", "demo", "--host", "127.0.0.1", "--passphrase-file", "ca-word",
                "--yes"));
    free(EXPECT(0, "server", "trust", "demo", "--ca", "Lab Root", "--yes"));
    require_certificate();
}

static void log_in(struct wizard_box *box)
{
    char *conninfo = mem_printf("host=127.0.0.1 port=%d dbname=app user=alice sslmode=verify-full "
                                "sslrootcert=alice/root.crt",
                                box->port);
    char *with = mem_printf("psql -XAtc 'SELECT current_user, client_dn, ssl FROM pg_stat_ssl "
                            "WHERE pid = pg_backend_pid()' \"%s sslcert=alice/alice.crt "
                            "sslkey=alice/alice.key sslpassword='a client\\\\'s own word'\"",
                            conninfo);
    char *without = mem_printf("psql -wXAtc 'SELECT 1' \"%s\"", conninfo);

    shell(true, "alice|/CN=alice|t", with);
    shell(false, "connection requires a valid client certificate", without);
    free(with);
    free(without);
    free(conninfo);
}

static void from_nothing_to_a_login(void **state)
{
    struct wizard_box *box = *state;

    make_ca(box);
    make_client(box);
    check_files(box);
    wizard_wait(box, "no TLS");
    set_up_server();
    log_in(box);
    wizard_keys(box, KEYS_F5, 1);
    wizard_wait(box, "TLS on, CA ok");

    /* nothing secret ever stood on the terminal */
    assert_null(strstr(pty_output(box->pty)->data, "yellow"));
    assert_null(strstr(pty_output(box->pty)->data, "own word"));
    assert_null(strstr(pty_output(box->pty)->data, "PRIVATE KEY"));

    pty_type(box->pty, "q");
    wizard_expect_exit(box, 0);
    wizard_wait(box, "server stopped; its folder is kept");
    assert_false(wizard_process_is_there(box->postmaster));
    assert_true(fs_exists(box->store));
    shell(true, "fine",
          "! grep -rq 'own word\\|yellow' \"$PGSEAL_STORE\" .local 2>/dev/null && "
          "echo fine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_nothing_to_a_login, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
