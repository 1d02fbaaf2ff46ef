/* session_view.c - what the live panel shows of its servers' sessions. */
#include "config.h"

#include "screens/session_view.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct filter { /* the last one that was asked for, ready to be used */
    char *text;
    bool inverse;
    enum {
        FILTER_ALL,
        FILTER_TEXT,
        FILTER_REGEX,
        FILTER_FINDING,
        FILTER_CLASS,
        FILTER_BROKEN
    } kind;
    const char *words; /* into text */
    regex_t regex;
    unsigned findings;
    enum session_class class;
    char problem[80];
};

struct session_view {
    struct session_line *lines; /* of all feeds, folded ones too */
    size_t n_lines, room;
    unsigned *findings; /* of all feeds, one after the other */
    size_t *first;      /* of each feed, in findings */
    size_t n_feeds;
    size_t *shown; /* indexes into lines: in order */
    size_t n_shown;
    enum session_column sort, group_by;
    bool reverse, unfold_system;
    char *group; /* the one that is open; NULL: none */
    struct session_group *groups;
    char **names; /* of the groups */
    size_t n_groups;
    struct snapshot_totals totals;
    int64_t now;
    struct filter filter;
    struct strbuf cell; /* for looking at one cell after the other */
};

/* ---- filter ---- */

static void filter_clear(struct filter *filter)
{
    if (filter->kind == FILTER_REGEX)
        regfree(&filter->regex);
    free(filter->text);
    memset(filter, 0, sizeof(*filter));
}

static bool class_by_name(const char *name, enum session_class *ret)
{
    for (enum session_class class = SESSION_TLS_CERT; class <= SESSION_HIDDEN; class ++)
        if (text_equal(session_class_name(class), name)) {
            *ret = class;
            return true;
        }
    return false;
}

