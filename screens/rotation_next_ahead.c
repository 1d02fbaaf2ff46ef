/* rotation_next_ahead.c - what the next step of a rotation would do to each server, and who would be refused:
 * plans are made for it, and nothing is changed. */
#include "config.h"

#include "core/base/intl.h"
#include "screens/rotation_next.h"

bool rotation_next_changes_servers(const struct rotation_next *self)
{
    return self->back || (self->status.needs & ROTATE_NEED_SERVERS) != 0;
}

/* Whose certificate it is, or which of the old ones are revoked. */
static bool waits_for_answers(const struct rotation_next *self)
{
    if (self->back)
        return false;
    return rotation_next_ends_old(self) ||
           ((self->status.needs & ROTATE_NEED_SERVER_CERT) != 0 && !self->asks_cert);
}

bool rotation_next_look_ahead(struct rotation_next *self, struct act_job *job, struct store *store,
                              struct err *err)
{
    struct rotation_talk talk;
    struct rotate_request request = {.cancelled = act_stopped, .arg = job};

    if (self->have_preview)
        rotate_preview_clear(&self->preview);
    self->have_preview = false;
    if (!rotation_next_changes_servers(self) || waits_for_answers(self))
        return true;
    rotation_talk_begin(&talk, job, &self->known);
    request.door = &talk.talk.door;
    request.watch = &talk.watch;
    rotation_next_give_cert(self, &request);
    self->have_preview =
        rotate_look_ahead(store, self->rotation, &request, self->back, &self->preview, err);
    /* they are shown, and typing the name accepts exactly them */
    self->accepts_refused = self->have_preview && self->preview.n_refused > 0;
    self->accept_refused = self->accepts_refused ? self->preview.n_refused : 0;
    return self->have_preview;
}

bool rotation_next_shows_nothing(const void *data)
{
    const struct rotation_next *self = data;
    const struct rotate_preview *preview = &self->preview;

    return !self->have_preview || preview->n_servers + preview->n_refused + preview->n_lines == 0;
}

/* ---- shown ---- */

static void show_server(const struct rotate_would *server, struct lines *lines)
{
    const char *standby = server->standby ? _(" (standby)") : "";

    if (server->err.code != ERR_NONE)
        lines_printf(lines, 0, MARK_WARN, NULL, "%s%s: PS-%d %s", server->name, standby,
                     (int)server->err.code, server->err.msg);
    else if (server->nothing)
        lines_printf(lines, 0, MARK_OK, NULL, _("%s%s: it is so already"), server->name, standby);
    else
        lines_printf(lines, 0, MARK_NONE, NULL, "%s%s:", server->name, standby);
    for (size_t i = 0; i < server->n_steps; i++)
        lines_add(lines, 1, MARK_NONE, NULL, server->steps[i]);
}

void rotation_next_refused_text(const struct rotate_refused *row, struct strbuf *out)
{
    strbuf_add_str(out, row->role);
    if (row->application[0] != '\0')
        strbuf_printf(out, ", %s", row->application);
    if (row->address[0] != '\0')
        strbuf_printf(out, _(" from %s"), row->address);
    strbuf_printf(out, _(" on %s"), row->server);
    if (row->pid > 0)
        strbuf_printf(out, _(", pid %d"), row->pid);
}

void rotation_next_refused_head(const struct rotate_preview *preview, struct strbuf *out)
{
    strbuf_printf(
        out,
        preview->ends_sessions
            ? ngettext("%zu at the next login, and ended now:",
                       "%zu at the next login, and ended now:", preview->n_refused)
            : ngettext("%zu at the next login:", "%zu at the next login:", preview->n_refused),
        preview->n_refused);
}

static void show_refused(const struct rotate_preview *preview, struct lines *lines)
{
    struct strbuf text = STRBUF_INIT;

    lines_head(lines, _("Who would be refused"));
    rotation_next_refused_head(preview, &text);
    lines_add(lines, 0, MARK_WARN, NULL, text.data);
    for (size_t i = 0; i < preview->n_refused; i++) {
        strbuf_reset(&text);
        rotation_next_refused_text(&preview->refused[i], &text);
        if (preview->refused[i].why != NULL && preview->refused[i].why[0] != '\0')
            strbuf_printf(&text, ": %s", preview->refused[i].why);
        lines_add(lines, 1, MARK_NONE, NULL, text.data);
    }
    strbuf_clear(&text);
}

void rotation_next_show_ahead(const void *data, struct lines *lines)
{
    const struct rotation_next *self = data;
    const struct rotate_preview *preview = &self->preview;

    for (size_t i = 0; i < preview->n_lines; i++)
        lines_add(lines, 0, MARK_NONE, NULL, preview->lines[i]);
    if (preview->n_refused > 0) {
        show_refused(preview, lines);
        lines_head(lines, _("What is done"));
    }
    for (size_t i = 0; i < preview->n_servers; i++)
        show_server(&preview->servers[i], lines);
}
