/* issued_find.c - one certificate by what a person or a server calls it. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/delivered.h"
#include "core/store/issued.h"
#include "core/store/row.h"

#define PREFIX_MIN 8 /* hex digits that may stand for a whole serial number */

/* Takes the statement. The first row; *ret NULL when there is none. */
static bool read_first(struct sql *sql, struct issued **ret, struct err *err)
{
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    ok = sql_step(sql, &row, err);
    if (ok && row) {
        *ret = issued_read_row(sql, err);
        ok = *ret != NULL;
    } else if (ok) {
        *ret = NULL;
    }
    sql_free(sql);
    return ok;
}

/* Short numbers may be those of several CAs: then a person must say which one is meant. */
static bool by_serial(struct store *store, const struct serial *serial, struct issued **ret,
                      struct err *err)
{
    struct sql *sql =
        sql_new(store, "SELECT " ROW_ISSUED "WHERE i.serial = ?1 ORDER BY i.id LIMIT 2", err);
    struct issued *first = NULL;
    struct issued *second = NULL;
    char hex[SERIAL_HEX_MAX];
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_blob(sql, 1, serial->bytes, serial->len);
    ok = sql_step(sql, &row, err);
    if (ok && row) {
        first = issued_read_row(sql, err);
        ok = first != NULL && sql_step(sql, &row, err);
        if (ok && row) {
            second = issued_read_row(sql, err);
            ok = second != NULL;
        }
    }
    sql_free(sql);
    if (second != NULL) {
        err_set(err, ERR_CERT_AMBIGUOUS, _("serial number %s is of the CAs \"%s\" and \"%s\""),
                serial_format_hex(hex, serial), first->authority, second->authority);
        err_hint(err, _("Name it by CA and number: \"%s:%s\"."), first->authority, hex);
        ok = false;
    }
    if (ok)
        *ret = first;
    else
        issued_free(first);
    issued_free(second);
    return ok;
}

/* "CA:SERIAL": of that CA. *ret NULL and true: the text has not that form, or there is none. */
static bool by_authority(struct store *store, const char *text, struct issued **ret,
                         struct err *err)
{
    const char *colon = strrchr(text, ':');
    struct err not_a_number = ERR_INIT;
    struct serial serial;
    struct sql *sql;
    char *name;

    *ret = NULL;
    if (colon == NULL || colon == text || !serial_parse_hex(&serial, colon + 1, &not_a_number))
        return true;
    sql = sql_new(store, "SELECT " ROW_ISSUED "WHERE i.serial = ?1 AND a.name = ?2", err);
    if (sql == NULL)
        return false;
    name = mem_strndup(text, (size_t)(colon - text));
    sql_bind_blob(sql, 1, serial.bytes, serial.len);
    sql_bind_text(sql, 2, name);
    free(name);
    return read_first(sql, ret, err);
}

/* Several fit: the message names the first ones, so that a person can choose. */
static void set_ambiguous(struct err *err, const char *text, const struct issued_list *list)
{
    char first[SERIAL_HEX_MAX];
    char second[SERIAL_HEX_MAX];

    err_set(err, ERR_CERT_AMBIGUOUS, _("%lld certificates fit \"%s\""), (long long)list->total,
            text);
    err_hint(err, _("Give the whole serial number, for example %s or %s."),
             serial_format_hex(first, &list->rows[0]->serial),
             serial_format_hex(second, &list->rows[1]->serial));
}

/* *ret NULL and true: none; *ret_ended tells whether there are ended or revoked ones. */
static bool by_role(struct store *store, const char *role, struct issued **ret, bool *ret_ended,
                    struct err *err)
{
    struct issued_filter filter = {.role = role, .state = -1, .limit = 1};
    struct issued_list list = {.n = 0};
    struct sql *sql;
    bool row = false;
    bool ok;

    sql = sql_new(store,
                  "SELECT " ROW_ISSUED "WHERE i.role = ?1 AND i.kind < 2 AND i.revoked_at IS NULL"
                  " AND i.not_after >= ?2 ORDER BY i.id DESC LIMIT 3",
                  err);
    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, role);
    sql_bind_int(sql, 2, clock_now());
    list.rows = mem_array(3, sizeof(*list.rows));
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows[list.n] = issued_read_row(sql, err);
        ok = list.rows[list.n] != NULL;
        if (!ok)
            break;
        list.n++;
    }
    sql_free(sql);
    list.total = (int64_t)list.n;
    if (ok && list.n > 1) {
        set_ambiguous(err, role, &list);
        ok = false;
    } else if (ok && list.n == 1) {
        *ret = list.rows[0];
        list.n = 0;
    } else if (ok) {
        struct issued_list ended = {.n = 0};

        *ret = NULL;
        ok = issued_list(store, &filter, &ended, err);
        *ret_ended = ended.n > 0;
        issued_list_clear(&ended);
    }
    issued_list_clear(&list);
    return ok;
}

/* A serial number cut short, as a title line shows it. */
static bool by_prefix(struct store *store, const char *hex, struct issued **ret, struct err *err)
{
    struct issued_filter filter = {.search = hex, .state = -1, .limit = 3};
    struct issued_list list = {.n = 0};
    bool ok = issued_list(store, &filter, &list, err);

    *ret = NULL;
    if (ok && list.total > 1) {
        set_ambiguous(err, hex, &list);
        ok = false;
    } else if (ok && list.n == 1) {
        *ret = list.rows[0];
        list.n = 0;
    }
    issued_list_clear(&list);
    return ok;
}

