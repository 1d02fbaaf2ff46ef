/* rotate_start.c - how a line of "Renew and rotate" is renewed: the ways there are, and a rotation begun. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/foreign.h"
#include "core/store/issued.h"
#include "screens/pages.h"
#include "screens/rotate_start.h"

static const struct way ca_ways[] = {
    {WAY_ROTATION, ROTATION_CA_LIFE, {N_("the same key, a later end"), N_("clients need nothing")}},
    {WAY_ROTATION,
     ROTATION_CLIENT_CA,
     {N_("another CA for the clients"), N_("both trusted meanwhile")}},
    {WAY_ROTATION,
     ROTATION_SERVER_CA,
     {N_("another CA for the servers"), N_("clients trust both first")}},
    {WAY_ROTATION,
     ROTATION_EMERGENCY,
     {N_("EMERGENCY: its key is stolen"), N_("the old one goes at once")}},
};
static const struct way foreign_ways[] = {
    {WAY_ROTATION,
     ROTATION_CLIENT_CA,
     {N_("another CA for the clients"), N_("both trusted meanwhile")}},
};
static const struct way client_ways[] = {
    {WAY_ROTATION, ROTATION_CLIENT, {N_("a new one for this role"), N_("then the old one goes")}},
    {WAY_ROTATE_SOON, ROTATION_CLIENT, {N_("for all that end soon"), N_("a list, in one go")}},
    {WAY_RENEW, ROTATION_CLIENT, {N_("only a new certificate"), N_("files; the rest is yours")}},
};
static const struct way server_ways[] = {
    {WAY_ROTATION, ROTATION_SERVER, {N_("a new one, installed"), N_("with a reload and a proof")}},
    {WAY_ROTATION, ROTATION_SERVER_CA, {N_("one of another CA"), N_("clients trust both first")}},
    {WAY_RENEW, ROTATION_SERVER, {N_("only a new certificate"), N_("files; the rest is yours")}},
};

bool rotate_start_is_direct(const struct way *way)
{
    return way->act == WAY_RENEW ||
           (way->kind == ROTATION_CA_LIFE && rotate_phase_count(way->kind) == 0);
}

bool rotate_start_is_of_cas(const struct way *way)
{
    return way->act == WAY_ROTATION &&
           (way->kind == ROTATION_CLIENT_CA || way->kind == ROTATION_SERVER_CA ||
            way->kind == ROTATION_EMERGENCY);
}

const struct way *rotate_start_way(const struct rotate_start_page *self, const struct form *form)
{
    return &self->ways[self->how_id >= 0 ? form_choice(form, self->how_id) : 0];
}

void rotate_start_forget_scope(struct rotate_start_page *self)
{
    for (size_t i = 0; i < self->n_scope; i++)
        free(self->scope[i]);
    self->n_scope = 0;
}

/* ---- what the store says ---- */

static void clear_cas(struct rotate_start_page *self)
{
    for (size_t i = 0; i < self->n_cas; i++)
        free(self->cas[i]);
    self->n_cas = 0;
}

/* What the new one can be. */
static bool load_cas(struct rotate_start_page *self, struct store *store, struct err *err)
{
    struct authority_list list = {.n = 0};
    bool good = authority_list(store, &list, err);

    clear_cas(self);
    for (size_t i = 0; good && i < list.n && self->n_cas < ROTATE_START_CAS; i++) {
        const struct authority *ca = list.rows[i];
        bool old = self->from == ROTATE_FROM_CA ? text_equal(ca->name, self->name)
                   : self->from == ROTATE_FROM_SERVER
                       ? strlen(ca->name) == strcspn(self->which, ":") &&
                             strncmp(ca->name, self->which, strlen(ca->name)) == 0
                       : false;

        if (ca->has_key && !ca->retired && !old && cert_not_after(ca->cert) > clock_now())
            self->cas[self->n_cas++] = mem_strdup(ca->name);
    }
    authority_list_clear(&list);
    return good;
}

