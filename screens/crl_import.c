/* crl_import.c - a list of revoked certificates comes in, by paste or file: another CA's, or a later one of
 * a CA of ours, from a store that went on elsewhere. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/store/crl_adopt.h"
#include "core/store/foreign.h"
#include "screens/act.h"
#include "screens/pages.h"
#include "screens/source_fields.h"

struct import_list {
    struct crl *crl;
    struct cert *ca; /* that signed it */
    char *name;
    enum foreign_import what;
    struct authority *ours; /* NULL: another's CA */
    struct crl_adopted adopted;
};

struct import {
    struct source_fields source;
    struct source_input input;
    struct import_list *lists;
    size_t n;
};

static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why =
        N_("The list of another CA that a server trusts; where that CA is not known here, paste "
           "its certificate with it. Or a later list of one of ours, when this store is an older "
           "copy: it says what was revoked since."),
    .help = N_("PEM, \"BEGIN X509 CRL\". Ctrl-U empties the box."),
    .word = "CRL",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("The list of another CA that a server trusts, or a later one of ours; PEM, or DER as "
              "CAs publish it on the web; PEM may have the CA's certificate in it too."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "CRL",
    .width = 50,
    .max = 1000,
};

static void build_import(void *data, struct form *form)
{
    struct import *self = data;

    source_fields_add(&self->source, form, &paste_field, &file_field, NULL);
    form_focus(form, self->source.paste);
}

static void check_import(void *arg, struct form *form)
{
    struct import *self = arg;

    source_fields_check(&self->source, form);
}

static void take_import(void *data, const struct form *form)
{
    struct import *self = data;

    source_fields_take(&self->source, form, &self->input);
}

static void clear_lists(struct import *self)
{
    for (size_t i = 0; i < self->n; i++) {
        crl_free(self->lists[i].crl);
        cert_free(self->lists[i].ca);
        free(self->lists[i].name);
        authority_free(self->lists[i].ours);
    }
    free(self->lists);
    self->lists = NULL;
    self->n = 0;
}

static void take_crl(struct import *self, struct crl *crl)
{
    self->lists = mem_realloc_array(self->lists, self->n + 1, sizeof(self->lists[0]));
    self->lists[self->n++] = (struct import_list){.crl = crl};
}

static bool read_lists(struct import *self, struct cert_list *certs, struct err *err)
{
    const struct strbuf *bytes = &self->input.bytes;
    struct crl **crls = NULL;
    struct pem pem = {0};
    size_t n = 0;
    bool done;

    if (bytes->len > 1 && bytes->data[0] == '\x30' && (unsigned char)bytes->data[1] >= 0x80) {
        struct crl *crl = crl_from_der(bytes->data, bytes->len, err); /* as CAs publish them */

        if (crl != NULL)
            take_crl(self, crl);
        return crl != NULL;
    }
    pem_scan(bytes->data, bytes->len, &pem);
    done = pem_take_crls_with_cas(&pem, &crls, &n, certs, err);
    for (size_t i = 0; i < n && done; i++)
        take_crl(self, crls[i]);
    free(crls);
    pem_clear(&pem);
    if (done && self->n == 0)
        done = err_set(err, ERR_NOT_A_CRL, _("there is no CRL in it"));
    return done;
}

/* A later list of our own: what this store does not know of it. */
static bool look_at_ours(struct import_list *list, struct store *store, struct err *err)
{
    if (!crl_adopt_find(store, list->crl, &list->ours, err))
        return false;
    if (list->ours == NULL)
        return true;
    list->name = mem_strdup(list->ours->name);
    return crl_adopt_look(store, list->ours, list->crl, &list->adopted, err);
}

static bool says_more(const struct import_list *list)
{
    return list->ours != NULL && (list->adopted.revoked > 0 || list->adopted.behind);
}

/* Who signed it: in what was given, or known to the store. */
static bool find_issuer(struct import_list *list, const struct cert_list *certs,
                        struct store *store, struct err *err)
{
    struct strbuf name = STRBUF_INIT;

