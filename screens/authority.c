/* authority.c - the sheet of one CA: what it is, how its list stands, and what looks after it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/inspect.h"
#include "core/store/authority_request.h"
#include "core/store/server.h"
#include "screens/error_view.h"
#include "screens/lines.h"
#include "screens/pages.h"

#define SOON_DAYS     365
#define CRL_SOON_DAYS 30

struct sheet_job {
    char *store_folder, *name;
    struct authority *authority;
    struct authority_parents parents;
    char *servers;     /* that trust it: "db1, db2", or "" */
    char *generations; /* others of the same name: "Acme G2 (until 2036-11-18), …", or "" */
    struct err err;
};

struct authority_page {
    struct app *app;
    char *name;
    struct sheet_job *sheet; /* NULL: not read yet */
    struct job *job;
    struct lines *lines;
    char *pem; /* for the clipboard */
    char message[160];
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 40},
    {"w", N_("Export..."), N_("its certificate into a file; asks first"), 80},
    {"y", N_("Copy"), N_("its certificate as PEM to the terminal's clipboard"), 60},
    {"r", N_("Renew..."), N_("the same name and key with a new end; asks first"), 85},
    {"p", N_("Passphrase..."), N_("another passphrase for its key; asks first"), 75},
    {"t", N_("Trust file..."), N_("for clients: this CA, and others together; asks first"), 60},
    {"i", N_("Certificate in..."), N_("of an intermediate CA: what came back from its root"), 30},
    {"d", N_("Delete..."), N_("for ever: asks for its name"), 70},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 20},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("to the list"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- reading ---- */

static bool read_servers(struct sheet_job *self, struct store *store)
{
    struct server_list list = {.n = 0};
    struct strbuf text = STRBUF_INIT;
    bool good = server_list(store, &list, &self->err);

    for (size_t i = 0; good && i < list.n; i++) {
        struct authority_list trusts = {.n = 0};

        good = server_trusts(store, list.rows[i], &trusts, &self->err);
        for (size_t k = 0; good && k < trusts.n; k++)
            if (trusts.rows[k]->id == self->authority->id)
                strbuf_printf(&text, "%s%s", text.len > 0 ? ", " : "", list.rows[i]->name);
        authority_list_clear(&trusts);
    }
    server_list_clear(&list);
    self->servers = strbuf_steal(&text);
    return good;
}

/* "Acme PG Root G2" is a generation of "Acme PG Root". */
static size_t base_length(const char *name)
{
    const char *mark = strrchr(name, 'G');

    if (mark == NULL || mark < name + 2 || mark[-1] != ' ' || mark[1] == '\0' ||
        mark[1 + strspn(mark + 1, "0123456789")] != '\0')
        return strlen(name);
    return (size_t)(mark - 1 - name);
}

static bool read_generations(struct sheet_job *self, struct store *store)
{
    struct authority_list list = {.n = 0};
    struct strbuf text = STRBUF_INIT;
    size_t base = base_length(self->authority->name);
    char date[CLOCK_TEXT_MAX];

    if (!authority_list(store, &list, &self->err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct authority *other = list.rows[i];

        if (other->id == self->authority->id || base_length(other->name) != base ||
            strncmp(other->name, self->authority->name, base) != 0)
            continue;
        strbuf_printf(&text, _("%s%s (%s, ends %s)"), text.len > 0 ? ", " : "", other->name,
                      other->retired ? _("retired") : _("in use"),
                      clock_format_date(date, cert_not_after(other->cert)));
    }
    authority_list_clear(&list);
    self->generations = strbuf_steal(&text);
    return true;
}

static void sheet_run(struct job *job, void *data)
{
    struct sheet_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    if (store == NULL)
        return;
    self->authority = authority_load(store, self->name, &self->err);
    (void)!(self->authority != NULL &&
            authority_load_parents(store, self->authority, &self->parents, &self->err) &&
            read_servers(self, store) && read_generations(self, store)); /* the page reads err */
    store_close(store);
}

static void sheet_free(void *data)
{
    struct sheet_job *self = data;

    if (self == NULL)
        return;
    authority_free(self->authority);
    authority_parents_clear(&self->parents);
    free(self->servers);
    free(self->generations);
    free(self->name);
    free(self->store_folder);
    free(self);
}

static const struct job_ops sheet_ops = {"authority", sheet_run, sheet_free};

static void refresh(struct authority_page *self)
{
    struct sheet_job *data;

    if (self->job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->name = mem_strdup(self->name);
    self->job = job_start(app_loop(self->app), self, &sheet_ops, data);
}

static const struct binding error_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F5", N_("Refresh"), N_("read the store again"), 80},
    {"Esc", N_("Back"), N_("to the list"), 95},
    {NULL, NULL, NULL, 0},
};

/* ---- the lines ---- */

static enum mark until(int64_t when, int soon_days)
{
    int64_t left = when - clock_now();

    return left <= 0 ? MARK_BAD : left < soon_days * CLOCK_DAY ? MARK_WARN : MARK_OK;
}

static void add_until(struct lines *lines, const char *label, int64_t when, int soon_days)
{
    char date[CLOCK_TEXT_MAX];

    lines_printf(lines, 0, until(when, soon_days), label,
                 when <= clock_now() ? _("%s: over") : _("%s, %lld days left"),
                 clock_format_date(date, when), (long long)clock_days_until(when));
}

static void add_key(struct lines *lines, const struct authority *ca)
{
    if (!ca->has_key)
        lines_add(lines, 0, MARK_WARN, _("private key"), _("not in this store: it cannot sign"));
    else if (ca->key_encrypted)
        lines_add(lines, 0, MARK_OK, _("private key"), _("here, with a passphrase"));
    else
        lines_add(lines, 0, MARK_WARN, _("private key"), _("here, without a passphrase"));
}

static void add_parents(struct lines *lines, const struct authority_parents *parents)
{
    struct strbuf name = STRBUF_INIT;

    for (size_t i = 0; i < parents->certs.n; i++) {
        strbuf_reset(&name);
        cert_format_subject(parents->certs.certs[i], &name);
        lines_add(lines, 0, parents->crls[i] != NULL ? MARK_OK : MARK_WARN,
                  i == 0 ? _("signed by") : _("above it"), name.data);
        if (parents->crls[i] == NULL)
            lines_add(lines, 1, MARK_NONE, NULL,
                      _("no CRL of it is known: a server that checks CRLs wants one"));
    }
    strbuf_clear(&name);
}

static void fill(struct authority_page *self)
{
    const struct sheet_job *sheet = self->sheet;
    const struct authority *ca = sheet->authority;
    struct inspect_node *tree = inspect_cert(ca->cert, clock_now());
    struct strbuf pem = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* without it there is nothing to copy */
    char date[CLOCK_TEXT_MAX];

    lines_clear(self->lines);
    lines_add(self->lines, 0, MARK_NONE, _("name"), ca->name);
    lines_add(self->lines, 0, ca->retired ? MARK_OFF : MARK_OK, _("state"),
              ca->retired ? _("retired: it issues nothing any more") : _("in use"));
    add_until(self->lines, _("ends"), cert_not_after(ca->cert), SOON_DAYS);
    add_key(self->lines, ca);
    lines_printf(self->lines, 0, MARK_NONE, _("issued"), _("%lld, of these %lld revoked"),
                 (long long)ca->issued, (long long)ca->revoked);
    lines_printf(self->lines, 0, MARK_NONE, _("CRL"), _("number %llu, signed %s"),
                 (unsigned long long)ca->crl.number, clock_format_date(date, ca->crl.this_update));
    add_until(self->lines, _("CRL ends"), ca->crl.next_update, CRL_SOON_DAYS);
    lines_add(self->lines, 0, MARK_NONE, _("trusted by"),
              sheet->servers[0] != '\0' ? sheet->servers : _("no server of this store"));
    if (sheet->generations[0] != '\0')
        lines_add(self->lines, 0, MARK_NONE, _("generations"), sheet->generations);
    lines_printf(self->lines, 0, MARK_NONE, _("in the store"), _("since %s"),
                 clock_format_date(date, ca->created_at));
    add_parents(self->lines, &sheet->parents);
    lines_head(self->lines, _("Certificate"));
    lines_tree(self->lines, tree, 0);
    inspect_free(tree);
    free(self->pem);
    self->pem = NULL;
    if (cert_to_pem(ca->cert, &pem, &ignored))
        self->pem = strbuf_steal(&pem);
    strbuf_clear(&pem);
}

/* ---- events ---- */

static struct nav read_ended(struct authority_page *self)
{
    bool first = self->sheet == NULL;

    sheet_free(self->sheet);
    self->sheet = job_take(self->job);
    self->job = NULL;
    if (self->sheet->err.code == ERR_NONE)
        fill(self);
    /* it was deleted from here: there is no sheet of it any more */
    return !first && self->sheet->err.code == ERR_CA_UNKNOWN ? nav_pop() : nav_stay();
}

static struct nav act(struct authority_page *self, uint32_t key)
{
    const struct authority *ca = self->sheet->authority;

    if ((key == 'r' || key == 'p') && !ca->has_key) {
        snprintf(self->message, sizeof(self->message), "%s", _("Its key is not in this store."));
        return nav_stay();
    }
    if (key == 'i' && self->sheet->parents.certs.n == 0) {
        snprintf(self->message, sizeof(self->message), "%s",
                 _("It is a root: r renews it here, nothing comes from elsewhere."));
        return nav_stay();
    }
    switch (key) {
    case 'w':
        return nav_push(page_ca_export(self->app, self->name));
    case 'r':
        return nav_push(page_ca_renew(self->app, self->name));
    case 'p':
        return nav_push(page_ca_passphrase(self->app, self->name));
    case 'i':
        return nav_push(page_ca_install(self->app, self->name));
    case 't':
        return nav_push(page_client_trust(
            self->app, &(struct client_trust_pick){.authorities = {ca->id}, .generations = true}));
    case 'd':
        return nav_push(page_ca_delete(self->app, self->name));
    case 'y':
        return self->pem != NULL ? nav_copy(self->pem) : nav_stay();
    }
    (void)lines_key(self->lines, key);
    return nav_stay();
}

static struct nav key_event(struct authority_page *self, uint32_t key)
{
    self->message[0] = '\0';
    switch (key) {
    case KEY_CODE_ESC:
    case KEY_CODE_LEFT:
        return nav_pop();
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
        refresh(self);
        return nav_stay();
    }
    if (self->sheet == NULL || self->sheet->err.code != ERR_NONE)
        return nav_stay();
    return act(self, key);
}

static struct nav authority_event(void *arg, const struct event *event)
{
    struct authority_page *self = arg;

    if (event->type == EVENT_SHOWN)
        refresh(self);
    else if (event->type == EVENT_JOB && event->job == self->job)
        return read_ended(self);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void authority_draw(const void *arg, struct canvas *body)
{
    const struct authority_page *self = arg;

    if (error_view_instead(self->sheet != NULL ? &self->sheet->err : NULL, _("reading the store"),
                           body))
        return;
    lines_draw(self->lines, body, 0, canvas_rows(body));
}

static void authority_frame(const void *arg, struct frame *ret)
{
    const struct authority_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Authority"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Authorities > %.60s"), self->name);
    lines_where(self->lines, ret->path_right, sizeof(ret->path_right));
    ret->bindings = bindings;
    ret->word = "CA";
    ret->why = _("Renewing keeps name and key, so that all certificates go on verifying. For a new "
                 "key a new CA is made, and both are trusted until the last client has changed.");
    ret->help = _("[ok] fine.  [!!] look at it.  [xx] act now: with a CRL that is over PostgreSQL "
                  "refuses every client of this CA.");
    snprintf(ret->message, sizeof(ret->message), "%s",
             self->message[0] != '\0'
                 ? self->message
                 : _("y copies the certificate.  The other letters open a page that asks."));
    if (self->message[0] != '\0')
        ret->message_mark = MARK_WARN;
    if (self->sheet != NULL && self->sheet->err.code != ERR_NONE) {
        ret->bindings = error_keys;
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->sheet->err.code);
    }
}

