/*
 * client_draft.h - the answers for a client certificate: two forms, their checks, what they add up to.
 *
 * Follow   the name in the certificate and the folder follow the role until a person writes something
 *          else into them.
 * Days     never beyond the end of the CA; F4 takes what is left.
 */
#ifndef PGSEAL_SCREENS_CLIENT_DRAFT_H
#define PGSEAL_SCREENS_CLIENT_DRAFT_H

#include "screens/csr_box.h"
#include "screens/key_protection.h"
#include "screens/new_client_job.h"
#include "screens/role_lookup.h"
#include "tui/form.h"

struct client_draft {
    struct app *app;
    const struct client_facts *facts; /* borrowed */
    struct role_lookup *lookup;       /* borrowed */
    struct form *who, *key;
    int ca, role, name, note, days;          /* in who; ca -1: there is only one */
    int source, csr, type, p12, pk8, folder; /* in key */
    struct key_protection protection;
    struct csr_box box;
    struct choice_item *ca_items;     /* owned */
    char **ca_notes;                  /* owned */
    char *named_after, *folder_after; /* what was filled in by following; owned */
};

void client_draft_init(struct client_draft *draft, struct app *app,
                       const struct client_facts *facts, struct role_lookup *lookup);
void client_draft_clear(struct client_draft *draft); /* keeps the answers in the app first */

/* The key form comes up: its folder follows the name. */
void client_draft_enter_key(struct client_draft *draft);
const struct client_ca *client_draft_ca(const struct client_draft *draft);
const char *client_draft_name(const struct client_draft *draft); /* the CN */
int client_draft_days(const struct client_draft *draft);         /* 0: not a good number */
int64_t client_draft_not_after(const struct client_draft *draft);
bool client_draft_from_csr(const struct client_draft *draft);
enum key_type client_draft_type(const struct client_draft *draft);
unsigned client_draft_formats(const struct client_draft *draft);
/* Absolute; "~/" and what is relative are resolved. Caller frees. */
char *client_draft_folder(const struct client_draft *draft) MUST_CHECK;
/* Everything but the CA's passphrase. */
struct new_client_job *client_draft_job(const struct client_draft *draft) MUST_CHECK;
void client_draft_commands(const struct client_draft *draft, struct strbuf *out);

#endif
