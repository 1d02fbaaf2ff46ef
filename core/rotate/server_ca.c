/* server_ca.c - another CA for servers' certificates: clients get a file that trusts both, then the servers
 * change over. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/trust_file.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/server_part.h"

#define SEEN_SECONDS (30 * 24 * 3600) /* before it began: who was seen then is on the list too */
#define LEFT_MAX     1000

enum { WHO, FILES, HAND, SWITCH, CLEAN };

static const struct rotate_phase phases[] = {
    [WHO] =
        {
            .key = "who",
            .title = N_("who uses TLS, and from where"),
            .act = N_("look at the sessions of each member, and list their roles"),
            .waits = N_("each member was looked at"),
            .back = N_("give the rotation up; nothing was changed"),
            .why =
                N_("A client that verifies the server's certificate fails when the CA behind it "
                   "is another one. A server cannot see whether a client verifies: so every role "
                   "that comes by TLS is on the list. Standbys and other servers that connect "
                   "are clients too. Watch for a while: the nightly job is not here by day."),
        },
    [FILES] =
        {
            .key = "files",
            .title = N_("a trust file with the old and the new CA"),
            .act = N_(
                "write it, once it is tried on each member; where none was named, make the new CA"),
            .waits = N_("each member is trusted with this file as it is now"),
            .back = N_("the files stay; nothing was changed on a server"),
            .why = N_("With both CAs in it the file works before, during and after the change. So "
                      "it can go to each client at any time, one by one. PEM is for libpq "
                      "(sslrootcert) and most others, the .p12 is a truststore for Java."),
        },
    [HAND] =
        {
            .key = "hand",
            .title = N_("each client has the file with both"),
            .act = "",
            .waits = N_("each line of the list is marked as handed over, or left out"),
            .back = N_("nothing was changed on a server"),
            .why = N_("Nobody but you can know that a client uses the new file: so it is marked by "
                      "hand, a role at a time. Give it to pools, standbys (primary_conninfo) and "
                      "scripts too. It is read at each new connection."),
        },
    [SWITCH] =
        {
            .key = "switch",
            .title = N_("every member has a certificate of the new CA"),
            .act = N_("issue and install it on each member; reload; tried with the file of both"),
            .waits = N_("each member shows it, and the file of both trusts it"),
            .back = N_("the old certificate again on each member that got a new one"),
            .why = N_("Sessions stay open. From now on a client that verifies and has only the old "
                      "CA is refused at its next connection: that is why every one got the file "
                      "first."),
        },
    [CLEAN] =
        {
            .key = "clean",
            .title = N_("a trust file without the old CA"),
            .act = N_("write it, once it is tried on each member"),
            .waits = N_("each member is trusted with the new CA alone"),
            .back = N_("the old certificate again on each member"),
            .why = N_("The file of both does no harm but that it trusts the old CA still: whoever "
                      "has its key could play your server. Hand the new file over when it suits "
                      "you; no client fails in between."),
        },
};

/* ---- who ---- */

struct who {
    struct rotate_work *work;
    struct rotate_status *status;
};

static struct use *find_use(struct use_list *list, const struct use *like)
{
    for (size_t i = 0; i < list->n; i++) {
        struct use *row = &list->rows[i];

        if (text_equal(row->server, like->server) && text_equal(row->role, like->role) &&
            text_equal(row->database, like->database) &&
            text_equal(row->application, like->application) &&
            text_equal(row->address, like->address))
            return row;
    }
    return NULL;
}

static bool has_role(const struct use_list *list, const char *role)
{
    for (size_t i = 0; i < list->n; i++) {
        if (text_equal(list->rows[i].role, role))
            return true;
    }
    return false;
}

