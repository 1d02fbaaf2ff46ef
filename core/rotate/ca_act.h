/*
 * ca_act.h - inside core/rotate only: what rotations of a client CA do, each act for itself. Each can be
 * repeated: what is so already is left as it is.
 */
#ifndef PGSEAL_ROTATE_CA_ACT_H
#define PGSEAL_ROTATE_CA_ACT_H

#include "core/rotate/kind.h"

/* A start's CAs, the old one and the new one, into the rotation. */
bool ca_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
              struct err *err) MUST_CHECK;
/* A new generation, unless the start named the new CA. */
bool ca_make_generation(struct rotate_work *work, struct err *err) MUST_CHECK;
/* Every server of the scope trusts the new CA beside what it trusts now. */
bool ca_trust_new(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* Taken away again from those that this rotation gave it to. */
bool ca_drop_new(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* The old CA goes from every server of the scope that trusts the new one; first its certificates, then its
 * list. Sessions that came by it end when request->end_sessions. */
bool ca_drop_old(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* The same, after servers that lack the new CA got it. What cannot be done on one does not keep the others
 * from it. */
bool ca_replace(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* Trusted again, with its list. */
bool ca_trust_old(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;

/* The worklist: valid certificates of the old CA, and what became of each. */
bool ca_list_items(struct rotate_work *work, struct err *err) MUST_CHECK;
/* A kit for each line that has none, into request->folder. */
bool ca_make_kits(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;
/* Lines without a new certificate that somebody still needs. */
bool ca_count_unmade(struct rotate_work *work, size_t *ret, struct err *err) MUST_CHECK;

/* The end of the old key: kept, written to request->archive, or destroyed. */
bool ca_end_key(struct rotate_work *work, struct rotate_outcome *ret, struct err *err) MUST_CHECK;

bool ca_key_has_ended(const struct rotation *rotation);

/* ---- looks ---- */

const char *ca_old_name(const struct rotate_work *work); /* borrowed from the rotation */
/* The last phase: nobody trusts the old one any more. */
bool ca_look_key(struct rotate_work *work, struct rotate_status *ret, struct err *err) MUST_CHECK;
/* The list of a phase that makes kits. */
bool ca_look_kits(struct rotate_work *work, struct rotate_status *ret, struct err *err) MUST_CHECK;
/* Who uses the old one, since when nobody does; marks lines whose new one was seen. */
bool ca_look_use(struct rotate_work *work, struct rotate_status *ret, struct err *err) MUST_CHECK;
/* Nothing waits for the quiet time in this phase: it is no answer, and no question. */
void ca_forget_quiet(struct rotate_status *ret);
/* Sets done: trusts the new one, and the old one still (with_old) or not any more. True: all are. */
bool ca_judge_servers(struct rotate_work *work, bool with_old, struct rotate_status *ret);
/* A notice for each server that somebody took the old CA away from before its time: its clients are
 * refused there. */
bool ca_notice_gone(struct rotate_work *work, struct rotate_status *status,
                    struct err *err) MUST_CHECK;
/* A blocker for each server that shows the old CA still, or again. */
void ca_block_shown(const struct rotate_work *work, struct rotate_status *status);
/* A blocker for each server that is away or has failed. */
void ca_block_servers(struct rotate_status *status);

#endif
