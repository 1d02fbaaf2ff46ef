/* health_files.c - TLS files and settings of a real server, made ill in every way that we know. */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

/* What PostgreSQL itself says about it: the restart fails, and works when it is healed. */
static void restart(struct health_box *box, bool works)
{
    struct err err = ERR_INIT;

    if (works) {
        plan_box_restart(&box->plan);
        return;
    }
    assert_true(box->check.restart_fails);
    conn_close(box->plan.admin);
    box->plan.admin = NULL;
    if (demo_restart(box->plan.demo, &err))
        fail_msg("the server came up again");
}

static void test_well(void **state)
{
    struct health_box *box = *state;

    health_expect_well(box);
    assert_int_equal(box->check.tls, SERVER_TLS_ON);
    assert_true(box->check.cert_not_after > clock_now());
    assert_true(box->check.crl_next_update > clock_now());
    assert_int_equal(box->check.n_cas, 1);
    assert_int_equal(box->check.n_cert_rules, 1);
    assert_false(box->check.standby);
    assert_true(box->check.version >= 130000);
    assert_true(box->check.took_ms < 5000);
}

static void test_ca_file_is_gone(void **state)
{
    struct health_box *box = *state;
    char *from = health_path(box, box->ca_file);
    char *to = health_path(box, "moved.crt");

    assert_int_equal(rename(from, to), 0);
    health_expect(box, FINDING_ERROR, ERR_TLS_FILE_MISSING, "ssl_ca_file");
    restart(box, false);
    assert_int_equal(rename(to, from), 0);
    restart(box, true);
    health_expect_well(box);
    free(from);
    free(to);
}

static void test_a_setting_names_what_is_not_there(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_crl_file", "nosuch.crl"); /* SQL sees nothing wrong */
    health_expect(box, FINDING_ERROR, ERR_TLS_FILE_MISSING, "ssl_crl_file");
    restart(box, false);
    {
        struct strbuf conf = STRBUF_INIT;
        char *at;

        health_read(box, "postgresql.auto.conf", &conf);
        at = strstr(conf.data, "nosuch.crl");
        assert_non_null(at);
        strbuf_truncate(&conf, (size_t)(at - conf.data));
        strbuf_printf(&conf, "%s'\n", box->crl_file);
        health_write(box, "postgresql.auto.conf", conf.data, conf.len, 0600);
        strbuf_clear(&conf);
    }
    restart(box, true);
    health_expect_well(box);
}

static void test_ca_file_is_not_the_servers_to_read(void **state)
{
    struct health_box *box = *state;
    char *path = health_path(box, box->ca_file);

    if (geteuid() == 0) {
        assert_int_equal(chmod(path, 0000), 0);
        health_expect(box, FINDING_ERROR, ERR_TLS_FILE_UNREADABLE, "ssl_ca_file");
        assert_true(box->check.restart_fails);
        assert_int_equal(chmod(path, 0644), 0);
    }
    health_expect_well(box);
    free(path);
}

static void test_ca_file_is_damaged(void **state)
{
    struct health_box *box = *state;
    struct strbuf good = STRBUF_INIT;
    struct strbuf bad = STRBUF_INIT;

    health_read(box, box->ca_file, &good);
    strbuf_add(&bad, good.data, good.len - 60); /* a second block that was cut would do the same */
    health_set_text(box, "ssl_ca_file", &bad);
    health_expect(box, FINDING_ERROR, ERR_TLS_FILE_DAMAGED, "ssl_ca_file");
    restart(box, false);
    health_write(box, "test-ssl_ca_file.pem", good.data, good.len, 0644);
    restart(box, true);

    strbuf_reset(&bad);
    strbuf_add_str(&bad, "not a certificate\n");
    health_set_text(box, "ssl_ca_file", &bad);
    health_expect(box, FINDING_ERROR, ERR_TLS_FILE_DAMAGED, "ssl_ca_file");
    health_heal(box);
    strbuf_clear(&good);
    strbuf_clear(&bad);
}

static void test_a_block_is_indented(void **state)
{
    struct health_box *box = *state;
    struct pair other = health_ca("Indented CA");
    struct strbuf text = STRBUF_INIT;
    struct strbuf pem = STRBUF_INIT;

    health_read(box, box->ca_file, &text);
    fixture_pem(&pem, other.cert);
    for (const char *at = pem.data; *at;) {
        size_t len = strcspn(at, "\n") + 1;

        strbuf_add_str(&text, "   ");
        strbuf_add(&text, at, len);
        at += len;
    }
    health_set_text(box, "ssl_ca_file", &text);
    health_expect(box, FINDING_ERROR, ERR_PEM_SKIPPED, "ssl_ca_file");
    health_expect_none(box, ERR_TLS_STALE); /* the server reads the file as we do */
    assert_false(box->check.restart_fails);
    health_heal(box);
    pair_clear(&other);
    strbuf_clear(&text);
    strbuf_clear(&pem);
}

