/* health_trust.c - CAs and their lists on a real server. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "tests/harness/fake_server.h"
#include "tests/harness/pg_version.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

#define OUR_CA "CN=Test CA"

/* The present file of this setting with a CA or list more in it, set and reloaded. */
static void add_cert(struct health_box *box, const char *setting, const char *file,
                     const struct cert *cert)
{
    struct strbuf text = STRBUF_INIT;

    health_read(box, file, &text);
    fixture_pem(&text, cert);
    health_set_text(box, setting, &text);
    strbuf_clear(&text);
}

static void add_crl(struct health_box *box, const char *setting, const char *file,
                    const struct crl *crl)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    health_read(box, file, &text);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, setting, &text);
    strbuf_clear(&text);
}

/* One list and nothing else. */
static void set_crl(struct health_box *box, const struct crl *crl)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    strbuf_clear(&text);
}

static struct crl *list(const struct pair *ca, int64_t from, int64_t to)
{
    return fixture_crl_dates(ca, NULL, 0, clock_now() + from, clock_now() + to);
}

static struct pair our_ca(const struct health_box *box)
{
    return (struct pair){.cert = box->plan.ca->cert, .key = box->plan.ca_key};
}

/* What the server does with alice's certificate now. */
static int alert_of(struct health_box *box, const struct pair *pair)
{
    struct handshake_request request = {.host = "127.0.0.1",
                                        .port = box->plan.target.tls_port,
                                        .cert = pair->cert,
                                        .key = pair->key};
    struct handshake seen;
    struct err err = ERR_INIT;
    int alert;

    assert_ok(handshake_run(&request, &seen, &err), &err);
    alert = seen.verdict == HANDSHAKE_REFUSED ? seen.alert : 0;
    handshake_clear(&seen);
    return alert;
}

static void test_a_ca_without_its_list(void **state)
{
    struct health_box *box = *state;
    struct pair other = health_ca("Other CA");
    struct pair leaf = health_leaf(&other, PROFILE_CLIENT, "dora");
    struct crl *crl = list(&other, -3600, YEAR);

    add_cert(box, "ssl_ca_file", box->ca_file, other.cert);
    health_expect(box, FINDING_ERROR, ERR_CRL_MISSING, "CN=Other CA");
    assert_int_equal(alert_of(box, &leaf), 48); /* "unknown ca", says the server */
    add_crl(box, "ssl_crl_file", box->crl_file, crl);
    health_expect_well(box);
    assert_int_equal(alert_of(box, &leaf), 0);
    health_heal(box);
    crl_free(crl);
    pair_clear(&leaf);
    pair_clear(&other);
}

static void test_a_list_of_another_key(void **state)
{
    struct health_box *box = *state;
    struct pair twin = health_ca("Test CA");
    struct crl *crl = list(&twin, -3600, YEAR);
    const struct finding *finding;

    set_crl(box, crl);
    finding = health_expect(box, FINDING_ERROR, ERR_CRL_MISSING, OUR_CA);
    assert_non_null(strstr(finding->message, "another key"));
    health_heal(box);
    crl_free(crl);
    pair_clear(&twin);
}

static void test_dates_of_lists(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "erik");
    struct crl *crl = list(&ca, -30 * DAY, -60);

    set_crl(box, crl);
    health_expect(box, FINDING_ERROR, ERR_CRL_ENDED, OUR_CA);
    assert_int_equal(alert_of(box, &leaf), 45); /* "certificate expired": it is not */
    assert_int_equal(findings_count(&box->check.findings, FINDING_ERROR), 1);
    crl_free(crl);

    crl = list(&ca, -26 * DAY, 4 * DAY); /* the last third of its life */
    set_crl(box, crl);
    assert_int_equal(health_expect(box, FINDING_WARNING, ERR_CRL_ENDS, OUR_CA)->act, ACT_CRL);
    crl_free(crl);

    crl = list(&ca, 3600, YEAR);
    set_crl(box, crl);
    health_expect(box, FINDING_ERROR, ERR_CRL_NOT_YET, OUR_CA);
    assert_int_equal(alert_of(box, &leaf), 42);
    crl_free(crl);
    health_heal(box);
    pair_clear(&leaf);
}

