/*
 * out_folder.h - the field for a folder that gets private keys: what is proposed, and what is said to it.
 *
 * Rule     proposed is a folder under the store's, "clients/alice": not the current one, which may be a
 *          checkout. Where a person names a folder in a checkout, the field says so.
 */
#ifndef PGSEAL_SCREENS_OUT_FOLDER_H
#define PGSEAL_SCREENS_OUT_FOLDER_H

#include "core/store/issued.h"
#include "screens/app.h"
#include "tui/form.h"

/* As people write it ("~/..."). Caller frees. */
char *out_folder_propose(const struct app *app, enum issued_kind kind, const char *name) MUST_CHECK;
/* Marks the text field: open while it is empty, good, or [!!] with a note. */
void out_folder_say(struct form *form, int id);

#endif
