/* ca_import.c - a CA from elsewhere: certificate and key, and what it issued and revoked. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority_import.h"
#include "screens/act.h"
#include "screens/ca_answer.h"
#include "screens/key_protection.h"
#include "screens/pages.h"

#define KEY_MAX 65536

struct import {
    /* fields; files, then how the key is locked */
    int name_id, cert_id, key_id, folder_id;
    int passphrase_id; /* of a key that is locked */
    struct key_protection protection;
    char *kept[3]; /* name, certificate, key of an earlier visit; owned */
    /* answers */
    char *name, *cert, *key, *folder; /* folder NULL: none */
    bool locked;                      /* the key file has a passphrase */
    struct secret *passphrase;        /* of the key from now on; NULL: none */
    /* results */
    struct import_report report;
    uint64_t crl_number;
};

static const struct form_field name_field = {
    .label = N_("Name"),
    .why = N_("How the CA is called here. Its certificate keeps its own subject."),
    .help = N_("Printable ASCII, at most 59 characters, without / \\ \" , + ; < >."),
    .word = "CA",
    .max = 59,
};
static const struct form_field cert_field = {
    .label = N_("Certificate"),
    .why = N_("The CA's certificate; of an intermediate one also those above it up to the root, "
              "with their CRLs. easy-rsa: pki/ca.crt."),
    .help = N_("A file on this machine, PEM or DER. It is only read."),
    .word = "PEM",
    .width = 50,
    .max = 1000,
};
static const struct form_field key_field = {
    .label = N_("Private key"),
    .why = N_("The CA's key file. It is copied into this store; the old file stays where it is. "
              "easy-rsa: pki/private/ca.key."),
    .help = N_("A file on this machine. It is only read, and wiped from memory."),
    .word = "private key",
    .width = 50,
    .max = 1000,
};
static const struct form_field folder_field = {
    .label = N_("Its folder"),
    .why = N_("Of \"openssl ca\" or easy-rsa (its pki/): all that was issued and revoked comes "
              "along, and the next CRL has every revocation. Empty: only the CA."),
    .help = N_("The folder with index.txt. Nothing in it is changed; clients' keys are left "
               "alone."),
    .word = "CRL",
    .after = N_("optional"),
    .width = 38,
    .max = 1000,
};
static const struct form_field passphrase_field = {
    .label = N_("Passphrase"),
    .why = N_("The key file is locked. Its passphrase opens it, and locks it here too."),
    .help = N_("The one that was given when the CA was made elsewhere. It is not kept."),
    .word = "passphrase",
    .width = 34,
};

/* ---- files ---- */

static void build_files(void *data, struct form *form)
{
    struct import *self = data;

    self->name_id = form_add_text(form, &name_field, self->kept[0]);
    self->cert_id = form_add_text(form, &cert_field, self->kept[1]);
    self->key_id = form_add_text(form, &key_field, self->kept[2]);
    self->folder_id = form_add_text(form, &folder_field, "");
}

static void check_files(void *arg, struct form *form)
{
    struct import *self = arg;
    const int needed[] = {self->cert_id, self->key_id};
    const char *name = form_text(form, self->name_id);
    struct err err = ERR_INIT;

    if (name[0] == '\0')
        form_say(form, self->name_id, MARK_TODO, NULL);
    else if (name_check_common_name(name, &err))
        form_say(form, self->name_id, MARK_OK, NULL);
    else
        form_say(form, self->name_id, MARK_BAD, err.msg);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        form_say(form, needed[i], form_text(form, needed[i])[0] != '\0' ? MARK_OK : MARK_TODO,
                 NULL);
}

static char *path_of(const struct form *form, int id)
{
    return form_text(form, id)[0] != '\0' ? app_full_path(form_text(form, id)) : NULL;
}

static void take_files(void *data, const struct form *form)
{
    struct import *self = data;

    free(self->name);
    free(self->cert);
    free(self->key);
    free(self->folder);
    self->name = mem_strdup(form_text(form, self->name_id));
    self->cert = path_of(form, self->cert_id);
    self->key = path_of(form, self->key_id);
    self->folder = path_of(form, self->folder_id);
}

