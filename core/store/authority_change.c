/* authority_change.c - a CA renewed, locked with another passphrase, deleted. */
#include "config.h"

#include "core/store/authority_change.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/authority_make.h"
#include "core/store/authority_replace.h"
#include "core/store/key_file.h"
#include "core/store/row.h"

#define DAYS_MAX 36500

/* ---- renew ---- */

/* Only certificates from elsewhere name the serial number of their issuer: for a CA that was made
 * here no row has to be read. */
static bool has_tied_leaves(struct store *store, const struct authority *authority, bool *ret,
                            struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT i.cert FROM issued AS i JOIN authority AS a"
                              " ON a.id = i.authority_id WHERE a.id = ?1 AND i.kind < 2"
                              " AND a.imported_at IS NOT NULL AND i.revoked_at IS NULL"
                              " AND i.not_after >= ?2 ORDER BY i.not_after DESC",
                              err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    *ret = false;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, clock_now());
    while (!*ret && (ok = sql_step(sql, &row, err)) && row) {
        size_t len = 0;
        const void *der = sql_blob(sql, 0, &len);
        struct err ignored = ERR_INIT; /* fsck names rows that cannot be read */
        struct cert *cert = cert_from_der(der, len, &ignored);

        *ret = cert != NULL && cert_is_tied_to_issuer(cert);
        cert_free(cert);
    }
    ok = *ret || !row;
    sql_free(sql);
    return ok;
}

static struct cert *sign_again(const struct authority *authority, const struct key *key, int days,
                               bool same_serial, struct err *err)
{
    int64_t now = clock_now();
    struct name *subject = cert_subject(authority->cert);
    struct cert *cert = NULL;
    struct cert_request request = {
        .profile = PROFILE_CA,
        .subject = subject,
        .key = key,
        .key_id_of = authority->cert,
        .serial = cert_serial(authority->cert),
        .not_before = now - CERT_BACKDATE,
        .not_after = now + (days == 0 ? AUTHORITY_DEFAULT_DAYS : days) * CLOCK_DAY,
    };

    /* what is valid under the old one stays so: it begins no later */
    if (cert_not_before(authority->cert) < request.not_before)
        request.not_before = cert_not_before(authority->cert);
    if (same_serial || serial_random(&request.serial, err))
        cert = cert_sign(&request, NULL, key, err);
    name_free(subject);
    return cert;
}

bool authority_renew(struct store *store, const struct authority *authority, const struct key *key,
                     int days, struct authority_renewed *ret, struct err *err)
{
    struct cert *cert = NULL;
    bool same_serial = false;

    if (days < 0 || days > DAYS_MAX)
        return err_set(err, ERR_BAD_VALUE, _("%d days are not between 1 and %d"), days, DAYS_MAX);
    if (!cert_is_self_signed(authority->cert)) {
        err_set(err, ERR_POLICY, _("\"%s\" is an intermediate CA: its root signs it again"),
                authority->name);
        return err_hint(err,
                        _("\"pgseal ca renew NAME --out FILE\" writes the request; \"pgseal ca "
                          "import NAME --cert FILE\" takes the answer."));
    }
    if (authority->retired)
        return err_set(err, ERR_POLICY, _("the CA \"%s\" is retired"), authority->name);
    if (!cert_matches_key(authority->cert, key))
        return err_set(err, ERR_CA_KEY, _("this is not the private key of the CA \"%s\""),
                       authority->name);
    if (!has_tied_leaves(store, authority, &same_serial, err))
        return false;
    cert = sign_again(authority, key, days, same_serial, err);
    if (cert == NULL)
        return false;
    ret->authority = authority_replace_cert(store, authority, key, cert, NULL, "ca renew", err);
    ret->same_serial = same_serial;
    cert_free(cert);
    return ret->authority != NULL;
}

/* ---- passphrase ---- */

static char *key_file_of(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT key_file FROM authority WHERE id = ?1", err);
    bool row = false;
    char *name = NULL;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (sql_step(sql, &row, err)) {
        if (row)
            name = sql_text(sql, 0);
        else
            err_set(err, ERR_CA_UNKNOWN, _("there is no such CA in this store"));
    }
    sql_free(sql);
    return name;
}

