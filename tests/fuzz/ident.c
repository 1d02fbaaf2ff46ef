/* ident.c - fuzz target: any bytes as pg_ident.conf. The first byte chooses the server's version. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/pg/ident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What we write for a name is read as that name, and lets nobody else in. */
static void check_line(const char *name, const char *role, int version)
{
    struct strbuf line = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct ident ident;

    if (ident_format_line("m", name, role, &line, &err)) {
        ident_parse(line.data, line.len, version, &ident);
        check(ident.n == 1 && ident.bad_line == 0 && ident.lines[0].ours);
        check(strcmp(ident.lines[0].map, "m") == 0);
        check(strcmp(ident.lines[0].system_name, name) == 0);
        check(strcmp(ident.lines[0].role, role) == 0);
        check(ident_fits(&ident, "m", name, role, NULL, 0) == HBA_FIT_YES);
        check(ident_fits(&ident, "m", "nobody else", role, NULL, 0) == HBA_FIT_NO ||
              strcmp(name, "nobody else") == 0);
        ident_clear(&ident);
    }
    strbuf_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int versions[] = {130000, 140000, 150018, 160000, 180004};
    static const char *const groups[] = {"admins"};
    struct ident ident;

    if (size < 1)
        return 0;
    ident_parse(data + 1, size - 1, versions[data[0] % 5], &ident);
    for (size_t i = 0; i < ident.n; i++) {
        const struct ident_line *line = &ident.lines[i];

        check(ident_has_map(&ident, line->map));
        (void)ident_line_for(&ident, line, "role", groups, 1);
        (void)ident_lets_in(&ident, line->map, "role", groups, 1);
        (void)ident_fits(&ident, line->map, "name", line->role, groups, 1);
        check_line(line->system_name, line->role, ident.server_version);
    }
    ident_clear(&ident);
    return 0;
}
