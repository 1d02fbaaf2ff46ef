/*
 * role_lookup.h - is this role on the chosen server, and may it log in? Asked in a job, 300 ms after
 * the typing stopped.
 *
 * Events   the page gives every event to role_lookup_event() first; timer and jobs have the page as
 *          their owner.
 */
#ifndef PGSEAL_SCREENS_ROLE_LOOKUP_H
#define PGSEAL_SCREENS_ROLE_LOOKUP_H

#include "screens/app.h"
#include "tui/theme.h"

struct role_lookup;

struct role_lookup *role_lookup_new(struct app *app, void *owner) MUST_CHECK;
void role_lookup_free(struct role_lookup *lookup);
/* The text that is in the field now; the same as before changes nothing. "": nothing to ask. */
void role_lookup_ask(struct role_lookup *lookup, const char *role);
/* True when the event was its own; then the page rechecks its form. */
bool role_lookup_event(struct role_lookup *lookup, const struct event *event);
/* What is known about the role that was asked for last, as a field shows it. Nothing of it keeps a
 * certificate from being made: the role can be created later. */
enum mark role_lookup_say(const struct role_lookup *lookup, char *note, size_t size);

#endif
