/*
 * authority_make.c - a CA gets into the store: keys, certificate, canaries, first list; all or nothing.
 *
 * The write lock is taken before the first key file appears, so that two processes with the same
 * name wait for each other; the key files are there before the row that needs them is committed.
 * After a kill in between, key files without a row may stay behind: they are never deleted by
 * guessing, since the row may be missing for another reason (a database restored from a backup).
 */
#include "config.h"

#include "core/store/authority_make.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/key_file.h"
#include "core/store/row.h"

void authority_making_clear(struct authority_making *making)
{
    for (int i = 0; i < MAKING_FILE_COUNT; i++) {
        free(making->files[i].name);
        secret_free(making->files[i].pem);
    }
    canary_clear(&making->revoked);
    canary_clear(&making->good);
    cert_free(making->cert);
    key_free(making->key);
}

bool authority_check_name(const char *name, struct err *err)
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

static bool check_name_is_free(struct store *store, const char *name, int64_t request_id,
                               struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT name, deleted_at IS NOT NULL FROM authority WHERE name = ?1"
                              " UNION ALL SELECT name, 2 FROM authority_request"
                              " WHERE name = ?1 AND id <> ?2",
                              err);
    bool row = false;
    bool ok;
    char *taken;

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    sql_bind_int(sql, 2, request_id);
    ok = sql_step(sql, &row, err);
    if (ok && row) {
        taken = sql_text(sql, 0);
        ok = false;
        if (sql_int(sql, 1) == 0)
            err_set(err, ERR_CA_EXISTS, _("there is a CA \"%s\" already"), taken);
        else if (sql_int(sql, 1) == 1)
            err_set(err, ERR_CA_EXISTS, _("there was a CA \"%s\", and it had issued certificates"),
                    taken);
        else
            err_set(err, ERR_CA_EXISTS, _("the CA \"%s\" waits for its certificate already"),
                    taken);
        free(taken);
    }
    sql_free(sql);
    return ok;
}

/* PostgreSQL and OpenSSL tell CAs apart by their subjects, whatever they are called here. */
static bool check_subject_is_free(struct store *store, const struct name *subject, struct err *err)
{
    struct sql *sql = sql_new(
        store, "SELECT name, cert FROM authority WHERE deleted_at IS NULL OR n_issued > 0", err);
    bool row = false;
    bool ok = true;

    if (sql == NULL)
        return false;
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        size_t len = 0;
        const void *der = sql_blob(sql, 1, &len);
        struct cert *cert = cert_from_der(der, len, err);
        struct name *other = cert != NULL ? cert_subject(cert) : NULL;

        ok = cert != NULL;
        if (ok && name_equal(other, subject)) {
            char *name = sql_text(sql, 0);

            ok = err_set(err, ERR_CA_EXISTS, _("the CA \"%s\" has the same subject already"), name);
            free(name);
        }
        name_free(other);
        cert_free(cert);
    }
    sql_free(sql);
    return ok;
}

bool authority_check_unique(struct store *store, const char *name, const struct name *subject,
                            int64_t request_id, struct err *err)
{
    return check_name_is_free(store, name, request_id, err) &&
           check_subject_is_free(store, subject, err);
}

static bool make_file(struct made_file *file, const char *ca_name, const struct cert *ca,
                      const char *suffix, const struct key *key, const struct secret *passphrase,
                      struct err *err)
{
    file->name = key_file_name(ca_name, ca, suffix);
    file->pem = key_to_pem(key, passphrase, KEY_ROUNDS_CA, err);
    return file->pem != NULL;
}

static bool make_all(struct authority_making *making, struct err *err)
{
    making->now = clock_now();
    if (!canary_make(making->cert, making->key, making->now, &making->good, err) ||
        !canary_make(making->cert, making->key, making->now, &making->revoked, err) ||
        !make_file(&making->files[MAKING_FILE_GOOD], making->name, making->cert, ".good.key",
                   making->good.key, NULL, err) ||
        !make_file(&making->files[MAKING_FILE_REVOKED], making->name, making->cert, ".revoked.key",
                   making->revoked.key, NULL, err))
        return false;
    if (making->key_file != NULL)
        return true;
    making->key_encrypted = making->passphrase != NULL;
    return make_file(&making->files[MAKING_FILE_CA], making->name, making->cert, ".key",
                     making->key, making->passphrase, err);
}

static bool add_authority_row(struct store *store, const struct authority_making *making,
                              int64_t *ret_id, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    uint8_t sha256[CERT_SHA256_SIZE];
    char session_issuer[NAME_PG_SIZE];
    struct name *subject = NULL;
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
    subject = cert_subject(making->cert);
    name_format_pg(subject, session_issuer);
    sql_bind_text(sql, 1, making->name);
    sql_bind_blob(sql, 2, session_issuer, strlen(session_issuer));
    sql_bind_blob(sql, 3, sha256, sizeof(sha256));
    sql_bind_blob(sql, 4, der.data, der.len);
    sql_bind_text(sql, 5,
                  making->key_file != NULL ? making->key_file : making->files[MAKING_FILE_CA].name);
    sql_bind_text(sql, 6, making->files[MAKING_FILE_GOOD].name);
    sql_bind_text(sql, 7, making->files[MAKING_FILE_REVOKED].name);
    sql_bind_int(sql, 8, making->key_encrypted);
    sql_bind_int(sql, 9, making->now);
    ok = sql_run(sql, err);
    if (ok)
        *ret_id = sql_last_id(store);
out:
    name_free(subject);
    strbuf_clear(&der);
    return ok;
}

