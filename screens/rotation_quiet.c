/* rotation_quiet.c - how long nobody may have used the old CA before it goes: chosen anew. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/act.h"
#include "screens/rotate_pages.h"
#include "screens/rotation_job.h"

struct quiet {
    int64_t id;
    char *name;
    int64_t seconds; /* as it is, then as it shall be */
    int value_id, unit_id;
};

static const struct form_field value_field = {
    .label = N_("Quiet time"),
    .why = N_("Longer than the longest pause of any client: a monthly job asks for more than a "
              "month. Who comes after it with the old one is refused."),
    .help = N_("It counts from the last time that somebody was seen with the old one, and only "
               "while the servers are looked at."),
    .word = "rotate",
    .width = 8,
    .max = 5,
    .allow = "0123456789",
};
static const struct form_field unit_field = {
    .label = N_("In"),
    .why = N_("Days for what is used by night or by week; hours where you know every client."),
    .word = "rotate",
};
static const struct choice_item units[] = {
    {N_("days"), NULL}, {N_("hours"), NULL}, {N_("minutes"), NULL}};
static const int64_t unit_seconds[] = {CLOCK_DAY, 3600, 60};

static void build(void *data, struct form *form)
{
    struct quiet *self = data;
    size_t unit = self->seconds % CLOCK_DAY == 0 ? 0 : self->seconds % 3600 == 0 ? 1 : 2;
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)(self->seconds / unit_seconds[unit]));
    self->value_id = form_add_text(form, &value_field, text);
    self->unit_id = form_add_choice(form, &unit_field, units, ARRAY_LEN(units), unit);
}

static int64_t seconds_of(const struct quiet *self, const struct form *form)
{
    return strtol(form_text(form, self->value_id), NULL, 10) *
           unit_seconds[form_choice(form, self->unit_id)]; /* at most 5 digits */
}

static void check(void *arg, struct form *form)
{
    const struct quiet *self = arg;
    int64_t seconds = seconds_of(self, form);

    form_say(form, self->value_id,
             seconds < 1 || seconds > 400 * CLOCK_DAY ? MARK_BAD
             : seconds < 2 * CLOCK_DAY                ? MARK_WARN
                                                      : MARK_OK,
             seconds < 1                 ? _("at least 1 minute")
             : seconds > 400 * CLOCK_DAY ? _("at most 400 days")
             : seconds < 2 * CLOCK_DAY   ? _("short: a nightly job may not have come by then")
                                         : NULL);
}

static void take(void *data, const struct form *form)
{
    struct quiet *self = data;

    self->seconds = seconds_of(self, form);
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct quiet *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    struct rotation *rotation = store != NULL ? rotation_load(store, self->id, err) : NULL;
    struct strbuf text = STRBUF_INIT;
    bool done = false;

    if (rotation != NULL) {
        rotation->quiet_seconds = self->seconds;
        strbuf_add_str(&text, "quiet time ");
        rotation_span(&text, self->seconds);
        done = rotation_save(store, rotation, text.data, err);
    }
    strbuf_clear(&text);
    rotation_free(rotation);
    store_close(store);
    return done;
}

static struct screen *next(const void *data, struct app *app)
{
    (void)data;
    (void)app;
    return NULL; /* the rotation's page */
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct quiet *self = data;

    (void)form;
    strbuf_add_str(out, "pgseal rotate status ");
    if (!text_quote_shell(out, self->name))
        strbuf_add_str(out, "NAME");
    strbuf_add_char(out, '\n');
}

static void free_quiet(void *data)
{
    struct quiet *self = data;

    free(self->name);
    free(self);
}

static const struct act_step steps[] = {{N_("Time"), build, check, take, NULL}};

static const struct act_ops ops = {
    .name = "rotation-quiet",
    .title = N_("Quiet time"),
    .where = N_("Rotate > Quiet time"),
    .word = "rotate",
    .go = N_("Set"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .run = run,
    .next = next,
    .commands = commands,
    .free = free_quiet,
};

struct screen *page_rotation_quiet(struct app *app, const struct rotation_job *seen)
{
    struct quiet *self = mem_zalloc(sizeof(*self));

    self->id = seen->id;
    self->name = mem_strdup(seen->rotation->name);
    self->seconds = seen->rotation->quiet_seconds;
    return act_page(app, &ops, self);
}
