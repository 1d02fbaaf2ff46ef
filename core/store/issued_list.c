/*
 * issued_list.c - certificates found again.
 *
 * Cost   each query walks one index in the order that it gives out, and stops at the limit: the
 *        same with 10 and with 1,000,000 rows. The partial indexes are chosen by SQLite only where the
 *        query has their conditions word by word.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/issued.h"
#include "core/store/row.h"

#define LIMIT_DEFAULT  1000
#define LIMIT_MAX      100000
#define WITHIN_DEFAULT 30
#define SERIAL_DIGITS  40 /* digits */

/* ---- a query: its conditions and their values ---- */

enum { VALUES_MAX = 48 };

struct query {
    struct strbuf where; /* " AND …" */
    const char *order;
    bool searching; /* the search leads: no other index than its own is of use */
    bool finds_no_canaries;
    struct {
        enum { VALUE_INT, VALUE_TEXT } type;
        int64_t number;
        char *text; /* owned */
    } values[VALUES_MAX];
    int n;
};

static void query_init(struct query *query)
{
    memset(query, 0, sizeof(*query));
    strbuf_init(&query->where);
    query->order = "i.id DESC";
}

static void query_clear(struct query *query)
{
    for (int i = 0; i < query->n; i++)
        free(query->values[i].text);
    strbuf_clear(&query->where);
}

/* These keep a value and return the number of its "?". */
static int query_int(struct query *query, int64_t value)
{
    query->values[query->n].type = VALUE_INT;
    query->values[query->n].number = value;
    return ++query->n;
}

static int query_text(struct query *query, const char *value)
{
    query->values[query->n].type = VALUE_TEXT;
    query->values[query->n].text = mem_strdup(value);
    return ++query->n;
}

static struct sql *query_sql(const struct query *query, struct store *store, bool count, int limit,
                             int64_t offset, struct err *err)
{
    char *text = count
                     ? mem_printf("SELECT count(*) FROM (SELECT 1 FROM issued AS i WHERE 1%s"
                                  " LIMIT %d)",
                                  query->where.data, ISSUED_COUNT_MAX + 1)
                     : mem_printf("SELECT " ROW_ISSUED "WHERE 1%s ORDER BY %s LIMIT %d OFFSET %lld",
                                  query->where.data, query->order, limit, (long long)offset);
    struct sql *sql = sql_new(store, text, err);

    free(text);
    for (int i = 0; sql != NULL && i < query->n; i++)
        switch (query->values[i].type) {
        case VALUE_INT:
            sql_bind_int(sql, i + 1, query->values[i].number);
            break;
        case VALUE_TEXT:
            sql_bind_text(sql, i + 1, query->values[i].text);
            break;
        }
    return sql;
}

static bool query_rows(const struct query *query, struct store *store, int limit, int64_t offset,
                       struct issued_list *list, struct err *err)
{
    struct sql *sql = query_sql(query, store, false, limit, offset, err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    while ((ok = sql_step(sql, &row, err)) && row) {
        struct issued *issued = issued_read_row(sql, err);

        ok = issued != NULL;
        if (!ok)
            break;
        if ((list->n & (list->n - 1)) == 0) /* grows by doubling */
            list->rows = mem_realloc_array(list->rows, list->n == 0 ? 1 : list->n * 2,
                                           sizeof(struct issued *));
        list->rows[list->n++] = issued;
    }
    sql_free(sql);
    return ok;
}

static bool query_count(const struct query *query, struct store *store, int64_t *ret,
                        struct err *err)
{
    struct sql *sql = query_sql(query, store, true, 0, 0, err);

