/* input.c - fuzz target: any bytes from a terminal, in any pieces and at any time; what they become
 * is drawn. A piece is: its length, the milliseconds before it, its bytes. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/canvas.h"
#include "tui/input.h"
#include "tui/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_drawn(const char *text)
{
    static const struct theme theme = {.unicode = true};
    struct canvas *canvas = canvas_new(3, 7, &theme);

    canvas_text(canvas, 0, -1, STYLE_NORMAL, text);
    check(canvas_wrap(canvas, 1, 1, 5, 2, STYLE_NORMAL, text) <= 2);
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 7; column++) {
            const char *cell = canvas_cell(canvas, row, column)->text;
            const char *left = column > 0 ? canvas_cell(canvas, row, column - 1)->text : "";

            check(text_is_clean(cell));
            check(utf8_columns(cell) == (cell[0] == '\0' ? 0 : utf8_columns(cell) == 2 ? 2 : 1));
            check(cell[0] != '\0' || utf8_columns(left) == 2); /* a right half has its left one */
        }
    }
    canvas_free(canvas);
}

static void on_event(void *arg, const struct event *event)
{
    size_t *events = arg;
    char *text;

    (*events)++;
    if (event->type == EVENT_KEY) {
        check(event->key > 0 && event->key <= KEY_CODE_F10);
        return;
    }
    check(event->type == EVENT_PASTE && event->paste_len <= INPUT_PASTE_MAX);
    check(event->paste[event->paste_len] == '\0');
    text = mem_strndup(event->paste, event->paste_len);
    check_drawn(text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t events = 0;
    struct input *input = input_new(on_event, &events);
    char *all = mem_strndup((const char *)data, size);
    int64_t now = 1000;
    int ticks = 0;

    check_drawn(all);
    free(all);
    while (size >= 2) {
        size_t len = data[0];

        now += data[1];
        data += 2;
        size -= 2;
        if (len > size)
            len = size;
        input_feed(input, data, len, now);
        data += len;
        size -= len;
    }
    /* silence ends everything, and soon */
    while (input_deadline(input) >= 0) {
        check(++ticks < 10);
        check(input_deadline(input) <= now + 4000);
        if (input_deadline(input) > now)
            now = input_deadline(input);
        input_tick(input, now);
    }
    input_free(input);
    return 0;
}