static bool read_cert(const struct import *self, struct ca_answer *answer, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    bool good = fs_read(self->cert, PEM_SCAN_MAX, &text, err) && ca_answer_read(&text, answer, err);

    strbuf_wipe(&text);
    return good;
}

static bool look(void *data, struct act_job *job, struct err *err)
{
    struct import *self = data;
    struct ca_answer answer = {.n_crls = 0};
    struct strbuf pem = STRBUF_INIT;
    bool good = read_cert(self, &answer, err) && fs_read(self->key, KEY_MAX, &pem, err);

    (void)job;
    if (good)
        self->locked = key_pem_is_encrypted(pem.data, pem.len);
    strbuf_wipe(&pem);
    ca_answer_clear(&answer);
    return good;
}

/* ---- how its key is locked ---- */

static void build_lock(void *data, struct form *form)
{
    struct import *self = data;

    self->passphrase_id = -1;
    form_add_line(form, N_("CA"), self->name);
    if (self->locked) {
        self->passphrase_id = form_add_secret(form, &passphrase_field);
        return;
    }
    form_add_line(form, NULL, _("The key file has no passphrase. Here it can have one."));
    key_protection_add(&self->protection, form, KEY_PROTECTION_CA);
}

static void check_lock(void *arg, struct form *form)
{
    struct import *self = arg;

    if (self->passphrase_id < 0)
        key_protection_check(&self->protection, form);
    else
        form_say(form, self->passphrase_id,
                 secret_len(form_secret(form, self->passphrase_id)) > 0 ? MARK_NONE : MARK_TODO,
                 NULL);
}

static void take_lock(void *data, const struct form *form)
{
    struct import *self = data;

    secret_free(self->passphrase);
    self->passphrase = self->passphrase_id >= 0
                           ? secret_dup(form_secret(form, self->passphrase_id))
                           : secret_dup(key_protection_secret(&self->protection, form));
}

/* ---- review and work ---- */

static void review(const void *data, struct form *form)
{
    const struct import *self = data;
    char text[1100], path[1024];

    form_add_line(form, NULL, _("This will be taken in. Nothing elsewhere is changed."));
    app_short_path(self->cert, path, sizeof(path));
    form_add_line(form, N_("+ certificate"), path);
    app_short_path(self->key, path, sizeof(path));
    snprintf(text, sizeof(text), "%s\n%s", path,
             self->passphrase != NULL ? _("encrypted in this store") : _("NOT encrypted"));
    form_add_line(form, N_("+ private key"), text);
    if (self->folder != NULL) {
        app_short_path(self->folder, path, sizeof(path));
        snprintf(text, sizeof(text), _("%s\nall that it issued and revoked"), path);
        form_add_line(form, N_("+ from folder"), text);
    }
    form_add_line(form, N_("+ list"), _("the next CRL, with every revocation"));
}

static struct key *read_key(const struct import *self, struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    struct key *key = NULL;

    if (fs_read(self->key, KEY_MAX, &pem, err))
        key = key_from_pem(pem.data, pem.len, self->locked ? self->passphrase : NULL, err);
    strbuf_wipe(&pem);
    return key;
}

static bool import(struct import *self, struct act_job *job, struct store *store, struct err *err)
{
    struct ca_answer answer = {.n_crls = 0};
    struct authority_parents parents = {.crls = NULL};
    struct import_spec spec = {.name = self->name,
                               .parents = &parents,
                               .passphrase = self->passphrase,
                               .folder = self->folder,
                               .cancelled = act_stopped,
                               .arg = job};
    struct authority *authority = NULL;
    struct cert *cert = NULL;
    struct key *key = NULL;

    import_report_clear(&self->report);
    if (read_cert(self, &answer, err))
        key = read_key(self, err);
    if (key != NULL && authority_sort_answer(&answer.certs, answer.crls, answer.n_crls, key, &cert,
                                             &parents, err)) {
        spec.cert = cert;
        spec.key = key;
        authority = authority_import(store, &spec, &self->report, err);
    }
    if (authority != NULL)
        self->crl_number = authority->crl.number;
    key_free(key);
    cert_free(cert);
    authority_parents_clear(&parents);
    ca_answer_clear(&answer);
    authority_free(authority);
    return authority != NULL;
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct store *store = store_open(act_store_folder(job), STORE_CREATE, err);
    bool good = store != NULL && import(data, job, store, err);

    store_close(store);
    return good;
}

