/*
 * rotate_start.h - what the files rotate_start*.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ROTATE_START_H
#define PGSEAL_SCREENS_ROTATE_START_H

#include "core/rotate/rotate.h"
#include "screens/act.h"
#include "screens/foreign_ca.h"
#include "screens/rotate_pages.h"

#define ROTATE_START_SERVERS 64
#define ROTATE_START_WAYS    4
#define ROTATE_START_CAS     32

enum way_act {
    WAY_ROTATION,    /* of the row's kind, for the line */
    WAY_ROTATE_SOON, /* client certificates: all that end soon */
    WAY_RENEW        /* a certificate, and no more */
};

struct way {
    enum way_act act;
    enum rotation_kind kind;
    struct choice_item item;
};

/* Where the new CA comes from. */
enum new_ca { NEW_MADE, NEW_OURS, NEW_FOREIGN };

struct rotate_start_page {
    enum rotate_from from;
    char *name, *which, *server;
    const struct way *ways;
    size_t n_ways;
    struct choice_item items[ROTATE_START_WAYS];
    /* what the store says */
    int64_t valid;               /* certificates of the CA */
    char *servers;               /* that trust it */
    char *cas[ROTATE_START_CAS]; /* that can sign; not the old one */
    size_t n_cas;
    struct cert *known;             /* ROTATE_FROM_FOREIGN: the store has it; or NULL */
    struct choice_item *soon_items; /* "all", and each of cas */
    /* fields; -1: not asked */
    int how_id, new_id, ours_id, quiet_id, scope_id, within_id, soon_id, trusts_id;
    struct foreign_ca_fields old, fresh;
    /* answers */
    const struct way *way;
    enum new_ca new_ca;
    bool old_is_foreign; /* of a server: clients trust another's */
    char *new_authority; /* NEW_OURS */
    char *scope[ROTATE_START_SERVERS];
    size_t n_scope;
    int quiet_days, within_days;
    const char *soon_ca; /* of cas; NULL: all of them */
    /* what came of it */
    int64_t started;
    size_t n_started;
};

/* Done by one page, without steps. */
bool rotate_start_is_direct(const struct way *way);
/* Two CAs are in it: an old and a new one. */
bool rotate_start_is_of_cas(const struct way *way);
const struct way *rotate_start_way(const struct rotate_start_page *self, const struct form *form);
void rotate_start_forget_scope(struct rotate_start_page *self);

/* ---- rotate_start_review.c: for struct act_ops ---- */

void rotate_start_review(const void *data, struct form *form);
const char *rotate_start_severe(const void *data, struct strbuf *out);

/* ---- rotate_start_form.c: for struct act_step ---- */

void rotate_start_build_old(void *data, struct form *form);
void rotate_start_check_old(void *arg, struct form *form);
void rotate_start_take_old(void *data, const struct form *form);
bool rotate_start_look_old(void *data, struct act_job *job, struct err *err);
void rotate_start_build(void *data, struct form *form);
void rotate_start_check(void *arg, struct form *form);
void rotate_start_take(void *data, const struct form *form);
bool rotate_start_look(void *data, struct act_job *job, struct err *err);

#endif
