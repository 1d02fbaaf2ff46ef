/*
 * strbuf.h - a growing string of bytes; also the type for DER and other binary data.
 *
 * Shapes   data is always NUL-terminated after len bytes, also when empty; may hold NULs.
 * Errors   none (see mem.h).
 * Secrets  not for secrets: it reallocates. See secret.h.
 */
#ifndef PGSEAL_BASE_STRBUF_H
#define PGSEAL_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"

struct strbuf {
    char *data; /* owned; never NULL after strbuf_init() */
    size_t len;
    size_t capacity; /* 0: data is the shared empty string */
};

/* For `struct strbuf buf = STRBUF_INIT;` */
extern char strbuf_empty[1];
#define STRBUF_INIT                                                                                \
    {                                                                                              \
        .data = strbuf_empty                                                                       \
    }

void strbuf_init(struct strbuf *buf);
void strbuf_clear(struct strbuf *buf); /* frees; usable again */
/* The same for what may have held a key: its memory is overwritten first. (Growing leaves no copy
 * behind either.) What is known to be a secret belongs into a struct secret. */
void strbuf_wipe(struct strbuf *buf);
void strbuf_reset(struct strbuf *buf); /* empty, keeps the memory */
void strbuf_add(struct strbuf *buf, const void *bytes, size_t len);
void strbuf_add_str(struct strbuf *buf, const char *text);
void strbuf_add_char(struct strbuf *buf, char c);
void strbuf_add_repeat(struct strbuf *buf, char c, size_t n);
void strbuf_printf(struct strbuf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strbuf_vprintf(struct strbuf *buf, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
void strbuf_add_hex(struct strbuf *buf, const void *bytes, size_t len); /* lower case */
void strbuf_truncate(struct strbuf *buf, size_t len);
bool strbuf_equal(const struct strbuf *a, const struct strbuf *b);

/* The string for the caller to free(); buf is empty afterwards. */
char *strbuf_steal(struct strbuf *buf) MUST_CHECK;

#endif
