/* ident.c - pg_ident.conf: three fields a line, split as pg_hba.conf is. */
#include "config.h"

#include "core/pg/ident.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/hba_line.h"

#define VERSION_MAPPINGS 150000 /* pg_ident_file_mappings */
#define MAP_MAX_BYTES    63

static bool is_include(const struct hba_fields *fields)
{
    const struct hba_token *first = &fields->fields[0].tokens[0];

    return fields->n == 2 && !first->quoted &&
           (strcmp(first->text, "include") == 0 || strcmp(first->text, "include_if_exists") == 0 ||
            strcmp(first->text, "include_dir") == 0);
}

/* Three fields of one word each; what comes behind them is not looked at. */
static bool is_good(const struct ident *ident, const struct hba_fields *fields)
{
    if (fields->n < 3 || (fields->token_too_long && ident->server_version < HBA_VERSION_INCLUDE))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (fields->fields[i].n != 1)
            return false;
    }
    return true;
}

static void take_line(struct ident *ident, const struct hba_line *from,
                      const struct hba_fields *fields)
{
    struct ident_line *line;

    if (ident->server_version >= HBA_VERSION_INCLUDE && is_include(fields)) {
        ident->includes = true;
        return;
    }
    if (!is_good(ident, fields)) {
        if (ident->bad_line == 0)
            ident->bad_line = from->number;
        return;
    }
    ident->lines = mem_realloc_array(ident->lines, ident->n + 1, sizeof(ident->lines[0]));
    line = &ident->lines[ident->n++];
    *line = (struct ident_line){.number = from->number,
                                .map = mem_strdup(fields->fields[0].tokens[0].text),
                                .system_name = mem_strdup(fields->fields[1].tokens[0].text),
                                .role = mem_strdup(fields->fields[2].tokens[0].text),
                                .role_quoted = fields->fields[2].tokens[0].quoted,
                                .ours = from->ours,
                                .certs = IDENT_CERTS_UNKNOWN};
}

void ident_parse(const void *bytes, size_t len, int server_version, struct ident *ret)
{
    struct hba file;

    *ret = (struct ident){.server_version = server_version};
    hba_parse(bytes, len, server_version, &file);
    for (size_t i = 0; i < file.n; i++) {
        struct strbuf text = STRBUF_INIT;
        struct hba_fields fields;

        hba_line_text(&file.lines[i], server_version, &text);
        hba_fields_split(text.data, text.len, &fields);
        if (fields.n > 0)
            take_line(ret, &file.lines[i], &fields);
        hba_fields_clear(&fields);
        strbuf_clear(&text);
    }
    hba_clear(&file);
}

void ident_clear(struct ident *ident)
{
    for (size_t i = 0; i < ident->n; i++) {
        free(ident->lines[i].map);
        free(ident->lines[i].system_name);
        free(ident->lines[i].role);
    }
    free(ident->lines);
    *ident = (struct ident){.n = 0};
}

bool ident_has_map(const struct ident *ident, const char *map)
{
    for (size_t i = 0; i < ident->n; i++) {
        if (strcmp(ident->lines[i].map, map) == 0)
            return true;
    }
    return false;
}

/* ---- who gets in ---- */

enum hba_fit ident_line_for(const struct ident *ident, const struct ident_line *line,
                            const char *role, const char *const *member_of, size_t n_member_of)
{
    bool since_16 = ident->server_version >= HBA_VERSION_INCLUDE;
    bool keyword = !line->role_quoted && since_16;

    if (since_16 && line->role[0] == '/') /* a pattern, in quotes too */
        return HBA_FIT_MAYBE;
    if (strcmp(line->role, role) == 0 || (keyword && strcmp(line->role, "all") == 0))
        return HBA_FIT_YES;
    if (keyword && line->role[0] == '+') {
        if (strcmp(line->role + 1, role) == 0)
            return HBA_FIT_YES;
        for (size_t i = 0; i < n_member_of; i++) {
            if (strcmp(line->role + 1, member_of[i]) == 0)
                return HBA_FIT_YES;
        }
        return HBA_FIT_NO;
    }
    /* "\1" stands for what the system name's pattern caught */
    return line->system_name[0] == '/' && strstr(line->role, "\\1") ? HBA_FIT_MAYBE : HBA_FIT_NO;
}

