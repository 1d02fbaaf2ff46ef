/* client_trust.c - a trust file for clients: old and new CA together, tried on a running server, what is in
 * it shown before it is written, and what clients do with it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/act.h"
#include "screens/client_trust_job.h"

#define PEM_NAME "trust.crt"
#define P12_NAME "trust.p12"

struct page {
    struct client_trust trust; /* first: jobs and steps share it */
    /* fields; -1: not asked */
    int ca_ids[CLIENT_TRUST_CAS];
    int others_id, tried_id, format_id, path_id, passphrase_id, java_id;
    struct source_fields source;
};

static const struct form_field first_ca_field = {
    .label = N_("CAs in it"),
    .why = N_("The CA that signed the server's present certificate, and the one that will sign the "
              "next: with both in the file clients go on before, during and after the change."),
    .help = N_("A CA goes in by its root. One that has ended is left out by itself. Space ticks."),
    .word = "CA",
};
static const struct form_field ca_field = {
    .why = N_("The CA that signed the server's present certificate, and the one that will sign the "
              "next: with both in the file clients go on before, during and after the change."),
    .help = N_("A CA goes in by its root. One that has ended is left out by itself. Space ticks."),
    .word = "CA",
};
static const struct form_field others_field = {
    .label = N_("Others"),
    .why =
        N_("CAs that this store does not know: a provider's, or what the clients trust today "
           "(their root.crt). All certificates in it are taken; the same one twice counts once."),
    .help = N_("A paste or a file, PEM or DER. A private key in it is refused and wiped."),
    .word = "PEM",
};
static const struct form_field paste_field = {
    .label = N_("Paste"),
    .why =
        N_("Everything from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, as many as "
           "there are; text between them does no harm. Never paste a private key."),
    .help = N_("Ctrl-U empties the box; a second paste is added to the first."),
    .word = "PEM",
};
static const struct form_field file_field = {
    .label = N_("File"),
    .why = N_("Certificates of CAs: what a provider gives as a bundle, or the clients' present "
              "root.crt."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "PEM",
    .width = 48,
    .max = 1000,
};
static const struct form_field tried_field = {
    .label = N_("Try it on"),
    .why =
        N_("A handshake as a client with this file would do it: where the chain does not lead to "
           "it, nothing is written. Of a cluster each member is tried."),
    .help =
        N_("Names of the store's servers or clusters, or HOST:PORT; blanks between them. Empty: "
           "it is written without having been tried."),
    .word = "verify-full",
    .width = 48,
    .max = 500,
};
static const struct form_field format_field = {
    .label = N_("Form"),
    .why =
        N_("PEM is for libpq (psql, Python, Go, Node, .NET) and most others. A truststore is for "
           "Java programs that do not read PEM."),
    .help = N_("Take this page again for the other form: the file may exist in both."),
    .word = "PKCS#12",
};
static const struct choice_item format_items[] = {
    {N_("PEM"), N_("text; libpq: sslrootcert")},
    {N_("PKCS#12"), N_("a Java truststore")},
    {N_("PKCS#12, old"), N_("for Java 8 before update 301")},
};
static const struct form_field path_field = {
    .label = N_("File"),
    .why = N_("A new file on this machine, readable for everybody: there is nothing secret in it. "
              "Nothing is overwritten."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "PEM",
    .width = 48,
    .max = 1000,
};
static const struct form_field passphrase_field = {
    .label = N_("Its password"),
    .why = N_("Java asks for one. Nothing in the file is secret, so the usual one is fine: it only "
              "shows that the file was not changed by accident."),
    .help = N_("Empty: changeit, as with every truststore that comes with Java."),
    .word = "passphrase",
    .width = 34,
    .after = N_("optional"),
};

/* ---- step 1: the CAs ---- */

static bool load(void *data, struct act_job *job, struct err *err)
{
    struct page *self = data;

    return client_trust_load(&self->trust, act_store_folder(job), err);
}

static void build_cas(void *data, struct form *form)
{
    struct page *self = data;
    struct client_trust *trust = &self->trust;

    for (size_t i = 0; i < trust->n_cas; i++)
        self->ca_ids[i] =
            form_add_check(form, i == 0 ? &first_ca_field : &ca_field, trust->cas[i].label,
                           trust->cas[i].picked || (trust->n_cas == 1 && !trust->cas[i].ended));
    self->others_id = form_add_check(form, &others_field, N_("and CAs that are not in this list"),
                                     trust->n_cas == 0);
    source_fields_add(&self->source, form, &paste_field, &file_field, NULL);
    self->tried_id = form_add_text(form, &tried_field, trust->pick_server);
}

/* A server of the store, a cluster, or an address. */
static bool is_known(const struct client_trust *trust, const char *name, size_t len)
{
    for (size_t i = 0; i < trust->n_servers; i++)
        if (strlen(trust->servers[i]) == len && strncmp(trust->servers[i], name, len) == 0)
            return true;
    return memchr(name, ':', len) != NULL || memchr(name, '.', len) != NULL;
}

static void check_tried(const struct page *self, struct form *form)
{
    const char *at = form_text(form, self->tried_id);
    bool any = false;
    char note[160];
    size_t len;

    while ((len = client_trust_next_name(&at)) > 0) {
        if (!is_known(&self->trust, at, len)) {
            snprintf(note, sizeof(note), _("no server of the store is called \"%.*s\""),
                     len < 60 ? (int)len : 60, at);
            form_say(form, self->tried_id, MARK_BAD, note);
            return;
        }
        any = true;
        at += len;
    }
    form_say(form, self->tried_id, any ? MARK_OK : MARK_WARN,
             any ? NULL : _("not tried: nobody knows then whether it fits to a server"));
}

static void check_cas(void *arg, struct form *form)
{
    struct page *self = arg;
    bool others = form_checked(form, self->others_id), any = others;

    source_fields_check(&self->source, form);
    if (!others) {
        form_show(form, self->source.paste, false);
        form_show(form, self->source.file, false);
    }
    form_show(form, self->source.choice, others);
    for (size_t i = 0; i < self->trust.n_cas; i++)
        any = any || form_checked(form, self->ca_ids[i]);
    form_say(form, self->trust.n_cas > 0 ? self->ca_ids[0] : self->others_id,
             any ? MARK_NONE : MARK_TODO, any ? NULL : _("at least one CA goes in"));
    check_tried(self, form);
}

static void take_cas(void *data, const struct form *form)
{
    struct page *self = data;
    struct client_trust *trust = &self->trust;

    for (size_t i = 0; i < trust->n_cas; i++)
        trust->cas[i].picked = form_checked(form, self->ca_ids[i]);
    trust->others = form_checked(form, self->others_id);
    if (trust->others)
        source_fields_take(&self->source, form, &trust->input);
    free(trust->tried);
    trust->tried = mem_strdup(form_text(form, self->tried_id));
}

static bool look(void *data, struct act_job *job, struct err *err)
{
    struct page *self = data;

    return client_trust_look(&self->trust, act_store_folder(job), act_stopped, job, err);
}

/* ---- step 2: what is in it ---- */

static void show_row(const struct trust_row *row, struct lines *lines)
{
    struct strbuf subject = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX], sha256[CERT_SHA256_HEX];

    cert_format_subject(row->cert, &subject);
    lines_add(lines, 0, MARK_OK, NULL, subject.data);
    lines_printf(lines, 1, MARK_NONE, NULL, _("ends %s, SHA-256 %.16s..., from %s"),
                 clock_format_date(date, cert_not_after(row->cert)),
                 cert_sha256_hex(row->cert, sha256), row->from);
    if (row->part == TRUST_ALONE)
        lines_add(lines, 1, MARK_WARN, NULL,
                  _("it is no CA: this one server is trusted, and nobody else"));
    else if (row->orphan)
        lines_add(lines, 1, MARK_WARN, NULL,
                  _("an intermediate, and its root is not here: libpq trusts nothing by it"));
    else if (row->part == TRUST_INTERMEDIATE)
        lines_add(lines, 1, MARK_NONE, NULL,
                  _("an intermediate: its root is here; it only helps a server that does not "
                    "send it"));
    if (row->same_name)
        lines_add(lines, 1, row->same_key ? MARK_NONE : MARK_WARN, NULL,
                  row->same_key ? _("the same name and key stands here twice: a renewed CA")
                                : _("another one here has this name and another key: compare the "
                                    "SHA-256"));
    if (cert_not_before(row->cert) > clock_now())
        lines_printf(lines, 1, MARK_WARN, NULL, _("it is not valid before %s"),
                     clock_format_date(date, cert_not_before(row->cert)));
    strbuf_clear(&subject);
}

static void show_dropped(const struct trust_dropped *dropped, struct lines *lines)
{
    char date[CLOCK_TEXT_MAX];

    if (dropped->ended_at != 0)
        lines_printf(lines, 0, MARK_OFF, NULL, _("left out: %s ended on %s (%s)"), dropped->subject,
                     clock_format_date(date, dropped->ended_at), dropped->from);
    else
        lines_printf(lines, 0, MARK_OFF, NULL, _("left out: %s is in it already (%s)"),
                     dropped->subject, dropped->from);
}

static void show_tries(const struct client_trust *trust, struct lines *lines)
{
    for (size_t i = 0; i < trust->n_seen; i++) {
        const struct client_trust_seen *seen = &trust->seen[i];

        if (seen->full)
            lines_printf(lines, 0, MARK_OK, NULL, _("tried on %s: verify-ca and verify-full"),
                         seen->server);
        else
            lines_printf(lines, 0, MARK_WARN, NULL,
                         _("tried on %s: verify-ca; not verify-full: %s"), seen->server, seen->why);
    }
    if (trust->n_seen == 0)
        lines_add(lines, 0, MARK_WARN, NULL,
                  _("not tried: nobody knows yet whether a server's certificate leads to it"));
}

static void show(const void *data, struct lines *lines)
{
    const struct client_trust *trust = &((const struct page *)data)->trust;
    struct strbuf cleaned = STRBUF_INIT;

    show_tries(trust, lines);
    lines_head(lines, _("In the file"));
    for (size_t i = 0; i < trust->file.n; i++)
        show_row(&trust->file.rows[i], lines);
    for (size_t i = 0; i < trust->file.n_dropped; i++)
        show_dropped(&trust->file.dropped[i], lines);
    pem_cleaned_text(trust->cleaned & ~(unsigned)PEM_CLEANED_TEXT, &cleaned);
    if (cleaned.len > 0)
        lines_printf(lines, 0, MARK_WARN, NULL, _("cleaned: %s"), cleaned.data);
    strbuf_clear(&cleaned);
}

/* ---- step 3: the file ---- */

static char *propose(const struct page *self, bool pem)
{
    const char *server = self->trust.pick_server;

    if (server[0] == '\0')
        return mem_strdup(pem ? PEM_NAME : P12_NAME);
    return mem_printf("%s-%s", server, pem ? PEM_NAME : P12_NAME);
}

static void build_file(void *data, struct form *form)
{
    struct page *self = data;
    char *path = propose(self, true);

    self->format_id =
        form_add_choice(form, &format_field, format_items, ARRAY_LEN(format_items), 0);
    self->path_id = form_add_text(form, &path_field, path);
    self->passphrase_id = form_add_secret(form, &passphrase_field);
    self->java_id = form_add_line(
        form, NULL, _("Empty is \"changeit\", the password of every truststore of Java."));
    free(path);
}

static void check_file(void *arg, struct form *form)
{
    struct page *self = arg;
    bool pem = form_choice(form, self->format_id) == CLIENT_TRUST_PEM;
    char *other = propose(self, !pem), *own = propose(self, pem);

    if (text_equal(form_text(form, self->path_id), other)) /* as it was proposed */
        form_set_text(form, self->path_id, own);
    form_say(form, self->path_id, form_text(form, self->path_id)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
    form_show(form, self->passphrase_id, !pem);
    form_show(form, self->java_id, !pem);
    free(other);
    free(own);
}

static void take_file(void *data, const struct form *form)
{
    struct page *self = data;
    struct client_trust *trust = &self->trust;
    const struct secret *passphrase = form_secret(form, self->passphrase_id);

    trust->format = (enum client_trust_format)form_choice(form, self->format_id);
    free(trust->path);
    trust->path = app_full_path(form_text(form, self->path_id));
    secret_free(trust->passphrase);
    trust->passphrase = trust->format != CLIENT_TRUST_PEM && secret_len(passphrase) > 0
                            ? secret_dup(passphrase)
                            : NULL;
}

/* ---- written ---- */

static bool run(void *data, struct act_job *job, struct err *err)
{
    const struct page *self = data;

    (void)job;
    return client_trust_write(&self->trust, err);
}

static void add_uses(const struct client_trust *trust, const char *name, struct lines *lines)
{
    if (trust->format == CLIENT_TRUST_PEM) {
        lines_printf(lines, 1, MARK_NONE, _("psql, libpq"), "sslmode=verify-full sslrootcert=%s",
                     name);
        lines_add(lines, 1, MARK_NONE, _("or"),
                  _("in place of ~/.postgresql/root.crt; PGSSLROOTCERT names another one"));
        lines_printf(lines, 1, MARK_NONE, _("JDBC"), "?sslmode=verify-full&sslrootcert=%s", name);
        lines_add(lines, 1, MARK_NONE, _("standbys"),
                  _("primary_conninfo: sslrootcert; subscriptions likewise"));
        return;
    }
    lines_printf(lines, 1, MARK_NONE, _("Java"), "-Djavax.net.ssl.trustStore=%s", name);
    lines_add(lines, 1, MARK_NONE, "", "-Djavax.net.ssl.trustStoreType=PKCS12");
    lines_printf(lines, 1, MARK_NONE, "", "-Djavax.net.ssl.trustStorePassword=%s",
                 trust->passphrase != NULL ? "..." : "changeit");
    lines_add(lines, 1, MARK_NONE, _("JDBC"), "sslmode=verify-full");
    lines_add(lines, 1, MARK_NONE, "", "sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory");
}

static void result(const void *data, struct lines *lines)
{
    const struct client_trust *trust = &((const struct page *)data)->trust;
    const char *name = strrchr(trust->path, '/');
    char shown[1024];

    name = name != NULL ? name + 1 : trust->path;
    app_short_path(trust->path, shown, sizeof(shown));
    lines_printf(lines, 0, MARK_OK, NULL,
                 ngettext("Written: %s, with %zu certificate", "Written: %s, with %zu certificates",
                          (unsigned long)trust->file.n),
                 shown, trust->file.n);
    show_tries(trust, lines);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("Next: copy it to each client in place of what it trusts now, any time before the "
                "server changes. It may be shown to anybody; a mail will do. It counts from the "
                "next connection: a pool must open new ones."));
    add_uses(trust, name, lines);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("When all have it, the server may change. Then take this page again, without the "
                "old CA."));
}