static void test_no_list_at_all(void **state)
{
    struct health_box *box = *state;
    struct handshake seen;

    health_set(box, "ssl_crl_file", "");
    health_expect(box, FINDING_WARNING, ERR_NO_CRL, "ssl_crl_file");
    seen = plan_box_handshake(&box->plan);
    handshake_clear(&seen);
    health_heal(box);
}

static void test_an_older_list_than_ours(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->plan.store, box->plan.ca, box->plan.ca_key, 0, &err);
    struct strbuf text = STRBUF_INIT;

    assert_ok(crl != NULL, &err);
    health_expect(box, FINDING_WARNING, ERR_CRL_OLDER, OUR_CA);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_write(box, "newer.crl", text.data, text.len, 0644);
    health_set(box, "ssl_crl_file", "newer.crl");
    health_expect_well(box);
    free(box->crl_file);
    box->crl_file = mem_strdup("newer.crl");
    strbuf_clear(&text);
    crl_free(crl);
}

static void test_a_list_that_was_changed_and_not_loaded(void **state)
{
    struct health_box *box = *state;
    struct strbuf text = STRBUF_INIT;
    char *path = health_path(box, box->crl_file);
    struct timespec times[2] = {{.tv_sec = 0}, {.tv_nsec = UTIME_OMIT}};

    health_read(box, box->crl_file, &text);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = 0;
    times[1].tv_sec = time(NULL) + 2;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    health_expect(box, FINDING_WARNING, ERR_TLS_STALE, "ssl_crl_file");
    times[1].tv_sec = time(NULL) - 100;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    health_expect_well(box);
    strbuf_clear(&text);
    free(path);
}

static void test_a_ca_in_the_crl_file(void **state)
{
    struct health_box *box = *state;
    struct pair hidden = health_ca("Hidden CA");
    struct pair leaf = health_leaf(&hidden, PROFILE_CLIENT, "mallory");
    struct crl *crl = list(&hidden, -3600, YEAR);

    add_crl(box, "ssl_crl_file", box->crl_file, crl);
    add_cert(box, "ssl_crl_file", "test-ssl_crl_file.pem", hidden.cert);
    health_expect(box, FINDING_ERROR, ERR_CA_IN_CRL, "ssl_crl_file");
    assert_int_equal(alert_of(box, &leaf), 0); /* trusted indeed */
    health_heal(box);
    crl_free(crl);
    pair_clear(&leaf);
    pair_clear(&hidden);
}

static void test_a_list_and_a_leaf_in_the_ca_file(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct crl *crl = list(&ca, -3600, YEAR);

    add_crl(box, "ssl_ca_file", box->ca_file, crl);
    health_expect(box, FINDING_WARNING, ERR_CRL_IN_CA_FILE, "ssl_ca_file");
    add_cert(box, "ssl_ca_file", box->ca_file, leaf.cert);
    health_expect(box, FINDING_ERROR, ERR_LEAF_IN_CA_FILE, "ssl_ca_file");
    health_heal(box);
    crl_free(crl);
    pair_clear(&leaf);
}

static void test_two_cas_of_one_name(void **state)
{
    struct health_box *box = *state;
    struct pair twin = health_ca("Test CA");

    add_cert(box, "ssl_ca_file", box->ca_file, twin.cert);
    health_expect(box, FINDING_WARNING, ERR_SAME_SUBJECT, OUR_CA);
    health_heal(box);
    pair_clear(&twin);
}

