/* client_draft.c - the answers for a client certificate. */
#include "config.h"

#include "screens/client_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "screens/by_hand.h"
#include "screens/follow.h"
#include "screens/out_folder.h"

#define DAYS_MAX 36525

enum { SOURCE_NEW_KEY, SOURCE_CSR };

static const struct form_field ca_field = {
    .label = N_("CA"),
    .why = N_("The CA that signs. The server must know it: only certificates of the CAs in its "
              "ssl_ca_file get in."),
    .word = "CA",
};
static const struct form_field role_field = {
    .label = N_("Database role"),
    .why =
        N_("The role that logs in with this certificate. pgseal asks the chosen server whether it "
           "is there; a role that is not there yet can be made later."),
    .help = N_("As in CREATE ROLE, letter by letter: capital letters count.\n"
               "Example: alice        Not: Alice, alice@example.org"),
    .word = "CN",
};
static const struct form_field name_field = {
    .label = N_("Name in cert"),
    .why = N_("With the method \"cert\" a client gets in only when the CN in the certificate is "
              "exactly the role name (capital letters count), or when a map in pg_ident.conf says "
              "that the two belong together."),
    .help = N_("The name that is written into the certificate (CN). When alice logs in, PostgreSQL "
               "compares it with the role she asks for. Usual answer: the same as the role.\n"
               "Printable ASCII, at most 59 characters, without / \\ \" , + ; < >."),
    .word = "CN",
};
static const struct form_field note_field = {
    .label = N_("Note"),
    .why =
        N_("For yourself: who or what uses it. It stays in the store and is not written into the "
           "certificate."),
    .after = N_("optional"),
    .max = 200,
};
static const struct form_field days_field = {
    .label = N_("Valid for"),
    .why =
        N_("When it ends, the client cannot log in any more: renew it before. Short is safe, long "
           "is comfortable; 90 to 365 days are usual. Never longer than the CA."),
    .help = N_("A number of days. F4 takes all that the CA has left when the number is too big."),
    .word = "expiry",
    .width = 8,
    .max = 5,
    .after = N_("days"),
    .allow = "0123456789",
};
static const struct form_field source_field = {
    .label = N_("Private key"),
    .why = N_("Made here, the key goes into the client's folder and nowhere else. With a request "
              "(CSR) the key never leaves the machine that made it: that is the safest way."),
    .word = "CSR",
};
static const struct choice_item source_items[] = {
    {N_("make a new key here (recommended)"), NULL},
    {N_("I have a request (CSR) to paste"), NULL},
};
static const struct form_field csr_field = {
    .label = N_("Request"),
    .why = N_("The text from -----BEGIN CERTIFICATE REQUEST----- to its END line. Only the public "
              "key is taken from it: name, days and rights are those of this form."),
    .word = "CSR",
};
static const struct form_field type_field = {
    .label = N_("Key type"),
    .why =
        N_("EC P-256 works with every client of the last ten years, and each login with it costs "
           "little. RSA is for clients that know nothing else."),
    .word = "private key",
};
static const struct choice_item type_items[] = {
    {N_("EC P-256"), N_("fast and small; the usual choice")},
    {N_("RSA 3072"), N_("for very old clients")},
};
static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_3072};
static const struct form_field p12_field = {
    .label = N_("Also make"),
    .why = N_(
        "Key, certificate and CA in one file, for Java and Windows; libpq (psql, pgAdmin, Python) "
        "does not read it. Its passphrase is the key's."),
    .word = "PKCS#12",
};
static const struct form_field pk8_field = {
    .label = "",
    .why =
        N_("JDBC reads the private key in DER (.pk8). This file is never encrypted: only its mode "
           "0600 guards it."),
    .word = "DER",
};
static const struct form_field folder_field = {
    .label = N_("Files in"),
    .why =
        N_("A new folder, mode 0700: certificate, private key, the CA, and a README with lines to "
           "try. No file is overwritten. The key is kept nowhere else: hand it over."),
    .max = 1000,
    .width = 50,
};

