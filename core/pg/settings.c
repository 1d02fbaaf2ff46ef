/* settings.c - pg_settings for what is in force, pg_file_settings for what postgresql.auto.conf says. */
#include "config.h"

#include "core/pg/settings.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define AUTO_CONF         "postgresql.auto.conf"
#define RELOAD_TIMEOUT_MS 5000

static char *text_or_empty(const struct result *result, int row, int column)
{
    const char *text = result_get(result, row, column);

    return mem_strdup(text ? text : "");
}

void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        free(settings->rows[i].name);
        free(settings->rows[i].value);
        free(settings->rows[i].source);
        free(settings->rows[i].source_file);
        free(settings->rows[i].auto_value);
    }
    free(settings->rows);
    free(settings->data_directory);
    free(settings->hba_file);
    free(settings->ident_file);
    free(settings->config_file);
    memset(settings, 0, sizeof(*settings));
}

const struct setting *settings_get(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->n; i++)
        if (!strcmp(settings->rows[i].name, name))
            return &settings->rows[i];
    return NULL;
}

const char *settings_value(const struct settings *settings, const char *name)
{
    const struct setting *setting = settings_get(settings, name);

    return setting ? setting->value : "";
}

static bool is_auto_conf(const char *file)
{
    size_t len = strlen(file);
    size_t name = strlen(AUTO_CONF);

    return len >= name && !strcmp(file + len - name, AUTO_CONF);
}

static struct result *read_rows(struct conn *conn, struct err *err)
{
    static const char sql[] =
        "SELECT name, setting, source, sourcefile, sourceline FROM pg_catalog.pg_settings"
        " WHERE name LIKE 'ssl%' OR name IN ('allow_alter_system', 'config_file',"
        " 'data_directory', 'hba_file', 'hosts_file', 'ident_file', 'listen_addresses',"
        " 'log_connections', 'log_destination', 'logging_collector', 'password_encryption', 'port',"
        " 'unix_socket_directories') ORDER BY name";

    return conn_exec(conn, sql, 0, NULL, err);
}

static void take_rows(const struct result *result, struct settings *ret)
{
    ret->n = (size_t)result_rows(result);
    ret->rows = mem_array(ret->n + 1, sizeof(*ret->rows));
    for (size_t i = 0; i < ret->n; i++) {
        struct setting *setting = &ret->rows[i];

        setting->name = text_or_empty(result, (int)i, 0);
        setting->value = text_or_empty(result, (int)i, 1);
        setting->source = text_or_empty(result, (int)i, 2);
        setting->source_file = text_or_empty(result, (int)i, 3);
        setting->source_line = (int)result_int(result, (int)i, 4, 0);
        /* as far as pg_settings can tell; pg_file_settings knows better, where it may be asked */
        setting->in_auto_conf = is_auto_conf(setting->source_file);
        setting->auto_value = mem_strdup(setting->in_auto_conf ? setting->value : "");
    }
    ret->data_directory = mem_strdup(settings_value(ret, "data_directory"));
    ret->hba_file = mem_strdup(settings_value(ret, "hba_file"));
    ret->ident_file = mem_strdup(settings_value(ret, "ident_file"));
    ret->config_file = mem_strdup(settings_value(ret, "config_file"));
}

static struct setting *find_setting(struct settings *settings, const char *name)
{
    for (size_t i = 0; name && i < settings->n; i++)
        if (!strcmp(settings->rows[i].name, name))
            return &settings->rows[i];
    return NULL;
}

/* What ALTER SYSTEM has written, in the file's order: the last line of a name wins. */
static bool read_auto_conf(struct conn *conn, struct settings *settings, struct err *err)
{
    static const char sql[] = "SELECT name, setting FROM pg_catalog.pg_file_settings"
                              " WHERE sourcefile LIKE '%/" AUTO_CONF "' AND name IS NOT NULL"
                              " ORDER BY seqno";
    struct err why = ERR_INIT;
    struct result *result = conn_exec(conn, sql, 0, NULL, &why);

    if (!result && why.code == ERR_MAY_NOT_CHANGE)
        return true; /* superusers only, unless granted: what pg_settings told stays */
    if (!result) {
        *err = why;
        return false;
    }
    for (size_t i = 0; i < settings->n; i++) {
        settings->rows[i].in_auto_conf = false;
        settings->rows[i].auto_value[0] = '\0';
    }
    for (int i = 0; i < result_rows(result); i++) {
        struct setting *setting = find_setting(settings, result_get(result, i, 0));

        if (!setting)
            continue;
        setting->in_auto_conf = true;
        free(setting->auto_value);
        setting->auto_value = text_or_empty(result, i, 1);
    }
    result_free(result);
    return true;
}

bool settings_read(struct conn *conn, struct settings *ret, struct err *err)
{
    struct settings settings = {0};
    struct result *result = read_rows(conn, err);

    if (!result)
        return false;
    take_rows(result, &settings);
    result_free(result);
    if (!read_auto_conf(conn, &settings, err)) {
        settings_clear(&settings);
        return false;
    }
    *ret = settings;
    return true;
}

