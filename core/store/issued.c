/* issued.c - certificates that our CAs issued: checked, signed, recorded. */
#include "config.h"

#include "core/store/issued.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/delivered.h"
#include "core/store/issued_many.h"
#include "core/store/row.h"

#define DAYS_MAX 36500
#define NOTE_MAX 500 /* bytes */

static const char *const kind_names[] = {
    [ISSUED_CLIENT] = "client",
    [ISSUED_SERVER] = "server",
    [ISSUED_CANARY_GOOD] = "canary-good",
    [ISSUED_CANARY_REVOKED] = "canary-revoked",
};

static const char *const state_names[] = {
    [ISSUED_VALID] = "valid",
    [ISSUED_EXPIRING] = "expiring",
    [ISSUED_EXPIRED] = "expired",
    [ISSUED_REVOKED] = "revoked",
};

const char *issued_kind_name(enum issued_kind kind)
{
    return kind_names[kind];
}

const char *issued_state_name(enum issued_state state)
{
    return state_names[state];
}

bool issued_state_parse(const char *text, enum issued_state *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
        if (strcmp(text, state_names[i]) == 0) {
            *ret = (enum issued_state)i;
            return true;
        }
    return err_set(err, ERR_BAD_VALUE,
                   _("\"%s\" is not one of \"valid\", \"expiring\", \"expired\", \"revoked\""),
                   text);
}

enum issued_state issued_state_at(const struct issued *issued, int64_t when, int within_days)
{
    if (issued->revoked_at != 0)
        return ISSUED_REVOKED;
    if (issued->not_after < when)
        return ISSUED_EXPIRED;
    if (issued->not_after < when + within_days * CLOCK_DAY)
        return ISSUED_EXPIRING;
    return ISSUED_VALID;
}

void issued_free(struct issued *issued)
{
    if (issued == NULL)
        return;
    free(issued->authority);
    free(issued->role);
    free(issued->note);
    cert_free(issued->cert);
    free(issued);
}

