/* cli_tls.c - "server tls" with a certificate that somebody else signed: openssl is that CA. */
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
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

struct lab {
    char *folder;
    struct demo *demo;
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

/* A root, an intermediate below it, and an other root that nobody asked for. */
static void make_cas(void)
{
    sh("ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
       "openssl req -x509 $ec -keyout froot.key -out froot.crt -subj '/CN=Foreign Root' -days 99\n"
       "openssl req -x509 $ec -keyout other.key -out other.crt -subj '/CN=Other Root' -days 99\n"
       "openssl req $ec -keyout mid.key -out mid.csr -subj '/CN=Foreign Issuing'\n"
       "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n' > "
       "ca.ext\n"
       "openssl x509 -req -in mid.csr -CA froot.crt -CAkey froot.key -CAcreateserial -days 90 "
       "-extfile ca.ext -out mid.crt\n"
       "printf 'extendedKeyUsage=clientAuth\\nsubjectAltName=IP:127.0.0.1\\n' > client.ext\n"
       "printf 'extendedKeyUsage=serverAuth\\nsubjectAltName=IP:127.0.0.1,DNS:*.db.example\\n' "
       "> server.ext\n");
}

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {.quiet_roles = true};
    struct err err = ERR_INIT;
    char address[32];
    char *text;

