/*
 * rotation_next.h - what the files rotation_next*.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ROTATION_NEXT_H
#define PGSEAL_SCREENS_ROTATION_NEXT_H

#include "screens/act.h"
#include "screens/key_protection.h"
#include "screens/rotation_cert.h"
#include "screens/rotation_job.h"

struct rotation_next {
    const struct app *app; /* borrowed */
    int64_t id;
    bool back;
    /* as it stands */
    struct rotation *rotation;
    struct rotate_status status;
    bool have_status;
    struct rotate_preview preview; /* of servers: their plans, and who would be refused */
    bool have_preview;
    struct authority *old_ca, *new_ca; /* or NULL */
    /* fields; -1: not asked */
    struct key_protection ca_protection, client_protection;
    bool asks_ca, asks_kits;
    struct rotation_cert cert; /* of a server, from another's CA */
    bool asks_cert;
    int folder_id, revoke_id, end_id, gaps_id, left_id, refused_id, key_id, archive_id;
    bool locked_out; /* the last run said so */
    /* answers */
    char *folder, *archive; /* archive: the old key goes into this file; or NULL */
    struct secret *ca_passphrase, *key_passphrase;
    bool revoke, end_sessions, accept_gaps, destroy;
    size_t accept_left, accept_refused;
    bool accepts_refused;
    /* what came of it */
    struct publish_known known;
    struct rotate_outcome outcome;
    bool have_outcome;
    struct err err; /* it goes on, and this blocks; or a part failed */
};

const struct rotate_phase *rotation_next_phase(const struct rotation_next *self);
/* The last step of a rotation of client certificates: what becomes of the old ones. */
bool rotation_next_ends_old(const struct rotation_next *self);

/* The certificate that was given goes with a step that needs it. */
void rotation_next_give_cert(const struct rotation_next *self, struct rotate_request *request);

/* ---- rotation_next_ahead.c ---- */

bool rotation_next_changes_servers(const struct rotation_next *self);
/* In a job: into self->preview, where servers would be changed. */
bool rotation_next_look_ahead(struct rotation_next *self, struct act_job *job, struct store *store,
                              struct err *err) MUST_CHECK;
void rotation_next_refused_head(const struct rotate_preview *preview, struct strbuf *out);
void rotation_next_refused_text(const struct rotate_refused *row, struct strbuf *out);
/* For struct act_ops and act_step. */
void rotation_next_show_ahead(const void *data, struct lines *lines);
bool rotation_next_shows_nothing(const void *data);

/* ---- rotation_next_review.c: for struct act_ops ---- */

void rotation_next_review(const void *data, struct form *form);
const char *rotation_next_severe(const void *data, struct strbuf *out);

/* ---- rotation_next_form.c ---- */

/* For struct act_step. */
void rotation_next_build(void *data, struct form *form);
void rotation_next_check(void *arg, struct form *form);
void rotation_next_take(void *data, const struct form *form);
/* Lines that name who would be refused, or else who uses the old one; none where nobody does. */
void rotation_next_add_refused(const struct rotation_next *self, struct form *form);

/* ---- rotation_next_result.c: for struct act_ops ---- */

void rotation_next_result(const void *data, struct lines *lines);

#endif
