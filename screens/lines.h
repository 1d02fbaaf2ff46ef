/*
 * lines.h - lines about one thing, longer than the page: labels, marks, levels; scrolled.
 *
 * Drawing  "  subject         CN=alice"; a mark before the text; long text is wrapped under itself.
 *          Labels of one level that follow each other share a column.
 * Keys     Up Down j k, PgUp PgDn Space, Home End g G.
 * Memory   what is given is copied; text is drawn clean.
 */
#ifndef PGSEAL_SCREENS_LINES_H
#define PGSEAL_SCREENS_LINES_H

#include "core/base/strbuf.h"
#include "core/pki/inspect.h"
#include "tui/canvas.h"

struct lines;

struct lines *lines_new(void) MUST_CHECK;
void lines_free(struct lines *lines);
void lines_clear(struct lines *lines); /* and to the top */
/* label NULL: a sentence. text may have several lines. */
void lines_add(struct lines *lines, int level, enum mark mark, const char *label, const char *text);
void lines_printf(struct lines *lines, int level, enum mark mark, const char *label,
                  const char *fmt, ...) PRINTF_LIKE(5, 6);
void lines_head(struct lines *lines, const char *text); /* strong, with room above it */
/* All below the node. */
void lines_tree(struct lines *lines, const struct inspect_node *node, int level);
size_t lines_count(const struct lines *lines);

bool lines_key(struct lines *lines, uint32_t key); /* false: it means nothing here */
void lines_draw(const struct lines *lines, struct canvas *canvas, int row, int rows);
/* As it was drawn last: something is below it. */
bool lines_more(const struct lines *lines);
/* "from line 12 of 40", "" when all is seen: for path_right. */
void lines_where(const struct lines *lines, char *out, size_t size);

#endif
