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
    *state = lab;
    snprintf(lab->address, sizeof(lab->address), "127.0.0.1:%d", demo_port(lab->demo));
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address",
                lab->address));
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    make_foreign();
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

/* ---- plans in files ---- */

static void hba_by_hand(const struct lab *lab, const char *script)
{
    char *text = mem_printf("cd '%s' && %s", demo_data(lab->demo), script);

    sh(text);
    free(text);
}

static void test_plan_file(void **state)
{
    const struct lab *lab = *state;
    json_t *json;
    char *text, *id;

    text = EXPECT(0, "server", "trust", "db1", "--paste", "f.crt", "--crl", "f.crl", "--save-plan",
                  "t.plan");
    assert_non_null(strstr(text, "ssl_ca_file"));
    free(text);
    assert_int_equal(alert_for(lab, "ann"), 48); /* nothing was done */
    text = command_read("t.plan");
    assert_null(strstr(text, "ALTER"));
    assert_null(strstr(text, "PRIVATE"));
    assert_non_null(strstr(text, "system_identifier"));
    free(text);
    EXPECT_ERROR(1, "PS-3001", "server", "trust", "db1", "--save-plan", "t.plan", "--paste",
                 "f.crt", "--crl", "f.crl");
    sh("sed 's/\"system_identifier\": \"[0-9]*\"/\"system_identifier\": \"123\"/' t.plan > o.plan");
    EXPECT_ERROR(1, "PS-2009", "plan", "apply", "o.plan", "--yes");
    EXPECT_ERROR(2, "--yes", "plan", "apply", "t.plan");
    json = EXPECT_JSON(0, "plan", "apply", "t.plan", "--yes", "--json");
    assert_string_equal(json_string_value(json_object_get(json, "state")), "kept");
    id = mem_printf("%lld", (long long)json_integer_value(json_object_get(json, "id")));
    json_decref(json);
    assert_int_equal(alert_for(lab, "ann"), 0);
    EXPECT_ERROR(1, "ssl_ca_file is \"pgseal-ca-", "plan", "apply", "t.plan", "--yes");
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 48);

    /* the same again by its number, and as a file of it */
    free(EXPECT(0, "plan", "apply", id, "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 0);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    EXPECT_ERROR(0, "saved", "plan", "save", id, "again.plan");
    sh("grep -v made_at t.plan > a; grep -v made_at again.plan > b; cmp a b");
    EXPECT_ERROR(1, "PS-4017", "plan", "save", "99999", "x.plan");
    EXPECT_ERROR(1, "PS-4017", "plan", "apply", "99999", "--yes");
    free(id);
}

static void test_plan_file_rules(void **state)
{
    const struct lab *lab = *state;

    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "bob", "--from",
                "10.0.0.0/8", "--map", "m", "--map-role", "bob.desk=bob", "--save-plan", "r.plan"));
    hba_by_hand(lab, "cp -p pg_hba.conf ../saved.hba && echo '# by hand' >> pg_hba.conf");
    EXPECT_ERROR(1, "pg_hba.conf\" has changed since", "plan", "apply", "r.plan", "--yes");
    hba_by_hand(lab, "cat ../saved.hba > pg_hba.conf; echo '# too' >> pg_ident.conf");
    EXPECT_ERROR(1, "pg_ident.conf\" has changed since", "plan", "apply", "r.plan", "--yes");
    hba_by_hand(lab, "sed -i '$d' pg_ident.conf");
    free(EXPECT(0, "plan", "apply", "r.plan", "--yes"));
    hba_by_hand(lab, "grep -q 'app bob 10.0.0.0/8 cert map=m # pgseal' pg_hba.conf && "
                     "grep -q '^m bob.desk bob # pgseal' pg_ident.conf");
    free(EXPECT(0, "server", "unrequire", "db1", "--save-plan", "u.plan"));
    free(EXPECT(0, "plan", "apply", "u.plan", "--yes"));
    hba_by_hand(lab, "cmp ../saved.hba pg_hba.conf && ! grep bob pg_ident.conf");

    /* proven by a login of a certificate that the map lets in; one that it does not: taken back */
    free(EXPECT(0, "issue", "client", "bob.desk", "--out", "desk"));
    free(EXPECT(0, "issue", "client", "bob", "--out", "bob"));
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "bob", "--from",
                "127.0.0.1/32", "--map", "m", "--map-role", "bob.desk=bob", "--cert",
                "desk/bob.desk.crt", "--key", "desk/bob.desk.key", "--yes"));
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    EXPECT_ERROR(4, "PS-2104", "server", "require", "db1", "--database", "app", "--role", "bob",
                 "--from", "127.0.0.1/32", "--map", "m", "--map-role", "bob.desk=bob", "--cert",
                 "bob/bob.crt", "--key", "bob/bob.key", "--yes");
    hba_by_hand(lab, "cmp ../saved.hba pg_hba.conf && ! grep bob pg_ident.conf");

    /* a server certificate: the CA's key is asked for again, and is in no file */
    free(EXPECT(0, "server", "tls", "db1", "--host", "127.0.0.1", "--host", "db9", "--save-plan",
                "s.plan"));
    sh("! grep PRIVATE s.plan");
    free(EXPECT(0, "plan", "apply", "s.plan", "--yes"));
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout p.key -out p.crt -subj /CN=p "
       "-addext subjectAltName=IP:127.0.0.1; chmod 600 p.key");
    EXPECT_ERROR(1, "private key", "server", "tls", "db1", "--cert", "p.crt", "--key", "p.key",
                 "--save-plan", "p.plan");
    assert_false(fs_exists("p.plan"));
}

