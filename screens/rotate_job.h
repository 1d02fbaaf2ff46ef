/*
 * rotate_job.h - what can be renewed or rotated, the worst first, and who uses it.
 *
 * Shape    the rows are those of timeline_job.h, the revoked ones too; beside each the servers where it is
 *          in use: of a CA and its list, those that trust it; of a client's certificate, those where a
 *          session with it was seen; of a server's, the one that clients know by its name.
 *          Rotations that are under way stand above them all, the oldest first.
 * Cost     as timeline_job.h, and one look through the sightings (at most ROTATE_SIGHTINGS, the last seen
 *          first).
 */
#ifndef PGSEAL_SCREENS_ROTATE_JOB_H
#define PGSEAL_SCREENS_ROTATE_JOB_H

#include "core/store/rotation.h"
#include "screens/timeline_job.h"

#define ROTATE_SIGHTINGS 10000

struct rotate_row {
    const struct timeline_row *end;  /* of ends; NULL: */
    const struct rotation *rotation; /* under way */
    struct rotation_counts counts;   /* of it */
    char *name;                      /* of it, clean */
    char *used_on;                   /* "db1 db2"; "" */
};

struct rotate_job {
    char *store_folder;
    struct timeline_job *ends;
    struct rotation_list rotations;
    struct rotate_row *rows;
    size_t n;
    int64_t now;
    struct err err; /* ERR_NONE also where there is no store yet */
};
struct job *rotate_job_start(struct app *app, void *owner) MUST_CHECK;
void rotate_job_free(void *data);

#endif
