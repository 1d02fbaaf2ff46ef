/* map_file.c - pg_ident.conf from one content to another; lines of ours stand above all others. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/ident.h"
#include "core/pg/roles.h"
#include "core/plan/step.h"

#define IDENT_MAX (4u << 20)

/* By hand a role that may not ask is spared the answer. */
static bool check_maps(const struct plan *plan, struct err *err)
{
    struct err why = ERR_INIT;

    if (ident_check_on_server(plan->target.admin, &why) ||
        (plan->target.by_hand && why.code != ERR_HBA))
        return true;
    *err = why;
    return false;
}

bool plan_read_maps(struct plan *plan, struct strbuf *out, struct err *err)
{
    const char *path = plan->settings.ident_file;
    struct ident ident;
    bool there = false;
    bool good;

    if (plan->maps_unread)
        return true;
    if (!files_exists(plan->files, path, &there, err))
        return false;
    if (!there) {
        err_set(err, ERR_FILE, _("\"%s\" is not there on the server"), path);
        return err_hint(err, _("Make an empty file of the server's user there."));
    }
    if (!files_read(plan->files, path, IDENT_MAX, out, err) || !check_maps(plan, err))
        return false;
    ident_parse(out->data, out->len, conn_server_version(plan->target.admin), &ident);
    if (ident.bad_line == 0)
        good = ident_check_patterns(&ident, plan->target.admin, err);
    else
        good = err_set(err, ERR_HBA,
                       _("line %d of pg_ident.conf cannot be read: the server does not load the "
                         "file"),
                       ident.bad_line);
    ident_clear(&ident);
    return good;
}

/* ---- lines that go in ---- */

static bool is_there(const struct ident *ident, const char *map,
                     const struct access_map_line *wanted)
{
    for (size_t i = 0; i < ident->n; i++) {
        const struct ident_line *line = &ident->lines[i];

        if (strcmp(line->map, map) == 0 && strcmp(line->system_name, wanted->cn) == 0 &&
            strcmp(line->role, wanted->role) == 0 &&
            ident_line_for(ident, line, wanted->role, NULL, 0) == HBA_FIT_YES)
            return true;
    }
    return false;
}

static bool is_named(const struct access_rules_intent *intent, const char *role)
{
    for (size_t i = 0; i < intent->n_roles; i++) {
        if (strcmp(intent->roles[i], role) == 0)
            return true;
    }
    return false;
}

static bool collect_lines(const struct access_rules_intent *intent, const struct ident *ident,
                          struct strbuf *out, struct err *err)
{
    for (size_t i = 0; i < intent->n_map_lines; i++) {
        const struct access_map_line *line = &intent->map_lines[i];
        struct strbuf text = STRBUF_INIT;
        bool good = is_named(intent, line->role) ||
                    err_set(err, ERR_BAD_VALUE,
                            _("the map lets \"%s\" in as \"%s\", and the rules are not for that "
                              "role"),
                            line->cn, line->role);

        good = good && ident_format_line(intent->map, line->cn, line->role, &text, err);
        if (good && !is_there(ident, intent->map, line) && !strstr(out->data, text.data))
            strbuf_add(out, text.data, text.len);
        strbuf_clear(&text);
        if (!good)
            return false;
    }
    return true;
}

/* Above the first line that says something: a regular expression that fails ends the search of a map,
 * and an included file may hold one too. The comments at the file's head stay there. */
static size_t first_mapping(const struct hba *file)
{
    size_t at = 0;

    while (at < file->n && file->lines[at].kind == HBA_BLANK && !file->lines[at].open)
        at++;
    return at;
}

bool plan_map_lines(struct plan *plan, const struct access_rules_intent *intent,
                    const struct strbuf *old, struct strbuf *ret_wanted, struct strbuf *ret_lines,
                    struct err *err)
{
    int version = conn_server_version(plan->target.admin);
    struct ident ident;
    struct hba file;
    bool good;

    ident_parse(old->data, old->len, version, &ident);
    hba_parse(old->data, old->len, version, &file);
    good = collect_lines(intent, &ident, ret_lines, err);
    if (good && ret_lines->len > 0)
        good = hba_insert(&file, first_mapping(&file), ret_lines->data, err);
    if (good)
        hba_print(&file, ret_wanted);
    ident_clear(&ident);
    hba_clear(&file);
    return good;
}

static bool check_role(struct plan *plan, const struct access_rules_intent *intent,
                       const struct ident *ident, const char *role, struct err *err)
{
    char **member_of = NULL;
    size_t n_member_of = 0;
    enum hba_fit fit;

    if (!roles_member_of(plan->target.admin, role, &member_of, &n_member_of, err))
        return false;
    fit = ident_lets_in(ident, intent->map, role, (const char *const *)member_of, n_member_of);
    for (size_t i = 0; i < n_member_of; i++)
        free(member_of[i]);
    free(member_of);
    if (fit != HBA_FIT_NO)
        return true;
    err_set(err, ERR_WOULD_LOCK_OUT, _("the map \"%s\" lets no certificate in as \"%s\""),
            intent->map, role);
    err_cause(err, _("With a map, a certificate for the role itself needs a line as well."));
    return err_hint(err,
                    _("Add a line for it: certificate \"%s\", role \"%s\" "
                      "(--map-role=%s=%s)."),
                    role, role, role, role);
}

