/* sessions_draw.c - the live panel as it is seen. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/sessions_page.h"
#include "tui/utf8.h"

#define SHEET_ROWS 4 /* the lines about the row under the cursor */

static const struct binding list_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("SQL"), N_("the statements that the panel runs"), 90},
    {"Enter", N_("Explain"), N_("all about the row, and what mends it"), 88},
    {"Space", N_("Pause"), N_("stop and go on; the rows stay"), 80},
    {"/", N_("Filter"),
     N_("text; ~regex; :no-tls or another finding; ! in front turns it around; Esc clears it"), 70},
    {"s", N_("Sort"), N_("by the next column; \"worst first\" is the start; S turns it around"),
     60},
    {"+/-", N_("Speed"), N_("ask more or less often (0.5 to 60 s)"), 50},
    {"d", N_("End..."), N_("end the session under the cursor: asks first"), 75},
    {"D", N_("End all..."), N_("all that pass the filter, or of the group: asks for the number"),
     0},
    {"b", N_("By..."), N_("group by role, application, address, CA, TLS version"), 35},
    {"f", N_("Findings"), N_("only those with the next finding that somebody has"), 34},
    {"t", N_("What if"), N_("who would be refused if more were asked for"), 33},
    {"w", N_("Save"), N_("what is shown, as CSV or JSON"), 32},
    {"y", N_("Copy"), N_("the row, sent to the terminal"), 0},
    {"o", N_("Mend"), N_("the page that mends it"), 0},
    {"x", N_("Revoke..."), N_("the certificate of the session, for ever: asks first"), 0},
    {"m", N_("Servers"), N_("all servers of the store, or this one"), 0},
    {"u", N_("Provider"), N_("show or fold the provider's own roles"), 0},
    {"R", N_("Record"), N_("go on recording while other pages are open"), 0},
    {"F5", N_("Refresh"), N_("ask the server now"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding group_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"Enter", N_("Open"), N_("the sessions of the group"), 90},
    {"b", N_("By..."), N_("another column, then none"), 85},
    {"d", N_("End all..."), N_("all of the group: asks for the number"), 60},
    {"Space", N_("Pause"), N_("stop and go on; the rows stay"), 70},
    {"t", N_("What if"), N_("who would be refused if more were asked for"), 40},
    {"F5", N_("Refresh"), N_("ask the server now"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding sheet_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {N_("Up Down"), N_("Scroll"), N_("when it does not fit"), 50},
    {"o", N_("Mend"), N_("the page that mends it"), 70},
    {"x", N_("Revoke..."), N_("the certificate of the session, for ever: asks first"), 65},
    {"d", N_("End..."), N_("end this session: asks first"), 60},
    {"y", N_("Copy"), N_("all of it, sent to the terminal"), 55},
    {"Space", N_("Pause"), N_("stop and go on"), 40},
    {"Esc", N_("Back"), N_("to the list"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding password_keys[] = {
    {"Enter", N_("Log in"), N_("with this password; it is kept in memory only"), 90},
    {"F6", N_("Show"), N_("show it while it is typed"), 50},
    {"Esc", N_("Not now"), N_("p asks again"), 80},
    {NULL, NULL, NULL, 0},
};

/* ---- the head ---- */

static int draw_count(struct canvas *body, int at, const char *format, size_t n, enum mark mark)
{
    /* The formats are in the table below, each with one %zu. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    at = canvas_printf(body, 0, at + 2, STYLE_NORMAL, format, n);
#pragma GCC diagnostic pop
    return mark != MARK_NONE && n > 0 ? canvas_mark(body, 0, at + 1, mark) : at;
}

static void draw_totals(const struct sessions_page *self, struct canvas *body)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    size_t revoked = snapshot_with(totals, FINDING_REVOKED);
    size_t system = snapshot_with(totals, FINDING_SYSTEM);
    int at = canvas_printf(body, 0, 2, STYLE_STRONG,
                           ngettext("%zu session", "%zu sessions", totals->all), totals->all);

    at = draw_count(body, at, _("%zu with TLS"), totals->tls, MARK_NONE);
    at = draw_count(body, at, _("%zu without"), totals->clear, MARK_WARN);
    at = draw_count(body, at, _("%zu with cert"), totals->with_certificate, MARK_NONE);
    if (revoked > 0)
        at = draw_count(body, at, _("%zu revoked"), revoked, MARK_BAD);
    if (totals->hidden > 0)
        at = draw_count(body, at, _("%zu hidden"), totals->hidden, MARK_NONE);
    if (totals->gss > 0)
        at = draw_count(body, at, _("%zu GSS"), totals->gss, MARK_NONE);
    if (system > 0)
        draw_count(body, at,
                   session_view_folds_system(self->view) ? _("%zu system (u)") : _("%zu system"),
                   system, MARK_NONE);
}

static const struct sessions_rights *rights_of(const struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_rights(self->feeds[i]) != NULL)
            return session_feed_rights(self->feeds[i]);
    return NULL;
}

/* "[xx] 1 revoked  2 no TLS": the findings that want somebody, the worst first. */
static int draw_findings(const struct snapshot_totals *totals, struct canvas *body, int row)
{
    int at = canvas_mark(body, row, 2, totals->act > 0 ? MARK_BAD : MARK_WARN) - 1;
    size_t n;
    const struct finding_info *table = finding_table(&n);

    for (enum finding_weight weight = FINDING_WEIGHT_ACT; weight >= FINDING_WEIGHT_LOOK; weight--)
        for (size_t i = 0; i < n; i++) {
            size_t count = snapshot_with(totals, table[i].finding);

            if (table[i].weight == weight && count > 0)
                at = canvas_printf(body, row, at + 2, STYLE_NORMAL, "%zu %s", count,
                                   _(table[i].word));
        }
    return at;
}

/* How many spoke in clear text over the last minutes. */
static void draw_history(const struct sessions_page *self, struct canvas *body, int row, int from)
{
    static const char *const unicode[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    const char *const *levels = canvas_theme(body)->unicode ? unicode : ascii;
    struct strbuf text = STRBUF_INIT;
    size_t most = 0;
    int columns;

    for (size_t i = 0; i < self->history_n; i++)
        most = self->history[i] > most ? self->history[i] : most;
    if (most == 0)
        return;
    strbuf_printf(&text, _("no TLS, %zu min: "),
                  (self->history_n * SESSIONS_HISTORY_MS + 59999) / 60000);
    for (size_t i = 0; i < self->history_n; i++)
        strbuf_add_str(&text, levels[self->history[i] * 7 / most]);
    strbuf_printf(&text, _(" most %zu"), most);
    columns = utf8_columns(text.data);
    if (from + 2 + columns <= canvas_columns(body) - 2)
        canvas_right(body, row, canvas_columns(body) - 2, STYLE_NORMAL, text.data);
    strbuf_clear(&text);
}

/* The answer that a person wants in two seconds. */
static void draw_verdict(const struct sessions_page *self, struct canvas *body, int row)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    int at = 2;

    if (totals->need_look > 0) {
        at = draw_findings(totals, body, row);
    } else if (totals->all > totals->hidden) {
        canvas_mark(body, row, at, MARK_OK);
        at = canvas_text(body, row, at + 5, STYLE_NORMAL, _("Nothing needs a look."));
    }
    draw_history(self, body, row, at);
}

/* What to ask for when not all can be seen. Returns the rows used. */
static int draw_hidden(const struct sessions_page *self, struct canvas *body, int row)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    const struct sessions_rights *rights = rights_of(self);
    struct strbuf grant = STRBUF_INIT;

    if (totals->hidden == 0)
        return 0;
    if (rights != NULL)
        sessions_rights_grant(rights, &grant);
    else
        strbuf_add_str(&grant, "GRANT pg_read_all_stats");
    canvas_mark(body, row, 2, MARK_WARN);
    canvas_printf(body, row, 7, STYLE_NORMAL, _("You see %zu of %zu. Ask for: %s"),
                  totals->all - totals->hidden, totals->all, grant.data);
    strbuf_clear(&grant);
    return 1;
}

static int draw_servers(const struct sessions_page *self, struct canvas *body, int row)
{
    int at = 0;

    if (self->n_feeds < 2)
        return 0;
    for (size_t i = 0; i < self->n_feeds; i++) {
        const struct session_feed *feed = self->feeds[i];
        bool have = session_feed_rows(feed) != NULL;
        enum mark mark = MARK_BUSY;

        if (session_feed_state(feed) == POLLER_LIVE)
            mark = session_feed_silence_ms(feed) > SESSIONS_SILENCE_MS ? MARK_WARN : MARK_OK;
        else if (session_feed_state(feed) == POLLER_AWAY)
            mark = MARK_BAD;
        else if (session_feed_state(feed) == POLLER_PASSWORD)
            mark = MARK_WARN;
        at = canvas_mark(body, row, at + 2, mark);
        at = canvas_printf(body, row, at + 1, STYLE_NORMAL, "%.20s", session_feed_server(feed));
        if (mark != MARK_OK && have)
            at = canvas_printf(body, row, at + 1, STYLE_NORMAL, _("%lld s old"),
                               (long long)(session_feed_age_ms(feed) / 1000));
    }
    return 1;
}

/* ---- the body ---- */

static bool has_rows(const struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_rows(self->feeds[i]) != NULL)
            return true;
    return false;
}

/* Before the first rows: what is waited for, or why there are none. */
static void draw_nothing(const struct sessions_page *self, struct canvas *body)
{
    const struct session_feed *feed = self->feeds[0];
    const struct err *err = session_feed_error(feed);
    int width = canvas_columns(body) - 4;
    int row = 1;

    if (session_feed_state(feed) == POLLER_PASSWORD) {
        canvas_mark(body, 1, 2, MARK_WARN);
        canvas_printf(body, 1, 7, STYLE_NORMAL, _("%s wants a password. p asks for it."),
                      session_feed_server(feed));
        return;
    }
    if (session_feed_state(feed) != POLLER_AWAY) {
        canvas_mark(body, 1, 2, MARK_BUSY);
        canvas_printf(body, 1, 7, STYLE_NORMAL, _("Connecting to %s ..."),
                      session_feed_server(feed));
        return;
    }
    canvas_mark(body, row, 2, MARK_BAD);
    row += canvas_wrap(body, row, 7, width - 5, 3, STYLE_NORMAL, err->msg);
    row += canvas_wrap(body, row + 1, 2, width, 3, STYLE_NORMAL, err_cause_text(err)) + 1;
    row += canvas_wrap(body, row + 1, 2, width, 3, STYLE_NORMAL, err_hint_text(err)) + 1;
    canvas_text(body, row + 1, 2, STYLE_NORMAL, _("It is tried again by itself."));
}

static void draw_explanation(const struct sessions_page *self, struct canvas *body, int row,
                             int rows)
{
    const struct session_line *line = sessions_line(self);
    struct strbuf text = STRBUF_INIT;

    if (rows <= 0 || line == NULL)
        return;
    session_row_explain(line, &text);
    canvas_wrap(body, row, 2, canvas_columns(body) - 4, rows, STYLE_NORMAL, text.data);
    strbuf_clear(&text);
}

/* One line of the sheet, wrapped; what it goes on with stands under its text, not its label. */
static int draw_sheet_line(struct canvas *body, int at, const char *line, size_t len)
{
    char *text = mem_strndup(line, len);
    int indent = text[0] == '[' || text[0] == ' ' ? 5 : SESSION_ROW_LABEL;
    int column = 2, width = canvas_columns(body) - 4;
    const char *rest = text;

    do {
        size_t next, n = utf8_wrap(rest, width, &next);
        char *part = mem_strndup(rest, n);

        if (at >= 0)
            canvas_text(body, at, column, STYLE_NORMAL, part);
        free(part);
        at++;
        rest += next;
        column = 2 + indent;
        width = canvas_columns(body) - 4 - indent;
    } while (*rest != '\0');
    free(text);
    return at;
}

static void add_sheet(const struct session_line *line, int64_t now, struct strbuf *out)
{
    const char *mend = session_mend_text(line->findings);

    session_row_sheet(line, now, out);
    if (mend != NULL)
        strbuf_printf(out, "\n%s\n", _(mend));
}

/* All about one session; scrolls. */
static void draw_sheet(const struct sessions_page *self, struct canvas *body)
{
    const struct session_line *line = sessions_line(self);
    int rows = canvas_rows(body), at = -self->sheet_top;
    struct strbuf text = STRBUF_INIT;

    if (line == NULL)
        strbuf_add_str(&text, _("This session has ended.\nEsc goes back to the list."));
    else
        add_sheet(line, self->drawn_at, &text);
    for (const char *rest = text.data; *rest != '\0' && at < rows;) {
        size_t len = strcspn(rest, "\n");

        at = draw_sheet_line(body, at, rest, len);
        rest += len + (rest[len] != '\0');
    }
    canvas_cursor(body, 0, 2);
    strbuf_clear(&text);
}

static void draw_lists(const struct sessions_page *self, struct canvas *body)
{
    bool free_hands = !session_end_is_open(self->end) && !session_save_is_open(self->save) &&
                      self->password == NULL;
    bool groups = sessions_lists_groups(self);
    int rows = canvas_rows(body);
    int sheet = rows >= 12 && !groups ? SHEET_ROWS + 1 : 0;
    int top = 1;

    draw_totals(self, body);
    if (rows >= 10) {
        draw_verdict(self, body, 1);
        top = 2 + draw_hidden(self, body, 2);
        top += draw_servers(self, body, top);
    }
    draw_explanation(self, body, rows - sheet + 1, sheet - 1);
    table_draw(groups ? self->groups : self->table, body, top, rows - sheet - top, free_hands);
}

static void draw_password(const struct sessions_page *self, struct canvas *body)
{
    const struct session_feed *feed = self->feeds[self->password_feed];
    int columns = canvas_columns(body) - 4;
    struct canvas *box;
    char title[64];

    columns = columns > 72 ? 72 : columns;
    box = canvas_part(body, canvas_rows(body) / 2 - 4, 2, 7, columns);
    snprintf(title, sizeof(title), _("Password for %.40s"), session_feed_server(feed));
    canvas_box(box, 0, 0, 7, columns, title, NULL);
    canvas_field(box, 1, 2, columns - 4, STYLE_NORMAL,
                 session_feed_has_password(feed)
                     ? session_feed_error(feed)->msg
                     : _("The server asks for one, and ~/.pgpass has none for it."));
    secret_field_draw(self->password, box, 3, 2, columns - 4, true);
    canvas_field(box, 5, 2, columns - 4, STYLE_NORMAL,
                 _("It is kept in locked memory until pgseal ends."));
    canvas_free(box);
}

void sessions_draw(const void *arg, struct canvas *body)
{
    const struct sessions_page *self = arg;

    if (!has_rows(self))
        draw_nothing(self, body);
    else if (self->sheet)
        draw_sheet(self, body);
    else
        draw_lists(self, body);
    if (session_end_is_open(self->end))
        session_end_draw(self->end, body);
    else if (session_save_is_open(self->save))
        session_save_draw(self->save, body);
    else if (self->password != NULL)
        draw_password(self, body);
}

/* ---- the frame ---- */

/* Without "connection to server on socket ... failed:", which fills the row by itself. */
static const char *short_reason(const char *message)
{
    const char *failed = strstr(message, " failed: ");

    return failed != NULL ? failed + strlen(" failed: ") : message;
}

static void set_away(const struct session_feed *feed, const char *name, struct frame *ret)
{
    const char *colon = name[0] != '\0' ? ": " : "";
    const char *reason = short_reason(session_feed_error(feed)->msg);

    if (session_feed_rows(feed) != NULL)
        snprintf(ret->message, sizeof(ret->message), _("%.20s%sStale since %lld s: %.100s"), name,
                 colon, (long long)(session_feed_age_ms(feed) / 1000), reason);
    else
        snprintf(ret->message, sizeof(ret->message), _("%.20s%sNot reached: %.100s"), name, colon,
                 reason);
}

/* The first server that has something to say against it; true: it was said. */
static bool server_message(const struct sessions_page *self, struct frame *ret)
{
    for (size_t i = 0; i < self->n_feeds; i++) {
        const struct session_feed *feed = self->feeds[i];
        bool have = session_feed_rows(feed) != NULL;
        long long age = have ? (long long)(session_feed_age_ms(feed) / 1000) : 0;
        const char *name = self->n_feeds > 1 ? session_feed_server(feed) : "";

        if (session_feed_state(feed) == POLLER_AWAY) {
            ret->message_mark = MARK_BAD;
            set_away(feed, name, ret);
            return true;
        }
        if (have && session_feed_silence_ms(feed) > SESSIONS_SILENCE_MS) {
            ret->message_mark = MARK_WARN;
            snprintf(ret->message, sizeof(ret->message),
                     _("%.20s%sThe server does not answer. These rows are %lld s old."), name,
                     name[0] != '\0' ? ": " : "", age);
            return true;
        }
        if (session_feed_store_error(feed) != NULL || session_feed_record_error(feed) != NULL) {
            const struct err *err = session_feed_store_error(feed) != NULL
                                        ? session_feed_store_error(feed)
                                        : session_feed_record_error(feed);

            ret->message_mark = MARK_WARN;
            snprintf(ret->message, sizeof(ret->message), "%.150s", err->msg);
            return true;
        }
    }
    return false;
}

static void state_message(const struct sessions_page *self, struct frame *ret)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    const char *problem = session_view_filter_problem(self->view);

    if (problem != NULL && table_filter(self->table)[0] != '\0') {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), _("The filter: %.100s."), problem);
    } else if (!server_message(self, ret) && has_rows(self)) {
        ret->message_mark = totals->need_look > 0 ? MARK_WARN : MARK_OK;
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("%zu of %zu sessions needs a look.", "%zu of %zu sessions need a look.",
                          totals->need_look),
                 totals->need_look, totals->all);
    }
}

