/* desk.c - certificates and CAs: what can be done with them, beside the daily things on Home. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"
#include "tui/menu.h"

enum desk_line {
    DESK_CERTS,
    DESK_REVOKE,
    DESK_CRLS,
    DESK_TIMELINE,
    DESK_AUTHORITIES,
    DESK_TRUST,
    DESK_PROGRAM,
    DESK_SERVER,
    DESK_REQUEST,
    DESK_BATCH,
    DESK_SHOW,
    DESK_BACKUP,
    DESK_RESTORE,
    DESK_FSCK,
    DESK_HISTORY,
};

struct desk {
    struct app *app;
    struct menu *menu;
};

static const struct menu_item items[] = {
    {'1', N_("Certificates: find, look, renew, revoke"), DESK_CERTS},
    {'r', N_("Revoke a certificate"), DESK_REVOKE},
    {'l', N_("Lists of revoked certificates (CRLs)"), DESK_CRLS},
    {'t', N_("What ends when"), DESK_TIMELINE},
    {'2', N_("Authorities (CAs): look after them"), DESK_AUTHORITIES},
    {'c', N_("A trust file for clients: old and new CA together"), DESK_TRUST},
    {'p', N_("Help a program to log in: files for psql, Java, Node, ..."), DESK_PROGRAM},
    {'3', N_("Create a server certificate (files only)"), DESK_SERVER},
    {'4', N_("Sign a request (CSR)"), DESK_REQUEST},
    {'5', N_("Many client certificates from a list"), DESK_BATCH},
    {'6', N_("What is this? Any certificate, key, CRL, request"), DESK_SHOW},
    {'7', N_("Back up the store"), DESK_BACKUP},
    {'8', N_("A store from a backup"), DESK_RESTORE},
    {'9', N_("Look through the store, and mend it"), DESK_FSCK},
    {'0', N_("Who did what when"), DESK_HISTORY},
};

static const char *const whys[] = {
    [DESK_CERTS] = N_("Every certificate that was issued, found by role, serial number, subject, "
                      "note or date; each with its sheet, from which it is renewed or revoked."),
    [DESK_REVOKE] =
        N_("Calls a role's certificates back for ever: the effect is shown first, the name is "
           "typed, every server that trusts the CA gets the list, with a proof."),
    [DESK_CRLS] =
        N_("Which list each CA has, until when, which servers are behind; sign the next one or a "
           "set for a year, and bring them to the servers."),
    [DESK_TIMELINE] =
        N_("Certificates, CRLs and CAs by their end, the worst first, as a picture; each line "
           "leads to the page that makes a new one."),
    [DESK_AUTHORITIES] =
        N_("The CAs of the store: their dates, keys and lists; a new certificate for the same key, "
           "another passphrase, export, an intermediate CA under a root kept elsewhere."),
    [DESK_TRUST] = N_(
        "What clients check the server with (sslrootcert, a Java truststore): several CAs in one "
        "file, tried on a running server before anybody relies on it."),
    [DESK_PROGRAM] =
        N_("A folder for a role whose certificate exists: key, certificate, the servers' CAs, and "
           "lines that work as they are for each kind of program, tried by a login."),
    [DESK_SERVER] =
        N_("Files for a server that pgseal does not reach. For one that it does, \"Give a server "
           "TLS\" on Home also installs them and proves it."),
    [DESK_REQUEST] =
        N_("Somebody made a key and sends the request (CSR): it is checked, shown, and signed "
           "under your rules. The private key stays where it is."),
    [DESK_BATCH] =
        N_("A file with one role a line, or CSV: a folder for each. Run it again, and only what is "
           "missing is made."),
    [DESK_SHOW] = N_("Paste it or name a file: what it is, what is in it, and what is wrong with "
                     "it for PostgreSQL. Nothing is stored."),
    [DESK_BACKUP] = N_("One file with all of the store as it is in this moment: CAs, certificates, "
                       "revocations, and the CAs' keys as far as they are locked."),
    [DESK_RESTORE] =
        N_("A new store, in another folder, from such a file. Try it before you need it."),
    [DESK_FSCK] =
        N_("Rows, key files, serial numbers, lists against revocations: what is wrong, and what "
           "can be mended. Looking changes nothing."),
    [DESK_HISTORY] = N_("The store's own log: every certificate, revocation, CA and setting, with "
                        "who did it and when. No row is ever removed."),
};

static const char *const words[] = {
    [DESK_CERTS] = "certificate",   [DESK_REVOKE] = "revoke",       [DESK_AUTHORITIES] = "CA",
    [DESK_TRUST] = "overlap",       [DESK_PROGRAM] = "verify-full", [DESK_SERVER] = "SAN",
    [DESK_REQUEST] = "CSR",         [DESK_BATCH] = "certificate",   [DESK_SHOW] = "PEM",
    [DESK_BACKUP] = "CA",           [DESK_RESTORE] = "CA",          [DESK_FSCK] = "CRL",
    [DESK_HISTORY] = "certificate",
};

static const char *const lines[] = {
    [DESK_CERTS] = "pgseal list",
    [DESK_REVOKE] = "pgseal revoke ROLE",
    [DESK_CRLS] = "pgseal crl show --ca CA",
    [DESK_TIMELINE] = "pgseal list --sort ends",
    [DESK_AUTHORITIES] = "pgseal ca list",
    [DESK_TRUST] = "pgseal trust --ca 'OLD CA' --ca 'NEW CA' --test db1 --out trust.crt",
    [DESK_PROGRAM] = "pgseal kit alice --server db1 --for psql,python --key alice.key",
    [DESK_SERVER] = "pgseal issue server db1.example.org",
    [DESK_REQUEST] = "pgseal issue client alice --csr request.csr",
    [DESK_BATCH] = "pgseal issue batch roles.csv --out kits",
    [DESK_SHOW] = "pgseal show FILE",
    [DESK_BACKUP] = "pgseal backup FILE",
    [DESK_RESTORE] = "pgseal restore FILE --store DIR",
    [DESK_FSCK] = "pgseal fsck",
    [DESK_HISTORY] = "pgseal log",
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {"F3", N_("Words"), N_("the words of this line explained"), 60},
    {"Enter", N_("Choose"), N_("open the line; its number does the same"), 90},
    {"Esc", N_("Back"), N_("to the first page"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static struct nav choose(const struct desk *self)
{
    switch ((enum desk_line)menu_id(self->menu)) {
    case DESK_CERTS:
        return nav_push(page_certs(self->app));
    case DESK_REVOKE:
        return nav_push(page_revoke(self->app, NULL));
    case DESK_CRLS:
        return nav_push(page_crls(self->app));
    case DESK_TIMELINE:
        return nav_push(page_timeline(self->app));
    case DESK_AUTHORITIES:
        return nav_push(page_authorities(self->app));
    case DESK_TRUST:
        return nav_push(page_client_trust(self->app, NULL));
    case DESK_PROGRAM:
        return nav_push(page_program(self->app, NULL, NULL));
    case DESK_SERVER:
        return nav_push(page_new_server(self->app));
    case DESK_REQUEST:
        return nav_push(page_sign_request(self->app));
    case DESK_BATCH:
        return nav_push(page_batch(self->app));
    case DESK_SHOW:
        return nav_push(page_show(self->app));
    case DESK_BACKUP:
        return nav_push(page_backup(self->app));
    case DESK_RESTORE:
        return nav_push(page_restore(self->app));
    case DESK_FSCK:
        return nav_push(page_fsck(self->app));
    case DESK_HISTORY:
        return nav_push(page_history(self->app));
    }
    return nav_stay();
}

static struct nav desk_event(void *arg, const struct event *event)
{
    struct desk *self = arg;

    if (event->type != EVENT_KEY)
        return nav_stay();
    if (menu_key(self->menu, event->key) == MENU_CHOSEN)
        return choose(self);
    if (event->key == KEY_CODE_ESC || event->key == KEY_CODE_LEFT)
        return nav_pop();
    return event->key == 'q' ? nav_quit() : nav_stay();
}

static void desk_draw(const void *arg, struct canvas *body)
{
    const struct desk *self = arg;
    int spare = canvas_rows(body) - (int)ARRAY_LEN(items);
    int top = spare < 1 ? 0 : spare == 1 ? 1 : 2; /* below the head, where there is room for it */

    if (top > 0)
        canvas_text(body, 0, 2, STYLE_STRONG, _("Certificates and CAs"));
    menu_draw(self->menu, body, top, 0, canvas_rows(body) - top, canvas_columns(body), true);
}

