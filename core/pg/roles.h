/*
 * roles.h - what the wizard must know of a database role.
 *
 * Source   pg_roles, pg_auth_members, pg_has_role (PostgreSQL 54.10).
 * Errors   those of conn_exec() (conn.h).
 * Threads  blocks as conn_exec() does: in a job.
 */
#ifndef PGSEAL_PG_ROLES_H
#define PGSEAL_PG_ROLES_H

#include "core/pg/conn.h"

struct role_info {
    bool exists;
    bool can_login;
    bool superuser;
};
bool roles_look_up(struct conn *conn, const char *role, struct role_info *ret,
                   struct err *err) MUST_CHECK;

/* Not a word of pg_hba.conf: a database of exactly this name. */
bool roles_database_exists(struct conn *conn, const char *database, bool *ret,
                           struct err *err) MUST_CHECK;

struct role_rights { /* of the connection's own role */
    char name[64];
    bool superuser;
    bool may_see_all_sessions; /* pg_read_all_stats by USAGE */
    bool may_write_files;      /* superuser or pg_write_server_files */
};
bool roles_own_rights(struct conn *conn, struct role_rights *ret, struct err *err) MUST_CHECK;
/* All roles that a role is a member of, directly or not; *ret and its strings to free(). */
bool roles_member_of(struct conn *conn, const char *role, char ***ret, size_t *ret_n,
                     struct err *err) MUST_CHECK;

struct role_row {
    char *name;
    bool can_login, superuser;
    char **member_of; /* directly or not */
    size_t n_member_of;
};
struct role_list {
    struct role_row *rows; /* by name, in the order of strcmp() */
    size_t n;
};
/* All roles, with what they are members of: two statements, whatever their number. */
bool roles_list(struct conn *conn, struct role_list *ret, struct err *err) MUST_CHECK;
void role_list_clear(struct role_list *list);
const struct role_row *role_list_get(const struct role_list *list, const char *name); /* or NULL */

#endif
