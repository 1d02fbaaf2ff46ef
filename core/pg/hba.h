/*
 * hba.h - pg_hba.conf: parsed, printed back byte for byte, asked who matches first.
 *
 * Source   PostgreSQL 21.1 and hba.c (tokens, quotes, "@file", include since 16, CIDR and masks,
 *          samehost/samenet, "+role", "replication", regular expressions since 16; lines continued
 *          with a backslash since 14).
 * Shapes   a file is its lines; every byte of every line is kept (comments, tabs, CRLF, Latin-1, no
 *          newline at the end). Lines that pgseal adds carry the comment HBA_MARK.
 * Quotes   names are stored without their quotes; a quoted name is never a keyword, a "+group" or an
 *          "@file", so whether it was quoted is kept beside it.
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
    bool *databases_quoted; /* one for each; NULL: none is */
    size_t n_databases;
    char **roles;
    bool *roles_quoted; /* as databases_quoted */
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
    bool open;            /* the file ends within it: a backslash with nothing after it */
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
/* Builds one rule's text without a newline ("hostssl all alice all cert # pgseal"). A name that is
 * not marked as quoted may be a keyword ("all", "+group"); a marked one is always a name.
 * ERR_BAD_NAME: a name that the file cannot hold (newline, NUL, leading slash, empty, too long). */
bool hba_format_rule(const struct hba_rule *rule, struct strbuf *out, struct err *err) MUST_CHECK;
/* Inserts text lines (each ends with a newline) before line index at (hba->n: at the end); the
 * file's line end is used, and a last line without one gets it. ERR_HBA: the line above goes on. */
bool hba_insert(struct hba *hba, size_t at, const char *text, struct err *err) MUST_CHECK;
void hba_remove(struct hba *hba, size_t at);
/* The same type, names, address, method and options, whatever the spelling around them. */
bool hba_rule_equal(const struct hba_rule *a, const struct hba_rule *b);
/* The option "name=value" of a rule: its value, or NULL. */
const char *hba_rule_option(const struct hba_rule *rule, const char *name);
/* True when whoever the rule fits must send a certificate that the server trusts. */
bool hba_rule_needs_cert(const struct hba_rule *rule);

struct hba_client {       /* who comes, as the server sees it */
    const char *database; /* NULL: any one */
    const char *role;
    const char *const *member_of; /* roles that it is in, with inheritance of membership */
    size_t n_member_of;
    const char
        *address; /* NULL: Unix socket; an address; or a range that it may come from: CIDR, "all" */
    bool tls;
    bool gss;
    bool replication;
};
enum hba_fit {
    HBA_FIT_NO,
    HBA_FIT_MAYBE, /* cannot be told here: host names, includes, "@file", samenet of a far server … */
    HBA_FIT_YES
};
/* Why a line does not fit: the first thing that is another one. */
enum hba_miss {
    HBA_MISS_NONE,    /* it fits, or may */
    HBA_MISS_NO_RULE, /* blank, comment, or a line that PostgreSQL cannot read */
    HBA_MISS_TYPE,    /* local and TCP, with and without TLS */
    HBA_MISS_DATABASE,
    HBA_MISS_ROLE,
    HBA_MISS_ADDRESS
};

/* Does this line fit? A line that is no rule does not; an include may. */
enum hba_fit hba_fits(const struct hba_line *line, const struct hba_client *client);
enum hba_fit hba_fits_why(const struct hba_line *line, const struct hba_client *client,
                          enum hba_miss *ret_miss);
/* Many clients against one file: the addresses of the lines are read once. hba is borrowed and must
 * not change meanwhile. Answers as hba_first_match(). */
struct hba_matcher;
struct hba_matcher *hba_matcher_new(const struct hba *hba) MUST_CHECK;
void hba_matcher_free(struct hba_matcher *matcher);
int hba_matcher_first(const struct hba_matcher *matcher, const struct hba_client *client,
                      bool *ret_sure);
/* Index of the first line that fits or may fit, or -1. *ret_sure (may be NULL) is false where it
 * could not be told: this line only may fit, or a bad line above keeps the file from being loaded. */
int hba_first_match(const struct hba *hba, const struct hba_client *client, bool *ret_sure);
/* pg_hba_file_rules: a line that the server cannot read -> ERR_HBA with its number and why. */
bool hba_check_on_server(struct conn *conn, struct err *err) MUST_CHECK;

#endif
