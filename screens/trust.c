/* trust.c - give a server a CA: one of ours, a pasted one, or a file. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/ca_box.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "screens/trust_job.h"
#include "tui/form.h"

#define QUIET_MS 300

enum source { SOURCE_OURS, SOURCE_PASTE, SOURCE_FILE, SOURCE_CRL, SOURCE_AWAY };

struct trust {
    struct app *app;
    struct job *facts_job;
    struct trust_facts *facts;
    struct form *form;                               /* NULL: not yet, or an error */
    int source, ca, paste, file, result, keep, away; /* ca -1: there is none */
    struct choice_item *ca_items, *away_items;
    struct ca_box box;
    enum source looked; /* whose the box is */
    size_t seen;        /* bytes of the paste box that were looked at */
    char *asked;        /* the path that was read, or is being read */
    struct timer *quiet;
    struct job *file_job;
};

static const struct plan_page_spec spec = {
    .title = N_("Give a server the CA"),
    .path = N_("Server CA"),
    .next = N_("Next step: make a certificate for a role, then require certificates."),
    .word = "CA",
    .intent = &trust_intent,
};

static const struct plan_page_spec away_spec = {
    .title = N_("Take a CA away from a server"),
    .path = N_("Server CA"),
    .word = "CA",
    .intent = &trust_intent,
};

/* ---- fields ---- */

static const struct form_field source_field = {
    .label = N_("Take the CA from"),
    .why = N_("The server needs the PUBLIC part of the CA, to check the certificates of its "
              "clients. It may be shown to anybody. The private key never goes to a server."),
    .help = N_("A CA of this store brings its list of revoked certificates (CRL) along. With a "
               "foreign one, paste its CRL too where the server checks CRLs."),
    .word = "CA",
};
static const struct choice_item source_items[] = {
    {N_("a CA of this store"), N_("its CRL goes with it")},
    {N_("a paste"), N_("what somebody sent you")},
    {N_("a file"), N_("PEM or DER, on this machine")},
    {N_("only new CRLs"), N_("the current lists of the CAs it has")},
    {N_("take one away"), N_("the server trusts it no more")},
};
static const struct form_field ca_field = {
    .label = N_("CA"),
    .why = N_("Which CA of the store. The others that the server trusts stay, unless you say "
              "otherwise below."),
    .help = N_("Each CA of the store can be given to each server."),
    .word = "CA",
};
static const struct form_field away_field = {
    .label = N_("Take away"),
    .why = N_("Its clients are refused from then on, when they connect again: the plan says who of "
              "those connected now that is. Before a CA goes, its clients get certificates of "
              "another one."),
    .help =
        N_("The CAs that the server names on the wire. \"All\": it asks for no certificates any "
           "more, which is refused while a rule still wants one."),
    .word = "CA",
};
static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why = N_("Everything from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----; a chain "
              "and CRLs are fine too. Never paste a private key: it would be thrown away, and you "
              "would be told to replace it."),
    .help = N_("Line ends, indentation, mail quotes and text around it are cleaned and named. "
               "Ctrl-U empties the box; a second paste is added to the first."),
    .word = "PEM",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("A file on the machine where pgseal runs: certificate, chain, CRLs beside them; PEM "
              "or DER."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "PEM",
    .width = 48,
    .max = 1000,
};
static const struct form_field keep_field = {
    .label = N_("The others"),
    .why = N_("CAs that the server trusts now stay, with their CRLs, so nobody is locked out. "
              "Without this only what is named here is trusted from then on."),
    .help = N_("The plan shows which CAs the server will trust; sessions that are open stay open."),
    .word = "overlap",
};

/* ---- what is said ---- */

static enum source source_of(const struct trust *self)
{
    return (enum source)form_choice(self->form, self->source);
}

