/*
 * server.h - the servers that the store knows, and what they were given.
 *
 * Shapes   name: as said to "server add". conninfo: libpq, never with a password. tls_host, tls_port:
 *          where clients connect; empty: taken from conninfo. system_identifier: "" until first seen.
 * Names    letters, digits, ".", "_", "-"; 1 to 63 bytes; not two that differ in capitals only.
 * Errors   ERR_SERVER_UNKNOWN, ERR_BAD_NAME (also: there is one of this name), ERR_BAD_VALUE,
 *          ERR_USAGE (a password in conninfo, or not understood by libpq), store errors.
 */
#ifndef PGSEAL_STORE_SERVER_H
#define PGSEAL_STORE_SERVER_H

#include "core/store/authority.h"

struct server {
    int64_t id;
    char *name;
    char *conninfo;
    char *tls_host; /* or "" */
    int tls_port;   /* or 0 */
    char *provider; /* "self-managed", "apsaradb", "aurora" */
    bool production;
    char *system_identifier;
    int64_t created_at;
};
struct server_list {
    struct server **rows;
    size_t n;
};

void server_free(struct server *server);
void server_list_clear(struct server_list *list);
bool server_add(struct store *store, const struct server *server, struct err *err) MUST_CHECK;
struct server *server_load(struct store *store, const char *name, struct err *err) MUST_CHECK;
bool server_list(struct store *store, struct server_list *ret, struct err *err) MUST_CHECK;
bool server_remove(struct store *store, const char *name, struct err *err) MUST_CHECK;
/* Set once, at the first connection; another one later: ERR_OTHER_SERVER. A store that is open for
 * reading only compares and remembers nothing. */
bool server_check_identifier(struct store *store, struct server *server,
                             const char *system_identifier, struct err *err) MUST_CHECK;

/* CAs that a kept plan gave to this server. */
bool server_trusts(struct store *store, const struct server *server, struct authority_list *ret,
                   struct err *err) MUST_CHECK;
bool server_set_trust(struct store *store, const struct server *server, int64_t authority_id,
                      bool trusted, struct err *err) MUST_CHECK;

#endif
