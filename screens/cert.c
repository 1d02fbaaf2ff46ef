/* cert.c - the sheet of one certificate: what it is, its history, and what can be done with it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/inspect.h"
#include "screens/certs_job.h"
#include "screens/error_view.h"
#include "screens/lines.h"
#include "screens/pages.h"

#define SOON_DAYS 30

struct cert_page {
    struct app *app;
    char *which;
    struct cert_job *sheet; /* NULL: not read yet */
    struct job *job;
    struct lines *lines;
    char *pem; /* for the clipboard */
    char message[160];
    enum mark message_mark;
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {"r", N_("Renew..."), N_("a new certificate for the same name; asks first"), 90},
    {"w", N_("Export..."), N_("certificate, CA and README into a folder; asks first"), 80},
    {"p", N_("Program..."), N_("its kit: files and lines to log in with; asks first"), 78},
    {"y", N_("Copy"), N_("the certificate as PEM to the terminal's clipboard"), 75},
    {"x", N_("Revoke..."), N_("call it back for ever; asks first"), 85},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 40},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("to the list"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding error_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F5", N_("Refresh"), N_("read the store again"), 80},
    {"Esc", N_("Back"), N_("to the list"), 95},
    {NULL, NULL, NULL, 0},
};

/* ---- the lines ---- */

static void add_state(struct lines *lines, const struct issued *issued)
{
    enum issued_state state = issued_state_at(issued, clock_now(), SOON_DAYS);
    long long days = (long long)clock_days_until(issued->not_after);
    char date[CLOCK_TEXT_MAX];

    switch (state) {
    case ISSUED_VALID:
        lines_printf(lines, 0, MARK_OK, _("state"), _("valid, %lld days left"), days);
        break;
    case ISSUED_EXPIRING:
        lines_printf(lines, 0, MARK_WARN, _("state"), _("valid, %lld days left: renew it"), days);
        break;
    case ISSUED_EXPIRED:
        lines_printf(lines, 0, MARK_BAD, _("state"), _("ended on %s"),
                     clock_format_date(date, issued->not_after));
        break;
    case ISSUED_REVOKED:
        lines_printf(lines, 0, MARK_OFF, _("state"), _("revoked"));
        break;
    }
}

static void add_other(struct lines *lines, const char *label, const struct issued *other)
{
    char hex[SERIAL_HEX_MAX], made[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];
    const char *state = issued_state_name(issued_state_at(other, clock_now(), SOON_DAYS));

    lines_printf(lines, 0, MARK_NONE, label, _("%s, made %s, ends %s, %s"),
                 serial_format_hex(hex, &other->serial), clock_format_date(made, other->created_at),
                 clock_format_date(end, other->not_after), state);
}

static void add_history(struct lines *lines, const struct cert_job *sheet)
{
    const struct issued *issued = sheet->issued;
    char date[CLOCK_TEXT_MAX];

    lines_head(lines, _("History"));
    if (sheet->replaces != NULL)
        add_other(lines, _("made for"), sheet->replaces);
    lines_printf(lines, 0, MARK_NONE, _("made"), _("%s UTC by \"%s\""),
                 clock_format_minute(date, issued->created_at), issued->authority);
    if (issued->delivered)
        lines_add(lines, 0, MARK_OK, _("files"), _("were written"));
    else
        lines_add(lines, 0, MARK_WARN, _("files"),
                  sheet->replaced_by.n > 0
                      ? _("were never written; another one took its place")
                      : _("were never written, and its key is gone: r makes it again"));
    for (size_t i = 0; i < sheet->replaced_by.n; i++)
        add_other(lines, _("followed by"), sheet->replaced_by.rows[i]);
    if (issued->revoked_at != 0)
        lines_printf(lines, 0, MARK_OFF, _("revoked"), _("%s UTC, reason: %s"),
                     clock_format_minute(date, issued->revoked_at),
                     crl_reason_name(issued->reason));
}

static void fill(struct cert_page *self)
{
    const struct cert_job *sheet = self->sheet;
    const struct issued *issued = sheet->issued;
    struct inspect_node *tree = inspect_cert(issued->cert, clock_now());
    struct strbuf pem = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* without it there is nothing to copy */

    lines_clear(self->lines);
    add_state(self->lines, issued);
    lines_add(self->lines, 0, MARK_NONE, _("name"), issued->role);
    lines_add(self->lines, 0, MARK_NONE, _("kind"), issued_kind_name(issued->kind));
    lines_add(self->lines, 0, MARK_NONE, _("CA"), issued->authority);
    if (issued->note != NULL)
        lines_add(self->lines, 0, MARK_NONE, _("note"), issued->note);
    add_history(self->lines, sheet);
    lines_head(self->lines, _("Certificate"));
    lines_tree(self->lines, tree, 0);
    inspect_free(tree);
    free(self->pem);
    self->pem = NULL;
    if (cert_to_pem(issued->cert, &pem, &ignored))
        self->pem = strbuf_steal(&pem);
    strbuf_clear(&pem);
}

/* ---- events ---- */

static void refresh(struct cert_page *self)
{
    if (self->job == NULL)
        self->job = cert_job_start(self->app, self, self->which);
}

