/* rotation_job.c - one rotation as it stands, and words for it. */
#include "config.h"

#include "screens/rotation_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/without_options.h"

/* ---- looking ---- */

static char *clean_name(const char *name)
{
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, name, strlen(name), TEXT_ONE_LINE);
    return strbuf_steal(&clean);
}

static bool name_of(struct store *store, int64_t authority_id, char **ret, struct err *err)
{
    struct authority *authority;

    if (authority_id == 0) {
        *ret = mem_strdup("");
        return true;
    }
    authority = authority_load_id(store, authority_id, err);
    if (authority == NULL)
        return false;
    *ret = clean_name(authority->name);
    authority_free(authority);
    return true;
}

static bool stopped(void *arg)
{
    return job_cancelled(arg);
}

static void rotation_run(struct job *job, void *data)
{
    struct rotation_job *self = data;
    struct rotate_request request = {.cancelled = stopped, .arg = job};
    struct store *store = store_open(self->store_folder, STORE_WRITE, &self->err);

    if (store == NULL)
        return;
    self->rotation = rotation_load(store, self->id, &self->err);
    if (self->rotation != NULL && rotation_history(store, self->id, &self->history, &self->err) &&
        name_of(store, self->rotation->old_authority_id, &self->old_name, &self->err) &&
        name_of(store, self->rotation->new_authority_id, &self->new_name, &self->err))
        self->have_status =
            rotate_look(store, self->rotation, &request, self->ask, &self->status, &self->err);
    if (self->have_status)
        rotation_page_words(&self->status);
    store_close(store);
}

void rotation_job_free(void *data)
{
    struct rotation_job *self = data;

    if (self == NULL)
        return;
    rotation_free(self->rotation);
    if (self->have_status)
        rotate_status_clear(&self->status);
    rotation_history_clear(&self->history);
    free(self->old_name);
    free(self->new_name);
    free(self->store_folder);
    free(self);
}

static const struct job_ops rotation_ops = {"rotation: look", rotation_run, rotation_job_free};

struct job *rotation_job_start(struct app *app, void *owner, int64_t id, bool ask)
{
    struct rotation_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->id = id;
    self->ask = ask;
    return job_start(app_loop(app), owner, &rotation_ops, self);
}

/* ---- words ---- */

void rotation_page_words(struct rotate_status *status)
{
    without_options(status->proposal, status->proposal, strlen(status->proposal) + 1);
    for (size_t i = 0; i < status->n_blockers; i++)
        without_options(status->blockers[i], status->blockers[i], strlen(status->blockers[i]) + 1);
    for (size_t i = 0; i < status->n_notices; i++)
        without_options(status->notices[i], status->notices[i], strlen(status->notices[i]) + 1);
}

const char *rotation_kind_text(enum rotation_kind kind)
{
    switch (kind) {
    case ROTATION_CLIENT:
        return _("client");
    case ROTATION_CLIENT_CA:
        return _("client CA");
    case ROTATION_CA_LIFE:
        return _("CA's date");
    case ROTATION_SERVER:
        return _("server");
    case ROTATION_SERVER_CA:
        return _("server CA");
    case ROTATION_EMERGENCY:
        break;
    }
    return _("STOLEN KEY");
}

void rotation_title(const struct rotation *rotation, char *out, size_t size)
{
    char name[64];

    text_clean_copy(name, sizeof(name), rotation->name);
    switch (rotation->kind) {
    case ROTATION_CLIENT:
        if (text_equal(rotation->name, "all"))
            snprintf(out, size, "%s", _("New certificates for all that end soon"));
        else
            snprintf(out, size, _("New certificate for \"%.40s\""), name);
        return;
    case ROTATION_CLIENT_CA:
        snprintf(out, size, _("Another CA for \"%.40s\""), name);
        return;
    case ROTATION_CA_LIFE:
        snprintf(out, size, _("Longer life for the CA \"%.40s\""), name);
        return;
    case ROTATION_SERVER:
        snprintf(out, size, _("New certificate of the server \"%.40s\""), name);
        return;
    case ROTATION_SERVER_CA:
        snprintf(out, size, _("Another CA for servers: \"%.40s\""), name);
        return;
    case ROTATION_EMERGENCY:
        break;
    }
    snprintf(out, size, _("EMERGENCY: the key of \"%.40s\" is stolen"), name);
}

void rotation_bar(struct strbuf *out, int width, int64_t done, int64_t total)
{
    int filled = total > 0 ? (int)(done >= total ? width : done * width / total) : 0;

    strbuf_add_char(out, '[');
    strbuf_add_repeat(out, '#', (size_t)filled);
    strbuf_add_repeat(out, '.', (size_t)(width - filled));
    strbuf_add_char(out, ']');
}

