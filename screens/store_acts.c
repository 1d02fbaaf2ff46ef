/* store_acts.c - the store looked after: a copy, a store from a copy, a look through all of it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/backup.h"
#include "core/store/fsck.h"
#include "screens/act.h"
#include "screens/pages.h"

/* ---- backup and restore ---- */

struct copy {
    int file_id, keys_id, folder_id;
    char *kept_file; /* of an earlier visit; owned */
    char *store;     /* folder, for the command and the form; owned */
    char *path, *folder;
    bool with_keys;
    struct backup_report report;
};

static const struct form_field backup_file = {
    .label = N_("File"),
    .why = N_("The whole store of one moment in one file, mode 0600; others may go on writing "
              "meanwhile. No file is overwritten. Keep it on another machine."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "CA",
    .width = 50,
    .max = 1000,
};
static const struct form_field keys_field = {
    .label = N_("With it"),
    .why = N_("Keys of CAs come along locked, as good as their passphrases are. One without a "
              "passphrase is never put in: whoever has the copy would have the CA."),
    .word = "private key",
};
static const struct form_field restore_file = {
    .label = N_("Backup"),
    .why = N_("A file that \"Back up the store\" wrote. It is checked before anything is made."),
    .help = N_("An absolute path, one from here, or ~/... It is only read."),
    .word = "CA",
    .width = 50,
    .max = 1000,
};
static const struct form_field folder_field = {
    .label = N_("Store in"),
    .why = N_("A folder that has no store yet. This store is not touched: start pgseal with "
              "--store to use the new one."),
    .help = N_("An absolute path, one from here, or ~/..."),
    .word = "CA",
    .width = 50,
    .max = 1000,
};

static void check_backup(void *arg, struct form *form)
{
    struct copy *self = arg;

    form_say(form, self->file_id, form_text(form, self->file_id)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
}

static void build_backup(void *data, struct form *form)
{
    struct copy *self = data;
    char date[CLOCK_TEXT_MAX], shown[1024];
    char *name = mem_printf("pgseal-%s.backup", clock_format_date(date, clock_now()));
    char *path = app_full_path(name);

    app_short_path(path, shown, sizeof(shown));
    self->file_id = form_add_text(form, &backup_file, shown);
    self->keys_id = form_add_check(form, &keys_field, N_("the locked keys of the CAs"), true);
    free(path);
    free(name);
}

static void take_backup(void *data, const struct form *form)
{
    struct copy *self = data;

    free(self->path);
    self->path = app_full_path(form_text(form, self->file_id));
    self->with_keys = form_checked(form, self->keys_id);
}

static bool run_backup(void *data, struct act_job *job, struct err *err)
{
    struct copy *self = data;
    const struct backup_watch watch = {act_stopped, job};
    struct store *store = store_open(act_store_folder(job), STORE_READ, err);
    bool done;

    backup_report_clear(&self->report);
    done = store != NULL &&
           backup_write(store, self->path, self->with_keys, &watch, &self->report, err);
    store_close(store);
    return done;
}

static void report_counts(const struct copy *self, struct lines *lines)
{
    const struct backup_report *report = &self->report;

    lines_printf(lines, 0, MARK_NONE, _("CAs"), "%zu", report->authorities);
    lines_printf(lines, 0, MARK_NONE, _("certificates"), "%lld", (long long)report->certificates);
    lines_printf(lines, 0, MARK_NONE, _("key files"), "%zu", report->keys);
}

static void result_backup(const void *data, struct lines *lines)
{
    const struct copy *self = data;
    char path[1024];

    app_short_path(self->path, path, sizeof(path));
    lines_printf(lines, 0, MARK_OK, NULL, _("The store is copied to %s"), path);
    report_counts(self, lines);
    for (size_t i = 0; i < self->report.n_left_out; i++)
        lines_printf(lines, 0, MARK_WARN, NULL,
                     _("The key of \"%s\" is not in it: it has no passphrase (its sheet gives it "
                       "one), or is not here."),
                     self->report.left_out[i]);
    lines_add(lines, 0, MARK_NONE, NULL,
              _("A backup that was never restored is a hope: try it, into another folder."));
}

static void quoted(struct strbuf *out, const char *text, const char *instead)
{
    strbuf_add_char(out, ' ');
    if (text == NULL || text[0] == '\0' || !text_quote_shell(out, text))
        strbuf_add_str(out, instead);
}

static void commands_backup(const void *data, const struct form *form, struct strbuf *out)
{
    const struct copy *self = data;
    bool with_keys = form != NULL ? form_checked(form, self->keys_id) : self->with_keys;

    strbuf_add_str(out, "pgseal backup");
    quoted(out, form != NULL ? form_text(form, self->file_id) : self->path, "FILE");
    strbuf_printf(out, "%s\n", with_keys ? "" : " --without-keys");
    strbuf_add_str(out, _("\n# what is in it\n"));
    strbuf_add_str(out, "pgseal restore FILE --store ./try\npgseal --store ./try list\n");
}

static void build_restore(void *data, struct form *form)
{
    struct copy *self = data;
    char *path = mem_printf("%s-restored", self->store), shown[1024];

    app_short_path(path, shown, sizeof(shown));
    self->file_id = form_add_text(form, &restore_file, self->kept_file);
    self->folder_id = form_add_text(form, &folder_field, shown);
    free(path);
}

static void check_restore(void *arg, struct form *form)
{
    struct copy *self = arg;

    check_backup(self, form);
    form_say(form, self->folder_id,
             form_text(form, self->folder_id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void take_restore(void *data, const struct form *form)
{
    struct copy *self = data;

    free(self->path);
    free(self->folder);
    self->path = app_full_path(form_text(form, self->file_id));
    self->folder = app_full_path(form_text(form, self->folder_id));
}

static bool run_restore(void *data, struct act_job *job, struct err *err)
{
    struct copy *self = data;
    const struct backup_watch watch = {act_stopped, job};

    backup_report_clear(&self->report);
    return backup_restore(self->path, self->folder, &watch, &self->report, err);
}

static void result_restore(const void *data, struct lines *lines)
{
    const struct copy *self = data;
    char path[1024], date[CLOCK_TEXT_MAX];

    app_short_path(self->folder, path, sizeof(path));
    lines_printf(lines, 0, MARK_OK, NULL, _("A store was made in %s"), path);
    lines_printf(lines, 0, MARK_NONE, _("as it was"), _("%s UTC"),
                 clock_format_minute(date, self->report.made_at));
    report_counts(self, lines);
    for (size_t i = 0; i < self->report.n_left_out; i++)
        lines_printf(lines, 0, MARK_WARN, NULL,
                     _("The key of \"%s\" is not in it: bring its file to keys/."),
                     self->report.left_out[i]);
    lines_add(lines, 0, MARK_WARN, NULL,
              _("What was issued or revoked after that moment is not in it: \"Check a server\" "
                "tells where a server has a later CRL."));
    lines_printf(lines, 0, MARK_NONE, NULL, _("Next: pgseal --store %s"), path);
}

static void commands_restore(const void *data, const struct form *form, struct strbuf *out)
{
    const struct copy *self = data;

    strbuf_add_str(out, "pgseal restore");
    quoted(out, form != NULL ? form_text(form, self->file_id) : self->path, "FILE");
    strbuf_add_str(out, " --store");
    quoted(out, form != NULL ? form_text(form, self->folder_id) : self->folder, "DIR");
    strbuf_add_char(out, '\n');
}

static void keep_restore(const void *data, const struct form *form, struct app *app)
{
    const struct copy *self = data;

    app_keep(app, "restore.file", form_text(form, self->file_id));
}

static void free_copy(void *data)
{
    struct copy *self = data;

    backup_report_clear(&self->report);
    free(self->kept_file);
    free(self->store);
    free(self->path);
    free(self->folder);
    free(self);
}

static const struct act_step backup_steps[] = {
    {N_("File"), build_backup, check_backup, take_backup, NULL}};
static const struct act_step restore_steps[] = {
    {N_("Backup"), build_restore, check_restore, take_restore, NULL}};

static const struct act_ops backup_ops = {
    .name = "backup",
    .title = N_("Back up the store"),
    .where = N_("Back up the store"),
    .word = "CA",
    .why = N_("Without the store nothing can be revoked any more. The copy is one file; the CAs' "
              "keys in it are as locked as their passphrases are good."),
    .go = N_("Write"),
    .steps = backup_steps,
    .n_steps = 1,
    .run = run_backup,
    .result = result_backup,
    .commands = commands_backup,
    .free = free_copy,
};
static const struct act_ops restore_ops = {
    .name = "restore",
    .title = N_("A store from a backup"),
    .where = N_("A store from a backup"),
    .word = "CA",
    .why = N_("The new store is there whole or not at all; nothing is overwritten. Two stores that "
              "both go on issuing do not know of each other: use only one of them."),
    .go = N_("Make it"),
    .steps = restore_steps,
    .n_steps = 1,
    .run = run_restore,
    .result = result_restore,
    .commands = commands_restore,
    .keep = keep_restore,
    .free = free_copy,
};

struct screen *page_backup(struct app *app)
{
    struct copy *self = mem_zalloc(sizeof(*self));

    return act_page(app, &backup_ops, self);
}

struct screen *page_restore(struct app *app)
{
    struct copy *self = mem_zalloc(sizeof(*self));

    self->kept_file = mem_strdup(app_kept(app, "restore.file"));
    self->store = mem_strdup(app_store_folder(app));
    return act_page(app, &restore_ops, self);
}

/* ---- a look through all of it ---- */

struct look {
    int what_id, passphrase_id;
    bool repair;
    struct secret *passphrase; /* tried for each CA whose list is to be signed; or NULL */
    struct fsck_list list;
};

enum { WHAT_LOOK, WHAT_MEND };

static const struct form_field what_field = {
    .label = N_("What to do"),
    .why = N_("Looking changes nothing. Mending changes only what follows from what is there: "
              "counters, modes, leftovers of killed runs, a list that lacks a revocation."),
    .help = N_("A key file that no row names is never deleted: its row may be in a backup."),
    .word = "CRL",
};
static const struct choice_item what_items[] = {
    {N_("only look"), N_("certificates, keys, lists; changes nothing")},
    {N_("look, and mend what can be"), NULL},
};
static const struct form_field passphrase_field = {
    .label = N_("CA passphrase"),
    .why = N_("Only to sign a list that lacks a revocation. Without it everything else is mended, "
              "and that list is named."),
    .help = N_("It is tried for each CA that needs it, and kept nowhere."),
    .word = "passphrase",
    .after = N_("optional"),
    .width = 34,
};

static void build_look(void *data, struct form *form)
{
    struct look *self = data;

    self->what_id =
        form_add_choice(form, &what_field, what_items, ARRAY_LEN(what_items), WHAT_LOOK);
    self->passphrase_id = form_add_secret(form, &passphrase_field);
}

static void check_look(void *arg, struct form *form)
{
    struct look *self = arg;

    form_show(form, self->passphrase_id, form_choice(form, self->what_id) == WHAT_MEND);
}

static void take_look(void *data, const struct form *form)
{
    struct look *self = data;

    self->repair = form_choice(form, self->what_id) == WHAT_MEND;
    secret_free(self->passphrase);
    self->passphrase = NULL;
    if (self->repair && secret_len(form_secret(form, self->passphrase_id)) > 0)
        self->passphrase = secret_dup(form_secret(form, self->passphrase_id));
}

struct looking {
    struct act_job *job;
    const struct look *look;
};

static struct key *unlock(void *arg, struct store *store, const struct authority *authority,
                          struct err *err)
{
    const struct looking *looking = arg;

    return authority_unlock(store, authority, looking->look->passphrase, err);
}

static bool stopped(void *arg)
{
    const struct looking *looking = arg;

    return act_stopped(looking->job);
}

static void progress(void *arg, int64_t done, int64_t total)
{
    const struct looking *looking = arg;

    act_progress(looking->job, (size_t)done, (size_t)total);
}

static bool run_look(void *data, struct act_job *job, struct err *err)
{
    struct look *self = data;
    struct looking looking = {job, self};
    struct fsck_options options = {.repair = self->repair,
                                   .unlock = unlock,
                                   .cancelled = stopped,
                                   .progress = progress,
                                   .arg = &looking};
    struct store *store;
    bool done;

    fsck_clear(&self->list);
    fsck_access(act_store_folder(job), &options, &self->list);
    store = store_open(act_store_folder(job), self->repair ? STORE_WRITE : STORE_READ, err);
    done = store != NULL && fsck_run(store, &options, &self->list, err);
    store_close(store);
    return done;
}

static enum mark finding_mark(const struct fsck_finding *finding)
{
    if (finding->repaired)
        return MARK_OK;
    switch (finding->severity) {
    case FSCK_NOTE:
        return MARK_OFF;
    case FSCK_WARNING:
        return MARK_WARN;
    case FSCK_ERROR:
        break;
    }
    return MARK_BAD;
}

static void result_look(const void *data, struct lines *lines)
{
    const struct look *self = data;
    const struct fsck_list *list = &self->list;
    size_t left = fsck_count(list, FSCK_WARNING);

    lines_printf(lines, 0, left > 0 ? MARK_WARN : MARK_OK, NULL,
                 _("%lld certificates of %zu CAs were looked at; %zu problems are left."),
                 (long long)list->certificates, list->authorities, left);
    for (size_t i = 0; i < list->n; i++) {
        const struct fsck_finding *finding = &list->rows[i];

        lines_printf(lines, 0, finding_mark(finding), NULL, "%s: %s%s", finding->object,
                     finding->message, finding->repaired ? _(" (mended)") : "");
        if (!finding->repaired && finding->repairable && !self->repair)
            lines_add(lines, 2, MARK_NONE, NULL, _("can be mended here"));
        if (!finding->repaired && finding->help[0] != '\0')
            lines_add(lines, 2, MARK_NONE, NULL, finding->help);
    }
    if (list->left_off > 0)
        lines_printf(lines, 0, MARK_NONE, NULL, _("and %zu more like these"), list->left_off);
}

static void commands_look(const void *data, const struct form *form, struct strbuf *out)
{
    const struct look *self = data;
    bool repair = form != NULL ? form_choice(form, self->what_id) == WHAT_MEND : self->repair;

    strbuf_printf(out, "pgseal fsck%s\n", repair ? " --repair" : "");
}

static void free_look(void *data)
{
    struct look *self = data;

    fsck_clear(&self->list);
    secret_free(self->passphrase);
    free(self);
}

static const struct act_step look_steps[] = {{N_("What"), build_look, check_look, take_look, NULL}};

static const struct act_ops look_ops = {
    .name = "fsck",
    .title = N_("Look through the store"),
    .where = N_("Look through the store"),
    .word = "CRL",
    .why = N_("Rows, key files, serial numbers, and each list against the revocations. [xx] and "
              "[!!] want something done; [--] is good to know; [ok] is mended."),
    .go = N_("Go"),
    .stop = N_("Working.  Esc stops; what was mended stays mended."),
    .steps = look_steps,
    .n_steps = 1,
    .run = run_look,
    .result = result_look,
    .commands = commands_look,
    .free = free_look,
};

struct screen *page_fsck(struct app *app)
{
    struct look *self = mem_zalloc(sizeof(*self));

    return act_page(app, &look_ops, self);
}
