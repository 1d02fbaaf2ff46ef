/* rotate.c - the frame of all rotations: start, look, next, back, mark. What a phase does stands with its
 * kind. */
#include "config.h"

#include "core/rotate/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/servers.h"
#include "core/store/foreign.h"

#define LOCK_NAME "rotate.lock"

static const struct rotate_kind *const kinds[] = {
    [ROTATION_CLIENT] = &rotate_client_cert, [ROTATION_CLIENT_CA] = &rotate_client_ca,
    [ROTATION_SERVER] = &rotate_server_cert, [ROTATION_SERVER_CA] = &rotate_server_ca,
    [ROTATION_CA_LIFE] = &rotate_ca_life,    [ROTATION_EMERGENCY] = &rotate_emergency,
};

static const struct rotate_kind *kind_of(enum rotation_kind kind)
{
    return (size_t)kind < ARRAY_LEN(kinds) ? kinds[kind] : NULL;
}

static const struct rotate_kind *need_kind(enum rotation_kind kind, struct err *err)
{
    const struct rotate_kind *found = kind_of(kind);

    if (found == NULL)
        err_set(err, ERR_INTERNAL, "rotation of kind \"%s\" has no phases",
                rotation_kind_name(kind));
    return found;
}

size_t rotate_phase_count(enum rotation_kind kind)
{
    const struct rotate_kind *found = kind_of(kind);

    return found != NULL ? found->n_phases : 0;
}

const struct rotate_phase *rotate_phase(enum rotation_kind kind, size_t phase)
{
    const struct rotate_kind *found = kind_of(kind);

    return found != NULL && phase < found->n_phases ? &found->phases[phase] : NULL;
}

/* ---- work ---- */

static bool load_cert(const struct rotate_work *work, const struct authority *authority,
                      int64_t foreign_id, struct cert **ret, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    if (authority != NULL)
        *ret = cert_dup(authority->cert);
    if (authority != NULL || foreign_id == 0)
        return true;
    if (!foreign_list(work->store, &list, err))
        return false;
    for (size_t i = 0; i < list.n && *ret == NULL; i++) {
        if (list.rows[i].id == foreign_id)
            *ret = cert_dup(list.rows[i].cert);
    }
    foreign_list_clear(&list);
    return *ret != NULL || err_set(err, ERR_CA_UNKNOWN, _("there is no CA of others number %lld"),
                                   (long long)foreign_id);
}

static bool work_begin(struct rotate_work *work, struct store *store, struct rotation *rotation,
                       const struct rotate_request *request, struct err *err)
{
    *work = (struct rotate_work){.store = store, .rotation = rotation, .request = request};
    if (rotation->old_authority_id != 0) {
        work->old_ca = authority_load_id(store, rotation->old_authority_id, err);
        if (work->old_ca == NULL)
            return false;
    }
    if (rotation->new_authority_id != 0) {
        work->new_ca = authority_load_id(store, rotation->new_authority_id, err);
        if (work->new_ca == NULL)
            return false;
    }
    return load_cert(work, work->old_ca, rotation->old_foreign_id, &work->old_cert, err) &&
           load_cert(work, work->new_ca, rotation->new_foreign_id, &work->new_cert, err);
}

static void work_end(struct rotate_work *work)
{
    authority_free(work->old_ca);
    authority_free(work->new_ca);
    cert_free(work->old_cert);
    cert_free(work->new_cert);
    work->old_ca = work->new_ca = NULL;
    work->old_cert = work->new_cert = NULL;
}

/* An act may have made one. */
static bool work_again(struct rotate_work *work, struct err *err)
{
    struct rotate_work now;

    work_end(work);
    if (!work_begin(&now, work->store, work->rotation, work->request, err)) {
        work_end(&now);
        return false;
    }
    *work = now;
    return true;
}

