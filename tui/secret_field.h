/*
 * secret_field.h - a passphrase that a person types: stars, in memory that is wiped.
 *
 * Shapes   the bytes live in a struct secret (secret.h) only; edited at the end: Backspace, Ctrl-W
 *          and Ctrl-U (all), since a person who does not see the text cannot edit inside it.
 * Shown    F6 shows it while it is typed; secret_field_hide() when the focus leaves. Shown text
 *          goes into the canvas and to the terminal: that is what was asked for, and all of it.
 * Paste    the first line; control characters are refused (they could not be typed again).
 */
#ifndef PGSEAL_TUI_SECRET_FIELD_H
#define PGSEAL_TUI_SECRET_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/secret.h"
#include "tui/canvas.h"

struct secret_field;

struct secret_field *secret_field_new(size_t capacity) MUST_CHECK;
void secret_field_free(struct secret_field *field);                      /* wipes */
const struct secret *secret_field_get(const struct secret_field *field); /* borrowed */
void secret_field_wipe(struct secret_field *field);
bool secret_field_shown(const struct secret_field *field);
void secret_field_hide(struct secret_field *field);

bool secret_field_key(struct secret_field *field, uint32_t key); /* as text_field_key(); F6 too */
bool secret_field_paste(struct secret_field *field, const char *bytes, size_t len);
void secret_field_draw(const struct secret_field *field, struct canvas *canvas, int row, int column,
                       int width, bool focused);

#endif
