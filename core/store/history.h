/*
 * history.h - who did what when: the log that every act of the store writes in its own transaction.
 *
 * Rules    rows are never changed or deleted (triggers hold that).
 * Errors   ERR_BAD_VALUE for a limit out of its range; store errors.
 */
#ifndef PGSEAL_STORE_HISTORY_H
#define PGSEAL_STORE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/store/db.h"

struct history_row {
    int64_t id;
    int64_t at;
    char *who;
    char *act;    /* "issue", "revoke", "ca create", "plan kept" */
    char *object; /* a serial number, a name */
    char *detail; /* or "" */
};
struct history {
    struct history_row *rows;
    size_t n;
};

struct history_filter {
    const char *server; /* acts on this server and its plans; NULL: all */
    const char *search; /* what act, object or who begins with, or detail has; NULL: all */
    int64_t from, to;   /* times; 0: no bound */
    int limit;          /* 0: 1000 */
    int64_t before;     /* rows before this id: the next page; 0: from the newest on */
};

/* Newest first. */
bool history_list(struct store *store, const struct history_filter *filter, struct history *ret,
                  struct err *err) MUST_CHECK;
void history_clear(struct history *history);

#endif
