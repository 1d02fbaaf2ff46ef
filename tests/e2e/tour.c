/* "pgseal demo" without a terminal: the whole journey, and nothing left afterwards. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fsutil.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

#define STEPS 10

static int setup(void **state)
{
    *state = command_box();
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

/* The last line that is not empty, borrowed from text, which is cut there. */
static const char *last_line(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    return strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
}

static void test_tour(void **state)
{
    struct command_result result;
    int passed = 0, failed = -1;

    (void)state;
    command_run(&result, NULL, "demo", NULL); /* no terminal: the tour by itself */
    if (result.status != 0)
        fail_msg("status %d\n%s%s", result.status, result.out, result.err);
    for (int i = 1; i <= STEPS; i++) {
        char step[32];

        snprintf(step, sizeof(step), "Step %d of %d: ", i, STEPS);
        assert_non_null(strstr(result.out, step));
    }
    assert_null(strstr(result.out, "[xx]"));
    assert_non_null(strstr(result.out, "is refused: alert 44, certificate revoked"));
    assert_int_equal(sscanf(last_line(result.out), "%d passed, %d failed", &passed, &failed), 2);
    assert_true(passed > 3 * STEPS);
    assert_int_equal(failed, 0);
    assert_false(fs_exists("store")); /* never the user's own store */
    command_clear(&result);
}

static void test_keep(void **state)
{
    /* not in the box: as root the server is somebody else, who cannot walk through a folder 0700 */
    char above[] = "/var/tmp/pgseal-tour-XXXXXX";
    struct err err = ERR_INIT;
    char *kept, *path;
    json_t *json;

    (void)state;
    assert_non_null(mkdtemp(above));
    assert_int_equal(chmod(above, 0755), 0);
    kept = fs_join(above, "kept");
    json = EXPECT_JSON(0, "demo", "--tour", "--keep", kept, "--json");
    assert_int_equal(json_array_size(json_object_get(json, "steps")), STEPS);
    assert_int_equal(json_integer_value(json_object_get(json, "failed")), 0);
    json_decref(json);
    path = fs_join(kept, "data/PG_VERSION");
    assert_true(fs_exists(path));
    free(path);
    path = fs_join(kept, "data/postmaster.pid");
    assert_false(fs_exists(path));
    free(path);
    path = fs_join(kept, "store/pgseal.db");
    assert_true(fs_exists(path));
    free(path);
    EXPECT_ERROR(1, "PS-3001", "demo", "--tour", "--keep", kept);
    if (!fs_remove_tree(above, &err))
        fail_msg("%s", err.msg);
    free(kept);
    EXPECT_ERROR(2, "PS-1000", "demo", "--dry-run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
