/* authorities.c - the CAs of the store, those that wait for their certificate. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority_request.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "tui/table.h"

#define SOON_DAYS     365
#define CRL_SOON_DAYS 30
#define SHEET_ROWS    2

enum column {
    COLUMN_NAME,
    COLUMN_KEY,
    COLUMN_ENDS,
    COLUMN_ISSUED,
    COLUMN_REVOKED,
    COLUMN_CRL,
    COLUMN_STATE
};

struct list_job {
    char *store_folder;
    struct authority_list list;
    struct authority_request_list requests;
    struct err err;
};

struct authorities {
    struct app *app;
    struct table *table;
    struct list_job *list; /* NULL: not read yet */
    struct job *job;
};

static const struct table_column columns[] = {
    [COLUMN_NAME] = {.title = N_("NAME"), .width = 16, .keep = 100, .grow = true},
    [COLUMN_KEY] = {.title = N_("KEY"), .width = 8, .keep = 30},
    [COLUMN_ENDS] = {.title = N_("ENDS"), .width = 10, .keep = 80},
    [COLUMN_ISSUED] = {.title = N_("ISSUED"), .width = 6, .keep = 60, .right = true},
    [COLUMN_REVOKED] = {.title = N_("REVOKED"), .width = 7, .keep = 50, .right = true},
    [COLUMN_CRL] = {.title = N_("CRL ENDS"), .width = 10, .keep = 70},
    [COLUMN_STATE] = {.title = N_("STATE"), .width = 13, .keep = 90},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {N_("Enter"), N_("Sheet"), N_("all about the CA, and what can be done with it"), 90},
    {"a", N_("New..."), N_("another CA, with its key in this store"), 80},
    {"i", N_("Intermediate..."),
     N_("a CA under a root kept elsewhere; on a line that waits: take its certificate in"), 75},
    {"m", N_("Import..."), N_("a CA from elsewhere: easy-rsa, openssl ca, or its two files"), 60},
    {"d", N_("Delete..."), N_("for ever: asks for its name"), 40},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 0},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- rows: the CAs, then the requests ---- */

static size_t rows_count(const void *arg)
{
    const struct authorities *self = arg;

    return self->list != NULL ? self->list->list.n + self->list->requests.n : 0;
}

static const struct authority *authority_at(const struct authorities *self, size_t row)
{
    return row < self->list->list.n ? self->list->list.rows[row] : NULL;
}

/* Only of a row that is no CA. */
static const struct authority_request *request_at(const struct authorities *self, size_t row)
{
    return self->list->requests.rows[row - self->list->list.n];
}

static enum mark until(int64_t when, int soon_days)
{
    int64_t left = when - clock_now();

    return left <= 0 ? MARK_BAD : left < soon_days * CLOCK_DAY ? MARK_WARN : MARK_OK;
}

static enum mark state_mark(const struct authority *ca)
{
    enum mark end = until(cert_not_after(ca->cert), SOON_DAYS);
    enum mark crl = until(ca->crl.next_update, CRL_SOON_DAYS);

    if (ca->retired || !ca->has_key)
        return MARK_OFF;
    if (end == MARK_BAD || crl == MARK_BAD)
        return MARK_BAD;
    return end == MARK_WARN || crl == MARK_WARN ? MARK_WARN : MARK_OK;
}

static const char *state_text(const struct authority *ca)
{
    enum mark end = until(cert_not_after(ca->cert), SOON_DAYS);
    enum mark crl = until(ca->crl.next_update, CRL_SOON_DAYS);

    if (ca->retired)
        return _("retired");
    if (!ca->has_key)
        return _("no key");
    if (end == MARK_BAD)
        return _("ended");
    if (crl == MARK_BAD)
        return _("CRL over");
    if (end == MARK_WARN)
        return _("renew");
    return crl == MARK_WARN ? _("CRL ends") : _("in use");
}

