/* store_sighting.c - what was seen is remembered: aggregated, bounded, forgotten when asked. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/sighting.h"
#include "tests/harness/store_box.h"

#define DAY INT64_C(86400)

static struct sighting_item item_of(const char *role, const char *class, const char *application,
                                    int64_t start, int64_t seen_at)
{
    return (struct sighting_item){.key = {.server = "db1",
                                          .role = role,
                                          .database = "app",
                                          .address = "10.0.0.1",
                                          .class = class,
                                          .version = strcmp(class, "clear") ? "TLSv1.3" : "",
                                          .issuer = "",
                                          .serial = "",
                                          .application = application},
                                  .authority = "",
                                  .start = start,
                                  .seen_at = seen_at};
}

static struct sightings *open_file(const struct box *box)
{
    struct err err = ERR_INIT;
    struct sightings *sightings = sightings_open(box->store_folder, true, &err);

    if (sightings == NULL)
        fail_msg("%s", err.msg);
    return sightings;
}

static void add(struct sightings *sightings, struct sighting_item *items, size_t n)
{
    struct err err = ERR_INIT;

    BOX_OK(sightings_add(sightings, items, n, &err));
}

static void list(struct sightings *sightings, struct sighting_filter filter,
                 struct sighting_list *ret)
{
    struct err err = ERR_INIT;

    BOX_OK(sightings_list(sightings, &filter, ret, &err));
}

static void alike_sessions_are_one_row(void **state)
{
    struct sighting_item items[] = {
        item_of("alice", "tls", "web", 100, 200),
        item_of("bob", "clear", "", 150, 200),
        item_of("alice", "tls", "web", 120, 200),
        item_of("alice", "tls", "psql", 130, 190),
    };
    struct sighting_item later[] = {
        item_of("alice", "tls", "web", 120, 500), /* the same session as before, still there */
        item_of("alice", "tls", "web", 400, 500), /* a new one */
    };
    struct sighting_list seen;
    struct sightings *sightings;
    struct box box;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    add(sightings, items, 4);
    add(sightings, later, 2);
    list(sightings, (struct sighting_filter){0}, &seen);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.total, 3);
    assert_string_equal(seen.rows[0].key.application, "web"); /* the last seen first */
    assert_int_equal(seen.rows[0].count, 3);
    assert_int_equal(seen.rows[0].first_seen, 200);
    assert_int_equal(seen.rows[0].last_seen, 500);
    assert_string_equal(seen.rows[1].key.role, "bob");
    assert_int_equal(seen.rows[2].count, 1);
    sighting_list_clear(&seen);
    sightings_close(sightings);

    /* Another process that starts later does not count what is there twice. */
    sightings = open_file(&box);
    later[0] = item_of("alice", "tls", "web", 400, 600);
    add(sightings, later, 1);
    list(sightings, (struct sighting_filter){.limit = 1}, &seen);
    assert_int_equal(seen.rows[0].count, 3);
    assert_int_equal(seen.rows[0].last_seen, 600);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.total, 3);
    sighting_list_clear(&seen);
    sightings_close(sightings);
    box_close(&box);
}

static void filters_answer_the_questions(void **state)
{
    static const char *const both[] = {"DB1", "db2"};
    static const char *const other[] = {"db3"};
    struct sighting_item items[] = {
        item_of("alice", "tls-cert", "web", 1, 100), item_of("bob", "clear", "", 1, 200),
        item_of("carol", "clear", "", 1, 300),       item_of("dora", "gss", "", 1, 300),
        item_of("erik", "socket", "", 1, 300),
    };
    struct sighting_list seen;
    struct sightings *sightings;
    struct box box;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    items[0].authority = "Acme PG Root";
    items[2].key.server = "db2";
    add(sightings, items, 5);
    list(sightings, (struct sighting_filter){.without_tls = true}, &seen);
    assert_int_equal(seen.n, 2); /* neither GSS nor the socket */
    sighting_list_clear(&seen);
    list(sightings, (struct sighting_filter){.without_tls = true, .since = 201}, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].key.role, "carol");
    sighting_list_clear(&seen);
    list(sightings, (struct sighting_filter){.authority = "acme pg root"}, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].key.role, "alice");
    sighting_list_clear(&seen);
    list(sightings, (struct sighting_filter){.servers = both, .n_servers = 2}, &seen);
    assert_int_equal(seen.n, 5);
    sighting_list_clear(&seen);
    list(sightings, (struct sighting_filter){.servers = other, .n_servers = 1}, &seen);
    assert_int_equal(seen.n, 0);
    sighting_list_clear(&seen);
    sightings_close(sightings);
    box_close(&box);
}

/* A CA that was not known when the session was first seen is filled in, and then stays. */
static void the_authority_is_filled_in(void **state)
{
    struct sighting_item item = item_of("alice", "tls-cert", "web", 1, 100);
    struct sighting_list seen;
    struct sightings *sightings;
    struct box box;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    add(sightings, &item, 1);
    item.authority = "Acme";
    add(sightings, &item, 1);
    item.authority = "";
    add(sightings, &item, 1);
    list(sightings, (struct sighting_filter){0}, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].authority, "Acme");
    sighting_list_clear(&seen);
    sightings_close(sightings);
    box_close(&box);
}

