/*
 * What "issue client" hands over is read by the programs of the field: psql, psycopg and pgjdbc log
 * in with it, verify the server, and are refused once it is revoked.
 *
 * A program that is not installed is said and left out; psql comes with the server.
 */
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
#include "tests/harness/command.h"
#include "tests/interop/login_kit.h"
#include "tests/pg/need_pg.h"

/* Answers with the common name that the server saw. */
#define QUERY "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

/* Arguments: a URL; or pairs of a kit's jdbc.properties and the passphrase of its key, tried both as
 * properties and with the URL of its second line. */
static const char java_login[] =
    "import java.io.*;\n"
    "import java.sql.*;\n"
    "import java.util.*;\n"
    "public class Login {\n"
    "    static void say(Connection c, String sql) throws Exception {\n"
    "        try (ResultSet r = c.createStatement().executeQuery(sql)) {\n"
    "            r.next();\n"
    "            new PrintStream(System.out, true, \"UTF-8\").println(r.getString(1));\n"
    "        }\n"
    "        c.close();\n"
    "    }\n"
    "    static void kit(String file, String password) throws Exception {\n"
    "        String sql = \"SELECT concat_ws(' ', client_dn, current_user, current_database()) "
    "FROM "
    "pg_stat_ssl WHERE pid = pg_backend_pid()\", url;\n"
    "        Properties p = new Properties();\n"
    "        try (InputStream in = new FileInputStream(file)) {\n"
    "            p.load(in);\n"
    "        }\n"
    "        try (BufferedReader r = new BufferedReader(new FileReader(file))) {\n"
    "            r.readLine();\n"
    "            url = r.readLine().substring(2);\n"
    "        }\n"
    "        if (!password.isEmpty()) {\n"
    "            p.setProperty(\"sslpassword\", password);\n"
    "            url += \"&sslpassword=\" + password.replace(\" \", \"%20\");\n"
    "        }\n"
    "        say(DriverManager.getConnection(p.getProperty(\"url\"), p), sql);\n"
    "        say(DriverManager.getConnection(url), sql);\n"
    "    }\n"
    "    public static void main(String[] args) throws Exception {\n"
    "        if (args.length == 1)\n"
    "            say(DriverManager.getConnection(args[0]), \"" QUERY "\");\n"
    "        for (int i = 0; i + 1 < args.length; i += 2)\n"
    "            kit(args[i], args[i + 1]);\n"
    "    }\n"
    "}\n";