static void test_dates_of_cas(void **state)
{
    struct health_box *box = *state;
    int64_t now = clock_now();
    struct pair ended = fixture_ca_dates("Ended CA", now - YEAR, now - DAY);
    struct pair ends = fixture_ca_dates("Ending CA", now - YEAR, now + DAY);
    struct crl *crl = list(&ended, -3600, YEAR);

    add_cert(box, "ssl_ca_file", box->ca_file, ended.cert);
    add_crl(box, "ssl_crl_file", box->crl_file, crl);
    health_expect(box, FINDING_ERROR, ERR_CA_ENDED, "CN=Ended CA");
    add_cert(box, "ssl_ca_file", box->ca_file, ends.cert);
    assert_int_equal(health_expect(box, FINDING_WARNING, ERR_CA_ENDS, "CN=Ending CA")->act,
                     ACT_ROTATE);
    health_heal(box);
    crl_free(crl);
    pair_clear(&ended);
    pair_clear(&ends);
}

/* ---- ssl_crl_dir ---- */

static char *make_dir(struct health_box *box)
{
    char *path = health_path(box, "crls");
    struct stat st;

    assert_int_equal(stat(demo_data(box->plan.demo), &st), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    return path;
}

static void test_a_folder_of_lists(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "frieda");
    struct pair hidden = health_ca("Hidden CA");
    struct strbuf text = STRBUF_INIT;
    struct strbuf pem = STRBUF_INIT;
    char name[64];
    char *dir;
    unsigned long hash =
        X509_NAME_hash_ex(X509_get_subject_name(ossl_cert(ca.cert)), NULL, NULL, NULL);

    if (!pg_has(PG_CRL_DIR)) {
        print_message("# left out: there is no ssl_crl_dir\n");
        return;
    }
    health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_crl_dir", "nosuch");
    health_expect(box, FINDING_ERROR, ERR_CRL_DIR, "ssl_crl_dir");
    assert_int_equal(alert_of(box, &leaf), 48);
    dir = make_dir(box);
    health_set(box, "ssl_crl_dir", "crls");
    assert_non_null(strstr(health_expect(box, FINDING_ERROR, ERR_CRL_DIR, NULL)->message, "empty"));
    health_read(box, box->crl_file, &text);
    health_write(box, "crls/root.crl", text.data, text.len, 0644);
    assert_non_null(strstr(health_expect(box, FINDING_ERROR, ERR_CRL_DIR, NULL)->message, "hash"));
    assert_int_equal(alert_of(box, &leaf), 48);
    health_write(box, "crls/01234567.r0", text.data, text.len, 0644);
    assert_non_null(strstr(health_expect(box, FINDING_ERROR, ERR_CRL_DIR, NULL)->message, "hash"));
    snprintf(name, sizeof(name), "crls/%08lx.r0", hash);
    health_write(box, name, text.data, text.len, 0644);
    health_expect_well(box);
    assert_int_equal(alert_of(box, &leaf), 0);
    fixture_pem(&pem, hidden.cert);
    health_write(box, "crls/89abcdef.0", pem.data, pem.len, 0644);
    health_expect(box, FINDING_ERROR, ERR_CA_IN_CRL, "ssl_crl_dir");
    health_heal(box);
    pair_clear(&leaf);
    pair_clear(&hidden);
    strbuf_clear(&text);
    strbuf_clear(&pem);
    free(dir);
}

/* ---- the server's own chain ---- */

static void install(struct health_box *box, const struct cert_list *chain, const struct key *key)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct secret *secret = key_to_pem(key, NULL, 0, &err);

    for (size_t i = 0; i < chain->n; i++)
        fixture_pem(&pem, chain->certs[i]);
    health_write(box, "own.key", secret_data(secret), secret_len(secret), 0600);
    health_write(box, "own.crt", pem.data, pem.len, 0644);
    health_set(box, "ssl_key_file", "own.key");
    health_set(box, "ssl_cert_file", "own.crt");
    secret_free(secret);
    strbuf_clear(&pem);
}

static struct pair server_cert(const struct pair *ca, enum key_type type, int64_t to,
                               const char *host)
{
    struct err err = ERR_INIT;
    struct pair made = {.key = key_generate(type, NULL, NULL, &err)};
    struct name *subject = name_new_common_name(host, &err);
    struct san san;
    struct cert_request request = {.profile = PROFILE_SERVER,
                                   .subject = subject,
                                   .san = &san,
                                   .key = made.key,
                                   .not_before = clock_now() - 30 * DAY,
                                   .not_after = clock_now() + to};

    san_init(&san);
    assert_ok(san_add(&san, host, &err), &err);
    assert_ok(serial_random(&request.serial, &err), &err);
    made.cert = cert_sign(&request, ca->cert, ca->key, &err);
    assert_ok(made.cert, &err);
    san_clear(&san);
    name_free(subject);
    return made;
}

