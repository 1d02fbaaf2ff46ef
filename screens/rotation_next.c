/* rotation_next.c - the next step of a rotation, or one step back: what it will do and who would be refused,
 * the work with live progress, what each server has then. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "screens/rotation_next.h"

static const struct rotate_phase *phase_at(const struct rotation_next *self, size_t i)
{
    return rotate_phase(self->rotation->kind, i);
}

const struct rotate_phase *rotation_next_phase(const struct rotation_next *self)
{
    return phase_at(self, (size_t)self->rotation->phase);
}

bool rotation_next_ends_old(const struct rotation_next *self)
{
    return self->rotation->kind == ROTATION_CLIENT &&
           (size_t)self->rotation->phase + 1 == rotate_phase_count(self->rotation->kind);
}

void rotation_next_give_cert(const struct rotation_next *self, struct rotate_request *request)
{
    if (!self->asks_cert || self->back)
        return;
    request->server_certs = &self->cert.certs;
    request->server_key = self->cert.key;
    request->server_key_passphrase = self->cert.passphrase;
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
    bool good = store != NULL && look(self, job, store, true, err) &&
                (self->rotation->ended_at != 0 || rotation_next_look_ahead(self, job, store, err));

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

    if (self->asks_cert && !rotation_cert_read(&self->cert, err))
        return false;
    if (!self->revoke && self->accept_left == 0 && !self->asks_cert)
        return true;
    store = store_open(act_store_folder(job), STORE_WRITE, err);
    good = store != NULL && look(self, job, store, false, err) &&
           (!self->asks_cert || rotation_next_look_ahead(self, job, store, err));
    store_close(store);
    return good;
}

/* ---- keys ---- */

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
                                     .archive = self->archive,
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
    rotation_next_give_cert(self, &request);
    good = good && go(self, job, store, &request, err);
    key_free(old_key);
    key_free(new_key);
    store_close(store);
    return good;
}

/* It waits for something, or a server has not got it. */
static bool is_partly(const void *data)
{
    const struct rotation_next *self = data;

    return self->err.code != ERR_NONE;
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
    if (self->have_preview)
        rotate_preview_clear(&self->preview);
    rotation_cert_clear(&self->cert);
    publish_known_clear(&self->known);
    secret_free(self->ca_passphrase);
    secret_free(self->key_passphrase);
    free(self->folder);
    free(self->archive);
    free(self);
}

static const struct act_step next_steps[] = {
    {N_("Questions"), rotation_next_build, rotation_next_check, rotation_next_take, look_again},
    {N_("Effect"), NULL, NULL, NULL, NULL},
};

#define NEXT_OPS                                                                                   \
    .word = "rotate",                                                                              \
    .why = N_("A kill, a server that is away, or another admin costs only that the step is done "  \
              "again: what is so already is not done twice."),                                     \
    .stop = N_("Working.  Esc stops after the present server; the step can be done again."),       \
    .load = load, .show = rotation_next_show_ahead, .shows_nothing = rotation_next_shows_nothing,  \
    .review = rotation_next_review, .locked = locked, .locked_more = locked_more,                  \
    .severe = rotation_next_severe, .run = run, .result = rotation_next_result,                    \
    .is_partly = is_partly, .commands = commands, .free = free_next

#define STEP_OPS(first, n)                                                                         \
    .name = "rotation-next", .title = N_("Next step"), .where = N_("Rotate > Next"),               \
    .go = N_("Do it"), .steps = next_steps + (first), .n_steps = (n), NEXT_OPS

/* With questions, and with an effect on servers, or without. */
static const struct act_ops next_ops[2][2] = {
    {{STEP_OPS(0, 0)}, {STEP_OPS(1, 1)}},
    {{STEP_OPS(0, 1)}, {STEP_OPS(0, 2)}},
};
static const struct act_ops back_ops = {.name = "rotation-back",
                                        .title = N_("One step back"),
                                        .where = N_("Rotate > Back"),
                                        .go = N_("Do it"),
                                        .steps = next_steps + 1,
                                        .n_steps = 1,
                                        NEXT_OPS};

static struct rotation_next *next_new(const struct app *app, const struct rotation_job *seen,
                                      bool back)
{
    struct rotation_next *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->id = seen->id;
    self->back = back;
    self->left_id = self->refused_id = self->key_id = self->archive_id = -1;
    rotation_cert_init(&self->cert);
    return self;
}

/* Whether their sessions are ended; or, where plans do not tell who would be refused, how many. */
static bool asks_of_left(const struct rotation_job *seen)
{
    const struct use_list *left = &seen->status.left;
    bool open = false;

    for (size_t i = 0; i < left->n; i++)
        open = open || left->rows[i].open > 0;
    switch (seen->rotation->kind) {
    case ROTATION_EMERGENCY:
    case ROTATION_CA_LIFE:
    case ROTATION_SERVER:
    case ROTATION_SERVER_CA:
        return false;
    case ROTATION_CLIENT_CA:
        return open;
    case ROTATION_CLIENT:
        break;
    }
    return rotation_count_left(left) > 0;
}

/* Where there is nothing to be answered, the review comes at once. */
static bool asks(const struct rotation_job *seen)
{
    const struct rotate_status *status = &seen->status;
    unsigned asked = ROTATE_NEED_NEW_PASSPHRASE | ROTATE_NEED_FOLDER | ROTATE_NEED_NAME |
                     ROTATE_NEED_SERVER_CERT;

    return (status->needs & asked) != 0 ||
           ((status->needs & ROTATE_NEED_SERVERS) != 0 && asks_of_left(seen)) ||
           (status->act_done && rotation_waits_for(seen->rotation->kind, &status->items) > 0) ||
           status->quiet.but_gaps ||
           (seen->rotation->kind == ROTATION_CLIENT && status->phase + 1 == status->n_phases);
}

struct screen *page_rotation_next(struct app *app, const struct rotation_job *seen)
{
    bool servers = (seen->status.needs & ROTATE_NEED_SERVERS) != 0;

    return act_page(app, &next_ops[asks(seen)][servers], next_new(app, seen, false));
}

struct screen *page_rotation_back(struct app *app, const struct rotation_job *seen)
{
    return act_page(app, &back_ops, next_new(app, seen, true));
}
