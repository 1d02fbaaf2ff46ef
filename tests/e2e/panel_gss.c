/* The live page beside a session that Kerberos encrypts: it is neither TLS nor clear text. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/pg.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define REALM       "PGSEAL.TEST"
#define PROGRAM_MAX ((size_t)256 << 20)

struct stage {
    struct wizard_box box;
    struct pg *pg;
    struct pty *kdc, *psql;
};

static bool have_kerberos(void)
{
    return access("/usr/sbin/krb5kdc", X_OK) == 0 && access("/usr/sbin/kadmin.local", X_OK) == 0 &&
           access("/usr/bin/kinit", X_OK) == 0;
}

/* Some builds of PostgreSQL are without GSSAPI, and no view of the server tells. */
static bool server_has_gss(void)
{
    static const char library[] = "libgssapi";
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *folder = programs_find(NULL, &err);
    char *program = folder ? fs_join(folder, "postgres") : NULL;
    bool has = program && fs_read(program, PROGRAM_MAX, &bytes, &err) &&
               memmem(bytes.data, bytes.len, library, sizeof(library) - 1);

    strbuf_clear(&bytes);
    free(program);
    free(folder);
    return has;
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void run(const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s%s", command, result.out, result.err);
    command_clear(&result);
}

/* A file of the realm's, which the server's user may read too. */
static void write_setting(const struct stage *stage, const char *name, const char *variable,
                          char *taken)
{
    char *path = fs_join(stage->box.temporary, name);

    command_write(path, taken, 0644);
    (void)setenv(variable, path, 1);
    free(path);
    free(taken);
}

/* A realm of its own: its data in a folder that goes, its server on a free port. */
static void start_kerberos(struct stage *stage)
{
    static const char *const argv[] = {"/usr/sbin/krb5kdc", "-n", NULL};
    const char *folder = stage->box.temporary;
    int port = free_port();
    char *command;

    write_setting(stage, "krb5.conf", "KRB5_CONFIG",
                  mem_printf("[libdefaults]\ndefault_realm = " REALM "\ndns_lookup_kdc = false\n"
                             "dns_lookup_realm = false\ndns_canonicalize_hostname = false\n"
                             "rdns = false\nudp_preference_limit = 1\n"
                             "[realms]\n" REALM " = {\nkdc = 127.0.0.1:%d\n}\n",
                             port));
    write_setting(stage, "kdc.conf", "KRB5_KDC_PROFILE",
                  mem_printf("[kdcdefaults]\nkdc_listen = \"\"\nkdc_tcp_listen = 127.0.0.1:%d\n"
                             "[realms]\n" REALM " = {\ndatabase_name = %s/principal\n"
                             "key_stash_file = %s/stash\nacl_file = %s/acl\n}\n"
                             "[logging]\nkdc = STDERR\n",
                             port, folder, folder, folder));
    command = mem_printf("PATH=$PATH:/usr/sbin && kdb5_util create -s -P secret -W && "
                         "kadmin.local addprinc -randkey alice && "
                         "kadmin.local addprinc -randkey postgres/localhost && "
                         "kadmin.local ktadd -k %s/keytab postgres/localhost && "
                         "chmod 644 %s/keytab && kadmin.local ktadd -k alice.keytab alice",
                         folder, folder);
    run(command);
    free(command);
    stage->kdc = pty_start(&(struct pty_options){.argv = argv});
    pty_wait_output(stage->kdc, "commencing operation");
    run("kinit -c FILE:alice.tickets -kt alice.keytab alice");
}

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    void *pg = NULL;
    char *sql;

    *state = stage;
    wizard_box_open(&stage->box);
    start_kerberos(stage); /* before the server: it reads krb5.conf too */
    if (pg_setup(&pg))
        return -1;
    stage->pg = pg;
    sql =
        mem_printf("ALTER SYSTEM SET krb_server_keyfile = 'FILE:%s/keytab'", stage->box.temporary);
    pg_run(stage->pg->admin, "CREATE ROLE alice LOGIN");
    pg_run(stage->pg->admin, sql);
    pg_rules(stage->pg, "hostgssenc all all 127.0.0.1/32 gss include_realm=0\n");
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(stage->pg->demo)));
    free(sql);
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    void *pg = stage->pg;
    int result = 0;

    pty_free(stage->psql);
    pty_free(stage->kdc);
    if (pg)
        result = pg_teardown(&pg);
    wizard_box_close(&stage->box);
    free(stage);
    return result;
}

static void encrypted_by_kerberos(void **state)
{
    static const char *const args[] = {"sessions", "db1", NULL};
    static const char *const env[] = {"KRB5CCNAME=FILE:alice.tickets", "HISTFILE=/dev/null", NULL};
    struct stage *stage = *state;
    char *conninfo = mem_printf("host=localhost hostaddr=127.0.0.1 port=%d dbname=postgres "
                                "user=alice gssencmode=require",
                                demo_port(stage->pg->demo));
    const char *argv[] = {"psql", "-X", conninfo, NULL};
    char *text;

    stage->psql = pty_start(&(struct pty_options){.argv = argv, .env = env});
    pty_wait_text(stage->psql, "GSSAPI-encrypted connection");
    wizard_run(&stage->box, &(struct wizard_options){.args = args, .rows = 40, .columns = 120});
    wizard_wait_row(&stage->box, "alice", "127.0.0.1", "GSS", "[ok] GSS");
    wizard_wait(&stage->box, "3 sessions  0 with TLS  0 without  0 with cert  1 GSS");
    wizard_wait(&stage->box, "Nothing needs a look."); /* ssl = f is no clear text here */
    pty_type(stage->box.pty, "t");
    wizard_wait_row(&stage->box, "TLS required", "[!!]"); /* hostssl would not let it in */
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait_row(&stage->box, "alice", "[ok] GSS");
    pty_type(stage->box.pty, "q");
    wizard_expect_exit(&stage->box, 0);
    text = EXPECT(0, "sessions", "db1", "--csv", "--once");
    assert_non_null(strstr(text, ",gss,postgres,alice,127.0.0.1,psql,"));
    free(text);
    free(conninfo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encrypted_by_kerberos),
    };

    if (!need_pg())
        return 0;
    if (!need(have_kerberos(), "a Kerberos server (packages krb5-kdc, krb5-admin-server)"))
        return 0;
    if (!server_has_gss()) {
        puts("1..0 # SKIP this PostgreSQL was built without GSSAPI");
        return 0;
    }
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
