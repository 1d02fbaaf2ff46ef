/* crl_files.c - lists of revoked certificates from and for elsewhere: another CA's list comes in, by paste
 * or file; one of ours goes out as a file. */
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
#include "core/store/foreign.h"
#include "screens/act.h"
#include "screens/pages.h"
#include "screens/source_fields.h"

#define FILE_MODE 0644 /* a list is for everybody */

/* ---- in ---- */

struct import_list {
    struct crl *crl;
    struct cert *ca; /* that signed it */
    char *name;
    enum foreign_import what;
};

struct import {
    struct source_fields source;
    struct source_input input;
    struct import_list *lists;
    size_t n;
};

static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why = N_("The list of another CA that one of your servers trusts. Where that CA is not known "
              "here, paste its certificate with it: it tells whether the list is right."),
    .help = N_("PEM, \"BEGIN X509 CRL\". Ctrl-U empties the box."),
    .word = "CRL",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("The list of another CA that one of your servers trusts, PEM, or DER as CAs publish "
              "it on the web; PEM may have the CA's certificate in it too."),
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

/* Who signed it: in what was given, or known to the store. Our own lists are signed here, and only here. */
static bool find_issuer(struct import_list *list, const struct cert_list *certs,
                        struct store *store, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    struct authority *ours = NULL;

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
    if (!authority_find(store, list->ca, &ours, err))
        return false;
    if (ours == NULL)
        return true;
    err_set(err, ERR_POLICY, _("\"%s\" is a CA of this store: its lists are signed here"),
            ours->name);
    authority_free(ours);
    return err_hint(err,
                    _("A later one of a store that went on elsewhere is taken over by \"pgseal "
                      "crl import FILE\"."));
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
        done = find_issuer(&self->lists[i], &certs, store, err);
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

static void review_import(const void *data, struct form *form)
{
    const struct import *self = data;
    char text[120];

    for (size_t i = 0; i < self->n; i++) {
        form_add_line(form, _("CA"), self->lists[i].name);
        describe(&self->lists[i], text, sizeof(text));
        form_add_line(form, _("List"), text);
    }
    form_add_line(form, NULL,
                  _("It is stored here and watched; servers get it by \"Bring\" on the page of "
                    "lists. One that lacks a revocation of the one before is not taken."));
}

static bool run_import(void *data, struct act_job *job, struct err *err)
{
    struct import *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_WRITE, err);
    bool done = store != NULL;

    for (size_t i = 0; i < self->n && done; i++)
        done = foreign_import(store, self->lists[i].ca, self->lists[i].crl, 0, &self->lists[i].what,
                              err);
    store_close(store);
    return done;
}

static void result_import(const void *data, struct lines *lines)
{
    const struct import *self = data;
    char text[120];

    for (size_t i = 0; i < self->n; i++) {
        const struct import_list *list = &self->lists[i];

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
    .title = N_("Another CA's list"),
    .where = N_("CRLs > Import"),
    .word = "CRL",
    .why = N_("PostgreSQL wants a list for EVERY CA that it trusts as soon as one is set: without "
              "the other CA's list, all its clients are refused."),
    .go = N_("Store it"),
    .steps = import_steps,
    .n_steps = ARRAY_LEN(import_steps),
    .review = review_import,
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

/* ---- out ---- */

struct export
{
    char *name, *path;
    int file_id;
};

static const struct form_field out_field = {
    .label = N_("File"),
    .why = N_("The list that counts now, as PEM: for a server that pgseal does not reach, or for a "
              "web page. It may be shown to anybody."),
    .help = N_("An absolute path, one from here, or ~/... No file is overwritten."),
    .word = "CRL",
    .width = 50,
    .max = 1000,
};

static void build_export(void *data, struct form *form)
{
    struct export *self = data;
    struct strbuf name = STRBUF_INIT;
    char *path, shown[1024];

    for (const char *at = self->name; *at != '\0'; at++)
        strbuf_add_char(&name, strchr(" /\\", *at) != NULL ? '-' : *at);
    strbuf_add_str(&name, ".crl");
    path = app_full_path(name.data);
    app_short_path(path, shown, sizeof(shown));
    self->file_id = form_add_text(form, &out_field, shown);
    free(path);
    strbuf_clear(&name);
}

static void check_export(void *arg, struct form *form)
{
    struct export *self = arg;

    form_say(form, self->file_id, form_text(form, self->file_id)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
}

static void take_export(void *data, const struct form *form)
{
    struct export *self = data;

    free(self->path);
    self->path = app_full_path(form_text(form, self->file_id));
}

static bool run_export(void *data, struct act_job *job, struct err *err)
{
    struct export *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    struct authority *authority = store != NULL ? authority_load(store, self->name, err) : NULL;
    struct crl *crl = authority != NULL ? authority_crl(store, authority, err) : NULL;
    struct strbuf pem = STRBUF_INIT;
    bool done = crl != NULL && crl_to_pem(crl, &pem, err) &&
                fs_write_new(self->path, pem.data, pem.len, FILE_MODE, err);

    strbuf_clear(&pem);
    crl_free(crl);
    authority_free(authority);
    store_close(store);
    return done;
}

static void result_export(const void *data, struct lines *lines)
{
    const struct export *self = data;
    char path[1024];

    app_short_path(self->path, path, sizeof(path));
    lines_printf(lines, 0, MARK_OK, NULL, _("Written to %s"), path);
    lines_printf(lines, 0, MARK_NONE, NULL, "openssl crl -in %s -noout -text", path);
}

static void commands_export(const void *data, const struct form *form, struct strbuf *out)
{
    const struct export *self = data;
    const char *path = form != NULL ? form_text(form, self->file_id) : self->path;

    strbuf_add_str(out, "pgseal crl export --ca ");
    if (!text_quote_shell(out, self->name))
        strbuf_add_str(out, "CA");
    strbuf_add_str(out, " --out ");
    if (path == NULL || path[0] == '\0' || !text_quote_shell(out, path))
        strbuf_add_str(out, "FILE");
    strbuf_add_char(out, '\n');
}

static void free_export(void *data)
{
    struct export *self = data;

    free(self->name);
    free(self->path);
    free(self);
}

static const struct act_step export_steps[] = {
    {N_("File"), build_export, check_export, take_export, NULL}};

static const struct act_ops export_ops = {
    .name = "crl-export",
    .title = N_("The list as a file"),
    .where = N_("CRLs > Export"),
    .word = "CRL",
    .why = N_("A copy grows old: whoever has it needs the next one before it ends."),
    .go = N_("Write"),
    .steps = export_steps,
    .n_steps = ARRAY_LEN(export_steps),
    .run = run_export,
    .result = result_export,
    .commands = commands_export,
    .free = free_export,
};

struct screen *page_crl_export(struct app *app, const char *ca)
{
    struct export *self = mem_zalloc(sizeof(*self));

    self->name = mem_strdup(ca);
    return act_page(app, &export_ops, self);
}
