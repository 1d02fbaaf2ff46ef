/* rotate_start_form.c - what is asked before a rotation is begun: how, the old CA, the new one, for whom. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/rotate_start.h"

static const struct form_field how_field = {
    .label = N_("How"),
    .why = N_("Where only the date is the trouble, the same key is the right answer. Another key "
              "is for one that may be known to others, or that is of an old kind."),
    .help = N_("Nothing is changed by this choice: each step says what it will do, and asks."),
    .word = "rotate",
};
static const struct form_field how_cert_field = {
    .label = N_("How"),
    .why =
        N_("Step by step, pgseal measures what it made until the old one is gone. Only files: you "
           "hand them over, and look after the rest."),
    .help = N_("Nothing is changed by this choice: each step says what it will do, and asks."),
    .word = "rotate",
};
static const struct form_field new_field = {
    .label = N_("New CA"),
    .why = N_("Made new, it gets a name of its own: the same name with another key would lock "
              "everybody out. Another's: its certificate, which you give here; its owner signs."),
    .help = N_("The new one is trusted beside the old one until the last client has moved."),
    .word = "CA",
};
static const struct choice_item new_items[] = {
    [NEW_MADE] = {N_("is made"), N_("in the first steps, with its own key")},
    [NEW_OURS] = {N_("of this store"), N_("it has its key here")},
    [NEW_FOREIGN] = {N_("another's"), N_("by paste or file, with its CRL")},
};
static const struct form_field ours_field = {
    .label = N_("Its name"),
    .why = N_("A CA of the store that has its key here, and is not retired. Home 1 makes one."),
    .help = N_("As it stands in the list of CAs."),
    .word = "CA",
    .max = 64,
};
static const struct form_field trusts_field = {
    .label = N_("Old CA"),
    .why =
        N_("Where the server's present certificate is of a CA that this store does not know, and "
           "the server does not send it along: what its clients trust now, their root.crt."),
    .help = N_("Space ticks. Not needed for a CA of this store."),
    .word = "chain",
};
static const struct form_field quiet_field = {
    .label = N_("Quiet time"),
    .why = N_("Nobody may have used the old one for so long before it goes. Longer than the "
              "longest pause of any client: a monthly job asks for more than a month."),
    .help = N_("From 0 to 400 days."),
    .word = "rotate",
    .after = N_("days"),
    .width = 8,
    .max = 3,
    .allow = "0123456789",
};
static const struct form_field scope_field = {
    .label = N_("Servers"),
    .why = N_("Empty: every server that trusts it now. Names beside these are asked too; a standby "
              "has files of its own and belongs to it."),
    .help = N_("Names of the store's servers, blanks between them."),
    .word = "reload",
    .after = N_("optional"),
    .max = 500,
};
static const struct form_field within_field = {
    .label = N_("That end in"),
    .why = N_("Every client certificate that ends within so many days and has no later one comes "
              "on the list."),
    .help = N_("From 1 to 3650."),
    .word = "expiry",
    .after = N_("days"),
    .width = 8,
    .max = 4,
    .allow = "0123456789",
};
static const struct form_field soon_field = {
    .label = N_("Of the CA"),
    .why =
        N_("A list has the certificates of one CA: each new one is of the same. \"All\" begins a "
           "list for each CA that has any."),
    .help = N_("Only CAs that have their key in this store."),
    .word = "CA",
};

/* ---- another's old CA ---- */

void rotate_start_build_old(void *data, struct form *form)
{
    struct rotate_start_page *self = data;

    form_add_line(form, NULL,
                  _("The CA that is to go: servers trust it, and its key is not in this store."));
    foreign_ca_add(&self->old, form);
    form_focus(form, self->old.source.paste);
}

void rotate_start_check_old(void *arg, struct form *form)
{
    struct rotate_start_page *self = arg;

    foreign_ca_check(&self->old, form, true);
}

void rotate_start_take_old(void *data, const struct form *form)
{
    struct rotate_start_page *self = data;

    foreign_ca_take(&self->old, form);
}

bool rotate_start_look_old(void *data, struct act_job *job, struct err *err)
{
    struct rotate_start_page *self = data;
    struct strbuf name = STRBUF_INIT;

    (void)job;
    if (!foreign_ca_read(&self->old, err))
        return false;
    if (!cert_common_name(foreign_ca_cert(&self->old), &name))
        cert_format_subject(foreign_ca_cert(&self->old), &name);
    free(self->name);
    self->name = strbuf_steal(&name);
    return true;
}

/* ---- questions ---- */