/* ---- values ---- */

const struct client_ca *client_draft_ca(const struct client_draft *draft)
{
    size_t i = draft->ca >= 0 ? form_choice(draft->who, draft->ca) : 0;

    return &draft->facts->cas[i];
}

const char *client_draft_name(const struct client_draft *draft)
{
    return form_text(draft->who, draft->name);
}

int client_draft_days(const struct client_draft *draft)
{
    int64_t days = 0;

    if (!text_parse_int(form_text(draft->who, draft->days), 1, DAYS_MAX, &days))
        return 0;
    return (int)days;
}

int64_t client_draft_not_after(const struct client_draft *draft)
{
    return clock_now() + client_draft_days(draft) * CLOCK_DAY;
}

bool client_draft_from_csr(const struct client_draft *draft)
{
    return form_choice(draft->key, draft->source) == SOURCE_CSR;
}

enum key_type client_draft_type(const struct client_draft *draft)
{
    return types[form_choice(draft->key, draft->type)];
}

unsigned client_draft_formats(const struct client_draft *draft)
{
    unsigned formats = KIT_PEM;

    if (client_draft_from_csr(draft))
        return formats;
    if (form_checked(draft->key, draft->p12))
        formats |= KIT_P12;
    if (form_checked(draft->key, draft->pk8))
        formats |= KIT_PK8;
    return formats;
}

char *client_draft_folder(const struct client_draft *draft)
{
    return app_full_path(form_text(draft->key, draft->folder));
}

/* ---- checks ---- */

static void check_role(struct client_draft *draft, struct form *form)
{
    const char *role = form_text(form, draft->role);
    struct err err = ERR_INIT;
    char note[200];
    enum mark mark;

    if (role[0] == '\0') {
        form_say(form, draft->role, MARK_TODO, NULL);
        role_lookup_ask(draft->lookup, "");
        return;
    }
    if (!name_check_common_name(role, &err)) {
        form_say(form, draft->role, MARK_BAD, err.msg);
        role_lookup_ask(draft->lookup, "");
        return;
    }
    role_lookup_ask(draft->lookup, role);
    mark = role_lookup_say(draft->lookup, note, sizeof(note));
    form_say(form, draft->role, mark, note);
}

static void check_name(struct client_draft *draft, struct form *form)
{
    const char *role = form_text(form, draft->role), *name = form_text(form, draft->name);
    struct err err = ERR_INIT;
    char note[300];

    if (name[0] == '\0') {
        form_say(form, draft->name, MARK_TODO, NULL);
    } else if (!name_check_common_name(name, &err)) {
        form_say(form, draft->name, MARK_BAD, err.msg);
    } else if (strcmp(name, role) != 0) {
        snprintf(note, sizeof(note),
                 _("\"%.60s\" is not \"%.60s\": PostgreSQL compares every letter\nwithout a map in "
                   "pg_ident.conf nobody gets in with it"),
                 name, role);
        form_say(form, draft->name, MARK_WARN, note);
    } else {
        form_say(form, draft->name, MARK_OK, NULL);
        return;
    }
    if (role[0] != '\0') {
        snprintf(note, sizeof(note), _("use \"%.60s\""), role);
        form_offer(form, draft->name, role, note);
    }
}

