/*
 * follow.h - a text field that is filled in by what another one says, until a person writes into it.
 */
#ifndef PGSEAL_SCREENS_FOLLOW_H
#define PGSEAL_SCREENS_FOLLOW_H

#include "tui/form.h"

/* In a form's check. *last is what was filled in before: "" at the start, owned by the caller. */
void follow(struct form *form, int id, char **last, const char *value);

#endif
