/* crl_acts.c - a list of revoked certificates signed, alone or as a set; lists brought to the servers that
 * are behind. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/publish.h"
#include "core/store/crl_ahead.h"
#include "screens/pages.h"
#include "screens/publish_lines.h"

/* ---- servers that are behind ---- */

struct refresh {
    struct published_list rows;
    struct publish_known known;
    struct publish_results results;
};

static bool load_refresh(void *data, struct act_job *job, struct err *err)
{
    struct refresh *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool done = store != NULL && published_list(store, NULL, 0, &self->rows, err);

    store_close(store);
    return done;
}

static bool needs_something(const struct published *row)
{
    return row->behind || !row->known || row->n_sessions > 0 || row->failed_at != 0;
}

static void show_one(const struct published *row, struct lines *lines)
{
    char date[CLOCK_TEXT_MAX];

    if (!row->known)
        lines_printf(lines, 0, MARK_WARN, NULL,
                     _("%s: which list of \"%s\" it has is not known; it is looked at"),
                     row->server, row->authority);
    else
        lines_printf(lines, 0, row->behind ? MARK_WARN : MARK_OK, NULL,
                     row->behind ? _("%s: has list %llu of \"%s\", and needs %llu")
                                 : _("%s: has list %llu of \"%s\""),
                     row->server, (unsigned long long)row->number, row->authority,
                     (unsigned long long)row->current);
    if (row->n_sessions > 0)
        lines_printf(lines, 3, MARK_WARN, NULL,
                     ngettext("sessions of %zu revoked certificate are to be ended",
                              "sessions of %zu revoked certificates are to be ended",
                              (unsigned long)row->n_sessions),
                     row->n_sessions);
    if (row->failed_at != 0)
        lines_printf(lines, 3, MARK_NONE, NULL, _("last tried %s UTC: %s"),
                     clock_format_minute(date, row->failed_at), row->why);
}

/* What is to be done comes first: a fleet is longer than the page. */
static void show_behind(const void *data, struct lines *lines)
{
    const struct refresh *self = data;

    if (self->rows.n == 0)
        lines_add(lines, 0, MARK_OFF, NULL, _("No server of the store trusts a CA of ours."));
    for (int good = 0; good < 2; good++) {
        for (size_t i = 0; i < self->rows.n; i++) {
            if (needs_something(&self->rows.rows[i]) == (good == 0))
                show_one(&self->rows.rows[i], lines);
        }
    }
}

static bool publish(struct act_job *job, struct store *store, struct publish_known *known,
                    int64_t authority_id, struct publish_results *ret, struct err *err)
{
    struct server_list servers = {.n = 0};
    struct publish_talk talk;
    struct publish_request request = {.servers = &servers, .door = &talk.door, .only_behind = true};
    bool done;

    publish_talk_begin(&talk, job, known);
    publish_results_clear(ret);
    done = publish_list_servers(store, authority_id, &servers, err) &&
           publish_run(store, &request, &talk.watch, ret, err);
    server_list_clear(&servers);
    return done;
}

static bool run_refresh(void *data, struct act_job *job, struct err *err)
{
    struct refresh *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool done = store != NULL && publish(job, store, &self->known, 0, &self->results, err);

    store_close(store);
    return done;
}

static void result_refresh(const void *data, struct lines *lines)
{
    const struct refresh *self = data;

    publish_lines(lines, &self->results);
    if (!publish_is_complete(&self->results))
        publish_lines_behind(lines);
    else
        lines_add(lines, 0, MARK_OK, NULL, _("No server is behind."));
}

static void review_refresh(const void *data, struct form *form)
{
    const struct refresh *self = data;
    size_t n = 0;

    for (size_t i = 0; i < self->rows.n; i++)
        n += self->rows.rows[i].behind || !self->rows.rows[i].known ||
             self->rows.rows[i].n_sessions > 0;
    if (n == 0) {
        form_add_line(form, NULL, _("No server is behind: nothing would be changed."));
        return;
    }
    form_add_line(
        form, NULL,
        _("Each server that is behind gets the list by a plan of its own, with a proof on "
          "the wire: the revoked are refused, a good one passes. One that fails is taken "
          "back, and does not keep the others from it. No key is needed."));
}

