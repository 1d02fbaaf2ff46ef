/* program.c - help a program to log in: the kit of a certificate that exists, for the programs that are
 * ticked, tried on its servers, then written. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/handover.h"
#include "screens/act.h"
#include "screens/client_trust_job.h"
#include "screens/follow.h"
#include "screens/out_folder.h"
#include "screens/pages.h"

struct program {
    const struct app *app; /* borrowed */
    char *serial;          /* "CA:serial"; NULL: the role's newest */
    /* load */
    char **names; /* of servers and clusters */
    size_t n_names;
    /* fields */
    int role_id, servers_id, database_id;
    int client_ids[KIT_CLIENTS];
    int key_id, passphrase_id, at_id, folder_id;
    /* answers */
    char *role, *picked, *database, *key_file, *at, *folder, *folder_after;
    unsigned clients;
    struct secret *passphrase;
    /* look */
    struct server_list servers;
    struct handover kit;
    struct kit_files files;
};

static const struct form_field role_field = {
    .label = N_("Database role"),
    .why = N_("The role that the program logs in as. Usually the name in the certificate; another "
              "one gets in only where a map in pg_ident.conf joins the two."),
    .help = N_("As in CREATE ROLE, letter by letter: capital letters count."),
    .word = "CN",
};
static const struct form_field servers_field = {
    .label = N_("Servers"),
    .why = N_("Where it connects: names of the store's servers or clusters. A client with this kit "
              "will trust them, which is tried; with several each has its own lines."),
    .help = N_("Names as on the page of the servers; blanks between them. A cluster stands for its "
               "members."),
    .word = "verify-full",
    .width = 48,
    .max = 500,
};
static const struct form_field database_field = {
    .label = N_("Database"),
    .why = N_("Stands in the lines that the program gets, and is what the login is tried with. "
              "Empty: the one that pgseal itself connects to."),
    .help = N_("Letter by letter. Any characters: each language gets it quoted its own way."),
    .word = "verify-full",
    .after = N_("optional"),
};
static const struct form_field first_client_field = {
    .label = N_("For"),
    .why = N_("Each gets a file with lines that work as they are: the server is verified, the "
              "certificate sent. None of them holds a secret."),
    .help = N_("Space ticks. What is made of libpq (and is not in the list) takes psql's "
               "conninfo.txt."),
    .word = "verify-full",
};
static const struct form_field client_field = {
    .why = N_("Each gets a file with lines that work as they are: the server is verified, the "
              "certificate sent. None of them holds a secret."),
    .help = N_("Space ticks. What is made of libpq (and is not in the list) takes psql's "
               "conninfo.txt."),
    .word = "verify-full",
};
static const struct form_field key_field = {
    .label = N_("Private key"),
    .why = N_("pgseal does not keep it. Given here, it is copied into the kit, for Java in Java's "
              "form, and a login is tried. Without it README.txt says where its owner puts it."),
    .help = N_("Its file: PEM, mode 0600. An absolute path, one from here, or ~/... Empty: without "
               "the key."),
    .word = "private key",
    .after = N_("optional"),
    .width = 42,
    .max = 1000,
};
static const struct form_field passphrase_field = {
    .label = N_("Its passphrase"),
    .why = N_("Where the key has one, it is needed to look at it and to log in. The copy in the "
              "kit keeps it; no other file has it."),
    .help = N_("Empty: the key has none."),
    .word = "passphrase",
    .after = N_("optional"),
    .width = 34,
};
static const struct form_field at_field = {
    .label = N_("It will lie in"),
    .why = N_("The place of the folder on the client's machine: some files must name it. Empty: "
              "they name the folder below."),
    .help = N_("An absolute path there, as /etc/app/pg or C:\\keys\\app."),
    .word = "PEM",
    .after = N_("optional"),
    .width = 34,
    .max = 500,
};
static const struct form_field folder_field = {
    .label = N_("Files in"),
    .why = N_("A new folder, mode 0700, with the certificate, the CAs of the servers, the key as "
              "far as it was given, README.txt and a file for each program. Nothing is "
              "overwritten."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "PEM",
    .width = 48,
    .max = 1000,
};

/* ---- what there is ---- */

static void add_name(struct program *self, const char *name)
{
    for (size_t i = 0; i < self->n_names; i++)
        if (text_equal(self->names[i], name))
            return;
    self->names = mem_realloc_array(self->names, self->n_names + 1, sizeof(char *));
    self->names[self->n_names++] = mem_strdup(name);
}

static bool load_role(struct program *self, struct store *store, struct err *err)
{
    struct issued *issued;

    if (self->serial == NULL || self->role != NULL)
        return true;
    issued = issued_find(store, self->serial, err);
    if (issued == NULL)
        return false;
    self->role = mem_strdup(issued->role);
    issued_free(issued);
    return true;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct program *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    struct server_list servers = {.n = 0};
    bool good = store != NULL && load_role(self, store, err) && server_list(store, &servers, err);

    for (size_t i = 0; good && i < servers.n; i++) {
        add_name(self, servers.rows[i]->name);
        if (servers.rows[i]->cluster[0] != '\0')
            add_name(self, servers.rows[i]->cluster);
    }
    server_list_clear(&servers);
    store_close(store);
    if (good && self->n_names == 0) {
        err_set(err, ERR_SERVER_UNKNOWN, _("there is no server in the store"));
        err_cause(err, _("A program's lines name the server that it connects to."));
        good = err_hint(err, _("Add one first: Home, 3 (Servers)."));
    }
    return good;
}

/* ---- step 1: who, and where ---- */

static void build_who(void *data, struct form *form)
{
    struct program *self = data;
    const char *chosen = app_server(self->app);

    self->role_id = form_add_text(form, &role_field, self->role);
    self->servers_id = form_add_text(form, &servers_field,
                                     self->picked != NULL ? self->picked
                                     : chosen[0] != '\0'  ? chosen
                                     : self->n_names == 1 ? self->names[0]
                                                          : NULL);
    self->database_id = form_add_text(form, &database_field, self->database);
}

static bool is_known(const struct program *self, const char *name, size_t len)
{
    for (size_t i = 0; i < self->n_names; i++)
        if (strlen(self->names[i]) == len && strncmp(self->names[i], name, len) == 0)
            return true;
    return false;
}

static void check_servers(const struct program *self, struct form *form)
{
    const char *at = form_text(form, self->servers_id);
    bool any = false;
    char note[160];
    size_t len;

    for (; (len = client_trust_next_name(&at)) > 0; at += len) {
        any = true;
        if (is_known(self, at, len))
            continue;
        snprintf(note, sizeof(note), _("no server of the store is called \"%.*s\""),
                 len < 60 ? (int)len : 60, at);
        form_say(form, self->servers_id, MARK_BAD, note);
        return;
    }
    form_say(form, self->servers_id, any ? MARK_OK : MARK_TODO, NULL);
}

static void check_who(void *arg, struct form *form)
{
    const struct program *self = arg;
    const char *role = form_text(form, self->role_id);
    const char *database = form_text(form, self->database_id);

    form_say(form, self->role_id,
             role[0] == '\0'       ? MARK_TODO
             : text_is_clean(role) ? MARK_OK
                                   : MARK_BAD,
             NULL);
    form_say(form, self->database_id, text_is_clean(database) ? MARK_NONE : MARK_BAD, NULL);
    check_servers(self, form);
}

static void set(char **to, const char *text)
{
    free(*to);
    *to = text != NULL && text[0] != '\0' ? mem_strdup(text) : NULL;
}

static void take_who(void *data, const struct form *form)
{
    struct program *self = data;

    set(&self->role, form_text(form, self->role_id));
    set(&self->picked, form_text(form, self->servers_id));
    set(&self->database, form_text(form, self->database_id));
}

/* ---- step 2: which programs ---- */

static void build_clients(void *data, struct form *form)
{
    struct program *self = data;

    for (unsigned i = 0; i < KIT_CLIENTS; i++)
        self->client_ids[i] =
            form_add_check(form, i == 0 ? &first_client_field : &client_field,
                           kit_client_title((enum kit_client)i), (self->clients & 1u << i) != 0);
}

static unsigned ticked(const struct program *self, const struct form *form)
{
    unsigned clients = 0;

    for (unsigned i = 0; i < KIT_CLIENTS; i++)
        clients |= form_checked(form, self->client_ids[i]) ? 1u << i : 0;
    return clients;
}

static void check_clients(void *arg, struct form *form)
{
    const struct program *self = arg;
    bool any = ticked(self, form) != 0;

    form_say(form, self->client_ids[0], any ? MARK_NONE : MARK_TODO,
             any ? NULL : _("at least one kind of program"));
}

static void take_clients(void *data, const struct form *form)
{
    struct program *self = data;

    self->clients = ticked(self, form);
}

/* ---- step 3: the key, and where to ---- */

static char *kit_name(const struct program *self, const char *suffix)
{
    char *base = kit_file_base(self->role, ISSUED_CLIENT);
    char *name = mem_printf("%s%s", base, suffix);

    free(base);
    return name;
}

/* The folder that the wizard proposed when the certificate was made: its key may still be there. */
static char *key_nearby(const struct program *self)
{
    char *name = kit_name(self, ""), *folder, *path, *whole;

    folder = out_folder_propose(self->app, ISSUED_CLIENT, name);
    path = mem_printf("%s/%s.key", folder, name);
    whole = app_full_path(path);
    if (!fs_exists(whole))
        path[0] = '\0';
    free(whole);
    free(folder);
    free(name);
    return path;
}

static void build_files(void *data, struct form *form)
{
    struct program *self = data;
    char *name = kit_name(self, "-kit"), *folder, *key = key_nearby(self);

    folder = out_folder_propose(self->app, ISSUED_CLIENT, name);
    self->key_id = form_add_text(form, &key_field, self->key_file != NULL ? self->key_file : key);
    self->passphrase_id = form_add_secret(form, &passphrase_field);
    self->at_id = form_add_text(form, &at_field, self->at);
    self->folder_id = form_add_text(form, &folder_field, self->folder);
    follow(form, self->folder_id, &self->folder_after, folder);
    free(key);
    free(folder);
    free(name);
}

static void check_files(void *arg, struct form *form)
{
    const struct program *self = arg;
    const char *at = form_text(form, self->at_id);
    bool whole = at[0] == '\0' || at[0] == '/' || at[0] == '\\' || (at[1] == ':' && at[2] == '\\');

    form_show(form, self->passphrase_id, form_text(form, self->key_id)[0] != '\0');
    form_say(form, self->at_id, whole && text_is_clean(at) ? MARK_NONE : MARK_BAD,
             whole ? NULL : _("the whole path, as /etc/app/pg"));
    out_folder_say(form, self->folder_id);
}

static void take_files(void *data, const struct form *form)
{
    struct program *self = data;
    const char *key = form_text(form, self->key_id);
    const struct secret *passphrase = form_secret(form, self->passphrase_id);

    free(self->key_file);
    free(self->folder);
    secret_free(self->passphrase);
    self->key_file = key[0] != '\0' ? app_full_path(key) : NULL;
    self->folder = app_full_path(form_text(form, self->folder_id));
    self->passphrase = secret_len(passphrase) > 0 ? secret_dup(passphrase) : NULL;
    set(&self->at, form_text(form, self->at_id));
}

static struct handover_request request_of(const struct program *self)
{
    return (struct handover_request){.role = self->role,
                                     .serial = self->serial,
                                     .key_file = self->key_file,
                                     .passphrase = self->passphrase,
                                     .servers = &self->servers,
                                     .clients = self->clients,
                                     .database = self->database,
                                     .at = self->at,
                                     .folder = self->folder};
}

static bool find_servers(struct program *self, struct store *store, struct err *err)
{
    const char *at = self->picked;
    size_t len;

    server_list_clear(&self->servers);
    for (; (len = client_trust_next_name(&at)) > 0; at += len) {
        char *name = mem_strndup(at, len);
        struct server_list members = {.n = 0};
        bool good = server_members(store, name, &members, err);

        free(name);
        if (!good)
            return false;
        for (size_t i = 0; i < members.n; i++) {
            self->servers.rows =
                mem_realloc_array(self->servers.rows, self->servers.n + 1, sizeof(struct server *));
            self->servers.rows[self->servers.n++] = members.rows[i];
        }
        free(members.rows);
    }
    return true;
}

static bool look(void *data, struct act_job *job, struct err *err)
{
    struct program *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool good = store != NULL && find_servers(self, store, err);
    const struct handover_request request = request_of(self);

    handover_clear(&self->kit);
    good = good && handover_read(store, &request, &self->kit, err) &&
           handover_check(&self->kit, &request, err);
    if (good && !act_stopped(job)) {
        act_tell(job, MARK_BUSY, "%s", _("asking the servers"));
        handover_try(&self->kit);
    }
    store_close(store);
    return good;
}

/* ---- step 4: what is in it ---- */

static void show_server(const struct handover_server *server, struct lines *lines)
{
    if (!server->reached)
        lines_printf(lines, 0, MARK_WARN, server->name, _("not tried: %s"), server->why);
    else if (!server->verify_ca)
        lines_printf(lines, 0, MARK_BAD, server->name,
                     _("a client with this kit will not trust it: %s"), server->why);
    else if (!server->verify_full)
        lines_printf(lines, 0, MARK_BAD, server->name,
                     _("a client with this kit will not trust it under this address: %s"),
                     server->why);
    else
        lines_printf(lines, 0, MARK_OK, server->name, _("%s, port %d: trusted (verify-full)"),
                     server->host, server->port);
}

static void show(const void *data, struct lines *lines)
{
    const struct program *self = data;
    const struct handover *kit = &self->kit;
    char date[CLOCK_TEXT_MAX], hex[SERIAL_HEX_MAX], text[1024];

    lines_printf(lines, 0, MARK_OK, _("certificate"), _("%s, serial %s, ends %s"),
                 kit->issued->role, serial_format_hex(hex, &kit->issued->serial),
                 clock_format_date(date, kit->issued->not_after));
    if (kit->other_name)
        lines_printf(lines, 0, MARK_WARN, _("role"),
                     _("\"%s\", not \"%s\": pg_ident.conf must have a map that joins the two"),
                     self->role, kit->issued->role);
    if (kit->key != NULL)
        lines_add(lines, 0, MARK_OK, _("private key"),
                  kit->key_locked ? _("fits; the copy keeps its passphrase")
                                  : _("fits; it has no passphrase"));
    else
        lines_add(lines, 0, MARK_OFF, _("private key"),
                  _("not in it: README.txt says where its owner puts it"));
    lines_add(lines, 0, MARK_NONE, _("database"), kit->database);
    for (size_t i = 0; i < kit->n_servers; i++)
        show_server(&kit->servers[i], lines);
    lines_head(lines, _("The CAs of the servers (root.crt)"));
    for (size_t i = 0; i < kit->roots.n; i++) {
        const struct cert *root = kit->roots.rows[i].cert;
        struct strbuf subject = STRBUF_INIT;

        cert_format_subject(root, &subject);
        lines_printf(lines, 0, MARK_NONE, NULL, _("%s, ends %s"), subject.data,
                     clock_format_date(date, cert_not_after(root)));
        strbuf_clear(&subject);
    }
    app_short_path(self->folder, text, sizeof(text));
    lines_printf(lines, 0, MARK_NONE, NULL, _("Written to %s, when you go on."), text);
}

/* ---- written ---- */

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct program *self = data;
    const struct handover_request request = request_of(self);

    kit_files_clear(&self->files);
    if (!handover_write(&self->kit, &request, &self->files, err))
        return false;
    if (self->kit.key != NULL)
        act_tell(job, MARK_BUSY, "%s", _("logging in with it"));
    handover_login(&self->kit, &request, &self->files);
    return true;
}