static void desk_frame(const void *arg, struct frame *ret)
{
    const struct desk *self = arg;
    int id = menu_id(self->menu);

    snprintf(ret->title, sizeof(ret->title), "%s", _("Certificates and CAs"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Certificates and CAs"));
    snprintf(ret->why_title, sizeof(ret->why_title), "%.40s", gettext(items[id].label));
    ret->why = gettext(whys[id]);
    ret->word = words[id];
    ret->bindings = bindings;
    ret->help = _("Up and Down move, Enter or the line's number opens it.");
    snprintf(ret->message, sizeof(ret->message), "%s",
             _("Nothing has been changed. Up and Down move, Enter chooses."));
}

static void desk_commands(const void *arg, struct strbuf *out)
{
    (void)arg;
    strbuf_add_str(out, _("# the same as commands\n"));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        strbuf_printf(out, "%s\n", lines[i]);
}

static void desk_free(void *arg)
{
    struct desk *self = arg;

    menu_free(self->menu);
    free(self);
}

static const struct screen_ops desk_ops = {
    .name = "desk",
    .event = desk_event,
    .draw = desk_draw,
    .frame = desk_frame,
    .commands = desk_commands,
    .free = desk_free,
};

struct screen *page_desk(struct app *app)
{
    struct desk *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->menu = menu_new(items, ARRAY_LEN(items));
    return screen_new(&desk_ops, self);
}
