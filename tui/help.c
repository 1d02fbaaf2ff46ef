#include "config.h"

#include "core/base/intl.h"
#include "tui/overlay.h"
#include "tui/utf8.h"

#define WIDTH      72 /* of the overlay's text at 80 columns */
#define KEYS_WIDTH 8
#define HERE_WIDTH 34 /* the left one of two columns */
#define LINES_MAX  48

static const struct {
    const char *keys, *help;
} everywhere[] = {
    {N_("Tab S-Tab"), N_("next, previous field")},
    {"Esc", N_("one step back")},
    {"F1  Ctrl-G", N_("this help")},
    {"F2  Ctrl-O", N_("the same by hand")},
    {"F3  Ctrl-T", N_("words explained")},
    {"F8", N_("fold the Why rows")},
    {"F9", N_("plain look on, off")},
    {"F10 Ctrl-Q", N_("quit (asks first)")},
    {"Ctrl-L", N_("draw again")},
    {"Ctrl-Z", N_("suspend")},
};

static void pad(struct strbuf *out, const char *text, int width)
{
    int columns = utf8_columns(text);

    strbuf_add_str(out, text);
    if (columns < width)
        strbuf_add_repeat(out, ' ', (size_t)(width - columns));
}

static void key_line(struct strbuf *out, const char *keys, int keys_width, const char *help)
{
    strbuf_add_str(out, "  ");
    pad(out, keys, keys_width);
    strbuf_add_str(out, " ");
    strbuf_add_str(out, help);
}

static void wrapped(struct strbuf *out, const char *text)
{
    while (*text) {
        size_t next, len = utf8_wrap(text, WIDTH, &next);

        strbuf_add(out, text, len);
        strbuf_add_char(out, '\n');
        text += next;
    }
}

/* Keys of the focus as lines; false when one is too wide for the left column. */
static bool keys_here(const struct binding *bindings, struct strbuf *lines, size_t max,
                      size_t *ret_n)
{
    bool narrow = true;
    size_t n = 0;

    for (; bindings && bindings->keys && n < max; bindings++, n++) {
        const char *help = bindings->help ? bindings->help : bindings->label;

        key_line(&lines[n], gettext(bindings->keys), KEYS_WIDTH, gettext(help));
        if (utf8_columns(lines[n].data) >= HERE_WIDTH)
            narrow = false;
    }
    *ret_n = n;
    return narrow;
}

static void two_columns(struct strbuf *out, const struct strbuf *here, size_t n)
{
    pad(out, _("Keys here"), HERE_WIDTH);
    strbuf_printf(out, "%s\n", _("Keys everywhere"));
    for (size_t i = 0; i < n || i < ARRAY_LEN(everywhere); i++) {
        struct strbuf line = STRBUF_INIT;

        pad(&line, i < n ? here[i].data : "", HERE_WIDTH);
        if (i < ARRAY_LEN(everywhere))
            key_line(&line, gettext(everywhere[i].keys), 11, gettext(everywhere[i].help));
        while (line.len > 0 && line.data[line.len - 1] == ' ')
            strbuf_truncate(&line, line.len - 1);
        strbuf_printf(out, "%s\n", line.data);
        strbuf_clear(&line);
    }
}

/* A key with what it does, which goes on below itself where it is long. */
static void wrapped_key(struct strbuf *out, const char *line, int indent)
{
    const char *text = line;
    bool first = true;

    while (*text) {
        size_t next, len = utf8_wrap(text, WIDTH - (first ? 0 : indent), &next);

        strbuf_add_repeat(out, ' ', first ? 0 : (size_t)indent);
        strbuf_add(out, text, len);
        strbuf_add_char(out, '\n');
        text += next;
        first = false;
    }
}

static void one_column(struct strbuf *out, const struct strbuf *here, size_t n)
{
    strbuf_printf(out, "%s\n", _("Keys here"));
    for (size_t i = 0; i < n; i++)
        wrapped_key(out, here[i].data, 2 + KEYS_WIDTH + 1);
    strbuf_printf(out, "\n%s\n", _("Keys everywhere"));
    for (size_t i = 0; i < ARRAY_LEN(everywhere); i++) {
        key_line(out, gettext(everywhere[i].keys), 11, gettext(everywhere[i].help));
        strbuf_add_char(out, '\n');
    }
}

void overlay_help_text(const struct frame *frame, struct strbuf *out)
{
    struct strbuf here[LINES_MAX];
    size_t n = 0;
    bool narrow;

    for (size_t i = 0; i < LINES_MAX; i++)
        strbuf_init(&here[i]);
    if (frame->help && frame->help[0]) {
        wrapped(out, gettext(frame->help));
        strbuf_add_char(out, '\n');
    } else if (frame->why && frame->why[0]) {
        wrapped(out, frame->why);
        strbuf_add_char(out, '\n');
    }
    narrow = keys_here(frame->bindings, here, LINES_MAX, &n);
    if (narrow)
        two_columns(out, here, n);
    else
        one_column(out, here, n);
    strbuf_printf(out, "\n%s\n",
                  _("F-keys do not work? Hold Alt and press the digit: Alt-1 is F1."));
    strbuf_printf(out, "%s\n", _("Paste: Ctrl-Shift-V, Shift-Insert or the right mouse button."));
    for (size_t i = 0; i < LINES_MAX; i++)
        strbuf_clear(&here[i]);
}
