/* require.c - from now on these roles need their certificate: the answers for the plan. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/by_hand.h"
#include "screens/kit_field.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "screens/require_job.h"
#include "screens/require_lines.h"
#include "screens/require_read.h"
#include "tui/form.h"

struct require {
    struct app *app;
    struct form *form;
    int database, roles, address, method, map, map_lines, folder;
    struct require_lines lines; /* of ours, when they shall go */
    struct job *facts_job;
    struct rules_facts *facts; /* NULL: not read yet */
    struct kit_field client;
};

/* The same as the button, from the plan: with each one's walk through the file. */
static struct screen *who(struct app *app, const void *data)
{
    return page_simulate(app, require_intent.copy(data));
}

static const struct plan_page_spec spec = {
    .title = N_("Require certificates"),
    .path = N_("Require"),
    .next = N_("Who has no certificate is refused from now on. Sessions that were open stay open."),
    .word = "cert method",
    .intent = &require_intent,
    .who = who,
};

static const struct plan_page_spec remove_spec = {
    .title = N_("Take rules away"),
    .path = N_("Require"),
    .word = "pg_hba.conf",
    .intent = &require_intent,
    .who = who,
};

/* ---- fields ---- */

static const struct form_field database_field = {
    .label = N_("Database"),
    .why = N_("The rules are written for logins to this database. \"all\" means every database."),
    .help = N_("One name, letter by letter, or: all"),
    .word = "pg_hba.conf",
    .width = 30,
    .max = 63,
};
static const struct form_field roles_field = {
    .label = N_("Roles"),
    .why = N_("The roles that shall need a certificate. Others are not touched: begin with one, "
              "and see it work."),
    .help = N_("Names with commas between them. Each needs a certificate of a CA that the server "
               "trusts, with the role as its name (CN)."),
    .word = "cert method",
};
static const struct form_field address_field = {
    .label = N_("Coming from"),
    .why = N_("Addresses that the rules are for: a range such as 10.0.0.0/8, one address, or "
              "\"all\". Logins from elsewhere go on by the lines that are there now."),
    .help = N_("CIDR: 10.0.0.0/8, 192.168.1.5/32, 2001:db8::/32; or: all. Logins by the socket "
               "are never touched: that is the administrator's way back."),
    .word = "pg_hba.conf",
    .width = 30,
};
static const struct form_field method_field = {
    .label = N_("They log in with"),
    .why = N_("\"cert\": the certificate is enough, and its name must be the role. The others want "
              "the password too, so that a stolen key alone does not open the door."),
    .help = N_("verify-ca takes ANY certificate of a trusted CA beside the password, whatever its "
               "name: choose it only where names cannot match."),
    .word = "clientcert",
};
static const struct choice_item method_items[] = {
    {N_("certificate"), N_("method cert; usual")},
    {N_("certificate and password"), N_("clientcert=verify-full")},
    {N_("any certificate and password"), N_("clientcert=verify-ca")},
    {N_("what it was before"), N_("pgseal's rules go")},
};
#define METHOD_REMOVE 3
static const enum access_method methods[] = {ACCESS_CERT, ACCESS_VERIFY_FULL, ACCESS_VERIFY_CA,
                                             ACCESS_CERT};
static const struct form_field map_field = {
    .label = N_("Name map"),
    .why = N_("Empty: the name in the certificate is the role, letter by letter. A map of "
              "pg_ident.conf says which other names belong to a role: one certificate for each "
              "laptop, or names that a company CA gives."),
    .help = N_("A name of your own, such as people. It may be there already; lines of others in "
               "pg_ident.conf stay as they are."),
    .word = "pg_ident map",
    .width = 30,
    .max = 63,
    .after = N_("optional"),
};
static const struct form_field map_lines_field = {
    .label = N_("Who is who"),
    .why = N_("Lines that the map shall have: the name in the certificate, \"=\", the role; commas "
              "between them. Who is not in the map is refused, also when name and role are "
              "equal."),
    .help = N_("Example: alice.laptop=alice, alice=alice\nEmpty: the map has its lines already."),
    .word = "pg_ident map",
    .max = 1000,
};
static const struct form_field folder_field = {
    .label = N_("Try a login with"),
    .why = N_("A client's folder as pgseal wrote it. With it the change is proven by real logins: "
              "with the certificate one must get in, without it one must be refused."),
    .help = N_("A folder with NAME.crt, NAME.key (without a passphrase) and root.crt. Empty: no "
               "login is tried; the rules are still checked by the server before they count."),
    .word = "verify-full",
    .width = 38,
    .max = 1000,
    .after = N_("optional"),
};

