/* show.c - what anything is: pasted, or from a file; what is in it, what is wrong with it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/inspect.h"
#include "core/store/issued.h"
#include "screens/act.h"
#include "screens/pages.h"
#include "screens/source_fields.h"

struct show {
    struct source_fields source;
    int passphrase_id;
    struct source_input input;
    struct secret *passphrase; /* of a PKCS#12 file or key; or NULL */
    char *kept_file;           /* of an earlier visit; owned */
    /* results */
    struct inspect_node *tree;
    char **known; /* what the store says, one sentence a certificate of ours */
    size_t n_known;
};

static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why = N_("Anything: a certificate, a chain, a request, a CRL, a public key. Line ends, "
              "indentation, mail quotes and text around it are cleaned and named."),
    .help = N_("A private key is thrown away at once, and never shown. Ctrl-U empties the box."),
    .word = "PEM",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("PEM, DER, PKCS#12, PKCS#7, an ssh key: whatever it is. Nothing of a private key is "
              "shown but its kind; the mode of its file is looked at too."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "PEM",
    .width = 50,
    .max = 1000,
};
static const struct form_field passphrase_field = {
    .label = N_("Passphrase"),
    .why = N_("Only to look into a PKCS#12 file or a locked key. Without it, what can be seen from "
              "outside is shown."),
    .help = N_("It is used for this one look and kept nowhere."),
    .word = "passphrase",
    .after = N_("optional"),
    .width = 34,
};

static void build(void *data, struct form *form)
{
    struct show *self = data;

    source_fields_add(&self->source, form, &paste_field, &file_field, self->kept_file);
    self->passphrase_id = form_add_secret(form, &passphrase_field);
    form_focus(form, self->kept_file != NULL ? self->source.file : self->source.paste);
}

static void check(void *arg, struct form *form)
{
    struct show *self = arg;

    source_fields_check(&self->source, form);
    form_show(form, self->passphrase_id, source_fields_from_file(&self->source, form));
}

static void take(void *data, const struct form *form)
{
    struct show *self = data;

    source_fields_take(&self->source, form, &self->input);
    secret_free(self->passphrase);
    self->passphrase = NULL;
    if (source_fields_from_file(&self->source, form) &&
        secret_len(form_secret(form, self->passphrase_id)) > 0)
        self->passphrase = secret_dup(form_secret(form, self->passphrase_id));
}

static void clear_known(struct show *self)
{
    for (size_t i = 0; i < self->n_known; i++)
        free(self->known[i]);
    free(self->known);
    self->known = NULL;
    self->n_known = 0;
}

static void know(struct show *self, struct store *store, const struct cert *cert)
{
    struct serial serial = cert_serial(cert);
    struct err ignored = ERR_INIT; /* not ours, or unclear which: nothing to say */
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];
    struct issued *issued = issued_find(store, serial_format_hex(hex, &serial), &ignored);

    if (issued != NULL && cert_equal(issued->cert, cert)) {
        self->known = mem_realloc_array(self->known, self->n_known + 1, sizeof(*self->known));
        self->known[self->n_known++] =
            issued->revoked_at != 0
                ? mem_printf(_("\"%s\" was issued here, by \"%s\", and revoked on %s (%s)."),
                             issued->role, issued->authority,
                             clock_format_date(date, issued->revoked_at),
                             crl_reason_name(issued->reason))
                : mem_printf(_("\"%s\" was issued here, by \"%s\"."), issued->role,
                             issued->authority);
    }
    issued_free(issued);
}

/* What the store knows of the certificates in it. */
static void ask_store(struct show *self, const char *folder, const struct pem *pem)
{
    struct err ignored = ERR_INIT; /* without a store there is nothing to add */
    struct store *store = store_open(folder, STORE_READ, &ignored);

    for (size_t i = 0; store != NULL && i < pem->n; i++) {
        const struct pem_block *block = &pem->blocks[i];
        struct cert *cert = block->kind == PEM_CERTIFICATE
                                ? cert_from_der(block->der.data, block->der.len, &ignored)
                                : NULL;

        if (cert != NULL)
            know(self, store, cert);
        cert_free(cert);
    }
    store_close(store);
}

static bool run(void *data, struct act_job *job, struct err *err)
{
    struct show *self = data;
    struct inspect_options options = {.now = clock_now()};
    struct pem pem;

    if (!source_input_read(&self->input, PEM_SCAN_MAX, err))
        return false;
    inspect_free(self->tree);
    clear_known(self);
    options.passphrase = self->passphrase;
    options.file_mode = self->input.mode;
    pem_scan(self->input.bytes.data, self->input.bytes.len, &pem);
    self->tree = inspect_bytes(self->input.bytes.data, self->input.bytes.len, &options);
    ask_store(self, act_store_folder(job), &pem);
    pem_clear(&pem);
    strbuf_wipe(&self->input.bytes);
    return true;
}

static void result(const void *data, struct lines *lines)
{
    const struct show *self = data;
    const struct inspect_node *tree = self->tree;

    if (tree->n == 0)
        lines_add(lines, 0, MARK_BAD, NULL, tree->text);
    for (size_t i = 0; i < tree->n; i++) {
        if (tree->children[i]->n > 0)
            lines_head(lines, tree->children[i]->text);
        else
            lines_add(lines, 0, MARK_BAD, NULL, tree->children[i]->text);
        lines_tree(lines, tree->children[i], 0);
    }
    if (self->n_known > 0)
        lines_head(lines, _("This store"));
    for (size_t i = 0; i < self->n_known; i++)
        lines_add(lines, 0, MARK_OK, NULL, self->known[i]);
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct show *self = data;
    const char *path = form != NULL && source_fields_from_file(&self->source, form)
                           ? form_text(form, self->source.file)
                           : self->input.path;

    strbuf_add_str(out, _("# what it is, and what is wrong with it\npgseal show "));
    if (path == NULL || path[0] == '\0' || !text_quote_shell(out, path))
        strbuf_add_str(out, "FILE");
    strbuf_add_str(out, _("\n\n# by hand: one command for each kind\n"));
    strbuf_add_str(out, "openssl x509 -in FILE -noout -text\n"
                        "openssl req -in FILE -noout -text -verify\n"
                        "openssl crl -in FILE -noout -text\n"
                        "openssl pkcs12 -in FILE -info -nokeys\n");
}

static void keep(const void *data, const struct form *form, struct app *app)
{
    const struct show *self = data;

    app_keep(app, "show.file", form_text(form, self->source.file));
}

static void free_show(void *data)
{
    struct show *self = data;

    source_input_clear(&self->input);
    secret_free(self->passphrase);
    inspect_free(self->tree);
    clear_known(self);
    free(self->kept_file);
    free(self);
}

static const struct act_step steps[] = {{N_("Text"), build, check, take, NULL}};

static const struct act_ops ops = {
    .name = "show",
    .title = N_("What is this?"),
    .where = N_("What is this?"),
    .word = "PEM",
    .why = N_("[ok] was checked.  [--] good to know.  [!!] works, and will hurt.  [xx] does not "
              "work with PostgreSQL. Nothing was stored or changed by looking."),
    .go = N_("Show"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .run = run,
    .result = result,
    .commands = commands,
    .keep = keep,
    .free = free_show,
};

struct screen *page_show(struct app *app)
{
    struct show *self = mem_zalloc(sizeof(*self));

    source_input_init(&self->input);
    self->kept_file = mem_strdup(app_kept(app, "show.file"));
    return act_page(app, &ops, self);
}
