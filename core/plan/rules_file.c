/* rules_file.c - pg_hba.conf from one content to another: a copy, the guard, the bytes, the reload. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/hba.h"
#include "core/plan/guard.h"
#include "core/plan/step.h"

#define HBA_MAX (4u << 20)

/* ---- the step: the file's bytes, from one content to another ---- */

bool step_hba_observe(struct step_run *run, struct step *step, enum observed *ret, struct err *err)
{
    struct strbuf hex = STRBUF_INIT;
    uint8_t sha256[32];

    if (!files_sha256(run->files, step_text(step, "path"), sha256, err))
        return false;
    strbuf_add_hex(&hex, sha256, sizeof(sha256));
    *ret = strcmp(hex.data, step_text(step, "after")) == 0    ? OBSERVED_AFTER
           : strcmp(hex.data, step_text(step, "before")) == 0 ? OBSERVED_BEFORE
                                                              : OBSERVED_OTHER;
    strbuf_clear(&hex);
    return true;
}

static bool begins(const struct strbuf *whole, const char *part, size_t len)
{
    return len < whole->len && memcmp(whole->data, part, len) == 0;
}

/* The beginning of what stands when these lines are put in above some line of it. */
static bool begins_with_lines_in(const struct strbuf *old, const char *lines,
                                 const struct strbuf *now)
{
    const size_t n_lines = strlen(lines);
    size_t at = 0;
    bool found = false;

    while (at < old->len && at < now->len && old->data[at] == now->data[at])
        at++; /* they part here, or later than where the lines begin: both may begin alike */
    for (size_t to = at + 1; n_lines > 0 && !found && to-- > 0 && at - to <= n_lines;) {
        size_t rest = now->len - to;
        size_t of_lines = rest < n_lines ? rest : n_lines;

        if (to > 0 && old->data[to - 1] != '\n')
            continue;
        found = memcmp(now->data + to, lines, of_lines) == 0 && rest - of_lines < old->len - to &&
                memcmp(now->data + to + of_lines, old->data + to, rest - of_lines) == 0;
    }
    return found;
}

/* By SQL a file is written in place. A whole one of somebody else's is no beginning of either. */
bool step_hba_is_torn(struct step_run *run, const struct step *step)
{
    struct strbuf now = STRBUF_INIT;
    struct strbuf old = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* what cannot be read is not taken for ours */
    bool torn = false;
    char hex[65];

    if (files_read(run->files, step_text(step, "path"), HBA_MAX, &now, &ignored) &&
        files_read(run->files, step_text(step, "backup"), HBA_MAX, &old, &ignored) &&
        strcmp(step_hash(&old, hex), step_text(step, "before")) == 0)
        torn = now.len == 0 || begins(&old, now.data, now.len) ||
               begins(&step->bytes, now.data, now.len) ||
               begins_with_lines_in(&old, step_text(step, "lines"), &now);
    strbuf_clear(&now);
    strbuf_clear(&old);
    return torn;
}

bool step_hba_apply(struct step_run *run, struct step *step, struct err *err)
{
    if (!files_overwrite(run->files, step_text(step, "path"), step->bytes.data, step->bytes.len,
                         err))
        return false;
    step_set_saw(step, _("written and read back; the old bytes are in %s"),
                 step_text(step, "backup"));
    return true;
}

/* The old bytes come from the copy beside the data: a rules file can hold secrets, so the journal
 * does not. */
bool step_hba_undo(struct step_run *run, struct step *step, struct err *err)
{
    const char *backup = step_text(step, "backup");
    struct strbuf bytes = STRBUF_INIT;
    char hex[65];
    bool good = false;

    if (!files_read(run->files, backup, HBA_MAX, &bytes, err))
        goto out;
    if (strcmp(step_hash(&bytes, hex), step_text(step, "before")) != 0) {
        err_set(err, ERR_UNDO, _("the copy \"%s\" is not what was saved"), backup);
        goto out;
    }
    good = files_overwrite(run->files, step_text(step, "path"), bytes.data, bytes.len, err);
    if (good)
        step_set_saw(step, _("the saved bytes are back"));
out:
    strbuf_clear(&bytes);
    return good;
}

