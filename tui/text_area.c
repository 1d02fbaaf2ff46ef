/* text_area.c - the paste box. */
#include "config.h"

#include "tui/text_area.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/secret.h"
#include "core/base/text.h"
#include "tui/event.h"

#define LINE_MAX_SEEN 512 /* bytes of a line that are looked at for drawing */

struct text_area {
    struct secret *bytes; /* owned: people paste private keys */
    bool whole;
    bool refused; /* the last paste did not fit */
    char note[64];
};

struct text_area *text_area_new(void)
{
    struct text_area *area = mem_zalloc(sizeof(*area));

    area->bytes = secret_new(TEXT_AREA_MAX);
    area->whole = true;
    return area;
}

void text_area_free(struct text_area *area)
{
    if (!area)
        return;
    secret_free(area->bytes);
    free(area);
}

void text_area_clear(struct text_area *area)
{
    secret_wipe(area->bytes);
    area->whole = true;
    area->refused = false;
    area->note[0] = '\0';
}

static bool ends_line(const struct text_area *area)
{
    size_t len = secret_len(area->bytes);
    char last = len > 0 ? secret_data(area->bytes)[len - 1] : '\n';

    return last == '\n' || last == '\r';
}

bool text_area_paste(struct text_area *area, const char *bytes, size_t len, bool whole)
{
    size_t gap = ends_line(area) ? 0 : 1;

    area->refused = secret_len(area->bytes) + gap + len > TEXT_AREA_MAX;
    if (area->refused)
        return false;
    if ((gap && !secret_add(area->bytes, "\n", 1)) || !secret_add(area->bytes, bytes, len))
        return false;
    area->whole = area->whole && whole;
    return true;
}

bool text_area_key(struct text_area *area, uint32_t key)
{
    if (key != KEY_CODE_CTRL('u'))
        return false;
    text_area_clear(area);
    return true;
}

const char *text_area_bytes(const struct text_area *area, size_t *ret_len)
{
    *ret_len = secret_len(area->bytes);
    return secret_data(area->bytes);
}

size_t text_area_characters(const struct text_area *area)
{
    return secret_characters(area->bytes);
}

/* The next line of text: CR, LF and CR LF end one, and so does CR CR (tmux sends that for CR LF).
 */
static bool next_line(const char **at, const char *end, const char **ret_line, size_t *ret_len)
{
    const char *from = *at, *to = from;

    if (from >= end)
        return false;
    while (to < end && *to != '\r' && *to != '\n')
        to++;
    *ret_line = from;
    *ret_len = (size_t)(to - from);
    if (to < end && *to == '\r' && to + 1 < end && (to[1] == '\n' || to[1] == '\r'))
        to++;
    *at = to < end ? to + 1 : to;
    return true;
}

size_t text_area_lines(const struct text_area *area)
{
    const char *at = secret_data(area->bytes), *end = at + secret_len(area->bytes), *line;
    size_t n = 0, len;

    while (next_line(&at, end, &line, &len))
        n++;
    return n;
}

bool text_area_whole(const struct text_area *area)
{
    return area->whole;
}

void text_area_set_note(struct text_area *area, const char *note)
{
    text_clean_copy(area->note, sizeof(area->note), note ? note : "");
}

static void draw_lines(const struct text_area *area, struct canvas *canvas, int row, int column,
                       int rows, int columns)
{
    const char *at = secret_data(area->bytes), *end = at + secret_len(area->bytes), *line;
    size_t total = text_area_lines(area), len, n = 0;
    /* first rows, one row that tells how many are not shown, last row */
    size_t head = (size_t)rows >= total ? total : rows > 2 ? (size_t)rows - 2 : 0;
    size_t tail = (size_t)rows >= total ? 0 : 1;
    size_t hidden = total - head - tail;

    for (; next_line(&at, end, &line, &len); n++) {
        struct strbuf clean = STRBUF_INIT;

        if (n < head || n >= total - tail) {
            text_clean(&clean, line, len < LINE_MAX_SEEN ? len : LINE_MAX_SEEN, TEXT_ONE_LINE);
            canvas_field(canvas, row++, column, columns, STYLE_VALUE, clean.data);
        } else if (n == head && hidden > 0 && rows > 1) {
            strbuf_printf(&clean,
                          ngettext("... %zu more line ...", "... %zu more lines ...", hidden),
                          hidden);
            canvas_text(canvas, row++, column, STYLE_NORMAL, clean.data);
        }
        strbuf_clear(&clean);
    }
}

void text_area_draw(const struct text_area *area, struct canvas *canvas, int row, int column,
                    int rows, int columns, bool focused)
{
    size_t n = text_area_characters(area);
    char footer[160];

    if (rows < 3 || columns < 6)
        return;
    if (n == 0 && area->refused)
        snprintf(footer, sizeof(footer), "%s", _("too large: nothing was taken"));
    else if (n == 0)
        snprintf(footer, sizeof(footer), "%s", _("empty"));
    else
        snprintf(footer, sizeof(footer),
                 ngettext("%zu character%s%s%s%s", "%zu characters%s%s%s%s", n), n,
                 area->note[0] ? ", " : "", area->note, area->whole ? "" : _(", cut off"),
                 area->refused ? _(", the last paste did not fit") : "");
    canvas_box(canvas, row, column, rows, columns,
               _("Paste here: Ctrl-Shift-V, Shift-Insert or the right mouse button"), footer);
    draw_lines(area, canvas, row + 1, column + 2, rows - 2, columns - 4);
    if (focused) {
        canvas_style(canvas, row, column, columns, STYLE_STRONG);
        canvas_cursor(canvas, row + 1, column + 2);
    }
}
