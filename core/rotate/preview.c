/* preview.c - what an act would do: its servers' plans, its kits, who would be refused. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/rotate/servers.h"

static void clear_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

static void push_text(char ***texts, size_t *n, char *take)
{
    *texts = mem_realloc_array(*texts, *n + 1, sizeof(**texts));
    (*texts)[(*n)++] = take;
}

static void clear_refused(struct rotate_refused *row)
{
    free(row->server);
    free(row->role);
    free(row->database);
    free(row->application);
    free(row->address);
    free(row->why);
}

void rotate_preview_clear(struct rotate_preview *preview)
{
    clear_texts(preview->lines, preview->n_lines);
    clear_texts(preview->kits, preview->n_kits);
    for (size_t i = 0; i < preview->n_servers; i++) {
        free(preview->servers[i].name);
        clear_texts(preview->servers[i].steps, preview->servers[i].n_steps);
    }
    free(preview->servers);
    for (size_t i = 0; i < preview->n_refused; i++)
        clear_refused(&preview->refused[i]);
    free(preview->refused);
    *preview = (struct rotate_preview){.n_lines = 0};
}

void rotate_preview_line(struct rotate_preview *preview, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    push_text(&preview->lines, &preview->n_lines, strbuf_steal(&text));
}

void rotate_preview_kit(struct rotate_preview *preview, const char *role)
{
    push_text(&preview->kits, &preview->n_kits, mem_strdup(role));
}

struct rotate_refused *rotate_preview_refused(struct rotate_preview *preview)
{
    preview->refused =
        mem_realloc_array(preview->refused, preview->n_refused + 1, sizeof(preview->refused[0]));
    preview->refused[preview->n_refused] = (struct rotate_refused){.pid = 0};
    return &preview->refused[preview->n_refused++];
}

/* ---- a change to servers ---- */

static struct rotate_would *add_server(struct rotate_preview *preview, const char *name)
{
    preview->servers =
        mem_realloc_array(preview->servers, preview->n_servers + 1, sizeof(preview->servers[0]));
    preview->servers[preview->n_servers] =
        (struct rotate_would){.name = mem_strdup(name), .err = ERR_INIT};
    return &preview->servers[preview->n_servers++];
}

static void take_steps(const struct plan *plan, struct rotate_would *ret)
{
    ret->nothing = plan_nothing_to_do(plan);
    for (size_t i = 0; !ret->nothing && i < plan_count(plan); i++) {
        const struct plan_step_view step = plan_step(plan, i);

        if (step.mark != PLAN_SAME)
            push_text(&ret->steps, &ret->n_steps, mem_printf("%c %s", (char)step.mark, step.title));
    }
}

static void take_refused(struct rotate_preview *preview, const char *server,
                         const struct plan *plan)
{
    for (size_t i = 0; i < plan_count_refused(plan); i++) {
        const struct plan_refused *from = plan_refused(plan, i);

        *rotate_preview_refused(preview) =
            (struct rotate_refused){.server = mem_strdup(server),
                                    .pid = from->pid,
                                    .role = mem_strdup(from->role),
                                    .database = mem_strdup(from->database),
                                    .application = mem_strdup(""),
                                    .address = mem_strdup(from->address),
                                    .why = mem_strdup(from->why)};
    }
}

static void take_member(struct rotate_preview *preview, const struct fleet_member *member)
{
    struct rotate_would *server = add_server(preview, member->server->name);

    server->production = member->server->production;
    server->standby = member->standby;
    server->reached = member->target.admin != NULL;
    server->err = member->err;
    if (member->plan == NULL)
        return;
    take_steps(member->plan, server);
    take_refused(preview, server->name, member->plan);
}

void rotate_preview_servers(struct rotate_work *work, struct server_list *take,
                            const struct rotate_change *change)
{
    const struct fleet_order order = {.make = change->make, .arg = change->arg, .go_on = true};
    struct fleet *fleet = fleet_new(work->store, take);
    struct err told = ERR_INIT; /* with each member */

    if (fleet_open(fleet, &order, work->request->door, &told))
        (void)!fleet_make(fleet, &order, &told);
    for (size_t i = 0; i < fleet_count(fleet); i++)
        take_member(work->preview, fleet_member(fleet, i));
    fleet_free(fleet);
}
