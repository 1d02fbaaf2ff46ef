/* guide.c - the whole way as one walk: where it stands, and the page of the next step. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/guide_state.h"
#include "screens/pages.h"

#define LABEL_AT 10
#define NOTE_AT  48

struct guide {
    struct app *app;
    struct job *job;
    bool wanted;               /* Enter came before it was known where the walk stands */
    struct guide_state *state; /* NULL: not read yet */
    size_t at;
    bool chosen; /* the person moved: the cursor stays where it is */
    char message[160];
};

static const struct {
    const char *label, *why, *word;
} steps[GUIDE_STEPS] = {
    [GUIDE_SERVER] = {N_("Add the server"),
                      N_("How pgseal logs in to it as its administrator, and where its clients "
                         "connect. Nothing on the server is changed by that."),
                      "TLS/SSL"},
    [GUIDE_CA] = {N_("Create a certificate authority (CA)"),
                  N_("The stamp that says \"this certificate is ours\". Its private key stays in "
                     "the store, its public part goes to the server and to the clients."),
                  "CA"},
    [GUIDE_TLS] = {N_("Give the server TLS"),
                   N_("The server gets a certificate of its own and switches TLS on: a reload, no "
                      "restart. Who connects without TLS goes on as before."),
                   "TLS/SSL"},
    [GUIDE_TRUST] = {N_("Give the server the CA"),
                     N_("From then on the server can check certificates of its clients. Nobody is "
                        "forced to have one yet."),
                     "CA"},
    [GUIDE_CLIENT] = {N_("Make a certificate for a role"),
                      N_("A private key and a certificate with the name of the role, in a folder "
                         "that you hand over to the client."),
                      "certificate"},
    [GUIDE_REQUIRE] = {N_("Require certificates"),
                       N_("A rule above the others: this role gets in with its certificate only. "
                          "It is tried before you keep it, and taken back if you do not."),
                       "cert method"},
    [GUIDE_LOGIN] = {N_("Try a login"),
                     N_("With the certificate it must work, without it must not: then the whole "
                        "way is proven, from outside, as a client would see it."),
                     "verify-full"},
};

static struct screen *page_of(struct app *app, enum guide_step step)
{
    switch (step) {
    case GUIDE_SERVER:
        return page_server_add(app);
    case GUIDE_CA:
        return page_new_ca(app);
    case GUIDE_TLS:
        return page_server_tls(app);
    case GUIDE_TRUST:
        return page_trust(app);
    case GUIDE_CLIENT:
        return page_new_client(app);
    case GUIDE_REQUIRE:
        return page_require(app);
    case GUIDE_LOGIN:
    case GUIDE_STEPS:
        break;
    }
    return page_login(app);
}

/* What a step needs before it; GUIDE_STEPS: nothing is missing. */
static enum guide_step missing_for(const struct guide *self, enum guide_step step)
{
    static const struct {
        enum guide_step step, needs;
    } needs[] = {
        {GUIDE_TLS, GUIDE_SERVER},     {GUIDE_TLS, GUIDE_CA},        {GUIDE_TRUST, GUIDE_SERVER},
        {GUIDE_TRUST, GUIDE_CA},       {GUIDE_TRUST, GUIDE_TLS},     {GUIDE_CLIENT, GUIDE_CA},
        {GUIDE_REQUIRE, GUIDE_SERVER}, {GUIDE_REQUIRE, GUIDE_TRUST}, {GUIDE_LOGIN, GUIDE_SERVER},
    };

    for (size_t i = 0; self->state != NULL && i < ARRAY_LEN(needs); i++) {
        if (needs[i].step == step && self->state->steps[needs[i].needs].mark == MARK_TODO)
            return needs[i].needs;
    }
    return GUIDE_STEPS;
}

static size_t first_open(const struct guide *self)
{
    for (size_t i = 0; i < GUIDE_STEPS; i++) {
        if (self->state->steps[i].mark != MARK_OK)
            return i;
    }
    return GUIDE_STEPS - 1;
}