/* ---- reading the form ---- */

static struct require_data *read_data(const struct require *self)
{
    struct require_data *data = mem_zalloc(sizeof(*data));
    const struct kit_look *kit = self->client.kit;

    data->database = mem_strdup(form_text(self->form, self->database));
    data->address = mem_strdup(form_text(self->form, self->address));
    data->method = methods[form_choice(self->form, self->method)];
    data->remove = form_choice(self->form, self->method) == METHOD_REMOVE;
    if (data->remove)
        require_lines_read(&self->lines, self->form, data);
    data->lines_of = mem_strdup(app_server(self->app));
    require_read_roles(form_text(self->form, self->roles), data);
    if (data->method == ACCESS_CERT && form_text(self->form, self->map)[0] != '\0') {
        data->map = mem_strdup(form_text(self->form, self->map));
        (void)!require_read_map(form_text(self->form, self->map_lines),
                                data); /* the form was checked */
    }
    if (kit != NULL && kit->ok && form_text(self->form, self->folder)[0] != '\0') {
        data->probe_role = mem_strdup(require_role_of(data, kit->role));
        data->probe_cert = mem_strdup(kit->cert);
        data->probe_key = mem_strdup(kit->key);
        data->probe_root = kit->root[0] != '\0' ? mem_strdup(kit->root) : NULL;
    }
    return data;
}

/* ---- what the server says today ---- */

static void count_sessions(const struct require *self, const char *role, size_t *ret_all,
                           size_t *ret_without)
{
    const struct sessions *sessions = &self->facts->who.sessions;

    *ret_all = *ret_without = 0;
    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *row = &sessions->rows[i];

        if (!text_equal(row->role, role) || row->class == SESSION_SOCKET)
            continue;
        (*ret_all)++;
        *ret_without += row->class != SESSION_TLS_CERT;
    }
}

/* One role: is it there, may it log in, who of it is connected without a certificate. */
static enum mark say_role(const struct require *self, const char *role, struct strbuf *out)
{
    const struct role_row *row = role_list_get(&self->facts->who.roles, role);
    size_t all, without;

    if (out->len > 0)
        strbuf_add_char(out, '\n');
    if (row == NULL) {
        strbuf_printf(out, _("role \"%s\" is not on %s"), role, app_server(self->app));
        return MARK_WARN;
    }
    if (!row->can_login) {
        strbuf_printf(out, _("role \"%s\" may not log in"), role);
        return MARK_WARN;
    }
    count_sessions(self, role, &all, &without);
    if (row->superuser)
        strbuf_printf(out, _("role \"%s\" is a SUPERUSER; by the socket it still gets in"), role);
    else if (without > 0 && all == 1)
        strbuf_printf(
            out, _("the one session of \"%s\" has no certificate: it could not come back"), role);
    else if (without == 1)
        strbuf_printf(out,
                      _("1 of %zu sessions of \"%s\" has no certificate: it could not come back"),
                      all, role);
    else if (without > 0)
        strbuf_printf(out,
                      _("%zu of %zu sessions of \"%s\" have no certificate: they could not "
                        "come back"),
                      without, all, role);
    else
        strbuf_printf(out,
                      ngettext("role \"%s\" is on %s; %zu session now",
                               "role \"%s\" is on %s; %zu sessions now", (unsigned long)all),
                      role, app_server(self->app), all);
    return row->superuser || without > 0 ? MARK_WARN : MARK_OK;
}

static void check_roles(struct require *self, struct form *form)
{
    struct require_data *data = mem_zalloc(sizeof(*data));
    struct strbuf note = STRBUF_INIT;
    enum mark mark = MARK_OK;

    require_read_roles(form_text(form, self->roles), data);
    for (size_t i = 0; i < data->n_roles; i++) {
        if (text_equal(data->roles[i], "all") || strchr("+/@", data->roles[i][0]) != NULL) {
            strbuf_printf(&note, _("\"%s\" is no role: name the roles one by one"), data->roles[i]);
            mark = MARK_BAD;
            break;
        }
        if (self->facts != NULL && self->facts->ok && i < 3 &&
            say_role(self, data->roles[i], &note) == MARK_WARN)
            mark = MARK_WARN;
    }
    form_say(form, self->roles, data->n_roles == 0 ? MARK_TODO : mark, note.data);
    strbuf_clear(&note);
    require_data_free(data);
}