static const char *group_title(const struct sessions_page *self)
{
    return _(sessions_columns[session_view_grouped_by(self->view)].title);
}

static void set_path(const struct sessions_page *self, struct frame *ret)
{
    int64_t interval = session_feed_interval(self->feeds[0]);
    struct strbuf path = STRBUF_INIT;
    const char *filter = table_filter(self->table);
    char when[CLOCK_TEXT_MAX];

    clock_format_rfc3339(when, self->drawn_at);
    strbuf_add_str(&path, _("Home > SSL sessions"));
    if (session_view_group_open(self->view) != NULL)
        strbuf_printf(&path, " > %s %.30s", group_title(self), session_view_group_open(self->view));
    if (self->paused)
        strbuf_printf(&path, _("   PAUSED at %.8s UTC"), when + 11);
    else
        strbuf_printf(&path, _("   every %lld.%lld s   %.8s UTC"), (long long)(interval / 1000),
                      (long long)(interval % 1000 / 100), when + 11);
    snprintf(ret->path, sizeof(ret->path), "%.150s", path.data);
    strbuf_clear(&path);
    if (sessions_lists_groups(self))
        snprintf(ret->path_right, sizeof(ret->path_right), _("by: %.24s"), group_title(self));
    else
        snprintf(ret->path_right, sizeof(ret->path_right), _("filter: %.24s"),
                 filter[0] != '\0' ? filter : _("none"));
}

