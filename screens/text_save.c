/* text_save.c - a text into a new file. */
#include "config.h"

#include "screens/text_save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

struct text_save {
    struct app *app;
    void *owner;
    struct form *form;
    int file;
    char *text;
    mode_t mode;
    struct job *job;
    char failed[160]; /* why the last try did not work, for the field */
};

struct save_job {
    char *path, *text;
    mode_t mode;
    bool ok;
    struct err err;
};

static void save_run(struct job *job, void *data)
{
    struct save_job *self = data;

    (void)job;
    self->ok = fs_write_new(self->path, self->text, strlen(self->text), self->mode, &self->err);
}

static void save_free(void *data)
{
    struct save_job *self = data;

    free(self->path);
    free(self->text);
    free(self);
}

static const struct job_ops save_ops = {"save a text", save_run, save_free};

static void check(void *arg, struct form *form)
{
    struct text_save *save = arg;

    if (save->failed[0] != '\0')
        form_say(form, save->file, MARK_BAD, save->failed);
    else
        form_say(form, save->file, form_text(form, save->file)[0] != '\0' ? MARK_OK : MARK_TODO,
                 NULL);
}

struct text_save *text_save_new(struct app *app, void *owner, const struct text_save_spec *spec)
{
    struct text_save *save = mem_zalloc(sizeof(*save));

    save->app = app;
    save->owner = owner;
    save->text = mem_strdup(spec->text);
    save->mode = spec->mode;
    save->form = form_new(N_("Save"), NULL, check, save);
    save->file = form_add_text(save->form, spec->field, spec->suggested);
    form_recheck(save->form);
    return save;
}

void text_save_free(struct text_save *save)
{
    if (save == NULL)
        return;
    form_free(save->form); /* the navigator forgets the job with the page */
    free(save->text);
    free(save);
}

static void start(struct text_save *save)
{
    struct save_job *data = mem_zalloc(sizeof(*data));

    data->path = app_full_path(form_text(save->form, save->file));
    data->text = mem_strdup(save->text);
    data->mode = save->mode;
    save->job = job_start(app_loop(save->app), save->owner, &save_ops, data);
}

static enum text_save_answer ended(struct text_save *save, char *message, size_t size)
{
    struct save_job *data = job_take(save->job);
    enum text_save_answer answer = data->ok ? TEXT_SAVE_DONE : TEXT_SAVE_FAILED;
    char path[120];

    save->job = NULL;
    app_short_path(data->path, path, sizeof(path));
    if (data->ok) {
        snprintf(message, size, _("Written: %s"), path);
    } else {
        snprintf(message, size, "%.150s", data->err.msg);
        snprintf(save->failed, sizeof(save->failed), "%.150s", data->err.msg);
        form_recheck(save->form);
    }
    save_free(data);
    return answer;
}

enum text_save_answer text_save_event(struct text_save *save, const struct event *event,
                                      char *message, size_t size)
{
    if (event->type == EVENT_JOB && save->job != NULL && event->job == save->job)
        return ended(save, message, size);
    if (save->job != NULL || (event->type != EVENT_KEY && event->type != EVENT_PASTE))
        return TEXT_SAVE_OPEN;
    save->failed[0] = '\0';
    switch (form_event(save->form, event)) {
    case FORM_SUBMIT:
        start(save);
        break;
    case FORM_CANCEL:
        return TEXT_SAVE_CANCELLED;
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return TEXT_SAVE_OPEN;
}

void text_save_draw(const struct text_save *save, struct canvas *body)
{
    form_draw(save->form, body);
}

void text_save_frame(const struct text_save *save, struct frame *ret)
{
    form_frame(save->form, ret);
}