bool authority_add_canaries(struct store *store, int64_t authority_id, const struct cert *good,
                            const struct cert *revoked, int64_t now, struct err *err)
{
    struct issued_row canary = {
        .authority_id = authority_id, .role = "", .created_at = now, .delivered_at = now};
    int64_t ignored = 0;

    canary.kind = ISSUED_CANARY_GOOD;
    canary.cert = good;
    if (!row_add_issued(store, &canary, &ignored, err))
        return false;
    canary.kind = ISSUED_CANARY_REVOKED;
    canary.cert = revoked;
    canary.revoked_at = now;
    canary.reason = CRL_CESSATION_OF_OPERATION;
    return row_add_issued(store, &canary, &ignored, err);
}

static bool sign_first_crl(struct store *store, const struct authority_making *making, int64_t id,
                           struct err *err)
{
    struct authority authority = {.id = id, .cert = making->cert};
    struct crl *crl;

    authority.name = mem_strdup(making->name);
    crl = row_next_crl(store, &authority, making->key, making->crl_days, making->crl_at_least, err);
    free(authority.name);
    crl_free(crl);
    return crl != NULL;
}

static bool forget_request(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql;

    if (id == 0)
        return true;
    sql = sql_new(store, "DELETE FROM authority_request WHERE id = ?1", err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, id);
    return sql_run(sql, err);
}

static bool add_rows(struct store *store, const struct authority_making *making, int64_t *ret_id,
                     struct err *err)
{
    int64_t id = 0;

    if (!add_authority_row(store, making, &id, err) ||
        !authority_add_canaries(store, id, making->good.cert, making->revoked.cert, making->now,
                                err) ||
        (making->more != NULL && !making->more(store, id, making->more_arg, err)) ||
        !forget_request(store, making->request_id, err) ||
        !sign_first_crl(store, making, id, err) ||
        !store_note(store, making->act, making->name, key_type_name(cert_key_type(making->cert)),
                    err))
        return false;
    *ret_id = id;
    return true;
}

/*
 * A file of this name is one that a killed run left: the name is of this very certificate, and no CA
 * has it. And it must not be on the list of files to be removed, where a CA that was deleted may have
 * put it.
 */
static bool make_room(struct store *store, const char *name, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT count(*) FROM authority WHERE deleted_at IS NULL"
                              " AND ?1 IN (key_file, canary_good_file, canary_revoked_file)",
                              err);
    int64_t users = 1;

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!sql_run_int(sql, 1, &users, err))
        return false;
    if (users == 0)
        key_file_remove(store, name);
    sql = sql_new(store, "DELETE FROM doomed_file WHERE name = ?1", err);
    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    return sql_run(sql, err);
}

static bool write_files(struct store *store, struct authority_making *making, struct err *err)
{
    for (int i = 0; i < MAKING_FILE_COUNT; i++) {
        if (making->files[i].name == NULL)
            continue;
        if (!make_room(store, making->files[i].name, err) ||
            !key_file_write(store, making->files[i].name, making->files[i].pem, err))
            return false;
        making->files[i].written = true;
    }
    return true;
}

static void remove_files(const struct store *store, const struct authority_making *making)
{
    for (int i = 0; i < MAKING_FILE_COUNT; i++)
        if (making->files[i].written)
            key_file_remove(store, making->files[i].name);
}

/* A COMMIT that failed late may have been lasting after all (the journal was gone, then the folder
 * could not be synced): a key may be removed only when the store surely does not know its CA. */
static bool surely_absent(struct store *store, const struct authority_making *making)
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

struct authority *authority_store(struct store *store, struct authority_making *making,
                                  struct err *err)
{
    struct authority *authority = NULL;
    struct name *subject = cert_subject(making->cert);
    int64_t id = 0;

    if (!make_all(making, err) || !store_begin(store, err))
        goto out;
    if (!authority_check_unique(store, making->name, subject, making->request_id, err) ||
        !write_files(store, making, err) || !add_rows(store, making, &id, err)) {
        store_rollback(store);
        remove_files(store, making);
        goto out;
    }
    if (!store_commit(store, err)) {
        if (surely_absent(store, making))
            remove_files(store, making);
        goto out;
    }
    authority = authority_load_id(store, id, err);
out:
    name_free(subject);
    return authority;
}

/* ---- files that nothing needs any more ---- */

bool authority_doom_file(struct store *store, const char *name, struct err *err)
{
    struct sql *sql;

    if (name == NULL || name[0] == '\0')
        return true;
    sql = sql_new(store, "INSERT OR IGNORE INTO doomed_file (name) VALUES (?1)", err);
    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    return sql_run(sql, err);
}

void authority_remove_doomed(struct store *store)
{
    struct err ignored = ERR_INIT; /* the list stays, the next one tries again */
    struct sql *sql = sql_new(store, "SELECT name FROM doomed_file", &ignored);
    struct strbuf names = STRBUF_INIT; /* each with its NUL */
    bool row = false;

    while (sql != NULL && sql_step(sql, &row, &ignored) && row) {
        char *name = sql_text(sql, 0);

        strbuf_add(&names, name, strlen(name) + 1);
        free(name);
    }
    sql_free(sql);
    for (const char *at = names.data; at < names.data + names.len; at += strlen(at) + 1) {
        key_file_remove(store, at);
        if (key_file_exists(store, at))
            continue;
        sql = sql_new(store, "DELETE FROM doomed_file WHERE name = ?1", &ignored);
        if (sql == NULL)
            break;
        sql_bind_text(sql, 1, at);
        (void)!sql_run(sql, &ignored);
    }
    strbuf_clear(&names);
}