static const char *off(const struct rotate_start_page *self, const struct way *way)
{
    if (rotate_start_is_direct(way))
        return NULL;
    if (self->from == ROTATE_FROM_SERVER && self->server[0] == '\0')
        return _("no server of the store is known by this name");
    return NULL;
}

/* All, or one of the CAs; the line's own first. */
static void add_soon(struct rotate_start_page *self, struct form *form)
{
    size_t len = strcspn(self->which, ":"), at = 0;

    if (self->n_cas < 2)
        return;
    free(self->soon_items);
    self->soon_items = mem_array(self->n_cas + 1, sizeof(self->soon_items[0]));
    self->soon_items[0] = (struct choice_item){N_("all"), N_("a list for each CA that has any")};
    for (size_t i = 0; i < self->n_cas; i++) {
        self->soon_items[i + 1] = (struct choice_item){self->cas[i], NULL};
        if (strlen(self->cas[i]) == len && strncmp(self->cas[i], self->which, len) == 0)
            at = i + 1;
    }
    self->soon_id = form_add_choice(form, &soon_field, self->soon_items, self->n_cas + 1, at);
}

static void add_new(struct rotate_start_page *self, struct form *form)
{
    bool server = self->from == ROTATE_FROM_SERVER;

    if (server) {
        self->trusts_id = form_add_check(
            form, &trusts_field, N_("clients trust one that this store does not know"), false);
        foreign_ca_add(&self->old, form);
    }
    self->new_id = form_add_choice(form, &new_field, new_items, ARRAY_LEN(new_items),
                                   !server            ? NEW_MADE
                                   : self->n_cas == 0 ? NEW_FOREIGN
                                                      : NEW_OURS);
    if (server)
        form_turn_off_choice(form, self->new_id, NEW_MADE, _("begin at the line of its CA"));
    if (self->n_cas == 0)
        form_turn_off_choice(form, self->new_id, NEW_OURS, _("there is no other one with a key"));
    self->ours_id = form_add_text(form, &ours_field, self->n_cas > 0 ? self->cas[0] : "");
    foreign_ca_add(&self->fresh, form);
}

void rotate_start_build(void *data, struct form *form)
{
    struct rotate_start_page *self = data;
    size_t first = self->n_ways;
    char *known = self->from == ROTATE_FROM_SERVER && self->server[0] != '\0'
                      ? mem_printf(_("%s, which clients know as %s"), self->server, self->name)
                      : mem_strdup(self->name);

    for (size_t i = self->n_ways; i-- > 0;)
        if (off(self, &self->ways[i]) == NULL)
            first = i;
    form_add_line(form,
                  self->from == ROTATE_FROM_CLIENT   ? N_("Role")
                  : self->from == ROTATE_FROM_SERVER ? N_("Server")
                                                     : N_("CA"),
                  known);
    free(known);
    self->how_id = self->new_id = self->ours_id = self->trusts_id = -1;
    self->quiet_id = self->scope_id = self->within_id = self->soon_id = -1;
    if (self->n_ways > 1) {
        self->how_id =
            form_add_choice(form, self->from == ROTATE_FROM_CA ? &how_field : &how_cert_field,
                            self->items, self->n_ways, first < self->n_ways ? first : 0);
        for (size_t i = 0; i < self->n_ways; i++)
            form_turn_off_choice(form, self->how_id, i, off(self, &self->ways[i]));
    }
    if (self->from == ROTATE_FROM_CLIENT) {
        self->within_id = form_add_text(form, &within_field, "30");
        add_soon(self, form);
        return;
    }
    add_new(self, form);
    if (self->from == ROTATE_FROM_SERVER)
        return;
    self->quiet_id = form_add_text(form, &quiet_field, "7");
    self->scope_id = form_add_text(form, &scope_field, "");
}

static int number_of(const struct form *form, int id)
{
    return (int)strtol(form_text(form, id), NULL, 10); /* at most 4 digits */
}

static void check_soon(const struct rotate_start_page *self, struct form *form, bool soon)
{
    int days = number_of(form, self->within_id);

    form_show(form, self->within_id, soon);
    if (self->soon_id >= 0)
        form_show(form, self->soon_id, soon);
    if (soon)
        form_say(form, self->within_id, days < 1 || days > 3650 ? MARK_BAD : MARK_OK,
                 days < 1 || days > 3650 ? _("from 1 to 3650 days") : NULL);
}

