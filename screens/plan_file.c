/* plan_file.c - do what a plan file says: the plan is made anew, on the server that is there. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/saved.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "tui/form.h"

struct plan_file {
    struct app *app;
    struct form *form;
    int file;
};

/* ---- the intent: data is the path ---- */

static struct saved_plan *read_saved(const char *path, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct saved_plan *saved = NULL;

    if (fs_read(path, SAVED_MAX, &text, err))
        saved = saved_parse(text.data, text.len, err);
    strbuf_clear(&text);
    return saved;
}

static bool unlock(const struct saved_plan *saved, const struct attempt_tools *tools,
                   struct key **ret, struct err *err)
{
    const char *name = saved_needs_key_of(saved);
    struct authority *authority;

    *ret = NULL;
    if (name == NULL)
        return true;
    authority = authority_load(tools->target->store, name, err);
    if (authority != NULL)
        *ret = attempt_unlock(tools, authority, err);
    authority_free(authority);
    return *ret != NULL;
}

static struct plan *file_build(const void *data, const struct attempt_tools *tools, struct err *err)
{
    struct saved_plan *saved = read_saved(data, err);
    struct plan *plan = NULL;
    struct key *key = NULL;

    if (saved != NULL && unlock(saved, tools, &key, err))
        plan = saved_make_member(saved, tools->target, key, err);
    key_free(key);
    saved_free(saved);
    return plan;
}

static void file_command(const void *data, const char *server, struct strbuf *out)
{
    strbuf_add_str(out, "pgseal plan apply ");
    if (!text_quote_shell(out, data))
        strbuf_add_str(out, "''");
    strbuf_printf(out, " --server %s\n", server);
}

static void *file_copy(const void *data)
{
    return mem_strdup(data);
}

static const struct attempt_intent file_intent = {.name = "plan apply",
                                                  .members = attempt_for_members,
                                                  .build = file_build,
                                                  .command = file_command,
                                                  .copy = file_copy,
                                                  .free = free};

static const struct plan_page_spec spec = {
    .title = N_("Do what a plan file says"),
    .path = N_("Plan file"),
    .word = "reload",
    .intent = &file_intent,
};

/* ---- the page ---- */

static const struct form_field file_field = {
    .label = N_("Plan file"),
    .why =
        N_("Written by \"s\" on a plan's page, or by --save-plan: what is wanted, never SQL. The "
           "plan is made anew, and refused when it is for another server or something in it "
           "has changed since."),
    .help = N_("An absolute path, one from here, or ~/... It may be anybody's: every value in it "
               "is checked as one from the command line, and you see the plan first."),
    .word = "reload",
    .width = 48,
    .max = 1000,
};

static void check(void *arg, struct form *form)
{
    const struct plan_file *self = arg;

    form_say(form, self->file, form_text(form, self->file)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static struct nav file_event(void *arg, const struct event *event)
{
    struct plan_file *self = arg;

    if (event->type == EVENT_SHOWN)
        return app_take_done(self->app) ? nav_pop() : nav_stay();
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        return nav_push(
            page_plan(self->app, &spec, app_full_path(form_text(self->form, self->file))));
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static void file_draw(const void *arg, struct canvas *body)
{
    const struct plan_file *self = arg;

    form_draw(self->form, body);
}

static void file_frame(const void *arg, struct frame *ret)
{
    const struct plan_file *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", gettext(spec.title));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), gettext(spec.path));
    ret->word = spec.word;
    form_frame(self->form, ret);
}

static void file_commands(const void *arg, struct strbuf *out)
{
    const struct plan_file *self = arg;
    const char *path = form_text(self->form, self->file);

    file_command(path[0] != '\0' ? path : "trust.plan", app_server(self->app), out);
}

static void file_free(void *arg)
{
    struct plan_file *self = arg;

    app_keep(self->app, "plan.file", form_text(self->form, self->file));
    form_free(self->form);
    free(self);
}

static const struct screen_ops file_ops = {
    .name = "plan-file",
    .event = file_event,
    .draw = file_draw,
    .frame = file_frame,
    .commands = file_commands,
    .free = file_free,
};

struct screen *page_plan_file(struct app *app)
{
    struct plan_file *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->form = form_new(N_("See the plan"), NULL, check, self);
    form_explain_button(self->form, 0,
                        N_("pgseal reads the server and shows every step. Nothing is changed "
                           "before you have said yes to them."));
    form_add_line(self->form, N_("Server"), app_server(app));
    self->file = form_add_text(self->form, &file_field, app_kept(app, "plan.file"));
    form_recheck(self->form);
    return screen_new(&file_ops, self);
}
