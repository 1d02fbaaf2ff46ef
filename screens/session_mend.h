/*
 * session_mend.h - from a session to the page that mends what is found about it.
 *
 * Rule     the worst finding that a page can mend decides. The page begins with the session's server,
 *          role and database: it asks again before it changes anything.
 */
#ifndef PGSEAL_SCREENS_SESSION_MEND_H
#define PGSEAL_SCREENS_SESSION_MEND_H

#include "screens/app.h"
#include "screens/session_row.h"
#include "tui/screen.h"

/* NULL: no page mends it. */
struct screen *session_mend_page(struct app *app, const struct session_line *line) MUST_CHECK;
/* What "o" does for it: "asks for a certificate"; NULL: nothing. Untranslated. */
const char *session_mend_text(unsigned findings);

#endif