static void result(const void *data, struct lines *lines)
{
    const struct import *self = data;
    const struct import_report *report = &self->report;

    lines_printf(lines, 0, MARK_OK, NULL, _("CA \"%s\" is in the store."), self->name);
    lines_printf(lines, 0, MARK_NONE, _("valid"), "%zu", report->valid);
    lines_printf(lines, 0, MARK_NONE, _("revoked"), "%zu", report->revoked);
    lines_printf(lines, 0, MARK_NONE, _("ended"), "%zu", report->expired);
    if (report->serial_only > 0)
        lines_printf(lines, 0, MARK_NONE, _("by number"),
                     _("%zu are known by their serial numbers only"), report->serial_only);
    for (size_t i = 0; i < report->n_notes; i++)
        lines_add(lines, 0, MARK_OFF, NULL, report->notes[i]);
    if (report->notes_left_off > 0)
        lines_printf(lines, 0, MARK_NONE, NULL, _("and %zu more like these"),
                     report->notes_left_off);
    lines_printf(lines, 0, MARK_NONE, NULL,
                 _("CRL number %llu is signed. Next: give it to the servers (Home, Give a server "
                   "the CA)."),
                 (unsigned long long)self->crl_number);
}

static void add_flag(struct strbuf *out, const char *flag, const char *value)
{
    size_t before = out->len;

    strbuf_add_str(out, flag);
    if (value == NULL || value[0] == '\0' || !text_quote_shell(out, value))
        strbuf_truncate(out, before);
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct import *self = data;

    (void)form;
    if (self->name == NULL || self->cert == NULL || self->key == NULL) {
        strbuf_add_str(out, "pgseal ca import NAME --cert pki/ca.crt --key pki/private/ca.key "
                            "\\\n    --index pki\n");
        return;
    }
    add_flag(out, "pgseal ca import ", self->name);
    add_flag(out, " \\\n    --cert ", self->cert);
    add_flag(out, " \\\n    --key ", self->key);
    add_flag(out, " \\\n    --index ", self->folder);
    strbuf_add_char(out, '\n');
}

static void keep(const void *data, const struct form *form, struct app *app)
{
    const struct import *self = data;

    app_keep(app, "ca-import.name", form_text(form, self->name_id));
    app_keep(app, "ca-import.cert", form_text(form, self->cert_id));
    app_keep(app, "ca-import.key", form_text(form, self->key_id));
}

static void free_import(void *data)
{
    struct import *self = data;

    import_report_clear(&self->report);
    secret_free(self->passphrase);
    for (size_t i = 0; i < ARRAY_LEN(self->kept); i++)
        free(self->kept[i]);
    free(self->name);
    free(self->cert);
    free(self->key);
    free(self->folder);
    free(self);
}

static const struct act_step steps[] = {
    {N_("Files"), build_files, check_files, take_files, look},
    {N_("Key"), build_lock, check_lock, take_lock, NULL},
};

static const struct act_ops ops = {
    .name = "ca-import",
    .title = N_("A CA from elsewhere"),
    .where = N_("Authorities > Import"),
    .word = "CA",
    .why = N_("No revocation is lost and no certificate stays unknown: index, files and lists are "
              "all read. What cannot be read is named, and never an error."),
    .go = N_("Import"),
    .stop = N_("Working.  Esc stops; then nothing was taken in."),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .review = review,
    .run = run,
    .result = result,
    .commands = commands,
    .keep = keep,
    .free = free_import,
};

struct screen *page_ca_import(struct app *app)
{
    struct import *self = mem_zalloc(sizeof(*self));

    self->kept[0] = mem_strdup(app_kept(app, "ca-import.name"));
    self->kept[1] = mem_strdup(app_kept(app, "ca-import.cert"));
    self->kept[2] = mem_strdup(app_kept(app, "ca-import.key"));
    return act_page(app, &ops, self);
}
