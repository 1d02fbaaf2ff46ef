/*
 * doctor.c - each row of the table of client errors made for real, and the doctor's explanation of it.
 *
 * Rows are numbered as in the measured table that core/health/doctor was written from; 3 and 34 are
 * those of the certificate's life and of old libpqs. Row 32 and 33 need a newer libpq than 15.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor.h"
#include "core/store/revoked.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

/* ---- asking ---- */

struct ask {
    const char *params; /* beside host, port, dbname, user, sslmode=require */
    const char *user;
    const char *cert, *key, *root;
    const char *password;
    const char *passphrase;
    bool blind; /* without the admin's connection and without a store */
};

static struct doctor doctor; /* of the last question; freed by the next */

static struct secret *secret_of(const char *text)
{
    struct secret *secret = text ? secret_new(256) : NULL;

    if (text)
        assert_true(secret_set(secret, text, strlen(text)));
    return secret;
}

static void ask(struct health_box *box, const struct ask *what)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=require"
                            " gssencmode=disable passfile=/dev/null/none %s",
                            box->plan.target.tls_port, what->user ? what->user : "alice",
                            what->params ? what->params : "");
    struct params *params = params_parse(text, &err);
    struct doctor_request request = {.params = params,
                                     .cert_file = what->cert,
                                     .key_file = what->key,
                                     .root_file = what->root,
                                     .store = what->blind ? NULL : box->plan.store,
                                     .admin = what->blind ? NULL : box->plan.admin};
    struct secret *password = secret_of(what->password);
    struct secret *passphrase = secret_of(what->passphrase);

    request.password = password;
    request.key_passphrase = passphrase;
    assert_ok(params != NULL, &err);
    doctor_clear(&doctor);
    if (!doctor_run(&request, &doctor, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    secret_free(password);
    secret_free(passphrase);
    params_free(params);
    free(text);
}

static const struct doctor_try *tried(enum doctor_sslmode mode)
{
    return &doctor.tries[mode];
}

static void print_doctor(void)
{
    for (int i = 0; i < DOCTOR_SSLMODES; i++)
        print_message("# %s in=%d tls=%d PS-%d %s | %s\n",
                      doctor_sslmode_name(doctor.tries[i].mode), doctor.tries[i].in,
                      doctor.tries[i].tls, (int)doctor.tries[i].code, doctor.tries[i].cause,
                      doctor.tries[i].said);
    for (size_t i = 0; i < doctor.findings.n; i++)
        print_message("# PS-%d %s: %s\n", (int)doctor.findings.rows[i].code,
                      doctor.findings.rows[i].object, doctor.findings.rows[i].message);
}

/* sslmode=require is refused with this code, and its cause says this. */
static void expect(enum err_code code, const char *cause)
{
    const struct doctor_try *one = tried(DOCTOR_REQUIRE);

    if (one->in || one->code != code || !strstr(one->cause, cause)) {
        print_doctor();
        fail_msg("PS-%d \"%s\" was expected", (int)code, cause);
    }
    assert_true(one->said[0] && one->fix[0]);
    assert_false(doctor_is_well(&doctor));
}

static void expect_in(enum doctor_sslmode mode, bool tls, enum err_code code)
{
    const struct doctor_try *one = tried(mode);

    if (!one->in || one->tls != tls || one->code != code) {
        print_doctor();
        fail_msg("in by %s was expected", doctor_sslmode_name(mode));
    }
}

static void expect_finding(enum err_code code)
{
    if (!findings_find(&doctor.findings, code, NULL)) {
        print_doctor();
        fail_msg("finding PS-%d was expected", (int)code);
    }
}

/* ---- files of clients ---- */

struct files {
    char *cert, *key;
};

static char *write_text(struct health_box *box, const char *name, const void *bytes, size_t len,
                        unsigned mode)
{
    char *path = mem_printf("%s/%s", demo_store(box->plan.demo), name);
    struct err err = ERR_INIT;

    assert_ok(fs_write_replace(path, bytes, len, (mode_t)mode, &err), &err);
    return path;
}

static struct files write_pair(struct health_box *box, const char *name, const struct pair *pair,
                               const struct cert *also)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct secret *key = key_to_pem(pair->key, NULL, 0, &err);
    char *cert_name = mem_printf("%s.crt", name);
    char *key_name = mem_printf("%s.key", name);
    struct files files;

    fixture_pem(&pem, pair->cert);
    if (also)
        fixture_pem(&pem, also);
    files.cert = write_text(box, cert_name, pem.data, pem.len, 0644);
    files.key = write_text(box, key_name, secret_data(key), secret_len(key), 0600);
    strbuf_clear(&pem);
    secret_free(key);
    free(cert_name);
    free(key_name);
    return files;
}

