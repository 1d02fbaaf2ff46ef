#include "config.h"

#include "tui/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/keybar.h"
#include "tui/utf8.h"

#define BODY_TOP        3
#define WHY_ROWS        3
#define WHY_BELOW_ROWS  24  /* from here on there is room for the Why rows */
#define WHY_BESIDE_FROM 100 /* columns */
#define WHY_BESIDE_MAX  38
#define WHY_BESIDE_MOST 60  /* in a very wide window */
#define BODY_WIDE       130 /* columns that the widest table needs */
#define SIDE            3   /* blank, line, blank between body and Why */

bool frame_fits(int rows, int columns)
{
    return rows >= FRAME_MIN_ROWS && columns >= FRAME_MIN_COLUMNS;
}

static void draw_too_small(struct canvas *canvas)
{
    int rows = canvas_rows(canvas), columns = canvas_columns(canvas);
    char *text;

    canvas_cursor(canvas, 0, 0);
    if (rows < 7 || columns < 28) {
        char size[32];

        /* not even room for the sentence: the size, as much of it as there is */
        snprintf(size, sizeof(size), "%dx%d", columns, rows);
        canvas_text(canvas, 0, 0, STYLE_NORMAL, size);
        if (rows > 1)
            canvas_wrap(canvas, 1, 0, columns, rows - 1, STYLE_NORMAL, _("80x24 is needed"));
        return;
    }
    text = mem_printf(_("pgseal: window is %d x %d\n80 x 24 is needed.\nNothing is lost. Make the "
                        "window bigger, or press Ctrl-Q to leave."),
                      columns, rows);
    canvas_wrap(canvas, 0, 1, columns - 2 < 25 ? columns - 2 : 25, rows, STYLE_NORMAL, text);
    free(text);
}

static void draw_head(const struct frame *frame, struct canvas *canvas)
{
    int columns = canvas_columns(canvas), right;

    canvas_fill(canvas, 0, 0, columns, STYLE_TITLE, ' ');
    right = columns - 1 - utf8_columns(frame->right);
    if (right < columns / 3)
        right = columns / 3;
    canvas_text(canvas, 0, 1, STYLE_TITLE, "pgseal");
    canvas_field(canvas, 0, 9, right - 9 - 1, STYLE_TITLE, frame->title);
    canvas_field(canvas, 0, right, columns - 1 - right, STYLE_TITLE, frame->right);

    right = columns - 1 - utf8_columns(frame->path_right);
    canvas_field(canvas, 1, 1, right - 1 - 1, STYLE_NORMAL, frame->path);
    canvas_text(canvas, 1, right, STYLE_NORMAL, frame->path_right);
    canvas_rule(canvas, 2, NULL);
}

static void why_title(const struct frame *frame, char *out, size_t size)
{
    if (frame->why_title[0])
        snprintf(out, size, _("Why: %s"), frame->why_title);
    else
        snprintf(out, size, "%s", _("Why"));
}

static void draw_why_below(const struct frame *frame, struct canvas *canvas, int row)
{
    char title[80];

    why_title(frame, title, sizeof(title));
    canvas_rule(canvas, row, title);
    canvas_wrap(canvas, row + 1, 2, canvas_columns(canvas) - 4, WHY_ROWS, STYLE_NORMAL,
                frame->why ? frame->why : "");
}

/* The body has its 80 columns first, then the Why up to 38, then the body up to BODY_WIDE; then both
 * share. */
static int beside_columns(int columns)
{
    int width = columns - FRAME_MIN_COLUMNS - SIDE;
    int shared = columns - SIDE - WHY_BESIDE_MAX - BODY_WIDE;

    if (width > WHY_BESIDE_MAX)
        width = WHY_BESIDE_MAX + (shared > 0 ? shared / 4 : 0);
    return width < WHY_BESIDE_MOST ? width : WHY_BESIDE_MOST;
}

static void draw_why_beside(const struct frame *frame, struct canvas *canvas, int rows, int column)
{
    int width = canvas_columns(canvas) - column - SIDE;
    char title[80];

    for (int i = 0; i < rows; i++)
        canvas_glyph(canvas, BODY_TOP + i, column + 1, STYLE_RULE, GLYPH_SIDE);
    why_title(frame, title, sizeof(title));
    canvas_field(canvas, BODY_TOP, column + SIDE, width, STYLE_STRONG, title);
    canvas_wrap(canvas, BODY_TOP + 2, column + SIDE, width, rows - 2, STYLE_NORMAL,
                frame->why ? frame->why : "");
}

static void draw_message(const struct frame *frame, struct canvas *canvas, int row)
{
    int column = 2, columns = canvas_columns(canvas);

    if (frame->message_mark != MARK_NONE)
        column = canvas_mark(canvas, row, column, frame->message_mark) + 1;
    canvas_field(canvas, row, column, columns - column - 1, STYLE_NORMAL, frame->message);
}

void frame_draw_edges(const struct frame *frame, struct canvas *canvas)
{
    int rows = canvas_rows(canvas), columns = canvas_columns(canvas);

    if (!frame_fits(rows, columns))
        return;
    canvas_fill(canvas, 1, 0, columns, STYLE_NORMAL, ' ');
    draw_head(frame, canvas);
    for (int row = rows - 2; row < rows; row++)
        canvas_fill(canvas, row, 0, columns, STYLE_NORMAL, ' ');
    draw_message(frame, canvas, rows - 2);
    if (frame->bindings)
        keybar_draw(canvas, rows - 1, frame->bindings);
}

void frame_draw(const struct frame *frame, const struct screen *screen, struct canvas *canvas,
                bool brief)
{
    int rows = canvas_rows(canvas), columns = canvas_columns(canvas);
    int body_rows = rows - BODY_TOP - 2, body_columns = columns;
    bool why = !brief && ((frame->why && frame->why[0]) || frame->why_title[0]);
    struct canvas *body;

    canvas_erase(canvas);
    if (!frame_fits(rows, columns)) {
        draw_too_small(canvas);
        return;
    }
    if (why && columns >= WHY_BESIDE_FROM) {
        body_columns = columns - SIDE - beside_columns(columns);
        draw_why_beside(frame, canvas, body_rows, body_columns);
    } else if (why && rows >= WHY_BELOW_ROWS) {
        body_rows -= WHY_ROWS + 1;
        draw_why_below(frame, canvas, BODY_TOP + body_rows);
    }
    frame_draw_edges(frame, canvas);

    /* where the cursor stays when the page has no focus to show */
    canvas_cursor(canvas, rows - 2, 0);
    body = canvas_part(canvas, BODY_TOP, 0, body_rows, body_columns);
    screen->ops->draw(screen->self, body);
    canvas_free(body);
}
