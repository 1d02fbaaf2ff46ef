/*
 * row.h - inside core/store only: rows that more than one part writes.
 *
 * Rule     called inside a transaction of the caller.
 */
#ifndef PGSEAL_STORE_ROW_H
#define PGSEAL_STORE_ROW_H

#include "core/store/issued.h"
#include "core/store/sql.h"

struct issued_row {
    int64_t authority_id;
    enum issued_kind kind;
    const char *role;
    const char *note; /* or NULL */
    const struct cert *cert;
    int64_t created_at;
    int64_t delivered_at; /* 0: not */
    int64_t replaces;     /* a row's id; 0: none */
    int64_t revoked_at;   /* 0: not */
    enum crl_reason reason;
};
bool row_add_issued(struct store *store, const struct issued_row *row, int64_t *ret_id,
                    struct err *err) MUST_CHECK;
/* The same many times over: prepared once, for the caller to sql_free(). */
struct sql *row_adder(struct store *store, struct err *err) MUST_CHECK;
bool row_add_again(struct store *store, struct sql *adder, const struct issued_row *row,
                   int64_t *ret_id, struct err *err) MUST_CHECK;

/* The columns of "issued AS i JOIN authority AS a", in the order that issued_read_row() reads. */
#define ROW_ISSUED                                                                                 \
    "i.id, i.authority_id, a.name, i.kind, i.role, i.note, i.created_at, i.delivered_at, "         \
    "i.revoked_at, i.reason, i.cert, i.replaces FROM issued AS i JOIN authority AS a ON a.id = "   \
    "i.authority_id "
struct issued *issued_read_row(const struct sql *sql, struct err *err) MUST_CHECK;

/* n of the last CRL, lists for later included; 0: none. */
bool row_last_crl(struct store *store, int64_t authority_id, uint64_t *ret_number,
                  struct err *err) MUST_CHECK;
/* due_at: when it begins to count; 0: at once. */
bool row_add_crl(struct store *store, int64_t authority_id, const struct crl *crl, int64_t due_at,
                 struct err *err) MUST_CHECK;
/* DER of lists that no server needs any more: all but the last ones before this number, and those
 * for later that were replaced. */
bool row_drop_old_crls(struct store *store, int64_t authority_id, uint64_t number,
                       struct err *err) MUST_CHECK;

/* From one CRL to the next: number (at_least this one), entries, dates; signed and recorded; lists
 * for later with it, unless days were asked for. Caller frees. */
struct crl *row_next_crl(struct store *store, const struct authority *authority,
                         const struct key *key, int days, uint64_t at_least,
                         struct err *err) MUST_CHECK;
/* After the commit: authority's crl fields are those of this list. */
void row_set_crl(struct store *store, struct authority *authority, const struct crl *crl);
/* When a list made now ends: days (0: CRL_DEFAULT_DAYS) from now, not beyond the CA. */
bool row_crl_end(const struct cert *authority, int64_t now, int days, int64_t *ret,
                 struct err *err) MUST_CHECK;

#endif
