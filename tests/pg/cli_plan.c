/* cli_plan.c - foreign CAs with their lists, plans in files, grants, and text to paste. */
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
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "core/pg/handshake.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

struct lab {
    char *folder;
    struct demo *demo;
    char address[32];
};

static void sh(const char *script)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-ec", script, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s", script, result.err);
    command_clear(&result);
}

/* A foreign CA with "openssl ca": a list, and two clients. */
static void make_foreign(void)
{
    sh("mkdir fca; : > fca/index.txt; echo 01 > fca/crlnumber\n"
       "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=fca/index.txt\\ncrlnumber=fca/crlnumber\\n"
       "default_md=sha256\\ndefault_crl_days=30\\ncrl_extensions=x\\n"
       "[x]\\nauthorityKeyIdentifier=keyid\\n' > fca.cnf\n"
       "ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
       "for n in f g; do openssl req -x509 $ec -keyout $n.key -out $n.crt -subj \"/CN=Partner $n\" "
       "-days 99 -addext keyUsage=critical,keyCertSign,cRLSign; done\n"
       "printf 'extendedKeyUsage=clientAuth\\n' > client.ext\n"
       "for n in ann ben; do openssl req $ec -keyout $n.key -out $n.csr -subj /CN=$n\n"
       "openssl x509 -req -in $n.csr -CA f.crt -CAkey f.key -CAcreateserial -days 60 "
       "-extfile client.ext -out $n.crt; done\n"
       "ca() { c=$1; shift; openssl ca -config fca.cnf -keyfile $c.key -cert $c.crt \"$@\"; }\n"
       "ca f -revoke ben.crt; ca f -gencrl -out f.crl; ca g -gencrl -out g.crl\n"
       "openssl crl -in f.crl -outform DER -out f.der\n"
       "tr -d '\\n' < f.crl > f.line; sed 's/^/> /' f.crl > f.quoted\n"
       "sed 's/$/\\r\\r/' f.crl > f.crcr; sed 's/^/\\t/' f.crl > f.tab\n"
       "sed 's/-----/--/g' f.crl > f.dashes; openssl crl -in f.crl -text > f.text\n"
       "head -n 4 f.crl > f.cut; chmod 600 *.key\n"
       "ca f -revoke ann.crt; ca f -gencrl -out f2.crl\n");
}

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {.bindir = NULL};
    struct err err = ERR_INIT;

    lab->demo = demo_start(&options, &err);
    if (!lab->demo)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    snprintf(lab->address, sizeof(lab->address), "127.0.0.1:%d", demo_port(lab->demo));
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address",
                lab->address));
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    make_foreign();
    *state = lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->demo);
    command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* The alert that this client gets; 0: it is let through. */
static int alert_for(const struct lab *lab, const char *name)
{
    char *cert_file = mem_printf("%s.crt", name), *key_file = mem_printf("%s.key", name);
    char *cert_pem = command_read(cert_file), *key_pem = command_read(key_file);
    struct err err = ERR_INIT;
    struct cert *cert = cert_from_pem(cert_pem, strlen(cert_pem), &err);
    struct key *key = key_from_pem(key_pem, strlen(key_pem), NULL, &err);
    struct handshake_request request = {
        .host = "127.0.0.1", .port = demo_port(lab->demo), .cert = cert, .key = key};
    struct handshake seen;
    int alert;

    if (!cert || !key || !handshake_run(&request, &seen, &err))
        fail_msg("%s", err.msg);
    alert = seen.verdict == HANDSHAKE_REFUSED ? seen.alert : 0;
    handshake_clear(&seen);
    cert_free(cert);
    key_free(key);
    free(cert_file);
    free(key_file);
    free(cert_pem);
    free(key_pem);
    return alert;
}

static void expect_cleaned(const char *file, const char *word)
{
    struct command_options options = {.input = NULL};
    struct command_result result;

    command_run(&result, &options, "server", "trust", "db1", "--paste", "f.crt", "--crl", file,
                "--dry-run", NULL);
    if (result.status != 0 || !strstr(result.err, "CRL of \"CN=Partner f\": 1 revoked") ||
        !strstr(result.err, word))
        fail_msg("%s: status %d\n%s", file, result.status, result.err);
    command_clear(&result);
}

static void test_foreign_lists(void **state)
{
    const struct lab *lab = *state;

    /* the server checks lists already: a CA without one would lock out all of its clients */
    EXPECT_ERROR(1, "Paste the CA's CRL too", "server", "trust", "db1", "--paste", "f.crt",
                 "--yes");
    EXPECT_ERROR(1, "belongs to none", "server", "trust", "db1", "--paste", "f.crt", "--crl",
                 "f.crl", "--crl", "g.crl", "--yes");
    EXPECT_ERROR(1, "this is a certificate, not a list", "server", "trust", "db1", "--paste",
                 "f.crt", "--crl", "f.crt", "--yes");
    EXPECT_ERROR(1, "PS-1011", "server", "trust", "db1", "--paste", "f.crt", "--crl", "f.key",
                 "--yes");
    EXPECT_ERROR(1, "PS-1013", "server", "trust", "db1", "--paste", "f.crt", "--crl", "f.cut",
                 "--yes");
    EXPECT_ERROR(1, "no -----BEGIN", "server", "trust", "db1", "--paste", "f.crt", "--crl",
                 "fca.cnf", "--yes");
    expect_cleaned("f.crl", "CRL of");
    expect_cleaned("f.der", "cleaned");
    expect_cleaned("f.line", "cleaned");
    expect_cleaned("f.quoted", "cleaned");
    expect_cleaned("f.crcr", "cleaned");
    expect_cleaned("f.tab", "cleaned");
    expect_cleaned("f.dashes", "cleaned");
    expect_cleaned("f.text", "cleaned");

    free(EXPECT(0, "server", "trust", "db1", "--paste", "f.crt", "--crl", "f.der", "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 0);
    assert_int_equal(alert_for(lab, "ben"), 44);
    /* their next list, alone; then an older one again: refused */
    free(EXPECT(0, "server", "trust", "db1", "--crl", "f2.crl", "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 44);
    EXPECT_ERROR(1, "PS-2111", "server", "trust", "db1", "--crl", "f.crl", "--yes");
    free(EXPECT(0, "server", "untrust", "db1", "--ca", "Partner f", "--yes"));
    /* both in one paste */
    sh("cat f.crt f.crl g.crt g.crl > both.pem");
    free(EXPECT(0, "server", "trust", "db1", "--paste", "both.pem", "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 0);
    free(EXPECT(0, "server", "untrust", "db1", "--ca", "Partner f", "--ca", "Partner g", "--yes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_lists),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
