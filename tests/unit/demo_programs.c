/* demo_programs.c - where the server's programs are found, and where they are not looked for. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/programs.h"

static char *top;

static int make_top(void **unused)
{
    struct err err = ERR_INIT;
    char *made;

    (void)unused;
    (void)unsetenv("TMPDIR"); /* others can walk through /tmp: a test is about that */
    made = fs_make_temp_folder("pgseal-test", &err);
    (void)unsetenv("PGSEAL_TEST_PGBIN");
    top = made != NULL ? realpath(made, NULL) : NULL;
    free(made);
    return top != NULL ? 0 : -1;
}

static int remove_top(void **unused)
{
    struct err err = ERR_INIT;
    bool ok = fs_remove_tree(top, &err);

    (void)unused;
    free(top);
    return ok ? 0 : -1;
}

static void write_program(const char *folder, const char *name, const char *text, mode_t mode)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, name);

    assert_true(fs_write_new(path, text, strlen(text), mode, &err));
    free(path);
}

/* A folder with the programs; caller frees. */
static char *make_server(const char *name, bool with_postgres)
{
    struct err err = ERR_INIT;
    char *folder = fs_join(top, name);

    assert_true(fs_make_folder(folder, &err));
    write_program(folder, "initdb", "#!/bin/sh\n", 0755);
    if (with_postgres)
        write_program(folder, "postgres", "#!/bin/sh\n", 0755);
    return folder;
}

static void expect(const char *wanted, const char *expected)
{
    struct err err = ERR_INIT;
    char *found = programs_find(wanted, &err);

    if (found == NULL)
        fail_msg("%s", err.msg);
    assert_string_equal(found, expected);
    free(found);
}

static void set_path(const char *first, const char *second)
{
    char *path = mem_printf("%s:%s", first, second);

    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
}

static void test_asked_for(void **unused)
{
    char *good = make_server("good", true);
    char *half = make_server("half", false);
    struct err err = ERR_INIT;

    (void)unused;
    expect(good, good);
    assert_null(programs_find(half, &err));
    assert_int_equal(err.code, ERR_DEMO);
    assert_non_null(strstr(err.msg, half));
    assert_null(programs_find("relative/bin", &err));

    assert_int_equal(setenv("PGSEAL_TEST_PGBIN", good, 1), 0);
    expect(NULL, good);
    assert_int_equal(setenv("PGSEAL_TEST_PGBIN", half, 1), 0);
    assert_null(programs_find(NULL, &err)); /* never another one in its place */
    expect(good, good);                     /* the option is stronger */
    free(good);
    free(half);
}

static void test_path(void **unused)
{
    char *good = make_server("good", true);
    char *half = make_server("half", false);
    char *links = fs_join(top, "links");
    char *target = fs_join(good, "initdb");
    char *link = fs_join(links, "initdb");

    (void)unused;
    set_path(half, good); /* one program of two does not count */
    expect(NULL, good);

    assert_int_equal(mkdir(links, 0755), 0);
    assert_int_equal(symlink(target, link), 0);
    set_path(links, "/nonexistent"); /* as /usr/local/bin often has it */
    expect(NULL, good);
    free(good);
    free(half);
    free(links);
    free(target);
    free(link);
}

static void test_the_current_folder_is_not_trusted(void **unused)
{
    char *evil = make_server("evil", true);
    char *good = make_server("good", true);
    char old[4096];

    (void)unused;
    assert_non_null(getcwd(old, sizeof(old)));
    assert_int_equal(chdir(evil), 0);
    set_path(".:", good);
    expect(NULL, good);
    assert_int_equal(chdir(old), 0);
    free(evil);
    free(good);
}

static void test_pg_config(void **unused)
{
    char *good = make_server("good", true);
    char *tools = fs_join(top, "tools");
    char *script = mem_printf("#!/bin/sh\n[ \"$*\" = --bindir ] && echo %s\n", good);

    (void)unused;
    assert_int_equal(mkdir(tools, 0755), 0);
    write_program(tools, "pg_config", script, 0755);
    assert_int_equal(setenv("PATH", tools, 1), 0);
    expect(NULL, good);
    free(good);
    free(tools);
    free(script);
}

/* One that never ends, or never stops talking, is left alone after a while. */
static void test_pg_config_that_hangs(void **unused)
{
    static const char *const scripts[] = {"#!/bin/sh\nexec sleep 60\n",
                                          "#!/bin/sh\nwhile :; do echo xxxxxxxxxxxxxxx; done\n"};

    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        char *name = mem_printf("tools%zu", i);
        char *tools = fs_join(top, name);
        int64_t start = clock_mono_ms();
        struct err err = ERR_INIT;

        assert_int_equal(mkdir(tools, 0755), 0);
        write_program(tools, "pg_config", scripts[i], 0755);
        set_path(tools, "/usr/bin:/bin");
        free(programs_find(NULL, &err)); /* whatever else is here */
        assert_in_range(clock_mono_ms() - start, 0, 10000);
        free(tools);
        free(name);
    }
}

static void test_reaches(void **unused)
{
    char *inner = fs_join(top, "inner");
    struct server_user owner = {.uid = geteuid(), .gid = getegid()};
    struct server_user other = {.other = true, .uid = geteuid() + 12345, .gid = getegid() + 12345};
    struct server_user group = {.other = true, .uid = geteuid() + 12345, .gid = getegid()};

    (void)unused;
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(chmod(inner, 0710), 0);
    assert_int_equal(chmod(top, 0711), 0);
    assert_true(server_user_reaches(&owner, inner));
    assert_true(server_user_reaches(&group, inner));
    assert_false(server_user_reaches(&other, inner));
    assert_true(server_user_reaches(&other, top));
    assert_int_equal(chmod(top, 0700), 0); /* a closed folder on the way */
    assert_false(server_user_reaches(&group, inner));
    assert_true(server_user_reaches(&owner, inner));
    assert_false(server_user_reaches(&owner, "/nonexistent"));
    assert_true(server_user_reaches(&other, "/"));
    free(inner);
}

#define IN_TOP(test) cmocka_unit_test_setup_teardown(test, make_top, remove_top)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TOP(test_asked_for),
        IN_TOP(test_path),
        IN_TOP(test_the_current_folder_is_not_trusted),
        IN_TOP(test_pg_config),
        IN_TOP(test_pg_config_that_hangs),
        IN_TOP(test_reaches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