/* ---- the guard: it waits from before the bytes are written until "kept" or "taken back" ---- */

bool step_guard_apply(struct step_run *run, struct step *step, struct err *err)
{
    struct plan *plan = run->plan;
    struct guard_order order = {.name = step_text(step, "name"),
                                .path = step_text(step, "path"),
                                .backup = step_text(step, "backup"),
                                .before = step_text(step, "before"),
                                .after = step_text(step, "after"),
                                .seconds = plan->guard_seconds};

    guard_free(plan->guard);
    plan->guard = guard_arm(run->target, &order, err);
    if (!plan->guard)
        return false;
    plan->guard_fires_ms = clock_mono_ms() + (int64_t)order.seconds * 1000;
    step_set_saw(step, _("it waits in the server: %d s, then the old rules are back"),
                 order.seconds);
    return true;
}

static bool is_armed(const struct step *step)
{
    return strcmp(step->kind, "guard") == 0 &&
           (step->state == JOURNAL_STEP_DOING || step->state == JOURNAL_STEP_DONE);
}

bool rules_end_guards(struct plan *plan, struct conn *admin, struct err *err)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (is_armed(&plan->steps[i]) && !guard_end(admin, step_text(&plan->steps[i], "name"), err))
            return false;
    }
    guard_free(plan->guard);
    plan->guard = NULL;
    plan->guard_fires_ms = 0;
    return true;
}

/* A file that has its name for ever: another process may write into it too. */
static bool is_rewritten(const struct step *step)
{
    return strcmp(step->kind, "hba") == 0 || strcmp(step->kind, "ident") == 0 ||
           strcmp(step->kind, "crl") == 0;
}

bool rules_confirm(struct plan *plan, struct err *err)
{
    struct step_run run = {.plan = plan, .target = &plan->target, .files = plan->files};

    if (!rules_end_guards(plan, plan->target.admin, err))
        return false;
    for (size_t i = 0; i < plan->n; i++) {
        struct step *step = &plan->steps[i];
        enum observed seen;

        if (!is_rewritten(step) || step->state != JOURNAL_STEP_DONE)
            continue;
        if (!step_hba_observe(&run, step, &seen, err))
            return false;
        if (seen != OBSERVED_AFTER)
            return err_set(err, ERR_PROOF,
                           seen == OBSERVED_BEFORE && strcmp(step->kind, "hba") == 0
                               ? _("the guard has put \"%s\" back: the time was over")
                               : _("\"%s\" was changed by somebody else meanwhile"),
                           step_text(step, "path"));
    }
    return true;
}

/* ---- planned ---- */

bool plan_read_rules(struct plan *plan, struct strbuf *out, struct err *err)
{
    struct result *result;
    bool standby;

    if (plan->rules_unread)
        return true;
    if (!files_read(plan->files, plan->settings.hba_file, HBA_MAX, out, err))
        return false;
    if (plan->target.by_hand || files_can_put_back(plan->files, out->data, out->len))
        return true;
    result = conn_exec(plan->target.admin, "SELECT pg_catalog.pg_is_in_recovery()", 0, NULL, err);
    if (!result)
        return false;
    standby = result_bool(result, 0, 0);
    result_free(result);
    if (!standby)
        return true; /* whoever may not write it says so */
    err_set(err, ERR_STANDBY,
            _("server \"%s\" is a standby, and its pg_hba.conf is not plain ASCII lines"),
            plan->target.server->name);
    err_cause(err, _("By SQL its bytes could not be put back there."));
    return err_hint(err, _("Run pgseal on that machine, or change pg_hba.conf there by hand."));
}

bool plan_check_rules(const struct plan *plan, struct err *err)
{
    struct err why = ERR_INIT;

    if (hba_check_on_server(plan->target.admin, &why) ||
        (plan->target.by_hand && why.code != ERR_HBA))
        return true;
    *err = why;
    return false;
}

