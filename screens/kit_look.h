/*
 * kit_look.h - a client's folder as pgseal writes it: which files to try a login with; in a job.
 *
 * Takes    the first NAME.crt that is no CA, NAME.key beside it, root.crt.
 */
#ifndef PGSEAL_SCREENS_KIT_LOOK_H
#define PGSEAL_SCREENS_KIT_LOOK_H

#include "screens/app.h"

struct kit_look {
    char *folder;
    bool ok;
    char *role;              /* the CN */
    char *cert, *key, *root; /* paths; root "" when it is missing */
    bool key_encrypted;
    int64_t not_after;
    struct err err; /* !ok */
};
struct job *kit_look_start(struct app *app, void *owner, const char *folder) MUST_CHECK;
void kit_look_free(void *data);

#endif
