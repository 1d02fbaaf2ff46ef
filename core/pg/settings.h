/*
 * settings.h - a server's TLS settings: their values, where they come from, and how to change them.
 *
 * Source   pg_settings, pg_file_settings, ALTER SYSTEM (PostgreSQL 20.1, 53.24).
 * Rules    values are quoted by text_quote_sql_literal(); ALTER SYSTEM takes no parameters and runs
 *          alone. A value from the command line cannot be changed: ERR_SETTING_OVERRIDDEN.
 * Errors   ERR_MAY_NOT_CHANGE, ERR_QUERY, ERR_CONNECTION_LOST.
 */
#ifndef PGSEAL_PG_SETTINGS_H
#define PGSEAL_PG_SETTINGS_H

#include "core/pg/conn.h"

struct setting {
    char *name;
    char *value;       /* in force */
    char *source;      /* "configuration file", "default", "command line" */
    char *source_file; /* "" when not allowed to see */
    int source_line;
    bool in_auto_conf; /* set in postgresql.auto.conf: undo sets it back, else RESET */
    char *auto_value;  /* its value there, or "" */
};
struct settings {
    struct setting *rows;
    size_t n;
    char *data_directory; /* "" when not allowed to see */
    char *hba_file;
    char *ident_file;
    char *config_file;
};

/* ssl* settings, files and what is needed to change them. */
bool settings_read(struct conn *conn, struct settings *ret, struct err *err) MUST_CHECK;
void settings_clear(struct settings *settings);
const struct setting *settings_get(const struct settings *settings, const char *name); /* or NULL */
const char *settings_value(const struct settings *settings, const char *name); /* "" when missing */

bool settings_alter(struct conn *conn, const char *name, const char *value,
                    struct err *err) MUST_CHECK;
bool settings_reset(struct conn *conn, const char *name, struct err *err) MUST_CHECK;
/* The line that postgresql.auto.conf had, or none (NULL): also where the command line has the last word
 * by now, since the next start may be without it. */
bool settings_put_back(struct conn *conn, const char *name, const char *value,
                       struct err *err) MUST_CHECK;
/* pg_reload_conf(), then waits until pg_conf_load_time() moved (up to 5 s). TLS files are proven by a
 * handshake only: see plan/proof.h. */
bool settings_reload(struct conn *conn, struct err *err) MUST_CHECK;

#endif
