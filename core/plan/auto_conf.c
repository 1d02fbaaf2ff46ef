/*
 * auto_conf.c - the order of the lines in postgresql.auto.conf.
 *
 * ALTER SYSTEM SET takes a setting's line out and puts the new one at the end (measured, 15), so a
 * setting that is changed and changed back stands somewhere else. The order means nothing to
 * PostgreSQL, but "byte for byte as before" is easier to believe and to compare.
 */
#include "config.h"

#include <string.h>

#include "core/base/text.h"
#include "core/plan/step.h"

static struct result *read_lines(struct conn *conn)
{
    struct err ignored = ERR_INIT;

    return conn_exec(conn,
                     "SELECT name, setting FROM pg_catalog.pg_file_settings"
                     " WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name IS NOT NULL"
                     " ORDER BY seqno",
                     0, NULL, &ignored);
}

json_t *auto_conf_order(struct conn *conn)
{
    struct result *result = read_lines(conn);
    json_t *names = json_array();

    for (int i = 0; result && i < result_rows(result); i++)
        json_array_append_new(names, json_string(result_get(result, i, 0)));
    result_free(result);
    return names;
}

static const char *name_at(const json_t *names, size_t i)
{
    const char *name = json_string_value(json_array_get(names, i));

    return name ? name : "";
}

static const char *value_of(const struct result *result, const char *name)
{
    for (int i = 0; i < result_rows(result); i++) {
        if (strcmp(result_get(result, i, 0), name) == 0)
            return result_get(result, i, 1);
    }
    return NULL;
}

/* From where the order differs; the number of lines when it does not, or cannot be mended. */
static size_t first_difference(const struct result *result, const json_t *names)
{
    size_t n = json_array_size(names);
    size_t at = 0;

    if ((size_t)result_rows(result) != n)
        return n;
    while (at < n && strcmp(result_get(result, (int)at, 0), name_at(names, at)) == 0)
        at++;
    for (size_t i = at; i < n; i++) {
        /* lists like shared_preload_libraries cannot be given as one string: hands off */
        if (!text_starts_with(name_at(names, i), "ssl") || !value_of(result, name_at(names, i)))
            return n;
    }
    return at;
}

void auto_conf_restore_order(struct conn *conn, const json_t *names)
{
    struct result *result = json_is_array(names) ? read_lines(conn) : NULL;
    size_t n = json_array_size(names);
    struct err ignored = ERR_INIT;

    for (size_t i = result ? first_difference(result, names) : n; i < n; i++) {
        if (!settings_put_back(conn, name_at(names, i), value_of(result, name_at(names, i)),
                               &ignored))
            break; /* it means nothing to PostgreSQL */
    }
    result_free(result);
}