static void files_clear(struct files *files)
{
    free(files->cert);
    free(files->key);
}

static void ask_with(struct health_box *box, const struct pair *pair, const char *params)
{
    struct files files = write_pair(box, "asked", pair, NULL);

    ask(box, &(struct ask){.params = params, .cert = files.cert, .key = files.key});
    files_clear(&files);
}

static struct pair our_ca(const struct health_box *box)
{
    return (struct pair){.cert = box->plan.ca->cert, .key = box->plan.ca_key};
}

/* ---- the rows ---- */

static void test_all_is_well(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;

    ask(box, &(struct ask){.params = "sslmode=verify-full",
                           .cert = kit->certificate,
                           .key = kit->key,
                           .root = kit->root});
    expect_in(DOCTOR_VERIFY_FULL, true, ERR_NONE);
    expect_in(DOCTOR_PREFER, true, ERR_NONE);
    assert_true(tried(DOCTOR_VERIFY_FULL)->cert_sent);
    assert_true(doctor_is_well(&doctor));
    assert_true(doctor.server_tls && doctor.server_asks);
    assert_int_equal(doctor.n_accepted_cas, 1);
    assert_int_equal(tried(DOCTOR_DISABLE)->code, ERR_NO_RULE); /* row 14: hostnossl reject */
    assert_false(tried(DOCTOR_DISABLE)->in);
}

static void test_row_1_no_certificate_is_sent(void **state)
{
    struct health_box *box = *state;

    ask(box, &(struct ask){.cert = NULL});
    expect(ERR_CERT_NOT_SENT, ".postgresql/postgresql.crt");
    ask(box, &(struct ask){.cert = "/nonexistent/alice.crt", .blind = true});
    expect(ERR_CERT_NOT_SENT, "/nonexistent/alice.crt");
    expect_finding(ERR_CERT_NOT_FOUND);
}

static void test_row_2_unknown_ca(void **state)
{
    struct health_box *box = *state;
    struct pair ca = health_ca("Somebody's CA");
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct pair ours = our_ca(box);
    struct pair good = health_leaf(&ours, PROFILE_CLIENT, "alice");
    struct strbuf text = STRBUF_INIT;
    struct crl *crl;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "Somebody's CA");
    expect_finding(ERR_ALERT_UNKNOWN_CA);
    files = write_pair(box, "blind", &leaf, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_UNKNOWN_CA, "of another CA");
    files_clear(&files);

    /* the CA is trusted, its CRL is missing: the same alert, another cause */
    crl = fixture_crl_dates(&ca, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CRL_MISSING, NULL);
    ask_with(box, &good, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "no CRL");
    files = write_pair(box, "blind", &good, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_UNKNOWN_CA, "lacks that CA's CRL");
    files_clear(&files);
    health_heal(box);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&ca);
    pair_clear(&leaf);
    pair_clear(&good);
}

