/* rotate_stragglers.c - "rotate stragglers": who has not moved, in a form that the owners of applications can
 * use. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rotate.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* A line of the list: a client that uses the old one, or a role that nobody has seen with any. */
struct straggler { /* borrowed; one of them may be NULL */
    const struct use *use;
    const struct rotation_item *item;
};

/* A trust file that was handed over is all that there is to see of it. */
static bool has_moved(const struct rotation *rotation, const struct rotation_item *item)
{
    return (rotation->kind == ROTATION_SERVER_CA && item->handed_at != 0) || item->seen_at != 0 ||
           item->left_at != 0 || item->ended_at != 0;
}

static int compare_roles(const void *a, const void *b)
{
    return strcmp(((const struct rotation_item *)a)->role, ((const struct rotation_item *)b)->role);
}

/* The line of this certificate, else any of the role; they are in the order of roles. */
static const struct rotation_item *find_item(const struct rotation_item_list *items,
                                             const struct use *use)
{
    const struct rotation_item wanted = {.role = use->role};
    const struct rotation_item *at, *end = items->rows + items->n;

    if (items->n == 0)
        return NULL;
    at = bsearch(&wanted, items->rows, items->n, sizeof(*items->rows), compare_roles);
    if (at == NULL)
        return NULL;
    while (at > items->rows && text_equal(at[-1].role, use->role))
        at--;
    for (const struct rotation_item *i = at; i < end && text_equal(i->role, use->role); i++) {
        if (text_equal(i->old_serial, use->serial))
            return i;
    }
    return at;
}

static size_t gather(const struct rotation *rotation, const struct rotation_item_list *items,
                     const struct use_list *left, struct straggler **ret)
{
    struct straggler *list = mem_array(items->n + left->n + 1, sizeof(*list));
    bool *named = mem_array(items->n + 1, sizeof(*named));
    size_t n = 0;

    for (size_t i = 0; i < left->n; i++) {
        list[n].use = &left->rows[i];
        list[n].item = find_item(items, &left->rows[i]);
        if (list[n].item != NULL)
            named[list[n].item - items->rows] = true;
        n++;
    }
    for (size_t i = 0; i < items->n; i++) {
        if (!has_moved(rotation, &items->rows[i]) && !named[i])
            list[n++].item = &items->rows[i];
    }
    free(named);
    *ret = list;
    return n;
}

/* ---- printed ---- */

static char *minute(int64_t when)
{
    char text[CLOCK_TEXT_MAX];

    return mem_strdup(when > 0 ? clock_format_minute(text, when) : "-");
}

/* What the owner of the application is to do. */
static const char *advice(const struct straggler *who)
{
    const struct rotation_item *item = who->item;

    if (who->use != NULL && who->use->has_new && who->use->open > 0)
        return _("has the new one; ends its old sessions");
    if (who->use != NULL && who->use->has_new)
        return _("has the new one");
    if (item == NULL)
        return _("not on the list");
    if (item->left_at != 0)
        return _("gone on without");
    if (item->made_at == 0)
        return _("its kit is not made");
    return item->handed_at != 0 ? _("load the kit that was handed over") : _("hand the kit over");
}

static void fill_row(char **cells, const struct straggler *who)
{
    static const struct use nobody = {.role = NULL};
    const struct use *use = who->use != NULL ? who->use : &nobody;

    cells[0] = mem_strdup(use->role != NULL ? use->role : who->item->role);
    cells[1] = mem_strdup(use->replication ? _("(replication)")
                          : use->role      ? use->application
                                           : "-");
    cells[2] = mem_strdup(use->role ? use->address : "-");
    cells[3] = mem_strdup(use->role ? use->server : "-");
    cells[4] = use->role ? mem_printf("%d", use->open) : mem_strdup("-");
    cells[5] = minute(use->open_since);
    cells[6] = minute(use->last_seen);
    cells[7] = mem_strdup(advice(who));
}

static void print_table(const struct cli *cli, const struct straggler *list, size_t n)
{
    static const char *const headers[] = {"ROLE", "APPLICATION", "FROM",          "SERVER",
                                          "OPEN", "SINCE UTC",   "LAST SEEN UTC", "TO DO"};
    const size_t columns = ARRAY_LEN(headers);
    char **cells = mem_array(n * columns + 1, sizeof(*cells));

    for (size_t i = 0; i < n; i++)
        fill_row(cells + i * columns, &list[i]);
    if (n > 0)
        output_table(&cli->out, columns, headers, n, (const char *const *)cells);
    for (size_t i = 0; i < n * columns; i++)
        free(cells[i]);
    free(cells);
}