    for (size_t i = 0; i < certs->n && list->ca == NULL; i++) {
        if (crl_signed_by(list->crl, certs->certs[i]))
            list->ca = cert_dup(certs->certs[i]);
    }
    if (list->ca == NULL && !foreign_find_issuer(store, list->crl, &list->ca, err))
        return false;
    if (list->ca == NULL) {
        crl_format_issuer(list->crl, &name);
        err_set(err, ERR_CRL_WEAKER, _("no CA is known here that signed the CRL of \"%s\""),
                name.data);
        strbuf_clear(&name);
        return err_hint(err, _("Paste the CA's certificate with it, or take it from a server that "
                               "trusts it: pgseal crl import FILE --server NAME."));
    }
    cert_format_subject(list->ca, &name);
    list->name = strbuf_steal(&name);
    strbuf_clear(&name);
    return true;
}

static bool look_at(struct import_list *list, const struct cert_list *certs, struct store *store,
                    struct err *err)
{
    return look_at_ours(list, store, err) &&
           (list->ours != NULL || find_issuer(list, certs, store, err));
}

static bool look_import(void *data, struct act_job *job, struct err *err)
{
    struct import *self = data;
    struct cert_list certs;
    struct store *store = NULL;
    bool done;

    clear_lists(self);
    cert_list_init(&certs);
    done = source_input_read(&self->input, PEM_SCAN_MAX, err) && read_lists(self, &certs, err) &&
           (store = store_open(act_store_folder(job), STORE_READ, err)) != NULL;
    for (size_t i = 0; i < self->n && done; i++)
        done = look_at(&self->lists[i], &certs, store, err);
    store_close(store);
    cert_list_clear(&certs);
    return done;
}

static void describe(const struct import_list *list, char *out, size_t size)
{
    char date[CLOCK_TEXT_MAX];
    int64_t until = crl_next_update(list->crl);

    snprintf(out, size,
             ngettext("%zu entry, until %s", "%zu entries, until %s",
                      (unsigned long)crl_count(list->crl)),
             crl_count(list->crl),
             until != 0 ? clock_format_date(date, until) : _("it does not say"));
}

/* The CAs of ours whose keys sign the next list: at is which of those with a passphrase. */
static const char *locked_at(const void *data, size_t at)
{
    const struct import *self = data;

    for (size_t i = 0; i < self->n; i++) {
        if (says_more(&self->lists[i]) && self->lists[i].ours->key_encrypted && at-- == 0)
            return self->lists[i].name;
    }
    return NULL;
}

static const char *locked(const void *data)
{
    return locked_at(data, 0);
}

static void review_ours(const struct import_list *list, struct form *form)
{
    const struct crl_adopted *adopted = &list->adopted;
    struct strbuf text = STRBUF_INIT;

    if (!says_more(list)) {
        form_add_line(form, NULL, _("All that it says is known here: nothing would be changed."));
        return;
    }
    strbuf_printf(&text,
                  ngettext("%zu revocation that is not known here",
                           "%zu revocations that are not "
                           "known here",
                           (unsigned long)adopted->revoked),
                  adopted->revoked);
    if (adopted->unknown > 0)
        strbuf_printf(&text,
                      ngettext("\n%zu of a certificate that this store does not have",
                               "\n%zu of certificates that this store does not have",
                               (unsigned long)adopted->unknown),
                      adopted->unknown);
    if (adopted->behind)
        strbuf_add_str(&text, _("\nits number is higher than that of the last list here"));
    form_add_line(form, _("It has"), text.data);
    form_add_line(
        form, NULL,
        _("They are revoked here too, for ever, and this CA's next list is signed with "
          "all of them and a higher number. Nothing that is revoked here is taken back."));
    strbuf_clear(&text);
}

static void review_import(const void *data, struct form *form)
{
    const struct import *self = data;
    size_t n_foreign = 0;
    char text[120];

    for (size_t i = 0; i < self->n; i++) {
        const struct import_list *list = &self->lists[i];

        form_add_line(form, _("CA"), list->name);
        describe(list, text, sizeof(text));
        form_add_line(form, _("List"), text);
        if (list->ours != NULL)
            review_ours(list, form);
        else
            n_foreign++;
    }
    if (n_foreign > 0)
        form_add_line(form, NULL,
                      _("It is stored here and watched; servers get it by \"Bring\" on the page of "
                        "lists. One that lacks a revocation of the one before is not taken."));
}

