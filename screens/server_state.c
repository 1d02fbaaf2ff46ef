/* server_state.c - where a server's clients connect, and what it does there now. */
#include "config.h"

#include "screens/server_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/plan/address.h"

#define PROBE_TIMEOUT_MS 1500

bool server_tls_address(const struct server *server, char **ret_host, int *ret_port,
                        struct err *err)
{
    return plan_tls_address(server, ret_host, ret_port, err);
}

bool server_parse_address(const char *text, char **ret_host, int *ret_port, struct err *err)
{
    const char *host = text, *end = text + strlen(text), *colon = strrchr(text, ':');
    int64_t port = 0;

    if (text[0] == '[') {
        host = text + 1;
        end = strchr(text, ']');
        colon = end != NULL && end[1] == ':' ? end + 1 : NULL;
        if (end == NULL || (end[1] != '\0' && colon == NULL))
            return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not HOST or HOST:PORT"), text);
    } else if (colon != NULL && strchr(text, ':') == colon) {
        end = colon;
    } else {
        colon = NULL; /* none, or an IPv6 address without brackets */
    }
    if (end == host || memchr(host, ' ', (size_t)(end - host)) != NULL || host[0] == '/')
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not HOST or HOST:PORT"), text);
    if (colon != NULL && !text_parse_int(colon + 1, 1, 65535, &port))
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" has no port from 1 to 65535"), text);
    *ret_host = mem_strndup(host, (size_t)(end - host));
    if (colon != NULL)
        *ret_port = (int)port;
    return true;
}

enum server_state server_state_ask(const struct server *server, const struct authority_list *ours)
{
    struct handshake_request request = {.timeout_ms = PROBE_TIMEOUT_MS};
    enum server_state state = SERVER_TLS;
    struct handshake handshake;
    struct err ignored = ERR_INIT;
    char *host = NULL;
    bool answered;

    if (!server_tls_address(server, &host, &request.port, &ignored))
        return SERVER_AWAY;
    request.host = host[0] != '\0' ? host : "localhost";
    answered = handshake_run(&request, &handshake, &ignored);
    free(host);
    if (!answered)
        return SERVER_AWAY;
    if (handshake.verdict == HANDSHAKE_NO_TLS)
        state = SERVER_NO_TLS;
    else if (handshake.asks_certificate)
        state = SERVER_OTHER_CA;
    for (size_t i = 0; state == SERVER_OTHER_CA && i < ours->n; i++) {
        if (!ours->rows[i]->retired && handshake_accepts_ca(&handshake, ours->rows[i]->cert))
            state = SERVER_OUR_CA;
    }
    handshake_clear(&handshake);
    return state;
}

static const struct {
    enum mark mark;
    const char *text;
} words[] = {
    [SERVER_AWAY] = {MARK_BAD, N_("not reachable")},
    [SERVER_NO_TLS] = {MARK_WARN, N_("no TLS")},
    [SERVER_TLS] = {MARK_TODO, N_("TLS on, no CA")},
    [SERVER_OTHER_CA] = {MARK_WARN, N_("TLS on, other CA")},
    [SERVER_OUR_CA] = {MARK_OK, N_("TLS on, CA ok")},
};

enum mark server_state_mark(enum server_state state)
{
    return words[state].mark;
}

const char *server_state_text(enum server_state state)
{
    return _(words[state].text);
}