/*
 * One process at a time moves a rotation: two acts that run against each other would leave servers that fit
 * no phase. A byte of one file stands for each; the lock ends with the process, however that ends.
 */
static int lock_rotation(struct store *store, const struct rotation *rotation, struct err *err)
{
    char *path = fs_join(store_folder(store), LOCK_NAME);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)rotation->id, .l_len = 1};

    if (fd < 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot open \"%s\""), path);
    } else if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES)
            err_set_errno(err, ERR_FILE, errno, _("cannot lock \"%s\""), path);
        else
            err_set(err, ERR_ROTATION_MOVED,
                    _("another pgseal works on the rotation of \"%s\" now"), rotation->name);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* Nothing is done on the ground of what another admin has changed meanwhile. */
static bool check_fresh(struct store *store, const struct rotation *rotation, struct err *err)
{
    struct rotation *now = rotation_load(store, rotation->id, err);
    bool same = now != NULL && now->version == rotation->version;

    if (now != NULL && !same) {
        err_set(err, ERR_ROTATION_MOVED,
                _("another admin moved the rotation of \"%s\" on meanwhile"), rotation->name);
        err_state(err, _("Nothing was done."));
    }
    rotation_free(now);
    if (same && rotation->ended_at != 0)
        return err_set(err, ERR_ROTATION_UNKNOWN, _("the rotation of \"%s\" has ended"),
                       rotation->name);
    if (same && (size_t)rotation->phase >= rotate_phase_count(rotation->kind))
        return err_set(err, ERR_STORE, _("rotation %lld is in no phase that there is"),
                       (long long)rotation->id);
    return same;
}

/* ---- start ---- */

struct rotation *rotate_start(struct store *store, const struct rotate_start *start,
                              struct err *err)
{
    const struct rotate_kind *kind = need_kind(start->kind, err);
    struct rotation *rotation = mem_zalloc(sizeof(*rotation));

    rotation->kind = start->kind;
    rotation->quiet_seconds =
        start->quiet_seconds > 0 ? start->quiet_seconds : ROTATE_QUIET_SECONDS;
    rotation->folder = mem_strdup("");
    rotation->options = mem_strdup("{}");
    if (kind != NULL && store_begin(store, err)) {
        /* the scope is written with the row, or neither */
        if (kind->start(store, start, rotation, err) && rotation_add(store, rotation, err) &&
            rotate_choose_servers(store, rotation, start, err)) {
            if (store_commit(store, err))
                return rotation;
        } else {
            store_rollback(store);
        }
    }
    rotation_free(rotation);
    return NULL;
}

/* ---- look ---- */

static bool look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                 struct err *err)
{
    const struct rotate_kind *kind = need_kind(work->rotation->kind, err);

    if (kind == NULL)
        return false;
    ret->n_phases = kind->n_phases;
    ret->phase = (size_t)work->rotation->phase;
    ret->since = work->rotation->since;
    ret->proposal = mem_strdup("");
    if (work->rotation->ended_at != 0 || ret->phase >= ret->n_phases)
        return rotation_count_items(work->store, work->rotation->id, &ret->items, err);
    if (!kind->look(work, ask_servers, ret, err))
        return false;
    ret->may_next = !ret->act_done || ret->n_blockers == 0;
    return true;
}

bool rotate_look(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, bool ask_servers, struct rotate_status *ret,
                 struct err *err)
{
    struct rotate_work work;
    struct rotate_status status = {.n_phases = 0};
    bool ok =
        work_begin(&work, store, rotation, request, err) && look(&work, ask_servers, &status, err);

    work_end(&work);
    if (ok)
        *ret = status;
    else
        rotate_status_clear(&status);
    return ok;
}

/* ---- next ---- */

static const char *key_of(const struct rotation *rotation)
{
    const struct rotate_phase *phase = rotate_phase(rotation->kind, (size_t)rotation->phase);

    return phase != NULL ? phase->key : "done";
}

