/*
 * certs_parts.h - what certs.c and certs_rows.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_CERTS_PARTS_H
#define PGSEAL_SCREENS_CERTS_PARTS_H

#include "screens/certs_filter.h"
#include "tui/table.h"
#include "tui/text_field.h"

enum certs_column {
    COLUMN_NAME,
    COLUMN_KIND,
    COLUMN_CA,
    COLUMN_SERIAL,
    COLUMN_ENDS,
    COLUMN_LEFT,
    COLUMN_STATE,
    CERTS_COLUMNS
};

struct certs {
    struct app *app;
    struct table *table;
    struct certs_query query;
    struct certs_job *list; /* NULL: not read yet */
    struct job *job;
    int64_t total; /* of the query; -1: not known yet */
    bool total_is_least;
    bool again;          /* ask once more when the job has ended */
    int64_t want_offset; /* what the next job reads from */
    bool want_count;
    uint32_t then; /* the key that is carried out when the window is there; 0: none */
    struct text_field *find;
    bool finding;
    struct certs_filter *filter; /* NULL: the list is shown */
    char message[160];
    enum mark message_mark;
};

extern const struct table_column certs_columns[CERTS_COLUMNS];
extern const struct table_rows certs_rows; /* of a struct certs */
size_t certs_row_count(const void *certs);
const struct issued *certs_row_at(const struct certs *self, size_t row); /* borrowed */

#endif
