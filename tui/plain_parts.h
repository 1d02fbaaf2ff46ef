/*
 * plain_parts.h - what plain.c, plain_say.c, plain_ask.c and plain_answer.c share; nobody else
 * includes it but their tests.
 *
 * Shapes   struct talk is a conversation without a terminal: what the pages say goes into a text, what
 *          the person typed comes as a line. plain.c brings both to a terminal.
 */
#ifndef PGSEAL_TUI_PLAIN_PARTS_H
#define PGSEAL_TUI_PLAIN_PARTS_H

#include "core/base/strbuf.h"
#include "tui/control.h"
#include "tui/nav.h"

#define TALK_ROWS    120 /* of the canvas that pages draw into: more is said by PgDn */
#define TALK_COLUMNS 120 /* cut less: what is longer than the terminal goes on in its next line */

struct talk_lines {
    char **list; /* owned */
    size_t n;
};

struct talk {
    struct navigator *navigator; /* borrowed */
    const void *page;            /* the page that was said last; compared only */
    char title[180], step[180], message[180];
    struct talk_lines said; /* the lines of that page */
    struct strbuf question; /* as it was asked last */
    struct strbuf remark;   /* about the last line: said before all else */
    struct strbuf paste;    /* a paste box is being filled; wiped */
    const void *pasting;    /* the form it is for; compared only */
    bool greeted;
    bool heard;    /* the person typed a line since the last time */
    bool prompted; /* the last thing that was said was a prompt */
};

struct talk *talk_new(struct navigator *navigator) MUST_CHECK;
void talk_free(struct talk *talk);
/* What is new, then the question where it is to be asked again; appended. */
void talk_say(struct talk *talk, struct strbuf *out);
/* The answer to the question. line is borrowed, without its end. */
void talk_hear(struct talk *talk, const char *line);
/* The next line must not be shown while it is typed. */
bool talk_wants_secret(const struct talk *talk);

/* -- between the parts -- */

/* What takes input on the page on top; kind of a NULL widget: nothing does. lines: what the page says
 * beside it; may be NULL. */
struct control talk_control(const struct talk *talk, struct talk_lines *lines);
void talk_lines_add(struct talk_lines *lines, const char *fmt, ...) PRINTF_LIKE(2, 3);
void talk_lines_clear(struct talk_lines *lines);
const char *talk_mark_word(enum mark mark); /* "ok: ", "problem: "; "" for none */
void talk_ask(const struct talk *talk, const struct control *control, struct strbuf *out);
void talk_press(struct talk *talk, uint32_t key);
void talk_type(struct talk *talk, const char *text);
void talk_remark(struct talk *talk, const char *fmt, ...) PRINTF_LIKE(2, 3); /* a line */

#endif
