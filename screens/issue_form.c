/* issue_form.c - the questions for a certificate: names, days, key, files. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/follow.h"
#include "screens/issue_parts.h"
#include "screens/out_folder.h"

enum { KEY_NEW, KEY_CSR };

static const struct form_field name_field = {
    .label = N_("Name in cert"),
    .why = N_("The CN, whatever the request asks for. With the method \"cert\" a client gets in "
              "only when it is exactly the role name (capital letters count)."),
    .help = N_("The database role that logs in with it, letter by letter.\n"
               "Printable ASCII, at most 59 characters, without / \\ \" , + ; < >."),
    .word = "CN",
};
static const struct form_field hosts_field = {
    .label = N_("Names of the server"),
    .why = N_("The names and addresses that clients write after \"host=\". With "
              "sslmode=verify-full a client accepts the server only under one of these. A comma "
              "between two of them."),
    .help = N_("DNS names and IP addresses, as clients use them.\n"
               "Example: db1.example.org, 10.0.0.5        Not: /var/run/postgresql"),
    .word = "SAN",
    .width = 48,
    .max = 1000,
};
static const struct form_field note_field = {
    .label = N_("Note"),
    .why = N_("For yourself: who or what uses it. It stays in the store and is not written into "
              "the certificate."),
    .help = N_("Free text. The list of certificates finds it by its beginning."),
    .after = N_("optional"),
    .max = 200,
};
static const struct form_field days_field = {
    .label = N_("Valid for"),
    .why = N_("When it ends, whoever has it is refused: renew it before. 90 to 365 days are usual "
              "for clients, 397 for servers. Never longer than the CA."),
    .help = N_("A number of days. F4 takes all that the CA has left when the number is too big."),
    .word = "expiry",
    .width = 8,
    .max = 5,
    .after = N_("days"),
    .allow = "0123456789",
};
static const struct form_field key_field = {
    .label = N_("Private key"),
    .why = N_("A renewal is a good moment for a new key: whoever has copied the old one is left "
              "behind. With a request (CSR) the key never leaves the machine that made it."),
    .word = "CSR",
};
static const struct choice_item key_items[] = {
    {N_("make a new key here (recommended)"), NULL},
    {N_("I have a request (CSR) to paste"), NULL},
};
static const struct form_field csr_field = {
    .label = N_("Request"),
    .why = N_("The text from -----BEGIN CERTIFICATE REQUEST----- to its END line. Only the public "
              "key is taken from it: name, days and rights stay as they were."),
    .word = "CSR",
};
static const struct form_field type_field = {
    .label = N_("Key type"),
    .why = N_("EC P-256 works with every client of the last ten years, and each login with it "
              "costs little. RSA is for programs that know nothing else."),
    .word = "private key",
};
static const struct choice_item type_items[] = {
    {N_("EC P-256"), N_("fast and small; the usual choice")},
    {N_("RSA 3072"), N_("for very old programs")},
};
static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_3072};
static const struct form_field p12_field = {
    .label = N_("Also make"),
    .why = N_("Key, certificate and CA in one file, for Java and Windows (libpq reads none). Its "
              "passphrase "
              "is the key's."),
    .word = "PKCS#12",
};
static const struct form_field pk8_field = {
    .label = "",
    .why = N_("JDBC reads the private key in DER (.pk8). This file is never encrypted: only its "
              "mode 0600 guards it."),
    .word = "DER",
};
static const struct form_field folder_field = {
    .label = N_("Files in"),
    .why = N_("A new folder, mode 0700: certificate, private key where one is made, the CA, and a "
              "README. No file is overwritten. The key is kept nowhere else: hand it over."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .max = 1000,
    .width = 50,
};

/* ---- values ---- */

bool issue_from_csr(const struct issue *self, const struct form *form)
{
    return self->mode == ISSUE_REQUEST ||
           (self->mode == ISSUE_RENEWAL && form_choice(form, self->key_source) == KEY_CSR);
}

bool issue_read_hosts(const char *text, char ***ret, size_t *ret_n, struct err *err)
{
    char *copy = mem_strdup(text), *rest = copy;
    struct san san;
    bool good = true;

    san_init(&san);
    for (char *host; good && (host = strsep(&rest, ", \t")) != NULL;)
        if (host[0] != '\0')
            good = san_add(&san, host, err);
    if (good && san.n == 0)
        good = err_set(err, ERR_BAD_VALUE, _("at least one name or address"));
    if (good && ret != NULL) {
        *ret = mem_array(san.n, sizeof(**ret));
        for (size_t i = 0; i < san.n; i++)
            (*ret)[i] = mem_strdup(san.entries[i].text);
        *ret_n = san.n;
    }
    san_clear(&san);
    free(copy);
    return good;
}

