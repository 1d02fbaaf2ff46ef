/* ca_request.c - an intermediate CA under a root whose key is elsewhere: request out, certificate in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"
#include "screens/ca_act.h"
#include "screens/ca_answer.h"
#include "screens/pages.h"

/* ---- request out ---- */

struct request {
    int name_id, type_id, file_id;
    struct key_protection protection;
    char *name, *path, *pem;
    char *kept; /* the name of an earlier visit; owned */
    enum key_type type;
    struct secret *passphrase;
};

static const struct form_field name_field = {
    .label = N_("Name of the CA"),
    .why = N_("The CN of its certificate, and how it is called here. PostgreSQL tells CAs apart by "
              "name: no two of them may share one."),
    .help = N_("Printable ASCII, at most 59 characters, without / \\ \" , + ; < >.\n"
               "Example: Acme PG Issuing 2026"),
    .word = "CA",
    .max = 59,
};
static const struct form_field type_field = {
    .label = N_("Key type"),
    .why =
        N_("The key is made here and never leaves the store; only the request goes to the root."),
    .word = "private key",
};
static const struct choice_item type_items[] = {
    {N_("EC P-256"), N_("fast and small; the usual choice")},
    {N_("RSA 3072"), N_("for very old clients")},
    {N_("RSA 4096"), N_("slower logins")},
};
static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_3072, KEY_RSA_4096};
static const struct form_field file_field = {
    .label = N_("Request to"),
    .why = N_("A file with the request (CSR), PEM, mode 0644. It goes to whoever keeps the root; "
              "it is no secret. No file is overwritten."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "CSR",
    .width = 50,
    .max = 1000,
};

static void build_request(void *data, struct form *form)
{
    struct request *self = data;
    char path[1024];

    ca_act_propose_file("intermediate", ".csr", path, sizeof(path));
    self->name_id = form_add_text(form, &name_field, self->kept);
    self->type_id = form_add_choice(form, &type_field, type_items, ARRAY_LEN(type_items), 0);
    key_protection_add(&self->protection, form, KEY_PROTECTION_CA);
    self->file_id = form_add_text(form, &file_field, path);
}

static void check_request(void *arg, struct form *form)
{
    struct request *self = arg;
    const char *name = form_text(form, self->name_id);
    struct err err = ERR_INIT;

    if (name[0] == '\0')
        form_say(form, self->name_id, MARK_TODO, NULL);
    else if (name_check_common_name(name, &err))
        form_say(form, self->name_id, MARK_OK, NULL);
    else
        form_say(form, self->name_id, MARK_BAD, err.msg);
    key_protection_check(&self->protection, form);
    if (key_protection_none(&self->protection, form))
        form_say(form, self->protection.choice, MARK_WARN,
                 _("whoever copies the file can sign as this CA"));
    form_say(form, self->file_id, form_text(form, self->file_id)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
}

static void take_request(void *data, const struct form *form)
{
    struct request *self = data;

    free(self->name);
    free(self->path);
    secret_free(self->passphrase);
    self->name = mem_strdup(form_text(form, self->name_id));
    self->path = app_full_path(form_text(form, self->file_id));
    self->type = types[form_choice(form, self->type_id)];
    self->passphrase = secret_dup(key_protection_secret(&self->protection, form));
}

static void review_request(const void *data, struct form *form)
{
    const struct request *self = data;
    char text[1024];

    form_add_line(form, NULL, _("This will be made. Nothing on a server is changed."));
    snprintf(text, sizeof(text), "%s, %s", key_type_title(self->type),
             self->passphrase != NULL ? _("encrypted with its passphrase") : _("NOT encrypted"));
    form_add_line(form, N_("+ private key"), text);
    app_short_path(self->path, text, sizeof(text));
    form_add_line(form, N_("+ request"), text);
    snprintf(text, sizeof(text), _("\"%.80s\" waits for its certificate"), self->name);
    form_add_line(form, N_("+ in the store"), text);
}

static bool run_request(void *data, struct act_job *job, struct err *err)
{
    struct request *self = data;
    struct authority_spec spec = {.name = self->name,
                                  .key_type = self->type,
                                  .passphrase = self->passphrase,
                                  .cancelled = act_stopped,
                                  .cancelled_arg = job};
    struct store *store = store_open(act_store_folder(job), STORE_CREATE, err);
    struct authority_request *request = NULL;
    struct strbuf pem = STRBUF_INIT;
    bool good = false;

    if (fs_exists(self->path))
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), self->path);
    else if (store != NULL)
        request = authority_request_make(store, &spec, err);
    if (request != NULL) {
        good = csr_to_pem(request->csr, &pem, err) &&
               fs_write_new(self->path, pem.data, pem.len, FS_MODE_PUBLIC, err);
        if (!good)
            err_state(err, _("The key is made and waits in the list; deleting it gives it up."));
    }
    free(self->pem);
    self->pem = strbuf_steal(&pem);
    authority_request_free(request);
    store_close(store);
    return good;
}

