/*
 * fsck_part.h - inside core/store only: the parts of fsck.h.
 */
#ifndef PGSEAL_STORE_FSCK_PART_H
#define PGSEAL_STORE_FSCK_PART_H

#include "core/store/fsck.h"

struct fsck {
    struct store *store; /* NULL in fsck_access() */
    const struct fsck_options *options;
    struct fsck_list *list;
    struct fsck_finding spare; /* for those beyond FSCK_MAX, one after the other */
    int64_t total;
    bool mending;       /* a transaction is open: a sync of the disk for each row would take ages */
    size_t mended_from; /* findings from this one on are mended when it is committed */
};

/* A new finding, borrowed until the next one. */
struct fsck_finding *fsck_say(struct fsck *fsck, enum fsck_severity severity, const char *object,
                              const char *fmt, ...) PRINTF_LIKE(4, 5);
/* What became of the last one beyond FSCK_MAX is counted: before the next, and at the end. */
void fsck_count_spare(struct fsck *fsck);
void fsck_help(struct fsck_finding *finding, const char *text);

bool fsck_check_list(struct fsck *fsck, struct authority *authority, struct err *err) MUST_CHECK;
bool fsck_check_keys(struct fsck *fsck, const struct authority *authority,
                     struct err *err) MUST_CHECK;
bool fsck_check_files(struct fsck *fsck, struct err *err) MUST_CHECK;

#endif
