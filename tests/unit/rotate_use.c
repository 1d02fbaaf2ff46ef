/* rotate_use.c - who uses certificates of a CA, since when nobody does, and whether somebody looked. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/rotate/rotate.h"
#include "core/rotate/use.h"
#include "core/store/foreign.h"
#include "core/store/rotation.h"
#include "core/watch/recorder.h"
#include "tests/harness/store_box.h"

#define HOUR  INT64_C(3600)
#define DAY   (24 * HOUR)
#define START (BOX_NOW - 10 * DAY)

struct stage {
    struct box box;
    struct server_list servers; /* db1, db2 */
    struct authority *old_ca, *new_ca;
    struct key *old_key, *new_key;
    struct sightings *seen;
};

static int setup(void **state)
{
    static struct stage stage;
    struct err err = ERR_INIT;

    memset(&stage, 0, sizeof(stage));
    box_open(&stage.box);
    stage.old_ca = box_authority(&stage.box, "Old", &stage.old_key);
    stage.new_ca = box_authority(&stage.box, "New", &stage.new_key);
    for (int i = 0; i < 2; i++) {
        struct server server = {.name = i == 0 ? (char[]){"db1"} : (char[]){"db2"},
                                .conninfo = (char[]){"host=/nowhere"},
                                .tls_host = (char[]){""},
                                .provider = (char[]){"self-managed"},
                                .system_identifier = (char[]){""},
                                .cluster = (char[]){""}};

        BOX_OK(server_add(stage.box.store, &server, &err));
    }
    BOX_OK(server_list(stage.box.store, &stage.servers, &err));
    stage.seen = sightings_open(stage.box.store_folder, true, &err);
    assert_non_null(stage.seen);
    *state = &stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;

    sightings_close(stage->seen);
    server_list_clear(&stage->servers);
    authority_free(stage->old_ca);
    authority_free(stage->new_ca);
    key_free(stage->old_key);
    key_free(stage->new_key);
    box_close(&stage->box);
    return 0;
}

/* ---- what a recorder would have written ---- */

static void saw(struct stage *stage, const char *server, const char *role,
                const struct issued *issued, int64_t at, bool full)
{
    struct err err = ERR_INIT;
    char hex[SERIAL_HEX_MAX];
    char *issuer = use_issuer(issued->authority_id == stage->old_ca->id ? stage->old_ca->cert
                                                                        : stage->new_ca->cert);
    struct sighting_item item = {.key = {.server = server,
                                         .role = role,
                                         .database = "app",
                                         .address = "10.0.0.1",
                                         .class = "tls-cert",
                                         .version = "TLSv1.3",
                                         .issuer = issuer,
                                         .serial = serial_format_hex(hex, &issued->serial),
                                         .application = "web"},
                                 .authority = issued->authority,
                                 .start = at - 60,
                                 .seen_at = at,
                                 .full = full};

    BOX_OK(sightings_add(stage->seen, &item, 1, &err));
    free(issuer);
}

static void looked(struct stage *stage, const char *server, int64_t from, int64_t until,
                   int64_t gap)
{
    struct err err = ERR_INIT;
    const struct sighting_look look = {
        .server = server, .from = from, .until = until, .longest_gap = gap, .full_at = until};

    BOX_OK(sightings_add_look(stage->seen, &look, &err));
}

static void looked_both(struct stage *stage, int64_t from, int64_t until)
{
    looked(stage, "db1", from, until, 10);
    looked(stage, "db2", from, until, 10);
}

static struct use_quiet quiet_of(struct stage *stage, int64_t since, int64_t needed)
{
    const struct use_of of = {.authority = stage->old_ca};
    struct use_quiet quiet;
    struct err err = ERR_INIT;

    BOX_OK(use_quiet(stage->box.store, &stage->servers, &of, since, needed, &quiet, &err));
    return quiet;
}

