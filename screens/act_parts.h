/*
 * act_parts.h - what act.c, act_talk.c and act_draw.c share; nobody else includes it.
 */
#ifndef PGSEAL_SCREENS_ACT_PARTS_H
#define PGSEAL_SCREENS_ACT_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

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

struct act_told {
    enum mark mark;
    char *text;
};

struct act_job {
    const struct act_ops *ops;
    enum act_stage stage; /* ACT_LOADING, ACT_LOOKING, ACT_RUNNING */
    size_t step;
    void *data;
    char *store_folder;
    struct secret *passphrases[ACT_LOCKS];
    size_t wrong;    /* which of them */
    struct job *job; /* set when it runs */
    unsigned done, total;
    atomic_bool stop; /* the page asks for the end */
    bool ok;
    struct err err;
    /* what both sides touch, under the lock */
    pthread_mutex_t lock;
    pthread_cond_t heard;
    struct act_told *told;
    size_t n_told;
    char *wants; /* what is asked for; NULL: nothing */
    bool was_wrong, answered;
    struct secret *answer;
};

struct act_page {
    struct app *app;
    const struct act_ops *ops;
    void *data; /* NULL while a job has it */
    enum act_stage stage;
    enum act_stage failed; /* the stage that went wrong */
    size_t step;
    struct form *forms[ACT_STEPS_MAX]; /* NULL: not built yet */
    struct form *review;
    int passphrases[ACT_LOCKS]; /* fields; -1: none is asked for */
    bool wrong[ACT_LOCKS];      /* the last run was told so */
    struct form *asked;         /* a job asks for a secret; or NULL */
    bool stopping;              /* Esc was pressed while it runs */
    bool touched;               /* a person has written something */
    struct dialog *question;
    struct job *job;
    struct act_job *running; /* what the job works with; valid while job is not NULL */
    unsigned done, total;
    struct err err;
    struct lines *lines; /* of the result */
    struct button_row buttons;
    struct strbuf commands; /* as of the last time that data was here */
};

/* A step that is only read. */
static inline bool act_shows(const struct act_page *self)
{
    return self->stage == ACT_STEP && self->ops->steps[self->step].build == NULL;
}

/* Of this stage, or NULL. */
static inline struct form *act_form(const struct act_page *self)
{
    return self->stage == ACT_STEP     ? self->forms[self->step]
           : self->stage == ACT_REVIEW ? self->review
                                       : NULL;
}

/* act_talk.c */
struct act_job *act_job_new(void) MUST_CHECK;
void act_job_free(void *job); /* and its data */
/* What the job told and asks for is taken to the page. */
void act_hear(struct act_page *self);
/* The question's form takes it; true: taken. */
bool act_asked_event(struct act_page *self, const struct event *event);

/* act_draw.c */
void act_draw(const void *arg, struct canvas *body);
void act_frame(const void *arg, struct frame *ret);

#endif
