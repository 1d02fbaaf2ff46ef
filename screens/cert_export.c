/* cert_export.c - a certificate that was issued, into a folder once more: without its key. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "core/store/authority_request.h"
#include "screens/act.h"
#include "screens/certs_job.h"
#include "screens/pages.h"

struct export
{
    char *which;
    struct issued *issued;
    int folder_id;
    char *folder;
    struct kit_files files;
};

static const struct form_field folder_field = {
    .label = N_("Files in"),
    .why = N_("A new folder, mode 0700: certificate, the CA, and a README. The private key is not "
              "kept here, so it cannot come along. No file is overwritten."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "PEM",
    .max = 1000,
    .width = 50,
};

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct export *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);

    if (store == NULL)
        return false;
    self->issued = issued_find(store, self->which, err);
    store_close(store);
    return self->issued != NULL;
}

static void build(void *data, struct form *form)
{
    struct export *self = data;
    char *base = kit_file_base(self->issued->role, self->issued->kind);
    char *name = mem_printf("%s-public", base), *path = app_full_path(name);
    char hex[SERIAL_HEX_MAX], text[1024];

    snprintf(text, sizeof(text), _("%.80s, serial %s"), self->issued->role,
             serial_format_hex(hex, &self->issued->serial));
    form_add_line(form, N_("Certificate"), text);
    app_short_path(path, text, sizeof(text));
    self->folder_id =
        form_add_text(form, &folder_field, self->folder != NULL ? self->folder : text);
    free(path);
    free(name);
    free(base);
}

static void check(void *arg, struct form *form)
{
    struct export *self = arg;

    form_say(form, self->folder_id,
             form_text(form, self->folder_id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void take(void *data, const struct form *form)
{
    struct export *self = data;

    free(self->folder);
    self->folder = app_full_path(form_text(form, self->folder_id));
}

static bool write_kit(struct export *self, struct store *store, struct err *err)
{
    struct authority *authority = authority_load_id(store, self->issued->authority_id, err);
    struct authority_parents parents = {.crls = NULL};
    struct kit_spec spec = {.folder = self->folder,
                            .formats = KIT_PEM,
                            .issued = self->issued,
                            .parents = &parents.certs};
    bool done = false;

    if (authority == NULL)
        return false;
    spec.ca = authority->cert;
    if (authority_load_parents(store, authority, &parents, err))
        done = kit_check(&spec, err) && kit_write(&spec, &self->files, err);
    authority_parents_clear(&parents);
    authority_free(authority);
    return done;
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct export *self = data;
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool done = store != NULL && write_kit(self, store, err);

    store_close(store);
    return done;
}

static void result(const void *data, struct lines *lines)
{
    const struct export *self = data;
    const char *const paths[] = {self->files.certificate, self->files.root, self->files.readme};
    char text[1024];

    app_short_path(self->folder, text, sizeof(text));
    lines_printf(lines, 0, MARK_OK, NULL, _("Written to %s"), text);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const char *name = paths[i] != NULL ? strrchr(paths[i], '/') : NULL;

        if (name != NULL)
            lines_add(lines, 1, MARK_NONE, NULL, name + 1);
    }
    if (!self->issued->delivered)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("Nobody has the key of this certificate: renew it instead."));
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct export *self = data;
    char hex[SERIAL_HEX_MAX];

    (void)form;
    strbuf_add_str(out, _("# the certificate as the store has it\n"));
    strbuf_printf(out, "pgseal show %s\n",
                  self->issued != NULL ? serial_format_hex(hex, &self->issued->serial)
                                       : self->which);
    strbuf_add_str(out, _("\n# the CA that its owner needs beside it\n"));
    strbuf_add_str(out, "pgseal ca export");
    if (self->issued != NULL) {
        strbuf_add_char(out, ' ');
        if (!text_quote_shell(out, self->issued->authority))
            strbuf_add_str(out, "NAME");
    }
    strbuf_add_str(out, " --chain --out root.crt\n");
}

static void free_export(void *data)
{
    struct export *self = data;

    kit_files_clear(&self->files);
    issued_free(self->issued);
    free(self->which);
    free(self->folder);
    free(self);
}

static const struct act_step steps[] = {{N_("Folder"), build, check, take, NULL}};

static const struct act_ops ops = {
    .name = "cert-export",
    .title = N_("Export a certificate"),
    .where = N_("Certificates > Export"),
    .word = "certificate",
    .why = N_("All that is written may be shown to anybody. Who has lost the private key needs a "
              "renewal, not this."),
    .go = N_("Write"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .load = load,
    .run = run,
    .result = result,
    .commands = commands,
    .free = free_export,
};

struct screen *page_cert_export(struct app *app, const char *which)
{
    struct export *self = mem_zalloc(sizeof(*self));

    self->which = mem_strdup(which);
    return act_page(app, &ops, self);
}
