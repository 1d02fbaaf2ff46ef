/* remove_rules.c - rules of ours go out of pg_hba.conf again; nobody else's line is touched. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/ident.h"
#include "core/plan/step.h"

#define IDENT_MAX (4u << 20)

static size_t text_len(const struct hba_line *line)
{
    size_t len = line->raw_len;

    while (len > 0 && (line->raw[len - 1] == '\n' || line->raw[len - 1] == '\r'))
        len--;
    return len;
}

static bool is_among(const struct hba_line *line, const struct remove_rules_intent *intent)
{
    size_t len = text_len(line);

    for (size_t i = 0; i < intent->n_texts; i++) {
        if (strlen(intent->texts[i]) == len && memcmp(intent->texts[i], line->raw, len) == 0)
            return true;
    }
    return false;
}

/* The numbers that these texts have in this file. Caller frees. */
static int *find_texts(const struct hba *hba, const struct remove_rules_intent *intent, size_t *ret)
{
    int *numbers = mem_array(hba->n + 1, sizeof(*numbers));

    *ret = 0;
    for (size_t i = 0; i < hba->n; i++) {
        if (hba->lines[i].ours && is_among(&hba->lines[i], intent))
            numbers[(*ret)++] = hba->lines[i].number;
    }
    return numbers;
}

static bool is_asked(const struct remove_rules_intent *intent, int number)
{
    for (size_t i = 0; i < intent->n_lines; i++) {
        if (intent->lines[i] == number)
            return true;
    }
    return intent->n_lines == 0;
}

static bool check_lines(const struct hba *hba, const struct remove_rules_intent *intent,
                        struct err *err)
{
    for (size_t i = 0; i < intent->n_lines; i++) {
        bool ours = false;

        for (size_t j = 0; j < hba->n && !ours; j++)
            ours = hba->lines[j].ours && hba->lines[j].number == intent->lines[i];
        if (!ours)
            return err_set(err, ERR_BAD_VALUE, _("line %d of pg_hba.conf is not a rule of pgseal"),
                           intent->lines[i]);
    }
    return true;
}

/* From the end, so that the numbers of the lines above stay right. */
static size_t take_out(struct hba *hba, const struct remove_rules_intent *intent,
                       struct strbuf *lines)
{
    size_t n = 0;

    for (size_t i = 0; i < hba->n; i++) {
        if (hba->lines[i].ours && is_asked(intent, hba->lines[i].number))
            strbuf_add(lines, hba->lines[i].raw, hba->lines[i].raw_len);
    }
    for (size_t i = hba->n; i-- > 0;) {
        if (!hba->lines[i].ours || !is_asked(intent, hba->lines[i].number))
            continue;
        hba_remove(hba, i);
        n++;
    }
    return n;
}

/* After the rules: until those are gone the lines are needed. The guard of pg_hba.conf would bring rules
 * back that need them, so they have one too. */
static bool add_maps(struct plan *plan, const struct hba *hba, struct err *err)
{
    struct strbuf old = STRBUF_INIT;
    struct strbuf wanted = STRBUF_INIT;
    struct strbuf lines = STRBUF_INIT;
    bool there = false;
    bool good = true;
    char *title;

    if (!*plan->settings.ident_file || plan->maps_unread)
        return true;
    if (!files_exists(plan->files, plan->settings.ident_file, &there, err))
        return false;
    if (!there || !files_read(plan->files, plan->settings.ident_file, IDENT_MAX, &old, err)) {
        strbuf_clear(&old);
        return !there;
    }
    plan_unused_map_lines(&old, hba, &wanted, &lines);
    title = mem_printf(_("%s: lines that no rule needs any more go"), plan->settings.ident_file);
    if (lines.len > 0) {
        good = (plan->target.by_hand || ident_check_on_server(plan->target.admin, err)) &&
               plan_add_maps_file(plan, &old, &wanted, &lines, title, true, err);
        if (good)
            plan_add_reload(plan);
    }
    strbuf_clear(&old);
    strbuf_clear(&wanted);
    strbuf_clear(&lines);
    free(title);
    return good;
}

static bool add_steps(struct plan *plan, const struct strbuf *old, const struct hba *hba,
                      const struct strbuf *lines, size_t n, struct err *err)
{
    const char *path = plan->settings.hba_file;
    char *title =
        mem_printf(ngettext("%s: %zu rule goes", "%s: %zu rules go", (unsigned long)n), path, n);
    struct strbuf wanted = STRBUF_INIT;
    bool good;

    hba_print(hba, &wanted);
    good = plan_add_rules_file(plan, old, &wanted, lines, title, err);
    strbuf_clear(&wanted);
    free(title);
    return good;
}

/* The rules may not be read: which of them are ours, whoever reads this sees. */
static void add_unread(struct plan *plan)
{
    struct step *step = plan_add(plan, "hba", PLAN_REMOVE, json_object());

    step_set_title(step, _("%s: every line that ends with \"%s\" goes"), plan->settings.hba_file,
                   HBA_MARK);
    plan_add_look(plan, "hba_check", _("pg_hba_file_rules: no line has an error"));
    plan_add_reload(plan);
    plan_add_look(plan, "prove_admin", _("a new admin login"));
}

static void add_nothing(struct plan *plan)
{
    struct step *step = plan_add(plan, "hba", PLAN_SAME, json_object());

    step_set_title(step, _("%s: no rule of pgseal is there"), plan->settings.hba_file);
}

static bool build(struct plan *plan, const struct remove_rules_intent *given, struct err *err)
{
    struct remove_rules_intent intent = *given;
    struct strbuf old = STRBUF_INIT;
    struct strbuf lines = STRBUF_INIT;
    int *found = NULL;
    struct hba hba;
    size_t n = 0;
    bool good = false;

    if (plan->rules_unread) {
        add_unread(plan);
        plan_set_want(plan, want_remove_rules(given));
        return true;
    }
    if (!plan_read_rules(plan, &old, err) || !plan_check_rules(plan, err)) {
        strbuf_clear(&old);
        return false;
    }
    hba_parse(old.data, old.len, conn_server_version(plan->target.admin), &hba);
    if (given->n_texts > 0) {
        found = find_texts(&hba, given, &intent.n_lines);
        intent.lines = found;
    }
    if (check_lines(&hba, &intent, err)) {
        if (given->n_texts == 0 || intent.n_lines > 0) /* no number would mean all of them */
            n = take_out(&hba, &intent, &lines);
        good = true;
        if (n > 0)
            good = add_steps(plan, &old, &hba, &lines, n, err);
        else
            add_nothing(plan);
        good = good && add_maps(plan, &hba, err);
        plan_set_want(plan, want_remove_rules(&intent));
        if (good && !plan_nothing_to_do(plan))
            plan_add_look(plan, "prove_admin", _("a new admin login"));
    }
    hba_clear(&hba);
    strbuf_clear(&old);
    strbuf_clear(&lines);
    free(found);
    return good;
}

struct plan *plan_remove_rules(const struct plan_target *target,
                               const struct remove_rules_intent *intent, struct err *err)
{
    char *title =
        mem_printf(_("take pgseal's rules away from server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "remove_rules", title, err);

    free(title);
    if (plan && build(plan, intent, err))
        return plan;
    plan_free(plan);
    return NULL;
}
