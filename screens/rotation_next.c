/* rotation_next.c - the next step of a rotation, or one step back: what it will do and who would be refused,
 * the work with live progress, what each server has then. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "screens/act.h"
#include "screens/key_protection.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "screens/rotation_job.h"

#define SHOWN_MAX 4 /* of who would be refused */

struct next {
    int64_t id;
    bool back;
    /* as it stands */
    struct rotation *rotation;
    struct rotate_status status;
    bool have_status;
    struct authority *old_ca, *new_ca; /* or NULL */
    /* fields; -1: not asked */
    struct key_protection ca_protection, client_protection;
    bool asks_ca, asks_kits;
    int folder_id, revoke_id, end_id, left_id, refused_id, key_id;
    bool locked_out; /* the last run said so */
    /* answers */
    char *folder, *archive;
    struct secret *ca_passphrase, *key_passphrase;
    bool revoke, end_sessions, destroy;
    size_t accept_left, accept_refused;
    bool accepts_refused;
    /* what came of it */
    struct publish_known known;
    struct rotate_outcome outcome;
    bool have_outcome;
    struct err err; /* it goes on, and this blocks; or a part failed */
};

static const struct rotate_phase *phase_at(const struct next *self, size_t i)
{
    return rotate_phase(self->rotation->kind, i);
}

static const struct rotate_phase *phase_of(const struct next *self)
{
    return phase_at(self, (size_t)self->rotation->phase);
}

static size_t open_sessions(const struct next *self)
{
    size_t n = 0;

    for (size_t i = 0; i < self->status.left.n; i++)
        n += self->status.left.rows[i].open > 0 ? (size_t)self->status.left.rows[i].open : 0;
    return n;
}

static bool changes_servers(const struct next *self)
{
    return self->back || (self->status.needs & ROTATE_NEED_SERVERS) != 0;
}

static bool ends_soon(const struct next *self) /* the old ones of a client rotation */
{
    return self->rotation->kind == ROTATION_CLIENT &&
           (size_t)self->rotation->phase + 1 == rotate_phase_count(self->rotation->kind);
}

/* ---- how it stands ---- */

static bool load_ca(struct store *store, int64_t id, struct authority **ret, struct err *err)
{
    authority_free(*ret);
    *ret = id != 0 ? authority_load_id(store, id, err) : NULL;
    return id == 0 || *ret != NULL;
}

static bool look(struct next *self, struct act_job *job, struct store *store, bool ask,
                 struct err *err)
{
    struct rotation_talk talk;
    struct rotate_request request = {.accept_left = self->accept_left,
                                     .revoke = self->revoke,
                                     .cancelled = act_stopped,
                                     .arg = job};

    rotation_talk_begin(&talk, job, &self->known);
    request.door = &talk.talk.door;
    request.watch = &talk.watch;
    rotation_free(self->rotation);
    self->rotation = rotation_load(store, self->id, err);
    if (self->have_status)
        rotate_status_clear(&self->status);
    self->have_status = false;
    if (self->rotation == NULL ||
        !load_ca(store, self->rotation->old_authority_id, &self->old_ca, err) ||
        !load_ca(store, self->rotation->new_authority_id, &self->new_ca, err))
        return false;
    self->have_status = rotate_look(store, self->rotation, &request, ask, &self->status, err);
    return self->have_status;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct next *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool good = store != NULL && look(self, job, store, true, err);

    store_close(store);
    if (good && self->rotation->ended_at != 0)
        return err_set(err, ERR_ROTATION_UNKNOWN, _("this rotation has ended"));
    return good;
}

/* With the answers: revoking needs a key, and servers. */
static bool look_again(void *data, struct act_job *job, struct err *err)
{
    struct next *self = data;
    struct store *store;
    bool good;

    if (!self->revoke && self->accept_left == 0)
        return true;
    store = store_open(act_store_folder(job), STORE_WRITE, err);
    good = store != NULL && look(self, job, store, false, err);
    store_close(store);
    return good;
}

/* ---- questions ---- */

