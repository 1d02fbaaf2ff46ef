/* fake_server.c - a listener on 127.0.0.1 that answers with what a test wants. */
#include "config.h"

#include "tests/harness/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"

#define FAKE_MAX 16

struct fake {
    int listener;
    int port;
    void (*answer)(int fd, void *arg);
    void *arg;
    pthread_t thread;
    pthread_t threads[FAKE_MAX];
    int fds[FAKE_MAX];
    atomic_int n;
};

struct one {
    struct fake *fake;
    int fd;
};

static void *run_one(void *arg)
{
    struct one *one = arg;

    one->fake->answer(one->fd, one->fake->arg);
    shutdown(one->fd, SHUT_RDWR); /* closed by fake_stop(): the number must not be used again */
    free(one);
    return NULL;
}

static void *run(void *arg)
{
    struct fake *fake = arg;

    for (;;) {
        int fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
        int n = atomic_load(&fake->n);
        struct one *one = NULL;

        if (fd < 0)
            return NULL;
        if (n == FAKE_MAX) {
            close(fd);
            continue;
        }
        one = mem_zalloc(sizeof(*one));
        one->fake = fake;
        one->fd = fake->fds[n] = fd;
        if (pthread_create(&fake->threads[n], NULL, run_one, one))
            abort();
        atomic_store(&fake->n, n + 1);
    }
}

struct fake *fake_start(void (*answer)(int fd, void *arg), void *arg)
{
    struct fake *fake = mem_zalloc(sizeof(*fake));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    fake->answer = answer;
    fake->arg = arg;
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fake->listener < 0 || bind(fake->listener, (struct sockaddr *)&address, len) ||
        listen(fake->listener, 8) || getsockname(fake->listener, (struct sockaddr *)&address, &len))
        abort();
    fake->port = ntohs(address.sin_port);
    if (pthread_create(&fake->thread, NULL, run, fake))
        abort();
    return fake;
}

int fake_port(const struct fake *fake)
{
    return fake->port;
}

int fake_connections(const struct fake *fake)
{
    return atomic_load(&fake->n);
}

void fake_stop(struct fake *fake)
{
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    for (int i = 0; i < atomic_load(&fake->n); i++) {
        shutdown(fake->fds[i], SHUT_RDWR);
        pthread_join(fake->threads[i], NULL);
        close(fake->fds[i]);
    }
    free(fake);
}

bool fake_read(int fd, void *bytes, size_t len)
{
    char *at = bytes;

    while (len) {
        ssize_t n = recv(fd, at, len, 0);

        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

void fake_write(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

void fake_wait_for_end(int fd)
{
    char byte;

    while (fake_read(fd, &byte, 1))
        ;
}

bool fake_read_startup(int fd)
{
    for (;;) {
        uint32_t head[2];
        char body[4096];
        size_t len = 0;

        if (!fake_read(fd, head, sizeof(head)))
            return false;
        len = ntohl(head[0]);
        if (len < sizeof(head) || len > sizeof(body) || !fake_read(fd, body, len - sizeof(head)))
            return false;
        if (ntohl(head[1]) >> 16 == 3)
            return true;
        fake_write(fd, "N", 1);
    }
}

void fake_message(int fd, char type, const void *body, size_t len)
{
    uint32_t size = htonl((uint32_t)len + 4);
    char head[5] = {type};

    memcpy(head + 1, &size, sizeof(size));
    fake_write(fd, head, sizeof(head));
    fake_write(fd, body, len);
}

void fake_let_in(int fd, const char *server_version)
{
    char status[128] = "server_version";
    size_t name = strlen(status) + 1;

    memcpy(status + name, server_version, strlen(server_version) + 1);
    fake_message(fd, 'R', "\0\0\0\0", 4);
    fake_message(fd, 'S', status, name + strlen(server_version) + 1);
    fake_message(fd, 'K', "\0\0\x12\x34\0\0\0\1", 8);
    fake_message(fd, 'Z', "I", 1);
}

bool fake_read_query(int fd)
{
    char sql[1];

    return fake_read_sql(fd, sql, sizeof(sql));
}

bool fake_read_sql(int fd, char *sql, size_t sql_size)
{
    sql[0] = '\0';
    for (;;) {
        char head[5];
        char body[65536];
        uint32_t size = 0;

        if (!fake_read(fd, head, sizeof(head)))
            return false;
        memcpy(&size, head + 1, sizeof(size));
        size = ntohl(size);
        if (size < 4 || size > sizeof(body) || !fake_read(fd, body, size - 4) || head[0] == 'X')
            return false;
        if (head[0] == 'P' && size > 5) /* the name of the statement, then its text */
            snprintf(sql, sql_size, "%s", body + strlen(body) + 1);
        if (head[0] == 'S')
            return true;
    }
}

static size_t put_u16(char *at, int value)
{
    uint16_t network = htons((uint16_t)value);

    memcpy(at, &network, sizeof(network));
    return sizeof(network);
}

void fake_rows(int fd, const char *const *cells, int rows, int columns)
{
    char body[8192];
    size_t len = put_u16(body, columns);

    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    for (int i = 0; i < columns; i++, len += 20)
        memcpy(body + len, "c\0\0\0\0\0\0\0\0\0\0\x19\377\377\377\377\377\377\0", 20);
    fake_message(fd, 'T', body, len);
    for (int row = 0; row < rows; row++) {
        len = put_u16(body, columns);
        for (int i = 0; i < columns; i++) {
            const char *text = cells[row * columns + i];
            uint32_t size = htonl(text != NULL ? (uint32_t)strlen(text) : UINT32_MAX);

            memcpy(body + len, &size, sizeof(size));
            len += sizeof(size);
            if (text != NULL && len + strlen(text) < sizeof(body)) {
                memcpy(body + len, text, strlen(text));
                len += strlen(text);
            }
        }
        fake_message(fd, 'D', body, len);
    }
    fake_message(fd, 'C', "SELECT 1", 9);
    fake_message(fd, 'Z', "I", 1);
}

void fake_done(int fd)
{
    fake_message(fd, '1', "", 0);
    fake_message(fd, '2', "", 0);
    fake_message(fd, 'n', "", 0);
    fake_message(fd, 'C', "SET", 4);
    fake_message(fd, 'Z', "I", 1);
}

void fake_refuse(int fd, const char *sqlstate, const char *text)
{
    fake_error(fd, "ERROR", sqlstate, text);
    fake_message(fd, 'Z', "I", 1);
}

void fake_error(int fd, const char *severity, const char *sqlstate, const char *text)
{
    char body[1024];
    const char *const fields[] = {severity, severity, sqlstate, text};
    size_t at = 0;

    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(fields[i]) + 1;

        if (at + len + 2 > sizeof(body))
            abort();
        body[at++] = "SVCM"[i];
        memcpy(body + at, fields[i], len);
        at += len;
    }
    body[at++] = '\0';
    fake_message(fd, 'E', body, at);
}
