/*
 * text_field.h - one line of text that a person edits.
 *
 * Source   readline(3) keys: Left Right Home End Backspace Delete, Ctrl-A Ctrl-E Ctrl-B Ctrl-F,
 *          Ctrl-W (word), Ctrl-U (all), Ctrl-K (to the end), Ctrl-D (delete).
 * Text     UTF-8, always whole characters, always clean (text.h); at most max_bytes. A paste is
 *          cut at its first line end; what does not fit is not taken, and the caller is told.
 * Drawing  "[text      ]": the brackets show the width without colour. Long text scrolls sideways.
 */
#ifndef PGSEAL_TUI_TEXT_FIELD_H
#define PGSEAL_TUI_TEXT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "tui/canvas.h"

struct text_field;

struct text_field *text_field_new(size_t max_bytes) MUST_CHECK;
void text_field_free(struct text_field *field);
const char *text_field_get(
    const struct text_field *field); /* borrowed until it changes; never NULL */
/* Cleaned and cut at max_bytes; the cursor goes to the end. */
void text_field_set(struct text_field *field, const char *text);
/* Characters that are refused as if they had not been typed ("0123456789" for a number); NULL: all
 * are taken. Borrowed. */
void text_field_allow(struct text_field *field, const char *characters);

/* True when the key means something here (also when it changed nothing, as Left at the start). */
bool text_field_key(struct text_field *field, uint32_t key);
/* Inserts the first line of a paste at the cursor. False when something was left out. */
bool text_field_paste(struct text_field *field, const char *bytes, size_t len);

/* width counts the brackets. focused: the hardware cursor goes to the insertion point; "<" or ">" in
 * place of a bracket: the text goes on there. */
void text_field_draw(const struct text_field *field, struct canvas *canvas, int row, int column,
                     int width, bool focused);

#endif