static void request_cell(const struct authority_request *request, size_t column, struct strbuf *out)
{
    switch ((enum column)column) {
    case COLUMN_NAME:
        text_clean(out, request->name, strlen(request->name), TEXT_ONE_LINE);
        break;
    case COLUMN_KEY:
        strbuf_add_str(out, key_type_title(csr_key_type(request->csr)));
        break;
    case COLUMN_STATE:
        strbuf_printf(out, "%s %s", mark_text(MARK_TODO), _("waits"));
        break;
    case COLUMN_ENDS:
    case COLUMN_ISSUED:
    case COLUMN_REVOKED:
    case COLUMN_CRL:
        strbuf_add_char(out, '-');
        break;
    }
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct authority *ca = authority_at(arg, row);
    char date[CLOCK_TEXT_MAX];

    if (ca == NULL) {
        request_cell(request_at(arg, row), column, out);
        return;
    }
    switch ((enum column)column) {
    case COLUMN_NAME:
        text_clean(out, ca->name, strlen(ca->name), TEXT_ONE_LINE);
        break;
    case COLUMN_KEY:
        strbuf_add_str(out, key_type_title(cert_key_type(ca->cert)));
        break;
    case COLUMN_ENDS:
        strbuf_add_str(out, clock_format_date(date, cert_not_after(ca->cert)));
        break;
    case COLUMN_ISSUED:
        strbuf_printf(out, "%lld", (long long)ca->issued);
        break;
    case COLUMN_REVOKED:
        strbuf_printf(out, "%lld", (long long)ca->revoked);
        break;
    case COLUMN_CRL:
        strbuf_add_str(out, clock_format_date(date, ca->crl.next_update));
        break;
    case COLUMN_STATE:
        strbuf_printf(out, "%s %s", mark_text(state_mark(ca)), state_text(ca));
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct authority *ca = authority_at(arg, row);

    return ca != NULL ? (uint64_t)ca->id << 1 : (uint64_t)request_at(arg, row)->id << 1 | 1;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct authority *ca = authority_at(arg, row);

    return column == COLUMN_STATE && ca != NULL ? mark_style(state_mark(ca)) : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

/* ---- reading ---- */

static void list_run(struct job *job, void *data)
{
    struct list_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT; /* there is none yet */
    if (store != NULL && authority_list(store, &self->list, &self->err))
        (void)!authority_request_list(store, &self->requests, &self->err);
    store_close(store);
}

static void list_free(void *data)
{
    struct list_job *self = data;

    if (self == NULL)
        return;
    authority_list_clear(&self->list);
    authority_request_list_clear(&self->requests);
    free(self->store_folder);
    free(self);
}

static const struct job_ops list_ops = {"authorities", list_run, list_free};

static void refresh(struct authorities *self)
{
    struct list_job *data;

    if (self->job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    self->job = job_start(app_loop(self->app), self, &list_ops, data);
}

static void read_ended(struct authorities *self)
{
    list_free(self->list);
    self->list = job_take(self->job);
    self->job = NULL;
    table_refresh(self->table);
}

/* ---- events ---- */

static const char *name_here(const struct authorities *self)
{
    size_t row;

    if (self->list == NULL || !table_has_row(self->table))
        return NULL;
    row = table_row(self->table);
    return authority_at(self, row) != NULL ? authority_at(self, row)->name
                                           : request_at(self, row)->name;
}

static bool waits_here(const struct authorities *self)
{
    return name_here(self) != NULL && authority_at(self, table_row(self->table)) == NULL;
}

static struct nav key_event(struct authorities *self, uint32_t key)
{
    const char *name = name_here(self);

    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    switch (key) {
    case KEY_CODE_ENTER:
        if (name == NULL)
            return nav_push(page_new_ca(self->app));
        return nav_push(waits_here(self) ? page_ca_install(self->app, name)
                                         : page_authority(self->app, name));
    case 'a':
        return nav_push(page_new_ca(self->app));
    case 'i':
        return nav_push(waits_here(self) ? page_ca_install(self->app, name)
                                         : page_ca_request(self->app));
    case 'm':
        return nav_push(page_ca_import(self->app));
    case 'd':
    case KEY_CODE_DELETE:
        return name != NULL ? nav_push(page_ca_delete(self->app, name)) : nav_stay();
    case KEY_CODE_F5:
    case 'r':
        refresh(self);
        break;
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        if (table_key(self->table, key) == TABLE_IGNORED)
            return nav_pop();
        break;
    default:
        (void)table_key(self->table, key);
        break;
    }
    return nav_stay();
}

static struct nav authorities_event(void *arg, const struct event *event)
{
    struct authorities *self = arg;

    if (event->type == EVENT_SHOWN)
        refresh(self);
    else if (event->type == EVENT_JOB && event->job == self->job)
        read_ended(self);
    else if (event->type == EVENT_PASTE)
        table_paste(self->table, event->paste, event->paste_len);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_sheet(const struct authorities *self, struct canvas *body, int row)
{
    const struct authority *ca =
        table_has_row(self->table) ? authority_at(self, table_row(self->table)) : NULL;
    struct strbuf subject = STRBUF_INIT;

    if (ca == NULL)
        return;
    cert_format_subject(ca->cert, &subject);
    canvas_text(body, row, 2, STYLE_LABEL, _("Subject"));
    canvas_field(body, row, 11, canvas_columns(body) - 13, STYLE_STRONG, subject.data);
    canvas_text(body, row + 1, 2, STYLE_LABEL, _("Key"));
    canvas_text(body, row + 1, 11, STYLE_NORMAL,
                !ca->has_key        ? _("not in this store: it cannot sign here")
                : ca->key_encrypted ? _("here, with a passphrase")
                                    : _("here, without a passphrase"));
    strbuf_clear(&subject);
}

static void authorities_draw(const void *arg, struct canvas *body)
{
    const struct authorities *self = arg;
    int rows = canvas_rows(body);

    if (error_view_instead(self->list != NULL ? &self->list->err : NULL, _("reading the store"),
                           body))
        return;
    if (rows_count(self) == 0) {
        canvas_text(body, 0, 2, STYLE_STRONG, _("No CA yet."));
        canvas_wrap(body, 2, 2, canvas_columns(body) - 4, 4, STYLE_NORMAL,
                    _("Press a (or Enter) to make one: it takes a minute. Or i for an intermediate "
                      "CA under a root whose key is kept elsewhere, or m for a CA that you have "
                      "already: easy-rsa, openssl ca."));
        canvas_cursor(body, 2, 2);
    } else {
        int sheet = table_sheet_at(self->table, rows, SHEET_ROWS);

        table_draw(self->table, body, 0, sheet - 1, true);
        draw_sheet(self, body, sheet);
    }
}

static void authorities_frame(const void *arg, struct frame *ret)
{
    const struct authorities *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Authorities"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Certificates and CAs > %s"), _("Authorities"));
    if (self->list != NULL)
        snprintf(ret->path_right, sizeof(ret->path_right),
                 ngettext("%zu CA", "%zu CAs", self->list->list.n), self->list->list.n);
    ret->bindings = bindings;
    ret->word = "CA";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("A CA is renewed with the same key and name well before it ends; its list of "
                 "revoked certificates (CRL) must never be over: then PostgreSQL refuses every "
                 "client of it.");
    ret->help =
        _("[ok] in use.  [!!] the CA or its CRL ends soon.  [xx] it is over.  [--] retired, "
          "or its key is not here.  [  ] waits for its certificate from the root.");
    if (self->list != NULL && waits_here(self)) {
        ret->message_mark = MARK_TODO;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("It waits for its certificate.  i takes that in, d gives the request up."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 rows_count(self) > 0 ? _("Enter opens the sheet, from which it is looked after.")
                                      : _("a makes one."));
    }
}

static void authorities_commands(const void *arg, struct strbuf *out)
{
    const char *name = name_here(arg);

    strbuf_add_str(out, _("# what this page shows\n"));
    strbuf_add_str(out, "pgseal ca list\n");
    if (name != NULL) {
        strbuf_add_str(out, "pgseal ca show ");
        if (!text_quote_shell(out, name))
            strbuf_add_str(out, "NAME");
        strbuf_add_char(out, '\n');
    }
    strbuf_add_str(out, _("\n# another one; an intermediate one\n"));
    strbuf_add_str(out, "pgseal ca create 'Acme PG Root'\n"
                        "pgseal ca create 'Acme PG Issuing' --intermediate --out ca.csr\n");
}

static void authorities_free(void *arg)
{
    struct authorities *self = arg;

    list_free(self->list);
    table_free(self->table);
    free(self);
}

static const struct screen_ops authorities_ops = {
    .name = "authorities",
    .event = authorities_event,
    .draw = authorities_draw,
    .frame = authorities_frame,
    .commands = authorities_commands,
    .free = authorities_free,
};

struct screen *page_authorities(struct app *app)
{
    struct authorities *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&authorities_ops, self);
}