void rotation_span(struct strbuf *out, int64_t seconds)
{
    if (seconds >= 2 * CLOCK_DAY || (seconds >= CLOCK_DAY && seconds % CLOCK_DAY == 0))
        strbuf_printf(out, _("%lld d"), (long long)(seconds / CLOCK_DAY));
    else if (seconds >= 7200)
        strbuf_printf(out, _("%lld h"), (long long)(seconds / 3600));
    else if (seconds >= 60)
        strbuf_printf(out, _("%lld min"), (long long)(seconds / 60));
    else
        strbuf_printf(out, _("%lld s"), (long long)seconds);
}

int64_t rotation_waits_for(enum rotation_kind kind, const struct rotation_counts *counts)
{
    int64_t moved =
        (kind == ROTATION_SERVER_CA ? counts->handed : counts->seen + counts->ended) + counts->left;

    return moved < counts->total ? counts->total - moved : 0;
}

bool rotation_is_left(const struct use *use)
{
    return use->open > 0 || !use->has_new;
}

size_t rotation_count_left(const struct use_list *left)
{
    size_t n = 0;

    for (size_t i = 0; i < left->n; i++)
        n += rotation_is_left(&left->rows[i]);
    return n;
}

enum mark rotation_server_mark(const struct rotate_server *server)
{
    if (server->err.code != ERR_NONE)
        return MARK_WARN;
    return server->done ? MARK_OK : MARK_TODO;
}

void rotation_server_text(const struct rotate_server *server, struct strbuf *out)
{
    bool away = server->asked && !server->reached;

    if (server->has_old && server->has_new)
        strbuf_add_str(out, _("old and new"));
    else if (away && !server->has_old && !server->has_new)
        strbuf_add_str(out, _("what it has is not known"));
    else if (server->has_new)
        strbuf_add_str(out, _("the new one only"));
    else
        strbuf_add_str(out, server->has_old ? _("the old one only") : _("neither"));
    if (server->standby)
        strbuf_add_str(out, _(", standby"));
    if (server->production)
        strbuf_add_str(out, _(", production"));
    if (away)
        strbuf_add_str(out, _(", not reached"));
    else if (server->err.code != ERR_NONE)
        strbuf_printf(out, ": %s", server->err.msg);
}

/* ---- progress of an act ---- */

static const char *state_text(enum fleet_state state)
{
    switch (state) {
    case FLEET_OPEN:
        return _("not begun");
    case FLEET_AWAY:
        return _("not reached");
    case FLEET_REFUSED:
        return _("nothing was changed");
    case FLEET_NOTHING:
        return _("was so already");
    case FLEET_KEPT:
        return _("done and proven");
    case FLEET_FAILED:
        return _("failed, nothing was changed");
    case FLEET_UNDONE:
        return _("taken back");
    case FLEET_LEFT:
        break;
    }
    return _("failed, and NOT fully taken back");
}

static void turn(void *arg, const struct fleet_member *member)
{
    struct rotation_talk *self = arg;

    self->server = member->server->name;
    act_tell(self->talk.job, MARK_BUSY, _("%s: its turn"), member->server->name);
}

static void ended(void *arg, const struct fleet_member *member)
{
    struct rotation_talk *self = arg;
    bool good = member->state == FLEET_KEPT || member->state == FLEET_NOTHING;

    act_tell(self->talk.job,
             good                          ? MARK_OK
             : member->state == FLEET_LEFT ? MARK_BAD
                                           : MARK_WARN,
             "%s: %s", member->server->name, state_text(member->state));
}

static void step(void *arg, const struct plan_step_view *view)
{
    const struct rotation_talk *self = arg;

    if (self->server != NULL)
        act_tell(self->talk.job, MARK_BUSY, "%s: %s", self->server, view->title);
}

static void saw(void *arg, const char *line)
{
    const struct rotation_talk *self = arg;

    if (self->server != NULL)
        act_tell(self->talk.job, MARK_BUSY, "%s: %s", self->server, line);
}

static bool stop(void *arg)
{
    const struct rotation_talk *self = arg;

    return act_stopped(self->talk.job);
}

void rotation_talk_begin(struct rotation_talk *ret, struct act_job *job,
                         struct publish_known *known)
{
    *ret = (struct rotation_talk){.watch = {.member = turn, .ended = ended}};
    publish_talk_begin(&ret->talk, job, known);
    ret->plan = (struct plan_watch){.step = step, .saw = saw, .stop = stop, .arg = ret};
    ret->watch.arg = ret;
    ret->watch.plan = &ret->plan;
}