static void assert_says(const struct use_quiet *quiet, const char *part)
{
    struct strbuf text = STRBUF_INIT;

    use_quiet_say(quiet, &text);
    if (strstr(text.data, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text.data);
    strbuf_clear(&text);
}

/* ---- watching ---- */

static void near_looks_become_one_period(void **state)
{
    struct stage *stage = *state;
    struct sighting_watch watch;
    struct err err = ERR_INIT;

    looked(stage, "db1", 1000, 2000, 5);
    looked(stage, "db1", 2300, 2300, 0);   /* 300 s later */
    looked(stage, "DB1", 9000, 9500, 7);   /* far away; the same server */
    looked(stage, "db1", 1500, 2600, 400); /* another recorder at the same time */
    BOX_OK(sightings_watch(stage->seen, "db1", 1000, 9600, 3600, &watch, &err));
    assert_int_equal(watch.longest_gap, 6400);
    assert_int_equal(watch.gap_at, 2600);
    assert_int_equal(watch.holds_from, 9000);
    assert_int_equal(watch.last_at, 9500);
    /* with a longer gap allowed it holds from the beginning on */
    BOX_OK(sightings_watch(stage->seen, "db1", 1000, 9600, 7000, &watch, &err));
    assert_int_equal(watch.holds_from, 1000);
    /* what is inside a period may lie anywhere in it */
    BOX_OK(sightings_watch(stage->seen, "db1", 1000, 2600, 300, &watch, &err));
    assert_int_equal(watch.longest_gap, 400);
    assert_int_equal(watch.holds_from, 2600);
    /* nobody looked at db2 */
    BOX_OK(sightings_watch(stage->seen, "db2", 1000, 9600, 3600, &watch, &err));
    assert_int_equal(watch.last_at, 0);
    assert_int_equal(watch.longest_gap, 8600);
    assert_int_equal(watch.holds_from, 9600);
}

static void quiet_is_watched_time_only(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->old_ca, stage->old_key, "alice", 90);
    struct use_quiet quiet;

    /* nobody ever looked */
    quiet = quiet_of(stage, START, 7 * DAY);
    assert_false(quiet.safe);
    assert_int_equal(quiet.safe_at, 0);
    assert_true(quiet.but_gaps);
    assert_says(&quiet, "Nobody ever looked");
    use_quiet_clear(&quiet);

    /* no server, nobody to be refused */
    {
        const struct use_of of = {.authority = stage->old_ca};
        const struct server_list none = {.n = 0};
        struct err err = ERR_INIT;

        BOX_OK(use_quiet(stage->box.store, &none, &of, START, 7 * DAY, &quiet, &err));
        assert_true(quiet.safe);
        assert_says(&quiet, "No server");
        use_quiet_clear(&quiet);
    }

    /* eight days of looks, on one server only */
    looked(stage, "db1", BOX_NOW - 8 * DAY, BOX_NOW - 60, 10);
    quiet = quiet_of(stage, START, 7 * DAY);
    assert_false(quiet.safe);
    assert_string_equal(quiet.worst_server, "db2");
    use_quiet_clear(&quiet);

    /* and on the other one with a gap of five hours, three days ago */
    looked(stage, "db2", BOX_NOW - 8 * DAY, BOX_NOW - 3 * DAY, 10);
    looked(stage, "db2", BOX_NOW - 3 * DAY + 5 * HOUR, BOX_NOW - 60, 10);
    quiet = quiet_of(stage, BOX_NOW - 8 * DAY, 7 * DAY);
    assert_false(quiet.safe);
    assert_true(quiet.but_gaps);
    assert_int_equal(quiet.longest_gap, 5 * HOUR);
    assert_int_equal(quiet.gap_at, BOX_NOW - 3 * DAY);
    assert_int_equal(quiet.quiet_since, BOX_NOW - 3 * DAY + 5 * HOUR);
    assert_int_equal(quiet.safe_at, BOX_NOW + 4 * DAY + 5 * HOUR);
    assert_says(&quiet, "Nobody looked at \"db2\" for 5 hours");
    use_quiet_clear(&quiet);

    /* two days are enough; used three hours ago they are not */
    quiet = quiet_of(stage, BOX_NOW - 8 * DAY, 2 * DAY);
    assert_true(quiet.safe);
    assert_false(quiet.but_gaps);
    assert_says(&quiet, "never seen in use");
    use_quiet_clear(&quiet);
    saw(stage, "db1", "alice", alice, BOX_NOW - 3 * HOUR, false);
    quiet = quiet_of(stage, BOX_NOW - 8 * DAY, 2 * DAY);
    assert_false(quiet.safe);
    assert_false(quiet.but_gaps);
    assert_int_equal(quiet.open, 0); /* db1 was looked at as a whole since */
    assert_int_equal(quiet.last_used, BOX_NOW - 3 * HOUR);
    assert_int_equal(quiet.quiet_since, BOX_NOW - 3 * HOUR);
    assert_says(&quiet, "seen in use last on");
    use_quiet_clear(&quiet);
    issued_free(alice);
}

