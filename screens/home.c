/* home.c - the first page: what can be done, and how things stand. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/home_state.h"
#include "screens/pages.h"
#include "tui/menu.h"
#include "tui/utf8.h"

#define STATE_COLUMN  48 /* of the state, where the window is wide enough */
#define STATE_WIDTH   30
#define MARK_FROM_END 8   /* columns */
#define MARK_MAX      104 /* further away it is not seen with its text */
#define NAME_WIDTH    8   /* of a server, at least */

enum home_line {
    HOME_GUIDE,
    HOME_NEW_CA,
    HOME_NEW_CLIENT,
    HOME_DESK,
    HOME_RENEW,
    HOME_SERVERS,
    HOME_TLS,
    HOME_TRUST,
    HOME_REQUIRE,
    HOME_SESSIONS,
    HOME_CHECK,
    HOME_DOCTOR,
    HOME_WORDS,
    HOME_LOG,
    HOME_QUIT
};

struct home {
    struct app *app;
    struct menu *menu;
    struct home_state state;
    bool have_state;
    bool fresh;  /* the state was read since the page came on top */
    bool probed; /* the servers were asked */
    bool wanted; /* a line was chosen before it was known whether it is on */
    struct job *job;
    char message[160];
};

static const struct menu_item items[] = {
    {'s', N_("Set up everything, step by step"), HOME_GUIDE},
    {'1', N_("Create a certificate authority (CA)"), HOME_NEW_CA},
    {'2', N_("Create a client certificate"), HOME_NEW_CLIENT},
    {'a', N_("All about certificates and CAs"), HOME_DESK},
    {'r', N_("Renew or rotate certificates"), HOME_RENEW},
    {'3', N_("Servers: add, choose, remove"), HOME_SERVERS},
    {'4', N_("Give a server TLS"), HOME_TLS},
    {'5', N_("Give a server the CA (paste or file)"), HOME_TRUST},
    {'6', N_("Require certificates"), HOME_REQUIRE},
    {'7', N_("Watch SSL sessions (live)"), HOME_SESSIONS},
    {'c', N_("Check a server (changes nothing)"), HOME_CHECK},
    {'d', N_("Why does an application not get in?"), HOME_DOCTOR},
    {'8', N_("Words explained"), HOME_WORDS},
    {'9', N_("Log and undo"), HOME_LOG},
    {'0', N_("Quit"), HOME_QUIT},
};

static const char *const whys[] = {
    [HOME_GUIDE] =
        N_("The whole way as one walk: server, CA, TLS, the CA on the server, a certificate, the "
           "rule, a login that proves it. It can be left at any time and taken up again."),
    [HOME_NEW_CA] =
        N_("A CA is the stamp that says \"this certificate is ours\". Servers keep a copy of "
           "its public part. Its private key stays in the store. One CA is enough for all "
           "your servers."),
    [HOME_NEW_CLIENT] =
        N_("A client certificate lets one database role log in without a password: the "
           "name in it is the name of the role. The server must know the CA first."),
    [HOME_DESK] =
        N_("Find, renew and export certificates, look after CAs, sign requests, make many at once, "
           "certificates for servers; and what any pasted text or file is."),
    [HOME_RENEW] =
        N_("All that ends, the worst first, and what renews it. A CA or a certificate is replaced "
           "in steps: each is measured, says who is not ready, and can be taken back."),
    [HOME_SERVERS] =
        N_("The servers that pgseal knows. One of them is chosen: the other pages work with it."),
    [HOME_TLS] =
        N_("A certificate of your CA for the server itself, and TLS is switched on: a reload, no "
           "restart. You see the plan first, and can take it back."),
    [HOME_TRUST] =
        N_("The public part of a CA goes to the server, with its list of revoked certificates. "
           "From then on the server can check its clients; nobody is forced to have one yet."),
    [HOME_REQUIRE] =
        N_("Rules in pg_hba.conf: these roles get in with a certificate only. Above the lines "
           "that would let them by. The last step, when the certificates are handed out."),
    [HOME_SESSIONS] =
        N_("Shows every session of the server, with TLS or without, and the certificate "
           "behind it. It only looks; ending a session asks first."),
    [HOME_CHECK] =
        N_("Settings, files, dates, lists, rules and what the wire shows, looked at from all "
           "sides. Each finding says what to do, and opens the page that mends it."),
    [HOME_DOCTOR] =
        N_("Tries what an application would do, under every sslmode, and explains each answer. "
           "Server messages throw several causes together; here they are told apart."),
    [HOME_WORDS] =
        N_("CA, CRL, CSR, SAN, hostssl, verify-full: what the words mean, what PostgreSQL "
           "calls them, and how it is done by hand."),
    [HOME_LOG] =
        N_("Every change that pgseal made to a server, with its steps. Each can be taken back, "
           "also weeks later."),
    [HOME_QUIT] = N_("Nothing is lost: all that was made is in the store."),
};

