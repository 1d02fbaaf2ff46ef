/*
 * ident.h - pg_ident.conf: which name of a certificate may be which role.
 *
 * Source   PostgreSQL 20.2; hba.c parse_ident_line(), check_ident_usermap(): MAP SYSTEM-NAME ROLE;
 *          a system name that begins with "/" is a regular expression; since 16 the role may be
 *          "all", "+group" or a regular expression too.
 * Errors   parsing never fails; a line with too few fields is left out (the server says so itself).
 */
#ifndef PGSEAL_PG_IDENT_H
#define PGSEAL_PG_IDENT_H

#include "core/pg/hba.h"

struct ident_line {
    int number;
    char *map;
    char *system_name;
    char *role;
    bool role_quoted;
};
struct ident {
    struct ident_line *lines;
    size_t n;
    bool includes; /* since 16: there may be more lines elsewhere */
    int server_version;
};

void ident_parse(const void *bytes, size_t len, int server_version, struct ident *ret);
void ident_clear(struct ident *ident);
bool ident_has_map(const struct ident *ident, const char *map);
/* Does the map let this system name in as this role? MAYBE: a regular expression, an include. */
enum hba_fit ident_fits(const struct ident *ident, const char *map, const char *system_name,
                        const char *role, const char *const *member_of, size_t n_member_of);

#endif