static void tell_login(const struct handover_server *server, struct lines *lines)
{
    switch (server->login) {
    case HANDOVER_NOT_TRIED:
        break;
    case HANDOVER_IN:
        if (server->used_cert)
            lines_add(lines, 0, MARK_OK, server->name, _("logged in with the certificate"));
        else
            lines_add(lines, 0, MARK_WARN, server->name,
                      _("logged in, and the server did not ask for the certificate"));
        break;
    case HANDOVER_PASSWORD:
        lines_add(lines, 0, MARK_WARN, server->name,
                  _("asks for a password too, or for that alone"));
        break;
    case HANDOVER_REFUSED:
        lines_printf(lines, 0, MARK_BAD, server->name, _("refused the login: %s"), server->why);
        break;
    }
}

static void add_file(struct lines *lines, const char *path)
{
    const char *name = path != NULL ? strrchr(path, '/') : NULL;

    if (name != NULL)
        lines_add(lines, 1, MARK_NONE, NULL, name + 1);
}

static void result(const void *data, struct lines *lines)
{
    const struct program *self = data;
    const struct kit_files *files = &self->files;
    char text[1024];

    app_short_path(self->folder, text, sizeof(text));
    lines_printf(lines, 0, MARK_OK, NULL, _("Written to %s"), text);
    for (size_t i = 0; i < self->kit.n_servers; i++)
        tell_login(&self->kit.servers[i], lines);
    lines_add(lines, 0, MARK_NONE, NULL,
              self->kit.key != NULL
                  ? _("Next: bring the folder to the client, not by e-mail, and delete it here. "
                      "README.txt has the lines to try.")
                  : _("Next: give the folder to who has the key; there is no secret in it. "
                      "README.txt says where the key goes."));
    lines_head(lines, _("Files"));
    add_file(lines, files->readme);
    add_file(lines, files->certificate);
    add_file(lines, files->key);
    add_file(lines, files->p12);
    add_file(lines, files->pk8);
    add_file(lines, files->root);
    for (size_t i = 0; i < files->n_more; i++)
        add_file(lines, files->more[i]);
}

