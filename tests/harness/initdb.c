/*
 * initdb.c - in the place of initdb for the tests: a copy of a cluster that the real one made once.
 *
 * Use      "pgbin/initdb --prepare" links PostgreSQL's other programs beside itself; tests then
 *          get this folder as PGSEAL_TEST_PGBIN, and the programs' own as PGSEAL_TEST_PGBIN_REAL.
 *          The first call makes pgbin/template.
 * Rules    each copy gets a system identifier of its own, as a new cluster has one: in pg_control
 *          (with its checksum, CRC-32C) and in the first page of each file of the WAL, which knows it
 *          too. Segments of the WAL are 1 MB: less to copy.
 * Source   pg_control.h and xlog_internal.h of PostgreSQL 13 to 18: both begin as they do here.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/programs.h"

#define CONTROL_MAX 1024
#define WAL_ID_AT   24 /* XLogLongPageHeaderData.xlp_sysid */
#define REAL        "real"

static int fail(const char *what)
{
    fprintf(stderr, "initdb: error: %s\n", what);
    return 1;
}

static bool run(const char *program, char *const *argv)
{
    pid_t pid;
    int status;

    return posix_spawnp(&pid, program, NULL, NULL, argv, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- who it is ---- */

static uint32_t crc32c(const unsigned char *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

/* Where the checksum stands: behind all that it is of. 0: nowhere. */
static size_t find_checksum(const unsigned char *control)
{
    for (size_t at = 64; at + 4 <= CONTROL_MAX; at += 4) {
        uint32_t found;

        memcpy(&found, control + at, sizeof(found));
        if (found == crc32c(control, at))
            return at;
    }
    return 0;
}

static bool rename_control(const char *data, uint64_t id, uint64_t *ret_old)
{
    char *path = fs_join(data, "global/pg_control");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char control[CONTROL_MAX];
    size_t at = fd >= 0 && read(fd, control, sizeof(control)) == (ssize_t)sizeof(control)
                    ? find_checksum(control)
                    : 0;
    uint32_t crc;
    bool good = at > 0;

    if (good) {
        memcpy(ret_old, control, sizeof(*ret_old));
        memcpy(control, &id, sizeof(id));
        crc = crc32c(control, at);
        memcpy(control + at, &crc, sizeof(crc));
        good = pwrite(fd, control, sizeof(control), 0) == (ssize_t)sizeof(control);
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return good;
}

static bool rename_wal(const char *data, uint64_t id, uint64_t old)
{
    char *folder = fs_join(data, "pg_wal");
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    size_t n = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *path = fs_join(folder, entry->d_name);
        int fd = strlen(entry->d_name) == 24 ? open(path, O_RDWR | O_CLOEXEC) : -1;
        uint64_t found;

        if (fd >= 0 && pread(fd, &found, sizeof(found), WAL_ID_AT) == (ssize_t)sizeof(found) &&
            found == old)
            n += pwrite(fd, &id, sizeof(id), WAL_ID_AT) == (ssize_t)sizeof(id);
        if (fd >= 0)
            close(fd);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
    return n > 0;
}

static bool give_identity(const char *data)
{
    uint64_t id = 0, old = 0;

    return getrandom(&id, sizeof(id), 0) == (ssize_t)sizeof(id) &&
           rename_control(data, id >> 1, &old) && rename_wal(data, id >> 1, old);
}

/* ---- the template ---- */

/* The same call with another folder. Two programs may do it at once: one of the two is taken. */
static bool make_template(const char *folder, const char *template, int argc, char *const *argv)
{
    char *place = mem_printf("%s/template.%ld", folder, (long)getpid());
    char *link = fs_join(folder, REAL);
    char *real = realpath(link, NULL); /* initdb looks for "postgres" beside argv[0] */
    char *program = fs_join(real != NULL ? real : "", "initdb");
    char **call = mem_zalloc(((size_t)argc + 2) * sizeof(*call));
    struct err err = ERR_INIT;
    bool good;

    for (int i = 0; i < argc; i++)
        call[i] = i > 0 && strcmp(argv[i - 1], "-D") == 0 ? place : argv[i];
    call[0] = program;
    call[argc] = mem_strdup("--wal-segsize=1");
    good = run(program, call);
    if (good && rename(place, template) != 0)
        good = fs_remove_tree(place, &err) && fs_exists(template);
    free(call[argc]);
    free(call);
    free(program);
    free(real);
    free(link);
    free(place);
    return good;
}

static int make_cluster(const char *folder, int argc, char *const *argv)
{
    char *template = fs_join(folder, "template");
    char *source = mem_printf("%s/.", template);
    char cp[] = "cp", recursive[] = "-R";
    char *data = NULL;
    int status = 0;

    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "-D") == 0)
            data = argv[i + 1];
    if (data == NULL)
        status = fail("no -D");
    else if (!fs_exists(template) && !make_template(folder, template, argc, argv))
        status = fail("no template");
    else if (!run(cp, (char *[]){cp, recursive, source, data, NULL}) || !give_identity(data))
        status = fail("no copy");
    free(source);
    free(template);
    return status;
}

/* ---- the folder ---- */

/* True when folder/name leads to target now; *ret_new: it did not before. */
static bool link_to(const char *folder, const char *name, const char *target, bool *ret_new)
{
    char *path = fs_join(folder, name);
    char before[4096] = "";
    ssize_t len = readlink(path, before, sizeof(before) - 1);
    bool good;

    *ret_new = len < 0 || strcmp(before, target) != 0;
    if (*ret_new)
        (void)unlink(path);
    good = !*ret_new || symlink(target, path) == 0;
    free(path);
    return good;
}

/* Those of another PostgreSQL: this one may lack some of its programs. */
static void drop_links(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *path = fs_join(folder, entry->d_name);
        char target[8];

        if (strcmp(entry->d_name, REAL) != 0 && readlink(path, target, sizeof(target)) >= 0)
            (void)unlink(path);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static int prepare(const char *folder)
{
    struct err err = ERR_INIT;
    char *bindir = programs_find(NULL, &err);
    char *template = fs_join(folder, "template");
    DIR *dir = bindir != NULL ? opendir(bindir) : NULL;
    const struct dirent *entry;
    bool is_new = false, ignored = false;
    bool good;

    if (bindir == NULL) { /* the tests that need one will say so */
        char *real = fs_join(folder, REAL);

        (void)unlink(real);
        free(real);
        free(template);
        return 0;
    }
    good = link_to(folder, REAL, bindir, &is_new);
    if (is_new) {
        drop_links(folder);
        good = good && fs_remove_tree(template, &err);
    }
    while (good && dir != NULL && (entry = readdir(dir)) != NULL) {
        char *target = fs_join(bindir, entry->d_name);

        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "initdb") != 0)
            good = link_to(folder, entry->d_name, target, &ignored);
        free(target);
    }
    if (dir != NULL)
        closedir(dir);
    free(template);
    free(bindir);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    char *folder = mem_strdup(argv[0]);
    char *slash = strrchr(folder, '/');
    int status;

    if (slash == NULL)
        return fail("called without a path");
    *slash = '\0';
    status = argc == 2 && strcmp(argv[1], "--prepare") == 0 ? prepare(folder)
                                                            : make_cluster(folder, argc, argv);
    free(folder);
    return status;
}
