/* rotate_start_review.c - what is begun, before it is: its steps, its CAs, its servers; and what an emergency
 * asks once more. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "screens/rotate_start.h"

static void add_given(struct form *form, const char *label, const struct foreign_ca_fields *fields)
{
    struct strbuf text = STRBUF_INIT;

    foreign_ca_describe(fields, &text);
    strbuf_truncate(&text, strcspn(text.data, "\n"));
    strbuf_add_str(&text, foreign_ca_crl(fields) != NULL ? _("; with its CRL") : _("; no CRL"));
    form_add_line(form, label, text.data);
    strbuf_clear(&text);
}

static void review_cas(const struct rotate_start_page *self, struct form *form)
{
    if (self->from == ROTATE_FROM_FOREIGN && self->known != NULL)
        form_add_line(form, N_("Old CA"), self->name);
    else if (self->from == ROTATE_FROM_FOREIGN || self->old_is_foreign)
        add_given(form, N_("Old CA"), &self->old);
    switch (self->new_ca) {
    case NEW_MADE:
        form_add_line(form, N_("New CA"), _("is made by the steps, with a name of its own"));
        break;
    case NEW_OURS:
        form_add_line(form, N_("New CA"), self->new_authority);
        break;
    case NEW_FOREIGN:
        add_given(form, N_("New CA"), &self->fresh);
        break;
    }
}

void rotate_start_review(const void *data, struct form *form)
{
    const struct rotate_start_page *self = data;
    size_t n = rotate_phase_count(self->way->kind);
    struct strbuf text = STRBUF_INIT;

    if (rotate_start_is_direct(self->way)) {
        form_add_line(form, NULL, _("The next page makes it; nothing else is changed."));
        return;
    }
    form_add_line(form, NULL,
                  _("It is only begun: no server and no file is changed by that. Each step says "
                    "what it will do, and asks."));
    if (rotate_start_is_of_cas(self->way))
        review_cas(self, form);
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&text, "%s%zu %s", i > 0 ? "\n" : "", i + 1,
                      gettext(rotate_phase(self->way->kind, i)->title));
    form_add_line(form, N_("Steps"), text.data);
    if (self->soon_id >= 0 && self->way->act == WAY_ROTATE_SOON)
        form_add_line(form, N_("Of the CA"),
                      self->soon_ca != NULL ? self->soon_ca
                                            : _("all: a list for each that has any"));
    if (self->way->kind == ROTATION_EMERGENCY) {
        strbuf_reset(&text);
        strbuf_printf(&text, _("%lld valid certificates of \"%s\""), (long long)self->valid,
                      self->name);
        form_add_line(form, N_("! replaces"), text.data);
    }
    if (self->n_scope > 0)
        form_add_line(form, N_("Servers"), _("those that you named"));
    else if (self->from == ROTATE_FROM_CA && self->way->kind != ROTATION_SERVER_CA)
        form_add_line(form, N_("Servers"),
                      self->servers[0] != '\0' ? self->servers : _("none is known to trust it"));
    else if (self->from != ROTATE_FROM_SERVER && self->from != ROTATE_FROM_CLIENT)
        form_add_line(form, N_("Servers"),
                      self->way->kind == ROTATION_SERVER_CA
                          ? _("those that show a certificate of it")
                          : _("those that are known to trust it"));
    strbuf_clear(&text);
}

const char *rotate_start_severe(const void *data, struct strbuf *out)
{
    const struct rotate_start_page *self = data;

    if (self->way->kind != ROTATION_EMERGENCY)
        return NULL;
    strbuf_printf(out,
                  _("The shortest safe way: a new CA, a new certificate for every client in one "
                    "go, the old CA away from every server, its sessions ended.\n\nWhoever has "
                    "not got the new files by then is refused: %lld certificates on %s.\n\nWho "
                    "that is, is shown again and accepted before it is done.\n"),
                  (long long)self->valid,
                  self->servers[0] != '\0' ? self->servers : _("no server"));
    return self->name;
}