static struct pair sub_ca(const struct pair *root, const char *cn, enum key_type type)
{
    struct err err = ERR_INIT;
    struct pair made = {.key = key_generate(type, NULL, NULL, &err)};
    struct name *subject = name_new_common_name(cn, &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = subject,
                                   .key = made.key,
                                   .not_before = clock_now() - 3600,
                                   .not_after = clock_now() + 200 * DAY};

    assert_ok(serial_random(&request.serial, &err), &err);
    made.cert = root ? cert_sign(&request, root->cert, root->key, &err)
                     : cert_sign(&request, NULL, made.key, &err);
    assert_ok(made.cert, &err);
    name_free(subject);
    return made;
}

static void test_the_servers_certificate(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    char *key_file = plan_box_value(&box->plan, "ssl_key_file");
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");
    struct pair root = health_ca("Server root");
    struct pair middle = sub_ca(&root, "Server issuing", KEY_EC_P256);
    struct pair ed_ca = sub_ca(NULL, "Ed25519 CA", KEY_ED25519);
    struct pair made[5] = {
        server_cert(&ca, KEY_EC_P256, -60, "127.0.0.1"),
        server_cert(&ca, KEY_EC_P256, 2 * DAY, "127.0.0.1"),
        server_cert(&ca, KEY_EC_P256, 90 * DAY, "db.example"),
        server_cert(&middle, KEY_EC_P256, 90 * DAY, "127.0.0.1"),
        server_cert(&ed_ca, KEY_EC_P256, 90 * DAY, "127.0.0.1"),
    };
    struct cert *both[] = {made[3].cert, middle.cert};
    struct crl *crl_root = list(&root, -3600, YEAR);
    struct crl *crl_middle = list(&middle, -3600, YEAR);
    struct cert_list one = {.certs = &made[0].cert, .n = 1};

    install(box, &one, made[0].key);
    health_expect(box, FINDING_ERROR, ERR_SERVER_CERT_ENDED, "ssl_cert_file");
    one.certs = &made[1].cert;
    install(box, &one, made[1].key);
    health_expect(box, FINDING_WARNING, ERR_SERVER_CERT_ENDS, "ssl_cert_file");
    one.certs = &made[2].cert;
    install(box, &one, made[2].key);
    health_expect(box, FINDING_WARNING, ERR_SERVER_NAME, "ssl_cert_file");
    one.certs = &made[4].cert;
    install(box, &one, made[4].key);
    health_expect(box, FINDING_ERROR, ERR_SCRAM_EDDSA, "ssl_cert_file");

    /* The intermediate stands in ssl_ca_file only: it is sent, until somebody tidies that file. */
    add_cert(box, "ssl_ca_file", box->ca_file, middle.cert);
    add_cert(box, "ssl_ca_file", "test-ssl_ca_file.pem", root.cert);
    add_crl(box, "ssl_crl_file", box->crl_file, crl_root);
    add_crl(box, "ssl_crl_file", "test-ssl_crl_file.pem", crl_middle);
    one.certs = &made[3].cert;
    install(box, &one, made[3].key);
    health_expect(box, FINDING_WARNING, ERR_CHAIN_BORROWED, "ssl_cert_file");
    install(box, &(struct cert_list){.certs = both, .n = 2}, made[3].key);
    health_expect_well(box);

    health_set(box, "ssl_key_file", key_file);
    health_set(box, "ssl_cert_file", cert_file);
    health_heal(box);
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        pair_clear(&made[i]);
    crl_free(crl_root);
    crl_free(crl_middle);
    pair_clear(&root);
    pair_clear(&middle);
    pair_clear(&ed_ca);
    free(key_file);
    free(cert_file);
}

