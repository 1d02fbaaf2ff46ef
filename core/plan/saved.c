/* saved.c - plan files: written, read, and made into a plan again. */
#include "config.h"

#include "core/plan/saved.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/saved_part.h"

/* ---- written ---- */

bool saved_print(const struct plan *plan, struct strbuf *out, struct err *err)
{
    json_t *want = json_object_get(plan->intent, "want");
    json_t *document;
    char *text;

    if (!want) {
        err_set(err, ERR_PLAN_FILE, _("this plan cannot be saved: it brings a private key"));
        return err_hint(err, _("Keys are in no file of pgseal's: apply it here."));
    }
    document = json_pack("{s:i,s:s,s:s,s:s,s:s,s:I,s:O,s:O}", "v", 1, "pgseal", "plan", "server",
                         plan->target.server->name, "system_identifier",
                         plan->target.server->system_identifier, "title", plan->title, "made_at",
                         (json_int_t)clock_now(), "want", want, "saw",
                         json_object_get(plan->intent, "saw"));
    text = json_dumps(document, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    json_decref(document);
    if (!text)
        return err_set(err, ERR_INTERNAL, _("the plan cannot be written as JSON"));
    strbuf_add_str(out, text);
    strbuf_add_char(out, '\n');
    free(text);
    return true;
}

/* ---- read ---- */

const char *saved_string(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text ? text : "";
}

bool saved_no_plan(struct err *err, const char *what)
{
    err_set(err, ERR_PLAN_FILE, _("this is not a plan file: %s"), what);
    return false;
}

const char *saved_text(const json_t *object, const char *name, size_t max, bool empty)
{
    const json_t *field = json_object_get(object, name);
    const char *text = json_string_value(field);

    if (!text || strlen(text) != json_string_length(field) || strlen(text) > max ||
        (!empty && !*text) || !text_is_clean(text))
        return NULL;
    return text;
}

static struct saved_plan *from_json(json_t *document, struct err *err)
{
    const char *server = saved_text(document, "server", 63, false);
    const char *identifier = saved_text(document, "system_identifier", 31, true);
    const char *title = saved_text(document, "title", 300, true);
    json_t *want = json_object_get(document, "want");
    json_t *saw = json_object_get(document, "saw");
    struct saved_plan *saved;

    if (!server || !identifier || !title) {
        saved_no_plan(err, _("its server is not named"));
        return NULL;
    }
    if (!json_is_object(want) || !saved_text(want, "kind", 31, false)) {
        saved_no_plan(err, _("it does not say what is wanted"));
        return NULL;
    }
    if (saw && !json_is_object(saw)) {
        saved_no_plan(err, _("\"saw\" is not an object"));
        return NULL;
    }
    if (!saved_check_want(want, err))
        return NULL;
    saved = mem_zalloc(sizeof(*saved));
    saved->server = mem_strdup(server);
    saved->system_identifier = mem_strdup(identifier);
    saved->title = mem_strdup(title);
    saved->made_at = json_integer_value(json_object_get(document, "made_at"));
    saved->want = json_incref(want);
    saved->saw = saw ? json_incref(saw) : NULL;
    return saved;
}

struct saved_plan *saved_parse(const void *bytes, size_t len, struct err *err)
{
    struct saved_plan *saved = NULL;
    json_error_t why;
    json_t *document;

    if (len > SAVED_MAX) {
        err_set(err, ERR_TOO_LARGE, _("the plan file is larger than %u bytes"), SAVED_MAX);
        return NULL;
    }
    document = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (!document) {
        struct strbuf clean = STRBUF_INIT;

        text_clean(&clean, why.text, strlen(why.text), TEXT_ONE_LINE);
        err_set(err, ERR_PLAN_FILE, _("this is not a plan file: line %d: %s"), why.line,
                clean.data);
        strbuf_clear(&clean);
        return NULL;
    }
    if (!text_equal(json_string_value(json_object_get(document, "pgseal")), "plan"))
        saved_no_plan(err, _("\"pgseal\" is not \"plan\" in it"));
    else if (json_integer_value(json_object_get(document, "v")) != 1)
        saved_no_plan(err, _("it was written by another version of pgseal"));
    else if (!json_object_get(document, "saw"))
        saved_no_plan(err, _("it does not say what it was built on"));
    else
        saved = from_json(document, err);
    json_decref(document);
    return saved;
}

struct saved_plan *saved_from_journal(const struct journal_plan *row, struct err *err)
{
    json_t *intent = json_loads(row->intent, 0, NULL);
    json_t *want = json_object_get(intent, "want");
    struct saved_plan *saved = NULL;

    if (want) {
        saved = mem_zalloc(sizeof(*saved));
        saved->server = mem_strdup(row->server);
        saved->system_identifier = mem_strdup(row->system_identifier);
        saved->title = mem_strdup(row->title);
        saved->made_at = row->created_at;
        saved->want = json_incref(want);
        saved->saw = json_incref(json_object_get(intent, "saw"));
    } else {
        err_set(err, ERR_PLAN_FILE,
                _("plan %lld cannot be made again: it brought a private key, or an older pgseal "
                  "made it"),
                (long long)row->id);
    }
    json_decref(intent);
    return saved;
}

void saved_forget_saw(struct saved_plan *saved)
{
    json_decref(saved->saw);
    saved->saw = NULL;
}

void saved_free(struct saved_plan *saved)
{
    if (!saved)
        return;
    free(saved->server);
    free(saved->system_identifier);
    free(saved->title);
    json_decref(saved->want);
    json_decref(saved->saw);
    free(saved);
}

/* ---- is the server still what it was? ---- */

static bool compare(const char *name, const json_t *then, const json_t *now, struct err *err)
{
    bool is_setting = strncmp(name, "ssl", 3) == 0;

    if (strcmp(saved_string(then, "value"), saved_string(now, "value")) != 0)
        err_set(err, ERR_PLAN_STALE, _("%s is \"%s\" now, and was \"%s\" when the plan was made"),
                name, saved_string(now, "value"), saved_string(then, "value"));
    else if (strcmp(saved_string(then, "sha256"), saved_string(now, "sha256")) != 0)
        err_set(err, ERR_PLAN_STALE, _("file \"%s\"%s%s%s has changed since the plan was made"),
                saved_string(now, "value"), is_setting ? " (" : "", is_setting ? name : "",
                is_setting ? ")" : "");
    else
        return true;
    err_state(err, _("Nothing was changed."));
    return err_hint(err, _("Look at what changed, and make the plan again."));
}

static bool check_unchanged(const json_t *want, const json_t *saw, struct files *files,
                            const struct settings *settings, struct err *err)
{
    json_t *now = want_saw(saved_string(want, "kind"), files, settings);
    const char *name;
    json_t *seen;
    bool good = true;

    json_object_foreach(now, name, seen)
    {
        const json_t *then = json_object_get(saw, name);

        if (good && !json_is_object(then))
            good = saved_no_plan(err, _("it does not say what it was built on"));
        good = good && compare(name, then, seen, err);
    }
    json_decref(now);
    return good;
}

bool plan_check_fresh(const struct plan *plan, struct err *err)
{
    const json_t *want = json_object_get(plan->intent, "want");
    const json_t *saw = json_object_get(plan->intent, "saw");
    struct settings settings;
    bool good;

    if (!want || !saw)
        return true; /* it brings a private key, and reads nothing that it gives back */
    if (!settings_read(plan->target.admin, &settings, err))
        return false;
    good = check_unchanged(want, saw, plan->files, &settings, err);
    settings_clear(&settings);
    return good;
}

static bool check_server(const struct saved_plan *saved, const struct plan_target *target,
                         struct err *err)
{
    char identifier[32] = "";

    if (!conn_system_identifier(target->admin, identifier, err))
        return false;
    if (text_equal(saved->system_identifier, identifier) ||
        (!*identifier && text_equal(saved->system_identifier, target->server->system_identifier)))
        return true;
    err_set(err, ERR_OTHER_SERVER, _("the plan was made for another server than \"%s\""),
            target->server->name);
    err_cause(err, _("Its system identifier is %s, this one's is %s."),
              *saved->system_identifier ? saved->system_identifier : _("not known"),
              *identifier ? identifier : _("not known"));
    return err_state(err, _("Nothing was changed."));
}

bool saved_check_server(const struct saved_plan *saved, const struct plan_target *target,
                        struct err *err)
{
    struct settings settings;
    struct files *files = NULL;
    bool good;

    if (!check_server(saved, target, err) || !settings_read(target->admin, &settings, err))
        return false;
    files = files_new(target->admin, settings.data_directory, err);
    good =
        files && (!saved->saw || check_unchanged(saved->want, saved->saw, files, &settings, err));
    files_free(files);
    settings_clear(&settings);
    return good;
}

/* ---- for a cluster ---- */

static bool is_member(const struct server_list *members, const char *name)
{
    for (size_t i = 0; i < members->n; i++) {
        if (text_equal(members->rows[i]->name, name))
            return true;
    }
    return false;
}

struct plan *saved_make_member(const struct saved_plan *saved, const struct plan_target *target,
                               const struct key *key, struct err *err)
{
    struct server_list members = {NULL, 0};
    struct saved_plan of_another = *saved; /* borrows all of it */

    if (target->server->cluster[0] == '\0' || text_equal(saved->server, target->server->name))
        return saved_make(saved, target, key, err);
    if (!server_members(target->store, target->server->cluster, &members, err))
        return NULL;
    if (is_member(&members, saved->server)) /* else nothing at all would be compared */
        of_another.saw = NULL;
    server_list_clear(&members);
    return saved_make(&of_another, target, key, err);
}
