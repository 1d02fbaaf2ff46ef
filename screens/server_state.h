/*
 * server_state.h - where a server's clients connect, and what it does there now.
 *
 * Cost     server_state_ask() is one handshake with a deadline of 1.5 s: in a job.
 */
#ifndef PGSEAL_SCREENS_SERVER_STATE_H
#define PGSEAL_SCREENS_SERVER_STATE_H

#include "core/store/server.h"
#include "tui/theme.h"

enum server_state {
    SERVER_AWAY,
    SERVER_NO_TLS,
    SERVER_TLS,      /* asks for no client certificate */
    SERVER_OTHER_CA, /* asks, but does not name our CA */
    SERVER_OUR_CA
};

/* Host and port that clients use: the server's own words, else those of the admin's connection. ""
 * where that is a socket and nothing else is said. Caller frees *ret_host. */
bool server_tls_address(const struct server *server, char **ret_host, int *ret_port,
                        struct err *err) MUST_CHECK;
/* "HOST", "HOST:PORT", "[ADDRESS]:PORT"; *ret_port stays where none is given. */
bool server_parse_address(const char *text, char **ret_host, int *ret_port,
                          struct err *err) MUST_CHECK;
/* Asked without a login; a socket's server at "localhost". */
enum server_state server_state_ask(const struct server *server, const struct authority_list *ours);
enum mark server_state_mark(enum server_state state);
const char *server_state_text(enum server_state state); /* "TLS on, CA ok" */

#endif
