/* server_form.c - the answers about a new server. */
#include "config.h"

#include "screens/server_form.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/conn.h"
#include "core/pg/params.h"
#include "screens/follow.h"
#include "screens/server_state.h"

#define PORT_DEFAULT "5432"

enum how { HOW_FIELDS, HOW_STRING, HOW_SERVICE };

/* ---- fields ---- */

static const struct form_field name_field = {
    .label = N_("Name"),
    .why = N_("How you call this server: the other pages and the commands use this word. It need "
              "not be its name in the network."),
    .help = N_("Letters, digits, \".\", \"_\" and \"-\"; at most 63.\nExample: db1"),
    .word = "backend/session",
    .width = 30,
    .max = 63,
};
static const struct form_field how_field = {
    .label = N_("You log in by"),
    .why = N_("As the administrator (a superuser, or a role with the grants of the manual). On the "
              "server's own machine the socket is best: then files can be written too."),
    .help = N_("A connection string is what psql takes: host=/var/run/postgresql user=postgres, or "
               "postgresql://postgres@db1/. A service is a name in pg_service.conf."),
};
static const struct choice_item how_items[] = {
    {N_("fields"), N_("host, port, database, role")},
    {N_("connection string"), N_("what psql takes, without a password")},
    {N_("service"), N_("a name in pg_service.conf")},
};
static const struct form_field host_field = {
    .label = N_("Host"),
    .why = N_("A name, an address, or the folder of the socket (it begins with a slash). Empty: "
              "the socket where psql looks for it."),
    .help = N_("Example: /var/run/postgresql on the server itself; db1.example.org from "
               "elsewhere."),
};
static const struct form_field port_field = {
    .label = N_("Port"),
    .why = N_("5432 unless the server was set up otherwise. A socket has a port number too."),
    .help = N_("1 to 65535."),
    .width = 8,
    .max = 5,
    .allow = "0123456789",
};
static const struct form_field database_field = {
    .label = N_("Database"),
    .why = N_("Any one that the administrator may use; \"postgres\" is on almost every server."),
    .help = N_("Nothing is created in it."),
    .width = 30,
};
static const struct form_field role_field = {
    .label = N_("Role"),
    .why = N_("The administrator's role. To change settings it is a superuser, or has the grants "
              "that the manual lists; to look, less is enough."),
    .help = N_("Often: postgres"),
    .width = 30,
};
static const struct form_field string_field = {
    .label = N_("Connection string"),
    .why = N_("Keyword=value pairs or a URI, as psql takes them. No password: it would be stored "
              "and shown. ~/.pgpass is its place; else pgseal asks for it when it needs it."),
    .help = N_("Example: host=/var/run/postgresql user=postgres dbname=postgres"),
    .width = 48,
    .max = 1000,
};
static const struct form_field service_field = {
    .label = N_("Service"),
    .why = N_("The name of a section in ~/.pg_service.conf or in pg_service.conf."),
    .help = N_("Example: prod"),
    .width = 30,
};
static const struct form_field address_field = {
    .label = N_("Clients use"),
    .why = N_("Where clients come in by TCP: often another way than the administrator's. Changes "
              "are proven there, by TLS handshakes."),
    .help = N_("HOST, HOST:PORT or [ADDRESS]:PORT. A socket never has TLS, so it cannot stand "
               "here.\nExample: db1.example.org:5432"),
    .word = "TLS/SSL",
};
static const struct form_field member_field = {
    .label = N_("Member of"),
    .why = N_("The name of a cluster, where this is the primary or one of its standbys: files and "
              "rules do not replicate, so a change goes to each member. Else empty."),
    .help = N_("Any word that is no server's name; the same for all members. Their system "
               "identifiers must be equal.\nExample: main"),
    .word = "backend/session",
    .width = 30,
    .max = 63,
};
static const struct form_field production_field = {
    .label = N_("Production"),
    .why = N_("For a server of which people live: its name must be typed before a change, instead "
              "of a simple \"yes\"."),
    .help = N_("Only a mark in pgseal's store; nothing on the server."),
};
/* ---- what the form says ---- */

static enum how how(const struct server_form *self)
{
    return (enum how)form_choice(self->form, self->how);
}