    return sql != NULL && sql_run_int(sql, 0, ret, err);
}

/* ---- prefixes as ranges ---- */

/* All that begin with text: text <= x < the returned one. Caller frees. */
static char *text_after_prefix(const char *text)
{
    char *end = mem_strdup(text);
    size_t len = strlen(end);

    while (len > 0 && (unsigned char)end[len - 1] == 0xff)
        len--;
    if (len > 0)
        end[len - 1] = (char)((unsigned char)end[len - 1] + 1);
    end[len] = '\0';
    return end;
}

/* Hex digits as the first and the last serial number (padded to 20 bytes) that begin with them.
 * shift: as a number whose first byte is below 0x10, whose leading zero people do not see. */
static bool serial_range(const char *hex, bool shift, struct serial *ret_from,
                         struct serial *ret_to)
{
    char from[SERIAL_DIGITS + 1];
    char to[SERIAL_DIGITS + 1];
    size_t len = strlen(hex);
    size_t used;

    if (len == 0 || len + shift > SERIAL_DIGITS)
        return false;
    for (const char *at = hex; *at != '\0'; at++)
        if (!isxdigit((unsigned char)*at))
            return false;
    memset(from, '0', SERIAL_DIGITS);
    memset(to, 'f', SERIAL_DIGITS);
    from[SERIAL_DIGITS] = to[SERIAL_DIGITS] = '\0';
    to[0] = shift ? '0' : to[0];
    memcpy(from + shift, hex, len);
    memcpy(to + shift, hex, len);
    /* The shortest number with these digits sorts first among blobs: no padding below. */
    used = (len + shift + 1) / 2;
    return text_parse_hex(from, ret_from->bytes, SERIAL_MAX, &ret_from->len) &&
           text_parse_hex(to, ret_to->bytes, SERIAL_MAX, &ret_to->len) &&
           (ret_from->len = used) > 0;
}

/* ---- issued_list() ---- */

static bool find_authority(struct store *store, const char *name, int64_t *ret, struct err *err)
{
    struct authority *authority = authority_load(store, name, err);

    if (authority == NULL)
        return false;
    *ret = authority->id;
    authority_free(authority);
    return true;
}

/* The order is the one of the index that serves the state. */
static void add_state(struct query *query, const struct issued_filter *filter)
{
    int within = filter->within_days > 0 ? filter->within_days : WITHIN_DEFAULT;
    const char *plus = query->searching ? "+" : ""; /* SQLite's sign for "not by an index" */
    int64_t now = clock_now();
    struct strbuf *where = &query->where;

    if (filter->state < 0)
        return;
    if (filter->state == ISSUED_REVOKED) {
        strbuf_printf(where, " AND %si.revoked_at IS NOT NULL", plus);
        query->order = "i.revoked_at DESC, i.id DESC";
        return;
    }
    strbuf_printf(where, " AND %si.revoked_at IS NULL AND i.kind < 2", plus);
    query->order = "i.not_after, i.id";
    switch ((enum issued_state)filter->state) {
    case ISSUED_VALID:
        strbuf_printf(where, " AND %si.not_after >= ?%d", plus,
                      query_int(query, now + within * CLOCK_DAY));
        break;
    case ISSUED_EXPIRING:
        strbuf_printf(where, " AND %si.not_after >= ?%d", plus, query_int(query, now));
        strbuf_printf(where, " AND %si.not_after < ?%d", plus,
                      query_int(query, now + within * CLOCK_DAY));
        break;
    case ISSUED_EXPIRED:
        strbuf_printf(where, " AND %si.not_after < ?%d", plus, query_int(query, now));
        query->order = "i.not_after DESC, i.id DESC";
        break;
    case ISSUED_REVOKED:
        break;
    }
}

static void add_bound(struct query *query, const char *column, const char *sign, int64_t value)
{
    if (value != 0)
        strbuf_printf(&query->where, " AND %s%s %s ?%d", query->searching ? "+" : "", column, sign,
                      query_int(query, value));
}

/* A prefix of a column, as a range. */
static void add_prefix(struct query *query, const char *column, const char *prefix)
{
    char *after;

    if (prefix == NULL || prefix[0] == '\0')
        return;
    after = text_after_prefix(prefix);
    strbuf_printf(&query->where, " AND %s >= ?%d", column, query_text(query, prefix));
    strbuf_printf(&query->where, " AND %s < ?%d", column, query_text(query, after));
    free(after);
}

static void add_sort(struct query *query, const struct issued_filter *filter)
{
    switch (filter->sort) {
    case ISSUED_SORT_USUAL:
        if (filter->state < 0 && (filter->ends_from != 0 || filter->ends_to != 0))
            query->order = "i.not_after, i.id";
        else if (filter->state < 0 && (filter->made_from != 0 || filter->made_to != 0))
            query->order = "i.created_at DESC, i.id DESC";
        break;
    case ISSUED_SORT_NEW:
        query->order = "i.id DESC";
        break;
    case ISSUED_SORT_OLD:
        query->order = "i.id";
        break;
    case ISSUED_SORT_ROLE:
        query->order = "i.role, i.id";
        break;
    case ISSUED_SORT_ENDS:
        query->order = "i.not_after, i.id";
        break;
    }
}

/* Canaries have neither role nor note. Without the condition SQLite counts in the index alone, and
 * reads no rows: 100,000 roles of 1,000,000 in 8 ms instead of 130. */
static bool may_skip_kind(const struct query *query, const struct issued_filter *filter)
{
    return query->finds_no_canaries || (filter->role != NULL && filter->role[0] != '\0') ||
           (filter->note != NULL && filter->note[0] != '\0');
}

static void add_common(struct query *query, const struct issued_filter *filter,
                       int64_t authority_id)
{
    if (authority_id != 0)
        strbuf_printf(&query->where, " AND %si.authority_id = ?%d", query->searching ? "+" : "",
                      query_int(query, authority_id));
    if (filter->role != NULL)
        strbuf_printf(&query->where, " AND i.role = ?%d", query_text(query, filter->role));
    if (!filter->with_canaries && !may_skip_kind(query, filter))
        strbuf_add_str(&query->where, " AND i.kind < 2");
    add_prefix(query, query->searching ? "+i.subject" : "i.subject", filter->subject);
    add_prefix(query, query->searching ? "+i.note" : "i.note", filter->note);
    add_state(query, filter);
    add_bound(query, "i.created_at", ">=", filter->made_from);
    add_bound(query, "i.created_at", "<=", filter->made_to);
    add_bound(query, "i.not_after", ">=", filter->ends_from);
    add_bound(query, "i.not_after", "<=", filter->ends_to);
    add_sort(query, filter);
}

/* The triggers' counters, where they answer the question. */
static bool count_by_counters(struct store *store, const struct issued_filter *filter,
                              int64_t authority_id, bool *ret_known, int64_t *ret, struct err *err)
{
    struct sql *sql;

    *ret_known = filter->role == NULL && filter->subject == NULL && filter->note == NULL &&
                 filter->made_from == 0 && filter->made_to == 0 && filter->ends_from == 0 &&
                 filter->ends_to == 0 && !filter->with_canaries &&
                 (filter->state < 0 || filter->state == ISSUED_REVOKED);
    if (!*ret_known)
        return true;
    sql =
        sql_new(store,
                filter->state < 0 ? "SELECT sum(n_issued) FROM authority WHERE ?1 = 0 OR id = ?1"
                                  : "SELECT sum(n_revoked) FROM authority WHERE ?1 = 0 OR id = ?1",
                err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    return sql_run_int(sql, 0, ret, err);
}

static void cap_total(struct issued_list *list)
{
    list->total_is_least = list->total > ISSUED_COUNT_MAX;
    if (list->total_is_least)
        list->total = ISSUED_COUNT_MAX;
}

static bool list_plain(struct store *store, const struct issued_filter *filter,
                       int64_t authority_id, int limit, struct issued_list *list, struct err *err)
{
    struct query query;
    bool known = false;
    bool ok;

    query_init(&query);
    add_common(&query, filter, authority_id);
    ok = query_rows(&query, store, limit, filter->offset, list, err);
    if (ok && filter->no_total)
        list->total = -1;
    else
        ok = ok && count_by_counters(store, filter, authority_id, &known, &list->total, err) &&
             (known || query_count(&query, store, &list->total, err));
    if (ok && !known)
        cap_total(list);
    query_clear(&query);
    return ok;
}

/* A search looks at roles first, then at serial numbers in hex and decimal, subjects, notes. */
enum part { PART_ROLE, PART_HEX, PART_HEX_SHIFTED, PART_DECIMAL, PART_SUBJECT, PART_NOTE };

static const char *const part_order[] = {"i.role, i.id", "i.serial",        "i.serial",
                                         "+i.serial",    "i.subject, i.id", "i.note, i.id"};

struct search {
    const struct issued_filter *filter;
    int64_t authority_id;
    char *after; /* the first text behind all that begin with filter->search */
    int limit;
    int64_t offset; /* what is still to be passed over */
    struct issued_list *list;
};

#define DECIMAL_MIN 6 /* digits; fewer begin too many numbers */

static bool all_digits(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

static void add_blob(struct strbuf *out, const struct serial *serial)
{
    strbuf_add_str(out, "x'");
    strbuf_add_hex(out, serial->bytes, serial->len);
    strbuf_add_char(out, '\'');
}

/* The numbers from one to the other, byte length by byte length: blobs are compared from the left. */
static void add_number_range(struct strbuf *out, const struct serial *from, const struct serial *to)
{
    for (size_t len = from->len; len <= to->len; len++) {
        struct serial low = {.len = len};
        struct serial high = {.len = len};

        low.bytes[0] = 1; /* no leading zeros */
        memset(high.bytes, 0xff, len);
        if (len == from->len)
            low = *from;
        if (len == to->len)
            high = *to;
        strbuf_add_str(out, out->len > 0 ? " UNION ALL " : "i.id IN (");
        strbuf_add_str(out, "SELECT x.id FROM issued AS x WHERE x.serial BETWEEN ");
        add_blob(out, &low);
        strbuf_add_str(out, " AND ");
        add_blob(out, &high);
        strbuf_printf(out, " AND length(x.serial) = %zu", len);
    }
}

static bool hex_condition(const char *text, bool shift, struct strbuf *out)
{
    struct serial from;
    struct serial to;

    if (!serial_range(text, shift, &from, &to))
        return false;
    strbuf_add_str(out, "i.serial BETWEEN ");
    add_blob(out, &from);
    strbuf_add_str(out, " AND ");
    add_blob(out, &to);
    return true;
}

static bool decimal_condition(const char *text, struct strbuf *out)
{
    struct serial from;
    struct serial to;

    if (strlen(text) < DECIMAL_MIN || !all_digits(text))
        return false;
    for (int more = 0; serial_decimal_range(text, more, &from, &to); more++)
        add_number_range(out, &from, &to);
    if (out->len > 0)
        strbuf_add_char(out, ')');
    return out->len > 0;
}

static void range_condition(const char *column, const struct search *search, struct query *query,
                            struct strbuf *out)
{
    strbuf_printf(out, "%s >= ?%d", column, query_text(query, search->filter->search));
    strbuf_printf(out, " AND %s < ?%d", column, query_text(query, search->after));
}

/* False when this part cannot have any. */
static bool part_condition(enum part part, const struct search *search, struct query *query,
                           struct strbuf *out)
{
    switch (part) {
    case PART_ROLE:
        range_condition("i.role", search, query, out);
        return true;
    case PART_HEX:
        return hex_condition(search->filter->search, false, out);
    case PART_HEX_SHIFTED:
        return hex_condition(search->filter->search, true, out);
    case PART_DECIMAL:
        return decimal_condition(search->filter->search, out);
    case PART_SUBJECT:
        range_condition("i.subject", search, query, out);
        return true;
    case PART_NOTE:
        range_condition("i.note", search, query, out);
        strbuf_add_str(out, " AND i.note IS NOT NULL");
        return true;
    }
    return false;
}

/* The offset is used up by the parts one after the other. */
static bool list_part(struct store *store, const struct query *query, struct search *search,
                      struct err *err)
{
    struct issued_list *list = search->list;
    int room = search->limit - (int)list->n;
    int64_t count = 0;

    if (search->offset > 0 || !search->filter->no_total) {
        if (!query_count(query, store, &count, err))
            return false;
        list->total += count;
        if (search->offset >= count) {
            search->offset -= count;
            return true;
        }
    }
    if (room > 0 && !query_rows(query, store, room, search->offset, list, err))
        return false;
    search->offset = 0;
    return true;
}

/* Those that this part finds and no earlier one did. */
static bool search_part(struct store *store, struct search *search, enum part part, struct err *err)
{
    struct strbuf condition = STRBUF_INIT;
    struct query query;
    bool ok = true;

    query_init(&query);
    query.searching = true;
    query.finds_no_canaries = part == PART_ROLE || part == PART_NOTE;
    add_common(&query, search->filter, search->authority_id);
    if (part_condition(part, search, &query, &condition)) {
        strbuf_printf(&query.where, " AND (%s)", condition.data);
        for (int earlier = 0; earlier < (int)part; earlier++) {
            strbuf_reset(&condition);
            if (part_condition((enum part)earlier, search, &query, &condition))
                strbuf_printf(&query.where, " AND NOT (%s)", condition.data);
        }
        query.order = part_order[part];
        ok = list_part(store, &query, search, err);
    }
    strbuf_clear(&condition);
    query_clear(&query);
    return ok;
}

static bool list_search(struct store *store, const struct issued_filter *filter,
                        int64_t authority_id, int limit, struct issued_list *list, struct err *err)
{
    struct search search = {
        .filter = filter,
        .authority_id = authority_id,
        .after = text_after_prefix(filter->search),
        .limit = limit,
        .offset = filter->offset,
        .list = list,
    };
    bool ok = true;

    for (int part = PART_ROLE; ok && part <= PART_NOTE; part++)
        ok = search_part(store, &search, (enum part)part, err);
    if (filter->no_total)
        list->total = -1;
    else
        cap_total(list);
    free(search.after);
    return ok;
}

bool issued_sort_parse(const char *text, enum issued_sort *ret, struct err *err)
{
    static const char *const names[] = {
        [ISSUED_SORT_USUAL] = "",    [ISSUED_SORT_NEW] = "new",   [ISSUED_SORT_OLD] = "old",
        [ISSUED_SORT_ROLE] = "role", [ISSUED_SORT_ENDS] = "ends",
    };

    for (size_t i = ISSUED_SORT_NEW; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum issued_sort)i;
            return true;
        }
    return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not one of new, old, role, ends"), text);
}

bool issued_list(struct store *store, const struct issued_filter *filter, struct issued_list *ret,
                 struct err *err)
{
    struct issued_list list = {.n = 0};
    int limit = filter->limit > 0 ? filter->limit : LIMIT_DEFAULT;
    bool searching = filter->search != NULL && filter->search[0] != '\0';
    int64_t authority_id = 0;
    bool ok;

    if (limit > LIMIT_MAX || filter->offset < 0)
        return err_set(err, ERR_BAD_VALUE, _("a list has at most %d rows from row 0 on"),
                       LIMIT_MAX);
    if (!store_begin_reading(store, err)) /* rows and total are of one moment */
        return false;
    ok = (filter->authority == NULL ||
          find_authority(store, filter->authority, &authority_id, err)) &&
         (searching ? list_search(store, filter, authority_id, limit, &list, err)
                    : list_plain(store, filter, authority_id, limit, &list, err));
    if (ok)
        ok = store_commit(store, err);
    else
        store_rollback(store);
    if (ok)
        *ret = list;
    else
        issued_list_clear(&list);
    return ok;
}

bool issued_list_usable(struct store *store, const char *role, struct issued_list *ret,
                        struct err *err)
{
    const struct issued_filter filter = {
        .role = role, .state = -1, .ends_from = clock_now(), .no_total = true};
    size_t n = 0;

    if (!issued_list(store, &filter, ret, err))
        return false;
    for (size_t i = 0; i < ret->n; i++) {
        if (ret->rows[i]->kind == ISSUED_CLIENT && ret->rows[i]->revoked_at == 0)
            ret->rows[n++] = ret->rows[i];
        else
            issued_free(ret->rows[i]);
    }
    ret->n = n;
    return true;
}