static void csv_text(struct strbuf *out, const char *text)
{
    if (!text_quote_csv(out, text))
        strbuf_add_str(out, "\"\"");
    strbuf_add_char(out, ',');
}

static void csv_time(struct strbuf *out, int64_t when)
{
    char text[CLOCK_TEXT_MAX];

    csv_text(out, when > 0 ? clock_format_rfc3339(text, when) : "");
}

static void print_csv(const struct straggler *list, size_t n)
{
    static const struct use nobody = {.server = NULL};
    struct strbuf out = STRBUF_INIT;

    strbuf_add_str(&out,
                   "role,application_name,client_addr,server,database,serial,replication,open,"
                   "open_since,last_seen,has_new,made,handed_over,to_do\r\n");
    for (size_t i = 0; i < n; i++) {
        const struct use *use = list[i].use != NULL ? list[i].use : &nobody;
        const struct rotation_item *item = list[i].item;

        csv_text(&out, use->role != NULL ? use->role : item->role);
        csv_text(&out, use->role != NULL ? use->application : "");
        csv_text(&out, use->role != NULL ? use->address : "");
        csv_text(&out, use->role != NULL ? use->server : "");
        csv_text(&out, use->role != NULL ? use->database : "");
        csv_text(&out, use->role != NULL ? use->serial : item->old_serial);
        strbuf_printf(&out, "%s,%d,", use->replication ? "yes" : "no", use->open);
        csv_time(&out, use->open_since);
        csv_time(&out, use->last_seen);
        strbuf_printf(&out, "%s,", use->has_new ? "yes" : "no");
        csv_time(&out, item != NULL ? item->made_at : 0);
        csv_time(&out, item != NULL ? item->handed_at : 0);
        csv_text(&out, advice(&list[i]));
        out.data[--out.len] = '\0'; /* the last comma */
        strbuf_add_str(&out, "\r\n");
    }
    fwrite(out.data, 1, out.len, stdout);
    strbuf_clear(&out);
}

static json_t *lines_json(const struct rotation *rotation, const struct rotation_item_list *items)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < items->n; i++) {
        const struct rotation_item *item = &items->rows[i];

        if (has_moved(rotation, item))
            continue;
        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:o, s:o}", "role", json_text(item->role), "serial",
                            json_text(item->old_serial), "made", json_time(item->made_at), "handed",
                            json_time(item->handed_at), "old_seen", json_time(item->old_seen_at)));
    }
    return rows;
}

static void print_all(struct cli *cli, const struct rotation *rotation,
                      const struct rotate_status *status, const struct rotation_item_list *items)
{
    struct strbuf text = STRBUF_INIT;
    struct straggler *list = NULL;
    size_t n = gather(rotation, items, &status->left, &list);

    if (cli->out.json) {
        json_t *json = rotate_json(rotation, status);

        json_object_set_new(json, "lines", lines_json(rotation, items));
        output_json(json, false);
    } else if (args_has(cli->args, OPT_CSV)) {
        print_csv(list, n);
    } else {
        print_table(cli, list, n);
        if (n == 0)
            output_note(&cli->out, "%s", _("nobody is left"));
        if (status->left.total > (int64_t)status->left.n)
            output_note(&cli->out, _("and %lld more"),
                        (long long)(status->left.total - (int64_t)status->left.n));
        if (status->quiet.needed > 0) {
            use_quiet_say(&status->quiet, &text);
            output_note(&cli->out, "%s", text.data);
        }
    }
    strbuf_clear(&text);
    free(list);
}

bool run_rotate_stragglers(struct cli *cli, struct err *err)
{
    struct rotation *rotation = NULL;
    struct rotate_status status = {.n_phases = 0};
    struct rotation_item_list items = {.n = 0};
    bool done;

    if (cli->out.json && args_has(cli->args, OPT_CSV))
        return err_set(err, ERR_USAGE, "\"--json\" and \"--csv\" exclude each other");
    rotation = rotate_find_named(cli, err);
    done = rotation != NULL && rotate_ask(cli, rotation, true, &status, err) &&
           rotation_items(cli->store, rotation->id, NULL, 0, &items, err);
    if (done)
        print_all(cli, rotation, &status, &items);
    rotation_item_list_clear(&items);
    rotate_status_clear(&status);
    rotation_free(rotation);
    return done;
}
