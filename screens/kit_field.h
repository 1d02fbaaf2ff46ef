/*
 * kit_field.h - the field of a client's folder: it is looked at, in a job, when typing rests.
 *
 * Use      part of a page with a form: follow in the form's check, event before all else; where that
 *          is true the form is to be checked again.
 */
#ifndef PGSEAL_SCREENS_KIT_FIELD_H
#define PGSEAL_SCREENS_KIT_FIELD_H

#include "screens/kit_look.h"
#include "tui/event.h"

struct kit_field {
    struct app *app;
    void *owner;  /* the page: the job and the timer are its own */
    char *looked; /* the folder that was, or is being, looked at */
    struct timer *quiet;
    struct job *job;
    struct kit_look *kit; /* NULL: not looked at yet */
};

void kit_field_init(struct kit_field *field, struct app *app, void *owner);
void kit_field_clear(struct kit_field *field);
/* This is the folder now: another one is looked at after a while, an empty one is not. */
void kit_field_follow(struct kit_field *field, const char *folder);
bool kit_field_event(struct kit_field *field, const struct event *event);
/* What was found, when it is a good folder; else NULL. */
const struct kit_look *kit_field_good(const struct kit_field *field);

#endif