/* A pool that has held its session for days is no quiet time, whatever was seen since. */
static void an_open_session_is_not_quiet(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->old_ca, stage->old_key, "alice", 90);
    struct use_quiet quiet;

    looked_both(stage, BOX_NOW - 8 * DAY, BOX_NOW - 60);
    saw(stage, "db1", "alice", alice, BOX_NOW - 60, true);
    quiet = quiet_of(stage, START, HOUR);
    assert_int_equal(quiet.open, 1);
    assert_int_equal(quiet.quiet_since, 0);
    assert_false(quiet.safe);
    assert_false(quiet.but_gaps);
    assert_says(&quiet, "1 session uses it still");
    use_quiet_clear(&quiet);
    issued_free(alice);
}

static void hidden_sessions_are_never_safe(void **state)
{
    struct stage *stage = *state;
    struct session row = {.pid = 1,
                          .class = SESSION_HIDDEN,
                          .database = "",
                          .role = "",
                          .application = "",
                          .address = "",
                          .backend_type = "",
                          .version = "",
                          .issuer_dn = "",
                          .issuer_dn_raw = "",
                          .client_serial = ""};
    struct sessions sessions = {.rows = &row, .n = 1, .hidden = 1, .taken_at = BOX_NOW - 5};
    struct session_book *book = session_book_new();
    struct recorder *recorder = recorder_new("db2");
    struct record_batch *batch;
    struct err err = ERR_INIT;
    struct use_quiet quiet;

    looked_both(stage, BOX_NOW - 8 * DAY, BOX_NOW - 60);
    recorder_add(recorder, &sessions, book);
    batch = recorder_take(recorder, 0);
    assert_non_null(batch);
    BOX_OK(record_batch_write(batch, stage->box.store_folder, &err));
    record_batch_free(batch);
    quiet = quiet_of(stage, START, HOUR);
    assert_false(quiet.safe);
    assert_false(quiet.but_gaps);
    assert_int_equal(quiet.hidden, 1);
    assert_string_equal(quiet.hidden_server, "db2");
    assert_says(&quiet, "pg_read_all_stats");
    use_quiet_clear(&quiet);

    /* a look of one that sees all ends that, also where nobody is there */
    sessions = (struct sessions){.rows = &row, .n = 0, .taken_at = BOX_NOW - 2};
    recorder_add(recorder, &sessions, book);
    batch = recorder_take(recorder, 0);
    BOX_OK(record_batch_write(batch, stage->box.store_folder, &err));
    record_batch_free(batch);
    quiet = quiet_of(stage, START, HOUR);
    assert_int_equal(quiet.hidden, 0);
    assert_true(quiet.safe);
    use_quiet_clear(&quiet);
    recorder_free(recorder);
    session_book_free(book);
}

/* A clock that was ahead for one look: what is seen after it is no less open. */
static void a_clock_that_was_ahead_hides_nobody(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->old_ca, stage->old_key, "alice", 90);
    const struct sighting_look hid = {.server = "db1", .hidden_at = BOX_NOW - 20, .hidden = 3};
    struct err err = ERR_INIT;
    struct use_quiet quiet;

    looked(stage, "db1", BOX_NOW + 300 * DAY, BOX_NOW + 300 * DAY, 0);
    saw(stage, "db1", "alice", alice, BOX_NOW - 30, true);
    looked(stage, "db1", BOX_NOW - 30, BOX_NOW - 30, 0);
    quiet = quiet_of(stage, START, HOUR);
    assert_int_equal(quiet.open, 1);
    assert_int_equal(quiet.quiet_since, 0);
    use_quiet_clear(&quiet);

    /* nor is one that hid sessions then the last word for ever */
    BOX_OK(sightings_add_look(
        stage->seen,
        &(struct sighting_look){.server = "db1", .hidden_at = BOX_NOW + 300 * DAY, .hidden = 5},
        &err));
    looked(stage, "db1", BOX_NOW - 25, BOX_NOW - 25, 0);
    quiet = quiet_of(stage, START, HOUR);
    assert_int_equal(quiet.hidden, 0);
    use_quiet_clear(&quiet);
    BOX_OK(sightings_add_look(stage->seen, &hid, &err));
    quiet = quiet_of(stage, START, HOUR);
    assert_int_equal(quiet.hidden, 3);
    use_quiet_clear(&quiet);
    issued_free(alice);
}

