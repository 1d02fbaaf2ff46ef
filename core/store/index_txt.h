/*
 * index_txt.h - the "index.txt" of "openssl ca" and easy-rsa: read, and written.
 *
 * Source   apps/ca.c, crypto/txt_db: status, end, revocation, serial, file and subject, with tabs between;
 *          a backslash before what would end a field.
 * Shapes   status V, R, E; times YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ; revocation "time,reason" with the
 *          extra of holdInstruction, keyTime and CAkeyTime behind another comma; serial in hex.
 * Errors   none: a line that cannot be read is kept as odd, with its number and why.
 */
#ifndef PGSEAL_STORE_INDEX_TXT_H
#define PGSEAL_STORE_INDEX_TXT_H

#include "core/pki/crl.h"

#define INDEX_TXT_MAX (512u << 20)

struct index_entry {
    char status; /* 'V', 'R', 'E' */
    struct serial serial;
    int64_t not_after;
    int64_t revoked_at; /* 0: not revoked */
    enum crl_reason reason;
    char *subject; /* "/CN=alice", clean */
    size_t line;
};
struct index_odd {
    size_t line;
    char why[120];
};
struct index_txt {
    struct index_entry *entries;
    size_t n;
    struct index_odd *odd;
    size_t n_odd;
};

void index_parse(const char *bytes, size_t len, struct index_txt *ret);
void index_clear(struct index_txt *index);

/* One line, with its end. subject as name_format_slash(); "" becomes the serial number, as openssl
 * does it. */
void index_write(struct strbuf *out, const struct serial *serial, int64_t not_after,
                 int64_t revoked_at, enum crl_reason reason, const char *subject, int64_t now);

#endif
