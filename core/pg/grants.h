/*
 * grants.h - what an ordinary role must be given so that it can change a server by SQL.
 *
 * Source   PostgreSQL 5.8 (privileges), 22.5 (predefined roles), 9.28 (functions); measured on 15: with
 *          these, and nothing else, a role can read and write files, set, check and reload.
 * Limits   before 15 there is no ALTER SYSTEM for anybody but superusers: rules can be changed, TLS
 *          files cannot. Grants on functions and views count in one database: the one of the
 *          connection. A role that may write files of the server's user can become that user if it
 *          wants to: "least" is what pgseal needs, not a wall.
 *          Instead of lo_export() pg_write_server_files does, except for files with bytes that COPY
 *          changes.
 * Errors   ERR_BAD_VALUE: no such role; errors of conn.h.
 */
#ifndef PGSEAL_PG_GRANTS_H
#define PGSEAL_PG_GRANTS_H

#include "core/pg/conn.h"

enum grant_need {                       /* what it is for */
                  GRANT_SEE = 1 << 0,   /* settings, files: any plan */
                  GRANT_WRITE = 1 << 1, /* files, reload: any plan */
                  GRANT_TLS = 1 << 2,   /* ssl_ca_file, ssl_crl_file */
                  GRANT_RULES = 1 << 3, /* pg_hba.conf */
                  GRANT_MAPS = 1 << 4,  /* pg_ident.conf */
                  GRANT_WHO = 1 << 5,   /* sessions of others: who would be refused */
                  GRANT_EXTRA = 1 << 6  /* standbys, ending sessions: pgseal works without */
};

struct grant {
    enum grant_need need;
    const char *name; /* "pg_read_all_settings", "EXECUTE on lo_export(oid, text)" */
    char *sql;        /* the statement, with its semicolon */
    const char *what; /* "read files of the server"; translated */
    bool there;
};
struct grant_list {
    struct grant *rows;
    size_t n;
    char *role, *database;
    bool superuser; /* nothing is needed */
    int server_version;
};

/* role NULL: the connection's own. */
bool grants_read(struct conn *conn, const char *role, struct grant_list *ret,
                 struct err *err) MUST_CHECK;
void grants_clear(struct grant_list *list);
/* True when no grant helps: TLS before 15, asked for by an ordinary role. */
bool grants_need_superuser(const struct grant_list *list, unsigned needs);
/* Names of those that are missing for these needs, with commas; how many. Where no grant helps it is
 * "superuser" alone. */
size_t grants_missing(const struct grant_list *list, unsigned needs, struct strbuf *out);

#endif
