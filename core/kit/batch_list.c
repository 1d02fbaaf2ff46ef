/* batch_list.c - a list of roles, or CSV with named columns, as rows of a batch. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/batch.h"

#define FIELDS_MAX 32
#define DAYS_MAX   36500
#define NOTE_MAX   500 /* as issued.c */

enum column { COLUMN_ROLE, COLUMN_DAYS, COLUMN_KEY, COLUMN_NOTE, COLUMN_COUNT };

static const char *const column_names[] = {"role", "days", "key", "note"};

struct parser {
    const char *at;
    const char *end;
    size_t line;
    bool csv;
    int columns[FIELDS_MAX]; /* enum column of each field */
    size_t n_columns;
    struct strbuf fields[FIELDS_MAX];
    size_t n_fields;
    struct batch_list list;
    size_t bad; /* lines; the first one is in err */
};

void batch_list_clear(struct batch_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].role);
        free(list->rows[i].note);
    }
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

/* ---- lines and fields ---- */

static bool at_line_end(const struct parser *parser)
{
    return parser->at == parser->end || *parser->at == '\n' ||
           (*parser->at == '\r' && (parser->at + 1 == parser->end || parser->at[1] == '\n'));
}

static void next_line(struct parser *parser)
{
    while (parser->at < parser->end && *parser->at++ != '\n')
        ;
    parser->line++;
}

static void skip_blanks(struct parser *parser)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t'))
        parser->at++;
}

static void trim_end(struct strbuf *field)
{
    while (field->len > 0 && isspace((unsigned char)field->data[field->len - 1]))
        strbuf_truncate(field, field->len - 1);
}

/* "a ""quoted"" field", which may go over lines; false when it never ends. */
static bool read_quoted(struct parser *parser, struct strbuf *field)
{
    for (parser->at++; parser->at < parser->end; parser->at++) {
        if (*parser->at == '"') {
            parser->at++;
            if (parser->at == parser->end || *parser->at != '"')
                return true;
        }
        if (*parser->at == '\n')
            parser->line++;
        strbuf_add_char(field, *parser->at);
    }
    return false;
}

static bool read_field(struct parser *parser, struct strbuf *field)
{
    strbuf_reset(field);
    skip_blanks(parser);
    if (parser->csv && parser->at < parser->end && *parser->at == '"') {
        if (!read_quoted(parser, field))
            return false;
        skip_blanks(parser);
        return at_line_end(parser) || *parser->at == ',';
    }
    while (!at_line_end(parser) && !(parser->csv && *parser->at == ','))
        strbuf_add_char(field, *parser->at++);
    trim_end(field);
    return true;
}

static bool read_fields(struct parser *parser)
{
    parser->n_fields = 0;
    for (;;) {
        if (parser->n_fields == FIELDS_MAX ||
            !read_field(parser, &parser->fields[parser->n_fields++]))
            return false;
        if (at_line_end(parser))
            return true;
        parser->at++; /* the comma */
    }
}

/* ---- what is in them ---- */