static void result_request(const void *data, struct lines *lines)
{
    const struct request *self = data;
    char path[1024];

    app_short_path(self->path, path, sizeof(path));
    lines_printf(lines, 0, MARK_OK, NULL, _("The request is in %s"), path);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Next: its root signs it (CA:TRUE, keyCertSign, cRLSign). Then take the "
                "certificate in: Authorities, i on the line that waits."));
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Ask for the root's certificate and its CRL too: they go into the same file."));
}

static const char *copy_request(const void *data)
{
    const struct request *self = data;

    return self->pem != NULL ? self->pem : "";
}

static void commands_request(const void *data, const struct form *form, struct strbuf *out)
{
    const struct request *self = data;
    const char *name = form != NULL ? form_text(form, self->name_id) : self->name;

    strbuf_add_str(out, "pgseal ca create ");
    if (name == NULL || name[0] == '\0' || !text_quote_shell(out, name))
        strbuf_add_str(out, "NAME");
    strbuf_add_str(out, " --intermediate --out intermediate.csr\n");
    strbuf_add_str(out, _("\n# the root, elsewhere, signs it for five years\n"));
    strbuf_add_str(out, "printf '%s\\n' basicConstraints=critical,CA:TRUE,pathlen:0 \\\n"
                        "    keyUsage=critical,keyCertSign,cRLSign \\\n"
                        "    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > ca.ext\n"
                        "openssl x509 -req -in intermediate.csr -CA root.crt -CAkey root.key \\\n"
                        "    -days 1826 -extfile ca.ext -out intermediate.crt\n"
                        "cat intermediate.crt root.crt > answer.pem\n");
}

static void keep_request(const void *data, const struct form *form, struct app *app)
{
    const struct request *self = data;

    app_keep(app, "ca-request.name", self->pem != NULL ? NULL : form_text(form, self->name_id));
}

static void free_request(void *data)
{
    struct request *self = data;

    secret_free(self->passphrase);
    free(self->name);
    free(self->path);
    free(self->pem);
    free(self->kept);
    free(self);
}

static const struct act_step request_steps[] = {
    {N_("Details"), build_request, check_request, take_request, NULL}};

static const struct act_ops request_ops = {
    .name = "ca-request",
    .title = N_("An intermediate CA"),
    .where = N_("Authorities > Intermediate"),
    .word = "root certificate",
    .why = N_("The root's key stays in a safe; this CA does the daily work. When its key is lost, "
              "the root makes another one, and no client has to learn a new root."),
    .go = N_("Create"),
    .steps = request_steps,
    .n_steps = 1,
    .review = review_request,
    .run = run_request,
    .result = result_request,
    .copy = copy_request,
    .commands = commands_request,
    .keep = keep_request,
    .free = free_request,
};

struct screen *page_ca_request(struct app *app)
{
    struct request *self = mem_zalloc(sizeof(*self));

    self->kept = mem_strdup(app_kept(app, "ca-request.name"));
    return act_page(app, &request_ops, self);
}

/* ---- certificate in ---- */

static const struct form_field answer_paste = {
    .label = N_("Certificate"),
    .why = N_("What came back from the root: the certificate, and in the same text those above it "
              "up to the root, with their CRLs. PostgreSQL builds the whole chain."),
    .help = N_("Order does not matter; what does not belong is left out. Ctrl-U empties the box."),
    .word = "chain",
};
static const struct form_field answer_file = {
    .label = N_("File"),
    .why = N_("What came back from the root: the certificate, and in the same file those above it "
              "up to the root, with their CRLs. PostgreSQL builds the whole chain."),
    .help = N_("An absolute path, one from here, or ~/... PEM or DER."),
    .word = "chain",
    .width = 50,
    .max = 1000,
};

static void build_install(void *data, struct form *form)
{
    struct ca_act *self = data;

    form_add_line(form, N_("CA"), self->name);
    source_fields_add(&self->source, form, &answer_paste, &answer_file, NULL);
    form_focus(form, self->source.paste);
}

