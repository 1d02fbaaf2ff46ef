/*
 * revoke.h - revocation as one act: shown first, signed, published, sessions ended.
 *
 * Shape    revoke_pick() or revoke_pick_session() -> revoke_look(): what it would do -> a person types
 *          the name -> revoke_run() with the CAs' keys -> a result for each server.
 * Order    the store first: revocations, their lists and what is to be done on the servers, each CA in
 *          one transaction. Then the servers (publish.h). A server that is away does not take the
 *          revocation back; the next "crl refresh" brings it what it lacks.
 * Errors   ERR_CERT_UNKNOWN, ERR_CERT_AMBIGUOUS, ERR_REVOKED_ALREADY, ERR_CERT_ENDED, ERR_POLICY,
 *          ERR_CA_KEY, store errors.
 * Threads  revoke_look() and revoke_run() block for seconds per server: in a job, with a store of its
 *          own.
 */
#ifndef PGSEAL_PLAN_REVOKE_H
#define PGSEAL_PLAN_REVOKE_H

#include "core/plan/publish.h"
#include "core/store/issued.h"

/* ---- what ---- */

/* A serial number in any form, or a role; authority: of this CA only, NULL: of any. A role with several
 * valid certificates: all of them where all is set, else ERR_CERT_AMBIGUOUS. Revoked ones are refused.
 * ret: 1 or more. */
bool revoke_pick(struct store *store, const char *authority, const char *serial_or_role, bool all,
                 struct issued_list *ret, struct err *err) MUST_CHECK;
/* The certificate of a session: ERR_BAD_VALUE where the pid is not there, or came without one;
 * ERR_CERT_UNKNOWN where it is not of ours. */
bool revoke_pick_session(struct store *store, struct conn *admin, int pid, struct issued_list *ret,
                         struct err *err) MUST_CHECK;

/* ---- the effect, before anything is done ---- */

struct revoke_session { /* clean text; owned by the effect */
    int pid;
    char *role, *database, *application, *address, *since;
    bool own; /* pgseal's own login: it is spared */
};
struct revoke_server {
    char *name;
    bool production;
    bool asked;     /* false: nobody looked, so the rest is not known */
    bool reached;   /* else it goes on accepting the certificates until it gets the list */
    bool hides;     /* other people's sessions are not shown to this role */
    struct err err; /* why not reached */
    struct revoke_session *sessions;
    size_t n_sessions;
};
struct revoke_ca {
    struct authority *authority; /* with key_encrypted: whether a passphrase is needed */
    uint64_t number;             /* of the list that will be signed (the next one by now) */
    int64_t ends;                /* of that list */
    size_t n_ahead;              /* lists for later that are signed again with it */
};
struct revoke_effect {
    struct issued_list certs; /* what is revoked */
    struct issued_list stay;  /* other valid certificates of the same roles: these go on working */
    struct revoke_ca *cas;
    size_t n_cas;
    struct revoke_server *servers; /* that trust one of these CAs and so get the list */
    size_t n_servers;
};

struct revoke_request {              /* all borrowed */
    const struct issued_list *certs; /* by revoke_pick…() */
    const struct server_list *only; /* the list goes to these servers alone; NULL: all that trust */
    const struct fleet_door *door;  /* or NULL */
    enum crl_reason reason;
    int crl_days; /* 0: a year, or as the set of lists says; else the set of lists is given up */
    bool end_sessions;
};

/* ask_servers false: only what the store knows, no connection. */
bool revoke_look(struct store *store, const struct revoke_request *request, bool ask_servers,
                 struct revoke_effect *ret, struct err *err) MUST_CHECK;
void revoke_effect_clear(struct revoke_effect *effect);
size_t revoke_count_sessions(const struct revoke_effect *effect); /* those that can be ended */
size_t revoke_count_away(const struct revoke_effect *effect);     /* asked and not reached */

/* ---- the act ---- */

struct revoke_outcome {
    struct revoke_signed { /* one for each CA */
        int64_t authority_id;
        char *authority;
        uint64_t number;
        int64_t ends;
    } * cas;
    size_t n_cas;
    struct publish_results servers;
};
void revoke_outcome_clear(struct revoke_outcome *outcome);

/* The open sessions of one that was revoked before are ended on every server that trusts its CA (only:
 * on these), which gets its lists as well where it lacks one. */
bool revoke_end_sessions(struct store *store, const struct issued *issued,
                         const struct revoke_request *request, const struct publish_watch *watch,
                         struct publish_results *ret, struct err *err) MUST_CHECK;

/* keys[i] is that of effect->cas[i]: the effect of the same request. False: nothing is revoked, or,
 * with several CAs, what ret names is (ret is always set). True: all is revoked; ret->servers tells of
 * each server (publish_is_complete()). The certs are updated. */
bool revoke_run(struct store *store, const struct revoke_request *request,
                struct revoke_effect *effect, struct key *const *keys,
                const struct publish_watch *watch, struct revoke_outcome *ret,
                struct err *err) MUST_CHECK;

#endif
