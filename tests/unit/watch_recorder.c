/* watch_recorder.c - which sessions of a snapshot become sightings. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/watch/recorder.h"
#include "tests/harness/store_box.h"

static struct session session_of(int pid, int64_t start_us, const char *role)
{
    return (struct session){.pid = pid,
                            .class = SESSION_CLEAR,
                            .database = "app",
                            .role = role,
                            .application = "web",
                            .address = "10.0.0.1",
                            .backend_start = start_us / 1000000,
                            .start_us = start_us,
                            .backend_type = "client backend",
                            .version = "",
                            .client_dn = "",
                            .issuer_dn = "",
                            .issuer_dn_raw = "",
                            .client_serial = ""};
}

static void write_down(struct recorder *recorder, struct box *box, struct sighting_list *ret)
{
    struct record_batch *batch = recorder_take(recorder, clock_mono_ms());
    struct sightings *sightings;
    struct err err = ERR_INIT;

    if (batch != NULL)
        BOX_OK(record_batch_write(batch, box->store_folder, &err));
    record_batch_free(batch);
    sightings = sightings_open(box->store_folder, false, &err);
    if (sightings == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sightings_list(sightings, &(struct sighting_filter){0}, ret, &err));
    sightings_close(sightings);
}

static void new_sessions_are_noted_once(void **state)
{
    struct session_book *book = session_book_new();
    struct recorder *recorder = recorder_new("db1");
    struct session rows[5];
    struct sessions sessions = {.rows = rows, .n = 2, .taken_at = 1000};
    struct sighting_list seen;
    struct box box;

    (void)state;
    box_open(&box);
    /* Two that began in the same second, the later one with the lower pid. */
    rows[0] = session_of(20, INT64_C(900000001), "alice");
    rows[1] = session_of(10, INT64_C(900000002), "bob");
    recorder_add(recorder, &sessions, book);
    assert_true(recorder_is_due(recorder, clock_mono_ms())); /* the first time: at once */
    write_down(recorder, &box, &seen);
    assert_int_equal(seen.n, 2);
    assert_string_equal(seen.rows[0].key.server, "db1");
    assert_string_equal(seen.rows[0].key.class, "clear");
    sighting_list_clear(&seen);

    sessions.taken_at = 1002;
    recorder_add(recorder, &sessions, book);
    assert_false(recorder_is_due(recorder, clock_mono_ms() + 10000)); /* nobody new */
    assert_true(recorder_is_due(recorder, clock_mono_ms() + SIGHTING_EXACT_SECONDS * 1000));

    /* what could not be written is noted again */
    recorder_lost(recorder);
    sessions.taken_at = 1003;
    recorder_add(recorder, &sessions, book);
    write_down(recorder, &box, &seen);
    assert_int_equal(seen.rows[0].last_seen, 1003);
    assert_int_equal(seen.rows[0].count, 1);
    sighting_list_clear(&seen);

    sessions.n = 5;
    sessions.taken_at = 1004;
    rows[2] = session_of(30, INT64_C(1003000000), "carol");
    rows[3] = session_of(31, INT64_C(1003000001), "panel");
    rows[3].own = true;
    rows[4] = session_of(32, 0, "hidden");
    rows[4].class = SESSION_HIDDEN;
    recorder_add(recorder, &sessions, book);
    assert_false(recorder_is_due(recorder, clock_mono_ms()));
    assert_true(recorder_is_due(recorder, clock_mono_ms() + 10000));
    write_down(recorder, &box, &seen);
    assert_int_equal(seen.n, 3);
    assert_string_equal(seen.rows[0].key.role, "carol");
    assert_int_equal(seen.rows[0].count, 1);
    assert_int_equal(seen.rows[0].first_seen, 1004);
    sighting_list_clear(&seen);
    recorder_free(recorder);
    session_book_free(book);
    box_close(&box);
}

static void serials_are_hex_and_the_authority_is_named(void **state)
{
    struct session_book *book = session_book_new();
    struct recorder *recorder = recorder_new("db1");
    struct session row = session_of(1, 1000000, "alice");
    struct sessions sessions = {.rows = &row, .n = 1, .taken_at = 5};
    struct session_lookup *lookup;
    struct err err = ERR_INIT;
    char decimal[SERIAL_DECIMAL_MAX], hex[SERIAL_HEX_MAX];
    struct sighting_list seen;
    struct authority *authority;
    struct issued *issued;
    struct key *key;
    struct box box;

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    issued = box_issue(&box, authority, key, "alice", 30);
    row.class = SESSION_TLS_CERT;
    row.issuer_dn = row.issuer_dn_raw = "/CN=Acme";
    row.client_serial = serial_format_decimal(decimal, &issued->serial);
    lookup = session_book_wanted(book, &sessions, box.store_folder);
    BOX_OK(session_lookup_run(lookup, NULL, NULL, &err));
    session_book_take(book, lookup);
    recorder_add(recorder, &sessions, book);
    write_down(recorder, &box, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].key.serial, serial_format_hex(hex, &issued->serial));
    assert_string_equal(seen.rows[0].key.issuer, "/CN=Acme");
    assert_string_equal(seen.rows[0].authority, "Acme");
    sighting_list_clear(&seen);
    issued_free(issued);
    authority_free(authority);
    key_free(key);
    recorder_free(recorder);
    session_book_free(book);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_sessions_are_noted_once),
        cmocka_unit_test(serials_are_hex_and_the_authority_is_named),
    };

    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
