/* wizard_box.c - the built program's wizard in a terminal. */
#include "config.h"

#include "tests/harness/wizard_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"

#define ARGS_MAX 16

void wizard_box_open(struct wizard_box *box)
{
    const char *before = getenv("TMPDIR");
    /* Of one length, and short: it stands in pages. In memory when the other folders are. */
    char temporary[] = "/tmp/pgseal-e2e-XXXXXX";
    static const char in_memory[] = "/dev/shm/e2e-pg-XXXXXX";

    if (before != NULL && strncmp(before, "/dev/shm/", 9) == 0)
        memcpy(temporary, in_memory, sizeof(temporary));
    memset(box, 0, sizeof(*box));
    box->tmpdir = before != NULL ? mem_strdup(before) : NULL;
    box->home = command_box();
    box->store = fs_join(box->home, "store");
    assert_non_null(mkdtemp(temporary));
    assert_int_equal(chmod(temporary, 0711), 0);
    /* tests/leftovers.sh removes those that nobody has locked */
    box->lock = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(box->lock >= 0);
    assert_int_equal(flock(box->lock, LOCK_EX | LOCK_NB), 0);
    box->temporary = mem_strdup(temporary);
    assert_int_equal(setenv("TMPDIR", temporary, 1), 0);
}

void wizard_box_close(struct wizard_box *box)
{
    struct err err = ERR_INIT;

    pty_free(box->pty);
    /* the keeper ends the server when pgseal is gone, however that came */
    if (box->keeper > 0)
        assert_true(wizard_process_ends(box->keeper, PTY_WAIT_MS));
    if (!fs_remove_tree(box->temporary, &err))
        fail_msg("%s", err.msg);
    (void)close(box->lock);
    if (box->tmpdir != NULL)
        (void)setenv("TMPDIR", box->tmpdir, 1);
    else
        (void)unsetenv("TMPDIR");
    command_box_free(box->home);
    free(box->tmpdir);
    free(box->store);
    free(box->temporary);
    free(box->demo);
    memset(box, 0, sizeof(*box));
}

void wizard_run(struct wizard_box *box, const struct wizard_options *options)
{
    static const struct wizard_options plain;
    const char *argv[ARGS_MAX] = {getenv("PGSEAL")};
    struct pty_options pty = {.argv = argv};

    assert_non_null(argv[0]);
    options = options ? options : &plain;
    for (size_t i = 0; options->args && options->args[i]; i++) {
        assert_true(i + 2 < ARGS_MAX);
        argv[i + 1] = options->args[i];
    }
    pty.env = options->env;
    pty.term = options->term;
    pty.rows = options->rows;
    pty.columns = options->columns;
    pty_free(box->pty);
    box->pty = pty_start(&pty);
}

/* Lines 1 and 4 of postmaster.pid; its parent is the keeper. */
static void read_postmaster(struct wizard_box *box)
{
    char *path = fs_join(box->demo, "data/postmaster.pid"), *text = command_read(path), *stat;
    long pid, started;
    int n = sscanf(text, "%ld\n%*[^\n]\n%ld\n%d", &pid, &started, &box->port);

    if (n != 3)
        fail_msg("%s: %s", path, text);
    box->postmaster = (pid_t)pid;
    free(text);
    free(path);
    path = mem_printf("/proc/%ld/stat", pid);
    stat = command_read(path);
    assert_int_equal(sscanf(stat, "%*d (%*[^)]) %*c %d", &box->keeper), 1);
    assert_true(box->keeper > 1);
    free(stat);
    free(path);
}

/* The one thing that is in it, or NULL; to free(). */
static char *only_entry(const char *folder)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    char *found = NULL;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_null(found);
        found = fs_join(folder, entry->d_name);
    }
    closedir(dir);
    return found;
}

void wizard_run_demo(struct wizard_box *box, const struct wizard_options *options)
{
    static const struct wizard_options plain;
    struct wizard_options demo = options ? *options : plain;
    char *keep = fs_join(box->temporary, "kept");
    const char *args[] = {"demo", demo.keep ? "--keep" : NULL, keep, NULL};

    demo.args = args;
    wizard_run(box, &demo);
    wizard_wait(box, WIZARD_ON_HOME);
    box->demo = only_entry(box->temporary);
    assert_non_null(box->demo);
    read_postmaster(box);
    free(box->store);
    box->store = fs_join(box->demo, "store");
    assert_int_equal(setenv("PGSEAL_STORE", box->store, 1), 0);
    free(keep);
}

void wizard_expect_exit(struct wizard_box *box, int code)
{
    int ended = pty_wait_exit(box->pty);

    if (ended != code) {
        char *screen = pty_screen(box->pty);

        fail_msg("ended with %d, and %d was expected\n%s", ended, code, screen);
    }
    assert_false(pty_mode_is_on(box->pty, "?2004"));
    assert_false(pty_mode_is_on(box->pty, "?1049"));
    assert_true(pty_settings_as_before(box->pty));
}

void wizard_keys(struct wizard_box *box, const char *keys, int times)
{
    for (int i = 0; i < times; i++)
        pty_type(box->pty, keys);
}

void wizard_wait(struct wizard_box *box, const char *text)
{
    pty_wait_text(box->pty, text);
}

static bool has_all(const char *row, const char *const *words)
{
    for (; *words; words++) {
        if (!strstr(row, *words))
            return false;
    }
    return true;
}

void wizard_wait_words(struct wizard_box *box, const char *const *words)
{
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;
    int rows, columns;

    pty_size(box->pty, &rows, &columns);
    for (;;) {
        for (int row = 0; row < rows; row++) {
            char *text = pty_row(box->pty, row);
            bool has = has_all(text, words);

            free(text);
            if (has)
                return;
        }
        if (clock_mono_ms() > end) {
            char *screen = pty_screen(box->pty);

            (void)fprintf(stderr, "no row with \"%s\", \"%s\" ...\n%s\n", words[0],
                          words[1] ? words[1] : "", screen);
            fail();
        }
        pty_listen(box->pty, 100);
    }
}

void wizard_type(struct wizard_box *box, const char *text)
{
    pty_type(box->pty, text);
    pty_wait_text(box->pty, text);
}

/* ---- processes and files ---- */

bool wizard_process_is_there(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

bool wizard_process_ends(pid_t pid, int ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (wizard_process_is_there(pid)) {
        if (clock_mono_ms() > end)
            return false;
        (void)poll(NULL, 0, 10);
    }
    return true;
}

void wizard_expect_nothing_left(struct wizard_box *box, int ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (wizard_process_is_there(box->keeper) || wizard_process_is_there(box->postmaster) ||
           fs_exists(box->demo)) {
        if (clock_mono_ms() > end)
            fail_msg("after %d ms: keeper %s, server %s, folder %s", ms,
                     wizard_process_is_there(box->keeper) ? "runs" : "gone",
                     wizard_process_is_there(box->postmaster) ? "runs" : "gone",
                     fs_exists(box->demo) ? "there" : "gone");
        (void)poll(NULL, 0, 10);
    }
}

bool wizard_folder_empties(const char *folder, int ms)
{
    int64_t end = clock_mono_ms() + ms;
    char *entry;

    while ((entry = only_entry(folder)) && clock_mono_ms() < end) {
        free(entry);
        (void)poll(NULL, 0, 10);
    }
    free(entry);
    return entry == NULL;
}
