/* authority_import.c - a CA from elsewhere, with what it issued and revoked. */
#include "config.h"

#include "core/store/authority_import.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority_make.h"
#include "core/store/authority_replace.h"
#include "core/store/import_folder.h"
#include "core/store/row.h"

struct import {
    const struct import_spec *spec;
    struct import_folder folder;
    struct import_report *report;
};

void import_report_clear(struct import_report *report)
{
    for (size_t i = 0; i < report->n_notes; i++)
        free(report->notes[i]);
    free(report->notes);
    memset(report, 0, sizeof(*report));
}

/* ---- rows ---- */

static char *role_of(const struct cert *cert)
{
    struct strbuf name = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    struct san san;

    san_init(&san);
    if (!cert_common_name(cert, &name) || name.len == 0) {
        strbuf_reset(&name);
        if (cert_san(cert, &san, &ignored) && san.n > 0)
            strbuf_add_str(&name, san.entries[0].text);
        else
            cert_format_subject(cert, &name);
    }
    san_clear(&san);
    return strbuf_steal(&name);
}

static bool add_cert(struct store *store, struct sql *adder, int64_t authority_id,
                     struct import *import, const struct import_entry *entry, struct err *err)
{
    struct issued_row row = {
        .authority_id = authority_id,
        .kind = cert_for_servers(entry->cert) && !cert_for_clients(entry->cert) ? ISSUED_SERVER
                                                                                : ISSUED_CLIENT,
        .cert = entry->cert,
        .created_at = cert_not_before(entry->cert) > 0 ? cert_not_before(entry->cert) : 1,
        .revoked_at = entry->revoked_at,
        .reason = entry->reason,
    };
    char *role = role_of(entry->cert);
    int64_t ignored = 0;
    bool ok;

    row.role = role;
    row.delivered_at = row.created_at;
    ok = row_add_again(store, adder, &row, &ignored, err);
    free(role);
    if (entry->revoked_at != 0)
        import->report->revoked++;
    else if (cert_not_after(entry->cert) <= clock_now())
        import->report->expired++;
    else
        import->report->valid++;
    import->report->tied += cert_is_tied_to_issuer(entry->cert);
    import->report->not_indexed += !entry->indexed;
    return ok;
}

