/*
 * rotate_rows.h - the lines of "Renew and rotate": what stands in each column, and which are marked.
 *
 * Marks    are kept by what a line is, not by where it stands: they survive a reading of the store.
 */
#ifndef PGSEAL_SCREENS_ROTATE_ROWS_H
#define PGSEAL_SCREENS_ROTATE_ROWS_H

#include "screens/rotate_job.h"
#include "screens/rotate_pages.h"
#include "tui/table.h"

struct rotate_rows {         /* zeroed at the start */
    struct rotate_job *data; /* owned; NULL: not read yet */
    uint64_t *marked;        /* keys of rows */
    size_t n_marked;
};

void rotate_rows_clear(struct rotate_rows *rows);
/* Their columns; rows is borrowed for its life. Caller frees. */
struct table *rotate_rows_table(const struct rotate_rows *rows) MUST_CHECK;

bool rotate_rows_marked(const struct rotate_rows *rows, size_t i);
/* False: no more can be marked. */
bool rotate_rows_toggle(struct rotate_rows *rows, size_t i);
void rotate_rows_unmark(struct rotate_rows *rows);

#endif