static void test_a_private_key_is_in_the_ca_file(void **state)
{
    struct health_box *box = *state;
    struct strbuf text = STRBUF_INIT;
    struct key *key = fixture_key();
    struct err err = ERR_INIT;
    struct secret *pem = key_to_pem(key, NULL, 0, &err);

    health_read(box, box->ca_file, &text);
    strbuf_add(&text, secret_data(pem), secret_len(pem));
    health_set_text(box, "ssl_ca_file", &text); /* PostgreSQL loads it without a word */
    health_expect(box, FINDING_ERROR, ERR_KEY_IN_CA_FILE, "ssl_ca_file");
    health_heal(box);
    secret_free(pem);
    key_free(key);
    strbuf_clear(&text);
}

static void test_the_key(void **state)
{
    struct health_box *box = *state;
    char *name = plan_box_value(&box->plan, "ssl_key_file");
    char *path = health_path(box, name);
    struct key *other = fixture_key();
    struct err err = ERR_INIT;
    struct secret *passphrase = secret_new(16);
    struct secret *pem = key_to_pem(other, NULL, 0, &err);
    struct secret *locked;

    health_check(box);
    if (!findings_find(&box->check.findings, ERR_NOT_SEEN, "ssl_key_file")) { /* it is here */
        assert_int_equal(chmod(path, 0644), 0);
        health_expect(box, FINDING_ERROR, ERR_SERVER_KEY_MODE, "ssl_key_file");
        restart(box, false);
        assert_int_equal(chmod(path, 0600), 0);
        restart(box, true);

        health_write(box, "other.key", secret_data(pem), secret_len(pem), 0600);
        health_set(box, "ssl_key_file", "other.key");
        health_expect(box, FINDING_ERROR, ERR_SERVER_KEY_OTHER, "ssl_key_file");
        assert_true(box->check.restart_fails);
    }
    assert_true(secret_set(passphrase, "sesame", 6));
    locked = key_to_pem(other, passphrase, 1000, &err);
    assert_non_null(locked);
    health_write(box, "locked.key", secret_data(locked), secret_len(locked), 0600);
    health_set(box, "ssl_key_file", "locked.key");
    health_expect(box, FINDING_WARNING, ERR_KEY_PASSPHRASE, "ssl_key_file");
    health_set(box, "ssl_key_file", name);
    health_expect_well(box);
    health_set(box, "ssl_passphrase_command", "echo sesame");
    health_expect(box, FINDING_WARNING, ERR_KEY_PASSPHRASE, NULL);
    health_set(box, "ssl_passphrase_command_supports_reload", "on");
    health_expect_well(box);
    health_reset(box, "ssl_passphrase_command");
    health_reset(box, "ssl_passphrase_command_supports_reload");

    health_set(box, "ssl_key_file", "nosuch.key");
    health_expect(box, FINDING_ERROR, ERR_TLS_FILE_MISSING, "ssl_key_file");
    health_set(box, "ssl_key_file", name);
    health_expect_well(box);
    secret_free(passphrase);
    secret_free(locked);
    secret_free(pem);
    key_free(other);
    free(path);
    free(name);
}

static void test_files_that_were_not_reloaded(void **state)
{
    struct health_box *box = *state;
    struct strbuf old = STRBUF_INIT;
    struct strbuf both = STRBUF_INIT;
    struct pair other = health_ca("Not loaded CA");

    health_read(box, box->ca_file, &old);
    strbuf_add(&both, old.data, old.len);
    fixture_pem(&both, other.cert);
    health_write(box, box->ca_file, both.data, both.len, 0644);
    health_expect(box, FINDING_ERROR, ERR_TLS_STALE, "ssl_ca_file");
    health_write(box, box->ca_file, old.data, old.len, 0644);
    health_expect_well(box);
    pair_clear(&other);
    strbuf_clear(&old);
    strbuf_clear(&both);
}

static void test_a_setting_that_was_not_reloaded(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;

    assert_true(settings_alter(box->plan.admin, "ssl_crl_file", "lists", &err));
    health_expect(box, FINDING_WARNING, ERR_NOT_RELOADED, "ssl_crl_file");
    assert_true(settings_alter(box->plan.admin, "ssl_crl_file", box->crl_file, &err));
    health_expect_well(box);
}