static void commands_refresh(const void *data, const struct form *form, struct strbuf *out)
{
    (void)data;
    (void)form;
    strbuf_add_str(out, _("# what it would do\n"));
    strbuf_add_str(out, "pgseal crl refresh --dry-run\n");
    strbuf_add_str(out, _("\n# it; the same runs from a timer\n"));
    strbuf_add_str(out, "pgseal crl refresh\npgseal crl refresh --print-cron\n");
    strbuf_add_str(out, "systemctl --user enable --now pgseal-crl-refresh.timer\n");
}

static void free_refresh(void *data)
{
    struct refresh *self = data;

    published_list_clear(&self->rows);
    publish_known_clear(&self->known);
    publish_results_clear(&self->results);
    free(self);
}

static const struct act_step refresh_steps[] = {{N_("Servers"), NULL, NULL, NULL, NULL}};

static const struct act_ops refresh_ops = {
    .name = "crl-refresh",
    .title = N_("Bring the lists to the servers"),
    .where = N_("CRLs > Refresh"),
    .word = "CRL",
    .why = N_("A server that was away, or that a list was signed for elsewhere, goes on with its "
              "old list: it accepts what was revoked since, and refuses everybody when it ends."),
    .go = N_("Bring them"),
    .stop = N_("Esc stops: servers that are half done are taken back."),
    .steps = refresh_steps,
    .n_steps = ARRAY_LEN(refresh_steps),
    .load = load_refresh,
    .show = show_behind,
    .review = review_refresh,
    .run = run_refresh,
    .result = result_refresh,
    .commands = commands_refresh,
    .free = free_refresh,
};

struct screen *page_crl_refresh(struct app *app)
{
    struct refresh *self = mem_zalloc(sizeof(*self));

    return act_page(app, &refresh_ops, self);
}

/* ---- signing ---- */

enum { SIGN_ONE, SIGN_SET };

struct sign {
    char *name;
    bool read_only;
    struct authority *authority;
    int what_id, days_id, lists_id, publish_id;
    size_t what;
    int days, lists; /* 0: as usual */
    bool publish;
    size_t n_signed; /* of a set */
    struct publish_known known;
    struct publish_results results;
};

static const struct form_field what_field = {
    .label = N_("Sign"),
    .why = N_("A set is signed with the passphrase once: a timer (\"crl refresh\") brings the next "
              "list each month with no key on the machine."),
    .help = N_("A revocation signs the whole set again, with higher numbers: what it replaces is "
               "never published any more."),
    .word = "CRL",
};
static const struct choice_item what_items[] = {
    {N_("one list"), N_("good until a day that you choose")},
    {N_("a set for later"), N_("one a month, each good for longer")},
};
static const struct form_field days_field = {
    .label = N_("Good for"),
    .why = N_("When a list ends, PostgreSQL refuses EVERY client of its CA, and says that the "
              "client's certificate is bad. Long is safe; short shows sooner that a timer stands."),
    .help = N_("Of one list usually 365 days, of each list of a set 60. Never beyond the CA's "
               "end."),
    .word = "expiry",
    .after = N_("days"),
    .width = 8,
    .max = 5,
    .allow = "0123456789",
};
static const struct form_field lists_field = {
    .label = N_("Lists"),
    .why = N_("One counts at once, the others from their month on: twelve are a year without the "
              "passphrase."),
    .help = N_("From 2 to 60."),
    .word = "CRL",
    .after = N_("lists, one a month"),
    .width = 8,
    .max = 2,
    .allow = "0123456789",
};
static const struct form_field publish_field = {
    .label = N_("Then"),
    .why = N_("A list that is only in the store helps nobody: the servers have their own copy."),
    .help = N_("Each by a plan of its own, with a proof."),
    .word = "CRL",
};

