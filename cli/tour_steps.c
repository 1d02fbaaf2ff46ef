/*
 * tour_steps.c - the steps of the journey that change the server, and what is seen afterwards.
 *
 * Rule     what a step claims is seen from outside: a handshake, a login, a byte.
 */
#include "config.h"

#include "cli/tour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/sessions.h"
#include "core/store/revoked.h"

#define DATABASE         "app"
#define LOOPBACK         "127.0.0.1/32"
#define ALERT_REVOKED    44
#define ALERT_UNKNOWN_CA 48

/* ---- what was seen ---- */

/* One login, and whether it ended as it must. alert 0: any refusal. */
static bool check_login(struct tour *tour, const struct proof_login *login, bool must_get_in,
                        int alert, const char *who)
{
    struct proof_login_result seen = {0};
    struct err err = ERR_INIT;

    if (!proof_login(&tour->target, login, &seen, &err))
        return tour_error(tour, &err);
    if (seen.got_in && *seen.client_dn)
        return tour_check(tour, must_get_in, _("%s gets in: pg_stat_ssl shows %s, serial %s"), who,
                          seen.client_dn, seen.client_serial);
    if (seen.got_in)
        return tour_check(tour, must_get_in, _("%s gets in, %s, without a certificate"), who,
                          seen.tls ? _("with TLS") : _("without TLS"));
    if (must_get_in)
        return tour_check(tour, false, _("%s is refused: %s"), who, seen.why.msg);
    if (seen.alert != 0)
        return tour_check(tour, alert == 0 || seen.alert == alert, _("%s is refused: alert %d, %s"),
                          who, seen.alert, handshake_alert_name(seen.alert));
    return tour_check(tour, alert == 0, _("%s is refused: %s"), who, seen.why.msg);
}

static struct proof_login with_cert(const struct tour *tour, const char *role,
                                    const struct tour_kit *kit)
{
    return (struct proof_login){.role = role,
                                .database = DATABASE,
                                .cert_file = kit->cert_file,
                                .key_file = kit->key_file,
                                .root_file = tour->root_file};
}

/* Gets in as its own role, and pg_stat_ssl shows exactly the serial number that was issued. */
static bool check_own_login(struct tour *tour, const char *role, const struct tour_kit *kit,
                            const char *who)
{
    struct proof_login login = with_cert(tour, role, kit);
    struct proof_login_result seen = {0};
    struct err err = ERR_INIT;
    char serial[SERIAL_DECIMAL_MAX];

    if (!proof_login(&tour->target, &login, &seen, &err))
        return tour_error(tour, &err);
    if (!seen.got_in)
        return tour_check(tour, false, _("%s is refused: %s"), who, seen.why.msg);
    serial_format_decimal(serial, &kit->issued->serial);
    return tour_check(tour, seen.tls && strcmp(serial, seen.client_serial) == 0,
                      _("%s gets in: pg_stat_ssl shows %s, serial %s"), who, seen.client_dn,
                      seen.client_serial);
}

static bool check_carol(struct tour *tour)
{
    const char *password = demo_password(tour->demo, "carol");
    struct secret *secret = secret_new(SECRET_PASSPHRASE_MAX);
    struct proof_login login = {.role = "carol", .database = DATABASE};
    bool ok = false;

    if (secret_set(secret, password, strlen(password))) {
        login.password = secret;
        ok = check_login(tour, &login, true, 0, _("carol, with her password,"));
    }
    secret_free(secret);
    return ok;
}

/* The names in the server's request for a certificate are these CAs' and no other. */
static bool check_accepted(struct tour *tour, const struct authority *first,
                           const struct authority *second)
{
    struct handshake seen = {0};
    struct strbuf names = STRBUF_INIT;
    size_t n = second ? 2 : 1;
    bool ok;

    if (!tour_handshake(tour, NULL, NULL, &seen))
        return false;
    for (size_t i = 0; i < seen.n_accepted_cas; i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", seen.accepted_cas[i]);
    ok = seen.n_accepted_cas == n && handshake_accepts_ca(&seen, first->cert) &&
         (!second || handshake_accepts_ca(&seen, second->cert));
    tour_check(tour, ok, _("the probe lists the client CAs: %s"), names.data);
    strbuf_clear(&names);
    handshake_clear(&seen);
    return ok;
}

/* ---- step 3 ---- */

static bool install_server_cert(struct tour *tour, const struct authority *ca,
                                const struct key *key)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct server_tls_intent intent = {
        .authority = ca, .authority_key = key, .hosts = hosts, .n_hosts = ARRAY_LEN(hosts)};
    struct handshake seen = {0};
    struct strbuf subject = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool ok;

    if (!tour_apply(tour, plan_server_tls(&tour->target, &intent, &err), &err))
        return tour_error(tour, &err);
    if (!tour_handshake(tour, ca->cert, NULL, &seen))
        return false;
    if (seen.chain.n > 0)
        cert_format_subject(seen.chain.certs[0], &subject);
    ok = tour_check(tour, seen.verdict == HANDSHAKE_ACCEPTED && seen.verified,
                    _("the probe sees %s, %s, signed by \"%s\"%s%s"), seen.version, subject.data,
                    ca->name, seen.verified ? "" : ": ", seen.verify_error);
    strbuf_clear(&subject);
    handshake_clear(&seen);
    return ok;
}

