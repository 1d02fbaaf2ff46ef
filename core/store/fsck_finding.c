/* fsck_finding.c - what was found, the first FSCK_MAX of it by name. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/fsck_part.h"

void fsck_clear(struct fsck_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].object);
        free(list->rows[i].message);
        free(list->rows[i].help);
    }
    free(list->rows);
    memset(list, 0, sizeof(*list));
}

size_t fsck_count(const struct fsck_list *list, enum fsck_severity severity)
{
    size_t count = severity <= FSCK_WARNING ? list->left_problems : 0;

    for (size_t i = 0; i < list->n; i++)
        count += list->rows[i].severity >= severity && !list->rows[i].repaired;
    return count;
}

const char *fsck_severity_name(enum fsck_severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

void fsck_count_spare(struct fsck *fsck)
{
    fsck->list->left_problems += fsck->spare.severity >= FSCK_WARNING && !fsck->spare.repaired;
    fsck->spare.severity = FSCK_NOTE;
    fsck->spare.repaired = false;
}

struct fsck_finding *fsck_say(struct fsck *fsck, enum fsck_severity severity, const char *object,
                              const char *fmt, ...)
{
    struct fsck_list *list = fsck->list;
    struct strbuf text = STRBUF_INIT;
    struct fsck_finding *finding;
    va_list args;

    if (list->n == FSCK_MAX) {
        list->left_off++;
        fsck_count_spare(fsck);
        fsck->spare.severity = severity;
        return &fsck->spare;
    }
    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(*list->rows));
    finding = &list->rows[list->n++];
    memset(finding, 0, sizeof(*finding));
    finding->severity = severity;
    finding->object = mem_strdup(object);
    finding->message = strbuf_steal(&text);
    finding->help = mem_strdup("");
    return finding;
}

void fsck_help(struct fsck_finding *finding, const char *text)
{
    if (finding->help == NULL)
        return; /* the spare one */
    free(finding->help);
    finding->help = mem_strdup(text);
}
