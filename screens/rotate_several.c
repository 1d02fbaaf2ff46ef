/* rotate_several.c - several certificates and lists renewed in one go: one passphrase a CA, one folder. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/act.h"
#include "screens/certs_job.h"
#include "screens/key_protection.h"
#include "screens/new_client_job.h"
#include "screens/out_folder.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"

struct line {
    bool list;   /* a CA's list; else a certificate */
    char *name;  /* of the role, host or CA */
    char *which; /* the CA's name, or "CA:serial" */
    struct issued *old;
    bool done;
};

struct rotate_several {
    const struct app *app; /* borrowed */
    struct line *lines;
    size_t n;
    size_t n_certs, n_clients;
    char *server; /* the chosen one, for the README's lines */
    struct client_facts *facts;
    struct authority_list cas; /* that sign */
    /* fields */
    int folder_id;
    struct key_protection protection;
    /* answers */
    char *folder;
    struct secret *passphrase;
    size_t n_done;
};

struct rotate_several *rotate_several_new(void)
{
    return mem_zalloc(sizeof(struct rotate_several));
}

void rotate_several_add(struct rotate_several *several, bool list, const char *name,
                        const char *which)
{
    several->lines = mem_realloc_array(several->lines, several->n + 1, sizeof(several->lines[0]));
    several->lines[several->n++] =
        (struct line){.list = list, .name = mem_strdup(name), .which = mem_strdup(which)};
    several->n_certs += !list;
}

/* ---- what the store says ---- */

static const char *ca_of(const struct line *line)
{
    return line->list ? line->which : line->old->authority;
}

static struct authority *find_ca(const struct rotate_several *self, const char *name, size_t *ret)
{
    for (*ret = 0; *ret < self->cas.n; (*ret)++)
        if (text_equal(self->cas.rows[*ret]->name, name))
            return self->cas.rows[*ret];
    return NULL;
}

static bool load_line(struct rotate_several *self, struct store *store, struct line *line,
                      struct err *err)
{
    struct authority *authority;
    size_t i;

    if (!line->list) {
        line->old = issued_find(store, line->which, err);
        if (line->old == NULL)
            return false;
        self->n_clients += line->old->kind == ISSUED_CLIENT;
    }
    if (find_ca(self, ca_of(line), &i) != NULL)
        return true;
    authority = authority_load(store, ca_of(line), err);
    if (authority == NULL)
        return false;
    self->cas.rows = mem_realloc_array(self->cas.rows, self->cas.n + 1, sizeof(authority));
    self->cas.rows[self->cas.n++] = authority;
    if (!authority->has_key)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not in this store"),
                       authority->name);
    return true;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct rotate_several *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool good = store != NULL;

    for (size_t i = 0; i < self->n && good; i++)
        good = load_line(self, store, &self->lines[i], err);
    store_close(store);
    if (!good)
        return false;
    if (self->cas.n > ACT_LOCKS) {
        err_set(err, ERR_POLICY, _("these are of %zu CAs"), self->cas.n);
        return err_hint(err, _("Mark those of at most %d CAs at once."), ACT_LOCKS);
    }
    if (self->n_certs == 0)
        return true;
    self->facts = mem_zalloc(sizeof(*self->facts));
    self->facts->store_folder = mem_strdup(act_store_folder(job));
    self->facts->server = mem_strdup(self->server);
    client_facts_read(self->facts);
    return true;
}

/* ---- questions ---- */

static const struct form_field folder_field = {
    .label = N_("Folders in"),
    .why = N_("Gets a folder for each: certificate, private key, the CA, and how to use them. "
              "Nothing is overwritten: one that is there already stops it."),
    .help = N_("An absolute path, one from here, or ~/... It is made when it is missing."),
    .word = "renew",
    .max = 1000,
    .width = 50,
};

static void build(void *data, struct form *form)
{
    struct rotate_several *self = data;
    char date[CLOCK_TEXT_MAX],
        *text = mem_printf("renewed-%s", clock_format_date(date, clock_now()));
    char *path = out_folder_propose(self->app, ISSUED_CLIENT, text);

    self->folder_id = form_add_text(form, &folder_field, path);
    key_protection_add(&self->protection, form, KEY_PROTECTION_CLIENT);
    free(path);
    free(text);
}

static void check(void *arg, struct form *form)
{
    struct rotate_several *self = arg;

    out_folder_say(form, self->folder_id);
    key_protection_show(&self->protection, form, self->n_clients > 0);
    if (self->n_clients > 0)
        key_protection_check(&self->protection, form);
}

static void take(void *data, const struct form *form)
{
    struct rotate_several *self = data;

    free(self->folder);
    secret_free(self->passphrase);
    self->folder = app_full_path(form_text(form, self->folder_id));
    self->passphrase =
        self->n_clients > 0 ? secret_dup(key_protection_secret(&self->protection, form)) : NULL;
}

