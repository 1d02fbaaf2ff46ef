/* schema.c - the tables of the store, one migration a version. */
#include "config.h"

#include "core/store/schema.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/cert.h"
#include "core/store/sql.h"

/* Indexes: every list of the program is one of these in order, with a limit; see issued_list.c. The
 * counters of an authority are kept by triggers: counting 1,000,000 rows for a title line would
 * cost more than drawing the page. */
static const char *const version_1[] = {
    "CREATE TABLE authority ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " session_issuer BLOB NOT NULL," /* as pg_stat_ssl.issuer_dn has it: at most 63 bytes */
    " sha256 BLOB NOT NULL UNIQUE,"
    " cert BLOB NOT NULL,"
    " key_file TEXT NOT NULL UNIQUE,"  /* name inside keys/ */
    " canary_good_file TEXT NOT NULL," /* "" for a CA without canaries */
    " canary_revoked_file TEXT NOT NULL,"
    " key_encrypted INTEGER NOT NULL,"
    " retired_at INTEGER,"
    " created_at INTEGER NOT NULL,"
    " n_issued INTEGER NOT NULL DEFAULT 0,"
    " n_revoked INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE INDEX authority_session_issuer ON authority (session_issuer)",

    "CREATE TABLE issued ("
    " id INTEGER PRIMARY KEY,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3)," /* enum issued_kind */
    " role TEXT NOT NULL,"
    " note TEXT,"
    " serial BLOB NOT NULL UNIQUE CHECK (length(serial) BETWEEN 1 AND 20),"
    " not_before INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " delivered_at INTEGER,"
    " revoked_at INTEGER,"
    " reason INTEGER NOT NULL DEFAULT 0," /* enum crl_reason */
    " cert BLOB NOT NULL) STRICT",
    "CREATE INDEX issued_authority ON issued (authority_id)",
    "CREATE INDEX issued_role ON issued (role)",
    "CREATE INDEX issued_canary ON issued (authority_id, kind) WHERE kind >= 2",
    "CREATE INDEX issued_end ON issued (not_after) WHERE revoked_at IS NULL AND kind < 2",
    "CREATE INDEX issued_authority_end ON issued (authority_id, not_after)"
    " WHERE revoked_at IS NULL AND kind < 2",
    "CREATE INDEX issued_revoked ON issued (revoked_at) WHERE revoked_at IS NOT NULL",
    "CREATE INDEX issued_authority_revoked ON issued (authority_id, revoked_at)"
    " WHERE revoked_at IS NOT NULL",
    "CREATE TRIGGER issued_count AFTER INSERT ON issued WHEN NEW.kind < 2 BEGIN"
    " UPDATE authority SET n_issued = n_issued + 1,"
    " n_revoked = n_revoked + (NEW.revoked_at IS NOT NULL) WHERE id = NEW.authority_id; END",
    "CREATE TRIGGER issued_count_revoked AFTER UPDATE OF revoked_at ON issued"
    " WHEN NEW.kind < 2 AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL BEGIN"
    " UPDATE authority SET n_revoked = n_revoked + 1 WHERE id = NEW.authority_id; END",
    "CREATE TRIGGER issued_stays BEFORE DELETE ON issued BEGIN"
    " SELECT RAISE(ABORT, 'a certificate is never deleted'); END",
    "CREATE TRIGGER issued_stays_revoked BEFORE UPDATE OF revoked_at ON issued"
    " WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at BEGIN"
    " SELECT RAISE(ABORT, 'a revocation is never taken back'); END",

    /* The last lists of a CA keep their DER; older ones keep the row (crl_row.c). */
    "CREATE TABLE crl ("
    " id INTEGER PRIMARY KEY,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " number INTEGER NOT NULL CHECK (number > 0),"
    " this_update INTEGER NOT NULL,"
    " next_update INTEGER NOT NULL,"
    " n_entries INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " der BLOB,"
    " UNIQUE (authority_id, number)) STRICT",
    "CREATE TRIGGER crl_stays BEFORE DELETE ON crl BEGIN"
    " SELECT RAISE(ABORT, 'a list is never deleted'); END",

    "CREATE TABLE server ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " conninfo TEXT NOT NULL,"
    " tls_host TEXT NOT NULL,"
    " tls_port INTEGER NOT NULL,"
    " provider TEXT NOT NULL,"
    " production INTEGER NOT NULL,"
    " system_identifier TEXT NOT NULL,"
    " created_at INTEGER NOT NULL) STRICT",
    "CREATE TABLE server_trust ("
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " since INTEGER NOT NULL,"
    " PRIMARY KEY (server_id, authority_id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX server_trust_authority ON server_trust (authority_id)",

    /* A plan names its server by text: the journal outlives "server remove". */
    "CREATE TABLE plan ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " server TEXT NOT NULL COLLATE NOCASE,"
    " system_identifier TEXT NOT NULL,"
    " title TEXT NOT NULL,"
    " intent TEXT NOT NULL,"
    " state INTEGER NOT NULL," /* enum journal_plan_state */
    " created_at INTEGER NOT NULL,"
    " ended_at INTEGER) STRICT",
    "CREATE INDEX plan_server ON plan (server)",
    "CREATE INDEX plan_open ON plan (id) WHERE state IN (1, 2, 6)", /* DOING, DONE, LEFT */
    "CREATE TABLE plan_step ("
    " plan_id INTEGER NOT NULL REFERENCES plan (id),"
    " n INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " title TEXT NOT NULL,"
    " data TEXT NOT NULL,"
    " state INTEGER NOT NULL," /* enum journal_step_state */
    " changed_at INTEGER NOT NULL,"
    " PRIMARY KEY (plan_id, n)) STRICT, WITHOUT ROWID",

    "CREATE TABLE log ("
    " id INTEGER PRIMARY KEY,"
    " at INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " act TEXT NOT NULL,"
    " object TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT",
    "CREATE TRIGGER log_stays BEFORE DELETE ON log BEGIN"
    " SELECT RAISE(ABORT, 'the log is never shortened'); END",
    "CREATE TRIGGER log_stays_true BEFORE UPDATE ON log BEGIN"
    " SELECT RAISE(ABORT, 'the log is never changed'); END",
    NULL};

