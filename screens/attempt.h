/*
 * attempt.h - one change to a server, from the login to "kept" or "taken back": one job, and what a page
 * sees of it.
 *
 * Shape    the job owns store, connection and plan, and goes through the phases below; a page looks
 *          (attempt_look() copies) and answers. Nothing else is shared: one lock guards what stands
 *          between the two.
 * Keep     counted by the job, not by the page: no answer in time, a page that went away, a signal:
 *          what was changed is taken back. Killed: the journal offers it at the next start.
 * Secrets  asked for by the job when it needs them (a password, the passphrase of a CA's key), wiped
 *          with it.
 * Log      what was done, and the same as a script, go into two files (0600) beside each other.
 */
#ifndef PGSEAL_SCREENS_ATTEMPT_H
#define PGSEAL_SCREENS_ATTEMPT_H

#include "core/plan/plan.h"
#include "screens/app.h"

enum attempt_phase {
    ATTEMPT_CONNECTING,
    ATTEMPT_READING, /* the server is read, the plan is made */
    ATTEMPT_ASKING,  /* attempt_give(): a secret */
    ATTEMPT_REVIEW,  /* attempt_apply() */
    ATTEMPT_APPLYING,
    ATTEMPT_KEEP, /* attempt_keep() or attempt_undo(), before deadline_ms */
    ATTEMPT_UNDOING,
    ATTEMPT_OTHERS, /* a member did not get it, others have: attempt_keep() leaves it so, attempt_undo()
                     * takes it back on them, too */
    ATTEMPT_ENDED /* nothing comes any more */
};

enum attempt_end {                      /* ATTEMPT_ENDED */
                   ATTEMPT_END_FAILED,  /* nothing was changed; err says why */
                   ATTEMPT_END_NOTHING, /* there was nothing to do */
                   ATTEMPT_END_KEPT,
                   ATTEMPT_END_TEXT, /* by hand: script is the text to paste; nothing was changed */
                   ATTEMPT_END_PARTLY, /* some members have it, some have not: results says which */
                   ATTEMPT_END_UNDONE, /* err.code is ERR_NONE when it was asked for, or nobody kept it */
                   ATTEMPT_END_LEFT /* not fully taken back; err says what is left */
};

struct attempt_step { /* a copy of plan_step_view */
    enum plan_mark mark;
    char *title, *effect, *details; /* details: what runs, as the script shows it */
    enum journal_step_state state;
    char *saw;
    int64_t took_ms;
    int64_t began_ms; /* clock_mono_ms(); 0: not yet */
};

struct attempt_view {
    enum attempt_phase phase;
    enum attempt_end end;
    char *title;  /* of the plan; "" before it is made */
    char *server; /* its name */
    char *where;  /* "127.0.0.1:5432", where clients come in */
    int server_version;
    bool production;
    size_t member, n_members; /* of a cluster: this is the first, ...; 0: it stands alone */
    char **results;           /* of the members before it, a line each: "db2 (standby): kept" */
    size_t n_results;
    size_t n_kept;    /* members that have it by this change */
    bool is_undo;     /* a plan of before is taken back */
    bool is_keep;     /* a plan of before is kept */
    char *wants;      /* ATTEMPT_ASKING: "Password of db1" */
    bool was_wrong;   /* what was given last */
    bool is_password; /* else the passphrase of a CA */
    struct attempt_step *steps;
    size_t n_steps;
    char **refused; /* who is connected now and could not come back, a line each */
    size_t n_refused;
    char **log; /* what was seen, a line each */
    size_t n_log;
    char *script;
    char *saved;     /* the plan as a file; NULL: it cannot be one, and saved_why says why */
    char *saved_why; /* or NULL */
    int64_t plan_id;
    int64_t deadline_ms;                 /* ATTEMPT_KEEP: clock_mono_ms() */
    bool timed_out;                      /* ATTEMPT_END_UNDONE: nobody kept it in time */
    int sessions_before, sessions_after; /* of clients; -1: not known */
    char *log_file, *script_file;        /* "" when they could not be written */
    bool stopping;                       /* attempt_stop() was heard */
    struct err err;
};
void attempt_view_clear(struct attempt_view *view);

struct attempt;

/* What makes the plan, on the job's thread. */
struct attempt_tools {
    const struct plan_target *target;
    struct attempt *attempt;
    struct job *job;
};
/* The CA's private key; asks the page for its passphrase until it is right. */
struct key *attempt_unlock(const struct attempt_tools *tools, const struct authority *authority,
                           struct err *err) MUST_CHECK;

struct attempt_intent {
    const char *name; /* "server tls" */
    struct plan *(*build)(const void *data, const struct attempt_tools *tools, struct err *err);
    void (*command)(const void *data, const char *server, struct strbuf *out); /* pgseal's own */
    void *(*copy)(const void *data);
    void (*free)(void *data);
    /* May be NULL: when "yes" was said, before the first step; false: nothing is done. */
    bool (*begin)(const void *data, struct err *err);
    bool (*alone)(const void *data);  /* may be NULL: for the server itself, whatever its cluster */
    void (*failed)(const void *data); /* may be NULL: it was begun, and is not kept */
    /* True: the same goes to each member of the server's cluster. NULL: never. */
    bool (*members)(const void *data);
    const char *missed; /* remembered for members that are away; NULL: the name */
};

bool attempt_for_members(const void *data); /* always true: for .members */

/* Starts the job for the chosen server; owner gets its events. data is taken. */
struct attempt *attempt_start(struct app *app, void *owner, const struct attempt_intent *intent,
                              void *data) MUST_CHECK;
/* Nothing is applied: it ends with the text that a person pastes where pgseal may do nothing. */
struct attempt *attempt_start_by_hand(struct app *app, void *owner,
                                      const struct attempt_intent *intent, void *data) MUST_CHECK;
/* A plan of the journal: taken back (kept or open), or kept (proven, and nobody said so). server: the
 * name that it was made for. */
struct attempt *attempt_start_journalled(struct app *app, void *owner, const char *server,
                                         int64_t plan_id, bool keep) MUST_CHECK;
/* The page's hold ends: an open change is taken back, an unanswered review is dropped. */
void attempt_free(struct attempt *attempt);

/* True when the event was the change's own: then look again. */
bool attempt_event(struct attempt *attempt, const struct event *event);
void attempt_look(struct attempt *attempt, struct attempt_view *ret); /* ret is cleared first */
bool attempt_is_open(const struct attempt_view *view); /* the server may be half changed */

void attempt_give(struct attempt *attempt, const struct secret *secret);
/* Also accepts that those come not back who the view calls refused. */
void attempt_apply(struct attempt *attempt);
/* The plan in review is not wanted: the end, or ATTEMPT_OTHERS. */
void attempt_decline(struct attempt *attempt);
void attempt_keep(struct attempt *attempt);
void attempt_undo(struct attempt *attempt);
/* Stop after this step and take back; in ATTEMPT_KEEP: undo; else: end. */
void attempt_stop(struct attempt *attempt);

#endif
