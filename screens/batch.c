/* batch.c - many client certificates from a list: what would be made, the work, what came of it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/batch.h"
#include "screens/act.h"
#include "screens/ca_choice.h"
#include "screens/key_protection.h"
#include "screens/out_folder.h"
#include "screens/pages.h"

struct batch_page {
    const struct app *app; /* borrowed */
    struct client_facts *facts;
    char *server;
    char *kept_file, *kept_folder; /* of an earlier visit; owned */
    /* fields */
    int file, days_id, type_id, p12, pk8, folder_id;
    struct ca_choice ca;
    struct key_protection protection;
    /* answers */
    char *path, *folder, *authority;
    int days;
    enum key_type type;
    unsigned formats;
    struct secret *passphrase;
    /* what was found, and what was done */
    struct batch_list list;
    struct batch_result found, made;
    bool stopped;
};

static const struct form_field file_field = {
    .label = N_("List"),
    .why = N_("One role a line; or CSV whose first line names its columns: role, and any of days, "
              "key, note. Blank lines and those that begin with # are passed over."),
    .help = N_("All of it is checked before anything is made: a bad line is named with its "
               "number.\nExample: role,days,note"),
    .word = "certificate",
    .width = 50,
    .max = 1000,
};
static const struct form_field days_field = {
    .label = N_("Valid for"),
    .why = N_("For every role whose line says nothing else. Never longer than the CA."),
    .help = N_("A number of days. F4 takes all that the CA has left when the number is too big."),
    .word = "expiry",
    .width = 8,
    .max = 5,
    .after = N_("days"),
    .allow = "0123456789",
};
static const struct form_field type_field = {
    .label = N_("Key type"),
    .why = N_("For every role whose line says nothing else. EC P-256 is made a hundred times "
              "faster than RSA, and each login with it costs less."),
    .word = "private key",
};
static const struct choice_item type_items[] = {
    {N_("EC P-256"), N_("fast and small; the usual choice")},
    {N_("RSA 3072"), N_("for very old clients; seconds each")},
};
static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_3072};
static const struct form_field p12_field = {
    .label = N_("Also make"),
    .why = N_("Key, certificate and CA in one file, for Java and Windows (libpq reads none). All "
              "of them get "
              "the passphrase above."),
    .word = "PKCS#12",
};
static const struct form_field pk8_field = {
    .label = "",
    .why = N_("JDBC reads the private key in DER (.pk8). These files are never encrypted: only "
              "their mode 0600 guards them."),
    .word = "DER",
};
static const struct form_field folder_field = {
    .label = N_("Folders in"),
    .why = N_("Gets one folder a role. A role whose folder is there is passed over: run it again, "
              "and only what is missing is made."),
    .help = N_("An absolute path, one from here, or ~/... It is made when it is missing."),
    .max = 1000,
    .width = 50,
};

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct batch_page *self = data;

    self->facts = mem_zalloc(sizeof(*self->facts));
    self->facts->store_folder = mem_strdup(act_store_folder(job));
    self->facts->server = mem_strdup(self->server);
    client_facts_read(self->facts);
    if (self->facts->n > 0)
        return true;
    *err = self->facts->err;
    return false;
}

static void build(void *data, struct form *form)
{
    struct batch_page *self = data;
    int64_t left;
    char text[24], *folder;

    self->file = form_add_text(form, &file_field, self->kept_file);
    ca_choice_add(&self->ca, form, self->facts, NULL);
    left = (ca_choice_get(&self->ca, form)->not_after - clock_now()) / CLOCK_DAY;
    snprintf(text, sizeof(text), "%lld",
             (long long)(left > ISSUED_CLIENT_DAYS ? ISSUED_CLIENT_DAYS : left));
    self->days_id = form_add_text(form, &days_field, text);
    self->type_id = form_add_choice(form, &type_field, type_items, ARRAY_LEN(type_items), 0);
    key_protection_add(&self->protection, form, KEY_PROTECTION_CLIENT);
    self->p12 = form_add_check(form, &p12_field, N_("PKCS#12, for Java and Windows"), false);
    self->pk8 = form_add_check(form, &pk8_field, N_("PKCS#8 in DER, for JDBC"), false);
    folder = out_folder_propose(self->app, ISSUED_CLIENT, "kits");
    self->folder_id =
        form_add_text(form, &folder_field, self->kept_folder != NULL ? self->kept_folder : folder);
    free(folder);
    form_focus(form, self->file);
}

