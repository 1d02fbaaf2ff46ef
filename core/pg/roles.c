/* roles.c - pg_roles only: managed services hide pg_authid. */
#include "config.h"

#include "core/pg/roles.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

bool roles_look_up(struct conn *conn, const char *role, struct role_info *ret, struct err *err)
{
    struct result *result = conn_exec(
        conn, "SELECT rolcanlogin, rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1::text", 1,
        &role, err);

    if (!result)
        return false;
    *ret = (struct role_info){
        .exists = result_rows(result) == 1,
        .can_login = result_bool(result, 0, 0),
        .superuser = result_bool(result, 0, 1),
    };
    result_free(result);
    return true;
}

bool roles_database_exists(struct conn *conn, const char *database, bool *ret, struct err *err)
{
    struct result *result = conn_exec(
        conn, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1::text", 1, &database, err);

    if (!result)
        return false;
    *ret = result_rows(result) == 1;
    result_free(result);
    return true;
}

/* USAGE, not MEMBER: since PostgreSQL 15 a NOINHERIT member of pg_monitor sees nothing (measured). */
bool roles_own_rights(struct conn *conn, struct role_rights *ret, struct err *err)
{
    static const char sql[] = "SELECT r.rolname, r.rolsuper,"
                              " pg_catalog.pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'),"
                              " pg_catalog.pg_has_role(r.oid, 'pg_write_server_files', 'USAGE')"
                              " FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user";
    struct result *result = conn_exec(conn, sql, 0, NULL, err);
    const char *name = NULL;

    if (!result)
        return false;
    name = result_get(result, 0, 0);
    memset(ret, 0, sizeof(*ret));
    text_clean_copy(ret->name, sizeof(ret->name), name ? name : "");
    ret->superuser = result_bool(result, 0, 1);
    ret->may_see_all_sessions = ret->superuser || result_bool(result, 0, 2);
    ret->may_write_files = ret->superuser || result_bool(result, 0, 3);
    result_free(result);
    return true;
}

/* "+role" in pg_hba.conf means membership, whether it is inherited or not. */
bool roles_member_of(struct conn *conn, const char *role, char ***ret, size_t *ret_n,
                     struct err *err)
{
    static const char sql[] =
        "WITH RECURSIVE member_of(oid) AS ("
        " SELECT m.roleid FROM pg_catalog.pg_auth_members AS m"
        "  JOIN pg_catalog.pg_roles AS r ON r.oid = m.member WHERE r.rolname = $1::text"
        " UNION"
        " SELECT m.roleid FROM pg_catalog.pg_auth_members AS m"
        "  JOIN member_of ON m.member = member_of.oid)"
        " SELECT r.rolname FROM pg_catalog.pg_roles AS r JOIN member_of ON r.oid = member_of.oid"
        " ORDER BY r.rolname";
    struct result *result = conn_exec(conn, sql, 1, &role, err);
    char **names = NULL;
    size_t n = 0;

    if (!result)
        return false;
    n = (size_t)result_rows(result);
    names = mem_array(n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++) {
        const char *name = result_get(result, (int)i, 0);

        names[i] = mem_strdup(name ? name : "");
    }
    result_free(result);
    *ret = names;
    *ret_n = n;
    return true;
}

/* ---- all of them ---- */

static int compare_roles(const void *a, const void *b)
{
    return strcmp(((const struct role_row *)a)->name, ((const struct role_row *)b)->name);
}

const struct role_row *role_list_get(const struct role_list *list, const char *name)
{
    size_t from = 0, to = list->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(list->rows[middle].name, name);

        if (order == 0)
            return &list->rows[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

void role_list_clear(struct role_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct role_row *row = &list->rows[i];

        for (size_t j = 0; j < row->n_member_of; j++)
            free(row->member_of[j]);
        free(row->member_of);
        free(row->name);
    }
    free(list->rows);
    *list = (struct role_list){.n = 0};
}

static bool read_names(struct conn *conn, struct role_list *ret, struct err *err)
{
    struct result *result = conn_exec(
        conn, "SELECT rolname, rolcanlogin, rolsuper FROM pg_catalog.pg_roles", 0, NULL, err);

    if (!result)
        return false;
    ret->n = (size_t)result_rows(result);
    ret->rows = mem_array(ret->n + 1, sizeof(ret->rows[0]));
    for (size_t i = 0; i < ret->n; i++) {
        const char *name = result_get(result, (int)i, 0);

        ret->rows[i] = (struct role_row){.name = mem_strdup(name ? name : ""),
                                         .can_login = result_bool(result, (int)i, 1),
                                         .superuser = result_bool(result, (int)i, 2)};
    }
    result_free(result);
    qsort(ret->rows, ret->n, sizeof(ret->rows[0]), compare_roles);
    return true;
}

static bool read_memberships(struct conn *conn, struct role_list *list, struct err *err)
{
    static const char sql[] = "WITH RECURSIVE member_of(member, roleid) AS ("
                              " SELECT member, roleid FROM pg_catalog.pg_auth_members"
                              " UNION"
                              " SELECT o.member, m.roleid FROM member_of AS o"
                              "  JOIN pg_catalog.pg_auth_members AS m ON m.member = o.roleid)"
                              " SELECT r.rolname, g.rolname FROM member_of AS o"
                              " JOIN pg_catalog.pg_roles AS r ON r.oid = o.member"
                              " JOIN pg_catalog.pg_roles AS g ON g.oid = o.roleid";
    struct result *result = conn_exec(conn, sql, 0, NULL, err);

    if (!result)
        return false;
    for (int i = 0; i < result_rows(result); i++) {
        const char *name = result_get(result, i, 0);
        const char *group = result_get(result, i, 1);
        const struct role_row *found = name && group ? role_list_get(list, name) : NULL;
        struct role_row *row;

        if (!found)
            continue; /* made since */
        row = &list->rows[found - list->rows];
        row->member_of =
            mem_realloc_array(row->member_of, row->n_member_of + 1, sizeof(row->member_of[0]));
        row->member_of[row->n_member_of++] = mem_strdup(group);
    }
    result_free(result);
    return true;
}

bool roles_list(struct conn *conn, struct role_list *ret, struct err *err)
{
    struct role_list list = {.n = 0};

    if (!read_names(conn, &list, err) || !read_memberships(conn, &list, err)) {
        role_list_clear(&list);
        return false;
    }
    *ret = list;
    return true;
}
