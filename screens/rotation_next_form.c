/* rotation_next_form.c - what the next step of a rotation asks before it says what it will do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "screens/out_folder.h"
#include "screens/rotation_next.h"

#define SHOWN_MAX   4  /* of who uses the old one */
#define PREVIEW_MAX 10 /* of who would be refused */

static size_t open_sessions(const struct rotation_next *self)
{
    size_t n = 0;

    for (size_t i = 0; i < self->status.left.n; i++)
        n += self->status.left.rows[i].open > 0 ? (size_t)self->status.left.rows[i].open : 0;
    return n;
}

static const struct form_field folder_field = {
    .label = N_("Kits in"),
    .why = N_("One folder a role: certificate, private key, the CA, how to use them. They are "
              "handed over, and deleted here."),
    .help = N_("An absolute path, one from here, or ~/... It is made when it is missing; a role "
               "that has its folder already is passed over."),
    .word = "certificate",
    .max = 1000,
    .width = 50,
};
static const struct form_field trust_folder_field = {
    .label = N_("Files in"),
    .why = N_("The trust file for clients, as PEM and as a Java truststore: tried on each member "
              "before it is written. There is nothing secret in it."),
    .help = N_("A folder: an absolute path, one from here, or ~/... It is made when it is "
               "missing. Later trust files of this rotation go there, too."),
    .word = "overlap",
    .max = 1000,
    .width = 50,
};
static const struct form_field revoke_field = {
    .label = N_("The old one"),
    .why = N_("Revoked, it is refused by every server from now on, for ever. Else it stays valid "
              "until its end: whoever has a copy can use it until then."),
    .word = "revoke",
};
static const struct form_field end_field = {
    .label = N_("Sessions"),
    .why = N_("A session that is open stays open, whatever is trusted: it is refused when it comes "
              "again. Ended now, you see at once who comes back."),
    .word = "backend/session",
};
static const struct form_field gaps_field = {
    .label = N_("Quiet time"),
    .why = N_("Between two looks nobody knows who came. Where you know by other means that nobody "
              "did, the time counts all the same."),
    .help = N_("\"pgseal sessions --record --watch\" looks all the time, and leaves no gap."),
    .word = "straggler",
};
static const struct form_field left_field = {
    .always_asked = true,
    .label = N_("Go on without"),
    .why = N_("Clients that never moved are refused after this. To go on, write how many they are: "
              "the number that stands above."),
    .help = N_("m on the page before marks single ones. Empty: it waits for them."),
    .word = "rotate",
    .width = 8,
    .max = 7,
    .allow = "0123456789",
};
static const struct form_field refused_field = {
    .always_asked = true,
    .label = N_("Accept"),
    .why = N_("So many sessions or roles would be refused. To go on all the same, write exactly "
              "that number: when it is another one by then, nothing is done."),
    .help = N_("Empty: nobody may be refused. The number stands above, or in the error before."),
    .word = "rotate",
    .width = 8,
    .max = 7,
    .allow = "0123456789",
    .after = N_("refused"),
};
static const struct form_field key_field = {
    .always_asked = true,
    .label = N_("The old key"),
    .why = N_("An old CA key can sign for nobody any more, but it can sign the last list, and open "
              "a way back. Destroyed, nobody can steal it."),
    .word = "private key",
};
enum { KEY_STAYS, KEY_FILE, KEY_DESTROY };
static const struct choice_item key_items[] = {
    [KEY_STAYS] = {N_("stays here"), N_("in the store; the CA is retired")},
    [KEY_FILE] = {N_("into a file"), N_("as it is locked now; here it is deleted")},
    [KEY_DESTROY] = {N_("is destroyed"), N_("cannot be taken back")},
};
static const struct form_field archive_field = {
    .label = N_("Archive file"),
    .why = N_("The key as the store has it: locked with the CA's passphrase, where it has one. "
              "Bring the file to where it can be kept, with the passphrase elsewhere."),
    .help = N_("A new file of mode 0600; nothing is overwritten. An absolute path, one from here, "
               "or ~/..."),
    .word = "private key",
    .width = 48,
    .max = 1000,
};

static char *propose_folder(const struct rotation_next *self)
{
    char *base = kit_file_base(self->rotation->name, ISSUED_CLIENT);
    char *text = mem_printf("rotation-%s", base);
    char *path = out_folder_propose(self->app, ISSUED_CLIENT, text);

    free(text);
    free(base);
    return path;
}

