/*
 * hba.h - pg_hba.conf: parsed, printed back byte for byte, asked who matches first.
 *
 * Source   PostgreSQL 21.1 and hba.c (tokens, quotes, "@file", include since 16, CIDR and masks,
 *          samehost/samenet, "+role", "replication", regular expressions since 16).
 * Shapes   a file is its lines; every byte of every line is kept (comments, tabs, CRLF, Latin-1, no
 *          newline at the end). Lines that pgseal adds carry the comment HBA_MARK.
 * Errors   parsing never fails: a line that PostgreSQL would refuse is HBA_BAD with a reason.
 */
#ifndef PGSEAL_PG_HBA_H
#define PGSEAL_PG_HBA_H

#include "core/pg/conn.h"

#define HBA_MARK "# pgseal" /* at the end of each rule of ours */

enum hba_type { HBA_LOCAL, HBA_HOST, HBA_HOSTSSL, HBA_HOSTNOSSL, HBA_HOSTGSSENC, HBA_HOSTNOGSSENC };
enum hba_line_kind { HBA_BLANK, HBA_RULE, HBA_INCLUDE, HBA_BAD };

struct hba_rule {
    enum hba_type type;
    char **databases;
    size_t n_databases;
    char **roles;
    size_t n_roles;
    char *address;  /* NULL for local; "all", "samehost", CIDR, host name */
    char *mask;     /* or NULL */
    char *method;   /* "cert", "scram-sha-256" … */
    char **options; /* "clientcert=verify-full" */
    size_t n_options;
};
struct hba_line {
    enum hba_line_kind kind;
    int number; /* from 1; a line continued with a backslash counts its first */
    char *raw;  /* the bytes with their line end */
    size_t raw_len;
    bool ours;            /* has HBA_MARK */
    char reason[128];     /* HBA_BAD */
    struct hba_rule rule; /* HBA_RULE */
};
struct hba {
    struct hba_line *lines;
    size_t n;
    int server_version;
};

void hba_parse(const void *bytes, size_t len, int server_version, struct hba *ret);
void hba_clear(struct hba *hba);
void hba_print(const struct hba *hba, struct strbuf *out); /* byte for byte */
/* Builds one rule's text ("hostssl all alice all cert # pgseal"), with quoting. ERR_BAD_NAME. */
bool hba_format_rule(const struct hba_rule *rule, struct strbuf *out, struct err *err) MUST_CHECK;
/* Inserts text lines (each ends with a newline) before line index at; the file's line end is used. */
bool hba_insert(struct hba *hba, size_t at, const char *text, struct err *err) MUST_CHECK;
void hba_remove(struct hba *hba, size_t at);

struct hba_client { /* who comes, as the server sees it */
    const char *database;
    const char *role;
    const char *const *member_of; /* roles that it is in, with inheritance of membership */
    size_t n_member_of;
    const char *address; /* NULL: Unix socket */
    bool tls;
    bool gss;
    bool replication;
};
/* Index of the first line that fits, or -1. *ret_sure false where it could not be told (host names,
 * includes, samenet of a far server). */
int hba_first_match(const struct hba *hba, const struct hba_client *client, bool *ret_sure);
/* pg_hba_file_rules: rows with an error or type IS NULL -> ERR_HBA with line and text. */
bool hba_check_on_server(struct conn *conn, struct err *err) MUST_CHECK;

#endif
