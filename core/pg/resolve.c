/*
 * resolve.c - host names to addresses before libpq sees them: PQconnectStart() waits for the DNS.
 *
 * What host is in the end may stand in a service file or in the environment. libpq is asked: with a
 * channel_binding that does not exist it reads all of that, refuses, and opens no socket.
 */
#include "config.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/conn.h"
#include "core/pg/message.h"
#include "core/pg/passfile.h"
#include "core/pg/resolve.h"

#define RESOLVE_MAX   16 /* addresses in all */
#define NO_SUCH_VALUE "pgseal-asks-only"

struct list { /* a comma-separated list */
    char *text;
    char *items[RESOLVE_MAX];
    size_t n;
};

struct effective {
    struct list host, hostaddr, port;
};

static bool list_split(struct list *list, const char *text)
{
    memset(list, 0, sizeof(*list));
    if (!text || !text[0])
        return true;
    list->text = mem_strdup(text);
    for (char *at = list->text; at;) {
        char *comma = strchr(at, ',');

        if (list->n == RESOLVE_MAX)
            return false;
        if (comma)
            *comma++ = '\0';
        list->items[list->n++] = at;
        at = comma;
    }
    return true;
}

static const char *list_item(const struct list *list, size_t i)
{
    return i < list->n ? list->items[i] : "";
}

static void effective_clear(struct effective *effective)
{
    free(effective->host.text);
    free(effective->hostaddr.text);
    free(effective->port.text);
    memset(effective, 0, sizeof(*effective));
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        if (!strcmp(option->keyword, keyword))
            return option->val;
    return NULL;
}

static bool read_effective(const struct params *params, struct effective *ret, struct err *err)
{
    size_t n = params_count(params);
    const char **keywords = mem_array(n + 3, sizeof(*keywords));
    const char **values = mem_array(n + 3, sizeof(*values));
    PQconninfoOption *options = NULL;
    PGconn *pg = NULL;
    bool ok = false;

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < n; i++)
        if (!params_at(params, i, &keywords[i], &values[i]))
            goto out;
    keywords[n] = "channel_binding"; /* the last one of a keyword wins */
    values[n] = NO_SUCH_VALUE;
    keywords[n + 1] = "passfile"; /* nobody logs in here */
    values[n + 1] = PASSFILE_NONE;
    pg = PQconnectStartParams(keywords, values, 0);
    options = pg ? PQconninfo(pg) : NULL;
    if (!text_equal(option_value(options, "channel_binding"), NO_SUCH_VALUE)) {
        /* libpq did not come that far: no such service, a file that it cannot read … */
        message_from_server(err, ERR_USAGE, NULL, pg ? PQerrorMessage(pg) : "");
        if (params_get(params, "service"))
            err_hint(err, _("Services stand in ~/.pg_service.conf (or $PGSERVICEFILE), then in the "
                            "system's pg_service.conf."));
        goto out;
    }
    if (!list_split(&ret->host, option_value(options, "host")) ||
        !list_split(&ret->hostaddr, option_value(options, "hostaddr")) ||
        !list_split(&ret->port, option_value(options, "port"))) {
        err_set(err, ERR_BAD_VALUE, _("more than %d hosts in a connection string"), RESOLVE_MAX);
        effective_clear(ret);
        goto out;
    }
    ok = true;
out:
    PQconninfoFree(options);
    PQfinish(pg);
    free(keywords);
    free(values);
    return ok;
}

bool conn_effective_host(const struct params *params, char **ret_host, char **ret_port,
                         struct err *err)
{
    struct effective effective;
    const char *host;

    if (!read_effective(params, &effective, err))
        return false;
    host = list_item(&effective.host, 0);
    *ret_host = mem_strdup(host[0] ? host : list_item(&effective.hostaddr, 0));
    *ret_port = mem_strdup(list_item(&effective.port, 0));
    effective_clear(&effective);
    return true;
}