static const struct form_field folder_field = {
    .label = N_("Kits in"),
    .why = N_("One folder a role: certificate, private key, the CA, how to use them. They are "
              "handed over, and deleted here."),
    .help = N_("An absolute path, one from here, or ~/... It is made when it is missing; a role "
               "that has its folder already is passed over."),
    .word = "certificate",
    .max = 1000,
    .width = 50,
};
static const struct form_field revoke_field = {
    .label = N_("The old one"),
    .why = N_("Revoked, it is refused by every server from now on, for ever. Else it stays valid "
              "until its end: whoever has a copy can use it until then."),
    .word = "revoke",
};
static const struct form_field end_field = {
    .label = N_("Sessions"),
    .why = N_("A session that is open stays open, whatever is trusted: it is refused when it comes "
              "again. Ended now, you see at once who comes back."),
    .word = "backend/session",
};
static const struct form_field left_field = {
    .label = N_("Go on without"),
    .why = N_("Clients that never moved are refused after this. To go on, write how many they are: "
              "the number that stands above."),
    .help = N_("m on the page before marks single ones. Empty: it waits for them."),
    .word = "rotate",
    .width = 8,
    .max = 7,
    .allow = "0123456789",
};
static const struct form_field refused_field = {
    .label = N_("Accept"),
    .why = N_("So many sessions or roles would be refused. To go on all the same, write exactly "
              "that number: when it is another one by then, nothing is done."),
    .help = N_("Empty: nobody may be refused. The number stands above, or in the error before."),
    .word = "rotate",
    .width = 8,
    .max = 7,
    .allow = "0123456789",
    .after = N_("refused"),
};
static const struct form_field key_field = {
    .label = N_("The old key"),
    .why = N_("An old CA key can sign for nobody any more, but it can sign the last list, and open "
              "a way back. Destroyed, nobody can steal it."),
    .word = "private key",
};
static const struct choice_item key_items[] = {
    {N_("archive"), N_("stays in the store, encrypted; the CA is retired")},
    {N_("destroy"), N_("cannot be taken back")},
};

static char *propose_folder(const struct next *self)
{
    char *base = kit_file_base(self->rotation->name, ISSUED_CLIENT);
    char *text = mem_printf("rotation-%s", base), *path = app_full_path(text);

    free(text);
    free(base);
    return path;
}

static void add_refused(const struct next *self, struct form *form)
{
    const struct use_list *left = &self->status.left;
    struct strbuf text = STRBUF_INIT;
    size_t n = rotation_count_left(left), shown = 0;

    if (n == 0)
        return;
    for (size_t i = 0; i < left->n && shown < SHOWN_MAX; i++) {
        const struct use *use = &left->rows[i];

        if (!rotation_is_left(use))
            continue;
        strbuf_printf(&text, "%s%s", shown++ > 0 ? "\n" : "", use->role);
        if (use->application[0] != '\0')
            strbuf_printf(&text, ", %s", use->application);
        if (use->address[0] != '\0')
            strbuf_printf(&text, _(" from %s"), use->address);
        strbuf_printf(&text, _(" on %s"), use->server);
        if (use->open > 0)
            strbuf_printf(&text,
                          ngettext(": %d session", ": %d sessions", (unsigned long)use->open),
                          use->open);
        if (use->replication)
            strbuf_add_str(&text, _(", replicates"));
    }
    if (n > SHOWN_MAX)
        strbuf_printf(&text, _("\nand %zu more"), n - SHOWN_MAX);
    form_add_line(form, N_("Use the old"), text.data);
    strbuf_clear(&text);
}

