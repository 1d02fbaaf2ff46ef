/* rotate_start.c - how a line of "Renew and rotate" is renewed: the ways there are, and a rotation begun. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/rotate.h"
#include "core/store/issued.h"
#include "screens/act.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"

#define SERVERS_MAX 64
#define WAYS_MAX    4

enum way_act {
    WAY_ROTATION,    /* of the row's kind, for the line */
    WAY_ROTATE_SOON, /* client certificates: all that end soon */
    WAY_RENEW        /* a certificate, and no more */
};

struct way {
    enum way_act act;
    enum rotation_kind kind;
    struct choice_item item;
};

static const struct way ca_ways[] = {
    {WAY_ROTATION, ROTATION_CA_LIFE, {N_("the same key, a later end"), N_("clients need nothing")}},
    {WAY_ROTATION,
     ROTATION_CLIENT_CA,
     {N_("another CA for the clients"), N_("both trusted meanwhile")}},
    {WAY_ROTATION,
     ROTATION_EMERGENCY,
     {N_("EMERGENCY: its key is stolen"), N_("the old one goes at once")}},
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

struct start {
    enum rotate_from from;
    char *name, *which, *server;
    const struct way *ways;
    size_t n_ways;
    struct choice_item items[WAYS_MAX];
    /* what the store says of a CA */
    int64_t valid;
    char *servers; /* that trust it */
    /* fields; -1: not asked */
    int how_id, new_id, quiet_id, scope_id, within_id;
    /* answers */
    const struct way *way;
    char *new_authority;
    char *scope[SERVERS_MAX];
    size_t n_scope;
    int quiet_days, within_days;
    int64_t started; /* the rotation */
};

static const struct form_field how_field = {
    .label = N_("How"),
    .why = N_("Where only the date is the trouble, the same key is the right answer. Another key "
              "is for one that may be known to others, or that is of an old kind."),
    .help = N_("Nothing is changed by this choice: each step says what it will do, and asks."),
    .word = "rotate",
};
static const struct form_field how_cert_field = {
    .label = N_("How"),
    .why =
        N_("Step by step, pgseal measures what it made until the old one is gone. Only files: you "
           "hand them over, and look after the rest."),
    .help = N_("Nothing is changed by this choice: each step says what it will do, and asks."),
    .word = "rotate",
};
static const struct form_field new_field = {
    .label = N_("New CA"),
    .why = N_("Empty: one is made in the first step, with a name of its own: the same name with "
              "another key would lock everybody out. Or the name of a CA that is in the store."),
    .help = N_("A CA of the store, as it stands in the list of CAs."),
    .word = "CA",
    .after = N_("optional"),
    .max = 64,
};
static const struct form_field server_ca_field = {
    .label = N_("New CA"),
    .why = N_("A CA of the store that has its key here. Clients get a trust file with the old and "
              "the new one together before the server's certificate changes."),
    .help = N_("A CA of the store, as it stands in the list of CAs. Home 1 makes one."),
    .word = "CA",
    .max = 64,
};
static const struct form_field quiet_field = {
    .label = N_("Quiet time"),
    .why = N_("Nobody may have used the old one for so long before it goes. Longer than the "
              "longest pause of any client: a monthly job asks for more than a month."),
    .help = N_("From 0 to 400 days."),
    .word = "rotate",
    .after = N_("days"),
    .width = 8,
    .max = 3,
    .allow = "0123456789",
};
static const struct form_field scope_field = {
    .label = N_("Servers"),
    .why = N_("Empty: every server that trusts it now. Names beside these are asked too; a standby "
              "has files of its own and belongs to it."),
    .help = N_("Names of the store's servers, blanks between them."),
    .word = "reload",
    .after = N_("optional"),
    .max = 500,
};
static const struct form_field within_field = {
    .label = N_("That end in"),
    .why = N_("Every client certificate that ends within so many days and has no later one comes "
              "on the list."),
    .help = N_("From 1 to 3650."),
    .word = "expiry",
    .after = N_("days"),
    .width = 8,
    .max = 4,
    .allow = "0123456789",
};

/* ---- what the store says ---- */

static bool load_ca(struct start *self, struct store *store, struct err *err)
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
static bool load_server(struct start *self, struct store *store, struct err *err)
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

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct start *self = data;
    struct store *store;
    bool good;

    if (self->from == ROTATE_FROM_CLIENT || (self->from == ROTATE_FROM_SERVER && !*self->server))
        return true;
    store = store_open(act_store_folder(job), STORE_READ, err);
    good = store != NULL && (self->from == ROTATE_FROM_CA ? load_ca(self, store, err)
                                                          : load_server(self, store, err));
    store_close(store);
    return good;
}

