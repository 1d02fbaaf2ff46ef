/*
 * text_area.h - the paste box: takes a paste whole, shows its first and last lines, counts.
 *
 * Bytes    kept as they came (CR, CRLF, control characters: the reader behind it cleans), in
 *          memory that is locked where the limit allows and wiped on clear and free: somebody will
 *          paste a private key. A second paste is added after the first, on a new line.
 * Keys     Ctrl-U clears. Nothing is typed here: a letter means nothing.
 * Order    the page looks at text_area_bytes() in the same event, before anything is drawn, and
 *          calls text_area_clear() when the text must not be seen.
 */
#ifndef PGSEAL_TUI_TEXT_AREA_H
#define PGSEAL_TUI_TEXT_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "tui/canvas.h"

#define TEXT_AREA_MAX (256u * 1024u) /* what the terminal hands over at most */

struct text_area;

struct text_area *text_area_new(void) MUST_CHECK;
void text_area_free(struct text_area *area);  /* wipes */
void text_area_clear(struct text_area *area); /* wipes */
/* False when it did not fit: then nothing was taken. whole false is remembered and shown. */
bool text_area_paste(struct text_area *area, const char *bytes, size_t len, bool whole);
bool text_area_key(struct text_area *area, uint32_t key);
const char *text_area_bytes(const struct text_area *area, size_t *ret_len); /* borrowed */
size_t text_area_characters(const struct text_area *area);
size_t text_area_lines(const struct text_area *area);
bool text_area_whole(const struct text_area *area);
/* What stands behind the count in the lower border: "1 certificate"; copied. */
void text_area_set_note(struct text_area *area, const char *note);

/* A box of rows (at least 3) over the columns given; in its border what to press, and the count. */
void text_area_draw(const struct text_area *area, struct canvas *canvas, int row, int column,
                    int rows, int columns, bool focused);

#endif