static void set_title(const struct sessions_page *self, struct frame *ret)
{
    int version = session_feed_server_version(self->feeds[0]);
    const char *server = session_feed_server(self->feeds[0]);

    snprintf(ret->title, sizeof(ret->title), "%s", _("SSL sessions (live)"));
    if (self->n_feeds > 1)
        snprintf(ret->right, sizeof(ret->right), _("%zu servers"), self->n_feeds);
    else if (version > 0)
        snprintf(ret->right, sizeof(ret->right), _("server: %.40s  PG %d.%d"), server,
                 version / 10000, version % 10000);
    else
        snprintf(ret->right, sizeof(ret->right), _("server: %.40s"), server);
}

static const struct binding *keys_of(const struct sessions_page *self)
{
    if (self->password != NULL)
        return password_keys;
    if (self->sheet)
        return sheet_keys;
    return sessions_lists_groups(self) ? group_keys : list_keys;
}

void sessions_frame(const void *arg, struct frame *ret)
{
    const struct sessions_page *self = arg;

    set_title(self, ret);
    set_path(self, ret);
    ret->why =
        _("A revoked certificate stops NEW logins only; d ends a session that is open already. "
          "The marks are words on purpose: they work without colour. Source: pg_stat_ssl and "
          "pg_stat_activity, read only.");
    ret->help =
        _("Each row is a session as the server sees it now. [ok] TLS with a good certificate. "
          "[!!] look at it. [xx] act. [--] nothing to say. \"hidden\": your role may not see it. "
          "Parallel workers are counted at their leader. Behind a pooler such as PgBouncer the "
          "client's own TLS is not visible here. What is seen is remembered: \"pgseal "
          "sightings\".");
    ret->word = "backend/session";
    ret->bindings = keys_of(self);
    ret->text_focus = self->password != NULL || (!self->sheet && table_takes_text(self->table));
    if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else {
        state_message(self, ret);
    }
    if (session_end_is_open(self->end))
        session_end_frame(self->end, ret);
    else if (session_save_is_open(self->save))
        session_save_frame(self->save, ret);
}