static void build(void *data, struct form *form)
{
    struct next *self = data;
    unsigned needs = self->status.needs;
    char shown[1024], *path;

    self->folder_id = self->revoke_id = self->end_id = self->key_id = -1;
    self->asks_ca = (needs & ROTATE_NEED_NEW_PASSPHRASE) != 0;
    self->asks_kits = (needs & ROTATE_NEED_FOLDER) != 0;
    form_add_line(form, N_("Does"),
                  phase_of(self)->act[0] != '\0' ? gettext(phase_of(self)->act)
                                                 : _("looks whether the next step can begin"));
    if (self->asks_ca) {
        form_add_line(form, NULL, _("The new CA's key gets a passphrase of its own:"));
        key_protection_add(&self->ca_protection, form, KEY_PROTECTION_CA);
    }
    if (self->asks_kits) {
        path = propose_folder(self);
        app_short_path(path, shown, sizeof(shown));
        self->folder_id = form_add_text(form, &folder_field, shown);
        key_protection_add(&self->client_protection, form, KEY_PROTECTION_CLIENT);
        free(path);
    }
    add_refused(self, form);
    if (ends_soon(self))
        self->revoke_id = form_add_check(
            form, &revoke_field, N_("revoke the old ones; else they end by themselves"), false);
    if ((needs & ROTATE_NEED_SERVERS) != 0 && open_sessions(self) > 0)
        self->end_id =
            form_add_check(form, &end_field, N_("end those that use the old one"), false);
    if ((needs & ROTATE_NEED_NAME) != 0)
        self->key_id = form_add_choice(form, &key_field, key_items, ARRAY_LEN(key_items), 0);
    self->left_id = form_add_text(form, &left_field, "");
    self->refused_id = form_add_text(form, &refused_field, "");
}

static size_t number_of(const struct form *form, int id)
{
    return (size_t)strtoul(form_text(form, id), NULL, 10); /* at most 7 digits */
}

static void check(void *arg, struct form *form)
{
    struct next *self = arg;
    bool revokes = self->revoke_id >= 0 && form_checked(form, self->revoke_id);
    int64_t waits = revokes ? self->status.items.total - self->status.items.seen
                            : rotation_waits_for(&self->status.items);
    char after[40];

    if (self->asks_ca)
        key_protection_check(&self->ca_protection, form);
    if (self->asks_kits)
        key_protection_check(&self->client_protection, form);
    if (self->folder_id >= 0)
        form_say(form, self->folder_id,
                 form_text(form, self->folder_id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
    form_show(form, self->left_id, (self->status.act_done || revokes) && waits > 0);
    snprintf(after, sizeof(after), _("of %lld that have not moved"), (long long)waits);
    form_set_after(form, self->left_id, after);
    form_show(form, self->refused_id,
              self->locked_out ||
                  ((self->status.needs & ROTATE_NEED_SERVERS) != 0 && self->status.left.n > 0));
}

static void take(void *data, const struct form *form)
{
    struct next *self = data;

    free(self->folder);
    secret_free(self->ca_passphrase);
    secret_free(self->key_passphrase);
    self->folder = self->folder_id >= 0 ? app_full_path(form_text(form, self->folder_id)) : NULL;
    self->ca_passphrase =
        self->asks_ca ? secret_dup(key_protection_secret(&self->ca_protection, form)) : NULL;
    self->key_passphrase =
        self->asks_kits ? secret_dup(key_protection_secret(&self->client_protection, form)) : NULL;
    self->revoke = self->revoke_id >= 0 && form_checked(form, self->revoke_id);
    self->end_sessions = self->end_id >= 0 && form_checked(form, self->end_id);
    self->destroy = self->key_id >= 0 && form_choice(form, self->key_id) == 1;
    self->accept_left = number_of(form, self->left_id);
    self->accept_refused = number_of(form, self->refused_id);
    self->accepts_refused = form_text(form, self->refused_id)[0] != '\0';
}

/* ---- review ---- */

static void add_servers(const struct next *self, struct form *form)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->status.n_servers; i++) {
        strbuf_printf(&text, "%s%s: ", i > 0 ? "\n" : "", self->status.servers[i].name);
        rotation_server_text(&self->status.servers[i], &text);
    }
    if (self->status.n_servers > 0)
        form_add_line(form,
                      (self->status.needs & ROTATE_NEED_SERVERS) != 0 && !self->back
                          ? N_("~ servers")
                          : N_("Servers"),
                      text.data);
    strbuf_clear(&text);
}

