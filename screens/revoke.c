/*
 * revoke.c - a certificate must not be used any more, for ever: which and why, what it would do, the
 *            name typed, then the store and every server that trusts the CA.
 *
 * Words    the same as "pgseal revoke" says.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/revoke.h"
#include "screens/act.h"
#include "screens/pages.h"
#include "screens/publish_lines.h"

struct revocation {
    bool read_only; /* it stays in the store: no server is touched */
    int which_id, scope_id, reason_id, end_id;
    char *which;  /* "CA:serial", or what was typed */
    bool all;     /* every valid one of the role */
    bool several; /* a role was named that has several: there is no "only this one" */
    bool end_sessions;
    size_t reason;             /* in reasons */
    struct issued_list picked; /* by which */
    size_t n_others;           /* other valid ones of the role */
    struct issued_list certs;  /* by scope */
    struct revoke_request request;
    struct server_list nobody;
    struct publish_known known;
    struct revoke_effect effect;
    struct revoke_outcome outcome;
    bool at_why; /* its form is the one that is open */
};

/* ---- what is asked ---- */

static const struct form_field which_field = {
    .label = N_("Certificate"),
    .why = N_("A role revokes its valid client certificates; a serial number, in any form, exactly "
              "one certificate. The page \"Certificates\" finds them."),
    .help = N_("alice, or 5F:3A:... in hex, or decimal as pg_stat_ssl shows it, or CA:serial."),
    .word = "serial number",
    .width = 50,
    .max = 300,
};
static const struct form_field scope_field = {
    .label = N_("Revoke"),
    .why = N_("The role has other valid certificates, which go on working. Who lost a key may have "
              "lost them all: then revoke all."),
    .word = "revoke",
};
static const struct choice_item scopes[] = {
    {N_("only this certificate"), NULL},
    {N_("every valid certificate of the role"), NULL},
};
static const struct form_field reason_field = {
    .label = N_("Reason"),
    .why = N_("It stands in the list, for people who look later; PostgreSQL refuses the "
              "certificate for any of them. It cannot be changed afterwards."),
    .help = N_("The words are those of RFC 5280, section 5.3.1. \"unspecified\" is left out of the "
               "list, as the RFC asks."),
    .word = "CRL",
};
static const struct choice_item reason_items[] = {
    {N_("unspecified"), N_("no reason is given")},
    {N_("keyCompromise"), N_("the key was lost, stolen or seen")},
    {N_("superseded"), N_("a newer certificate took its place")},
    {N_("cessationOfOperation"), N_("the application is gone")},
    {N_("affiliationChanged"), N_("the person or team moved on")},
    {N_("privilegeWithdrawn"), N_("the right to log in was withdrawn")},
};
static const enum crl_reason reasons[] = {CRL_UNSPECIFIED,         CRL_KEY_COMPROMISE,
                                          CRL_SUPERSEDED,          CRL_CESSATION_OF_OPERATION,
                                          CRL_AFFILIATION_CHANGED, CRL_PRIVILEGE_WITHDRAWN};
static const struct form_field end_field = {
    .label = N_("Sessions"),
    .why = N_("A server looks at the list when somebody logs in, never again: a session that is "
              "open stays open for days, unless it is ended."),
    .help = N_("Only sessions with a revoked certificate, by pid and start. pgseal's own is "
               "spared."),
    .word = "backend/session",
};

static void build_which(void *data, struct form *form)
{
    struct revocation *self = data;

    self->at_why = false;
    self->which_id = form_add_text(form, &which_field, self->which);
}

static void check_which(void *arg, struct form *form)
{
    struct revocation *self = arg;

    form_say(form, self->which_id,
             form_text(form, self->which_id)[0] != '\0' ? MARK_NONE : MARK_TODO, NULL);
}

static void take_which(void *data, const struct form *form)
{
    struct revocation *self = data;

    free(self->which);
    self->which = mem_strdup(form_text(form, self->which_id));
}

