/* rotation_next_review.c - what the next step of a rotation will do, in lines; and what it asks once more. */
#include "config.h"

#include <stdarg.h>

#include "core/base/intl.h"
#include "screens/app.h"
#include "screens/rotation_next.h"

static void add_servers(const struct rotation_next *self, struct form *form)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->status.n_servers; i++) {
        strbuf_printf(&text, "%s%s: ", i > 0 ? "\n" : "", self->status.servers[i].name);
        rotation_server_text(&self->status.servers[i], &text);
    }
    if (self->status.n_servers > 0)
        form_add_line(form,
                      (self->status.needs & ROTATE_NEED_SERVERS) != 0 && !self->back
                          ? N_("~ servers")
                          : N_("Servers"),
                      text.data);
    strbuf_clear(&text);
}

void rotation_next_review(const void *data, struct form *form)
{
    const struct rotation_next *self = data;
    const struct rotate_phase *phase = rotation_next_phase(self);
    size_t at = (size_t)self->rotation->phase;
    struct strbuf text = STRBUF_INIT;
    char path[1024];

    if (self->back) {
        form_add_line(form, N_("Back to"),
                      at == 0 ? _("before the beginning: the rotation is given up")
                              : gettext(rotate_phase(self->rotation->kind, at - 1)->title));
        form_add_line(form, N_("Does"), phase->back != NULL ? gettext(phase->back) : "");
    } else {
        form_add_line(form, N_("Does"),
                      phase->act[0] != '\0' ? gettext(phase->act)
                                            : _("looks whether the next step can begin"));
        form_add_line(form, N_("Until"), gettext(phase->waits));
    }
    add_servers(self, form);
    if (self->folder != NULL) {
        app_short_path(self->folder, path, sizeof(path));
        strbuf_add_str(&text, path);
        if (self->asks_kits)
            strbuf_printf(&text, "; %s",
                          self->key_passphrase != NULL ? _("keys encrypted with the one passphrase")
                                                       : _("keys NOT encrypted"));
        form_add_line(form, self->asks_kits ? N_("+ kits in") : N_("+ files in"), text.data);
    }
    if (self->asks_cert) {
        strbuf_reset(&text);
        rotation_cert_describe(&self->cert, &text);
        form_add_line(form, N_("+ certificate"), text.data != NULL ? text.data : "");
    }
    if (self->revoke)
        form_add_line(form, N_("! revokes"), _("the old ones, for ever"));
    if (self->end_sessions)
        form_add_line(form, N_("! ends"), _("the sessions that use the old one"));
    if (self->accept_left > 0) {
        strbuf_reset(&text);
        strbuf_printf(&text, _("%zu of those that have not moved"), self->accept_left);
        form_add_line(form, N_("! without"), text.data);
    }
    if (self->archive != NULL) {
        app_short_path(self->archive, path, sizeof(path));
        strbuf_reset(&text);
        strbuf_printf(&text,
                      self->old_ca != NULL && self->old_ca->key_encrypted
                          ? _("the old CA's key to %s; here it is deleted")
                          : _("the old CA's key to %s, NOT locked; here it is deleted"),
                      path);
        form_add_line(form, N_("! moves"), text.data);
    }
    if (self->destroy)
        form_add_line(form, N_("! destroys"), _("the old CA's private key"));
    if (!self->back)
        form_add_line(form, N_("Way back"),
                      phase->back != NULL ? gettext(phase->back) : _("there is none from here"));
    rotation_next_add_refused(self, form); /* next to the button */
    strbuf_clear(&text);
}

/* ---- once more ---- */

static bool has_production(const struct rotation_next *self)
{
    for (size_t i = 0; i < self->status.n_servers; i++)
        if (self->status.servers[i].production)
            return true;
    return false;
}

static void PRINTF_LIKE(2, 3) add_paragraph(struct strbuf *out, const char *fmt, ...)
{
    va_list args;

    if (out->len > 0)
        strbuf_add_char(out, '\n');
    va_start(args, fmt);
    strbuf_vprintf(out, fmt, args);
    va_end(args);
    strbuf_add_char(out, '\n');
}

/* A plain question where servers are changed; the name where it cannot be taken back, or where somebody
 * would be refused. */
const char *rotation_next_severe(const void *data, struct strbuf *out)
{
    const struct rotation_next *self = data;
    const struct rotate_phase *phase = rotation_next_phase(self);
    bool gone =
        !self->back && (phase->back == NULL || self->revoke || self->destroy ||
                        self->archive != NULL || (self->status.needs & ROTATE_NEED_NAME) != 0);
    const struct rotation_counts *items = &self->status.items;
    bool stolen = !self->back && self->rotation->kind == ROTATION_EMERGENCY &&
                  (self->status.needs & ROTATE_NEED_SERVERS) != 0;

    if (self->back ? phase->back != NULL : phase->act[0] != '\0')
        add_paragraph(out, "%s", gettext(self->back ? phase->back : phase->act));
    if (self->accepts_refused)
        add_paragraph(out,
                      ngettext("%zu session or role would be refused from then on.",
                               "%zu sessions and roles would be refused from then on.",
                               (unsigned long)self->accept_refused),
                      self->accept_refused);
    if (self->accept_left > 0)
        add_paragraph(out,
                      ngettext("%zu client never moved: it is refused when the old one goes.",
                               "%zu clients never moved: they are refused when the old ones go.",
                               (unsigned long)self->accept_left),
                      self->accept_left);
    if (stolen)
        add_paragraph(out,
                      _("%lld of %lld clients have not moved: they are refused at once. Sessions "
                        "with the old one end."),
                      (long long)rotation_waits_for(self->rotation->kind, items),
                      (long long)items->total);
    if (gone)
        add_paragraph(out, "%s", _("This cannot be taken back."));
    if (gone || stolen || self->accept_left > 0 ||
        (self->accepts_refused && self->accept_refused > 0) ||
        (rotation_next_changes_servers(self) && has_production(self)))
        return self->rotation->name;
    if (self->back)
        return "";
    if (rotation_next_changes_servers(self)) {
        add_paragraph(out, "%s",
                      _("Each server gets it by a plan of its own, with a proof; one that fails is "
                        "taken back by itself."));
        return "";
    }
    return NULL;
}