/*
 * A serial number is unique within its CA only: CAs from elsewhere count 01, 02, 03. SQLite changes no
 * constraint in place, so the table is written anew.
 */
static const char *const version_2[] = {
    "CREATE TABLE issued_2 ("
    " id INTEGER PRIMARY KEY,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3)," /* enum issued_kind */
    " role TEXT NOT NULL,"
    " subject TEXT NOT NULL DEFAULT ''," /* "CN=alice, O=Acme" */
    " note TEXT,"
    " serial BLOB NOT NULL CHECK (length(serial) BETWEEN 1 AND 20),"
    " not_before INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " delivered_at INTEGER,"
    " revoked_at INTEGER,"
    " reason INTEGER NOT NULL DEFAULT 0," /* enum crl_reason */
    " replaces INTEGER," /* the row that this one was made for: renewed, or never delivered */
    " cert BLOB NOT NULL,"
    " UNIQUE (serial, authority_id)) STRICT",
    "INSERT INTO issued_2 (id, authority_id, kind, role, subject, note, serial, not_before, "
    "not_after,"
    " created_at, delivered_at, revoked_at, reason, cert)"
    " SELECT id, authority_id, kind, role, pgseal_subject(cert), note, serial, not_before, "
    "not_after,"
    " created_at, delivered_at, revoked_at, reason, cert FROM issued ORDER BY id",
    "DROP TABLE issued", "ALTER TABLE issued_2 RENAME TO issued",
    "CREATE INDEX issued_authority ON issued (authority_id)",
    "CREATE INDEX issued_role ON issued (role)", "CREATE INDEX issued_subject ON issued (subject)",
    "CREATE INDEX issued_note ON issued (note) WHERE note IS NOT NULL",
    "CREATE INDEX issued_created ON issued (created_at)",
    "CREATE INDEX issued_canary ON issued (authority_id, kind) WHERE kind >= 2",
    "CREATE INDEX issued_not_after ON issued (not_after)",
    "CREATE INDEX issued_end ON issued (not_after) WHERE revoked_at IS NULL AND kind < 2",
    "CREATE INDEX issued_authority_end ON issued (authority_id, not_after)"
    " WHERE revoked_at IS NULL AND kind < 2",
    "CREATE INDEX issued_revoked ON issued (revoked_at) WHERE revoked_at IS NOT NULL",
    "CREATE INDEX issued_authority_revoked ON issued (authority_id, revoked_at)"
    " WHERE revoked_at IS NOT NULL",
    "CREATE INDEX issued_undelivered ON issued (role) WHERE delivered_at IS NULL AND kind < 2",
    "CREATE INDEX issued_replaces ON issued (replaces) WHERE replaces IS NOT NULL",
    "CREATE TRIGGER issued_count AFTER INSERT ON issued WHEN NEW.kind < 2 BEGIN"
    " UPDATE authority SET n_issued = n_issued + 1,"
    " n_revoked = n_revoked + (NEW.revoked_at IS NOT NULL) WHERE id = NEW.authority_id; END",
    "CREATE TRIGGER issued_count_revoked AFTER UPDATE OF revoked_at ON issued"
    " WHEN NEW.kind < 2 AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL BEGIN"
    " UPDATE authority SET n_revoked = n_revoked + 1 WHERE id = NEW.authority_id; END",
    "CREATE TRIGGER issued_stays BEFORE DELETE ON issued BEGIN"
    " SELECT RAISE(ABORT, 'a certificate is never deleted'); END",
    "CREATE TRIGGER issued_stays_revoked BEFORE UPDATE OF revoked_at ON issued"
    " WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at BEGIN"
    " SELECT RAISE(ABORT, 'a revocation is never taken back'); END",

    /* What an imported CA knows by its number only: its list goes on having it. */
    "CREATE TABLE serial_only ("
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " serial BLOB NOT NULL CHECK (length(serial) BETWEEN 1 AND 20),"
    " subject TEXT NOT NULL,"
    " not_after INTEGER," /* NULL: not known, so the entry stays */
    " revoked_at INTEGER,"
    " reason INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (authority_id, serial)) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER serial_only_stays BEFORE DELETE ON serial_only BEGIN"
    " SELECT RAISE(ABORT, 'a certificate is never deleted'); END",
    "CREATE TRIGGER serial_only_stays_revoked BEFORE UPDATE OF revoked_at ON serial_only"
    " WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at BEGIN"
    " SELECT RAISE(ABORT, 'a revocation is never taken back'); END",

    "ALTER TABLE authority ADD COLUMN deleted_at INTEGER",
    "ALTER TABLE authority ADD COLUMN imported_at INTEGER",
    /* Certificates that a CA had before "ca renew": same name, same key. */
    "CREATE TABLE authority_cert ("
    " sha256 BLOB NOT NULL PRIMARY KEY,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " cert BLOB NOT NULL,"
    " until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    /* Of an intermediate CA: those above it, 1 is its issuer, the last one is the root. */
    "CREATE TABLE authority_parent ("
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " n INTEGER NOT NULL,"
    " cert BLOB NOT NULL,"
    " crl BLOB," /* its list, DER; made elsewhere */
    " PRIMARY KEY (authority_id, n)) STRICT, WITHOUT ROWID",
    /* An intermediate CA whose certificate has not come yet. */
    "CREATE TABLE authority_request ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " csr BLOB NOT NULL,"
    " key_file TEXT NOT NULL UNIQUE,"
    " key_encrypted INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL) STRICT",
    /* Files of keys/ that nothing needs since the commit that wrote the row: to be removed. */
    "CREATE TABLE doomed_file (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID", NULL};