/* A role with several valid ones means all of them: one alone is named by its serial number. */
static bool pick(struct revocation *self, struct store *store, struct err *err)
{
    issued_list_clear(&self->picked);
    self->several = false;
    if (revoke_pick(store, NULL, self->which, false, &self->picked, err))
        return true;
    if (err->code != ERR_CERT_AMBIGUOUS)
        return false;
    *err = (struct err)ERR_INIT;
    self->several = true;
    return revoke_pick(store, NULL, self->which, true, &self->picked, err);
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct revocation *self = data;
    struct revoke_request request = {.certs = &self->picked};
    struct revoke_effect effect;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool done = store != NULL && pick(self, store, err) &&
                revoke_look(store, &request, false, &effect, err);

    if (done) {
        self->n_others = effect.stay.n;
        revoke_effect_clear(&effect);
    }
    store_close(store);
    return done;
}

static void add_picked(const struct revocation *self, struct form *form)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->picked.n; i++) {
        const struct issued *issued = self->picked.rows[i];
        char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

        strbuf_printf(&text, _("%s%s  serial %.16s%s of \"%s\", ends %s"), i > 0 ? "\n" : "",
                      issued->role, serial_format_hex(hex, &issued->serial),
                      strlen(hex) > 16 ? "..." : "", issued->authority,
                      clock_format_date(date, issued->not_after));
    }
    form_add_line(form, NULL, text.data);
    strbuf_clear(&text);
}

static void build_why(void *data, struct form *form)
{
    struct revocation *self = data;

    add_picked(self, form);
    self->at_why = true;
    self->scope_id =
        form_add_choice(form, &scope_field, scopes, ARRAY_LEN(scopes), self->all ? 1 : 0);
    form_show(form, self->scope_id, !self->several && self->n_others > 0);
    self->reason_id =
        form_add_choice(form, &reason_field, reason_items, ARRAY_LEN(reason_items), self->reason);
    self->end_id =
        form_add_check(form, &end_field, N_("end those that are open with it"), self->end_sessions);
    form_show(form, self->end_id, !self->read_only);
}

static void take_why(void *data, const struct form *form)
{
    struct revocation *self = data;

    self->at_why = false;
    self->all = form_choice(form, self->scope_id) == 1;
    self->reason = form_choice(form, self->reason_id);
    self->end_sessions = !self->read_only && form_checked(form, self->end_id);
}

/* ---- the effect ---- */

static bool choose_certs(struct revocation *self, struct store *store, struct err *err)
{
    issued_list_clear(&self->certs);
    if (self->several || self->all)
        return revoke_pick(store, NULL, self->picked.rows[0]->role, true, &self->certs, err);
    return revoke_pick(store, NULL, self->which, false, &self->certs, err);
}

static bool look(void *data, struct act_job *job, struct err *err)
{
    struct revocation *self = data;
    struct publish_talk talk;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool done;

    publish_talk_begin(&talk, job, &self->known);
    revoke_effect_clear(&self->effect);
    self->request = (struct revoke_request){.certs = &self->certs,
                                            .only = self->read_only ? &self->nobody : NULL,
                                            .door = &talk.door,
                                            .reason = reasons[self->reason],
                                            .end_sessions = self->end_sessions};
    done = store != NULL && choose_certs(self, store, err) &&
           revoke_look(store, &self->request, !self->read_only, &self->effect, err);
    if (done && act_stopped(job))
        done = err_set(err, ERR_CANCELLED, _("stopped; nothing was done"));
    self->request.door = NULL;
    store_close(store);
    return done;
}

static void show_certs(struct lines *lines, const struct issued_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

        lines_printf(lines, 1, MARK_NONE, NULL, _("%s  serial %s of \"%s\", ends %s"),
                     list->rows[i]->role, serial_format_hex(hex, &list->rows[i]->serial),
                     list->rows[i]->authority, clock_format_date(date, list->rows[i]->not_after));
    }
}

static void show_session(struct lines *lines, const struct revoke_session *session)
{
    lines_printf(lines, 3, MARK_NONE, NULL, _("pid %d  %s  database %s  from %s  since %s%s"),
                 session->pid, session->role, session->database,
                 session->address[0] != '\0' ? session->address : _("a socket"), session->since,
                 session->own ? _("  [!!] pgseal's own login: no list goes there") : "");
}

