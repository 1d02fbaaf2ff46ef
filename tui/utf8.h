/*
 * utf8.h - characters and columns of UTF-8 text, whatever the locale.
 *
 * Source   Unicode 14: East_Asian_Width W and F take two columns, Mn and Me none, all else one
 *          (ambiguous ones too). Not wcwidth(3): it answers -1 in the C locale.
 * Units    a character is a base code point with the marks that combine with it; columns are cells.
 * Dirt     what text_clean() replaces counts as U+FFFD (one column), newline and tab as a blank;
 *          joiners and variation selectors take no column and are never drawn: terminals differ.
 */
#ifndef PGSEAL_TUI_UTF8_H
#define PGSEAL_TUI_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdu

/* Columns of one code point: 0, 1 or 2. */
int utf8_width(uint32_t code_point);
/* The code point as the screen may have it; 0: nothing is drawn for it. */
uint32_t utf8_safe(uint32_t code_point);

int utf8_columns(const char *text);
/* Bytes of the longest beginning that fits into the columns; sets *ret_columns unless it is NULL.
 */
size_t utf8_fit(const char *text, int columns, int *ret_columns);
/* Where the character after, or before, the one at offset begins. */
size_t utf8_next(const char *text, size_t offset);
size_t utf8_prev(const char *text, size_t offset);

/* The first line of text wrapped at words: its bytes without the blank or newline where it is cut;
 * *ret_next is where the next line begins. A longer word is cut. Goes forward whenever text is not
 * empty, also at width 0. */
size_t utf8_wrap(const char *text, int width, size_t *ret_next);

#endif