static void show_result(struct trust *self, bool shown)
{
    struct strbuf text = STRBUF_INIT;

    ca_box_describe(&self->box, &text);
    form_set_text(self->form, self->result, text.data);
    form_show(self->form, self->result, shown && text.len > 0);
    strbuf_clear(&text);
}

static void say_box(struct trust *self, int id)
{
    form_say(self->form, id, self->box.mark, self->box.note.len > 0 ? self->box.note.data : NULL);
}

/* The box is looked at once for each paste; a private key is wiped before anything is drawn. */
static void check_paste(struct trust *self, struct form *form)
{
    char count[80];
    size_t len;
    const char *bytes = form_bytes(form, self->paste, &len);

    if (len != self->seen) {
        ca_box_look(&self->box, bytes, len, clock_now(), &self->facts->chain);
        if (self->box.wipe)
            form_wipe(form, self->paste);
        (void)form_bytes(form, self->paste, &self->seen);
    }
    ca_box_count(&self->box, count, sizeof(count));
    form_set_box_note(form, self->paste, count);
    say_box(self, self->paste);
}

static void stop_reading(struct trust *self)
{
    timer_stop(self->quiet);
    self->quiet = NULL;
    if (self->file_job != NULL)
        job_cancel(self->file_job);
    self->file_job = NULL;
}

/* Read when the typing has stopped. */
static void check_file(struct trust *self, struct form *form)
{
    const char *path = form_text(form, self->file);

    if (strcmp(path, self->asked) != 0) {
        char *copy = mem_strdup(path);

        free(self->asked);
        self->asked = copy;
        stop_reading(self);
        ca_box_clear(&self->box);
        if (path[0] != '\0')
            self->quiet = timer_start(app_loop(self->app), self, QUIET_MS, 0);
    }
    if (path[0] == '\0')
        form_say(form, self->file, MARK_TODO, NULL);
    else if (self->quiet != NULL || self->file_job != NULL)
        form_say(form, self->file, MARK_BUSY, NULL);
    else
        say_box(self, self->file);
}

static void check(void *arg, struct form *form)
{
    struct trust *self = arg;
    enum source source = source_of(self);

    if (source != self->looked) { /* the box belongs to one of them at a time */
        self->looked = source;
        self->seen = 0;
        self->asked[0] = '\0';
        stop_reading(self);
        ca_box_clear(&self->box);
    }
    if (self->ca >= 0)
        form_show(form, self->ca, source == SOURCE_OURS);
    form_show(form, self->paste, source == SOURCE_PASTE);
    form_show(form, self->file, source == SOURCE_FILE);
    if (self->away >= 0)
        form_show(form, self->away, source == SOURCE_AWAY);
    form_show(form, self->keep, source != SOURCE_AWAY && source != SOURCE_CRL);
    if (source == SOURCE_PASTE)
        check_paste(self, form);
    if (source == SOURCE_FILE)
        check_file(self, form);
    show_result(self, source == SOURCE_PASTE || source == SOURCE_FILE);
}

static void file_ended(struct trust *self)
{
    struct trust_file *file = job_take(self->file_job);

    self->file_job = NULL;
    if (file->ok) {
        ca_box_look(&self->box, file->bytes.data, file->bytes.len, clock_now(),
                    &self->facts->chain);
        if (self->box.wipe) { /* nothing was stored, but the file is still there */
            strbuf_reset(&self->box.note);
            strbuf_add_str(&self->box.note,
                           _("There is a private key in this file. It was not taken. Name the "
                             "file with the certificate alone."));
        }
        if (file->bytes.len == 0) {
            self->box.mark = MARK_BAD;
            strbuf_add_str(&self->box.note, _("The file is empty."));
        }
    } else {
        ca_box_clear(&self->box);
        self->box.mark = MARK_BAD;
        strbuf_printf(&self->box.note, "%s.", file->err.msg);
    }
    trust_file_free(file);
    form_recheck(self->form);
}

/* ---- the form ---- */

