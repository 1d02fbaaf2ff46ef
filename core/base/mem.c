/* mem.c - memory that is there or the program ends. */
#include "config.h"

#include "core/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn static void out_of_memory(void)
{
    static const char line[] = "pgseal: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);

    (void)ignored;
    abort();
}

void *mem_array(size_t n, size_t size)
{
    void *data = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

    if (data == NULL)
        out_of_memory();
    return data;
}

void *mem_zalloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_realloc_array(void *old, size_t n, size_t size)
{
    void *data;

    if (size != 0 && n > SIZE_MAX / size)
        out_of_memory();
    data = realloc(old, n * size > 0 ? n * size : 1);
    if (data == NULL)
        out_of_memory();
    return data;
}

void *mem_dup(const void *data, size_t len)
{
    void *copy = mem_zalloc(len);

    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

char *mem_strndup(const char *text, size_t len)
{
    size_t n = strnlen(text, len);
    char *copy = mem_zalloc(n + 1);

    memcpy(copy, text, n);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text != NULL ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int len;

    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    return text;
}

void mem_share_heaps(void)
{
#ifdef M_ARENA_MAX
    (void)mallopt(M_ARENA_MAX, 2);
#endif
}
