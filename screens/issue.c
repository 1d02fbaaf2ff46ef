/* issue.c - certificates other than a new client's: for a server, for a request, a renewal. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/act.h"
#include "screens/issue_parts.h"
#include "screens/pages.h"

#define FILE_MAX ((size_t)1 << 20)

enum { PURPOSE_CLIENT, PURPOSE_SERVER };

/* ---- what the store says ---- */

static bool load_old(struct issue *self, struct err *err)
{
    struct store *store = store_open(self->facts->store_folder, STORE_READ, err);
    char date[CLOCK_TEXT_MAX];

    if (store == NULL)
        return false;
    self->old = issued_find(store, self->which, err);
    store_close(store);
    if (self->old == NULL)
        return false;
    self->kind = self->old->kind;
    if (self->kind != ISSUED_CLIENT && self->kind != ISSUED_SERVER)
        return err_set(err, ERR_POLICY, _("canaries are renewed with their CA"));
    if (self->old->revoked_at != 0) {
        err_set(err, ERR_REVOKED_ALREADY, _("the certificate of \"%s\" was revoked on %s"),
                self->old->role, clock_format_date(date, self->old->revoked_at));
        return err_hint(err, _("Make a new one: Home, Create a client certificate."));
    }
    return true;
}

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct issue *self = data;

    self->facts = mem_zalloc(sizeof(*self->facts));
    self->facts->store_folder = mem_strdup(act_store_folder(job));
    self->facts->server = mem_strdup(self->server);
    client_facts_read(self->facts);
    if (self->facts->n == 0) {
        *err = self->facts->err;
        return false;
    }
    return self->mode != ISSUE_RENEWAL || load_old(self, err);
}

/* ---- the request ---- */

