/*
 * crls.c - the lists of revoked certificates: one line for each CA, ours and others', with its dates, the
 *          set that waits, and how many servers have it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/cron.h"
#include "core/store/foreign.h"
#include "core/store/published.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "tui/table.h"

#define SOON_DAYS 30

enum column {
    COLUMN_MARK,
    COLUMN_CA,
    COLUMN_NUMBER,
    COLUMN_SINCE,
    COLUMN_UNTIL,
    COLUMN_AHEAD,
    COLUMN_SERVERS
};

struct crl_row {
    char *ca;        /* clean */
    char *authority; /* its name in the store; NULL: somebody else's CA */
    bool has_list, has_key;
    uint64_t number, ahead;
    int64_t since, until, last; /* last: the end of the set */
    size_t n_servers, n_behind;
};

struct crls_job {
    char *store_folder;
    struct crl_row *rows;
    size_t n;
    struct err err;
};

struct crls {
    struct app *app;
    struct table *table;
    struct crls_job *data; /* NULL: not read yet */
    struct job *job;
    char message[160];
};

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_CA] = {.title = N_("CA"), .width = 18, .keep = 95, .grow = true},
    [COLUMN_NUMBER] = {.title = N_("NUMBER"), .width = 6, .keep = 70, .right = true},
    [COLUMN_SINCE] = {.title = N_("SINCE"), .width = 10, .keep = 50},
    [COLUMN_UNTIL] = {.title = N_("UNTIL"), .width = 10, .keep = 90},
    [COLUMN_AHEAD] = {.title = N_("WAITING"), .width = 7, .keep = 60, .right = true},
    [COLUMN_SERVERS] = {.title = N_("SERVERS"), .width = 12, .keep = 80},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {N_("Enter"), N_("Sign..."), N_("the next list of this CA, or a set; asks first"), 90},
    {"b", N_("Bring..."), N_("the lists to the servers that are behind; asks first"), 85},
    {"i", N_("Import..."), N_("another CA's list, or a later one of ours"), 80},
    {"w", N_("Export..."), N_("this CA's list as a file"), 75},
    {"t", N_("Timers"), N_("the lines for systemd or cron that do it by themselves"), 70},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- reading ---- */

static struct crl_row *add(struct crls_job *self, const char *ca)
{
    struct strbuf clean = STRBUF_INIT;
    struct crl_row *row;

    self->rows = mem_realloc_array(self->rows, self->n + 1, sizeof(self->rows[0]));
    row = &self->rows[self->n++];
    text_clean(&clean, ca, strlen(ca), TEXT_ONE_LINE);
    *row = (struct crl_row){.ca = strbuf_steal(&clean)};
    strbuf_clear(&clean);
    return row;
}

static bool add_authority(struct crls_job *self, struct store *store,
                          const struct authority *authority, struct err *err)
{
    struct published_list servers = {.n = 0};
    struct crl_row *row;

    if (!published_list(store, NULL, authority->id, &servers, err))
        return false;
    row = add(self, authority->name);
    row->authority = mem_strdup(authority->name);
    row->has_list = authority->crl.number > 0;
    row->has_key = authority->has_key;
    row->number = authority->crl.number;
    row->ahead = authority->crl.ahead;
    row->since = authority->crl.this_update;
    row->until = authority->crl.next_update;
    row->last = authority->crl.until;
    row->n_servers = servers.n;
    for (size_t i = 0; i < servers.n; i++)
        row->n_behind += servers.rows[i].behind || servers.rows[i].n_sessions > 0;
    published_list_clear(&servers);
    return true;
}

static bool add_foreign(struct crls_job *self, struct store *store, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    if (!foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct foreign_ca *ca = &list.rows[i];
        struct crl_row *row;

        if (!ca->has_crl && ca->n_servers == 0)
            continue; /* known for another reason: it signs servers' certificates */
        row = add(self, ca->name);
        row->has_list = ca->has_crl;
        row->number = ca->number;
        row->since = ca->this_update;
        row->until = row->last = ca->next_update;
        row->n_servers = ca->n_servers;
    }
    foreign_list_clear(&list);
    return true;
}

static void crls_run(struct job *job, void *data)
{
    struct crls_job *self = data;
    struct authority_list list = {.n = 0};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    bool good = store != NULL && authority_list(store, &list, &self->err);

    (void)job;
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT;
    for (size_t i = 0; i < list.n && good; i++) {
        if (list.rows[i]->cert != NULL) /* else a request: its certificate is awaited */
            good = add_authority(self, store, list.rows[i], &self->err);
    }
    if (good)
        (void)!add_foreign(self, store, &self->err); /* err is shown */
    authority_list_clear(&list);
    store_close(store);
}

