/* What people paste into the wizard: noise, a request, somebody's private key; and where none is
 * wanted. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "tests/harness/wizard_box.h"

#define PASTE_SIZE ((size_t)64 * 1024)
#define KEY_PART   24 /* bytes of each line of a key that are looked for */

static void shell(const char *wanted, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0 || !strstr(result.out, wanted))
        fail_msg("%s\nstatus %d, wanted \"%s\"\n%s%s", command, result.status, wanted, result.out,
                 result.err);
    command_clear(&result);
}

static char *make(const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    char *out;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s", command, result.err);
    out = result.out;
    result.out = NULL;
    command_clear(&result);
    return out;
}

/* A store with a CA. */
static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

/* Up to the paste box of "Create a client certificate", with the focus in it. */
static void open_box(struct wizard_box *box)
{
    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    wizard_wait(box, "lab");
    pty_type(box->pty, "2");
    wizard_wait(box, "Database role");
    wizard_type(box, "alice");
    wizard_keys(box, KEYS_TAB, 4);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "2 of 3");
    wizard_keys(box, KEYS_DOWN, 1);
    wizard_wait(box, "(*) I have a request (CSR) to paste");
    wizard_keys(box, KEYS_TAB, 1);
    wizard_wait(box, "Ctrl-U Clear");
}

/* For 300 ms after a paste keys count as text of it (input.h): a person is slower. */
static void type_later(struct wizard_box *box, const char *keys)
{
    pty_listen(box->pty, 350);
    pty_type(box->pty, keys);
}

/* As an editor of another system would give it: CRLF, four spaces before each line. */
static char *indented(const char *pem)
{
    struct strbuf out = STRBUF_INIT;

    for (const char *line = pem; *line;) {
        size_t len = strcspn(line, "\n");

        strbuf_add_str(&out, "    ");
        strbuf_add(&out, line, len);
        strbuf_add_str(&out, "\r\n");
        line += len + (line[len] == '\n');
    }
    return strbuf_steal(&out);
}

static void noise_then_a_request(void **state)
{
    struct wizard_box *box = *state;
    struct strbuf noise = STRBUF_INIT;
    char *pem, *crlf;

    while (noise.len < PASTE_SIZE)
        strbuf_printf(&noise,
                      "%06zu \033]0;PWNED\007\033[2J\302\233q q\003 -----BEGIN gr\303\274n\r\n",
                      noise.len);
    pem =
        make("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key "
             "-subj /CN=mallory -addext basicConstraints=CA:TRUE 2>/dev/null");
    crlf = indented(pem);
    open_box(box);
    pty_paste(box->pty, noise.data);
    wizard_wait(box, "Next is off: 1 wrong");
    wizard_wait(box, "[xx] Request: ");
    /* its letters may be shown, its escapes may not */
    assert_null(strstr(pty_output(box->pty)->data, "\033]0;PWNED"));
    assert_null(strstr(pty_output(box->pty)->data, "\302\233"));
    type_later(box, "\025"); /* Ctrl-U */
    wizard_wait(box, " empty ");

    pty_paste(box->pty, crlf);
    wizard_wait(box, "request of \"CN=mallory\", EC P-256 key");
    wizard_wait(box, "it asks to be a CA");
    type_later(box, KEYS_TAB KEYS_TAB);
    wizard_wait(box, WIZARD_AT "< Next >");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "3 of 3");
    wizard_wait(box, "CN = alice, for clients only");
    wizard_keys(box, KEYS_ENTER, 1);
    wizard_wait(box, "Certificate for \"alice\" made.");
    shell("moved", "mv \"$PGSEAL_STORE/clients/alice\" alice && echo moved");
    shell("the same", "openssl x509 -in alice/alice.crt -noout -pubkey > a && openssl pkey -in "
                      "own.key -pubout > b && cmp a b && echo the same");
    shell("CN = alice", "openssl x509 -in alice/alice.crt -noout -subject");
    shell("CA:FALSE", "openssl x509 -in alice/alice.crt -noout -ext basicConstraints");
    shell("none", "test ! -e alice/alice.key && echo none");
    wizard_keys(box, KEYS_ESC, 1);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_type(box->pty, "q");
    wizard_expect_exit(box, 0);
    strbuf_clear(&noise);
    free(crlf);
    free(pem);
}

/* No line of the key stands in what went to the terminal, nor in a file. */
static void expect_nowhere(struct wizard_box *box, const char *key)
{
    int looked = 0;

    for (const char *line = key; *line;) {
        size_t len = strcspn(line, "\n");

        if (len >= KEY_PART && line[0] != '-') { /* its end: keys of one type begin alike */
            char *part = mem_strndup(line + len - KEY_PART, KEY_PART);
            char *command = mem_printf("! grep -arF -e '%s' . && echo nowhere", part);

            if (strstr(pty_output(box->pty)->data, part))
                fail_msg("the key was shown");
            shell("nowhere", command);
            free(command);
            free(part);
            looked++;
        }
        line += len + (line[len] == '\n');
    }
    assert_true(looked > 0);
}

static void a_private_key(void **state)
{
    static const char refusal[] = "This is a private key. It was thrown away and not stored.";
    static const char *const commands[] = {
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x",
        "openssl genrsa -traditional 2048 2>/dev/null",
        /* key and request in one paste */
        "openssl req -new -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=alice 2>/dev/null",
    };
    struct wizard_box *box = *state;

    open_box(box);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        char *key = make(commands[i]), *crlf = indented(key);

        pty_paste(box->pty, crlf);
        wizard_wait(box, refusal);
        wizard_wait(box, " empty ");
        wizard_wait(box, "Next is off: 1 wrong");
        expect_nowhere(box, key);
        assert_null(strstr(pty_output(box->pty)->data, " PRIVATE KEY-"));
        type_later(box, "\025");
        free(crlf);
        free(key);
    }
    pty_type(box->pty, "\003\003");
    wizard_expect_exit(box, 130);
}

/* Keys in a paste run nothing where no text is wanted, with brackets and without. */
static void on_home(void **state)
{
    struct wizard_box *box = *state;

    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_paste(box->pty, "1\r2\rq\r0\r");
    wizard_wait(box, "Paste ignored on this screen: 8 characters.");
    wizard_wait(box, WIZARD_ON_HOME);
    type_later(box, "q");
    wizard_expect_exit(box, 0);

    /* a terminal that never brackets: a burst with line ends is no typing */
    wizard_run(box, NULL);
    wizard_wait(box, WIZARD_ON_HOME);
    pty_type(box->pty, "quit now\r\nquit now\r\nquit now\r\nquit now\r\nquit now\r\nq\r\nq\r\n");
    wizard_wait(box, "Paste ignored on this screen:");
    wizard_wait(box, WIZARD_ON_HOME);
    type_later(box, "q");
    wizard_expect_exit(box, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(noise_then_a_request, setup, teardown),
        cmocka_unit_test_setup_teardown(a_private_key, setup, teardown),
        cmocka_unit_test_setup_teardown(on_home, setup, teardown),
    };

    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
