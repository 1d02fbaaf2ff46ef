/*
 * published.h - which list of revoked certificates each server has, and what is left to be done there.
 *
 * Rule     a server is behind while the number that was proven on it is lower than that of the CA's
 *          CRL that counts now (authority_crl()). So whatever signs a list, or makes one of a set
 *          count, puts all servers that trust the CA behind, and a kill between two commits loses
 *          nothing; only a proof on the server (a kept plan) ends it.
 * Clocks   a list of a set may have gone there while the clock was ahead: a higher number is "behind" as
 *          well, since nobody gets in before its day.
 * Not known  a server that was given the CA by an older pgseal: "known" is false until a plan looked.
 * Errors   store errors.
 */
#ifndef PGSEAL_STORE_PUBLISHED_H
#define PGSEAL_STORE_PUBLISHED_H

#include "core/store/issued.h"
#include "core/store/server.h"

struct published { /* one server and one CA of ours that it trusts */
    int64_t server_id, authority_id;
    char *server, *authority; /* names; owned */
    bool known;
    bool behind;       /* known, and another than current */
    uint64_t number;   /* proven there; 0: not known */
    uint64_t current;  /* that it should have */
    int64_t ends;      /* next_update of what it has; 0: not known */
    int64_t proven_at; /* 0: never */
    int64_t failed_at; /* of the last attempt that failed since; 0: none */
    enum err_code code;
    char *why;         /* of it; "" */
    size_t n_sessions; /* revoked certificates whose open sessions there are still to be ended */
};
struct published_list {
    struct published *rows; /* by server, then CA */
    size_t n;
};

/* server NULL: all; authority_id 0: all. */
bool published_list(struct store *store, const char *server, int64_t authority_id,
                    struct published_list *ret, struct err *err) MUST_CHECK;
void published_list_clear(struct published_list *list);
/* Servers that are behind (also with a list of another's CA), or where sessions are to be ended: what
 * home and "check" show. */
bool published_count_behind(struct store *store, size_t *ret, struct err *err) MUST_CHECK;

/* Proven on the server: this number; 0: not known any more. */
bool published_set(struct store *store, int64_t server_id, int64_t authority_id, uint64_t number,
                   struct err *err) MUST_CHECK;
/* It could not be done, for all CAs that the server trusts. */
bool published_failed(struct store *store, int64_t server_id, const struct err *why,
                      struct err *err) MUST_CHECK;

/* The open sessions of a revoked certificate are to be ended on this server. */
bool published_end_later(struct store *store, int64_t server_id, int64_t issued_id,
                         struct err *err) MUST_CHECK;
bool published_to_end(struct store *store, int64_t server_id, struct issued_list *ret,
                      struct err *err) MUST_CHECK;
bool published_ended(struct store *store, int64_t server_id, int64_t issued_id,
                     struct err *err) MUST_CHECK;

#endif