static void test_row_3_revoked(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct kit_files kit;
    struct issued *issued;
    struct crl *crl;
    struct strbuf pem = STRBUF_INIT;

    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "bob", &kit);
    issued = issued_find(box->plan.store, "bob", &err);
    assert_ok(issued != NULL, &err);
    crl = revoked_and_sign(box->plan.store, box->plan.ca, box->plan.ca_key, issued, CRL_SUPERSEDED,
                           0, &err);
    assert_ok(crl != NULL && crl_to_pem(crl, &pem, &err), &err);
    health_write(box, "newer.crl", pem.data, pem.len, 0644);
    health_set(box, "ssl_crl_file", "newer.crl");
    free(box->crl_file);
    box->crl_file = mem_strdup("newer.crl");
    health_expect_well(box);
    health_rules(box, "local all admin trust\nhostssl all all 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit.certificate, .key = kit.key});
    expect(ERR_ALERT_REVOKED, "superseded");

    /* trap 13: prefer, TLS 1.2 and a rule for plain TCP: in clear text, without a word */
    health_rules(box, HEALTH_RULES "host all bob 127.0.0.1/32 trust\n");
    ask(box, &(struct ask){.user = "bob",
                           .cert = kit.certificate,
                           .key = kit.key,
                           .params = "sslmode=prefer ssl_max_protocol_version=TLSv1.2"});
    expect_in(DOCTOR_PREFER, false, ERR_CLEAR_TEXT);
    assert_non_null(strstr(tried(DOCTOR_PREFER)->cause, "alert 44"));
    assert_false(doctor_is_well(&doctor));

    /* trap 17: the rule asks for a password only, and the old certificate ends the login */
    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 cert\n"
                      "hostssl all all 127.0.0.1/32 scram-sha-256\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit.certificate, .key = kit.key});
    expect(ERR_STALE_CERT, "wants no certificate");
    health_rules(box, HEALTH_RULES);
    strbuf_clear(&pem);
    crl_free(crl);
    issued_free(issued);
    kit_files_clear(&kit);
}

static void test_rows_4_and_5_dates(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    int64_t now = clock_now();
    struct pair ended = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", now - 9 * DAY, now - DAY);
    struct pair early = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", now + 3600, now + DAY);
    struct pair good = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&ca, NULL, 0, now - 30 * DAY, now - 60);
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &ended, NULL);
    expect(ERR_ALERT_EXPIRED, "ended on");
    expect_finding(ERR_CERT_ENDED);
    ask_with(box, &early, NULL);
    expect(ERR_ALERT_BAD, "not valid before");

    /* the CRL has ended: "certificate expired", says the server of one that is fine */
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CRL_ENDED, NULL);
    ask_with(box, &good, NULL);
    expect(ERR_ALERT_EXPIRED, "the CRL of \"Test CA\" ended");
    files = write_pair(box, "blind", &good, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_EXPIRED, "the server's CRL");
    files_clear(&files);
    health_heal(box);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&ended);
    pair_clear(&early);
    pair_clear(&good);
}

static void test_row_6_a_servers_certificate(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_SERVER, "alice");

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNSUPPORTED, "");
    expect_finding(ERR_ALERT_UNSUPPORTED);
    pair_clear(&leaf);
}

/* Certificates that pgseal does not make: by openssl, a fixed command in the store's folder. */
static void openssl(struct health_box *box, const char *commands)
{
    char *script = mem_printf("cd '%s' && umask 077 && { %s ; } >/dev/null 2>&1",
                              demo_store(box->plan.demo), commands);

    assert_int_equal(system(script), 0);
    free(script);
}

static void write_ca(struct health_box *box)
{
    struct pair ca = our_ca(box);
    struct files files = write_pair(box, "ca", &ca, NULL);

    files_clear(&files);
}

static void ask_made(struct health_box *box, const char *cert, const char *key, const char *params)
{
    char *cert_file = mem_printf("%s/%s", demo_store(box->plan.demo), cert);
    char *key_file = mem_printf("%s/%s", demo_store(box->plan.demo), key);

    ask(box, &(struct ask){.cert = cert_file, .key = key_file, .params = params});
    free(cert_file);
    free(key_file);
}