/* A mark, or another quiet time, does not wait for the lock: what was written beside an act stays. False:
 * somebody moved the rotation itself. */
static bool catch_up(struct rotate_work *work, struct err *err)
{
    struct rotation *rotation = work->rotation;
    struct rotation *now = rotation_load(work->store, rotation->id, err);
    bool same = now != NULL && now->phase == rotation->phase && now->ended_at == 0;

    if (same) {
        const struct rotation mine = *rotation;

        *rotation = *now;
        *now = mine;
    } else if (now != NULL) {
        err_set(err, ERR_ROTATION_MOVED,
                _("another admin moved the rotation of \"%s\" on meanwhile"), rotation->name);
    }
    rotation_free(now);
    return same;
}

static bool enter(struct rotate_work *work, int phase, bool given_up, struct err *err)
{
    struct rotation *rotation = work->rotation;
    struct rotation before;
    char *detail;
    bool ok;

    if (!catch_up(work, err))
        return false;
    before = *rotation;
    rotation->phase = phase;
    rotation->since = clock_now();
    rotation->given_up = given_up;
    if (given_up || (size_t)phase >= rotate_phase_count(rotation->kind))
        rotation->ended_at = rotation->since;
    detail = given_up ? mem_strdup("given up")
                      : mem_printf("phase %s, after %s", key_of(rotation), key_of(&before));
    ok = rotation_save(work->store, rotation, detail, err);
    free(detail);
    if (!ok)
        *rotation = before;
    return ok;
}

static bool say_blocked(const struct rotate_work *work, const struct rotate_status *status,
                        struct err *err)
{
    const struct rotate_phase *phase =
        rotate_phase(work->rotation->kind, (size_t)work->rotation->phase);

    if (status->n_blockers > 0)
        err_set(err, ERR_ROTATION_BLOCKED, "%s", status->blockers[0]);
    else
        err_set(err, ERR_ROTATION_BLOCKED, _("not so yet: %s"), phase->waits);
    if (status->n_blockers > 1)
        err_cause(err,
                  ngettext("And %zu more reason.", "And %zu more reasons.", status->n_blockers - 1),
                  status->n_blockers - 1);
    return err_hint(err, _("\"pgseal rotate status\" names what blocks and who is left."));
}

static bool go_on(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_kind *kind = need_kind(work->rotation->kind, err);
    struct rotate_status status = {.n_phases = 0};
    bool ok = kind != NULL && kind->act(work, ret, err) && work_again(work, err) &&
              look(work, true, &status, err);

    if (ok) {
        ret->items = status.items;
        ok = status.act_done && status.n_blockers == 0
                 ? enter(work, work->rotation->phase + 1, false, err)
                 : say_blocked(work, &status, err);
    }
    rotate_status_clear(&status);
    return ok;
}

static bool go_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_kind *kind = need_kind(work->rotation->kind, err);
    const struct rotate_phase *phase =
        rotate_phase(work->rotation->kind, (size_t)work->rotation->phase);

    if (kind == NULL)
        return false;
    if (phase == NULL || phase->back == NULL)
        return err_set(err, ERR_ROTATION_BLOCKED, _("there is no way back from phase \"%s\""),
                       key_of(work->rotation));
    if (!kind->back(work, ret, err))
        return false;
    return work->rotation->phase == 0 ? enter(work, 0, true, err)
                                      : enter(work, work->rotation->phase - 1, false, err);
}

/* An act that failed for some: what is true of the others. */
static void say_partly(const struct rotate_outcome *outcome, bool back, struct err *err)
{
    size_t done = 0;

    for (size_t i = 0; i < outcome->n_servers; i++)
        done += outcome->servers[i].done;
    if (done == 0)
        return;
    err_state(err, _("%zu of %zu servers have it; the phase stays open."), done,
              outcome->n_servers);
    if (done < outcome->n_servers)
        err_hint(err, back ? _("When the others are there: \"pgseal rotate back\" again.")
                           : _("When the others are back: \"pgseal rotate next\" again."));
}

