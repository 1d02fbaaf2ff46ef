/* server_tls.c - a server gets a certificate of our CA, and TLS goes on: the answers for the plan. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/san.h"
#include "core/store/issued.h"
#include "screens/error_view.h"
#include "screens/new_client_job.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "tui/button_row.h"
#include "tui/form.h"

#define DAYS_MAX 36525

struct server_tls {
    struct app *app;
    struct job *facts_job;
    struct client_facts *facts; /* CAs that can sign, the server's address */
    struct form *form;          /* NULL: not yet, or there is no CA */
    int ca, hosts, days;        /* ca -1: there is only one */
    struct choice_item *ca_items;
    struct button_row buttons; /* without a CA */
};

/* ---- the intent ---- */

struct tls_data {
    char *ca;
    char **hosts;
    size_t n_hosts;
    int days;
};

static void tls_free(void *data)
{
    struct tls_data *self = data;

    for (size_t i = 0; i < self->n_hosts; i++)
        free(self->hosts[i]);
    free(self->hosts);
    free(self->ca);
    free(self);
}

static void *tls_copy(const void *data)
{
    const struct tls_data *from = data;
    struct tls_data *to = mem_zalloc(sizeof(*to));

    to->ca = mem_strdup(from->ca);
    to->hosts = mem_array(from->n_hosts + 1, sizeof(*to->hosts));
    to->n_hosts = from->n_hosts;
    for (size_t i = 0; i < from->n_hosts; i++)
        to->hosts[i] = mem_strdup(from->hosts[i]);
    to->days = from->days;
    return to;
}

static struct plan *tls_build(const void *data, const struct attempt_tools *tools, struct err *err)
{
    const struct tls_data *self = data;
    struct authority *authority = authority_load(tools->target->store, self->ca, err);
    struct key *key = authority != NULL ? attempt_unlock(tools, authority, err) : NULL;
    struct server_tls_intent intent = {.authority = authority,
                                       .authority_key = key,
                                       .hosts = (const char *const *)self->hosts,
                                       .n_hosts = self->n_hosts,
                                       .days = self->days};
    struct plan *plan = key != NULL ? plan_server_tls(tools->target, &intent, err) : NULL;

    key_free(key);
    authority_free(authority);
    return plan;
}

static void shell(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "''");
}

static void tls_command(const void *data, const char *server, struct strbuf *out)
{
    const struct tls_data *self = data;

    strbuf_printf(out, "pgseal server tls %s --ca ", server);
    shell(out, self->ca);
    for (size_t i = 0; i < self->n_hosts; i++) {
        strbuf_add_str(out, " --host ");
        shell(out, self->hosts[i]);
    }
    strbuf_printf(out, " --days %d\n", self->days);
}

static const struct attempt_intent tls_intent = {"server tls", tls_build, tls_command, tls_copy,
                                                 tls_free};

static const struct plan_page_spec spec = {
    .title = N_("Give a server TLS"),
    .path = N_("Server TLS"),
    .next = N_("Next step: give the server the CA, so that it can check its clients."),
    .word = "TLS/SSL",
    .intent = &tls_intent,
};

/* ---- the form ---- */

static const struct form_field ca_field = {
    .label = N_("CA"),
    .why = N_("Which CA signs the server's certificate. Its clients need the public part of this "
              "CA to be sure that the server is the right one (sslmode=verify-full)."),
    .help = N_("Only CAs whose private key is in the store can sign."),
    .word = "CA",
};
static const struct form_field hosts_field = {
    .label = N_("Names of the server"),
    .why = N_("The names and addresses that clients write after \"host=\". With "
              "sslmode=verify-full a client accepts the server only under one of these. A comma "
              "between two of them."),
    .help = N_("DNS names and IP addresses, as clients use them.\n"
               "Example: db1.example.org, 10.0.0.5        Not: /var/run/postgresql"),
    .word = "SAN",
    .width = 48,
    .max = 1000,
};
static const struct form_field days_field = {
    .label = N_("Valid for"),
    .why = N_("A server certificate is renewed by taking this page again. 397 days is the usual "
              "limit; never longer than the CA. New sessions use the new one, open ones go on."),
    .help = N_("A number of days. When it ends, clients with sslmode=verify-full are refused by "
               "their own side."),
    .word = "expiry",
    .width = 8,
    .max = 5,
    .after = N_("days"),
    .allow = "0123456789",
};

