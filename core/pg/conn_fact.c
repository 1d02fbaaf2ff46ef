/* conn_fact.c - what is known about a connection. */
#include "config.h"

#include <libpq-fe.h>

#include "core/base/text.h"
#include "core/pg/conn_state.h"
#include "core/pg/result.h"

enum conn_state conn_state(const struct conn *conn)
{
    return conn->state;
}

int conn_fd(const struct conn *conn)
{
    return conn->state == CONN_FAILED ? -1 : PQsocket(conn->pg);
}

unsigned conn_wants(const struct conn *conn)
{
    return conn->wants;
}

int64_t conn_deadline_ms(const struct conn *conn)
{
    return conn->deadline_ms;
}

int conn_server_version(const struct conn *conn)
{
    return PQserverVersion(conn->pg);
}

int conn_backend_pid(const struct conn *conn)
{
    return PQbackendPID(conn->pg);
}

static bool is_loopback(const char *address)
{
    return text_starts_with(address, "127.") || text_equal(address, "::1");
}

bool conn_is_superuser(const struct conn *conn)
{
    return text_equal(PQparameterStatus(conn->pg, "is_superuser"), "on");
}

bool conn_is_verified(const struct conn *conn)
{
    const char *host = PQhost(conn->pg);
    const char *address = PQhostaddr(conn->pg);
    PQconninfoOption *options;
    bool verified = false;

    if ((host && (host[0] == '/' || host[0] == '@')) || (address && is_loopback(address)) ||
        PQgssEncInUse(conn->pg))
        return true;
    if (!PQsslInUse(conn->pg))
        return false;
    options = PQconninfo(conn->pg);
    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        if (text_equal(option->keyword, "sslmode"))
            verified =
                text_equal(option->val, "verify-full") || text_equal(option->val, "verify-ca");
    PQconninfoFree(options);
    return verified;
}

bool conn_uses_tls(const struct conn *conn)
{
    return PQsslInUse(conn->pg) == 1;
}

const char *conn_parameter(const struct conn *conn, const char *name)
{
    return PQparameterStatus(conn->pg, name);
}

const char *conn_sqlstate(const struct conn *conn)
{
    return conn->sqlstate;
}

bool conn_needs_password(const struct conn *conn)
{
    return conn->needs_password;
}

bool conn_system_identifier(struct conn *conn, char out[32], struct err *err)
{
    struct err why = ERR_INIT;
    struct result *result = conn_exec(
        conn, "SELECT system_identifier FROM pg_catalog.pg_control_system()", 0, NULL, &why);

    if (!result && conn->state == CONN_IDLE && text_equal(conn->sqlstate, "42501")) {
        out[0] = '\0';
        return true;
    }
    if (!result) {
        *err = why;
        return false;
    }
    text_clean_copy(out, 32, result_get(result, 0, 0) ? result_get(result, 0, 0) : "");
    result_free(result);
    return true;
}
