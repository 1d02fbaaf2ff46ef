/* fsutil.c - files that are there whole or not at all. */
#include "config.h"

#include "core/base/fsutil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

static const struct fs_ops real_ops = {write, fsync, link, rename};
/* The one door: set by tests before any thread runs. */
static const struct fs_ops *ops = &real_ops;

void fs_replace_ops(const struct fs_ops *replacement)
{
    ops = replacement != NULL ? replacement : &real_ops;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t put = ops->write(fd, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* A folder's entry is on the disk only after its own fsync. */
static bool sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && ops->fsync(fd) == 0;
    int saved = errno;

    if (fd >= 0)
        close(fd);
    free(folder);
    errno = saved;
    return ok;
}

/* A name beside path that nothing has. NULL with errno. */
static char *name_beside(const char *path)
{
    uint64_t random = 0;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return NULL;
    return mem_printf("%s.%016llx.tmp", path, (unsigned long long)random);
}

/* Writes a file with a random name beside path; returns that name. NULL with errno. */
static char *write_beside(const char *path, const void *bytes, size_t len, mode_t mode)
{
    char *temporary = name_beside(path);
    int fd;
    int saved;

    if (temporary == NULL)
        return NULL;
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        goto fail;
    if (!write_all(fd, bytes, len) || fchmod(fd, mode) != 0 || ops->fsync(fd) != 0)
        goto fail;
    if (close(fd) != 0) {
        fd = -1;
        goto fail;
    }
    return temporary;

fail:
    saved = errno;
    if (fd >= 0)
        close(fd);
    (void)unlink(temporary);
    free(temporary);
    errno = saved;
    return NULL;
}

bool fs_write_new(const char *path, const void *bytes, size_t len, mode_t mode, struct err *err)
{
    char *temporary = NULL;
    struct stat st;
    bool ok = false;

    if (lstat(path, &st) == 0)
        return err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
    temporary = write_beside(path, bytes, len, mode);
    if (temporary == NULL)
        return err_set_errno(err, ERR_FILE, errno, _("cannot write \"%s\""), path);
    if (ops->link(temporary, path) != 0) {
        if (errno == EEXIST)
            err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
        else
            err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), path);
        goto out;
    }
    if (!sync_folder(path)) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), path);
        (void)unlink(path);
        goto out;
    }
    ok = true;
out:
    (void)unlink(temporary);
    free(temporary);
    return ok;
}

bool fs_write_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct err *err)
{
    char *temporary = write_beside(path, bytes, len, mode);

    if (temporary == NULL)
        return err_set_errno(err, ERR_FILE, errno, _("cannot write \"%s\""), path);
    if (ops->rename(temporary, path) != 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot replace \"%s\""), path);
        (void)unlink(temporary);
        free(temporary);
        return false;
    }
    free(temporary);
    if (!sync_folder(path))
        return err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), path);
    return true;
}

bool fs_read_fd(int fd, const char *what, size_t max, struct strbuf *out, struct err *err)
{
    char chunk[16384];
    size_t total = 0;
    bool ok = false;

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set_errno(err, ERR_FILE, errno, _("cannot read \"%s\""), what);
            break;
        }
        if (got == 0) {
            ok = true;
            break;
        }
        total += (size_t)got;
        if (total > max) {
            err_set(err, ERR_TOO_LARGE, _("\"%s\" is larger than %zu bytes"), what, max);
            break;
        }
        strbuf_add(out, chunk, (size_t)got);
    }
    explicit_bzero(chunk, sizeof(chunk)); /* it may have been somebody's key */
    return ok;
}

/* ---- a few files together ---- */

static bool cannot_write(struct err *err, const char *path)
{
    return err_set_errno(err, ERR_FILE, errno, _("cannot write \"%s\""), path);
}

struct written {
    char *path; /* where it will be */
    char *temporary;
    int fd; /* open until it lasts */
};

static void clear_written(struct written *written, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (written[i].fd >= 0)
            close(written[i].fd);
        if (written[i].temporary != NULL)
            (void)unlink(written[i].temporary);
        free(written[i].temporary);
        free(written[i].path);
    }
    free(written);
}

/* The system is told of each file right away, so that it writes them together: the fsyncs that follow
 * find most of the work done (1.8 ms instead of 2.4 for four files, ext4 on a virtual disk). */
static bool write_early(struct written *to, const char *path, const struct fs_new_file *file,
                        struct err *err)
{
    to->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to->fd < 0 || !write_all(to->fd, file->bytes, file->len) || fchmod(to->fd, file->mode) != 0)
        return cannot_write(err, to->path);
    (void)sync_file_range(to->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return true;
}

static bool make_lasting(struct written *written, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        int fd = written[i].fd;

        if (ops->fsync(fd) != 0)
            return cannot_write(err, written[i].path);
        written[i].fd = -1;
        if (close(fd) != 0)
            return cannot_write(err, written[i].path);
    }
    return true;
}

static struct written *plan_written(const char *folder, const struct fs_new_file *files, size_t n)
{
    struct written *written = mem_array(n + 1, sizeof(*written));

    for (size_t i = 0; i < n; i++)
        written[i] = (struct written){.path = fs_join(folder, files[i].name), .fd = -1};
    return written;
}

static bool link_all(struct written *written, size_t n, struct err *err)
{
    size_t done = 0;

    while (done < n && ops->link(written[done].temporary, written[done].path) == 0)
        done++;
    if (done == n && sync_folder(written[0].path))
        return true;
    if (done == n)
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), written[0].path);
    else if (errno == EEXIST)
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), written[done].path);
    else
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), written[done].path);
    while (done > 0)
        (void)unlink(written[--done].path);
    return false;
}

