/*
 * hba_line.h - the inside of hba: a line's fields, and the rule that they make.
 *
 * Source   PostgreSQL hba.c: next_token(), next_field_expand(), parse_hba_line().
 * Use      core/pg/hba*.c only.
 */
#ifndef PGSEAL_PG_HBA_LINE_H
#define PGSEAL_PG_HBA_LINE_H

#include "core/pg/hba.h"

#define HBA_VERSION_CONTINUED 140000 /* a backslash at the end joins lines */
#define HBA_VERSION_INCLUDE   160000 /* include, regular expressions, tokens of any length */
#define HBA_TOKEN_MAX         255    /* bytes, before HBA_VERSION_INCLUDE */

struct hba_token {
    char *text;
    bool quoted; /* began with a quote: no keyword, no "+", no "@" */
};
struct hba_field {
    struct hba_token *tokens; /* at least one */
    size_t n;
};
struct hba_fields {
    struct hba_field *fields;
    size_t n;
    const char *comment; /* borrowed from the text: at its '#', or NULL */
    bool token_too_long; /* for servers before HBA_VERSION_INCLUDE */
};

/* Splits one logical line (continuations joined, line end gone) as PostgreSQL does. */
void hba_fields_split(const char *text, size_t len, struct hba_fields *ret);
void hba_fields_clear(struct hba_fields *fields);

/* The logical line of a parsed one: continuations joined, line end gone. Appends. */
void hba_line_text(const struct hba_line *line, int server_version, struct strbuf *out);
/* A name that is meant literally, quoted where it must be. ERR_BAD_NAME as hba_format_rule(). */
bool hba_add_literal(struct strbuf *out, const char *name, struct err *err) MUST_CHECK;

/* Sets line->kind, rule and reason from its fields. */
void hba_line_from_fields(struct hba_line *line, const struct hba_fields *fields,
                          int server_version);
void hba_rule_clear(struct hba_rule *rule);

/* An address range; two of them share an address when they agree where both masks look. */
struct hba_range {
    int family; /* AF_INET, AF_INET6 */
    unsigned char address[16];
    unsigned char mask[16];
    size_t len; /* 4 or 16 */
};
/* A numeric address into address, family, len; the mask is all ones. False: it is none. */
bool hba_range_address(const char *text, struct hba_range *ret);
/* The mask from its number of bits (text): false when it is none that fits the family. */
bool hba_range_bits(struct hba_range *range, const char *bits);

#endif
