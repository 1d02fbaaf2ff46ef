/*
 * certs.c - every certificate that was issued: found, sorted, and the way to its sheet.
 *
 * Window   the page holds CERTS_WINDOW rows around the cursor; the next ones are read before the cursor
 *          comes to an end of them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/certs_parts.h"
#include "screens/error_view.h"
#include "screens/pages.h"

#define EDGE       25 /* rows from the window's end at which the next ones are read */
#define SHEET_ROWS 2
#define JUMP_MAX   20000 /* rows that may be passed over for the last ones */
#define FIND_MAX   200
#define FIND_WIDTH 40

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {N_("Enter"), N_("Sheet"), N_("all about the certificate under the cursor"), 90},
    {"/", N_("Find"), N_("by the beginning of role, serial number, subject or note"), 85},
    {"f", N_("Filter"), N_("by CA, state, date, subject, note; and the order"), 80},
    {"s", N_("Sort"), N_("the next order"), 40},
    {"r", N_("Renew..."), N_("a new certificate for the same name; asks first"), 70},
    {"x", N_("Revoke..."), N_("call it back for ever; asks first"), 65},
    {"p", N_("Program..."), N_("its kit: files and lines to log in with; asks first"), 45},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("one step back; clears what is found first"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};
static const struct binding finding_keys[] = {
    {N_("Letters"), N_("Find"), N_("the beginning of role, serial, subject or note"), 90},
    {N_("Enter"), N_("Keep"), N_("back to the list, which stays narrowed"), 80},
    {N_("Up Down"), N_("Move"), N_("in the list"), 50},
    {"Esc", N_("Clear"), N_("all certificates again"), 95},
    {NULL, NULL, NULL, 0},
};

static const struct issued *here(const struct certs *self)
{
    if (self->list == NULL || !table_has_row(self->table))
        return NULL;
    return certs_row_at(self, table_row(self->table));
}

/* ---- reading ---- */

static void ask(struct certs *self, int64_t offset, bool count)
{
    self->want_offset = offset < 0 ? 0 : offset;
    self->want_count = count || (self->again && self->want_count);
    self->again = self->job != NULL;
    if (self->job == NULL)
        self->job = certs_job_start(self->app, self, &self->query, self->want_offset,
                                    self->total_is_least ? -1 : self->total, self->want_count);
}

/* Another query: from its first row. */
static void ask_anew(struct certs *self)
{
    self->total = -1;
    self->then = KEY_CODE_HOME;
    ask(self, 0, true);
}

static void refresh(struct certs *self)
{
    ask(self, self->list != NULL ? self->list->offset : 0, true);
}

static bool more_behind(const struct certs *self)
{
    int64_t end = self->list->offset + (int64_t)self->list->list.n;

    return self->total_is_least ? self->list->list.n == CERTS_WINDOW : end < self->total;
}

/* The window follows the cursor. */
static void follow_cursor(struct certs *self)
{
    size_t n = certs_row_count(self), row;

    if (self->job != NULL || !table_has_row(self->table))
        return;
    row = table_row(self->table);
    if ((row + EDGE >= n && more_behind(self)) || (row < EDGE && self->list->offset > 0)) {
        int64_t from = self->list->offset + (int64_t)row - CERTS_WINDOW / 2;

        if (from < 0)
            from = 0;
        if (from != self->list->offset)
            ask(self, from, false);
    }
}

/* At the end of the window, while the next one is being read, the move waits for it. */
static void move(struct certs *self, uint32_t key)
{
    size_t before = table_has_row(self->table) ? table_row(self->table) : 0;

    (void)table_key(self->table, key);
    if (self->job != NULL && table_has_row(self->table) && table_row(self->table) == before)
        self->then = key;
    follow_cursor(self);
}

static void job_ended(struct certs *self)
{
    struct certs_job *list = job_take(self->job);
    int64_t behind;

    self->job = NULL;
    if (self->again) { /* something else was asked for meanwhile */
        certs_job_free(list);
        self->again = false;
        ask(self, self->want_offset, self->want_count);
        return;
    }
    certs_job_free(self->list);
    self->list = list;
    if (list->count) {
        self->total = list->list.total;
        self->total_is_least = list->list.total_is_least;
    }
    behind = self->total - list->offset - (int64_t)list->list.n;
    if (behind <= 0)
        behind = more_behind(self);
    table_set_window(self->table, (size_t)list->offset, (size_t)behind);
    table_refresh(self->table);
    if (self->then != 0)
        (void)table_key(self->table, self->then);
    self->then = 0;
    follow_cursor(self);
}