static const char *copy(const void *data)
{
    return ((const struct page *)data)->trust.path;
}

/* ---- as a command ---- */

static void add_value(struct strbuf *out, const char *option, const char *text, const char *none)
{
    strbuf_printf(out, " \\\n    %s ", option);
    if (text == NULL || text[0] == '\0' || !text_quote_shell(out, text))
        strbuf_add_str(out, none);
}

static void commands(const void *data, const struct form *form, struct strbuf *out)
{
    const struct page *self = data;
    const struct client_trust *trust = &self->trust;
    bool foreign = trust->others;
    const char *at = trust->tried != NULL ? trust->tried : trust->pick_server;
    size_t len;

    (void)form;
    strbuf_add_str(out, _("# the same as a command; --dry-run only shows what is in it\n"));
    strbuf_add_str(out, "pgseal trust");
    for (size_t i = 0; i < trust->n_cas; i++) {
        if (trust->cas[i].picked && trust->cas[i].authority_id != 0)
            add_value(out, "--ca", trust->cas[i].name, "CA");
        foreign = foreign || (trust->cas[i].picked && trust->cas[i].foreign_id != 0);
    }
    if (foreign)
        add_value(out, "--add", trust->input.path, "other-ca.crt");
    while ((len = client_trust_next_name(&at)) > 0) {
        char *name = mem_strndup(at, len);

        add_value(out, "--test", name, "SERVER");
        free(name);
        at += len;
    }
    add_value(out, "--out", trust->path, PEM_NAME);
    if (trust->format != CLIENT_TRUST_PEM)
        strbuf_add_str(out, trust->format == CLIENT_TRUST_P12 ? " --pkcs12"
                                                              : " --pkcs12 --format p12-old");
    strbuf_add_str(out, _("\n\n# what is in it, and a try by hand\n"));
    strbuf_add_str(out, "pgseal show ");
    if (trust->path == NULL || !text_quote_shell(out, trust->path))
        strbuf_add_str(out, PEM_NAME);
    if (trust->format == CLIENT_TRUST_PEM) {
        strbuf_add_str(out, "\nPGSSLROOTCERT=");
        if (trust->path == NULL || !text_quote_shell(out, trust->path))
            strbuf_add_str(out, PEM_NAME);
        strbuf_add_str(out, " \\\n    psql \"host=db1.example.org sslmode=verify-full\"");
    } else {
        strbuf_add_str(out, "\nkeytool -list -keystore ");
        if (!text_quote_shell(out, trust->path))
            strbuf_add_str(out, P12_NAME);
    }
    strbuf_add_char(out, '\n');
}

