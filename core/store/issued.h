/*
 * issued.h - certificates that our CAs issued: recorded first, delivered after.
 *
 * Order    the row is committed before any file appears: a certificate that exists can be revoked.
 * Serials  random; unique within a CA (those of imported CAs may be 01, 02, 03).
 * Errors   ERR_POLICY (would outlive the CA and days was given), ERR_BAD_NAME, ERR_CERT_UNKNOWN,
 *          ERR_CERT_AMBIGUOUS, ERR_REVOKED_ALREADY, store errors.
 */
#ifndef PGSEAL_STORE_ISSUED_H
#define PGSEAL_STORE_ISSUED_H

#include "core/store/authority.h"

#define ISSUED_CLIENT_DAYS 365
#define ISSUED_SERVER_DAYS 397

enum issued_kind { ISSUED_CLIENT, ISSUED_SERVER, ISSUED_CANARY_GOOD, ISSUED_CANARY_REVOKED };
enum issued_state { ISSUED_VALID, ISSUED_EXPIRING, ISSUED_EXPIRED, ISSUED_REVOKED };

const char *issued_kind_name(enum issued_kind kind);    /* "client" */
const char *issued_state_name(enum issued_state state); /* "valid": JSON and flags */
bool issued_state_parse(const char *text, enum issued_state *ret, struct err *err) MUST_CHECK;

struct issued {
    int64_t id;
    int64_t authority_id;
    char *authority; /* its name */
    enum issued_kind kind;
    char *role; /* database role, or the first host of a server certificate */
    char *note; /* or NULL */
    struct serial serial;
    int64_t not_before, not_after;
    int64_t created_at;
    bool delivered;     /* its files were written */
    int64_t replaces;   /* id of the one that it was made for anew; 0: none */
    int64_t revoked_at; /* 0: not */
    enum crl_reason reason;
    struct cert *cert;
};

struct issued_list {
    struct issued **rows;
    size_t n;
    int64_t total;       /* rows that fit the filter, also beyond limit; -1: not counted */
    bool total_is_least; /* counting ended at ISSUED_COUNT_MAX: there are more */
};

#define ISSUED_COUNT_MAX 200000

/* State at a time; "expiring" is within `within_days` of the end. */
enum issued_state issued_state_at(const struct issued *issued, int64_t when, int within_days);
void issued_free(struct issued *issued);
void issued_list_clear(struct issued_list *list);

struct issue_spec {
    enum issued_kind kind;    /* ISSUED_CLIENT or ISSUED_SERVER */
    const char *role;         /* client: the CN. server: ignored, the first host is the CN */
    const char *const *hosts; /* server: names and addresses */
    size_t n_hosts;
    const char *note; /* or NULL */
    int days; /* 0: the kind's default, shortened to the CA's end; else ERR_POLICY beyond it */
    int usual_days; /* in place of the kind's default, and shortened like it; 0: the default */
    const struct key *key;         /* the subject's key, or: */
    const struct csr *csr;         /* a request made elsewhere */
    bool for_writing;              /* as in struct cert_request */
    const struct issued *replaces; /* what is renewed, or was never delivered; or NULL */
};

/* Signs and records. Nothing is written but the row. */
struct issued *issued_make(struct store *store, const struct authority *authority,
                           const struct key *authority_key, const struct issue_spec *spec,
                           struct err *err) MUST_CHECK;
bool issued_mark_delivered(struct store *store, struct issued *issued, struct err *err) MUST_CHECK;
/* Its files were written and taken away again, with its key: as if they had never been. A serial number
 * of no row: nothing is done. */
bool issued_unmark_delivered(struct store *store, const struct serial *serial,
                             struct err *err) MUST_CHECK;

/* Recorded, and its files were never written: the run that made it was stopped, and its key is gone.
 * Not those that are revoked, or that another one was made for. role NULL: all. Newest first. */
bool issued_undelivered(struct store *store, const char *role, int limit, struct issued_list *ret,
                        struct err *err) MUST_CHECK;

enum issued_sort {
    ISSUED_SORT_USUAL, /* as below */
    ISSUED_SORT_NEW,   /* the last issued first */
    ISSUED_SORT_OLD,
    ISSUED_SORT_ROLE,
    ISSUED_SORT_ENDS /* the end that comes soonest first */
};
bool issued_sort_parse(const char *text, enum issued_sort *ret, struct err *err) MUST_CHECK;

struct issued_filter {
    const char *authority;      /* NULL: all */
    const char *role;           /* exact; NULL: all */
    const char *search;         /* prefix of role, serial, subject or note; NULL: none */
    const char *subject;        /* prefix of "CN=alice, O=Acme"; NULL: all */
    const char *note;           /* prefix; NULL: all */
    int state;                  /* enum issued_state, -1: all */
    int64_t made_from, made_to; /* issued in this time, both ends in; 0: no bound */
    int64_t ends_from, ends_to; /* ending in this time */
    enum issued_sort sort;
    int within_days; /* for "expiring"; 0: 30 */
    bool with_canaries;
    int limit; /* 0: 1000 */
    int offset;
    bool no_total; /* see below: spares the counting where that would be slow */
};
/*
 * Order   newest first; by state: the end that comes soonest (valid, expiring), that came last
 *         (expired), the latest revocation (revoked); ends_from or ends_to: the soonest end; a
 *         search: roles in order, then serial numbers (in hex; in decimal too, from 6 digits on),
 *         subjects, notes, and sort has no meaning.
 * Cost    the rows: the same with 10 and 1,000,000 certificates. The total: from counters for all,
 *         one CA, and the revoked; otherwise by counting to ISSUED_COUNT_MAX at most, some 10 ms.
 *         Two filters at once cost the rows that fit one of them; so does a state in another order
 *         than its own.
 */
bool issued_list(struct store *store, const struct issued_filter *filter, struct issued_list *ret,
                 struct err *err) MUST_CHECK;
/* What gets this name in today: its client certificates that are neither revoked nor ended, also those
 * that end soon (which ISSUED_VALID leaves out). The total is not counted. */
bool issued_list_usable(struct store *store, const char *role, struct issued_list *ret,
                        struct err *err) MUST_CHECK;

/* By serial: "CA:hex" or hex as everywhere, or decimal as in pg_stat_ssl ("decimal:…" or all digits and longer
 * than any hex); or by role when exactly one that is neither revoked nor ended fits. */
struct issued *issued_find(struct store *store, const char *serial_or_role,
                           struct err *err) MUST_CHECK;
struct issued *issued_load(struct store *store, int64_t id, struct err *err) MUST_CHECK;
/* For a live session: issuer as pg_stat_ssl renders it (63 bytes) and decimal serial. Not found:
 * *ret NULL and true. */
bool issued_find_session(struct store *store, const char *issuer_dn, const char *serial_decimal,
                         struct issued **ret, struct err *err) MUST_CHECK;

#endif