static void test_an_error_in_postgresql_conf(void **state)
{
    struct health_box *box = *state;
    struct strbuf good = STRBUF_INIT;
    struct strbuf bad = STRBUF_INIT;

    health_read(box, "postgresql.conf", &good);
    strbuf_add(&bad, good.data, good.len);
    strbuf_add_str(&bad, "work_mem = 'a lot'\n");
    health_write(box, "postgresql.conf", bad.data, bad.len, 0600);
    health_expect(box, FINDING_ERROR, ERR_CONF, NULL);
    restart(box, false);
    health_write(box, "postgresql.conf", good.data, good.len, 0600);
    restart(box, true);
    strbuf_clear(&good);
    strbuf_clear(&bad);
    health_set(box, "hba_file", "/etc/other_hba.conf");
    health_expect(box, FINDING_WARNING, ERR_PENDING_RESTART, "hba_file");
    health_expect_none(box, ERR_CONF);
    health_reset(box, "hba_file");
    restart(box, true); /* PostgreSQL 15 says "pending" until then, whatever the file says */
    health_expect_well(box);
}

static void test_settings_that_weaken(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_min_protocol_version", "TLSv1.1");
    health_expect(box, FINDING_WARNING, ERR_OLD_TLS_ALLOWED, NULL);
    health_reset(box, "ssl_min_protocol_version");
    health_set(box, "ssl_ciphers", "DEFAULT:@SECLEVEL=0");
    health_expect(box, FINDING_WARNING, ERR_SECLEVEL, "ssl_ciphers");
    health_reset(box, "ssl_ciphers");
    health_expect_well(box);
}

static void test_tls_off_and_half_on(void **state)
{
    struct health_box *box = *state;
    char *cert = plan_box_value(&box->plan, "ssl_cert_file");

    health_set(box, "ssl", "off");
    health_expect(box, FINDING_ERROR, ERR_SSL_OFF, "ssl");
    health_expect(box, FINDING_WARNING, ERR_HBA, NULL); /* hostssl cannot match */
    assert_int_equal(box->check.tls, SERVER_TLS_OFF);
    assert_false(box->check.restart_fails);

    health_set(box, "ssl_cert_file", "nosuch.crt");
    health_set(box, "ssl", "on"); /* SHOW ssl says on; the wire says N */
    health_expect(box, FINDING_ERROR, ERR_TLS_NOT_LOADED, "ssl");
    assert_non_null(findings_find(&box->check.findings, ERR_TLS_FILE_MISSING, "ssl_cert_file"));
    restart(box, false);
    {
        struct strbuf conf = STRBUF_INIT;

        health_read(box, "postgresql.auto.conf", &conf);
        strbuf_printf(&conf, "ssl_cert_file = '%s'\n", cert);
        health_write(box, "postgresql.auto.conf", conf.data, conf.len, 0600);
        strbuf_clear(&conf);
    }
    restart(box, true);
    health_expect_well(box);
    free(cert);
}

static void test_nobody_answers(void **state)
{
    struct health_box *box = *state;
    struct server_check_request request = {.store = box->plan.store,
                                           .server = box->plan.server,
                                           .admin = box->plan.admin,
                                           .tls_host = "127.0.0.1",
                                           .tls_port = 1};
    struct err err = ERR_INIT;

    server_check_clear(&box->check);
    assert_true(server_check(&request, &box->check, &err));
    assert_int_equal(box->check.tls, SERVER_TLS_NO_ANSWER);
    assert_non_null(findings_find(&box->check.findings, ERR_NO_CONNECTION, "127.0.0.1"));
    request.tls_host = ""; /* only a socket is known */
    server_check_clear(&box->check);
    assert_true(server_check(&request, &box->check, &err));
    assert_int_equal(box->check.tls, SERVER_TLS_NOT_ASKED);
    assert_int_equal(findings_count(&box->check.findings, FINDING_ERROR), 0);
}

static void test_a_role_without_rights(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->plan.demo), &err);
    struct conn *admin = box->plan.admin;

    health_rules(box, "local all all trust\n" HEALTH_RULES);
    if (!conn_run(admin, "CREATE ROLE plain LOGIN", &err))
        fail_msg("%s", err.msg);
    params_set(params, "user", "plain");
    box->plan.admin = conn_open(params, NULL, &err);
    assert_non_null(box->plan.admin);
    health_check(box);
    assert_non_null(findings_find(&box->check.findings, ERR_NOT_SEEN, "ssl_ca_file"));
    assert_non_null(findings_find(&box->check.findings, ERR_NOT_SEEN, "pg_hba.conf"));
    assert_non_null(findings_find(&box->check.findings, ERR_NOT_SEEN, "pg_file_settings"));
    health_expect_well(box);
    assert_int_equal(box->check.tls, SERVER_TLS_ON); /* the wire asks for no rights */
    conn_close(box->plan.admin);
    box->plan.admin = admin;
    health_rules(box, HEALTH_RULES);
    params_free(params);
    health_expect_well(box);
}

