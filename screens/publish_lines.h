/*
 * publish_lines.h - lists on their way to the servers, as an act's job does it: the login, live
 *                   progress, and what became of each server.
 *
 * Passwords  libpq's own places first; then the person is asked, once more where it was not right. Who
 *            gives none leaves the server out: it is remembered as behind.
 */
#ifndef PGSEAL_SCREENS_PUBLISH_LINES_H
#define PGSEAL_SCREENS_PUBLISH_LINES_H

#include "core/plan/publish.h"
#include "screens/act.h"

struct
    publish_known { /* passwords that were typed: each server asks once in the life of the page */
    struct publish_password {
        int64_t server_id;
        struct secret *password;
    } * rows;
    size_t n;
};
void publish_known_clear(struct publish_known *known);

struct publish_talk { /* lives in the job's function: not to be moved */
    struct act_job *job;
    struct fleet_door door;
    struct publish_watch watch;
    size_t n_ended;
    struct publish_known *known; /* borrowed */
};

/* known: of the act's data. */
void publish_talk_begin(struct publish_talk *ret, struct act_job *job, struct publish_known *known);

/* A line for each server. */
void publish_lines(struct lines *lines, const struct publish_results *results);
/* How those that are behind are caught up. */
void publish_lines_behind(struct lines *lines);

#endif
