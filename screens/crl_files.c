/* crl_files.c - the list of one of our CAs as a file. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority.h"
#include "screens/act.h"
#include "screens/pages.h"

#define FILE_MODE 0644 /* a list is for everybody */

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