/* ---- questions ---- */

/* Done by one page, without steps. */
static bool is_direct(const struct way *way)
{
    return way->act == WAY_RENEW ||
           (way->kind == ROTATION_CA_LIFE && rotate_phase_count(way->kind) == 0);
}

static const char *off(const struct start *self, const struct way *way)
{
    if (is_direct(way))
        return NULL;
    if (self->from == ROTATE_FROM_SERVER && self->server[0] == '\0')
        return _("no server of the store is known by this name");
    return rotate_phase_count(way->kind) == 0 ? _("not in this version") : NULL;
}

static void build(void *data, struct form *form)
{
    struct start *self = data;
    size_t first = self->n_ways;

    for (size_t i = self->n_ways; i-- > 0;)
        if (off(self, &self->ways[i]) == NULL)
            first = i;
    form_add_line(form,
                  self->from == ROTATE_FROM_CA       ? N_("CA")
                  : self->from == ROTATE_FROM_CLIENT ? N_("Role")
                                                     : N_("Server"),
                  self->name);
    self->how_id =
        form_add_choice(form, self->from == ROTATE_FROM_CA ? &how_field : &how_cert_field,
                        self->items, self->n_ways, first < self->n_ways ? first : 0);
    for (size_t i = 0; i < self->n_ways; i++)
        form_turn_off_choice(form, self->how_id, i, off(self, &self->ways[i]));
    self->new_id = self->quiet_id = self->scope_id = self->within_id = -1;
    if (self->from == ROTATE_FROM_CLIENT)
        self->within_id = form_add_text(form, &within_field, "30");
    if (self->from == ROTATE_FROM_SERVER)
        self->new_id = form_add_text(form, &server_ca_field, "");
    if (self->from != ROTATE_FROM_CA)
        return;
    self->new_id = form_add_text(form, &new_field, "");
    self->quiet_id = form_add_text(form, &quiet_field, "7");
    self->scope_id = form_add_text(form, &scope_field, "");
}

static int number_of(const struct form *form, int id)
{
    return (int)strtol(form_text(form, id), NULL, 10); /* at most 4 digits */
}

static void check(void *arg, struct form *form)
{
    struct start *self = arg;
    const struct way *way = &self->ways[form_choice(form, self->how_id)];
    bool another = way->act == WAY_ROTATION &&
                   (way->kind == ROTATION_CLIENT_CA || way->kind == ROTATION_SERVER_CA);

    if (self->within_id >= 0) {
        int days = number_of(form, self->within_id);
        bool soon = way->act == WAY_ROTATE_SOON;

        form_show(form, self->within_id, soon);
        if (soon)
            form_say(form, self->within_id, days < 1 || days > 3650 ? MARK_BAD : MARK_OK,
                     days < 1 || days > 3650 ? _("from 1 to 3650 days") : NULL);
    }
    if (self->new_id >= 0)
        form_show(form, self->new_id, another);
    if (self->from == ROTATE_FROM_SERVER && another)
        form_say(form, self->new_id, form_text(form, self->new_id)[0] != '\0' ? MARK_OK : MARK_TODO,
                 NULL);
    if (self->from != ROTATE_FROM_CA)
        return;
    form_show(form, self->quiet_id, another);
    form_show(form, self->scope_id, another);
    if (way->kind == ROTATION_CLIENT_CA) {
        int days = number_of(form, self->quiet_id);

        form_say(form, self->quiet_id,
                 days > 400 ? MARK_BAD
                 : days < 2 ? MARK_WARN
                            : MARK_OK,
                 days > 400 ? _("at most 400 days")
                 : days < 2 ? _("short: a nightly job may not have come by then")
                            : NULL);
    }
}