static void bad_plan(const char *text, const char *part)
{
    command_write("bad.plan", text, 0600);
    EXPECT_ERROR(1, part, "plan", "apply", "bad.plan", "--yes");
}

static void test_bad_plan_files(void **state)
{
    (void)state;
    bad_plan("", "PS-2120");
    bad_plan("hello", "PS-2120");
    bad_plan("[]", "PS-2120");
    bad_plan("{\"pgseal\":\"plan\",\"v\":2}", "another version");
    bad_plan("{\"pgseal\":\"plan\",\"v\":1,\"v\":1}", "PS-2120");
    bad_plan("{\"pgseal\":\"plan\",\"v\":1,\"saw\":{}}", "its server is not named");
    sh("head -c 300 t.plan > cut.plan; sed 's/\"kind\": \"trust_ca\"/\"kind\": \"drop\"/' t.plan > "
       "k.plan\n"
       "sed 's/\"foreign\"/\"strange\"/' t.plan > n.plan; sed 's/MII/MIJ/g' t.plan > c.plan\n"
       "sed 's/\"ssl_crl_file\"/\"other\"/' t.plan > w.plan\n"
       "sed 's/\"server\": \"db1\"/\"server\": \"db7\"/' t.plan > d.plan\n"
       "head -c 2000000 /dev/zero | tr '\\0' ' ' > big.plan\n");
    EXPECT_ERROR(1, "PS-2120", "plan", "apply", "cut.plan", "--yes");
    EXPECT_ERROR(1, "not known here", "plan", "apply", "k.plan", "--yes");
    EXPECT_ERROR(1, "damaged: \"foreign\"", "plan", "apply", "n.plan", "--yes");
    EXPECT_ERROR(1, "damaged", "plan", "apply", "c.plan", "--yes");
    EXPECT_ERROR(1, "what it was built on", "plan", "apply", "w.plan", "--yes");
    EXPECT_ERROR(1, "PS-2008", "plan", "apply", "d.plan", "--yes");
    EXPECT_ERROR(1, "PS-1016", "plan", "apply", "big.plan", "--yes");
    EXPECT_ERROR(1, "PS-3003", "plan", "apply", "none.plan", "--yes");
    free(EXPECT(0, "plan", "apply", "d.plan", "--server", "db1", "--dry-run"));
}

/* ---- nothing but text ---- */

/* carol's own way in: by TCP with her password. Not by the local file system: that only counts for a
 * data directory as a server wants it. */
static void add_as_carol(const struct lab *lab)
{
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=carol dbname=postgres sslmode=require",
                                demo_port(lab->demo));
    char *pass = mem_printf("127.0.0.1:*:*:carol:%s\n", demo_password(lab->demo, "carol"));

    command_write(".pgpass", pass, 0600);
    free(EXPECT(0, "server", "add", "mine", conninfo, "--address", lab->address));
    hba_by_hand(lab, "chmod 0701 .");
    free(conninfo);
    free(pass);
}

static void run_sql(const struct lab *lab, const char *file)
{
    char *text = mem_printf("psql -X -q -v ON_ERROR_STOP=1 '%s' -f %s",
                            demo_admin_conninfo(lab->demo), file);

    sh(text);
    free(text);
}

/* Does with the text what a person would: the block behind a line that names the file becomes it, or goes
 * to its end where it begins with a copy; the commands and the SQL run. */