static void check_days(struct client_draft *draft, struct form *form)
{
    const struct client_ca *ca = client_draft_ca(draft);
    int64_t left = (ca->not_after - clock_now()) / CLOCK_DAY;
    int days = client_draft_days(draft);
    char note[160], date[CLOCK_TEXT_MAX], value[24];

    form_set_after(form, draft->days, NULL);
    if (days == 0) {
        form_say(form, draft->days, form_text(form, draft->days)[0] != '\0' ? MARK_BAD : MARK_TODO,
                 _("a number of days, 1 or more"));
    } else if (days > left) {
        snprintf(note, sizeof(note), _("the CA ends %s, in %lld days"),
                 clock_format_date(date, ca->not_after), (long long)left);
        form_say(form, draft->days, MARK_BAD, note);
        snprintf(value, sizeof(value), "%lld", (long long)(left > 0 ? left : 0));
        snprintf(note, sizeof(note), _("use %s"), value);
        if (left > 0)
            form_offer(form, draft->days, value, note);
    } else {
        snprintf(note, sizeof(note), _("days    ends %s"),
                 clock_format_date(date, client_draft_not_after(draft)));
        form_set_after(form, draft->days, note);
        form_say(form, draft->days, MARK_OK, NULL);
    }
}

static void check_who(void *arg, struct form *form)
{
    struct client_draft *draft = arg;

    follow(form, draft->name, &draft->named_after, form_text(form, draft->role));
    check_role(draft, form);
    check_days(draft, form);
    check_name(draft, form); /* last: its offer is the one that counts */
}

static void check_key(void *arg, struct form *form)
{
    struct client_draft *draft = arg;
    bool from_csr = client_draft_from_csr(draft);

    form_show(form, draft->csr, from_csr);
    form_show(form, draft->type, !from_csr);
    form_show(form, draft->p12, !from_csr);
    form_show(form, draft->pk8, !from_csr);
    if (from_csr) {
        csr_box_check(&draft->box, form, draft->csr);
        key_protection_show(&draft->protection, form, false);
    } else {
        key_protection_check(&draft->protection, form);
        if (form_checked(form, draft->p12) && key_protection_none(&draft->protection, form))
            form_say(form, draft->p12, MARK_BAD,
                     _("a PKCS#12 file needs a passphrase: choose one above"));
    }
    out_folder_say(form, draft->folder);
}

void client_draft_enter_key(struct client_draft *draft)
{
    char *name = kit_file_base(client_draft_name(draft), ISSUED_CLIENT);
    char *folder = out_folder_propose(draft->app, ISSUED_CLIENT, name);

    follow(draft->key, draft->folder, &draft->folder_after, folder);
    free(name);
    free(folder);
    form_recheck(draft->key);
}

/* ---- life ---- */

static void add_ca(struct client_draft *draft)
{
    const struct client_facts *facts = draft->facts;
    size_t n = facts->n;

    draft->ca = -1;
    if (n < 2) {
        form_add_line(draft->who, N_("CA"), facts->cas[0].name);
        return;
    }
    draft->ca_items = mem_array(n, sizeof(*draft->ca_items));
    draft->ca_notes = mem_array(n, sizeof(*draft->ca_notes));
    for (size_t i = 0; i < n; i++) {
        char date[CLOCK_TEXT_MAX];

        draft->ca_notes[i] =
            mem_printf(_("ends %s"), clock_format_date(date, facts->cas[i].not_after));
        draft->ca_items[i] =
            (struct choice_item){.label = facts->cas[i].name, .note = draft->ca_notes[i]};
    }
    draft->ca = form_add_choice(draft->who, &ca_field, draft->ca_items, n, 0);
}

