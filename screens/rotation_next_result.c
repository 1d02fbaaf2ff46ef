/* rotation_next_result.c - what came of a step of a rotation, or of one back. */
#include "config.h"

#include "core/base/intl.h"
#include "core/base/text.h"
#include "screens/rotation_next.h"
#include "screens/without_options.h"

static void result_phase(const struct rotation_next *self, struct lines *lines)
{
    const struct rotate_outcome *outcome = &self->outcome;
    size_t n = rotate_phase_count(self->rotation->kind);
    char hint[512];

    if (self->rotation->ended_at != 0) {
        lines_add(lines, 0, self->rotation->given_up ? MARK_OFF : MARK_OK, NULL,
                  self->rotation->given_up ? _("The rotation is given up.")
                                           : _("The rotation is done."));
    } else if (outcome->to != outcome->from) {
        lines_printf(
            lines, 0, MARK_OK, NULL,
            self->back ? _("Back in step %zu of %zu: %s") : _("Now in step %zu of %zu: %s"),
            outcome->to + 1, n, gettext(rotate_phase(self->rotation->kind, outcome->to)->title));
    } else {
        lines_printf(lines, 0, self->err.code == ERR_ROTATION_BLOCKED ? MARK_HERE : MARK_WARN, NULL,
                     _("Still in step %zu of %zu: %s"), outcome->to + 1, n,
                     gettext(rotation_next_phase(self)->title));
    }
    if (self->err.code == ERR_ROTATION_BLOCKED) {
        for (size_t i = 0; i < self->status.n_blockers; i++)
            lines_add(lines, 1, MARK_WARN, NULL, self->status.blockers[i]);
        if (self->status.n_blockers == 0)
            lines_add(lines, 1, MARK_WARN, NULL, self->err.msg);
        if (self->status.n_blockers == 0 && self->err.hint[0] != '\0') {
            without_options(self->err.hint, hint, sizeof(hint));
            lines_add(lines, 1, MARK_NONE, NULL, hint);
        }
    } else if (self->err.code != ERR_NONE) {
        lines_printf(lines, 1, MARK_BAD, NULL, "PS-%d: %s", (int)self->err.code, self->err.msg);
        without_options(err_hint_text(&self->err), hint, sizeof(hint));
        lines_add(lines, 1, MARK_NONE, NULL, hint);
    }
}

/* What became of it; what it has then stands in the look after the act. */
static void result_server(const struct rotation_next *self, const struct rotate_server *server,
                          struct lines *lines)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->status.n_servers && server->err.code == ERR_NONE; i++) {
        const struct rotate_server *now = &self->status.servers[i];

        if (text_equal(now->name, server->name) && (now->has_old || now->has_new))
            rotation_server_text(now, &text);
    }
    if (server->err.code != ERR_NONE)
        strbuf_add_str(&text, server->err.msg);
    else if (text.len == 0)
        strbuf_add_str(&text, _("done"));
    lines_printf(lines, 1, server->err.code != ERR_NONE ? MARK_WARN : MARK_OK, NULL, "%s: %s",
                 server->name, text.data);
    strbuf_clear(&text);
}

void rotation_next_result(const void *data, struct lines *lines)
{
    const struct rotation_next *self = data;
    const struct rotate_outcome *outcome = &self->outcome;
    char path[1024];

    result_phase(self, lines);
    for (size_t i = 0; i < outcome->n_servers; i++)
        result_server(self, &outcome->servers[i], lines);
    if (outcome->made > 0)
        lines_printf(
            lines, 1, MARK_OK, NULL,
            ngettext("%zu certificate made", "%zu certificates made", (unsigned long)outcome->made),
            outcome->made);
    if (outcome->sessions_ended > 0)
        lines_printf(lines, 1, MARK_OK, NULL,
                     ngettext("%zu session ended", "%zu sessions ended",
                              (unsigned long)outcome->sessions_ended),
                     outcome->sessions_ended);
    for (size_t i = 0; i < outcome->n_files; i++) {
        app_short_path(outcome->files[i], path, sizeof(path));
        lines_printf(lines, 1, MARK_NONE, i == 0 ? _("Written") : "", "%s", path);
    }
    if (self->rotation->kind == ROTATION_SERVER_CA && outcome->n_files > 0)
        lines_add(lines, 0, MARK_NONE, NULL,
                  _("Clients take the .crt as sslrootcert; Java the .p12 as its truststore, with "
                    "the password \"changeit\". m on the page before marks who has it."));
    if (self->rotation->ended_at == 0 && rotation_next_phase(self) != NULL) {
        if (rotation_next_phase(self)->act[0] != '\0' && !self->status.act_done)
            lines_printf(lines, 0, MARK_NONE, _("Next"), "%s",
                         gettext(rotation_next_phase(self)->act));
        else
            lines_printf(lines, 0, MARK_NONE, _("Then"), "%s",
                         gettext(rotation_next_phase(self)->waits));
    }
}