void issued_list_clear(struct issued_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        issued_free(list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
    list->total = 0;
}

/* A server's names, and the one that becomes its CN: the first that fits. libpq before 15 compares
 * addresses with the CN only. */
static bool server_names(const struct issue_spec *spec, struct san *san, const char **ret_cn,
                         struct err *err)
{
    if (spec->n_hosts == 0)
        return err_set(err, ERR_BAD_NAME, _("a server certificate needs at least one host name"));
    for (size_t i = 0; i < spec->n_hosts; i++)
        if (!san_add(san, spec->hosts[i], err))
            return false;
    for (size_t i = 0; i < san->n; i++)
        if (strlen(san->entries[i].text) <= NAME_CN_MAX) {
            *ret_cn = san->entries[i].text;
            return true;
        }
    err_set(err, ERR_BAD_NAME, _("\"%s\" is too long for the name of a certificate (%d bytes)"),
            san->entries[0].text, NAME_CN_MAX);
    return err_hint(err, _("Give a shorter name or an address as well: all of them go into "
                           "subjectAltName."));
}

static bool choose_end(const struct authority *authority, const struct issue_spec *spec,
                       int64_t now, int64_t *ret, struct err *err)
{
    int usual = spec->usual_days > 0          ? spec->usual_days
                : spec->kind == ISSUED_SERVER ? ISSUED_SERVER_DAYS
                                              : ISSUED_CLIENT_DAYS;
    int64_t ca_end = cert_not_after(authority->cert);
    int64_t end = now + (spec->days == 0 ? usual : spec->days) * CLOCK_DAY;
    char date[CLOCK_TEXT_MAX];

    if (spec->days < 0 || spec->days > DAYS_MAX)
        return err_set(err, ERR_BAD_VALUE, _("%d days are not between 1 and %d"), spec->days,
                       DAYS_MAX);
    clock_format_date(date, ca_end);
    if (ca_end <= now)
        return err_set(err, ERR_POLICY, _("the CA \"%s\" ended on %s"), authority->name, date);
    if (spec->days != 0 && end > ca_end) {
        err_set(err, ERR_POLICY, _("%d days are beyond the end of the CA \"%s\" on %s"), spec->days,
                authority->name, date);
        return err_hint(err, _("At most %lld days are left."),
                        (long long)((ca_end - now) / CLOCK_DAY));
    }
    *ret = end < ca_end ? end : ca_end;
    return true;
}

static bool check_spec(const struct authority *authority, const struct key *authority_key,
                       const struct issue_spec *spec, struct err *err)
{
    if (spec->kind != ISSUED_CLIENT && spec->kind != ISSUED_SERVER)
        return err_set(err, ERR_INTERNAL, _("only client and server certificates are issued"));
    if ((spec->key == NULL) == (spec->csr == NULL))
        return err_set(err, ERR_INTERNAL, _("either a key or a request is needed"));
    if (spec->note != NULL && strlen(spec->note) > NOTE_MAX)
        return err_set(err, ERR_BAD_VALUE, _("the note is longer than %d bytes"), NOTE_MAX);
    if (!cert_matches_key(authority->cert, authority_key))
        return err_set(err, ERR_CA_KEY, _("this is not the private key of the CA \"%s\""),
                       authority->name);
    return true;
}

static struct cert *sign(const struct authority *authority, const struct key *authority_key,
                         const struct issue_spec *spec, const char *cn, const struct san *san,
                         int64_t now, struct err *err)
{
    int64_t ca_start = cert_not_before(authority->cert);
    int64_t start = now - CERT_BACKDATE;
    struct cert_request request = {
        .profile = spec->kind == ISSUED_SERVER ? PROFILE_SERVER : PROFILE_CLIENT,
        .san = spec->kind == ISSUED_SERVER ? san : NULL,
        .key = spec->key,
        .csr = spec->csr,
        .for_writing = spec->for_writing,
        .not_before = start > ca_start ? start : ca_start,
    };
    struct name *subject = NULL;
    struct cert *cert = NULL;

    if (!choose_end(authority, spec, now, &request.not_after, err) ||
        !serial_random(&request.serial, err))
        return NULL;
    subject = name_new_common_name(cn, err);
    if (subject == NULL)
        return NULL;
    request.subject = subject;
    cert = cert_sign(&request, authority->cert, authority_key, err);
    name_free(subject);
    return cert;
}

static bool check_not_retired(struct store *store, const struct authority *authority,
                              struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT retired_at IS NOT NULL OR deleted_at IS NOT NULL FROM authority"
                " WHERE id = ?1",
                err);
    int64_t retired = -1;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    if (!sql_run_int(sql, -1, &retired, err))
        return false;
    if (retired < 0)
        return err_set(err, ERR_CA_UNKNOWN, _("there is no CA \"%s\" in this store"),
                       authority->name);
    if (retired != 0)
        return err_set(err, ERR_POLICY, _("the CA \"%s\" is retired: it issues nothing any more"),
                       authority->name);
    return true;
}

static bool record(struct store *store, const struct authority *authority,
                   const struct issued_row *row, int64_t *ret_id, struct err *err)
{
    struct serial serial = cert_serial(row->cert);
    char hex[SERIAL_HEX_MAX];
    char *detail = NULL;
    bool ok;

    if (!store_begin(store, err))
        return false;
    detail = mem_printf("%s \"%s\" by \"%s\"", kind_names[row->kind], row->role, authority->name);
    ok = check_not_retired(store, authority, err) && row_add_issued(store, row, ret_id, err) &&
         store_note(store, "issue", serial_format_hex(hex, &serial), detail, err);
    free(detail);
    return store_end(store, ok, err);
}