void client_draft_init(struct client_draft *draft, struct app *app,
                       const struct client_facts *facts, struct role_lookup *lookup)
{
    const char *days = app_kept(app, "new-client.days");
    int64_t left = (facts->cas[0].not_after - clock_now()) / CLOCK_DAY;
    char text[24];

    *draft = (struct client_draft){.app = app, .facts = facts, .lookup = lookup};
    snprintf(text, sizeof(text), "%lld",
             (long long)(left < 1                    ? 1
                         : left < ISSUED_CLIENT_DAYS ? left
                                                     : ISSUED_CLIENT_DAYS));
    draft->named_after = mem_strdup("");
    draft->folder_after = mem_strdup("");
    draft->who = form_new(NULL, NULL, check_who, draft);
    add_ca(draft);
    draft->role = form_add_text(draft->who, &role_field, app_kept(app, "new-client.role"));
    draft->name = form_add_text(draft->who, &name_field, app_kept(app, "new-client.name"));
    draft->note = form_add_text(draft->who, &note_field, app_kept(app, "new-client.note"));
    draft->days = form_add_text(draft->who, &days_field, days != NULL ? days : text);
    form_focus(draft->who, draft->role);

    draft->key = form_new(NULL, NULL, check_key, draft);
    draft->source =
        form_add_choice(draft->key, &source_field, source_items, ARRAY_LEN(source_items), 0);
    draft->csr = form_add_paste(draft->key, &csr_field, 6);
    draft->type = form_add_choice(draft->key, &type_field, type_items, ARRAY_LEN(type_items), 0);
    key_protection_add(&draft->protection, draft->key, KEY_PROTECTION_CLIENT);
    draft->p12 = form_add_check(draft->key, &p12_field, N_("PKCS#12, for Java and Windows"), false);
    draft->pk8 = form_add_check(draft->key, &pk8_field, N_("PKCS#8 in DER, for JDBC"), false);
    draft->folder = form_add_text(draft->key, &folder_field, "");
    form_recheck(draft->who);
    form_recheck(draft->key);
}

void client_draft_clear(struct client_draft *draft)
{
    if (draft->who == NULL)
        return;
    app_keep(draft->app, "new-client.role", form_text(draft->who, draft->role));
    app_keep(draft->app, "new-client.name", form_text(draft->who, draft->name));
    app_keep(draft->app, "new-client.note", form_text(draft->who, draft->note));
    app_keep(draft->app, "new-client.days", form_text(draft->who, draft->days));
    form_free(draft->who);
    form_free(draft->key);
    csr_box_clear(&draft->box);
    for (size_t i = 0; draft->ca_notes != NULL && i < draft->facts->n; i++)
        free(draft->ca_notes[i]);
    free(draft->ca_notes);
    free(draft->ca_items);
    free(draft->named_after);
    free(draft->folder_after);
    *draft = (struct client_draft){0};
}

/* ---- what it adds up to ---- */

struct new_client_job *client_draft_job(const struct client_draft *draft)
{
    struct new_client_job *job = new_client_job_new(draft->app);
    const char *note = form_text(draft->who, draft->note);

    job->ca = mem_strdup(client_draft_ca(draft)->name);
    job->name = mem_strdup(client_draft_name(draft));
    job->note = note[0] != '\0' ? mem_strdup(note) : NULL;
    job->days = client_draft_days(draft);
    job->type = client_draft_type(draft);
    job->formats = client_draft_formats(draft);
    job->folder = client_draft_folder(draft);
    job->host = mem_strdup(draft->facts->host);
    job->port = draft->facts->port;
    if (client_draft_from_csr(draft))
        job->csr = mem_strdup(draft->box.pem);
    else
        job->key_passphrase = secret_dup(key_protection_secret(&draft->protection, draft->key));
    return job;
}

void client_draft_commands(const struct client_draft *draft, struct strbuf *out)
{
    const char *name = client_draft_name(draft);
    int days = client_draft_days(draft);
    char *folder = client_draft_folder(draft);

    by_hand_client(out,
                   &(struct by_hand_client){
                       .role = name[0] != '\0' ? name : "alice",
                       .ca = client_draft_ca(draft)->name,
                       .type = client_draft_type(draft),
                       .days = days > 0 ? days : ISSUED_CLIENT_DAYS,
                       .passphrase = !key_protection_none(&draft->protection, draft->key),
                       .csr = client_draft_from_csr(draft),
                       .p12 = (client_draft_formats(draft) & KIT_P12) != 0,
                       .pk8 = (client_draft_formats(draft) & KIT_PK8) != 0,
                       .folder = form_text(draft->key, draft->folder)[0] != '\0' ? folder : NULL});
    free(folder);
}
