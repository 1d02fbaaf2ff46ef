/*
 * session_book.h - what the store knows of the certificates that sessions use, remembered.
 *
 * Join     by issuer, as pg_stat_ssl has it, and serial number: decimal there, hex here.
 * Use      session_book_wanted() says what is not known yet, or was read from a store that has changed
 *          since; session_lookup_run() reads it, in a job with a store of its own; session_book_take()
 *          brings it home.
 * Cost     session_book_find() is one look into a hash table; a look-up is three queries.
 * Threads  the book: one thread. A look-up: any, one at a time.
 * Errors   store errors, by the look-up alone; a store that is not there yet knows nothing, and is none.
 */
#ifndef PGSEAL_WATCH_SESSION_BOOK_H
#define PGSEAL_WATCH_SESSION_BOOK_H

#include "core/pg/sessions.h"
#include "core/store/issued.h"

struct session_certificate {
    bool known;      /* issued here: the fields below are set */
    bool our_issuer; /* the issuer's name is that of a CA of ours, also where the serial is not */
    char *role;      /* it was issued for */
    char *authority; /* name of its CA */
    enum issued_kind kind;
    int64_t not_after;
    int64_t revoked_at; /* 0: not */
    bool ca_retired;
    char *newer_ca;  /* a later generation of its CA that is in use; or NULL */
    bool superseded; /* there is a newer good certificate for the same role */
    char serial_hex[SERIAL_HEX_MAX];
};

struct session_book;
struct session_lookup;

struct session_book *session_book_new(void) MUST_CHECK;
void session_book_free(struct session_book *book);
/* NULL: the session has no certificate, or it was not looked up yet. Borrowed until the next take. */
const struct session_certificate *session_book_find(const struct session_book *book,
                                                    const struct session *session);
/* NULL when there is nothing to look up. The store's file is looked at, not opened. */
struct session_lookup *session_book_wanted(struct session_book *book,
                                           const struct sessions *sessions,
                                           const char *store_folder) MUST_CHECK;
/* Opens the store for reading; without one every certificate is unknown. False: it could not be
 * read, and the look-up is only to be freed. cancelled (may be NULL) is asked between certificates. */
bool session_lookup_run(struct session_lookup *lookup, bool (*cancelled)(void *arg), void *arg,
                        struct err *err) MUST_CHECK;
/* Only whose they are (known, authority), with a store that is open: for who records sessions and does not
 * judge them. A hundredth of the cost. */
bool session_lookup_names(struct session_lookup *lookup, struct store *store,
                          struct err *err) MUST_CHECK;
void session_lookup_free(struct session_lookup *lookup);
void session_book_take(struct session_book *book, struct session_lookup *taken);

/* "Acme PG Root G3" is generation 3 of "Acme PG Root", which is 1; *ret_len: of the name without it. */
int session_book_generation(const char *name, size_t *ret_len);

#endif
