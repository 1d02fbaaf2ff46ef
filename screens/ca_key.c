/* ca_key.c - what is done with a CA's key: another end date, another passphrase. */
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
#include "screens/pages.h"

#define DAYS_MAX 36525

/* ---- renew: the same name and key, a new end ---- */

static const struct form_field days_field = {
    .label = N_("Valid for"),
    .why = N_("From today. All that it issued goes on verifying; servers and clients get the new "
              "certificate before the old one ends."),
    .help = N_("A number of days; 3652 are ten years."),
    .word = "expiry",
    .width = 8,
    .max = 5,
    .after = N_("days"),
    .allow = "0123456789",
};
static const struct form_field request_field = {
    .label = N_("Request to"),
    .why = N_("An intermediate CA cannot renew itself: its root signs this request, and the "
              "certificate that comes back is taken in with \"Certificate in\"."),
    .help = N_("An absolute path, one from here, or ~/... No file is overwritten."),
    .word = "CSR",
    .width = 50,
    .max = 1000,
};

static bool is_intermediate(const struct ca_act *self)
{
    return self->parents.certs.n > 0;
}

static void build_renew(void *data, struct form *form)
{
    struct ca_act *self = data;
    char text[1024], date[CLOCK_TEXT_MAX];

    self->file_id = self->days_id = -1;
    snprintf(text, sizeof(text), _("%.80s\nends %s"), self->name,
             clock_format_date(date, cert_not_after(self->authority->cert)));
    form_add_line(form, N_("CA"), text);
    if (is_intermediate(self)) {
        ca_act_propose_file(self->name, ".csr", text, sizeof(text));
        self->file_id = form_add_text(form, &request_field, text);
    } else {
        snprintf(text, sizeof(text), "%d", AUTHORITY_DEFAULT_DAYS);
        self->days_id = form_add_text(form, &days_field, text);
    }
}

static void check_renew(void *arg, struct form *form)
{
    struct ca_act *self = arg;
    char note[80], date[CLOCK_TEXT_MAX];
    int64_t days;

    if (self->file_id >= 0) {
        ca_act_check_file(self, form);
        return;
    }
    form_set_after(form, self->days_id, NULL);
    if (!text_parse_int(form_text(form, self->days_id), 1, DAYS_MAX, &days)) {
        form_say(form, self->days_id, MARK_TODO, _("a number of days, 1 or more"));
        return;
    }
    snprintf(note, sizeof(note), _("days    ends %s"),
             clock_format_date(date, clock_now() + days * CLOCK_DAY));
    form_set_after(form, self->days_id, note);
    if (clock_now() + days * CLOCK_DAY <= cert_not_after(self->authority->cert))
        form_say(form, self->days_id, MARK_WARN, _("that is not later than it ends now"));
    else
        form_say(form, self->days_id, MARK_OK, NULL);
}

static void take_renew(void *data, const struct form *form)
{
    struct ca_act *self = data;
    int64_t days = 0;

    if (self->days_id >= 0 && text_parse_int(form_text(form, self->days_id), 1, DAYS_MAX, &days))
        self->days = (int)days;
    free(self->path);
    self->path = self->file_id >= 0 ? app_full_path(form_text(form, self->file_id)) : NULL;
}

static void review_renew(const void *data, struct form *form)
{
    const struct ca_act *self = data;
    char text[1200], path[1024], date[CLOCK_TEXT_MAX];

    form_add_line(form, NULL, _("This will be made. Nothing on a server is changed."));
    form_add_line(form, N_("= name, key"), _("stay: all certificates of it go on verifying"));
    if (self->path != NULL) {
        app_short_path(self->path, path, sizeof(path));
        snprintf(text, sizeof(text), _("%s\nfor the root to sign"), path);
        form_add_line(form, N_("+ request"), text);
        return;
    }
    snprintf(text, sizeof(text), _("%d days, ends %s"), self->days,
             clock_format_date(date, clock_now() + self->days * CLOCK_DAY));
    form_add_line(form, N_("+ certificate"), text);
    form_add_line(form, N_("+ canaries"), _("two new ones, which end with it; and its next CRL"));
    if (self->servers[0] != '\0')
        form_add_line(form, N_("! servers"), self->servers);
}