/* Days that nobody has looked at yet, written while the clock was ahead, are no watched ones when they
 * come: neither at once nor later. */
static void looks_in_the_future_count_never(void **state)
{
    struct stage *stage = *state;
    struct use_quiet quiet;

    looked_both(stage, START, BOX_NOW - 30);
    quiet = quiet_of(stage, START, 7 * DAY);
    assert_true(quiet.safe);
    use_quiet_clear(&quiet);

    box_set_now(BOX_NOW + 5 * DAY); /* wrong: a timer looks for 8 days by it */
    looked_both(stage, BOX_NOW + 5 * DAY, BOX_NOW + 5 * DAY);
    box_set_now(BOX_NOW + 13 * DAY);
    looked_both(stage, BOX_NOW + 5 * DAY + 60, BOX_NOW + 13 * DAY);

    box_set_now(BOX_NOW + 6 * DAY); /* right again, and nobody has looked in between */
    quiet = quiet_of(stage, BOX_NOW, 7 * DAY);
    assert_int_equal(quiet.looked_at, BOX_NOW - 30);
    assert_false(quiet.safe);
    use_quiet_clear(&quiet);
    box_set_now(BOX_NOW + HOUR); /* or at once */
    looked_both(stage, BOX_NOW + HOUR, BOX_NOW + HOUR);
    box_set_now(BOX_NOW + 13 * DAY);
    quiet = quiet_of(stage, BOX_NOW, 7 * DAY);
    assert_int_equal(quiet.looked_at, BOX_NOW + HOUR);
    assert_int_equal(quiet.longest_gap, 13 * DAY - HOUR);
    assert_false(quiet.safe);
    use_quiet_clear(&quiet);

    /* what goes on into the future is cut where the present is */
    looked_both(stage, BOX_NOW + 13 * DAY - 60, BOX_NOW + 15 * DAY);
    looked_both(stage, BOX_NOW + 13 * DAY, BOX_NOW + 13 * DAY);
    quiet = quiet_of(stage, BOX_NOW + 13 * DAY - 60, 30);
    assert_int_equal(quiet.looked_at, BOX_NOW + 13 * DAY);
    assert_true(quiet.safe);
    use_quiet_clear(&quiet);
}

/* A thousand kinds of sessions are shown; the list of roles has to have all of them. */
static void a_rare_role_is_on_the_list_of_a_server_ca(void **state)
{
    const size_t n = 1200;
    struct stage *stage = *state;
    struct sighting_item *items = mem_array(n, sizeof(*items));
    char(*addresses)[32] = mem_array(n, sizeof(*addresses));
    struct rotation rotation = {.kind = ROTATION_SERVER_CA,
                                .name = (char[]){"db1"},
                                .folder = (char[]){""},
                                .options = (char[]){"{}"},
                                .old_authority_id = stage->old_ca->id,
                                .new_authority_id = stage->new_ca->id,
                                .quiet_seconds = HOUR};
    const struct rotate_request request = {.folder = NULL};
    struct rotate_status status;
    struct err err = ERR_INIT;

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(addresses[i], sizeof(addresses[i]), "10.0.%zu.%zu", i / 250, i % 250);
        items[i] = (struct sighting_item){.key = {.server = "db1",
                                                  .role = i == 0 ? "nightly" : "web",
                                                  .database = "app",
                                                  .address = addresses[i],
                                                  .class = session_class_name(SESSION_TLS),
                                                  .version = "TLSv1.3",
                                                  .issuer = "",
                                                  .serial = "",
                                                  .application = ""},
                                          .authority = "",
                                          .start = BOX_NOW - HOUR,
                                          .seen_at = BOX_NOW - (i == 0 ? DAY : 60)};
    }
    BOX_OK(sightings_add(stage->seen, items, n, &err));
    BOX_OK(rotation_add(stage->box.store, &rotation, &err));
    BOX_OK(rotate_look(stage->box.store, &rotation, &request, false, &status, &err));
    assert_int_equal(status.items.total, 2); /* "web", and "nightly" */
    assert_int_equal(status.left.total, n);
    rotate_status_clear(&status);
    free(items);
    free(addresses);
}

