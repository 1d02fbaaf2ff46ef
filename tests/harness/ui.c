#include "config.h"

#include "tests/harness/ui.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define SNAPSHOT_MAX ((size_t)256 * 1024)

const struct theme ui_ascii = {.colour = false, .unicode = false};
const struct theme ui_colour = {.colour = true, .unicode = true};

static void add_styles(const struct canvas *canvas, struct strbuf *out)
{
    static const char letters[STYLE_COUNT_ + 1] = ".TrlvFSowbk";

    strbuf_add_str(out, "styles\n");
    for (int row = 0; row < canvas_rows(canvas); row++) {
        size_t begin = out->len;

        for (int column = 0; column < canvas_columns(canvas); column++)
            strbuf_add_char(out, letters[canvas_cell(canvas, row, column)->style]);
        while (out->len > begin && out->data[out->len - 1] == '.')
            strbuf_truncate(out, out->len - 1);
        strbuf_add_char(out, '\n');
    }
}

static void picture(const struct canvas *canvas, struct strbuf *out)
{
    int row, column;

    canvas_to_text(canvas, out);
    if (canvas_cursor_at(canvas, &row, &column))
        strbuf_printf(out, "cursor %d,%d\n", row, column);
    else
        strbuf_add_str(out, "no cursor\n");
    if (canvas_theme(canvas)->colour)
        add_styles(canvas, out);
}

void ui_check_canvas(const struct canvas *canvas, const char *name)
{
    const char *source = getenv("top_srcdir"), *update = getenv("UPDATE_SNAPSHOTS");
    struct strbuf is = STRBUF_INIT, expected = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *path = mem_printf("%s/tests/snapshots/%s.txt", source ? source : ".", name);
    bool same;

    picture(canvas, &is);
    if (update && update[0]) {
        if (!fs_write_replace(path, is.data, is.len, FS_MODE_PUBLIC, &err))
            fail_msg("%s", err.msg);
    }
    if (!fs_read(path, SNAPSHOT_MAX, &expected, &err))
        fail_msg("%s (UPDATE_SNAPSHOTS=1 makes it)", err.msg);
    same = strbuf_equal(&is, &expected);
    if (!same)
        print_error("%s: expected\n%s\n%s: is\n%s\n", path, expected.data, path, is.data);
    strbuf_clear(&is);
    strbuf_clear(&expected);
    free(path);
    assert_true(same);
}

void ui_check_screen(const struct screen *screen, int rows, int columns, const struct theme *theme,
                     const char *name)
{
    struct canvas *canvas = canvas_new(rows, columns, theme);

    screen_draw(screen, canvas, false);
    ui_check_canvas(canvas, name);
    canvas_free(canvas);
}

void ui_check_navigator(struct navigator *navigator, int rows, int columns, const char *name)
{
    struct canvas *canvas = canvas_new(rows, columns, navigator_theme(navigator));

    navigator_draw(navigator, canvas);
    ui_check_canvas(canvas, name);
    canvas_free(canvas);
}

void ui_key(struct navigator *navigator, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    navigator_event(navigator, NULL, &event);
}

void ui_type(struct navigator *navigator, const char *text)
{
    const char *at = text, *end = text + strlen(text);

    while (at < end)
        ui_key(navigator, text_next(&at, end));
}

void ui_paste(struct navigator *navigator, const char *text)
{
    struct event event = {
        .type = EVENT_PASTE, .paste = text, .paste_len = strlen(text), .paste_whole = true};

    navigator_event(navigator, NULL, &event);
}

static char *drawn(struct navigator *navigator)
{
    struct canvas *canvas = canvas_new(24, 80, navigator_theme(navigator));
    struct strbuf text = STRBUF_INIT;

    navigator_draw(navigator, canvas);
    canvas_to_text(canvas, &text);
    canvas_free(canvas);
    return strbuf_steal(&text);
}

char *ui_message(struct navigator *navigator)
{
    char *text = drawn(navigator), *row = text, *message;

    for (int i = 0; i < 22; i++)
        row = strchr(row, '\n') + 1;
    row[strcspn(row, "\n")] = '\0';
    message = mem_strdup(row + strspn(row, " "));
    free(text);
    return message;
}

bool ui_shows(struct navigator *navigator, const char *text)
{
    char *all = drawn(navigator);
    bool shows = strstr(all, text) != NULL;

    free(all);
    return shows;
}
