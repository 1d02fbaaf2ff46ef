#include "config.h"

#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static void print_line(FILE *file, const char *prefix, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);

static void print_line(FILE *file, const char *prefix, const char *fmt, va_list args)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf line = STRBUF_INIT;

    strbuf_add_str(&line, prefix);
    strbuf_vprintf(&text, fmt, args);
    /* a name from a backup, a file or a command line moves no cursor, whoever passed it on */
    text_clean(&line, text.data, text.len, TEXT_KEEP_NEWLINES);
    strbuf_add_char(&line, '\n');
    fwrite(line.data, 1, line.len, file);
    strbuf_clear(&text);
    strbuf_clear(&line);
}

void output_line(const struct output *output, const char *fmt, ...)
{
    va_list args;

    if (output->json)
        return;
    va_start(args, fmt);
    print_line(stdout, "", fmt, args);
    va_end(args);
}

void output_note(const struct output *output, const char *fmt, ...)
{
    va_list args;

    if (output->quiet)
        return;
    va_start(args, fmt);
    print_line(stderr, "", fmt, args);
    va_end(args);
}

void output_detail(const struct output *output, const char *fmt, ...)
{
    va_list args;

    if (output->quiet || output->verbose == 0)
        return;
    va_start(args, fmt);
    print_line(stderr, "", fmt, args);
    va_end(args);
}

void output_warning(const struct output *output, const char *fmt, ...)
{
    va_list args;

    (void)output;
    va_start(args, fmt);
    print_line(stderr, _("pgseal: warning: "), fmt, args);
    va_end(args);
}

static void labelled(const char *label, const char *text)
{
    if (*text)
        fprintf(stderr, "%s %s\n", label, text);
}

void output_error(const struct output *output, const struct err *err)
{
    const char *bold = output->color ? "\033[1;31m" : "";
    const char *plain = output->color ? "\033[0m" : "";

    if (output->json) {
        json_t *document = output_error_document(err);

        if (output->done)
            json_object_update_missing(document, output->done);
        output_json(document, false);
    }
    fflush(stdout);
    fprintf(stderr, "pgseal: %serror PS-%04d:%s %s\n", bold, (int)err->code, plain, err->msg);
    labelled("cause:", err_cause_text(err));
    labelled("state:", err_state_text(err));
    labelled("help:", err_hint_text(err));
}

/* Screen columns of clean UTF-8 text; bytes where the locale cannot say. */
static size_t columns(const char *text)
{
    size_t width = 0;
    mbstate_t state;
    size_t left = strlen(text);

    memset(&state, 0, sizeof(state));
    while (left > 0) {
        wchar_t wide;
        size_t used = mbrtowc(&wide, text, left, &state);
        int one;

        if (used == (size_t)-1 || used == (size_t)-2) {
            memset(&state, 0, sizeof(state));
            used = 1;
            one = 1;
        } else {
            one = wcwidth(wide);
        }
        width += one > 0 ? (size_t)one : 0;
        text += used;
        left -= used;
    }
    return width;
}

static void add_row(struct strbuf *out, size_t n_columns, const size_t *widths,
                    const char *const *cells)
{
    for (size_t c = 0; c < n_columns; c++) {
        const char *cell = cells[c] ? cells[c] : "";
        text_clean(out, cell, strlen(cell), TEXT_ONE_LINE);
        if (c + 1 < n_columns)
            strbuf_add_repeat(out, ' ', widths[c] - columns(cell) + 2);
    }
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        strbuf_truncate(out, out->len - 1);
    strbuf_add_char(out, '\n');
}

void output_table(const struct output *output, size_t n_columns, const char *const *headers,
                  size_t n_rows, const char *const *cells)
{
    struct strbuf out = STRBUF_INIT;
    size_t *widths;

    if (output->json)
        return;
    widths = mem_array(n_columns, sizeof(*widths));
    for (size_t c = 0; c < n_columns; c++) {
        widths[c] = columns(headers[c]);
        for (size_t r = 0; r < n_rows; r++) {
            const char *cell = cells[r * n_columns + c];
            size_t width = cell ? columns(cell) : 0;
            if (width > widths[c])
                widths[c] = width;
        }
    }
    add_row(&out, n_columns, widths, headers);
    for (size_t r = 0; r < n_rows; r++)
        add_row(&out, n_columns, widths, cells + r * n_columns);
    fwrite(out.data, 1, out.len, stdout);
    strbuf_clear(&out);
    free(widths);
}

void output_pair(const struct output *output, const char *label, const char *value)
{
    struct strbuf clean = STRBUF_INIT;

    if (output->json || !value || *value == '\0')
        return;
    text_clean(&clean, value, strlen(value), TEXT_KEEP_NEWLINES);
    printf("%-14s %s\n", label, clean.data);
    strbuf_clear(&clean);
}

void output_json(json_t *document, bool compact)
{
    json_t *whole = json_pack("{s:i}", "v", 1);
    char *text;

    json_object_update(whole, document);
    text = json_dumps(whole, JSON_ENSURE_ASCII | (compact ? JSON_COMPACT : JSON_INDENT(2)));
    puts(text);
    if (compact)
        fflush(stdout);
    free(text);
    json_decref(whole);
    json_decref(document);
}

bool output_reader_gone(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return ferror(stdout) && poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR);
}

bool output_close(struct err *err)
{
    bool failed;

    errno = 0;
    failed = fflush(stdout) != 0 || ferror(stdout);
    if (failed) {
        err_set_errno(err, ERR_FILE, errno ? errno : EIO,
                      _("standard output could not be written"));
        return err_state(err, _("What the command did is done; only its text is not whole."));
    }
    return true;
}

json_t *json_text(const char *text)
{
    return text && *text ? json_string_or_empty(text) : json_null();
}

json_t *json_string_or_empty(const char *text)
{
    struct strbuf clean = STRBUF_INIT;
    json_t *json;

    if (text)
        text_clean(&clean, text, strlen(text), TEXT_KEEP_NEWLINES);
    json = json_stringn(clean.data, clean.len);
    strbuf_clear(&clean);
    return json;
}

json_t *json_time(int64_t when)
{
    char text[CLOCK_TEXT_MAX];

    return when == 0 ? json_null() : json_string(clock_format_rfc3339(text, when));
}

json_t *output_error_document(const struct err *err)
{
    char code[16];

    snprintf(code, sizeof(code), "PS-%04d", (int)err->code);
    return json_pack("{s:{s:s, s:o, s:o, s:o, s:o}}", "error", "code", code, "message",
                     json_string_or_empty(err->msg), "cause",
                     json_string_or_empty(err_cause_text(err)), "state",
                     json_string_or_empty(err_state_text(err)), "help",
                     json_string_or_empty(err_hint_text(err)));
}
