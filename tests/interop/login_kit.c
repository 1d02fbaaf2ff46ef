/*
 * login_kit.c - the lines that "pgseal kit" hands over, run as they are by the programs that they are for,
 * against a server that asks for certificates: with names that would break out of any language, with
 * a locked key, and without one.
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
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/command.h"
#include "tests/interop/login_kit.h"

#define ODD_ROLE     "o'b\"r\\$x #{1} `id` \xc3\xa9;"
#define ODD_DATABASE "d b'q\"\\${HOME}%41?&=+#\xc3\xa9"
#define ODD_FOLDER   "fo'l d\"er$(id)"

/* What a shell prints; it must succeed. */
static char *shell(const char *input, const char *script, const char *folder)
{
    struct command_options options = {.program = "sh", .input = input};
    struct command_result result;
    char *out;

    command_run(&result, &options, "-c", script, "sh", folder, NULL);
    if (result.status != 0)
        fail_msg("%s: status %d\n%s%s", script, result.status, result.out, result.err);
    out = mem_strdup(result.out);
    command_clear(&result);
    return out;
}

static void expect_in(const char *out, const char *first, const char *second, const char *third)
{
    if (!strstr(out, first) || !strstr(out, second) || !strstr(out, third))
        fail_msg("\"%s\", \"%s\", \"%s\" are wanted in:\n%s", first, second, third, out);
}

static void run_kit(const char *what, const char *input, const char *folder, const char *script,
                    const char *role, const char *database)
{
    char *out = shell(input, script, folder);

    print_message("# %s\n", what);
    expect_in(out, role, database, "/CN=");
    free(out);
}

/* node-postgres is no package of Debian's that goes with every Node: a check that has npm brings it. */
static bool have_node(void)
{
    const char *modules = getenv("PGSEAL_TEST_NODE_MODULES");

    if (modules && modules[0])
        return true;
    print_message("# PGSEAL_TEST_NODE_MODULES names no folder with pg: Node is left out\n");
    return false;
}

#define WHO                                                                                        \
    "SELECT concat_ws(' ', current_user, current_database(), client_dn) FROM pg_stat_ssl "         \
    "WHERE pid = pg_backend_pid()"

static void run_programs(const char *folder, const char *input, const char *role,
                         const char *database)
{
    if (!input) { /* with a passphrase they ask at the terminal, and there is none */
        run_kit("psql.sh", input, folder, "sh \"$1/psql.sh\" -XAtwc \"" WHO "\"", role, database);
        run_kit("pg_service.conf", input, folder,
                "s=$(sed -n 's/^\\[\\(.*\\)]$/\\1/p' \"$1/pg_service.conf\") && "
                "PGSERVICEFILE=$1/pg_service.conf psql -XAtwc \"" WHO "\" \"service=$s\"",
                role, database);
        run_kit("conninfo.txt", input, folder,
                "psql -XAtwc \"" WHO "\" \"$(sed -n 1p \"$1/conninfo.txt\")\"", role, database);
        run_kit("conninfo.txt, URI", input, folder,
                "psql -XAtwc \"" WHO "\" \"$(sed -n 3p \"$1/conninfo.txt\")\"", role, database);
    }
    if (installed("psycopg2", "/usr/bin/python3 -c 'import psycopg2'")) {
        run_kit("connect.py", input, folder, "/usr/bin/python3 \"$1/connect.py\"", role, database);
        run_kit("django_database.py", input, folder,
                "cd \"$1\" && /usr/bin/python3 -B -c 'import django_database as d, psycopg2 as p\n"
                "d = d.DATABASES[\"default\"]\n"
                "c = p.connect(dbname=d[\"NAME\"], user=d[\"USER\"], host=d[\"HOST\"], "
                "port=d[\"PORT\"], **d[\"OPTIONS\"]).cursor()\n"
                "c.execute(\"SELECT client_dn, current_user, current_database() FROM pg_stat_ssl "
                "WHERE pid = pg_backend_pid()\")\n"
                "print(*c.fetchone())'",
                role, database);
        free(shell(NULL,
                   "/usr/bin/python3 -m json.tool \"$1/pgadmin.json\" && "
                   "PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -c 'import ast, sys\n"
                   "ast.parse(open(sys.argv[1]).read())' \"$1/connect_sqlalchemy.py\"",
                   folder));
    }
    if (have_node())
        run_kit("connect.cjs", input, folder,
                "NODE_PATH=$PGSEAL_TEST_NODE_MODULES node \"$1/connect.cjs\"", role, database);
}