static char *start_time(struct tour *tour, struct err *err)
{
    struct result *result =
        conn_exec(tour->admin, "SELECT pg_catalog.pg_postmaster_start_time()", 0, NULL, err);
    char *text = result ? mem_strdup(result_get(result, 0, 0)) : NULL;

    result_free(result);
    return text;
}

bool tour_server_tls(struct tour *tour)
{
    struct err err = ERR_INIT;
    char *before = start_time(tour, &err);
    char *after = NULL;
    bool ok = before && install_server_cert(tour, tour->ca, tour->ca_key);

    if (ok) {
        after = start_time(tour, &err);
        ok = after && tour_check(tour, strcmp(before, after) == 0,
                                 _("without a restart: the server runs since %s"), after);
    }
    if (!before || (ok && !after))
        tour_error(tour, &err);
    free(before);
    free(after);
    return ok;
}

/* ---- step 5 ---- */

/* What a paste through a terminal and a mail program looks like: CR LF, every line indented, and a
 * word around it. */
static void mangle(const struct strbuf *pem, struct strbuf *out)
{
    strbuf_add_str(out, "Hello, here is our CA:\r\n\r\n");
    for (const char *line = pem->data; *line;) {
        size_t len = strcspn(line, "\n");

        strbuf_add_str(out, "    ");
        strbuf_add(out, line, len);
        strbuf_add_str(out, "\r\n");
        line += len + (line[len] == '\n');
    }
}

/* The CA as it comes out of a paste: found in the store by its certificate. */
static struct authority *from_paste(struct tour *tour, struct err *err)
{
    struct strbuf pem = STRBUF_INIT, text = STRBUF_INIT, cleaned = STRBUF_INIT;
    struct authority *authority = NULL;
    struct cert_list cas;
    struct pem scanned;

    cert_list_init(&cas);
    if (!cert_to_pem(tour->ca->cert, &pem, err)) {
        strbuf_clear(&pem);
        return NULL;
    }
    mangle(&pem, &text);
    pem_scan(text.data, text.len, &scanned);
    pem_cleaned_text(scanned.cleaned, &cleaned);
    if (pem_take_cas(&scanned, clock_now(), &cas, err) &&
        tour_check(tour, cas.n == 1 && cleaned.len > 0 && cert_equal(cas.certs[0], tour->ca->cert),
                   _("pasted %zu bytes, cleaned (%s): the CA, whole"), text.len, cleaned.data) &&
        authority_find(tour->cli->store, cas.certs[0], &authority, err) && !authority)
        err_set(err, ERR_CA_UNKNOWN, _("the pasted CA is not found in the store"));
    pem_clear(&scanned);
    cert_list_clear(&cas);
    strbuf_clear(&pem);
    strbuf_clear(&text);
    strbuf_clear(&cleaned);
    return authority;
}

/* Both canaries of a CA, seen by handshakes of our own. */
static bool check_canaries(struct tour *tour, const struct authority *ca)
{
    struct err err = ERR_INIT;

    if (!proof_canaries(&tour->target, ca, NULL, &err))
        return tour_error(tour, &err);
    return tour_check(tour, true,
                      _("canaries of \"%s\": the good one passes, the revoked one gets alert %d"),
                      ca->name, ALERT_REVOKED);
}

static bool trust(struct tour *tour, const struct authority *first, const struct authority *second,
                  struct err *err)
{
    const struct authority *authorities[] = {first, second};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = second ? 2 : 1};

    return tour_apply(tour, plan_trust_ca(&tour->target, &intent, err), err);
}

bool tour_trust(struct tour *tour)
{
    struct err err = ERR_INIT;
    struct authority *pasted = from_paste(tour, &err);
    bool done = pasted && trust(tour, pasted, NULL, &err);

    authority_free(pasted);
    if (!done)
        return tour_error(tour, &err);
    return check_accepted(tour, tour->ca, NULL) && check_canaries(tour, tour->ca);
}

/* ---- step 6 ---- */