/* ---- checks ---- */

static void check_names(struct issue *self, struct form *form)
{
    struct err err = ERR_INIT;
    const char *text;
    bool good;

    if (self->hosts >= 0) {
        text = form_text(form, self->hosts);
        good = issue_read_hosts(text, NULL, NULL, &err);
        form_say(form, self->hosts,
                 good              ? MARK_OK
                 : text[0] != '\0' ? MARK_BAD
                                   : MARK_TODO,
                 good ? NULL : err.msg);
    }
    if (self->name < 0)
        return;
    text = form_text(form, self->name);
    if (text[0] == '\0')
        form_say(form, self->name, MARK_TODO, NULL);
    else if (name_check_common_name(text, &err))
        form_say(form, self->name, MARK_OK, NULL);
    else
        form_say(form, self->name, MARK_BAD, err.msg);
}

static void check_key(struct issue *self, struct form *form)
{
    bool csr = issue_from_csr(self, form);

    if (self->mode == ISSUE_RENEWAL) {
        form_show(form, self->csr, csr);
        if (csr)
            csr_box_check(&self->box, form, self->csr);
    }
    if (self->type >= 0)
        form_show(form, self->type, !csr);
    if (!self->protects)
        return;
    form_show(form, self->p12, !csr);
    form_show(form, self->pk8, !csr);
    if (csr) {
        key_protection_show(&self->protection, form, false);
        return;
    }
    key_protection_check(&self->protection, form);
    if (form_checked(form, self->p12) && key_protection_none(&self->protection, form))
        form_say(form, self->p12, MARK_BAD,
                 _("a PKCS#12 file needs a passphrase: choose one above"));
}

/* What the certificate will be called. */
static char *name_of(const struct issue *self, const struct form *form)
{
    struct err ignored = ERR_INIT;
    char **hosts = NULL, *name = NULL;
    size_t n = 0;

    if (self->mode == ISSUE_RENEWAL)
        return mem_strdup(self->old->role);
    if (self->kind == ISSUED_CLIENT)
        return mem_strdup(form_text(form, self->name));
    if (issue_read_hosts(form_text(form, self->hosts), &hosts, &n, &ignored))
        name = mem_strdup(hosts[0]);
    for (size_t i = 0; i < n; i++)
        free(hosts[i]);
    free(hosts);
    return name != NULL ? name : mem_strdup("");
}

static void follow_folder(struct issue *self, struct form *form)
{
    char *name = name_of(self, form), *base, *path, *text;
    char date[CLOCK_TEXT_MAX];

    if (name[0] == '\0') {
        free(name);
        return;
    }
    base = kit_file_base(name, self->kind);
    text = self->mode == ISSUE_RENEWAL && self->old->delivered
               ? mem_printf("%s-%s", base, clock_format_date(date, clock_now()))
               : mem_strdup(base);
    path = out_folder_propose(self->app, self->kind, text);
    follow(form, self->folder, &self->folder_after, path);
    free(path);
    free(text);
    free(base);
    free(name);
}

void issue_check(void *arg, struct form *form)
{
    struct issue *self = arg;

    check_names(self, form);
    (void)ca_choice_check_days(&self->ca, form, self->days);
    check_key(self, form);
    follow_folder(self, form);
    out_folder_say(form, self->folder);
}

/* ---- the form ---- */

static void add_days(struct issue *self, struct form *form)
{
    int64_t left = (ca_choice_get(&self->ca, form)->not_after - clock_now()) / CLOCK_DAY;
    int64_t days = self->kind == ISSUED_SERVER ? ISSUED_SERVER_DAYS : ISSUED_CLIENT_DAYS;
    char text[24];

    if (self->old != NULL) /* as long as before */
        days = (self->old->not_after - self->old->not_before + CLOCK_DAY / 2) / CLOCK_DAY;
    if (days > left)
        days = left;
    snprintf(text, sizeof(text), "%lld", (long long)(days < 1 ? 1 : days));
    self->days = form_add_text(form, &days_field, text);
}