/* A client that calls itself something else each time does not fill the file. */
static void names_of_applications_are_bounded(void **state)
{
    enum { N = 100 };
    static char names[N][16];
    struct sighting_item items[N];
    struct sighting_list seen;
    struct sightings *sightings;
    struct box box;
    int64_t many = 0;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "app %zu", i);
        items[i] = item_of("mallory", "clear", names[i], (int64_t)i + 1, (int64_t)i + 1);
    }
    for (size_t i = 0; i < N; i++) /* one by one, as they come */
        add(sightings, &items[i], 1);
    list(sightings, (struct sighting_filter){0}, &seen);
    assert_int_equal(seen.n, SIGHTING_APPLICATIONS_MAX + 1);
    for (size_t i = 0; i < seen.n; i++)
        if (strcmp(seen.rows[i].key.application, SIGHTING_MANY) == 0)
            many = seen.rows[i].count;
    assert_int_equal(many, N - SIGHTING_APPLICATIONS_MAX);
    sighting_list_clear(&seen);

    /* Somebody else's first name is still taken. */
    items[0] = item_of("alice", "clear", "web", 1000, 1000);
    add(sightings, items, 1);
    list(sightings, (struct sighting_filter){.limit = 1}, &seen);
    assert_string_equal(seen.rows[0].key.application, "web");
    sighting_list_clear(&seen);
    sightings_close(sightings);
    box_close(&box);
}

static void rows_are_bounded(void **state)
{
    enum { N = SIGHTINGS_MAX + 1000 };
    struct sighting_item *items = mem_array(N, sizeof(*items));
    char(*addresses)[16] = mem_array(N, sizeof(*addresses));
    struct sighting_list seen;
    struct sightings *sightings;
    struct box box;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    for (size_t i = 0; i < N; i++) {
        snprintf(addresses[i], sizeof(addresses[i]), "10.%zu.%zu.%zu", i >> 16, i >> 8 & 255,
                 i & 255);
        items[i] = item_of("web", "clear", "", 1, (int64_t)i + 1);
        items[i].key.address = addresses[i];
    }
    add(sightings, items, N);
    list(sightings, (struct sighting_filter){.limit = 1}, &seen);
    assert_int_equal(seen.total, 45000);
    assert_int_equal(seen.rows[0].last_seen, N); /* the oldest went */
    sighting_list_clear(&seen);
    sightings_close(sightings);
    box_close(&box);
    free(addresses);
    free(items);
}

static void what_is_forgotten_is_gone(void **state)
{
    struct sighting_item items[] = {
        item_of("longgonefellow", "clear", "", 1, BOX_NOW - 40 * DAY),
        item_of("bob", "clear", "", 1, BOX_NOW - 10 * DAY),
    };
    struct err err = ERR_INIT;
    struct sighting_list seen;
    struct sightings *sightings;
    char *path, *wal, *bytes;
    struct strbuf file = STRBUF_INIT;
    struct box box;
    int64_t n = 0;

    (void)state;
    box_open(&box);
    sightings = open_file(&box);
    add(sightings, items, 2);
    BOX_OK(sightings_forget(sightings, BOX_NOW - 30 * DAY, &n, &err));
    assert_int_equal(n, 1);
    list(sightings, (struct sighting_filter){0}, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.rows[0].key.role, "bob");
    sighting_list_clear(&seen);
    path = fs_join(box.store_folder, "sightings.db");
    wal = fs_join(box.store_folder, "sightings.db-wal");
    BOX_OK(fs_read(path, 1 << 24, &file, &err));
    bytes = memmem(file.data, file.len, "longgonefellow", 14);
    assert_null(bytes);
    assert_int_equal(access(wal, F_OK) == 0, 1);
    strbuf_reset(&file);
    BOX_OK(fs_read(wal, 1 << 24, &file, &err));
    assert_int_equal(file.len, 0);
    strbuf_clear(&file);
    sightings_close(sightings);
    free(path);
    free(wal);
    box_close(&box);
}

static void only_a_safe_file_is_used(void **state)
{
    struct err err = ERR_INIT;
    struct sightings *sightings;
    struct box box;
    struct stat st;
    char *path;

    (void)state;
    box_open(&box);
    path = fs_join(box.store_folder, "sightings.db");
    assert_null(sightings_open(box.store_folder, false, &err));
    box_assert_err(&err, ERR_NO_STORE);
    assert_null(sightings_open("/nonexistent", true, &err));
    box_assert_err(&err, ERR_NO_STORE);

    sightings_close(open_file(&box));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    sightings = sightings_open(box.store_folder, false, &err);
    assert_non_null(sightings);
    sightings_close(sightings);

    assert_int_equal(chmod(path, 0666), 0);
    assert_null(sightings_open(box.store_folder, true, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_null(sightings_open(box.store_folder, true, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    assert_int_equal(unlink(path), 0);

    /* Somebody else's database, and a newer one of ours. */
    BOX_OK(fs_write_new(path,
                        "no database at all, but long enough to be read as one............"
                        "................................................................",
                        128, 0600, &err));
    assert_null(sightings_open(box.store_folder, true, &err));
    box_assert_err(&err, ERR_STORE);
    assert_int_equal(unlink(path), 0);
    free(path);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_sessions_are_one_row),
        cmocka_unit_test(filters_answer_the_questions),
        cmocka_unit_test(the_authority_is_filled_in),
        cmocka_unit_test(names_of_applications_are_bounded),
        cmocka_unit_test(rows_are_bounded),
        cmocka_unit_test(what_is_forgotten_is_gone),
        cmocka_unit_test(only_a_safe_file_is_used),
    };

    return cmocka_run_group_tests_name("sightings", tests, NULL, NULL);
}