static void free_page(void *data)
{
    struct page *self = data;

    client_trust_clear(&self->trust);
    free(self);
}

static const struct act_step steps[] = {
    {N_("CAs"), build_cas, check_cas, take_cas, look},
    {N_("What is in it"), NULL, NULL, NULL, NULL},
    {N_("File"), build_file, check_file, take_file, NULL},
};

static const struct act_ops ops = {
    .name = "client-trust",
    .title = N_("Trust file for clients"),
    .where = N_("Trust file"),
    .word = "overlap",
    .why = N_("A client that verifies the server's certificate has a file of the CAs that it "
              "trusts. With the old and the new one in it, no client fails when the server "
              "changes."),
    .go = N_("Write"),
    .steps = steps,
    .n_steps = ARRAY_LEN(steps),
    .load = load,
    .show = show,
    .run = run,
    .result = result,
    .copy = copy,
    .commands = commands,
    .free = free_page,
};

struct screen *page_client_trust(struct app *app, const struct client_trust_pick *pick)
{
    struct page *self = mem_zalloc(sizeof(*self));

    if (pick != NULL)
        self->trust.pick = *pick;
    self->trust.pick_server =
        mem_strdup(pick != NULL && pick->server != NULL ? pick->server : app_server(app));
    self->trust.pick.server = NULL; /* borrowed for the call */
    source_input_init(&self->trust.input);
    trust_file_init(&self->trust.file);
    return act_page(app, &ops, self);
}
