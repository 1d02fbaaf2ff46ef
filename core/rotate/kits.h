/*
 * kits.h - inside core/rotate only: new certificates for a worklist, a kit for each role, and the folder
 * that a rotation writes into.
 */
#ifndef PGSEAL_ROTATE_KITS_H
#define PGSEAL_ROTATE_KITS_H

#include "core/kit/batch.h"
#include "core/rotate/kind.h"

/* One row a role, where the roles come in their order. False: the last row is of this role already. */
bool kits_add(struct batch_list *list, const char *role, int64_t replaces);
/*
 * By the new CA and its key, into the rotation's folder; a kit is never overwritten. *ret_present: roles
 * whose folder was there already. With work->preview the names alone. ERR_NEEDS_ANSWER, ERR_CA_KEY.
 */
bool kits_make(struct rotate_work *work, const struct batch_list *list, const struct key *key,
               struct rotate_outcome *ret, size_t *ret_present, struct err *err) MUST_CHECK;
/* Says that so many roles have a kit there that is not of this rotation; false. */
bool kits_are_there(const struct rotate_work *work, size_t n, struct err *err);

/* What is named now, absolute (the next run may stand elsewhere), or else what was named before: it is
 * remembered. what: "kits"; translated. ERR_NEEDS_ANSWER. */
bool rotate_choose_folder(struct rotate_work *work, const char *what, struct err *err) MUST_CHECK;

#endif
