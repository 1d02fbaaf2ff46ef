/* err.c - error values: set, prefixed, explained. */
#include "config.h"

#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"

/* Formats into a fixed field: first into a larger buffer, so that cleaning cuts at a character. */
static void put(char *field, size_t size, const char *fmt, va_list args) PRINTF_LIKE(3, 0);

static void put(char *field, size_t size, const char *fmt, va_list args)
{
    char raw[1024];

    vsnprintf(raw, sizeof(raw), fmt, args);
    text_clean_copy(field, size, raw);
}

#define PUT(field, fmt)                                                                            \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        put(field, sizeof(field), fmt, args);                                                      \
        va_end(args);                                                                              \
    } while (0)

static void begin(struct err *err, enum err_code code)
{
    err->code = code;
    err->msg[0] = err->cause[0] = err->state[0] = err->hint[0] = '\0';
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    char msg[sizeof(err->msg)]; /* the arguments may point into err itself */

    PUT(msg, fmt);
    begin(err, code);
    memcpy(err->msg, msg, sizeof(msg));
    return false;
}

bool err_set_errno(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
{
    char msg[sizeof(err->msg)];
    char whole[sizeof(msg) + 128];
    char reason[96] = "";
    const char *text;

    PUT(msg, fmt);
    text = strerror_r(errnum, reason, sizeof(reason));
    begin(err, errnum == ENOSPC || errnum == EDQUOT ? ERR_DISK_FULL : code);
    text_clean_copy(msg, sizeof(msg) - 64, msg); /* the reason is not cut */
    snprintf(whole, sizeof(whole), "%s: %s", msg, text);
    text_clean_copy(err->msg, sizeof(err->msg), whole);
    return false;
}

bool err_cause(struct err *err, const char *fmt, ...)
{
    PUT(err->cause, fmt);
    return false;
}

bool err_state(struct err *err, const char *fmt, ...)
{
    PUT(err->state, fmt);
    return false;
}

bool err_hint(struct err *err, const char *fmt, ...)
{
    PUT(err->hint, fmt);
    return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
    char prefix[128];
    char whole[sizeof(prefix) + sizeof(err->msg) + 2];

    PUT(prefix, fmt);
    snprintf(whole, sizeof(whole), "%s: %s", prefix, err->msg);
    text_clean_copy(err->msg, sizeof(err->msg), whole);
    return false;
}

const char *err_cause_text(const struct err *err)
{
    const struct err_code_info *info = err_code_info((int)err->code);

    if (err->cause[0] != '\0' || info == NULL)
        return err->cause;
    return _(info->cause);
}

const char *err_state_text(const struct err *err)
{
    return err->state[0] != '\0' ? err->state : _("nothing was changed");
}

const char *err_hint_text(const struct err *err)
{
    const struct err_code_info *info = err_code_info((int)err->code);

    if (err->hint[0] != '\0' || info == NULL)
        return err->hint;
    return _(info->help);
}
