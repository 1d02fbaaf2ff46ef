/*
 * rotate.h - renewing and rotating certificates and CAs, in phases that anybody can take up again.
 *
 * Shape    rotate_start() makes the rotation's row. Then, in any process and by any admin: rotate_look()
 *          measures (phase, what blocks, who is left), rotate_next() does the phase's act and, when what
 *          the phase is for is *measured*, enters the next one; rotate_back() goes one phase back.
 * Phase    an entry condition that is checked, an act (plans with proof: fleet.h), an exit condition
 *          that is measured, and a way back. An act can be repeated: what is so already is not done again.
 *          So a kill anywhere, a server that is away, or a second admin costs a repeated rotate_next().
 * Servers  each act goes to every server and member in the scope; one that is away or fails keeps the
 *          phase open and is named, the others have it. Nobody is refused by a phase before "retire";
 *          that one counts who would be, and goes on only with that exact number.
 * Errors   ERR_ROTATION_UNKNOWN, ERR_ROTATION_MOVED (another admin was faster), ERR_ROTATION_BLOCKED (the
 *          phase's condition is not met; the status' blockers say why), ERR_WOULD_LOCK_OUT, ERR_POLICY,
 *          those of plans, store errors.
 * Threads  blocks for seconds per server: in a job, with a store of its own.
 */
#ifndef PGSEAL_ROTATE_ROTATE_H
#define PGSEAL_ROTATE_ROTATE_H

#include "core/plan/fleet.h"
#include "core/rotate/use.h"
#include "core/store/rotation.h"

/* ---- the phases of a kind ---- */

struct rotate_phase {  /* static; text translated */
    const char *key;   /* "trust": JSON */
    const char *title; /* "every server trusts the old and the new CA" */
    const char *act;   /* what rotate_next() does: "give the new CA to each server"; "" nothing */
    const char *waits; /* what must be measured then: "each server shows both on the wire" */
    const char *back;  /* what rotate_back() does; NULL: there is no way back from here */
    const char *why;   /* sentences for the page */
};
size_t rotate_phase_count(enum rotation_kind kind);
const struct rotate_phase *rotate_phase(enum rotation_kind kind, size_t phase);

/* ---- what there is to be done ---- */

struct rotate_server {
    char *name;
    bool production, standby;
    bool
        managed; /* by a provider, who gives it its certificate; set for servers' certificates only */
    bool asked, reached;
    bool has_old, has_new; /* measured on the wire when reached, else as the store knows */
    bool done;             /* what this phase wants of it */
    struct err err;        /* away, failed */
};
struct rotate_status {      /* owned */
    size_t n_phases, phase; /* phase == n_phases: done */
    int64_t since;
    bool may_next;   /* nothing blocks the act, or the way into the next phase */
    bool act_done;   /* the act is done everywhere; what is left is to be measured */
    char **blockers; /* sentences, worst first: what keeps it from the next phase */
    size_t n_blockers;
    char **notices; /* what is not as the rotation left it, and does not keep it from going on */
    size_t n_notices;
    struct rotate_server *servers;
    size_t n_servers;
    struct rotation_counts items; /* of the worklist */
    struct use_list left;         /* who uses the old one still: open sessions and sightings */
    struct use_quiet quiet;       /* since when nobody does, and how well that was watched */
    unsigned needs;               /* enum rotate_need of the next act */
    char *proposal;               /* a better way: "only the date is the trouble: …"; "" */
};
void rotate_status_clear(struct rotate_status *status);

enum rotate_need {
    ROTATE_NEED_OLD_KEY = 1,        /* the old CA is unlocked */
    ROTATE_NEED_NEW_KEY = 2,        /* the new CA is unlocked */
    ROTATE_NEED_NEW_PASSPHRASE = 4, /* of the CA that is made */
    ROTATE_NEED_FOLDER = 8,         /* for kits */
    ROTATE_NEED_NAME = 16,          /* typed: it cannot be taken back */
    ROTATE_NEED_SERVER_CERT = 64,   /* server_certs: of the new CA, which is another's */
    ROTATE_NEED_SERVERS = 32        /* it changes servers: logins, and --yes */
};

