/*
 * require_lines.h - pgseal's rules in pg_hba.conf as boxes to tick: which of them go.
 *
 * Bounds   REQUIRE_LINES_MAX boxes; of more rules all go, or none.
 */
#ifndef PGSEAL_SCREENS_REQUIRE_LINES_H
#define PGSEAL_SCREENS_REQUIRE_LINES_H

#include "core/pg/hba.h"
#include "screens/require_job.h"
#include "tui/form.h"

#define REQUIRE_LINES_MAX 8

struct require_lines {
    int fields[REQUIRE_LINES_MAX];
    char labels[REQUIRE_LINES_MAX][100]; /* borrowed by the form */
    int numbers[REQUIRE_LINES_MAX];
    char *texts[REQUIRE_LINES_MAX]; /* owned: the lines as they are, without their newline */
    size_t n;                       /* boxes in use */
    size_t ours;                    /* rules of ours; more than boxes: none is in use */
};

void require_lines_clear(struct require_lines *lines);
/* Adds the boxes, hidden; lines must outlive the form. */
void require_lines_add(struct require_lines *lines, struct form *form);
/* What stands in the file now; what was ticked before is forgotten when the rules are others. */
void require_lines_set(struct require_lines *lines, struct form *form, const struct hba *hba);
void require_lines_show(const struct require_lines *lines, struct form *form, bool shown);
size_t require_lines_count(const struct require_lines *lines, const struct form *form); /* ticked */
/* Those that are ticked; all of them: none, which means all. */
void require_lines_read(const struct require_lines *lines, const struct form *form,
                        struct require_data *data);

#endif