static void test_client_keys_that_fail_on_tls_12(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P384, NULL, NULL, &err);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = "greta", .key = key};
    struct issued *issued =
        issued_make(box->plan.store, box->plan.ca, box->plan.ca_key, &spec, &err);

    assert_ok(issued != NULL, &err);
    health_expect(box, FINDING_WARNING, ERR_KEY_TLS12, NULL);
    health_set(box, "ssl_min_protocol_version", "TLSv1.3");
    health_check(box);
    health_expect_none(box, ERR_KEY_TLS12);
    health_reset(box, "ssl_min_protocol_version");
    issued_free(issued);
    key_free(key);
}

/* A CA that pgseal itself would not make. */
static void openssl_ca(struct health_box *box, const char *name, const char *options)
{
    char *path = health_path(box, name);
    char *command =
        mem_printf("openssl req -x509 -nodes -days 90 -keyout /dev/null -out '%s' %s 2>/dev/null",
                   path, options);
    struct strbuf text = STRBUF_INIT;

    assert_int_equal(system(command), 0); /* a fixed text, and a path of ours */
    health_read(box, name, &text);
    health_write(box, name, text.data, text.len, 0644);
    health_set(box, "ssl_ca_file", name);
    strbuf_clear(&text);
    free(command);
    free(path);
}

static void test_cas_that_others_made(void **state)
{
    struct health_box *box = *state;

    openssl_ca(box, "weak.crt", "-newkey rsa:1024 -subj '/CN=Weak CA'");
    health_expect(box, FINDING_ERROR, ERR_WEAK_KEY, "ssl_ca_file");
    openssl_ca(box, "nocrlsign.crt",
               "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj '/CN=No cRLSign'"
               " -addext keyUsage=critical,keyCertSign");
    health_expect(box, FINDING_ERROR, ERR_CA_NO_CRL_SIGN, "CN=No cRLSign");
    health_heal(box);
}

/* ---- who answers ---- */

static void answer_as_pgbouncer(int fd, void *arg)
{
    unsigned char first[8];

    (void)arg;
    if (!fake_read(fd, first, sizeof(first)))
        return;
    if (first[4] == 0x04) { /* SSLRequest */
        fake_write(fd, "N", 1);
        fake_wait_for_end(fd);
        return;
    }
    fake_error(fd, "ERROR", "08P01", "no username supplied");
}

static void test_a_pooler(void **state)
{
    struct health_box *box = *state;
    struct fake *fake = fake_start(answer_as_pgbouncer, NULL);
    struct server_check_request request = {.store = box->plan.store,
                                           .server = box->plan.server,
                                           .admin = box->plan.admin,
                                           .tls_host = "127.0.0.1",
                                           .tls_port = fake_port(fake)};
    struct err err = ERR_INIT;

    server_check_clear(&box->check);
    assert_ok(server_check(&request, &box->check, &err), &err);
    assert_non_null(findings_find(&box->check.findings, ERR_POOLER, "127.0.0.1"));
    fake_stop(fake);
    health_check(box);
    health_expect_none(box, ERR_POOLER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ca_without_its_list),
        cmocka_unit_test(test_a_list_of_another_key),
        cmocka_unit_test(test_dates_of_lists),
        cmocka_unit_test(test_no_list_at_all),
        cmocka_unit_test(test_an_older_list_than_ours),
        cmocka_unit_test(test_a_list_that_was_changed_and_not_loaded),
        cmocka_unit_test(test_a_ca_in_the_crl_file),
        cmocka_unit_test(test_a_list_and_a_leaf_in_the_ca_file),
        cmocka_unit_test(test_two_cas_of_one_name),
        cmocka_unit_test(test_dates_of_cas),
        cmocka_unit_test(test_a_folder_of_lists),
        cmocka_unit_test(test_the_servers_certificate),
        cmocka_unit_test(test_cas_that_others_made),
        cmocka_unit_test(test_a_pooler),
        cmocka_unit_test(test_client_keys_that_fail_on_tls_12),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
}
