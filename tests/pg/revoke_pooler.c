/* revoke_pooler.c - a real PgBouncer where clients come in: it has no list, and that is said. */
#include "config.h"

#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/pg/revoke_box.h"
#include "tests/pg/revoke_ways.h"

static const char *find_pgbouncer(void)
{
    static const char *const paths[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
                                        "/usr/local/bin/pgbouncer"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    fail_msg("pgbouncer is not installed");
    return NULL;
}

static int try_port(int port, bool bind_it)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int done;

    assert_true(fd >= 0);
    done = bind_it ? bind(fd, (struct sockaddr *)&address, len)
                   : connect(fd, (struct sockaddr *)&address, len);
    if (done == 0 && bind_it)
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return done == 0 ? ntohs(address.sin_port) : -1;
}

/* It refuses to be root, and reads its files as whoever it is then. */
static pid_t start_pgbouncer(const struct demo *demo, int port, const char *folder)
{
    const char *program = find_pgbouncer();
    const struct passwd *nobody = getpwnam("nobody");
    char *ini = mem_printf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\n"
                           "listen_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
                           "auth_type = trust\nauth_file = %s/users\n"
                           "client_tls_sslmode = require\nclient_tls_key_file = %s/b.key\n"
                           "client_tls_cert_file = %s/b.crt\nclient_tls_ca_file = %s/root.crt\n",
                           demo_port(demo), port, folder, folder, folder, folder);
    char *command = mem_printf(
        "chmod 755 . && mkdir -m 755 %s && cp root.crt %s && openssl req -x509 -newkey ec -pkeyopt"
        " ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=127.0.0.1 -keyout %s/b.key -out"
        " %s/b.crt 2>&1 && : >%s/users && chmod 644 %s/*",
        folder, folder, folder, folder, folder, folder);
    char *path = mem_printf("%s/ini", folder);
    struct command_result result;
    pid_t parent = getpid();
    bool up = false;
    pid_t pid;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c", command, NULL);
    if (result.status != 0)
        fail_msg("%s", result.out);
    command_clear(&result);
    command_write(path, ini, 0644);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 &&
            (!nobody || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0))
            _exit(126);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
        if (getppid() != parent || !freopen("/dev/null", "w", stdout) ||
            !freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(program, program, "-q", path, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 200 && !up; i++) {
        up = try_port(port, false) > 0;
        if (!up)
            poll(NULL, 0, 20);
    }
    assert_true(up);
    free(path);
    free(command);
    free(ini);
    return pid;
}

void test_pooler(void **state)
{
    const struct lab *lab = *state;
    char *folder = mem_printf("%s/pooler", lab->folder);
    int port = try_port(0, true);
    pid_t pid = start_pgbouncer(lab->two, port, folder);
    char *text, *sql = mem_printf("UPDATE server SET tls_port = %d WHERE name = 'db2'", port);
    json_t *json;
    int status;

    lab_store_sql(sql);
    free(sql);
    text = EXPECT(0, "server", "probe", "db2");
    assert_non_null(strstr(text, "a pooler, not PostgreSQL"));
    assert_non_null(strstr(text, "no revocation lists"));
    free(text);
    json = EXPECT_JSON(6, "server", "check", "db2", "--json");
    assert_non_null(
        strstr(lab_text(lab_row(json, "findings", "code", "PS-2237"), "message"), "is a pooler"));
    json_decref(json);

    /* nothing that PostgreSQL does shows there: taken back, and said why */
    lab_issue("carol", "lab", "p1");
    EXPECT_ERROR(5, "is a pooler (PgBouncer has no revocation lists)", "revoke", "carol", "--all",
                 "--confirm=carol");
    lab_refused(lab->one, "carol", "p1");
    assert_int_equal(lab_count_behind(), 1);

    /* at PostgreSQL's own address it is as ever */
    sql = mem_printf("UPDATE server SET tls_port = %d WHERE name = 'db2'", demo_port(lab->two));
    lab_store_sql(sql);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    lab_refused(lab->two, "carol", "p1");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(sql);
    free(folder);
}
