/*
 * server_part.h - inside core/rotate only: what the two rotations of servers' certificates share.
 *
 * Records  options.members: for each member, before it is changed for the first time, the chain that it
 *          showed and the names of its files: the way back, weeks later, from another process. A chain is
 *          public; no key is in it.
 */
#ifndef PGSEAL_ROTATE_SERVER_PART_H
#define PGSEAL_ROTATE_SERVER_PART_H

#include "core/pki/pem.h"
#include "core/rotate/options.h"
#include "core/rotate/servers.h"

/* ---- which ---- */

/* The servers whose certificates are rotated: the one, or the cluster, that it is called after, or
 * (called after a CA) those that were found at its start: options.servers. */
bool server_scope(struct store *store, const struct rotation *rotation, struct server_list *ret,
                  struct err *err) MUST_CHECK;

/* ---- what a member had ---- */

struct server_record { /* owned */
    bool known;
    char *cert_file, *key_file;
    struct cert_list chain; /* leaf first, without a root */
};
void server_record_clear(struct server_record *record);
bool server_record_load(const struct rotation *rotation, const struct server *server,
                        struct server_record *ret, struct err *err) MUST_CHECK;
/* Before the first change: what is shown now, and the names of the files behind it. */
bool server_record_save(struct rotate_work *work, const struct plan_target *target,
                        const struct cert_list *chain, struct err *err) MUST_CHECK;
/* What it shows is what its settings name, as far as the role may look: else a pooler is in between, or a
 * file was changed and not loaded. ERR_TLS_STALE. *ret_gone: the file is not there at all: the server would
 * not start again. */
bool server_check_own(const struct plan_target *target, const struct cert_list *chain,
                      bool *ret_gone, struct err *err) MUST_CHECK;
/* The recorded files are there, with the recorded certificate. ERR_UNDO. */
bool server_check_return(const struct plan_target *target, const struct server_record *record,
                         struct err *err) MUST_CHECK;
/* The clock here is as the server's, or nearly. ERR_CLOCKS. */
bool server_check_clock(const struct plan_target *target, struct err *err) MUST_CHECK;

/* ---- start ---- */

/* Name and hosts, and the CA of the certificate that the server shows now: ours, or pasted, or its own.
 * The first member that answers is asked, without a login. Called after a CA of ours: every server that
 * shows a certificate of it (or those of start->servers). */
bool server_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
                  struct err *err) MUST_CHECK;
/* What it shows on the wire, with its chain; without a login. ERR_SSL_OFF. */
struct handshake;
bool server_ask(const struct server *server, struct handshake *ret, struct err *err) MUST_CHECK;
/* Servers of the store that answer, and show a certificate of this CA. */
bool server_count_showing(struct store *store, const struct authority *authority, size_t *ret,
                          struct err *err) MUST_CHECK;
/* Its row of foreign.h. */
bool server_note_foreign(struct store *store, const struct cert *cert, int64_t *ret,
                         struct err *err) MUST_CHECK;

/* ---- members ---- */

struct server_measure {
    /* Called for each that was reached, with its chain. May be NULL. */
    bool (*each)(void *arg, struct fleet_member *member, struct rotate_server *row,
                 const struct cert_list *chain, struct err *err);
    void *arg;
};
/* Sets ret->servers: has_old shows the recorded one, has_new shows one that rotate wants (is_new). */
bool server_measure(struct rotate_work *work, bool ask, const struct server_measure *measure,
                    struct rotate_status *ret, struct err *err) MUST_CHECK;
/* This chain is what the rotation brings: of the new CA, and not the recorded one. */
bool server_is_new(const struct rotate_work *work, const struct server_record *record,
                   const struct cert_list *chain);
/* options.listed; options.already: the members that are of the new CA before anything is changed. */
bool server_note_already(struct rotate_work *work, struct err *err) MUST_CHECK;
/* want_new: a managed one that shows its old certificate is said too. */
void server_block_members(struct rotate_status *status, bool want_new);
bool server_is_managed(const struct server *server);

/* Once a member has it, with its login still open; arg is the caller's. False: it is taken back there. */
typedef bool server_after(void *arg, struct fleet_member *member, struct err *err);
/* A new certificate on every member that has none yet, of ours or request->server_certs; after may be
 * NULL. */
bool server_renew(struct rotate_work *work, struct rotate_outcome *ret, server_after *after,
                  void *arg, struct err *err) MUST_CHECK;
/* Those of the scope that pgseal changes: a managed one gets its certificate from its provider, and is
 * only measured. */
bool server_own_members(const struct rotate_work *work, struct server_list *ret,
                        struct err *err) MUST_CHECK;
const char *server_what_is_missed(void); /* remembered for a member that is away */
/* The handshake with a member; ERR_SSL_OFF. */
bool server_shake(const struct plan_target *target, struct handshake *ret,
                  struct err *err) MUST_CHECK;
/* It shows the recorded one: else somebody gave it another one since. */
bool server_is_recorded(const struct server_record *record, const struct cert_list *chain);
/* It has it: nothing to do, and the wire is asked once more. */
struct plan *server_plan_nothing(const struct plan_target *target, const struct cert_list *chain,
                                 struct err *err) MUST_CHECK;
/* The recorded one again, where it is not shown. */
bool server_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;

/* ---- trust files (server_trust.c) ---- */

struct trust_file;
/* The old and the new root, or the new one alone; finished. */
bool server_trust_make(struct rotate_work *work, bool with_old, struct trust_file *ret,
                       struct err *err) MUST_CHECK;
/* Tried against every member and the new CA; then written into the rotation's folder, as PEM and for
 * Java, unless it is there. option: where its name is kept. */
bool server_trust_write(struct rotate_work *work, bool with_old, const char *option,
                        struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* The same into work->preview: tried on each member, and nothing is written. */
bool server_trust_look_ahead(struct rotate_work *work, bool with_old, const char *option,
                             struct err *err) MUST_CHECK;
/* Where the file of this option is still there, all these are in it. */
bool server_check_trust(const struct rotate_work *work, const char *option,
                        const struct cert_list *roots, struct err *err) MUST_CHECK;
/*
 * As clients come: the member's chain leads to the file, and so says libpq too, by a login with it to the
 * address of the clients. With what the admin's own login has: where the server does not let that in
 * there (its rules, no password), it has been verified before it could say so, and that is said. For each
 * CA of ours that it trusts the canary comes too, as a client with a certificate: what came of it is said.
 */
bool server_prove_login(const struct rotate_work *work, const struct fleet_member *member,
                        const struct trust_file *file, struct err *err) MUST_CHECK;
/* The file of this option is there. */
bool server_trust_there(const struct rotate_work *work, const char *option);

#endif