static bool add_number(struct store *store, int64_t authority_id, const struct import_entry *entry,
                       struct err *err)
{
    struct sql *sql = sql_new(store,
                              "INSERT INTO serial_only (authority_id, serial, subject, not_after,"
                              " revoked_at, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                              err);
    struct strbuf subject = STRBUF_INIT;

    if (sql == NULL)
        return false;
    if (entry->subject != NULL)
        strbuf_add_str(&subject, entry->subject);
    else if (entry->cert != NULL)
        cert_format_subject(entry->cert, &subject);
    sql_bind_int(sql, 1, authority_id);
    sql_bind_blob(sql, 2, entry->serial.bytes, entry->serial.len);
    sql_bind_text(sql, 3, subject.data);
    if (entry->not_after != 0)
        sql_bind_int(sql, 4, entry->not_after);
    if (entry->revoked_at != 0)
        sql_bind_int(sql, 5, entry->revoked_at);
    sql_bind_int(sql, 6, entry->reason);
    strbuf_clear(&subject);
    return sql_run(sql, err);
}

static bool mark_imported(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "UPDATE authority SET imported_at = ?2 WHERE id = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, id);
    sql_bind_int(sql, 2, clock_now());
    return sql_run(sql, err);
}

static bool add_rows(struct store *store, int64_t id, void *arg, struct err *err)
{
    struct import *import = arg;
    struct sql *adder = row_adder(store, err);
    char hex[SERIAL_HEX_MAX];
    bool ok = adder != NULL && mark_imported(store, id, err) &&
              (import->spec->parents == NULL ||
               authority_set_parents(store, id, import->spec->parents, err));

    for (size_t i = 0; ok && i < import->folder.n; i++) {
        const struct import_entry *entry = &import->folder.entries[i];

        if (entry->cert != NULL && !cert_is_ca(entry->cert)) {
            ok = add_cert(store, adder, id, import, entry, err);
            continue;
        }
        if (entry->cert != NULL)
            import_note(import->report, _("serial number %s is a CA: its number is kept"),
                        serial_format_hex(hex, &entry->serial));
        import->report->serial_only++;
        ok = add_number(store, id, entry, err);
    }
    sql_free(adder);
    return ok;
}

/* ---- what a person should know ---- */

static void note_findings(const struct import *import)
{
    struct import_report *report = import->report;
    char date[CLOCK_TEXT_MAX];

    if (import->spec->folder != NULL && report->crl_end == 0)
        import_note(report,
                    _("the folder has no list of revoked certificates: the one signed now is "
                      "the first"));
    else if (report->crl_end != 0 && report->crl_end <= clock_now())
        import_note(
            report,
            _("the folder's list ended on %s: servers that use it refuse all clients of this "
              "CA"),
            clock_format_date(date, report->crl_end));
    if (report->tied > 0)
        import_note(
            report,
            _("%zu certificates name the serial number of the CA's certificate: \"ca renew\" "
              "keeps it for them"),
            report->tied);
    if (report->not_indexed > 0)
        import_note(report,
                    _("%zu certificates were not in index.txt: its own tool could not have "
                      "revoked them"),
                    report->not_indexed);
    if (!cert_may_sign_crls(import->spec->cert))
        import_note(report, _("the CA's keyUsage lacks cRLSign: PostgreSQL refuses its lists"));
}

static bool check(const struct import_spec *spec, struct err *err)
{
    char date[CLOCK_TEXT_MAX];

    if (!authority_check_name(spec->name, err))
        return false;
    if (!cert_is_ca(spec->cert))
        return err_set(err, ERR_NOT_A_CA, _("the certificate is not a CA"));
    if (!cert_matches_key(spec->cert, spec->key))
        return err_set(err, ERR_CA_KEY, _("the private key is not that of the certificate"));
    if (cert_not_after(spec->cert) <= clock_now())
        return err_set(err, ERR_CERT_ENDED, _("the CA ended on %s"),
                       clock_format_date(date, cert_not_after(spec->cert)));
    return true;
}

struct authority *authority_import(struct store *store, const struct import_spec *spec,
                                   struct import_report *ret, struct err *err)
{
    struct import import = {.spec = spec, .report = ret};
    struct authority_making making = {
        .name = spec->name,
        .act = "ca import",
        .passphrase = spec->passphrase,
        .more = add_rows,
        .more_arg = &import,
    };
    struct authority *authority = NULL;

    memset(ret, 0, sizeof(*ret));
    if (!check(spec, err) ||
        (spec->folder != NULL && !import_folder_read(spec, &import.folder, ret, err)))
        goto out;
    making.cert = cert_dup(spec->cert);
    making.key = key_dup(spec->key);
    making.crl_at_least = ret->crl_number + 1;
    authority = authority_store(store, &making, err);
    if (authority != NULL)
        note_findings(&import);
out:
    authority_making_clear(&making);
    import_folder_clear(&import.folder);
    return authority;
}

/* ---- known by the number only ---- */

void serial_only_clear(struct serial_only *entry)
{
    free(entry->authority);
    free(entry->subject);
    memset(entry, 0, sizeof(*entry));
}

bool serial_only_find(struct store *store, const char *text, bool *ret_found,
                      struct serial_only *ret, struct err *err)
{
    struct err not_a_number = ERR_INIT;
    struct serial serial;
    struct sql *sql;
    bool ok;

