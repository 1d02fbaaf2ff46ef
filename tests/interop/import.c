/* Folders made by the real easy-rsa and the real "openssl ca" are imported, and "openssl ca" works on
 * what is exported. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/harness/command.h"
#include "tests/harness/need.h"

static int setup(void **state)
{
    *state = command_box();
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

/* Runs in sh; the output must have this text. */
static void shell(const char *expected, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0 || !strstr(result.out, expected))
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    command_clear(&result);
}

static long long imported(json_t *json, const char *name)
{
    json_t *value = json_object_get(json_object_get(json, "imported"), name);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static bool has_note(json_t *json, const char *text)
{
    json_t *notes = json_object_get(json_object_get(json, "imported"), "notes");
    json_t *note;
    size_t i;

    json_array_foreach(notes, i, note) if (strstr(json_string_value(note), text)) return true;
    return false;
}

static const char *easy_rsa(void)
{
    static const char *const places[] = {"/usr/share/easy-rsa/easyrsa", "/usr/bin/easyrsa"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

#define EASY "EASYRSA_BATCH=1 EASYRSA_ALGO=ec EASYRSA_CURVE=prime256v1 EASYRSA_SILENT=1 "

static void test_easy_rsa(void **state)
{
    const char *program = easy_rsa();
    char *make;
    json_t *json;

    (void)state;
    if (!program) {
        print_message("# no easy-rsa here\n");
        return;
    }
    /* easy-rsa makes nothing that has ended already: its openssl is told the dates here */
    command_write("old-openssl",
                  "#!/bin/sh\ncase \" $* \" in *\" ca \"*) exec openssl \"$@\" -startdate "
                  "20200101000000Z -enddate 20210101000000Z;; esac\nexec openssl \"$@\"\n",
                  0700);
    make = mem_printf("exec >log 2>&1; easy() { " EASY "%s \"$@\"; }; old() { "
                      "EASYRSA_OPENSSL=$PWD/old-openssl easy \"$@\"; }; easy init-pki && "
                      "easy build-ca nopass && for i in alice bob carol dave; do "
                      "easy build-client-full $i nopass; done; "
                      "easy build-server-full db1.example nopass; "
                      "old build-client-full past nopass; old build-client-full erin nopass; "
                      "easy revoke bob keyCompromise; easy revoke carol superseded; "
                      "easy revoke erin; easy update-db; easy gen-crl",
                      program);
    shell("", make);
    free(make);
    /* V, R with and without a reason, E; and what people find in theirs one day */
    shell("3 3 1", "echo $(for s in V R E; do grep -c \"^$s\" pki/index.txt; done)");
    shell("", "printf 'not a line\\nV\\t270101000000Z\\t\\tXYZ\\tunknown\\t/CN=x\\n\\n' >> "
              "pki/index.txt");
    json = EXPECT_JSON(0, "ca", "import", "vpn", "--cert", "pki/ca.crt", "--key",
                       "pki/private/ca.key", "--index", ".", "--no-passphrase", "--json");
    assert_int_equal(imported(json, "valid"), 3);
    assert_int_equal(imported(json, "revoked"), 3);
    assert_int_equal(imported(json, "expired"), 1);
    assert_int_equal(imported(json, "serial_only"), 0);
    assert_true(has_note(json, "name the serial number of the CA"));
    assert_true(has_note(json, "line 8"));
    assert_true(has_note(json, "line 9"));
    json_decref(json);
    shell("keyCompromise", "$PGSEAL list --role bob --state revoked --json");
    shell("past", "$PGSEAL list --state expired");

    /* its next lists have every revocation, also of what had ended; with date and reason */
    for (int i = 0; i < 2; i++) {
        free(EXPECT(0, "crl", "export", "--out", i == 0 ? "first.crl" : "next.crl"));
        free(EXPECT(0, "crl", "sign", "--yes"));
    }
    for (int i = 0; i < 2; i++) {
        char *look = mem_printf(
            "openssl crl -in %s -noout -text > next; awk '$1 == \"R\" { print $4 }' "
            "pki/index.txt > revoked; test $(wc -l < revoked) = 3 && while read s; do grep -q "
            "\"Serial Number: $s\" next || exit 1; done < revoked && echo all",
            i == 0 ? "first.crl" : "next.crl");

        shell("all", look);
        free(look);
    }
    shell("same",
          "t() { openssl crl -in $1 -noout -text | grep -A4 \"$(head -1 revoked)\" | grep -e "
          "'Revocation Date' -e 'Key Compromise'; }; test \"$(t pki/crl.pem)\" = \"$(t next.crl)\" "
          "&& test $(t next.crl | wc -l) = 2 && echo same");
    shell("alice.crt: OK", "openssl verify -crl_check -CAfile pki/ca.crt -CRLfile next.crl "
                           "pki/issued/alice.crt");

    /* easy-rsa's own renewal would orphan them; ours keeps what they name */
    free(EXPECT(0, "ca", "renew", "vpn"));
    free(EXPECT(0, "ca", "export", "vpn", "--out", "vpn.crt"));
    shell("alice.crt: OK", "openssl verify -CAfile vpn.crt pki/issued/alice.crt");
    free(EXPECT(0, "renew", "alice", "--out", "alice"));
    shell("alice.crt: OK", "openssl verify -x509_strict -CAfile alice/root.crt alice/alice.crt");
    shell("alice.crt: OK", "openssl verify -CAfile pki/ca.crt alice/alice.crt");
}

/* A folder as "openssl ca" leaves it, with what goes wrong there. */
static void make_openssl_folder(const char *name)
{
    char *subject =
        mem_printf("cd ca && openssl req -x509 -newkey rsa:2048 -keyout ca.key -passout "
                   "pass:secret -out ca.crt -subj '/O=Old/CN=%s' -days 2000 -addext "
                   "keyUsage=critical,keyCertSign,cRLSign 2>/dev/null",
                   name);

    shell("", "mkdir -p ca/newcerts && cd ca && : > index.txt && echo 1000 > serial && "
              "echo 0A > crlnumber && cat > ca.cnf <<'EOF'\n"
              "[ca]\ndefault_ca=c\n[c]\ndir=.\ndatabase=$dir/index.txt\nserial=$dir/serial\n"
              "crlnumber=$dir/crlnumber\nnew_certs_dir=$dir/newcerts\ncertificate=$dir/ca.crt\n"
              "private_key=$dir/ca.key\ndefault_md=sha256\ndefault_days=30\ndefault_crl_days=30\n"
              "policy=p\nx509_extensions=x\nunique_subject=no\n[p]\ncommonName=supplied\n"
              "organizationName=optional\n[x]\n"
              "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"
              "authorityKeyIdentifier=keyid\nEOF\n");
    shell("", subject);
    free(subject);
    shell("",
          "cd ca && for i in 1 2 3 4 5; do openssl req -new -newkey ec -pkeyopt "
          "ec_paramgen_curve:P-256 -nodes -keyout k -out r -subj \"/O=Old/CN=role$i\" 2>/dev/null "
          "&& openssl ca -batch -config ca.cnf -passin pass:secret -in r -notext "
          "2>>log >/dev/null || exit 1; done");
    shell("",
          "cd ca && openssl ca -config ca.cnf -passin pass:secret -revoke newcerts/1001.pem "
          "-crl_reason affiliationChanged 2>>log && openssl ca -config ca.cnf -passin pass:secret "
          "-revoke newcerts/1002.pem 2>>log && openssl ca -config ca.cnf -passin pass:secret "
          "-gencrl -out crl.pem 2>>log");
}

static void test_openssl_folder(void **state)
{
    json_t *json;

    (void)state;
    make_openssl_folder("Old CA");
    /* what its users find in it one day: a lost row, a lost file, half a line, a row twice */
    shell("",
          "cd ca && sed -i '/\t1003\t/d' index.txt && rm newcerts/1002.pem newcerts/1004.pem && "
          "printf 'V\\t2701\\n' >> index.txt && sed -n 1p index.txt >> index.txt && "
          "printf 'R\\t400101000000Z\\tnever\\tBEEF\\tunknown\\t/CN=ghost\\n' >> index.txt && "
          "echo nothing > newcerts/junk.pem && mkfifo newcerts/pipe.pem");
    command_write("pass", "secret\n", 0600);
    EXPECT_ERROR(2, "PS-1004", "ca", "import", "old", "--cert", "ca/ca.crt", "--key", "ca/ca.key",
                 "--index", "ca");
    command_write("wrong", "wrong\n", 0600);
    EXPECT_ERROR(1, "PS-4001", "ca", "import", "old", "--cert", "ca/ca.crt", "--key", "ca/ca.key",
                 "--index", "ca", "--passphrase-file", "wrong");
    json = EXPECT_JSON(0, "ca", "import", "old", "--cert", "ca/ca.crt", "--key", "ca/ca.key",
                       "--index", "ca", "--passphrase-file", "pass", "--json");
    assert_int_equal(imported(json, "valid"), 2);       /* 1000 and 1003 */
    assert_int_equal(imported(json, "revoked"), 1);     /* 1001 */
    assert_int_equal(imported(json, "serial_only"), 3); /* 1002, 1004, BEEF */
    assert_int_equal(imported(json, "not_indexed"), 1); /* 1003 */
    assert_true(has_note(json, "line 5"));              /* half a line */
    assert_true(has_note(json, "line 6"));              /* twice */
    assert_true(has_note(json, "line 7"));              /* revoked "never" */
    assert_true(has_note(json, "junk.pem"));
    assert_true(json_integer_value(json_object_get(json_object_get(json, "crl"), "number")) == 11);
    json_decref(json);
    shell("ENCRYPTED", "cat store/keys/old-????????????.key");

    /* every revocation is on the next list, what is known by number can be revoked as well */
    free(EXPECT(0, "revoke", "1004", "--confirm=1004", "--passphrase-file", "pass"));
    EXPECT_ERROR(1, "PS-4016", "revoke", "1004", "--confirm=1004", "--passphrase-file", "pass");
    EXPECT_ERROR(1, "PS-4014", "revoke", "4711", "--confirm=4711", "--passphrase-file", "pass");
    free(EXPECT(0, "revoke", "1003", "--confirm=role4", "--passphrase-file", "pass"));
    free(EXPECT(0, "crl", "export", "--out", "next.crl"));
    shell("5", "openssl crl -in next.crl -noout -text | grep -cE "
               "'Serial Number: (1001|1002|1003|1004|BEEF)'");
    shell("Affiliation Changed", "openssl crl -in next.crl -noout -text");
    shell("OK",
          "openssl verify -crl_check -CAfile ca/ca.crt -CRLfile next.crl ca/newcerts/1000.pem");
    /* two CAs of this kind count from the same number */
    shell("", "mv ca first");
    make_openssl_folder("Other CA");
    free(EXPECT(0, "ca", "import", "other", "--cert", "ca/ca.crt", "--key", "ca/ca.key", "--index",
                "ca", "--passphrase-file", "pass"));
    EXPECT_ERROR(1, "PS-4015", "show", "1000");
    shell("Other CA", "$PGSEAL show other:1000");
    EXPECT_ERROR(1, "PS-4011", "ca", "import", "again", "--cert", "ca/ca.crt", "--key", "ca/ca.key",
                 "--passphrase-file", "pass");
}

static void test_export(void **state)
{
    (void)state;
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "issue", "client", "alice", "--out", "a"));
    free(EXPECT(0, "issue", "client", "bob", "--out", "b"));
    free(EXPECT(0, "issue", "server", "db1.example", "--out", "d"));
    free(EXPECT(0, "revoke", "bob", "--reason", "keyCompromise", "--confirm=bob"));
    shell("", "mkdir 'a folder $x #1'");
    free(EXPECT(0, "ca", "export", "lab", "--openssl", "a folder $x #1/lab"));
    EXPECT_ERROR(1, "PS-3001", "ca", "export", "lab", "--openssl", "a folder $x #1/lab");
    assert_int_equal(command_mode("a folder $x #1/lab"), 0700);
    assert_int_equal(command_mode("a folder $x #1/lab/private/ca.key"), 0600);
    shell("=Valid (V)", "cd a*/lab && openssl ca -config openssl.cnf -status $(openssl x509 -in "
                        "../../a/alice.crt -noout -serial | cut -d= -f2) 2>&1 || true");
    shell("=Revoked (R)", "cd a*/lab && openssl ca -config openssl.cnf -status $(openssl x509 -in "
                          "../../b/bob.crt -noout -serial | cut -d= -f2) 2>&1 || true");
    shell("Database updated", "cd a*/lab && openssl ca -config openssl.cnf -revoke "
                              "../../a/alice.crt 2>&1");
    shell("", "cd a*/lab && openssl ca -config openssl.cnf -gencrl -out new.pem 2>/dev/null");
    shell("3",
          "openssl crl -in a*/lab/new.pem -noout -text | grep -c 'Serial Number:'"); /* canary */
    shell("Key Compromise", "openssl crl -in a*/lab/new.pem -noout -text");
    shell("CRL Number: \n                3", "openssl crl -in a*/lab/new.pem -noout -text");
    shell("verify OK", "openssl crl -in a*/lab/new.pem -noout -CAfile a/root.crt 2>&1");
    shell("issued",
          "openssl req -new -newkey rsa:2048 -nodes -keyout k -out r -subj /CN=zed "
          "2>/dev/null && cd a*/lab && openssl ca -batch -config openssl.cnf -in ../../r "
          "-out z.crt 2>/dev/null && openssl verify -x509_strict -purpose sslclient -CAfile "
          "ca.crt z.crt >/dev/null && echo issued");
    /* and back again: what was done there is known here */
    shell("", "rm -r store");
    shell("3 revoked", "$PGSEAL ca import lab --cert a*/lab/ca.crt --key a*/lab/private/ca.key "
                       "--index a*/lab --no-passphrase");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_easy_rsa),
        TEST(test_openssl_folder),
        TEST(test_export),
    };

    (void)need_some(easy_rsa() != NULL, "easy-rsa");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
