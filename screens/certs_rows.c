/* certs_rows.c - the list of all certificates: its columns, and what stands in each. */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "screens/certs_parts.h"

const struct table_column certs_columns[CERTS_COLUMNS] = {
    [COLUMN_NAME] = {.title = N_("NAME"), .width = 13, .keep = 100, .grow = true},
    [COLUMN_KIND] = {.title = N_("KIND"), .width = 6, .keep = 30},
    [COLUMN_CA] = {.title = N_("CA"), .width = 12, .keep = 40},
    [COLUMN_SERIAL] = {.title = N_("SERIAL"), .width = 8, .keep = 50},
    [COLUMN_ENDS] = {.title = N_("ENDS"), .width = 10, .keep = 80},
    [COLUMN_LEFT] = {.title = N_("LEFT"), .width = 6, .keep = 60, .right = true},
    [COLUMN_STATE] = {.title = N_("STATE"), .width = 14, .keep = 90},
};

const struct issued *certs_row_at(const struct certs *self, size_t row)
{
    return self->list->list.rows[row];
}

size_t certs_row_count(const void *arg)
{
    const struct certs *self = arg;

    return self->list != NULL ? self->list->list.n : 0;
}

static enum mark state_mark(const struct certs *self, const struct issued *issued)
{
    switch (issued_state_at(issued, clock_now(), self->query.within_days)) {
    case ISSUED_VALID:
        return issued->delivered ? MARK_OK : MARK_WARN;
    case ISSUED_EXPIRING:
        return MARK_WARN;
    case ISSUED_EXPIRED:
        return MARK_BAD;
    case ISSUED_REVOKED:
        break;
    }
    return MARK_OFF;
}

static const char *state_text(const struct certs *self, const struct issued *issued)
{
    switch (issued_state_at(issued, clock_now(), self->query.within_days)) {
    case ISSUED_VALID:
        return issued->delivered ? _("valid") : _("no files");
    case ISSUED_EXPIRING:
        return issued->delivered ? _("ends soon") : _("no files");
    case ISSUED_EXPIRED:
        return _("ended");
    case ISSUED_REVOKED:
        break;
    }
    return _("revoked");
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct certs *self = arg;
    const struct issued *issued = certs_row_at(self, row);
    char date[CLOCK_TEXT_MAX], hex[SERIAL_HEX_MAX];

    switch ((enum certs_column)column) {
    case COLUMN_NAME:
        text_clean(out, issued->role, strlen(issued->role), TEXT_ONE_LINE);
        break;
    case COLUMN_KIND:
        strbuf_add_str(out, issued_kind_name(issued->kind));
        break;
    case COLUMN_CA:
        text_clean(out, issued->authority, strlen(issued->authority), TEXT_ONE_LINE);
        break;
    case COLUMN_SERIAL:
        strbuf_printf(out, "%.8s", serial_format_hex(hex, &issued->serial));
        break;
    case COLUMN_ENDS:
        strbuf_add_str(out, clock_format_date(date, issued->not_after));
        break;
    case COLUMN_LEFT:
        if (issued->revoked_at != 0 || issued->not_after <= clock_now())
            strbuf_add_char(out, '-');
        else
            strbuf_printf(out, _("%lld d"), (long long)clock_days_until(issued->not_after));
        break;
    case COLUMN_STATE:
        strbuf_printf(out, "%s %s", mark_text(state_mark(self, issued)), state_text(self, issued));
        break;
    case CERTS_COLUMNS:
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    return (uint64_t)certs_row_at(arg, row)->id;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    return column == COLUMN_STATE ? mark_style(state_mark(arg, certs_row_at(arg, row)))
                                  : STYLE_NORMAL;
}

const struct table_rows certs_rows = {certs_row_count, rows_cell, rows_key, rows_style};
