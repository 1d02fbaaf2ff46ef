/*
 * pages.h - constructors of the pages; a page knows no other page but by these.
 *
 * Owner    the result belongs to the navigator it is pushed to. The app is borrowed.
 */
#ifndef PGSEAL_SCREENS_PAGES_H
#define PGSEAL_SCREENS_PAGES_H

#include "screens/app.h"
#include "tui/screen.h"

struct screen *page_home(struct app *app) MUST_CHECK;
struct screen *page_new_ca(struct app *app) MUST_CHECK;
struct screen *page_new_client(struct app *app) MUST_CHECK;
/* Live: who is connected to the chosen server, and how. */
struct screen *page_sessions(struct app *app) MUST_CHECK;
/* Who would be refused if the server asked for more; live clients are in it already. taken: on the
 * heap, the page's from now on. */
struct readiness;
struct screen *page_readiness(struct app *app, struct readiness *taken) MUST_CHECK;
/* The list of words, opened at one; word NULL: at the first. */
struct screen *page_words(const char *word) MUST_CHECK;
/* The answer to EVENT_QUIT_ASKED of a page with answers that would be lost: "The CA was not made yet." */
struct screen *page_leave(const char *what_is_open) MUST_CHECK;

#endif