static bool all_done(const struct guide *self)
{
    for (size_t i = 0; self->state != NULL && i < GUIDE_STEPS; i++) {
        if (self->state->steps[i].mark != MARK_OK)
            return false;
    }
    return self->state != NULL;
}

/* ---- events ---- */

static void state_ended(struct guide *self)
{
    guide_state_free(self->state);
    self->state = job_take(self->job);
    self->job = NULL;
    if (app_server(self->app)[0] == '\0' && self->state->steps[GUIDE_SERVER].mark == MARK_OK)
        app_set_server(self->app, self->state->steps[GUIDE_SERVER].note);
    if (!self->chosen)
        self->at = first_open(self);
}

static void refresh(struct guide *self)
{
    if (self->job == NULL)
        self->job = guide_state_start(self->app, self);
}

static struct nav open_step(struct guide *self)
{
    enum guide_step missing = missing_for(self, (enum guide_step)self->at);

    self->wanted = self->state == NULL;
    if (self->state == NULL)
        return nav_stay();
    if (missing != GUIDE_STEPS) {
        snprintf(self->message, sizeof(self->message), _("First step %d: %s."), (int)missing + 1,
                 gettext(steps[missing].label));
        return nav_stay();
    }
    self->chosen = false;
    return nav_push(page_of(self->app, (enum guide_step)self->at));
}

static struct nav key_event(struct guide *self, uint32_t key)
{
    self->message[0] = '\0';
    self->wanted = false;
    switch (key) {
    case KEY_CODE_ESC:
    case KEY_CODE_LEFT:
        return nav_pop();
    case 'q':
        return nav_quit();
    case KEY_CODE_ENTER:
        return open_step(self);
    case KEY_CODE_F5:
    case 'r':
        refresh(self);
        return nav_stay();
    case KEY_CODE_UP:
    case 'k':
        self->at -= self->at > 0;
        self->chosen = true;
        return nav_stay();
    case KEY_CODE_DOWN:
    case 'j':
        self->at += self->at + 1 < GUIDE_STEPS;
        self->chosen = true;
        return nav_stay();
    }
    if (key >= '1' && key < '1' + GUIDE_STEPS) {
        self->at = key - '1';
        self->chosen = true;
        return open_step(self);
    }
    return nav_stay();
}

static struct nav guide_event(void *arg, const struct event *event)
{
    struct guide *self = arg;

