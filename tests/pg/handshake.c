/* handshake.c - the probe against a real PostgreSQL: every verdict, on TLS 1.2 and 1.3. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/pg/sessions.h"
#include "core/pg/settings.h"
#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "tests/harness/pg.h"
#include "tests/pg/need_pg.h"

#define DAY CLOCK_DAY

struct pair {
    struct key *key;
    struct cert *cert;
};

struct lab {
    struct pg *pg;
    struct pair ca, other_ca; /* the server trusts ca only */
    struct pair server;
    struct pair good, revoked, expired, future, stranger, wrong_purpose, p384;
};

static struct pair make_pair(const char *cn, enum profile profile, const struct pair *issuer,
                             enum key_type type, int64_t from, int64_t to)
{
    struct err err = ERR_INIT;
    struct pair pair = {.key = key_generate(type, NULL, NULL, &err)};
    struct name *name = name_new_common_name(cn, &err);
    struct san san;
    struct cert_request request = {.profile = profile, .subject = name, .key = pair.key};

    san_init(&san);
    if (profile == PROFILE_SERVER) {
        assert_true(san_add(&san, "localhost", &err));
        assert_true(san_add(&san, "127.0.0.1", &err));
        request.san = &san;
    }
    assert_non_null(pair.key);
    assert_non_null(name);
    assert_true(serial_random(&request.serial, &err));
    request.not_before = clock_now() + from;
    request.not_after = clock_now() + to;
    pair.cert =
        cert_sign(&request, issuer ? issuer->cert : NULL, issuer ? issuer->key : pair.key, &err);
    if (!pair.cert)
        fail_msg("%s: PS-%d %s", cn, (int)err.code, err.msg);
    name_free(name);
    san_clear(&san);
    return pair;
}

static void free_pair(struct pair *pair)
{
    key_free(pair->key);
    cert_free(pair->cert);
}

static void write_cert(struct lab *lab, const char *file, const struct cert *cert)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;

    assert_true(cert_to_pem(cert, &pem, &err));
    pg_write_file(lab->pg, file, pem.data, pem.len, 0644);
    strbuf_clear(&pem);
}

static void write_crl(struct lab *lab, const char *file)
{
    struct err err = ERR_INIT;
    struct crl_entry entry = {.serial = cert_serial(lab->revoked.cert),
                              .revoked_at = clock_now() - 60};
    struct crl *crl = crl_build(lab->ca.cert, lab->ca.key, &entry, 1, 1,
                                clock_now() - CERT_BACKDATE, clock_now() + DAY, &err);
    struct strbuf pem = STRBUF_INIT;

    assert_non_null(crl);
    assert_true(crl_to_pem(crl, &pem, &err));
    pg_write_file(lab->pg, file, pem.data, pem.len, 0644);
    strbuf_clear(&pem);
    crl_free(crl);
}

static void set(struct lab *lab, const char *name, const char *value)
{
    struct err err = ERR_INIT;

    if (!settings_alter(lab->pg->admin, name, value, &err))
        fail_msg("%s: PS-%d %s", name, (int)err.code, err.msg);
}

