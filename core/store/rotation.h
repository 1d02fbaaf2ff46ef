/*
 * rotation.h - rotations of the store: which are under way, in which phase, since when, for whom.
 *
 * Why      a rotation takes weeks: it survives restarts, and another admin can take it over. Here are its
 *          rows only; what the phases are and do stands in core/rotate/rotate.h.
 * Rules    one under way for the same kind and name. A change of phase names the version that it was
 *          decided on: where another admin was faster, ERR_ROTATION_MOVED and nothing is written.
 *          Every change of phase is a row of the log, and of the rotation's own history.
 * Errors   ERR_ROTATION_UNKNOWN, ERR_ROTATION_EXISTS, ERR_ROTATION_MOVED, store errors.
 */
#ifndef PGSEAL_STORE_ROTATION_H
#define PGSEAL_STORE_ROTATION_H

#include "core/store/issued.h"
#include "core/store/server.h"

enum rotation_kind {
    ROTATION_CLIENT,    /* client certificates: one role's, or all that end soon */
    ROTATION_CLIENT_CA, /* another CA for the clients */
    ROTATION_CA_LIFE,   /* same key, longer life: the CA's certificate again */
    ROTATION_SERVER,    /* a server's certificate, from the same CA */
    ROTATION_SERVER_CA, /* another CA for the servers' certificates */
    ROTATION_EMERGENCY  /* the CA's key is stolen */
};
const char *rotation_kind_name(enum rotation_kind kind); /* "client-ca": JSON */

struct rotation {
    int64_t id;
    enum rotation_kind kind;
    char *name;    /* of the CA, the server or cluster, the role; of several roles: "all" */
    int phase;     /* row of rotate_phase(kind); the number of phases: done */
    int64_t since; /* it is in that phase */
    int64_t started_at;
    int64_t ended_at;                           /* 0: under way */
    bool given_up;                              /* ended by going back from the first phase */
    int64_t old_authority_id, new_authority_id; /* 0: none, or a foreign one: */
    int64_t old_foreign_id, new_foreign_id;     /* foreign.h */
    int64_t quiet_seconds; /* nobody may have used the old one for so long before it is retired */
    char *folder;          /* where the kits were written, absolute; "" none */
    char *options;         /* JSON: what the kind wants to remember (hosts, days); "{}" */
    int64_t version;       /* one more with each change */
};
struct rotation_list {
    struct rotation **rows;
    size_t n;
};

void rotation_free(struct rotation *rotation);
void rotation_list_clear(struct rotation_list *list);

/* Sets id, version, started_at, since. ERR_ROTATION_EXISTS. */
bool rotation_add(struct store *store, struct rotation *rotation, struct err *err) MUST_CHECK;
struct rotation *rotation_load(struct store *store, int64_t id, struct err *err) MUST_CHECK;
/* The one under way that is called so, or that has this number ("#7"); name NULL: the only one under way. ERR_ROTATION_UNKNOWN also when
 * several are (the message names them). */
struct rotation *rotation_find(struct store *store, const char *name, struct err *err) MUST_CHECK;
/* ended false: those under way, the oldest first; true: the ended ones too, newest first. */
bool rotation_list(struct store *store, bool ended, struct rotation_list *ret,
                   struct err *err) MUST_CHECK;
/* All fields but kind, name and id are written; version is compared, then one more. detail goes into the
 * log: "phase trust: 3 servers trust both". */
bool rotation_save(struct store *store, struct rotation *rotation, const char *detail,
                   struct err *err) MUST_CHECK;

/* ---- history: each entry into a phase ---- */

struct rotation_event {
    int64_t at;
    int phase; /* that was entered */
    char *who; /* as in the log */
    char *detail;
};
struct rotation_history {
    struct rotation_event *rows; /* oldest first */
    size_t n;
};
bool rotation_history(struct store *store, int64_t rotation_id, struct rotation_history *ret,
                      struct err *err) MUST_CHECK;
void rotation_history_clear(struct rotation_history *history);

/* ---- servers: scope, and what each is known to have ---- */

/* No row at all: every server that trusts the old CA now. */
enum rotation_server_state {
    ROTATION_SERVER_OPEN,
    ROTATION_SERVER_DONE, /* the phase's change is proven there */
    ROTATION_SERVER_AWAY,
    ROTATION_SERVER_FAILED
};
struct rotation_server {
    int64_t server_id;
    char *server;
    bool chosen; /* by --server: part of the scope even where it trusts nothing of it */
    int phase;   /* that the state is of */
    enum rotation_server_state state;
    int64_t at;
    int64_t plan_id; /* 0: none */
    char *why;       /* of AWAY and FAILED; "" */
};
struct rotation_server_list {
    struct rotation_server *rows; /* by name */
    size_t n;
};
bool rotation_servers(struct store *store, int64_t rotation_id, struct rotation_server_list *ret,
                      struct err *err) MUST_CHECK;
void rotation_server_list_clear(struct rotation_server_list *list);
/* Adds or replaces the row of its server_id; at is now. */
bool rotation_set_server(struct store *store, int64_t rotation_id,
                         const struct rotation_server *row, struct err *err) MUST_CHECK;

/* ---- the worklist: a certificate that is replaced, a line each ---- */

struct rotation_item {
    int64_t id;
    char *role;
    int64_t old_issued_id; /* 0: of a foreign CA */
    int64_t new_issued_id; /* 0: not made yet */
    char *old_serial;      /* hex; "" */
    int64_t made_at;
    int64_t handed_at;   /* by the admin's word; 0 */
    int64_t seen_at;     /* the new one was seen in use first; 0 */
    int64_t old_seen_at; /* the old one was seen in use last; 0: never */
    int64_t left_at;     /* the admin goes on without it: a client that never moves; 0 */
    int64_t ended_at;    /* the old one was revoked, or has ended; 0 */
};
struct rotation_item_list {
    struct rotation_item *rows; /* by role */
    size_t n;
    int64_t total;
};
struct rotation_counts {
    int64_t total, made, handed, seen, left, ended;
};
/* limit 0: all. role NULL: all. */
bool rotation_items(struct store *store, int64_t rotation_id, const char *role, int limit,
                    struct rotation_item_list *ret, struct err *err) MUST_CHECK;
void rotation_item_list_clear(struct rotation_item_list *list);
bool rotation_count_items(struct store *store, int64_t rotation_id, struct rotation_counts *ret,
                          struct err *err) MUST_CHECK;
/* Every valid client certificate of this CA (0: of all CAs) that no good one replaces yet, ends before
 * `before` (0: any) and is of this role (NULL: any) becomes a line, unless it is one: one statement. */
bool rotation_add_issued(struct store *store, int64_t rotation_id, int64_t authority_id,
                         int64_t before, const char *role, int64_t *ret_added,
                         struct err *err) MUST_CHECK;
/* id 0: a new line. */
bool rotation_set_item(struct store *store, int64_t rotation_id, const struct rotation_item *item,
                       struct err *err) MUST_CHECK;
/* Lines whose old certificate has a successor (issued.replaces) of the CA new_authority_id (0: any) get
 * it; where that CA is given, so do lines whose role has a valid one of it. Only certificates whose files
 * were written count, and none that was revoked. Lines whose old one was revoked or has ended are ended.
 * One statement each. */
bool rotation_join_items(struct store *store, int64_t rotation_id, int64_t new_authority_id,
                         struct err *err) MUST_CHECK;

#endif