static const char *copy(const void *data)
{
    return ((const struct program *)data)->folder;
}

/* ---- as a command ---- */

static void add_value(struct strbuf *out, const char *option, const char *text)
{
    if (text == NULL)
        return;
    strbuf_printf(out, " \\\n    %s ", option);
    (void)!text_quote_shell(out, text);
}

static void add_conninfo(struct strbuf *out, const char *keyword, const char *value)
{
    strbuf_printf(out, "%s=", keyword);
    (void)!text_quote_conninfo(out, value);
    strbuf_add_char(out, ' ');
}

static void add_doctor(const struct program *self, struct strbuf *out)
{
    const struct handover_server *server = &self->kit.servers[0];
    struct strbuf conninfo = STRBUF_INIT;

    add_conninfo(&conninfo, "host", server->host);
    strbuf_printf(&conninfo, "port=%d ", server->port);
    add_conninfo(&conninfo, "dbname", self->kit.database);
    add_conninfo(&conninfo, "user", self->role);
    strbuf_add_str(&conninfo, "sslmode=verify-full");
    strbuf_add_str(out, _("\n# where it does not get in: why\n"));
    strbuf_add_str(out, "pgseal doctor ");
    (void)!text_quote_shell(out, conninfo.data);
    add_value(out, "--cert", self->files.certificate);
    add_value(out, "--key", self->files.key);
    add_value(out, "--root", self->files.root);
    strbuf_add_char(out, '\n');
    strbuf_clear(&conninfo);
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct program *self = data;
    const char *at = self->picked != NULL ? self->picked : "";
    size_t len;
    bool any = false;

    (void)form;
    strbuf_add_str(out, _("# what a program needs to log in, tried\n"));
    strbuf_add_str(out, "pgseal kit ");
    if (self->role == NULL || !text_quote_shell(out, self->role))
        strbuf_add_str(out, "ROLE");
    for (; (len = client_trust_next_name(&at)) > 0; at += len)
        strbuf_printf(out, " --server %.*s", (int)len, at);
    if (self->picked == NULL)
        strbuf_add_str(out, " --server db1");
    strbuf_add_str(out, " --for ");
    for (unsigned i = 0; i < KIT_CLIENTS; i++) {
        if ((self->clients & 1u << i) == 0)
            continue;
        strbuf_printf(out, "%s%s", any ? "," : "", kit_client_name((enum kit_client)i));
        any = true;
    }
    add_value(out, "--database", self->database);
    add_value(out, "--key", self->key_file);
    add_value(out, "--at", self->at);
    add_value(out, "--out", self->folder);
    strbuf_add_char(out, '\n');
    if (self->files.key != NULL && self->files.key[0] != '\0')
        add_doctor(self, out);
}

