/* by_hand.c - the openssl lines that pages print run as printed, in sh, and make what pgseal makes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "screens/by_hand.h"
#include "tests/harness/store_box.h"

/* Runs the lines up to the pgseal command in the folder. */
static void run(const char *folder, const char *name, struct strbuf *lines)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, name), *output,
         *pgseal = strstr(lines->data, "# the same with pgseal");

    assert_non_null(pgseal);
    assert_non_null(strstr(pgseal, "\npgseal "));
    strbuf_truncate(lines, (size_t)(pgseal - lines->data));
    BOX_OK(fs_write_new(path, lines->data, lines->len, 0644, &err));
    if (box_run(&output, "cd %s && sh -eu ./%s 2>&1", folder, name) != 0)
        fail_msg("%s\n%s", lines->data, output);
    free(output);
    free(path);
    strbuf_clear(lines);
}

static void expect(const char *folder, const char *command, const char *wanted)
{
    char *output;

    if (box_run(&output, "cd %s && %s 2>&1", folder, command) != 0 || !strstr(output, wanted))
        fail_msg("%s: wanted \"%s\", got\n%s", command, wanted, output);
    free(output);
}

static void for_key_type(enum key_type type)
{
    struct strbuf lines = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *folder = fs_make_temp_folder("pgseal-by-hand", &err);

    if (!folder)
        fail_msg("%s", err.msg);
    by_hand_ca(&lines, "Acme's +/ Root", type, 3652, false);
    run(folder, "ca.sh", &lines);
    expect(folder, "openssl x509 -in ca.crt -noout -subject -nameopt utf8", "CN=Acme's +/ Root");
    expect(folder, "openssl x509 -in ca.crt -noout -ext basicConstraints", "CA:TRUE");
    expect(folder, "openssl x509 -in ca.crt -noout -ext keyUsage", "Certificate Sign, CRL Sign");
    expect(folder, "openssl crl -in ca.crl -noout -CAfile ca.crt", "verify OK");
    expect(folder, "stat -c %a ca.key", "600");

    by_hand_client(&lines, &(struct by_hand_client){.role = "o'brien; touch x",
                                                    .ca = "Acme's +/ Root",
                                                    .type = type,
                                                    .days = 365,
                                                    .pk8 = true,
                                                    .folder = "/tmp/a b"});
    run(folder, "client.sh", &lines);
    expect(folder, "openssl x509 -in o_brien__touch_x.crt -noout -subject -nameopt utf8",
           "CN=o'brien; touch x");
    expect(folder, "openssl x509 -in o_brien__touch_x.crt -noout -ext extendedKeyUsage",
           "TLS Web Client Authentication");
    expect(folder,
           "openssl verify -purpose sslclient -crl_check -CAfile ca.crt -CRLfile ca.crl o*.crt",
           "o_brien__touch_x.crt: OK");
    expect(folder, "openssl pkey -inform DER -in *.pk8 -noout && echo fine", "fine");
    expect(folder, "test ! -e x && echo fine", "fine");
    BOX_OK(fs_remove_tree(folder, &err));
    free(folder);
}

static void lines_run_as_printed(void **state)
{
    (void)state;
    for_key_type(KEY_EC_P256);
    for_key_type(KEY_RSA_3072);
}

/* With a passphrase openssl asks: on a terminal a person, here -passout is put in for it. */
static void lines_with_a_passphrase(void **state)
{
    struct strbuf lines = STRBUF_INIT;

    (void)state;
    by_hand_ca(&lines, "Acme", KEY_EC_P256, 100, true);
    assert_non_null(strstr(lines.data, " -aes256 "));
    assert_null(strstr(lines.data, "pass:"));
    assert_null(strstr(lines.data, "--no-passphrase"));
    strbuf_clear(&lines);
}

static void psql_line_survives_a_shell(void **state)
{
    struct strbuf line = STRBUF_INIT;
    char *output;

    (void)state;
    by_hand_psql(&line, "db1.example", 6432, "o'brien");
    assert_int_equal(box_run(&output, "set -- %s; printf '%%s|' \"$@\"", line.data), 0);
    assert_string_equal(output, "psql|host=db1.example port=6432 user='o\\'brien' dbname=postgres "
                                "sslmode=verify-full sslcert=o_brien.crt "
                                "sslkey=o_brien.key sslrootcert=root.crt|");
    free(output);
    strbuf_clear(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_run_as_printed),
        cmocka_unit_test(lines_with_a_passphrase),
        cmocka_unit_test(psql_line_survives_a_shell),
    };

    return cmocka_run_group_tests_name("by_hand", tests, NULL, NULL);
}