static void reload(struct lab *lab)
{
    struct err err = ERR_INIT;

    if (!settings_reload(lab->pg->admin, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
}

static int lab_setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct pair *ca = &lab->ca;

    if (pg_setup((void **)&lab->pg))
        return -1;
    *ca = make_pair("Lab CA", PROFILE_CA, NULL, KEY_EC_P256, -60 * DAY, 60 * DAY);
    lab->other_ca = make_pair("Other CA", PROFILE_CA, NULL, KEY_EC_P256, -60 * DAY, 60 * DAY);
    lab->server = make_pair("localhost", PROFILE_SERVER, ca, KEY_EC_P256, -DAY, DAY);
    lab->good = make_pair("alice", PROFILE_CLIENT, ca, KEY_EC_P256, -DAY, DAY);
    lab->revoked = make_pair("bob", PROFILE_CLIENT, ca, KEY_EC_P256, -DAY, DAY);
    lab->expired = make_pair("old", PROFILE_CLIENT, ca, KEY_EC_P256, -2 * DAY, -DAY);
    lab->future = make_pair("new", PROFILE_CLIENT, ca, KEY_EC_P256, DAY, 2 * DAY);
    lab->stranger = make_pair("mallory", PROFILE_CLIENT, &lab->other_ca, KEY_EC_P256, -DAY, DAY);
    lab->wrong_purpose = make_pair("www", PROFILE_SERVER, ca, KEY_EC_P256, -DAY, DAY);
    lab->p384 = make_pair("big", PROFILE_CLIENT, ca, KEY_EC_P384, -DAY, DAY);
    *state = lab;
    return 0;
}

static int lab_teardown(void **state)
{
    struct lab *lab = *state;
    int rc = pg_teardown((void **)&lab->pg);
    struct pair *const pairs[] = {&lab->ca,      &lab->other_ca,     &lab->server, &lab->good,
                                  &lab->revoked, &lab->expired,      &lab->future, &lab->stranger,
                                  &lab->p384,    &lab->wrong_purpose};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        free_pair(pairs[i]);
    free(lab);
    return rc;
}

static struct handshake_request request_for(const struct lab *lab)
{
    return (struct handshake_request){.host = "127.0.0.1", .port = demo_port(lab->pg->demo)};
}

static void run(const struct handshake_request *request, struct handshake *ret)
{
    struct err err = ERR_INIT;

    if (!handshake_run(request, ret, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
}

static void a_new_cluster_has_no_tls(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct handshake handshake;

    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_NO_TLS);
    handshake_clear(&handshake);
    request.host = "localhost"; /* ::1 is refused first */
    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_NO_TLS);
    handshake_clear(&handshake);
    request.host = demo_socket(lab->pg->demo);
    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_NO_TLS);
    handshake_clear(&handshake);
}

static void the_chain_is_seen_and_verified(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct cert_list roots = {.certs = &lab->ca.cert, .n = 1};
    struct cert_list wrong = {.certs = &lab->other_ca.cert, .n = 1};
    struct handshake handshake;
    struct err err = ERR_INIT;
    struct secret *pem = key_to_pem(lab->server.key, NULL, 0, &err);

    assert_non_null(pem);
    pg_write_file(lab->pg, "s.key", secret_data(pem), secret_len(pem), 0600);
    secret_free(pem);
    write_cert(lab, "s.crt", lab->server.cert);
    set(lab, "ssl_cert_file", "s.crt");
    set(lab, "ssl_key_file", "s.key");
    set(lab, "ssl", "on");
    reload(lab);

    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_ACCEPTED);
    assert_string_equal(handshake.version, "TLSv1.3");
    assert_true(handshake.cipher[0]);
    assert_int_equal(handshake.chain.n, 1);
    assert_true(cert_equal(handshake.chain.certs[0], lab->server.cert));
    assert_false(handshake.asks_certificate || handshake.sent_certificate);
    assert_int_equal(handshake.n_accepted_cas, 0);
    assert_false(handshake.verified);
    assert_string_equal(handshake.verify_error, "");
    handshake_clear(&handshake);

    request.roots = &roots;
    request.tls = HANDSHAKE_TLS_12;
    run(&request, &handshake);
    assert_string_equal(handshake.version, "TLSv1.2");
    assert_true(handshake.verified);
    handshake_clear(&handshake);

    request.roots = &wrong;
    run(&request, &handshake);
    assert_false(handshake.verified);
    assert_true(handshake.verify_error[0]);
    handshake_clear(&handshake);
}

