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
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "screens/rotation_next.h"
#include "screens/without_options.h"

static const struct rotate_phase *phase_at(const struct rotation_next *self, size_t i)
{
    return rotate_phase(self->rotation->kind, i);
}

const struct rotate_phase *rotation_next_phase(const struct rotation_next *self)
{
    return phase_at(self, (size_t)self->rotation->phase);
}

static bool changes_servers(const struct rotation_next *self)
{
    return self->back || (self->status.needs & ROTATE_NEED_SERVERS) != 0;
}

bool rotation_next_ends_old(
    const struct rotation_next *self) /* the old ones of a client rotation */
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

static bool look(struct rotation_next *self, struct act_job *job, struct store *store, bool ask,
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
    if (self->have_status)
        rotation_page_words(&self->status);
    return self->have_status;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct rotation_next *self = data;
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
    struct rotation_next *self = data;
    struct store *store;
    bool good;

    if (!self->revoke && self->accept_left == 0)
        return true;
    store = store_open(act_store_folder(job), STORE_WRITE, err);
    good = store != NULL && look(self, job, store, false, err);
    store_close(store);
    return good;
}

/* ---- review ---- */

static void add_servers(const struct rotation_next *self, struct form *form)
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
    const struct rotation_next *self = data;
    const struct rotate_phase *phase = rotation_next_phase(self);
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
    rotation_next_add_refused(self, form);
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
    const struct rotation_next *self = data;
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

static bool has_production(const struct rotation_next *self)
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
    const struct rotation_next *self = data;
    const struct rotate_phase *phase = rotation_next_phase(self);
    bool gone = !self->back && (phase->back == NULL || self->revoke || self->destroy ||
                                (self->status.needs & ROTATE_NEED_NAME) != 0);
    const struct rotation_counts *items = &self->status.items;
    bool stolen = !self->back && self->rotation->kind == ROTATION_EMERGENCY &&
                  (self->status.needs & ROTATE_NEED_SERVERS) != 0;

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
    if (stolen)
        add_paragraph(out,
                      _("%lld of %lld clients have not moved: they are refused at once. Sessions "
                        "with the old one end."),
                      (long long)rotation_waits_for(self->rotation->kind, items),
                      (long long)items->total);
    if (gone)
        add_paragraph(out, "%s", _("This cannot be taken back."));
    if (gone || stolen || self->accept_left > 0 ||
        (self->accepts_refused && self->accept_refused > 0) ||
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

static bool unlock(struct rotation_next *self, struct act_job *job, struct store *store,
                   unsigned need, const struct authority *authority, struct key **ret,
                   struct err *err)
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
static bool is_result(struct rotation_next *self, const struct err *err)
{
    self->locked_out = err->code == ERR_WOULD_LOCK_OUT;
    return err->code == ERR_ROTATION_BLOCKED || self->outcome.to != self->outcome.from ||
           self->outcome.n_servers > 0 || self->outcome.made > 0;
}

static bool go(struct rotation_next *self, struct act_job *job, struct store *store,
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
    struct rotation_next *self = data;
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
                                     .accept_gaps = self->accept_gaps,
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

static void result_phase(const struct rotation_next *self, struct lines *lines)
{
    const struct rotate_outcome *outcome = &self->outcome;
    size_t n = rotate_phase_count(self->rotation->kind);
    char hint[512];

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
                     gettext(rotation_next_phase(self)->title));
    }
    if (self->err.code == ERR_ROTATION_BLOCKED) {
        for (size_t i = 0; i < self->status.n_blockers; i++)
            lines_add(lines, 1, MARK_WARN, NULL, self->status.blockers[i]);
        if (self->status.n_blockers == 0)
            lines_add(lines, 1, MARK_WARN, NULL, self->err.msg);
    } else if (self->err.code != ERR_NONE) {
        lines_printf(lines, 1, MARK_BAD, NULL, "PS-%d: %s", (int)self->err.code, self->err.msg);
        without_options(err_hint_text(&self->err), hint, sizeof(hint));
        lines_add(lines, 1, MARK_NONE, NULL, hint);
    }
}

/* What became of it; what it has then stands in the look after the act. */
static void result_server(const struct rotation_next *self, const struct rotate_server *server,
                          struct lines *lines)
{
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < self->status.n_servers && server->err.code == ERR_NONE; i++) {
        const struct rotate_server *now = &self->status.servers[i];

        if (text_equal(now->name, server->name) && (now->has_old || now->has_new))
            rotation_server_text(now, &text);
    }
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
    const struct rotation_next *self = data;
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
    if (self->rotation->ended_at == 0 && rotation_next_phase(self) != NULL) {
        if (rotation_next_phase(self)->act[0] != '\0' && !self->status.act_done)
            lines_printf(lines, 0, MARK_NONE, _("Next"), "%s",
                         gettext(rotation_next_phase(self)->act));
        else
            lines_printf(lines, 0, MARK_NONE, _("Then"), "%s",
                         gettext(rotation_next_phase(self)->waits));
    }
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct rotation_next *self = data;
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
    struct rotation_next *self = data;

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

static const struct act_step next_steps[] = {
    {N_("Questions"), rotation_next_build, rotation_next_check, rotation_next_take, look_again}};

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

static struct rotation_next *next_new(const struct rotation_job *seen, bool back)
{
    struct rotation_next *self = mem_zalloc(sizeof(*self));

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
           (status->act_done && rotation_waits_for(seen->rotation->kind, &status->items) > 0) ||
           status->quiet.but_gaps ||
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