bool tour_rules(struct tour *tour)
{
    static const char *const roles[] = {"alice", "bob"};
    struct access_rules_probe probe = {.role = "alice",
                                       .database = DATABASE,
                                       .cert_file = tour->alice.cert_file,
                                       .key_file = tour->alice.key_file,
                                       .root_file = tour->root_file};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = ARRAY_LEN(roles),
                                         .address = LOOPBACK,
                                         .method = ACCESS_CERT,
                                         .probes = &probe,
                                         .n_probes = 1};
    struct proof_login without = {.role = "alice", .database = DATABASE};
    struct proof_login stolen = with_cert(tour, "alice", &tour->bob);
    struct err err = ERR_INIT;
    bool ok;

    if (!tour_apply(tour, plan_access_rules(&tour->target, &intent, &err), &err))
        return tour_error(tour, &err);
    ok = check_own_login(tour, "alice", &tour->alice, _("alice, with her certificate,"));
    ok &= check_login(tour, &without, false, 0, _("alice, without a certificate,"));
    ok &= check_login(tour, &stolen, false, 0, _("bob's certificate, for alice's role,"));
    ok &= check_own_login(tour, "bob", &tour->bob, _("bob, with his certificate,"));
    ok &= check_carol(tour);
    return ok;
}

/* ---- step 7 ---- */

/* A session of bob's that stays open. */
static struct conn *open_session(struct tour *tour, const char *role, const struct tour_kit *kit,
                                 struct err *err)
{
    struct params *params = params_new();
    struct conn *conn;
    char port[16];

    snprintf(port, sizeof(port), "%d", demo_port(tour->demo));
    params_set(params, "host", "127.0.0.1");
    params_set(params, "port", port);
    params_set(params, "user", role);
    params_set(params, "dbname", DATABASE);
    params_set(params, "sslmode", "verify-full");
    params_set(params, "sslcert", kit->cert_file);
    params_set(params, "sslkey", kit->key_file);
    params_set(params, "sslrootcert", tour->root_file);
    conn = conn_open(params, NULL, err);
    params_free(params);
    return conn;
}

static bool end_sessions(struct tour *tour, const struct tour_kit *kit, struct conn *open)
{
    struct name *issuer = cert_issuer(kit->issued->cert);
    char dn[NAME_PG_SIZE], serial[SERIAL_DECIMAL_MAX];
    struct err err = ERR_INIT, lost = ERR_INIT;
    int ended = 0;
    bool done, alive;

    name_format_pg(issuer, dn);
    name_free(issuer);
    serial_format_decimal(serial, &kit->issued->serial);
    alive = conn_run(open, "SELECT 1", &lost);
    tour_check(tour, alive, _("his open session still works: a CRL stops new logins only"));
    done = sessions_end_serial(tour->admin, dn, serial, &ended, &err);
    if (!done)
        return tour_error(tour, &err);
    alive = conn_run(open, "SELECT 1", &lost);
    return tour_check(tour, ended == 1 && !alive, _("%d session ended; it says: %s"), ended,
                      alive ? _("still alive") : lost.msg);
}

bool tour_revoke(struct tour *tour)
{
    struct proof_login login = with_cert(tour, "bob", &tour->bob);
    struct err err = ERR_INIT;
    struct conn *session = open_session(tour, "bob", &tour->bob, &err);
    struct crl *crl = NULL;
    bool ok = false;

    if (!session)
        goto out;
    tour_check(tour, true, _("bob has an open session, pid %d"), conn_backend_pid(session));
    crl = revoked_and_sign(tour->cli->store, tour->ca, tour->ca_key, tour->bob.issued,
                           CRL_KEY_COMPROMISE, 0, &err);
    if (!crl)
        goto out;
    tour_check(tour, crl_has(crl, &tour->bob.issued->serial), _("CRL number %llu has his serial"),
               (unsigned long long)tour->ca->crl.number);
    if (!tour_apply(tour, plan_publish_crl(&tour->target, &err), &err))
        goto out;
    ok = check_login(tour, &login, false, ALERT_REVOKED, _("bob, with his certificate,"));
    ok &= end_sessions(tour, &tour->bob, session);
    ok &= check_own_login(tour, "alice", &tour->alice, _("alice, with her certificate,"));
out:
    if (err.code != ERR_NONE)
        tour_error(tour, &err);
    crl_free(crl);
    conn_close(session);
    return ok;
}

/* ---- step 8 ---- */

static bool make_second(struct tour *tour, struct err *err)
{
    struct authority_spec spec = {0};
    char *name = authority_next_name(tour->cli->store, tour->ca->name, err);

    if (!name)
        return false;
    spec.name = name;
    tour->ca2 = authority_create(tour->cli->store, &spec, err);
    free(name);
    if (!tour->ca2)
        return false;
    tour->ca2_key = authority_unlock(tour->cli->store, tour->ca2, NULL, err);
    return tour->ca2_key != NULL;
}

