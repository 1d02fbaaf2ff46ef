/* fsfolder.c - folders: made, judged, emptied, and where pgseal's own are. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

bool fs_make_folder(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    bool ok = false;

    for (char *at = copy + 1;; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            err_set_errno(err, ERR_FILE, errno, _("cannot make the folder \"%s\""), copy);
            goto out;
        }
        if (end == '\0')
            break;
        *at = '/';
    }
    ok = true;
out:
    free(copy);
    return ok;
}

bool fs_check_own_folder(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_FILE, _("\"%s\" is not a folder"), path);
    if (st.st_uid != geteuid())
        return err_set(err, ERR_STORE_OWNER, _("\"%s\" belongs to user %ld, not to you"), path,
                       (long)st.st_uid);
    if ((st.st_mode & 022) != 0) {
        err_set(err, ERR_FILE_UNSAFE, _("others can write to \"%s\""), path);
        return err_hint(err, _("chmod 700 %s"), path);
    }
    return true;
}

bool fs_check_own_file(const char *path, const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_FILE_UNSAFE, _("\"%s\" is not a regular file"), path);
    if (st->st_uid != geteuid())
        return err_set(err, ERR_STORE_OWNER, _("\"%s\" belongs to user %ld, not to you"), path,
                       (long)st->st_uid);
    if ((st->st_mode & 022) != 0) {
        err_set(err, ERR_FILE_UNSAFE, _("others can write to \"%s\""), path);
        return err_hint(err, _("chmod 600 %s"), path);
    }
    return true;
}

static char *parent_of(const char *path)
{
    const char *end = path + strlen(path);

    while (end > path && end[-1] == '/')
        end--;
    while (end > path && end[-1] != '/')
        end--;
    while (end > path + 1 && end[-1] == '/')
        end--;
    return end == path ? mem_strdup(".") : mem_strndup(path, (size_t)(end - path));
}

char *fs_nearest(const char *path)
{
    char *at = mem_strdup(path);

    while (!fs_exists(at)) {
        char *parent = parent_of(at);

        free(at);
        at = parent;
    }
    return at;
}

char *fs_whole_path(const char *path)
{
    char *there = fs_nearest(path);
    char *whole = realpath(there, NULL);
    size_t len = strcmp(there, ".") == 0 && path[0] != '.' ? 0 : strlen(there);
    const char *rest = path + (len < strlen(path) ? len : strlen(path));
    char *ret;

    rest += strspn(rest, "/");
    if (whole == NULL || rest[0] == '\0')
        ret = mem_strdup(whole != NULL ? whole : path);
    else
        ret = fs_join(whole, rest);
    free(there);
    free(whole);
    return ret;
}

bool fs_is_in_checkout(const char *path)
{
    static const char *const marks[] = {".git", ".hg", ".svn"};
    char *at = fs_whole_path(path);
    bool found = false;

    for (bool last = false; !found && !last;) {
        char *parent;

        last = strcmp(at, "/") == 0 || strcmp(at, ".") == 0;
        for (size_t i = 0; !found && i < ARRAY_LEN(marks); i++) {
            char *mark = fs_join(at, marks[i]);

            found = fs_exists(mark);
            free(mark);
        }
        parent = parent_of(at);
        free(at);
        at = parent;
    }
    free(at);
    return found;
}

bool fs_is_steady_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           (st.st_uid == geteuid() || st.st_uid == 0) &&
           ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (st.st_mode & S_ISVTX) != 0);
}

char *fs_make_temp_folder(const char *prefix, struct err *err)
{
    const char *base = getenv("TMPDIR");
    char *path;

    if (base == NULL || base[0] != '/')
        base = "/tmp";
    path = mem_printf("%s/%s-XXXXXX", base, prefix);
    if (mkdtemp(path) == NULL) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make a folder in \"%s\""), base);
        free(path);
        return NULL;
    }
    return path;
}

/* Empties the folder behind fd (taken). Depth is bounded: no recursion without end on a hostile
 * tree. */
static bool empty_folder(int fd, dev_t device, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    bool ok = true;

    if (dir == NULL) {
        close(fd);
        return false;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            ok = ok && errno == ENOENT;
            continue;
        }
        if (S_ISDIR(st.st_mode) && st.st_dev == device && depth > 0) {
            int sub =
                openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            ok = (sub >= 0 && empty_folder(sub, device, depth - 1)) && ok;
            ok = (unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT) && ok;
        } else if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT) {
            ok = false;
        }
    }
    closedir(dir);
    return ok;
}

bool fs_remove_tree(const char *path, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot open the folder \"%s\""), path);
    if (fstat(fd, &st) != 0) {
        int saved = errno;

        close(fd);
        return err_set_errno(err, ERR_FILE, saved, _("cannot look at \"%s\""), path);
    }
    if (!empty_folder(fd, st.st_dev, 64) || rmdir(path) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot remove the folder \"%s\""), path);
    return true;
}

static char *xdg_folder(const char *variable, const char *below_home, struct err *err)
{
    const char *base = getenv(variable);
    const char *home = getenv("HOME");

    if (base != NULL && base[0] == '/')
        return mem_printf("%s/pgseal", base);
    if (home == NULL || home[0] != '/') {
        err_set(err, ERR_FILE, _("there is no home folder: HOME is not set"));
        err_hint(err, _("Set HOME or %s, or say where the store is (--store DIR)."), variable);
        return NULL;
    }
    return mem_printf("%s/%s/pgseal", home, below_home);
}

char *fs_data_folder(struct err *err)
{
    return xdg_folder("XDG_DATA_HOME", ".local/share", err);
}

char *fs_state_folder(struct err *err)
{
    return xdg_folder("XDG_STATE_HOME", ".local/state", err);
}