static struct params *read_params(const struct server_form *self, struct err *err)
{
    const struct form *form = self->form;
    struct params *params;

    switch (how(self)) {
    case HOW_STRING:
        return params_parse(form_text(form, self->string), err);
    case HOW_SERVICE:
        params = params_new();
        params_set(params, "service", form_text(form, self->service));
        return params;
    case HOW_FIELDS:
        break;
    }
    params = params_new();
    if (form_text(form, self->host)[0] != '\0')
        params_set(params, "host", form_text(form, self->host));
    params_set(params, "port", form_text(form, self->port));
    params_set(params, "dbname", form_text(form, self->database));
    params_set(params, "user", form_text(form, self->role));
    return params;
}

/* Where clients would come in by what is said about the administrator's way. */
static char *likely_address(const struct server_form *self)
{
    struct err ignored = ERR_INIT;
    struct params *params = read_params(self, &ignored);
    const char *host = params != NULL ? params_get(params, "host") : NULL;
    const char *port = params != NULL ? params_get(params, "port") : NULL;
    bool local = params == NULL || params_is_local(params) || host == NULL || host[0] == '\0';
    char *text;

    if (params == NULL || how(self) == HOW_SERVICE)
        text = mem_strdup("");
    else
        text = mem_printf(!local && strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                          local ? "localhost" : host,
                          port != NULL && port[0] != '\0' ? port : PORT_DEFAULT);
    params_free(params);
    return text;
}

static void check_name(struct form *form, int id, enum mark when_empty)
{
    const char *name = form_text(form, id);
    bool good = true;

    for (const char *c = name; *c != '\0'; c++)
        good = good && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("._-", *c) != NULL);
    if (name[0] == '\0')
        form_say(form, id, when_empty, NULL);
    else
        form_say(form, id, good ? MARK_OK : MARK_BAD,
                 good ? NULL : _("letters, digits, \".\", \"_\" and \"-\" only"));
}

