/*
 * password_ask.h - asks for the administrator's password of the chosen server, where a look needs one.
 *
 * Use      the page holds it while it is asked for, gives it events first, draws it in place of itself.
 * Secrets  pgseal stores none; what was typed is wiped with it.
 */
#ifndef PGSEAL_SCREENS_PASSWORD_ASK_H
#define PGSEAL_SCREENS_PASSWORD_ASK_H

#include "core/base/secret.h"
#include "screens/app.h"
#include "tui/screen.h"

enum password_answer { PASSWORD_OPEN, PASSWORD_GIVEN, PASSWORD_CANCELLED };

struct password_ask;

struct password_ask *password_ask_new(struct app *app, bool was_wrong) MUST_CHECK;
void password_ask_free(struct password_ask *ask);
/* PASSWORD_GIVEN: *ret is the caller's. */
enum password_answer password_ask_event(struct password_ask *ask, const struct event *event,
                                        struct secret **ret);
void password_ask_draw(const struct password_ask *ask, struct canvas *body);
void password_ask_frame(const struct password_ask *ask, struct frame *ret);

#endif