static bool load_sign(void *data, struct act_job *job, struct err *err)
{
    struct sign *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);

    authority_free(self->authority);
    self->authority = store != NULL ? authority_load(store, self->name, err) : NULL;
    store_close(store);
    if (self->authority != NULL && !self->authority->has_key)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not in this store"),
                       self->name);
    return self->authority != NULL;
}

static void build_sign(void *data, struct form *form)
{
    struct sign *self = data;
    bool set = self->authority->crl.ahead > 0;

    self->what_id = form_add_choice(form, &what_field, what_items, ARRAY_LEN(what_items),
                                    set ? SIGN_SET : SIGN_ONE);
    self->days_id = form_add_text(form, &days_field, "");
    self->lists_id = form_add_text(form, &lists_field, "12");
    self->publish_id =
        form_add_check(form, &publish_field, N_("bring it to the servers"), !self->read_only);
    form_show(form, self->publish_id, !self->read_only);
}

static int number_of(const struct form *form, int id)
{
    return (int)strtol(form_text(form, id), NULL, 10); /* at most 5 digits */
}

static void check_sign(void *arg, struct form *form)
{
    struct sign *self = arg;
    bool set = form_choice(form, self->what_id) == SIGN_SET;
    int days = number_of(form, self->days_id), lists = number_of(form, self->lists_id);
    int least = set ? CRL_AHEAD_EVERY_DAYS + CRL_AHEAD_OVERLAP_DAYS : 1;
    bool usual = form_text(form, self->days_id)[0] == '\0';
    char note[120];

    form_show(form, self->lists_id, set);
    if (usual)
        snprintf(note, sizeof(note), _("empty: %d days, as usual"),
                 set ? CRL_AHEAD_DAYS : CRL_DEFAULT_DAYS);
    else if (days < least || days > 36525)
        snprintf(note, sizeof(note), _("from %d to 36525 days"), least);
    else
        note[0] = '\0';
    form_say(form, self->days_id, usual ? MARK_NONE : note[0] != '\0' ? MARK_BAD : MARK_OK, note);
    if (set)
        form_say(form, self->lists_id, lists < 2 || lists > CRL_AHEAD_MAX ? MARK_BAD : MARK_OK,
                 lists < 2 || lists > CRL_AHEAD_MAX ? _("from 2 to 60 lists") : NULL);
}

static void take_sign(void *data, const struct form *form)
{
    struct sign *self = data;

    self->what = form_choice(form, self->what_id);
    self->days = number_of(form, self->days_id);
    self->lists = number_of(form, self->lists_id);
    self->publish = !self->read_only && form_checked(form, self->publish_id);
}

static void review_sign(const void *data, struct form *form)
{
    const struct sign *self = data;
    const struct authority *authority = self->authority;
    char text[160], date[CLOCK_TEXT_MAX];
    int days = self->days > 0           ? self->days
               : self->what == SIGN_SET ? CRL_AHEAD_DAYS
                                        : CRL_DEFAULT_DAYS;

    form_add_line(form, _("CA"), authority->name);
    snprintf(text, sizeof(text), _("number %llu, until %s"),
             (unsigned long long)authority->crl.number,
             clock_format_date(date, authority->crl.next_update));
    form_add_line(form, _("Now"), text);
    if (self->what == SIGN_SET)
        snprintf(text, sizeof(text), _("%d lists, one a month, each good for %d days"), self->lists,
                 days);
    else
        snprintf(text, sizeof(text), _("number %llu, good for %d days"),
                 (unsigned long long)(authority->crl.number + authority->crl.ahead) + 1, days);
    form_add_line(form, _("Signed"), text);
    if (self->what == SIGN_ONE && self->days > 0 && authority->crl.ahead > 0)
        form_add_line(form, NULL, _("The set of lists for later is given up by that."));
    form_add_line(form, _("Servers"),
                  self->publish ? _("get it after that") : _("are not touched"));
}

static const char *locked_sign(const void *data)
{
    const struct sign *self = data;

    return self->authority->key_encrypted ? self->authority->name : NULL;
}