static bool write_request(struct ca_act *self, const struct key *key, struct err *err)
{
    struct csr *csr = authority_request_renewal(self->authority, key, err);
    struct strbuf pem = STRBUF_INIT;
    bool good = csr != NULL && csr_to_pem(csr, &pem, err) &&
                fs_write_new(self->path, pem.data, pem.len, FS_MODE_PUBLIC, err);

    free(self->pem);
    self->pem = strbuf_steal(&pem);
    csr_free(csr);
    return good;
}

static bool renew(struct ca_act *self, struct store *store, const struct key *key, struct err *err)
{
    struct authority_renewed renewed = {NULL, false};
    struct strbuf pem = STRBUF_INIT;
    bool good = authority_renew(store, self->authority, key, self->days, &renewed, err);

    if (good) {
        self->same_serial = renewed.same_serial;
        self->not_after = cert_not_after(renewed.authority->cert);
        good = cert_to_pem(renewed.authority->cert, &pem, err);
        authority_free(renewed.authority);
    }
    free(self->pem);
    self->pem = strbuf_steal(&pem);
    return good;
}

static bool run_renew(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    struct key *key = NULL;
    bool good = false;

    if (store != NULL)
        key = authority_unlock(store, self->authority, act_passphrase(job), err);
    if (key != NULL)
        good = self->path != NULL ? write_request(self, key, err) : renew(self, store, key, err);
    key_free(key);
    store_close(store);
    return good;
}

static void result_renew(const void *data, struct lines *lines)
{
    const struct ca_act *self = data;
    char path[1024], date[CLOCK_TEXT_MAX];

    if (self->path != NULL) {
        app_short_path(self->path, path, sizeof(path));
        lines_printf(lines, 0, MARK_OK, NULL, _("The request is in %s"), path);
        lines_add(lines, 0, MARK_NONE, NULL,
                  _("Next: its root signs it (CA:TRUE, keyCertSign, cRLSign); then take the "
                    "certificate in, on the sheet of this CA, with i."));
        return;
    }
    lines_printf(lines, 0, MARK_OK, NULL, _("\"%s\" has a new certificate.  Ends %s."), self->name,
                 clock_format_date(date, self->not_after));
    if (self->same_serial)
        lines_add(lines, 0, MARK_NONE, NULL,
                  _("It keeps its serial number: certificates from before the import name it."));
    if (self->servers[0] != '\0')
        lines_printf(
            lines, 0, MARK_WARN, NULL,
            _("Next: give it to %s (Home, Give a server the CA), before the old one ends."),
            self->servers);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Clients that check the server with this CA need the new certificate too."));
}

static void commands_renew(const void *data, const struct form *form, struct strbuf *out)
{
    const struct ca_act *self = data;

    (void)form;
    ca_act_command(self, out, "renew");
    if (is_intermediate(self))
        strbuf_add_str(out, " --out ca.csr\n");
    else
        strbuf_printf(out, " --days %d\n", self->days > 0 ? self->days : AUTHORITY_DEFAULT_DAYS);
    if (self->servers != NULL && self->servers[0] != '\0')
        strbuf_printf(out, _("\n# then, for each of %s\npgseal server trust NAME\n"),
                      self->servers);
}

static const struct act_step renew_steps[] = {
    {N_("End"), build_renew, check_renew, take_renew, NULL}};