static void the_accepted_cas_are_listed(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct strbuf bundle = STRBUF_INIT;
    struct handshake handshake;
    struct err err = ERR_INIT;

    assert_true(cert_to_pem(lab->ca.cert, &bundle, &err));
    assert_true(cert_to_pem(lab->other_ca.cert, &bundle, &err));
    pg_write_file(lab->pg, "two.crt", bundle.data, bundle.len, 0644);
    strbuf_clear(&bundle);
    write_cert(lab, "ca.crt", lab->ca.cert);
    write_crl(lab, "ca.crl");

    for (int tls = HANDSHAKE_TLS_12; tls <= HANDSHAKE_TLS_13; tls++) {
        request.tls = (enum handshake_tls)tls;
        set(lab, "ssl_ca_file", "two.crt");
        reload(lab);
        run(&request, &handshake);
        assert_true(handshake.asks_certificate);
        assert_false(handshake.sent_certificate);
        assert_int_equal(handshake.n_accepted_cas, 2);
        assert_string_equal(handshake.accepted_cas[0], "/CN=Lab CA");
        assert_string_equal(handshake.accepted_cas[1], "/CN=Other CA");
        assert_true(handshake_accepts_ca(&handshake, lab->other_ca.cert));
        handshake_clear(&handshake);

        set(lab, "ssl_ca_file", "ca.crt");
        set(lab, "ssl_crl_file", "ca.crl");
        reload(lab);
        run(&request, &handshake);
        assert_int_equal(handshake.n_accepted_cas, 1);
        assert_true(handshake_accepts_ca(&handshake, lab->ca.cert));
        assert_false(handshake_accepts_ca(&handshake, lab->other_ca.cert));
        assert_false(handshake_accepts_ca(&handshake, lab->good.cert));
        handshake_clear(&handshake);
    }
}

static void every_verdict(void **state)
{
    struct lab *lab = *state;
    const struct {
        const char *what;
        const struct pair *pair;
        int alert_12, alert_13;
    } rows[] = {
        {"good", &lab->good, 0, 0},
        {"revoked", &lab->revoked, 44, 44},
        {"expired", &lab->expired, 45, 45},
        {"not yet valid", &lab->future, 42, 42},
        {"unknown CA", &lab->stranger, 48, 48},
        {"server certificate", &lab->wrong_purpose, 43, 43},
        {"P-384", &lab->p384, 47, 0}, /* ssl_ecdh_curve = prime256v1 */
    };

    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            for (int tls = HANDSHAKE_TLS_ANY; tls <= HANDSHAKE_TLS_13; tls++) {
                struct handshake_request request = request_for(lab);
                int expected = tls == HANDSHAKE_TLS_12 ? rows[i].alert_12 : rows[i].alert_13;
                struct handshake handshake;

                request.cert = rows[i].pair->cert;
                request.key = rows[i].pair->key;
                request.tls = (enum handshake_tls)tls;
                run(&request, &handshake);
                if (handshake.alert != expected ||
                    (handshake.verdict == HANDSHAKE_REFUSED) != (expected != 0))
                    fail_msg("%s: alert %d (%s), not %d", rows[i].what, handshake.alert,
                             handshake.version, expected);
                assert_true(handshake.sent_certificate);
                /* OpenSSL completes the server's chain from ssl_ca_file, unasked */
                assert_int_equal(handshake.chain.n, 2);
                assert_int_equal(handshake.n_accepted_cas, 1);
                handshake_clear(&handshake);
            }
}

static void a_certificate_that_nobody_asks_for_proves_nothing(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct handshake handshake;

    set(lab, "ssl_crl_file", "");
    set(lab, "ssl_ca_file", "");
    reload(lab);
    request.cert = lab->stranger.cert;
    request.key = lab->stranger.key;
    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_ACCEPTED);
    assert_false(handshake.asks_certificate || handshake.sent_certificate);
    handshake_clear(&handshake);
    set(lab, "ssl_ca_file", "ca.crt");
    set(lab, "ssl_crl_file", "ca.crl");
    reload(lab);
}