static const char python_login[] = "import sys, psycopg2\n"
                                   "cursor = psycopg2.connect(sys.argv[1]).cursor()\n"
                                   "cursor.execute(\"" QUERY "\")\n"
                                   "print(cursor.fetchone()[0])\n";

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {0};
    struct err err = ERR_INIT;
    char address[32];

    lab->demo = demo_start(&options, &err);
    if (!lab->demo)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    snprintf(address, sizeof(address), "127.0.0.1:%d", demo_port(lab->demo));
    command_write("pass", "correct horse\n", 0600);
    free(EXPECT(0, "ca", "create", "lab", "--passphrase-file", "pass"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address", address));
    free(EXPECT(0, "server", "tls", "db1", "--host", "localhost", "--host", "127.0.0.1", "--yes",
                "--passphrase-file", "pass"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--role",
                "bob", "--from", "127.0.0.1/32", "--yes"));
    free(EXPECT(0, "issue", "client", "alice", "--server", "db1", "--format", "pem,p12,pk8",
                "--p12-passphrase-file", "pass", "--passphrase-file", "pass"));
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

static char *conninfo(const struct lab *lab, const char *role)
{
    return mem_printf("host=localhost hostaddr=127.0.0.1 port=%d dbname=app user=%s "
                      "sslmode=verify-full sslcert=%s/%s.crt sslkey=%s/%s.key "
                      "sslrootcert=%s/root.crt gssencmode=disable",
                      demo_port(lab->demo), role, role, role, role, role, role);
}

static void run(const char *expected, const char *what, const char *const *argv)
{
    struct command_options options = {.program = argv[0]};
    struct command_result result;

    command_run(&result, &options, argv[1], argv[2], argv[3], argv[4], argv[5], NULL);
    if (!strstr(result.out, expected) && !strstr(result.err, expected))
        fail_msg("%s: status %d\n%s%s", what, result.status, result.out, result.err);
    command_clear(&result);
}

bool installed(const char *what, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    bool found;

    command_run(&result, &options, "-c", command, NULL);
    found = result.status == 0;
    command_clear(&result);
    if (!found && getenv("PGSEAL_TEST_REQUIRE_PG"))
        fail_msg("%s is not installed, and PGSEAL_TEST_REQUIRE_PG asks for all", what);
    if (!found)
        print_message("# %s is not installed: left out\n", what);
    return found;
}

static void test_psql(void **state)
{
    const struct lab *lab = *state;
    char *with = conninfo(lab, "alice");
    char *without = mem_printf("host=127.0.0.1 port=%d dbname=app user=alice sslmode=require "
                               "sslcert=/nonexistent",
                               demo_port(lab->demo));

    run("/CN=alice", "psql", (const char *[]){"psql", "-XAtwc", QUERY, with, NULL, NULL});
    run("requires a valid client certificate", "psql without",
        (const char *[]){"psql", "-XAtwc", QUERY, without, NULL, NULL});
    free(with);
    free(without);
}

/* A key with a passphrase: psql reads it with sslpassword. */
static void test_psql_locked_key(void **state)
{
    const struct lab *lab = *state;
    char *text, *with;

    free(EXPECT(0, "issue", "client", "bob", "--key-passphrase-file", "pass", "--passphrase-file",
                "pass"));
    text = conninfo(lab, "bob");
    with = mem_printf("%s sslpassword='correct horse'", text);
    run("/CN=bob", "psql", (const char *[]){"psql", "-XAtwc", QUERY, with, NULL, NULL});
    free(text);
    free(with);
}

static void test_psycopg(void **state)
{
    const struct lab *lab = *state;
    const char *python = "/usr/bin/python3";
    char *with = conninfo(lab, "alice");

    if (installed("psycopg2", "/usr/bin/python3 -c 'import psycopg2'"))
        run("/CN=alice", "psycopg2",
            (const char *[]){python, "-c", python_login, with, NULL, NULL});
    free(with);
}

static void jdbc(const struct lab *lab, const char *key, const char *password, const char *expected)
{
    char *url =
        mem_printf("jdbc:postgresql://localhost:%d/app?user=alice&sslmode=verify-full"
                   "&sslkey=%s/alice/%s&sslcert=%s/alice/alice.crt"
                   "&sslrootcert=%s/alice/root.crt&sslpassword=%s",
                   demo_port(lab->demo), lab->folder, key, lab->folder, lab->folder, password);

    run(expected, key,
        (const char *[]){"java", "-XX:TieredStopAtLevel=1", "-cp", JDBC ":.", "Login", url});
    free(url);
}

static void test_jdbc(void **state)
{
    const struct lab *lab = *state;

    if (!installed("pgjdbc", "java -version && javac -version && test -f " JDBC))
        return;
    command_write("Login.java", java_login, 0600);
    run("", "javac", (const char *[]){"javac", "-proc:none", "Login.java", NULL, NULL, NULL});
    jdbc(lab, "alice.pk8", "", "/CN=alice");
    jdbc(lab, "alice.p12", "correct%20horse", "/CN=alice");
}

/* Java's own way: a truststore that "trust --pkcs12" made, and the kit's p12 as the keystore. */
static void jdbc_trusting(const struct lab *lab, const char *store, const char *expected)
{
    char *url = mem_printf("jdbc:postgresql://localhost:%d/app?user=alice&sslmode=verify-full"
                           "&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory",
                           demo_port(lab->demo));
    char *options =
        mem_printf("-XX:TieredStopAtLevel=1 -cp " JDBC ":.\n"
                   "-Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStoreType=PKCS12\n"
                   "-Djavax.net.ssl.trustStorePassword=\"correct horse\"\n"
                   "-Djavax.net.ssl.keyStore=alice/alice.p12 -Djavax.net.ssl.keyStoreType=PKCS12\n"
                   "-Djavax.net.ssl.keyStorePassword=\"correct horse\"\n"
                   "Login\n",
                   store);

    (void)remove("java.options");
    command_write("java.options", options, 0600);
    run(expected, store, (const char *[]){"java", "@java.options", url, NULL, NULL, NULL});
    free(options);
    free(url);
}

/* The server goes over to another CA: who has the truststore with both gets in before and after. */
static void test_jdbc_truststore(void **state)
{
    const struct lab *lab = *state;

    if (!installed("pgjdbc", "java -version && javac -version && test -f " JDBC))
        return;
    free(EXPECT(0, "ca", "create", "next", "--no-passphrase"));
    free(EXPECT(0, "trust", "--ca", "lab", "--ca", "next", "--pkcs12", "--p12-passphrase-file",
                "pass", "--out", "both.p12"));
    free(EXPECT(0, "trust", "--ca", "lab", "--pkcs12", "--p12-passphrase-file", "pass", "--out",
                "old.p12"));
    jdbc_trusting(lab, "both.p12", "/CN=alice");
    free(EXPECT(0, "server", "tls", "db1", "--ca", "next", "--host", "localhost", "--host",
                "127.0.0.1", "--yes"));
    jdbc_trusting(lab, "both.p12", "/CN=alice");
    jdbc_trusting(lab, "old.p12", "unable to find valid certification path");
    free(EXPECT(0, "server", "tls", "db1", "--ca", "lab", "--host", "localhost", "--host",
                "127.0.0.1", "--yes", "--passphrase-file", "pass"));
}

static void test_revoked(void **state)
{
    const struct lab *lab = *state;
    char *with = conninfo(lab, "alice");

    free(EXPECT(0, "revoke", "alice", "--server", "db1", "--confirm=alice", "--passphrase-file",
                "pass"));
    run("certificate revoked", "psql", (const char *[]){"psql", "-XAtwc", QUERY, with, NULL, NULL});
    EXPECT_ERROR(1, "was revoked", "kit", "alice", "--server", "db1", "--for", "psql");
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psql),
        cmocka_unit_test(test_psql_locked_key),
        cmocka_unit_test(test_psycopg),
        cmocka_unit_test(test_jdbc),
        cmocka_unit_test(test_jdbc_truststore),
        cmocka_unit_test(test_kit_programs),
        cmocka_unit_test(test_kit_odd_names),
        cmocka_unit_test(test_kit_locked_key),
        cmocka_unit_test(test_kit_without_key),
        cmocka_unit_test(test_kit_java),
        cmocka_unit_test(test_kit_refused),
        cmocka_unit_test(test_revoked), /* the last: alice is out afterwards */
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
