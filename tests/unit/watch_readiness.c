/* watch_readiness.c - who would be refused, of those who are here and those who were. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/watch/readiness.h"

static struct session live(enum session_class class, const char *role, const char *version)
{
    return (struct session){.pid = 1,
                            .class = class,
                            .database = "app",
                            .role = role,
                            .application = "",
                            .address = class == SESSION_SOCKET ? "" : "10.0.0.1",
                            .version = version,
                            .issuer_dn = class == SESSION_TLS_CERT ? "/CN=Partner" : "",
                            .issuer_dn_raw = "",
                            .client_serial = ""};
}

static struct sighting seen(const char *class, const char *role, const char *version, char *ca)
{
    return (struct sighting){.key = {.server = "db1",
                                     .role = role,
                                     .database = "app",
                                     .address = "10.0.0.1",
                                     .class = class,
                                     .version = version,
                                     .issuer = "",
                                     .serial = "",
                                     .application = ""},
                             .authority = ca,
                             .first_seen = 10,
                             .last_seen = 20,
                             .count = 7};
}

static void counts(const struct readiness *readiness, enum readiness_case what, const char *ca,
                   size_t here, size_t before)
{
    struct readiness_count count = readiness_count(readiness, what, ca);

    assert_int_equal(count.live, here);
    assert_int_equal(count.seen, before);
}

static void each_case_finds_its_clients(void **state)
{
    char none[] = "", acme[] = "Acme", next[] = "Acme G2";
    struct session rows[] = {
        live(SESSION_CLEAR, "legacy", ""),          live(SESSION_TLS, "web", "TLSv1.2"),
        live(SESSION_TLS, "web", "TLSv1.2"), /* the same client twice */
        live(SESSION_SOCKET, "postgres", ""),       live(SESSION_HIDDEN, "x", ""),
        live(SESSION_GSS, "kerberos", ""),          live(SESSION_TLS, "panel", "TLSv1.3"),
        live(SESSION_TLS_CERT, "guest", "TLSv1.3"), /* of a CA that is not in the store */
    };
    struct sighting before[] = {
        seen("clear", "legacy", "", none), /* is here now as well */
        seen("tls", "nightly", "TLSv1.1", none),  seen("tls-cert", "alice", "TLSv1.3", acme),
        seen("tls-cert", "bob", "TLSv1.3", next), seen("tls-cert", "partner", "TLSv1.3", none),
    };
    struct sessions sessions = {.rows = rows, .n = 8, .taken_at = 30};
    struct sighting_list list = {.rows = before, .n = 5};
    struct session_book *book = session_book_new();
    struct readiness readiness = {0};
    const char **cas;
    size_t n;

    (void)state;
    rows[6].own = true;
    before[4].key.issuer = "/CN=Partner";
    readiness_add_live(&readiness, "db1", &sessions, book);
    readiness_add_sightings(&readiness, &list);
    readiness_settle(&readiness);
    assert_int_equal(readiness.hidden, 1);
    /* legacy web socket gss guest; nightly alice bob partner */
    assert_int_equal(readiness.n, 9);
    counts(&readiness, READINESS_TLS, NULL, 2, 0);         /* legacy, and GSS */
    counts(&readiness, READINESS_TLS_1_2, NULL, 0, 1);     /* nightly */
    counts(&readiness, READINESS_TLS_1_3, NULL, 1, 1);     /* web, nightly */
    counts(&readiness, READINESS_CERTIFICATE, NULL, 3, 1); /* never the socket */
    counts(&readiness, READINESS_CA, "acme", 0, 1);
    counts(&readiness, READINESS_CA, "Acme G2", 0, 1);
    counts(&readiness, READINESS_CA, "/CN=Partner", 1, 1);
    counts(&readiness, READINESS_CA, NULL, 0, 0);
    assert_true(readiness.clients[0].live); /* those who are here come first */
    assert_false(readiness.clients[8].live);
    for (size_t i = 0; i < readiness.n; i++) {
        if (strcmp(readiness.clients[i].role, "web") == 0)
            assert_int_equal(readiness.clients[i].sessions, 2);
        if (strcmp(readiness.clients[i].role, "legacy") == 0) {
            assert_int_equal(readiness.clients[i].sessions, 7); /* the record knows more */
            assert_int_equal(readiness.clients[i].last_seen, 30);
        }
    }
    cas = readiness_authorities(&readiness, &n);
    assert_int_equal(n, 3);
    assert_string_equal(cas[0], "/CN=Partner");
    assert_string_equal(cas[1], "Acme");
    assert_string_equal(cas[2], "Acme G2");
    free(cas);
    readiness_clear(&readiness);
    session_book_free(book);
}

static void nobody_is_refused_nowhere(void **state)
{
    struct readiness readiness = {0};
    size_t n = 1;
    const char **cas;

    (void)state;
    readiness_settle(&readiness);
    for (enum readiness_case what = READINESS_TLS; what < READINESS_CASES; what++) {
        counts(&readiness, what, "Acme", 0, 0);
        assert_true(readiness_name(what)[0] != '\0' && readiness_text(what)[0] != '\0');
    }
    cas = readiness_authorities(&readiness, &n);
    assert_int_equal(n, 0);
    free(cas);
    readiness_clear(&readiness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_finds_its_clients),
        cmocka_unit_test(nobody_is_refused_nowhere),
    };

    return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