    *ret_found = false;
    memset(ret, 0, sizeof(*ret));
    if (!serial_parse_hex(&serial, text, &not_a_number))
        return true;
    sql = sql_new(store,
                  "SELECT s.authority_id, a.name, s.subject, s.not_after, s.revoked_at"
                  " FROM serial_only AS s JOIN authority AS a ON a.id = s.authority_id"
                  " WHERE s.serial = ?1 AND a.deleted_at IS NULL",
                  err);
    if (sql == NULL)
        return false;
    sql_bind_blob(sql, 1, serial.bytes, serial.len);
    ok = sql_step(sql, ret_found, err);
    if (ok && *ret_found) {
        ret->authority_id = sql_int(sql, 0);
        ret->authority = sql_text(sql, 1);
        ret->serial = serial;
        ret->subject = sql_text(sql, 2);
        ret->not_after = sql_int(sql, 3);
        ret->revoked_at = sql_int(sql, 4);
    }
    sql_free(sql);
    return ok;
}

#define HEX_OF_8_BYTES                                                                             \
    16 /* shorter: it may as well be a role's name ("abe"), and would be believed */
#define HEX_OF_16_BYTES 32 /* longer and digits only: decimal, by all chance */

static bool parse_number(struct serial *ret, const char *text, struct err *err)
{
    size_t digits = strspn(text, "0123456789");

    if (text_starts_with(text, "decimal:"))
        return serial_parse_decimal(ret, text + strlen("decimal:"), err);
    if (text_starts_with(text, "hex:"))
        return serial_parse_hex(ret, text + strlen("hex:"), err);
    if (text[digits] == '\0' && digits > HEX_OF_16_BYTES)
        return serial_parse_decimal(ret, text, err);
    if (strlen(text) < HEX_OF_8_BYTES)
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" may be a name: say \"hex:%s\""), text, text);
    return serial_parse_hex(ret, text, err);
}

bool serial_only_new(struct store *store, const struct authority *authority, const char *text,
                     struct serial_only *ret, struct err *err)
{
    char hex[SERIAL_HEX_MAX];
    struct serial serial;
    struct sql *sql;
    int64_t known = 0;

    if (!parse_number(&serial, text, err))
        return false;
    serial_format_hex(hex, &serial);
    sql = sql_new(store,
                  "SELECT max(1 + (revoked_at IS NOT NULL)) FROM (SELECT revoked_at FROM issued"
                  " WHERE serial = ?2 AND authority_id = ?1 UNION ALL SELECT revoked_at FROM"
                  " serial_only WHERE serial = ?2 AND authority_id = ?1)",
                  err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_blob(sql, 2, serial.bytes, serial.len);
    if (!sql_run_int(sql, 0, &known, err))
        return false;
    if (known > 1)
        return err_set(err, ERR_REVOKED_ALREADY, _("the serial number %s is revoked already"), hex);
    if (known > 0)
        return err_set(err, ERR_POLICY, _("the certificate %s of \"%s\" is in this store"), hex,
                       authority->name);
    *ret = (struct serial_only){.authority_id = authority->id,
                                .authority = mem_strdup(authority->name),
                                .serial = serial,
                                .subject = mem_strdup(""),
                                .is_new = true};
    return true;
}

static bool mark_revoked(struct store *store, const struct serial_only *entry,
                         enum crl_reason reason, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                entry->is_new ? "INSERT OR IGNORE INTO serial_only (authority_id, serial,"
                                " subject, revoked_at, reason) VALUES (?1, ?2, '', ?3, ?4)"
                              : "UPDATE serial_only SET revoked_at = ?3, reason = ?4 WHERE"
                                " authority_id = ?1 AND serial = ?2 AND revoked_at IS NULL",
                err);
    char hex[SERIAL_HEX_MAX];

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, entry->authority_id);
    sql_bind_blob(sql, 2, entry->serial.bytes, entry->serial.len);
    sql_bind_int(sql, 3, clock_now());
    sql_bind_int(sql, 4, reason);
    if (!sql_run(sql, err))
        return false;
    serial_format_hex(hex, &entry->serial);
    if (sql_changes(store) == 0)
        return err_set(err, ERR_REVOKED_ALREADY, _("the serial number %s is revoked already"), hex);
    return store_note(store, "revoke", hex, entry->subject, err);
}

struct crl *serial_only_revoke(struct store *store, struct authority *authority,
                               const struct key *key, const struct serial_only *entry,
                               enum crl_reason reason, int crl_days, struct err *err)
{
    struct crl *crl = NULL;

    if (!store_begin(store, err))
        return NULL;
    if (mark_revoked(store, entry, reason, err))
        crl = row_next_crl(store, authority, key, crl_days, 0, err);
    if (crl == NULL) {
        store_rollback(store);
        return NULL;
    }
    if (!store_commit(store, err)) {
        crl_free(crl);
        return NULL;
    }
    row_set_crl(store, authority, crl);
    return crl;
}