static void add_key(struct issue *self, struct form *form)
{
    bool rsa = self->old != NULL && cert_key_type(self->old->cert) >= KEY_RSA_2048 &&
               cert_key_type(self->old->cert) <= KEY_RSA_4096;

    if (self->mode == ISSUE_RENEWAL) {
        self->key_source = form_add_choice(form, &key_field, key_items, ARRAY_LEN(key_items), 0);
        self->csr = form_add_paste(form, &csr_field, 6);
    }
    if (self->mode != ISSUE_REQUEST)
        self->type = form_add_choice(form, &type_field, type_items, ARRAY_LEN(type_items), rsa);
    self->protects = self->mode == ISSUE_RENEWAL && self->kind == ISSUED_CLIENT;
    if (!self->protects)
        return;
    key_protection_add(&self->protection, form, KEY_PROTECTION_CLIENT);
    self->p12 = form_add_check(form, &p12_field, N_("PKCS#12, for Java and Windows"), false);
    self->pk8 = form_add_check(form, &pk8_field, N_("PKCS#8 in DER, for JDBC"), false);
}

static void add_old(const struct issue *self, struct form *form)
{
    char date[CLOCK_TEXT_MAX], hex[SERIAL_HEX_MAX], text[200];

    snprintf(text, sizeof(text), _("%.80s, serial %s\nends %s"), self->old->role,
             serial_format_hex(hex, &self->old->serial),
             clock_format_date(date, self->old->not_after));
    form_add_line(form, N_("The old one"), text);
    if (!self->old->delivered)
        form_add_line(form, NULL,
                      _("Its files were never written, so nobody has its key: this one takes its "
                        "place."));
}

void issue_build(void *data, struct form *form)
{
    struct issue *self = data;
    const char *asked = self->box.name != NULL ? self->box.name : "";

    self->name = self->hosts = self->note = self->key_source = self->csr = self->type = -1;
    self->p12 = self->pk8 = -1;
    if (self->mode == ISSUE_RENEWAL)
        add_old(self, form);
    if (self->mode == ISSUE_REQUEST) {
        char *text = self->box.hosts[0] != '\0'
                         ? mem_printf(_("%s\nnames: %s"), self->box.subject, self->box.hosts)
                         : mem_strdup(self->box.subject);

        form_add_line(form, N_("It asks for"), text);
        free(text);
    }
    if (self->mode != ISSUE_RENEWAL && self->kind == ISSUED_CLIENT)
        self->name = form_add_text(form, &name_field, asked);
    if (self->mode != ISSUE_RENEWAL && self->kind == ISSUED_SERVER)
        self->hosts = form_add_text(form, &hosts_field,
                                    self->mode == ISSUE_NEW_SERVER ? self->kept_hosts
                                    : self->box.hosts[0] != '\0'   ? self->box.hosts
                                                                   : asked);
    ca_choice_add(&self->ca, form, self->facts, self->old != NULL ? self->old->authority : NULL);
    add_days(self, form);
    add_key(self, form);
    if (self->mode != ISSUE_RENEWAL)
        self->note = form_add_text(form, &note_field, "");
    free(self->folder_after);
    self->folder_after = mem_strdup("");
    self->folder = form_add_text(form, &folder_field, "");
}

void issue_take(void *data, const struct form *form)
{
    struct issue *self = data;
    struct new_client_job *job = mem_zalloc(sizeof(*job));
    const char *note = self->note >= 0 ? form_text(form, self->note) : "";
    struct err ignored = ERR_INIT; /* the check has read them */
    bool csr = issue_from_csr(self, form);

    new_client_job_free(self->job);
    self->job = job;
    job->kind = self->kind;
    job->ca = mem_strdup(ca_choice_get(&self->ca, form)->name);
    job->name = name_of(self, form);
    job->note = mem_strdup(self->old != NULL ? self->old->note : note[0] != '\0' ? note : NULL);
    job->days = ca_choice_days(form, self->days);
    job->folder = app_full_path(form_text(form, self->folder));
    job->formats = KIT_PEM;
    job->replaces = mem_strdup(self->which);
    job->host = mem_strdup(self->facts->host);
    job->port = self->facts->port;
    if (self->hosts >= 0 &&
        !issue_read_hosts(form_text(form, self->hosts), &job->hosts, &job->n_hosts, &ignored))
        job->n_hosts = 0;
    if (csr)
        job->csr = mem_strdup(self->box.pem);
    else
        job->type = types[form_choice(form, self->type)];
    if (csr || !self->protects)
        return;
    job->key_passphrase = secret_dup(key_protection_secret(&self->protection, form));
    if (form_checked(form, self->p12))
        job->formats |= KIT_P12;
    if (form_checked(form, self->pk8))
        job->formats |= KIT_PK8;
}