static bool sign(struct sign *self, struct store *store, const struct key *key, struct err *err)
{
    struct crl_ahead_spec spec = {.lists = self->lists, .days = self->days};
    struct crl *crl;

    if (self->what == SIGN_SET)
        return crl_ahead_sign(store, self->authority, key, &spec, &self->n_signed, err);
    crl = authority_sign_crl(store, self->authority, key, self->days, err);
    if (crl == NULL)
        return false;
    crl_free(crl);
    return true;
}

static bool run_sign(void *data, struct act_job *job, struct err *err)
{
    struct sign *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    struct key *key =
        store != NULL ? authority_unlock(store, self->authority, act_passphrase(job), err) : NULL;
    bool done = key != NULL && sign(self, store, key, err);

    key_free(key);
    if (done && self->publish)
        done = publish(job, store, &self->known, self->authority->id, &self->results, err);
    store_close(store);
    return done;
}

static void result_sign(const void *data, struct lines *lines)
{
    const struct sign *self = data;
    const struct authority *authority = self->authority;
    char date[CLOCK_TEXT_MAX];

    lines_printf(lines, 0, MARK_OK, NULL, _("List number %llu of \"%s\" is signed, until %s."),
                 (unsigned long long)authority->crl.number, authority->name,
                 clock_format_date(date, authority->crl.next_update));
    if (self->what == SIGN_SET)
        lines_printf(lines, 2, MARK_NONE, NULL,
                     _("%zu lists in all; the last one ends %s. A timer must run \"pgseal crl "
                       "refresh\" until then: t on the page of lists."),
                     self->n_signed, clock_format_date(date, authority->crl.until));
    publish_lines(lines, &self->results);
    if (!self->publish)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("Servers have the one before: \"pgseal crl refresh\" brings it there."));
    else if (!publish_is_complete(&self->results))
        publish_lines_behind(lines);
}

static void commands_sign(const void *data, const struct form *form, struct strbuf *out)
{
    const struct sign *self = data;
    bool set = form != NULL ? form_choice(form, self->what_id) == SIGN_SET : self->what == SIGN_SET;
    int days = form != NULL ? number_of(form, self->days_id) : self->days;
    int lists = form != NULL ? number_of(form, self->lists_id) : self->lists;

    strbuf_add_str(out, set ? "pgseal crl presign --ca " : "pgseal crl sign --ca ");
    if (!text_quote_shell(out, self->name))
        strbuf_add_str(out, "CA");
    if (set && lists > 0)
        strbuf_printf(out, " --months %d", lists);
    if (days > 0)
        strbuf_printf(out, " --days %d", days);
    strbuf_add_str(out, "\npgseal crl refresh\n");
}

static void free_sign(void *data)
{
    struct sign *self = data;

    publish_known_clear(&self->known);
    publish_results_clear(&self->results);
    authority_free(self->authority);
    free(self->name);
    free(self);
}

static const struct act_step sign_steps[] = {{N_("List"), build_sign, check_sign, take_sign, NULL}};

static const struct act_ops sign_ops = {
    .name = "crl-sign",
    .title = N_("Sign a list of revoked certificates"),
    .where = N_("CRLs > Sign"),
    .word = "CRL",
    .why = N_("The next list has everything that is revoked and has not ended. Its number is "
              "higher than the one before: a server never gets a weaker list."),
    .go = N_("Sign"),
    .stop = N_("Esc stops: half-done servers are taken back; what is signed stays."),
    .steps = sign_steps,
    .n_steps = ARRAY_LEN(sign_steps),
    .load = load_sign,
    .review = review_sign,
    .locked = locked_sign,
    .run = run_sign,
    .result = result_sign,
    .commands = commands_sign,
    .free = free_sign,
};

struct screen *page_crl_sign(struct app *app, const char *ca)
{
    struct sign *self = mem_zalloc(sizeof(*self));

    self->name = mem_strdup(ca);
    self->read_only = app_read_only(app);
    return act_page(app, &sign_ops, self);
}