static const struct form_field paste_field = {
    .label = N_("Request"),
    .why = N_("The text from -----BEGIN CERTIFICATE REQUEST----- to its END line. The private key "
              "stays with whoever made it: never paste that."),
    .help = N_("Line ends, indentation, mail quotes and text around it are cleaned. Ctrl-U empties "
               "the box."),
    .word = "CSR",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("A file with the request on this machine, PEM or DER. It is only read."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "CSR",
    .width = 50,
    .max = 1000,
};
static const struct form_field purpose_field = {
    .label = N_("It is for"),
    .why = N_("A request says what it wants; you say what it gets. A client's certificate cannot "
              "stand for a server, and the other way round; neither can ever sign."),
    .word = "CSR",
};
static const struct choice_item purpose_items[] = {
    {N_("a client"), N_("a database role that logs in")},
    {N_("a server"), N_("PostgreSQL itself; names for verify-full")},
};

static void build_request(void *data, struct form *form)
{
    struct issue *self = data;

    self->purpose = form_add_choice(form, &purpose_field, purpose_items, ARRAY_LEN(purpose_items),
                                    PURPOSE_CLIENT);
    source_fields_add(&self->source, form, &paste_field, &file_field, self->kept_file);
    form_focus(form, self->source.paste);
}

static void check_request(void *arg, struct form *form)
{
    struct issue *self = arg;

    source_fields_check(&self->source, form);
    if (!source_fields_from_file(&self->source, form) && !self->source.key)
        csr_box_check(&self->box, form, self->source.paste);
}

static void take_request(void *data, const struct form *form)
{
    struct issue *self = data;

    self->kind = form_choice(form, self->purpose) == PURPOSE_SERVER ? ISSUED_SERVER : ISSUED_CLIENT;
    source_fields_take(&self->source, form, &self->input);
}

static bool look_at_request(void *data, struct act_job *job, struct err *err)
{
    struct issue *self = data;
    size_t seen = self->box.seen;
    bool key;

    (void)job;
    if (!source_input_read(&self->input, FILE_MAX, err))
        return false;
    key = csr_box_look(&self->box, self->input.bytes.data, self->input.bytes.len);
    self->box.seen = self->input.path == NULL ? seen : 0;
    strbuf_wipe(&self->input.bytes);
    if (key) {
        err_set(err, ERR_PRIVATE_KEY_PASTED, _("there is a private key in this file"));
        return err_hint(err, _("Its owner keeps it. Give only the request."));
    }
    if (self->box.pem != NULL)
        return true;
    err_set(err, ERR_NOT_A_REQUEST, "%s", self->box.note);
    return err_cause(err, _("Nothing was taken from it."));
}

/* ---- review ---- */

static void add_files(const struct issue *self, struct form *form)
{
    const struct new_client_job *job = self->job;
    struct strbuf text = STRBUF_INIT;
    char folder[1024];

    app_short_path(job->folder, folder, sizeof(folder));
    strbuf_printf(&text, "%s\n%s", folder,
                  job->csr != NULL ? _("certificate, CA, README 0644")
                                   : _("certificate, CA, README 0644; private key 0600"));
    if (job->formats & KIT_P12)
        strbuf_add_str(&text, _(", PKCS#12 0600"));
    if (job->formats & KIT_PK8)
        strbuf_add_str(&text, _(", PKCS#8 0600"));
    form_add_line(form, N_("+ files in"), text.data);
    strbuf_clear(&text);
}

static void review_names(const struct issue *self, struct strbuf *out)
{
    const struct new_client_job *job = self->job;

    strbuf_printf(out,
                  self->kind == ISSUED_SERVER ? _("CN = %s, for servers only\n")
                                              : _("CN = %s, for clients only\n"),
                  job->name);
    if (job->n_hosts == 0)
        return;
    strbuf_add_str(out, _("names: "));
    for (size_t i = 0; i < job->n_hosts; i++)
        strbuf_printf(out, "%s%s", i > 0 ? ", " : "", job->hosts[i]);
    strbuf_add_char(out, '\n');
}

/* What a request asks for and does not get. */
static void review_request(const struct issue *self, struct form *form)
{
    struct strbuf text = STRBUF_INIT;

    strbuf_printf(&text, _("%s, %s key, signed by it"), self->box.subject, self->box.key);
    if (self->box.hosts[0] != '\0')
        strbuf_printf(&text, _("\nnames: %s"), self->box.hosts);
    form_add_line(form, N_("The request"), text.data);
    strbuf_reset(&text);
    if (!text_equal(self->box.name, self->job->name))
        strbuf_add_str(&text, _("The name in the certificate is yours, not the request's. "));
    if (self->kind == ISSUED_CLIENT && self->box.hosts[0] != '\0')
        strbuf_add_str(&text, _("Its host names are left out: it is a client's. "));
    if (self->box.asks_ca)
        strbuf_add_str(&text, _("It asks to be a CA, and will not be one."));
    if (text.len > 0)
        form_add_line(form, N_("[!!] changed"), text.data);
    strbuf_clear(&text);
}

static void review(const void *data, struct form *form)
{
    const struct issue *self = data;
    const struct new_client_job *job = self->job;
    struct strbuf text = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];

    form_add_line(form, NULL, _("This will be made. Nothing on a server is changed."));
    if (self->mode == ISSUE_REQUEST)
        review_request(self, form);
    review_names(self, &text);
    strbuf_printf(&text, _("%d days, ends %s, signed by \"%s\""), job->days,
                  clock_format_date(date, clock_now() + job->days * CLOCK_DAY), job->ca);
    form_add_line(form, N_("+ certificate"), text.data);
    strbuf_reset(&text);
    if (job->csr != NULL)
        strbuf_add_str(&text, _("none here: the request's owner has it"));
    else if (self->kind == ISSUED_SERVER)
        strbuf_printf(&text, _("%s, NOT encrypted: PostgreSQL starts alone"),
                      key_type_title(job->type));
    else
        strbuf_printf(&text, "%s, %s", key_type_title(job->type),
                      job->key_passphrase != NULL ? _("encrypted with its passphrase")
                                                  : _("NOT encrypted"));
    form_add_line(form, N_("+ private key"), text.data);
    add_files(self, form);
    if (self->old != NULL && self->old->delivered)
        form_add_line(form, N_("= the old one"), _("stays valid until it ends or is revoked"));
    strbuf_clear(&text);
}

static const char *locked(const void *data)
{
    const struct issue *self = data;

    return ca_choice_locked(self->facts, self->job->ca);
}

/* ---- work and result ---- */