static void a_probe_is_quiet_in_the_servers_log(void **state)
{
    struct lab *lab = *state;
    struct strbuf before = STRBUF_INIT;
    struct strbuf after = STRBUF_INIT;

    pg_log(lab->pg, &before);
    for (int i = 0; i < 6; i++) {
        struct handshake_request request = request_for(lab);
        struct handshake handshake;

        request.tls = (enum handshake_tls)(i % 3);
        request.cert = i < 3 ? NULL : lab->good.cert;
        request.key = i < 3 ? NULL : lab->good.key;
        run(&request, &handshake);
        assert_int_equal(handshake.verdict, HANDSHAKE_ACCEPTED);
        handshake_clear(&handshake);
    }
    free(pg_ask(lab->pg->admin, "SELECT pg_sleep(0.1)")); /* the backends write their last words */
    pg_log(lab->pg, &after);
    assert_string_equal(before.data, after.data);
    strbuf_clear(&before);
    strbuf_clear(&after);
}

static void versions_that_do_not_meet(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct handshake handshake;

    set(lab, "ssl_min_protocol_version", "TLSv1.3");
    reload(lab);
    request.tls = HANDSHAKE_TLS_12;
    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_REFUSED);
    assert_int_equal(handshake.alert, 70);
    handshake_clear(&handshake);
    request.tls = HANDSHAKE_TLS_ANY;
    run(&request, &handshake);
    assert_int_equal(handshake.verdict, HANDSHAKE_ACCEPTED);
    handshake_clear(&handshake);
    set(lab, "ssl_min_protocol_version", "TLSv1.2");
    reload(lab);
}