static void review(const void *data, struct form *form)
{
    const struct next *self = data;
    const struct rotate_phase *phase = phase_of(self);
    size_t at = (size_t)self->rotation->phase;
    struct strbuf text = STRBUF_INIT;
    char path[1024];

    if (self->back) {
        form_add_line(form, N_("Back to"),
                      at == 0 ? _("before the beginning: the rotation is given up")
                              : gettext(phase_at(self, at - 1)->title));
        form_add_line(form, N_("Does"), phase->back != NULL ? gettext(phase->back) : "");
    } else {
        form_add_line(form, N_("Does"),
                      phase->act[0] != '\0' ? gettext(phase->act)
                                            : _("looks whether the next step can begin"));
        form_add_line(form, N_("Until"), gettext(phase->waits));
    }
    add_servers(self, form);
    add_refused(self, form);
    if (self->folder != NULL) {
        app_short_path(self->folder, path, sizeof(path));
        strbuf_printf(&text, "%s; %s", path,
                      self->key_passphrase != NULL ? _("keys encrypted with the one passphrase")
                                                   : _("keys NOT encrypted"));
        form_add_line(form, N_("+ kits in"), text.data);
    }
    if (self->revoke)
        form_add_line(form, N_("! revokes"), _("the old ones, for ever"));
    if (self->end_sessions)
        form_add_line(form, N_("! ends"), _("the sessions that use the old one"));
    if (self->accept_left > 0) {
        strbuf_reset(&text);
        strbuf_printf(&text, _("%zu of those that have not moved"), self->accept_left);
        form_add_line(form, N_("! without"), text.data);
    }
    if (self->destroy)
        form_add_line(form, N_("! destroys"), _("the old CA's private key"));
    if (!self->back)
        form_add_line(form, N_("Way back"),
                      phase->back != NULL ? gettext(phase->back) : _("there is none from here"));
    strbuf_clear(&text);
}

static const char *locked_more(const void *data, size_t i)
{
    const struct next *self = data;
    const struct authority *cas[] = {self->old_ca, self->new_ca};
    const unsigned needs[] = {ROTATE_NEED_OLD_KEY, ROTATE_NEED_NEW_KEY};
    size_t at = 0;

    for (size_t k = 0; k < ARRAY_LEN(cas); k++)
        if (!self->back && cas[k] != NULL && (self->status.needs & needs[k]) != 0 &&
            cas[k]->key_encrypted && at++ == i)
            return cas[k]->name;
    return NULL;
}

static const char *locked(const void *data)
{
    return locked_more(data, 0);
}

static bool has_production(const struct next *self)
{
    for (size_t i = 0; i < self->status.n_servers; i++)
        if (self->status.servers[i].production)
            return true;
    return false;
}

static void PRINTF_LIKE(2, 3) add_paragraph(struct strbuf *out, const char *fmt, ...)
{
    va_list args;

    if (out->len > 0)
        strbuf_add_char(out, '\n');
    va_start(args, fmt);
    strbuf_vprintf(out, fmt, args);
    va_end(args);
    strbuf_add_char(out, '\n');
}

/* A plain question where servers are changed; the name where it cannot be taken back, or where somebody
 * would be refused. */
