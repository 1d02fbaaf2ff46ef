/* kit_field.c - the field of a client's folder. */
#include "config.h"

#include "screens/kit_field.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define QUIET_MS 300

void kit_field_init(struct kit_field *field, struct app *app, void *owner)
{
    *field = (struct kit_field){.app = app, .owner = owner, .looked = mem_strdup("")};
}

void kit_field_clear(struct kit_field *field)
{
    kit_look_free(field->kit);
    free(field->looked);
}

static void stop(struct kit_field *field)
{
    timer_stop(field->quiet);
    field->quiet = NULL;
    if (field->job != NULL)
        job_cancel(field->job);
    field->job = NULL;
    kit_look_free(field->kit);
    field->kit = NULL;
}

void kit_field_follow(struct kit_field *field, const char *folder)
{
    char *copy;

    if (strcmp(folder, field->looked) == 0)
        return;
    copy = mem_strdup(folder);
    free(field->looked);
    field->looked = copy;
    stop(field);
    if (folder[0] != '\0')
        field->quiet = timer_start(app_loop(field->app), field->owner, QUIET_MS, 0);
}

bool kit_field_event(struct kit_field *field, const struct event *event)
{
    if (event->type == EVENT_JOB && event->job == field->job) {
        field->kit = job_take(field->job);
        field->job = NULL;
        return true;
    }
    if (event->type == EVENT_TIMER && event->timer == field->quiet) {
        timer_stop(field->quiet);
        field->quiet = NULL;
        field->job = kit_look_start(field->app, field->owner, field->looked);
        return true;
    }
    return false;
}

const struct kit_look *kit_field_good(const struct kit_field *field)
{
    return field->kit != NULL && field->kit->ok ? field->kit : NULL;
}