/* By name, with the number that is to be accepted. */
static void add_preview(const struct rotation_next *self, struct form *form)
{
    const struct rotate_preview *preview = &self->preview;
    struct strbuf text = STRBUF_INIT;

    rotation_next_refused_head(preview, &text);
    for (size_t i = 0; i < preview->n_refused && i < PREVIEW_MAX; i++) {
        strbuf_add_char(&text, '\n');
        rotation_next_refused_text(&preview->refused[i], &text);
    }
    if (preview->n_refused > PREVIEW_MAX)
        strbuf_printf(&text, _("\nand %zu more: \"Effect\" names all"),
                      preview->n_refused - PREVIEW_MAX);
    form_add_line(form, N_("! refused"), text.data);
    strbuf_clear(&text);
}

/* Who uses the old one; none where nobody does. */
static void add_left(const struct rotation_next *self, struct form *form)
{
    const struct use_list *left = &self->status.left;
    struct strbuf text = STRBUF_INIT;
    bool all = rotation_next_ends_old(self); /* who has moved and goes back to it is refused, too */
    size_t n = all ? left->n : rotation_count_left(left), shown = 0;

    if (n == 0)
        return;
    for (size_t i = 0; i < left->n && shown < SHOWN_MAX; i++) {
        const struct use *use = &left->rows[i];

        if (!all && !rotation_is_left(use))
            continue;
        strbuf_printf(&text, "%s%s", shown++ > 0 ? "\n" : "", use->role);
        if (use->application[0] != '\0')
            strbuf_printf(&text, ", %s", use->application);
        if (use->address[0] != '\0')
            strbuf_printf(&text, _(" from %s"), use->address);
        strbuf_printf(&text, _(" on %s"), use->server);
        if (use->open > 0)
            strbuf_printf(&text,
                          ngettext(": %d session", ": %d sessions", (unsigned long)use->open),
                          use->open);
        if (use->replication)
            strbuf_add_str(&text, _(", replicates"));
    }
    if (n > SHOWN_MAX)
        strbuf_printf(&text, _("\nand %zu more"), n - SHOWN_MAX);
    form_add_line(
        form, self->rotation->kind == ROTATION_SERVER_CA ? N_("Come by TLS") : N_("Use the old"),
        text.data);
    strbuf_clear(&text);
}

void rotation_next_add_refused(const struct rotation_next *self, struct form *form)
{
    /* who verifies a server's certificate is seen by nobody */
    if (!self->have_preview || self->rotation->kind == ROTATION_SERVER_CA)
        add_left(self, form);
    else if (self->preview.n_refused > 0)
        add_preview(self, form);
    else
        form_add_line(form, N_("Refused"), _("nobody who is connected now"));
}

/* Kits, or the trust files of a server's rotation. */
static void add_folder(struct rotation_next *self, struct form *form)
{
    char *path = propose_folder(self);

    self->asks_kits = self->rotation->kind != ROTATION_SERVER_CA;
    self->folder_id =
        form_add_text(form, self->asks_kits ? &folder_field : &trust_folder_field, path);
    if (self->asks_kits)
        key_protection_add(&self->client_protection, form, KEY_PROTECTION_CLIENT);
    free(path);
}