static bool switch_key_file(struct store *store, const struct authority *authority,
                            const char *name, bool encrypted, struct err *err)
{
    char *old = key_file_of(store, authority->id, err);
    struct sql *sql = NULL;
    bool ok = false;

    if (old == NULL || !authority_doom_file(store, old, err))
        goto out;
    sql =
        sql_new(store, "UPDATE authority SET key_file = ?2, key_encrypted = ?3 WHERE id = ?1", err);
    if (sql == NULL)
        goto out;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_text(sql, 2, name);
    sql_bind_int(sql, 3, encrypted);
    ok = sql_run(sql, err) &&
         store_note(store, "ca passphrase", authority->name, encrypted ? "" : "none any more", err);
out:
    free(old);
    return ok;
}

/* After a COMMIT that failed: true only when the row surely does not name the new file. */
static bool surely_not_switched(struct store *store, int64_t id, const char *name)
{
    struct err ignored = ERR_INIT;
    char *now = key_file_of(store, id, &ignored);
    bool not_switched = now != NULL ? strcmp(now, name) != 0 : store_will_roll_back(store);

    free(now);
    return not_switched;
}

bool authority_set_passphrase(struct store *store, struct authority *authority,
                              const struct key *key, const struct secret *passphrase,
                              struct err *err)
{
    struct secret *pem = NULL;
    char *name = NULL;
    bool ok = false;

    if (!cert_matches_key(authority->cert, key))
        return err_set(err, ERR_CA_KEY, _("this is not the private key of the CA \"%s\""),
                       authority->name);
    pem = key_to_pem(key, passphrase, KEY_ROUNDS_CA, err);
    name = key_file_new_name(authority->name, authority->cert, err);
    if (pem == NULL || name == NULL || !store_begin(store, err))
        goto out;
    if (!key_file_write(store, name, pem, err)) {
        store_rollback(store);
        goto out;
    }
    if (!switch_key_file(store, authority, name, passphrase != NULL, err)) {
        store_rollback(store);
        key_file_remove(store, name);
        goto out;
    }
    if (!store_commit(store, err)) {
        if (surely_not_switched(store, authority->id, name))
            key_file_remove(store, name);
        goto out;
    }
    authority->key_encrypted = passphrase != NULL;
    authority_remove_doomed(store);
    ok = true;
out:
    secret_free(pem);
    free(name);
    return ok;
}

/* ---- delete ---- */

static bool check_not_trusted(struct store *store, const struct authority *authority,
                              struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT s.name FROM server AS s JOIN server_trust AS t"
                              " ON t.server_id = s.id WHERE t.authority_id = ?1 ORDER BY s.name",
                              err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    ok = sql_step(sql, &row, err);
    if (ok && row) {
        char *server = sql_text(sql, 0);

        err_set(err, ERR_POLICY, _("the server \"%s\" trusts the CA \"%s\""), server,
                authority->name);
        err_cause(err,
                  _("Without the CA's key no list of revoked certificates could be signed, and "
                    "when the last one ends, the server refuses everybody."));
        err_hint(err,
                 _("Take it away from the server first (\"pgseal server untrust %s\"), or "
                   "forget the server (\"pgseal server remove %s\")."),
                 server, server);
        free(server);
        ok = false;
    }
    sql_free(sql);
    return ok;
}

static bool doom_keys(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "INSERT OR IGNORE INTO doomed_file (name)"
                              " SELECT key_file FROM authority WHERE id = ?1"
                              " UNION SELECT canary_good_file FROM authority WHERE id = ?1"
                              " UNION SELECT canary_revoked_file FROM authority WHERE id = ?1",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, id);
    return sql_run(sql, err);
}

static bool mark_deleted(struct store *store, const struct authority *authority, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE authority SET deleted_at = ?2,"
                              " retired_at = coalesce(retired_at, ?2),"
                              " name = CASE n_issued WHEN 0 THEN name || ' (deleted ' || id || ')'"
                              " ELSE name END WHERE id = ?1 AND deleted_at IS NULL",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, clock_now());
    if (!sql_run(sql, err))
        return false;
    if (sql_changes(store) == 0)
        return err_set(err, ERR_CA_UNKNOWN, _("there is no CA \"%s\" any more"), authority->name);
    return true;
}

bool authority_delete(struct store *store, const struct authority *authority, struct err *err)
{
    bool good;

    if (!store_begin(store, err))
        return false;
    good = check_not_trusted(store, authority, err) && mark_deleted(store, authority, err) &&
           doom_keys(store, authority->id, err) &&
           store_note(store, "ca delete", authority->name, NULL, err);
    if (!store_end(store, good, err))
        return false;
    authority_remove_doomed(store);
    return true;
}
