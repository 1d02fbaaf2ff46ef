/*
 * server.h - the servers that the store knows, and what they were given.
 *
 * Shapes   name: as said to "server add". conninfo: libpq, never with a password. tls_host, tls_port:
 *          where clients connect; empty: taken from conninfo. system_identifier: "" until first seen.
 *          cluster: the primary and its standbys name the same one; "" when it stands alone.
 * Names    letters, digits, ".", "_", "-"; 1 to 63 bytes; not two that differ in capitals only. A
 *          cluster is called as no server is: its name stands for all its members.
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
    char *cluster; /* or "" */
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
/* By name; the members of a cluster together. */
bool server_list(struct store *store, struct server_list *ret, struct err *err) MUST_CHECK;
bool server_remove(struct store *store, const char *name, struct err *err) MUST_CHECK;
/* Set once, at the first connection; another one later: ERR_OTHER_SERVER. A store that is open for
 * reading only compares and remembers nothing. */
bool server_check_identifier(struct store *store, struct server *server,
                             const char *system_identifier, struct err *err) MUST_CHECK;

/* ---- members of one cluster (server_member.c) ---- */

/* The servers that a name stands for: the members of a cluster, by name, or the one server. */
bool server_members(struct store *store, const char *name, struct server_list *ret,
                    struct err *err) MUST_CHECK;
/* True and *ret set: this name is one of a cluster. */
bool server_is_cluster(struct store *store, const char *name, bool *ret,
                       struct err *err) MUST_CHECK;
/* Joins a cluster, or leaves it (""). ERR_OTHER_SERVER unless its system identifier is known and that
 * of the members; ERR_BAD_NAME for a name that a server has. */
bool server_set_cluster(struct store *store, struct server *server, const char *cluster,
                        struct err *err) MUST_CHECK;
/* Inside a transaction, before the row is written: what server_add() and server_set_cluster() ask. */
bool server_check_cluster(struct store *store, const struct server *server, const char *cluster,
                          struct err *err) MUST_CHECK;

/* Servers that a kept plan gave this CA, by name. */
bool server_list_trusting(struct store *store, int64_t authority_id, struct server_list *ret,
                          struct err *err) MUST_CHECK;

/* What "server crl CLUSTER" leaves for who was away; cleared by whatever brings the lists later. The
 * same in every language: it is a key. */
#define SERVER_MISSED_CRLS "CRLs"

/* What could not be brought to a member that was away: "trust of CA \"Clients\"". */
struct server_missed {
    char *what;
    int64_t since;
};
struct server_missed_list {
    struct server_missed *rows; /* oldest first */
    size_t n;
};
void server_missed_list_clear(struct server_missed_list *list);
bool server_list_missed(struct store *store, const struct server *server,
                        struct server_missed_list *ret, struct err *err) MUST_CHECK;
bool server_add_missed(struct store *store, const struct server *server, const char *what,
                       struct err *err) MUST_CHECK;
/* what NULL: all. */
bool server_clear_missed(struct store *store, const struct server *server, const char *what,
                         struct err *err) MUST_CHECK;

/* CAs that a kept plan gave to this server. */
bool server_trusts(struct store *store, const struct server *server, struct authority_list *ret,
                   struct err *err) MUST_CHECK;
bool server_set_trust(struct store *store, const struct server *server, int64_t authority_id,
                      bool trusted, struct err *err) MUST_CHECK;

#endif
