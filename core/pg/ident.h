/*
 * ident.h - pg_ident.conf: which name of a certificate may be which role.
 *
 * Source   PostgreSQL 20.2; hba.c parse_ident_line(), check_ident_usermap(): MAP SYSTEM-NAME ROLE;
 *          a system name that begins with "/" is a regular expression, in quotes too; since 16 the role
 *          may be "all", "+group" or a regular expression as well. Any line of a map that fits lets in:
 *          their order matters only below a regular expression that fails.
 * Shapes   the file's lines are split as those of pg_hba.conf; to change it, parse it with hba_parse()
 *          (its mapping lines are no rules there, but every byte is kept). Lines of ours end with
 *          HBA_MARK.
 * Errors   parsing never fails: a line that PostgreSQL refuses is named in bad_line and left out. One
 *          such line keeps the whole file from being loaded.
 */
#ifndef PGSEAL_PG_IDENT_H
#define PGSEAL_PG_IDENT_H

#include "core/pg/hba.h"

#define IDENT_CERTS_UNKNOWN (-1)

struct ident_line {
    int number;
    char *map;
    char *system_name;
    char *role;
    bool role_quoted;
    bool ours;
    int certs; /* valid client certificates with this name, or UNKNOWN; the caller sets it */
};
struct ident {
    struct ident_line *lines;
    size_t n;
    bool includes; /* since 16: there may be more lines elsewhere */
    int bad_line;  /* the first one that cannot be read; 0: none */
    int server_version;
};

void ident_parse(const void *bytes, size_t len, int server_version, struct ident *ret);
void ident_clear(struct ident *ident);
bool ident_has_map(const struct ident *ident, const char *map);
/* Does the map let this system name in as this role? MAYBE: a regular expression, an include. */
enum hba_fit ident_fits(const struct ident *ident, const char *map, const char *system_name,
                        const char *role, const char *const *member_of, size_t n_member_of);
/* Does the map let anybody in as this role? */
enum hba_fit ident_lets_in(const struct ident *ident, const char *map, const char *role,
                           const char *const *member_of, size_t n_member_of);
/* Is this line for the role? NO, YES, or MAYBE. */
enum hba_fit ident_line_for(const struct ident *ident, const struct ident_line *line,
                            const char *role, const char *const *member_of, size_t n_member_of);

/* Letters, digits, "_", "-", "."; 1 to 63 bytes; not beginning with "include". ERR_BAD_NAME. */
bool ident_check_map(const char *map, struct err *err) MUST_CHECK;
/* "M CN ROLE # pgseal", with a newline; names are literal, whatever is in them. ERR_BAD_NAME: what the
 * file cannot hold as a literal name (a leading slash, a line break, empty). */
bool ident_format_line(const char *map, const char *system_name, const char *role,
                       struct strbuf *out, struct err *err) MUST_CHECK;
/* Since 15 the server tells (pg_ident_file_mappings): a row with an error -> ERR_HBA with line and
 * text. Before 15: true. */
bool ident_check_on_server(struct conn *conn, struct err *err) MUST_CHECK;
bool ident_has_view(const struct conn *conn); /* 15 and later */
/* Where there is no such view: every pattern is tried by the server's own regular expressions. One that
 * cannot be read keeps it from loading the file -> ERR_HBA with line and text. */
bool ident_check_patterns(const struct ident *ident, struct conn *conn, struct err *err) MUST_CHECK;

#endif
