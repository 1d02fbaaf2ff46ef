/*
 * rotate_pages.h - inside screens only: the pages behind "Renew and rotate".
 */
#ifndef PGSEAL_SCREENS_ROTATE_PAGES_H
#define PGSEAL_SCREENS_ROTATE_PAGES_H

#include "screens/app.h"
#include "tui/screen.h"

struct rotation;
struct rotation_job;
struct use_list;

#define ROTATE_SEVERAL_MAX 500 /* lines that are renewed in one go */

/* Certificates and lists that are renewed together. */
struct rotate_several;

struct rotate_several *rotate_several_new(void) MUST_CHECK;
/* A CA's list, or a certificate ("CA:serial"). */
void rotate_several_add(struct rotate_several *several, bool list, const char *name,
                        const char *which);
/* taken */
struct screen *page_rotate_several(struct app *app, struct rotate_several *several) MUST_CHECK;

/* One rotation; its next step, and one step back (seen: as it was looked at last; borrowed for the call). */
struct screen *page_rotation(struct app *app, int64_t id) MUST_CHECK;
struct screen *page_rotation_next(struct app *app, const struct rotation_job *seen) MUST_CHECK;
struct screen *page_rotation_back(struct app *app, const struct rotation_job *seen) MUST_CHECK;
struct screen *page_rotation_quiet(struct app *app, const struct rotation_job *seen) MUST_CHECK;
/* Who got the new one (borrowed for the call); who uses the old one (copied). */
struct screen *page_rotation_items(struct app *app, const struct rotation *rotation) MUST_CHECK;
struct screen *page_rotation_left(struct app *app, const struct use_list *left) MUST_CHECK;

/* What can be begun from a line of the list. */
enum rotate_from { ROTATE_FROM_CA, ROTATE_FROM_FOREIGN, ROTATE_FROM_CLIENT, ROTATE_FROM_SERVER };
/* name: of the CA, the role, the host; which: what page_renew() takes, or the CA's name (another's: as
 * the store lists it, or "": it is asked for); server: where it is used, or "". */
struct screen *page_rotate_start(struct app *app, enum rotate_from from, const char *name,
                                 const char *which, const char *server) MUST_CHECK;

#endif
