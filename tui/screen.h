/*
 * screen.h - a page: a const table and its own state; and the frame around it.
 *
 * Shape    event() changes state and says where to go; draw() is a pure function of the state into
 *          a canvas (the body only); frame() says what stands in the rows around it. No dirty
 *          flags: all is drawn after every event, curses sends the difference. No page calls
 *          another page.
 * Frame    row 1 title, row 2 path and steps, row 3 rule; body; "Why" (3 rows, beside the body
 *          from 100 columns on); message row; key bar. Made by frame_draw() from struct frame.
 * Tables   the key bar, the help overlay and the man page come from the same binding table.
 */
#ifndef PGSEAL_TUI_SCREEN_H
#define PGSEAL_TUI_SCREEN_H

#include "core/base/strbuf.h"
#include "tui/canvas.h"
#include "tui/event.h"

struct screen;

enum nav_kind {
    NAV_STAY,
    NAV_POP,
    NAV_PUSH,
    NAV_REPLACE,
    NAV_HOME,
    NAV_QUIT,
    NAV_NOT_NOW,
    NAV_UNSEEN,
    NAV_COPY
};
struct nav {
    enum nav_kind kind;
    struct screen *next; /* PUSH, REPLACE: owned by the navigator */
    char *text;          /* COPY: owned by the navigator */
};
struct nav nav_stay(void);
struct nav nav_pop(void);
struct nav nav_push(struct screen *next);
struct nav nav_replace(struct screen *next);
struct nav nav_home(void); /* all but the first page go */
struct nav nav_quit(void); /* at once; asks nobody */
/* Only in EVENT_QUIT_ASKED: go on, for a change is being made (the message row says how to stop). */
struct nav nav_not_now(void);
/* Stays, and nothing that is seen has changed: the screen is not painted. Only for a timer, a watched
 * descriptor or a job: a poll comes in many pieces. */
struct nav nav_unseen(void);
/* Sends text to the terminal's clipboard and stays; the message row says so ("sent", never "copied":
 * there is no answer). Never for private keys. */
struct nav nav_copy(const char *text);

struct binding {
    const char *keys;  /* "F2", "Tab", "Space", "r" as shown; N_() where a word */
    const char *label; /* "Commands", in the key bar; N_() */
    const char *help;  /* a line for the help overlay; N_() */
    int weight;        /* in a narrow window the highest stay; 0: help overlay only */
};

struct frame {           /* all borrowed until the next event; text is drawn clean and clipped */
    char title[80];      /* "Create a CA" */
    char right[80];      /* "store: ~/.local/share/pgseal" */
    char path[160];      /* "Home > Create a CA  [>>] 1 Details  [  ] 2 Passphrase" */
    char path_right[40]; /* "1 of 3" */
    char why_title[48];  /* "Valid for" or "" */
    const char *why;     /* at most 3 x 76 columns; or "" */
    enum mark message_mark;
    char message[160];
    const struct binding *bindings; /* of this focus; ends with keys == NULL */
    const char *help;               /* text of the help overlay for this focus, or NULL */
    const char *word;               /* entry of "words" for F3, or NULL */
    /* a change is open: Ctrl-Z is refused */
    bool no_suspend;
    bool text_focus; /* a text field has the focus: letters are text, a paste is welcome */
};

struct screen_ops {
    const char *name; /* "new-ca" */
    struct nav (*event)(void *self, const struct event *event);
    void (*draw)(const void *self, struct canvas *body);
    void (*frame)(const void *self, struct frame *ret);
    /* F2: the openssl / SQL / pgseal lines that do the same; may be NULL. */
    void (*commands)(const void *self, struct strbuf *out);
    void (*free)(void *self);
};
struct screen {
    const struct screen_ops *ops;
    void *self;
};
struct screen *screen_new(const struct screen_ops *ops, void *self) MUST_CHECK;
void screen_free(struct screen *screen);

/* Asks the page; *ret is whole, also where the page sets nothing. */
void screen_frame(const struct screen *screen, struct frame *ret);
/* Draws frame and body into a canvas of any size (too small: says so). */
void screen_draw(const struct screen *screen, struct canvas *canvas, bool brief);

#endif