static const struct act_ops renew_ops = {
    .name = "ca-renew",
    .title = N_("Renew a CA"),
    .where = N_("Authorities > Renew"),
    .word = "renew",
    .why = N_("The same name and the same key with a new end date. For a new key, a new CA is made "
              "and rotated in: that is another thing."),
    .go = N_("Renew"),
    .steps = renew_steps,
    .n_steps = 1,
    .load = ca_act_load,
    .review = review_renew,
    .locked = ca_act_locked,
    .run = run_renew,
    .result = result_renew,
    .copy = ca_act_copy,
    .commands = commands_renew,
    .free = ca_act_free,
};

struct screen *page_ca_renew(struct app *app, const char *name)
{
    return act_page(app, &renew_ops, ca_act_new(name));
}

/* ---- another passphrase ---- */

static void build_passphrase(void *data, struct form *form)
{
    struct ca_act *self = data;

    form_add_line(form, N_("CA"), self->name);
    key_protection_add(&self->protection, form, KEY_PROTECTION_CA);
}

static void check_passphrase(void *arg, struct form *form)
{
    struct ca_act *self = arg;

    key_protection_check(&self->protection, form);
    if (key_protection_none(&self->protection, form))
        form_say(form, self->protection.choice, MARK_WARN,
                 _("whoever copies the file can sign as this CA"));
}

static void take_passphrase(void *data, const struct form *form)
{
    struct ca_act *self = data;

    secret_free(self->passphrase);
    self->passphrase = secret_dup(key_protection_secret(&self->protection, form));
}

static void review_passphrase(const void *data, struct form *form)
{
    const struct ca_act *self = data;

    form_add_line(form, NULL, _("This will be changed. Nothing on a server is changed."));
    form_add_line(form, N_("CA"), self->name);
    form_add_line(form, N_("~ key file"),
                  self->passphrase != NULL
                      ? _("encrypted anew; the old file is removed")
                      : _("[!!] NOT encrypted any more: only its mode 0600 guards it"));
    form_add_line(form, N_("= the key"), _("stays: no certificate and no server is touched"));
}

static bool run_passphrase(void *data, struct act_job *job, struct err *err)
{
    struct ca_act *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    struct key *key = NULL;
    bool good = false;

    if (store != NULL)
        key = authority_unlock(store, self->authority, act_passphrase(job), err);
    if (key != NULL)
        good = authority_set_passphrase(store, self->authority, key, self->passphrase, err);
    key_free(key);
    store_close(store);
    return good;
}

static void result_passphrase(const void *data, struct lines *lines)
{
    const struct ca_act *self = data;

    lines_printf(lines, 0, MARK_OK, NULL,
                 self->passphrase != NULL ? _("The key of \"%s\" has a new passphrase.")
                                          : _("The key of \"%s\" has no passphrase any more."),
                 self->name);
    lines_add(lines, 0, MARK_NONE, NULL, _("Backups made before still open with the old one."));
}

static void commands_passphrase(const void *data, const struct form *form, struct strbuf *out)
{
    (void)form;
    ca_act_command(data, out, "passphrase");
    strbuf_add_char(out, '\n');
}

static const struct act_step passphrase_steps[] = {
    {N_("New one"), build_passphrase, check_passphrase, take_passphrase, NULL}};

static const struct act_ops passphrase_ops = {
    .name = "ca-passphrase",
    .title = N_("Change the passphrase of a CA"),
    .where = N_("Authorities > Passphrase"),
    .word = "passphrase",
    .why = N_("The key stays the same, so nothing else has to change. A passphrase that somebody "
              "else may know is changed here; a key that somebody may have is not saved by it."),
    .go = N_("Change it"),
    .steps = passphrase_steps,
    .n_steps = 1,
    .load = ca_act_load,
    .review = review_passphrase,
    .locked = ca_act_locked,
    .run = run_passphrase,
    .result = result_passphrase,
    .commands = commands_passphrase,
    .free = ca_act_free,
};

struct screen *page_ca_passphrase(struct app *app, const char *name)
{
    return act_page(app, &passphrase_ops, ca_act_new(name));
}