static const char *const words[] = {
    [HOME_GUIDE] = "TLS/SSL",
    [HOME_NEW_CA] = "CA",
    [HOME_NEW_CLIENT] = "certificate",
    [HOME_DESK] = "certificate",
    [HOME_RENEW] = "rotate",
    [HOME_SERVERS] = "TLS/SSL",
    [HOME_TLS] = "TLS/SSL",
    [HOME_TRUST] = "CA",
    [HOME_REQUIRE] = "cert method",
    [HOME_SESSIONS] = "backend/session",
    [HOME_CHECK] = "TLS/SSL",
    [HOME_DOCTOR] = "sslmode",
    [HOME_WORDS] = "CA",
    [HOME_LOG] = "reload",
    [HOME_QUIT] = "CA",
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {"F3", N_("Words"), N_("the words of this field explained"), 60},
    {"Enter", N_("Choose"), N_("open the line; its number does the same"), 90},
    {"F5", N_("Refresh"), N_("look at the store and the servers again"), 50},
    {"q", N_("Quit"), N_("leave pgseal"), 95},
    {NULL, NULL, NULL, 0},
};

/* ---- the state, read by a job: first the store alone, then the servers too ---- */

struct state_job {
    char *store_folder;
    bool probe;
    struct home_state state;
};

static void state_run(struct job *job, void *data)
{
    struct state_job *self = data;

    (void)job;
    home_state_read(self->store_folder, self->probe, &self->state);
}

static void state_free(void *data)
{
    struct state_job *self = data;

    home_state_clear(&self->state);
    free(self->store_folder);
    free(self);
}

static const struct job_ops state_ops = {"home: state", state_run, state_free};