static void split(struct start *self, const char *text)
{
    for (size_t i = 0; i < self->n_scope; i++)
        free(self->scope[i]);
    self->n_scope = 0;
    while (*text != '\0' && self->n_scope < SERVERS_MAX) {
        size_t len;

        text += strspn(text, " ,");
        len = strcspn(text, " ,");
        if (len > 0)
            self->scope[self->n_scope++] = mem_printf("%.*s", (int)len, text);
        text += len;
    }
}

static void take(void *data, const struct form *form)
{
    struct start *self = data;

    self->way = &self->ways[form_choice(form, self->how_id)];
    free(self->new_authority);
    self->new_authority = NULL;
    split(self, "");
    if (self->within_id >= 0)
        self->within_days = number_of(form, self->within_id);
    if (is_direct(self->way) ||
        (self->way->kind != ROTATION_CLIENT_CA && self->way->kind != ROTATION_SERVER_CA))
        return;
    if (form_text(form, self->new_id)[0] != '\0')
        self->new_authority = mem_strdup(form_text(form, self->new_id));
    if (self->from != ROTATE_FROM_CA)
        return;
    self->quiet_days = number_of(form, self->quiet_id);
    split(self, form_text(form, self->scope_id));
}

/* ---- review ---- */

static void review(const void *data, struct form *form)
{
    const struct start *self = data;
    size_t n = rotate_phase_count(self->way->kind);
    struct strbuf text = STRBUF_INIT;

    if (is_direct(self->way)) {
        form_add_line(form, NULL, _("The next page makes it; nothing else is changed."));
        return;
    }
    form_add_line(form, NULL,
                  _("It is only begun: no server and no file is changed by that. Each step says "
                    "what it will do, and asks."));
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&text, "%s%zu %s", i > 0 ? "\n" : "", i + 1,
                      gettext(rotate_phase(self->way->kind, i)->title));
    form_add_line(form, N_("Steps"), text.data);
    if (self->way->kind == ROTATION_EMERGENCY) {
        strbuf_reset(&text);
        strbuf_printf(&text, _("%lld valid certificates of \"%s\""), (long long)self->valid,
                      self->name);
        form_add_line(form, N_("! replaces"), text.data);
    }
    if (self->from == ROTATE_FROM_CA)
        form_add_line(form, N_("Servers"),
                      self->n_scope > 0          ? _("those that you named")
                      : self->servers[0] != '\0' ? self->servers
                                                 : _("none is known to trust it"));
    strbuf_clear(&text);
}

static const char *severe(const void *data, struct strbuf *out)
{
    const struct start *self = data;

    if (self->way->kind != ROTATION_EMERGENCY)
        return NULL;
    strbuf_printf(out,
                  _("The shortest safe way: a new CA, a new certificate for every client in one "
                    "go, the old CA away from every server, its sessions ended.\n\nWhoever has "
                    "not got the new files by then is refused: %lld certificates on %s.\n\nWho "
                    "that is, is shown again and accepted before it is done.\n"),
                  (long long)self->valid,
                  self->servers[0] != '\0' ? self->servers : _("no server"));
    return self->name;
}

