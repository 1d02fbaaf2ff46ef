#include "config.h"

#include "tui/theme.h"

const char *mark_text(enum mark mark)
{
    switch (mark) {
    case MARK_NONE:
        return "";
    case MARK_OK:
        return "[ok]";
    case MARK_WARN:
        return "[!!]";
    case MARK_BAD:
        return "[xx]";
    case MARK_BUSY:
        return "[..]";
    case MARK_OFF:
        return "[--]";
    case MARK_HERE:
        return "[>>]";
    case MARK_TODO:
        return "[  ]";
    }
    return "";
}

enum style mark_style(enum mark mark)
{
    switch (mark) {
    case MARK_OK:
        return STYLE_OK;
    case MARK_WARN:
        return STYLE_WARN;
    case MARK_BAD:
        return STYLE_BAD;
    case MARK_HERE:
        return STYLE_STRONG;
    case MARK_NONE:
    case MARK_BUSY:
    case MARK_OFF:
    case MARK_TODO:
        return STYLE_NORMAL;
    }
    return STYLE_NORMAL;
}

const char *glyph_text(const struct theme *theme, enum glyph glyph)
{
    static const struct {
        const char *ascii, *unicode;
    } glyphs[] = {
        [GLYPH_POINTER] = {">", "▸"},     [GLYPH_ELLIPSIS] = {"...", "…"},
        [GLYPH_LINE] = {"-", "─"},        [GLYPH_SIDE] = {"|", "│"},
        [GLYPH_TOP_LEFT] = {"+", "┌"},    [GLYPH_TOP_RIGHT] = {"+", "┐"},
        [GLYPH_BOTTOM_LEFT] = {"+", "└"}, [GLYPH_BOTTOM_RIGHT] = {"+", "┘"},
    };

    return theme->unicode ? glyphs[glyph].unicode : glyphs[glyph].ascii;
}
