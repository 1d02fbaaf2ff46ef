/* run_load.c - a plan of an earlier run, from its typed fields in the journal. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    while (n > 0 && strcmp(text, words[n - 1]) != 0)
        n--;
    return n > 0;
}

/* "0123abcd.r0": a list in ssl_crl_dir */
static bool is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && text_starts_with(name + 8, ".r") &&
           name[10] != '\0' && name[10 + strspn(name + 10, "0123456789")] == '\0';
}

/* The path of a file that pgseal itself makes. */
static bool is_our_file(const struct step *step, const char *field)
{
    const char *path = step_text(step, field);
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return text_starts_with(name, "pgseal-") ||
           (step_is(step, "in_folder") && is_hashed_name(name));
}

/* What is taken back is only what pgseal does: the journal is a file, and a store may come from a backup
 * that somebody else had in his hands. "archive_command" is none of our settings, postgresql.conf none
 * of our files. */
static bool is_ours(const struct step *step)
{
    static const char *const settings[] = {"ssl",         "ssl_ca_file",  "ssl_cert_file",
                                           "ssl_crl_dir", "ssl_crl_file", "ssl_key_file"};
    static const char *const made[] = {"file", "key", "server_cert"};
    static const char *const replaced[] = {"hba", "crl", "ident"};
    const char *kind = step->kind;

    if (strcmp(kind, "setting") == 0)
        return is_one_of(step_text(step, "name"), settings, ARRAY_LEN(settings));
    if (is_one_of(kind, made, ARRAY_LEN(made)))
        return is_our_file(step, "path");
    return !is_one_of(kind, replaced, ARRAY_LEN(replaced)) || is_our_file(step, "backup");
}

static bool load_steps(struct plan *plan, const struct journal_plan *row, struct err *err)
{
    for (size_t i = 0; i < row->n_steps; i++) {
        const struct journal_step *from = &row->steps[i];
        const struct step_kind *kind = step_kind_find(from->kind);
        json_t *data = json_loads(from->data, 0, NULL);
        struct step *step;

        if (!kind || !json_is_object(data)) {
            json_decref(data);
            return err_set(err, ERR_UNDO, _("step %d of plan %lld is not known here: \"%s\""),
                           from->n, (long long)row->id, from->kind);
        }
        step = plan_add(plan, kind->name, PLAN_CHANGE, data);
        step_set_title(step, "%s", from->title);
        step->state = from->state;
        if (!is_ours(step))
            return err_set(err, ERR_UNDO, _("step %d of plan %lld is nothing that pgseal does: %s"),
                           from->n, (long long)row->id, from->title);
    }
    return true;
}

static bool check_same_server(const struct plan_target *target, const struct journal_plan *row,
                              struct err *err)
{
    char identifier[32] = "";

    if (!conn_system_identifier(target->admin, identifier, err))
        return false;
    if (strcmp(row->server, target->server->name) == 0 &&
        (!*identifier || !*row->system_identifier ||
         strcmp(row->system_identifier, identifier) == 0))
        return true;
    return err_set(err, ERR_OTHER_SERVER, _("plan %lld was made for another server than \"%s\""),
                   (long long)row->id, target->server->name);
}

struct plan *run_load_plan(const struct plan_target *target, int64_t id, struct err *err)
{
    struct journal_plan *row = journal_load(target->store, id, err);
    struct plan *plan = NULL;
    bool good = false;

    if (!row || !check_same_server(target, row, err))
        goto out;
    plan = mem_zalloc(sizeof(*plan));
    plan->target = *target;
    plan->id = id;
    plan->state = row->state;
    plan->title = mem_strdup(row->title);
    plan->intent = json_loads(row->intent, 0, NULL);
    if (!plan->intent) {
        err_set(err, ERR_UNDO, _("the intent of plan %lld cannot be read"), (long long)id);
        goto out;
    }
    good = load_steps(plan, row, err) && settings_read(target->admin, &plan->settings, err) &&
           (plan->files = files_new(target->admin, plan->settings.data_directory, err));
out:
    journal_plan_free(row);
    if (!good) {
        plan_free(plan);
        plan = NULL;
    }
    return plan;
}
