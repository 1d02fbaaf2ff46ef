/*
 * options.h - inside core/rotate only: what a rotation remembers beside its phase, a JSON object of its row.
 *
 * Shapes   names and texts; a kind may keep arrays and objects of its own in it. No secret is in it.
 */
#ifndef PGSEAL_ROTATE_OPTIONS_H
#define PGSEAL_ROTATE_OPTIONS_H

#include <jansson.h>

#include "core/rotate/kind.h"

json_t *rotate_options(const struct rotation *rotation) MUST_CHECK; /* a new reference */
/* Into the rotation alone, for one that is not in the store yet; takes options. */
void rotate_put_options(struct rotation *rotation, json_t *options);
/* Into the rotation and the store; takes options. */
bool rotate_save_options(struct rotate_work *work, json_t *options, const char *detail,
                         struct err *err) MUST_CHECK;
/* A text of it; "" when missing. Caller frees. */
char *rotate_option(const struct rotation *rotation, const char *name) MUST_CHECK;
bool rotate_set_option(struct rotate_work *work, const char *name, const char *value,
                       const char *detail, struct err *err) MUST_CHECK;

#endif