static void need(struct form *form, int id)
{
    form_say(form, id, form_text(form, id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void check_way(struct server_form *self, struct form *form)
{
    enum how by = how(self);
    struct err err = ERR_INIT;
    struct params *params;
    int64_t port;

    form_show(form, self->host, by == HOW_FIELDS);
    form_show(form, self->port, by == HOW_FIELDS);
    form_show(form, self->database, by == HOW_FIELDS);
    form_show(form, self->role, by == HOW_FIELDS);
    form_show(form, self->string, by == HOW_STRING);
    form_show(form, self->service, by == HOW_SERVICE);
    if (by == HOW_FIELDS) {
        form_say(form, self->host, MARK_OK, NULL);
        need(form, self->database);
        need(form, self->role);
        if (text_parse_int(form_text(form, self->port), 1, 65535, &port))
            form_say(form, self->port, MARK_OK, NULL);
        else
            form_say(form, self->port, MARK_BAD, _("1 to 65535"));
        return;
    }
    if (by == HOW_SERVICE) {
        need(form, self->service);
        return;
    }
    params = read_params(self, &err);
    if (form_text(form, self->string)[0] == '\0')
        form_say(form, self->string, MARK_TODO, NULL);
    else
        form_say(form, self->string, params != NULL ? MARK_OK : MARK_BAD,
                 params != NULL ? NULL : err.msg);
    params_free(params);
}

static void check(void *arg, struct form *form)
{
    struct server_form *self = arg;
    struct err err = ERR_INIT;
    char *likely = likely_address(self), *host = NULL;
    const char *address;
    int port = 0;

    check_name(form, self->name, MARK_TODO);
    check_name(form, self->member, MARK_NONE);
    check_way(self, form);
    follow(form, self->address, &self->address_after, likely);
    free(likely);
    address = form_text(form, self->address);
    if (address[0] == '\0')
        form_say(form, self->address, MARK_TODO, NULL);
    else if (server_parse_address(address, &host, &port, &err))
        form_say(form, self->address, MARK_OK, NULL);
    else
        form_say(form, self->address, MARK_BAD, err.msg);
    free(host);
}

struct server *server_form_read(const struct server_form *self, struct err *err)
{
    struct params *params = read_params(self, err);
    struct strbuf conninfo = STRBUF_INIT;
    struct server *server = mem_zalloc(sizeof(*server));
    bool good = params != NULL && params_format(params, &conninfo, err) &&
                conn_one_host(params, err) &&
                server_parse_address(form_text(self->form, self->address), &server->tls_host,
                                     &server->tls_port, err);

    server->name = mem_strdup(form_text(self->form, self->name));
    server->conninfo = strbuf_steal(&conninfo);
    server->provider = mem_strdup("self-managed");
    server->system_identifier = mem_strdup("");
    server->cluster = mem_strdup(form_text(self->form, self->member));
    server->production = form_checked(self->form, self->production);
    params_free(params);
    if (good)
        return server;
    server_free(server);
    return NULL;
}

bool server_form_begun(const struct server_form *self)
{
    return form_text(self->form, self->name)[0] != '\0';
}

/* ---- the same as a command ---- */

static void shell(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "''");
}

void server_form_commands(const struct server_form *self, struct strbuf *out)
{
    struct err ignored = ERR_INIT;
    struct params *params = read_params(self, &ignored);
    struct strbuf conninfo = STRBUF_INIT;
    const char *name = form_text(self->form, self->name);

    if (params == NULL || !params_format(params, &conninfo, &ignored))
        strbuf_add_str(&conninfo, "host=db1 user=postgres");
    strbuf_add_str(out, _("# log in as pgseal does\n"));
    strbuf_add_str(out, "psql ");
    shell(out, conninfo.data);
    strbuf_add_str(out, " -c 'SELECT system_identifier FROM pg_control_system()'\n\n");
    strbuf_add_str(out, _("# the same as a command\n"));
    strbuf_add_str(out, "pgseal server add ");
    shell(out, name[0] != '\0' ? name : "db1");
    strbuf_add_char(out, ' ');
    shell(out, conninfo.data);
    strbuf_add_str(out, " --address ");
    shell(out, form_text(self->form, self->address));
    if (form_text(self->form, self->member)[0] != '\0') {
        strbuf_add_str(out, " --member-of ");
        shell(out, form_text(self->form, self->member));
    }
    strbuf_add_str(out, form_checked(self->form, self->production) ? " --production\n" : "\n");
    strbuf_clear(&conninfo);
    params_free(params);
}

/* ---- life ---- */

static const struct {
    const char *key;
    size_t id; /* offset of the field's number */
} kept[] = {
    {"server-add.name", offsetof(struct server_form, name)},
    {"server-add.host", offsetof(struct server_form, host)},
    {"server-add.string", offsetof(struct server_form, string)},
    {"server-add.service", offsetof(struct server_form, service)},
};

void server_form_keep(const struct server_form *self, struct app *app, bool added)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        int id = *(const int *)(const void *)((const char *)self + kept[i].id);

        app_keep(app, kept[i].key, added ? NULL : form_text(self->form, id));
    }
}

void server_form_init(struct server_form *self, struct app *app)
{
    struct form *form = form_new(N_("Test"), NULL, check, self);

    self->form = form;
    self->address_after = mem_strdup("");
    self->name = form_add_text(form, &name_field, app_kept(app, "server-add.name"));
    self->how = form_add_choice(form, &how_field, how_items, ARRAY_LEN(how_items), HOW_FIELDS);
    self->host = form_add_text(form, &host_field, app_kept(app, "server-add.host"));
    self->port = form_add_text(form, &port_field, PORT_DEFAULT);
    self->database = form_add_text(form, &database_field, "postgres");
    self->role = form_add_text(form, &role_field, "postgres");
    self->string = form_add_text(form, &string_field, app_kept(app, "server-add.string"));
    self->service = form_add_text(form, &service_field, app_kept(app, "server-add.service"));
    self->address = form_add_text(form, &address_field, "");
    self->member = form_add_text(form, &member_field, "");
    self->production =
        form_add_check(form, &production_field, N_("type its name before each change"), false);
    form_focus(form, self->name);
    form_recheck(form);
}

void server_form_clear(struct server_form *self)
{
    form_free(self->form);
    free(self->address_after);
}
