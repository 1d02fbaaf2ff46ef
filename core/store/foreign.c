/* foreign.c - rows of foreign_ca and server_foreign. */
#include "config.h"

#include "core/store/foreign.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/sql.h"

/* ---- reading ---- */

static bool read_servers(struct store *store, struct foreign_ca *ca, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT s.name FROM server_foreign AS f JOIN server AS s"
                              " ON s.id = f.server_id WHERE f.foreign_ca_id = ?1 ORDER BY s.name",
                              err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, ca->id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        ca->servers = mem_realloc_array(ca->servers, ca->n_servers + 1, sizeof(ca->servers[0]));
        ca->servers[ca->n_servers++] = sql_text(sql, 0);
    }
    sql_free(sql);
    return ok;
}

static bool read_row(const struct sql *sql, struct foreign_ca *ret, struct err *err)
{
    size_t len = 0;
    const void *der = sql_blob(sql, 2, &len);

    *ret = (struct foreign_ca){.id = sql_int(sql, 0),
                               .number = (uint64_t)sql_int(sql, 3),
                               .this_update = sql_int(sql, 4),
                               .next_update = sql_int(sql, 5),
                               .imported_at = sql_int(sql, 6),
                               .has_crl = sql_int(sql, 7) != 0};
    ret->cert = cert_from_der(der, len, err);
    if (ret->cert == NULL)
        return false;
    ret->name = sql_text(sql, 1);
    return true;
}

bool foreign_list(struct store *store, struct foreign_ca_list *ret, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT id, name, cert, number, this_update, next_update,"
                              " imported_at, crl IS NOT NULL FROM foreign_ca ORDER BY name, id",
                              err);
    struct foreign_ca_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(list.rows[0]));
        ok = read_row(sql, &list.rows[list.n], err);
        if (!ok)
            break;
        list.n++;
    }
    sql_free(sql);
    for (size_t i = 0; ok && i < list.n; i++)
        ok = read_servers(store, &list.rows[i], err);
    if (ok)
        *ret = list;
    else
        foreign_list_clear(&list);
    return ok;
}

void foreign_list_clear(struct foreign_ca_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct foreign_ca *ca = &list->rows[i];

        free(ca->name);
        cert_free(ca->cert);
        for (size_t k = 0; k < ca->n_servers; k++)
            free(ca->servers[k]);
        free(ca->servers);
    }
    free(list->rows);
    *list = (struct foreign_ca_list){.n = 0};
}

static void bind_sha256(struct sql *sql, int at, const struct cert *ca)
{
    uint8_t sha256[CERT_SHA256_SIZE];

    cert_sha256(ca, sha256);
    sql_bind_blob(sql, at, sha256, sizeof(sha256));
}

bool foreign_crl(struct store *store, const struct cert *ca, struct crl **ret, size_t *ret_accept,
                 struct err *err)
{
    struct sql *sql =
        sql_new(store, "SELECT crl, n_dropped FROM foreign_ca WHERE sha256 = ?1", err);
    bool row = false;
    bool ok;

    *ret = NULL;
    *ret_accept = 0;
    if (sql == NULL)
        return false;
    bind_sha256(sql, 1, ca);
    ok = sql_step(sql, &row, err);
    if (ok && row && !sql_is_null(sql, 0)) {
        size_t len = 0;
        const void *der = sql_blob(sql, 0, &len);

        *ret = crl_from_der(der, len, err);
        *ret_accept = (size_t)sql_int(sql, 1);
        ok = *ret != NULL;
    }
    sql_free(sql);
    return ok;
}

bool foreign_find_issuer(struct store *store, const struct crl *crl, struct cert **ret,
                         struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    *ret = NULL;
    if (!foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n && *ret == NULL; i++) {
        if (crl_signed_by(crl, list.rows[i].cert))
            *ret = cert_dup(list.rows[i].cert);
    }
    foreign_list_clear(&list);
    return true;
}

/* ---- who trusts it ---- */

