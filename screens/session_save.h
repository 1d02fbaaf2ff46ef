/*
 * session_save.h - what the live panel shows, as a file: CSV, or JSON when its name ends so.
 *
 * Files    new ones only, 0600: addresses and names of people stand in them. Written in a job.
 */
#ifndef PGSEAL_SCREENS_SESSION_SAVE_H
#define PGSEAL_SCREENS_SESSION_SAVE_H

#include "screens/app.h"
#include "tui/screen.h"

struct session_save;

struct session_save *session_save_new(struct app *app, void *owner) MUST_CHECK;
void session_save_free(struct session_save *save);
void session_save_open(struct session_save *save, const char *server);
bool session_save_is_open(const struct session_save *save);
void session_save_draw(const struct session_save *save, struct canvas *body);
void session_save_frame(const struct session_save *save, struct frame *ret);

enum session_save_result {
    SESSION_SAVE_IGNORED,
    SESSION_SAVE_USED,
    SESSION_SAVE_WANTS_TEXT /* Enter: session_save_write() */
};
enum session_save_result session_save_event(struct session_save *save, const struct event *event,
                                            enum mark *ret_mark, char *message, size_t size);
bool session_save_is_json(const struct session_save *save);
/* text: taken (emptied). Says that it is being written. */
void session_save_write(struct session_save *save, struct strbuf *text);

#endif
