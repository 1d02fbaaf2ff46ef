/*
 * fsutil.h - files that are there whole or not at all.
 *
 * Source   open(2) O_EXCL O_NOFOLLOW, link(2), rename(2), fsync(2) of file and folder.
 * Errors   ERR_FILE_EXISTS, ERR_DISK_FULL, ERR_FILE_UNSAFE, ERR_FILE; the message has the path.
 * Doors    fs_replace_ops() lets a test fail the n-th write, fsync, link, rename.
 */
#ifndef PGSEAL_BASE_FSUTIL_H
#define PGSEAL_BASE_FSUTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

#define FS_MODE_SECRET 0600
#define FS_MODE_PUBLIC 0644

/* A new file, whole or not at all (temporary name, fsync, link, fsync of the folder); never
 * overwrites: ERR_FILE_EXISTS. The mode is exact, whatever the umask. */
bool fs_write_new(const char *path, const void *bytes, size_t len, mode_t mode,
                  struct err *err) MUST_CHECK;

/* The same, replacing what is there (rename). */
bool fs_write_replace(const char *path, const void *bytes, size_t len, mode_t mode,
                      struct err *err) MUST_CHECK;

struct fs_new_file {
    const char *name; /* without a folder */
    const void *bytes;
    size_t len;
    mode_t mode;
};
/* New files in a folder that is there, all of them or none, like fs_write_new() for each, with one
 * fsync of the folder. A kill in the middle may leave the first of them: whole. */
bool fs_write_new_files(const char *folder, const struct fs_new_file *files, size_t n,
                        struct err *err) MUST_CHECK;
/* A new folder 0700 with these files: it gets its name when all of them last, so it is whole or not
 * there. Missing parents are made. ERR_FILE_EXISTS when a file or a folder with files has the name. */
bool fs_write_new_folder(const char *folder, const struct fs_new_file *files, size_t n,
                         struct err *err) MUST_CHECK;

/* Reads a whole regular file of at most max bytes (else ERR_TOO_LARGE) and appends it to out. */
bool fs_read(const char *path, size_t max, struct strbuf *out, struct err *err) MUST_CHECK;
/* Reads a descriptor to its end, at most max bytes. */
bool fs_read_fd(int fd, const char *what, size_t max, struct strbuf *out,
                struct err *err) MUST_CHECK;

/* Makes the folder and its missing parents with mode 0700. Exists already: fine. */
bool fs_make_folder(const char *path, struct err *err) MUST_CHECK;
/* ERR_STORE_OWNER / ERR_FILE_UNSAFE unless path is a folder of ours that others cannot write. */
bool fs_check_own_folder(const char *path, struct err *err) MUST_CHECK;
/* The same of a regular file, by what lstat(2) said of it. */
struct stat;
bool fs_check_own_file(const char *path, const struct stat *st, struct err *err) MUST_CHECK;
/* True when nobody but us and root can move away what we make in this folder: it is ours or root's,
 * and only its owner can write to it, or it is sticky like /tmp. */
bool fs_is_steady_folder(const char *path);
/* The path itself or the nearest above it that is there. Caller frees. */
char *fs_nearest(const char *path) MUST_CHECK;
/* Absolute, for a path that need not be there yet: without links as far as it is. Caller frees. */
char *fs_whole_path(const char *path) MUST_CHECK;
/* True when the path lies, or would lie, in a checkout of git, Mercurial or Subversion: what is written
 * there may be committed. */
bool fs_is_in_checkout(const char *path);
/* A new folder 0700 under $TMPDIR or /tmp: "<prefix>-XXXXXX". Caller frees. */
char *fs_make_temp_folder(const char *prefix, struct err *err) MUST_CHECK;
/* Deletes a folder with all in it; does not follow links, stays on one file system. */
bool fs_remove_tree(const char *path, struct err *err) MUST_CHECK;

/* Appends to an open file; not lasting. */
bool fs_append(int fd, const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* For many files at once: a new file in an open folder, not lasting before fs_sync_all(). */
bool fs_write_at(int folder, const char *name, const void *bytes, size_t len, mode_t mode,
                 struct err *err) MUST_CHECK;
/* Everything that was written to the file system of this open folder lasts. */
bool fs_sync_all(int folder, struct err *err) MUST_CHECK;
/* Gives a folder a name that no file and no folder with files has; lasting after fs_sync_folder().
 * ERR_FILE_EXISTS. */
bool fs_rename_folder(const char *from, const char *to, struct err *err) MUST_CHECK;
/* Gives a whole, synced file on the same file system its name; the other name goes. Never
 * overwrites: ERR_FILE_EXISTS. */
bool fs_give_name(const char *temporary, const char *path, struct err *err) MUST_CHECK;
bool fs_sync_folder(int folder, struct err *err) MUST_CHECK;
/* For a file that somebody else's code wrote. */
bool fs_sync_file(const char *path, struct err *err) MUST_CHECK;

bool fs_exists(const char *path);
char *fs_join(const char *folder, const char *name) MUST_CHECK; /* caller frees */

/* XDG base folders with "/pgseal" at the end; caller frees; NULL with ERR_FILE without a HOME.
 * Relative paths in the variables are ignored, as the specification asks. */
char *fs_data_folder(struct err *err) MUST_CHECK;  /* $XDG_DATA_HOME, ~/.local/share */
char *fs_state_folder(struct err *err) MUST_CHECK; /* $XDG_STATE_HOME, ~/.local/state */

struct fs_ops {
    ssize_t (*write)(int fd, const void *bytes, size_t len);
    int (*fsync)(int fd); /* also in place of syncfs() */
    int (*link)(const char *from, const char *to);
    int (*rename)(const char *from, const char *to);
};
void fs_replace_ops(const struct fs_ops *ops); /* for tests; NULL: the real ones again */

#endif
