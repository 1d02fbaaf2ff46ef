/* ossl_err.c - what OpenSSL said, as our errors. */
#include "config.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/pki/ossl.h"

void ossl_clear(void)
{
    ERR_clear_error();
}

bool ossl_err(struct err *err, enum err_code code, const char *fmt, ...)
{
    char what[sizeof(err->msg)];
    unsigned long last = ERR_peek_last_error();
    const char *reason = last ? ERR_reason_error_string(last) : NULL;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    ERR_clear_error();
    if (reason)
        return err_set(err, code, "%s: %s", what, reason);
    return err_set(err, code, "%s", what);
}