/* Members of one cluster, and what did not reach one of them. */
static const char *const version_3[] = {
    "ALTER TABLE server ADD COLUMN cluster TEXT NOT NULL DEFAULT '' COLLATE NOCASE",
    "CREATE INDEX server_cluster ON server (cluster) WHERE cluster <> ''",
    "CREATE TABLE server_missed ("
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " what TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " PRIMARY KEY (server_id, what)) STRICT, WITHOUT ROWID",
    NULL};

/* Lists that are signed for later, and what each server is known to have. */
static const char *const version_4[] = {
    /* A list counts from here on: 0 at once, else later ("crl presign"). */
    "ALTER TABLE crl ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE crl_on_server ("
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " authority_id INTEGER NOT NULL REFERENCES authority (id),"
    " number INTEGER,"    /* of the list that was proven there last; NULL: not known */
    " proven_at INTEGER," /* when */
    " failed_at INTEGER," /* of the last attempt that failed since; NULL: none */
    " code INTEGER,"      /* enum err_code of it */
    " why TEXT,"
    " PRIMARY KEY (server_id, authority_id)) STRICT, WITHOUT ROWID",
    /* Revoked, and the open sessions on this server are still to be ended. */
    "CREATE TABLE session_to_end ("
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " issued_id INTEGER NOT NULL REFERENCES issued (id),"
    " since INTEGER NOT NULL,"
    " PRIMARY KEY (server_id, issued_id)) STRICT, WITHOUT ROWID",
    /* CAs of others, and the newest list of each that was given to us. */
    "CREATE TABLE foreign_ca ("
    " id INTEGER PRIMARY KEY,"
    " sha256 BLOB NOT NULL UNIQUE,"
    " name TEXT NOT NULL," /* "CN=Vault PKI, O=Acme" */
    " cert BLOB NOT NULL,"
    " number INTEGER," /* of the list; NULL: none yet, or it has none */
    " this_update INTEGER,"
    " next_update INTEGER,"
    " n_dropped INTEGER NOT NULL DEFAULT 0," /* entries that were missed in it, and accepted */
    " imported_at INTEGER,"
    " crl BLOB) STRICT",
    "CREATE TABLE server_foreign ("
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " foreign_ca_id INTEGER NOT NULL REFERENCES foreign_ca (id),"
    " this_update INTEGER," /* of the list that was proven there last */
    " PRIMARY KEY (server_id, foreign_ca_id)) STRICT, WITHOUT ROWID",
    NULL};