    lab->demo = demo_start(&options, &err);
    if (!lab->demo)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    *state = lab;
    snprintf(address, sizeof(address), "127.0.0.1:%d", demo_port(lab->demo));
    text = EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address", address);
    free(text);
    make_cas();
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

static json_t *probe(void)
{
    return EXPECT_JSON(0, "server", "probe", "db1", "--json");
}

static const char *subject_at(const json_t *seen, size_t i)
{
    const json_t *row = json_array_get(json_object_get(seen, "chain"), i);
    const char *text = json_string_value(json_object_get(row, "subject"));

    return text ? text : "";
}

static void sql(const struct lab *lab, const char *statement)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(lab->demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;

    if (!conn || !conn_run(conn, statement, &err))
        fail_msg("%s", err.msg);
    conn_close(conn);
    params_free(params);
}

/* From nothing: the key is made on the server, another CA signs, TLS goes on. */
static void test_request_and_answer(void **state)
{
    const struct lab *lab = *state;
    char *text, *key;
    json_t *seen;

    text = EXPECT(0, "server", "tls", "db1", "--csr-out", "db1.csr", "--dry-run");
    assert_non_null(strstr(text, "private key"));
    free(text);
    assert_false(fs_exists("db1.csr"));
    free(EXPECT(0, "server", "tls", "db1", "--csr-out", "db1.csr", "--host", "127.0.0.1", "--host",
                "a.db.example", "--yes"));
    sh("openssl req -in db1.csr -verify -noout\n"
       "openssl req -in db1.csr -noout -text | grep -q 'IP Address:127.0.0.1, DNS:a.db.example'\n"
       "openssl req -in db1.csr -noout -text | grep -q 'ASN1 OID: prime256v1'\n");
    EXPECT_ERROR(1, "PS-3001", "server", "tls", "db1", "--csr-out", "db1.csr", "--yes");
    seen = probe(); /* nothing uses the key yet */
    assert_true(json_is_false(json_object_get(seen, "tls")));
    json_decref(seen);
    key = mem_printf("set -- '%s'/pgseal-server-*.key\n"
                     "[ $# = 1 ] && [ \"$(stat -c %%a \"$1\")\" = 600 ]",
                     demo_data(lab->demo));
    sh(key);
    free(key);

    sh("openssl x509 -req -in db1.csr -CA mid.crt -CAkey mid.key -CAcreateserial -days 60 "
       "-extfile server.ext -out db1.crt\n"
       "cat froot.crt db1.crt mid.crt > whole.pem\n"
       "cat other.crt db1.crt mid.crt > more.pem\n"
       "sed 's/^/    /' db1.crt > indented.pem\n");
    EXPECT_ERROR(1, "does not belong to the chain", "server", "tls", "db1", "--cert", "more.pem",
                 "--yes");
    EXPECT_ERROR(1, "does not lead to", "server", "tls", "db1", "--cert", "db1.crt", "--root",
                 "froot.crt", "--yes");
    EXPECT_ERROR(1, "db2.example", "server", "tls", "db1", "--cert", "whole.pem", "--host",
                 "db2.example", "--yes");
    EXPECT_ERROR(2, "PS-1000", "server", "tls", "db1", "--cert", "whole.pem", "--days", "3");
    free(EXPECT(0, "server", "tls", "db1", "--cert", "whole.pem", "--root", "froot.crt", "--host",
                "127.0.0.1", "--host", "x.db.example", "--yes"));
    seen = probe();
    assert_int_equal(json_array_size(json_object_get(seen, "chain")), 2); /* not the root */
    assert_non_null(strstr(subject_at(seen, 1), "Foreign Issuing"));
    json_decref(seen);

    /* again: nothing to do; pasted with damage; renewed for the same key */
    text = EXPECT(0, "server", "tls", "db1", "--cert", "whole.pem", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    sh("openssl x509 -req -in db1.csr -CA mid.crt -CAkey mid.key -CAcreateserial -days 80 "
       "-extfile server.ext -out again.crt\n"
       "cat again.crt mid.crt | sed 's/^/> /' > again.pem\n");
    free(EXPECT(0, "server", "tls", "db1", "--cert", "again.pem", "--yes"));
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    seen = probe();
    assert_true(json_is_false(json_object_get(seen, "tls")));
    json_decref(seen);
}

static void test_pair(void **state)
{
    const struct lab *lab = *state;
    json_t *seen, *plan;
    char *text;

    sh("ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256'\n"
       "openssl req $ec -nodes -keyout pair.key -out pair.csr -subj '/CN=pair'\n"
       "openssl req $ec -nodes -keyout wrong.key -out wrong.csr -subj '/CN=wrong'\n"
       "openssl pkey -in pair.key -aes256 -passout pass:swordfish -out locked.key\n"
       "s='openssl x509 -req -in pair.csr -CA mid.crt -CAkey mid.key -CAcreateserial'\n"
       "$s -days 60 -extfile server.ext -out pair.crt\n"
       "$s -days 60 -extfile client.ext -out client.crt\n"
       "$s -days -1 -extfile server.ext -out ended.crt\n"
       "openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.key -out weak.crt -subj /CN=weak "
       "-addext subjectAltName=IP:127.0.0.1\n"
       "openssl req -x509 -newkey ed25519 -nodes -keyout ed.key -out ed.crt -subj /CN=ed "
       "-addext subjectAltName=IP:127.0.0.1\n"
       "openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt "
       "-subj /CN=self -addext subjectAltName=IP:127.0.0.1\n"
       "cat pair.crt mid.crt > pair.pem; cat froot.crt mid.crt > whole-cas.pem; cp pair.key "
       "open.key\n"
       "chmod 600 *.key; chmod 644 open.key\n");
    EXPECT_ERROR(1, "PS-2210", "server", "tls", "db1", "--cert", "pair.pem", "--key", "wrong.key",
                 "--yes");
    EXPECT_ERROR(1, "has no key of this certificate", "server", "tls", "db1", "--cert", "pair.pem",
                 "--yes");
    EXPECT_ERROR(1, "PS-3002", "server", "tls", "db1", "--cert", "pair.pem", "--key", "open.key",
                 "--yes");
    EXPECT_ERROR(1, "openssl pkey", "server", "tls", "db1", "--cert", "pair.pem", "--key",
                 "locked.key", "--yes");
    EXPECT_ERROR(1, "PS-2211", "server", "tls", "db1", "--cert", "ended.crt", "--key", "pair.key",
                 "--yes");
    EXPECT_ERROR(1, "may not be a server's", "server", "tls", "db1", "--cert", "client.crt",
                 "--key", "pair.key", "--yes");
    EXPECT_ERROR(1, "PS-2240", "server", "tls", "db1", "--cert", "weak.crt", "--key", "weak.key",
                 "--yes");
    EXPECT_ERROR(1, "PS-2239", "server", "tls", "db1", "--cert", "ed.crt", "--key", "ed.key",
                 "--yes");
    EXPECT_ERROR(1, "certificates of CAs only", "server", "tls", "db1", "--cert", "whole-cas.pem",
                 "--yes");
    EXPECT_ERROR(2, "PS-1000", "server", "tls", "db1", "--key", "pair.key", "--yes");

    plan = EXPECT_JSON(0, "server", "tls", "db1", "--cert", "pair.pem", "--key", "pair.key",
                       "--yes", "--json");
    text = json_dumps(plan, 0);
    assert_null(strstr(text, "PRIVATE"));
    free(text);
    json_decref(plan);
    seen = probe();
    assert_non_null(strstr(subject_at(seen, 0), "pair"));
    json_decref(seen);
    /* from a proper pair to the self-signed one of many a tutorial, and back */
    free(EXPECT(0, "server", "tls", "db1", "--cert", "self.crt", "--key", "self.key", "--yes"));
    seen = probe();
    assert_non_null(strstr(subject_at(seen, 0), "self"));
    json_decref(seen);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    seen = probe();
    assert_non_null(strstr(subject_at(seen, 0), "pair"));
    json_decref(seen);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));

