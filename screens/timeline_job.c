/* timeline_job.c - all that ends, out of the store, the worst first. */
#include "config.h"

#include "screens/timeline_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/foreign.h"
#include "core/store/issued.h"
#include "screens/certs_job.h"

#define SOON_DAYS    30
#define CA_SOON_DAYS 365 /* what a new CA needs: a year of overlap */

static struct timeline_row *add(struct timeline_job *self, enum timeline_kind kind,
                                const char *name, char *take_which, int64_t ends_at)
{
    struct timeline_row *row;
    struct strbuf clean = STRBUF_INIT;

    self->rows = mem_realloc_array(self->rows, self->n + 1, sizeof(self->rows[0]));
    row = &self->rows[self->n++];
    text_clean(&clean, name, strlen(name), TEXT_ONE_LINE);
    *row = (struct timeline_row){
        .kind = kind, .name = strbuf_steal(&clean), .which = take_which, .ends_at = ends_at};
    strbuf_clear(&clean);
    return row;
}

static char *hosts_of(const struct cert *cert)
{
    struct err ignored = ERR_INIT; /* one without names has none */
    struct strbuf text = STRBUF_INIT;
    struct san san;

    san_init(&san);
    strbuf_add_char(&text, ' ');
    if (cert_san(cert, &san, &ignored))
        for (size_t i = 0; i < san.n; i++)
            strbuf_printf(&text, "%s ", san.entries[i].text);
    san_clear(&san);
    return strbuf_steal(&text);
}

static bool read_certs(struct timeline_job *self, struct store *store, struct err *err)
{
    struct issued_filter filter = {.state = -1,
                                   .ends_from = self->now - TIMELINE_PAST_DAYS * CLOCK_DAY,
                                   .sort = ISSUED_SORT_ENDS,
                                   .limit = TIMELINE_MAX};
    struct issued_list list = {.n = 0};

    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct issued *issued = list.rows[i];

        struct timeline_row *row;

        if (issued->revoked_at != 0 && !self->with_revoked)
            continue;
        row = add(self, issued->kind == ISSUED_SERVER ? TIMELINE_SERVER : TIMELINE_CLIENT,
                  issued->role, cert_which(issued), issued->not_after);
        row->revoked = issued->revoked_at != 0;
        if (issued->kind == ISSUED_SERVER)
            row->hosts = hosts_of(issued->cert);
    }
    if (list.total > (int64_t)list.n)
        self->left_off = list.total - (int64_t)list.n;
    issued_list_clear(&list);
    return true;
}

/* Of one kind and name together, the soonest end first; the revoked ones first of all. */
static int compare_names(const void *a, const void *b)
{
    const struct timeline_row *x = *(struct timeline_row *const *)a;
    const struct timeline_row *y = *(struct timeline_row *const *)b;
    int names = strcmp(x->name, y->name);

    if (x->kind != y->kind || names != 0)
        return x->kind != y->kind ? (int)x->kind - (int)y->kind : names;
    if (x->revoked != y->revoked)
        return x->revoked ? -1 : 1;
    return x->ends_at == y->ends_at ? 0 : x->ends_at < y->ends_at ? -1 : 1;
}

/* Another of its kind and name that is not revoked ends later. */
static void find_followed(struct timeline_job *self)
{
    struct timeline_row **rows = mem_array(self->n + 1, sizeof(struct timeline_row *));
    const struct timeline_row *last = NULL; /* of this kind and name */

    for (size_t i = 0; i < self->n; i++)
        rows[i] = &self->rows[i];
    if (self->n > 0)
        qsort(rows, self->n, sizeof(struct timeline_row *), compare_names);
    for (size_t i = self->n; i-- > 0;) {
        if (last == NULL || last->kind != rows[i]->kind || !text_equal(last->name, rows[i]->name))
            last = rows[i];
        rows[i]->followed = !last->revoked && last->ends_at > rows[i]->ends_at;
    }
    free(rows);
}

static bool read_authorities(struct timeline_job *self, struct store *store, struct err *err)
{
    struct authority_list list = {.n = 0};

    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct authority *authority = list.rows[i];

        if (authority->cert == NULL) /* a request: its certificate is awaited */
            continue;
        if (!authority->retired)
            (void)add(self, TIMELINE_CA, authority->name, mem_strdup(authority->name),
                      cert_not_after(authority->cert));
        if (authority->crl.number > 0)
            (void)add(self, TIMELINE_CRL, authority->name, mem_strdup(authority->name),
                      authority->crl.until);
    }
    authority_list_clear(&list);
    return true;
}

static bool read_foreign(struct timeline_job *self, struct store *store, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    if (!foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (list.rows[i].has_crl)
            (void)add(self, TIMELINE_FOREIGN, list.rows[i].name, mem_strdup(list.rows[i].name),
                      list.rows[i].next_update);
    }
    foreign_list_clear(&list);
    return true;
}

static enum mark judge(const struct timeline_row *row, int64_t now)
{
    int64_t left = row->ends_at - now;
    int days = row->kind == TIMELINE_CA ? CA_SOON_DAYS : SOON_DAYS;

    if (row->followed || row->revoked)
        return MARK_OFF;
    return left <= 0 ? MARK_BAD : left < days * CLOCK_DAY ? MARK_WARN : MARK_OK;
}

static int rank(enum mark mark)
{
    return mark == MARK_BAD ? 0 : mark == MARK_WARN ? 1 : mark == MARK_OK ? 2 : 3;
}

/* How many are locked out by it. */
static int weight(enum timeline_kind kind)
{
    static const int weights[TIMELINE_KINDS] = {
        [TIMELINE_CRL] = 0,    [TIMELINE_FOREIGN] = 1, [TIMELINE_CA] = 2,
        [TIMELINE_SERVER] = 3, [TIMELINE_CLIENT] = 4,
    };

    return weights[kind];
}

static int compare(const void *a, const void *b)
{
    const struct timeline_row *x = a, *y = b;

    if (rank(x->mark) != rank(y->mark))
        return rank(x->mark) - rank(y->mark);
    if (x->ends_at != y->ends_at && x->mark != MARK_BAD)
        return x->ends_at < y->ends_at ? -1 : 1;
    if (x->kind != y->kind)
        return weight(x->kind) - weight(y->kind);
    if (x->ends_at != y->ends_at)
        return x->ends_at < y->ends_at ? -1 : 1;
    return strcmp(x->name, y->name);
}

void timeline_job_read(struct timeline_job *self)
{
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    self->now = clock_now();
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT;
    if (store == NULL)
        return;
    if (read_certs(self, store, &self->err)) {
        find_followed(self);
        (void)!(read_authorities(self, store, &self->err) &&
                read_foreign(self, store, &self->err)); /* err is shown */
    }
    store_close(store);
    for (size_t i = 0; i < self->n; i++)
        self->rows[i].mark = judge(&self->rows[i], self->now);
    if (self->n > 0)
        qsort(self->rows, self->n, sizeof(self->rows[0]), compare);
}

void timeline_job_free(void *data)
{
    struct timeline_job *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        free(self->rows[i].name);
        free(self->rows[i].which);
        free(self->rows[i].hosts);
    }
    free(self->rows);
    free(self->store_folder);
    free(self);
}

static void timeline_run(struct job *job, void *data)
{
    (void)job;
    timeline_job_read(data);
}

static const struct job_ops timeline_ops = {"timeline", timeline_run, timeline_job_free};

struct job *timeline_job_start(struct app *app, void *owner)
{
    struct timeline_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    return job_start(app_loop(app), owner, &timeline_ops, self);
}