/* like's texts are borrowed. Beyond the most that are shown, each role once: the list is made of roles. */
static void add_use(struct use_list *list, const struct use *like)
{
    struct use *row = find_use(list, like);

    if (row == NULL && list->n >= LEFT_MAX && has_role(list, like->role)) {
        list->total++;
        return;
    }
    if (row == NULL) {
        list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(list->rows[0]));
        row = &list->rows[list->n++];
        list->total++;
        *row = (struct use){.server = mem_strdup(like->server),
                            .role = mem_strdup(like->role),
                            .database = mem_strdup(like->database),
                            .application = mem_strdup(like->application),
                            .address = mem_strdup(like->address),
                            .serial = mem_strdup(""),
                            .authority = mem_strdup(""),
                            .replication = like->replication};
    }
    row->open += like->open;
    if (like->open > 0 && (row->open_since == 0 || like->open_since < row->open_since))
        row->open_since = like->open_since;
    if (like->last_seen > row->last_seen)
        row->last_seen = like->last_seen;
}

static bool is_tls(enum session_class class)
{
    return class == SESSION_TLS || class == SESSION_TLS_CERT;
}

/* Open now. */
static bool add_sessions(void *arg, struct fleet_member *member, struct rotate_server *row,
                         const struct cert_list *chain, struct err *err)
{
    const struct who *who = arg;
    struct sessions sessions;

    (void)row;
    (void)chain;
    if (!sessions_read(member->target.admin, &sessions, err))
        return false;
    if (sessions.hidden > 0) {
        free(who->status->proposal);
        who->status->proposal = mem_printf(
            _("%d sessions on \"%s\" are hidden from this role: the list is not whole. Let it "
              "see them (GRANT pg_monitor), and look again."),
            sessions.hidden, member->server->name);
    }
    for (size_t i = 0; i < sessions.n; i++) {
        const struct session *session = &sessions.rows[i];

        if (session->own || !is_tls(session->class) || *session->role == '\0')
            continue;
        add_use(&who->status->left,
                &(struct use){.server = member->server->name,
                              .role = (char *)(uintptr_t)session->role,
                              .database = (char *)(uintptr_t)session->database,
                              .application = (char *)(uintptr_t)session->application,
                              .address = (char *)(uintptr_t)session->address,
                              .replication = text_equal(session->backend_type, "walsender"),
                              .open = 1,
                              .open_since = session->backend_start,
                              .last_seen = sessions.taken_at});
    }
    sessions_clear(&sessions);
    return true;
}

static bool list_sightings(struct store *store, const struct sighting_filter *filter,
                           struct sighting_list *ret, struct err *err)
{
    struct err none = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(store), false, &none);
    bool good;

    *ret = (struct sighting_list){.n = 0};
    if (sightings == NULL && none.code == ERR_NO_STORE)
        return true; /* nobody has looked before */
    if (sightings == NULL) {
        *err = none;
        return false;
    }
    good = sightings_list(sightings, filter, ret, err);
    sightings_close(sightings);
    return good;
}

/* Seen before, by whoever looked. */
static bool add_sightings(const struct who *who, struct err *err)
{
    const struct rotation *rotation = who->work->rotation;
    struct sighting_filter filter = {.since = rotation->started_at - SEEN_SECONDS,
                                     .limit = SIGHTINGS_MAX};
    struct rotate_status *status = who->status;
    const char **names = mem_array(status->n_servers + 1, sizeof(*names));
    struct sighting_list seen;
    bool good;

    for (size_t i = 0; i < status->n_servers; i++)
        names[i] = status->servers[i].name;
    filter.servers = names;
    filter.n_servers = status->n_servers;
    good = list_sightings(who->work->store, &filter, &seen, err);
    for (size_t i = 0; good && i < seen.n; i++) {
        const struct sighting_key *key = &seen.rows[i].key;

        if (*key->role == '\0' || (!text_equal(key->class, session_class_name(SESSION_TLS)) &&
                                   !text_equal(key->class, session_class_name(SESSION_TLS_CERT))))
            continue;
        add_use(&status->left, &(struct use){.server = (char *)(uintptr_t)key->server,
                                             .role = (char *)(uintptr_t)key->role,
                                             .database = (char *)(uintptr_t)key->database,
                                             .application = (char *)(uintptr_t)key->application,
                                             .address = (char *)(uintptr_t)key->address,
                                             .last_seen = seen.rows[i].last_seen});
    }
    sighting_list_clear(&seen);
    free(names);
    return good;
}

