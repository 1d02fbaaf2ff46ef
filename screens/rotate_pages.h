/*
 * rotate_pages.h - inside screens only: the pages behind "Renew and rotate".
 */
#ifndef PGSEAL_SCREENS_ROTATE_PAGES_H
#define PGSEAL_SCREENS_ROTATE_PAGES_H

#include "screens/app.h"
#include "tui/screen.h"

#define ROTATE_SEVERAL_MAX 500 /* lines that are renewed in one go */

/* Certificates and lists that are renewed together. */
struct rotate_several;

struct rotate_several *rotate_several_new(void) MUST_CHECK;
/* A CA's list, or a certificate ("CA:serial"). */
void rotate_several_add(struct rotate_several *several, bool list, const char *name,
                        const char *which);
/* taken */
struct screen *page_rotate_several(struct app *app, struct rotate_several *several) MUST_CHECK;

#endif