/* What the server trusts now, and all of it. */
static void add_away(struct trust *self)
{
    const struct trust_facts *facts = self->facts;

    self->away = -1;
    if (facts->n_accepted == 0) {
        form_turn_off_choice(self->form, self->source, SOURCE_AWAY, _("the server names none"));
        return;
    }
    self->away_items = mem_array(facts->n_accepted + 1, sizeof(*self->away_items));
    for (size_t i = 0; i < facts->n_accepted; i++)
        self->away_items[i].label = facts->accepted[i];
    self->away_items[facts->n_accepted] =
        (struct choice_item){N_("all of them"), N_("no certificate is asked for any more")};
    self->away =
        form_add_choice(self->form, &away_field, self->away_items, facts->n_accepted + 1, 0);
}

static void make_form(struct trust *self)
{
    const struct trust_facts *facts = self->facts;

    self->form = form_new(N_("See the plan"), NULL, check, self);
    form_explain_button(self->form, 0,
                        N_("pgseal reads the server and shows every step. Nothing is changed "
                           "before you have said yes to them."));
    self->ca = -1;
    self->source = form_add_choice(self->form, &source_field, source_items, ARRAY_LEN(source_items),
                                   facts->n > 0 ? SOURCE_OURS : SOURCE_PASTE);
    if (facts->n > 0) {
        self->ca_items = mem_array(facts->n, sizeof(*self->ca_items));
        for (size_t i = 0; i < facts->n; i++)
            self->ca_items[i] = (struct choice_item){facts->names[i], facts->notes[i]};
        self->ca = form_add_choice(self->form, &ca_field, self->ca_items, facts->n, facts->first);
    } else {
        form_turn_off_choice(self->form, self->source, SOURCE_OURS, _("there is none yet"));
    }
    self->paste = form_add_paste(self->form, &paste_field, 5);
    self->file = form_add_text(self->form, &file_field, app_kept(self->app, "trust.file"));
    self->result = form_add_line(self->form, NULL, "");
    add_away(self);
    self->keep =
        form_add_check(self->form, &keep_field, N_("keep what the server trusts now"), true);
    form_focus(self->form, self->source);
    form_recheck(self->form);
}

static void facts_ended(struct trust *self)
{
    self->facts = job_take(self->facts_job);
    self->facts_job = NULL;
    if (self->facts->err.code == ERR_NONE)
        make_form(self);
}

/* ---- events ---- */

static struct trust_data *read_data(const struct trust *self)
{
    struct trust_data *data = mem_zalloc(sizeof(*data));
    enum source source = source_of(self);

    cert_list_init(&data->foreign);
    data->keep_present = form_checked(self->form, self->keep);
    if (source == SOURCE_AWAY) {
        size_t at = form_choice(self->form, self->away);

        data->away = true;
        data->all = at == self->facts->n_accepted;
        if (!data->all) {
            data->names = mem_array(1, sizeof(*data->names));
            data->names[data->n_names++] = mem_strdup(self->facts->accepted[at]);
        }
        return data;
    }
    if (source == SOURCE_OURS) {
        data->authorities = mem_array(1, sizeof(*data->authorities));
        data->authorities[data->n_authorities++] =
            mem_strdup(self->facts->names[form_choice(self->form, self->ca)]);
        return data;
    }
    for (size_t i = 0; i < self->box.cas.n; i++)
        cert_list_take(&data->foreign, cert_dup(self->box.cas.certs[i]));
    data->crls = mem_array(self->box.n_crls + 1, sizeof(struct crl *));
    for (size_t i = 0; i < self->box.n_crls; i++)
        data->crls[data->n_crls++] = crl_dup(self->box.crls[i]);
    if (source == SOURCE_FILE)
        data->path = mem_strdup(form_text(self->form, self->file));
    return data;
}