static bool has_item(const struct rotation_item_list *items, const char *role)
{
    for (size_t i = 0; i < items->n; i++) {
        if (text_equal(items->rows[i].role, role))
            return true;
    }
    return false;
}

/* A line for each role that uses TLS; those that are there stay as they are. */
static bool list_roles(struct rotate_work *work, const struct use_list *uses, struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    bool good = true;

    for (size_t i = 0; good && i < uses->n; i++) {
        const struct rotation_item item = {.role = uses->rows[i].role,
                                           .old_serial = (char *)(uintptr_t) ""};

        rotation_item_list_clear(&items);
        good = rotation_items(work->store, work->rotation->id, item.role, 1, &items, err) &&
               (has_item(&items, item.role) ||
                rotation_set_item(work->store, work->rotation->id, &item, err));
    }
    rotation_item_list_clear(&items);
    return good;
}

/* ---- looks ---- */

static void block_unhanded(const struct rotate_work *work, struct rotate_status *ret)
{
    int64_t open = ret->items.total - ret->items.handed - ret->items.left;

    if (open > 0 && (int64_t)work->request->accept_left != open)
        rotate_block(ret,
                     ngettext("%lld role of the list has not got the trust file yet",
                              "%lld roles of the list have not got the trust file yet",
                              (unsigned long)open),
                     (long long)open);
}

/* A line can be both handed over and left out. */
static bool count_items(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    bool good = rotation_count_items(work->store, work->rotation->id, &ret->items, err) &&
                rotation_items(work->store, work->rotation->id, NULL, 0, &items, err);

    if (good)
        ret->items.left = 0;
    for (size_t i = 0; i < items.n; i++)
        ret->items.left += items.rows[i].left_at != 0 && items.rows[i].handed_at == 0;
    rotation_item_list_clear(&items);
    return good;
}

static bool judge(struct rotate_status *ret, bool want_new)
{
    bool all = true;

    for (size_t i = 0; i < ret->n_servers; i++) {
        struct rotate_server *server = &ret->servers[i];

        server->done = (!want_new || server->has_new) && server->err.code == ERR_NONE;
        all = all && server->done;
    }
    return all;
}

static void look_switch(const struct rotate_work *work, bool all, struct rotate_status *ret)
{
    ret->act_done = all;
    ret->needs =
        ROTATE_NEED_SERVERS | (work->new_ca ? ROTATE_NEED_NEW_KEY : ROTATE_NEED_SERVER_CERT);
}

static void look_clean(const struct rotate_work *work, bool asked, struct rotate_status *ret)
{
    ret->act_done = server_trust_there(work, "new");
    ret->needs = work->rotation->folder[0] == '\0' ? ROTATE_NEED_FOLDER : 0;
    for (size_t i = 0; i < ret->n_servers && asked; i++) {
        if (!ret->servers[i].has_new && ret->servers[i].err.code == ERR_NONE)
            rotate_block(ret,
                         _("\"%s\" does not show a certificate of the new CA: go back to phase "
                           "\"switch\""),
                         ret->servers[i].name);
    }
}

