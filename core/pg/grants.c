/* grants.c - one table of privileges: asked for, and printed as the statements that give them. */
#include "config.h"

#include "core/pg/grants.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/roles.h"

#define VERSION_PARAMETERS 150000 /* GRANT ALTER SYSTEM, pg_ident_file_mappings */

enum grant_kind { GRANT_ROLE, GRANT_FUNCTION, GRANT_VIEW, GRANT_PARAMETER };

static const struct {
    enum grant_kind kind;
    enum grant_need need;
    const char *object;
    const char *name;
    const char *what;
    int since;
} table[] = {
    {GRANT_ROLE, GRANT_SEE, "pg_read_all_settings", "pg_read_all_settings",
     N_("see where the files are"), 0},
    {GRANT_ROLE, GRANT_WHO, "pg_read_all_stats", "pg_read_all_stats",
     N_("see who is connected, and would be refused"), 0},
    {GRANT_ROLE, GRANT_SEE, "pg_read_server_files", "pg_read_server_files",
     N_("read files of the server"), 0},
    {GRANT_FUNCTION, GRANT_SEE, "pg_catalog.pg_read_binary_file(text)",
     "EXECUTE on pg_read_binary_file(text)", N_("the same, byte for byte"), 0},
    {GRANT_FUNCTION, GRANT_SEE, "pg_catalog.pg_stat_file(text)", "EXECUTE on pg_stat_file(text)",
     N_("see whether a file is there"), 0},
    {GRANT_FUNCTION, GRANT_WRITE, "pg_catalog.lo_export(oid, text)",
     "EXECUTE on lo_export(oid, text)", N_("write files as the server's user"), 0},
    {GRANT_FUNCTION, GRANT_WRITE, "pg_catalog.pg_reload_conf()", "EXECUTE on pg_reload_conf()",
     N_("have the server read its files again"), 0},
    {GRANT_FUNCTION, GRANT_SEE, "pg_catalog.pg_show_all_file_settings()",
     "EXECUTE on pg_show_all_file_settings()", N_("see which line of which file wins"), 0},
    {GRANT_VIEW, GRANT_SEE, "pg_catalog.pg_file_settings", "SELECT on pg_file_settings", "", 0},
    {GRANT_PARAMETER, GRANT_TLS, "ssl_ca_file", "ALTER SYSTEM on ssl_ca_file", N_("give it CAs"),
     VERSION_PARAMETERS},
    {GRANT_PARAMETER, GRANT_TLS, "ssl_crl_file", "ALTER SYSTEM on ssl_crl_file",
     N_("publish lists of revoked certificates"), VERSION_PARAMETERS},
    {GRANT_FUNCTION, GRANT_RULES, "pg_catalog.pg_hba_file_rules()",
     "EXECUTE on pg_hba_file_rules()", N_("check pg_hba.conf before it counts"), 0},
    {GRANT_VIEW, GRANT_RULES, "pg_catalog.pg_hba_file_rules", "SELECT on pg_hba_file_rules", "", 0},
    {GRANT_FUNCTION, GRANT_MAPS, "pg_catalog.pg_ident_file_mappings()",
     "EXECUTE on pg_ident_file_mappings()", N_("check pg_ident.conf before it counts"),
     VERSION_PARAMETERS},
    {GRANT_VIEW, GRANT_MAPS, "pg_catalog.pg_ident_file_mappings",
     "SELECT on pg_ident_file_mappings", "", VERSION_PARAMETERS},
    {GRANT_ROLE, GRANT_EXTRA, "pg_write_server_files", "pg_write_server_files",
     N_("on a standby: write files there, where lo_export() cannot"), 0},
    {GRANT_ROLE, GRANT_EXTRA, "pg_signal_backend", "pg_signal_backend",
     N_("end sessions of revoked certificates"), 0},
};

static void add_check(struct strbuf *sql, enum grant_kind kind, const char *object)
{
    static const char *const calls[] = {
        [GRANT_ROLE] = "pg_catalog.pg_has_role($1::name, '%s', 'USAGE')",
        [GRANT_FUNCTION] = "pg_catalog.has_function_privilege($1::name, '%s', 'EXECUTE')",
        [GRANT_VIEW] = "pg_catalog.has_table_privilege($1::name, '%s', 'SELECT')",
        [GRANT_PARAMETER] = "pg_catalog.has_parameter_privilege($1::name, '%s', 'ALTER SYSTEM')",
    };
    const char *call = calls[kind];
    const char *mark = strstr(call, "%s");

    strbuf_add(sql, call, (size_t)(mark - call));
    strbuf_add_str(sql, object);
    strbuf_add_str(sql, mark + 2);
}

