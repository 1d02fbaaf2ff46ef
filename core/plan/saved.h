/*
 * saved.h - a plan as a file: what is wanted, and on which server and which files it was built.
 *
 * Shape    JSON: {"v":1,"pgseal":"plan","server","system_identifier","title","made_at","want":{…},
 *          "saw":{…}}. "want" is the intent in typed fields; certificates and lists in it are PEM. Never
 *          SQL, never a private key, never a password: such an intent is not saved (ERR_PLAN_FILE).
 * Apply    the plan is made anew from "want". Before that the server must be the same
 *          (ERR_OTHER_SERVER) and what "saw" names unchanged (ERR_PLAN_STALE, naming it).
 * Input    a plan file may be anybody's: at most SAVED_MAX bytes, every field checked, and then every
 *          value takes the way that one from the command line takes.
 * Errors   ERR_PLAN_FILE: it is none, or not whole; ERR_TOO_LARGE.
 */
#ifndef PGSEAL_PLAN_SAVED_H
#define PGSEAL_PLAN_SAVED_H

#include "core/plan/plan.h"

#define SAVED_MAX (1u << 20)

struct saved_plan {
    char *server; /* the name in the store that wrote it; clean */
    char *system_identifier;
    char *title;
    int64_t made_at;
    void *want; /* the intent: JSON, inside */
    void *saw;  /* NULL: nothing is compared */
};

bool saved_print(const struct plan *plan, struct strbuf *out, struct err *err) MUST_CHECK;
struct saved_plan *saved_parse(const void *bytes, size_t len, struct err *err) MUST_CHECK;
/* The intent of a plan that was applied, whatever became of it. */
struct saved_plan *saved_from_journal(const struct journal_plan *row, struct err *err) MUST_CHECK;
/* Compare with nothing: the plan is to be built on what is there now. */
void saved_forget_saw(struct saved_plan *saved);
void saved_free(struct saved_plan *saved);

/* The name of the CA whose key the plan needs (a server certificate), or NULL. Borrowed. */
const char *saved_needs_key_of(const struct saved_plan *saved);
/* key: of that CA, or NULL where none is needed; borrowed until the plan is made. */
struct plan *saved_make(const struct saved_plan *saved, const struct plan_target *target,
                        const struct key *key, struct err *err) MUST_CHECK;
/* The same for each member of a cluster: what "saw" names is one member's, the one that it was made on;
 * the others have files of their own, and are taken as they are. */
struct plan *saved_make_member(const struct saved_plan *saved, const struct plan_target *target,
                               const struct key *key, struct err *err) MUST_CHECK;

#endif
