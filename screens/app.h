/*
 * app.h - what all pages share: where the store is, which server is chosen, the loop.
 *
 * Rules    pages hold no connection and no store of their own beyond a job or a feed; the app is
 *          borrowed by every page and outlives them.
 * Threads  the loop's thread only; jobs copy what they need (app_copy_store_folder()).
 */
#ifndef PGSEAL_SCREENS_APP_H
#define PGSEAL_SCREENS_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "tui/loop.h"

struct app;

struct app_options {
    const char *store_folder; /* absolute; need not exist yet */
    const char *server;       /* name in the store that is chosen at the start; or NULL */
    /* what the live panel begins with; n_watched 0: the chosen server alone. Copied. */
    const char *const *watched;
    size_t n_watched;
    bool read_only;   /* nothing that changes a server or ends a session */
    bool demo;        /* the private PostgreSQL of "pgseal demo": said in the title */
    int keep_seconds; /* how long a change waits for "keep"; 0: 120 */
};

struct app *app_new(const struct app_options *options) MUST_CHECK;
void app_free(struct app *app);
void app_set_loop(struct app *app, struct loop *loop); /* once, before the first page */
struct loop *app_loop(const struct app *app);
const char *app_store_folder(const struct app *app); /* borrowed */
const char *app_server(const struct app *app);       /* "" for none; borrowed */
void app_set_server(struct app *app, const char *name);
/* How one logs in to them as their administrator; copied. A page that has read the store says it, for
 * those that show commands. */
struct server_list;
void app_know_servers(struct app *app, const struct server_list *servers);
const char *app_admin(
    const struct app *app); /* conninfo of the chosen one; borrowed; NULL: not known */
/* The servers that the live panel begins with; *ret_n 0: the chosen one. Borrowed. */
char *const *app_watched(const struct app *app, size_t *ret_n);
bool app_read_only(const struct app *app);
bool app_is_demo(const struct app *app);
int app_keep_seconds(const struct app *app);
/* Answers of a form that was left, kept until the program ends: Esc loses nothing. Never secrets.
 * NULL or "": none. */
void app_keep(struct app *app, const char *field, const char *value);
const char *app_kept(const struct app *app, const char *field); /* borrowed; NULL for none */
/* A change to a server is over: the page that asked for it goes too, when it comes on top again. */
void app_set_done(struct app *app);
bool app_take_done(struct app *app); /* true once */
/* The walk through all steps is open below: pages go back to it when they are done. */
void app_set_guided(struct app *app, bool guided);
bool app_guided(const struct app *app);
/* A path for people: "~" for the home folder. */
void app_short_path(const char *path, char *out, size_t size);
/* The path that a person wrote: "~/" and what is relative are resolved. Caller frees. */
char *app_full_path(const char *text) MUST_CHECK;
/* "store: ~/.local/share/pgseal", "demo": for the right side of the title. */
void app_where(const struct app *app, char *out, size_t size);

#endif