static void test_row_7_two_cas_of_one_name(void **state)
{
    struct health_box *box = *state;

    openssl(box, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9"
                 " -subj '/CN=Test CA' -keyout twin.key -out twin.crt"
                 " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                 " -subj /CN=alice -keyout t.key -out t.csr"
                 " && openssl x509 -req -in t.csr -CA twin.crt -CAkey twin.key -set_serial 9"
                 " -days 9 -out t.crt");
    ask_made(box, "t.crt", "t.key", NULL);
    expect(ERR_ALERT_SIGNATURE, "two CAs of one name");
}

static void test_row_8_curves(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P384, NULL, NULL, &err);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = "alice", .key = key};
    struct issued *issued =
        issued_make(box->plan.store, box->plan.ca, box->plan.ca_key, &spec, &err);
    struct pair pair = {.cert = issued ? issued->cert : NULL, .key = key};

    assert_ok(issued != NULL, &err);
    ask_with(box, &pair, NULL);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE); /* TLS 1.3 */
    ask_with(box, &pair, "ssl_max_protocol_version=TLSv1.2");
    expect(ERR_CLIENT_CURVE, "P-384");
    issued_free(issued);
    key_free(key);

    write_ca(box); /* a curve that is not sent at all */
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes"
                 " -subj /CN=alice -keyout k.key -out k.csr"
                 " && openssl x509 -req -in k.csr -CA ca.crt -CAkey ca.key -set_serial 10"
                 " -days 9 -out k.crt");
    ask_made(box, "k.crt", "k.key", NULL);
    expect(ERR_CERT_NOT_SENT, "key of this kind");
    expect_finding(ERR_CLIENT_CURVE);
}

static void test_rows_10_11_15_names_and_roles(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct pair ca = our_ca(box);
    struct pair ghost = health_leaf(&ca, PROFILE_CLIENT, "ghost");
    struct files files = write_pair(box, "ghost", &ghost, NULL);
    struct err err = ERR_INIT;

    health_rules(box, "local all admin trust\n"
                      "hostssl all carol 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"
                      "hostssl all all 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit->certificate, .key = kit->key});
    expect(ERR_NAME_ROLE_DIFFER, "for \"alice\"");
    expect_finding(ERR_NAME_ROLE_DIFFER);
    ask(box, &(struct ask){.user = "carol",
                           .cert = kit->certificate,
                           .key = kit->key,
                           .password = demo_password(box->plan.demo, "carol")});
    expect(ERR_ROLE_PASSWORD_OR_NAME, "for \"alice\"");

    ask(box, &(struct ask){.user = "ghost", .cert = files.cert, .key = files.key});
    expect(ERR_ROLE_LOGIN, "");
    assert_ok(conn_run(box->plan.admin, "CREATE ROLE ghost NOLOGIN", &err), &err);
    ask(box, &(struct ask){.user = "ghost", .cert = files.cert, .key = files.key});
    expect(ERR_ROLE_LOGIN, "");
    assert_ok(conn_run(box->plan.admin, "DROP ROLE ghost", &err), &err);
    health_rules(box, HEALTH_RULES);
    files_clear(&files);
    pair_clear(&ghost);
}

static void test_row_2_an_intermediate_is_missing(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair middle = fixture_sub_ca(&ca, "Issuing CA");
    struct pair leaf = health_leaf(&middle, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&middle, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "Issuing CA");
    /* sent with it, and its list there: it works */
    health_read(box, box->crl_file, &text);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    files = write_pair(box, "chain", &leaf, middle.cert);
    for (int i = 0; i < 40; i++) { /* the list is loaded a moment after the reload */
        ask(box, &(struct ask){.cert = files.cert, .key = files.key});
        if (tried(DOCTOR_REQUIRE)->in)
            break;
        usleep(50000);
    }
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    health_heal(box);
    files_clear(&files);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&leaf);
    pair_clear(&middle);
}