static const char *severe(const void *data, struct strbuf *out)
{
    const struct next *self = data;
    const struct rotate_phase *phase = phase_of(self);
    bool gone = !self->back && (phase->back == NULL || self->revoke || self->destroy ||
                                (self->status.needs & ROTATE_NEED_NAME) != 0);

    if (self->back ? phase->back != NULL : phase->act[0] != '\0')
        add_paragraph(out, "%s", gettext(self->back ? phase->back : phase->act));
    if (self->accepts_refused)
        add_paragraph(out,
                      ngettext("%zu session or role would be refused from then on.",
                               "%zu sessions and roles would be refused from then on.",
                               (unsigned long)self->accept_refused),
                      self->accept_refused);
    if (self->accept_left > 0)
        add_paragraph(out,
                      ngettext("%zu client never moved: it is refused when the old one goes.",
                               "%zu clients never moved: they are refused when the old ones go.",
                               (unsigned long)self->accept_left),
                      self->accept_left);
    if (gone)
        add_paragraph(out, "%s", _("This cannot be taken back."));
    if (gone || self->accept_left > 0 || (self->accepts_refused && self->accept_refused > 0) ||
        (changes_servers(self) && has_production(self)))
        return self->rotation->name;
    if (self->back)
        return "";
    if (changes_servers(self)) {
        add_paragraph(out, "%s",
                      _("Each server gets it by a plan of its own, with a proof; one that fails is "
                        "taken back by itself."));
        return "";
    }
    return NULL;
}

/* ---- work ---- */

static bool unlock(struct next *self, struct act_job *job, struct store *store, unsigned need,
                   const struct authority *authority, struct key **ret, struct err *err)
{
    const char *name;
    size_t i;

    if (self->back || authority == NULL || (self->status.needs & need) == 0)
        return true;
    for (i = 0; (name = locked_more(self, i)) != NULL; i++)
        if (text_equal(name, authority->name))
            break;
    *ret = authority_unlock(store, authority, name != NULL ? act_passphrase_of(job, i) : NULL, err);
    if (*ret == NULL)
        act_passphrase_is_wrong(job, name != NULL ? i : 0);
    return *ret != NULL;
}

static void progress(void *arg, const char *what, size_t done, size_t total)
{
    struct act_job *job = arg;

    if (what != NULL && what[0] != '\0')
        act_tell(job, MARK_BUSY, "%s", what);
    act_progress(job, done, total);
}

/* Waiting is no failure; nor is one server of several that could not be reached. */
static bool is_result(struct next *self, const struct err *err)
{
    self->locked_out = err->code == ERR_WOULD_LOCK_OUT;
    return err->code == ERR_ROTATION_BLOCKED || self->outcome.to != self->outcome.from ||
           self->outcome.n_servers > 0 || self->outcome.made > 0;
}

static bool go(struct next *self, struct act_job *job, struct store *store,
               struct rotate_request *request, struct err *err)
{
    struct rotation *rotation = rotation_load(store, self->id, err);
    struct err why = ERR_INIT;
    bool good;

    if (rotation == NULL)
        return false;
    rotate_outcome_clear(&self->outcome);
    self->err = (struct err)ERR_INIT;
    if (rotation->version != self->rotation->version) {
        rotation_free(rotation);
        err_set(err, ERR_ROTATION_MOVED, _("another admin moved it on meanwhile"));
        return err_hint(err, _("Nothing was done. Esc, and look again."));
    }
    good = self->back ? rotate_back(store, rotation, request, &self->outcome, &why)
                      : rotate_next(store, rotation, request, &self->outcome, &why);
    self->have_outcome = true;
    rotation_free(rotation);
    if (!good && !is_result(self, &why)) {
        *err = why;
        return false;
    }
    self->err = why;
    return look(self, job, store, false, err);
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct next *self = data;
    struct rotation_talk talk;
    struct key *old_key = NULL, *new_key = NULL;
    struct rotate_request request = {.new_passphrase = self->ca_passphrase,
                                     .key_type = KEY_EC_P256,
                                     .folder = self->folder,
                                     .formats = KIT_PEM,
                                     .key_passphrase = self->key_passphrase,
                                     .accepts_refused = self->accepts_refused,
                                     .accept_refused = self->accept_refused,
                                     .accept_left = self->accept_left,
                                     .end_sessions = self->end_sessions,
                                     .revoke = self->revoke,
                                     .keep_key = !self->destroy,
                                     .keep = PLAN_KEEP_WHEN_PROVEN,
                                     .progress = progress,
                                     .cancelled = act_stopped,
                                     .arg = job};
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool good = store != NULL &&
                unlock(self, job, store, ROTATE_NEED_OLD_KEY, self->old_ca, &old_key, err) &&
                unlock(self, job, store, ROTATE_NEED_NEW_KEY, self->new_ca, &new_key, err);