static void check_install(void *arg, struct form *form)
{
    struct ca_act *self = arg;

    source_fields_check(&self->source, form);
}

static void take_install(void *data, const struct form *form)
{
    struct ca_act *self = data;

    source_fields_take(&self->source, form, &self->input);
}

static bool look_install(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct ca_answer answer = {.n_crls = 0};
    bool good;

    (void)job;
    good = source_input_read(&self->input, PEM_SCAN_MAX, err) &&
           ca_answer_read(&self->input.bytes, &answer, err);
    ca_answer_clear(&answer);
    return good;
}

static void review_install(const void *data, struct form *form)
{
    const struct ca_act *self = data;

    form_add_line(form, NULL, _("This will be taken in. Nothing on a server is changed."));
    form_add_line(form, N_("CA"), self->name);
    form_add_line(form, N_("+ certificate"),
                  self->request != NULL ? _("answers the request: from now on this CA can sign")
                                        : _("a new one for the same key and name"));
    form_add_line(form, N_("+ above it"), _("every CA up to the root, as PostgreSQL wants it"));
}

static const char *locked_install(const void *data)
{
    const struct ca_act *self = data;
    bool encrypted =
        self->request != NULL ? self->request->key_encrypted : self->authority->key_encrypted;

    return encrypted ? self->name : NULL;
}

static bool install(struct ca_act *self, struct store *store, const struct ca_answer *answer,
                    const struct secret *passphrase, struct err *err)
{
    struct authority_parents parents = {.crls = NULL};
    struct authority *authority = NULL;
    struct cert *cert = NULL;
    struct key *key = self->request != NULL
                          ? authority_request_unlock(store, self->request, passphrase, err)
                          : authority_unlock(store, self->authority, passphrase, err);

    if (key != NULL && authority_sort_answer(&answer->certs, answer->crls, answer->n_crls, key,
                                             &cert, &parents, err))
        authority =
            authority_install(store, self->request, self->authority, key, cert, &parents, err);
    if (authority != NULL) {
        self->not_after = cert_not_after(authority->cert);
        self->chain = true; /* a CRL for each of those above */
        for (size_t i = 0; i < parents.certs.n; i++)
            self->chain = self->chain && parents.crls[i] != NULL;
    }
    key_free(key);
    cert_free(cert);
    authority_parents_clear(&parents);
    authority_free(authority);
    return authority != NULL;
}

static bool run_install(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct ca_answer answer = {.n_crls = 0};
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool good = store != NULL && ca_answer_read(&self->input.bytes, &answer, err) &&
                install(self, store, &answer, act_passphrase(job), err);

    ca_answer_clear(&answer);
    store_close(store);
    return good;
}

static void result_install(const void *data, struct lines *lines)
{
    const struct ca_act *self = data;
    char date[CLOCK_TEXT_MAX];

    lines_printf(lines, 0, MARK_OK, NULL, _("CA \"%s\" is ready.  Ends %s."), self->name,
                 clock_format_date(date, self->not_after));
    if (!self->chain)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("No CRL of the root came along: a server that checks CRLs wants one for every "
                    "CA of the chain. Put it into the same text and take it in again."));
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Next: give it to the servers (Home, Give a server the CA)."));
}

static void commands_install(const void *data, const struct form *form, struct strbuf *out)
{
    (void)form;
    ca_act_command(data, out, "import");
    strbuf_add_str(out, " --cert answer.pem\n");
    strbuf_add_str(out, _("\n# what came back\npgseal show answer.pem\n"));
}

static const struct act_step install_steps[] = {
    {N_("Answer"), build_install, check_install, take_install, look_install}};

static const struct act_ops install_ops = {
    .name = "ca-install",
    .title = N_("Certificate in"),
    .where = N_("Authorities > Certificate in"),
    .word = "chain",
    .why = N_("The certificate must be of the key that waits here, a CA's, and come with every "
              "certificate up to the self-signed root."),
    .go = N_("Take it in"),
    .steps = install_steps,
    .n_steps = 1,
    .load = ca_act_load,
    .review = review_install,
    .locked = locked_install,
    .run = run_install,
    .result = result_install,
    .commands = commands_install,
    .free = ca_act_free,
};

struct screen *page_ca_install(struct app *app, const char *name)
{
    struct ca_act *self = ca_act_new(name);

    self->may_wait = true;
    return act_page(app, &install_ops, self);
}
