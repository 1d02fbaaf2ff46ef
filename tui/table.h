/*
 * table.h - a list with columns, a cursor row, and a filter.
 *
 * Rows     belong to the page, which answers table_rows' questions; the table holds what is seen
 *          of them. After every change of the data (or of its order): table_refresh(). The cursor
 *          follows the row's key, not its place: what a person aims at does not jump away.
 * Columns  give way in a narrow window: the one with the lowest keep goes first. In a wide one those
 *          whose cells would be cut get more; one with grow takes what is left over, up to what its
 *          cells need or 100 columns in all: a row has to be followed by eye. Cells are clipped,
 *          right-aligned where asked.
 * Keys     Up Down j k Ctrl-N Ctrl-P, PgUp PgDn, Ctrl-U Ctrl-D (half a page), Home End g G; "/"
 *          opens the filter: letters narrow it (any column, without regard to case), Enter keeps
 *          it, Esc clears it; n N go to the next and last hit. Enter chooses.
 * Cost     table_refresh() asks for the cells once when a filter is set; draw asks for what is
 *          seen, and where there is room left over for those of the first 256 rows.
 */
#ifndef PGSEAL_TUI_TABLE_H
#define PGSEAL_TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"
#include "tui/canvas.h"

struct table_column {
    const char *title; /* N_() */
    int width;         /* columns it wants */
    int keep;          /* in a narrow window the lowest go first */
    bool right;        /* aligned to the right */
    bool grow;         /* takes what is left over; one of them */
};

struct table_rows { /* how the page answers; row is an index into the page's own order */
    size_t (*count)(const void *arg);
    void (*cell)(const void *arg, size_t row, size_t column, struct strbuf *out); /* clean text */
    uint64_t (*key)(const void *arg, size_t row); /* stays the same while the thing lives */
    enum style (*style)(const void *arg, size_t row, size_t column); /* may be NULL */
};

enum table_result { TABLE_IGNORED, TABLE_USED, TABLE_CHOSEN };

struct table;

/* All borrowed for the life of the table. */
struct table *table_new(const struct table_column *columns, size_t n_columns,
                        const struct table_rows *rows, const void *arg) MUST_CHECK;
void table_free(struct table *table);
void table_refresh(struct table *table);
/* The page holds a part of a longer list: rows before its first and behind its last one. The line below
 * the rows counts them too. */
void table_set_window(struct table *table, size_t before, size_t behind);
/* What passes the filter is the page's decision; without it: a text in any column. */
void table_set_match(struct table *table,
                     bool (*match)(const void *arg, size_t row, const char *filter));
void table_set_filter(struct table *table, const char *filter); /* as if it had been typed */
/* What the page's order goes by: said in the title row. column SIZE_MAX: nothing is said. */
void table_set_sorted(struct table *table, size_t column, bool reverse);
bool table_has_row(const struct table *table);
size_t table_row(
    const struct table *table); /* of the page, under the cursor; only with table_has_row() */
size_t table_seen(const struct table *table);         /* rows that pass the filter */
/* For who reads it without a screen: the columns, a cell of the n-th row that is seen, the place of the
 * cursor among those; how many rows the page does not hold. */
const struct table_column *table_columns(const struct table *table, size_t *ret_n);
void table_cell(const struct table *table, size_t seen, size_t column, struct strbuf *out);
size_t table_at(const struct table *table);
size_t table_beyond(const struct table *table);
bool table_select(struct table *table, uint64_t key); /* false: not among the seen ones */
const char *table_filter(const struct table *table);  /* "" for none */
bool table_takes_text(const struct table *table);     /* the filter is being typed */

enum table_result table_key(struct table *table, uint32_t key);
void table_paste(struct table *table, const char *bytes, size_t len); /* into an open filter */
/* Title row, then rows; the last one says how many more there are. Remembers its height for PgDn.
 */
void table_draw(const struct table *table, struct canvas *canvas, int row, int rows, bool focused);

#endif