static bool load_ca(struct rotate_start_page *self, struct store *store, struct err *err)
{
    struct authority *authority = authority_load(store, self->name, err);
    struct issued_filter filter = {.authority = self->name, .state = ISSUED_VALID, .limit = 1};
    struct issued_list list = {.n = 0};
    struct server_list servers = {.n = 0};
    struct strbuf names = STRBUF_INIT;
    bool good = authority != NULL && issued_list(store, &filter, &list, err) &&
                server_list_trusting(store, authority->id, &servers, err);

    self->valid = good ? list.total : 0;
    for (size_t i = 0; i < servers.n && good; i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", servers.rows[i]->name);
    free(self->servers);
    self->servers = strbuf_steal(&names);
    issued_list_clear(&list);
    server_list_clear(&servers);
    authority_free(authority);
    return good;
}

/* All members of a cluster get theirs together. */
static bool load_server(struct rotate_start_page *self, struct store *store, struct err *err)
{
    struct server *server = server_load(store, self->server, err);

    if (server == NULL)
        return false;
    if (server->cluster[0] != '\0') {
        free(self->server);
        self->server = mem_strdup(server->cluster);
    }
    server_free(server);
    return true;
}

/* Another's, of which the store has the certificate. */
static bool load_foreign(struct rotate_start_page *self, struct store *store, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    bool good = foreign_list(store, &list, err);

    for (size_t i = 0; good && i < list.n && self->known == NULL; i++)
        if (text_equal(list.rows[i].name, self->which))
            self->known = cert_dup(list.rows[i].cert);
    foreign_list_clear(&list);
    if (good && self->known == NULL)
        return err_set(err, ERR_CA_UNKNOWN, _("no CA of others is called \"%s\""), self->which);
    return good;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct rotate_start_page *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool good = store != NULL && load_cas(self, store, err);

    switch (self->from) {
    case ROTATE_FROM_CA:
        good = good && load_ca(self, store, err);
        break;
    case ROTATE_FROM_SERVER:
        good = good && (self->server[0] == '\0' || load_server(self, store, err));
        break;
    case ROTATE_FROM_FOREIGN:
        good = good && (self->which[0] == '\0' || load_foreign(self, store, err));
        break;
    case ROTATE_FROM_CLIENT:
        break;
    }
    store_close(store);
    return good;
}

/* ---- work ---- */

static bool begin(struct rotate_start_page *self, struct store *store,
                  const struct rotate_start *start, struct err *err)
{
    struct rotation *rotation = rotate_start(store, start, err);

    if (rotation == NULL)
        return false;
    self->started = rotation->id;
    self->n_started++;
    rotation_free(rotation);
    return true;
}

/* A list for each CA that has any; a CA without one is no failure, unless all are. */
static bool begin_all(struct rotate_start_page *self, struct store *store,
                      struct rotate_start *start, struct err *err)
{
    struct err why = ERR_INIT;

    for (size_t i = 0; i < self->n_cas; i++) {
        start->new_authority = self->cas[i];
        why = (struct err)ERR_INIT;
        if (!begin(self, store, start, &why) && why.code != ERR_CERT_UNKNOWN &&
            why.code != ERR_ROTATION_EXISTS)
            break;
    }
    if (self->n_started > 0 &&
        (why.code == ERR_NONE || why.code == ERR_CERT_UNKNOWN || why.code == ERR_ROTATION_EXISTS))
        return true;
    *err = why;
    if (self->n_started > 0)
        err_state(err, _("%zu lists are begun."), self->n_started);
    if (why.code == ERR_CERT_UNKNOWN)
        return err_set(err, ERR_CERT_UNKNOWN,
                       _("no client certificate of any CA ends within %d days: nothing is to be "
                         "done"),
                       self->within_days);
    return false;
}

/* A CA's list is of use on the way back: the servers get it again with their CA. */
static bool keep_list(const struct foreign_ca_fields *fields, struct store *store, struct err *err)
{
    enum foreign_import imported;

    return foreign_ca_crl(fields) == NULL ||
           (foreign_note(store, 0, foreign_ca_cert(fields), err) &&
            foreign_import(store, foreign_ca_cert(fields), foreign_ca_crl(fields), 0, &imported,
                           err));
}

static bool begin_of_cas(struct rotate_start_page *self, struct store *store,
                         struct rotate_start *start, struct err *err)
{
    start->new_authority = self->new_authority;
    if (self->new_ca == NEW_FOREIGN) {
        start->new_foreign = foreign_ca_cert(&self->fresh);
        start->new_foreign_crl = foreign_ca_crl(&self->fresh);
    }
    if (self->from == ROTATE_FROM_FOREIGN) {
        start->name = NULL;
        start->old_foreign = self->known != NULL ? self->known : foreign_ca_cert(&self->old);
    } else if (self->old_is_foreign) {
        start->old_foreign = foreign_ca_cert(&self->old);
    }
    if (self->way->kind == ROTATION_CLIENT_CA && self->quiet_days == 0)
        start->quiet_seconds = 1; /* 0 would be the default */
    if (start->old_foreign == NULL || self->known != NULL)
        return begin(self, store, start, err);
    if (!store_begin(store, err)) /* both, or nothing */
        return false;
    if (keep_list(&self->old, store, err) && begin(self, store, start, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct rotate_start_page *self = data;
    struct rotate_start start = {.kind = self->way->kind,
                                 .name =
                                     self->from == ROTATE_FROM_SERVER ? self->server : self->name,
                                 .servers = (const char *const *)self->scope,
                                 .n_servers = self->n_scope,
                                 .quiet_seconds = self->quiet_days * CLOCK_DAY};
    struct store *store;
    bool good;

    if (rotate_start_is_direct(self->way))
        return true;
    store = store_open(act_store_folder(job), STORE_WRITE, err);
    if (store == NULL)
        return false;
    self->n_started = 0;
    if (self->way->act == WAY_ROTATE_SOON) {
        start.name = NULL;
        start.within_days = self->within_days;
        start.new_authority = self->soon_ca;
        good = self->soon_id >= 0 && self->soon_ca == NULL ? begin_all(self, store, &start, err)
                                                           : begin(self, store, &start, err);
    } else {
        good = rotate_start_is_of_cas(self->way) ? begin_of_cas(self, store, &start, err)
                                                 : begin(self, store, &start, err);
    }
    store_close(store);
    return good;
}

static struct screen *next(const void *data, struct app *app)
{
    const struct rotate_start_page *self = data;

    if (self->n_started > 1)
        return NULL; /* the list: they stand on its top */
    if (!rotate_start_is_direct(self->way))
        return page_rotation(app, self->started);
    return self->from == ROTATE_FROM_CA ? page_ca_renew(app, self->name)
                                        : page_renew(app, self->which);
}

static void quoted(struct strbuf *out, const char *text)
{
    strbuf_add_char(out, ' ');
    if (text == NULL || !*text || !text_quote_shell(out, text))
        strbuf_add_str(out, "NAME");
}

/* What the answers say of the two CAs; form NULL: those that were taken. */
static void add_cas(const struct rotate_start_page *self, const struct form *form,
                    struct strbuf *out)
{
    bool live = form != NULL && self->from != ROTATE_FROM_FOREIGN; /* which has two forms */
    enum new_ca from = live ? (enum new_ca)form_choice(form, self->new_id) : self->new_ca;

    if (self->from != ROTATE_FROM_FOREIGN && self->old_is_foreign)
        strbuf_add_str(out, " --old-file old-ca.crt");
    switch (from) {
    case NEW_MADE:
        break;
    case NEW_OURS:
        strbuf_add_str(out, " --to");
        quoted(out, live ? form_text(form, self->ours_id) : self->new_authority);
        break;
    case NEW_FOREIGN:
        strbuf_add_str(out, " --to-file new-ca.crt");
        if (self->way->kind != ROTATION_SERVER_CA)
            strbuf_add_str(out, " --crl new-ca.crl");
        break;
    }
    for (size_t i = 0; i < self->n_scope; i++) {
        strbuf_add_str(out, " --server");
        quoted(out, self->scope[i]);
    }
}

static void add_client(const struct rotate_start_page *self, const struct way *way,
                       const struct form *form, struct strbuf *out)
{
    const char *ca = self->soon_ca;

    strbuf_add_str(out, "pgseal rotate client");
    if (way->act != WAY_ROTATE_SOON) {
        quoted(out, self->name);
        return;
    }
    strbuf_printf(out, " --within %d",
                  form != NULL ? atoi(form_text(form, self->within_id)) : self->within_days);
    if (self->soon_id < 0)
        return;
    if (form != NULL)
        ca = form_choice(form, self->soon_id) > 0 ? self->cas[form_choice(form, self->soon_id) - 1]
                                                  : NULL;
    strbuf_add_str(out, " --ca");
    quoted(out, ca);
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct rotate_start_page *self = data;
    const struct way *way = form != NULL ? rotate_start_way(self, form) : self->way;
    const char *serial = strrchr(self->which, ':');

    strbuf_add_str(out, _("# the same as a command\n"));
    if (way->act == WAY_RENEW) {
        strbuf_printf(out, "pgseal renew %s\n", serial != NULL ? serial + 1 : self->which);
        return;
    }
    switch (way->kind) {
    case ROTATION_CLIENT:
        add_client(self, way, form, out);
        break;
    case ROTATION_CLIENT_CA:
    case ROTATION_CA_LIFE:
        strbuf_add_str(out, "pgseal rotate ca");
        if (self->from == ROTATE_FROM_FOREIGN)
            strbuf_add_str(out, " --old-file old-ca.crt");
        else
            quoted(out, self->name);
        if (way->kind == ROTATION_CA_LIFE)
            strbuf_add_str(out, " --same-key");
        break;
    case ROTATION_EMERGENCY:
        strbuf_add_str(out, "pgseal rotate emergency");
        quoted(out, self->name);
        break;
    case ROTATION_SERVER:
    case ROTATION_SERVER_CA:
        strbuf_add_str(out, "pgseal rotate server");
        quoted(out, self->from == ROTATE_FROM_CA ? self->name : self->server);
        break;
    }
    if (rotate_start_is_of_cas(way))
        add_cas(self, form, out);
    strbuf_add_str(out, "\npgseal rotate status\n");
}

static void free_start(void *data)
{
    struct rotate_start_page *self = data;

    rotate_start_forget_scope(self);
    clear_cas(self);
    foreign_ca_clear(&self->old);
    foreign_ca_clear(&self->fresh);
    cert_free(self->known);
    free(self->soon_items);
    free(self->new_authority);
    free(self->servers);
    free(self->name);
    free(self->which);
    free(self->server);
    free(self);
}

static const struct act_step steps[] = {
    {N_("Old CA"), rotate_start_build_old, rotate_start_check_old, rotate_start_take_old,
     rotate_start_look_old},
    {N_("How"), rotate_start_build, rotate_start_check, rotate_start_take, rotate_start_look},
};

#define START_OPS                                                                                  \
    .name = "rotate-start", .title = N_("Renew or rotate"), .where = N_("Renew and rotate > How"), \
    .word = "rotate",                                                                              \
    .why = N_("A rotation is left and taken up again at any time, by any admin. Until its last "   \
              "steps nobody is refused, and each of them can be taken back."),                     \
    .go = N_("Begin"), .load = load, .review = rotate_start_review, .severe = rotate_start_severe, \
    .run = run, .next = next, .commands = commands, .free = free_start

static const struct act_ops ops = {START_OPS, .steps = steps + 1, .n_steps = 1};
/* Of another's old CA that is not known here. */
static const struct act_ops given_ops = {START_OPS, .steps = steps, .n_steps = 2};

static void choose_ways(struct rotate_start_page *self)
{
    switch (self->from) {
    case ROTATE_FROM_CA:
        self->ways = ca_ways;
        self->n_ways = ARRAY_LEN(ca_ways);
        break;
    case ROTATE_FROM_FOREIGN:
        self->ways = foreign_ways;
        self->n_ways = ARRAY_LEN(foreign_ways);
        break;
    case ROTATE_FROM_CLIENT:
        self->ways = client_ways;
        self->n_ways = ARRAY_LEN(client_ways);
        break;
    case ROTATE_FROM_SERVER:
        self->ways = server_ways;
        self->n_ways = ARRAY_LEN(server_ways);
        break;
    }
}

struct screen *page_rotate_start(struct app *app, enum rotate_from from, const char *name,
                                 const char *which, const char *server)
{
    struct rotate_start_page *self = mem_zalloc(sizeof(*self));

    self->from = from;
    self->name = mem_strdup(name);
    self->which = mem_strdup(which);
    self->server = mem_strdup(server);
    self->servers = mem_strdup("");
    choose_ways(self);
    for (size_t i = 0; i < self->n_ways; i++)
        self->items[i] = self->ways[i].item;
    self->way = &self->ways[0];
    self->how_id = self->new_id = self->soon_id = -1;
    foreign_ca_init(&self->old);
    foreign_ca_init(&self->fresh);
    return act_page(app, from == ROTATE_FROM_FOREIGN && which[0] == '\0' ? &given_ops : &ops, self);
}
