/* leave.c - the question before pgseal ends while a form has answers. It comes on top of whatever is
 * shown, also of a help window over the form. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"
#include "tui/dialog.h"

struct leave {
    struct dialog *dialog;
};

static struct nav leave_event(void *arg, const struct event *event)
{
    struct leave *self = arg;

    switch (dialog_event(self->dialog, event)) {
    case DIALOG_NO:
        return nav_pop();
    case DIALOG_YES:
        return nav_quit();
    case DIALOG_OPEN:
        break;
    }
    /* asked again while it is asked: it stays */
    return event->type == EVENT_QUIT_ASKED ? nav_not_now() : nav_stay();
}

static void leave_draw(const void *arg, struct canvas *body)
{
    const struct leave *self = arg;

    dialog_draw(self->dialog, body);
}

static void leave_frame(const void *arg, struct frame *ret)
{
    const struct leave *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Leave"));
    dialog_frame(self->dialog, ret);
}

static void leave_free(void *arg)
{
    struct leave *self = arg;

    dialog_free(self->dialog);
    free(self);
}

static const struct screen_ops leave_ops = {
    .name = "leave",
    .event = leave_event,
    .draw = leave_draw,
    .frame = leave_frame,
    .free = leave_free,
};

struct screen *page_leave(const char *what_is_open)
{
    struct leave *self = mem_zalloc(sizeof(*self));
    char *text =
        mem_printf(_("%s The answers of its form are not kept when pgseal ends."), what_is_open);

    self->dialog = dialog_new(
        &(struct dialog_spec){.title = _("Leave pgseal?"),
                              .text = text,
                              .no = _("No, stay"),
                              .yes = _("Yes, leave"),
                              .why = _("Esc goes one step back in the form and keeps the "
                                       "answers as long as pgseal runs.")});
    free(text);
    return screen_new(&leave_ops, self);
}