static void test_row_9_a_ca_that_may_not_sign_lists(void **state)
{
    struct health_box *box = *state;
    struct strbuf text = STRBUF_INIT;
    char *path = mem_printf("%s/n.crt", demo_store(box->plan.demo));
    char *crl_path = mem_printf("%s/n.crl", demo_store(box->plan.demo));

    openssl(box, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9"
                 " -subj '/CN=No lists' -addext keyUsage=critical,keyCertSign -keyout n.key"
                 " -out n.crt && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                 " -nodes -subj /CN=alice -keyout nl.key -out nl.csr"
                 " && openssl x509 -req -in nl.csr -CA n.crt -CAkey n.key -set_serial 14 -days 9"
                 " -out nl.crt && touch n.idx && printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=n.idx"
                 "\\ndefault_md=sha256\\n' >n.cnf && openssl ca -gencrl -config n.cnf -cert n.crt"
                 " -keyfile n.key -crldays 9 -out n.crl");
    health_read(box, crl_path, &text);
    health_set_text(box, "ssl_crl_file", &text);
    health_read(box, path, &text);
    health_set_text(box, "ssl_ca_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CA_NO_CRL_SIGN, NULL);
    health_expect_none(box, ERR_TLS_STALE);
    ask_made(box, "nl.crt", "nl.key", NULL);
    expect(ERR_ALERT_OTHER, "No lists");
    health_heal(box);
    strbuf_clear(&text);
    free(path);
    free(crl_path);
}

static void test_row_10_no_name_and_maps(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    static const char map[] = "people somebody alice\n";

    write_ca(box);
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=Acme"
                 " -keyout o.key -out o.csr && openssl x509 -req -in o.csr -CA ca.crt -CAkey ca.key"
                 " -set_serial 15 -days 9 -out o.crt");
    ask_made(box, "o.crt", "o.key", NULL);
    expect(ERR_NAME_ROLE_DIFFER, "no common name");
    health_write(box, "pg_ident.conf", map, sizeof(map) - 1, 0600);
    health_rules(box, "local all admin trust\nhostssl all all 127.0.0.1/32 cert map=people\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NAME_ROLE_DIFFER, "map \"people\"");
    health_write(box, "pg_ident.conf", "", 0, 0600);
    health_rules(box, HEALTH_RULES);
}

static void test_a_password_is_needed_or_wrong(void **state)
{
    struct health_box *box = *state;

    ask(box, &(struct ask){.user = "bob"});
    expect(ERR_PASSWORD_NEEDED, "");
    assert_true(tried(DOCTOR_REQUIRE)->wants_password);
    ask(box, &(struct ask){.user = "bob", .password = "wrong"});
    expect(ERR_LOGIN, "password was not");
    ask(box, &(struct ask){.user = "bob", .password = demo_password(box->plan.demo, "bob")});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
}

static void test_row_12_no_ca_on_the_server(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_ca_file", "");
    health_expect(box, FINDING_ERROR, ERR_RULE_NO_CA, NULL);
    ask(box, &(struct ask){.cert = box->alice.certificate, .key = box->alice.key});
    expect(ERR_RULE_NO_CA, "");
    health_heal(box);
}

