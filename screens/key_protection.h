/*
 * key_protection.h - the fields of a form that ask for the passphrase of a new private key, twice.
 *
 * Check    at least 8 characters; a short one, or one of digits only, is let through with a warning
 *          that says why. "None" is a choice of its own; asking once more is the page's job.
 * Secrets  stay in the form's secret fields; key_protection_secret() lends them.
 */
#ifndef PGSEAL_SCREENS_KEY_PROTECTION_H
#define PGSEAL_SCREENS_KEY_PROTECTION_H

#include "tui/form.h"

#define KEY_PROTECTION_MIN 8 /* characters */

enum key_protection_for { KEY_PROTECTION_CA, KEY_PROTECTION_CLIENT };

struct key_protection { /* ids of the fields */
    int choice, passphrase, again;
};

void key_protection_add(struct key_protection *ret, struct form *form,
                        enum key_protection_for what);
/* For the form's check. */
void key_protection_check(const struct key_protection *protection, struct form *form);
bool key_protection_none(const struct key_protection *protection, const struct form *form);
/* Hides all three, or shows those that belong to the choice (call before the check). */
void key_protection_show(const struct key_protection *protection, struct form *form, bool shown);
/* Borrowed; NULL for "none". */
const struct secret *key_protection_secret(const struct key_protection *protection,
                                           const struct form *form);

#endif
