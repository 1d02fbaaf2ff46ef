/*
 * text_save.h - asks for the name of a new file and writes a text into it, in a job.
 *
 * Use      the page holds it while it is open, gives it events first, draws it in place of itself.
 * Files    new ones only; nothing is overwritten.
 */
#ifndef PGSEAL_SCREENS_TEXT_SAVE_H
#define PGSEAL_SCREENS_TEXT_SAVE_H

#include <sys/types.h>

#include "screens/app.h"
#include "tui/form.h"

struct text_save_spec {
    const struct form_field *field; /* borrowed for good: "File", its Why */
    const char *suggested;          /* a name; copied */
    const char *text;               /* copied */
    mode_t mode;
};
enum text_save_answer {
    TEXT_SAVE_OPEN,
    TEXT_SAVE_CANCELLED,
    TEXT_SAVE_DONE,  /* message: where it went */
    TEXT_SAVE_FAILED /* message: why; still open */
};

struct text_save;

struct text_save *text_save_new(struct app *app, void *owner,
                                const struct text_save_spec *spec) MUST_CHECK;
void text_save_free(struct text_save *save);
enum text_save_answer text_save_event(struct text_save *save, const struct event *event,
                                      char *message, size_t size);
void text_save_draw(const struct text_save *save, struct canvas *body);
void text_save_frame(const struct text_save *save, struct frame *ret);

#endif