void rotation_next_build(void *data, struct form *form)
{
    struct rotation_next *self = data;
    unsigned needs = self->status.needs;

    self->folder_id = self->revoke_id = self->end_id = self->gaps_id = self->key_id = -1;
    self->archive_id = -1;
    self->asks_ca = (needs & ROTATE_NEED_NEW_PASSPHRASE) != 0;
    self->asks_kits = false;
    self->asks_cert = (needs & ROTATE_NEED_SERVER_CERT) != 0;
    form_add_line(form, N_("Does"),
                  rotation_next_phase(self)->act[0] != '\0'
                      ? gettext(rotation_next_phase(self)->act)
                      : _("looks whether the next step can begin"));
    if (self->asks_ca) {
        form_add_line(form, NULL, _("The new CA's key gets a passphrase of its own:"));
        key_protection_add(&self->ca_protection, form, KEY_PROTECTION_CA);
    }
    if ((needs & ROTATE_NEED_FOLDER) != 0)
        add_folder(self, form);
    if (self->asks_cert)
        rotation_cert_add(&self->cert, form);
    rotation_next_add_refused(self, form);
    if (rotation_next_ends_old(self))
        self->revoke_id = form_add_check(
            form, &revoke_field, N_("revoke the old ones; else they end by themselves"), false);
    if ((needs & ROTATE_NEED_SERVERS) != 0 && open_sessions(self) > 0 &&
        self->rotation->kind != ROTATION_EMERGENCY) /* which ends them always */
        self->end_id =
            form_add_check(form, &end_field, N_("end those that use the old one"), false);
    if (self->status.quiet.but_gaps)
        self->gaps_id = form_add_check(form, &gaps_field,
                                       N_("counts although nobody looked for a while"), false);
    if ((needs & ROTATE_NEED_NAME) != 0) {
        self->key_id = form_add_choice(form, &key_field, key_items, ARRAY_LEN(key_items), 0);
        self->archive_id = form_add_text(form, &archive_field, "");
    }
    self->left_id = form_add_text(form, &left_field, "");
    self->refused_id = form_add_text(form, &refused_field, "");
}

static size_t number_of(const struct form *form, int id)
{
    return (size_t)strtoul(form_text(form, id), NULL, 10); /* at most 7 digits */
}

/* Where it is not known by name who would be: then the number is asked for. */
static bool asks_refused(const struct rotation_next *self, bool revokes)
{
    if (self->have_preview || self->rotation->kind == ROTATION_SERVER_CA)
        return false;
    return self->locked_out || (revokes && self->status.left.n > 0) ||
           ((self->status.needs & ROTATE_NEED_SERVERS) != 0 &&
            rotation_count_left(&self->status.left) > 0);
}

void rotation_next_check(void *arg, struct form *form)
{
    struct rotation_next *self = arg;
    bool revokes = self->revoke_id >= 0 && form_checked(form, self->revoke_id);
    int64_t waits = revokes ? self->status.items.total - self->status.items.seen
                            : rotation_waits_for(self->rotation->kind, &self->status.items);
    char after[40];

    if (self->asks_ca)
        key_protection_check(&self->ca_protection, form);
    if (self->asks_kits)
        key_protection_check(&self->client_protection, form);
    if (self->asks_cert)
        rotation_cert_check(&self->cert, form);
    if (self->archive_id >= 0) {
        form_show(form, self->archive_id, form_choice(form, self->key_id) == KEY_FILE);
        form_say(form, self->archive_id,
                 form_text(form, self->archive_id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
    }
    if (self->folder_id >= 0)
        out_folder_say(form, self->folder_id);
    form_show(form, self->left_id, (self->status.act_done || revokes) && waits > 0);
    snprintf(after, sizeof(after), _("of %lld that have not moved"), (long long)waits);
    form_set_after(form, self->left_id, after);
    form_show(form, self->refused_id, asks_refused(self, revokes));
}

void rotation_next_take(void *data, const struct form *form)
{
    struct rotation_next *self = data;

    free(self->folder);
    secret_free(self->ca_passphrase);
    secret_free(self->key_passphrase);
    self->folder = self->folder_id >= 0 ? app_full_path(form_text(form, self->folder_id)) : NULL;
    self->ca_passphrase =
        self->asks_ca ? secret_dup(key_protection_secret(&self->ca_protection, form)) : NULL;
    self->key_passphrase =
        self->asks_kits ? secret_dup(key_protection_secret(&self->client_protection, form)) : NULL;
    self->revoke = self->revoke_id >= 0 && form_checked(form, self->revoke_id);
    self->end_sessions = self->end_id >= 0 && form_checked(form, self->end_id);
    self->accept_gaps = self->gaps_id >= 0 && form_checked(form, self->gaps_id);
    if (self->asks_cert)
        rotation_cert_take(&self->cert, form);
    free(self->archive);
    self->destroy = self->key_id >= 0 && form_choice(form, self->key_id) == KEY_DESTROY;
    self->archive = self->key_id >= 0 && form_choice(form, self->key_id) == KEY_FILE
                        ? app_full_path(form_text(form, self->archive_id))
                        : NULL;
    self->accept_left = number_of(form, self->left_id);
    if (self->have_preview)
        return;
    self->accept_refused = number_of(form, self->refused_id);
    self->accepts_refused = form_text(form, self->refused_id)[0] != '\0';
}
