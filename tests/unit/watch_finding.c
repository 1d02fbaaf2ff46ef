/* watch_finding.c - findings of sessions, one by one; and which one a row shows. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/watch/finding.h"

#define NOW INT64_C(1795298142)

static struct session session_of(enum session_class class, const char *role, const char *version)
{
    return (struct session){.pid = 1,
                            .class = class,
                            .database = "app",
                            .role = role,
                            .application = "",
                            .address = "10.0.0.1",
                            .backend_type = "client backend",
                            .state = "idle",
                            .backend_start_text = "x",
                            .version = version,
                            .cipher = version[0] ? "TLS_AES_256_GCM_SHA384" : "",
                            .client_dn = "",
                            .issuer_dn = "",
                            .issuer_dn_raw = "",
                            .client_serial = ""};
}

static void each_class_has_its_finding(void **state)
{
    struct session session;

    (void)state;
    session = session_of(SESSION_CLEAR, "a", "");
    assert_int_equal(finding_of(&session, NULL, NOW), FINDING_NO_TLS);
    session = session_of(SESSION_TLS, "a", "TLSv1.3");
    assert_int_equal(finding_of(&session, NULL, NOW), FINDING_NO_CERTIFICATE);
    session = session_of(SESSION_TLS_CERT, "a", "TLSv1.3");
    assert_int_equal(finding_of(&session, NULL, NOW), 0); /* not looked up yet: nothing is said */
    session = session_of(SESSION_GSS, "a", "");
    assert_int_equal(finding_of(&session, NULL, NOW), 0);
    session = session_of(SESSION_SOCKET, "a", "");
    session.before_reload = true;
    assert_int_equal(finding_of(&session, NULL, NOW), 0);
    session = session_of(SESSION_HIDDEN, "a", "");
    assert_int_equal(finding_of(&session, NULL, NOW), 0); /* hidden is never "no TLS" */
    session = session_of(SESSION_CLEAR, "a", "");
    session.before_reload = true;
    assert_int_equal(finding_of(&session, NULL, NOW), FINDING_NO_TLS | FINDING_BEFORE_RELOAD);
}

static void certificates_are_judged(void **state)
{
    char alice[] = "alice", root[] = "Acme", newer[] = "Acme G2";
    struct session session = session_of(SESSION_TLS_CERT, "alice", "TLSv1.3");
    struct session_certificate good = {.known = true,
                                       .our_issuer = true,
                                       .role = alice,
                                       .authority = root,
                                       .kind = ISSUED_CLIENT,
                                       .not_after = NOW + 365 * CLOCK_DAY};
    struct session_certificate one = good;

    (void)state;
    assert_int_equal(finding_of(&session, &good, NOW), 0);
    one.not_after = NOW + 30 * CLOCK_DAY - 1;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_SOON);
    one.not_after = NOW + 30 * CLOCK_DAY;
    assert_int_equal(finding_of(&session, &one, NOW), 0);
    one.not_after = NOW;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_ENDED);
    one = good;
    one.revoked_at = NOW - 5;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_REVOKED);
    one = good;
    one.ca_retired = true;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_OLD_CA);
    one = good;
    one.newer_ca = newer;
    one.superseded = true;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_OLD_CA | FINDING_SUPERSEDED);
    one = good;
    one.kind = ISSUED_SERVER;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_OTHER_ROLE);
    session.role = "bob";
    assert_int_equal(finding_of(&session, &good, NOW), FINDING_OTHER_ROLE);
    one = (struct session_certificate){.known = false};
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_UNKNOWN_CA);
    one.our_issuer = true;
    assert_int_equal(finding_of(&session, &one, NOW), FINDING_NOT_ISSUED);
}

