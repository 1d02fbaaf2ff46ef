/* trust_paste.c - everything that people paste, through the page that gives a server a CA: cleaned and
 * named, or refused with its own sentence; a private key is wiped. What is pasted is made by openssl. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/server.h"
#include "screens/pages.h"
#include "tests/harness/page_box.h"

#define CA_NAME "CN=Paste CA"
#define NEW_KEY "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "

struct story {
    struct page_box box;
    char *ca; /* PEM, LF */
};

static char *text_of(const struct story *story, const char *name)
{
    char *path = fs_join(story->box.box.folder, name), *text = box_read(path);

    free(path);
    return text;
}

/* ca, ca2 (its intermediate), leaf, csr, crl, keys, and the other forms of them */
static void make_files(struct story *story)
{
    char *output;

    if (box_run(&output,
                "exec 2>&1; cd '%s' && set -e; " NEW_KEY "ca.key; "
                "openssl req -x509 -new -key ca.key -subj '/CN=Paste CA' -days 3650 -out "
                "ca.crt; " NEW_KEY "leaf.key; "
                "openssl req -new -key leaf.key -subj /CN=alice -out leaf.csr; "
                "printf 'basicConstraints=CA:FALSE\\nextendedKeyUsage=clientAuth\\n' > leaf.ext; "
                "openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -days 30 -extfile "
                "leaf.ext -out leaf.crt; " NEW_KEY "sub.key; "
                "openssl req -new -key sub.key -subj '/CN=Paste Sub CA' -out sub.csr; "
                "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=keyCertSign,cRLSign\\n' > "
                "sub.ext; "
                "openssl x509 -req -in sub.csr -CA ca.crt -CAkey ca.key -days 900 -extfile sub.ext "
                "-out sub.crt; "
                "touch index.txt; echo 01 > crlnumber; "
                "printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\n"
                "default_md=sha256\\ndefault_crl_days=300\\n' > ca.cnf; "
                "openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.crt -out ca.crl; "
                "openssl x509 -in ca.crt -addtrust serverAuth -trustout -out trusted.crt; "
                "openssl x509 -in ca.crt -text -out text.crt; "
                "openssl pkey -in ca.key -pubout -out ca.pub; "
                "openssl crl2pkcs7 -nocrl -certfile ca.crt -out ca.p7b; "
                "openssl pkcs8 -topk8 -in ca.key -passout pass:x -out enc.key; "
                "openssl x509 -in ca.crt -outform DER -out ca.der; "
                "cat sub.crt ca.crt > chain.pem; cat ca.key ca.crt > both.pem",
                story->box.box.folder) != 0)
        fail_msg("%s", output);
    free(output);
    free(story->ca);
    story->ca = text_of(story, "ca.crt");
}

static int begin(void **state)
{
    struct story *story = mem_zalloc(sizeof(*story));
    char name[] = "db1", conninfo[] = "host=127.0.0.1 port=1 user=postgres", none[] = "",
         provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = none,
                            .provider = provider,
                            .system_identifier = none};
    struct err err = ERR_INIT;

    page_box_open(&story->box, "db1", NULL, &ui_ascii);
    clock_replace(NULL); /* openssl has the real time */
    BOX_OK(server_add(story->box.box.store, &server, &err));
    make_files(story);
    navigator_push(story->box.navigator, page_trust(story->box.app));
    page_box_wait(&story->box, "there is none yet"); /* no CA of ours: paste is chosen */
    ui_key(story->box.navigator, KEY_CODE_TAB);
    *state = story;
    return 0;
}

static int end(void **state)
{
    struct story *story = *state;

    page_box_close(&story->box);
    free(story->ca);
    free(story);
    return 0;
}

static void paste(struct story *story, const char *text)
{
    ui_key(story->box.navigator, KEY_CODE_CTRL('u'));
    ui_paste(story->box.navigator, text);
}

static bool shows(const struct story *story, const char *text)
{
    return ui_shows(story->box.navigator, text);
}