static void job_ended(struct cert_page *self)
{
    cert_job_free(self->sheet);
    self->sheet = job_take(self->job);
    self->job = NULL;
    if (self->sheet->err.code == ERR_NONE)
        fill(self);
}

static struct nav refuse(struct cert_page *self, const char *why)
{
    self->message_mark = MARK_WARN;
    snprintf(self->message, sizeof(self->message), "%.159s", why);
    return nav_stay();
}

static struct nav key_event(struct cert_page *self, uint32_t key)
{
    const struct issued *issued =
        self->sheet != NULL && self->sheet->err.code == ERR_NONE ? self->sheet->issued : NULL;

    self->message[0] = '\0';
    switch (key) {
    case KEY_CODE_ESC:
    case KEY_CODE_LEFT:
        return nav_pop();
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
        refresh(self);
        return nav_stay();
    }
    if (issued == NULL)
        return nav_stay();
    switch (key) {
    case 'r':
        return issued->revoked_at != 0
                   ? refuse(self, _("A revoked one is not renewed: make a new one."))
                   : nav_push(page_renew(self->app, self->which));
    case 'x':
        return issued->revoked_at != 0 ? refuse(self, _("It is revoked already."))
                                       : nav_push(page_revoke(self->app, self->which));
    case 'p':
        return issued->revoked_at != 0 || issued->not_after <= clock_now()
                   ? refuse(self, _("Nobody logs in with it any more: make a new one."))
               : issued->kind != ISSUED_CLIENT
                   ? refuse(self, _("A kit is for the certificate of a client."))
                   : nav_push(page_program(self->app, self->which, NULL));
    case 'w':
        return nav_push(page_cert_export(self->app, self->which));
    case 'y':
        return self->pem != NULL ? nav_copy(self->pem) : nav_stay();
    }
    (void)lines_key(self->lines, key);
    return nav_stay();
}

static struct nav cert_event(void *arg, const struct event *event)
{
    struct cert_page *self = arg;

    if (event->type == EVENT_SHOWN)
        refresh(self);
    else if (event->type == EVENT_JOB && event->job == self->job)
        job_ended(self);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void cert_draw(const void *arg, struct canvas *body)
{
    const struct cert_page *self = arg;

    if (self->sheet == NULL)
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    else if (self->sheet->err.code != ERR_NONE)
        (void)error_view_draw(&self->sheet->err, body, 0, canvas_rows(body));
    else
        lines_draw(self->lines, body, 0, canvas_rows(body));
}

static void cert_frame(const void *arg, struct frame *ret)
{
    const struct cert_page *self = arg;
    const struct issued *issued = self->sheet != NULL ? self->sheet->issued : NULL;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Certificate"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Certificates > %.60s"),
             issued != NULL ? issued->role : "");
    lines_where(self->lines, ret->path_right, sizeof(ret->path_right));
    ret->bindings = bindings;
    ret->word = "certificate";
    ret->why = _("A certificate may be shown to anybody; its private key was handed over and is "
                 "not kept here. Renewing makes a new one and leaves this one valid; revoking "
                 "calls it back for ever.");
    ret->help = _("[ok] was checked.  [--] good to know.  [!!] works, and will hurt.  [xx] does "
                  "not work with PostgreSQL.");
    if (self->sheet != NULL && self->sheet->err.code != ERR_NONE) {
        ret->bindings = error_keys;
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->sheet->err.code);
    } else if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (issued != NULL && !issued->delivered && issued->revoked_at == 0 &&
               self->sheet->replaced_by.n == 0) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Its files were never written: nobody has it.  r makes it again."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("y copies the certificate.  r, p, w and x open a page that asks."));
    }
}

static void cert_commands(const void *arg, struct strbuf *out)
{
    const struct cert_page *self = arg;
    char hex[SERIAL_HEX_MAX];

    if (self->sheet == NULL || self->sheet->issued == NULL) {
        strbuf_add_str(out, "pgseal list\n");
        return;
    }
    serial_format_hex(hex, &self->sheet->issued->serial);
    strbuf_add_str(out, _("# what this page shows\n"));
    strbuf_printf(out, "pgseal show %s\n\n", hex);
    strbuf_add_str(out, _("# what it leads to\n"));
    strbuf_printf(out, "pgseal renew %s\npgseal revoke %s\n", hex, hex);
    if (self->sheet->issued->kind == ISSUED_CLIENT) {
        strbuf_add_str(out, "pgseal kit ");
        if (!text_quote_shell(out, self->sheet->issued->role))
            strbuf_add_str(out, "ROLE");
        strbuf_add_str(out, " --server db1 --for psql,python\n");
    }
}

static void cert_page_free(void *arg)
{
    struct cert_page *self = arg;

    cert_job_free(self->sheet);
    lines_free(self->lines);
    free(self->pem);
    free(self->which);
    free(self);
}

static const struct screen_ops cert_ops = {
    .name = "certificate",
    .event = cert_event,
    .draw = cert_draw,
    .frame = cert_frame,
    .commands = cert_commands,
    .free = cert_page_free,
};

struct screen *page_cert(struct app *app, const char *which)
{
    struct cert_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->which = mem_strdup(which);
    self->lines = lines_new();
    return screen_new(&cert_ops, self);
}
