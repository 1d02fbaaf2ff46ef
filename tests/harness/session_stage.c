/* session_stage.c - a server with TLS and sessions of every kind. */
#include "config.h"

#include "tests/harness/session_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/harness/command.h"

static void run(const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s%s", command, result.out, result.err);
    command_clear(&result);
}

static void make_foreign_ca(void)
{
    run("mkdir partner && cd partner && : > index.txt && echo 01 > crlnumber && "
        "printf '%s\\n' '[ca]' 'default_ca=this' '[this]' 'database=index.txt' "
        "'crlnumber=crlnumber' 'default_md=sha256' > ca.cnf && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
        "-subj '/CN=Partner CA' -days 3650 -out ca.crt 2>/dev/null && "
        "openssl ca -gencrl -config ca.cnf -keyfile ca.key -cert ca.crt -crldays 365 "
        "-out ca.crl && cat ca.crt ca.crl > both.pem");
}

void session_stage_open(struct pg *pg)
{
    char *address = mem_printf("127.0.0.1:%d", demo_port(pg->demo));

    free(EXPECT(0, "ca", "create", STAGE_CA, "--no-passphrase"));
    free(EXPECT(0, "server", "add", STAGE_SERVER, demo_admin_conninfo(pg->demo), "--address",
                address));
    free(EXPECT(0, "server", "tls", STAGE_SERVER, "--host", "127.0.0.1", "--yes"));
    make_foreign_ca();
    free(EXPECT(0, "server", "trust", STAGE_SERVER, "--ca", STAGE_CA, "--paste", "partner/both.pem",
                "--yes"));
    pg_rules(pg, "local all all trust\n"
                 "host all all 127.0.0.1/32 trust\n");
    free(address);
}

void session_stage_issue(const char *role, int days, const char *folder)
{
    char *text = mem_printf("%d", days);

    free(EXPECT(0, "issue", "client", role, "--ca", STAGE_CA, "--days", text, "--out", folder));
    free(text);
}

void session_stage_issue_foreign(const char *name, const char *cn)
{
    char *command = mem_printf(
        "cd partner && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-keyout %s.key -utf8 -subj '/CN=%s' -out %s.csr 2>/dev/null && chmod 600 %s.key && "
        "openssl x509 -req -in %s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 "
        "-out %s.crt 2>/dev/null",
        name, cn, name, name, name, name);

    run(command);
    free(command);
}

char *session_stage_certificate(const char *folder, const char *name)
{
    return mem_printf("sslmode=require sslcert=%s/%s.crt sslkey=%s/%s.key", folder, name, folder,
                      name);
}

PGconn *session_stage_log_in(const struct pg *pg, const char *role, const char *application,
                             const char *more)
{
    char *conninfo =
        mem_printf("host=127.0.0.1 port=%d dbname=postgres %s", demo_port(pg->demo), more);
    const char *const keywords[] = {"dbname", "user", "application_name", NULL};
    const char *const values[] = {conninfo, role, application, NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 1);

    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s: %s", conninfo, PQerrorMessage(conn));
    free(conninfo);
    return conn;
}
