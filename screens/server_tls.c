/* server_tls.c - a server gets a certificate, and TLS goes on: of our CA, of another one that is asked for
 * it, or one that exists; the answers for the plan. */
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
#include "screens/server_tls_job.h"
#include "tui/button_row.h"
#include "tui/form.h"

#define DAYS_MAX 36525

enum no_ca_button { NO_CA_CREATE, NO_CA_OTHER };

struct server_tls {
    struct app *app;
    struct job *facts_job;
    struct client_facts *facts;  /* CAs that can sign, the server's address */
    struct form *form;           /* NULL: not yet, or there is no CA */
    int source, ca, hosts, days; /* ca -1: there is only one, or none */
    int ca_line, request, cert, key, passphrase, note;
    struct choice_item *ca_items;
    struct button_row buttons; /* without a CA */
};

/* ---- where it ends ---- */

static const struct plan_page_spec request_spec = {
    .title = N_("Request a server certificate"),
    .path = N_("Server TLS"),
    .next = N_("Next step: let the CA sign the request; with its answer take this page again: "
               "certificate that exists."),
    .word = "CSR",
    .intent = &tls_intent,
};

static const struct plan_page_spec spec = {
    .title = N_("Give a server TLS"),
    .path = N_("Server TLS"),
    .next = N_("Next step: give the server the CA, so that it can check its clients."),
    .word = "TLS/SSL",
    .intent = &tls_intent,
};

/* ---- the form ---- */

static const struct form_field source_field = {
    .label = N_("Certificate"),
    .why = N_("A CA of this store signs in one go. Another CA gets a request (CSR): the key stays "
              "on the server, its answer comes in later by this page."),
    .help = N_("What the clients use to check the server (root.crt, a trust store) decides which "
               "CA it should be."),
    .word = "certificate",
};
static const struct choice_item source_items[] = {
    {N_("of our own CA"), N_("signed and installed now; usual")},
    {N_("of another CA"), N_("it gets a request (CSR)")},
    {N_("that exists"), N_("the CA's answer, or a pair")},
};
static const struct form_field request_field = {
    .label = N_("Request into"),
    .why = N_("The new file on this machine for the request. It may be shown to anybody: it holds "
              "the public key and the names. The private key is made on the server and stays "
              "there."),
    .help = N_("A path; nothing is overwritten. It is written when the plan is applied, and taken "
               "away when the plan is not kept."),
    .word = "CSR",
    .width = 48,
    .max = 1000,
};
static const struct form_field cert_field = {
    .label = N_("Certificate in"),
    .why = N_("The file with the server's certificate, and the intermediate CAs above it where "
              "there are some; in any order."),
    .help = N_("PEM. Looked at before the plan: is it for servers, for these names, not ended, "
               "and does the chain close."),
    .word = "chain",
    .width = 48,
    .max = 1000,
};
static const struct form_field key_field = {
    .label = N_("Its key in"),
    .why = N_("Empty when the server has the key already: that is so after a request of this "
              "page. Else the file with the private key; it goes to the server by its own file "
              "system, never over the network."),
    .help = N_("A file of mode 0600."),
    .word = "private key",
    .width = 48,
    .max = 1000,
    .after = N_("optional"),
};
static const struct form_field passphrase_field = {
    .label = N_("Key's passphrase"),
    .why = N_("Only for an encrypted key. The server must be able to open it at a reload by "
              "itself: without ssl_passphrase_command it is refused."),
    .help = N_("Used for this change, and forgotten."),
    .word = "passphrase",
    .width = 34,
    .after = N_("optional"),
};
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

static enum tls_source source_of(const struct server_tls *self)
{
    return (enum tls_source)form_choice(self->form, self->source);
}