void sessions_commands(const void *arg, struct strbuf *out)
{
    const struct sessions_page *self = arg;
    const struct session_line *line = sessions_line(self);
    bool known = line != NULL && line->session->backend_start_text[0] != '\0';
    int version = session_feed_server_version(self->feeds[0]);
    struct strbuf name = STRBUF_INIT;

    strbuf_add_str(out, _("-- what the panel asks: one scan of what the views are made of\n"));
    strbuf_add_str(out, sessions_sql(version > 0 ? version : 150000));
    strbuf_add_str(out, _(";\n\n-- whether the role may see all sessions, when some are hidden\n"));
    strbuf_add_str(out, sessions_rights_sql());
    strbuf_add_str(
        out, _(";\n\n-- what d runs, after a question: only when both still belong together\n"));
    sessions_end_sql(known ? line->session->pid : 0,
                     known ? line->session->backend_start_text : "now", out);
    strbuf_add_str(out, _(";\n\n-- the same as a command\n"));
    if (text_quote_shell(&name, session_feed_server(self->feeds[0])))
        strbuf_printf(out,
                      "-- pgseal sessions %s --once\n-- pgseal sessions %s --readiness\n"
                      "-- pgseal sightings %s --without-tls --since 30d\n",
                      name.data, name.data, name.data);
    strbuf_clear(&name);
}
