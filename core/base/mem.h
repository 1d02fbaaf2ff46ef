/*
 * mem.h - memory that is there or the program ends.
 *
 * Errors   none: without memory nothing useful can be said any more, so these functions print one
 *          line and abort(). What pgseal was writing is safe against that as against kill -9.
 */
#ifndef PGSEAL_BASE_MEM_H
#define PGSEAL_BASE_MEM_H

#include <stddef.h>

#include "core/base/attr.h"

void *mem_zalloc(size_t size) MUST_CHECK;          /* zeroed */
void *mem_array(size_t n, size_t size) MUST_CHECK; /* zeroed; n * size checked for overflow */
void *mem_realloc_array(void *old, size_t n, size_t size) MUST_CHECK;
void *mem_dup(const void *data, size_t len) MUST_CHECK;
char *mem_strdup(const char *text) MUST_CHECK; /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len) MUST_CHECK;
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;

/* Once, at the start: the threads of the pool share two heaps. glibc gives each of the 16 one of its
 * own, which grows with the largest job that it ever ran. */
void mem_share_heaps(void);

#endif