/* From now on clients verify the server by the new CA. */
static bool switch_root(struct tour *tour, struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    bool done = cert_to_pem(tour->ca2->cert, &pem, err) &&
                fs_write_replace(tour->root_file, pem.data, pem.len, FS_MODE_PUBLIC, err);

    strbuf_clear(&pem);
    return done;
}

bool tour_rotate(struct tour *tour)
{
    struct proof_login old = with_cert(tour, "alice", &tour->alice);
    struct err err = ERR_INIT;
    bool ok;

    if (!make_second(tour, &err) || !trust(tour, tour->ca, tour->ca2, &err))
        return tour_error(tour, &err);
    ok = check_accepted(tour, tour->ca, tour->ca2);
    ok = ok && check_own_login(tour, "alice", &tour->alice, _("alice, old certificate,"));
    ok = ok && tour_issue(tour, tour->ca2, tour->ca2_key, "alice", "alice-g2", &tour->alice2);
    ok = ok && check_own_login(tour, "alice", &tour->alice2, _("alice, new certificate,"));
    ok = ok && install_server_cert(tour, tour->ca2, tour->ca2_key);
    if (!ok)
        return false;
    if (!switch_root(tour, &err) || !trust(tour, tour->ca2, NULL, &err) ||
        !authority_retire(tour->cli->store, tour->ca, &err))
        return tour_error(tour, &err);
    ok = check_accepted(tour, tour->ca2, NULL);
    ok &= check_login(tour, &old, false, ALERT_UNKNOWN_CA, _("alice, old certificate,"));
    ok &= check_own_login(tour, "alice", &tour->alice2, _("alice, new certificate,"));
    ok &= check_carol(tour);
    return ok;
}

/* ---- step 9 ---- */

/* All that a change to access rules could leave behind, as bytes. */
static bool read_state(struct tour *tour, struct strbuf *ret, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_read_binary_file(pg_catalog.current_setting('hba_file')), "
        "pg_catalog.pg_read_binary_file(pg_catalog.current_setting('data_directory') || "
        "'/postgresql.auto.conf'), "
        "(SELECT pg_catalog.string_agg(name || '=' || setting, ' ' ORDER BY name) "
        "FROM pg_catalog.pg_settings WHERE name LIKE 'ssl%')";
    struct result *result = conn_exec(tour->admin, sql, 0, NULL, err);
    bool done;

    if (!result)
        return false;
    done = result_bytes(result, 0, 0, ret) && result_bytes(result, 0, 1, ret);
    strbuf_add(ret, result_get(result, 0, 2), result_len(result, 0, 2));
    result_free(result);
    if (!done)
        err_set(err, ERR_QUERY, _("the server's files could not be read"));
    return done;
}

/* The real cause: carol shall need a certificate, and the one that is tried is alice's. */
static bool fail_on_purpose(struct tour *tour, struct err *err)
{
    static const char *const roles[] = {"carol"};
    struct access_rules_probe probe = {.role = "carol",
                                       .database = DATABASE,
                                       .cert_file = tour->alice2.cert_file,
                                       .key_file = tour->alice2.key_file,
                                       .root_file = tour->root_file};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = LOOPBACK,
                                         .method = ACCESS_CERT,
                                         .probes = &probe,
                                         .n_probes = 1};
    struct plan *plan = plan_access_rules(&tour->target, &intent, err);
    struct err why = ERR_INIT;
    bool applied;

    if (!plan)
        return false;
    applied = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, NULL, &why);
    tour_check(tour, !applied, _("a rule for carol, tried with alice's certificate: %s"),
               applied ? _("kept, although nobody could log in") : why.msg);
    tour_check(tour, plan_state(plan) == JOURNAL_UNDONE, _("the journal says: %s"),
               journal_plan_state_name(plan_state(plan)));
    plan_free(plan);
    return true;
}

bool tour_take_back(struct tour *tour)
{
    struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool ok = read_state(tour, &before, &err) && fail_on_purpose(tour, &err) &&
              read_state(tour, &after, &err);

    if (!ok)
        tour_error(tour, &err);
    else
        ok = tour_check(
            tour, strbuf_equal(&before, &after),
            _("pg_hba.conf, postgresql.auto.conf and the settings: %zu bytes, as before"),
            after.len);
    ok &= check_carol(tour);
    ok &= check_own_login(tour, "alice", &tour->alice2, _("alice, with her certificate,"));
    strbuf_clear(&before);
    strbuf_clear(&after);
    return ok;
}