static void test_rows_13_and_14_rules(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;

    health_rules(box, "local all admin trust\nhostssl all bob 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NO_RULE, "");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .blind = true});
    expect(ERR_NO_RULE, "");
    health_rules(box, "local all admin trust\nhost all alice all reject\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NO_RULE, "Line 2");
    health_rules(box, HEALTH_RULES);
}

static void test_rows_16_to_21_files(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct strbuf der = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct files files = write_pair(box, "files", &leaf, NULL);
    struct secret *passphrase = secret_of("sesame");
    struct secret *locked = key_to_pem(leaf.key, passphrase, KEY_ROUNDS_CLIENT, &err);
    char *path;

    assert_int_equal(chmod(files.key, 0644), 0); /* 16 */
    ask(box, &(struct ask){.cert = files.cert, .key = files.key});
    expect(ERR_KEY_MODE, "0644");
    assert_int_equal(chmod(files.key, 0600), 0);
    ask(box, &(struct ask){.cert = files.cert, .key = "/nonexistent.key"}); /* 17 */
    expect(ERR_CLIENT_KEY_MISSING, "/nonexistent.key");
    ask(box, &(struct ask){.cert = files.cert, .key = kit->key}); /* 18 */
    expect(ERR_CLIENT_KEY_OTHER, "another certificate");
    {
        struct strbuf chain = STRBUF_INIT;

        fixture_pem(&chain, ca.cert);
        fixture_pem(&chain, leaf.cert);
        path = write_text(box, "chain.crt", chain.data, chain.len, 0644);
        ask(box, &(struct ask){.cert = path, .key = files.key});
        expect(ERR_CLIENT_KEY_OTHER, "begins with a CA");
        strbuf_clear(&chain);
        free(path);
    }
    assert_ok(cert_to_der(leaf.cert, &der, &err), &err); /* 19 */
    path = write_text(box, "der.crt", der.data, der.len, 0644);
    ask(box, &(struct ask){.cert = path, .key = files.key});
    expect(ERR_CLIENT_CERT_FORMAT, "DER");
    free(path);
    openssl(box,
            "openssl pkcs12 -export -in files.crt -inkey files.key -passout pass:x -out p.p12");
    ask_made(box, "p.p12", "files.key", NULL);
    expect(ERR_CLIENT_CERT_FORMAT, "PKCS#12");
    ask_made(box, "files.crt", "p.p12", NULL); /* 20 */
    expect(ERR_CLIENT_KEY_FORMAT, "");
    path = write_text(box, "empty.key", "", 0, 0600);
    ask(box, &(struct ask){.cert = files.cert, .key = path});
    expect(ERR_CLIENT_KEY_FORMAT, "");
    free(path);
    openssl(box, "openssl pkey -in files.key -outform DER -out der.key"); /* which libpq takes */
    ask_made(box, "files.crt", "der.key", NULL);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    path = write_text(box, "locked.key", secret_data(locked), secret_len(locked), 0600); /* 21 */
    ask(box, &(struct ask){.cert = files.cert, .key = path});
    expect(ERR_CLIENT_KEY_PASSPHRASE, "encrypted");
    ask(box, &(struct ask){.cert = files.cert, .key = path, .passphrase = "simsim"});
    expect(ERR_CLIENT_KEY_PASSPHRASE, "does not open");
    ask(box, &(struct ask){.cert = files.cert, .key = path, .passphrase = "sesame"});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    free(path);
    secret_free(passphrase);
    secret_free(locked);
    strbuf_clear(&der);
    files_clear(&files);
    pair_clear(&leaf);
}

static void test_rows_22_and_30_weak_and_odd(void **state)
{
    struct health_box *box = *state;

    write_ca(box);
    openssl(box, "openssl req -new -newkey rsa:1024 -nodes -subj /CN=alice -keyout w.key -out w.csr"
                 " && openssl x509 -req -in w.csr -CA ca.crt -CAkey ca.key -set_serial 11 -days 9"
                 " -out w.crt");
    ask_made(box, "w.crt", "w.key", NULL);
    expect(ERR_CLIENT_WEAK, "");
    openssl(box,
            "printf '[req]\\ndistinguished_name=dn\\nstring_mask=MASK:0x800\\n[dn]\\n' >bmp.cnf"
            " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            " -config bmp.cnf -subj /CN=alice -keyout b.key -out b.csr"
            " && openssl x509 -req -in b.csr -CA ca.crt -CAkey ca.key -set_serial 12 -days 9"
            " -out b.crt");
    ask_made(box, "b.crt", "b.key", NULL);
    expect(ERR_CERT_NUL, "");
    expect_finding(ERR_CERT_NUL);
}

static void test_rows_23_to_27_the_servers_certificate(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct pair other = health_ca("Another CA");
    struct strbuf pem = STRBUF_INIT;
    char *path;

    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = "/nonexistent"});
    assert_int_equal(tried(DOCTOR_VERIFY_CA)->code, ERR_ROOT_MISSING); /* 23 */
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    path = write_text(box, "garbage.crt", "nothing\n", 8, 0644); /* 24: also breaks "require" */
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = path});
    expect(ERR_ROOT_FORMAT, "");
    free(path);
    fixture_pem(&pem, other.cert); /* 25 */
    path = write_text(box, "other.crt", pem.data, pem.len, 0644);
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = path});
    expect(ERR_SERVER_NOT_VERIFIED, "Test CA");
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_SERVER_NOT_VERIFIED);
    {
        struct pair leaf = health_leaf(&other, PROFILE_CLIENT, "alice");
        struct files files = write_pair(box, "mixed", &leaf, NULL);

        ask(box, &(struct ask){.cert = files.cert, .key = files.key, .root = path});
        expect(ERR_SERVER_NOT_VERIFIED, "the CA of the client's certificate");
        files_clear(&files);
        pair_clear(&leaf);
    }
    free(path);
    ask(box, &(struct ask){.cert = kit->certificate, /* 26 */
                           .key = kit->key,
                           .root = kit->root,
                           .params = "host=db.example hostaddr=127.0.0.1"});
    expect_in(DOCTOR_VERIFY_CA, true, ERR_NONE);
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_HOST_DIFFERS);
    assert_non_null(strstr(tried(DOCTOR_VERIFY_FULL)->cause, "localhost"));
    ask(box, &(struct ask){.cert = kit->certificate, /* 27 */
                           .key = kit->key,
                           .root = kit->root,
                           .params = "host='' hostaddr=127.0.0.1"});
    expect_in(DOCTOR_VERIFY_CA, true, ERR_NONE);
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_HOST_DIFFERS);
    assert_non_null(strstr(tried(DOCTOR_VERIFY_FULL)->cause, "no host"));
    pair_clear(&other);
    strbuf_clear(&pem);
}

