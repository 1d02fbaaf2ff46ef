/* fsck.c - the store looked through. */
#include "config.h"

#include "core/store/fsck.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/authority_make.h"
#include "core/store/fsck_part.h"
#include "core/store/issued.h"
#include "core/store/journal.h"
#include "core/store/sql.h"

#define LOST_NAMED 20

/* ---- SQLite's own view ---- */

static bool check_database(struct fsck *fsck, struct err *err)
{
    struct sql *sql = sql_new(fsck->store,
                              "SELECT integrity_check FROM pragma_integrity_check(20)"
                              " WHERE integrity_check <> 'ok'",
                              err);
    bool row = false;
    bool ok = sql != NULL;

    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        char *text = sql_text(sql, 0);

        fsck_help(fsck_say(fsck, FSCK_ERROR, "pgseal.db", "%s", text),
                  _("Restore a backup; \"pgseal backup\" may still copy what can be read."));
        free(text);
    }
    sql_free(sql);
    sql = ok ? sql_new(fsck->store, "SELECT \"table\", rowid FROM pragma_foreign_key_check", err)
             : NULL;
    ok = sql != NULL;
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        char *table = sql_text(sql, 0);

        fsck_say(fsck, FSCK_ERROR, "pgseal.db", _("row %lld of \"%s\" belongs to nothing"),
                 (long long)sql_int(sql, 1), table);
        free(table);
    }
    sql_free(sql);
    return ok;
}

static bool mend_counters(struct fsck *fsck, struct err *err)
{
    return sql_exec(fsck->store,
                    "UPDATE authority SET n_issued = (SELECT count(*) FROM issued AS i WHERE"
                    " i.authority_id = authority.id AND i.kind < 2), n_revoked = (SELECT count(*)"
                    " FROM issued AS i WHERE i.authority_id = authority.id AND i.kind < 2 AND"
                    " i.revoked_at IS NOT NULL)",
                    err);
}

static bool check_counters(struct fsck *fsck, struct err *err)
{
    struct sql *sql = sql_new(
        fsck->store,
        "SELECT name FROM authority AS a WHERE n_issued <> (SELECT count(*) FROM issued AS i WHERE"
        " i.authority_id = a.id AND i.kind < 2) OR n_revoked <> (SELECT count(*) FROM issued AS i"
        " WHERE i.authority_id = a.id AND i.kind < 2 AND i.revoked_at IS NOT NULL)",
        err);
    size_t first = fsck->list->n;
    bool row = false;
    bool ok = sql != NULL;

    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        char *name = sql_text(sql, 0);

        fsck_say(fsck, FSCK_WARNING, name, _("its counters are not those of its rows"))
            ->repairable = true;
        free(name);
    }
    sql_free(sql);
    if (!ok || fsck->list->n == first || !fsck->options->repair)
        return ok;
    if (!mend_counters(fsck, err))
        return false;
    for (size_t i = first; i < fsck->list->n; i++)
        fsck->list->rows[i].repaired = true;
    return true;
}

/* ---- certificates ---- */

static bool end_mending(struct fsck *fsck, bool ok, struct err *err)
{
    if (!fsck->mending)
        return ok;
    fsck->mending = false;
    if (ok)
        ok = store_commit(fsck->store, err);
    else
        store_rollback(fsck->store);
    for (size_t i = fsck->mended_from; !ok && i < fsck->list->n; i++)
        fsck->list->rows[i].repaired = false;
    return ok;
}

static bool mend_columns(struct fsck *fsck, int64_t id, const struct cert *cert, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    struct sql *sql;

    if (!fsck->mending) {
        if (!store_begin(fsck->store, err))
            return false;
        fsck->mending = true;
        fsck->mended_from = fsck->list->n - 1; /* the finding that this mends */
    }
    sql = sql_new(fsck->store,
                  "UPDATE issued SET not_before = ?2, not_after = ?3, subject = ?4 WHERE id = ?1",
                  err);
    if (sql == NULL)
        return false;
    cert_format_subject(cert, &subject);
    sql_bind_int(sql, 1, id);
    sql_bind_int(sql, 2, cert_not_before(cert));
    sql_bind_int(sql, 3, cert_not_after(cert));
    sql_bind_text(sql, 4, subject.data);
    strbuf_clear(&subject);
    return sql_run(sql, err);
}

static bool check_columns(struct fsck *fsck, const struct sql *sql, const struct cert *cert,
                          const char *hex, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    char *column = sql_text(sql, 4);
    struct fsck_finding *finding;
    bool same;

    cert_format_subject(cert, &subject);
    same = sql_int(sql, 2) == cert_not_before(cert) && sql_int(sql, 3) == cert_not_after(cert) &&
           strcmp(subject.data, column) == 0;
    strbuf_clear(&subject);
    free(column);
    if (same)
        return true;
    finding = fsck_say(fsck, FSCK_WARNING, hex, _("its row says other dates or another name"));
    finding->repairable = true;
    finding->repaired = fsck->options->repair && mend_columns(fsck, sql_int(sql, 0), cert, err);
    return finding->repaired || !fsck->options->repair;
}