static char *statement(enum grant_kind kind, const char *object, const char *role)
{
    struct strbuf sql = STRBUF_INIT;

    switch (kind) {
    case GRANT_ROLE:
        strbuf_printf(&sql, "GRANT %s TO ", object);
        break;
    case GRANT_FUNCTION:
        strbuf_printf(&sql, "GRANT EXECUTE ON FUNCTION %s TO ", object);
        break;
    case GRANT_VIEW:
        strbuf_printf(&sql, "GRANT SELECT ON %s TO ", object);
        break;
    case GRANT_PARAMETER:
        strbuf_printf(&sql, "GRANT ALTER SYSTEM ON PARAMETER %s TO ", object);
        break;
    }
    if (!text_quote_sql_ident(&sql, role)) /* a role that the server has: it can be quoted */
        strbuf_add_str(&sql, "ROLE");
    strbuf_add_char(&sql, ';');
    return strbuf_steal(&sql);
}

/* One statement asks for all of them: a row of booleans behind the two facts. */
static struct result *ask(struct conn *conn, const char *role, struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    struct result *result;

    strbuf_add_str(&sql, "SELECT pg_catalog.current_database(), (SELECT rolsuper FROM "
                         "pg_catalog.pg_roles WHERE rolname = $1::name)");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (conn_server_version(conn) < table[i].since)
            continue;
        strbuf_add_str(&sql, ", ");
        add_check(&sql, table[i].kind, table[i].object);
    }
    result = conn_exec(conn, sql.data, 1, &role, err);
    strbuf_clear(&sql);
    return result;
}

bool grants_read(struct conn *conn, const char *role, struct grant_list *ret, struct err *err)
{
    struct grant_list list = {.server_version = conn_server_version(conn)};
    struct role_rights own;
    struct role_info info;
    struct result *result;
    int column = 2;

    if (!role) {
        if (!roles_own_rights(conn, &own, err))
            return false;
        role = own.name;
    } else if (!roles_look_up(conn, role, &info, err)) {
        return false;
    } else if (!info.exists) {
        return err_set(err, ERR_BAD_VALUE, _("there is no role \"%s\" on the server"), role);
    }
    result = ask(conn, role, err);
    if (!result)
        return false;
    list.role = mem_strdup(role);
    list.database = mem_strdup(result_get(result, 0, 0));
    list.superuser = result_bool(result, 0, 1);
    list.rows = mem_array(ARRAY_LEN(table), sizeof(*list.rows));
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (list.server_version < table[i].since)
            continue;
        list.rows[list.n++] = (struct grant){.need = table[i].need,
                                             .name = table[i].name,
                                             .sql = statement(table[i].kind, table[i].object, role),
                                             .what = *table[i].what ? _(table[i].what) : "",
                                             .there = result_bool(result, 0, column++)};
    }
    result_free(result);
    *ret = list;
    return true;
}

void grants_clear(struct grant_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->rows[i].sql);
    free(list->rows);
    free(list->role);
    free(list->database);
    *list = (struct grant_list){.n = 0};
}

/* Either of the two ways to write a file. */
static bool may_write(const struct grant_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i].there && strcmp(list->rows[i].name, "pg_write_server_files") == 0)
            return true;
    }
    return false;
}

bool grants_need_superuser(const struct grant_list *list, unsigned needs)
{
    return !list->superuser && (needs & GRANT_TLS) && list->server_version < VERSION_PARAMETERS;
}

size_t grants_missing(const struct grant_list *list, unsigned needs, struct strbuf *out)
{
    size_t n = 0;

    if (list->superuser)
        return 0;
    if (grants_need_superuser(list, needs)) {
        strbuf_add_str(out, "superuser"); /* who needs nothing of what follows */
        return 1;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (!((unsigned)list->rows[i].need & needs) || list->rows[i].there ||
            (strstr(list->rows[i].name, "lo_export") && may_write(list)))
            continue;
        strbuf_printf(out, "%s%s", n++ > 0 ? ", " : "", list->rows[i].name);
    }
    return n;
}