static const char *kind_word(const struct line *line)
{
    return line->list ? _("CRL") : line->old->kind == ISSUED_CLIENT ? _("client") : _("server");
}

static void review(const void *data, struct form *form)
{
    const struct rotate_several *self = data;
    struct strbuf text = STRBUF_INIT;
    char path[1024];

    form_add_line(form, NULL, _("This will be made. Nothing on a server is changed."));
    for (size_t i = 0; i < self->n && i < 8; i++)
        strbuf_printf(&text, "%s%s %s", i > 0 ? "\n" : "", kind_word(&self->lines[i]),
                      self->lines[i].name);
    if (self->n > 8)
        strbuf_printf(&text, _("\nand %zu more"), self->n - 8);
    form_add_line(form, N_("+ new"), text.data);
    strbuf_reset(&text);
    if (self->n_certs > 0) {
        app_short_path(self->folder, path, sizeof(path));
        strbuf_printf(&text, _("%s\none folder each"), path);
        if (self->n_clients > 0)
            strbuf_printf(&text, "; %s",
                          self->passphrase != NULL
                              ? _("clients' keys encrypted with the passphrase")
                              : _("clients' keys NOT encrypted"));
        form_add_line(form, N_("Folders in"), text.data);
        form_add_line(form, N_("= the old ones"), _("stay valid until they end or are revoked"));
    }
    if (self->n_certs < self->n)
        form_add_line(form, N_("Lists"),
                      _("are signed; \"Bring the lists to the servers\" comes after that"));
    strbuf_clear(&text);
}

static const char *locked_more(const void *data, size_t i)
{
    const struct rotate_several *self = data;
    size_t at = 0;

    for (size_t k = 0; k < self->cas.n; k++)
        if (self->cas.rows[k]->key_encrypted && at++ == i)
            return self->cas.rows[k]->name;
    return NULL;
}

static const char *locked(const void *data)
{
    return locked_more(data, 0);
}

/* ---- work ---- */

static const struct secret *passphrase_of(const struct rotate_several *self, struct act_job *job,
                                          const char *ca, size_t *ret_lock)
{
    const char *name;

    for (*ret_lock = 0; (name = locked_more(self, *ret_lock)) != NULL; (*ret_lock)++)
        if (text_equal(name, ca))
            return act_passphrase_of(job, *ret_lock);
    *ret_lock = 0;
    return NULL;
}

/* Where the role has one already: "app-2". Caller frees. */
static char *free_folder(const char *folder, const struct issued *old)
{
    char *base = kit_file_base(old->role, old->kind), *path = fs_join(folder, base);

    for (int n = 2; fs_exists(path) && n < ROTATE_SEVERAL_MAX; n++) {
        free(path);
        path = mem_printf("%s/%s-%d", folder, base, n);
    }
    free(base);
    return path;
}

static bool renew_cert(const struct rotate_several *self, struct act_job *act,
                       const struct issued *old, const struct secret *passphrase, struct err *err)
{
    struct new_client_job *job = mem_zalloc(sizeof(*job));
    enum key_type type = cert_key_type(old->cert);
    bool good;

    job->kind = old->kind;
    job->store_folder = mem_strdup(act_store_folder(act));
    job->ca = mem_strdup(old->authority);
    job->name = mem_strdup(old->role);
    job->note = mem_strdup(old->note);
    job->replaces = cert_which(old);
    job->folder = free_folder(self->folder, old);
    job->host = mem_strdup(self->facts->host);
    job->port = self->facts->port;
    job->type = type >= KEY_RSA_2048 && type <= KEY_RSA_4096 ? KEY_RSA_3072 : KEY_EC_P256;
    job->formats = KIT_PEM;
    job->ca_passphrase = secret_dup(passphrase);
    job->key_passphrase = old->kind == ISSUED_CLIENT ? secret_dup(self->passphrase) : NULL;
    job->cancelled = act_stopped;
    job->cancelled_arg = act;
    good = old->kind != ISSUED_SERVER || new_client_job_take_hosts(job, old, err);
    if (good && !new_client_make(job)) {
        *err = job->err;
        good = false;
    }
    new_client_job_free(job);
    return good;
}