static void check_ours(const struct rotate_start_page *self, struct form *form)
{
    const char *name = form_text(form, self->ours_id);

    for (size_t i = 0; i < self->n_cas; i++) {
        if (text_equal(self->cas[i], name)) {
            form_say(form, self->ours_id, MARK_OK, NULL);
            return;
        }
    }
    form_say(form, self->ours_id, name[0] != '\0' ? MARK_BAD : MARK_TODO,
             name[0] != '\0' ? _("no other CA with its key in this store is called so") : NULL);
    if (self->n_cas > 0) {
        char label[100];

        snprintf(label, sizeof(label), _("use \"%.60s\""), self->cas[0]);
        form_offer(form, self->ours_id, self->cas[0], label);
    }
}

static void check_new(struct rotate_start_page *self, struct form *form, const struct way *way,
                      bool shown)
{
    bool kits = way->kind == ROTATION_EMERGENCY; /* are made of it at once */
    enum new_ca from;

    form_turn_off_choice(form, self->new_id, NEW_FOREIGN,
                         kits ? _("its kits are made here: it needs its key") : NULL);
    from = (enum new_ca)form_choice(form, self->new_id);
    form_show(form, self->new_id, shown);
    form_show(form, self->ours_id, shown && from == NEW_OURS);
    if (shown && from == NEW_OURS)
        check_ours(self, form);
    if (self->trusts_id >= 0) {
        form_show(form, self->trusts_id, shown);
        foreign_ca_check(&self->old, form, shown && form_checked(form, self->trusts_id));
    }
    foreign_ca_check(&self->fresh, form, shown && from == NEW_FOREIGN);
}

void rotate_start_check(void *arg, struct form *form)
{
    struct rotate_start_page *self = arg;
    const struct way *way = rotate_start_way(self, form);
    bool quiet = way->act == WAY_ROTATION && way->kind == ROTATION_CLIENT_CA;
    bool of_cas = rotate_start_is_of_cas(way);

    if (self->within_id >= 0)
        check_soon(self, form, way->act == WAY_ROTATE_SOON);
    if (self->new_id >= 0)
        check_new(self, form, way, of_cas);
    if (self->quiet_id < 0)
        return;
    form_show(form, self->quiet_id, quiet);
    form_show(form, self->scope_id, of_cas);
    if (quiet) {
        int days = number_of(form, self->quiet_id);

        form_say(form, self->quiet_id,
                 days > 400 ? MARK_BAD
                 : days < 2 ? MARK_WARN
                            : MARK_OK,
                 days > 400 ? _("at most 400 days")
                 : days < 2 ? _("short: a nightly job may not have come by then")
                            : NULL);
    }
}

static void take_scope(struct rotate_start_page *self, const char *text)
{
    while (*text != '\0' && self->n_scope < ROTATE_START_SERVERS) {
        size_t len;

        text += strspn(text, " ,");
        len = strcspn(text, " ,");
        if (len > 0)
            self->scope[self->n_scope++] = mem_printf("%.*s", (int)len, text);
        text += len;
    }
}

void rotate_start_take(void *data, const struct form *form)
{
    struct rotate_start_page *self = data;

    self->way = rotate_start_way(self, form);
    free(self->new_authority);
    self->new_authority = NULL;
    rotate_start_forget_scope(self);
    self->soon_ca = NULL;
    if (self->within_id >= 0)
        self->within_days = number_of(form, self->within_id);
    if (self->soon_id >= 0 && form_choice(form, self->soon_id) > 0)
        self->soon_ca = self->cas[form_choice(form, self->soon_id) - 1];
    if (!rotate_start_is_of_cas(self->way))
        return;
    self->new_ca = (enum new_ca)form_choice(form, self->new_id);
    if (self->new_ca == NEW_OURS)
        self->new_authority = mem_strdup(form_text(form, self->ours_id));
    if (self->new_ca == NEW_FOREIGN)
        foreign_ca_take(&self->fresh, form);
    self->old_is_foreign = self->trusts_id >= 0 && form_checked(form, self->trusts_id);
    if (self->old_is_foreign)
        foreign_ca_take(&self->old, form);
    if (self->quiet_id < 0)
        return;
    self->quiet_days = number_of(form, self->quiet_id);
    take_scope(self, form_text(form, self->scope_id));
}

bool rotate_start_look(void *data, struct act_job *job, struct err *err)
{
    struct rotate_start_page *self = data;

    (void)job;
    if (!rotate_start_is_of_cas(self->way))
        return true;
    return (!self->old_is_foreign || foreign_ca_read(&self->old, err)) &&
           (self->new_ca != NEW_FOREIGN || foreign_ca_read(&self->fresh, err));
}