static void versions_and_ciphers(void **state)
{
    struct session session = session_of(SESSION_TLS, "a", "TLSv1.1");

    (void)state;
    assert_int_equal(finding_of(&session, NULL, NOW), FINDING_NO_CERTIFICATE | FINDING_OLD_TLS);
    assert_true(finding_is_old_tls("SSLv3"));
    assert_true(finding_is_old_tls("TLSv1"));
    assert_false(finding_is_old_tls("TLSv1.2"));
    assert_false(finding_is_old_tls(""));
    assert_false(finding_is_weak_cipher("TLSv1.3", "TLS_AES_128_GCM_SHA256", 128));
    assert_false(finding_is_weak_cipher("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", 256));
    assert_false(finding_is_weak_cipher("TLSv1.2", "DHE-RSA-AES128-GCM-SHA256", 128));
    assert_false(finding_is_weak_cipher("", "", 0));
    assert_true(finding_is_weak_cipher("TLSv1.2", "AES256-GCM-SHA384", 256)); /* no fresh key */
    assert_true(finding_is_weak_cipher("TLSv1.2", "ECDHE-RSA-DES-CBC3-SHA", 112));
    assert_true(finding_is_weak_cipher("TLSv1.2", "ECDHE-RSA-RC4-SHA", 128));
    assert_true(finding_is_weak_cipher("TLSv1.2", "ADH-AES256-GCM-SHA384", 256));
    assert_true(finding_is_weak_cipher("TLSv1.3", "TLS_SOMETHING", 40));
}

static void the_worst_one_is_shown(void **state)
{
    struct strbuf names = STRBUF_INIT;
    size_t n;

    (void)state;
    assert_null(finding_worst(0));
    assert_int_equal(finding_worst(FINDING_NO_CERTIFICATE | FINDING_OLD_TLS)->finding,
                     FINDING_OLD_TLS);
    assert_int_equal(finding_worst(FINDING_SOON | FINDING_REVOKED)->finding, FINDING_REVOKED);
    assert_false(finding_needs_look(0));
    assert_false(finding_needs_look(FINDING_NO_CERTIFICATE | FINDING_BEFORE_RELOAD));
    assert_true(finding_needs_look(FINDING_BEFORE_RELOAD | FINDING_NO_TLS));
    assert_int_equal(finding_weight(FINDING_NO_TLS | FINDING_REVOKED), FINDING_WEIGHT_ACT);
    finding_names(FINDING_NO_TLS | FINDING_OLD_CA, ",", &names);
    assert_string_equal(names.data, "no-tls,old-ca");
    strbuf_clear(&names);

    /* Every name leads back to its finding, and no two are the same. */
    for (size_t i = 0; i < (finding_table(&n), n); i++)
        assert_int_equal(finding_by_name(finding_table(&n)[i].name), finding_table(&n)[i].finding);
    assert_int_equal(finding_by_name("nonsense"), 0);
}

static void poolers_are_told_from_web_servers(void **state)
{
    struct session rows[8];
    struct sessions sessions = {.rows = rows, .n = 8};
    unsigned findings[8] = {0};

    (void)state;
    for (size_t i = 0; i < 8; i++)
        rows[i] = session_of(SESSION_CLEAR, i % 2 ? "web" : "report", "");
    rows[0].address = rows[1].address = rows[2].address = "10.0.0.9"; /* one address, two roles */
    rows[3].address = rows[4].address = rows[5].address = "10.0.0.10";
    for (size_t i = 3; i < 6; i++) { /* each with a certificate of its own */
        rows[i].class = SESSION_TLS_CERT;
        rows[i].client_serial = i == 3 ? "1" : i == 4 ? "2" : "3";
    }
    rows[6].application = "web - 10.0.0.5:51234";
    rows[7].application = "ratio - 5:3 and more";
    finding_poolers(&sessions, findings);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(findings[i], i < 3 || i == 6 ? FINDING_POOLER : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_its_finding),
        cmocka_unit_test(certificates_are_judged),
        cmocka_unit_test(versions_and_ciphers),
        cmocka_unit_test(the_worst_one_is_shown),
        cmocka_unit_test(poolers_are_told_from_web_servers),
    };

    return cmocka_run_group_tests_name("finding", tests, NULL, NULL);
}