struct issued *issued_sign(const struct authority *authority, const struct key *authority_key,
                           const struct issue_spec *spec, struct err *err)
{
    struct issued *issued = NULL;
    struct cert *cert = NULL;
    struct san san;
    const char *cn = spec->role;
    int64_t now = clock_now();
    char clean[NOTE_MAX * 3 + 1]; /* U+FFFD is three bytes */

    san_init(&san);
    if (!check_spec(authority, authority_key, spec, err))
        goto out;
    if (spec->kind == ISSUED_SERVER) {
        if (!server_names(spec, &san, &cn, err))
            goto out;
    } else if (!name_check_common_name(spec->role, err)) {
        goto out;
    }
    cert = sign(authority, authority_key, spec, cn, &san, now, err);
    if (cert == NULL)
        goto out;
    issued = mem_zalloc(sizeof(*issued));
    issued->authority_id = authority->id;
    issued->authority = mem_strdup(authority->name);
    issued->kind = spec->kind;
    issued->role = mem_strdup(spec->kind == ISSUED_SERVER ? san.entries[0].text : spec->role);
    if (spec->note != NULL && spec->note[0] != '\0')
        issued->note = mem_strdup(text_clean_copy(clean, sizeof(clean), spec->note));
    issued->created_at = now;
    issued->replaces = spec->replaces != NULL ? spec->replaces->id : 0;
    issued->serial = cert_serial(cert);
    issued->not_before = cert_not_before(cert);
    issued->not_after = cert_not_after(cert);
    issued->cert = cert;
    cert = NULL;
out:
    cert_free(cert);
    san_clear(&san);
    return issued;
}

struct issued *issued_make(struct store *store, const struct authority *authority,
                           const struct key *authority_key, const struct issue_spec *spec,
                           struct err *err)
{
    struct issued *issued = issued_sign(authority, authority_key, spec, err);
    struct issued_row row = {.authority_id = authority->id, .kind = spec->kind};

    if (issued == NULL)
        return NULL;
    row.role = issued->role;
    row.note = issued->note;
    row.cert = issued->cert;
    row.created_at = issued->created_at;
    row.replaces = issued->replaces;
    if (!record(store, authority, &row, &issued->id, err)) {
        issued_free(issued);
        return NULL;
    }
    return issued;
}

bool issued_mark_delivered(struct store *store, struct issued *issued, struct err *err)
{
    int64_t now = clock_now();
    struct sql *sql;

    if (!store_in_transaction(store) && !store_only_reads(store) &&
        delivered_add(store, &issued->serial, now)) {
        issued->delivered = true;
        return true;
    }
    sql = sql_new(store,
                  "UPDATE issued SET delivered_at = coalesce(delivered_at, ?2) WHERE id = ?1", err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, issued->id);
    sql_bind_int(sql, 2, now);
    if (!sql_run(sql, err))
        return false;
    issued->delivered = true;
    return true;
}

/* Within a transaction: a line that said so without one (delivered.h) is taken over before. */
bool issued_unmark_delivered(struct store *store, const struct serial *serial, struct err *err)
{
    struct sql *sql;
    bool good;

    if (!store_begin(store, err))
        return false;
    sql =
        sql_new(store, "UPDATE issued SET delivered_at = NULL WHERE serial = ?1 AND kind < 2", err);
    good = sql != NULL;
    if (good) {
        sql_bind_blob(sql, 1, serial->bytes, serial->len);
        good = sql_run(sql, err);
    }
    if (good)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

static bool has_line(const struct store *store, const struct serial *serial)
{
    struct delivered delivered;
    bool has;

    delivered_read(store, &delivered);
    has = delivered_has(&delivered, serial);
    delivered_clear(&delivered);
    return has;
}

struct issued *issued_read_row(const struct sql *sql, struct err *err)
{
    struct issued *issued = mem_zalloc(sizeof(*issued));
    size_t len = 0;
    const void *der = sql_blob(sql, 10, &len);

    issued->id = sql_int(sql, 0);
    issued->authority_id = sql_int(sql, 1);
    issued->authority = sql_text(sql, 2);
    issued->kind = (enum issued_kind)sql_int(sql, 3);
    issued->role = sql_text(sql, 4);
    issued->note = sql_text(sql, 5);
    issued->created_at = sql_int(sql, 6);
    issued->revoked_at = sql_int(sql, 8);
    issued->reason = (enum crl_reason)sql_int(sql, 9);
    issued->replaces = sql_int(sql, 11);
    issued->cert = cert_from_der(der, len, err);
    if (issued->cert == NULL) {
        err_prefix(err, _("certificate %lld of the store"), (long long)issued->id);
        issued_free(issued);
        return NULL;
    }
    issued->serial = cert_serial(issued->cert);
    issued->delivered = !sql_is_null(sql, 7) || has_line(sql_store(sql), &issued->serial);
    issued->not_before = cert_not_before(issued->cert);
    issued->not_after = cert_not_after(issued->cert);
    return issued;
}