static void say_filled(struct form *form, int id)
{
    form_say(form, id, form_text(form, id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void check(void *arg, struct form *form)
{
    struct server_tls *self = arg;
    enum tls_source source = source_of(self);
    bool has_key = form_text(form, self->key)[0] != '\0';

    form_show(form, self->ca >= 0 ? self->ca : self->ca_line, source == TLS_OURS);
    form_show(form, self->days, source == TLS_OURS);
    form_show(form, self->request, source == TLS_REQUEST);
    form_show(form, self->cert, source == TLS_GIVEN);
    form_show(form, self->key, source == TLS_GIVEN);
    form_show(form, self->passphrase, source == TLS_GIVEN && has_key);
    form_show(form, self->note, source != TLS_GIVEN);
    check_hosts(self, form);
    if (source == TLS_OURS)
        check_days(self, form);
    say_filled(form, self->request);
    say_filled(form, self->cert);
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
    char *request = mem_printf("%s.csr", app_server(self->app));
    char text[24];

    self->form = form_new(N_("See the plan"), NULL, check, self);
    form_explain_button(self->form, 0,
                        N_("pgseal reads the server and shows every step. Nothing is changed "
                           "before you have said yes to them."));
    self->ca = -1;
    snprintf(text, sizeof(text), "%d", ISSUED_SERVER_DAYS);
    self->source = form_add_choice(self->form, &source_field, source_items, ARRAY_LEN(source_items),
                                   facts->n > 0 ? TLS_OURS : TLS_REQUEST);
    if (facts->n == 0)
        form_turn_off_choice(self->form, self->source, TLS_OURS, _("there is none yet"));
    self->ca_line = form_add_line(self->form, N_("CA"), facts->n > 0 ? facts->cas[0].name : "");
    if (facts->n > 1) {
        form_show(self->form, self->ca_line, false);
        self->ca_items = mem_array(facts->n, sizeof(*self->ca_items));
        for (size_t i = 0; i < facts->n; i++)
            self->ca_items[i].label = facts->cas[i].name;
        self->ca =
            form_add_choice(self->form, &ca_field, self->ca_items, facts->n, facts->server_ca);
    }
    self->hosts =
        form_add_text(self->form, &hosts_field, hosts != NULL ? hosts : likely_hosts(facts));
    self->days = form_add_text(self->form, &days_field, days != NULL ? days : text);
    self->request = form_add_text(self->form, &request_field, request);
    self->cert = form_add_text(self->form, &cert_field, app_kept(self->app, "server-tls.cert"));
    self->key = form_add_text(self->form, &key_field, app_kept(self->app, "server-tls.key"));
    self->passphrase = form_add_secret(self->form, &passphrase_field);
    self->note = form_add_line(
        self->form, NULL,
        _("The server's private key is made by pgseal and written on the server's own "
          "machine only. Of a cluster each member gets its own, with its own address."));
    form_focus(self->form, self->hosts);
    form_recheck(self->form);
    free(request);
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
    button_row_add(&self->buttons, N_("Another CA's certificate"));
    button_row_add(&self->buttons, N_("Back"));
}

static struct tls_data *read_data(const struct server_tls *self)
{
    struct tls_data *data = tls_data_new();
    struct err ignored = ERR_INIT; /* the form was checked */

    data->source = source_of(self);
    (void)!read_hosts(form_text(self->form, self->hosts), data, &ignored);
    switch (data->source) {
    case TLS_OURS:
        data->ca = mem_strdup(chosen_ca(self)->name);
        data->days = days_of(self) > 0 ? days_of(self) : ISSUED_SERVER_DAYS;
        break;
    case TLS_REQUEST:
        data->request_file = app_full_path(form_text(self->form, self->request));
        break;
    case TLS_GIVEN:
        data->cert_file = app_full_path(form_text(self->form, self->cert));
        if (form_text(self->form, self->key)[0] != '\0')
            data->key_file = app_full_path(form_text(self->form, self->key));
        if (data->key_file != NULL && secret_len(form_secret(self->form, self->passphrase)) > 0)
            data->passphrase = secret_dup(form_secret(self->form, self->passphrase));
        break;
    }
    return data;
}

static struct nav no_ca_event(struct server_tls *self, const struct event *event)
{
    if (event->type != EVENT_KEY)
        return nav_stay();
    if (event->key == KEY_CODE_ESC)
        return nav_pop();
    if (self->facts == NULL || button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    switch (self->buttons.focus) {
    case NO_CA_CREATE:
        return nav_replace(page_new_ca(self->app));
    case NO_CA_OTHER:
        make_form(self);
        return nav_stay();
    }
    return nav_pop();
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
        return nav_push(page_plan(self->app, source_of(self) == TLS_REQUEST ? &request_spec : &spec,
                                  read_data(self)));
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
    struct tls_data *data;

    if (self->form == NULL) {
        strbuf_add_str(out, _("# a CA comes first\n"));
        strbuf_add_str(out, "pgseal ca create 'Acme PG Root'\n");
        return;
    }
    data = read_data(self);
    strbuf_add_str(out, _("# the plan, its question and its proof; --dry-run only shows it\n"));
    tls_intent.command(data, app_server(self->app), out);
    tls_data_free(data);
}

static void tls_page_free(void *arg)
{
    struct server_tls *self = arg;

    if (self->form != NULL) {
        app_keep(self->app, "server-tls.hosts", form_text(self->form, self->hosts));
        app_keep(self->app, "server-tls.days", form_text(self->form, self->days));
        app_keep(self->app, "server-tls.cert", form_text(self->form, self->cert));
        app_keep(self->app, "server-tls.key", form_text(self->form, self->key));
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