/* ---- work ---- */

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct start *self = data;
    struct rotate_start start = {.kind = self->way->kind,
                                 .name =
                                     self->from == ROTATE_FROM_SERVER ? self->server : self->name,
                                 .servers = (const char *const *)self->scope,
                                 .n_servers = self->n_scope,
                                 .new_authority = self->new_authority,
                                 .quiet_seconds = self->quiet_days * CLOCK_DAY};
    struct rotation *rotation = NULL;
    struct store *store;

    if (is_direct(self->way))
        return true;
    if (self->way->act == WAY_ROTATE_SOON) {
        start.name = NULL;
        start.within_days = self->within_days;
    }
    if (self->way->kind == ROTATION_CLIENT_CA && self->quiet_days == 0)
        start.quiet_seconds = 1; /* 0 would be the default */
    store = store_open(act_store_folder(job), STORE_WRITE, err);
    if (store != NULL)
        rotation = rotate_start(store, &start, err);
    store_close(store);
    if (rotation == NULL)
        return false;
    self->started = rotation->id;
    rotation_free(rotation);
    return true;
}

static struct screen *next(const void *data, struct app *app)
{
    const struct start *self = data;

    if (!is_direct(self->way))
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

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct start *self = data;
    const struct way *way = form != NULL ? &self->ways[form_choice(form, self->how_id)] : self->way;
    const char *serial = strrchr(self->which, ':');

    strbuf_add_str(out, _("# the same as a command\n"));
    if (way->act == WAY_RENEW) {
        strbuf_printf(out, "pgseal renew %s\n", serial != NULL ? serial + 1 : self->which);
        return;
    }
    switch (way->kind) {
    case ROTATION_CLIENT:
        strbuf_add_str(out, "pgseal rotate client");
        if (way->act == WAY_ROTATE_SOON)
            strbuf_add_str(out, " --within 30");
        else
            quoted(out, self->name);
        break;
    case ROTATION_CLIENT_CA:
    case ROTATION_CA_LIFE:
        strbuf_add_str(out, "pgseal rotate ca");
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
        quoted(out, self->server);
        if (way->kind == ROTATION_SERVER_CA) {
            strbuf_add_str(out, " --to");
            quoted(out, form != NULL ? form_text(form, self->new_id) : self->new_authority);
        }
        break;
    }
    if (self->new_authority != NULL && form == NULL && way->kind == ROTATION_CLIENT_CA) {
        strbuf_add_str(out, " --to");
        quoted(out, self->new_authority);
    }
    strbuf_add_str(out, "\npgseal rotate status\n");
}

static void free_start(void *data)
{
    struct start *self = data;

    split(self, "");
    free(self->new_authority);
    free(self->servers);
    free(self->name);
    free(self->which);
    free(self->server);
    free(self);
}

static const struct act_step steps[] = {{N_("How"), build, check, take, NULL}};

static const struct act_ops ops = {
    .name = "rotate-start",
    .title = N_("Renew or rotate"),
    .where = N_("Renew and rotate > How"),
    .word = "rotate",
    .why = N_("A rotation is left and taken up again at any time, by any admin. Until its last "
              "steps nobody is refused, and each of them can be taken back."),
    .go = N_("Begin"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .load = load,
    .review = review,
    .severe = severe,
    .run = run,
    .next = next,
    .commands = commands,
    .free = free_start,
};

struct screen *page_rotate_start(struct app *app, enum rotate_from from, const char *name,
                                 const char *which, const char *server)
{
    struct start *self = mem_zalloc(sizeof(*self));

    self->from = from;
    self->name = mem_strdup(name);
    self->which = mem_strdup(which);
    self->server = mem_strdup(server);
    self->servers = mem_strdup("");
    self->ways = from == ROTATE_FROM_CA       ? ca_ways
                 : from == ROTATE_FROM_CLIENT ? client_ways
                                              : server_ways;
    self->n_ways = from == ROTATE_FROM_CA       ? ARRAY_LEN(ca_ways)
                   : from == ROTATE_FROM_CLIENT ? ARRAY_LEN(client_ways)
                                                : ARRAY_LEN(server_ways);
    for (size_t i = 0; i < self->n_ways; i++)
        self->items[i] = self->ways[i].item;
    self->way = &self->ways[0];
    return act_page(app, &ops, self);
}
