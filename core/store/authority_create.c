/*
 * authority_create.c - a new CA: keys, certificate, canaries, first list; all of it or nothing.
 *
 * The write lock is taken before the first key file appears, so that two processes with the same
 * name wait for each other; the key files are there before the row that needs them is committed.
 * After a kill in between, key files without a row may stay behind: they are never deleted by
 * guessing, since the row may be missing for another reason (a database restored from a backup).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/authority.h"
#include "core/store/key_file.h"
#include "core/store/row.h"

#define DAYS_MAX 36500

struct made_file {
    char *name;
    struct secret *pem;
    bool written;
};

enum { FILE_CA, FILE_GOOD, FILE_REVOKED, FILE_COUNT };

/* What is made before anything is written. */
struct making {
    struct name *subject;
    struct key *key;
    struct cert *cert;
    struct canary good;
    struct canary revoked;
    struct crl *crl;
    struct made_file files[FILE_COUNT];
    int64_t now;
};

static void making_clear(struct making *making)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        free(making->files[i].name);
        secret_free(making->files[i].pem);
    }
    crl_free(making->crl);
    canary_clear(&making->revoked);
    canary_clear(&making->good);
    cert_free(making->cert);
    key_free(making->key);
    name_free(making->subject);
}

static bool check_name(const char *name, struct err *err)
{
    size_t len = name != NULL ? strlen(name) : 0;

    if (len == 0)
        return err_set(err, ERR_BAD_NAME, _("the name of the CA is empty"));
    if (len > NAME_CN_MAX)
        return err_set(err, ERR_BAD_NAME, _("the name of the CA has %zu bytes, at most %d fit"),
                       len, NAME_CN_MAX);
    for (const char *at = name; *at != '\0'; at++)
        if (*at < 0x20 || *at > 0x7e)
            return err_set(err, ERR_BAD_NAME,
                           _("the name of the CA, \"%s\", has characters that are not printable "
                             "ASCII"),
                           name);
    if (name[0] == ' ' || name[len - 1] == ' ')
        return err_set(err, ERR_BAD_NAME,
                       _("the name of the CA, \"%s\", begins or ends with a space"), name);
    return true;
}

/* PostgreSQL and OpenSSL tell CAs apart by their subjects, whatever they are called here. */
static bool check_unique(struct store *store, const char *name, const struct name *subject,
                         struct err *err)
{
    struct authority_list list = {NULL, 0};
    struct authority *same;
    struct err unknown = ERR_INIT;
    bool ok = true;

    same = authority_load(store, name, &unknown);
    if (same != NULL) {
        err_set(err, ERR_CA_EXISTS, _("there is a CA \"%s\" already"), same->name);
        authority_free(same);
        return false;
    }
    if (unknown.code != ERR_CA_UNKNOWN) {
        *err = unknown;
        return false;
    }
    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; ok && i < list.n; i++) {
        struct name *other = cert_subject(list.rows[i]->cert);

        if (name_equal(other, subject))
            ok = err_set(err, ERR_CA_EXISTS, _("the CA \"%s\" has the same subject already"),
                         list.rows[i]->name);
        name_free(other);
    }
    authority_list_clear(&list);
    return ok;
}

static bool make_cert(struct making *making, const struct authority_spec *spec, struct err *err)
{
    int days = spec->days == 0 ? AUTHORITY_DEFAULT_DAYS : spec->days;
    struct cert_request request = {
        .profile = PROFILE_CA,
        .subject = making->subject,
        .key = making->key,
        .not_before = making->now - CERT_BACKDATE,
        .not_after = making->now + days * CLOCK_DAY,
    };

    if (!serial_random(&request.serial, err))
        return false;
    making->cert = cert_sign(&request, NULL, making->key, err);
    return making->cert != NULL;
}

static bool make_first_crl(struct making *making, struct err *err)
{
    struct crl_entry entry = {
        .serial = cert_serial(making->revoked.cert),
        .revoked_at = making->now,
        .reason = CRL_CESSATION_OF_OPERATION,
    };
    int64_t end = 0;

    if (!row_crl_end(making->cert, making->now, 0, &end, err))
        return false;
    making->crl =
        crl_build(making->cert, making->key, &entry, 1, 1, making->now - CERT_BACKDATE, end, err);
    return making->crl != NULL;
}

static bool make_file(struct made_file *file, const char *ca_name, const struct cert *ca,
                      const char *suffix, const struct key *key, const struct secret *passphrase,
                      struct err *err)
{
    file->name = key_file_name(ca_name, ca, suffix);
    file->pem = key_to_pem(key, passphrase, KEY_ROUNDS_CA, err);
    return file->pem != NULL;
}

static bool make_all(struct making *making, const struct authority_spec *spec, struct err *err)
{
    making->key = key_generate(spec->key_type, spec->cancelled, spec->cancelled_arg, err);
    if (making->key == NULL)
        return false;
    making->now = clock_now();
    return make_cert(making, spec, err) &&
           canary_make(making->cert, making->key, making->now, &making->good, err) &&
           canary_make(making->cert, making->key, making->now, &making->revoked, err) &&
           make_first_crl(making, err) &&
           make_file(&making->files[FILE_CA], spec->name, making->cert, ".key", making->key,
                     spec->passphrase, err) &&
           make_file(&making->files[FILE_GOOD], spec->name, making->cert, ".good.key",
                     making->good.key, NULL, err) &&
           make_file(&making->files[FILE_REVOKED], spec->name, making->cert, ".revoked.key",
                     making->revoked.key, NULL, err);
}

