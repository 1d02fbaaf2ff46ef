/*
 * intl.h - strings that a person reads.
 *
 * Source   gettext(3). The catalogue is docs/po/pgseal.pot ("make pot"); only English is shipped.
 * Use      _("…") where the text is used, N_("…") in a static table whose reader calls gettext().
 *          Not for: SQL, JSON keys, flags, file names, words that scripts compare.
 */
#ifndef PGSEAL_BASE_INTL_H
#define PGSEAL_BASE_INTL_H

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) text

#endif