static void test_row_28_no_tls(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl", "off");
    health_expect(box, FINDING_ERROR, ERR_SSL_OFF, NULL);
    ask(box, &(struct ask){.cert = box->alice.certificate, .key = box->alice.key});
    expect(ERR_SSL_OFF, "");
    health_set(box, "ssl", "on");
    health_expect_well(box);
}

static void test_row_29_versions(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_min_protocol_version", "TLSv1.3");
    ask(box, &(struct ask){.cert = box->alice.certificate,
                           .key = box->alice.key,
                           .params = "ssl_max_protocol_version=TLSv1.2"});
    expect(ERR_TLS_VERSIONS, "");
    health_reset(box, "ssl_min_protocol_version");
    health_expect_well(box);
}

static void test_row_31_ed25519_and_scram(void **state)
{
    struct health_box *box = *state;
    char *key_file = plan_box_value(&box->plan, "ssl_key_file");
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");
    struct strbuf text = STRBUF_INIT;
    char *path;

    openssl(box, "openssl req -x509 -newkey ed25519 -nodes -days 9 -subj '/CN=Ed CA' -keyout e.key"
                 " -out e.crt && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                 " -nodes -subj /CN=127.0.0.1 -keyout es.key -out es.csr"
                 " && openssl x509 -req -in es.csr -CA e.crt -CAkey e.key -set_serial 13 -days 9"
                 " -out es.crt");
    path = mem_printf("%s/es.key", demo_store(box->plan.demo));
    health_read(box, path, &text);
    health_write(box, "es.key", text.data, text.len, 0600);
    free(path);
    path = mem_printf("%s/es.crt", demo_store(box->plan.demo));
    health_read(box, path, &text);
    health_write(box, "es.crt", text.data, text.len, 0644);
    free(path);
    health_set(box, "ssl_key_file", "es.key");
    health_set(box, "ssl_cert_file", "es.crt");
    health_expect(box, FINDING_ERROR, ERR_SCRAM_EDDSA, NULL);
    ask(box, &(struct ask){.user = "bob", .password = demo_password(box->plan.demo, "bob")});
    expect(ERR_SCRAM_EDDSA, "");
    ask(box, &(struct ask){.user = "bob",
                           .password = demo_password(box->plan.demo, "bob"),
                           .params = "channel_binding=disable"});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    health_set(box, "ssl_key_file", key_file);
    health_set(box, "ssl_cert_file", cert_file);
    health_expect_well(box);
    strbuf_clear(&text);
    free(key_file);
    free(cert_file);
}

