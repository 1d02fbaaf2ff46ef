/* use_items.c - single certificates, by serial number: when they were seen in use. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/use_part.h"
#include "core/store/rotation_seen.h"

/* Nothing was recorded yet: no rows. */
static bool list_seen(struct store *store, const struct sighting_filter *filter,
                      struct sighting_list *ret, struct err *err)
{
    struct err why = ERR_INIT;
    struct sightings *sightings = sightings_open(store_folder(store), false, &why);
    bool ok;

    *ret = (struct sighting_list){.n = 0};
    if (!sightings && why.code == ERR_NO_STORE)
        return true;
    if (!sightings) {
        *err = why;
        return false;
    }
    ok = sightings_list(sightings, filter, ret, err);
    sightings_close(sightings);
    return ok;
}

bool use_of_serial(struct store *store, const char *issuer_dn, const char *serial_hex,
                   int64_t since, int64_t *ret_first, int64_t *ret_last, struct err *err)
{
    struct strbuf issuer = STRBUF_INIT;
    struct sighting_filter filter = {
        .since = since, .with_certificate = true, .serial = serial_hex, .limit = SIGHTINGS_MAX};
    struct sighting_list seen;
    int64_t first = 0, last = 0;
    bool ok;

    text_clean(&issuer, issuer_dn, strlen(issuer_dn), TEXT_ONE_LINE);
    filter.issuer = issuer.data;
    ok = list_seen(store, &filter, &seen, err);
    for (size_t i = 0; ok && i < seen.n; i++) {
        const struct sighting *row = &seen.rows[i];
        int64_t from = row->first_seen > since ? row->first_seen : since;

        first = first == 0 || from < first ? from : first;
        last = row->last_seen > last ? row->last_seen : last;
    }
    if (ok) {
        *ret_first = first;
        *ret_last = last;
        sighting_list_clear(&seen);
    }
    strbuf_clear(&issuer);
    return ok;
}

/* ---- a whole worklist ---- */

static int compare_serials(const void *a, const void *b)
{
    const struct sighting *x = a;
    const struct sighting *y = b;
    int order = strcmp(x->key.serial, y->key.serial);

    return order != 0 ? order : strcmp(x->key.issuer, y->key.issuer);
}

/* The first and the last time among the rows of this certificate; 0: none. */
static void find(const struct sighting_list *seen, const char *issuer, const char *serial,
                 int64_t *ret_first, int64_t *ret_last)
{
    const struct sighting wanted = {.key = {.issuer = issuer, .serial = serial}};
    const struct sighting *at;

    *ret_first = *ret_last = 0;
    if (seen->n == 0 || serial[0] == '\0')
        return;
    at = bsearch(&wanted, seen->rows, seen->n, sizeof(*seen->rows), compare_serials);
    if (!at)
        return;
    while (at > seen->rows && compare_serials(at - 1, &wanted) == 0)
        at--;
    for (; at < seen->rows + seen->n && compare_serials(at, &wanted) == 0; at++) {
        if (*ret_first == 0 || at->first_seen < *ret_first)
            *ret_first = at->first_seen;
        if (at->last_seen > *ret_last)
            *ret_last = at->last_seen;
    }
}

static void mark(struct rotation_seen *line, const struct sighting_list *seen)
{
    int64_t first, last;

    find(seen, line->new_issuer, line->new_serial, &first, &last);
    if (line->seen_at == 0 && first != 0) {
        line->seen_at = first;
        line->changed = true;
    }
    find(seen, line->old_issuer, line->old_serial, &first, &last);
    /* no more exact than the sightings: else every look writes every line */
    if (last - line->old_seen_at >= SIGHTING_EXACT_SECONDS) {
        line->old_seen_at = last;
        line->changed = true;
    }
}

bool use_mark_items(struct store *store, int64_t rotation_id, int64_t since, struct err *err)
{
    const struct sighting_filter filter = {
        .since = since, .with_certificate = true, .limit = SIGHTINGS_MAX};
    struct rotation_seen_list lines = {.n = 0};
    struct sighting_list seen;
    bool ok;

    if (!list_seen(store, &filter, &seen, err))
        return false;
    if (seen.n > 0)
        qsort(seen.rows, seen.n, sizeof(*seen.rows), compare_serials);
    ok = rotation_seen_list(store, rotation_id, &lines, err);
    for (size_t i = 0; ok && i < lines.n; i++)
        mark(&lines.rows[i], &seen);
    ok = ok && rotation_seen_save(store, &lines, err);
    rotation_seen_list_clear(&lines);
    sighting_list_clear(&seen);
    return ok;
}