static bool add_ca(struct store *store, const struct cert *ca, struct err *err)
{
    struct sql *sql = sql_new(
        store, "INSERT OR IGNORE INTO foreign_ca (sha256, name, cert) VALUES (?1, ?2, ?3)", err);
    struct strbuf der = STRBUF_INIT;
    struct strbuf name = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;
    bool ok = false;

    if (sql == NULL)
        return false;
    if (cert_to_der(ca, &der, err)) {
        cert_format_subject(ca, &name);
        text_clean(&clean, name.data, name.len, TEXT_ONE_LINE);
        bind_sha256(sql, 1, ca);
        sql_bind_text(sql, 2, clean.data);
        sql_bind_blob(sql, 3, der.data, der.len);
        ok = sql_run(sql, err);
    } else {
        sql_free(sql);
    }
    strbuf_clear(&der);
    strbuf_clear(&name);
    strbuf_clear(&clean);
    return ok;
}

static bool set_trust(struct store *store, int64_t server_id, const struct cert *ca, bool trusts,
                      struct err *err)
{
    struct sql *sql =
        sql_new(store,
                trusts ? "INSERT OR IGNORE INTO server_foreign (server_id, foreign_ca_id)"
                         " SELECT ?1, id FROM foreign_ca WHERE sha256 = ?2"
                       : "DELETE FROM server_foreign WHERE server_id = ?1 AND foreign_ca_id ="
                         " (SELECT id FROM foreign_ca WHERE sha256 = ?2)",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    bind_sha256(sql, 2, ca);
    return sql_run(sql, err);
}

bool foreign_note(struct store *store, int64_t server_id, const struct cert *ca, struct err *err)
{
    bool good;

    if (!store_begin(store, err))
        return false;
    good = add_ca(store, ca, err) && (server_id == 0 || set_trust(store, server_id, ca, true, err));
    return store_end(store, good, err);
}

bool foreign_forget(struct store *store, int64_t server_id, const struct cert *ca, struct err *err)
{
    return set_trust(store, server_id, ca, false, err);
}

bool foreign_set_published(struct store *store, int64_t server_id, const struct cert *ca,
                           int64_t this_update, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE server_foreign SET this_update = ?3"
                              " WHERE server_id = ?1 AND foreign_ca_id ="
                              " (SELECT id FROM foreign_ca WHERE sha256 = ?2)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    bind_sha256(sql, 2, ca);
    sql_bind_int(sql, 3, this_update);
    return sql_run(sql, err);
}

#define BEHIND                                                                                     \
    "FROM server_foreign AS t JOIN foreign_ca AS f ON f.id = t.foreign_ca_id"                      \
    " WHERE f.crl IS NOT NULL AND coalesce(t.this_update, 0) < f.this_update"

bool foreign_count_behind(struct store *store, size_t *ret, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT count(DISTINCT t.server_id) " BEHIND, err);
    int64_t n = 0;

    if (sql == NULL || !sql_run_int(sql, 0, &n, err))
        return false;
    *ret = (size_t)n;
    return true;
}

bool foreign_is_behind(struct store *store, int64_t server_id, bool *ret, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT count(*) " BEHIND " AND t.server_id = ?1", err);
    int64_t n = 0;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    if (!sql_run_int(sql, 0, &n, err))
        return false;
    *ret = n > 0;
    return true;
}

/* ---- a list comes in ---- */

static bool check_alone(const struct cert *ca, const struct crl *crl, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    bool good = false;

    cert_format_subject(ca, &name);
    if (!cert_is_ca(ca))
        err_set(err, ERR_NOT_A_CA, _("certificate \"%s\" is not a CA"), name.data);
    else if (!crl_signed_by(crl, ca))
        err_set(err, ERR_CRL_WEAKER, _("the CRL was not signed by \"%s\""), name.data);
    else if (crl_next_update(crl) && crl_next_update(crl) <= clock_now())
        err_set(err, ERR_CRL_ENDED, _("the CRL of \"%s\" ended on %s UTC"), name.data,
                clock_format_minute(date, crl_next_update(crl)));
    else if (crl_this_update(crl) > clock_now())
        err_set(err, ERR_CRL_NOT_YET, _("the CRL of \"%s\" is not valid before %s UTC"), name.data,
                clock_format_minute(date, crl_this_update(crl)));
    else
        good = true;
    strbuf_clear(&name);
    return good;
}

static bool check_against(const struct crl *stored, const struct crl *crl, size_t accept_dropped,
                          struct err *err)
{
    char first[SERIAL_HEX_MAX] = "";
    uint64_t old_number, new_number;
    size_t dropped = 0;

