/* ca_choice.c - which CA signs, and for how long it can. */
#include "config.h"

#include "screens/ca_choice.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define DAYS_MAX 36525

static const struct form_field ca_field = {
    .label = N_("CA"),
    .why = N_("The CA that signs. Only CAs whose private key is in the store can; whoever checks "
              "the certificate must know this one."),
    .word = "CA",
};

static void make_items(struct ca_choice *choice)
{
    const struct client_facts *facts = choice->facts;

    choice->items = mem_array(facts->n, sizeof(*choice->items));
    choice->notes = mem_array(facts->n, sizeof(*choice->notes));
    for (size_t i = 0; i < facts->n; i++) {
        char date[CLOCK_TEXT_MAX];

        choice->notes[i] =
            mem_printf(_("ends %s"), clock_format_date(date, facts->cas[i].not_after));
        choice->items[i] = (struct choice_item){facts->cas[i].name, choice->notes[i]};
    }
}

void ca_choice_add(struct ca_choice *choice, struct form *form, const struct client_facts *facts,
                   const char *name)
{
    size_t selected = 0;

    choice->facts = facts;
    choice->id = -1;
    if (facts->n < 2) {
        form_add_line(form, N_("CA"), facts->cas[0].name);
        return;
    }
    if (choice->items == NULL)
        make_items(choice);
    for (size_t i = 0; name != NULL && i < facts->n; i++)
        if (text_equal(facts->cas[i].name, name))
            selected = i;
    choice->id = form_add_choice(form, &ca_field, choice->items, facts->n, selected);
}

void ca_choice_clear(struct ca_choice *choice)
{
    for (size_t i = 0; choice->notes != NULL && i < choice->facts->n; i++)
        free(choice->notes[i]);
    free(choice->notes);
    free(choice->items);
    *choice = (struct ca_choice){.facts = NULL};
}

const struct client_ca *ca_choice_get(const struct ca_choice *choice, const struct form *form)
{
    return &choice->facts->cas[choice->id >= 0 ? form_choice(form, choice->id) : 0];
}

const char *ca_choice_locked(const struct client_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->n; i++)
        if (text_equal(facts->cas[i].name, name) && facts->cas[i].key_encrypted)
            return facts->cas[i].name;
    return NULL;
}

int ca_choice_days(const struct form *form, int days_id)
{
    int64_t days = 0;

    return text_parse_int(form_text(form, days_id), 1, DAYS_MAX, &days) ? (int)days : 0;
}

int ca_choice_check_days(const struct ca_choice *choice, struct form *form, int days_id)
{
    const struct client_ca *ca = ca_choice_get(choice, form);
    int64_t left = (ca->not_after - clock_now()) / CLOCK_DAY;
    char note[160], date[CLOCK_TEXT_MAX], value[24];
    int days = ca_choice_days(form, days_id);

    form_set_after(form, days_id, NULL);
    if (days == 0) {
        form_say(form, days_id, form_text(form, days_id)[0] != '\0' ? MARK_BAD : MARK_TODO,
                 _("a number of days, 1 or more"));
    } else if (days > left) {
        snprintf(note, sizeof(note), _("the CA ends %s, in %lld days"),
                 clock_format_date(date, ca->not_after), (long long)left);
        form_say(form, days_id, MARK_BAD, note);
        snprintf(value, sizeof(value), "%lld", (long long)left);
        snprintf(note, sizeof(note), _("use %s"), value);
        if (left > 0)
            form_offer(form, days_id, value, note);
        days = 0;
    } else {
        snprintf(note, sizeof(note), _("days    ends %s"),
                 clock_format_date(date, clock_now() + days * CLOCK_DAY));
        form_set_after(form, days_id, note);
        form_say(form, days_id, MARK_OK, NULL);
    }
    return days;
}
