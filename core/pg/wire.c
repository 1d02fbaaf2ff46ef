/* wire.c - every step has the deadline; every address of a name gets its share of the time. */
#include "config.h"

#include "core/pg/wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"

bool wire_wait(int fd, short events, int64_t deadline_ms, struct err *err)
{
    struct pollfd one = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = deadline_ms - clock_mono_ms();
        int n = left <= 0 ? 0 : poll(&one, 1, left > INT32_MAX ? INT32_MAX : (int)left);

        if (n > 0)
            return true;
        if (n == 0)
            return err_set(err, ERR_TIMEOUT, _("the server did not answer in time"));
        if (errno != EINTR)
            return err_set_errno(err, ERR_INTERNAL, errno, "poll");
    }
}

static bool finish_connect(int fd, int64_t deadline_ms, const char *what, struct err *err)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (!wire_wait(fd, POLLOUT, deadline_ms, err))
        return err_prefix(err, "%s", what);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    return !error || err_set_errno(err, ERR_NO_CONNECTION, error, "%s", what);
}

/* what: for messages */
static int connect_to(const struct sockaddr *address, socklen_t len, const char *what,
                      int64_t deadline_ms, struct err *err)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        err_set_errno(err, ERR_NO_CONNECTION, errno, "%s", what);
        return -1;
    }
    /* The verdict on a certificate is lost to a reset when our last words wait for an answer. */
    if (address->sa_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!connect(fd, address, len))
        return fd;
    if (errno != EINPROGRESS && errno != EAGAIN) /* EAGAIN: a socket whose queue is full */
        err_set_errno(err, ERR_NO_CONNECTION, errno, "%s", what);
    else if (errno == EAGAIN)
        err_set(err, ERR_TIMEOUT, _("%s: the server does not take connections"), what);
    else if (finish_connect(fd, deadline_ms, what, err))
        return fd;
    close(fd);
    return -1;
}

static int open_unix(const char *folder, int port, int64_t deadline_ms, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.%d", folder, port);

    if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
        err_set(err, ERR_BAD_VALUE, _("the path of the socket folder \"%s\" is too long"), folder);
        return -1;
    }
    return connect_to((const struct sockaddr *)&address, sizeof(address), address.sun_path,
                      deadline_ms, err);
}

static size_t count(const struct addrinfo *found)
{
    size_t n = 0;

    for (; found; found = found->ai_next)
        n++;
    return n;
}

int wire_open(const char *host, int port, int64_t deadline_ms, struct err *err)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[16];
    size_t left = 0;
    int fd = -1;
    int rc = 0;

    if (host[0] == '/')
        return open_unix(host, port, deadline_ms, err);
    snprintf(service, sizeof(service), "%d", port);
    rc = getaddrinfo(host, service, &hints, &found);
    if (rc) {
        err_set(err, ERR_NO_CONNECTION, _("the host name \"%s\" was not found: %s"), host,
                gai_strerror(rc));
        return -1;
    }
    left = count(found);
    for (struct addrinfo *one = found; one && fd < 0; one = one->ai_next, left--) {
        int64_t now = clock_mono_ms();
        char what[NI_MAXHOST + 32];
        char number[NI_MAXHOST] = "";

        (void)getnameinfo(one->ai_addr, one->ai_addrlen, number, sizeof(number), NULL, 0,
                          NI_NUMERICHOST);
        snprintf(what, sizeof(what), _("\"%s\" (%s), port %d"), host, number, port);
        fd = connect_to(one->ai_addr, one->ai_addrlen, what,
                        now + (deadline_ms - now) / (int64_t)left, err);
    }
    freeaddrinfo(found);
    return fd;
}

bool wire_ask_tls(int fd, int64_t deadline_ms, bool *ret_tls, struct err *err)
{
    static const unsigned char request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
    unsigned char answer[64];
    ssize_t n = -1;

    if (!wire_wait(fd, POLLOUT, deadline_ms, err))
        return false;
    if (send(fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        return err_set_errno(err, ERR_NO_CONNECTION, errno, _("the request for TLS was not sent"));
    if (!wire_wait(fd, POLLIN, deadline_ms, err))
        return false;
    n = recv(fd, answer, sizeof(answer), 0);
    if (n <= 0) {
        err_set(err, ERR_NOT_POSTGRES, _("the server hung up without an answer"));
        return err_cause(err, "%s",
                         _("Something else listens there, or a tunnel or proxy whose server is "
                           "away."));
    }
    /* One byte and no more: "SSH-2.0-…" begins with an S too, and bytes in clear text that came
     * before the handshake would be taken for protected ones. */
    if (n == 1 && (answer[0] == 'S' || answer[0] == 'N')) {
        *ret_tls = answer[0] == 'S';
        return true;
    }
    if (answer[0] == 'E' && n >= 5 && !answer[1] && !answer[2])
        return err_set(err, ERR_NO_CONNECTION,
                       _("the server answered the request for TLS with an error"));
    return err_set(err, ERR_NOT_POSTGRES, _("the answer is not that of a PostgreSQL server"));
}
