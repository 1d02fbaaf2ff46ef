/*
 * certs_job.h - the list of certificates, a window of it at a time; and one certificate with all that
 * the store knows of it.
 *
 * Cost     the store's rule (issued.h): a window costs the same with 10 and with 1,000,000 rows; the total
 *          is counted once for each filter. Rows far behind the first are passed over one by one (7 s a
 *          million), so that the second half is read from the end where the order can be turned.
 */
#ifndef PGSEAL_SCREENS_CERTS_JOB_H
#define PGSEAL_SCREENS_CERTS_JOB_H

#include "core/store/issued.h"
#include "screens/app.h"

#define CERTS_WINDOW 200 /* rows that are read at once */

struct certs_query { /* strings owned; NULL: all */
    char *authority, *search, *subject, *note;
    int state; /* enum issued_state, -1: all */
    int within_days;
    enum issued_sort sort;
};
void certs_query_init(struct certs_query *query);
void certs_query_clear(struct certs_query *query);
bool certs_query_is_all(const struct certs_query *query);

struct certs_job {
    char *store_folder;
    struct certs_query query;
    int64_t offset;
    int64_t total; /* of the query, where it is known; else -1 */
    bool count;
    struct issued_list list; /* list.total -1: not counted */
    char **authorities;      /* names, for the filter */
    size_t n_authorities;
    struct err err; /* ERR_NONE also where there is no store yet */
};
struct job *certs_job_start(struct app *app, void *owner, const struct certs_query *query,
                            int64_t offset, int64_t total, bool count) MUST_CHECK;
/* Its end is as quick to read as its beginning. */
bool certs_query_turns(const struct certs_query *query);
void certs_job_free(void *data);

struct cert_job {
    char *store_folder;
    char *which; /* "CA:serial" */
    struct issued *issued;
    struct issued *replaces;        /* what it was made for; or NULL */
    struct issued_list replaced_by; /* what was made for it */
    struct err err;
};
struct job *cert_job_start(struct app *app, void *owner, const char *which) MUST_CHECK;
void cert_job_free(void *data);
/* "CA:serial": what page_cert() and page_renew() take. Caller frees. */
char *cert_which(const struct issued *issued) MUST_CHECK;

#endif