/* ---- events ---- */

static void say(struct certs *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

static void take_find(struct certs *self)
{
    const char *text = text_field_get(self->find);

    if (text_equal(text, self->query.search != NULL ? self->query.search : ""))
        return;
    free(self->query.search);
    self->query.search = text[0] != '\0' ? mem_strdup(text) : NULL;
    ask_anew(self);
}

static struct nav finding_event(struct certs *self, const struct event *event)
{
    if (event->type == EVENT_PASTE) {
        (void)text_field_paste(self->find, event->paste, event->paste_len);
        take_find(self);
        return nav_stay();
    }
    switch (event->key) {
    case KEY_CODE_ENTER:
        self->finding = false;
        break;
    case KEY_CODE_ESC:
        self->finding = false;
        text_field_set(self->find, "");
        break;
    case KEY_CODE_UP:
    case KEY_CODE_DOWN:
    case KEY_CODE_PAGE_UP:
    case KEY_CODE_PAGE_DOWN:
        move(self, event->key);
        break;
    default:
        (void)text_field_key(self->find, event->key);
        break;
    }
    take_find(self);
    return nav_stay();
}

static struct nav filter_event(struct certs *self, const struct event *event)
{
    enum form_result result = form_event(certs_filter_form(self->filter), event);

    if (result != FORM_SUBMIT && result != FORM_CANCEL)
        return nav_stay();
    if (result == FORM_SUBMIT) {
        certs_filter_read(self->filter, &self->query);
        ask_anew(self);
    }
    certs_filter_free(self->filter);
    self->filter = NULL;
    return nav_stay();
}

static struct nav open_one(struct certs *self,
                           struct screen *(*page_of)(struct app *app, const char *which))
{
    const struct issued *issued = here(self);
    struct screen *page;
    char *which;

    if (issued == NULL)
        return nav_stay();
    which = cert_which(issued);
    page = page_of(self->app, which);
    free(which);
    return nav_push(page);
}

static struct nav renew(struct certs *self)
{
    const struct issued *issued = here(self);

    if (issued == NULL || issued->revoked_at == 0)
        return open_one(self, page_renew);
    say(self, MARK_WARN, _("A revoked one is not renewed: make a new one."));
    return nav_stay();
}

static struct nav revoke(struct certs *self)
{
    const struct issued *issued = here(self);

    if (issued == NULL || issued->revoked_at == 0)
        return open_one(self, page_revoke);
    say(self, MARK_WARN, _("It is revoked already."));
    return nav_stay();
}

static struct screen *kit_page(struct app *app, const char *which)
{
    return page_program(app, which, NULL);
}

static struct nav kit(struct certs *self)
{
    const struct issued *issued = here(self);

    if (issued == NULL || (issued->revoked_at == 0 && issued->not_after > clock_now() &&
                           issued->kind == ISSUED_CLIENT))
        return open_one(self, kit_page);
    say(self, MARK_WARN, _("A kit is for the certificate of a client that counts."));
    return nav_stay();
}

static void next_order(struct certs *self)
{
    static const char *const said[] = {
        [ISSUED_SORT_USUAL] = N_("Order: as usual."),
        [ISSUED_SORT_NEW] = N_("Order: newest first."),
        [ISSUED_SORT_OLD] = N_("Order: oldest first."),
        [ISSUED_SORT_ROLE] = N_("Order: by role."),
        [ISSUED_SORT_ENDS] = N_("Order: what ends soonest first."),
    };

    self->query.sort = (enum issued_sort)((self->query.sort + 1) % (ISSUED_SORT_ENDS + 1));
    say(self, MARK_NONE, gettext(said[self->query.sort]));
    ask_anew(self);
}

static struct nav back(struct certs *self)
{
    if (certs_query_is_all(&self->query))
        return nav_pop();
    text_field_set(self->find, "");
    certs_query_clear(&self->query);
    ask_anew(self);
    return nav_stay();
}

/* To the first or last row of all, not only of the window. */
static void jump(struct certs *self, bool end)
{
    bool far = self->total_is_least || (self->total > JUMP_MAX && !certs_query_turns(&self->query));

    if (self->list == NULL)
        return;
    if (end && far) {
        say(self, MARK_WARN, _("In this order the end is far: / or f narrows it down."));
        return;
    }
    self->then = end ? KEY_CODE_END : KEY_CODE_HOME;
    ask(self, end ? self->total - CERTS_WINDOW : 0, false);
}

static struct nav key_event(struct certs *self, uint32_t key)
{
    self->message[0] = '\0';
    switch (key) {
    case KEY_CODE_ENTER:
        return open_one(self, page_cert);
    case '/':
        self->finding = true;
        break;
    case 'f':
        if (self->list != NULL)
            self->filter =
                certs_filter_new(&self->query, self->list->authorities, self->list->n_authorities);
        break;
    case 's':
        next_order(self);
        break;
    case 'r':
        return renew(self);
    case 'x':
        return revoke(self);
    case 'p':
        return kit(self);
    case 'g':
    case KEY_CODE_HOME:
    case 'G':
    case KEY_CODE_END:
        jump(self, key == 'G' || key == KEY_CODE_END);
        break;
    case KEY_CODE_F5:
        refresh(self);
        break;
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        return back(self);
    default:
        move(self, key);
        break;
    }
    return nav_stay();
}

static struct nav certs_event(void *arg, const struct event *event)
{
    struct certs *self = arg;

    if (event->type == EVENT_SHOWN)
        refresh(self);
    else if (event->type == EVENT_JOB && event->job == self->job)
        job_ended(self);
    else if (event->type != EVENT_KEY && event->type != EVENT_PASTE)
        return nav_stay();
    else if (self->filter != NULL)
        return filter_event(self, event);
    else if (self->finding)
        return finding_event(self, event);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_sheet(const struct certs *self, struct canvas *body, int row)
{
    const struct issued *issued = here(self);
    struct strbuf subject = STRBUF_INIT;
    char hex[SERIAL_HEX_MAX];
    int width = canvas_columns(body) - 13;

    if (issued == NULL)
        return;
    cert_format_subject(issued->cert, &subject);
    canvas_text(body, row, 2, STYLE_LABEL, _("Subject"));
    canvas_field(body, row, 11, width, STYLE_STRONG, subject.data);
    canvas_text(body, row + 1, 2, STYLE_LABEL, issued->note != NULL ? _("Note") : _("Serial"));
    canvas_field(body, row + 1, 11, width, STYLE_NORMAL,
                 issued->note != NULL ? issued->note : serial_format_hex(hex, &issued->serial));
    strbuf_clear(&subject);
}

static void draw_none(const struct certs *self, struct canvas *body)
{
    bool all = certs_query_is_all(&self->query);

    canvas_text(body, 0, 2, STYLE_STRONG,
                all ? _("No certificate was issued yet.") : _("No certificate fits."));
    canvas_wrap(body, 2, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                all ? _("Home, Create a client certificate makes one. It is listed here with its "
                        "dates, state and history.")
                    : _("/ finds by the beginning of role, serial number (hex or decimal), subject "
                        "or note, letter by letter. Esc shows all again."));
    canvas_cursor(body, 2, 2);
}

static void certs_draw(const void *arg, struct canvas *body)
{
    const struct certs *self = arg;
    int rows = canvas_rows(body) - (self->finding ? 1 : 0);

    if (self->filter != NULL) {
        form_draw(certs_filter_form(self->filter), body);
        return;
    }
    if (self->list == NULL) {
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
        return;
    }
    if (self->list->err.code != ERR_NONE) {
        (void)error_view_draw(&self->list->err, body, 0, rows);
        return;
    }
    if (self->list->list.n == 0) {
        draw_none(self, body);
    } else {
        table_draw(self->table, body, 0, rows - SHEET_ROWS - 1, !self->finding);
        draw_sheet(self, body, rows - SHEET_ROWS);
    }
    if (self->finding)
        text_field_draw(self->find, body, rows, canvas_text(body, rows, 1, STYLE_LABEL, "/ "),
                        FIND_WIDTH, true);
}

static void add_counts(const struct certs *self, char *out, size_t size)
{
    if (self->list == NULL || self->total < 0)
        return;
    if (self->total_is_least)
        snprintf(out, size, _("more than %lld"), (long long)self->total);
    else if (table_has_row(self->table) && self->total > 1)
        snprintf(out, size, _("%lld of %lld"),
                 (long long)(self->list->offset + (int64_t)table_row(self->table) + 1),
                 (long long)self->total);
    else
        snprintf(out, size,
                 ngettext("%lld certificate", "%lld certificates", (unsigned long)self->total),
                 (long long)self->total);
}

static bool is_filtered(const struct certs_query *query)
{
    return query->authority != NULL || query->subject != NULL || query->note != NULL ||
           query->state >= 0;
}

static void certs_frame(const void *arg, struct frame *ret)
{
    const struct certs *self = arg;
    const struct issued *issued = here(self);

    snprintf(ret->title, sizeof(ret->title), "%s", _("Certificates"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Certificates and CAs > %s%s%s%.30s"),
             _("Certificates"), is_filtered(&self->query) ? _("   filtered") : "",
             self->query.search != NULL ? _("   find: ") : "",
             self->query.search != NULL ? self->query.search : "");
    add_counts(self, ret->path_right, sizeof(ret->path_right));
    ret->word = "certificate";
    if (self->filter != NULL) {
        form_frame(certs_filter_form(self->filter), ret);
        return;
    }
    ret->bindings = self->finding ? finding_keys : bindings;
    ret->text_focus = self->finding;
    ret->help = _("[ok] valid.  [!!] ends soon; or its files were never written (\"no files\"), so "
                  "nobody has its key: renew it.  [xx] ended.  [--] revoked.\nSerial numbers are "
                  "found in hex, and in decimal as pg_stat_ssl shows them (from 6 digits on).");
    ret->why = _("A certificate is never deleted from the list, also not when it has ended: what "
                 "was signed once can turn up again. Canaries, which pgseal makes to test servers, "
                 "are left out.");
    if (issued != NULL && !issued->delivered && issued->revoked_at == 0)
        ret->why = _("Its files were never written: the run that made it was stopped, and its key "
                     "is gone. Nobody has it. r makes it again; the new one takes its place.");
    if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 self->finding ? _("Role, serial number, subject or note, from the beginning.")
                               : _("Enter opens the sheet.  / finds, f filters.  r and x ask "
                                   "first."));
    }
}

static void add_flag(struct strbuf *out, const char *flag, const char *value)
{
    size_t before = out->len;

    if (value == NULL)
        return;
    strbuf_printf(out, " %s ", flag);
    if (!text_quote_shell(out, value))
        strbuf_truncate(out, before);
}

static void certs_commands(const void *arg, struct strbuf *out)
{
    static const char *const sorts[] = {NULL, "new", "old", "role", "ends"};
    const struct certs *self = arg;
    const struct certs_query *query = &self->query;
    const struct issued *issued = here(self);
    char hex[SERIAL_HEX_MAX];

    strbuf_add_str(out, _("# what this page shows\n"));
    strbuf_add_str(out, "pgseal list");
    add_flag(out, "--ca", query->authority);
    add_flag(out, "--search", query->search);
    add_flag(out, "--subject", query->subject);
    add_flag(out, "--note", query->note);
    if (query->state >= 0)
        add_flag(out, "--state", issued_state_name((enum issued_state)query->state));
    if (query->state == ISSUED_EXPIRING)
        strbuf_printf(out, " --within %d", query->within_days);
    add_flag(out, "--sort", sorts[query->sort]);
    strbuf_add_char(out, '\n');
    if (issued == NULL)
        return;
    serial_format_hex(hex, &issued->serial);
    strbuf_add_str(out, _("\n# the one under the cursor\n"));
    strbuf_printf(out, "pgseal show %s\npgseal renew %s\npgseal revoke %s\n", hex, hex, hex);
}

static void certs_free(void *arg)
{
    struct certs *self = arg;

    certs_filter_free(self->filter);
    certs_job_free(self->list);
    certs_query_clear(&self->query);
    text_field_free(self->find);
    table_free(self->table);
    free(self);
}

static const struct screen_ops certs_ops = {
    .name = "certificates",
    .event = certs_event,
    .draw = certs_draw,
    .frame = certs_frame,
    .commands = certs_commands,
    .free = certs_free,
};

struct screen *page_certs(struct app *app)
{
    struct certs *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->total = -1;
    certs_query_init(&self->query);
    self->find = text_field_new(FIND_MAX);
    self->table = table_new(certs_columns, CERTS_COLUMNS, &certs_rows, self);
    return screen_new(&certs_ops, self);
}