static void expect(const struct story *story, const char *what, const char *text)
{
    if (!shows(story, text)) {
        char *message = ui_message(story->box.navigator);

        fail_msg("%s: \"%s\" is not shown; the message row says: %s", what, text, message);
    }
}

/* Each line of the CA through a printf format with one %s. */
static char *lines(const struct story *story, const char *format)
{
    struct strbuf out = STRBUF_INIT;
    char *copy = mem_strdup(story->ca), *rest = copy;

    for (char *line; (line = strsep(&rest, "\n")) != NULL && (rest != NULL || line[0] != '\0');) {
        const char *at = strstr(format, "%s");

        strbuf_add(&out, format, (size_t)(at - format));
        strbuf_add_str(&out, line);
        strbuf_add_str(&out, at + 2);
    }
    free(copy);
    return strbuf_steal(&out);
}

static char *replaced(const char *text, const char *what, const char *with)
{
    struct strbuf out = STRBUF_INIT;

    for (const char *at; (at = strstr(text, what)) != NULL; text = at + strlen(what)) {
        strbuf_add(&out, text, (size_t)(at - text));
        strbuf_add_str(&out, with);
    }
    strbuf_add_str(&out, text);
    return strbuf_steal(&out);
}

/* ---- what is taken, and what was cleaned ---- */

static void cleans(void **state)
{
    static const struct {
        const char *what, *format, *cleaned; /* cleaned NULL: nothing was */
    } cases[] = {
        {"as it is", "%s\n", NULL},
        {"Windows line ends", "%s\r\n", "line ends"},
        {"CR CR, as tmux makes of CRLF", "%s\r\r", "line ends"},
        {"a blank line after each", "%s\n\n", "blank lines"},
        {"indented", "    %s\n", "spaces"},
        {"a tab", "\t%s\n", "spaces"},
        {"quoted in a mail", "> %s\n", "quote"},
        {"quoted twice", "> > %s\n", "quote"},
        {"spaces behind", "%s   \n", NULL},
    };
    struct story *story = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = lines(story, cases[i].format);

        paste(story, text);
        expect(story, cases[i].what, CA_NAME);
        expect(story, cases[i].what, "SHA-256 ");
        assert_false(shows(story, "is off"));
        if (cases[i].cleaned != NULL) {
            expect(story, cases[i].what, "Cleaned:");
            expect(story, cases[i].what, cases[i].cleaned);
        } else {
            assert_false(shows(story, "Cleaned:"));
        }
        free(text);
    }
}

static void cleans_more(void **state)
{
    struct story *story = *state;
    char *one_line = replaced(story->ca, "\n", " ");
    char *four = replaced(story->ca, "-----", "----");
    char *dashes = replaced(story->ca, "-----",
                            "\342\200\223\342\200\223\342\200\223\342\200\223"
                            "\342\200\223");
    char *nbsp = lines(story, "\302\240%s\n");
    char *bom = mem_printf("\357\273\277%s", story->ca);
    char *bag =
        mem_printf("Bag Attributes\n    friendlyName: x\nsubject=CN = Paste CA\n%s", story->ca);
    char *text = text_of(story, "text.crt"), *trusted = text_of(story, "trusted.crt");
    const struct {
        const char *what, *text;
    } cases[] = {{"all newlines lost", one_line}, {"four dashes", four},    {"en dashes", dashes},
                 {"no-break spaces", nbsp},       {"byte order mark", bom}, {"Bag Attributes", bag},
                 {"openssl x509 -text", text},    {"TRUSTED", trusted}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        paste(story, cases[i].text);
        expect(story, cases[i].what, CA_NAME);
        expect(story, cases[i].what, "Cleaned:");
        assert_false(shows(story, "is off"));
    }
    free(one_line);
    free(four);
    free(dashes);
    free(nbsp);
    free(bom);
    free(bag);
    free(text);
    free(trusted);
}