static bool add_authority_row(struct store *store, const struct making *making,
                              const struct authority_spec *spec, int64_t *ret_id, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    uint8_t sha256[CERT_SHA256_SIZE];
    char session_issuer[NAME_PG_SIZE];
    struct sql *sql = NULL;
    bool ok = false;

    if (!cert_to_der(making->cert, &der, err))
        goto out;
    sql = sql_new(store,
                  "INSERT INTO authority (name, session_issuer, sha256, cert, key_file,"
                  " canary_good_file, canary_revoked_file, key_encrypted, created_at)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                  err);
    if (sql == NULL)
        goto out;
    cert_sha256(making->cert, sha256);
    name_format_pg(making->subject, session_issuer);
    sql_bind_text(sql, 1, spec->name);
    sql_bind_blob(sql, 2, session_issuer, strlen(session_issuer));
    sql_bind_blob(sql, 3, sha256, sizeof(sha256));
    sql_bind_blob(sql, 4, der.data, der.len);
    sql_bind_text(sql, 5, making->files[FILE_CA].name);
    sql_bind_text(sql, 6, making->files[FILE_GOOD].name);
    sql_bind_text(sql, 7, making->files[FILE_REVOKED].name);
    sql_bind_int(sql, 8, spec->passphrase != NULL);
    sql_bind_int(sql, 9, making->now);
    ok = sql_run(sql, err);
    if (ok)
        *ret_id = sql_last_id(store);
out:
    strbuf_clear(&der);
    return ok;
}

static bool add_rows(struct store *store, const struct making *making,
                     const struct authority_spec *spec, int64_t *ret_id, struct err *err)
{
    struct issued_row canary = {.role = "", .created_at = making->now};
    int64_t id = 0;
    int64_t ignored = 0;

    if (!add_authority_row(store, making, spec, &id, err))
        return false;
    canary.authority_id = id;
    canary.kind = ISSUED_CANARY_GOOD;
    canary.cert = making->good.cert;
    if (!row_add_issued(store, &canary, &ignored, err))
        return false;
    canary.kind = ISSUED_CANARY_REVOKED;
    canary.cert = making->revoked.cert;
    canary.revoked_at = making->now;
    canary.reason = CRL_CESSATION_OF_OPERATION;
    if (!row_add_issued(store, &canary, &ignored, err) ||
        !row_add_crl(store, id, making->crl, err) ||
        !store_note(store, "ca create", spec->name, key_type_name(spec->key_type), err))
        return false;
    *ret_id = id;
    return true;
}

static bool write_files(const struct store *store, struct making *making, struct err *err)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        if (!key_file_write(store, making->files[i].name, making->files[i].pem, err))
            return false;
        making->files[i].written = true;
    }
    return true;
}

static void remove_files(const struct store *store, const struct making *making)
{
    for (int i = 0; i < FILE_COUNT; i++)
        if (making->files[i].written)
            key_file_remove(store, making->files[i].name);
}

/* A COMMIT that failed late may have been lasting after all (the journal was gone, then the folder
 * could not be synced): a key may be removed only when the store surely does not know its CA. */
static bool surely_absent(struct store *store, const struct making *making)
{
    struct authority *found = NULL;
    struct err ignored = ERR_INIT;
    bool absent;

    if (authority_find(store, making->cert, &found, &ignored))
        absent = found == NULL;
    else
        absent = store_will_roll_back(store);
    authority_free(found);
    return absent;
}

struct authority *authority_create(struct store *store, const struct authority_spec *spec,
                                   struct err *err)
{
    struct making making = {.now = 0};
    struct authority *authority = NULL;
    int64_t id = 0;

    if (!check_name(spec->name, err))
        return NULL;
    if (spec->days < 0 || spec->days > DAYS_MAX) {
        err_set(err, ERR_BAD_VALUE, _("%d days are not between 1 and %d"), spec->days, DAYS_MAX);
        return NULL;
    }
    making.subject = spec->subject != NULL ? name_parse(spec->subject, err)
                                           : name_new_common_name(spec->name, err);
    /* Asked twice: here before a slow key is made, and below while nobody else can write. */
    if (making.subject == NULL || !check_unique(store, spec->name, making.subject, err) ||
        !make_all(&making, spec, err))
        goto out;
    if (!store_begin(store, err))
        goto out;
    if (!check_unique(store, spec->name, making.subject, err) ||
        !write_files(store, &making, err) || !add_rows(store, &making, spec, &id, err)) {
        store_rollback(store);
        remove_files(store, &making);
        goto out;
    }
    if (!store_commit(store, err)) {
        if (surely_absent(store, &making))
            remove_files(store, &making);
        goto out;
    }
    authority = authority_load_id(store, id, err);
out:
    making_clear(&making);
    return authority;
}