static void do_by_hand(const struct lab *lab, const char *file)
{
    char *text = mem_printf(
        "sed -n 's|DATA_DIRECTORY|%s|g; s/^   \\((cat .*\\)$/\\1/p' %s | sh\n"
        "awk -v d='%s' '/make the file/ { match($0, /\\/pgseal-[^ ]*/); "
        "f = d substr($0, RSTART, RLENGTH); printf \"\" > f; close(f); next } "
        "/^   .cat / { match($0, /> DATA_DIRECTORY.*/); "
        "f = d substr($0, RSTART + 16); next } "
        "/^-----BEGIN/ { on = 1 } on { print >> f } /^-----END/ { on = 0 }' %s\n"
        "chmod 0644 '%s'/pgseal-*.cr?; sed -n 's/^   \\(ALTER.*;\\|SELECT "
        "pg_catalog.pg_reload.*;\\)$/\\1/p'"
        " %s > hand.sql\n[ \"$(grep -c . hand.sql)\" -ge 2 ]\n",
        demo_data(lab->demo), file, demo_data(lab->demo), file, demo_data(lab->demo), file);

    sh(text);
    free(text);
    run_sql(lab, "hand.sql");
}

static void test_text_to_paste(void **state)
{
    const struct lab *lab = *state;
    json_t *json;
    char *text;

    add_as_carol(lab); /* may nothing */
    EXPECT_ERROR(1, "--as-text", "server", "trust", "mine", "--paste", "f.crt", "--yes");
    /* what is on the server may not be read: "lab" is known to the store by its other name only */
    text = EXPECT(0, "server", "trust", "mine", "--paste", "f.crt", "--crl", "f.crl", "--as-text");
    assert_non_null(strstr(text, "trusts these CAs too, and they stay:\n     /CN=lab\n"));
    command_write("stay.txt", text, 0600);
    assert_non_null(strstr(text, "DATA_DIRECTORY/pgseal-ca-"));
    assert_non_null(strstr(text, "\n-----BEGIN CERTIFICATE-----\n"));
    assert_non_null(strstr(text, "\n-----BEGIN X509 CRL-----\n"));
    assert_non_null(strstr(text, "ALTER SYSTEM SET ssl_ca_file"));
    assert_null(strstr(text, "PRIVATE KEY-----"));
    free(text);
    hba_by_hand(lab, "cp -p postgresql.auto.conf ../saved.auto");
    do_by_hand(lab, "stay.txt"); /* word for word: whoever got in before still does */
    json = EXPECT_JSON(0, "server", "probe", "mine", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "accepted_cas")), 2);
    json_decref(json);
    assert_int_equal(alert_for(lab, "ann"), 0);
    hba_by_hand(lab, "cat ../saved.auto > postgresql.auto.conf");
    sh("echo 'SELECT pg_reload_conf();' > reload.sql");
    run_sql(lab, "reload.sql");
    text = EXPECT(0, "server", "trust", "mine", "--paste", "f.crt", "--crl", "f.crl", "--as-text",
                  "--replace");
    assert_non_null(strstr(text, "trusts these CAs too, and they go"));
    free(text);
    /* all of it named: nothing is left to add, and done by hand it works */
    text = EXPECT(0, "server", "trust", "mine", "--ca", "lab", "--paste", "f.crt", "--crl", "f.crl",
                  "--as-text");
    assert_null(strstr(text, "trusts these CAs too"));
    command_write("hand.txt", text, 0600);
    free(text);
    do_by_hand(lab, "hand.txt");
    assert_int_equal(alert_for(lab, "ann"), 0);
    assert_int_equal(alert_for(lab, "ben"), 44);
    hba_by_hand(lab, "cat ../saved.auto > postgresql.auto.conf");
    run_sql(lab, "reload.sql");

    text = EXPECT(0, "server", "require", "mine", "--database", "app", "--role", "bob", "--from",
                  "10.0.0.0/8", "--map", "m", "--map-role", "ann=bob", "--as-text");
    assert_non_null(strstr(text, "\nhostnossl app bob 10.0.0.0/8 reject # pgseal\n"
                                 "hostssl app bob 10.0.0.0/8 cert map=m # pgseal\n"));
    assert_non_null(strstr(text, "\nm ann bob # pgseal\n"));
    assert_non_null(strstr(text, "FROM pg_hba_file_rules WHERE error IS NOT NULL OR type IS NULL"));
    assert_non_null(strstr(text, "Keep a superuser's session open"));
    free(text);
    text = EXPECT(0, "server", "unrequire", "mine", "--as-text");
    assert_non_null(strstr(text, "every line that ends with"));
    free(text);
    text = EXPECT(0, "server", "tls", "mine", "--host", "db5", "--as-text");
    assert_non_null(strstr(text, "openssl genpkey"));
    assert_non_null(strstr(text, "pgseal issue server db5 --csr server.csr"));
    assert_null(strstr(text, "PRIVATE KEY-----"));
    free(text);
    EXPECT_ERROR(1, "may not be read", "server", "untrust", "mine", "--ca", "lab", "--as-text");
    text = EXPECT(0, "server", "untrust", "mine", "--all", "--as-text");
    assert_non_null(strstr(text, "ssl_ca_file"));
    free(text);
    /* with all rights the place of the lines is known; the rules themselves are not printed */
    json = EXPECT_JSON(0, "server", "require", "db1", "--database", "app", "--role", "bob",
                       "--from", "10.0.0.0/8", "--as-text", "--json");
    assert_non_null(strstr(json_string_value(json_object_get(json, "text")), "rules at its end"));
    assert_null(strstr(json_string_value(json_object_get(json, "text")), "scram-sha-256"));
    json_decref(json);
    json = EXPECT_JSON(0, "plan", "list", "--server", "mine", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "plans")), 0);
    json_decref(json);
}