/* system_name NULL: any. */
static enum hba_fit best_fit(const struct ident *ident, const char *map, const char *system_name,
                             const char *role, const char *const *member_of, size_t n_member_of)
{
    enum hba_fit best = ident->includes ? HBA_FIT_MAYBE : HBA_FIT_NO;

    for (size_t i = 0; i < ident->n && best != HBA_FIT_YES; i++) {
        const struct ident_line *line = &ident->lines[i];
        enum hba_fit fit;

        if (strcmp(line->map, map) != 0)
            continue;
        fit = ident_line_for(ident, line, role, member_of, n_member_of);
        if (fit == HBA_FIT_NO)
            continue;
        if (line->system_name[0] == '/')
            fit = HBA_FIT_MAYBE; /* PostgreSQL's own regular expressions */
        else if (system_name && strcmp(line->system_name, system_name) != 0)
            continue;
        if (fit > best)
            best = fit;
    }
    return best;
}

enum hba_fit ident_fits(const struct ident *ident, const char *map, const char *system_name,
                        const char *role, const char *const *member_of, size_t n_member_of)
{
    return best_fit(ident, map, system_name, role, member_of, n_member_of);
}

enum hba_fit ident_lets_in(const struct ident *ident, const char *map, const char *role,
                           const char *const *member_of, size_t n_member_of)
{
    return best_fit(ident, map, NULL, role, member_of, n_member_of);
}

/* ---- lines of ours ---- */

bool ident_check_map(const char *map, struct err *err)
{
    size_t len = strlen(map);

    if (len == 0 || len > MAP_MAX_BYTES ||
        map[strspn(map, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")])
        return err_set(err, ERR_BAD_NAME,
                       _("the map's name \"%s\" is not 1 to %d letters, digits, \"_\", \"-\", "
                         "\".\""),
                       map, MAP_MAX_BYTES);
    if (strncmp(map, "include", 7) == 0)
        return err_set(err, ERR_BAD_NAME, _("a map named \"%s\" looks like an include"), map);
    return true;
}

/* A certificate's CN, or a role, as it is: no pattern, no keyword, no group, no file. */
static bool add_name(struct strbuf *out, const char *name, struct err *err)
{
    if (!hba_add_literal(out, name, err))
        return err_prefix(err, "pg_ident.conf");
    return true;
}

bool ident_format_line(const char *map, const char *system_name, const char *role,
                       struct strbuf *out, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    bool good = ident_check_map(map, err);

    strbuf_printf(&text, "%s ", map);
    good = good && add_name(&text, system_name, err);
    strbuf_add_char(&text, ' ');
    good = good && add_name(&text, role, err);
    if (good)
        strbuf_printf(out, "%s %s\n", text.data, HBA_MARK);
    strbuf_clear(&text);
    return good;
}

/* ---- the server's own word ---- */

bool ident_has_view(const struct conn *conn)
{
    return conn_server_version(conn) >= VERSION_MAPPINGS;
}

bool ident_check_on_server(struct conn *conn, struct err *err)
{
    static const char sql[] = "SELECT line_number, error FROM pg_catalog.pg_ident_file_mappings"
                              " WHERE error IS NOT NULL ORDER BY line_number LIMIT 1";
    struct result *result;
    bool good;

    if (!ident_has_view(conn))
        return true;
    result = conn_exec(conn, sql, 0, NULL, err);
    if (!result)
        return false;
    good = result_rows(result) == 0;
    if (!good)
        err_set(err, ERR_HBA, _("line %s of pg_ident.conf: %s"), result_get(result, 0, 0),
                result_get(result, 0, 1));
    result_free(result);
    return good;
}

bool ident_check_patterns(const struct ident *ident, struct conn *conn, struct err *err)
{
    static const char sql[] =
        "SELECT ''::pg_catalog.text OPERATOR(pg_catalog.~) $1::pg_catalog.text";

    for (size_t i = 0; i < ident->n && !ident_has_view(conn); i++) {
        const struct ident_line *line = &ident->lines[i];
        const char *pattern = line->system_name + 1;
        struct err why = ERR_INIT;
        struct result *result;

        if (line->system_name[0] != '/')
            continue;
        result = conn_exec(conn, sql, 1, &pattern, &why);
        if (!result && why.code == ERR_QUERY)
            return err_set(err, ERR_HBA, _("line %d of pg_ident.conf: %s"), line->number, why.msg);
        if (!result) {
            *err = why;
            return false;
        }
        result_free(result);
    }
    return true;
}