/* The line that decides today for the first role: the new ones go above it. */
static void say_first_match(const struct require *self, const char *role, struct strbuf *out)
{
    const struct rules_facts *facts = self->facts;
    const struct role_row *row = role_list_get(&facts->who.roles, role);
    const char *database = form_text(self->form, self->database);
    struct hba_client client = {.database = text_equal(database, "all") ? NULL : database,
                                .role = role,
                                .address = form_text(self->form, self->address),
                                .tls = true};
    struct strbuf raw = STRBUF_INIT;
    bool sure = false;
    int at;

    if (row != NULL) {
        client.member_of = (const char *const *)row->member_of;
        client.n_member_of = row->n_member_of;
    }
    at = hba_first_match(&facts->hba, &client, &sure);
    if (at < 0) {
        strbuf_printf(out, _("today no line fits \"%s\": nobody gets in"), role);
        return;
    }
    text_clean(&raw, facts->hba.lines[at].raw, facts->hba.lines[at].raw_len, TEXT_ONE_LINE);
    while (raw.len > 0 && raw.data[raw.len - 1] == ' ')
        strbuf_truncate(&raw, raw.len - 1);
    strbuf_printf(out,
                  sure ? _("today line %d decides for \"%s\":\n%s")
                       : _("today line %d may decide for \"%s\":\n%s"),
                  facts->hba.lines[at].number, role, raw.data);
    strbuf_clear(&raw);
}

static bool good_address(const char *text)
{
    char *line = mem_printf("host all all %s%s reject", text,
                            text_equal(text, "all") || strchr(text, '/') != NULL ? ""
                            : strchr(text, ':') != NULL                          ? "/128"
                                                                                 : "/32");
    struct hba hba;
    bool good = text[strcspn(text, " \t,\"#")] == '\0';

    hba_parse(line, strlen(line), 150000, &hba);
    good = good && hba.n == 1 && hba.lines[0].kind == HBA_RULE;
    hba_clear(&hba);
    free(line);
    return good;
}

static void check_address(struct require *self, struct form *form)
{
    const char *text = form_text(form, self->address);
    struct require_data *data = mem_zalloc(sizeof(*data));
    struct strbuf note = STRBUF_INIT;

    require_read_roles(form_text(form, self->roles), data);
    if (text[0] == '\0') {
        form_say(form, self->address, MARK_TODO, NULL);
    } else if (!good_address(text)) {
        form_say(form, self->address, MARK_BAD,
                 _("not a range of addresses: 10.0.0.0/8, 192.168.1.5, all"));
    } else if (self->facts == NULL) {
        form_say(form, self->address, MARK_NONE, _("reading the rules of today ..."));
    } else if (!self->facts->ok) {
        strbuf_printf(&note, _("the rules of today are not shown: %s"), self->facts->err.msg);
        form_say(form, self->address, MARK_WARN, note.data);
    } else {
        if (data->n_roles > 0)
            say_first_match(self, data->roles[0], &note);
        form_say(form, self->address, MARK_OK, note.data);
    }
    strbuf_clear(&note);
    require_data_free(data);
}

/* ---- the client's folder ---- */

static bool has_role(const struct require *self, const char *role)
{
    struct require_data *data = mem_zalloc(sizeof(*data));
    bool found = false;

    require_read_roles(form_text(self->form, self->roles), data);
    for (size_t i = 0; i < data->n_roles; i++)
        found = found || text_equal(data->roles[i], role);
    require_data_free(data);
    return found;
}

/* The role that the certificate in the folder would log in as is one of these. */
static bool fits_kit(const struct require *self, const char *cn)
{
    struct require_data *data = mem_zalloc(sizeof(*data));
    bool fits;

    if (form_text(self->form, self->map)[0] != '\0')
        (void)!require_read_map(form_text(self->form, self->map_lines), data);
    fits = has_role(self, require_role_of(data, cn));
    require_data_free(data);
    return fits;
}

