/* home_state.c - what the store holds, and what its servers do now. */
#include "config.h"

#include "screens/home_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/pg/params.h"
#include "core/store/issued.h"

#define PROBE_TIMEOUT_MS 1500

static int64_t count(struct store *store, enum issued_state state, struct err *err)
{
    struct issued_filter filter = {.state = (int)state, .within_days = 30, .limit = 1};
    struct issued_list list;
    int64_t total;

    if (!issued_list(store, &filter, &list, err))
        return 0;
    total = list.total;
    issued_list_clear(&list);
    return total;
}

/* Host and port that clients use: the server's own words, else those of the admin's connection. */
static void tls_address(const struct server *server, char *host, size_t size, int *ret_port)
{
    struct err ignored = ERR_INIT;
    struct params *params = params_parse(server->conninfo, &ignored);
    const char *value = params != NULL ? params_get(params, "host") : NULL;
    const char *port = params != NULL ? params_get(params, "port") : NULL;
    int64_t number = 5432;

    if (server->tls_host[0] != '\0')
        value = server->tls_host;
    if (value == NULL || value[0] == '/')
        value = "localhost";
    snprintf(host, size, "%s", value);
    if (port != NULL && !text_parse_int(port, 1, 65535, &number))
        number = 5432;
    *ret_port = server->tls_port > 0 ? server->tls_port : (int)number;
    params_free(params);
}

static enum home_server_state ask(const struct server *server, const struct authority_list *ours)
{
    struct handshake handshake;
    struct err ignored = ERR_INIT;
    enum home_server_state state = HOME_SERVER_TLS;
    char host[256];
    int port;

    tls_address(server, host, sizeof(host), &port);
    if (!handshake_run(
            &(struct handshake_request){.host = host, .port = port, .timeout_ms = PROBE_TIMEOUT_MS},
            &handshake, &ignored))
        return HOME_SERVER_AWAY;
    if (handshake.verdict == HANDSHAKE_NO_TLS)
        state = HOME_SERVER_NO_TLS;
    else if (handshake.asks_certificate)
        state = HOME_SERVER_OTHER_CA;
    for (size_t i = 0; state == HOME_SERVER_OTHER_CA && i < ours->n; i++) {
        if (!ours->rows[i]->retired && handshake_accepts_ca(&handshake, ours->rows[i]->cert))
            state = HOME_SERVER_OUR_CA;
    }
    handshake_clear(&handshake);
    return state;
}

void home_state_read(const char *store_folder, bool probe, struct home_state *ret)
{
    struct server_list servers = {0};
    struct store *store;

    memset(ret, 0, sizeof(*ret));
    store = store_open(store_folder, STORE_READ, &ret->err);
    if (store == NULL) {
        if (ret->err.code == ERR_NO_STORE)
            ret->err = (struct err)ERR_INIT;
        else
            ret->have_store = true;
        return;
    }
    ret->have_store = true;
    if (authority_list(store, &ret->authorities, &ret->err) &&
        server_list(store, &servers, &ret->err)) {
        ret->valid = count(store, ISSUED_VALID, &ret->err);
        ret->expiring = count(store, ISSUED_EXPIRING, &ret->err);
        ret->revoked = count(store, ISSUED_REVOKED, &ret->err);
    }
    store_close(store);
    ret->n_servers = servers.n;
    for (size_t i = 0; i < servers.n && i < HOME_STATE_SERVERS; i++) {
        struct home_server *shown = &ret->servers[ret->n_shown++];

        text_clean_copy(shown->name, sizeof(shown->name), servers.rows[i]->name);
        shown->state = probe ? ask(servers.rows[i], &ret->authorities) : HOME_SERVER_AWAY;
    }
    server_list_clear(&servers);
}

void home_state_clear(struct home_state *state)
{
    authority_list_clear(&state->authorities);
    memset(state, 0, sizeof(*state));
}