    if (crl_number(stored, &old_number) && crl_number(crl, &new_number) && new_number < old_number)
        return err_set(err, ERR_CRL_WEAKER,
                       _("the CRL has number %llu, the stored one has number %llu"),
                       (unsigned long long)new_number, (unsigned long long)old_number);
    for (size_t i = 0; i < crl_count(stored); i++) {
        struct crl_entry entry;

        if (crl_entry_at(stored, i, &entry) && !crl_has(crl, &entry.serial) && dropped++ == 0)
            serial_format_hex(first, &entry.serial);
    }
    if (dropped == accept_dropped || dropped == 0)
        return true;
    err_set(err, ERR_CRL_WEAKER,
            _("the CRL lacks %zu revoked serial numbers of the stored one: %s"), dropped, first);
    err_cause(err, _("Lists forget certificates that have ended. Whether these have is known to "
                     "their CA only."));
    return err_hint(err, _("Ask there; then take it without them (--accept-dropped=%zu)."),
                    dropped);
}

/* A server that has another list of the same second has not got this one. */
static bool forget_published(struct store *store, const struct cert *ca, const struct crl *crl,
                             struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE server_foreign SET this_update = NULL WHERE this_update = ?2"
                              " AND foreign_ca_id ="
                              " (SELECT id FROM foreign_ca WHERE sha256 = ?1)",
                              err);

    if (sql == NULL)
        return false;
    bind_sha256(sql, 1, ca);
    sql_bind_int(sql, 2, crl_this_update(crl));
    return sql_run(sql, err);
}

static bool store_list(struct store *store, const struct cert *ca, const struct crl *crl,
                       size_t accept_dropped, struct err *err)
{
    struct sql *sql = NULL;
    struct strbuf der = STRBUF_INIT;
    struct strbuf name = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    char *detail = NULL;
    uint64_t number = 0;
    bool ok = false;

    if (!add_ca(store, ca, err) || !forget_published(store, ca, crl, err) ||
        !crl_to_der(crl, &der, err))
        goto out;
    sql = sql_new(store,
                  "UPDATE foreign_ca SET number = ?2, this_update = ?3, next_update = ?4,"
                  " n_dropped = ?5, imported_at = ?6, crl = ?7 WHERE sha256 = ?1",
                  err);
    if (sql == NULL)
        goto out;
    bind_sha256(sql, 1, ca);
    if (crl_number(crl, &number) && number <= INT64_MAX)
        sql_bind_int(sql, 2, (int64_t)number);
    else
        sql_bind_null(sql, 2);
    sql_bind_int(sql, 3, crl_this_update(crl));
    sql_bind_int(sql, 4, crl_next_update(crl));
    sql_bind_int(sql, 5, (int64_t)accept_dropped);
    sql_bind_int(sql, 6, clock_now());
    sql_bind_blob(sql, 7, der.data, der.len);
    cert_format_subject(ca, &name);
    detail = mem_printf("until %s, %zu entries", clock_format_date(date, crl_next_update(crl)),
                        crl_count(crl));
    ok = sql_run(sql, err) && store_note(store, "crl import", name.data, detail, err);
out:
    free(detail);
    strbuf_clear(&der);
    strbuf_clear(&name);
    return ok;
}

bool foreign_import(struct store *store, const struct cert *ca, const struct crl *crl,
                    size_t accept_dropped, enum foreign_import *ret, struct err *err)
{
    struct crl *stored = NULL;
    size_t ignored;
    bool ok = false;

    if (!check_alone(ca, crl, err) || !store_begin(store, err))
        return false;
    if (!foreign_crl(store, ca, &stored, &ignored, err))
        goto out;
    ok = true;
    *ret = FOREIGN_NEW;
    if (stored != NULL && crl_equal(stored, crl))
        *ret = FOREIGN_SAME;
    else if (stored != NULL && crl_is_newer(stored, crl))
        *ret = FOREIGN_OLDER;
    else
        ok = (stored == NULL || check_against(stored, crl, accept_dropped, err)) &&
             store_list(store, ca, crl, accept_dropped, err);
out:
    crl_free(stored);
    return store_end(store, ok, err);
}
