/*
 * ca_choice.h - which CA signs: a choice where there are several, a line where there is one.
 */
#ifndef PGSEAL_SCREENS_CA_CHOICE_H
#define PGSEAL_SCREENS_CA_CHOICE_H

#include "screens/new_client_job.h"
#include "tui/form.h"

struct ca_choice {                    /* zeroed at the start; ca_choice_clear() */
    const struct client_facts *facts; /* borrowed */
    int id;                           /* -1: there is only one */
    struct choice_item *items;        /* owned */
    char **notes;                     /* owned */
};

/* name: that is chosen at first; or NULL. facts must have at least one. */
void ca_choice_add(struct ca_choice *choice, struct form *form, const struct client_facts *facts,
                   const char *name);
void ca_choice_clear(struct ca_choice *choice);
const struct client_ca *ca_choice_get(const struct ca_choice *choice, const struct form *form);
/* The CA of this name when its key wants a passphrase, else NULL: for act_ops.locked. */
const char *ca_choice_locked(const struct client_facts *facts, const char *name);

/* The check of a "Valid for" field: a number, not beyond the CA's end; F4 offers what is left. Returns
 * the days; 0: not a good number. */
int ca_choice_check_days(const struct ca_choice *choice, struct form *form, int days_id);
/* The number in it, or 0. */
int ca_choice_days(const struct form *form, int days_id);

#endif