static void check(void *arg, struct form *form)
{
    struct batch_page *self = arg;

    form_say(form, self->file, form_text(form, self->file)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
    out_folder_say(form, self->folder_id);
    (void)ca_choice_check_days(&self->ca, form, self->days_id);
    key_protection_check(&self->protection, form);
    if (form_checked(form, self->p12) && key_protection_none(&self->protection, form))
        form_say(form, self->p12, MARK_BAD, _("PKCS#12 files need a passphrase: choose one above"));
}

static void take(void *data, const struct form *form)
{
    struct batch_page *self = data;

    free(self->path);
    free(self->folder);
    free(self->authority);
    secret_free(self->passphrase);
    self->path = app_full_path(form_text(form, self->file));
    self->folder = app_full_path(form_text(form, self->folder_id));
    self->authority = mem_strdup(ca_choice_get(&self->ca, form)->name);
    self->days = ca_choice_days(form, self->days_id);
    self->type = types[form_choice(form, self->type_id)];
    self->passphrase = secret_dup(key_protection_secret(&self->protection, form));
    self->formats = KIT_PEM;
    if (form_checked(form, self->p12))
        self->formats |= KIT_P12;
    if (form_checked(form, self->pk8))
        self->formats |= KIT_PK8;
}

/* ---- jobs ---- */

struct parts { /* of one job */
    struct store *store;
    struct authority *authority;
    struct authority_parents parents;
    struct cert_list roots; /* of the servers */
    struct key *key;
    struct batch_spec spec;
};

static void parts_clear(struct parts *parts)
{
    key_free(parts->key);
    authority_parents_clear(&parts->parents);
    cert_list_clear(&parts->roots);
    authority_free(parts->authority);
    store_close(parts->store);
}

static bool open_parts(const struct batch_page *self, struct act_job *job, enum store_mode mode,
                       struct parts *ret, struct err *err)
{
    *ret = (struct parts){.store = store_open(act_store_folder(job), mode, err)};
    if (ret->store == NULL)
        return false;
    ret->authority = authority_load(ret->store, self->authority, err);
    if (ret->authority == NULL ||
        !authority_load_parents(ret->store, ret->authority, &ret->parents, err) ||
        !authority_server_roots(ret->store, &ret->roots, err))
        return false;
    ret->spec = (struct batch_spec){.authority = ret->authority,
                                    .parents = &ret->parents.certs,
                                    .roots = &ret->roots,
                                    .list = &self->list,
                                    .folder = self->folder,
                                    .formats = self->formats,
                                    .days = self->days,
                                    .key_type = self->type,
                                    .key_passphrase = self->passphrase,
                                    .p12_passphrase = self->passphrase,
                                    .server_host = self->facts->host,
                                    .server_port = self->facts->port,
                                    .cancelled = act_stopped,
                                    .arg = job};
    return true;
}

static bool look(void *data, struct act_job *job, struct err *err)
{
    struct batch_page *self = data;
    struct strbuf text = STRBUF_INIT;
    struct parts parts;
    bool good;

    batch_list_clear(&self->list);
    good = fs_read(self->path, BATCH_BYTES_MAX, &text, err) &&
           batch_parse(text.data, text.len, &self->list, err);
    strbuf_clear(&text);
    if (!good)
        return false;
    good = open_parts(self, job, STORE_READ, &parts, err) &&
           batch_check(parts.store, &parts.spec, &self->found, err);
    parts_clear(&parts);
    return good;
}

static void progress(void *arg, size_t done, size_t total)
{
    act_progress(arg, done, total);
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct batch_page *self = data;
    struct parts parts;
    bool done = false;

    if (open_parts(self, job, STORE_WRITE, &parts, err)) {
        parts.key = authority_unlock(parts.store, parts.authority, act_passphrase(job), err);
        parts.spec.authority_key = parts.key;
        parts.spec.progress = progress;
        act_progress(job, 0, self->found.made);
        if (parts.key != NULL)
            done = batch_run(parts.store, &parts.spec, &self->made, err);
        self->stopped = !done && err->code == ERR_CANCELLED;
        if (parts.key != NULL && !done && self->made.made > 0)
            err_state(err, _("%zu were made and stay. Run it again for the rest."),
                      self->made.made);
    }
    parts_clear(&parts);
    return done || self->stopped;
}

/* ---- review and result ---- */

static void review(const void *data, struct form *form)
{
    const struct batch_page *self = data;
    const struct batch_result *found = &self->found;
    struct strbuf text = STRBUF_INIT;
    char path[1024];

    form_add_line(form, NULL, _("This will be made. Nothing on a server is changed."));
    strbuf_printf(&text, ngettext("%zu role in the list", "%zu roles in the list", self->list.n),
                  self->list.n);
    form_add_line(form, N_("The list"), text.data);
    strbuf_reset(&text);
    strbuf_printf(&text, _("%zu, %d days where the list says nothing else, signed by \"%s\""),
                  found->made, self->days, self->authority);
    if (found->remade > 0)
        strbuf_printf(&text, _("\n%zu of them were recorded before and never written"),
                      found->remade);
    if (found->cut > 0)
        strbuf_printf(&text, _("\n[!!] %zu of them end sooner than asked, with their CA"),
                      found->cut);
    form_add_line(form, N_("+ to make"), text.data);
    strbuf_reset(&text);
    strbuf_printf(&text, _("%zu are there already and stay"), found->present);
    if (found->ended > 0)
        strbuf_printf(&text,
                      _("\n[!!] %zu of them have ended or are revoked: move their folders away to "
                        "have them made again"),
                      found->ended);
    form_add_line(form, N_("= there"), text.data);
    strbuf_reset(&text);
    app_short_path(self->folder, path, sizeof(path));
    strbuf_printf(&text, _("%s\none folder a role; %s"), path,
                  self->passphrase != NULL ? _("keys encrypted with the one passphrase")
                                           : _("keys NOT encrypted"));
    form_add_line(form, N_("Folders in"), text.data);
    strbuf_clear(&text);
}

static const char *locked(const void *data)
{
    const struct batch_page *self = data;

    return ca_choice_locked(self->facts, self->authority);
}

static void result(const void *data, struct lines *lines)
{
    const struct batch_page *self = data;
    const struct batch_result *made = &self->made;
    char path[1024];

    if (self->stopped)
        lines_printf(lines, 0, MARK_WARN, NULL,
                     _("Stopped. %zu were made and stay; run it again for the rest."), made->made);
    else
        lines_printf(lines, 0, MARK_OK, NULL,
                     ngettext("%zu certificate made.", "%zu certificates made.", made->made),
                     made->made);
    app_short_path(self->folder, path, sizeof(path));
    lines_printf(lines, 0, MARK_NONE, NULL, _("Folders in %s"), path);
    lines_printf(lines, 0, MARK_NONE, _("were there"), "%zu", made->present);
    if (made->remade > 0)
        lines_printf(lines, 0, MARK_NONE, _("made again"),
                     _("%zu that an earlier run had recorded and never written"), made->remade);
    if (made->cut > 0)
        lines_printf(lines, 0, MARK_WARN, _("sooner"),
                     _("%zu end sooner than asked, with their CA: renew the CA first"), made->cut);
    if (made->ended > 0)
        lines_printf(lines, 0, MARK_WARN, _("not made"),
                     _("%zu whose folders hold an ended or revoked one"), made->ended);
    if (made->lost > 0)
        lines_printf(lines, 0, MARK_WARN, _("no files"),
                     _("%zu were recorded, and their files could not be written: the next run "
                       "makes them"),
                     made->lost);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Next: hand each folder to its owner, not by e-mail, and delete it here."));
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct batch_page *self = data;
    const char *list = form != NULL ? form_text(form, self->file) : self->path;

    strbuf_add_str(out, _("# what would be made\n"));
    for (int dry = 1; dry >= 0; dry--) {
        strbuf_add_str(out, "pgseal issue batch ");
        if (list == NULL || list[0] == '\0' || !text_quote_shell(out, list))
            strbuf_add_str(out, "roles.csv");
        strbuf_add_str(out, " --out ");
        if (form != NULL || self->folder == NULL || !text_quote_shell(out, self->folder))
            strbuf_add_str(out, "kits");
        if (form == NULL && self->authority != NULL) {
            strbuf_add_str(out, " --ca ");
            if (!text_quote_shell(out, self->authority))
                strbuf_add_str(out, "CA");
        }
        strbuf_add_str(out, dry ? _(" --dry-run\n\n# and make it\n") : "\n");
    }
}

static void keep(const void *data, const struct form *form, struct app *app)
{
    const struct batch_page *self = data;

    app_keep(app, "batch.file", form_text(form, self->file));
    app_keep(app, "batch.folder", form_text(form, self->folder_id));
}

static void free_batch(void *data)
{
    struct batch_page *self = data;

    ca_choice_clear(&self->ca);
    client_facts_free(self->facts);
    batch_list_clear(&self->list);
    secret_free(self->passphrase);
    free(self->server);
    free(self->kept_file);
    free(self->kept_folder);
    free(self->path);
    free(self->folder);
    free(self->authority);
    free(self);
}

static const struct act_step steps[] = {{N_("List"), build, check, take, look}};

static const struct act_ops ops = {
    .name = "batch",
    .title = N_("Many client certificates"),
    .where = N_("Certificates from a list"),
    .word = "certificate",
    .why = N_("Each folder is whole or not there, and every certificate is recorded before its "
              "files are written. It can be stopped and run again at any time."),
    .go = N_("Make them"),
    .stop = N_("Working.  Esc stops after the present part; what is made stays."),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .load = load,
    .review = review,
    .locked = locked,
    .run = run,
    .result = result,
    .commands = commands,
    .keep = keep,
    .free = free_batch,
};

struct screen *page_batch(struct app *app)
{
    struct batch_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->server = mem_strdup(app_server(app));
    self->kept_file = mem_strdup(app_kept(app, "batch.file"));
    self->kept_folder = mem_strdup(app_kept(app, "batch.folder"));
    return act_page(app, &ops, self);
}