static void test_row_34_an_old_libpq(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;

    if (!doctor_old_libpq("host=x sslcertmode=require", &err)) { /* set where libpq is older */
        if (err.code != ERR_NONE)
            assert_int_equal(err.code, ERR_LIBPQ_OLD);
    }
    err.code = ERR_NONE;
    assert_false(doctor_old_libpq("host=x ssl_min_protocol_version=TLSv1.2", &err));
    assert_int_equal(err.code, ERR_NONE);
    (void)box;
}

static void test_a_socket_and_nobody_there(void **state)
{
    struct health_box *box = *state;
    char *socket = mem_printf("host=%s user=admin dbname=postgres", demo_socket(box->plan.demo));

    ask(box, &(struct ask){.params = socket});
    expect_in(DOCTOR_REQUIRE, false, ERR_NONE); /* no TLS on a socket, and nothing is wrong */
    assert_true(doctor_is_well(&doctor));
    free(socket);
    ask(box, &(struct ask){.params = "port=1"});
    expect(ERR_NO_CONNECTION, "");
    expect_finding(ERR_NO_CONNECTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_row_1_no_certificate_is_sent),
        cmocka_unit_test(test_row_2_unknown_ca),
        cmocka_unit_test(test_row_2_an_intermediate_is_missing),
        cmocka_unit_test(test_row_3_revoked),
        cmocka_unit_test(test_rows_4_and_5_dates),
        cmocka_unit_test(test_row_6_a_servers_certificate),
        cmocka_unit_test(test_row_7_two_cas_of_one_name),
        cmocka_unit_test(test_row_9_a_ca_that_may_not_sign_lists),
        cmocka_unit_test(test_row_10_no_name_and_maps),
        cmocka_unit_test(test_rows_10_11_15_names_and_roles),
        cmocka_unit_test(test_a_password_is_needed_or_wrong),
        cmocka_unit_test(test_row_12_no_ca_on_the_server),
        cmocka_unit_test(test_rows_13_and_14_rules),
        cmocka_unit_test(test_rows_16_to_21_files),
        cmocka_unit_test(test_rows_22_and_30_weak_and_odd),
        cmocka_unit_test(test_rows_23_to_27_the_servers_certificate),
        cmocka_unit_test(test_row_28_no_tls),
        cmocka_unit_test(test_row_29_versions),
        cmocka_unit_test(test_row_31_ed25519_and_scram),
        cmocka_unit_test(test_row_34_an_old_libpq),
        cmocka_unit_test(test_a_socket_and_nobody_there),
        cmocka_unit_test(test_row_8_curves), /* the last: its certificate is a finding */
    };
    int failed;

    if (!need_pg())
        return 0;
    setenv("HOME", "/nonexistent", 1); /* nothing of the user's own slips in */
    failed = cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
    doctor_clear(&doctor);
    return failed;
}