static void takes_chains_and_lists(void **state)
{
    struct story *story = *state;
    char *chain = text_of(story, "chain.pem"), *crl = text_of(story, "ca.crl");
    char *both = mem_printf("%s%s", story->ca, crl);

    paste(story, chain); /* the intermediate first: sorted, the root first */
    expect(story, "chain", "2 certificates");
    expect(story, "chain", "CN=Paste Sub CA");
    expect(story, "chain", "intermediate CA");
    paste(story, both);
    expect(story, "with a CRL", "1 certificate, 1 CRL");
    expect(story, "with a CRL", "CRL of CN=Paste CA, 0 revoked, until");
    paste(story, crl);
    expect(story, "a CRL alone", "list of revoked certificates (CRL)");
    expect(story, "a CRL alone", "beside its CA");
    paste(story, chain);
    ui_paste(story->box.navigator, crl); /* a second paste is added to the first */
    expect(story, "second paste", "2 certificates, 1 CRL");
    free(chain);
    free(crl);
    free(both);
}

/* ---- what is refused ---- */

static void refuses(void **state)
{
    static const struct {
        const char *file, *says;
    } cases[] = {
        {"leaf.csr", "request (CSR)"},
        {"leaf.crt", "Paste the CA that signed it:"},
        {"ca.pub", "public key alone"},
        {"ca.p7b", "PKCS#7"},
    };
    struct story *story = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = text_of(story, cases[i].file);

        paste(story, text);
        expect(story, cases[i].file, "[xx]");
        expect(story, cases[i].file, cases[i].says);
        free(text);
    }
}

static void refuses_what_is_damaged(void **state)
{
    struct story *story = *state;
    char *cut = mem_strdup(story->ca), *no_begin = mem_strdup(strchr(story->ca, '\n') + 1);
    char *damaged = mem_strdup(story->ca);

    cut[strlen(cut) / 2] = '\0';
    memcpy(strchr(damaged, '\n') + 10, "!!!!", 4);
    paste(story, cut);
    expect(story, "cut off", "the end is missing");
    paste(story, no_begin);
    expect(story, "no BEGIN", "no -----BEGIN");
    paste(story, damaged);
    expect(story, "damaged", "damaged");
    paste(story, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHq0 bob@example");
    expect(story, "ssh", "ssh key");
    paste(story, "hello");
    expect(story, "text", "no -----BEGIN");
    free(cut);
    free(no_begin);
    free(damaged);
}

static bool is_anywhere(const struct story *story, const char *text)
{
    char *output;
    int status = box_run(&output, "grep -rlF -- '%s' '%s' '%s'", text, story->box.box.store_folder,
                         story->box.box.folder);

    free(output);
    return status == 0;
}

/* Also together with a certificate, which openssl takes silently: wiped, said, nothing is kept. */
static void wipes_private_keys(void **state)
{
    static const char *const files[] = {"ca.key", "both.pem", "enc.key"};
    struct story *story = *state;

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *text = text_of(story, files[i]), *output;
        /* its second line: the first one is the same in all keys of a kind */
        char *secret = mem_strndup(strchr(strchr(text, '\n') + 1, '\n') + 1, 40);

        /* what the page could have written stands nowhere but in the file that was made above */
        (void)box_run(&output, "rm '%s'/ca.key '%s'/both.pem '%s'/enc.key", story->box.box.folder,
                      story->box.box.folder, story->box.box.folder);
        free(output);
        paste(story, text);
        expect(story, files[i], "This is a private key.");
        expect(story, files[i], "thrown away");
        expect(story, files[i], "empty");
        assert_false(shows(story, "PRIVATE KEY"));
        assert_false(shows(story, CA_NAME));
        assert_false(is_anywhere(story, secret));
        expect(story, files[i], "[xx]");
        explicit_bzero(text, strlen(text));
        free(text);
        free(secret);
        make_files(story);
    }
    paste(story, story->ca); /* and the next paste is taken */
    expect(story, "after it", CA_NAME);
}