/* Sessions show an intermediate's name, never its root's: such a root would look unused. */
static void a_root_with_an_intermediate_is_not_rotated(void **state)
{
    const char *const db1[] = {"db1"};
    const struct rotate_start start = {
        .kind = ROTATION_CLIENT_CA, .name = "Old", .servers = db1, .n_servers = 1};
    struct stage *stage = *state;
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct name *subject = name_new_common_name("Old issuing", &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = subject,
                                   .key = key,
                                   .not_before = BOX_NOW - DAY,
                                   .not_after = BOX_NOW + 100 * DAY};
    struct rotation *rotation;
    struct cert *below;

    BOX_OK(key && subject && serial_random(&request.serial, &err));
    below = cert_sign(&request, stage->old_ca->cert, stage->old_key, &err);
    assert_non_null(below);
    BOX_OK(foreign_note(stage->box.store, 0, below, &err)); /* no server trusts it */
    rotation = rotate_start(stage->box.store, &start, &err);
    assert_non_null(rotation);
    rotation->given_up = true;
    rotation->ended_at = BOX_NOW;
    BOX_OK(rotation_save(stage->box.store, rotation, "given up", &err));
    rotation_free(rotation);

    BOX_OK(foreign_note(stage->box.store, stage->servers.rows[0]->id, below, &err));
    assert_null(rotate_start(stage->box.store, &start, &err));
    assert_non_null(strstr(err.msg, "Old issuing"));
    box_assert_err(&err, ERR_POLICY);
    cert_free(below);
    name_free(subject);
    key_free(key);
}

/* What is forgotten was not watched: else nobody would ever have been there. */
static void what_is_forgotten_was_not_watched(void **state)
{
    struct stage *stage = *state;
    struct err err = ERR_INIT;
    struct use_quiet quiet;
    int64_t n = 0;

    looked_both(stage, BOX_NOW - 8 * DAY, BOX_NOW - 60);
    BOX_OK(sightings_forget(stage->seen, BOX_NOW - 2 * DAY, &n, &err));
    quiet = quiet_of(stage, BOX_NOW - 8 * DAY, 7 * DAY);
    assert_false(quiet.safe);
    assert_int_equal(quiet.quiet_since, BOX_NOW - 2 * DAY);
    use_quiet_clear(&quiet);
    BOX_OK(sightings_forget(stage->seen, INT64_MAX, &n, &err));
    quiet = quiet_of(stage, BOX_NOW - 8 * DAY, HOUR);
    assert_int_equal(quiet.looked_at, 0);
    assert_false(quiet.safe);
    use_quiet_clear(&quiet);
}

/* ---- who ---- */

