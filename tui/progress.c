/* progress.c - work that goes on. */
#include "config.h"

#include "tui/progress.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define LOG_LINES 64
#define LINE_SIZE 200
#define BAR_WIDTH 40
#define NOTE_AT   17 /* columns from the right */

struct step {
    char title[LINE_SIZE];
    char note[48];
    enum mark mark;
};

struct progress {
    struct step *steps;
    size_t n;
    char (*log)[LINE_SIZE]; /* the last LOG_LINES, a ring */
    size_t logged;
};

struct progress *progress_new(void)
{
    struct progress *progress = mem_zalloc(sizeof(*progress));

    progress->log = mem_array(LOG_LINES, sizeof(*progress->log));
    return progress;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    free(progress->steps);
    free(progress->log);
    free(progress);
}

size_t progress_add(struct progress *progress, const char *title)
{
    struct step *step;

    progress->steps = mem_realloc_array(progress->steps, progress->n + 1, sizeof(*progress->steps));
    step = &progress->steps[progress->n];
    memset(step, 0, sizeof(*step));
    step->mark = MARK_TODO;
    text_clean_copy(step->title, sizeof(step->title), title);
    return progress->n++;
}

void progress_set(struct progress *progress, size_t step, enum mark mark, const char *note)
{
    if (step >= progress->n)
        return;
    progress->steps[step].mark = mark;
    if (note)
        text_clean_copy(progress->steps[step].note, sizeof(progress->steps[step].note), note);
}

void progress_log(struct progress *progress, const char *line)
{
    text_clean_copy(progress->log[progress->logged++ % LOG_LINES], LINE_SIZE, line);
}

static size_t done(const struct progress *progress)
{
    size_t n = 0;

    for (size_t i = 0; i < progress->n; i++) {
        enum mark mark = progress->steps[i].mark;

        n += mark == MARK_OK || mark == MARK_OFF;
    }
    return n;
}

static void draw_step(const struct step *step, size_t number, struct canvas *canvas, int row)
{
    int end = canvas_mark(canvas, row, 2, step->mark);
    int note = canvas_columns(canvas) - NOTE_AT;

    end = canvas_printf(canvas, row, end + 1, STYLE_NORMAL, "%zu  ", number);
    canvas_field(canvas, row, end, note - end - 1, STYLE_NORMAL, step->title);
    canvas_text(canvas, row, note, STYLE_NORMAL, step->note);
    if (step->mark == MARK_BUSY)
        canvas_cursor(canvas, row, 2);
}

static void draw_bar(const struct progress *progress, struct canvas *canvas, int row)
{
    size_t n = done(progress);
    int filled = (int)(n * BAR_WIDTH / progress->n);
    int end = canvas_printf(canvas, row, 2, STYLE_NORMAL, _("%zu of %zu done   ["), n, progress->n);

    canvas_fill(canvas, row, end, filled, STYLE_VALUE, '#');
    canvas_printf(canvas, row, end + BAR_WIDTH, STYLE_NORMAL, "]  %zu %%", n * 100 / progress->n);
}

void progress_draw(const struct progress *progress, struct canvas *canvas, int row, int rows)
{
    struct canvas *part = canvas_part(canvas, row, 0, rows, canvas_columns(canvas));
    int height = canvas_rows(part), at = 0;
    size_t room, first = 0, shown;

    /* Steps come first; when they do not all fit, those around the first that is not done. */
    room = height > 3 ? (size_t)height - 2 : (size_t)height;
    if (progress->n > room) {
        first = done(progress) > room / 2 ? done(progress) - room / 2 : 0;
        if (first + room > progress->n)
            first = progress->n - room;
    }
    for (size_t i = first; i < progress->n && i < first + room; i++)
        draw_step(&progress->steps[i], i + 1, part, at++);
    if (progress->n > 0 && at + 1 < height && !canvas_listens(canvas)) {
        draw_bar(progress, part, at + 1);
        at += 3;
    }
    shown = at < height ? (size_t)(height - at) : 0;
    if (shown > LOG_LINES)
        shown = LOG_LINES;
    if (shown > progress->logged)
        shown = progress->logged;
    for (size_t i = progress->logged - shown; i < progress->logged; i++)
        canvas_field(part, at++, 2, canvas_columns(part) - 3, STYLE_NORMAL,
                     progress->log[i % LOG_LINES]);
    canvas_free(part);
}