    /* a key with a passphrase, where the server can open it at a reload */
    sql(lab, "ALTER SYSTEM SET ssl_passphrase_command = 'echo swordfish'");
    sql(lab, "ALTER SYSTEM SET ssl_passphrase_command_supports_reload = on");
    sql(lab, "SELECT pg_reload_conf()");
    sh("printf 'swordfish\\n' > good.pass; printf 'marlin\\n' > bad.pass; chmod 600 *.pass\n");
    EXPECT_ERROR(1, "PS-4001", "server", "tls", "db1", "--cert", "pair.pem", "--key", "locked.key",
                 "--yes");
    EXPECT_ERROR(1, "PS-4001", "server", "tls", "db1", "--cert", "pair.pem", "--key", "locked.key",
                 "--yes", "--key-passphrase-file", "bad.pass");
    free(EXPECT(0, "server", "tls", "db1", "--cert", "pair.pem", "--key", "locked.key", "--yes",
                "--key-passphrase-file", "good.pass"));
    seen = probe();
    assert_non_null(strstr(subject_at(seen, 0), "pair"));
    json_decref(seen);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
}

static void expect_whole_chain(void)
{
    json_t *seen = probe();

    assert_true(json_array_size(json_object_get(seen, "chain")) >= 2);
    assert_non_null(strstr(subject_at(seen, 1), "Foreign Issuing"));
    json_decref(seen);
    /* as a client that has the root alone */
    free(EXPECT(0, "trust", "--add", "froot.crt", "--test", "db1", "--out", "unused", "--dry-run"));
}

/* The certificate stands alone in its file: OpenSSL completes the chain from ssl_ca_file. When the CAs
 * leave that, in whatever way, the chain stays whole. */
static void test_borrowed_chain(void **state)
{
    static const char *const ways[][8] = {
        {"server", "untrust", "db1", "--ca", "Foreign Issuing", "--ca", "Foreign Root", "--yes"},
        {"server", "trust", "db1", "--ca", "Ours", "--replace", "--yes"},
        {"server", "untrust", "db1", "--all", "--yes"},
    };
    const struct lab *lab = *state;

    sh("cat mid.crt froot.crt > clients.pem\n");
    sql(lab, "ALTER SYSTEM RESET ssl_passphrase_command");
    free(EXPECT(0, "ca", "create", "Ours", "--no-passphrase"));
    free(EXPECT(0, "server", "tls", "db1", "--cert", "pair.crt", "--key", "pair.key", "--yes"));
    EXPECT_ERROR(1, "PS-2311", "trust", "--add", "froot.crt", "--test", "db1", "--out", "unused");
    assert_false(fs_exists("unused"));
    free(EXPECT(0, "server", "trust", "db1", "--ca", "Ours", "--paste", "clients.pem", "--yes"));
    expect_whole_chain();
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        const char *args[9] = {NULL};
        char *text;

        for (size_t j = 0; j < ARRAY_LEN(ways[i]); j++)
            args[j] = ways[i][j];
        free(command_expect(0, args));
        expect_whole_chain();
        free(EXPECT(0, "server", "undo", "db1", "--yes"));
        expect_whole_chain();
        args[i == 0 ? 7 : i == 1 ? 6 : 4] = "--dry-run";
        text = command_expect(0, args);
        assert_non_null(strstr(text, "ssl_cert_file: "));
        free(text);
    }
    /* with the whole chain in its own file there is nothing to mend */
    sh("cat pair.crt mid.crt > whole-pair.pem\n");
    free(EXPECT(0, "server", "tls", "db1", "--cert", "whole-pair.pem", "--yes"));
    {
        char *text = EXPECT(0, "server", "untrust", "db1", "--all", "--dry-run");

        assert_null(strstr(text, "ssl_cert_file"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_borrowed_chain),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