/* All in one kit; and no file that it says nothing about, none open to others that is a secret. */
void test_kit_programs(void **state)
{
    json_t *document =
        EXPECT_JSON(0, "kit", "alice", "--server", "db1", "--for", "all", "--database", "app",
                    "--key", "alice/alice.key", "--out", "all", "--json");
    const json_t *server = json_array_get(json_object_get(document, "servers"), 0);
    char *readme = command_read("all/README.txt");
    const json_t *file;
    size_t i;

    (void)state;
    assert_string_equal(json_string_value(json_object_get(server, "login")), "in");
    assert_true(json_is_true(json_object_get(server, "certificate_used")));
    json_array_foreach(json_object_get(json_object_get(document, "files"), "more"), i, file)
    {
        const char *path = json_string_value(file);
        char *text = command_read(path);

        assert_non_null(strstr(readme, strrchr(path, '/') + 1));
        assert_null(strstr(text, "PRIVATE KEY"));
        free(text);
    }
    assert_true(i >= 15);
    assert_int_equal(command_mode("all/alice.key"), 0600);
    assert_int_equal(command_mode("all/alice.pk8"), 0600);
    run_programs("all", NULL, "alice", "app");
    /* the folder goes elsewhere: what lies beside its key goes with it */
    free(shell(NULL, "cp -R all moved", ""));
    run_kit("psql.sh, moved", NULL, "moved", "sh \"$1/psql.sh\" -XAtwc \"" WHO "\"", "alice",
            "app");
    free(readme);
    json_decref(document);
}

void test_kit_odd_names(void **state)
{
    const struct lab *lab = *state;
    char *folder = mem_printf("%s/%s/kit", lab->folder, ODD_FOLDER);
    char *sql = mem_printf("psql -Xqw '%s' -v ON_ERROR_STOP=1 -v role=\"$R\" -v db=\"$D\" <<'EOF'\n"
                           "CREATE ROLE :\"role\" LOGIN;\nCREATE DATABASE :\"db\";\nEOF\n",
                           demo_admin_conninfo(lab->demo));

    setenv("R", ODD_ROLE, 1);
    setenv("D", ODD_DATABASE, 1);
    free(shell(NULL, sql, ""));
    unsetenv("R");
    unsetenv("D");
    free(EXPECT(0, "server", "require", "db1", "--database", "all", "--role", ODD_ROLE, "--from",
                "127.0.0.1/32", "--map", "odd", "--map-role", "alice=" ODD_ROLE, "--yes"));
    free(EXPECT(0, "kit", ODD_ROLE, "--server", "db1", "--for",
                "psql,jdbc,python,sqlalchemy,django,node,go,dotnet,pgadmin,dbeaver,ruby", "--cert",
                "alice/alice.crt", "--key", "alice/alice.key", "--database", ODD_DATABASE, "--out",
                folder));
    run_programs(folder, NULL, ODD_ROLE, ODD_DATABASE);
    EXPECT_ERROR(2, "PS-1002", "kit", ODD_ROLE, "--server", "db1", "--for", "php", "--cert",
                 "alice/alice.crt", "--database", ODD_DATABASE, "--out", "php");
    assert_false(fs_exists("php"));
    free(sql);
    free(folder);
}

/* The passphrase goes with the key into PKCS#12 and PEM; no file has it, and none has the plain key. */
void test_kit_locked_key(void **state)
{
    char *text;

    (void)state;
    free(EXPECT(0, "kit", "bob", "--server", "db1", "--for", "all", "--database", "app", "--key",
                "bob/bob.key", "--key-passphrase-file", "pass", "--out", "locked"));
    assert_false(fs_exists("locked/bob.pk8"));
    assert_true(fs_exists("locked/bob.p12"));
    text = shell(NULL, "! grep -rl 'correct horse' \"$1\" && grep -l ENCRYPTED \"$1\"/*.key",
                 "locked");
    free(text);
    run_programs("locked", "correct horse\n", "bob", "app");
    /* the same while the key is made; a checkout is warned of */
    free(shell(NULL, "mkdir -p tree/.git", ""));
    EXPECT_ERROR(0, "in a checkout", "issue", "client", "bob", "--ca", "lab", "--server", "db1",
                 "--for", "psql", "--database", "app", "--out", "tree/fresh", "--passphrase-file",
                 "pass");
    run_kit("psql.sh, issued", NULL, "tree/fresh", "sh \"$1/psql.sh\" -XAtwc \"" WHO "\"", "bob",
            "app");
    EXPECT_ERROR(2, "--server", "issue", "client", "bob", "--ca", "lab", "--for", "psql", "--out",
                 "none", "--passphrase-file", "pass");
}