void plan_add_guard(struct plan *plan, const char *path, const char *backup, const char *before,
                    const char *after)
{
    char name[GUARD_NAME_MAX];
    struct step *step;

    guard_new_name(name);
    step = plan_add(plan, "guard", PLAN_ACT,
                    json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", name, "path", path, "backup", backup,
                              "before", before, "after", after));
    step_set_title(step, _("a guard in the server"));
    free(step->effect);
    step->effect = mem_strdup(_("puts the old rules back by itself when this is not kept in time"));
}

bool plan_add_rewrite(struct plan *plan, const struct plan_rewrite *file, struct err *err)
{
    struct strbuf copy = STRBUF_INIT;
    struct strbuf diff = STRBUF_INIT;
    char *backup_name = NULL;
    char *backup;
    struct step *step;
    char before[65], after[65];
    bool good;

    strbuf_add(&copy, file->old->data, file->old->len);
    good = plan_add_file(plan, file->copy_stem, ".conf", &copy, 0600, file->copy_effect,
                         &backup_name, err);
    strbuf_clear(&copy);
    if (!good)
        return false;
    json_object_set_new(plan->steps[plan->n - 1].data, "copy_of", json_string(file->path));
    backup = plan_path(plan, backup_name);
    step_hash(file->old, before);
    step_hash(file->wanted, after);
    if (file->with_guard)
        plan_add_guard(plan, file->path, backup, before, after);
    step =
        plan_add(plan, file->kind, PLAN_CHANGE,
                 json_pack("{s:s,s:s,s:s,s:s,s:s%}", "path", file->path, "before", before, "after",
                           after, "backup", backup, "lines", file->lines->data, file->lines->len));
    step_set_title(step, "%s", file->title);
    free(step->effect);
    step->effect = mem_strdup(file->effect);
    free(step->file);
    step->file = mem_strdup(file->path);
    strbuf_add(&step->bytes, file->wanted->data, file->wanted->len);
    rules_diff(file->path, file->old, file->wanted, &diff);
    step->by_hand = strbuf_steal(&diff);
    free(backup_name);
    free(backup);
    return true;
}

bool plan_add_rules_file(struct plan *plan, const struct strbuf *old, const struct strbuf *wanted,
                         const struct strbuf *lines, const char *title, struct err *err)
{
    struct plan_rewrite rules = {.kind = "hba",
                                 .path = plan->settings.hba_file,
                                 .copy_stem = "pgseal-hba",
                                 .copy_effect = _("a copy of the rules as they are"),
                                 .effect =
                                     _("the first line that fits decides; sessions stay open"),
                                 .title = title,
                                 .old = old,
                                 .wanted = wanted,
                                 .lines = lines,
                                 .with_guard = true};

    if (!plan_add_rewrite(plan, &rules, err))
        return false;
    plan_add_look(plan, "hba_check", _("pg_hba_file_rules: no line has an error"));
    plan_add_reload(plan);
    return plan->rules_unread || plan_find_refused(plan, old, wanted, err);
}

/* Without any CA every rule that wants a certificate refuses everybody. */
bool plan_check_no_rule_needs_cert(const struct plan *plan, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct hba hba;
    int line = 0;

    if (plan->rules_unread)
        return true;
    if (!files_read(plan->files, plan->settings.hba_file, HBA_MAX, &text, err)) {
        strbuf_clear(&text);
        return false;
    }
    hba_parse(text.data, text.len, conn_server_version(plan->target.admin), &hba);
    for (size_t i = 0; i < hba.n && line == 0; i++) {
        if (hba.lines[i].kind == HBA_RULE && hba_rule_needs_cert(&hba.lines[i].rule))
            line = hba.lines[i].number;
    }
    hba_clear(&hba);
    strbuf_clear(&text);
    if (line == 0)
        return true;
    err_set(err, ERR_WOULD_LOCK_OUT,
            _("line %d of pg_hba.conf wants certificates, and no CA is left"), line);
    return err_hint(err, _("\"pgseal server unrequire %s\" takes our rules away."),
                    plan->target.server->name);
}