static bool run(void *data, struct act_job *act, struct err *err)
{
    struct issue *self = data;
    struct new_client_job *job = self->job;

    /* a second try after a failure begins anew */
    issued_free(job->issued);
    issued_free(job->replaced);
    job->issued = job->replaced = NULL;
    secret_free(job->ca_passphrase);
    job->ca_passphrase = secret_dup(act_passphrase(act));
    free(job->store_folder);
    job->store_folder = mem_strdup(act_store_folder(act));
    job->err = (struct err)ERR_INIT;
    job->cancelled = act_stopped;
    job->cancelled_arg = act;
    if (self->mode == ISSUE_RENEWAL && self->kind == ISSUED_SERVER && job->n_hosts == 0 &&
        !new_client_job_take_hosts(job, self->old, err))
        return false;
    if (new_client_make(job))
        return true;
    *err = job->err;
    return false;
}

static void add_file(struct lines *lines, const char *path, const char *mode, const char *what)
{
    const char *name = path != NULL ? strrchr(path, '/') : NULL;

    if (name != NULL)
        lines_printf(lines, 1, MARK_NONE, name + 1, "%s  %s", mode, what);
}

static void result(const void *data, struct lines *lines)
{
    const struct issue *self = data;
    const struct new_client_job *job = self->job;
    char date[CLOCK_TEXT_MAX], hex[SERIAL_HEX_MAX], folder[1024];

    lines_printf(lines, 0, MARK_OK, NULL, _("Certificate for \"%s\" made.  Ends %s."), job->name,
                 clock_format_date(date, job->issued->not_after));
    lines_printf(lines, 0, MARK_NONE, NULL, _("serial %s"),
                 serial_format_hex(hex, &job->issued->serial));
    app_short_path(job->folder, folder, sizeof(folder));
    lines_printf(lines, 0, MARK_NONE, NULL, _("Files in %s"), folder);
    add_file(lines, job->files.certificate, "0644", _("certificate: may be shown to anybody"));
    add_file(lines, job->files.key, "0600", _("private key: SECRET"));
    add_file(lines, job->files.root, "0644", _("the CA: the other side needs it too"));
    add_file(lines, job->files.p12, "0600", _("certificate and key in one"));
    add_file(lines, job->files.pk8, "0600", _("private key for JDBC: SECRET"));
    add_file(lines, job->files.readme, "0644", _("how to use them"));
    if (self->mode != ISSUE_RENEWAL && job->replaced != NULL)
        lines_printf(lines, 0, MARK_WARN, NULL,
                     _("It takes the place of %s, whose files were never written."),
                     serial_format_hex(hex, &job->replaced->serial));
    if (self->old != NULL && self->old->delivered)
        lines_printf(lines, 0, MARK_NONE, NULL,
                     _("Next: hand it over; when it is in use, revoke the old one, %s."),
                     serial_format_hex(hex, &self->old->serial));
    else
        lines_add(lines, 0, MARK_NONE, NULL,
                  self->kind == ISSUED_SERVER
                      ? _("Next: Home, Give a server TLS does the rest by itself where pgseal may; "
                          "else ssl_cert_file and ssl_key_file name these files.")
                      : _("Next: hand the files over, not by e-mail."));
}

static void shell(struct strbuf *out, const char *text)
{
    strbuf_add_char(out, ' ');
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "''");
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct issue *self = data;
    const struct new_client_job *job = self->job;
    char hex[SERIAL_HEX_MAX];

    (void)form;
    if (self->mode == ISSUE_REQUEST)
        strbuf_add_str(out, _("# what it asks for, and whether its signature is good\n"
                              "openssl req -in request.csr -noout -verify -text\n"
                              "pgseal show request.csr\n\n"));
    strbuf_add_str(out, _("# the same as a command\n"));
    if (self->mode == ISSUE_RENEWAL)
        strbuf_printf(out, "pgseal renew %s",
                      self->old != NULL ? serial_format_hex(hex, &self->old->serial) : self->which);
    else
        strbuf_printf(out, "pgseal issue %s", issued_kind_name(self->kind));
    if (job == NULL) {
        strbuf_add_str(out, self->mode == ISSUE_RENEWAL   ? "\n"
                            : self->kind == ISSUED_SERVER ? " db1.example.org\n"
                                                          : " alice --csr request.csr\n");
        return;
    }
    if (self->mode != ISSUE_RENEWAL && job->n_hosts == 0)
        shell(out, job->name);
    for (size_t i = 0; self->mode != ISSUE_RENEWAL && i < job->n_hosts; i++)
        shell(out, job->hosts[i]);
    strbuf_add_str(out, " --ca");
    shell(out, job->ca);
    strbuf_printf(out, " --days %d", job->days);
    if (job->csr != NULL)
        strbuf_add_str(out, " --csr request.csr");
    strbuf_add_str(out, " \\\n    --out");
    shell(out, job->folder);
    strbuf_add_char(out, '\n');
}