    rotation_talk_begin(&talk, job, &self->known);
    request.door = &talk.talk.door;
    request.watch = &talk.watch;
    request.old_key = old_key;
    request.new_key = new_key;
    good = good && go(self, job, store, &request, err);
    key_free(old_key);
    key_free(new_key);
    store_close(store);
    return good;
}

/* ---- result ---- */

static void result_phase(const struct next *self, struct lines *lines)
{
    const struct rotate_outcome *outcome = &self->outcome;
    size_t n = rotate_phase_count(self->rotation->kind);

    if (self->rotation->ended_at != 0) {
        lines_add(lines, 0, self->rotation->given_up ? MARK_OFF : MARK_OK, NULL,
                  self->rotation->given_up ? _("The rotation is given up.")
                                           : _("The rotation is done."));
    } else if (outcome->to != outcome->from) {
        lines_printf(lines, 0, MARK_OK, NULL,
                     self->back ? _("Back in step %zu of %zu: %s")
                                : _("Now in step %zu of %zu: %s"),
                     outcome->to + 1, n, gettext(phase_at(self, outcome->to)->title));
    } else {
        lines_printf(lines, 0, self->err.code == ERR_ROTATION_BLOCKED ? MARK_HERE : MARK_WARN, NULL,
                     _("Still in step %zu of %zu: %s"), outcome->to + 1, n,
                     gettext(phase_of(self)->title));
    }
    if (self->err.code == ERR_ROTATION_BLOCKED) {
        for (size_t i = 0; i < self->status.n_blockers; i++)
            lines_add(lines, 1, MARK_WARN, NULL, self->status.blockers[i]);
        if (self->status.n_blockers == 0)
            lines_add(lines, 1, MARK_WARN, NULL, self->err.msg);
    } else if (self->err.code != ERR_NONE) {
        lines_printf(lines, 1, MARK_BAD, NULL, "PS-%d: %s", (int)self->err.code, self->err.msg);
        if (self->err.hint[0] != '\0')
            lines_add(lines, 1, MARK_NONE, NULL, self->err.hint);
    }
}

/* What became of it; what it has then stands in the look after the act. */
static void result_server(const struct next *self, const struct rotate_server *server,
                          struct lines *lines)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->status.n_servers && server->err.code == ERR_NONE; i++)
        if (text_equal(self->status.servers[i].name, server->name))
            rotation_server_text(&self->status.servers[i], &text);
    if (server->err.code != ERR_NONE)
        strbuf_add_str(&text, server->err.msg);
    else if (text.len == 0)
        strbuf_add_str(&text, _("done"));
    lines_printf(lines, 1, server->err.code != ERR_NONE ? MARK_WARN : MARK_OK, NULL, "%s: %s",
                 server->name, text.data);
    strbuf_clear(&text);
}

static void result(const void *data, struct lines *lines)
{
    const struct next *self = data;
    const struct rotate_outcome *outcome = &self->outcome;
    char path[1024];

    result_phase(self, lines);
    for (size_t i = 0; i < outcome->n_servers; i++)
        result_server(self, &outcome->servers[i], lines);
    if (outcome->made > 0)
        lines_printf(
            lines, 1, MARK_OK, NULL,
            ngettext("%zu certificate made", "%zu certificates made", (unsigned long)outcome->made),
            outcome->made);
    if (outcome->sessions_ended > 0)
        lines_printf(lines, 1, MARK_OK, NULL,
                     ngettext("%zu session ended", "%zu sessions ended",
                              (unsigned long)outcome->sessions_ended),
                     outcome->sessions_ended);
    for (size_t i = 0; i < outcome->n_files; i++) {
        app_short_path(outcome->files[i], path, sizeof(path));
        lines_printf(lines, 1, MARK_NONE, i == 0 ? _("Files in") : "", "%s", path);
    }
    if (self->rotation->ended_at == 0 && phase_of(self) != NULL) {
        if (phase_of(self)->act[0] != '\0' && !self->status.act_done)
            lines_printf(lines, 0, MARK_NONE, _("Next"), "%s", gettext(phase_of(self)->act));
        else
            lines_printf(lines, 0, MARK_NONE, _("Then"), "%s", gettext(phase_of(self)->waits));
    }
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct next *self = data;
    struct strbuf name = STRBUF_INIT;

    (void)form;
    if (self->rotation == NULL || !text_quote_shell(&name, self->rotation->name))
        strbuf_add_str(&name, "NAME");
    strbuf_add_str(out, _("# how it stands\n"));
    strbuf_printf(out, "pgseal rotate status %s\n\n", name.data);
    strbuf_add_str(out, self->back ? _("# one step back\n") : _("# the next step\n"));
    strbuf_printf(out, "pgseal rotate %s %s\n", self->back ? "back" : "next", name.data);
    strbuf_clear(&name);
}