static bool move(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request,
                 bool (*go)(struct rotate_work *, struct rotate_outcome *, struct err *),
                 struct rotate_outcome *ret, struct err *err)
{
    struct rotate_work work = {.store = NULL};
    int lock;
    bool ok;

    *ret = (struct rotate_outcome){.from = (size_t)rotation->phase, .to = (size_t)rotation->phase};
    lock = lock_rotation(store, rotation, err);
    if (lock < 0)
        return false;
    ok = check_fresh(store, rotation, err) && work_begin(&work, store, rotation, request, err) &&
         go(&work, ret, err);
    work_end(&work);
    close(lock);
    ret->to = (size_t)rotation->phase;
    if (!ok)
        say_partly(ret, go == go_back, err);
    return ok;
}

bool rotate_next(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, struct rotate_outcome *ret, struct err *err)
{
    return move(store, rotation, request, go_on, ret, err);
}

bool rotate_back(struct store *store, struct rotation *rotation,
                 const struct rotate_request *request, struct rotate_outcome *ret, struct err *err)
{
    return move(store, rotation, request, go_back, ret, err);
}

/* ---- ahead ---- */

bool rotate_look_ahead(struct store *store, struct rotation *rotation,
                       const struct rotate_request *request, bool back, struct rotate_preview *ret,
                       struct err *err)
{
    const struct rotate_kind *kind = need_kind(rotation->kind, err);
    struct rotate_preview preview = {.n_lines = 0};
    struct rotate_work work;
    bool ok;

    if (kind == NULL)
        return false;
    ok = work_begin(&work, store, rotation, request, err);
    work.preview = &preview;
    preview.looked = kind->preview != NULL;
    ok = ok && (!preview.looked || kind->preview(&work, back, err));
    work_end(&work);
    if (ok)
        *ret = preview;
    else
        rotate_preview_clear(&preview);
    return ok;
}

/* ---- marks ---- */

/* In a transaction, read and written in one: whoever makes the kits meanwhile writes the same lines. */
static bool mark_lines(struct store *store, struct rotation *rotation, const char *role,
                       bool handed, bool left, struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    char *detail;
    bool ok;

    ok = rotation_items(store, rotation->id, role, 0, &items, err);
    if (ok && items.n == 0) {
        ok =
            err_set(err, ERR_BAD_VALUE, _("role \"%s\" is not on the list of this rotation"), role);
        err_hint(err, _("\"pgseal rotate stragglers\" shows the list."));
    }
    for (size_t i = 0; ok && i < items.n; i++) {
        if (handed)
            items.rows[i].handed_at = clock_now();
        if (left)
            items.rows[i].left_at = clock_now();
        ok = rotation_set_item(store, rotation->id, &items.rows[i], err);
    }
    rotation_item_list_clear(&items);
    detail = mem_printf("%s: %s", role, left ? "without it" : "handed over");
    ok = ok && rotation_save(store, rotation, detail, err);
    free(detail);
    return ok;
}

bool rotate_mark(struct store *store, struct rotation *rotation, const char *role, bool handed,
                 bool left, struct err *err)
{
    struct rotation *now;
    bool ok;

    if (!store_begin(store, err))
        return false;
    now = rotation_load(store, rotation->id, err);
    ok = now != NULL &&
         (now->ended_at == 0 || err_set(err, ERR_ROTATION_UNKNOWN,
                                        _("the rotation of \"%s\" has ended"), rotation->name));
    ok = ok && mark_lines(store, now, role, handed, left, err);
    if (!ok) {
        store_rollback(store);
        rotation_free(now);
        return false;
    }
    ok = store_commit(store, err);
    if (ok) {
        const struct rotation before = *rotation;

        *rotation = *now;
        *now = before;
    }
    rotation_free(now);
    return ok;
}
