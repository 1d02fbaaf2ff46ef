/* fail_vfs.c - SQLite's file layer with one call that fails. */
#include "config.h"

#include "tests/harness/fail_vfs.h"

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

struct fail_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same memory */
};

static sqlite3_vfs *real_vfs;
static int left; /* calls until the one that fails; 0: not armed */
static bool reached;
static enum fail_how armed_how;
static bool spares_syncs;
static bool counts_coarsely;
static const sqlite3_file *last_written; /* NULL: something else came after it */
static int in_a_row;

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct fail_file *)file)->real;
}

bool fail_vfs_strike(void)
{
    last_written = NULL;
    if (reached && armed_how != FAIL_ONCE)
        return true;
    if (left == 0 || --left > 0)
        return false;
    reached = true;
    if (armed_how == FAIL_KILLED) {
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
    return true;
}

static int word(void)
{
    return armed_how == FAIL_FULL ? SQLITE_FULL : SQLITE_IOERR;
}

static int file_close(sqlite3_file *file)
{
    return real(file)->pMethods != NULL ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset)
{
    return real(file)->pMethods->xRead(real(file), to, amount, offset);
}

static bool counts(const sqlite3_file *file)
{
    in_a_row = file == last_written ? in_a_row + 1 : 0;
    return !counts_coarsely || in_a_row < 2 || in_a_row % 4 == 0;
}

static int file_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset)
{
    bool strikes = (counts(file) || (reached && armed_how != FAIL_ONCE)) && fail_vfs_strike();

    last_written = file;
    if (strikes)
        return word();
    return real(file)->pMethods->xWrite(real(file), from, amount, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fail_vfs_strike() && armed_how != FAIL_FULL)
        return word();
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    if (fail_vfs_strike())
        return word();
    return spares_syncs ? SQLITE_OK : real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_lock(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int file_character(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/* Of databases in WAL mode. */
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_character,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fail_file *fail = (struct fail_file *)file;
    int result;

    (void)vfs;
    memset(fail, 0, sizeof(*fail));
    fail->real = (sqlite3_file *)(void *)(fail + 1);
    result = real_vfs->xOpen(real_vfs, name, fail->real, flags, out);
    if (result == SQLITE_OK)
        fail->base.pMethods = &methods;
    return result;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    if (fail_vfs_strike() && armed_how != FAIL_FULL)
        return word();
    return real_vfs->xDelete(real_vfs, name, spares_syncs ? 0 : sync);
}

void fail_vfs_install(void)
{
    static sqlite3_vfs vfs;

    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fail";
    vfs.szOsFile = (int)sizeof(struct fail_file) + real_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.pNext = NULL;
    (void)sqlite3_vfs_register(&vfs, 1);
}

void fail_vfs_arm(int n, enum fail_how how)
{
    left = n;
    armed_how = how;
    reached = false;
}

void fail_vfs_spare_syncs(void)
{
    spares_syncs = true;
}

void fail_vfs_count_coarsely(void)
{
    counts_coarsely = true;
}

bool fail_vfs_disarm(void)
{
    bool was = reached;

    left = 0;
    reached = false;
    return was;
}