/* ---- an ordinary role, by SQL alone ---- */

static void test_ordinary_role(void **state)
{
    const struct lab *lab = *state;
    const bool grants = pg_has(PG_PARAMETER_GRANTS);
    json_t *json;
    char *text;

    EXPECT_ERROR(1,
                 grants ? "Missing: pg_read_all_settings" : "Before PostgreSQL 15 only a superuser",
                 "server", "trust", "mine", "--paste", "f.crt", "--crl", "f.crl", "--yes");
    EXPECT_ERROR(1, "pgseal server grants mine", "server", "require", "mine", "--database", "app",
                 "--role", "bob", "--from", "10.0.0.0/8", "--yes");
    text = EXPECT(0, "server", "grants", "db1");
    assert_non_null(strstr(text, "superuser: nothing is missing"));
    free(text);
    EXPECT_ERROR(2, "no role \"dave\"", "server", "grants", "db1", "--role", "dave");
    text = EXPECT(0, "server", "grants", "mine");
    command_write("grants.sql", text, 0600);
    free(text);
    run_sql(lab, "grants.sql");
    text = EXPECT(0, "server", "grants", "db1", "--role", "carol");
    assert_non_null(strstr(text, grants ? "nothing is missing" : "CAs and lists need a superuser"));
    assert_non_null(strstr(text, "-- there: GRANT pg_read_server_files TO"));
    free(text);
    json = EXPECT_JSON(0, "server", "grants", "mine", "--json");
    assert_true(json_is_false(json_object_get(json, "superuser")));
    json_decref(json);

    /* now it does: CAs and lists where that can be granted, rules, maps, each with its undo */
    free(EXPECT(0, "server", "trust", grants ? "mine" : "db1", "--paste", "f.crt", "--crl", "f.crl",
                "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 0);
    assert_int_equal(alert_for(lab, "ben"), 44);
    free(EXPECT(0, "server", "require", "mine", "--database", "app", "--role", "bob", "--from",
                "10.0.0.0/8", "--map", "m", "--map-role", "ann=bob", "--yes"));
    hba_by_hand(lab, "grep -q '^m ann bob # pgseal' pg_ident.conf && "
                     "grep -q 'app bob 10.0.0.0/8 cert map=m # pgseal' pg_hba.conf");
    free(EXPECT(0, "server", "undo", "mine", "--yes"));
    hba_by_hand(lab, "! grep -q pgseal pg_ident.conf pg_hba.conf");
    free(EXPECT(0, "server", "untrust", grants ? "mine" : "db1", "--ca", "Partner f", "--yes"));
    assert_int_equal(alert_for(lab, "ann"), 48);
    /* what it was not given stays shut */
    EXPECT_ERROR(1, grants ? "own machine" : "no superuser", "server", "tls", "mine", "--host",
                 "db7", "--yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_lists),   cmocka_unit_test(test_plan_file),
        cmocka_unit_test(test_plan_file_rules), cmocka_unit_test(test_bad_plan_files),
        cmocka_unit_test(test_text_to_paste),   cmocka_unit_test(test_ordinary_role),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
