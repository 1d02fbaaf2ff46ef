/*
 * theme.h - what text means on the screen; colour only adds.
 *
 * Rules    default foreground and background, 8 colours at most, no dim, no white; marks are words.
 */
#ifndef PGSEAL_TUI_THEME_H
#define PGSEAL_TUI_THEME_H

#include <stdbool.h>

enum style {
    STYLE_NORMAL,
    STYLE_TITLE, /* reverse */
    STYLE_RULE,
    STYLE_LABEL,
    STYLE_VALUE,
    STYLE_FOCUS,  /* reverse */
    STYLE_STRONG, /* bold */
    STYLE_OK,     /* green */
    STYLE_WARN,   /* yellow bold */
    STYLE_BAD,    /* red bold */
    STYLE_KEY,    /* bold: a key's name in the key bar */
    STYLE_COUNT_
};

enum mark { MARK_NONE, MARK_OK, MARK_WARN, MARK_BAD, MARK_BUSY, MARK_OFF, MARK_HERE, MARK_TODO };
const char *mark_text(enum mark mark); /* "[ok]" "[!!]" "[xx]" "[..]" "[--]" "[>>]" "[  ]" */
enum style mark_style(enum mark mark);

struct theme {
    bool colour;  /* off: NO_COLOR, --no-color, a terminal without */
    bool unicode; /* off: --ascii, a locale without UTF-8; then all is drawn in ASCII */
};

/* Lines, corners, the pointer before a chosen row, the dots where text was cut (3 in ASCII). */
enum glyph {
    GLYPH_POINTER,
    GLYPH_ELLIPSIS,
    GLYPH_LINE,
    GLYPH_SIDE,
    GLYPH_TOP_LEFT,
    GLYPH_TOP_RIGHT,
    GLYPH_BOTTOM_LEFT,
    GLYPH_BOTTOM_RIGHT
};
const char *glyph_text(const struct theme *theme, enum glyph glyph);

#endif