/* An ended CA, and one that ends soon, by the clock. */
static int64_t in_ten_years;

static int64_t later(void)
{
    return in_ten_years;
}

static void looks_at_dates(void **state)
{
    struct story *story = *state;
    int64_t now = clock_now();

    in_ten_years = now + 3640 * CLOCK_DAY;
    clock_replace(later);
    paste(story, story->ca);
    expect(story, "soon", "This CA ends in");
    expect(story, "soon", CA_NAME);
    in_ten_years = now + 3660 * CLOCK_DAY;
    paste(story, story->ca);
    expect(story, "ended", "ended on");
    expect(story, "ended", "[xx]");
    clock_replace(NULL);
}

/* ---- a file instead of a paste ---- */

static void reads_files(void **state)
{
    struct story *story = *state;

    ui_key(story->box.navigator, KEY_CODE_BACK_TAB);
    ui_key(story->box.navigator, KEY_CODE_DOWN);
    ui_key(story->box.navigator, KEY_CODE_TAB);
    ui_type(story->box.navigator, "ca.der");
    page_box_wait(&story->box, CA_NAME);
    ui_key(story->box.navigator, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, "nothing.crt");
    page_box_wait(&story->box, "cannot open"); /* what follows breaks where the path says */
    expect(story, "no such file", "[xx]");
    ui_key(story->box.navigator, KEY_CODE_CTRL('u'));
    ui_type(story->box.navigator, "both.pem");
    page_box_wait(&story->box, "There is a private key in this file.");
    assert_false(shows(story, CA_NAME));
    /* back to the paste: what the file said is gone */
    page_box_keys(&story->box, KEY_CODE_BACK_TAB, 1);
    ui_key(story->box.navigator, KEY_CODE_UP);
    assert_false(shows(story, "private key in this file"));
}

static void pictures(void **state)
{
    struct page_box box;
    char name[] = "db1", conninfo[] = "host=127.0.0.1 port=1 user=postgres", none[] = "",
         provider[] = "self-managed";
    struct server server = {.name = name,
                            .conninfo = conninfo,
                            .tls_host = none,
                            .provider = provider,
                            .system_identifier = none};
    struct err err = ERR_INIT;

    (void)state;
    page_box_open(&box, "db1", NULL, &ui_ascii);
    BOX_OK(server_add(box.box.store, &server, &err));
    navigator_push(box.navigator, page_trust(box.app));
    ui_check_navigator(box.navigator, 24, 80, "trust-busy");
    page_box_wait(&box, "there is none yet");
    ui_check_navigator(box.navigator, 24, 80, "trust-empty");
    ui_key(box.navigator, KEY_CODE_TAB);
    ui_paste(box.navigator, "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n");
    ui_check_navigator(box.navigator, 24, 80, "trust-error");
    *navigator_theme(box.navigator) = ui_colour;
    ui_check_navigator(box.navigator, 40, 120, "trust-error-120x40");
    page_box_close(&box);

    page_box_open(&box, "db1", NULL, &ui_ascii);
    BOX_OK(server_add(box.box.store, &server, &err));
    authority_free(box_authority(&box.box, "Acme PG Root", NULL));
    navigator_push(box.navigator, page_trust(box.app));
    page_box_wait(&box, "Acme PG Root");
    ui_check_navigator(box.navigator, 24, 80, "trust-filled");
    page_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test_setup_teardown(cleans, begin, end),
        cmocka_unit_test_setup_teardown(cleans_more, begin, end),
        cmocka_unit_test_setup_teardown(takes_chains_and_lists, begin, end),
        cmocka_unit_test_setup_teardown(refuses, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_is_damaged, begin, end),
        cmocka_unit_test_setup_teardown(wipes_private_keys, begin, end),
        cmocka_unit_test_setup_teardown(looks_at_dates, begin, end),
        cmocka_unit_test_setup_teardown(reads_files, begin, end),
    };

    return cmocka_run_group_tests_name("trust: paste", tests, NULL, NULL);
}