static void crls_job_free(void *data)
{
    struct crls_job *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        free(self->rows[i].ca);
        free(self->rows[i].authority);
    }
    free(self->rows);
    free(self->store_folder);
    free(self);
}

static const struct job_ops job_ops = {"crls", crls_run, crls_job_free};

static void refresh(struct crls *self)
{
    struct crls_job *data;

    if (self->job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    self->job = job_start(app_loop(self->app), self, &job_ops, data);
}

/* ---- rows ---- */

static size_t rows_count(const void *arg)
{
    const struct crls *self = arg;

    return self->data != NULL ? self->data->n : 0;
}

static enum mark row_mark(const struct crl_row *row)
{
    int64_t now = clock_now();

    if (!row->has_list || row->until <= now)
        return MARK_BAD;
    return row->last - now < SOON_DAYS * CLOCK_DAY || row->n_behind > 0 ? MARK_WARN : MARK_OK;
}

static void rows_cell(const void *arg, size_t i, size_t column, struct strbuf *out)
{
    const struct crls *self = arg;
    const struct crl_row *row = &self->data->rows[i];
    char date[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(row_mark(row)));
        break;
    case COLUMN_CA:
        strbuf_printf(out, "%s%s", row->ca, row->authority == NULL ? _(" (other's)") : "");
        break;
    case COLUMN_NUMBER:
        if (row->number > 0)
            strbuf_printf(out, "%llu", (unsigned long long)row->number);
        else
            strbuf_add_str(out, "-");
        break;
    case COLUMN_SINCE:
        strbuf_add_str(out, row->has_list ? clock_format_date(date, row->since) : "-");
        break;
    case COLUMN_UNTIL:
        strbuf_add_str(out, row->has_list ? clock_format_date(date, row->until) : _("no list"));
        break;
    case COLUMN_AHEAD:
        if (row->ahead > 0)
            strbuf_printf(out, "%llu", (unsigned long long)row->ahead);
        else
            strbuf_add_str(out, "-");
        break;
    case COLUMN_SERVERS:
        strbuf_printf(out, "%zu", row->n_servers);
        if (row->n_behind > 0)
            strbuf_printf(out, _(", %zu behind"), row->n_behind);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t i)
{
    const struct crls *self = arg;
    uint64_t hash = UINT64_C(14695981039346656037) + (self->data->rows[i].authority != NULL);

    for (const char *at = self->data->rows[i].ca; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return hash;
}

static enum style rows_style(const void *arg, size_t i, size_t column)
{
    const struct crls *self = arg;

    return column == COLUMN_MARK ? mark_style(row_mark(&self->data->rows[i])) : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

/* ---- events ---- */

static struct nav open_timers(const struct crls *self)
{
    struct strbuf text = STRBUF_INIT;
    struct screen *page;

    strbuf_add_str(&text, _("A timer brings each list of a set to the servers in its month, and "
                            "catches up servers that were away. It needs no passphrase. Either "
                            "systemd, as the owner of the store:\n\n"));
    strbuf_add_str(&text, "  systemctl --user enable --now pgseal-crl-refresh.timer\n"
                          "  systemctl --user enable --now pgseal-check.timer\n"
                          "  loginctl enable-linger\n");
    strbuf_add_str(&text, _("\n(They use the default store; for another: \"systemctl --user edit "
                            "pgseal-crl-refresh.service\", with [Service] and "
                            "Environment=PGSEAL_STORE=FOLDER, and the same for pgseal-check.)\n"));
    strbuf_add_str(&text, _("\nor cron (crontab -e): mail comes when something is wrong\n\n"));
    cron_lines(app_store_folder(self->app), 17, "  ", &text);
    page = page_script(_("Timers for the lists"), _("Home > CRLs > Timers"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

static const struct crl_row *here(const struct crls *self)
{
    return self->data != NULL && table_has_row(self->table)
               ? &self->data->rows[table_row(self->table)]
               : NULL;
}

static struct nav open_export(struct crls *self)
{
    const struct crl_row *row = here(self);

    if (row != NULL && row->authority != NULL)
        return nav_push(page_crl_export(self->app, row->authority));
    snprintf(self->message, sizeof(self->message), "%s",
             _("Only lists of this store's own CAs are written from here."));
    return nav_stay();
}

static struct nav open_sign(struct crls *self)
{
    const struct crl_row *row = here(self);

    if (row == NULL)
        return nav_stay();
    if (row->authority != NULL && row->has_key)
        return nav_push(page_crl_sign(self->app, row->authority));
    snprintf(self->message, sizeof(self->message), "%s",
             row->authority != NULL ? _("Its key is not in this store: sign where it is.")
                                    : _("Its owner signs it; i takes the new one."));
    return nav_stay();
}

static struct nav key_event(struct crls *self, uint32_t key)
{
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    self->message[0] = '\0';
    switch (key) {
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
    case 'r':
        refresh(self);
        return nav_stay();
    case 'b':
        if (!app_read_only(self->app))
            return nav_push(page_crl_refresh(self->app));
        snprintf(self->message, sizeof(self->message), "%s",
                 _("This pgseal is read-only: no server is changed."));
        return nav_stay();
    case 'i':
        return nav_push(page_crl_import(self->app));
    case 'w':
        return open_export(self);
    case 't':
        return open_timers(self);
    case KEY_CODE_ESC:
        if (table_filter(self->table)[0] == '\0')
            return nav_pop();
        table_set_filter(self->table, "");
        return nav_stay();
    }
    return table_key(self->table, key) == TABLE_CHOSEN ? open_sign(self) : nav_stay();
}

static struct nav crls_event(void *arg, const struct event *event)
{
    struct crls *self = arg;

    if (event->type == EVENT_SHOWN) {
        refresh(self);
    } else if (event->type == EVENT_JOB && event->job == self->job) {
        crls_job_free(self->data);
        self->data = job_take(self->job);
        self->job = NULL;
        table_refresh(self->table);
    } else if (event->type == EVENT_PASTE) {
        table_paste(self->table, event->paste, event->paste_len);
    } else if (event->type == EVENT_KEY) {
        return key_event(self, event->key);
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void crls_draw(const void *arg, struct canvas *body)
{
    const struct crls *self = arg;

    if (error_view_instead(self->data != NULL ? &self->data->err : NULL, _("reading the store"),
                           body))
        return;
    if (self->data->n == 0)
        canvas_text(body, 0, 2, STYLE_NORMAL, _("No CA yet, so no list."));
    else
        table_draw(self->table, body, 0, canvas_rows(body), true);
}

static void crls_frame(const void *arg, struct frame *ret)
{
    const struct crls *self = arg;
    size_t behind = 0, bad = 0;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Lists of revoked certificates"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Lists of revoked certificates"));
    ret->bindings = bindings;
    ret->word = "CRL";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("A list that ends locks out EVERY client of its CA, with a message that blames "
                 "the client. A server whose list is older accepts what was revoked since. Both "
                 "are mended here.");
    ret->help = _("WAITING: lists that are signed for the months to come. SERVERS: those that "
                  "trust the CA. behind: has an older list, or sessions there are to be ended.");
    for (size_t i = 0; self->data != NULL && i < self->data->n; i++) {
        behind += self->data->rows[i].n_behind;
        bad += row_mark(&self->data->rows[i]) == MARK_BAD;
    }
    if (self->message[0] != '\0') {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (self->data != NULL && self->data->err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->data->err.code);
    } else if (bad > 0 || behind > 0) {
        ret->message_mark = bad > 0 ? MARK_BAD : MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 bad > 0 ? _("A list has ended, or there is none.  Enter signs the next one.")
                         : _("A server is behind.  b brings it what it lacks."));
    }
}

static void crls_commands(const void *arg, struct strbuf *out)
{
    const struct crls *self = arg;
    const struct crl_row *row = here(self);
    struct strbuf name = STRBUF_INIT;

    if (row == NULL || row->authority == NULL || !text_quote_shell(&name, row->authority))
        strbuf_add_str(&name, "CA");
    strbuf_add_str(out, _("# what this page shows\n"));
    strbuf_printf(out, "pgseal ca list\npgseal crl show --ca %s\n", name.data);
    strbuf_add_str(out, _("\n# the next list, or a year of them\n"));
    strbuf_printf(out, "pgseal crl sign --ca %s\npgseal crl presign --ca %s --months 12\n",
                  name.data, name.data);
    strbuf_add_str(out, _("\n# to the servers that are behind; a list of another CA; a file\n"));
    strbuf_printf(out, "pgseal crl refresh\npgseal crl import FILE\npgseal crl export --ca %s\n",
                  name.data);
    strbuf_clear(&name);
}

static void crls_free(void *arg)
{
    struct crls *self = arg;

    crls_job_free(self->data);
    table_free(self->table);
    free(self);
}

static const struct screen_ops crls_ops = {
    .name = "crls",
    .event = crls_event,
    .draw = crls_draw,
    .frame = crls_frame,
    .commands = crls_commands,
    .free = crls_free,
};

struct screen *page_crls(struct app *app)
{
    struct crls *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&crls_ops, self);
}