static void show_server(const struct revocation *self, struct lines *lines,
                        const struct revoke_server *row)
{
    const char *production = row->production ? _(" (production)") : "";

    if (!row->reached) {
        lines_printf(lines, 1, MARK_WARN, NULL,
                     _("%s%s: not reached. It accepts the certificate until it gets the list."),
                     row->name, production);
        if (row->err.code != ERR_NONE)
            lines_add(lines, 3, MARK_NONE, NULL, row->err.msg);
        return;
    }
    lines_printf(lines, 1, MARK_OK, NULL,
                 ngettext("%s%s: %zu open session%s", "%s%s: %zu open sessions%s",
                          (unsigned long)row->n_sessions),
                 row->name, production, row->n_sessions,
                 row->n_sessions == 0 ? ""
                 : self->end_sessions ? _(", will be ended")
                                      : _(", stays open until it ends"));
    for (size_t i = 0; i < row->n_sessions; i++)
        show_session(lines, &row->sessions[i]);
    if (row->hides)
        lines_add(lines, 3, MARK_WARN, NULL, _("your role does not see all sessions there"));
}

static void show_effect(const void *data, struct lines *lines)
{
    const struct revocation *self = data;
    const struct revoke_effect *effect = &self->effect;
    char date[CLOCK_TEXT_MAX];

    lines_head(lines, _("Revoked, for ever"));
    show_certs(lines, &effect->certs);
    if (effect->stay.n > 0) {
        lines_head(lines, _("Stays valid"));
        show_certs(lines, &effect->stay);
    }
    if (self->read_only) {
        lines_head(lines, _("No server gets the list now: this pgseal is read-only"));
    } else {
        lines_head(lines, effect->n_servers > 0 ? _("Servers that get the list")
                                                : _("No server trusts the CA: none gets the list"));
        for (size_t i = 0; i < effect->n_servers; i++)
            show_server(self, lines, &effect->servers[i]);
    }
    lines_head(lines, _("List of revoked certificates (CRL)"));
    for (size_t i = 0; i < effect->n_cas; i++) {
        const struct revoke_ca *ca = &effect->cas[i];

        lines_printf(lines, 1, MARK_NONE, NULL, _("number %llu of \"%s\", good until %s"),
                     (unsigned long long)ca->number, ca->authority->name,
                     clock_format_date(date, ca->ends));
        if (ca->n_ahead > 0)
            lines_printf(lines, 1, MARK_NONE, NULL,
                         _("%zu lists for later are signed again with it"), ca->n_ahead);
    }
}

/* ---- review ---- */

static const char *locked_at(const void *data, size_t at)
{
    const struct revocation *self = data;

    for (size_t i = 0; i < self->effect.n_cas; i++) {
        const struct authority *authority = self->effect.cas[i].authority;

        if (authority->key_encrypted && at-- == 0)
            return authority->name;
    }
    return NULL;
}

static const char *locked(const void *data)
{
    return locked_at(data, 0);
}

static void review_servers(const struct revocation *self, struct strbuf *text)
{
    const struct revoke_effect *effect = &self->effect;
    size_t away = revoke_count_away(effect), sessions = revoke_count_sessions(effect);
    size_t get = self->read_only ? 0 : effect->n_servers - away;

    strbuf_printf(text, ngettext("%zu gets the list", "%zu get the list", (unsigned long)get), get);
    if (away > 0)
        strbuf_printf(text,
                      ngettext("\n%zu is away: accepts it until it is caught up",
                               "\n%zu are away: accept it until they are caught up",
                               (unsigned long)away),
                      away);
    if (sessions > 0)
        strbuf_printf(text,
                      self->end_sessions
                          ? ngettext("\n%zu open session is ended", "\n%zu open sessions are ended",
                                     (unsigned long)sessions)
                          : ngettext("\n%zu open session stays", "\n%zu open sessions stay",
                                     (unsigned long)sessions),
                      sessions);
}