static bool own_event(struct trust *self, const struct event *event)
{
    if (event->type == EVENT_JOB && event->job == self->facts_job) {
        facts_ended(self);
        return true;
    }
    if (event->type == EVENT_JOB && event->job == self->file_job) {
        file_ended(self);
        return true;
    }
    if (event->type == EVENT_TIMER && event->timer == self->quiet) {
        stop_reading(self);
        self->file_job = trust_file_start(self->app, self, self->asked);
        form_recheck(self->form);
        return true;
    }
    return false;
}

static struct nav trust_event(void *arg, const struct event *event)
{
    struct trust *self = arg;

    if (own_event(self, event))
        return nav_stay();
    if (event->type == EVENT_SHOWN) {
        if (app_take_done(self->app))
            return nav_pop();
        if (self->facts == NULL && self->facts_job == NULL)
            self->facts_job = trust_facts_start(self->app, self);
        return nav_stay();
    }
    if (self->form == NULL)
        return event->type == EVENT_KEY && event->key == KEY_CODE_ESC ? nav_pop() : nav_stay();
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        if (source_of(self) == SOURCE_CRL)
            return nav_push(page_publish_crl(self->app));
        return nav_push(page_plan(self->app, source_of(self) == SOURCE_AWAY ? &away_spec : &spec,
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

static void trust_draw(const void *arg, struct canvas *body)
{
    const struct trust *self = arg;

    if (self->form != NULL)
        form_draw(self->form, body);
    else if (self->facts != NULL)
        (void)error_view_draw(&self->facts->err, body, 0, canvas_rows(body));
    else
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store, asking the server what it shows"));
}

static const struct binding busy_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {NULL, NULL, NULL, 0},
};

static void trust_frame(const void *arg, struct frame *ret)
{
    const struct trust *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", gettext(spec.title));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), gettext(spec.path));
    ret->word = spec.word;
    if (self->form == NULL) {
        ret->bindings = busy_keys;
        ret->why = _("Nothing is changed by looking.");
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. It takes a moment."));
        return;
    }
    if (self->box.cas.n > 0 && self->box.mark == MARK_OK)
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was sent yet. Compare the SHA-256 with the sender, by phone."));
    form_frame(self->form, ret);
}

static void trust_commands(const void *arg, struct strbuf *out)
{
    const struct trust *self = arg;
    struct trust_data *data;

    if (self->form == NULL) {
        strbuf_printf(out, "pgseal server show %s\n", app_server(self->app));
        return;
    }
    if (source_of(self) == SOURCE_CRL) {
        strbuf_printf(out, "pgseal ca list\npgseal server crl %s\n", app_server(self->app));
        return;
    }
    data = read_data(self);
    if (data->n_authorities == 0 && data->foreign.n == 0 && !data->away) {
        strbuf_add_str(out, _("# look at it first\n"));
        strbuf_add_str(out, "openssl x509 -in ca.crt -noout -subject -dates -fingerprint "
                            "-sha256\npgseal show ca.crt\n");
        strbuf_printf(out, "pgseal server trust %s --paste ca.crt\n", app_server(self->app));
    } else {
        strbuf_add_str(out, _("# the plan, its question and its proof; --dry-run only shows it\n"));
        trust_intent.command(data, app_server(self->app), out);
    }
    trust_data_free(data);
}

static void trust_free(void *arg)
{
    struct trust *self = arg;

    if (self->form != NULL)
        app_keep(self->app, "trust.file", form_text(self->form, self->file));
    form_free(self->form);
    trust_facts_free(self->facts);
    ca_box_clear(&self->box);
    free(self->ca_items);
    free(self->away_items);
    free(self->asked);
    free(self);
}

static const struct screen_ops trust_ops = {
    .name = "trust",
    .event = trust_event,
    .draw = trust_draw,
    .frame = trust_frame,
    .commands = trust_commands,
    .free = trust_free,
};

struct screen *page_trust(struct app *app)
{
    struct trust *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->asked = mem_strdup("");
    ca_box_clear(&self->box);
    return screen_new(&trust_ops, self);
}
