/* A CA and a client certificate made by keys and written down, then made again from the file. */
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
#include "tests/harness/wizard_box.h"

#define PASSPHRASE "long words 7"

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

static void run(struct wizard_box *box, const char *const *args)
{
    pty_free(box->pty);
    box->pty = NULL;
    wizard_run(box, &(struct wizard_options){.args = args});
}

/* What a person does in both runs: the passphrase, the reviews, the results. */
static void make_the_ca(struct wizard_box *box)
{
    wizard_wait(box, "2 of 3");
    wizard_wait(box, "Again            [   ");
    pty_type(box->pty, PASSPHRASE);
    wizard_wait(box, "[************ ");
    wizard_keys(box, KEYS_TAB, 1);
    pty_type(box->pty, PASSPHRASE);
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "3 of 3");
    wizard_wait(box, WIZARD_AT "< Create >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "is made.");
    wizard_keys(box, KEYS_ESC, 1);
}

static void make_the_certificate(struct wizard_box *box)
{
    wizard_wait(box, "3 of 3");
    wizard_wait(box, "CA passphrase");
    pty_type(box->pty, PASSPHRASE);
    wizard_wait(box, "[************ ");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Create >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Certificate for \"alice\" made.");
    wizard_keys(box, KEYS_CTRL_Q, 1);
    wizard_expect_exit(box, 0);
}

static void by_keys(struct wizard_box *box)
{
    run(box, (const char *const[]){"--save-answers", "run.txt", NULL});
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_keys(box, "1", 1);
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "Acme = Root");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) EC P-384");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 1);
    make_the_ca(box);
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_keys(box, "2", 1);
    wizard_wait(box, "Database role");
    wizard_type(box, "alice");
    wizard_keys(box, KEYS_TAB, 4);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) none");
    wizard_keys(box, KEYS_TAB, 2);
    wizard_keys(box, " ", 1);
    wizard_wait(box, "[x] PKCS#8");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    make_the_certificate(box);
}

/* What must be the same: who it is for, for how long, the key's type, the files. */
static char *made(void)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    char *ret;

    command_run(&result, &options, "-euc",
                "cd \"$PGSEAL_STORE/clients\"; openssl x509 -noout -subject -issuer -ext "
                "extendedKeyUsage -in alice/alice.crt; "
                "openssl x509 -noout -text -in alice/alice.crt | grep -A1 'Public-Key'; "
                "openssl x509 -noout -text -in alice/root.crt | grep 'Public-Key'; ls alice",
                NULL);
    assert_int_equal(result.status, 0);
    ret = mem_strdup(result.out);
    command_clear(&result);
    return ret;
}

static void again(struct wizard_box *box)
{
    struct err err = ERR_INIT;

    assert_true(fs_remove_tree(box->store, &err));
    run(box, (const char *const[]){"--answers", "run.txt", "--save-answers", "again.txt", NULL});
    /* home and the CA's details are answered; the passphrase is not, and has the focus */
    wizard_wait(box, "\"Passphrase\" is asked.");
    make_the_ca(box); /* back on home: on to the client's pages by itself, up to the review */
    make_the_certificate(box);
}

static void a_second_run(void **state)
{
    struct wizard_box *box = *state;
    char *first, *second, *answers, *answers_again;

    by_keys(box);
    first = made();
    assert_non_null(strstr(first, "alice.pk8"));
    answers = command_read("run.txt");
    assert_int_equal(command_mode("run.txt"), 0600);
    assert_non_null(strstr(answers, "\nName of the CA = Acme = Root\n"));
    assert_null(strstr(answers, PASSPHRASE));
    again(box);
    second = made();
    assert_string_equal(first, second);
    answers_again = command_read("again.txt");
    assert_string_equal(answers, answers_again);
    free(answers);
    free(answers_again);
    free(first);
    free(second);
}

static void files_that_cannot_be_used(void **state)
{
    struct wizard_box *box = *state;

    command_write("bad.txt", "[home]\n", 0600);
    run(box, (const char *const[]){"--answers", "bad.txt", NULL});
    pty_wait_output(box->pty, "this is no file of answers");
    wizard_expect_exit(box, 2);
    command_write("newer.txt", "pgseal answers 2\n", 0600);
    run(box, (const char *const[]){"--answers", "newer.txt", NULL});
    pty_wait_output(box->pty, "have version \"2\"");
    wizard_expect_exit(box, 2);
    run(box, (const char *const[]){"--save-answers", "bad.txt", NULL});
    pty_wait_output(box->pty, "PS-3001");
    wizard_expect_exit(box, 1);

    command_write("other.txt",
                  "pgseal answers 1\n[home]\nChoose = Create a certificate authority (CA)\n"
                  "[new-ca]\nName of the CA = x\nColour = red\n",
                  0600);
    run(box, (const char *const[]){"--answers", "other.txt", NULL});
    pty_wait_output(box->pty, "line 6 of the answers: the page \"new-ca\" has no \"Colour\"");
    wizard_expect_exit(box, 2);
    assert_false(fs_exists(box->store)); /* nothing was made */

    command_write("left.txt",
                  "pgseal answers 1\n[home]\nChoose = Words explained\n[thing]\nx = y\n", 0600);
    run(box, (const char *const[]){"--answers", "left.txt", NULL});
    wizard_wait(box, "words");
    wizard_keys(box, KEYS_CTRL_Q, 1);
    pty_wait_output(box->pty, "left over: from line 4 on, page \"thing\"");
    wizard_expect_exit(box, 0);
    EXPECT_ERROR(2, "there is no flag", "list", "--answer", "left.txt");
    EXPECT_ERROR(2, "has no flag \"--answers\"", "list", "--answers", "left.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_run, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_used, setup, teardown),
    };

    return cmocka_run_group_tests_name("wizard answers", tests, NULL, NULL);
}