static bool sign_list(const struct rotate_several *self, struct act_job *act, const char *ca,
                      const struct secret *passphrase, struct err *err)
{
    size_t i;
    struct authority *authority = find_ca(self, ca, &i);
    struct store *store = store_open(act_store_folder(act), STORE_WRITE, err);
    struct key *key = store != NULL ? authority_unlock(store, authority, passphrase, err) : NULL;
    struct crl *crl = key != NULL ? authority_sign_crl(store, authority, key, 0, err) : NULL;
    bool good = crl != NULL;

    crl_free(crl);
    key_free(key);
    store_close(store);
    return good;
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct rotate_several *self = data;

    if (self->n_certs > 0 && !fs_exists(self->folder) && !fs_make_folder(self->folder, err))
        return false;
    for (size_t i = 0; i < self->n; i++) {
        struct line *line = &self->lines[i];
        size_t lock;
        const struct secret *passphrase = passphrase_of(self, job, ca_of(line), &lock);

        act_progress(job, i, self->n);
        if (line->done) /* an earlier try */
            continue;
        if (act_stopped(job))
            return true;
        line->done = line->list ? sign_list(self, job, line->which, passphrase, err)
                                : renew_cert(self, job, line->old, passphrase, err);
        if (!line->done) {
            act_passphrase_is_wrong(job, lock);
            if (self->n_done > 0 && err->code != ERR_PASSPHRASE)
                err_state(err, _("%zu of %zu are made and stay."), self->n_done, self->n);
            return false;
        }
        self->n_done++;
    }
    return true;
}

static void result(const void *data, struct lines *lines)
{
    const struct rotate_several *self = data;
    char path[1024];

    lines_printf(lines, 0, self->n_done == self->n ? MARK_OK : MARK_WARN, NULL,
                 _("%zu of %zu renewed."), self->n_done, self->n);
    if (self->n_certs > 0) {
        app_short_path(self->folder, path, sizeof(path));
        lines_printf(lines, 0, MARK_NONE, NULL, _("Folders in %s"), path);
    }
    for (size_t i = 0; i < self->n; i++)
        lines_printf(lines, 1, self->lines[i].done ? MARK_OK : MARK_TODO, NULL, "%s %s",
                     kind_word(&self->lines[i]), self->lines[i].name);
    if (self->n_certs > 0)
        lines_add(lines, 0, MARK_NONE, NULL,
                  _("Next: hand each folder to its owner, not by e-mail. When the new one is in "
                    "use, revoke the old one."));
    if (self->n_certs < self->n)
        lines_add(
            lines, 0, MARK_WARN, NULL,
            _("Servers have the lists of before: \"pgseal crl refresh\" brings the new ones."));
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct rotate_several *self = data;
    const char *folder = form != NULL ? form_text(form, self->folder_id) : self->folder;
    bool lists = false;

    strbuf_add_str(out, _("# the same as commands\n"));
    for (size_t i = 0; i < self->n; i++) {
        const struct line *line = &self->lines[i];
        const char *serial = strrchr(line->which, ':');

        strbuf_add_str(out, line->list ? "pgseal crl sign --ca " : "pgseal renew ");
        if (line->list && !text_quote_shell(out, line->which))
            strbuf_add_str(out, "CA");
        if (!line->list)
            strbuf_printf(out, "%s --out ", serial != NULL ? serial + 1 : line->which);
        if (!line->list && (folder == NULL || !text_quote_shell(out, folder)))
            strbuf_add_str(out, "renewed");
        if (!line->list) {
            strbuf_add_char(out, '/');
            if (!text_quote_shell(out, line->name))
                strbuf_add_str(out, "NAME");
        }
        strbuf_add_char(out, '\n');
        lists = lists || line->list;
    }
    if (lists)
        strbuf_add_str(out, "pgseal crl refresh\n");
}

static void free_several(void *data)
{
    struct rotate_several *self = data;

    for (size_t i = 0; i < self->n; i++) {
        free(self->lines[i].name);
        free(self->lines[i].which);
        issued_free(self->lines[i].old);
    }
    free(self->lines);
    authority_list_clear(&self->cas);
    client_facts_free(self->facts);
    secret_free(self->passphrase);
    free(self->folder);
    free(self->server);
    free(self);
}

static const struct act_step steps[] = {{N_("Files"), build, check, take, NULL}};

#define SEVERAL_OPS                                                                                \
    .name = "rotate-several", .title = N_("Renew several"),                                        \
    .where = N_("Renew and rotate > Several"), .word = "renew",                                    \
    .why =                                                                                         \
        N_("Old and new work side by side: nobody is locked out by a renewal. The old ones are "   \
           "revoked when the new ones were seen in use."),                                         \
    .go = N_("Renew"),                                                                             \
    .stop = N_("Working.  Esc stops after the present one; what is made stays."), .load = load,    \
    .review = review, .locked = locked, .locked_more = locked_more, .run = run, .result = result,  \
    .commands = commands, .free = free_several

static const struct act_ops ops = {SEVERAL_OPS, .steps = steps, .n_steps = ARRAY_LEN(steps)};
static const struct act_ops lists_ops = {SEVERAL_OPS};

struct screen *page_rotate_several(struct app *app, struct rotate_several *several)
{
    several->app = app;
    several->server = mem_strdup(app_server(app));
    return act_page(app, several->n_certs > 0 ? &ops : &lists_ops, several);
}