static const struct client_ca *chosen_ca(const struct server_tls *self)
{
    return &self->facts->cas[self->ca >= 0 ? form_choice(self->form, self->ca) : 0];
}

static int days_of(const struct server_tls *self)
{
    int64_t days = 0;

    if (!text_parse_int(form_text(self->form, self->days), 1, DAYS_MAX, &days))
        return 0;
    return (int)days;
}

/* Each part between commas and blanks; false: err says which one is wrong. */
static bool read_hosts(const char *text, struct tls_data *ret, struct err *err)
{
    char *copy = mem_strdup(text), *rest = copy;
    struct san san;
    bool good = true;

    san_init(&san);
    for (char *host; good && (host = strsep(&rest, ", \t")) != NULL;) {
        if (host[0] == '\0')
            continue;
        good = san_add(&san, host, err);
        if (good && ret != NULL) {
            ret->hosts = mem_realloc_array(ret->hosts, ret->n_hosts + 1, sizeof(*ret->hosts));
            ret->hosts[ret->n_hosts++] = mem_strdup(host);
        }
    }
    if (good && san.n == 0)
        good = err_set(err, ERR_BAD_VALUE, _("at least one name or address"));
    san_clear(&san);
    free(copy);
    return good;
}

static void check_hosts(struct server_tls *self, struct form *form)
{
    const char *text = form_text(form, self->hosts);
    struct err err = ERR_INIT;

    if (read_hosts(text, NULL, &err))
        form_say(form, self->hosts, MARK_OK, NULL);
    else
        form_say(form, self->hosts, text[0] != '\0' ? MARK_BAD : MARK_TODO, err.msg);
}

static void check_days(struct server_tls *self, struct form *form)
{
    int64_t left = (chosen_ca(self)->not_after - clock_now()) / CLOCK_DAY;
    int days = days_of(self);
    char note[160], date[CLOCK_TEXT_MAX], value[24];

    form_set_after(form, self->days, NULL);
    if (days == 0) {
        form_say(form, self->days, form_text(form, self->days)[0] != '\0' ? MARK_BAD : MARK_TODO,
                 _("a number of days, 1 to 36525"));
    } else if (days > left) {
        snprintf(note, sizeof(note), _("the CA ends %s, in %lld days"),
                 clock_format_date(date, chosen_ca(self)->not_after), (long long)left);
        form_say(form, self->days, MARK_BAD, note);
        snprintf(value, sizeof(value), "%lld", (long long)left);
        snprintf(note, sizeof(note), _("use %s"), value);
        if (left > 0)
            form_offer(form, self->days, value, note);
    } else {
        snprintf(note, sizeof(note), _("days    ends %s"),
                 clock_format_date(date, clock_now() + days * CLOCK_DAY));
        form_set_after(form, self->days, note);
        form_say(form, self->days, MARK_OK, NULL);
    }
}

static void check(void *arg, struct form *form)
{
    struct server_tls *self = arg;

    check_hosts(self, form);
    check_days(self, form);
}

/* Clients on the machine itself write either of the two. */
static const char *likely_hosts(const struct client_facts *facts)
{
    if (facts->host == NULL || strcmp(facts->host, "localhost") == 0 ||
        strcmp(facts->host, "127.0.0.1") == 0)
        return "localhost, 127.0.0.1";
    return facts->host;
}

static void make_form(struct server_tls *self)
{
    const struct client_facts *facts = self->facts;
    const char *hosts = app_kept(self->app, "server-tls.hosts");
    const char *days = app_kept(self->app, "server-tls.days");
    char text[24];

    self->form = form_new(N_("See the plan"), NULL, check, self);
    self->ca = -1;
    snprintf(text, sizeof(text), "%d", ISSUED_SERVER_DAYS);
    form_add_line(self->form, N_("Server"), app_server(self->app));
    if (facts->n > 1) {
        self->ca_items = mem_array(facts->n, sizeof(*self->ca_items));
        for (size_t i = 0; i < facts->n; i++)
            self->ca_items[i].label = facts->cas[i].name;
        self->ca = form_add_choice(self->form, &ca_field, self->ca_items, facts->n, 0);
    } else {
        form_add_line(self->form, N_("CA"), facts->cas[0].name);
    }
    self->hosts =
        form_add_text(self->form, &hosts_field, hosts != NULL ? hosts : likely_hosts(facts));
    self->days = form_add_text(self->form, &days_field, days != NULL ? days : text);
    form_add_line(self->form, NULL,
                  _("The server's private key is made by pgseal and written on the server's own "
                    "machine only. Nothing is changed before you have seen the plan."));
    form_focus(self->form, self->hosts);
    form_recheck(self->form);
}

