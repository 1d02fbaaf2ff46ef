/*
 * progress.h - work that goes on: steps with marks, a bar, the last lines of what was done.
 *
 * Drawing  "  [ok] 1  make the key                    0.2 s"; "  5 of 8 done   [####    ]  62 %";
 * log. Words, not spinners: nothing moves but what changed.
 */
#ifndef PGSEAL_TUI_PROGRESS_H
#define PGSEAL_TUI_PROGRESS_H

#include <stddef.h>

#include "core/base/attr.h"
#include "tui/canvas.h"

struct progress;

struct progress *progress_new(void) MUST_CHECK;
void progress_free(struct progress *progress);
size_t progress_add(struct progress *progress, const char *title); /* a step, [  ]; copied */
/* note: "0.2 s", "skipped"; NULL leaves it. */
void progress_set(struct progress *progress, size_t step, enum mark mark, const char *note);
/* A line of the log; the last ones are kept. Cleaned. */
void progress_log(struct progress *progress, const char *line);
void progress_draw(const struct progress *progress, struct canvas *canvas, int row, int rows);

#endif
