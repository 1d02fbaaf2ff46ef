/*
 * server_row.h - rows of the table of servers, for the files of core/store that read them.
 */
#ifndef PGSEAL_STORE_SERVER_ROW_H
#define PGSEAL_STORE_SERVER_ROW_H

#include "core/store/server.h"
#include "core/store/sql.h"

#define SERVER_COLUMNS                                                                             \
    "id, name, conninfo, tls_host, tls_port, provider, production, system_identifier, "            \
    "created_at, cluster FROM server "

/* Runs it to the end and frees it. */
bool server_read_rows(struct sql *sql, struct server_list *ret, struct err *err) MUST_CHECK;
bool server_check_name(const char *name, struct err *err) MUST_CHECK;
/* ERR_SERVER_UNKNOWN; always false. */
bool server_unknown(const struct store *store, const char *name, struct err *err);
/* True and *ret set: a server of this name is in the store. */
bool server_is_known(struct store *store, const char *name, bool *ret, struct err *err) MUST_CHECK;

#endif
