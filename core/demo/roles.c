/* roles.c - the demo's roles and its database, made by the superuser. */
#include "config.h"

#include "core/demo/roles.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/intl.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/demo/demo.h"

bool demo_roles_name(struct demo_role roles[DEMO_ROLES], struct err *err)
{
    static const char *const names[DEMO_ROLES] = {"alice", "bob", "carol"};

    for (size_t i = 0; i < DEMO_ROLES; i++) {
        struct strbuf text = STRBUF_INIT;
        unsigned char bytes[16];

        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
            return err_set(err, ERR_DEMO, _("no random numbers"));
        strbuf_add_hex(&text, bytes, sizeof(bytes));
        roles[i].name = names[i];
        snprintf(roles[i].password, sizeof(roles[i].password), "%s", text.data);
        strbuf_wipe(&text);
        explicit_bzero(bytes, sizeof(bytes));
    }
    return true;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static bool run_sql(PGconn *conn, const char *sql, struct err *err)
{
    PGresult *result = PQexec(conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

    if (!ok)
        err_set(err, ERR_DEMO, _("the private PostgreSQL refused: %s"), PQerrorMessage(conn));
    PQclear(result);
    return ok;
}

static bool make_role(PGconn *conn, const struct demo_role *role, struct err *err)
{
    char *verifier = PQencryptPasswordConn(conn, role->password, role->name, "scram-sha-256");
    struct strbuf sql = STRBUF_INIT;
    bool ok = false;

    if (verifier == NULL) {
        err_set(err, ERR_DEMO, _("cannot make a password: %s"), PQerrorMessage(conn));
        goto out;
    }
    /* A verifier, so that no log ever has the password itself. */
    strbuf_printf(&sql, "CREATE ROLE %s LOGIN PASSWORD ", role->name);
    ok = text_quote_sql_literal(&sql, verifier) && run_sql(conn, sql.data, err);
out:
    PQfreemem(verifier);
    strbuf_clear(&sql);
    return ok;
}

bool demo_roles_make(const char *socket, int port_number, const struct demo_role *roles,
                     size_t n_roles, struct err *err)
{
    char port[12];
    const char *const keywords[] = {"host",
                                    "hostaddr",
                                    "port",
                                    "user",
                                    "dbname",
                                    "options",
                                    "sslmode",
                                    "gssencmode",
                                    "application_name",
                                    "connect_timeout",
                                    NULL};
    const char *const values[] = {socket,    "",        port,          "admin", "postgres", "",
                                  "disable", "disable", "pgseal demo", "10",    NULL};
    PGconn *conn;
    bool ok = false;

    snprintf(port, sizeof(port), "%d", port_number);
    conn = PQconnectdbParams(keywords, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        err_set(err, ERR_DEMO, _("cannot log in to the private PostgreSQL: %s"),
                PQerrorMessage(conn));
        goto out;
    }
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    for (size_t i = 0; i < n_roles; i++) {
        if (!make_role(conn, &roles[i], err))
            goto out;
    }
    ok = run_sql(conn, "CREATE DATABASE " DEMO_DATABASE, err);
out:
    PQfinish(conn);
    return ok;
}