/* Rotations: which phase, who has it, and whose certificates are replaced. */
static const char *const version_5[] = {
    "CREATE INDEX issued_server ON issued (authority_id, not_after)"
    " WHERE kind = 1 AND revoked_at IS NULL",
    "CREATE TABLE rotation ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind INTEGER NOT NULL," /* enum rotation_kind */
    " name TEXT NOT NULL COLLATE NOCASE,"
    " phase INTEGER NOT NULL,"
    " since INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL,"
    " ended_at INTEGER," /* NULL: under way */
    " given_up INTEGER NOT NULL DEFAULT 0,"
    " old_authority_id INTEGER REFERENCES authority (id),"
    " new_authority_id INTEGER REFERENCES authority (id),"
    " old_foreign_id INTEGER REFERENCES foreign_ca (id),"
    " new_foreign_id INTEGER REFERENCES foreign_ca (id),"
    " quiet_seconds INTEGER NOT NULL,"
    " folder TEXT NOT NULL,"
    " options TEXT NOT NULL," /* JSON */
    " version INTEGER NOT NULL) STRICT",
    "CREATE UNIQUE INDEX rotation_open ON rotation (kind, name) WHERE ended_at IS NULL",
    "CREATE TABLE rotation_event ("
    " rotation_id INTEGER NOT NULL REFERENCES rotation (id),"
    " n INTEGER NOT NULL,"
    " at INTEGER NOT NULL,"
    " phase INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " PRIMARY KEY (rotation_id, n)) STRICT, WITHOUT ROWID",
    "CREATE TABLE rotation_server ("
    " rotation_id INTEGER NOT NULL REFERENCES rotation (id),"
    " server_id INTEGER NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
    " chosen INTEGER NOT NULL,"
    " phase INTEGER NOT NULL,"
    " state INTEGER NOT NULL," /* enum rotation_server_state */
    " at INTEGER NOT NULL,"
    " plan_id INTEGER," /* NULL: none */
    " why TEXT NOT NULL,"
    " PRIMARY KEY (rotation_id, server_id)) STRICT, WITHOUT ROWID",
    /* A certificate that is replaced, each once. */
    "CREATE TABLE rotation_item ("
    " id INTEGER PRIMARY KEY,"
    " rotation_id INTEGER NOT NULL REFERENCES rotation (id),"
    " role TEXT NOT NULL,"
    " old_issued_id INTEGER REFERENCES issued (id)," /* NULL: of a foreign CA */
    " new_issued_id INTEGER REFERENCES issued (id)," /* NULL: not made yet */
    " old_serial TEXT NOT NULL,"
    " made_at INTEGER,"
    " handed_at INTEGER,"
    " seen_at INTEGER,"
    " old_seen_at INTEGER,"
    " left_at INTEGER,"
    " ended_at INTEGER) STRICT",
    "CREATE UNIQUE INDEX rotation_item_old ON rotation_item (rotation_id, old_issued_id)"
    " WHERE old_issued_id IS NOT NULL",
    "CREATE INDEX rotation_item_role ON rotation_item (rotation_id, role)", NULL};

