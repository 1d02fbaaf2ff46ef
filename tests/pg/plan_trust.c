/* plan_trust.c - CAs and CRLs on a server: given, kept beside others, taken away, refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "core/store/revoked.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s", (int)err->code, err->msg, err->state);
}

static struct plan *trust(struct plan_box *box, const struct authority *const *authorities,
                          size_t n, bool keep_present, struct err *err)
{
    struct trust_ca_intent intent = {
        .authorities = authorities, .n_authorities = n, .keep_present = keep_present};

    return plan_trust_ca(&box->target, &intent, err);
}

/* A CA that the store does not know: key, certificate and, when asked, a list. */
struct foreign {
    struct key *key;
    struct cert *cert;
    struct crl *crl;
};

static struct foreign make_foreign(const char *cn)
{
    struct err err = ERR_INIT;
    struct foreign foreign = {.key = key_generate(KEY_EC_P256, NULL, NULL, &err)};
    struct name *name = name_new_common_name(cn, &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = name,
                                   .key = foreign.key,
                                   .not_before = clock_now() - CERT_BACKDATE,
                                   .not_after = clock_now() + 100 * CLOCK_DAY};

    must(foreign.key && name && serial_random(&request.serial, &err), &err);
    foreign.cert = cert_sign(&request, NULL, foreign.key, &err);
    must(foreign.cert != NULL, &err);
    foreign.crl = crl_build(foreign.cert, foreign.key, NULL, 0, 1, clock_now() - CERT_BACKDATE,
                            clock_now() + 50 * CLOCK_DAY, &err);
    must(foreign.crl != NULL, &err);
    name_free(name);
    return foreign;
}

static void clear_foreign(struct foreign *foreign)
{
    key_free(foreign->key);
    cert_free(foreign->cert);
    crl_free(foreign->crl);
}

/* As an admin by hand would: a file in the data directory, ALTER SYSTEM, reload. */
static void set_by_hand(struct plan_box *box, const char *setting, const char *name,
                        const struct strbuf *pem)
{
    char *path = fs_join(demo_data(box->demo), name);
    char *sql = mem_printf("ALTER SYSTEM SET %s = '%s'", setting, name);
    struct err err = ERR_INIT;

    must(fs_write_new(path, pem->data, pem->len, 0644, &err), &err);
    must(conn_run(box->admin, sql, &err), &err);
    must(settings_reload(box->admin, &err), &err);
    free(path);
    free(sql);
}

static struct handshake try_cert(const struct plan_box *box, const struct cert *cert,
                                 const struct key *key)
{
    struct handshake_request request = {
        .host = "127.0.0.1", .port = box->target.tls_port, .cert = cert, .key = key};
    struct handshake handshake;
    struct err err = ERR_INIT;

    must(handshake_run(&request, &handshake, &err), &err);
    return handshake;
}

static void expect_alert(const struct plan_box *box, const struct cert *cert, const struct key *key,
                         int alert)
{
    struct handshake seen = try_cert(box, cert, key);

    assert_int_equal(seen.verdict, alert ? HANDSHAKE_REFUSED : HANDSHAKE_ACCEPTED);
    assert_int_equal(seen.alert, alert);
    handshake_clear(&seen);
}

static struct cert *foreign_client(const struct foreign *foreign, const struct key *key)
{
    struct err err = ERR_INIT;
    struct name *name = name_new_common_name("alice", &err);
    struct cert_request request = {.profile = PROFILE_CLIENT,
                                   .subject = name,
                                   .key = key,
                                   .not_before = clock_now() - CERT_BACKDATE,
                                   .not_after = clock_now() + 10 * CLOCK_DAY};
    struct cert *cert;

    must(serial_random(&request.serial, &err), &err);
    cert = cert_sign(&request, foreign->cert, foreign->key, &err);
    must(cert != NULL, &err);
    name_free(name);
    return cert;
}

