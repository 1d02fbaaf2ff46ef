/* ca_act.c - acts on one CA: what the store says of it, export, the end. */
#include "config.h"

#include "screens/ca_act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority_change.h"
#include "core/store/export_openssl.h"
#include "core/store/issued.h"
#include "core/store/server.h"
#include "screens/pages.h"

/* ---- what the store says ---- */

static bool count_valid(struct ca_act *self, struct store *store, struct err *err)
{
    struct issued_filter filter = {.authority = self->name, .limit = 1, .within_days = 1};
    struct issued_list list = {.n = 0};

    for (int state = ISSUED_VALID; state <= ISSUED_EXPIRING; state++) {
        filter.state = state;
        if (!issued_list(store, &filter, &list, err))
            return false;
        self->valid += list.total;
        issued_list_clear(&list);
    }
    return true;
}

static bool list_servers(struct ca_act *self, struct store *store, struct err *err)
{
    struct server_list list = {.n = 0};
    struct strbuf text = STRBUF_INIT;
    bool good = server_list(store, &list, err);

    for (size_t i = 0; good && i < list.n; i++) {
        struct authority_list trusts = {.n = 0};

        good = server_trusts(store, list.rows[i], &trusts, err);
        for (size_t k = 0; good && k < trusts.n; k++)
            if (trusts.rows[k]->id == self->authority->id)
                strbuf_printf(&text, "%s%s", text.len > 0 ? ", " : "", list.rows[i]->name);
        authority_list_clear(&trusts);
    }
    server_list_clear(&list);
    self->servers = strbuf_steal(&text);
    return good;
}

bool ca_act_load(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool good = store != NULL && authority_request_load(store, self->name, &self->request, err);

    if (good && self->request != NULL && !self->may_wait)
        good = err_set(err, ERR_CA_UNKNOWN, _("\"%s\" waits for its certificate"), self->name);
    if (good && self->request == NULL) {
        self->authority = authority_load(store, self->name, err);
        good = self->authority != NULL &&
               authority_load_parents(store, self->authority, &self->parents, err) &&
               count_valid(self, store, err) && list_servers(self, store, err);
    }
    store_close(store);
    return good;
}

const char *ca_act_locked(const void *data)
{
    const struct ca_act *self = data;

    return self->authority->key_encrypted ? self->name : NULL;
}

void ca_act_free(void *data)
{
    struct ca_act *self = data;

    authority_free(self->authority);
    authority_request_free(self->request);
    authority_parents_clear(&self->parents);
    secret_free(self->passphrase);
    source_input_clear(&self->input);
    free(self->name);
    free(self->servers);
    free(self->path);
    free(self->pem);
    free(self);
}

struct ca_act *ca_act_new(const char *name)
{
    struct ca_act *self = mem_zalloc(sizeof(*self));

    self->name = mem_strdup(name);
    source_input_init(&self->input);
    return self;
}

void ca_act_command(const struct ca_act *self, struct strbuf *out, const char *words)
{
    strbuf_printf(out, "pgseal ca %s ", words);
    if (!text_quote_shell(out, self->name))
        strbuf_add_str(out, "NAME");
}

const char *ca_act_copy(const void *data)
{
    const struct ca_act *self = data;

    return self->pem != NULL ? self->pem : "";
}

/* "acme-pg-root.crt" in the current folder, for people. */
void ca_act_propose_file(const char *name, const char *ending, char *out, size_t size)
{
    char *base = mem_strdup(name), *file, *path;

    for (char *c = base; *c != '\0'; c++)
        if (strchr("/*:\\ '\"", *c) != NULL)
            *c = '-';
    file = mem_printf("%s%s", base, ending);
    path = app_full_path(file);
    app_short_path(path, out, size);
    free(path);
    free(file);
    free(base);
}