static void review(const void *data, struct form *form)
{
    const struct revocation *self = data;
    const struct revoke_effect *effect = &self->effect;
    struct strbuf text = STRBUF_INIT;

    strbuf_printf(&text,
                  ngettext("%zu certificate of \"%s\"", "%zu certificates of \"%s\"",
                           (unsigned long)effect->certs.n),
                  effect->certs.n, effect->certs.rows[0]->role);
    form_add_line(form, _("Revoked for ever"), text.data);
    form_add_line(form, _("Reason"), gettext(reason_items[self->reason].label));
    strbuf_reset(&text);
    for (size_t i = 0; i < effect->n_cas; i++)
        strbuf_printf(&text, _("%snumber %llu of \"%s\""), i > 0 ? "\n" : "",
                      (unsigned long long)effect->cas[i].number, effect->cas[i].authority->name);
    form_add_line(form, _("CRL"), text.data);
    strbuf_reset(&text);
    review_servers(self, &text);
    form_add_line(form, _("Servers"), text.data);
    strbuf_clear(&text);
}

static const char *severe(const void *data, struct strbuf *out)
{
    const struct revocation *self = data;
    const struct issued_list *certs = &self->effect.certs;

    strbuf_printf(out,
                  ngettext("Revoking %zu certificate of \"%s\" cannot be undone.",
                           "Revoking %zu certificates of \"%s\" cannot be undone.",
                           (unsigned long)certs->n),
                  certs->n, certs->rows[0]->role);
    return certs->rows[0]->role;
}

/* ---- the act ---- */

static struct key *unlock_one(const struct revocation *self, struct act_job *job,
                              struct store *store, size_t i, size_t *place, struct err *err)
{
    const struct authority *authority = self->effect.cas[i].authority;
    const struct secret *passphrase = NULL;
    struct key *key;

    if (authority->key_encrypted)
        passphrase = act_passphrase_of(job, *place);
    if (authority->key_encrypted && passphrase == NULL) {
        err_set(err, ERR_CA_KEY, _("more than %d CAs with a passphrase would have to be opened"),
                ACT_LOCKS);
        err_hint(err, _("Revoke the certificates one by one, each by its serial number."));
        return NULL;
    }
    key = authority_unlock(store, authority, passphrase, err);
    if (key == NULL && err->code == ERR_PASSPHRASE)
        act_passphrase_is_wrong(job, *place);
    *place += authority->key_encrypted;
    return key;
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct revocation *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    struct key **keys = mem_array(self->effect.n_cas + 1, sizeof(keys[0]));
    struct publish_talk talk;
    bool good = store != NULL;
    size_t place = 0;

    publish_talk_begin(&talk, job, &self->known);
    for (size_t i = 0; i < self->effect.n_cas && good; i++)
        good = (keys[i] = unlock_one(self, job, store, i, &place, err)) != NULL;
    if (good) {
        revoke_outcome_clear(&self->outcome);
        self->request.door = &talk.door;
        good = revoke_run(store, &self->request, &self->effect, keys, &talk.watch, &self->outcome,
                          err);
        self->request.door = NULL;
    }
    for (size_t i = 0; i < self->effect.n_cas; i++)
        key_free(keys[i]);
    free(keys);
    store_close(store);
    return good;
}

