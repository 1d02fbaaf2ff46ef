/* greeting.c - a login without a name, in clear text: nothing secret is in it. */
#include "config.h"

#include "core/pg/greeting.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pg/wire.h"

#define TIMEOUT_MS  5000
#define MESSAGE_MAX 4096

static bool read_message(int fd, int64_t deadline_ms, unsigned char *out, size_t size,
                         size_t *ret_len, struct err *err)
{
    size_t len = 0;
    size_t wanted = 5;

    while (len < wanted) {
        ssize_t n;

        if (!wire_wait(fd, POLLIN, deadline_ms, err))
            return false;
        n = recv(fd, out + len, size - len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return err_set(err, ERR_NOT_POSTGRES, _("the server hung up without an answer"));
        len += (size_t)n;
        if (len >= 5 && wanted == 5) {
            size_t told =
                (size_t)out[1] << 24 | (size_t)out[2] << 16 | (size_t)out[3] << 8 | (size_t)out[4];

            if (told < 4 || told >= size)
                return err_set(err, ERR_NOT_POSTGRES,
                               _("the answer is not that of a PostgreSQL server"));
            wanted = told + 1;
        }
    }
    *ret_len = wanted;
    return true;
}

static bool has_field(const unsigned char *fields, size_t len, char wanted)
{
    for (size_t at = 0; at < len && fields[at];) {
        const unsigned char *end = memchr(fields + at, '\0', len - at);

        if (fields[at] == (unsigned char)wanted)
            return true;
        if (!end)
            return false;
        at = (size_t)(end - fields) + 1;
    }
    return false;
}

bool greeting_ask(const char *host, int port, int64_t timeout_ms, enum greeting *ret,
                  struct err *err)
{
    /* length, protocol 3.0, "database" = "postgres", the end: no "user" */
    static const unsigned char startup[] = "\0\0\0\x1b\0\x03\0\0"
                                           "database\0postgres\0";
    int64_t deadline_ms = clock_mono_ms() + (timeout_ms > 0 ? timeout_ms : TIMEOUT_MS);
    unsigned char message[MESSAGE_MAX];
    size_t len = 0;
    bool ok = false;
    int fd = wire_open(host, port, deadline_ms, err);

    if (fd < 0)
        return false;
    if (!wire_wait(fd, POLLOUT, deadline_ms, err))
        goto out;
    if (send(fd, startup, sizeof(startup), MSG_NOSIGNAL) != (ssize_t)sizeof(startup)) {
        err_set_errno(err, ERR_NO_CONNECTION, errno, _("the question was not sent"));
        goto out;
    }
    if (!read_message(fd, deadline_ms, message, sizeof(message), &len, err))
        goto out;
    if (message[0] != 'E') { /* whoever lets a client without a name go on is not PostgreSQL */
        *ret = GREETING_POOLER;
    } else {
        *ret = has_field(message + 5, len - 5, 'V') && has_field(message + 5, len - 5, 'R')
                   ? GREETING_POSTGRES
                   : GREETING_POOLER;
    }
    ok = true;
out:
    close(fd);
    return ok;
}
