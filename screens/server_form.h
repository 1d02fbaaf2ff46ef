/*
 * server_form.h - the answers about a new server: how pgseal logs in, and where clients come in.
 */
#ifndef PGSEAL_SCREENS_SERVER_FORM_H
#define PGSEAL_SCREENS_SERVER_FORM_H

#include "core/store/server.h"
#include "screens/app.h"
#include "tui/form.h"

struct server_form {
    struct form *form;
    int name, how, host, port, database, role, string, service, address, member, production;
    char *address_after; /* what was filled in by following */
};

/* It stays where it is: the form points to it. */
void server_form_init(struct server_form *self, struct app *app);
void server_form_clear(struct server_form *self);
bool server_form_begun(const struct server_form *self); /* it has a name already */
/* NULL with err: the connection cannot be written down. */
struct server *server_form_read(const struct server_form *self, struct err *err) MUST_CHECK;
void server_form_commands(const struct server_form *self, struct strbuf *out);
/* For the next time this page is opened; added: nothing of it. */
void server_form_keep(const struct server_form *self, struct app *app, bool added);

#endif