static bool adopt(struct import_list *list, struct act_job *job, struct store *store, size_t *place,
                  struct err *err)
{
    const struct secret *passphrase = NULL;
    struct key *key;
    bool done;

    if (list->ours->key_encrypted)
        passphrase = act_passphrase_of(job, *place);
    if (list->ours->key_encrypted && passphrase == NULL)
        return err_set(err, ERR_CA_KEY,
                       _("more than %d CAs with a passphrase would have to be opened"), ACT_LOCKS);
    key = authority_unlock(store, list->ours, passphrase, err);
    if (key == NULL && err->code == ERR_PASSPHRASE)
        act_passphrase_is_wrong(job, *place);
    *place += list->ours->key_encrypted;
    done = key != NULL && crl_adopt(store, list->ours, key, list->crl, &list->adopted, err);
    key_free(key);
    return done;
}

static bool run_import(void *data, struct act_job *job, struct err *err)
{
    struct import *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool done = store != NULL;
    size_t place = 0;

    for (size_t i = 0; i < self->n && done; i++) {
        struct import_list *list = &self->lists[i];

        if (list->ours == NULL)
            done = foreign_import(store, list->ca, list->crl, 0, &list->what, err);
        else if (says_more(list))
            done = adopt(list, job, store, &place, err);
    }
    store_close(store);
    return done;
}

static void result_ours(const struct import_list *list, struct lines *lines)
{
    if (!says_more(list)) {
        lines_printf(lines, 0, MARK_OFF, NULL,
                     _("All that this list of \"%s\" says was known here."), list->name);
        return;
    }
    lines_printf(lines, 0, MARK_OK, NULL,
                 ngettext("%zu revocation of \"%s\" was new here.",
                          "%zu revocations of \"%s\" were new here.",
                          (unsigned long)list->adopted.revoked),
                 list->adopted.revoked, list->name);
    lines_printf(lines, 2, MARK_NONE, NULL,
                 _("List number %llu is signed, and has them: b on the page of lists brings it to "
                   "the servers."),
                 (unsigned long long)list->ours->crl.number);
}

static void result_import(const void *data, struct lines *lines)
{
    const struct import *self = data;
    char text[120];

    for (size_t i = 0; i < self->n; i++) {
        const struct import_list *list = &self->lists[i];

        if (list->ours != NULL) {
            result_ours(list, lines);
            continue;
        }
        describe(list, text, sizeof(text));
        lines_printf(lines, 0,
                     list->what == FOREIGN_NEW    ? MARK_OK
                     : list->what == FOREIGN_SAME ? MARK_OFF
                                                  : MARK_WARN,
                     NULL,
                     list->what == FOREIGN_NEW    ? _("The list of %s is stored: %s.")
                     : list->what == FOREIGN_SAME ? _("The list of %s was here already: %s.")
                                                  : _("A later list of %s is here already; this "
                                                      "one: %s."),
                     list->name, text);
    }
}

static void commands_import(const void *data, const struct form *form, struct strbuf *out)
{
    (void)data;
    (void)form;
    strbuf_add_str(out, "pgseal crl import FILE\npgseal crl refresh\n");
}

static void free_import(void *data)
{
    struct import *self = data;

    clear_lists(self);
    source_input_clear(&self->input);
    free(self);
}

static const struct act_step import_steps[] = {
    {N_("List"), build_import, check_import, take_import, look_import}};

static const struct act_ops import_ops = {
    .name = "crl-import",
    .title = N_("A list from elsewhere"),
    .where = N_("CRLs > Import"),
    .word = "CRL",
    .why = N_("PostgreSQL wants a list for EVERY CA that it trusts as soon as one is set: without "
              "another CA's list, all its clients are refused. And no server takes a list of ours "
              "that knows less than the one it has."),
    .go = N_("Take it"),
    .steps = import_steps,
    .n_steps = ARRAY_LEN(import_steps),
    .review = review_import,
    .locked = locked,
    .locked_more = locked_at,
    .run = run_import,
    .result = result_import,
    .commands = commands_import,
    .free = free_import,
};

struct screen *page_crl_import(struct app *app)
{
    struct import *self = mem_zalloc(sizeof(*self));

    source_input_init(&self->input);
    return act_page(app, &import_ops, self);
}