static void authority_commands(const void *arg, struct strbuf *out)
{
    static const char *const acts[] = {"show", "export", "renew", "passphrase", "delete"};
    const struct authority_page *self = arg;

    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        strbuf_printf(out, "pgseal ca %s ", acts[i]);
        if (!text_quote_shell(out, self->name))
            strbuf_add_str(out, "NAME");
        strbuf_add_char(out, '\n');
    }
    strbuf_add_str(out, _("\n# its list of revoked certificates\n"));
    strbuf_add_str(out, "pgseal crl show --ca ");
    if (!text_quote_shell(out, self->name))
        strbuf_add_str(out, "NAME");
    strbuf_add_char(out, '\n');
}

static void authority_page_free(void *arg)
{
    struct authority_page *self = arg;

    sheet_free(self->sheet);
    lines_free(self->lines);
    free(self->pem);
    free(self->name);
    free(self);
}

static const struct screen_ops authority_ops = {
    .name = "authority",
    .event = authority_event,
    .draw = authority_draw,
    .frame = authority_frame,
    .commands = authority_commands,
    .free = authority_page_free,
};

struct screen *page_authority(struct app *app, const char *name)
{
    struct authority_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->name = mem_strdup(name);
    self->lines = lines_new();
    return screen_new(&authority_ops, self);
}