static void free_program(void *data)
{
    struct program *self = data;

    handover_clear(&self->kit);
    kit_files_clear(&self->files);
    server_list_clear(&self->servers);
    for (size_t i = 0; i < self->n_names; i++)
        free(self->names[i]);
    free(self->names);
    secret_free(self->passphrase);
    free(self->serial);
    free(self->role);
    free(self->picked);
    free(self->database);
    free(self->key_file);
    free(self->at);
    free(self->folder);
    free(self->folder_after);
    free(self);
}

static const struct act_step steps[] = {
    {N_("Who"), build_who, check_who, take_who, NULL},
    {N_("Programs"), build_clients, check_clients, take_clients, NULL},
    {N_("Files"), build_files, check_files, take_files, look},
    {N_("Look"), NULL, NULL, NULL, NULL},
};

static const struct act_ops ops = {
    .name = "program",
    .title = N_("Help a program to log in"),
    .where = N_("Kit"),
    .word = "verify-full",
    .why = N_("What an application needs in one folder: certificate, the CAs of the servers, the "
              "key, and lines that work as they are for its language."),
    .go = N_("Write"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .load = load,
    .show = show,
    .run = run,
    .result = result,
    .copy = copy,
    .commands = commands,
    .free = free_program,
};

struct screen *page_program(struct app *app, const char *which, const char *role)
{
    struct program *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->serial = which != NULL ? mem_strdup(which) : NULL;
    set(&self->role, role);
    self->clients = 1u << KIT_FOR_PSQL;
    self->folder_after = mem_strdup("");
    return act_page(app, &ops, self);
}