static void check_map(const struct require *self, struct form *form)
{
    bool cert = methods[form_choice(form, self->method)] == ACCESS_CERT;
    bool mapped = cert && form_text(form, self->map)[0] != '\0';

    form_show(form, self->map, cert);
    form_show(form, self->map_lines, mapped);
    form_say(form, self->map, MARK_NONE, NULL);
    if (!mapped)
        return;
    if (!require_read_map(form_text(form, self->map_lines), NULL))
        form_say(form, self->map_lines, MARK_BAD,
                 _("NAME=role, with commas between: alice.laptop=alice"));
    else
        form_say(form, self->map_lines, MARK_OK, NULL);
}

static void say_kit(const struct require *self, struct form *form)
{
    const struct kit_look *kit = self->client.kit;
    char note[300];

    if (!kit->ok) {
        form_say(form, self->folder, MARK_BAD, kit->err.msg);
    } else if (kit->key_encrypted) {
        form_say(form, self->folder, MARK_BAD,
                 _("its key has a passphrase: it cannot be tried from here; leave this empty"));
    } else if (methods[form_choice(form, self->method)] != ACCESS_CERT) {
        form_say(form, self->folder, MARK_BAD,
                 _("with a password beside it the login cannot be tried from here; leave this "
                   "empty"));
    } else if (!fits_kit(self, kit->role)) {
        snprintf(note, sizeof(note), _("this is the certificate of \"%.60s\", not of these roles"),
                 kit->role);
        form_say(form, self->folder, MARK_BAD, note);
    } else {
        snprintf(note, sizeof(note), _("certificate of \"%.60s\": its login will be tried"),
                 kit->role);
        form_say(form, self->folder, MARK_OK, note);
    }
}

static void check_folder(struct require *self, struct form *form)
{
    const char *folder = form_text(form, self->folder);

    kit_field_follow(&self->client, folder);
    if (folder[0] == '\0')
        form_say(form, self->folder, MARK_NONE, NULL);
    else if (self->client.kit == NULL)
        form_say(form, self->folder, MARK_BUSY, NULL);
    else
        say_kit(self, form);
}

/* Our lines, that would go. */
static void check_removal(struct require *self, struct form *form)
{
    size_t ticked = require_lines_count(&self->lines, form);
    char note[120];

    if (self->facts == NULL || !self->facts->ok) { /* the plan reads them itself */
        form_say(form, self->method, MARK_OK, _("all rules that carry pgseal's mark"));
    } else if (self->lines.ours == 0) {
        form_say(form, self->method, MARK_BAD, _("there is no rule of pgseal's in pg_hba.conf"));
    } else if (self->lines.n == 0) {
        snprintf(note, sizeof(note), _("all %zu rules that carry pgseal's mark"), self->lines.ours);
        form_say(form, self->method, MARK_OK, note);
    } else if (ticked == 0) {
        form_say(form, self->method, MARK_BAD, _("tick the rules that shall go"));
    } else {
        snprintf(note, sizeof(note), _("%zu of pgseal's %zu rules go"), ticked, self->lines.n);
        form_say(form, self->method, MARK_OK, note);
    }
}

