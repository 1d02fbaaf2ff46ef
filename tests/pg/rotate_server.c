/* A primary and its standby get new certificates, then another CA, then one of somebody else, while
 * clients with verify-full log in all the time: none is refused that has the right trust file. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/server_lab.h"

/* From ours to somebody else's: the key is made on the server, the CA signs the request. */
static void test_foreign(void **state)
{
    struct lab *lab = *state;

    lab_sh(
        "ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
        "openssl req -x509 $ec -keyout foreign.key -out foreign.crt -subj '/CN=Foreign' -days 99\n"
        "printf 'extendedKeyUsage=serverAuth\\nsubjectAltName=IP:127.0.0.1\\n' > short.ext\n"
        "printf 'extendedKeyUsage=serverAuth\\nsubjectAltName=IP:127.0.0.1,DNS:db.example\\n' "
        "> server.ext\n");
    lab_open_pool(lab, "trust/main-new.crt"); /* seen whenever it is looked */
    free(EXPECT(0, "rotate", "server", "db1", "--to-file", "foreign.crt"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    /* a truststore of this name that somebody else left there is not handed out */
    lab_sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout thief.key "
           "-out thief.crt -subj /CN=Thief -days 9\n"
           "openssl pkcs12 -export -nokeys -in thief.crt -passout pass:changeit "
           "-out trust/db1-both.p12\n");
    EXPECT_ERROR(1, "with something else", "rotate", "next", "db1", "--out", "trust", "--yes");
    lab_sh("rm trust/db1-both.p12");
    free(EXPECT(0, "rotate", "next", "db1", "--out", "trust", "--yes"));
    free(EXPECT(0, "rotate", "back", "db1", "--yes"));
    lab_sh("rm trust/db1-both.crt"); /* the truststore is there, with the same in it */
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    lab_change_root(lab, lab->quick1, lab->db1, "trust/db1-both.crt");
    lab_change_root(lab, lab->slow, lab->db1, "trust/db1-both.crt");
    free(EXPECT(0, "rotate", "next", "db1", "--accept-left", "1", "--yes"));
    EXPECT_ERROR(1, "--csr-out", "rotate", "next", "db1", "--yes");
    free(EXPECT(0, "server", "tls", "db1", "--csr-out", "db1.csr", "--yes"));
    lab_sh("openssl x509 -req -in db1.csr -CA foreign.crt -CAkey foreign.key -CAcreateserial "
           "-days 60 -extfile short.ext -out short.crt\n");
    /* it lacks a name that the present one has: a client may use it */
    EXPECT_ERROR(1, "not for \"db.example\"", "rotate", "next", "db1", "--cert", "short.crt",
                 "--yes");
    lab_sh(
        "openssl x509 -req -in db1.csr -CA foreign.crt -CAkey foreign.key -CAcreateserial -days 60 "
        "-extfile server.ext -out db1.crt\n");
    free(EXPECT(0, "rotate", "next", "db1", "--cert", "db1.crt", "--yes"));
    lab_shows("db1", "CN=Foreign");
    free(EXPECT(0, "rotate", "back", "db1", "--yes"));
    lab_shows("db1", "CN=Servers G2");
    free(EXPECT(0, "rotate", "next", "db1", "--cert", "db1.crt", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    login_loop_settle(lab->loop);
    EXPECT_ERROR(1, "PS-4010", "rotate", "server", "db1"); /* not ours any more */
}

/* A managed one: its provider changes the certificate, everything else is the same. */
static void test_managed(void **state)
{
    struct lab *lab = *state;
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->db1));

    free(EXPECT(0, "server", "add", "rds", demo_admin_conninfo(lab->db1), "--address", address,
                "--provider", "aurora"));
    free(address);
    free(EXPECT(0, "rotate", "server", "rds", "--to", "Servers", "--old-file", "foreign.crt"));
    EXPECT_ERROR(1, "is being rotated already", "rotate", "server", "rds", "--to", "Servers");
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    /* a truststore of this name that somebody else left there is not handed out */
    lab_sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
           "-keyout thief.key -out thief.crt -subj /CN=Thief -days 9 2>/dev/null\n"
           "openssl pkcs12 -export -nokeys -in thief.crt -passout pass:changeit "
           "-out trust/rds-both.p12\n");
    EXPECT_ERROR(1, "with something else", "rotate", "next", "rds", "--out", "trust", "--yes");
    lab_sh("rm trust/rds-both.p12");
    free(EXPECT(0, "rotate", "next", "rds", "--out", "trust", "--yes"));
    lab_change_root(lab, lab->quick1, lab->db1, "trust/rds-both.crt");
    lab_change_root(lab, lab->slow, lab->db1, "trust/rds-both.crt");
    free(EXPECT(0, "rotate", "mark", "rds", "alice", "--handed"));
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    EXPECT_ERROR(1, "at its provider", "rotate", "next", "rds", "--yes");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "server", "tls", "db1", "--ca", "Servers", "--yes")); /* the provider */
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    login_loop_settle(lab->loop);
}

