/* F2, then w: the file that it writes runs in sh, and makes what the page makes. */
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

/* What must be equal: subject, kind of key, and all that says what the certificate is for. */
#define LOOK                                                                                       \
    "openssl x509 -noout -subject -nameopt utf8 "                                                  \
    "-ext basicConstraints,keyUsage,extendedKeyUsage -in "
#define KEY_OF "openssl x509 -noout -text -in "

static void shell(const char *wanted, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-euc", command, NULL);
    if (result.status != 0 || !strstr(result.out, wanted))
        fail_msg("%s\nstatus %d, wanted \"%s\"\n%s%s", command, result.status, wanted, result.out,
                 result.err);
    command_clear(&result);
}

static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

/* F2 on the page that is open, and its lines into a file. */
static void write_commands(struct wizard_box *box, const char *file)
{
    wizard_keys(box, KEYS_F2, 1);
    wizard_wait(box, "Commands: the same by hand");
    pty_type(box->pty, "w");
    wizard_wait(box, "Write to: pgseal-commands.txt_");
    pty_type(box->pty, "\025");
    wizard_wait(box, "Write to: _");
    pty_type(box->pty, file);
    wizard_wait(box, file);
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Written to ");
    assert_int_equal(command_mode(file), 0600);

    pty_type(box->pty, "w"); /* what is there is never overwritten */
    wizard_wait(box, "Enter writes");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "exists");
    wizard_keys(box, KEYS_ESC, 1);
    pty_wait_no_text(box->pty, "Commands: the same by hand");
}

/* Runs the openssl lines in hand/, and the pgseal line with a store of its own. */
static void run_file(const char *file)
{
    char *command =
        mem_printf("mkdir -p hand && sed '/^# the same with pgseal/,$d' %s > hand/%s && "
                   "cd hand && sh -eu ./%s 2>&1 && echo fine",
                   file, file, file);

    shell("fine", command);
    free(command);
    command = mem_printf("sed '1,/^# the same with pgseal/d' %s > line.sh && grep -q '^pgseal ' "
                         "line.sh && PGSEAL_STORE=\"$HOME/second\" PATH=\"${PGSEAL%%/*}:$PATH\" "
                         "sh -eu ./line.sh 2>&1 && echo fine",
                         file);
    shell("fine", command);
    free(command);
}

/* Both others are like the first. */
static void compare(const char *first, const char *second, const char *third)
{
    const char *const others[] = {second, third};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char *command =
            mem_printf(LOOK "%s > a && " LOOK "%s > b && diff a b && " KEY_OF
                            "%s | grep -A1 'Public-Key\\|Algorithm:' > a && " KEY_OF
                            "%s | grep -A1 'Public-Key\\|Algorithm:' > b && diff a b && test -s a",
                       first, others[i], first, others[i]);

        shell("", command);
        free(command);
    }
}

static void make_ca(struct wizard_box *box)
{
    pty_type(box->pty, "1");
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "Acme's Root");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, "\0254");
    wizard_wait(box, "Valid for        [4 ");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) none");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "A CA key without a passphrase?");
    pty_type(box->pty, "y");
    wizard_wait(box, "3 of 3");
    write_commands(box, "ca.txt");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "is made.");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
}

static void make_client(struct wizard_box *box)
{
    pty_type(box->pty, "2");
    wizard_wait(box, "Database role");
    wizard_type(box, "o'brien");
    wizard_keys(box, KEYS_TAB, 3);
    pty_type(box->pty, "\02590");
    wizard_wait(box, "Valid for        [90 ");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) RSA");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) none");
    wizard_keys(box, KEYS_TAB, 2);
    pty_type(box->pty, " ");
    wizard_wait(box, "[x] PKCS#8");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "3 of 3");
    write_commands(box, "client.txt");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Certificate for \"o'brien\" made.");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
}

static void lines_run(void **state)
{
    struct wizard_box *box = *state;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    make_ca(box);
    run_file("ca.txt");
    free(EXPECT(0, "ca", "export", "Acme's Root", "--out", "made-ca.crt"));
    shell("",
          "PGSEAL_STORE=\"$HOME/second\" \"$PGSEAL\" ca export \"Acme's Root\" --out line-ca.crt");
    compare("made-ca.crt", "hand/ca.crt", "line-ca.crt");
    shell("CN=Acme's Root", LOOK "hand/ca.crt");
    shell("CA:TRUE", LOOK "hand/ca.crt");

    make_client(box);
    shell("", "mv \"$PGSEAL_STORE/clients/o_brien\" made"); /* the pgseal line writes there too */
    run_file("client.txt");
    shell("", "mv \"$PGSEAL_STORE/clients/o_brien\" o_brien");
    compare("made/o_brien.crt", "hand/o_brien.crt", "o_brien/o_brien.crt");
    shell("CN=o'brien", LOOK "hand/o_brien.crt");
    shell("TLS Web Client Authentication", LOOK "hand/o_brien.crt");
    shell("rsaEncryption", KEY_OF "hand/o_brien.crt");
    shell("OK", "openssl verify -purpose sslclient -CAfile hand/ca.crt hand/o_brien.crt");
    shell("fine", "test -s hand/o_brien.pk8 && test -s made/o_brien.pk8 && "
                  "test -s o_brien/o_brien.pk8 && echo fine");

    /* Home: what it looked at can be looked at by commands */
    write_commands(box, "home.txt");
    shell("Acme's Root", "sed '1,/^# what this page/d; /server probe NAME/d' home.txt > line.sh && "
                         "grep -c pgseal line.sh | grep -q 2 && PATH=\"${PGSEAL%/*}:$PATH\" "
                         "sh -eu ./line.sh");
    pty_type(box->pty, "q");
    wizard_expect_exit(box, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_run, setup, teardown),
    };

    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