static bool all_of(const char *text, int (*is)(int))
{
    for (const char *at = text; *at != '\0'; at++)
        if (!is((unsigned char)*at))
            return false;
    return text[0] != '\0';
}

/* Hex and decimal both: all digits can be either. Random numbers of 127 bits do not meet by chance,
 * so two hits mean numbers from elsewhere, and a person must say which. */
static bool by_number(struct store *store, const char *text, struct issued **ret, struct err *err)
{
    struct err not_a_number = ERR_INIT;
    struct serial serial;
    struct issued *as_decimal = NULL;
    const char *decimal = text_starts_with(text, "decimal:") ? text + strlen("decimal:") : NULL;

    *ret = NULL;
    if (decimal != NULL) {
        if (!serial_parse_decimal(&serial, decimal, err))
            return false;
        return by_serial(store, &serial, ret, err);
    }
    if (serial_parse_hex(&serial, text, &not_a_number) && !by_serial(store, &serial, ret, err))
        return false;
    if (all_of(text, isdigit) && serial_parse_decimal(&serial, text, &not_a_number) &&
        !by_serial(store, &serial, &as_decimal, err))
        goto fail;
    if (as_decimal != NULL && *ret != NULL) {
        err_set(err, ERR_CERT_AMBIGUOUS, _("\"%s\" is one certificate in hex, another in decimal"),
                text);
        err_hint(err, _("Say \"decimal:%s\", or the hex one with colons."), text);
        goto fail;
    }
    if (as_decimal != NULL)
        *ret = as_decimal;
    return true;
fail:
    issued_free(as_decimal);
    issued_free(*ret);
    *ret = NULL;
    return false;
}

struct issued *issued_find(struct store *store, const char *serial_or_role, struct err *err)
{
    struct issued *issued = NULL;
    bool ended = false;

    if (!by_number(store, serial_or_role, &issued, err) || issued != NULL)
        return issued;
    if (!by_authority(store, serial_or_role, &issued, err) || issued != NULL)
        return issued;
    if (!by_role(store, serial_or_role, &issued, &ended, err) || issued != NULL)
        return issued;
    if (ended) {
        err_set(err, ERR_CERT_UNKNOWN, _("all certificates of \"%s\" have ended or are revoked"),
                serial_or_role);
        err_cause(err,
                  _("It was issued, and none of them counts any more: there is nothing left to "
                    "be renewed or revoked."));
        err_hint(err, _("\"pgseal list --role=%s\" shows them; name one by its serial number."),
                 serial_or_role);
        return NULL;
    }
    if (strlen(serial_or_role) >= PREFIX_MIN && all_of(serial_or_role, isxdigit) &&
        (!by_prefix(store, serial_or_role, &issued, err) || issued != NULL))
        return issued;
    err_set(err, ERR_CERT_UNKNOWN, _("there is no certificate \"%s\" in \"%s\""), serial_or_role,
            store_folder(store));
    return NULL;
}

bool issued_undelivered(struct store *store, const char *role, int limit, struct issued_list *ret,
                        struct err *err)
{
    struct issued_list list = {.n = 0};
    /* "+": the order is not worth an index, the condition is: few rows are like that */
    char *text = mem_printf("SELECT " ROW_ISSUED "WHERE i.delivered_at IS NULL AND i.kind < 2"
                            "%s AND +i.revoked_at IS NULL AND NOT"
                            " EXISTS (SELECT 1 FROM issued AS r WHERE r.replaces = i.id)"
                            " ORDER BY +i.id DESC LIMIT ?1",
                            role != NULL ? " AND i.role = ?2" : "");
    struct sql *sql = sql_new(store, text, err);
    struct delivered delivered;
    bool row = false;
    bool ok = sql != NULL;

    free(text);
    delivered_read(store, &delivered);
    if (ok) {
        sql_bind_int(sql, 1, limit + (int64_t)delivered.n);
        if (role != NULL)
            sql_bind_text(sql, 2, role);
    }
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        struct issued *issued = issued_read_row(sql, err);

        ok = issued != NULL;
        if (ok && (issued->delivered || (int)list.n == limit)) {
            issued_free(issued);
        } else if (ok) {
            list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(struct issued *));
            list.rows[list.n++] = issued;
        }
    }
    delivered_clear(&delivered);
    sql_free(sql);
    list.total = (int64_t)list.n;
    if (ok)
        *ret = list;
    else
        issued_list_clear(&list);
    return ok;
}

bool issued_find_session(struct store *store, const char *issuer_dn, const char *serial_decimal,
                         struct issued **ret, struct err *err)
{
    struct err not_a_number = ERR_INIT;
    struct issued *found = NULL;
    struct serial serial;
    struct sql *sql;

    if (!serial_parse_decimal(&serial, serial_decimal, &not_a_number)) {
        *ret = NULL; /* not ours, whatever it is */
        return true;
    }
    sql = sql_new(store, "SELECT " ROW_ISSUED "WHERE i.serial = ?1 AND a.session_issuer = ?2", err);
    if (sql == NULL)
        return false;
    sql_bind_blob(sql, 1, serial.bytes, serial.len);
    sql_bind_blob(sql, 2, issuer_dn, strlen(issuer_dn));
    if (!read_first(sql, &found, err))
        return false;
    *ret = found;
    return true;
}

struct issued *issued_load(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT " ROW_ISSUED "WHERE i.id = ?1", err);
    struct issued *issued = NULL;
    bool row = false;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (sql_step(sql, &row, err)) {
        if (row)
            issued = issued_read_row(sql, err);
        else
            err_set(err, ERR_CERT_UNKNOWN, _("there is no certificate number %lld"), (long long)id);
    }
    sql_free(sql);
    return issued;
}
