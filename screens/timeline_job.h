/*
 * timeline_job.h - all that ends, out of the store, the worst first.
 *
 * Shape    certificates that are not revoked, CAs that are in use, their lists of revoked certificates
 *          (the last one of a set counts), lists of other people's CAs. What ended more than
 *          TIMELINE_PAST_DAYS ago is history.
 * Followed a certificate that has a later one of its kind for the same role needs nobody any more.
 * Cost     one query along an index, at most TIMELINE_MAX certificates: the soonest ends.
 */
#ifndef PGSEAL_SCREENS_TIMELINE_JOB_H
#define PGSEAL_SCREENS_TIMELINE_JOB_H

#include "core/base/err.h"
#include "screens/app.h"
#include "tui/theme.h"

#define TIMELINE_MAX       10000
#define TIMELINE_PAST_DAYS 30

enum timeline_kind {
    TIMELINE_CLIENT,
    TIMELINE_SERVER,
    TIMELINE_CRL,
    TIMELINE_CA,
    TIMELINE_FOREIGN,
    TIMELINE_KINDS
};

struct timeline_row {
    enum timeline_kind kind;
    char *name;  /* role, host or CA; clean */
    char *which; /* what its page takes: "CA:serial", or the CA's name */
    char *hosts; /* of a server's certificate: " db1 10.0.0.5 "; else NULL */
    int64_t ends_at;
    bool followed;
    bool revoked; /* only with_revoked */
    enum mark mark;
};

struct timeline_job {
    char *store_folder;
    bool with_revoked; /* those too: MARK_OFF */
    struct timeline_row *rows;
    size_t n;
    int64_t left_off; /* certificates that end later than those */
    int64_t now;
    struct err err; /* ERR_NONE also where there is no store yet */
};
struct job *timeline_job_start(struct app *app, void *owner) MUST_CHECK;
/* The same inside another job: store_folder and with_revoked are set. */
void timeline_job_read(struct timeline_job *self);
void timeline_job_free(void *data);

#endif