static void check(void *arg, struct form *form)
{
    struct require *self = arg;
    bool remove = form_choice(form, self->method) == METHOD_REMOVE;

    form_show(form, self->database, !remove);
    form_show(form, self->roles, !remove);
    form_show(form, self->address, !remove);
    form_show(form, self->folder, !remove);
    form_show(form, self->map, !remove);
    form_show(form, self->map_lines, !remove);
    require_lines_show(&self->lines, form, remove);
    if (remove) {
        check_removal(self, form);
        return;
    }
    form_say(form, self->database, form_text(form, self->database)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
    check_roles(self, form);
    check_address(self, form);
    form_say(form, self->method,
             methods[form_choice(form, self->method)] == ACCESS_VERIFY_CA ? MARK_WARN : MARK_NONE,
             methods[form_choice(form, self->method)] == ACCESS_VERIFY_CA
                 ? _("any certificate of a trusted CA will do: its name is not looked at")
                 : NULL);
    check_map(self, form);
    check_folder(self, form);
}

/* ---- events ---- */

static bool own_event(struct require *self, const struct event *event)
{
    if (event->type == EVENT_JOB && event->job == self->facts_job) {
        rules_facts_free(self->facts);
        self->facts = job_take(self->facts_job);
        self->facts_job = NULL;
        if (self->facts->ok)
            require_lines_set(&self->lines, self->form, &self->facts->hba);
    } else if (!kit_field_event(&self->client, event)) {
        return false;
    }
    form_recheck(self->form);
    return true;
}

static struct nav require_event(void *arg, const struct event *event)
{
    struct require *self = arg;

    if (own_event(self, event))
        return nav_stay();
    if (event->type == EVENT_SHOWN) {
        if (app_take_done(self->app))
            return nav_pop();
        if (self->facts_job == NULL) /* also after a plan that was not kept: rules may be others */
            self->facts_job = rules_facts_start(self->app, self);
        return nav_stay();
    }
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        return nav_push(
            page_plan(self->app,
                      form_choice(self->form, self->method) == METHOD_REMOVE ? &remove_spec : &spec,
                      read_data(self)));
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
        if (form_take_button(self->form)) /* without good answers: the rules as they are */
            return nav_push(
                page_simulate(self->app, form_ready(self->form) ? read_data(self) : NULL));
        break;
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void require_draw(const void *arg, struct canvas *body)
{
    const struct require *self = arg;

    form_draw(self->form, body);
}

static void require_frame(const void *arg, struct frame *ret)
{
    const struct require *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", gettext(spec.title));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), gettext(spec.path));
    ret->word = spec.word;
    form_frame(self->form, ret);
}

static void require_commands(const void *arg, struct strbuf *out)
{
    const struct require *self = arg;
    struct require_data *data = read_data(self);

    if (data->n_roles == 0 && !data->remove)
        require_add_role(data, "alice");
    strbuf_add_str(out, _("# the rules of today, as the server reads them\n"));
    by_hand_admin(out, self->app);
    strbuf_add_str(out, " -c 'SELECT line_number, type, database, user_name, address, "
                        "auth_method,\n    options, error FROM pg_hba_file_rules'\n\n");
    strbuf_add_str(out, _("# the plan, its question and its proof; --dry-run only shows it\n"));
    require_intent.command(data, app_server(self->app), out);
    require_data_free(data);
}

static void require_free(void *arg)
{
    struct require *self = arg;

    app_keep(self->app, "require.database", form_text(self->form, self->database));
    app_keep(self->app, "require.roles", form_text(self->form, self->roles));
    app_keep(self->app, "require.address", form_text(self->form, self->address));
    app_keep(self->app, "require.map", form_text(self->form, self->map));
    app_keep(self->app, "require.map_lines", form_text(self->form, self->map_lines));
    form_free(self->form);
    require_lines_clear(&self->lines);
    rules_facts_free(self->facts);
    kit_field_clear(&self->client);
    free(self);
}

static const struct screen_ops require_ops = {
    .name = "require",
    .event = require_event,
    .draw = require_draw,
    .frame = require_frame,
    .commands = require_commands,
    .free = require_free,
};

struct screen *page_require(struct app *app)
{
    struct require *self = mem_zalloc(sizeof(*self));
    const char *database = app_kept(app, "require.database");
    const char *address = app_kept(app, "require.address");
    const char *roles = app_kept(app, "require.roles");

    self->app = app;
    kit_field_init(&self->client, app, self);
    self->form = form_new(N_("See the plan"), NULL, check, self);
    form_explain_button(self->form, 0,
                        N_("pgseal reads the server and shows every step. Nothing is changed "
                           "before you have said yes to them."));
    self->database =
        form_add_text(self->form, &database_field, database != NULL ? database : "all");
    self->roles =
        form_add_text(self->form, &roles_field, roles != NULL ? roles : app_kept(app, "made.role"));
    self->address = form_add_text(self->form, &address_field, address != NULL ? address : "all");
    self->method =
        form_add_choice(self->form, &method_field, method_items, ARRAY_LEN(method_items), 0);
    self->map = form_add_text(self->form, &map_field, app_kept(app, "require.map"));
    self->map_lines =
        form_add_text(self->form, &map_lines_field, app_kept(app, "require.map_lines"));
    self->folder = form_add_text(self->form, &folder_field, app_kept(app, "made.proof"));
    require_lines_add(&self->lines, self->form);
    form_add_button(self->form, N_("Who gets in?"));
    form_explain_button(self->form, 2,
                        N_("Who is connected now, or was seen lately, and what the new rules would "
                           "do with each of them. It only looks."));
    form_focus(self->form, self->database);
    form_recheck(self->form);
    return screen_new(&require_ops, self);
}