/* ---- events ---- */

static void facts_ended(struct server_tls *self)
{
    self->facts = job_take(self->facts_job);
    self->facts_job = NULL;
    if (self->facts->n > 0) {
        make_form(self);
        return;
    }
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, N_("Create a CA"));
    button_row_add(&self->buttons, N_("Back"));
}

static struct nav submit(struct server_tls *self)
{
    struct tls_data *data = mem_zalloc(sizeof(*data));
    struct err ignored = ERR_INIT; /* the form was checked */

    (void)!read_hosts(form_text(self->form, self->hosts), data, &ignored);
    data->ca = mem_strdup(chosen_ca(self)->name);
    data->days = days_of(self);
    return nav_push(page_plan(self->app, &spec, data));
}

static struct nav no_ca_event(struct server_tls *self, const struct event *event)
{
    if (event->type != EVENT_KEY)
        return nav_stay();
    if (event->key == KEY_CODE_ESC)
        return nav_pop();
    if (self->facts == NULL || button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    return self->buttons.focus == 0 ? nav_replace(page_new_ca(self->app)) : nav_pop();
}

static struct nav tls_event(void *arg, const struct event *event)
{
    struct server_tls *self = arg;

    if (event->type == EVENT_SHOWN) {
        if (app_take_done(self->app))
            return nav_pop();
        if (self->facts == NULL && self->facts_job == NULL)
            self->facts_job = client_facts_start(self->app, self);
        return nav_stay();
    }
    if (event->type == EVENT_JOB && event->job == self->facts_job) {
        facts_ended(self);
        return nav_stay();
    }
    if (self->form == NULL)
        return no_ca_event(self, event);
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        return submit(self);
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void tls_draw(const void *arg, struct canvas *body)
{
    const struct server_tls *self = arg;

    if (self->form != NULL) {
        form_draw(self->form, body);
    } else if (self->facts != NULL) {
        int row = error_view_draw(&self->facts->err, body, 0, canvas_rows(body) - 2);

        button_row_draw(&self->buttons, body, row + 1, 2, true);
    } else {
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    }
}

static const struct binding no_ca_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {NULL, NULL, NULL, 0},
};

static void tls_frame(const void *arg, struct frame *ret)
{
    const struct server_tls *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", gettext(spec.title));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), gettext(spec.path));
    ret->word = spec.word;
    if (self->form != NULL) {
        form_frame(self->form, ret);
        return;
    }
    ret->bindings = no_ca_keys;
    ret->why = _("A server's certificate is signed by a CA, as those of its clients are.");
    if (self->facts == NULL)
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. It takes a moment."));
}

static void tls_commands(const void *arg, struct strbuf *out)
{
    const struct server_tls *self = arg;
    struct tls_data data = {.ca = NULL};
    struct err ignored = ERR_INIT;

    if (self->form == NULL) {
        strbuf_add_str(out, _("# a CA comes first\n"));
        strbuf_add_str(out, "pgseal ca create 'Acme PG Root'\n");
        return;
    }
    (void)!read_hosts(form_text(self->form, self->hosts), &data, &ignored);
    data.ca = chosen_ca(self)->name;
    data.days = days_of(self) > 0 ? days_of(self) : ISSUED_SERVER_DAYS;
    strbuf_add_str(out, _("# the plan, its question and its proof; --dry-run only shows it\n"));
    tls_command(&data, app_server(self->app), out);
    for (size_t i = 0; i < data.n_hosts; i++)
        free(data.hosts[i]);
    free(data.hosts);
}

static void tls_page_free(void *arg)
{
    struct server_tls *self = arg;

    if (self->form != NULL) {
        app_keep(self->app, "server-tls.hosts", form_text(self->form, self->hosts));
        app_keep(self->app, "server-tls.days", form_text(self->form, self->days));
    }
    form_free(self->form);
    client_facts_free(self->facts);
    free(self->ca_items);
    free(self);
}

static const struct screen_ops tls_ops = {
    .name = "server-tls",
    .event = tls_event,
    .draw = tls_draw,
    .frame = tls_frame,
    .commands = tls_commands,
    .free = tls_page_free,
};

struct screen *page_server_tls(struct app *app)
{
    struct server_tls *self = mem_zalloc(sizeof(*self));

    self->app = app;
    return screen_new(&tls_ops, self);
}