static int64_t two_hours_ago(void)
{
    return time(NULL) - 7200;
}

static void test_clocks(void **state)
{
    struct health_box *box = *state;

    clock_replace(two_hours_ago);
    health_check(box);
    clock_replace(NULL);
    assert_non_null(findings_find(&box->check.findings, ERR_CLOCKS, NULL));
    assert_non_null(
        strstr(findings_find(&box->check.findings, ERR_CLOCKS, NULL)->message, "ahead"));
    health_expect_well(box);
}

static void test_a_standby(void **state)
{
    struct health_box *box = *state;
    char *signal_file = health_path(box, "standby.signal");

    health_set(box, "wal_level", "replica");
    restart(box, true);
    health_write(box, "standby.signal", "", 0, 0600);
    plan_box_restart(&box->plan);
    health_expect(box, FINDING_INFO, ERR_STANDBY, NULL);
    assert_true(box->check.standby);
    health_expect_well(box); /* all else is looked at as anywhere */
    assert_int_equal(unlink(signal_file), 0);
    plan_box_restart(&box->plan);
    health_reset(box, "wal_level");
    restart(box, true);
    health_check(box);
    assert_false(box->check.standby);
    free(signal_file);
}

/* ---- a server whose command line has the last word ---- */

static pid_t start_server(const char *bindir, const char *data, const char *socket, int port)
{
    char *program = mem_printf("%s/postgres", bindir);
    char *port_text = mem_printf("%d", port);
    struct stat st;
    pid_t pid;

    assert_int_equal(stat(data, &st), 0);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        if (geteuid() == 0 &&
            (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0))
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(program, program, "-D", data, "-k", socket, "-p", port_text, "-c",
              "ssl_ca_file=elsewhere.crt", (char *)NULL);
        _exit(1);
    }
    free(program);
    free(port_text);
    return pid;
}

static void test_the_command_line_wins(void **state)
{
    struct health_box *box = *state;
    char *folder = mem_printf("%s-kept", demo_folder(box->plan.demo));
    struct demo_options options = {.keep = folder, .quiet_roles = true};
    struct err err = ERR_INIT;
    struct demo *demo = demo_start(&options, &err);
    struct params *params;
    struct conn *admin = box->plan.admin;
    char *data, *socket, *bindir;
    pid_t pid;
    int port;

    assert_ok(demo != NULL, &err);
    params = params_parse(demo_admin_conninfo(demo), &err);
    data = mem_strdup(demo_data(demo));
    socket = mem_strdup(demo_socket(demo));
    bindir = mem_strdup(demo_bindir(demo));
    port = demo_port(demo);
    assert_ok(demo_stop(demo, NULL, &err), &err);
    demo_free(demo);
    pid = start_server(bindir, data, socket, port);
    box->plan.admin = NULL;
    for (int i = 0; i < 100 && !box->plan.admin; i++) {
        box->plan.admin = conn_open(params, NULL, &err);
        if (!box->plan.admin)
            usleep(50000);
    }
    assert_ok(box->plan.admin != NULL, &err);
    health_expect(box, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, "ssl_ca_file");
    /* it is another server, too: the store knows its neighbour */
    assert_non_null(findings_find(&box->check.findings, ERR_OTHER_SERVER, NULL));
    conn_close(box->plan.admin);
    box->plan.admin = admin;
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(fs_remove_tree(folder, &err), &err);
    health_expect_well(box);
    params_free(params);
    free(data);
    free(socket);
    free(bindir);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well),
        cmocka_unit_test(test_ca_file_is_gone),
        cmocka_unit_test(test_a_setting_names_what_is_not_there),
        cmocka_unit_test(test_ca_file_is_not_the_servers_to_read),
        cmocka_unit_test(test_ca_file_is_damaged),
        cmocka_unit_test(test_a_block_is_indented),
        cmocka_unit_test(test_a_private_key_is_in_the_ca_file),
        cmocka_unit_test(test_the_key),
        cmocka_unit_test(test_files_that_were_not_reloaded),
        cmocka_unit_test(test_a_setting_that_was_not_reloaded),
        cmocka_unit_test(test_an_error_in_postgresql_conf),
        cmocka_unit_test(test_settings_that_weaken),
        cmocka_unit_test(test_tls_off_and_half_on),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_a_role_without_rights),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_a_standby),
        cmocka_unit_test(test_the_command_line_wins),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
}