static void start_job(struct home *self, bool probe)
{
    struct state_job *data;

    if (self->job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->probe = probe;
    self->job = job_start(app_loop(self->app), self, &state_ops, data);
}

static size_t live_authorities(const struct home_state *state)
{
    size_t n = 0;

    for (size_t i = 0; i < state->authorities.n; i++)
        n += !state->authorities.rows[i]->retired;
    return n;
}

static void update_menu(struct home *self)
{
    const struct home_state *state = &self->state;
    bool have_ca = live_authorities(state) > 0;
    bool have_server = app_server(self->app)[0] != '\0';
    const char *no_ca = _("There is no CA yet: take 1 first.");
    const char *no_server = _("No server is known: take 3 first.");
    char note[80];

    menu_turn_off(self->menu, HOME_NEW_CLIENT, have_ca ? NULL : no_ca);
    menu_turn_off(self->menu, HOME_TLS, !have_server ? no_server : have_ca ? NULL : no_ca);
    menu_turn_off(self->menu, HOME_TRUST, have_server ? NULL : no_server);
    menu_turn_off(self->menu, HOME_REQUIRE, have_server ? NULL : no_server);
    menu_turn_off(self->menu, HOME_SESSIONS, have_server ? NULL : no_server);
    menu_turn_off(self->menu, HOME_CHECK, have_server ? NULL : no_server);
    snprintf(note, sizeof(note), "(%.12s)", app_server(self->app));
    menu_set_note(self->menu, HOME_SERVERS, MARK_NONE, have_server ? note : NULL);
    if (state->n_open > 0)
        snprintf(note, sizeof(note), ngettext("%zu is open", "%zu are open", state->n_open),
                 state->n_open);
    menu_set_note(self->menu, HOME_RENEW, state->n_rotations > 0 ? MARK_HERE : MARK_NONE, NULL);
    menu_set_note(self->menu, HOME_LOG, state->n_open > 0 ? MARK_WARN : MARK_NONE,
                  state->n_open > 0 ? note : NULL);
}

static struct nav choose(struct home *self);

static struct nav job_ended(struct home *self)
{
    struct state_job *data = job_take(self->job);
    bool probe_next = !data->probe && data->state.n_servers > 0;
    bool first = !self->have_state;

    self->job = NULL;
    if (self->have_state)
        home_state_clear(&self->state);
    self->state = data->state;
    memset(&data->state, 0, sizeof(data->state));
    self->have_state = self->fresh = true;
    self->probed = data->probe;
    state_free(data);
    app_know_servers(self->app, &self->state.all);
    if (app_server(self->app)[0] == '\0' && self->state.n_shown > 0)
        app_set_server(self->app, self->state.servers[0].name);
    update_menu(self);
    if (probe_next)
        start_job(self, true);
    if (first && self->state.n_open > 0) /* what a killed pgseal left open comes before all else */
        return nav_push(page_log(self->app));
    return self->wanted ? choose(self) : nav_stay();
}

/* ---- events ---- */

static struct nav open_line(struct home *self)
{
    switch ((enum home_line)menu_id(self->menu)) {
    case HOME_GUIDE:
        return nav_push(page_guide(self->app));
    case HOME_NEW_CA:
        return nav_push(page_new_ca(self->app));
    case HOME_NEW_CLIENT:
        return nav_push(page_new_client(self->app));
    case HOME_DESK:
        return nav_push(page_desk(self->app));
    case HOME_RENEW:
        return nav_push(page_rotate(self->app));
    case HOME_SESSIONS:
        return nav_push(page_sessions(self->app));
    case HOME_SERVERS:
        return nav_push(page_servers(self->app));
    case HOME_TLS:
        return nav_push(page_server_tls(self->app));
    case HOME_TRUST:
        return nav_push(page_trust(self->app));
    case HOME_REQUIRE:
        return nav_push(page_require(self->app));
    case HOME_CHECK:
        return nav_push(page_check(self->app));
    case HOME_DOCTOR:
        return nav_push(page_doctor(self->app, NULL));
    case HOME_WORDS:
        return nav_push(page_words(NULL));
    case HOME_LOG:
        return nav_push(page_log(self->app));
    case HOME_QUIT:
        return nav_quit();
    }
    return nav_stay();
}

/* The line with the cursor. What the store has is not known at once: until then the choice waits. */
static struct nav choose(struct home *self)
{
    const char *off = menu_why_off(self->menu, menu_id(self->menu));

    self->wanted = off != NULL && !self->fresh;
    if (off == NULL)
        return open_line(self);
    if (self->fresh)
        snprintf(self->message, sizeof(self->message), "%.150s", off);
    return nav_stay();
}

static struct nav key_event(struct home *self, uint32_t key)
{
    self->message[0] = '\0';
    self->wanted = false;
    switch (menu_key(self->menu, key)) {
    case MENU_CHOSEN:
    case MENU_IS_OFF:
        return choose(self);
    case MENU_MOVED:
        return nav_stay();
    case MENU_IGNORED:
        break;
    }
    if (key == 'q')
        return nav_quit();
    if (key == KEY_CODE_F5)
        start_job(self, true);
    if (key == KEY_CODE_ESC)
        snprintf(self->message, sizeof(self->message), "%s", _("Press q or F10 to leave."));
    return nav_stay();
}

static struct nav home_event(void *arg, const struct event *event)
{
    struct home *self = arg;

    switch (event->type) {
    case EVENT_SHOWN:
        (void)app_take_done(self->app); /* a change is over: the pages above have gone */
        job_cancel(self->job);          /* it began before the other page did what it did */
        self->job = NULL;
        self->fresh = false;
        start_job(self, false);
        break;
    case EVENT_JOB:
        if (event->job == self->job)
            return job_ended(self);
        break;
    case EVENT_KEY:
        return key_event(self, event->key);
    case EVENT_HIDDEN:
        self->wanted = false;
        break;
    case EVENT_PASTE:
    case EVENT_RESIZE:
    case EVENT_JOB_PROGRESS:
    case EVENT_TIMER:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static int mark_column(const struct canvas *body)
{
    int column = canvas_columns(body) - MARK_FROM_END;

    return column < MARK_MAX ? column : MARK_MAX;
}

/* One row of the state: label, text, mark at the right. */
static int state_row(struct canvas *body, int row, int column, const char *label, const char *text,
                     enum mark mark)
{
    canvas_text(body, row, column, STYLE_LABEL, label);
    canvas_field(body, row, column + 8, mark_column(body) - column - 9, STYLE_NORMAL, text);
    if (mark != MARK_NONE)
        canvas_mark(body, row, mark_column(body), mark);
    return row + 1;
}

static enum mark until_mark(int64_t when, int soon_days)
{
    int64_t left = when - clock_now();

    if (left <= 0)
        return MARK_BAD;
    return left < soon_days * CLOCK_DAY ? MARK_WARN : MARK_OK;
}

static void until_text(int64_t when, char *out, size_t size)
{
    int64_t days = clock_days_until(when);

    if (when <= clock_now())
        snprintf(out, size, "%s", _("has ended"));
    else if (days >= 730)
        snprintf(out, size, _("%lld y %lld d left"), (long long)(days / 365),
                 (long long)(days % 365));
    else
        snprintf(out, size, _("%lld d left"), (long long)days);
}

static int draw_authority(const struct home *self, struct canvas *body, int row, int column)
{
    const struct authority *first = NULL; /* the one that ends first */
    size_t n = live_authorities(&self->state);
    int64_t list = 0; /* the end of the list that ends first */
    char text[64];

    for (size_t i = 0; i < self->state.authorities.n; i++) {
        const struct authority *authority = self->state.authorities.rows[i];

        if (authority->retired)
            continue;
        if (first == NULL || cert_not_after(authority->cert) < cert_not_after(first->cert))
            first = authority;
        if (list == 0 || authority->crl.until < list)
            list = authority->crl.until;
    }
    if (first == NULL)
        return state_row(body, row, column, _("CA"), _("none yet"), MARK_TODO);
    row = state_row(body, row, column, _("CA"), first->name,
                    until_mark(cert_not_after(first->cert), 365));
    until_text(cert_not_after(first->cert), text, sizeof(text));
    row = state_row(body, row, column, "", text, MARK_NONE);
    if (n > 1) {
        snprintf(text, sizeof(text), _("and %zu more"), n - 1);
        row = state_row(body, row, column, "", text, MARK_NONE);
    }
    snprintf(text, sizeof(text), _("%lld valid"),
             (long long)(self->state.valid + self->state.expiring));
    row = state_row(body, row, column, _("Certs"), text, MARK_OK);
    if (self->state.expiring > 0) {
        snprintf(text, sizeof(text), _("%lld end in 30 d"), (long long)self->state.expiring);
        row = state_row(body, row, column, "", text, MARK_WARN);
    }
    if (self->state.revoked > 0) {
        snprintf(text, sizeof(text), _("%lld revoked"), (long long)self->state.revoked);
        row = state_row(body, row, column, "", text, MARK_OFF);
    }
    until_text(list, text, sizeof(text));
    return state_row(body, row, column, n > 1 ? _("CRLs") : _("CRL"), text, until_mark(list, 30));
}

static int draw_rotations(const struct home *self, struct canvas *body, int row, int column)
{
    const struct home_state *state = &self->state;
    char text[96];

    if (state->n_rotations == 0)
        return row;
    if (state->n_rotations > 1)
        snprintf(text, sizeof(text), _("%zu under way"), state->n_rotations);
    else
        snprintf(text, sizeof(text), "%s", state->rotation);
    row = state_row(body, row, column, _("Rotates"), text, MARK_HERE);
    if (state->not_moved > 0) {
        snprintf(text, sizeof(text), _("%lld not moved"), (long long)state->not_moved);
        row = state_row(body, row, column, "", text, MARK_WARN);
    }
    return row;
}

static int draw_servers(const struct home *self, struct canvas *body, int row, int column)
{
    int mark = mark_column(body);
    char text[128];

    if (self->state.n_servers == 0)
        return state_row(body, row, column, _("Servers"), _("none yet"), MARK_TODO);
    row = state_row(body, row, column, _("Servers"), "", MARK_NONE);
    for (size_t i = 0; i < self->state.n_shown; i++) {
        const struct home_server *server = &self->state.servers[i];

        const char *state = self->probed ? server_state_text(server->state) : "...";
        int name = utf8_columns(server->name), room = mark - column - 3 - utf8_columns(state);

        if (name > room)
            name = room < NAME_WIDTH ? NAME_WIDTH : room;
        canvas_field(body, row, column + 1, name, STYLE_NORMAL, server->name);
        canvas_field(body, row, column + name + 2, mark - column - name - 3, STYLE_NORMAL, state);
        canvas_mark(body, row, mark, self->probed ? server_state_mark(server->state) : MARK_BUSY);
        row++;
    }
    if (self->state.n_servers > self->state.n_shown)
        canvas_printf(body, row++, column, STYLE_NORMAL, _(" and %zu more"),
                      self->state.n_servers - self->state.n_shown);
    if (self->state.n_behind > 0) { /* "crl refresh" brings it there */
        snprintf(text, sizeof(text),
                 ngettext(" %zu lacks the CRL", " %zu lack the CRL",
                          (unsigned long)self->state.n_behind),
                 self->state.n_behind);
        canvas_field(body, row, column, mark - column - 1, STYLE_NORMAL, text);
        canvas_mark(body, row++, mark, MARK_WARN);
    }
    return row;
}

static void home_draw(const void *arg, struct canvas *body)
{
    const struct home *self = arg;
    int columns = canvas_columns(body);
    bool wide = columns >= STATE_COLUMN + STATE_WIDTH;
    int rows = canvas_rows(body);
    int row = 1;

    menu_draw(self->menu, body, 0, 0, rows, wide ? STATE_COLUMN - 1 : columns, true);
    if (!wide)
        return;
    canvas_text(body, 0, STATE_COLUMN - 1, STYLE_STRONG, _("State"));
    if (!self->have_state) {
        canvas_mark(body, 1, STATE_COLUMN, MARK_BUSY);
        return;
    }
    if (self->state.err.code != ERR_NONE) {
        canvas_mark(body, 1, STATE_COLUMN, MARK_BAD);
        canvas_wrap(body, 2, STATE_COLUMN, STATE_WIDTH, rows - 2, STYLE_NORMAL,
                    self->state.err.msg);
        return;
    }
    row = draw_authority(self, body, row, STATE_COLUMN);
    row = draw_rotations(self, body, row, STATE_COLUMN);
    row = draw_servers(self, body, row, STATE_COLUMN);
    if (live_authorities(&self->state) == 0)
        canvas_wrap(body, row + 1, STATE_COLUMN, STATE_WIDTH, 3, STYLE_NORMAL,
                    _("New here? Press Enter: the first line leads through all of it."));
}

static void home_frame(const void *arg, struct frame *ret)
{
    const struct home *self = arg;
    int id = menu_id(self->menu);

    snprintf(ret->title, sizeof(ret->title), "%s", _("Home"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), "%s", _("Home   What do you want to do?"));
    clock_format_date(ret->path_right, clock_now());
    snprintf(ret->why_title, sizeof(ret->why_title), "%.40s", _(items[id].label));
    ret->why = _(whys[id]);
    ret->bindings = bindings;
    ret->help =
        _("Up and Down move, Enter or the line's number opens it. A line that is off says why. The "
          "column at the right shows how things stand: [ok] fine, [!!] look at it, [xx] act now, "
          "[  ] not done yet.");
    ret->word = words[id];
    if (self->message[0] != '\0')
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    else if (self->have_state && self->state.err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), "%.150s", self->state.err.msg);
    } else if (menu_why_off(self->menu, id) != NULL) {
        ret->message_mark = MARK_OFF;
        snprintf(ret->message, sizeof(ret->message), "%.150s", menu_why_off(self->menu, id));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("This page changes nothing. Up and Down move, Enter chooses."));
    }
}

