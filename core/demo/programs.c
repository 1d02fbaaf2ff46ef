/* programs.c - where initdb and postgres are, and as whom they may run. */
#include "config.h"

#include "core/demo/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"

#define PG_CONFIG_MS 3000

static bool has_program(const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    struct stat st;
    bool yes = stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;

    free(path);
    return yes;
}

/* The folder behind folder/initdb when both programs are there; else NULL. Links are resolved, since
 * /usr/local/bin often has links to a few of the programs only. */
static char *folder_of_server(const char *folder)
{
    char *path;
    char *real;
    char *slash;

    if (folder[0] != '/' || !has_program(folder, "initdb"))
        return NULL;
    path = fs_join(folder, "initdb");
    real = realpath(path, NULL);
    free(path);
    slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash == NULL || slash == real) {
        free(real);
        return NULL;
    }
    *slash = '\0';
    if (!has_program(real, "initdb") || !has_program(real, "postgres")) {
        free(real);
        return NULL;
    }
    return real;
}

/* Only absolute parts of PATH: the current folder may belong to anybody. */
static char *find_in_path(void)
{
    const char *path = getenv("PATH");
    char *copy = mem_strdup(path != NULL ? path : "");
    char *save = NULL;
    char *found = NULL;

    for (char *at = strtok_r(copy, ":", &save); at != NULL && found == NULL;
         at = strtok_r(NULL, ":", &save))
        found = folder_of_server(at);
    free(copy);
    return found;
}

_Noreturn static void run_pg_config(int out)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(127);
    execlp("pg_config", "pg_config", "--bindir", (char *)NULL);
    _exit(127);
}

/* Reads to the end, at most PATH_MAX bytes and PG_CONFIG_MS. */
static bool read_line(int fd, struct strbuf *out)
{
    int64_t deadline = clock_mono_ms() + PG_CONFIG_MS;
    char chunk[512];

    for (;;) {
        int64_t left = deadline - clock_mono_ms();
        struct pollfd at = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (left <= 0 || out->len > PATH_MAX)
            return false;
        if (poll(&at, 1, (int)left) < 0 && errno != EINTR)
            return false;
        if (at.revents == 0)
            continue;
        got = read(fd, chunk, sizeof(chunk));
        if (got < 0)
            return false;
        if (got == 0)
            break;
        strbuf_add(out, chunk, (size_t)got);
    }
    while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        strbuf_truncate(out, out->len - 1);
    return out->len > 0;
}

static char *find_by_pg_config(void)
{
    struct strbuf line = STRBUF_INIT;
    char *found = NULL;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    pid = fork();
    if (pid == 0)
        run_pg_config(ends[1]);
    close(ends[1]);
    if (pid > 0) {
        if (read_line(ends[0], &line))
            found = folder_of_server(line.data);
        else
            (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    strbuf_clear(&line);
    return found;
}

/* The major version in ".../postgresql/15/bin" or "/usr/pgsql-15/bin": the last number. */
static long version_in(const char *path)
{
    long version = -1;

    for (const char *at = path; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            char *end = NULL;

            version = strtol(at, &end, 10);
            at = end - 1;
        }
    }
    return version;
}

static char *find_newest(void)
{
    static const char *const places[] = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
                                         "/usr/local/pgsql/bin"};
    char *best = NULL;
    long best_version = -2;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        glob_t found;

        if (glob(places[i], 0, NULL, &found) != 0)
            continue;
        for (size_t n = 0; n < found.gl_pathc; n++) {
            long version = version_in(found.gl_pathv[n]);
            char *folder = version > best_version ? folder_of_server(found.gl_pathv[n]) : NULL;

            if (folder == NULL)
                continue;
            free(best);
            best = folder;
            best_version = version;
        }
        globfree(&found);
    }
    return best;
}

char *programs_find(const char *wanted, struct err *err)
{
    char *found;

    if (wanted == NULL)
        wanted = getenv("PGSEAL_TEST_PGBIN");
    if (wanted != NULL) {
        found = folder_of_server(wanted);
        if (found == NULL)
            err_set(err, ERR_DEMO, _("the programs \"initdb\" and \"postgres\" are not in \"%s\""),
                    wanted);
        return found;
    }
    found = find_in_path();
    if (found == NULL)
        found = find_by_pg_config();
    if (found == NULL)
        found = find_newest();
    if (found == NULL) {
        err_set(err, ERR_DEMO, _("the server programs \"initdb\" and \"postgres\" were not found"));
        err_cause(err, _("Only the client is installed here, or the programs are in a folder of "
                         "their own."));
        err_hint(err, _("Install the package \"postgresql\", or put the server's bin folder into "
                        "PATH."));
    }
    return found;
}

bool server_user_find(struct server_user *ret, struct err *err)
{
    static const char *const names[] = {"postgres", "nobody"};
    struct server_user user = {.other = geteuid() == 0, .uid = geteuid(), .gid = getegid()};
    bool found = !user.other;

    for (size_t i = 0; i < ARRAY_LEN(names) && !found; i++) {
        char buf[4096];
        struct passwd entry;
        struct passwd *result = NULL;

        if (getpwnam_r(names[i], &entry, buf, sizeof(buf), &result) != 0 || result == NULL ||
            entry.pw_uid == 0)
            continue;
        user.uid = entry.pw_uid;
        user.gid = entry.pw_gid;
        found = true;
    }
    if (!found) {
        err_set(err, ERR_DEMO,
                _("there is no user \"postgres\" or \"nobody\" to run the server as"));
        return err_hint(err, _("PostgreSQL refuses to run as root: start pgseal as another user."));
    }
    *ret = user;
    return true;
}

static bool lets_through(const struct server_user *user, const struct stat *st)
{
    if (st->st_uid == user->uid)
        return (st->st_mode & S_IXUSR) != 0;
    if (st->st_gid == user->gid)
        return (st->st_mode & S_IXGRP) != 0;
    return (st->st_mode & S_IXOTH) != 0;
}

bool server_user_reaches(const struct server_user *user, const char *path)
{
    char *real = realpath(path, NULL);
    bool ok = real != NULL;
    struct stat st;

    for (char *at = real; ok && at != NULL; at = strchr(at + 1, '/')) {
        char saved = at[1];

        /* "/" first, then each part up to its own slash */
        if (at == real) {
            at[1] = '\0';
            ok = stat(real, &st) == 0 && lets_through(user, &st);
            at[1] = saved;
        } else {
            *at = '\0';
            ok = stat(real, &st) == 0 && lets_through(user, &st);
            *at = '/';
        }
    }
    if (ok)
        ok = stat(real, &st) == 0 && S_ISDIR(st.st_mode) && lets_through(user, &st);
    free(real);
    return ok;
}