static void users_are_told_by_serial(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->old_ca, stage->old_key, "alice", 90);
    struct issued *bob = box_issue(&stage->box, stage->old_ca, stage->old_key, "bob", 90);
    struct issued *alice2 = box_issue(&stage->box, stage->new_ca, stage->new_key, "alice", 90);
    struct use_of of = {.authority = stage->old_ca};
    char hex[SERIAL_HEX_MAX];
    char *issuer = use_issuer(stage->old_ca->cert);
    struct use_certificate one = {.issuer = issuer, .serial = serial_format_hex(hex, &bob->serial)};
    struct err err = ERR_INIT;
    struct use_list list;
    int64_t first, last;

    saw(stage, "db1", "alice", alice, BOX_NOW - 3 * DAY, true);
    saw(stage, "db1", "bob", bob, BOX_NOW - DAY, true);
    saw(stage, "db2", "alice", alice2, BOX_NOW - DAY, true);
    saw(stage, "db1", "bob", bob, BOX_NOW - HOUR, true);
    looked_both(stage, BOX_NOW - 3 * DAY, BOX_NOW - HOUR);
    BOX_OK(use_list(stage->box.store, &stage->servers, &of, START, 0, &list, &err));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].role, "bob"); /* open ones first */
    assert_int_equal(list.rows[0].open, 1);
    assert_int_equal(list.rows[0].open_since, BOX_NOW - HOUR - 60);
    assert_false(list.rows[0].has_new);
    assert_string_equal(list.rows[1].role, "alice");
    assert_int_equal(list.rows[1].open, 0);
    assert_true(list.rows[1].has_new); /* on db2 */
    use_list_clear(&list);

    /* a limit leaves the total; an older time more rows */
    BOX_OK(use_list(stage->box.store, &stage->servers, &of, START, 1, &list, &err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.total, 2);
    use_list_clear(&list);
    BOX_OK(use_list(stage->box.store, &stage->servers, &of, BOX_NOW - 2 * DAY, 0, &list, &err));
    assert_int_equal(list.n, 1);
    use_list_clear(&list);

    of = (struct use_of){.certificates = &one, .n_certificates = 1};
    BOX_OK(use_list(stage->box.store, &stage->servers, &of, START, 0, &list, &err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].role, "bob");
    use_list_clear(&list);
    BOX_OK(use_of_serial(stage->box.store, issuer, hex, START, &first, &last, &err));
    assert_int_equal(first, BOX_NOW - DAY);
    assert_int_equal(last, BOX_NOW - HOUR);
    BOX_OK(use_of_serial(stage->box.store, issuer, hex, BOX_NOW - 60, &first, &last, &err));
    assert_int_equal(first, 0);

    /* of others: by the name of the issuer, also where the store has never heard of the number */
    of = (struct use_of){.foreign = stage->new_ca->cert};
    BOX_OK(use_list(stage->box.store, &stage->servers, &of, START, 0, &list, &err));
    assert_int_equal(list.n, 0); /* known, and of ours: not of a foreign one that is called so */
    use_list_clear(&list);
    free(issuer);
    issued_free(alice);
    issued_free(bob);
    issued_free(alice2);
}

/* Two whose names are alike in the 63 bytes that pg_stat_ssl shows. */
static void names_that_are_cut_are_told_apart(void **state)
{
    struct stage *stage = *state;
    struct err err = ERR_INIT;
    struct authority *cas[2];
    struct issued *issued[2];
    struct use_list list;
    char *issuers[2];

    for (int i = 0; i < 2; i++) {
        struct authority_spec spec = {
            .name = i == 0 ? "Ops 2024" : "Ops 2025",
            .subject = i == 0 ? "CN=Ops 2024, OU=Client authentication, O=Example Database "
                                "Operations Gesellschaft, C=DE"
                              : "CN=Ops 2025, OU=Client authentication, O=Example Database "
                                "Operations Gesellschaft, C=DE",
            .key_type = KEY_EC_P256,
        };
        char hex[SERIAL_HEX_MAX];
        struct sighting_item item;
        struct key *key;

        cas[i] = authority_create(stage->box.store, &spec, &err);
        if (cas[i] == NULL)
            fail_msg("%s", err.msg);
        key = authority_unlock(stage->box.store, cas[i], NULL, &err);
        assert_non_null(key);
        issued[i] = box_issue(&stage->box, cas[i], key, i == 0 ? "alice" : "bob", 30);
        key_free(key);
        issuers[i] = use_issuer(cas[i]->cert);
        item = (struct sighting_item){.key = {.server = "db1",
                                              .role = issued[i]->role,
                                              .database = "app",
                                              .address = "",
                                              .class = "tls-cert",
                                              .version = "TLSv1.3",
                                              .issuer = issuers[i],
                                              .serial = serial_format_hex(hex, &issued[i]->serial),
                                              .application = ""},
                                      .authority = "",
                                      .start = BOX_NOW - DAY,
                                      .seen_at = BOX_NOW - DAY};
        BOX_OK(sightings_add(stage->seen, &item, 1, &err));
        item.key.serial = "abcdef"; /* and one that nobody knows */
        item.key.role = "eve";
        BOX_OK(sightings_add(stage->seen, &item, 1, &err));
    }
    assert_string_equal(issuers[0], issuers[1]);
    for (int i = 0; i < 2; i++) {
        const struct use_of of = {.authority = cas[i]};

        BOX_OK(use_list(stage->box.store, &stage->servers, &of, START, 0, &list, &err));
        assert_int_equal(list.n, 2);
        for (size_t k = 0; k < 2; k++)
            assert_string_not_equal(list.rows[k].role, issued[1 - i]->role);
        use_list_clear(&list);
    }
    for (int i = 0; i < 2; i++) {
        free(issuers[i]);
        issued_free(issued[i]);
        authority_free(cas[i]);
    }
}