void ca_act_check_file(void *arg, struct form *form)
{
    struct ca_act *self = arg;

    form_say(form, self->file_id, form_text(form, self->file_id)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
}

/* ---- export ---- */

static const struct form_field what_field = {
    .label = N_("Export"),
    .why =
        N_("The certificate is what servers and clients need. The folder is all of the CA: on it "
           "\"openssl ca\" goes on where this store is. Nobody is locked in here."),
    .word = "CA",
};
static const struct choice_item what_items[] = {
    {N_("its certificate"), N_("may be shown to anybody")},
    {N_("a folder for \"openssl ca\""), N_("with its private key: SECRET")},
};
static const struct form_field whole_field = {
    .label = N_("Folder"),
    .why = N_("A new folder, mode 0700: openssl.cnf, index.txt with every revocation, newcerts/, "
              "and the private key, locked as it is here."),
    .help = N_("An absolute path, one from here, or ~/... It must not be there yet."),
    .word = "CA",
    .width = 50,
    .max = 1000,
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("The CA's certificate as PEM, mode 0644. It may be shown to anybody: servers and "
              "clients need it. No file is overwritten."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "PEM",
    .width = 50,
    .max = 1000,
};
static const struct form_field chain_field = {
    .label = N_("With it"),
    .why = N_("The CAs above an intermediate one, up to the root: PostgreSQL and its clients build "
              "the whole chain."),
    .word = "chain",
};

enum { WHAT_CERT, WHAT_FOLDER };

static void build_export(void *data, struct form *form)
{
    struct ca_act *self = data;
    char path[1024];

    form_add_line(form, N_("CA"), self->name);
    self->what_id =
        form_add_choice(form, &what_field, what_items, ARRAY_LEN(what_items), WHAT_CERT);
    ca_act_propose_file(self->name, ".crt", path, sizeof(path));
    self->file_id = form_add_text(form, &file_field, path);
    self->chain_id = form_add_check(form, &chain_field, N_("the CAs above it"), true);
    ca_act_propose_file(self->name, "-openssl", path, sizeof(path));
    self->folder_id = form_add_text(form, &whole_field, path);
    if (!self->authority->has_key)
        form_turn_off_choice(form, self->what_id, WHAT_FOLDER, _("its key is not here"));
}

static void check_export(void *arg, struct form *form)
{
    struct ca_act *self = arg;
    bool whole = form_choice(form, self->what_id) == WHAT_FOLDER;
    int id = whole ? self->folder_id : self->file_id;

    form_show(form, self->file_id, !whole);
    form_show(form, self->chain_id, !whole && self->parents.certs.n > 0);
    form_show(form, self->folder_id, whole);
    form_say(form, id, form_text(form, id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void take_export(void *data, const struct form *form)
{
    struct ca_act *self = data;

    free(self->path);
    self->whole = form_choice(form, self->what_id) == WHAT_FOLDER;
    self->path = app_full_path(form_text(form, self->whole ? self->folder_id : self->file_id));
    self->chain = form_checked(form, self->chain_id);
}

static void export_progress(void *arg, size_t done, size_t total)
{
    act_progress(arg, done, total);
}

static bool export_whole(struct ca_act *self, struct act_job *job, struct err *err)
{
    struct export_openssl export = {.authority = self->authority,
                                    .folder = self->path,
                                    .cancelled = act_stopped,
                                    .progress = export_progress,
                                    .arg = job};
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool good = store != NULL && export_openssl(store, &export, &self->certs, err);

    store_close(store);
    return good;
}

static bool run_export(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct strbuf pem = STRBUF_INIT;
    bool good = cert_to_pem(self->authority->cert, &pem, err);

    for (size_t i = 0; good && self->chain && i < self->parents.certs.n; i++)
        good = cert_to_pem(self->parents.certs.certs[i], &pem, err);
    if (good && self->whole)
        good = export_whole(self, job, err);
    else if (good)
        good = fs_write_new(self->path, pem.data, pem.len, FS_MODE_PUBLIC, err);
    free(self->pem);
    self->pem = strbuf_steal(&pem);
    return good;
}

static void result_export(const void *data, struct lines *lines)
{
    const struct ca_act *self = data;
    char path[1024], sha256[CERT_SHA256_HEX];

    app_short_path(self->path, path, sizeof(path));
    lines_printf(lines, 0, MARK_OK, NULL, _("Written to %s"), path);
    if (self->whole) {
        lines_printf(
            lines, 0, MARK_NONE, NULL,
            ngettext("%zu certificate is in it.", "%zu certificates are in it.", self->certs),
            self->certs);
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("Its private key is in it too. From now on issue in one place only: the other "
                    "does not know of it."));
        return;
    }
    lines_add(lines, 0, MARK_NONE, "SHA-256", cert_sha256_hex(self->authority->cert, sha256));
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Whoever gets it compares the SHA-256 with you, by phone."));
}

static void commands_export(const void *data, const struct form *form, struct strbuf *out)
{
    const struct ca_act *self = data;

    ca_act_command(self, out, "export");
    if (form != NULL ? form_choice(form, self->what_id) == WHAT_FOLDER : self->whole) {
        strbuf_add_str(out, " --openssl DIR\n\n");
        strbuf_add_str(out, _("# it works with\n"));
        strbuf_add_str(out, "openssl ca -config DIR/openssl.cnf -gencrl -out new.crl\n");
        return;
    }
    strbuf_printf(out, "%s --out ca.crt\n", self->parents.certs.n > 0 ? " --chain" : "");
    strbuf_add_str(out, _("\n# what it is, by hand\n"));
    strbuf_add_str(out, "openssl x509 -in ca.crt -noout -subject -dates -fingerprint -sha256\n");
}

static const struct act_step export_steps[] = {
    {N_("File"), build_export, check_export, take_export, NULL}};

static const struct act_ops export_ops = {
    .name = "ca-export",
    .title = N_("Export a CA"),
    .where = N_("Authorities > Export"),
    .word = "CA",
    .why = N_("Servers and clients need only the certificate. The private key stays in the store, "
              "unless all of the CA goes into a folder for \"openssl ca\"."),
    .go = N_("Write"),
    .stop = N_("Working.  Esc stops; then nothing was written."),
    .steps = export_steps,
    .n_steps = 1,
    .load = ca_act_load,
    .run = run_export,
    .result = result_export,
    .copy = ca_act_copy,
    .commands = commands_export,
    .free = ca_act_free,
};

struct screen *page_ca_export(struct app *app, const char *name)
{
    return act_page(app, &export_ops, ca_act_new(name));
}

/* ---- the end ---- */

static void review_delete(const void *data, struct form *form)
{
    const struct ca_act *self = data;
    char text[200];

    if (self->request != NULL) {
        form_add_line(form, NULL, _("The request is given up, its private key removed for ever."));
        form_add_line(form, N_("- request"), self->name);
        return;
    }
    form_add_line(form, NULL, _("This cannot be undone."));
    snprintf(text, sizeof(text), _("of \"%.60s\", and those of its canaries"), self->name);
    form_add_line(form, N_("- private key"), text);
    snprintf(text, sizeof(text),
             ngettext("%lld valid certificate of it stays, and cannot be revoked any more",
                      "%lld valid certificates of it stay, and cannot be revoked any more",
                      (unsigned long)self->valid),
             (long long)self->valid);
    form_add_line(form, N_("! issued"), text);
    form_add_line(form, N_("= the list"), _("what it issued stays in the store"));
    if (self->servers[0] != '\0')
        form_add_line(form, N_("[xx] trusted by"), self->servers);
}

static const char *severe_delete(const void *data, struct strbuf *out)
{
    const struct ca_act *self = data;

    strbuf_printf(out, _("The private key of \"%s\" is removed for ever."), self->name);
    if (self->valid > 0)
        strbuf_printf(out,
                      ngettext(" %lld valid certificate stays without a CA that could revoke it.",
                               " %lld valid certificates stay without a CA that could revoke them.",
                               (unsigned long)self->valid),
                      (long long)self->valid);
    return self->name;
}

static bool run_delete(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool good =
        store != NULL && (self->request != NULL ? authority_request_drop(store, self->request, err)
                                                : authority_delete(store, self->authority, err));

    store_close(store);
    return good;
}

static void result_delete(const void *data, struct lines *lines)
{
    const struct ca_act *self = data;

    lines_printf(lines, 0, MARK_OK, NULL,
                 self->request != NULL
                     ? _("The request of \"%s\" is given up.")
                     : _("The CA \"%s\" is deleted. What it issued stays in the list."),
                 self->name);
}

static void commands_delete(const void *data, const struct form *form, struct strbuf *out)
{
    (void)form;
    ca_act_command(data, out, "delete");
    strbuf_add_char(out, '\n');
}

static const struct act_ops delete_ops = {
    .name = "ca-delete",
    .title = N_("Delete a CA"),
    .where = N_("Authorities > Delete"),
    .word = "CA",
    .why = N_("Without its key a CA can sign nothing any more, also no list of revoked "
              "certificates. While a server trusts it, it is not deleted."),
    .go = N_("Delete..."),
    .sure = N_("Delete"),
    .load = ca_act_load,
    .review = review_delete,
    .severe = severe_delete,
    .run = run_delete,
    .result = result_delete,
    .commands = commands_delete,
    .free = ca_act_free,
};

struct screen *page_ca_delete(struct app *app, const char *name)
{
    struct ca_act *self = ca_act_new(name);

    self->may_wait = true;
    return act_page(app, &delete_ops, self);
}
