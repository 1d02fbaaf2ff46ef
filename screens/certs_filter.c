/* certs_filter.c - which certificates are listed, and in what order. */
#include "config.h"

#include "screens/certs_filter.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define WITHIN_MAX 36525

struct certs_filter {
    struct form *form;
    int ca, state, within, subject, note, sort; /* ca -1: there is one at most */
    struct choice_item *ca_items;               /* owned, as their labels */
    char **names;
    size_t n_names;
};

static const struct form_field ca_field = {
    .label = N_("CA"),
    .why = N_("Certificates of one CA only, or of all."),
    .word = "CA",
};
static const struct form_field state_field = {
    .label = N_("State"),
    .why = N_("A revoked one is listed as revoked also when its end is over. \"Ending\" are the "
              "valid ones that end within the days below."),
    .word = "expiry",
};
static const struct choice_item state_items[] = {
    {N_("all"), NULL},
    {N_("valid"), N_("and not ending soon")},
    {N_("ending soon"), N_("within the days below")},
    {N_("ended"), NULL},
    {N_("revoked"), NULL},
};
static const struct form_field within_field = {
    .label = N_("Soon is"),
    .why = N_("Within how many days a certificate counts as ending soon; here and for the marks in "
              "the list."),
    .help = N_("A number of days; 30 is usual."),
    .word = "expiry",
    .after = N_("days"),
    .width = 8,
    .max = 5,
    .allow = "0123456789",
};
static const struct form_field subject_field = {
    .label = N_("Subject begins"),
    .why = N_("The subject as the list shows it, from its beginning, letter by letter: "
              "\"CN=app\" finds app, app2 and application."),
    .help = N_("Most specific part first: CN=alice, O=Acme. Empty: all."),
    .after = N_("optional"),
    .word = "subject",
};
static const struct form_field note_field = {
    .label = N_("Note begins"),
    .why = N_("The note that was written when the certificate was made, from its beginning."),
    .help = N_("Letter by letter. Empty: all."),
    .after = N_("optional"),
    .word = "certificate",
};
static const struct form_field sort_field = {
    .label = N_("Order"),
    .why = N_("What comes first. While something is being found with /, roles come first, then "
              "serial numbers, subjects and notes."),
    .word = "certificate",
};
static const struct choice_item sort_items[] = {
    {N_("as usual"), N_("the newest first; by state: what matters most")},
    {N_("newest first"), NULL},
    {N_("oldest first"), NULL},
    {N_("by role"), NULL},
    {N_("by end"), N_("what ends soonest first")},
};

static void check(void *arg, struct form *form)
{
    const struct certs_filter *self = arg;
    int64_t days;

    form_say(form, self->within,
             text_parse_int(form_text(form, self->within), 1, WITHIN_MAX, &days) ? MARK_OK
                                                                                 : MARK_BAD,
             NULL);
}

struct form *certs_filter_form(const struct certs_filter *filter)
{
    return filter->form;
}

static void add_ca(struct certs_filter *self, const struct certs_query *query)
{
    size_t selected = 0;

    self->ca = -1;
    if (self->n_names < 2)
        return;
    self->ca_items = mem_array(self->n_names + 1, sizeof(*self->ca_items));
    self->ca_items[0].label = N_("all");
    for (size_t i = 0; i < self->n_names; i++) {
        self->ca_items[i + 1].label = self->names[i];
        if (text_equal(self->names[i], query->authority))
            selected = i + 1;
    }
    self->ca = form_add_choice(self->form, &ca_field, self->ca_items, self->n_names + 1, selected);
}

struct certs_filter *certs_filter_new(const struct certs_query *query, char *const *authorities,
                                      size_t n_authorities)
{
    struct certs_filter *self = mem_zalloc(sizeof(*self));
    char days[16];

    self->form = form_new(N_("Show"), NULL, check, self);
    self->names = mem_array(n_authorities + 1, sizeof(*self->names));
    for (size_t i = 0; i < n_authorities; i++)
        self->names[self->n_names++] = mem_strdup(authorities[i]);
    self->state = form_add_choice(self->form, &state_field, state_items, ARRAY_LEN(state_items),
                                  (size_t)(query->state + 1));
    snprintf(days, sizeof(days), "%d", query->within_days);
    self->within = form_add_text(self->form, &within_field, days);
    add_ca(self, query);
    self->subject = form_add_text(self->form, &subject_field, query->subject);
    self->note = form_add_text(self->form, &note_field, query->note);
    self->sort = form_add_choice(self->form, &sort_field, sort_items, ARRAY_LEN(sort_items),
                                 (size_t)query->sort);
    form_recheck(self->form);
    return self;
}

void certs_filter_free(struct certs_filter *self)
{
    if (self == NULL)
        return;
    form_free(self->form);
    for (size_t i = 0; i < self->n_names; i++)
        free(self->names[i]);
    free(self->names);
    free(self->ca_items);
    free(self);
}

static void take(char **field, const char *value)
{
    free(*field);
    *field = value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;
}

void certs_filter_read(const struct certs_filter *self, struct certs_query *query)
{
    size_t ca = self->ca >= 0 ? form_choice(self->form, self->ca) : 0;
    int64_t days = 30;

    (void)!text_parse_int(form_text(self->form, self->within), 1, WITHIN_MAX, &days); /* checked */
    query->within_days = (int)days;
    query->state = (int)form_choice(self->form, self->state) - 1;
    query->sort = (enum issued_sort)form_choice(self->form, self->sort);
    take(&query->authority, ca > 0 ? self->names[ca - 1] : NULL);
    take(&query->subject, form_text(self->form, self->subject));
    take(&query->note, form_text(self->form, self->note));
}
