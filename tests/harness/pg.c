/* pg.c - a private PostgreSQL for a cmocka program. */
#include "config.h"

#include "tests/harness/pg.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"

#define LOG_MAX ((size_t)64 << 20)

static void ends_with(const char *what, const struct err *err)
{
    fail_msg("%s: PS-%d %s (%s)", what, (int)err->code, err->msg, err_cause_text(err));
}

int pg_setup(void **state)
{
    struct demo_options options = {.quiet_roles = true};
    struct pg *pg = mem_zalloc(sizeof(*pg));
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    pg->demo = demo_start(&options, &err);
    if (!pg->demo)
        print_error("demo_start: %s\n", err.msg);
    else if (!(pg->admin = pg_open(pg, "", &err)))
        print_error("admin: %s\n", err.msg);
    if (!pg->admin) {
        demo_free(pg->demo);
        free(pg);
        return -1;
    }
    *state = pg;
    return 0;
}

int pg_teardown(void **state)
{
    struct pg *pg = *state;
    bool nothing_left = false;
    struct err err = ERR_INIT;

    conn_close(pg->admin);
    if (!demo_stop(pg->demo, &nothing_left, &err))
        print_error("demo_stop: %s\n", err.msg);
    demo_free(pg->demo);
    free(pg);
    return nothing_left ? 0 : -1;
}

struct conn *pg_open(const struct pg *pg, const char *changes, struct err *err)
{
    struct params *params = params_parse(demo_admin_conninfo(pg->demo), err);
    struct params *over = params ? params_parse(changes[0] ? changes : "user=admin", err) : NULL;
    struct conn *conn = NULL;
    const char *keyword = NULL, *value = NULL;

    for (size_t i = 0; over && params_at(over, i, &keyword, &value); i++)
        params_set(params, keyword, value);
    if (over)
        conn = conn_open(params, NULL, err);
    params_free(params);
    params_free(over);
    return conn;
}

struct conn *pg_connect(const struct pg *pg, const char *changes)
{
    struct err err = ERR_INIT;
    struct conn *conn = pg_open(pg, changes, &err);

    if (!conn)
        ends_with(changes, &err);
    return conn;
}

void pg_run(struct conn *conn, const char *sql)
{
    struct err err = ERR_INIT;

    if (!conn_run(conn, sql, &err))
        ends_with(sql, &err);
}

char *pg_ask(struct conn *conn, const char *sql)
{
    struct err err = ERR_INIT;
    struct result *result = conn_exec(conn, sql, 0, NULL, &err);
    const char *text = NULL;
    char *copy = NULL;

    if (!result)
        ends_with(sql, &err);
    text = result_get(result, 0, 0);
    copy = mem_strdup(text ? text : "");
    result_free(result);
    return copy;
}

char *pg_data_path(const struct pg *pg, const char *name)
{
    return name[0] == '/' ? mem_strdup(name) : fs_join(demo_data(pg->demo), name);
}

void pg_write_file(const struct pg *pg, const char *name, const void *bytes, size_t len,
                   unsigned mode)
{
    char *path = pg_data_path(pg, name);
    struct err err = ERR_INIT;
    struct stat st;

    if (!fs_write_replace(path, bytes, len, (mode_t)mode, &err))
        ends_with(path, &err);
    assert_int_equal(stat(demo_data(pg->demo), &st), 0);
    if (!geteuid())
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    free(path);
}

void pg_rules(struct pg *pg, const char *lines)
{
    char *text = mem_printf("local all admin trust\n%s", lines);
    struct err err = ERR_INIT;

    pg_write_file(pg, "pg_hba.conf", text, strlen(text), 0600);
    free(text);
    if (!settings_reload(pg->admin, &err))
        ends_with("reload", &err);
}

void pg_log(const struct pg *pg, struct strbuf *out)
{
    struct err err = ERR_INIT;

    strbuf_reset(out);
    if (!fs_read(demo_log(pg->demo), LOG_MAX, out, &err))
        ends_with("log", &err);
}