bool conn_one_host(const struct params *params, struct err *err)
{
    struct effective effective;
    bool one;

    if (!read_effective(params, &effective, err))
        return false;
    one = effective.host.n <= 1 && effective.hostaddr.n <= 1;
    effective_clear(&effective);
    if (one)
        return true;
    err_set(err, ERR_BAD_VALUE, _("the connection string names several hosts"));
    err_cause(err,
              _("libpq takes the first that answers: a change could be made on one of them and "
                "proven, or taken back, on another."));
    return err_hint(err, _("Add each host as a server of its own; those of one cluster with "
                           "--member-of=CLUSTER."));
}

static bool is_name(const char *host)
{
    struct in6_addr address;
    char bare[64];

    if (!host[0] || host[0] == '/' || host[0] == '@')
        return false;
    text_clean_copy(bare, sizeof(bare), host);
    bare[strcspn(bare, "%")] = '\0'; /* fe80::1%eth0 */
    return inet_pton(AF_INET, bare, &address) != 1 && inet_pton(AF_INET6, bare, &address) != 1;
}

static bool needs_resolving(const struct effective *effective, size_t i)
{
    return !list_item(&effective->hostaddr, i)[0] && is_name(list_item(&effective->host, i));
}

bool resolve_is_done(const struct params *params, struct err *err)
{
    struct effective effective;
    bool ok = true;

    if (!read_effective(params, &effective, err))
        return false;
    for (size_t i = 0; ok && i < effective.host.n; i++)
        if (needs_resolving(&effective, i))
            ok = err_set(err, ERR_NO_CONNECTION, _("the host name \"%s\" was not looked up yet"),
                         effective.host.items[i]);
    effective_clear(&effective);
    return ok;
}

struct targets { /* the three lists as they are built */
    struct strbuf host, hostaddr, port;
    size_t n;
};

static void add_target(struct targets *targets, const char *host, const char *hostaddr,
                       const char *port)
{
    const char *comma = targets->n++ ? "," : "";

    strbuf_printf(&targets->host, "%s%s", comma, host);
    strbuf_printf(&targets->hostaddr, "%s%s", comma, hostaddr);
    strbuf_printf(&targets->port, "%s%s", comma, port);
}

static void look_up(struct targets *targets, const char *host, const char *port, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &found);

    if (rc) {
        err_set(err, ERR_NO_CONNECTION, _("the host name \"%s\" was not found: %s"), host,
                gai_strerror(rc));
        return;
    }
    for (struct addrinfo *one = found; one && targets->n < RESOLVE_MAX; one = one->ai_next) {
        char address[NI_MAXHOST];

        if (!getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0,
                         NI_NUMERICHOST))
            add_target(targets, host, address, port);
    }
    freeaddrinfo(found);
}

static void resolve_all(const struct effective *effective, struct targets *targets, struct err *err)
{
    for (size_t i = 0; i < effective->host.n && targets->n < RESOLVE_MAX; i++) {
        const char *host = effective->host.items[i];
        /* one port stands for all hosts */
        const char *port = list_item(&effective->port, effective->port.n == 1 ? 0 : i);

        if (needs_resolving(effective, i))
            look_up(targets, host, port, err);
        else
            add_target(targets, host, list_item(&effective->hostaddr, i), port);
    }
}

bool conn_resolve(struct params *params, struct err *err)
{
    struct targets targets = {.host = STRBUF_INIT, .hostaddr = STRBUF_INIT, .port = STRBUF_INIT};
    struct effective effective;
    struct err why = ERR_INIT;
    bool needed = false;
    bool ok = true;

    if (!read_effective(params, &effective, err))
        return false;
    for (size_t i = 0; i < effective.host.n; i++)
        needed = needed || needs_resolving(&effective, i);
    if (!needed)
        goto out;

    resolve_all(&effective, &targets, &why);
    if (!targets.n) {
        *err = why;
        ok = false;
        goto out;
    }
    params_set(params, "host", targets.host.data);
    params_set(params, "hostaddr", targets.hostaddr.data);
    if (effective.port.n)
        params_set(params, "port", targets.port.data);
out:
    strbuf_clear(&targets.host);
    strbuf_clear(&targets.hostaddr);
    strbuf_clear(&targets.port);
    effective_clear(&effective);
    return ok;
}
