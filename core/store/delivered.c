/* delivered.c - lines of the file that says which certificates have their files. */
#include "config.h"

#include "core/store/delivered.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/store/db_state.h"
#include "core/store/sql.h"

/* Every transaction empties it: more than a few lines are the sign of something else. */
#define FILE_MAX (1u << 20)

/* The open file, with a lock that the kernel takes away with the process; -1: none. */
static int open_locked(const struct store *store, int flags, int lock)
{
    char *path = fs_join(store->folder, DELIVERED_NAME);
    int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat st;

    free(path);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
                    flock(fd, lock) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool delivered_add(const struct store *store, const struct serial *serial, int64_t at)
{
    int fd = open_locked(store, O_RDWR | O_CREAT | O_APPEND, LOCK_EX);
    char hex[SERIAL_HEX_MAX];
    char *line = mem_printf("%" PRId64 " %s\n", at, serial_format_hex(hex, serial));
    struct err ignored = ERR_INIT;
    bool ok = fd >= 0 && fs_append(fd, line, strlen(line), &ignored);

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    free(line);
    return ok;
}

static bool parse_line(char *line, struct delivered_line *ret)
{
    char *space = strchr(line, ' ');
    struct err ignored = ERR_INIT;

    if (space == NULL)
        return false;
    *space = '\0';
    return text_parse_int(line, 1, INT64_C(253402300799), &ret->at) &&
           serial_parse_hex(&ret->serial, space + 1, &ignored);
}

static void parse(char *text, struct delivered *ret)
{
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct delivered_line parsed = {.at = 0};

        *end = '\0';
        if (!parse_line(line, &parsed))
            continue;
        if ((ret->n & (ret->n - 1)) == 0) /* grows by doubling */
            ret->lines =
                mem_realloc_array(ret->lines, ret->n == 0 ? 1 : ret->n * 2, sizeof(*ret->lines));
        ret->lines[ret->n++] = parsed;
    }
}

void delivered_read(const struct store *store, struct delivered *ret)
{
    int fd = open_locked(store, O_RDONLY, LOCK_SH);
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT;

    memset(ret, 0, sizeof(*ret));
    if (fd < 0)
        return;
    if (fs_read_fd(fd, DELIVERED_NAME, FILE_MAX, &text, &ignored) && text.len > 0) {
        ret->text = mem_dup(text.data, text.len);
        ret->len = text.len;
        parse(text.data, ret);
    }
    close(fd);
    strbuf_clear(&text);
}

void delivered_clear(struct delivered *delivered)
{
    free(delivered->lines);
    free(delivered->text);
    memset(delivered, 0, sizeof(*delivered));
}

bool delivered_has(const struct delivered *delivered, const struct serial *serial)
{
    for (size_t i = 0; i < delivered->n; i++)
        if (serial_equal(&delivered->lines[i].serial, serial))
            return true;
    return false;
}

bool delivered_take_over(struct store *store, const struct delivered *delivered, struct err *err)
{
    struct sql *sql;
    bool ok = true;

    if (delivered->n == 0)
        return true;
    sql = sql_new(store,
                  "UPDATE issued SET delivered_at = ?2 WHERE serial = ?1 AND delivered_at IS NULL",
                  err);
    if (sql == NULL)
        return false;
    for (size_t i = 0; ok && i < delivered->n; i++) {
        const struct delivered_line *line = &delivered->lines[i];

        sql_bind_blob(sql, 1, line->serial.bytes, line->serial.len);
        sql_bind_int(sql, 2, line->at);
        ok = sql_again(sql, err);
    }
    sql_free(sql);
    return ok;
}

void delivered_forget(const struct store *store, const struct delivered *delivered)
{
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    int fd;

    if (delivered->len == 0)
        return;
    fd = open_locked(store, O_RDWR, LOCK_EX);
    if (fd < 0)
        return;
    /* what does not work here is done by the next transaction, once more and to the same end */
    if (fs_read_fd(fd, DELIVERED_NAME, FILE_MAX, &text, &ignored) && text.len == delivered->len &&
        memcmp(text.data, delivered->text, text.len) == 0)
        (void)!ftruncate(fd, 0);
    close(fd);
    strbuf_clear(&text);
}
