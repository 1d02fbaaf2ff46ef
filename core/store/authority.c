/* authority.c - certificate authorities of the store: found, listed, unlocked, retired. */
#include "config.h"

#include "core/store/authority.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/key_file.h"
#include "core/store/row.h"

#define COLUMNS                                                                                    \
    "a.id, a.name, a.cert, a.key_file, a.key_encrypted, a.retired_at, a.created_at, a.n_issued, "  \
    "a.n_revoked, c.number, c.this_update, c.next_update, l.number, l.next_update "                \
    "FROM authority AS a LEFT JOIN crl AS c ON c.authority_id = a.id AND c.number = "              \
    "(SELECT number FROM crl WHERE authority_id = a.id AND due_at <= ?9 "                          \
    "ORDER BY number DESC LIMIT 1) LEFT JOIN crl AS l ON l.authority_id = a.id AND l.number = "    \
    "(SELECT max(number) FROM crl WHERE authority_id = a.id) "

void authority_free(struct authority *authority)
{
    if (authority == NULL)
        return;
    free(authority->name);
    cert_free(authority->cert);
    free(authority);
}

void authority_list_clear(struct authority_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        authority_free(list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

static struct authority *read_row(const struct store *store, const struct sql *sql, struct err *err)
{
    struct authority *authority = mem_zalloc(sizeof(*authority));
    char *key_file = sql_text(sql, 3);
    size_t len = 0;
    const void *der = sql_blob(sql, 2, &len);

    authority->id = sql_int(sql, 0);
    authority->name = sql_text(sql, 1);
    authority->has_key = key_file_exists(store, key_file);
    authority->key_encrypted = sql_int(sql, 4) != 0;
    authority->retired = !sql_is_null(sql, 5);
    authority->created_at = sql_int(sql, 6);
    authority->issued = sql_int(sql, 7);
    authority->revoked = sql_int(sql, 8);
    authority->crl.number = (uint64_t)sql_int(sql, 9);
    authority->crl.this_update = sql_int(sql, 10);
    authority->crl.next_update = sql_int(sql, 11);
    authority->crl.ahead = (uint64_t)sql_int(sql, 12) - authority->crl.number;
    authority->crl.until = sql_int(sql, 13);
    authority->cert = cert_from_der(der, len, err);
    free(key_file);
    if (authority->cert == NULL) {
        err_prefix(err, _("CA \"%s\" of the store"), authority->name);
        authority_free(authority);
        return NULL;
    }
    return authority;
}

/* Takes the statement. All its rows; *ret is empty when there are none. */
static bool read_rows(struct store *store, struct sql *sql, struct authority_list *ret,
                      struct err *err)
{
    struct authority_list list = {NULL, 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 9, clock_now());
    while ((ok = sql_step(sql, &row, err)) && row) {
        struct authority *authority = read_row(store, sql, err);

        ok = authority != NULL;
        if (!ok)
            break;
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n++] = authority;
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        authority_list_clear(&list);
    return ok;
}

/* Takes the statement. The first row; *ret NULL when there is none. */
static bool read_one(struct store *store, struct sql *sql, struct authority **ret, struct err *err)
{
    struct authority_list list = {NULL, 0};

    if (!read_rows(store, sql, &list, err))
        return false;
    *ret = list.n > 0 ? list.rows[0] : NULL;
    if (list.n > 0)
        list.rows[0] = list.rows[--list.n]; /* taken */
    authority_list_clear(&list);
    return true;
}

static struct authority *load_only(struct store *store, struct err *err)
{
    struct authority_list list = {NULL, 0};
    struct authority *authority = NULL;
    struct sql *sql =
        sql_new(store,
                "SELECT " COLUMNS "WHERE a.retired_at IS NULL AND a.deleted_at IS NULL"
                " ORDER BY a.id LIMIT 2",
                err);

    if (!read_rows(store, sql, &list, err))
        return NULL;
    if (list.n == 0) {
        err_set(err, ERR_CA_UNKNOWN, _("there is no CA in \"%s\""), store_folder(store));
        err_hint(err, _("\"pgseal ca create NAME\" makes one."));
    } else if (list.n > 1) {
        err_set(err, ERR_CA_CHOOSE, _("there are several CAs, for example \"%s\" and \"%s\""),
                list.rows[0]->name, list.rows[1]->name);
    } else {
        authority = list.rows[0];
        list.n = 0;
    }
    authority_list_clear(&list);
    return authority;
}

struct authority *authority_load(struct store *store, const char *name, struct err *err)
{
    struct authority *authority = NULL;
    struct sql *sql;

    if (name == NULL)
        return load_only(store, err);
    sql = sql_new(store, "SELECT " COLUMNS "WHERE a.name = ?1 AND a.deleted_at IS NULL", err);
    if (sql == NULL)
        return NULL;
    sql_bind_text(sql, 1, name);
    if (read_one(store, sql, &authority, err) && authority == NULL)
        err_set(err, ERR_CA_UNKNOWN, _("there is no CA \"%s\" in \"%s\""), name,
                store_folder(store));
    return authority;
}

struct authority *authority_load_id(struct store *store, int64_t id, struct err *err)
{
    struct authority *authority = NULL;
    struct sql *sql = sql_new(store, "SELECT " COLUMNS "WHERE a.id = ?1", err);

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (read_one(store, sql, &authority, err) && authority == NULL)
        err_set(err, ERR_CA_UNKNOWN, _("there is no CA number %lld in \"%s\""), (long long)id,
                store_folder(store));
    return authority;
}

bool authority_find(struct store *store, const struct cert *cert, struct authority **ret,
                    struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT " COLUMNS "WHERE (a.sha256 = ?1 OR a.id = (SELECT authority_id FROM"
                " authority_cert WHERE sha256 = ?1)) AND a.deleted_at IS NULL",
                err);
    uint8_t sha256[CERT_SHA256_SIZE];

    if (sql == NULL)
        return false;
    cert_sha256(cert, sha256);
    sql_bind_blob(sql, 1, sha256, sizeof(sha256));
    return read_one(store, sql, ret, err);
}

bool authority_list(struct store *store, struct authority_list *ret, struct err *err)
{
    return read_rows(
        store, sql_new(store, "SELECT " COLUMNS "WHERE a.deleted_at IS NULL ORDER BY a.id", err),
        ret, err);
}

/* One text column of one CA. Caller frees. */
static char *file_of(struct store *store, const struct authority *authority, const char *text,
                     struct err *err)
{
    struct sql *sql = sql_new(store, text, err);
    char *name = NULL;
    bool row = false;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, authority->id);
    if (sql_step(sql, &row, err)) {
        if (row)
            name = sql_text(sql, 0);
        else
            err_set(err, ERR_CA_UNKNOWN, _("there is no CA \"%s\" in this store"), authority->name);
    }
    sql_free(sql);
    return name;
}

/* Reads one key file; passphrase may be NULL. The key must be that of cert. */
static struct key *read_key(struct store *store, const char *file, const struct cert *cert,
                            const struct secret *passphrase, struct err *err)
{
    struct secret *pem = key_file_read(store, file, err);
    struct key *key = NULL;

    if (pem == NULL)
        return NULL;
    if (passphrase == NULL && key_pem_is_encrypted(secret_data(pem), secret_len(pem)))
        err_set(err, ERR_PASSPHRASE, _("the private key \"%s\" needs its passphrase"), file);
    else
        key = key_from_pem(secret_data(pem), secret_len(pem), passphrase, err);
    secret_free(pem);
    if (key != NULL && !cert_matches_key(cert, key)) {
        key_free(key);
        err_set(err, ERR_CA_KEY, _("\"%s\" is the private key of another certificate"), file);
        return NULL;
    }
    return key;
}

struct secret *authority_key_file(struct store *store, const struct authority *authority,
                                  struct err *err)
{
    char *file = file_of(store, authority, "SELECT key_file FROM authority WHERE id = ?1", err);
    struct secret *pem = file != NULL ? key_file_read(store, file, err) : NULL;

    free(file);
    return pem;
}

struct key *authority_unlock(struct store *store, const struct authority *authority,
                             const struct secret *passphrase, struct err *err)
{
    char *file = file_of(store, authority, "SELECT key_file FROM authority WHERE id = ?1", err);
    struct key *key;

    if (file == NULL)
        return NULL;
    key = read_key(store, file, authority->cert, passphrase, err);
    if (key == NULL && err->code != ERR_PASSPHRASE)
        err_prefix(err, _("CA \"%s\""), authority->name);
    free(file);
    return key;
}

/* Where " G<number>" begins at the end of a name, and the number; else the whole length and 1. */
static size_t split_generation(const char *name, int64_t *ret_number)
{
    size_t len = strlen(name);
    size_t digits = len;

    *ret_number = 1;
    while (digits > 0 && isdigit((unsigned char)name[digits - 1]))
        digits--;
    if (digits < 3 || digits == len || name[digits - 1] != 'G' || name[digits - 2] != ' ')
        return len;
    if (!text_parse_int(name + digits, 1, 99998, ret_number)) {
        *ret_number = 1;
        return len;
    }
    return digits - 2;
}

static bool name_is_taken(struct store *store, const char *name, bool *ret, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT count(*) FROM authority WHERE name = ?1", err);
    int64_t count = 0;

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!sql_run_int(sql, 0, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

char *authority_next_name(struct store *store, const char *name, struct err *err)
{
    int64_t number = 1;
    size_t base = split_generation(name, &number);

    for (;;) {
        char suffix[24];
        size_t keep = base;
        bool taken = true;
        char *next;

        number++;
        (void)snprintf(suffix, sizeof(suffix), " G%lld", (long long)number);
        if (keep + strlen(suffix) > NAME_CN_MAX)
            keep = NAME_CN_MAX - strlen(suffix);
        while (keep > 0 && name[keep - 1] == ' ')
            keep--;
        next = mem_printf("%.*s%s", (int)keep, name, suffix);
        if (!name_is_taken(store, next, &taken, err)) {
            free(next);
            return NULL;
        }
        if (!taken)
            return next;
        free(next);
    }
}

bool authority_retire(struct store *store, const struct authority *authority, struct err *err)
{
    struct sql *sql;

    if (!store_begin(store, err))
        return false;
    sql = sql_new(store,
                  "UPDATE authority SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL", err);
    if (sql == NULL)
        goto fail;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, clock_now());
    if (!sql_run(sql, err))
        goto fail;
    if (sql_changes(store) > 0 && !store_note(store, "ca retire", authority->name, NULL, err))
        goto fail;
    return store_commit(store, err);
fail:
    store_rollback(store);
    return false;
}

struct crl *authority_crl(struct store *store, const struct authority *authority, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT der FROM crl WHERE authority_id = ?1 AND due_at <= ?2"
                              " ORDER BY number DESC LIMIT 1",
                              err);
    struct crl *crl = NULL;
    const void *der;
    bool row = false;
    size_t len = 0;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, clock_now());
    if (!sql_step(sql, &row, err))
        goto out;
    if (!row || sql_is_null(sql, 0)) {
        err_set(err, ERR_STORE, _("CA \"%s\" has no list of revoked certificates yet"),
                authority->name);
        err_hint(err, _("\"pgseal crl sign\" signs one."));
        goto out;
    }
    der = sql_blob(sql, 0, &len);
    crl = crl_from_der(der, len, err);
out:
    sql_free(sql);
    return crl;
}

struct crl *authority_sign_crl(struct store *store, struct authority *authority,
                               const struct key *key, int days, struct err *err)
{
    struct crl *crl = NULL;
    char *detail = NULL;
    char date[CLOCK_TEXT_MAX];
    uint64_t number = 0;

    if (!store_begin(store, err))
        return NULL;
    crl = row_next_crl(store, authority, key, days, 0, err);
    if (crl == NULL)
        goto fail;
    (void)crl_number(crl, &number);
    detail = mem_printf("number %llu, until %s", (unsigned long long)number,
                        clock_format_date(date, crl_next_update(crl)));
    if (!store_note(store, "crl sign", authority->name, detail, err))
        goto fail;
    free(detail);
    if (!store_commit(store, err)) {
        crl_free(crl);
        return NULL;
    }
    row_set_crl(store, authority, crl);
    return crl;
fail:
    store_rollback(store);
    free(detail);
    crl_free(crl);
    return NULL;
}

bool authority_canary(struct store *store, const struct authority *authority, enum canary_kind kind,
                      struct canary *ret, struct err *err)
{
    bool good = kind == CANARY_GOOD;
    struct canary canary = {NULL, NULL};
    struct sql *sql = NULL;
    const void *der;
    size_t len = 0;
    bool row = false;
    bool ok = false;
    char *file = file_of(store, authority,
                         good ? "SELECT canary_good_file FROM authority WHERE id = ?1"
                              : "SELECT canary_revoked_file FROM authority WHERE id = ?1",
                         err);

    if (file == NULL)
        return false;
    sql = sql_new(store,
                  "SELECT cert FROM issued WHERE authority_id = ?1 AND kind = ?2 AND kind >= 2"
                  " ORDER BY id DESC LIMIT 1",
                  err);
    if (sql == NULL)
        goto out;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, good ? ISSUED_CANARY_GOOD : ISSUED_CANARY_REVOKED);
    if (!sql_step(sql, &row, err))
        goto out;
    if (!row) {
        err_set(err, ERR_CERT_UNKNOWN, _("CA \"%s\" has no canary certificates"), authority->name);
        goto out;
    }
    der = sql_blob(sql, 0, &len);
    canary.cert = cert_from_der(der, len, err);
    if (canary.cert == NULL)
        goto out;
    canary.key = read_key(store, file, canary.cert, NULL, err);
    if (canary.key == NULL)
        goto out;
    *ret = canary;
    ok = true;
out:
    if (!ok)
        canary_clear(&canary);
    sql_free(sql);
    free(file);
    return ok;
}