bool fs_write_new_files(const char *folder, const struct fs_new_file *files, size_t n,
                        struct err *err)
{
    struct written *written = plan_written(folder, files, n);
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++) {
        if (fs_exists(written[i].path)) {
            ok = err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), written[i].path);
            break;
        }
        written[i].temporary = name_beside(written[i].path);
        ok = written[i].temporary != NULL
                 ? write_early(&written[i], written[i].temporary, &files[i], err)
                 : cannot_write(err, written[i].path);
    }
    ok = ok && make_lasting(written, n, err) && (n == 0 || link_all(written, n, err));
    clear_written(written, n);
    return ok;
}

/* A path without slashes at its end, so that names can be put beside it. */
static char *plain_path(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return mem_strndup(path, len);
}

/* "a/b" -> "a/.b.<random>.tmp" */
static char *hidden_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t before = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    char *hidden = mem_printf("%.*s.%s", (int)before, path, path + before);
    char *name = name_beside(hidden);

    free(hidden);
    return name;
}

static bool fill_folder(const char *staging, const char *folder, const struct fs_new_file *files,
                        size_t n, struct err *err)
{
    struct written *written = plan_written(folder, files, n);
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++) {
        char *path = fs_join(staging, files[i].name);

        ok = write_early(&written[i], path, &files[i], err);
        free(path);
    }
    ok = ok && make_lasting(written, n, err);
    clear_written(written, n);
    return ok;
}

static bool sync_inside(const char *folder)
{
    char *inside = fs_join(folder, ".");
    bool ok = sync_folder(inside);
    int saved = errno;

    free(inside);
    errno = saved;
    return ok;
}

bool fs_write_new_folder(const char *folder, const struct fs_new_file *files, size_t n,
                         struct err *err)
{
    char *path = plain_path(folder);
    char *above = folder_of(path);
    char *staging = hidden_beside(path);
    struct err ignored = ERR_INIT;
    bool made = false;
    bool ok = false;

    if (!fs_make_folder(above, err))
        goto out;
    made = staging != NULL && mkdir(staging, 0700) == 0;
    if (!made) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make the folder \"%s\""), path);
        goto out;
    }
    if (!fill_folder(staging, path, files, n, err))
        goto out;
    if (!sync_inside(staging)) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), path);
        goto out;
    }
    if (!fs_rename_folder(staging, path, err))
        goto out;
    made = false;
    if (!sync_folder(path)) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), path);
        (void)!fs_remove_tree(path, &ignored);
        goto out;
    }
    ok = true;
out:
    if (made)
        (void)!fs_remove_tree(staging, &ignored);
    free(staging);
    free(above);
    free(path);
    return ok;
}

bool fs_append(int fd, const void *bytes, size_t len, struct err *err)
{
    if (write_all(fd, bytes, len))
        return true;
    return err_set_errno(err, ERR_FILE, errno, _("cannot write to an open file"));
}

/* ---- many files at once ---- */

bool fs_write_at(int folder, const char *name, const void *bytes, size_t len, mode_t mode,
                 struct err *err)
{
    int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0700);
    bool ok = fd >= 0 && write_all(fd, bytes, len) && ((mode & 077) == 0 || fchmod(fd, mode) == 0);

    if (!ok)
        err_set_errno(err, ERR_FILE, errno, "cannot write \"%s\"", name);
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = err_set_errno(err, ERR_FILE, errno, "cannot write \"%s\"", name);
    return ok;
}

bool fs_sync_all(int folder, struct err *err)
{
    int (*sync_all)(int) = ops == &real_ops ? syncfs : ops->fsync;

    if (ops->fsync(folder) == 0 && sync_all(folder) == 0)
        return true;
    return err_set_errno(err, ERR_FILE, errno, "cannot make the new files lasting");
}

bool fs_rename_folder(const char *from, const char *to, struct err *err)
{
    if (ops->rename(from, to) == 0)
        return true;
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        return err_set(err, ERR_FILE_EXISTS, "\"%s\" exists already", to);
    return err_set_errno(err, ERR_FILE, errno, "cannot make \"%s\"", to);
}

bool fs_give_name(const char *temporary, const char *path, struct err *err)
{
    bool ok = ops->link(temporary, path) == 0;

    if (!ok && errno == EEXIST)
        return err_set(err, ERR_FILE_EXISTS, "\"%s\" exists already", path);
    if (!ok)
        return err_set_errno(err, ERR_FILE, errno, "cannot make \"%s\"", path);
    (void)unlink(temporary);
    if (sync_folder(path))
        return true;
    err_set_errno(err, ERR_FILE, errno, "cannot make \"%s\" lasting", path);
    (void)unlink(path);
    return false;
}

bool fs_sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool ok = fd >= 0 && ops->fsync(fd) == 0;

    if (!ok)
        err_set_errno(err, ERR_FILE, errno, "cannot make \"%s\" lasting", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool fs_sync_folder(int folder, struct err *err)
{
    if (ops->fsync(folder) == 0)
        return true;
    return err_set_errno(err, ERR_FILE, errno, "cannot make the new folders lasting");
}

bool fs_read(const char *path, size_t max, struct strbuf *out, struct err *err)
{
    struct stat st;
    bool ok;
    /* O_NONBLOCK: a FIFO must not hang us before fstat() can tell. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot open \"%s\""), path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_FILE, _("\"%s\" is not a regular file"), path);
    }
    ok = fs_read_fd(fd, path, max, out, err);
    close(fd);
    return ok;
}

bool fs_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

char *fs_join(const char *folder, const char *name)
{
    size_t len = strlen(folder);
    bool has_slash = len > 0 && folder[len - 1] == '/';

    return mem_printf("%s%s%s", folder, has_slash ? "" : "/", name);
}
