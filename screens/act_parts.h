/*
 * act_parts.h - what act.c and act_draw.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ACT_PARTS_H
#define PGSEAL_SCREENS_ACT_PARTS_H

#include "screens/act.h"
#include "tui/button_row.h"
#include "tui/dialog.h"

enum act_stage {
    ACT_LOADING,
    ACT_STEP,
    ACT_LOOKING,
    ACT_REVIEW,
    ACT_RUNNING,
    ACT_DONE,
    ACT_FAILED
};

#define ACT_STEPS_MAX 4

struct act_page {
    struct app *app;
    const struct act_ops *ops;
    void *data; /* NULL while a job has it */
    enum act_stage stage;
    enum act_stage failed; /* the stage that went wrong */
    size_t step;
    struct form *forms[ACT_STEPS_MAX]; /* NULL: not built yet */
    struct form *review;
    int passphrase; /* -1: none is asked for */
    bool passphrase_was_wrong;
    bool stopping; /* Esc was pressed while it runs */
    bool touched;  /* a person has written something */
    struct dialog *question;
    struct job *job;
    struct act_job *running; /* what the job works with; valid while job is not NULL */
    unsigned done, total;
    struct err err;
    struct lines *lines; /* of the result */
    struct button_row buttons;
    struct strbuf commands; /* as of the last time that data was here */
};

struct form *act_form(const struct act_page *self); /* of this stage, or NULL */
void act_draw(const void *arg, struct canvas *body);
void act_frame(const void *arg, struct frame *ret);

#endif
