/* log.c - the program's own log. */
#include "config.h"

#include "core/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"

/* One log a program; set at the start, before threads. */
static int log_fd = -1;

void log_open(const char *path)
{
    struct stat st;

    if (log_fd >= 0)
        close(log_fd);
    /* Under sudo the folder may be another user's: his FIFO would hold us up (O_NONBLOCK), and his
     * file would tell him what root does. */
    log_fd =
        path == NULL
            ? -1
            : open(path,
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                   0600);
    if (log_fd >= 0 && (fstat(log_fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
                        (st.st_mode & 022) != 0)) {
        close(log_fd);
        log_fd = -1;
    }
}

static void put_line(const char *level, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void put_line(const char *level, const char *fmt, va_list args)
{
    struct strbuf raw = STRBUF_INIT;
    struct strbuf line = STRBUF_INIT;
    char when[CLOCK_TEXT_MAX];
    ssize_t ignored;

    if (log_fd < 0)
        return;
    strbuf_vprintf(&raw, fmt, args);
    strbuf_printf(&line, "%s %ld %s ", clock_format_rfc3339(when, clock_now()), (long)getpid(),
                  level);
    text_clean(&line, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_add_char(&line, '\n');
    ignored = write(log_fd, line.data, line.len);
    (void)ignored;
    strbuf_clear(&raw);
    strbuf_clear(&line);
}

void log_info(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_line("info", fmt, args);
    va_end(args);
}

void log_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_line("error", fmt, args);
    va_end(args);
}
