/* certs_job.c - certificates of the store, read in jobs. */
#include "config.h"

#include "screens/certs_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define SAME_ROLE_MAX 500 /* certificates of one role among which the successor is looked for */

/* ---- a query ---- */

void certs_query_init(struct certs_query *query)
{
    *query = (struct certs_query){.state = -1, .within_days = 30};
}

void certs_query_clear(struct certs_query *query)
{
    free(query->authority);
    free(query->search);
    free(query->subject);
    free(query->note);
    certs_query_init(query);
}

/* to: initialised. */
static void copy_query(struct certs_query *to, const struct certs_query *from)
{
    struct certs_query copy = *from;

    copy.authority = mem_strdup(from->authority);
    copy.search = mem_strdup(from->search);
    copy.subject = mem_strdup(from->subject);
    copy.note = mem_strdup(from->note);
    certs_query_clear(to);
    *to = copy;
}

bool certs_query_is_all(const struct certs_query *query)
{
    return query->authority == NULL && query->search == NULL && query->subject == NULL &&
           query->note == NULL && query->state < 0;
}

/* ---- the list ---- */

static bool read_authorities(struct certs_job *self, struct store *store)
{
    struct authority_list list = {.n = 0};

    if (!authority_list(store, &list, &self->err))
        return false;
    self->authorities = mem_array(list.n + 1, sizeof(*self->authorities));
    for (size_t i = 0; i < list.n; i++)
        self->authorities[self->n_authorities++] = mem_strdup(list.rows[i]->name);
    authority_list_clear(&list);
    return true;
}

bool certs_query_turns(const struct certs_query *query)
{
    return query->search == NULL && query->state < 0 && query->sort <= ISSUED_SORT_OLD;
}

/* From the other end, when that is nearer. */
static bool turn(const struct certs_job *self, struct issued_filter *filter)
{
    int64_t behind = self->total - self->offset;

    if (!certs_query_turns(&self->query) || self->offset <= self->total / 2 || behind <= 0)
        return false;
    filter->limit = behind < CERTS_WINDOW ? (int)behind : CERTS_WINDOW;
    filter->offset = (int)(behind - filter->limit);
    filter->sort = filter->sort == ISSUED_SORT_OLD ? ISSUED_SORT_NEW : ISSUED_SORT_OLD;
    return true;
}

static void reverse(struct issued_list *list)
{
    for (size_t i = 0; i < list->n / 2; i++) {
        struct issued *row = list->rows[i];

        list->rows[i] = list->rows[list->n - 1 - i];
        list->rows[list->n - 1 - i] = row;
    }
}

static void certs_run(struct job *job, void *data)
{
    struct certs_job *self = data;
    const struct certs_query *query = &self->query;
    struct issued_filter filter = {.authority = query->authority,
                                   .search = query->search,
                                   .subject = query->subject,
                                   .note = query->note,
                                   .state = query->state,
                                   .sort = query->sort,
                                   .within_days = query->within_days,
                                   .limit = CERTS_WINDOW,
                                   .offset = (int)self->offset,
                                   .no_total = !self->count};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    bool turned = turn(self, &filter);

    (void)job;
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT; /* nothing was issued yet */
    if (store != NULL && read_authorities(self, store) &&
        issued_list(store, &filter, &self->list, &self->err) && turned)
        reverse(&self->list);
    store_close(store);
}

void certs_job_free(void *data)
{
    struct certs_job *self = data;

    if (self == NULL)
        return;
    issued_list_clear(&self->list);
    for (size_t i = 0; i < self->n_authorities; i++)
        free(self->authorities[i]);
    free(self->authorities);
    certs_query_clear(&self->query);
    free(self->store_folder);
    free(self);
}

static const struct job_ops certs_ops = {"certificates", certs_run, certs_job_free};

struct job *certs_job_start(struct app *app, void *owner, const struct certs_query *query,
                            int64_t offset, int64_t total, bool count)
{
    struct certs_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    certs_query_init(&self->query);
    copy_query(&self->query, query);
    self->offset = offset;
    self->total = total;
    self->count = count;
    return job_start(app_loop(app), owner, &certs_ops, self);
}

/* ---- one ---- */

char *cert_which(const struct issued *issued)
{
    char hex[SERIAL_HEX_MAX];

    return mem_printf("%s:%s", issued->authority, serial_format_hex(hex, &issued->serial));
}

/* What it replaces and what replaced it bear the same role. */
static bool read_relatives(struct cert_job *self, struct store *store)
{
    struct issued_filter filter = {
        .role = self->issued->role, .state = -1, .limit = SAME_ROLE_MAX, .no_total = true};
    struct issued_list list = {.n = 0};

    if (!issued_list(store, &filter, &list, &self->err))
        return false;
    self->replaced_by.rows = mem_array(list.n + 1, sizeof(struct issued *));
    for (size_t i = 0; i < list.n; i++) {
        struct issued *row = list.rows[i];

        if (row->replaces == self->issued->id) {
            self->replaced_by.rows[self->replaced_by.n++] = row;
            list.rows[i] = NULL;
        } else if (row->id == self->issued->replaces) {
            self->replaces = row;
            list.rows[i] = NULL;
        }
    }
    issued_list_clear(&list);
    return true;
}

static void cert_run(struct job *job, void *data)
{
    struct cert_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    if (store == NULL)
        return;
    self->issued = issued_find(store, self->which, &self->err);
    if (self->issued != NULL)
        (void)!read_relatives(self, store); /* the page reads err */
    store_close(store);
}

void cert_job_free(void *data)
{
    struct cert_job *self = data;

    if (self == NULL)
        return;
    issued_free(self->issued);
    issued_free(self->replaces);
    issued_list_clear(&self->replaced_by);
    free(self->which);
    free(self->store_folder);
    free(self);
}

static const struct job_ops cert_ops = {"certificate", cert_run, cert_job_free};

struct job *cert_job_start(struct app *app, void *owner, const char *which)
{
    struct cert_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->which = mem_strdup(which);
    return job_start(app_loop(app), owner, &cert_ops, self);
}