static void a_frozen_server_costs_the_deadline(void **state)
{
    struct lab *lab = *state;
    struct handshake_request request = request_for(lab);
    struct handshake handshake;
    struct err err = ERR_INIT;
    int64_t start = clock_mono_ms();

    request.timeout_ms = 300;
    assert_true(demo_freeze(lab->pg->demo, true, &err));
    assert_false(handshake_run(&request, &handshake, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_in_range(clock_mono_ms() - start, 290, 2000);
    assert_true(demo_freeze(lab->pg->demo, false, &err));
    request.timeout_ms = 0;
    run(&request, &handshake);
    handshake_clear(&handshake);
}

/* A login with a certificate, seen in the list of sessions, and ended by its serial number. */
static void a_session_with_a_certificate(void **state)
{
    struct lab *lab = *state;
    struct serial serial = cert_serial(lab->good.cert);
    char decimal[SERIAL_DECIMAL_MAX];
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct secret *key = key_to_pem(lab->good.key, NULL, 0, &err);
    char *cert_path = pg_data_path(lab->pg, "alice.crt");
    char *key_path = pg_data_path(lab->pg, "alice.key");
    char *ca_path = pg_data_path(lab->pg, "ca.crt");
    char *changes =
        mem_printf("host=localhost port=%d user=alice dbname=postgres sslmode=verify-full "
                   "sslrootcert='%s' sslcert='%s' sslkey='%s'",
                   demo_port(lab->pg->demo), ca_path, cert_path, key_path);
    struct conn *conn = NULL;
    struct sessions sessions;
    const struct session *found = NULL;
    int ended = 0;

    write_cert(lab, cert_path, lab->good.cert);
    pg_write_file(lab->pg, key_path, secret_data(key), secret_len(key), 0600);
    pg_run(lab->pg->admin, "CREATE ROLE alice LOGIN");
    pg_rules(lab->pg, "hostssl all alice all cert\n");
    conn = pg_connect(lab->pg, changes);
    assert_true(conn_uses_tls(conn));

    assert_true(sessions_read(lab->pg->admin, &sessions, &err));
    for (size_t i = 0; i < sessions.n; i++)
        if (sessions.rows[i].pid == conn_backend_pid(conn))
            found = &sessions.rows[i];
    if (!found)
        abort();
    assert_int_equal(found->class, SESSION_TLS_CERT);
    assert_string_equal(found->client_dn, "/CN=alice");
    assert_string_equal(found->issuer_dn, "/CN=Lab CA");
    assert_string_equal(found->client_serial, serial_format_decimal(decimal, &serial));
    assert_string_equal(found->version, "TLSv1.3");
    assert_true(found->bits >= 128);

    assert_true(sessions_end_serial(lab->pg->admin, "/CN=Other CA", decimal, &ended, &err));
    assert_int_equal(ended, 0);
    assert_true(sessions_end_serial(lab->pg->admin, "/CN=Lab CA", decimal, &ended, &err));
    assert_int_equal(ended, 1);
    assert_false(conn_run(conn, "SELECT pg_catalog.pg_sleep(5)", &err));
    assert_int_equal(err.code, ERR_CONNECTION_LOST);
    sessions_clear(&sessions);
    conn_close(conn);
    strbuf_clear(&pem);
    secret_free(key);
    free(cert_path);
    free(key_path);
    free(ca_path);
    free(changes);
}

/* pg_stat_ssl cuts a name at 63 bytes, here in the middle of a character. A server that has to convert
 * such a text refuses the whole statement. */
static void a_name_that_was_cut_does_not_hide_the_sessions(void **state)
{
    struct lab *lab = *state;
    struct err err = ERR_INIT;
    struct name *name =
        name_parse("CN=abcdefgh\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                   "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                   "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                   "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
                   &err);
    struct cert_request request = {.profile = PROFILE_CLIENT,
                                   .subject = name,
                                   .key = lab->good.key,
                                   .not_before = clock_now() - 60,
                                   .not_after = clock_now() + DAY};
    char *cert_path = pg_data_path(lab->pg, "cut.crt");
    char *key_path = pg_data_path(lab->pg, "alice.key");
    char *changes = mem_printf("host=localhost port=%d user=alice dbname=postgres "
                               "sslmode=require sslcert='%s' sslkey='%s'",
                               demo_port(lab->pg->demo), cert_path, key_path);
    static const char *const databases[] = {"dbname=postgres", "dbname=latin", "dbname=euc"};
    struct cert *cert = NULL;
    struct conn *conn = NULL;

    assert_non_null(name);
    assert_true(serial_random(&request.serial, &err));
    cert = cert_sign(&request, lab->ca.cert, lab->ca.key, &err);
    if (!cert)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    write_cert(lab, cert_path, cert);
    pg_rules(lab->pg, "hostssl all alice all trust\n");
    pg_run(lab->pg->admin, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' "
                           "LC_COLLATE 'C' LC_CTYPE 'C'");
    pg_run(lab->pg->admin, "CREATE DATABASE euc TEMPLATE template0 ENCODING 'EUC_JP' "
                           "LC_COLLATE 'C' LC_CTYPE 'C'");
    conn = pg_connect(lab->pg, changes);
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
        struct conn *admin = pg_connect(lab->pg, databases[i]);
        struct sessions sessions;
        size_t seen = 0;
        char *encoding = NULL;

        if (!sessions_read(admin, &sessions, &err))
            fail_msg("%s: PS-%d %s", databases[i], (int)err.code, err.msg);
        for (size_t at = 0; at < sessions.n; at++)
            if (sessions.rows[at].pid == conn_backend_pid(conn) &&
                sessions.rows[at].class == SESSION_TLS_CERT &&
                text_is_clean(sessions.rows[at].client_dn))
                seen++;
        assert_int_equal(seen, 1);
        sessions_clear(&sessions);
        encoding = pg_ask(admin, "SHOW client_encoding");
        assert_string_equal(encoding, "UTF8");
        free(encoding);
        conn_close(admin);
    }
    conn_close(conn);
    cert_free(cert);
    name_free(name);
    free(cert_path);
    free(key_path);
    free(changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_cluster_has_no_tls),
        cmocka_unit_test(the_chain_is_seen_and_verified),
        cmocka_unit_test(the_accepted_cas_are_listed),
        cmocka_unit_test(every_verdict),
        cmocka_unit_test(a_certificate_that_nobody_asks_for_proves_nothing),
        cmocka_unit_test(a_probe_is_quiet_in_the_servers_log),
        cmocka_unit_test(versions_that_do_not_meet),
        cmocka_unit_test(a_frozen_server_costs_the_deadline),
        cmocka_unit_test(a_session_with_a_certificate),
        cmocka_unit_test(a_name_that_was_cut_does_not_hide_the_sessions),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