/* ---- life ---- */

static void keep(const void *data, const struct form *form, struct app *app)
{
    const struct issue *self = data;

    if (self->mode == ISSUE_NEW_SERVER)
        app_keep(app, "new-server.hosts",
                 self->job != NULL && self->job->issued != NULL ? NULL
                                                                : form_text(form, self->hosts));
    if (self->mode == ISSUE_REQUEST)
        app_keep(app, "sign.file", form_text(form, self->source.file));
}

static void free_issue(void *data)
{
    struct issue *self = data;

    ca_choice_clear(&self->ca);
    free(self->kept_hosts);
    free(self->kept_file);
    client_facts_free(self->facts);
    new_client_job_free(self->job);
    issued_free(self->old);
    csr_box_clear(&self->box);
    source_input_clear(&self->input);
    free(self->folder_after);
    free(self->server);
    free(self->which);
    free(self);
}

static const struct act_step server_steps[] = {
    {N_("Names"), issue_build, issue_check, issue_take, NULL},
};
static const struct act_step request_steps[] = {
    {N_("Request"), build_request, check_request, take_request, look_at_request},
    {N_("Gets"), issue_build, issue_check, issue_take, NULL},
};
static const struct act_step renewal_steps[] = {
    {N_("Key"), issue_build, issue_check, issue_take, NULL},
};

static const struct act_ops server_ops = {
    .name = "new-server",
    .title = N_("Server certificate"),
    .where = N_("Server certificate"),
    .word = "SAN",
    .why = N_("Files for a server that pgseal does not reach: certificate, key, CA. Where it does, "
              "\"Give a server TLS\" also installs them, proves it, and can take it back."),
    .go = N_("Create"),
    .steps = server_steps,
    .n_steps = ARRAY_LEN(server_steps),
    .load = load,
    .review = review,
    .locked = locked,
    .run = run,
    .result = result,
    .commands = commands,
    .keep = keep,
    .free = free_issue,
};
static const struct act_ops request_ops = {
    .name = "sign-request",
    .title = N_("Sign a request (CSR)"),
    .where = N_("Sign a request"),
    .word = "CSR",
    .why = N_("Only the public key is taken from a request. Name, days and rights are what you "
              "say: a request that asks to be a CA gets a certificate that is none."),
    .go = N_("Sign"),
    .steps = request_steps,
    .n_steps = ARRAY_LEN(request_steps),
    .load = load,
    .review = review,
    .locked = locked,
    .run = run,
    .result = result,
    .commands = commands,
    .keep = keep,
    .free = free_issue,
};
static const struct act_ops renewal_ops = {
    .name = "renew",
    .title = N_("Renew a certificate"),
    .where = N_("Certificates > Renew"),
    .word = "renew",
    .why = N_("Old and new work side by side: nobody is locked out by a renewal. The old one is "
              "revoked when the new one was seen in use."),
    .go = N_("Renew"),
    .steps = renewal_steps,
    .n_steps = ARRAY_LEN(renewal_steps),
    .load = load,
    .review = review,
    .locked = locked,
    .run = run,
    .result = result,
    .commands = commands,
    .free = free_issue,
};

static struct issue *issue_new(struct app *app, enum issue_mode mode)
{
    struct issue *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->mode = mode;
    self->kind = mode == ISSUE_NEW_SERVER ? ISSUED_SERVER : ISSUED_CLIENT;
    self->server = mem_strdup(app_server(app));
    self->kept_hosts = mem_strdup(app_kept(app, "new-server.hosts"));
    self->kept_file = mem_strdup(app_kept(app, "sign.file"));
    self->folder_after = mem_strdup("");
    source_input_init(&self->input);
    return self;
}

struct screen *page_new_server(struct app *app)
{
    return act_page(app, &server_ops, issue_new(app, ISSUE_NEW_SERVER));
}

struct screen *page_sign_request(struct app *app)
{
    return act_page(app, &request_ops, issue_new(app, ISSUE_REQUEST));
}

struct screen *page_renew(struct app *app, const char *which)
{
    struct issue *self = issue_new(app, ISSUE_RENEWAL);

    self->which = mem_strdup(which);
    return act_page(app, &renewal_ops, self);
}
