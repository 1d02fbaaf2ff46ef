/* password_ask.c - the administrator's password, for a look. */
#include "config.h"

#include "screens/password_ask.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/form.h"

struct password_ask {
    struct form *form;
    int field;
    bool was_wrong;
};

static const struct form_field password_field = {
    .label = N_("Password"),
    .why = N_("The server asks for a password. It is used for this look and forgotten; pgseal "
              "stores none. A line in ~/.pgpass saves the typing."),
    .help = N_("~/.pgpass, mode 0600, one line for each server:\nhost:port:database:role:password"),
    .width = 34,
};

static void check(void *arg, struct form *form)
{
    struct password_ask *ask = arg;

    if (secret_len(form_secret(form, ask->field)) > 0)
        form_say(form, ask->field, MARK_NONE, NULL);
    else
        form_say(form, ask->field, ask->was_wrong ? MARK_BAD : MARK_TODO,
                 ask->was_wrong ? _("the server did not take this one") : NULL);
}

struct password_ask *password_ask_new(struct app *app, bool was_wrong)
{
    struct password_ask *ask = mem_zalloc(sizeof(*ask));

    ask->was_wrong = was_wrong;
    ask->form = form_new(N_("Look"), NULL, check, ask);
    form_add_line(ask->form, N_("Server"), app_server(app));
    ask->field = form_add_secret(ask->form, &password_field);
    form_recheck(ask->form);
    return ask;
}

void password_ask_free(struct password_ask *ask)
{
    if (ask == NULL)
        return;
    form_free(ask->form);
    free(ask);
}

enum password_answer password_ask_event(struct password_ask *ask, const struct event *event,
                                        struct secret **ret)
{
    switch (form_event(ask->form, event)) {
    case FORM_SUBMIT:
        *ret = secret_dup(form_secret(ask->form, ask->field));
        form_wipe(ask->form, ask->field);
        return PASSWORD_GIVEN;
    case FORM_CANCEL:
        return PASSWORD_CANCELLED;
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return PASSWORD_OPEN;
}

void password_ask_draw(const struct password_ask *ask, struct canvas *body)
{
    form_draw(ask->form, body);
}

void password_ask_frame(const struct password_ask *ask, struct frame *ret)
{
    form_frame(ask->form, ret);
}