struct rotate_request {            /* all borrowed; what a phase does not need may be NULL */
    const struct fleet_door *door; /* how to log in; NULL: libpq's own places */
    const struct key *old_key, *new_key;
    const struct secret *new_passphrase;
    enum key_type key_type; /* of new CAs and of clients' keys */
    int days;               /* 0: the default */
    int crl_days;           /* 0: the default */
    const char *folder;     /* for kits */
    unsigned formats;       /* enum kit_format */
    const struct secret *key_passphrase, *p12_passphrase;
    bool accepts_refused;
    size_t accept_refused; /* sessions and roles that would be refused: exactly so many */
    size_t accept_left;    /* lines of the worklist that never moved: exactly so many */
    bool
        accept_gaps; /* the quiet time counts although nobody looked for a while in it; a revocation
                            * goes on although a server could not be looked at */
    bool end_sessions; /* of the old one */
    bool revoke;       /* ROTATION_CLIENT: the old ones; else they are left to end */
    bool keep_key;     /* the old key stays as an archive; else it is destroyed */
    /* ROTATION_SERVER_CA, from another's CA: a member's certificate and those above it; its key where the
     * server has none of it (a request was made there) */
    const struct cert_list *server_certs;
    const struct secret *server_key, *server_key_passphrase;
    const char *archive; /* file for the archived key, or NULL: it stays in the store */
    enum plan_keep keep; /* PLAN_ASK wants watch->decide */
    const struct fleet_watch *watch;
    void (*progress)(void *arg, const char *what, size_t done, size_t total); /* may be NULL */
    bool (*cancelled)(void *arg);
    void *arg;
};

struct rotate_outcome {            /* owned */
    size_t from, to;               /* phases; equal: it is still in the same */
    struct rotate_server *servers; /* whom the act changed, or could not */
    size_t n_servers;
    struct rotation_counts items;
    size_t made;  /* certificates */
    char **files; /* that were written: kits' folder, trust files, the archived key */
    size_t n_files;
    size_t sessions_ended;
};
void rotate_outcome_clear(struct rotate_outcome *outcome);

/* ---- what an act would do ---- */

struct rotate_refused { /* who could not come back; clean text */
    char *server, *role, *database, *application, *address;
    int pid; /* 0: sessions that were seen before, or a role without one */
    char *why;
};
struct rotate_would {
    char *name; /* of the server */
    bool production, standby, reached;
    bool nothing; /* it is so already */
    char **steps; /* of its plan: "~ ssl_ca_file: 'old.crt' -> 'new.crt'" */
    size_t n_steps;
    struct err err; /* not reached, or no plan can be made there */
};
struct rotate_preview { /* owned */
    char **lines;       /* what is done apart from servers and kits */
    size_t n_lines;
    char **kits; /* roles that get one */
    size_t n_kits;
    struct rotate_would *servers;
    size_t n_servers;
    struct rotate_refused *refused; /* the number for accept_refused is n_refused, exactly */
    size_t n_refused;
    bool ends_sessions; /* those that are refused are ended, too */
    bool looked;        /* false: it cannot be said of this kind, and nothing above is */
};
void rotate_preview_clear(struct rotate_preview *preview);

/* ---- acts ---- */

struct rotate_start { /* all borrowed */
    enum rotation_kind kind;
    const char *name;           /* CA, server, cluster, role; NULL: all roles (CLIENT) */
    const char *const *servers; /* --server; none: all that trust it */
    size_t n_servers;
    const char *new_authority; /* that is in the store already; NULL: made in the first phase */
    const struct cert *old_foreign, *new_foreign; /* pasted ones; or NULL */
    const struct crl *new_foreign_crl;
    int within_days;          /* CLIENT, all roles: that end within */
    int64_t quiet_seconds;    /* 0: ROTATE_QUIET_SECONDS */
    const char *const *hosts; /* of a server's certificate; none: as the present one */
    size_t n_hosts;
};
#define ROTATE_QUIET_SECONDS (7 * 24 * 3600)

/* Refuses what is no rotation: an unknown CA or server, one of that name under way. Changes only the
 * store. Caller frees. */
struct rotation *rotate_start(struct store *store, const struct rotate_start *start,
                              struct err *err) MUST_CHECK;
/* ask_servers false: what the store knows alone. What was measured is remembered (sightings of the new
 * ones, who is away). */
bool rotate_look(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, bool ask_servers, struct rotate_status *ret,
                 struct err *err) MUST_CHECK;
/* The act of the phase, then the measurement; rotation is the new state. False: the act failed somewhere,
 * or ERR_ROTATION_BLOCKED: ret says what is done all the same (always set). */
bool rotate_next(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, struct rotate_outcome *ret,
                 struct err *err) MUST_CHECK;
/* One phase back, with its own plans and proofs; from the first phase: the rotation is given up. */
bool rotate_back(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, struct rotate_outcome *ret,
                 struct err *err) MUST_CHECK;
/* What rotate_next() would do now, or rotate_back(): plans are made, and nothing is changed. Servers that
 * are not reached are named in it. Kinds that cannot look ahead leave it empty. */
bool rotate_look_ahead(struct store *store, struct rotation *rotation,
                       const struct rotate_request *request, bool back, struct rotate_preview *ret,
                       struct err *err) MUST_CHECK;
/* A line of the worklist: handed over, or gone on without. */
bool rotate_mark(struct store *store, struct rotation *rotation, const char *role, bool handed,
                 bool left, struct err *err) MUST_CHECK;

#endif
