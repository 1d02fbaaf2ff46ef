/*
 * pages.h - constructors of the pages; a page knows no other page but by these.
 *
 * Owner    the result belongs to the navigator it is pushed to. The app is borrowed.
 */
#ifndef PGSEAL_SCREENS_PAGES_H
#define PGSEAL_SCREENS_PAGES_H

#include <stdint.h>

#include "screens/app.h"
#include "tui/screen.h"

struct screen *page_home(struct app *app) MUST_CHECK;
struct screen *page_new_ca(struct app *app) MUST_CHECK;
struct screen *page_new_client(struct app *app) MUST_CHECK;
/* A certificate for a server, for a request (CSR) that somebody made elsewhere, or for one that will
 * end; which: "CA:serial". */
struct screen *page_new_server(struct app *app) MUST_CHECK;
struct screen *page_sign_request(struct app *app) MUST_CHECK;
struct screen *page_renew(struct app *app, const char *which) MUST_CHECK;
/* The way to all about certificates and CAs that is not a daily thing. */
struct screen *page_desk(struct app *app) MUST_CHECK;
/* All certificates; the sheet of one; its files once more; which: "CA:serial". */
struct screen *page_certs(struct app *app) MUST_CHECK;
struct screen *page_cert(struct app *app, const char *which) MUST_CHECK;
struct screen *page_cert_export(struct app *app, const char *which) MUST_CHECK;
/* A kit for the programs of a role; which "CA:serial", or NULL: the role's newest; role may be NULL. */
struct screen *page_program(struct app *app, const char *which, const char *role) MUST_CHECK;
/* The one place from which the other pages lead to a revocation; which: "CA:serial", or NULL: it asks
 * for a role or serial number. */
struct screen *page_revoke(struct app *app, const char *which) MUST_CHECK;
/* What ends when, the worst first. */
struct screen *page_timeline(struct app *app) MUST_CHECK;
/* A file for clients with a server's old and new CA together. What is ticked at first: CAs of the store
 * and of others, by id (0: none); generations: with those that came before and after them. server: it is
 * tried there; or NULL. Copied. */
#define CLIENT_TRUST_PICKS 2
struct client_trust_pick {
    int64_t authorities[CLIENT_TRUST_PICKS], foreign[CLIENT_TRUST_PICKS];
    bool generations;
    const char *server;
};
struct screen *page_client_trust(struct app *app, const struct client_trust_pick *pick) MUST_CHECK;
/* CAs, lists and certificates, the worst first: renewed, or replaced in steps without an outage. */
struct screen *page_rotate(struct app *app) MUST_CHECK;
/* The lists of revoked certificates; bringing them to the servers that are behind; signing. */
struct screen *page_crls(struct app *app) MUST_CHECK;
struct screen *page_crl_refresh(struct app *app) MUST_CHECK;
struct screen *page_crl_sign(struct app *app, const char *ca) MUST_CHECK;
struct screen *page_crl_import(struct app *app) MUST_CHECK; /* another CA's */
struct screen *page_crl_export(struct app *app, const char *ca) MUST_CHECK;
/* A certificate for each role of a list. */
struct screen *page_batch(struct app *app) MUST_CHECK;
/* What anything is. */
struct screen *page_show(struct app *app) MUST_CHECK;
/* The store: a copy of it, one from a copy, a look through it, who did what when. */
struct screen *page_backup(struct app *app) MUST_CHECK;
struct screen *page_restore(struct app *app) MUST_CHECK;
struct screen *page_fsck(struct app *app) MUST_CHECK;
struct screen *page_history(struct app *app) MUST_CHECK;
/* All CAs; the sheet of one; what is done to look after it. */
struct screen *page_authorities(struct app *app) MUST_CHECK;
struct screen *page_authority(struct app *app, const char *name) MUST_CHECK;
struct screen *page_ca_export(struct app *app, const char *name) MUST_CHECK;
struct screen *page_ca_renew(struct app *app, const char *name) MUST_CHECK;
struct screen *page_ca_passphrase(struct app *app, const char *name) MUST_CHECK;
struct screen *page_ca_delete(struct app *app, const char *name) MUST_CHECK; /* or a request */
/* An intermediate CA under a root whose key is elsewhere: request out, certificate in. */
struct screen *page_ca_request(struct app *app) MUST_CHECK;
struct screen *page_ca_import(struct app *app) MUST_CHECK; /* from elsewhere */
struct screen *page_ca_install(struct app *app, const char *name) MUST_CHECK;
/* Live: who is connected to the chosen server, and how. */
struct screen *page_sessions(struct app *app) MUST_CHECK;
/* The whole way as one walk, from a server to a proven login. */
struct screen *page_guide(struct app *app) MUST_CHECK;
/* The store's servers: add, choose, remove. */
struct screen *page_servers(struct app *app) MUST_CHECK;
struct screen *page_server_add(struct app *app) MUST_CHECK;
/* What an ordinary role lacks to change the chosen server; the SQL for its owner. */
struct screen *page_grants(struct app *app) MUST_CHECK;
/* Changes of the chosen server; each ends on the page of plan_page.h. */
struct screen *page_server_tls(struct app *app) MUST_CHECK;
struct screen *page_trust(struct app *app) MUST_CHECK;
struct screen *page_publish_crl(struct app *app) MUST_CHECK;
struct screen *page_require(struct app *app) MUST_CHECK;
/* Who gets in by the rules as they are, and by those of a draft (taken; or NULL). */
struct require_data;
struct screen *page_simulate(struct app *app, struct require_data *draft) MUST_CHECK;
/* What is wrong with the chosen server or will be; changes nothing. */
struct screen *page_check(struct app *app) MUST_CHECK;
/* Why an application does not get in; conninfo: what it has, or NULL. */
struct screen *page_doctor(struct app *app, const char *conninfo) MUST_CHECK;
/* A login with a client's files, and one without: what a client sees. */
struct screen *page_login(struct app *app) MUST_CHECK;
/* A plan that was saved, on the chosen server. */
struct screen *page_plan_file(struct app *app) MUST_CHECK;
/* What was done to servers, and taking it back. */
struct screen *page_log(struct app *app) MUST_CHECK;
/* A text to be read; all copied. */
struct screen *page_text(const char *title, const char *path, const char *text) MUST_CHECK;
/* One whose lines can be run: F2 gives them as they are. */
struct screen *page_script(const char *title, const char *path, const char *text) MUST_CHECK;
/* Who would be refused if the server asked for more; live clients are in it already. taken: on the
 * heap, the page's from now on. */
struct readiness;
struct screen *page_readiness(struct app *app, struct readiness *taken) MUST_CHECK;
/* The list of words, opened at one; word NULL: at the first. */
struct screen *page_words(const char *word) MUST_CHECK;
/* The answer to EVENT_QUIT_ASKED of a page with answers that would be lost: "The CA was not made yet." */
struct screen *page_leave(const char *what_is_open) MUST_CHECK;

#endif