static void home_commands(const void *arg, struct strbuf *out)
{
    const struct home *self = arg;
    const char *server = app_server(self->app)[0] != '\0' ? app_server(self->app) : "NAME";

    strbuf_add_str(out, _("# the same as commands\n"));
    strbuf_add_str(out, "pgseal ca create 'Acme PG Root'\n");
    strbuf_add_str(out, "pgseal issue client alice --out alice\n");
    strbuf_printf(out, "pgseal server tls %s\npgseal server trust %s\n", server, server);
    strbuf_printf(out, "pgseal server require %s --database app --role alice --from 10.0.0.0/8\n",
                  server);
    strbuf_printf(out, "pgseal sessions %s --once\npgseal plan list\n\n", server);
    strbuf_add_str(out, _("# what this page looked at\n"));
    strbuf_add_str(out, "pgseal ca list\npgseal list --within 30\n");
    strbuf_printf(out, "pgseal server probe %s\n", server);
}

static void home_free(void *arg)
{
    struct home *self = arg;

    if (self->have_state)
        home_state_clear(&self->state);
    menu_free(self->menu);
    free(self);
}

static const struct screen_ops home_ops = {
    .name = "home",
    .event = home_event,
    .draw = home_draw,
    .frame = home_frame,
    .commands = home_commands,
    .free = home_free,
};

struct screen *page_home(struct app *app)
{
    struct home *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->menu = menu_new(items, ARRAY_LEN(items));
    update_menu(self);
    return screen_new(&home_ops, self);
}
