/* strbuf.c - a growing string of bytes. */
#include "config.h"

#include "core/base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

char strbuf_empty[1] = "";

void strbuf_init(struct strbuf *buf)
{
    *buf = (struct strbuf)STRBUF_INIT;
}

void strbuf_clear(struct strbuf *buf)
{
    if (buf->capacity > 0)
        free(buf->data);
    strbuf_init(buf);
}

void strbuf_wipe(struct strbuf *buf)
{
    if (buf->capacity > 0)
        explicit_bzero(buf->data, buf->capacity);
    strbuf_clear(buf);
}

void strbuf_reset(struct strbuf *buf)
{
    strbuf_truncate(buf, 0);
}

/* Room for more bytes and the NUL. */
static void grow(struct strbuf *buf, size_t more)
{
    size_t need = more < SIZE_MAX - buf->len - 1 ? buf->len + more + 1 : SIZE_MAX;
    size_t capacity = buf->capacity > 0 ? buf->capacity : 32;
    char *data;

    if (need <= buf->capacity)
        return;
    while (capacity < need)
        capacity = capacity <= SIZE_MAX / 2 ? capacity * 2 : need;
    /* not realloc(): it may have been somebody's key, and would stay in the old place */
    data = mem_array(capacity, 1);
    if (buf->len > 0)
        memcpy(data, buf->data, buf->len);
    data[buf->len] = '\0';
    if (buf->capacity > 0) {
        explicit_bzero(buf->data, buf->len);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
}

void strbuf_add(struct strbuf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    grow(buf, len);
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void strbuf_add_str(struct strbuf *buf, const char *text)
{
    strbuf_add(buf, text, strlen(text));
}

void strbuf_add_char(struct strbuf *buf, char c)
{
    strbuf_add(buf, &c, 1);
}

void strbuf_add_repeat(struct strbuf *buf, char c, size_t n)
{
    grow(buf, n);
    memset(buf->data + buf->len, c, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

void strbuf_vprintf(struct strbuf *buf, const char *fmt, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    if (len > 0) {
        grow(buf, (size_t)len);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void strbuf_printf(struct strbuf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(buf, fmt, args);
    va_end(args);
}

void strbuf_add_hex(struct strbuf *buf, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++) {
        strbuf_add_char(buf, digits[at[i] >> 4]);
        strbuf_add_char(buf, digits[at[i] & 15]);
    }
}

void strbuf_truncate(struct strbuf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = '\0';
}

bool strbuf_equal(const struct strbuf *a, const struct strbuf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

char *strbuf_steal(struct strbuf *buf)
{
    char *data;

    grow(buf, 0);
    data = buf->data;
    strbuf_init(buf);
    return data;
}
