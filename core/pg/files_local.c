/* files_local.c - written as root into folders of another user: nothing is followed that he could bend. */
#include "config.h"

#include "core/pg/files_local.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

#define READ_MAX ((size_t)64 << 20)

/* ---- as whom ---- */

/* What root was before: a thread's own, so that nobody else notices. */
struct disguise {
    bool on;
    int n_groups;
    gid_t groups[LOCAL_GROUPS_MAX * 2];
};

/* glibc's setgroups() would change every thread. */
static bool set_groups(size_t n, const gid_t *groups)
{
    return syscall(SYS_setgroups, n, groups) == 0;
}

/* False with errno: then nothing may be done, since it would be done as root. */
static bool disguise(struct disguise *me, const struct local_owner *owner)
{
    me->on = false;
    if (geteuid())
        return true; /* local_is_cluster() has seen that we are the owner */
    me->n_groups = getgroups((int)ARRAY_LEN(me->groups), me->groups);
    if (me->n_groups < 0 || !set_groups(owner->n_groups, owner->groups))
        return false;
    me->on = true;
    (void)setfsgid(owner->gid);
    (void)setfsuid(owner->uid);
    if ((uid_t)setfsuid((uid_t)-1) == owner->uid && (gid_t)setfsgid((gid_t)-1) == owner->gid)
        return true;
    errno = EPERM;
    return false;
}

static void undisguise(const struct disguise *me)
{
    int saved = errno;

    if (me->on) {
        (void)setfsuid(geteuid());
        (void)setfsgid(getegid());
        (void)set_groups((size_t)me->n_groups, me->groups);
    }
    errno = saved;
}

/* The groups that the server's processes have: Debian's server reads its key as one of ssl-cert. */
static void find_groups(struct local_owner *owner)
{
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    int n = (int)ARRAY_LEN(owner->groups);

    owner->n_groups = 0;
    if (getpwuid_r(owner->uid, &entry, buffer, sizeof(buffer), &found) || !found)
        return;
    if (getgrouplist(found->pw_name, owner->gid, owner->groups, &n) >= 0 && n > 0)
        owner->n_groups = (size_t)n;
}

/* ---- a file by its folder ---- */

#define KEEP_GROUP ((gid_t)-1)

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
                            gid_t group)
{
    int fd = openat(place->folder, place->temporary,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    int saved = 0;

    if (!ok)
        return false;
    ok = write_all(fd, bytes, len) && (group == KEEP_GROUP || !fchown(fd, (uid_t)-1, group)) &&
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
    struct place place = {.folder = -1};
    struct disguise me;
    bool ok = false;

    if (!disguise(&me, owner)) {
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
        goto out;
    }
    if (!place_open(&place, path, err))
        goto out;
    if (!write_temporary(&place, bytes, len, mode, KEEP_GROUP)) {
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
    undisguise(&me);
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

static bool replace(const char *path, const struct strbuf *expected, const void *bytes, size_t len,
                    const struct local_owner *owner, bool *ret_same, struct err *err)
{
    struct strbuf old = STRBUF_INIT;
    struct place place = {.folder = -1};
    struct stat st;
    char *real = realpath(path, NULL); /* the link stays, what it leads to is replaced */
    int fd = -1;
    bool ok = false;

    if (!real) {
        ok = true; /* not here: not the server's file */
        goto out;
    }
    if (!place_open(&place, real, err))
        goto out;
    fd = open_regular(place.folder, place.name, &st);
    if (fd < 0 || st.st_uid != owner->uid || !read_all(fd, &old) || !strbuf_equal(&old, expected)) {
        ok = true;
        goto out;
    }
    if (!write_temporary(&place, bytes, len, st.st_mode & 07777, st.st_gid)) {
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

bool local_replace(const char *path, const struct strbuf *expected, const void *bytes, size_t len,
                   const struct local_owner *owner, bool *ret_same, struct err *err)
{
    struct disguise me;
    bool ok = disguise(&me, owner);

    *ret_same = false;
    if (ok)
        ok = replace(path, expected, bytes, len, owner, ret_same, err);
    else
        err_set_errno(err, ERR_FILE, errno, "\"%s\"", path);
    undisguise(&me);
    return ok;
}

bool local_sha256(const char *path, const struct local_owner *owner, uint8_t ret[32])
{
    struct strbuf bytes = STRBUF_INIT;
    struct disguise me;
    struct stat st;
    int fd = disguise(&me, owner) ? open_regular(AT_FDCWD, path, &st) : -1;
    bool ok = fd >= 0 && read_all(fd, &bytes) &&
              EVP_Digest(bytes.data, bytes.len, ret, NULL, EVP_sha256(), NULL) == 1;

    if (fd >= 0)
        close(fd);
    undisguise(&me);
    strbuf_clear(&bytes);
    return ok;
}

bool local_remove(const char *path, const struct local_owner *owner)
{
    struct err ignored = ERR_INIT;
    struct place place = {.folder = -1};
    struct disguise me;
    bool ok = disguise(&me, owner) && place_open(&place, path, &ignored) &&
              !unlinkat(place.folder, place.name, 0);

    if (ok)
        (void)fsync(place.folder);
    place_clear(&place);
    undisguise(&me);
    return ok;
}

/* As every server since PostgreSQL 8.1 sees to it: never root's, nobody else's to write or look. */
static bool is_data_folder(const struct stat *st)
{
    return st->st_uid != 0 && (st->st_mode & (S_IWGRP | S_IRWXO)) == 0 &&
           (!geteuid() || geteuid() == st->st_uid);
}

bool local_is_cluster(const char *folder, const char *system_identifier, struct local_owner *ret)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;
    uint64_t identifier = 0;
    char text[32];
    struct stat st, control;
    struct disguise me = {.on = false};
    bool ok = false;

    if (dir < 0 || fstat(dir, &st) || !is_data_folder(&st))
        goto out;
    *ret = (struct local_owner){.uid = st.st_uid, .gid = st.st_gid};
    find_groups(ret);
    if (!disguise(&me, ret))
        goto out;
    fd = open_regular(dir, "global/pg_control", &control);
    if (fd < 0 || control.st_uid != st.st_uid ||
        read(fd, &identifier, sizeof(identifier)) != (ssize_t)sizeof(identifier))
        goto out;
    snprintf(text, sizeof(text), "%" PRIu64, identifier);
    ok = !strcmp(text, system_identifier);
out:
    undisguise(&me);
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return ok;
}
