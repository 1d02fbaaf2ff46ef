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