static void test_one_ca(void **state)
{
    const struct authority *authorities[1];
    struct authority_list list = {.n = 0};
    struct plan_files before;
    struct plan_box box;
    struct plan *plan;
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    plan_box_open(&box);
    authorities[0] = box.ca;
    assert_null(trust(&box, authorities, 1, true, &err));
    assert_int_equal(err.code, ERR_SSL_OFF);
    plan_box_tls(&box);
    before = plan_box_files(&box);

    plan = trust(&box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    plan_box_saw(&box, "the server accepts certificates of \"/CN=Test CA\"");
    plan_box_saw(&box, "canary \"good\" of CA \"Test CA\": accepted");
    plan_box_saw(&box, "canary \"revoked\" of CA \"Test CA\": alert 44");
    assert_true(server_trusts(box.store, box.server, &list, &err));
    assert_int_equal(list.n, 1);
    authority_list_clear(&list);
    plan_box_restart(&box);
    plan = trust(&box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_box_keep(&box, plan);

    must(plan_undo_journalled(&box.target, id, &box.watch, &ended, &err), &err);
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-c"), 0);
    assert_true(server_trusts(box.store, box.server, &list, &err));
    assert_int_equal(list.n, 0);
    authority_list_clear(&list);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* The second is added beside the first; then the first goes. */
static void test_two_generations(void **state)
{
    const struct authority *authorities[1];
    struct authority *second;
    struct key *second_key;
    struct plan_box box;
    struct plan *plan;
    struct canary canary;
    struct handshake seen;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    second = plan_box_authority(&box, "Test CA G2", &second_key);
    authorities[0] = second;
    plan = trust(&box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    /* adding: the list not later than its CA */
    assert_non_null(strstr(plan_step(plan, 2).title, "ssl_crl_file"));
    plan_box_keep(&box, plan);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.n_accepted_cas, 2);
    handshake_clear(&seen);

    plan = trust(&box, authorities, 1, false, &err);
    must(plan != NULL, &err);
    assert_non_null(strstr(plan_step(plan, 2).title, "ssl_ca_file")); /* removing: the CA first */
    plan_box_keep(&box, plan);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.n_accepted_cas, 1);
    handshake_clear(&seen);
    must(authority_canary(box.store, box.ca, CANARY_GOOD, &canary, &err), &err);
    expect_alert(&box, canary.cert, canary.key, 48);
    canary_clear(&canary);
    plan_box_restart(&box);
    authority_free(second);
    key_free(second_key);
    plan_box_close(&box);
}

static void test_beside_a_foreign_ca(void **state)
{
    struct foreign foreign = make_foreign("Somebody else");
    struct key *key;
    struct cert *client;
    const struct authority *authorities[1];
    struct strbuf cas = STRBUF_INIT;
    struct strbuf crls = STRBUF_INIT;
    struct plan_files before;
    struct plan_box box;
    struct plan *plan;
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    client = foreign_client(&foreign, key);
    strbuf_add_str(&cas, "their CA, by hand\r\n");
    must(cert_to_pem(foreign.cert, &cas, &err) && crl_to_pem(foreign.crl, &crls, &err), &err);
    set_by_hand(&box, "ssl_ca_file", "theirs.crt", &cas);
    set_by_hand(&box, "ssl_crl_file", "theirs.crl", &crls);
    before = plan_box_files(&box);

    authorities[0] = box.ca;
    plan = trust(&box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    plan_box_saw(&box, "/CN=Somebody else");
    expect_alert(&box, client, key, 0); /* their clients still get in */
    must(plan_undo_journalled(&box.target, id, NULL, &ended, &err), &err);
    plan_box_same_files(&box, &before);
    expect_alert(&box, client, key, 0);

    cert_free(client);
    key_free(key);
    strbuf_clear(&cas);
    strbuf_clear(&crls);
    clear_foreign(&foreign);
    plan_files_clear(&before);
    plan_box_close(&box);
}

static void test_missing_crl(void **state)
{
    struct foreign foreign = make_foreign("Somebody else");
    struct cert_list pasted = {.certs = &foreign.cert, .n = 1};
    const struct authority *authorities[1];
    struct trust_ca_intent intent = {.n_authorities = 1, .foreign = &pasted, .keep_present = true};
    struct plan_box box;
    struct plan *plan;
    struct err err = ERR_INIT;
    char *value;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    authorities[0] = box.ca;
    intent.authorities = authorities;

    /* no list is checked yet: it stays so, and the proof says less */
    plan = plan_trust_ca(&box.target, &intent, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    value = plan_box_value(&box, "ssl_crl_file");
    assert_string_equal(value, "");
    free(value);
    plan_box_saw(&box, "canary \"good\" of CA \"Test CA\": accepted");
    assert_null(strstr(box.seen.data, "revoked"));

    /* with its list both are checked */
    intent.foreign_crls = &foreign.crl;
    intent.n_foreign_crls = 1;
    plan = plan_trust_ca(&box.target, &intent, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    plan_box_saw(&box, "alert 44");
    plan_box_close(&box);

    /* on another server that checks lists already: refused */
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    authorities[0] = box.ca;
    intent.foreign_crls = NULL;
    intent.n_foreign_crls = 0;
    assert_null(plan_trust_ca(&box.target, &intent, &err));
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    plan_box_close(&box);
    clear_foreign(&foreign);
}

static void add_to_conf(struct plan_box *box, const char *line)
{
    char *path = fs_join(demo_data(box->demo), "postgresql.conf");
    FILE *file = fopen(path, "a");
    struct err err = ERR_INIT;

    assert_non_null(file);
    fprintf(file, "%s\n", line);
    fclose(file);
    free(path);
    must(settings_reload(box->admin, &err), &err);
}

/* Refused before a file is written; as text it is for whoever writes the configuration. */
static void alter_system_off(struct plan_box *box)
{
    const struct authority *authorities[1] = {box->ca};
    struct err err = ERR_INIT;
    struct plan *plan;
    bool told = false;

    add_to_conf(box, "allow_alter_system = off");
    assert_null(trust(box, authorities, 1, true, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_non_null(strstr(err.cause, "allow_alter_system"));
    box->target.by_hand = true;
    plan = trust(box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    for (size_t i = 0; i < plan_count(plan); i++) {
        struct plan_step_view step = plan_step(plan, i);

        told = told || strstr(step.sql, "configuration: ssl_ca_file = ");
        assert_null(strstr(step.sql, "ALTER SYSTEM"));
    }
    assert_true(told);
    plan_free(plan);
    box->target.by_hand = false;
    add_to_conf(box, "allow_alter_system = on");
}

/* Below a root that is not there nobody gets in; what the server itself shows is no CA of clients. */
static void wrong_cas(struct plan_box *box, struct trust_ca_intent *intent)
{
    struct foreign root = make_foreign("Their root");
    struct handshake shown = plan_box_handshake(box);
    struct cert *both[2] = {NULL, root.cert};
    struct cert_list pasted = {.certs = both, .n = 1};
    struct err err = ERR_INIT;
    struct name *name = name_new_common_name("Their issuing CA", &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = name,
                                   .key = box->ca_key,
                                   .not_before = clock_now() - CERT_BACKDATE,
                                   .not_after = clock_now() + 100 * CLOCK_DAY};
    struct plan *plan;

    must(name && serial_random(&request.serial, &err), &err);
    both[0] = cert_sign(&request, root.cert, root.key, &err);
    must(both[0] != NULL, &err);
    intent->foreign = &pasted;
    assert_null(plan_trust_ca(&box->target, intent, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_non_null(strstr(err.msg, "Their root"));
    pasted.n = 2;
    plan = plan_trust_ca(&box->target, intent, &err);
    must(plan != NULL, &err);
    plan_free(plan);

    assert_true(shown.chain.n > 0);
    pasted = (struct cert_list){.certs = shown.chain.certs, .n = 1};
    assert_null(plan_trust_ca(&box->target, intent, &err));
    assert_int_equal(err.code, ERR_NOT_A_CA);
    cert_free(both[0]);
    name_free(name);
    handshake_clear(&shown);
    clear_foreign(&root);
}

static void test_refusals(void **state)
{
    const struct authority *authorities[1];
    struct foreign same_name = make_foreign("Test CA");
    struct cert_list pasted = {.certs = &same_name.cert, .n = 1};
    struct trust_ca_intent intent = {.n_authorities = 1, .foreign = &pasted, .keep_present = true};
    struct plan_box box;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    authorities[0] = box.ca;
    intent.authorities = authorities;
    assert_null(plan_trust_ca(&box.target, &intent, &err)); /* one name, two keys */
    assert_int_equal(err.code, ERR_POLICY);
    wrong_cas(&box, &intent);

    if (pg_has(PG_ALTER_SWITCH))
        alter_system_off(&box);
    must(conn_run(box.admin, "ALTER SYSTEM SET ssl_passphrase_command = 'false'", &err), &err);
    must(settings_reload(box.admin, &err), &err);
    assert_null(trust(&box, authorities, 1, true, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_non_null(strstr(err.msg, "passphrase"));
    clear_foreign(&same_name);
    plan_box_close(&box);
}

/* The server's key is away: PostgreSQL refuses all new TLS files, and SQL does not tell. */
static void test_reload_refused_silently(void **state)
{
    const struct authority *authorities[1];
    struct plan_files before;
    struct authority *second;
    struct key *second_key;
    struct plan_box box;
    struct plan *plan;
    struct err err = ERR_INIT;
    char *name, *path, *away;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    second = plan_box_authority(&box, "Test CA G2", &second_key);
    authorities[0] = second;
    before = plan_box_files(&box);
    plan = trust(&box, authorities, 1, true, &err);
    must(plan != NULL, &err);
    name = plan_box_value(&box, "ssl_key_file");
    path = fs_join(demo_data(box.demo), name);
    away = mem_printf("%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box.watch, &err));
    assert_int_equal(err.code, ERR_RELOAD_REFUSED);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    assert_non_null(strstr(err.state, "taken back"));
    plan_box_same_files(&box, &before); /* also the order of the lines */
    assert_int_equal(rename(away, path), 0);
    plan_free(plan);
    plan_box_restart(&box);
    free(name);
    free(path);
    free(away);
    plan_files_clear(&before);
    authority_free(second);
    key_free(second_key);
    plan_box_close(&box);
}

static void test_publish(void **state)
{
    struct plan_box box;
    struct kit_files alice, bob;
    struct issued *issued;
    enum journal_plan_state ended;
    struct handshake now;
    struct crl *crl;
    struct plan *plan;
    int64_t id;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    assert_null(plan_publish_crl(&box.target, &err)); /* no CA there */
    assert_int_equal(err.code, ERR_POLICY);
    plan_box_trust(&box);
    plan = plan_publish_crl(&box.target, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);
    plan_box_kit(&box, box.ca, box.ca_key, "alice", &alice);
    plan_box_kit(&box, box.ca, box.ca_key, "bob", &bob);
    issued = issued_find(box.store, "bob", &err);
    must(issued != NULL, &err);
    crl = revoked_and_sign(box.store, box.ca, box.ca_key, issued, CRL_KEY_COMPROMISE, 0, &err);
    must(crl != NULL, &err);
    plan = plan_publish_crl(&box.target, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    plan_box_saw(&box, "the server has loaded the new files");
    now = plan_box_handshake(&box);
    assert_int_equal(now.n_accepted_cas, 1); /* the marker went */
    handshake_clear(&now);

    struct proof_login login = {.role = "bob",
                                .database = "postgres",
                                .cert_file = bob.certificate,
                                .key_file = bob.key,
                                .root_file = bob.root};
    struct proof_login_result result;

    must(proof_login(&box.target, &login, &result, &err), &err);
    assert_false(result.got_in);
    assert_int_equal(result.alert, 44);
    /* taking that back would let bob in again */
    assert_false(plan_undo_journalled(&box.target, id, NULL, &ended, &err));
    assert_int_equal(err.code, ERR_CRL_WEAKER);
    assert_int_equal(ended, JOURNAL_KEPT);
    plan_box_restart(&box);
    crl_free(crl);
    issued_free(issued);
    kit_files_clear(&alice);
    kit_files_clear(&bob);
    plan_box_close(&box);
}

/* A new list for the same CAs, and the server cannot reload: the old list must not pass for it. */
static void test_list_not_loaded(void **state)
{
    struct plan_files before;
    struct plan_box box;
    struct plan *plan;
    struct crl *crl;
    struct err err = ERR_INIT;
    char *name, *path, *away;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    crl = authority_sign_crl(box.store, box.ca, box.ca_key, 0, &err);
    must(crl != NULL, &err);
    before = plan_box_files(&box);
    plan = plan_publish_crl(&box.target, &err);
    must(plan != NULL, &err);
    name = plan_box_value(&box, "ssl_key_file");
    path = fs_join(demo_data(box.demo), name);
    away = mem_printf("%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box.watch, &err));
    assert_int_equal(err.code, ERR_RELOAD_REFUSED);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    assert_int_equal(rename(away, path), 0);
    plan_free(plan);
    crl_free(crl);
    free(name);
    free(path);
    free(away);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* Takes plan. */
static void by_sql_and_back(struct plan_box *box, struct plan *plan,
                            const struct plan_files *before)
{
    int64_t id = plan_box_keep(box, plan);
    enum journal_plan_state ended;
    struct err err = ERR_INIT;

    plan_box_saw(box, "alert 44");
    strbuf_reset(&box->seen);
    must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(box, before);
    plan_box_saw(box, "stays on the server, unused");
    assert_int_equal(plan_box_count_files(box, "pgseal-c"), 2);
}

/* No superuser, no file system: the grants of an installer's role (facts, 4.5). SQL cannot delete, so
 * what was written stays, unused, and is named. */
static void test_by_sql_alone(void **state)
{
    static const char *const grants[] = {
        "CREATE ROLE installer LOGIN",
        "GRANT pg_write_server_files, pg_read_server_files, pg_read_all_settings TO installer",
        "GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_read_binary_file(text),"
        " pg_read_binary_file(text,bigint,bigint), pg_read_binary_file(text,bigint,bigint,boolean),"
        " pg_stat_file(text), pg_stat_file(text,boolean), lo_export(oid,text),"
        " pg_show_all_file_settings() TO installer",
        "GRANT SELECT ON pg_file_settings TO installer",
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    };
    const struct authority *authorities[1];
    struct conn_options options = {.connect_timeout_ms = 10000};
    struct plan_files before, with_rule;
    struct plan_box box;
    struct params *params;
    struct plan *plan;
    struct err err = ERR_INIT;
    char *line, *path;
    FILE *file;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
        must(conn_run(box.admin, grants[i], &err), &err);
    if (pg_has(PG_PARAMETER_GRANTS))
        must(conn_run(box.admin,
                      "GRANT ALTER SYSTEM ON PARAMETER ssl_ca_file, ssl_crl_file TO installer",
                      &err),
             &err);
    with_rule = plan_box_files(&box);
    path = fs_join(demo_data(box.demo), "pg_hba.conf");
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "local all installer trust\n%s", with_rule.hba);
    fclose(file);
    must(settings_reload(box.admin, &err), &err);
    before = plan_box_files(&box);

    conn_close(box.admin);
    line = mem_printf("%s user=installer", demo_admin_conninfo(box.demo));
    params = params_parse(line, &err);
    must(params != NULL, &err);
    box.target.admin = box.admin = conn_open(params, &options, &err);
    must(box.admin != NULL, &err);
    authorities[0] = box.ca;
    plan = trust(&box, authorities, 1, true, &err);
    if (pg_has(PG_PARAMETER_GRANTS)) {
        must(plan != NULL, &err);
        by_sql_and_back(&box, plan, &before);
    } else {
        assert_null(plan);
        assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
        assert_non_null(strstr(err.cause, "only a superuser"));
        plan_box_same_files(&box, &before);
    }

    params_free(params);
    free(line);
    free(path);
    plan_files_clear(&before);
    plan_files_clear(&with_rule);
    plan_box_close(&box);
}

/* A list from elsewhere has a higher number, or a revocation that ours lacks. */
static void test_never_weaker(void **state)
{
    static const uint64_t numbers[] = {99, 1};
    struct crl_entry entry = {.revoked_at = clock_now()};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct plan_box box;
        struct strbuf pem = STRBUF_INIT;
        struct err err = ERR_INIT;
        struct crl *crl;

        plan_box_open(&box);
        plan_box_tls(&box);
        plan_box_trust(&box);
        must(serial_random(&entry.serial, &err), &err);
        crl = crl_build(box.ca->cert, box.ca_key, &entry, i, numbers[i],
                        clock_now() - CERT_BACKDATE, clock_now() + CLOCK_DAY, &err);
        must(crl && crl_to_pem(crl, &pem, &err), &err);
        set_by_hand(&box, "ssl_crl_file", "newer.crl", &pem);
        assert_null(plan_publish_crl(&box.target, &err));
        assert_int_equal(err.code, ERR_CRL_WEAKER);
        assert_non_null(strstr(err.msg, i == 0 ? "number 99" : "lacks"));
        crl_free(crl);
        strbuf_clear(&pem);
        plan_box_close(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_ca),
        cmocka_unit_test(test_two_generations),
        cmocka_unit_test(test_beside_a_foreign_ca),
        cmocka_unit_test(test_missing_crl),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_reload_refused_silently),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_list_not_loaded),
        cmocka_unit_test(test_by_sql_alone),
        cmocka_unit_test(test_never_weaker),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
