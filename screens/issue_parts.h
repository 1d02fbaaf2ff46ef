/*
 * issue_parts.h - what issue.c and issue_form.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ISSUE_PARTS_H
#define PGSEAL_SCREENS_ISSUE_PARTS_H

#include "screens/ca_choice.h"
#include "screens/csr_box.h"
#include "screens/key_protection.h"
#include "screens/source_fields.h"

enum issue_mode { ISSUE_NEW_SERVER, ISSUE_REQUEST, ISSUE_RENEWAL };

struct issue {
    const struct app *app; /* borrowed */
    enum issue_mode mode;
    enum issued_kind kind; /* what is made */
    char *server;          /* the chosen one, for the README's lines */
    /* what the store says */
    struct client_facts *facts;
    char *which; /* renewal: "CA:serial" */
    struct issued *old;
    /* the request */
    struct source_fields source;
    struct source_input input;
    struct csr_box box; /* of the request page, or of the renewal's paste box */
    int purpose;
    /* the rest of the questions; -1: not asked */
    struct ca_choice ca;
    int name, hosts, note, days, key_source, csr, type, p12, pk8, folder;
    bool protects;
    struct key_protection protection;
    char *folder_after;           /* what was filled in by following; owned */
    char *kept_hosts, *kept_file; /* answers of an earlier visit; owned */
    struct new_client_job *job;   /* what is made, and then what was made */
};

/* The second half of the questions; for struct act_step. */
void issue_build(void *data, struct form *form);
void issue_check(void *arg, struct form *form);
void issue_take(void *data, const struct form *form);

/* Each part between commas and blanks is a host; false: err says which one is wrong. ret NULL: only
 * looked at. */
bool issue_read_hosts(const char *text, char ***ret, size_t *ret_n, struct err *err) MUST_CHECK;
bool issue_from_csr(const struct issue *self, const struct form *form);

#endif