static bool check_cert(struct fsck *fsck, const struct sql *sql, const struct cert *issuer,
                       struct err *err)
{
    struct err unreadable = ERR_INIT;
    struct serial column = {.len = 0};
    struct serial serial;
    char hex[SERIAL_HEX_MAX] = "?";
    size_t len = 0;
    const void *bytes = sql_blob(sql, 1, &len);
    struct cert *cert;
    bool ok = true;

    if (serial_from_bytes(&column, bytes, len, &unreadable))
        serial_format_hex(hex, &column);
    bytes = sql_blob(sql, 5, &len);
    cert = cert_from_der(bytes, len, &unreadable);
    if (cert == NULL) {
        fsck_say(fsck, FSCK_ERROR, hex, _("the certificate of row %lld cannot be read"),
                 (long long)sql_int(sql, 0));
        return true;
    }
    serial = cert_serial(cert);
    if (!serial_equal(&serial, &column))
        fsck_say(fsck, FSCK_ERROR, hex, _("the certificate of row %lld has another serial number"),
                 (long long)sql_int(sql, 0));
    else if (!cert_issued_by(cert, issuer))
        fsck_say(fsck, FSCK_ERROR, hex, _("it is not signed by its CA"));
    else
        ok = check_columns(fsck, sql, cert, hex, err);
    cert_free(cert);
    return ok;
}

static bool tick(struct fsck *fsck, struct err *err)
{
    const struct fsck_options *options = fsck->options;

    if (options->progress != NULL)
        options->progress(options->arg, fsck->list->certificates, fsck->total);
    if (options->cancelled != NULL && options->cancelled(options->arg))
        return err_set(err, ERR_CANCELLED, _("the check was stopped"));
    return true;
}

static bool check_certs(struct fsck *fsck, int64_t authority_id, const struct cert *issuer,
                        struct err *err)
{
    struct sql *sql = sql_new(fsck->store,
                              "SELECT id, serial, not_before, not_after, subject, cert FROM issued"
                              " WHERE authority_id = ?1 ORDER BY id",
                              err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok)
        sql_bind_int(sql, 1, authority_id);
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        ok = check_cert(fsck, sql, issuer, err);
        fsck->list->certificates++;
        if (ok && fsck->list->certificates % 1024 == 0)
            ok = end_mending(fsck, ok, err);
        if (ok && fsck->list->certificates % 64 == 0)
            ok = tick(fsck, err);
    }
    sql_free(sql);
    return end_mending(fsck, ok, err);
}

/* Deleted CAs too: their certificates stay. */
static bool check_authorities(struct fsck *fsck, struct err *err)
{
    struct sql *sql =
        sql_new(fsck->store, "SELECT id, name, cert, sha256 FROM authority ORDER BY id", err);
    bool row = false;
    bool ok = sql != NULL;

    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        struct err unreadable = ERR_INIT;
        char *name = sql_text(sql, 1);
        uint8_t sha256[CERT_SHA256_SIZE];
        size_t len = 0;
        const void *bytes = sql_blob(sql, 2, &len);
        struct cert *cert = cert_from_der(bytes, len, &unreadable);

        fsck->list->authorities++;
        if (cert == NULL) {
            fsck_say(fsck, FSCK_ERROR, name, _("the CA's certificate cannot be read"));
        } else {
            cert_sha256(cert, sha256);
            bytes = sql_blob(sql, 3, &len);
            if (len != sizeof(sha256) || memcmp(bytes, sha256, len) != 0)
                fsck_say(fsck, FSCK_ERROR, name,
                         _("the CA's row has another fingerprint than its "
                           "certificate"));
            ok = check_certs(fsck, sql_int(sql, 0), cert, err);
        }
        cert_free(cert);
        free(name);
    }
    sql_free(sql);
    return ok;
}

/* ---- CAs that are in use ---- */

static bool check_lists(struct fsck *fsck, struct err *err)
{
    struct authority_list list = {NULL, 0};
    bool ok = authority_list(fsck->store, &list, err);

    for (size_t i = 0; ok && i < list.n; i++)
        ok = fsck_check_list(fsck, list.rows[i], err) && fsck_check_keys(fsck, list.rows[i], err);
    authority_list_clear(&list);
    return ok;
}

/* ---- what is only to be known ---- */