static bool look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                 struct err *err)
{
    int phase = work->rotation->phase;
    struct who who = {.work = work, .status = ret};
    const struct server_measure measure = {.each = phase <= HAND ? add_sessions : NULL,
                                           .arg = &who};
    char *listed;
    bool all;

    if (!server_measure(work, ask_servers, &measure, ret, err) ||
        (phase <= HAND && (!add_sightings(&who, err) || !list_roles(work, &ret->left, err))) ||
        !count_items(work, ret, err))
        return false;
    all = judge(ret, phase >= SWITCH);
    server_block_members(ret, phase >= SWITCH);
    switch (phase) {
    case WHO:
        listed = rotate_option(work->rotation, "listed");
        ret->act_done = *listed != '\0' && (all || !ask_servers);
        free(listed);
        return true;
    case FILES:
        ret->act_done = server_trust_there(work, "both");
        ret->needs = (work->rotation->folder[0] == '\0' ? ROTATE_NEED_FOLDER : 0) |
                     (work->new_cert == NULL ? ROTATE_NEED_NEW_PASSPHRASE : 0);
        return true;
    case HAND:
        ret->act_done = true;
        block_unhanded(work, ret);
        return true;
    case SWITCH:
        look_switch(work, all, ret);
        return true;
    }
    look_clean(work, ask_servers, ret);
    return true;
}

/* ---- acts ---- */

struct proof {
    const struct rotate_work *work;
    struct trust_file file; /* of both */
};

static bool try_after(void *arg, struct fleet_member *member, struct err *err)
{
    const struct proof *proof = arg;

    return server_prove_login(proof->work, member, &proof->file, err);
}

/* A file that was changed meanwhile, or a certificate that it does not fit: before any server is changed. */
static bool switch_over(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct proof proof = {.work = work};
    struct cert_list roots;
    bool good;

    if (!server_trust_make(work, true, &proof.file, err))
        return false;
    trust_file_certs(&proof.file, &roots);
    good = server_check_trust(work, "both", &roots, err) &&
           server_renew(work, ret, try_after, &proof, err);
    cert_list_clear(&roots);
    trust_file_clear(&proof.file);
    return good;
}

/* None was named at the start. */
static bool make_new_ca(struct rotate_work *work, struct err *err)
{
    if (work->new_cert != NULL)
        return true;
    if (!ca_make_generation(work, err))
        return false;
    work->new_ca = authority_load_id(work->store, work->rotation->new_authority_id, err);
    work->new_cert = work->new_ca != NULL ? cert_dup(work->new_ca->cert) : NULL;
    return work->new_ca != NULL;
}

static bool act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    switch (work->rotation->phase) {
    case WHO: /* the look that comes after it puts them on the list */
        return server_note_already(work, err);
    case FILES:
        return make_new_ca(work, err) && server_trust_write(work, true, "both", ret, err);
    case HAND:
        return true;
    case SWITCH:
        return switch_over(work, ret, err);
    }
    return server_trust_write(work, false, "new", ret, err);
}

static bool back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    return work->rotation->phase < SWITCH || server_back(work, ret, err);
}

/* Whoever verifies with the old CA alone is refused after the switch; no server sees who does. */
static void preview_refused(struct rotate_work *work)
{
    struct rotation_counts items = {.total = 0};
    struct err ignored = ERR_INIT;

    if (!rotation_count_items(work->store, work->rotation->id, &items, &ignored) ||
        items.total == 0)
        return;
    rotate_preview_line(
        work->preview,
        _("who verifies, and has the old CA alone, is refused from then on: %lld of "
          "%lld roles are marked as having the file of both"),
        (long long)items.handed, (long long)items.total);
}

static bool preview_act(struct rotate_work *work, struct rotate_outcome *none, struct err *err)
{
    switch (work->rotation->phase) {
    case WHO:
        rotate_preview_line(work->preview, "%s", _("no server and no file is changed"));
        return true;
    case FILES:
        return ca_make_generation(work, err) && server_trust_look_ahead(work, true, "both", err);
    case HAND:
        return true;
    case SWITCH:
        preview_refused(work);
        return server_renew(work, none, NULL, NULL, err);
    }
    return server_trust_look_ahead(work, false, "new", err);
}

static bool preview(struct rotate_work *work, bool backwards, struct err *err)
{
    struct rotate_outcome none = {.from = 0};
    bool good = backwards ? back(work, &none, err) : preview_act(work, &none, err);

    rotate_outcome_clear(&none);
    return good;
}

const struct rotate_kind rotate_server_ca = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = look,
    .act = act,
    .back = back,
    .preview = preview,
    .start = server_start,
};
