/*
 * rotation_job.h - one rotation as it stands: looked at in a job; and words for it that several pages use.
 *
 * Cost     ask false: the store alone. true: each server too, with its deadlines; nobody is asked for a
 *          password there (the next step asks).
 */
#ifndef PGSEAL_SCREENS_ROTATION_JOB_H
#define PGSEAL_SCREENS_ROTATION_JOB_H

#include "core/rotate/rotate.h"
#include "screens/app.h"
#include "screens/publish_lines.h"

struct rotation_job {
    char *store_folder;
    int64_t id;
    bool ask;
    struct rotation *rotation; /* NULL: it could not be read; err */
    struct rotate_status status;
    bool have_status;
    struct rotation_history history;
    char *old_name, *new_name; /* of the CAs; "" */
    struct err err;
};
struct job *rotation_job_start(struct app *app, void *owner, int64_t id, bool ask) MUST_CHECK;
void rotation_job_free(void *data);

/* "client CA", "EMERGENCY": translated. */
const char *rotation_kind_text(enum rotation_kind kind);
/* "Rotation of the CA \"X\"" */
void rotation_title(const struct rotation *rotation, char *out, size_t size);
/* "[#####.....]" */
void rotation_bar(struct strbuf *out, int width, int64_t done, int64_t total);
/* "3 d", "5 h", "12 min" */
void rotation_span(struct strbuf *out, int64_t seconds);
/* Its sentences as a page says them (without_options.h). */
void rotation_page_words(struct rotate_status *status);
/* Lines of the worklist that have not moved yet: not seen with the new one; of a trust file, which no
 * server sees, not handed over. */
int64_t rotation_waits_for(enum rotation_kind kind, const struct rotation_counts *counts);
/* Uses the old one still, or may come back with it: connected, or never seen with the new one. */
bool rotation_is_left(const struct use *use);
size_t rotation_count_left(const struct use_list *left);
/* "[ok]" or worse, and what a server has, in words. */
enum mark rotation_server_mark(const struct rotate_server *server);
void rotation_server_text(const struct rotate_server *server, struct strbuf *out);

/* The login and the progress of an act's job on several servers. Lives in the job's function: not to be
 * moved. */
struct rotation_talk {
    struct publish_talk talk;
    struct fleet_watch watch;
    struct plan_watch plan;
    const char *server; /* its turn */
};
void rotation_talk_begin(struct rotation_talk *ret, struct act_job *job,
                         struct publish_known *known);

#endif