static bool bad_line(struct parser *parser, size_t line, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static bool bad_line(struct parser *parser, size_t line, struct err *err, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    if (parser->bad++ > 0)
        return false; /* counted; the first one is told */
    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    err_set(err, ERR_BAD_VALUE, _("line %zu: %s"), line, text.data);
    strbuf_clear(&text);
    return false;
}

static bool has_column(const struct parser *parser, enum column column)
{
    for (size_t i = 0; i < parser->n_columns; i++)
        if (parser->columns[i] == (int)column)
            return true;
    return false;
}

static bool read_header(struct parser *parser, struct err *err)
{
    parser->csv = true;
    if (!read_fields(parser))
        return bad_line(parser, parser->line, err, _("the header cannot be read"));
    for (size_t i = 0; i < parser->n_fields; i++) {
        int found = -1;

        for (int k = 0; k < COLUMN_COUNT; k++)
            if (strcasecmp(parser->fields[i].data, column_names[k]) == 0)
                found = k;
        if (found < 0 || has_column(parser, (enum column)found))
            return bad_line(parser, parser->line, err,
                            _("there is no column \"%s\", or it is there twice: the "
                              "columns are role, days, key, note"),
                            parser->fields[i].data);
        parser->columns[parser->n_columns++] = found;
    }
    return has_column(parser, COLUMN_ROLE) ||
           bad_line(parser, parser->line, err, _("the column \"%s\" is missing"), "role");
}

/* The first line that says something: a header when it has a comma, or is "role" alone. */
static bool is_header(const struct parser *parser)
{
    const char *end = memchr(parser->at, '\n', (size_t)(parser->end - parser->at));
    size_t len = (size_t)((end != NULL ? end : parser->end) - parser->at);

    while (len > 0 && isspace((unsigned char)parser->at[len - 1]))
        len--;
    return memchr(parser->at, ',', len) != NULL ||
           (len == 4 && strncasecmp(parser->at, "role", 4) == 0);
}

static bool set_field(struct parser *parser, struct batch_row *row, enum column column,
                      const char *text, struct err *err)
{
    struct err inner = ERR_INIT;
    int64_t days;

    switch (column) {
    case COLUMN_ROLE:
        if (!name_check_common_name(text, &inner))
            return bad_line(parser, row->line, err, "%s", inner.msg);
        row->role = mem_strdup(text);
        break;
    case COLUMN_DAYS:
        if (*text == '\0')
            break;
        if (!text_parse_int(text, 1, DAYS_MAX, &days))
            return bad_line(parser, row->line, err,
                            _("\"%s\" is no number of days from 1 to 36500"), text);
        row->days = (int)days;
        break;
    case COLUMN_KEY:
        if (*text == '\0')
            break;
        if (!key_type_parse(text, &row->key_type, &inner))
            return bad_line(parser, row->line, err, "%s", inner.msg);
        row->has_key_type = true;
        break;
    case COLUMN_NOTE:
        if (strlen(text) > NOTE_MAX)
            return bad_line(parser, row->line, err, _("the note is longer than %d bytes"),
                            NOTE_MAX);
        if (*text != '\0')
            row->note = mem_strdup(text);
        break;
    case COLUMN_COUNT:
        break;
    }
    return true;
}

static void read_row(struct parser *parser, struct err *err)
{
    struct batch_row row = {.line = parser->line};
    bool good = read_fields(parser);
    size_t wanted = parser->csv ? parser->n_columns : 1;

    if (!good)
        bad_line(parser, row.line, err, _("a quoted field has no end"));
    else if (parser->n_fields > wanted)
        good = bad_line(parser, row.line, err, _("too many fields, near \"%s\""),
                        parser->fields[wanted].data);
    for (size_t i = 0; good && i < parser->n_fields; i++) {
        if (memchr(parser->fields[i].data, '\0', parser->fields[i].len) != NULL)
            good = bad_line(parser, row.line, err, _("it has a NUL byte"));
        else
            good =
                set_field(parser, &row, parser->csv ? (enum column)parser->columns[i] : COLUMN_ROLE,
                          parser->fields[i].data, err);
    }
    if (good && row.role == NULL)
        good = bad_line(parser, row.line, err, _("there is no role"));
    if (!good) {
        free(row.role);
        free(row.note);
        return;
    }
    if ((parser->list.n & (parser->list.n - 1)) == 0) /* grows by doubling */
        parser->list.rows = mem_realloc_array(
            parser->list.rows, parser->list.n == 0 ? 1 : parser->list.n * 2, sizeof(row));
    parser->list.rows[parser->list.n++] = row;
}

/* ---- twice the same ---- */

struct named {
    char *folder;
    const struct batch_row *row;
};

static int compare(const void *a, const void *b)
{
    const struct named *one = a;
    const struct named *two = b;
    int order = strcmp(one->folder, two->folder);

    return order != 0 ? order
                      : (one->row->line > two->row->line) - (one->row->line < two->row->line);
}

/* Each role gets a folder of its own: two that would share one are refused. */
static void check_twice(struct parser *parser, struct err *err)
{
    struct named *names = mem_array(parser->list.n + 1, sizeof(*names));

    for (size_t i = 0; i < parser->list.n; i++) {
        names[i].folder = kit_file_base(parser->list.rows[i].role, ISSUED_CLIENT);
        names[i].row = &parser->list.rows[i];
    }
    qsort(names, parser->list.n, sizeof(*names), compare);
    for (size_t i = 1; i < parser->list.n; i++)
        if (strcmp(names[i - 1].folder, names[i].folder) == 0)
            bad_line(parser, names[i].row->line, err,
                     _("the role \"%s\" is there twice, or would get the folder of another one"),
                     names[i].row->role);
    for (size_t i = 0; i < parser->list.n; i++)
        free(names[i].folder);
    free(names);
}

bool batch_parse(const char *bytes, size_t len, struct batch_list *ret, struct err *err)
{
    struct parser parser = {.at = bytes, .end = bytes + len, .line = 1};
    bool first = true;

    if (len > BATCH_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, _("the list is larger than %u bytes"), BATCH_BYTES_MAX);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        strbuf_init(&parser.fields[i]);
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) /* a byte order mark of Excel */
        parser.at += 3;
    while (parser.at < parser.end) {
        skip_blanks(&parser);
        if (!at_line_end(&parser) && *parser.at != '#') {
            if (first && is_header(&parser)) {
                if (!read_header(&parser, err))
                    break;
            } else {
                read_row(&parser, err);
            }
            first = false;
        }
        next_line(&parser);
    }
    if (parser.list.n > BATCH_ROWS_MAX && parser.bad++ == 0)
        err_set(err, ERR_TOO_LARGE, _("the list has more than %d rows"), BATCH_ROWS_MAX);
    if (parser.bad == 0)
        check_twice(&parser, err);
    if (parser.bad == 0 && parser.list.n == 0 && parser.bad++ == 0)
        err_set(err, ERR_BAD_VALUE, _("the list has no role"));
    for (size_t i = 0; i < FIELDS_MAX; i++)
        strbuf_clear(&parser.fields[i]);
    if (parser.bad > 1)
        err_hint(err, _("%zu more lines are not right."), parser.bad - 1);
    if (parser.bad > 0) {
        batch_list_clear(&parser.list);
        return false;
    }
    *ret = parser.list;
    return true;
}
