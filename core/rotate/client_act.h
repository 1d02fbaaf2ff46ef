/*
 * client_act.h - inside core/rotate only: rotations of client certificates, their worklist and their acts.
 * Each act can be repeated: what is so already is left as it is.
 */
#ifndef PGSEAL_ROTATE_CLIENT_ACT_H
#define PGSEAL_ROTATE_CLIENT_ACT_H

#include "core/rotate/kind.h"
#include "core/store/rotation_seen.h"

/* The CA, and which certificates: of one role, or all that end soon. */
bool client_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
                  struct err *err) MUST_CHECK;
/* What was chosen becomes the lines, once; then what became of each: made, ended. */
bool client_list_lines(struct rotate_work *work, struct err *err) MUST_CHECK;
size_t client_count_unmade(const struct rotation_seen_list *lines);
/* Made, neither seen nor gone on without nor ended. */
bool client_is_waiting(const struct rotation_seen *line);
/* A kit for each line that has none, into request->folder. */
bool client_make_kits(struct rotate_work *work, const struct rotation_seen_list *lines,
                      struct rotate_outcome *ret, struct err *err) MUST_CHECK;

/* Old ones that a revocation would take: those whose new one was seen in use; those that were gone on
 * without only when exactly so many were accepted. The array and its strings are borrowed from lines. */
size_t client_to_revoke(const struct rotate_work *work, const struct rotation_seen_list *lines,
                        const struct rotation_seen **ret);
/* How many kinds of sessions would be refused: open, or seen in the quiet time. */
bool client_count_refused(struct rotate_work *work, const struct rotation_seen *const *lines,
                          size_t n, size_t *ret, struct err *err) MUST_CHECK;
/* The same, by name, into work->preview; and what becomes of the old ones. */
bool client_preview_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                        struct err *err) MUST_CHECK;
/* Each server that trusts the CA was looked at not long ago, and showed all its sessions. */
bool client_is_watched(struct rotate_work *work, bool *ret, struct err *err) MUST_CHECK;
/* In one act, with its list brought to the servers; again: to those that have not got it. */
bool client_revoke_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                       struct rotate_outcome *ret, struct err *err) MUST_CHECK;

/* What was chosen for the old ones: "revoke", "leave", or "". */
enum client_choice { CLIENT_OPEN, CLIENT_LEAVE, CLIENT_REVOKE };
enum client_choice client_choice(const struct rotation *rotation);
bool client_choose(struct rotate_work *work, enum client_choice choice, struct err *err) MUST_CHECK;

#endif
