/* session_save.c - what the live panel shows, as a file. */
#include "config.h"

#include "screens/session_save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/text_field.h"

#define PATH_BYTES 255

struct session_save {
    struct app *app;
    void *owner;
    struct text_field *field; /* NULL: closed */
    struct job *job;
};

struct write_job {
    char *path;
    struct strbuf text;
    bool ok;
    struct err err;
};

static void write_run(struct job *job, void *data)
{
    struct write_job *self = data;

    (void)job;
    self->ok =
        fs_write_new(self->path, self->text.data, self->text.len, FS_MODE_SECRET, &self->err);
}

static void write_free(void *data)
{
    struct write_job *self = data;

    free(self->path);
    strbuf_clear(&self->text);
    free(self);
}

static const struct job_ops write_ops = {"sessions: save", write_run, write_free};

struct session_save *session_save_new(struct app *app, void *owner)
{
    struct session_save *save = mem_zalloc(sizeof(*save));

    save->app = app;
    save->owner = owner;
    return save;
}

void session_save_free(struct session_save *save)
{
    if (save == NULL)
        return;
    text_field_free(save->field);
    free(save);
}

void session_save_open(struct session_save *save, const char *server)
{
    char when[CLOCK_TEXT_MAX];
    char *path;

    clock_format_rfc3339(when, clock_now());
    path = mem_printf("sessions-%s-%.4s%.2s%.2s-%.2s%.2s%.2s.csv", server, when, when + 5, when + 8,
                      when + 11, when + 14, when + 17);
    text_field_free(save->field);
    save->field = text_field_new(PATH_BYTES);
    text_field_set(save->field, path);
    free(path);
}

bool session_save_is_open(const struct session_save *save)
{
    return save->field != NULL;
}

bool session_save_is_json(const struct session_save *save)
{
    const char *path = text_field_get(save->field);
    size_t len = strlen(path);

    return len >= 5 && strcmp(path + len - 5, ".json") == 0;
}

void session_save_draw(const struct session_save *save, struct canvas *body)
{
    int columns = canvas_columns(body) - 4;
    struct canvas *box;

    columns = columns > 76 ? 76 : columns;
    box = canvas_part(body, canvas_rows(body) / 2 - 3, 2, 6, columns);
    canvas_box(box, 0, 0, 6, columns, _("Save what is shown"), NULL);
    canvas_text(box, 1, 2, STYLE_LABEL, _("File"));
    text_field_draw(save->field, box, 2, 2, columns - 4, true);
    canvas_text(box, 4, 2, STYLE_NORMAL,
                session_save_is_json(save) ? _("as JSON")
                                           : _("as CSV; a name that ends in .json "
                                               "makes it JSON"));
    canvas_free(box);
}

void session_save_frame(const struct session_save *save, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"Enter", N_("Write"), N_("write the file; an existing one is never overwritten"), 90},
        {"F1", N_("Help"), N_("this help"), 60},
        {"Esc", N_("Cancel"), N_("back, nothing is written"), 80},
        {NULL, NULL, NULL, 0},
    };

    (void)save;
    ret->bindings = bindings;
    ret->text_focus = true;
    ret->why_title[0] = '\0';
    ret->why = _("Only the rows that pass the filter are written, worst first or as they are "
                 "sorted. The file is yours alone (0600): names and addresses stand in it.");
    ret->message_mark = MARK_NONE;
    snprintf(ret->message, sizeof(ret->message), "%s", _("Enter writes the file, Esc goes back."));
}

static void write_ended(struct session_save *save, enum mark *ret_mark, char *message, size_t size)
{
    struct write_job *data = job_take(save->job);

    save->job = NULL;
    *ret_mark = data->ok ? MARK_OK : MARK_BAD;
    if (data->ok)
        snprintf(message, size, _("Wrote \"%.120s\"."), data->path);
    else
        snprintf(message, size, "%.150s", data->err.msg);
    write_free(data);
}

enum session_save_result session_save_event(struct session_save *save, const struct event *event,
                                            enum mark *ret_mark, char *message, size_t size)
{
    if (event->type == EVENT_JOB && save->job != NULL && event->job == save->job) {
        write_ended(save, ret_mark, message, size);
        return SESSION_SAVE_USED;
    }
    if (save->field == NULL)
        return SESSION_SAVE_IGNORED;
    if (event->type == EVENT_PASTE) {
        (void)text_field_paste(save->field, event->paste, event->paste_len);
        return SESSION_SAVE_USED;
    }
    if (event->type != EVENT_KEY)
        return SESSION_SAVE_IGNORED;
    if (event->key == KEY_CODE_ESC) {
        text_field_free(save->field);
        save->field = NULL;
        *ret_mark = MARK_NONE;
        snprintf(message, size, "%s", _("Nothing was written."));
    } else if (event->key == KEY_CODE_ENTER && text_field_get(save->field)[0] != '\0' &&
               save->job == NULL) {
        return SESSION_SAVE_WANTS_TEXT;
    } else {
        (void)text_field_key(save->field, event->key);
    }
    return SESSION_SAVE_USED;
}

void session_save_write(struct session_save *save, struct strbuf *text)
{
    struct write_job *data = mem_zalloc(sizeof(*data));

    data->path = mem_strdup(text_field_get(save->field));
    data->text = *text;
    strbuf_init(text);
    text_field_free(save->field);
    save->field = NULL;
    save->job = job_start(app_loop(save->app), save->owner, &write_ops, data);
}