    switch (event->type) {
    case EVENT_SHOWN:
        (void)app_take_done(self->app); /* a step is done: the walk goes on here */
        refresh(self);
        break;
    case EVENT_JOB:
        if (event->job == self->job) {
            state_ended(self);
            if (self->wanted)
                return open_step(self);
        }
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

static void draw_step(const struct guide *self, struct canvas *body, size_t i, int row)
{
    bool here = i == self->at;
    enum mark mark = self->state != NULL ? self->state->steps[i].mark : MARK_BUSY;

    if (self->state != NULL && mark == MARK_TODO && i == first_open(self))
        mark = MARK_HERE;
    if (here) {
        canvas_glyph(body, row, 1, STYLE_NORMAL, GLYPH_POINTER);
        canvas_cursor(body, row, 1);
    }
    canvas_mark(body, row, 3, mark);
    canvas_printf(body, row, 8, STYLE_KEY, "%zu", i + 1);
    canvas_text(body, row, LABEL_AT, here ? STYLE_FOCUS : STYLE_NORMAL, gettext(steps[i].label));
    if (self->state != NULL)
        canvas_field(body, row, NOTE_AT, canvas_columns(body) - NOTE_AT - 2, STYLE_NORMAL,
                     self->state->steps[i].note);
}

static void guide_draw(const void *arg, struct canvas *body)
{
    const struct guide *self = arg;

    canvas_text(body, 0, 2, STYLE_STRONG, _("From a server to a login with a certificate"));
    for (size_t i = 0; i < GUIDE_STEPS; i++)
        draw_step(self, body, i, (int)i + 2);
    if (self->state != NULL && self->state->err.code != ERR_NONE) {
        int at = canvas_mark(body, GUIDE_STEPS + 3, 2, MARK_BAD) + 1;

        canvas_wrap(body, GUIDE_STEPS + 3, at, canvas_columns(body) - at - 2, 2, STYLE_NORMAL,
                    self->state->err.msg);
    } else if (all_done(self)) {
        int at = canvas_mark(body, GUIDE_STEPS + 3, 2, MARK_OK) + 1;

        canvas_wrap(body, GUIDE_STEPS + 3, at, canvas_columns(body) - at - 2, 2, STYLE_STRONG,
                    _("All of it is done and proven. More roles: make a certificate for each, "
                      "then require it."));
    } else {
        canvas_wrap(body, GUIDE_STEPS + 3, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                    _("Enter opens the marked step; when it is done, you are back here. Each step "
                      "that changes the server shows its plan first. You can leave at any time: "
                      "what is done is found again."));
    }
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the whole way as commands"), 90},
    {"F3", N_("Words"), N_("the words explained"), 0},
    {N_("Enter"), N_("Open the step"), N_("its number does the same"), 85},
    {"F5", N_("Refresh"), N_("look at store and server again"), 40},
    {"Esc", N_("Home"), N_("to the first page; the walk can be taken up again"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static void guide_frame(const void *arg, struct frame *ret)
{
    const struct guide *self = arg;
    size_t done = 0;

    for (size_t i = 0; self->state != NULL && i < GUIDE_STEPS; i++)
        done += self->state->steps[i].mark == MARK_OK;
    snprintf(ret->title, sizeof(ret->title), "%s", _("Set up, step by step"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Set up"));
    snprintf(ret->path_right, sizeof(ret->path_right), _("%zu of %d done"), done, GUIDE_STEPS);
    snprintf(ret->why_title, sizeof(ret->why_title), "%s", gettext(steps[self->at].label));
    ret->why = gettext(steps[self->at].why);
    ret->word = steps[self->at].word;
    ret->bindings = bindings;
    ret->help = _("[ok] done.  [>>] the next step.  [  ] later.  [!!] could not be seen: the "
                  "server is away, or wants a password.\nThe marks come from the store and from "
                  "the server itself, each time this page is shown.");
    if (self->message[0] != '\0') {
        ret->message_mark = MARK_OFF;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (self->job != NULL) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Looking at the store and the server."));
    } else {
        snprintf(ret->message, sizeof(ret->message), _("Step %zu: %s."), self->at + 1,
                 gettext(steps[self->at].label));
    }
}

static void guide_commands(const void *arg, struct strbuf *out)
{
    const struct guide *self = arg;
    const char *server = app_server(self->app)[0] != '\0' ? app_server(self->app) : "db1";

    strbuf_printf(out,
                  "pgseal server add %s 'host=/var/run/postgresql user=postgres' \\\n"
                  "    --address db1.example.org:5432\n",
                  server);
    strbuf_add_str(out, "pgseal ca create 'Acme PG Root'\n");
    strbuf_printf(out, "pgseal server tls %s\npgseal server trust %s\n", server, server);
    strbuf_add_str(out, "pgseal issue client alice --out alice\n");
    strbuf_printf(out, "pgseal server require %s --database app --role alice --from all\n", server);
    strbuf_add_str(out, _("# try it, in the folder of the client's files\n"));
    strbuf_add_str(out, "psql 'host=db1.example.org dbname=app user=alice sslmode=verify-full\n"
                        "    sslrootcert=root.crt sslcert=alice.crt sslkey=alice.key'\n");
}

static void guide_free(void *arg)
{
    struct guide *self = arg;

    app_set_guided(self->app, false);
    guide_state_free(self->state);
    free(self);
}

static const struct screen_ops guide_ops = {
    .name = "guide",
    .event = guide_event,
    .draw = guide_draw,
    .frame = guide_frame,
    .commands = guide_commands,
    .free = guide_free,
};

struct screen *page_guide(struct app *app)
{
    struct guide *self = mem_zalloc(sizeof(*self));

    self->app = app;
    app_set_guided(app, true);
    return screen_new(&guide_ops, self);
}