/* Called after a CA: all servers that show a certificate of it; the new one is made on the way. */
static void test_generation(void **state)
{
    struct lab *lab = *state;
    json_t *status;

    free(EXPECT(0, "server", "remove", "rds", "--confirm", "rds", "--yes"));
    EXPECT_ERROR(2, "not of the CA", "rotate", "server", "Servers", "--server", "main");
    free(EXPECT(0, "rotate", "server", "Servers"));
    status = EXPECT_JSON(0, "rotate", "status", "Servers", "--json");
    assert_int_equal(json_array_size(json_object_get(status, "servers")), 1);
    json_decref(status);
    free(EXPECT(0, "rotate", "next", "Servers", "--yes"));
    free(EXPECT(0, "rotate", "next", "Servers", "--no-passphrase", "--out", "trust", "--yes"));
    lab_change_root(lab, lab->quick1, lab->db1, "trust/Servers-both.crt");
    lab_change_root(lab, lab->slow, lab->db1, "trust/Servers-both.crt");
    free(EXPECT(0, "rotate", "next", "Servers", "--accept-left", "1", "--yes"));
    free(EXPECT(0, "rotate", "next", "Servers", "--yes"));
    lab_shows("db1", "CN=Servers G3");
    lab_shows("db2", "CN=Servers G2");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "back", "Servers", "--yes"));
    for (int i = 0; i < 4; i++) /* to the very begin */
        free(EXPECT(0, "rotate", "back", "Servers", "--yes"));
    lab_shows("db1", "CN=Servers");
    EXPECT_ERROR(1, "PS-", "rotate", "back", "Servers", "--yes");
    /* the standby is of another CA: a renewal leaves it so */
    free(EXPECT(0, "rotate", "server", "main"));
    EXPECT_ERROR(5, "of another CA", "rotate", "next", "main", "--yes");
    lab_shows("db2", "CN=Servers G2");
    free(EXPECT(0, "rotate", "back", "main", "--yes"));
    login_loop_settle(lab->loop);
}

/* The self-signed certificate of many a tutorial is its own CA. */
static void test_self_signed(void **state)
{
    struct lab *lab = *state;

    lab_sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -subj /CN=self "
        "-days 30 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE\n"
        "chmod 600 self.key\n");
    login_loop_expect(lab->loop, lab->quick1, LOGIN_EITHER);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    free(EXPECT(0, "server", "tls", "db1", "--cert", "self.crt", "--key", "self.key", "--yes"));
    lab_change_root(lab, lab->quick1, lab->db1, "self.crt");
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->quick1, LOGIN_IN);
    free(EXPECT(0, "rotate", "server", "db1", "--to", "Servers"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--out", "self", "--yes"));
    lab_change_root(lab, lab->quick1, lab->db1, "self/db1-both.crt");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "next", "db1", "--accept-left", "1", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    lab_shows("db1", "CN=Servers");
    login_loop_settle(lab->loop);
}

static void test_end(void **state)
{
    struct lab *lab = *state;

    assert_non_null(lab->loop);
    login_loop_stop(lab->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),     cmocka_unit_test(test_lost),
        cmocka_unit_test(test_renew),      cmocka_unit_test(test_other_ca),
        cmocka_unit_test(test_foreign),    cmocka_unit_test(test_managed),
        cmocka_unit_test(test_generation), cmocka_unit_test(test_self_signed),
        cmocka_unit_test(test_traps),      cmocka_unit_test(test_login),
        cmocka_unit_test(test_restored),   cmocka_unit_test(test_removed),
        cmocka_unit_test(test_end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