static void a_worklist_is_marked_at_once(void **state)
{
    struct stage *stage = *state;
    struct issued *alice = box_issue(&stage->box, stage->old_ca, stage->old_key, "alice", 90);
    struct issued *bob = box_issue(&stage->box, stage->old_ca, stage->old_key, "bob", 90);
    struct issued *alice2 = box_issue(&stage->box, stage->new_ca, stage->new_key, "alice", 90);
    struct rotation rotation = {.kind = ROTATION_CLIENT_CA,
                                .name = (char[]){"Old"},
                                .folder = (char[]){""},
                                .options = (char[]){"{}"}};
    struct rotation_item line = {
        .role = (char[]){"alice"}, .old_issued_id = alice->id, .new_issued_id = alice2->id};
    struct rotation_item other = {.role = (char[]){"bob"}, .old_issued_id = bob->id};
    struct rotation_item_list items;
    struct err err = ERR_INIT;

    BOX_OK(rotation_add(stage->box.store, &rotation, &err));
    BOX_OK(rotation_set_item(stage->box.store, rotation.id, &line, &err));
    BOX_OK(rotation_set_item(stage->box.store, rotation.id, &other, &err));
    saw(stage, "db1", "alice", alice2, BOX_NOW - 2 * DAY, true);
    saw(stage, "db2", "alice", alice2, BOX_NOW - DAY, true);
    saw(stage, "db1", "bob", bob, BOX_NOW - HOUR, true);
    BOX_OK(use_mark_items(stage->box.store, rotation.id, START, &err));
    saw(stage, "db1", "bob", bob, BOX_NOW - 60, true);
    BOX_OK(use_mark_items(stage->box.store, rotation.id, START, &err));
    BOX_OK(rotation_items(stage->box.store, rotation.id, NULL, 0, &items, &err));
    assert_int_equal(items.n, 2);
    assert_int_equal(items.rows[0].seen_at, BOX_NOW - 2 * DAY);
    assert_int_equal(items.rows[0].old_seen_at, 0);
    assert_int_equal(items.rows[1].seen_at, 0);
    assert_int_equal(items.rows[1].old_seen_at, BOX_NOW - 60);
    rotation_item_list_clear(&items);
    issued_free(alice);
    issued_free(bob);
    issued_free(alice2);
}

/* A file of an earlier version is brought up to date, also by who only reads. */
static void an_older_file_is_taken_along(void **state)
{
    struct stage *stage = *state;
    char *path = fs_join(stage->box.store_folder, "sightings.db");
    struct sighting_list list;
    struct err err = ERR_INIT;
    sqlite3 *db = NULL;

    sightings_close(stage->seen);
    stage->seen = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "DROP TABLE look; DROP TABLE watched; ALTER TABLE sighting DROP COLUMN open;"
            "ALTER TABLE sighting DROP COLUMN open_since;"
            "ALTER TABLE sighting DROP COLUMN walsender; PRAGMA user_version = 1;"
            "INSERT INTO sighting (server, role, database, address, class, version, issuer,"
            " serial, application, authority, first_seen, last_seen, count) VALUES"
            " ('db1', 'alice', 'app', '', 'tls', '', '', '', '', '', 5, 6, 1)",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    stage->seen = sightings_open(stage->box.store_folder, false, &err);
    if (stage->seen == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sightings_list(stage->seen, &(struct sighting_filter){0}, &list, &err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.rows[0].open, 0);
    sighting_list_clear(&list);
    looked_both(stage, 1, 2);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(near_looks_become_one_period, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_is_watched_time_only, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_session_is_not_quiet, setup, teardown),
        cmocka_unit_test_setup_teardown(hidden_sessions_are_never_safe, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_was_ahead_hides_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(looks_in_the_future_count_never, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rare_role_is_on_the_list_of_a_server_ca, setup, teardown),
        cmocka_unit_test_setup_teardown(a_root_with_an_intermediate_is_not_rotated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_forgotten_was_not_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(users_are_told_by_serial, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_are_cut_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_worklist_is_marked_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_file_is_taken_along, setup, teardown),
    };

    return cmocka_run_group_tests_name("use", tests, NULL, NULL);
}