/* ---- changes ---- */

static bool check_name(const char *name, struct err *err)
{
    if (!name[0] || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the name of a setting"), name);
    return true;
}

/* ALTER SYSTEM "succeeds" for these, and nothing changes (measured). */
static bool check_not_overridden(struct conn *conn, const char *name, struct err *err)
{
    struct result *result = conn_exec(conn,
                                      "SELECT source IN ('command line', 'environment variable')"
                                      " FROM pg_catalog.pg_settings WHERE name = $1::text",
                                      1, &name, err);
    bool ok = result != NULL;

    if (ok && result_bool(result, 0, 0))
        ok = err_set(err, ERR_SETTING_OVERRIDDEN,
                     _("\"%s\" was given on the server's command line"), name);
    result_free(result);
    return ok;
}

static bool explain_alter(const char *name, struct err *err)
{
    if (err->code == ERR_MAY_NOT_CHANGE)
        err_hint(err,
                 _("Connect as a superuser, or, since PostgreSQL 15, ask for: GRANT ALTER SYSTEM "
                   "ON PARAMETER %s TO your role."),
                 name);
    return err_prefix(err, "\"%s\"", name);
}

static bool alter(struct conn *conn, const char *name, const char *value, struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    bool ok = false;

    strbuf_printf(&sql, "ALTER SYSTEM SET %s = ", name);
    if (!text_quote_sql_literal(&sql, value))
        err_set(err, ERR_BAD_VALUE, _("the value for \"%s\" cannot be written"), name);
    else
        ok = conn_run(conn, sql.data, err) || explain_alter(name, err);
    strbuf_clear(&sql);
    return ok;
}

static bool reset(struct conn *conn, const char *name, struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    bool ok = false;

    strbuf_printf(&sql, "ALTER SYSTEM RESET %s", name);
    ok = conn_run(conn, sql.data, err) || explain_alter(name, err);
    strbuf_clear(&sql);
    return ok;
}

bool settings_alter(struct conn *conn, const char *name, const char *value, struct err *err)
{
    return check_name(name, err) && check_not_overridden(conn, name, err) &&
           alter(conn, name, value, err);
}

bool settings_reset(struct conn *conn, const char *name, struct err *err)
{
    return check_name(name, err) && check_not_overridden(conn, name, err) && reset(conn, name, err);
}

bool settings_put_back(struct conn *conn, const char *name, const char *value, struct err *err)
{
    return check_name(name, err) &&
           (value ? alter(conn, name, value, err) : reset(conn, name, err));
}

/* One text value. NULL with err. */
static char *ask(struct conn *conn, const char *sql, struct err *err)
{
    struct result *result = conn_exec(conn, sql, 0, NULL, err);
    char *text = result ? text_or_empty(result, 0, 0) : NULL;

    result_free(result);
    return text;
}

/* The time stays where it is when postgresql.conf has an error: nothing at all was reloaded then. */
static bool reload_refused(struct conn *conn, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct result *result =
        conn_exec(conn,
                  "SELECT sourcefile, sourceline, error FROM pg_catalog.pg_file_settings"
                  " WHERE error IS NOT NULL ORDER BY seqno LIMIT 1",
                  0, NULL, &ignored);

    err_set(err, ERR_RELOAD_REFUSED, _("the server did not reload its configuration within %d s"),
            RELOAD_TIMEOUT_MS / 1000);
    err_hint(err, "%s", _("Look at the server's log."));
    if (result && result_rows(result) == 1) {
        const char *file = result_get(result, 0, 0);
        const char *error = result_get(result, 0, 2);

        err_cause(err, _("%s, line %d: %s."), file ? file : "postgresql.conf",
                  (int)result_int(result, 0, 1, 0), error ? error : "");
        err_hint(err, "%s", _("Mend that line: until then no setting at all is reloaded."));
    }
    result_free(result);
    return false;
}

bool settings_reload(struct conn *conn, struct err *err)
{
    static const char loaded[] = "SELECT pg_catalog.pg_conf_load_time()::text";
    int64_t deadline = clock_mono_ms() + RELOAD_TIMEOUT_MS;
    char *before = ask(conn, loaded, err);
    char *sent = before ? ask(conn, "SELECT pg_catalog.pg_reload_conf()", err) : NULL;
    bool ok = sent != NULL;
    bool moved = false;

    if (ok && strcmp(sent, "t"))
        ok = err_set(err, ERR_RELOAD_REFUSED, _("the server could not tell itself to reload"));
    for (int pause_ms = 5; ok && !moved && clock_mono_ms() < deadline;) {
        char *after = ask(conn, loaded, err);

        ok = after != NULL;
        moved = after && strcmp(before, after) != 0;
        free(after);
        if (ok && !moved)
            poll(NULL, 0, pause_ms);
        pause_ms = pause_ms < 100 ? pause_ms * 2 : 200;
    }
    if (ok && !moved)
        ok = reload_refused(conn, err);
    free(before);
    free(sent);
    return ok;
}