static void free_next(void *data)
{
    struct next *self = data;

    rotation_free(self->rotation);
    if (self->have_status)
        rotate_status_clear(&self->status);
    if (self->have_outcome)
        rotate_outcome_clear(&self->outcome);
    authority_free(self->old_ca);
    authority_free(self->new_ca);
    publish_known_clear(&self->known);
    secret_free(self->ca_passphrase);
    secret_free(self->key_passphrase);
    free(self->folder);
    free(self->archive);
    free(self);
}

static const struct act_step next_steps[] = {{N_("Questions"), build, check, take, look_again}};

#define NEXT_OPS                                                                                   \
    .word = "rotate",                                                                              \
    .why = N_("A kill, a server that is away, or another admin costs only that the step is done "  \
              "again: what is so already is not done twice."),                                     \
    .stop = N_("Working.  Esc stops after the present server; the step can be done again."),       \
    .load = load, .review = review, .locked = locked, .locked_more = locked_more,                  \
    .severe = severe, .run = run, .result = result, .commands = commands, .free = free_next

static const struct act_ops asking_ops = {.name = "rotation-next",
                                          .title = N_("Next step"),
                                          .where = N_("Rotate > Next step"),
                                          .go = N_("Do it"),
                                          .steps = next_steps,
                                          .n_steps = ARRAY_LEN(next_steps),
                                          NEXT_OPS};
static const struct act_ops plain_ops = {.name = "rotation-next",
                                         .title = N_("Next step"),
                                         .where = N_("Rotate > Next step"),
                                         .go = N_("Do it"),
                                         NEXT_OPS};
static const struct act_ops back_ops = {.name = "rotation-back",
                                        .title = N_("One step back"),
                                        .where = N_("Rotate > Back"),
                                        .go = N_("Do it"),
                                        NEXT_OPS};

static struct next *next_new(const struct rotation_job *seen, bool back)
{
    struct next *self = mem_zalloc(sizeof(*self));

    self->id = seen->id;
    self->back = back;
    self->left_id = self->refused_id = -1;
    return self;
}

/* Where there is nothing to be answered, the review comes at once. */
static bool asks(const struct rotation_job *seen)
{
    const struct rotate_status *status = &seen->status;
    unsigned asked = ROTATE_NEED_NEW_PASSPHRASE | ROTATE_NEED_FOLDER | ROTATE_NEED_NAME;

    return (status->needs & asked) != 0 ||
           ((status->needs & ROTATE_NEED_SERVERS) != 0 && rotation_count_left(&status->left) > 0) ||
           (status->act_done && rotation_waits_for(&status->items) > 0) ||
           (seen->rotation->kind == ROTATION_CLIENT && status->phase + 1 == status->n_phases);
}

struct screen *page_rotation_next(struct app *app, const struct rotation_job *seen)
{
    return act_page(app, asks(seen) ? &asking_ops : &plain_ops, next_new(seen, false));
}

struct screen *page_rotation_back(struct app *app, const struct rotation_job *seen)
{
    return act_page(app, &back_ops, next_new(seen, true));
}
