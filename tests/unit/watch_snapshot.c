/* watch_snapshot.c - one poll judged, counted, and written as JSON and CSV. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/watch/snapshot.h"
#include "tests/harness/store_box.h"

#define N 5

struct lab {
    struct box box;
    struct authority *authority;
    struct key *key;
    struct issued *alice;
    char serial[SERIAL_DECIMAL_MAX];
    struct session rows[N];
    struct sessions sessions;
    struct session_book *book;
    unsigned findings[N];
    struct snapshot snapshot;
    struct snapshot_totals totals;
};

static struct session session_of(int pid, enum session_class class, const char *role)
{
    return (struct session){.pid = pid,
                            .class = class,
                            .database = "app",
                            .role = role,
                            .application = "=cmd|' /C calc'!A0",
                            .address = "10.0.0.1",
                            .backend_type = "client backend",
                            .state = "idle",
                            .backend_start = 1795290000,
                            .backend_start_text = "x",
                            .version = "",
                            .cipher = "",
                            .client_dn = "",
                            .issuer_dn = "",
                            .issuer_dn_raw = "",
                            .client_serial = ""};
}

static void lab_open(struct lab *lab)
{
    struct session_lookup *lookup;
    struct err err = ERR_INIT;

    memset(lab, 0, sizeof(*lab));
    box_open(&lab->box);
    lab->authority = box_authority(&lab->box, "Acme", &lab->key);
    lab->alice = box_issue(&lab->box, lab->authority, lab->key, "alice", 90);
    lab->rows[0] = session_of(10, SESSION_TLS_CERT, "alice");
    lab->rows[0].version = "TLSv1.3";
    lab->rows[0].cipher = "TLS_AES_256_GCM_SHA384";
    lab->rows[0].bits = 256;
    lab->rows[0].client_dn = "/CN=alice";
    lab->rows[0].issuer_dn = lab->rows[0].issuer_dn_raw = "/CN=Acme";
    lab->rows[0].client_serial = serial_format_decimal(lab->serial, &lab->alice->serial);
    lab->rows[0].workers = 2;
    lab->rows[1] = session_of(11, SESSION_CLEAR, "legacy");
    lab->rows[2] = session_of(12, SESSION_HIDDEN, "secretive");
    lab->rows[3] = session_of(13, SESSION_SOCKET, "rdsadmin");
    lab->rows[4] = session_of(14, SESSION_TLS, "web");
    lab->rows[4].version = "TLSv1.2";
    lab->sessions = (struct sessions){
        .rows = lab->rows, .n = N, .hidden = 1, .taken_at = BOX_NOW, .query_ms = 3};
    lab->book = session_book_new();
    lookup = session_book_wanted(lab->book, &lab->sessions, lab->box.store_folder);
    BOX_OK(session_lookup_run(lookup, NULL, NULL, &err));
    session_book_take(lab->book, lookup);
    lab->snapshot = (struct snapshot){.server = "db1",
                                      .managed = true,
                                      .sessions = &lab->sessions,
                                      .book = lab->book,
                                      .findings = lab->findings,
                                      .now = BOX_NOW};
    snapshot_judge(&lab->snapshot, lab->findings, &lab->totals);
}

static void lab_close(struct lab *lab)
{
    session_book_free(lab->book);
    issued_free(lab->alice);
    authority_free(lab->authority);
    key_free(lab->key);
    box_close(&lab->box);
}

static void totals_tell_the_truth(void **state)
{
    struct lab lab;

    (void)state;
    lab_open(&lab);
    assert_int_equal(lab.totals.all, 5);
    assert_int_equal(lab.totals.tls, 2);
    assert_int_equal(lab.totals.tls13, 1);
    assert_int_equal(lab.totals.tls12, 1);
    assert_int_equal(lab.totals.with_certificate, 1);
    assert_int_equal(lab.totals.clear, 1); /* neither the hidden one nor the socket */
    assert_int_equal(lab.totals.hidden, 1);
    assert_int_equal(lab.totals.socket, 1);
    assert_int_equal(lab.totals.workers, 2);
    assert_int_equal(lab.totals.need_look, 1);
    assert_int_equal(snapshot_with(&lab.totals, FINDING_SYSTEM), 1);
    assert_int_equal(snapshot_with(&lab.totals, FINDING_NO_TLS), 1);
    assert_int_equal(snapshot_with(&lab.totals, FINDING_REVOKED), 0);

    /* On a server of one's own "rdsadmin" is a role like any other. */
    lab.snapshot.managed = false;
    memset(&lab.totals, 0, sizeof(lab.totals));
    snapshot_judge(&lab.snapshot, lab.findings, &lab.totals);
    assert_int_equal(snapshot_with(&lab.totals, FINDING_SYSTEM), 0);
    lab_close(&lab);
}

static bool second_only(const void *arg, size_t row)
{
    (void)arg;
    return row == 1;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void json_is_as_promised(void **state)
{
    struct lab lab;
    struct strbuf text = STRBUF_INIT;
    char hex[SERIAL_HEX_MAX];
    json_t *json, *row, *certificate;

    (void)state;
    lab_open(&lab);
    snapshot_json_text(&lab.snapshot, NULL, NULL, &text);
    json = json_loads(text.data, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "v")), 1);
    assert_string_equal(text_of(json, "server"), "db1");
    assert_string_equal(text_of(json, "taken_at"), "2026-11-21T21:55:42Z");
    assert_int_equal(json_integer_value(json_object_get(json, "hidden")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 5);
    row = json_array_get(json_object_get(json, "sessions"), 0);
    assert_true(json_is_true(json_object_get(row, "ssl")));
    certificate = json_object_get(row, "certificate");
    assert_string_equal(text_of(certificate, "serial"), serial_format_hex(hex, &lab.alice->serial));
    assert_string_equal(text_of(certificate, "ca"), "Acme");
    assert_string_equal(text_of(certificate, "state"), "valid");
    row = json_array_get(json_object_get(json, "sessions"), 1);
    assert_true(json_is_false(json_object_get(row, "ssl")));
    assert_true(json_is_null(json_object_get(row, "certificate")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "findings"), 0)),
                        "no-tls");
    row = json_array_get(json_object_get(json, "sessions"), 2);
    assert_true(json_is_null(json_object_get(row, "ssl"))); /* hidden is not "false" */
    json_decref(json);

    json = snapshot_json(&lab.snapshot, second_only, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "totals"), "all")),
                     5); /* of all, whoever is listed */
    json_decref(json);
    strbuf_clear(&text);
    lab_close(&lab);
}

static void csv_is_safe_to_open(void **state)
{
    struct lab lab;
    struct strbuf text = STRBUF_INIT;
    size_t commas = 0;

    (void)state;
    lab_open(&lab);
    snapshot_csv_header(&text);
    for (const char *at = text.data; *at; at++)
        commas += *at == ',';
    assert_int_equal(commas, 20);
    strbuf_reset(&text);
    snapshot_csv(&lab.snapshot, second_only, NULL, &text);
    assert_true(text_starts_with(text.data, "db1,2026-11-21T21:55:42Z,11,clear,app,legacy,"));
    assert_non_null(strstr(text.data, ",\"'=cmd|' /C calc'!A0\",")); /* no formula */
    assert_string_equal(text.data + text.len - 9, ",no-tls\r\n");
    strbuf_clear(&text);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_tell_the_truth),
        cmocka_unit_test(json_is_as_promised),
        cmocka_unit_test(csv_is_safe_to_open),
    };

    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