static void result(const void *data, struct lines *lines)
{
    const struct revocation *self = data;
    const struct issued_list *certs = &self->effect.certs;
    bool complete = publish_is_complete(&self->outcome.servers);

    lines_printf(lines, 0, MARK_OK, NULL,
                 ngettext("%zu certificate of \"%s\" is revoked.",
                          "%zu certificates of \"%s\" are revoked.", (unsigned long)certs->n),
                 certs->n, certs->rows[0]->role);
    for (size_t i = 0; i < self->outcome.n_cas; i++)
        lines_printf(lines, 2, MARK_NONE, NULL, _("CRL number %llu of \"%s\""),
                     (unsigned long long)self->outcome.cas[i].number,
                     self->outcome.cas[i].authority);
    publish_lines(lines, &self->outcome.servers);
    if (self->read_only)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("It is revoked in the store only; servers accept it until \"pgseal crl "
                    "refresh\" brings them the list."));
    else if (!complete)
        publish_lines_behind(lines);
    else if (self->outcome.servers.n == 0)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("No server of the store trusts the CA, so none has the list. Give it by hand: "
                    "pgseal crl export."));
    else
        lines_add(lines, 0, MARK_NONE, NULL,
                  _("Proven on the wire: the revoked certificate is refused, a good one passes."));
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    struct revocation now = *(const struct revocation *)data; /* borrows all of it */
    const struct revocation *self = &now;

    const char *typed = form != NULL && !now.at_why ? form_text(form, now.which_id) : "";

    if (form != NULL && now.at_why) /* as chosen this moment */
        take_why(&now, form);
    strbuf_add_str(out, _("# the effect, and nothing is done\n"));
    for (int dry = 1; dry >= 0; dry--) {
        const struct issued *first = self->picked.n > 0 ? self->picked.rows[0] : NULL;
        char hex[SERIAL_HEX_MAX];

        strbuf_add_str(out, "pgseal revoke ");
        if (typed[0] != '\0' && text_quote_shell(out, typed))
            ;
        else if (first != NULL && !self->all && !self->several)
            strbuf_add_str(out, serial_format_hex(hex, &first->serial));
        else if (first == NULL || !text_quote_shell(out, first->role))
            strbuf_add_str(out, "ROLE");
        strbuf_printf(out, "%s --reason %s", self->all || self->several ? " --all" : "",
                      crl_reason_name(reasons[self->reason]));
        if (self->end_sessions)
            strbuf_add_str(out, " --end-sessions");
        strbuf_add_str(out, dry ? " --dry-run\n" : "\n");
        if (dry)
            strbuf_add_str(out, _("\n# it; the name is asked for\n"));
    }
    strbuf_add_str(out, _("\n# servers that were away get the list\n"));
    strbuf_add_str(out, "pgseal crl refresh\n");
}

static void free_revocation(void *data)
{
    struct revocation *self = data;

    publish_known_clear(&self->known);
    revoke_outcome_clear(&self->outcome);
    revoke_effect_clear(&self->effect);
    issued_list_clear(&self->picked);
    issued_list_clear(&self->certs);
    free(self->which);
    free(self);
}

static const struct act_step steps[] = {
    {N_("Which"), build_which, check_which, take_which, load},
    {N_("Why"), build_why, NULL, take_why, look},
    {N_("Effect"), NULL, NULL, NULL, NULL},
};

#define REVOKE_OPS                                                                                 \
    .name = "revoke", .title = N_("Revoke a certificate"), .where = N_("Revoke"),                  \
    .word = "revoke",                                                                              \
    .why =                                                                                         \
        N_("Revoked is for ever. The CA signs the next list of revoked certificates (CRL), and "   \
           "every server that trusts the CA gets it, with a proof. Servers that are away are "     \
           "remembered."),                                                                         \
    .go = N_("Revoke..."), .sure = N_("Revoke"),                                                   \
    .stop = N_("Esc stops: half-done servers are taken back; what is revoked stays so."),          \
    .review = review, .locked = locked, .locked_more = locked_at, .severe = severe,                \
    .show = show_effect, .run = run, .result = result, .commands = commands,                       \
    .free = free_revocation

static const struct act_ops ask_ops = {REVOKE_OPS, .steps = steps, .n_steps = ARRAY_LEN(steps)};
static const struct act_ops this_ops = {REVOKE_OPS, .load = load, .steps = steps + 1,
                                        .n_steps = ARRAY_LEN(steps) - 1};

struct screen *page_revoke(struct app *app, const char *which)
{
    struct revocation *self = mem_zalloc(sizeof(*self));

    self->read_only = app_read_only(app);
    self->end_sessions = !self->read_only;
    self->which = mem_strdup(which);
    return act_page(app, which != NULL ? &this_ops : &ask_ops, self);
}
