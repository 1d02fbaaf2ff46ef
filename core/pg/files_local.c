/* files_local.c - written as root into folders of another user: nothing is followed that he could bend. */
#include "config.h"

#include "core/pg/files_local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

#define READ_MAX ((size_t)64 << 20)

/* A file by its open folder. */
struct place {
    int folder; /* owned, or -1 */
    char *name; /* owned */
    char temporary[40];
};

static void place_clear(struct place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    free(place->name);
}

static bool place_open(struct place *place, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    uint64_t random = 0;

    place->folder = -1;
    place->name = NULL;
    if (!slash || !slash[1])
        return err_set(err, ERR_FILE, _("\"%s\" is not the absolute path of a file"), path);
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return err_set_errno(err, ERR_FILE, errno, _("no random numbers"));
    snprintf(place->temporary, sizeof(place->temporary), ".pgseal-%016" PRIx64 ".tmp", random);
    folder = slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
    place->name = mem_strdup(slash + 1);
    place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->folder < 0)
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", folder);
    free(folder);
    return place->folder >= 0;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* The temporary file beside the place, complete and on the disk. False with errno, and gone. */
static bool write_temporary(const struct place *place, const void *bytes, size_t len, mode_t mode,
                            const struct local_owner *owner)
{
    int fd = openat(place->folder, place->temporary,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    int saved = 0;

    if (!ok)
        return false;
    ok = write_all(fd, bytes, len) && (geteuid() || !fchown(fd, owner->uid, owner->gid)) &&
         !fchmod(fd, mode) && !fsync(fd);
    saved = errno;
    if (close(fd) && ok) {
        saved = errno;
        ok = false;
    }
    if (!ok)
        (void)unlinkat(place->folder, place->temporary, 0);
    errno = saved;
    return ok;
}

bool local_write_new(const char *path, const void *bytes, size_t len, mode_t mode,
                     const struct local_owner *owner, struct err *err)
{
    struct place place;
    bool ok = false;

    if (!place_open(&place, path, err))
        goto out;
    if (!write_temporary(&place, bytes, len, mode, owner)) {
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
        goto out;
    }
    /* a link, not a rename: it never replaces what is there */
    ok = !linkat(place.folder, place.temporary, place.folder, place.name, 0);
    if (!ok)
        err_set_errno(err, errno == EEXIST ? ERR_FILE_EXISTS : ERR_FILE, errno, "\"%s\"", path);
    (void)unlinkat(place.folder, place.temporary, 0);
    if (ok && fsync(place.folder))
        ok = err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
out:
    place_clear(&place);
    return ok;
}

/* Reads an open regular file; false when it is too large or cannot be read. */
static bool read_all(int fd, struct strbuf *out)
{
    char bytes[65536];

    for (;;) {
        ssize_t n = read(fd, bytes, sizeof(bytes));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || out->len > READ_MAX)
            return false;
        if (!n)
            return true;
        strbuf_add(out, bytes, (size_t)n);
    }
}

static int open_regular(int folder, const char *name, struct stat *ret)
{
    /* O_NONBLOCK: a FIFO must not hold us up */
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, ret) || !S_ISREG(ret->st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool local_replace(const char *path, const struct strbuf *expected, const void *bytes, size_t len,
                   bool *ret_same, struct err *err)
{
    struct strbuf old = STRBUF_INIT;
    struct place place = {.folder = -1};
    struct local_owner owner = {0};
    struct stat st;
    char *real = realpath(path, NULL); /* the link stays, what it leads to is replaced */
    int fd = -1;
    bool ok = false;

    *ret_same = false;
    if (!real) {
        ok = true; /* not here: not the server's file */
        goto out;
    }
    if (!place_open(&place, real, err))
        goto out;
    fd = open_regular(place.folder, place.name, &st);
    if (fd < 0 || !read_all(fd, &old) || !strbuf_equal(&old, expected)) {
        ok = true;
        goto out;
    }
    owner.uid = st.st_uid;
    owner.gid = st.st_gid;
    if (!write_temporary(&place, bytes, len, st.st_mode & 07777, &owner)) {
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
        goto out;
    }
    if (renameat(place.folder, place.temporary, place.folder, place.name)) {
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
        (void)unlinkat(place.folder, place.temporary, 0);
        goto out;
    }
    *ret_same = true;
    ok = !fsync(place.folder) || err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
out:
    if (fd >= 0)
        close(fd);
    place_clear(&place);
    strbuf_clear(&old);
    free(real);
    return ok;
}

bool local_sha256(const char *path, uint8_t ret[32])
{
    struct strbuf bytes = STRBUF_INIT;
    struct stat st;
    int fd = open_regular(AT_FDCWD, path, &st);
    bool ok = fd >= 0 && read_all(fd, &bytes) &&
              EVP_Digest(bytes.data, bytes.len, ret, NULL, EVP_sha256(), NULL) == 1;

    if (fd >= 0)
        close(fd);
    strbuf_clear(&bytes);
    return ok;
}

bool local_remove(const char *path)
{
    struct err ignored = ERR_INIT;
    struct place place;
    bool ok = place_open(&place, path, &ignored) && !unlinkat(place.folder, place.name, 0);

    if (ok)
        (void)fsync(place.folder);
    place_clear(&place);
    return ok;
}

bool local_is_cluster(const char *folder, const char *system_identifier, struct local_owner *ret)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;
    uint64_t identifier = 0;
    char text[32];
    struct stat st, control;
    bool ok = false;

    if (dir < 0 || fstat(dir, &st) || (geteuid() && geteuid() != st.st_uid))
        goto out;
    fd = open_regular(dir, "global/pg_control", &control);
    if (fd < 0 || read(fd, &identifier, sizeof(identifier)) != (ssize_t)sizeof(identifier))
        goto out;
    snprintf(text, sizeof(text), "%" PRIu64, identifier);
    ok = !strcmp(text, system_identifier);
    if (ok)
        *ret = (struct local_owner){.uid = st.st_uid, .gid = st.st_gid};
out:
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return ok;
}