bool plan_check_map(struct plan *plan, const struct access_rules_intent *intent,
                    const struct strbuf *wanted, struct err *err)
{
    struct ident ident;
    bool good = true;

    if (plan->maps_unread && intent->n_map_lines == 0)
        return true; /* it may be there */
    ident_parse(wanted->data, wanted->len, conn_server_version(plan->target.admin), &ident);
    for (size_t i = 0; i < intent->n_roles && good; i++)
        good = check_role(plan, intent, &ident, intent->roles[i], err);
    ident_clear(&ident);
    return good;
}

/* ---- lines that go out ---- */

static bool may_be_for(const struct hba_rule *rule, const char *role)
{
    for (size_t i = 0; i < rule->n_roles; i++) {
        const char *name = rule->roles[i];
        bool quoted = rule->roles_quoted && rule->roles_quoted[i];

        if (strcmp(name, role) == 0 || name[0] == '/' ||
            (!quoted && (strcmp(name, "all") == 0 || name[0] == '+' || name[0] == '@')))
            return true;
    }
    return false;
}

static bool is_needed(const struct hba *rules, const struct ident_line *line)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct hba_line *rule = &rules->lines[i];
        const char *map;

        if (rule->kind == HBA_INCLUDE || rule->kind == HBA_BAD)
            return true; /* what stands there is not known */
        map = rule->kind == HBA_RULE ? hba_rule_option(&rule->rule, "map") : NULL;
        if (map && strcmp(map, line->map) == 0 && may_be_for(&rule->rule, line->role))
            return true;
    }
    return false;
}

void plan_unused_map_lines(const struct strbuf *old, const struct hba *rules,
                           struct strbuf *ret_wanted, struct strbuf *ret_lines)
{
    struct ident ident;
    struct hba file;

    ident_parse(old->data, old->len, rules->server_version, &ident);
    hba_parse(old->data, old->len, rules->server_version, &file);
    for (size_t i = 0; i < file.n; i++) {
        for (size_t j = 0; j < ident.n; j++) {
            if (!ident.lines[j].ours || ident.lines[j].number != file.lines[i].number)
                continue;
            if (is_needed(rules, &ident.lines[j]))
                continue;
            strbuf_add(ret_lines, file.lines[i].raw, file.lines[i].raw_len);
            file.lines[i].raw_len = 0;
        }
    }
    hba_print(&file, ret_wanted);
    ident_clear(&ident);
    hba_clear(&file);
}

/* ---- who else goes by the map ---- */

/* For such a line the names are those of the operating system, or of a realm: somebody's login there
 * would be the role as well. */
bool plan_check_map_use(const struct access_rules_intent *intent, const struct hba *rules,
                        struct err *err)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct hba_line *line = &rules->lines[i];
        const char *map = line->kind == HBA_RULE ? hba_rule_option(&line->rule, "map") : NULL;
        bool hit = false;

        if (!map || strcmp(map, intent->map) != 0 || strcmp(line->rule.method, "cert") == 0)
            continue;
        for (size_t k = 0; k < intent->n_map_lines && !hit; k++)
            hit = may_be_for(&line->rule, intent->map_lines[k].role);
        if (!hit)
            continue;
        err_set(err, ERR_POLICY, _("the map \"%s\" serves line %d of pg_hba.conf too (%s)"),
                intent->map, line->number, line->rule.method);
        err_cause(err, _("There the names in the map are not those of certificates: whoever has "
                         "such a name there would get the role without one."));
        return err_hint(err, _("Take another name for the map of the certificates."));
    }
    return true;
}

/* ---- planned ---- */

bool plan_add_maps_file(struct plan *plan, const struct strbuf *old, const struct strbuf *wanted,
                        const struct strbuf *lines, const char *title, bool with_guard,
                        struct err *err)
{
    struct plan_rewrite maps = {.kind = "ident",
                                .path = plan->settings.ident_file,
                                .copy_stem = "pgseal-ident",
                                .copy_effect = _("a copy of the maps as they are"),
                                .effect =
                                    _("which certificate may be which role; sessions stay open"),
                                .title = title,
                                .old = old,
                                .wanted = wanted,
                                .lines = lines,
                                .with_guard = with_guard};

    if (!plan_add_rewrite(plan, &maps, err))
        return false;
    plan_add_look(plan, "ident_check",
                  conn_server_version(plan->target.admin) >= 150000
                      ? _("pg_ident_file_mappings: no line has an error")
                      : _("pg_ident.conf: no line has an error"));
    return true;
}