static void filter_set(struct filter *filter, const char *text)
{
    const char *words;
    int result;

    filter_clear(filter);
    filter->text = mem_strdup(text);
    words = filter->text;
    filter->inverse = words[0] == '!';
    words += filter->inverse;
    filter->words = words;
    if (words[0] == '\0') {
        filter->kind = FILTER_ALL;
        filter->inverse = false;
    } else if (words[0] == '~') {
        result = regcomp(&filter->regex, words + 1, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        filter->kind = result == 0 ? FILTER_REGEX : FILTER_BROKEN;
        if (result != 0)
            regerror(result, &filter->regex, filter->problem, sizeof(filter->problem));
    } else if (words[0] != ':') {
        filter->kind = FILTER_TEXT;
    } else if ((filter->findings = finding_by_name(words + 1)) != 0) {
        filter->kind = FILTER_FINDING;
    } else if (class_by_name(words + 1, &filter->class)) {
        filter->kind = FILTER_CLASS;
    } else {
        filter->kind = FILTER_BROKEN;
        strncpy(filter->problem, _("no finding or class has this name"),
                sizeof(filter->problem) - 1);
    }
}

static bool any_cell(struct session_view *view, const struct session_line *line)
{
    for (enum session_column column = 0; column < SESSION_COLUMNS; column++) {
        bool found;

        strbuf_reset(&view->cell);
        session_row_cell(line, view->now, column, &view->cell);
        found = view->filter.kind == FILTER_TEXT
                    ? strcasestr(view->cell.data, view->filter.words) != NULL
                    : regexec(&view->filter.regex, view->cell.data, 0, NULL, 0) == 0;
        if (found)
            return true;
    }
    return false;
}

bool session_view_match(struct session_view *view, size_t i, const char *filter)
{
    const struct session_line *line = session_view_line(view, i);
    bool found = true;

    if (view->filter.text == NULL || strcmp(view->filter.text, filter) != 0)
        filter_set(&view->filter, filter);
    switch (view->filter.kind) {
    case FILTER_ALL:
    case FILTER_BROKEN: /* while it is being typed: nothing disappears */
        return true;
    case FILTER_TEXT:
    case FILTER_REGEX:
        found = any_cell(view, line);
        break;
    case FILTER_FINDING:
        found = (line->findings & view->filter.findings) != 0;
        break;
    case FILTER_CLASS:
        found = line->session->class == view->filter.class;
        break;
    }
    return found != view->filter.inverse;
}

const char *session_view_filter_problem(const struct session_view *view)
{
    return view->filter.kind == FILTER_BROKEN ? view->filter.problem : NULL;
}

/* ---- groups ---- */

/* What the lines of a group have in common. */
static const char *group_name(const struct session_view *view, const struct session_line *line)
{
    const struct session *session = line->session;
    const char *name = "";

    switch (view->group_by) {
    case SESSION_COLUMN_SERVER:
        return line->server;
    case SESSION_COLUMN_ROLE:
        name = session->role;
        break;
    case SESSION_COLUMN_DATABASE:
        name = session->database;
        break;
    case SESSION_COLUMN_APPLICATION:
        name = session->application;
        break;
    case SESSION_COLUMN_FROM:
        name = session->class == SESSION_SOCKET   ? _("local")
               : session->class == SESSION_HIDDEN ? "?"
                                                  : session->address;
        break;
    case SESSION_COLUMN_TLS:
        name = session->version[0] != '\0' ? session->version : session_class_name(session->class);
        break;
    case SESSION_COLUMN_CA:
        name = line->certificate != NULL && line->certificate->known ? line->certificate->authority
                                                                     : session->issuer_dn;
        break;
    case SESSION_COLUMN_PID:
    case SESSION_COLUMN_SINCE:
    case SESSION_COLUMN_CIPHER:
    case SESSION_COLUMN_CERTIFICATE:
    case SESSION_COLUMN_ENDS:
    case SESSION_COLUMN_MARK:
    case SESSION_COLUMNS:
        break;
    }
    return name[0] != '\0' ? name : "-";
}

bool session_view_in_group(const struct session_view *view, const struct session_line *line,
                           const char *name)
{
    return strcmp(group_name(view, line), name) == 0;
}

static uint64_t key_of_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

static void groups_clear(struct session_view *view)
{
    for (size_t i = 0; i < view->n_groups; i++)
        free(view->names[i]);
    free(view->names);
    free(view->groups);
    view->names = NULL;
    view->groups = NULL;
    view->n_groups = 0;
}

static int badness(enum mark mark)
{
    return mark == MARK_BAD ? 4 : mark == MARK_WARN ? 3 : mark == MARK_BUSY ? 2 : mark == MARK_OFF;
}

static void count_line(struct session_group *group, const struct session_line *line)
{
    enum session_class class = line->session->class;

    group->n++;
    group->tls += class == SESSION_TLS || class == SESSION_TLS_CERT;
    group->with_certificate += class == SESSION_TLS_CERT;
    group->clear += class == SESSION_CLEAR;
    group->need_look += finding_needs_look(line->findings);
    group->findings |= line->findings;
    if (group->mark == MARK_NONE || badness(session_row_mark(line)) > badness(group->mark))
        group->mark = session_row_mark(line);
}

static struct session_group *group_of(struct session_view *view, const char *name)
{
    uint64_t key = key_of_name(name);

    for (size_t i = 0; i < view->n_groups; i++)
        if (view->groups[i].key == key && strcmp(view->names[i], name) == 0)
            return &view->groups[i];
    view->groups = mem_realloc_array(view->groups, view->n_groups + 1, sizeof(*view->groups));
    view->names = mem_realloc_array(view->names, view->n_groups + 1, sizeof(*view->names));
    view->names[view->n_groups] = mem_strdup(name);
    view->groups[view->n_groups] =
        (struct session_group){.name = view->names[view->n_groups], .key = key};
    return &view->groups[view->n_groups++];
}

/* The worst first, then those with most to look at, then the largest. */
static int compare_groups(const void *a, const void *b)
{
    const struct session_group *x = a;
    const struct session_group *y = b;

    if (badness(x->mark) != badness(y->mark))
        return badness(x->mark) > badness(y->mark) ? -1 : 1;
    if (x->need_look != y->need_look)
        return x->need_look > y->need_look ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* ---- order ---- */

static bool is_folded(const struct session_view *view, const struct session_line *line)
{
    return (line->findings & FINDING_SYSTEM) != 0 && !view->unfold_system;
}

static int compare_shown(const void *a, const void *b, void *arg)
{
    const struct session_view *view = arg;
    const struct session_line *x = &view->lines[*(const size_t *)a];
    const struct session_line *y = &view->lines[*(const size_t *)b];
    int order = session_row_compare(x, y, view->sort);

    if (order == 0)
        order = (x->feed > y->feed) - (x->feed < y->feed);
    return view->reverse ? -order : order;
}

/* Groups, and the lines that are shown, from all lines. */
static void arrange(struct session_view *view)
{
    groups_clear(view);
    view->shown = mem_realloc_array(view->shown, view->n_lines + 1, sizeof(*view->shown));
    view->n_shown = 0;
    for (size_t i = 0; i < view->n_lines; i++) {
        const struct session_line *line = &view->lines[i];

        if (is_folded(view, line))
            continue;
        if (view->group_by != SESSION_COLUMNS)
            count_line(group_of(view, group_name(view, line)), line);
        if (view->group == NULL || session_view_in_group(view, line, view->group))
            view->shown[view->n_shown++] = i;
    }
    if (view->n_groups > 0)
        qsort(view->groups, view->n_groups, sizeof(*view->groups), compare_groups);
    qsort_r(view->shown, view->n_shown, sizeof(*view->shown), compare_shown, view);
}

/* ---- update ---- */

static struct snapshot snapshot_of(const struct session_view *view, const struct session_feed *feed,
                                   size_t place)
{
    return (struct snapshot){.server = session_feed_server(feed),
                             .managed = session_feed_managed(feed),
                             .sessions = session_feed_rows(feed),
                             .book = session_feed_book(feed),
                             .findings = view->findings + view->first[place],
                             .now = view->now};
}

bool session_view_snapshot(const struct session_view *view, const struct session_feed *feed,
                           size_t place, struct snapshot *ret)
{
    if (session_feed_rows(feed) == NULL || place >= view->n_feeds)
        return false;
    *ret = snapshot_of(view, feed, place);
    return true;
}

static void add_lines(struct session_view *view, const struct session_feed *feed, size_t place)
{
    const struct sessions *rows = session_feed_rows(feed);

    for (size_t i = 0; i < rows->n; i++) {
        struct session_line *line = &view->lines[view->n_lines++];

        *line = (struct session_line){.session = &rows->rows[i],
                                      .certificate = session_feed_certificate(feed, i),
                                      .findings = view->findings[view->first[place] + i],
                                      .server = session_feed_server(feed),
                                      .feed = place,
                                      .row = i};
        line->rank = session_row_rank(line);
    }
}

void session_view_update(struct session_view *view, struct session_feed *const *feeds, size_t n,
                         int64_t now)
{
    size_t total = 0;

    view->now = now;
    view->n_feeds = n;
    view->first = mem_realloc_array(view->first, n + 1, sizeof(*view->first));
    for (size_t i = 0; i < n; i++) {
        const struct sessions *rows = session_feed_rows(feeds[i]);

        view->first[i] = total;
        total += rows != NULL ? rows->n : 0;
    }
    if (total + 1 > view->room) {
        view->room = total + total / 4 + 64;
        view->lines = mem_realloc_array(view->lines, view->room, sizeof(*view->lines));
        view->findings = mem_realloc_array(view->findings, view->room, sizeof(*view->findings));
    }
    memset(&view->totals, 0, sizeof(view->totals));
    view->n_lines = 0;
    for (size_t i = 0; i < n; i++) {
        struct snapshot snapshot;

        if (!session_view_snapshot(view, feeds[i], i, &snapshot))
            continue;
        snapshot_judge(&snapshot, view->findings + view->first[i], &view->totals);
        add_lines(view, feeds[i], i);
    }
    arrange(view);
}

struct session_view *session_view_new(void)
{
    struct session_view *view = mem_zalloc(sizeof(*view));

    view->sort = SESSION_COLUMN_MARK;
    view->group_by = SESSION_COLUMNS;
    strbuf_init(&view->cell);
    return view;
}

void session_view_free(struct session_view *view)
{
    if (view == NULL)
        return;
    groups_clear(view);
    filter_clear(&view->filter);
    strbuf_clear(&view->cell);
    free(view->lines);
    free(view->findings);
    free(view->first);
    free(view->shown);
    free(view->group);
    free(view);
}

/* ---- questions and wishes ---- */

size_t session_view_count(const struct session_view *view)
{
    return view->n_shown;
}

const struct session_line *session_view_line(const struct session_view *view, size_t i)
{
    return &view->lines[view->shown[i]];
}

const struct session_line *session_view_find(const struct session_view *view, uint64_t key)
{
    for (size_t i = 0; i < view->n_lines; i++)
        if (session_row_key(&view->lines[i]) == key)
            return &view->lines[i];
    return NULL;
}

const struct snapshot_totals *session_view_totals(const struct session_view *view)
{
    return &view->totals;
}

void session_view_sort(struct session_view *view, enum session_column column, bool reverse)
{
    view->sort = column;
    view->reverse = reverse;
    arrange(view);
}

enum session_column session_view_sorted_by(const struct session_view *view)
{
    return view->sort;
}

bool session_view_reversed(const struct session_view *view)
{
    return view->reverse;
}

void session_view_fold_system(struct session_view *view, bool fold)
{
    view->unfold_system = !fold;
    arrange(view);
}

bool session_view_folds_system(const struct session_view *view)
{
    return !view->unfold_system;
}

void session_view_group_by(struct session_view *view, enum session_column column)
{
    view->group_by = column;
    free(view->group);
    view->group = NULL;
    arrange(view);
}

enum session_column session_view_grouped_by(const struct session_view *view)
{
    return view->group_by;
}

size_t session_view_groups(const struct session_view *view)
{
    return view->n_groups;
}

const struct session_group *session_view_group(const struct session_view *view, size_t i)
{
    return &view->groups[i];
}

void session_view_open_group(struct session_view *view, const char *name)
{
    char *copy = mem_strdup(name);

    free(view->group);
    view->group = copy;
    arrange(view);
}

const char *session_view_group_open(const struct session_view *view)
{
    return view->group;
}
