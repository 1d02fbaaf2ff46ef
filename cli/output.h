/*
 * output.h - what commands print: text, tables, JSON, progress and errors.
 *
 * Source   design/cli.md: data on standard output, messages and progress on standard error; JSON
 *          documents carry "v":1 and are ASCII; exit codes in command.h.
 * Shapes   text from outside is clean already or goes through json_text() / text_clean().
 * Errors   writing never fails on the spot; output_close() tells whether all of it arrived.
 */
#ifndef PGSEAL_CLI_OUTPUT_H
#define PGSEAL_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

struct output {
    bool json;
    bool quiet;
    int verbose;
    bool color; /* standard error is a terminal that wants colours */
    bool ascii;
    bool plain; /* --plain, or ACCESSIBLE: also no colours, and the wizard without a screen */
    json_t
        *done; /* or NULL; owned: what was done before it failed, beside "error" in one document */
};

/* A line of the result, on standard output; nothing with --json. */
void output_line(const struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What was done or is to be done next, on standard error; nothing with --quiet. */
void output_note(const struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, with --verbose only. */
void output_detail(const struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "pgseal: warning: …", also with --quiet. */
void output_warning(const struct output *output, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "pgseal: error PS-nnnn: …" with cause, state and help; with --json also the document. */
void output_error(const struct output *output, const struct err *err);

/* Rows of n_columns cells each, aligned by screen columns; the last column is not padded. Nothing
 * with --json. NULL cells are empty. */
void output_table(const struct output *output, size_t n_columns, const char *const *headers,
                  size_t n_rows, const char *const *cells);
/* "label: value" lines with aligned values; an empty value prints nothing. */
void output_pair(const struct output *output, const char *label, const char *value);

/* One document: adds "v":1 in front, prints, and frees it. compact: one line. */
void output_json(json_t *document, bool compact);

/* True when standard output is a pipe that nobody reads any more ("pgseal list | head -1"). */
bool output_reader_gone(void);
/* Flushes; ERR_FILE or ERR_DISK_FULL when something could not be written. */
bool output_close(struct err *err) MUST_CHECK;

json_t *json_text(const char *text) MUST_CHECK;            /* cleaned; NULL and "" become null */
json_t *json_string_or_empty(const char *text) MUST_CHECK; /* cleaned; NULL becomes "" */
json_t *json_time(int64_t when) MUST_CHECK;                /* RFC 3339; 0 becomes null */
json_t *output_error_document(const struct err *err) MUST_CHECK;

#endif
