/* svg.c - the screen of a terminal as a picture. */
#include "config.h"

#include "tests/harness/svg.h"

#include "core/base/text.h"

#define CELL_WIDTH  9 /* pixels */
#define CELL_HEIGHT 19
#define BASE_LINE   14 /* of the text, from the top of its row */
#define MARGIN      14
#define BACKGROUND  "#1c1f26"
#define FOREGROUND  "#d7dae0"

/* Of a dark terminal; index is the colour of the cell. */
static const char *const colours[8] = {"#5c6370", "#f0717b", "#98d379", "#ecc271",
                                       "#6cb2f7", "#d08be8", "#62c7d4", FOREGROUND};

static bool alike(const struct pty_cell *a, const struct pty_cell *b)
{
    return a->colour == b->colour && a->bold == b->bold && a->reverse == b->reverse;
}

static void add_escaped(struct strbuf *out, uint32_t character)
{
    if (character == '<')
        strbuf_add_str(out, "&lt;");
    else if (character == '&')
        strbuf_add_str(out, "&amp;");
    else
        text_put(out, character != 0 ? character : ' ');
}

/* The cells of a row from column to end, which look alike. */
static void add_run(struct strbuf *out, const struct pty_cell *look, const struct strbuf *text,
                    int row, int column, int end)
{
    int x = MARGIN + column * CELL_WIDTH, y = MARGIN + row * CELL_HEIGHT;
    const char *colour = look->colour >= 0 ? colours[look->colour] : FOREGROUND;

    if (look->reverse)
        strbuf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", x,
                      y, (end - column) * CELL_WIDTH, CELL_HEIGHT, colour);
    strbuf_printf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\"", x, y + BASE_LINE,
                  (end - column) * CELL_WIDTH);
    if (look->reverse || look->colour >= 0)
        strbuf_printf(out, " fill=\"%s\"", look->reverse ? BACKGROUND : colour);
    if (look->bold)
        strbuf_add_str(out, " font-weight=\"bold\"");
    strbuf_printf(out, ">%s</text>\n", text->data);
}

static void add_row(struct strbuf *out, struct pty *pty, int row, int columns)
{
    struct strbuf text = STRBUF_INIT;
    struct pty_cell look = {0}, cell;
    int begin = 0;
    bool blank = true;

    for (int column = 0; column <= columns; column += column < columns ? cell.width : 1) {
        if (column < columns)
            pty_cell(pty, row, column, &cell);
        if (column == columns || !alike(&cell, &look) || column == 0) {
            if (column > 0 && (!blank || look.reverse))
                add_run(out, &look, &text, row, begin, column);
            strbuf_reset(&text);
            begin = column;
            blank = true;
            look = cell;
        }
        if (column < columns) {
            add_escaped(&text, cell.character);
            blank = blank && (cell.character == 0 || cell.character == ' ');
        }
    }
    strbuf_clear(&text);
}

void svg_of_screen(struct pty *pty, const char *title, struct strbuf *out)
{
    int rows, columns;

    pty_size(pty, &rows, &columns);
    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                  "font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" "
                  "font-size=\"15\" fill=\"%s\" xml:space=\"preserve\" role=\"img\">\n"
                  "<title>%s</title>\n"
                  "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"%s\"/>\n",
                  2 * MARGIN + columns * CELL_WIDTH, 2 * MARGIN + rows * CELL_HEIGHT, FOREGROUND,
                  title, BACKGROUND);
    for (int row = 0; row < rows; row++)
        add_row(out, pty, row, columns);
    strbuf_add_str(out, "</svg>\n");
}
