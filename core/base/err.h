/*
 * err.h - one error value, on the caller's stack.
 *
 * Source   the message form of git and pgBackRest; "explain" of rustc.
 * Shapes   a function that can fail returns bool or a pointer and takes `struct err *err` last;
 *          err is never NULL and is written only on failure. err_set() returns false, so that
 *          "return err_set(err, …);" reads well; pointer functions say "return NULL;" after it.
 * Text     msg: lower case, names the object in double quotes, no full stop. cause and hint:
 *          sentences with a full stop. state: what is true now ("nothing was changed"). Where
 *          cause, state or hint is empty, the reader shows the code's own text from err_code.h.
 *          All text is cleaned (text.h) when it is set. No secrets in it, ever.
 * Threads  a value; no global state.
 */
#ifndef PGSEAL_BASE_ERR_H
#define PGSEAL_BASE_ERR_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/err_code.h"

struct err {
    enum err_code code; /* PS-nnnn: what the program does about it */
    char msg[256];      /* lower case, names the object in quotes, no full stop */
    char cause[256];    /* the likely cause, or empty: then err_code_info(code)->cause */
    char state[160];    /* what is true now, or empty: "nothing was changed" */
    char hint[256];     /* what to try, or empty: then err_code_info(code)->help */
};

/* No error yet: for `struct err err = ERR_INIT;` */
#define ERR_INIT                                                                                   \
    {                                                                                              \
        .code = ERR_NONE                                                                           \
    }

/* Sets code and message and empties the other fields. Always returns false. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set(), and appends ": " and strerror(errnum). ENOSPC becomes ERR_DISK_FULL. */
bool err_set_errno(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* These add to an error that is set. Always return false. */
bool err_cause(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool err_state(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool err_hint(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "context: " before the message; once, on the way up. Always returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Translated cause, state, hint: the error's own or its code's. Never NULL; borrowed. */
const char *err_cause_text(const struct err *err);
const char *err_state_text(const struct err *err);
const char *err_hint_text(const struct err *err);

#endif