/* A killed batch leaves up to a thousand of them: some are named, and what to do is said once. */
static bool note_lost(struct fsck *fsck, struct err *err)
{
    struct fsck_finding *last = NULL;
    struct issued_list lost = {.n = 0};
    char hex[SERIAL_HEX_MAX], object[48];

    if (!issued_undelivered(fsck->store, NULL, FSCK_MAX, &lost, err))
        return false;
    for (size_t i = 0; i < lost.n && i < LOST_NAMED; i++)
        last = fsck_say(fsck, FSCK_NOTE, serial_format_hex(hex, &lost.rows[i]->serial),
                        _("the files of \"%s\" were never written, and its key is gone"),
                        lost.rows[i]->role);
    if (lost.n > LOST_NAMED) {
        (void)snprintf(object, sizeof(object), _("and %zu more"), lost.n - LOST_NAMED);
        last = fsck_say(fsck, FSCK_NOTE, object, "%s", _("their files were never written either"));
    }
    if (last != NULL)
        fsck_help(last, _("Those of a batch: the same \"pgseal issue batch\" once more makes them "
                          "anew. A single one: \"pgseal renew SERIAL\"."));
    issued_list_clear(&lost);
    return true;
}

static bool note_others(struct fsck *fsck, struct err *err)
{
    struct fsck_finding *finding;
    struct journal_plan_list plans = {NULL, 0};
    struct sql *sql;
    int64_t last = 0;
    char date[CLOCK_TEXT_MAX], object[32];

    if (!note_lost(fsck, err) || !journal_open_plans(fsck->store, &plans, err))
        return false;
    for (size_t i = 0; i < plans.n; i++) {
        (void)snprintf(object, sizeof(object), _("plan %lld"), (long long)plans.rows[i]->id);
        finding =
            fsck_say(fsck, FSCK_WARNING, object,
                     _("a change to the server \"%s\" was not finished"), plans.rows[i]->server);
        finding->has_code = true;
        fsck_help(finding,
                  _("\"pgseal plan show ID\" tells how far it came, \"pgseal plan undo ID\" "
                    "takes it back."));
    }
    journal_plan_list_clear(&plans);
    sql = sql_new(fsck->store, "SELECT max(at) FROM log", err);
    if (sql == NULL || !sql_run_int(sql, 0, &last, err))
        return false;
    if (last > clock_now() + CLOCK_DAY)
        fsck_help(
            fsck_say(fsck, FSCK_WARNING, _("clock"),
                     _("the log has an entry of %s: the clock was ahead then, or is behind now"),
                     clock_format_minute(date, last)),
            _("Certificates and lists that were made then are not valid yet."));
    return true;
}

static bool check_folder(struct fsck *fsck, struct err *err)
{
    bool ok = fsck_check_files(fsck, err);

    if (ok && fsck->options->repair)
        authority_remove_doomed(fsck->store); /* the rows of the files that are gone now */
    return ok;
}

/* A part that is damaged does not hide the others. */
static bool run_part(struct fsck *fsck, bool (*part)(struct fsck *, struct err *), struct err *err)
{
    struct err failed = ERR_INIT;

    if (part(fsck, &failed))
        return true;
    if (failed.code == ERR_CANCELLED || failed.code == ERR_STORE_BUSY ||
        failed.code == ERR_DISK_FULL) {
        *err = failed;
        return false;
    }
    fsck_help(fsck_say(fsck, FSCK_ERROR, "pgseal.db", "%s", failed.msg),
              _("What lies behind it was not looked at. Restore a backup."));
    return true;
}

bool fsck_run(struct store *store, const struct fsck_options *options, struct fsck_list *list,
              struct err *err)
{
    static bool (*const parts[])(struct fsck *, struct err *) = {
        check_database, check_counters, check_authorities, check_lists, check_folder, note_others};
    struct fsck fsck = {.store = store, .options = options, .list = list};
    struct err ignored = ERR_INIT; /* a total that cannot be counted is no reason to stop */
    struct sql *sql = sql_new(store, "SELECT count(*) FROM issued", &ignored);
    bool repaired = false;
    bool ok = true;

    if (options->repair && sqlite3_db_readonly(store_db(store), "main") == 1) {
        sql_free(sql);
        err_set(err, ERR_STORE, _("the store \"%s\" can only be read"), store_folder(store));
        err_cause(err, _("Its file or its file system does not let you write."));
        return err_hint(err, _("Without repairing (--repair) it is looked through all the same."));
    }
    if (sql != NULL && !sql_run_int(sql, 0, &fsck.total, &ignored))
        fsck.total = 0;
    for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++)
        ok = run_part(&fsck, parts[i], err);
    fsck_count_spare(&fsck);
    for (size_t i = 0; i < list->n; i++)
        repaired = repaired || list->rows[i].repaired;
    return ok && (!repaired || store_note(store, "fsck", "repair", NULL, err));
}
