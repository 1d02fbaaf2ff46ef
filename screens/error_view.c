/* error_view.c - an error as a page shows it. */
#include "config.h"

#include "screens/error_view.h"

#include <stdio.h>

#include "core/base/attr.h"
#include "core/base/intl.h"
#include "screens/without_options.h"

#define LABEL_AT 2
#define TEXT_AT  17 /* mock-up 8.14 */

int error_view_draw(const struct err *err, struct canvas *canvas, int row, int rows)
{
    const struct {
        const char *label, *text;
    } parts[] = {{_("Likely cause"), err_cause_text(err)},
                 {_("State now"), err_state_text(err)},
                 {_("Help"), err_hint_text(err)}};
    int end = row + rows, width = canvas_columns(canvas) - TEXT_AT - 2, at;
    char first[320], text[512];

    at = canvas_mark(canvas, row, LABEL_AT, MARK_BAD) + 1;
    snprintf(first, sizeof(first), _("error PS-%d: %s"), (int)err->code, err->msg);
    row += canvas_wrap(canvas, row, at, canvas_columns(canvas) - at - 2, 3, STYLE_STRONG, first);
    row++;
    for (size_t i = 0; i < ARRAY_LEN(parts) && row < end; i++) {
        if (!parts[i].text[0])
            continue;
        canvas_text(canvas, row, LABEL_AT, STYLE_LABEL, parts[i].label);
        without_options(parts[i].text, text, sizeof(text));
        row += canvas_wrap(canvas, row, TEXT_AT, width, end - row, STYLE_NORMAL, text);
    }
    return row;
}

bool error_view_instead(const struct err *err, const char *reading, struct canvas *body)
{
    if (err == NULL)
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL, reading);
    else if (err->code != ERR_NONE)
        (void)error_view_draw(err, body, 0, canvas_rows(body));
    return err == NULL || err->code != ERR_NONE;
}