static const char *const *const migrations[] = {version_1, version_2, version_3, version_4,
                                                version_5};

int schema_version(void)
{
    return (int)ARRAY_LEN(migrations);
}

static bool pragma_int(struct store *store, const char *text, int64_t *ret, struct err *err)
{
    struct sql *sql = sql_new(store, text, err);

    return sql != NULL && sql_run_int(sql, 0, ret, err);
}

/* The version on disk; refuses what is not ours or newer than we are. */
static bool read_version(struct store *store, int *ret, struct err *err)
{
    int64_t version = 0;
    int64_t application = 0;
    int64_t objects = 0;

    if (!pragma_int(store, "PRAGMA user_version", &version, err) ||
        !pragma_int(store, "PRAGMA application_id", &application, err) ||
        !pragma_int(store, "SELECT count(*) FROM sqlite_schema", &objects, err))
        return false;
    if (application != SCHEMA_APPLICATION_ID && (application != 0 || version != 0 || objects > 0)) {
        err_set(err, ERR_STORE, _("\"%s/pgseal.db\" is not a store of pgseal"),
                store_folder(store));
        return err_hint(err, _("Give another folder (--store DIR)."));
    }
    if (version > schema_version())
        return err_set(err, ERR_STORE_NEWER,
                       _("the store \"%s\" has schema version %lld, this program knows %d"),
                       store_folder(store), (long long)version, schema_version());
    if (version < 0)
        return err_set(err, ERR_STORE, _("the store \"%s\" has no valid schema version"),
                       store_folder(store));
    *ret = (int)version;
    return true;
}

/* For version 2: the subject of a certificate, as text. What cannot be read has none. */
static void subject_of(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    const void *der = sqlite3_value_blob(values[0]);
    struct cert *cert = cert_from_der(der, (size_t)sqlite3_value_bytes(values[0]), &ignored);

    (void)n;
    if (cert != NULL)
        cert_format_subject(cert, &text);
    sqlite3_result_text(context, text.data, (int)text.len, SQLITE_TRANSIENT);
    strbuf_clear(&text);
    cert_free(cert);
}

static bool add_functions(struct store *store, struct err *err)
{
    if (sqlite3_create_function(store_db(store), "pgseal_subject", 1,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                subject_of, NULL, NULL) == SQLITE_OK)
        return true;
    return sql_err(store, err, _("cannot bring the store up to date"));
}

static bool run_migration(struct store *store, int from, struct err *err)
{
    char *pragma = mem_printf("PRAGMA user_version = %d", from + 1);
    bool ok = true;

    for (const char *const *statement = migrations[from]; ok && *statement != NULL; statement++)
        ok = sql_exec(store, *statement, err);
    ok = ok && sql_exec(store, pragma, err);
    free(pragma);
    return ok;
}

static bool set_application_id(struct store *store, struct err *err)
{
    char *pragma = mem_printf("PRAGMA application_id = %d", SCHEMA_APPLICATION_ID);
    bool ok = sql_exec(store, pragma, err);

    free(pragma);
    return ok;
}

bool schema_migrate(struct store *store, struct err *err)
{
    int version = 0;
    bool ok;

    if (!read_version(store, &version, err))
        return false;
    if (version == schema_version())
        return true;
    if (!store_begin(store, err))
        return false;
    /* Again, now that nobody else writes: another process may have been faster. */
    ok = read_version(store, &version, err);
    if (ok && version == 0)
        ok = set_application_id(store, err);
    ok = ok && add_functions(store, err);
    for (; ok && version < schema_version(); version++)
        ok = run_migration(store, version, err);
    return store_end(store, ok, err);
}

bool schema_check(struct store *store, struct err *err)
{
    int version = 0;

    if (!read_version(store, &version, err))
        return false;
    if (version == 0)
        return err_set(err, ERR_NO_STORE, _("there is no store in \"%s\""), store_folder(store));
    if (version < schema_version()) {
        err_set(err, ERR_STORE, _("the store \"%s\" was written by an older pgseal"),
                store_folder(store));
        return err_hint(err, _("Any command that writes (\"pgseal crl refresh\") brings it up to "
                               "date."));
    }
    return true;
}