/* Who keeps the key gets the rest, and is told what goes where: done as told, it works. */
void test_kit_without_key(void **state)
{
    char *readme, *out;

    (void)state;
    free(EXPECT(0, "kit", "alice", "--server", "db1", "--for", "psql,jdbc", "--database", "app",
                "--out", "nokey"));
    readme = command_read("nokey/README.txt");
    expect_in(readme, "alice.key", "alice.pk8", "openssl pkcs8 -topk8 -nocrypt");
    free(readme);
    out = shell(NULL,
                "cp alice/alice.key \"$1\" && cd \"$1\" && "
                "sed -n '/openssl pkcs8/,/-out/p' README.txt | sh && "
                "sed -n '/^  openssl/p' README.txt | sh | sort | uniq -d | wc -l",
                "nokey");
    assert_true(atoi(out) >= 3); /* each line of the public key twice */
    free(out);
    run_kit("psql.sh", NULL, "nokey", "sh \"$1/psql.sh\" -XAtwc \"" WHO "\"", "alice", "app");
}

/* Java's files of all the kits above, both ways that they offer, in one run: its start is what costs. */
void test_kit_java(void **state)
{
    const struct lab *lab = *state;
    char *odd = mem_printf("%s/" ODD_FOLDER "/kit/jdbc.properties", lab->folder);
    struct command_options options = {.program = "java"};
    struct command_result result;
    size_t lines = 0;

    if (installed("pgjdbc", "java -version && javac -version && test -f " JDBC)) {
        command_run(&result, &options, "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp",
                    JDBC ":.", "Login", "all/jdbc.properties", "", odd, "",
                    "locked/jdbc.properties", "correct horse", "nokey/jdbc.properties", "", NULL);
        if (result.status != 0)
            fail_msg("java: status %d\n%s%s", result.status, result.out, result.err);
        for (const char *at = result.out; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
        assert_int_equal(lines, 8);
        expect_in(result.out, "/CN=alice alice app\n", "/CN=bob bob app\n",
                  "/CN=alice " ODD_ROLE " " ODD_DATABASE "\n");
        command_clear(&result);
    }
    free(odd);
}

void test_kit_refused(void **state)
{
    const struct lab *lab = *state;
    char *address;

    EXPECT_ERROR(2, "--for", "kit", "alice", "--server", "db1", "--no-input");
    EXPECT_ERROR(2, "--server", "kit", "alice", "--for", "psql", "--no-input");
    EXPECT_ERROR(2, "sqlalchemy", "kit", "alice", "--server", "db1", "--for", "psql,cobol");
    EXPECT_ERROR(1, "PS-2304", "kit", "alice", "--server", "db1", "--for", "psql", "--key",
                 "bob/bob.key", "--key-passphrase-file", "pass");
    EXPECT_ERROR(2, "--key-passphrase-file", "kit", "bob", "--server", "db1", "--for", "psql",
                 "--key", "bob/bob.key", "--no-input");
    EXPECT_ERROR(1, "PS-3001", "kit", "alice", "--server", "db1", "--for", "psql", "--out",
                 "alice");
    EXPECT_ERROR(2, "PS-1002", "kit", "al\nice", "--server", "db1", "--for", "psql");
    EXPECT_ERROR(2, "PS-1002", "kit", "alice", "--server", "db1", "--for", "psql", "--database",
                 "a\nb");
    free(EXPECT(0, "kit", "alice", "--server", "db1", "--for", "psql", "--dry-run"));
    assert_false(fs_exists("alice-kit"));
    command_write("open.key", "", 0644);
    free(shell(NULL, "cat alice/alice.key > open.key", ""));
    EXPECT_ERROR(1, "PS-3002", "kit", "alice", "--server", "db1", "--for", "psql", "--key",
                 "open.key");
    /* another store, and a CA that is not the server's: written and said, exit 6 */
    address = mem_printf("127.0.0.1:%d", demo_port(lab->demo));
    free(EXPECT(0, "ca", "create", "stranger", "--no-passphrase", "--store", "elsewhere"));
    free(EXPECT(0, "ca", "export", "stranger", "--out", "stranger.crt", "--store", "elsewhere"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address", address,
                "--store", "elsewhere"));
    EXPECT_ERROR(1, "PS-2309", "kit", "alice", "--server", "db1", "--for", "psql", "--cert",
                 "alice/alice.crt", "--store", "elsewhere");
    EXPECT_ERROR(6, "will not trust \"db1\"", "kit", "alice", "--server", "db1", "--for", "psql",
                 "--cert", "alice/alice.crt", "--add", "stranger.crt", "--store", "elsewhere");
    assert_true(fs_exists("alice-kit/psql.sh"));
    run_kit("another store's", NULL, "",
            "rm -r alice-kit && $PGSEAL kit alice --server db1 --for "
            "psql --cert alice/alice.crt --key alice/alice.key --database app --add alice/root.crt "
            "--store elsewhere -q && sh alice-kit/psql.sh -XAtwc \"" WHO "\"",
            "alice", "app");
    free(address);
}
