/* ident.c - pg_ident.conf: three fields a line, split as pg_hba.conf is. */
#include "config.h"

#include "core/pg/ident.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/pg/hba_line.h"

static void take_line(struct ident *ident, int number, const struct hba_fields *fields)
{
    const struct hba_token *first = &fields->fields[0].tokens[0];
    struct ident_line *line;

    if (!first->quoted && strncmp(first->text, "include", 7) == 0 &&
        ident->server_version >= HBA_VERSION_INCLUDE) {
        ident->includes = true;
        return;
    }
    if (fields->n < 3)
        return;
    ident->lines = mem_realloc_array(ident->lines, ident->n + 1, sizeof(ident->lines[0]));
    line = &ident->lines[ident->n++];
    *line = (struct ident_line){.number = number,
                                .map = mem_strdup(first->text),
                                .system_name = mem_strdup(fields->fields[1].tokens[0].text),
                                .role = mem_strdup(fields->fields[2].tokens[0].text),
                                .role_quoted = fields->fields[2].tokens[0].quoted};
}

void ident_parse(const void *bytes, size_t len, int server_version, struct ident *ret)
{
    const char *at = bytes;
    const char *end = at + len;

    *ret = (struct ident){.server_version = server_version};
    for (int number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = newline ? (size_t)(newline - at) : (size_t)(end - at);
        struct hba_fields fields;

        hba_fields_split(at, n, &fields);
        if (fields.n > 0)
            take_line(ret, number, &fields);
        hba_fields_clear(&fields);
        at += n + (newline != NULL);
    }
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

static enum hba_fit role_fits(const struct ident_line *line, int server_version, const char *role,
                              const char *const *member_of, size_t n_member_of)
{
    bool keyword = !line->role_quoted && server_version >= HBA_VERSION_INCLUDE;

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
    /* "/pattern" since 16; "\1" stands for what the system name's pattern caught */
    if ((keyword && line->role[0] == '/') || strstr(line->role, "\\1"))
        return HBA_FIT_MAYBE;
    return HBA_FIT_NO;
}

enum hba_fit ident_fits(const struct ident *ident, const char *map, const char *system_name,
                        const char *role, const char *const *member_of, size_t n_member_of)
{
    enum hba_fit best = ident->includes ? HBA_FIT_MAYBE : HBA_FIT_NO;

    for (size_t i = 0; i < ident->n && best != HBA_FIT_YES; i++) {
        const struct ident_line *line = &ident->lines[i];
        enum hba_fit fit;

        if (strcmp(line->map, map) != 0)
            continue;
        fit = role_fits(line, ident->server_version, role, member_of, n_member_of);
        if (fit == HBA_FIT_NO)
            continue;
        if (line->system_name[0] == '/')
            fit = HBA_FIT_MAYBE; /* PostgreSQL's own regular expressions */
        else if (strcmp(line->system_name, system_name) != 0)
            continue;
        if (fit > best)
            best = fit;
    }
    return best;
}
