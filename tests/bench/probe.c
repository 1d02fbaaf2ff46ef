/* probe.c - pgseal's probe beside a bare TLS handshake with the same server, in turns. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "core/pg/handshake.h"

#define RUNS 101

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int64_t micros(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What any client must do at least: connect, ask for TLS, shake hands, say goodbye. */
static int64_t bare(SSL_CTX *ctx, int port)
{
    static const unsigned char request[] = {0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int64_t start = micros();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    char answer;
    SSL *ssl;

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(fd, request, sizeof(request)) != (ssize_t)sizeof(request) ||
        read(fd, &answer, 1) != 1 || answer != 'S') {
        fputs("no TLS there\n", stderr);
        exit(1);
    }
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) {
        fputs("no handshake\n", stderr);
        exit(1);
    }
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    return micros() - start;
}

static int64_t probe(int port)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = port};
    struct err err = ERR_INIT;
    struct handshake seen;
    int64_t start = micros();

    if (!handshake_run(&request, &seen, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    handshake_clear(&seen);
    return micros() - start;
}

int main(int argc, char **argv)
{
    int64_t ours[RUNS], theirs[RUNS];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int port = argc == 2 ? atoi(argv[1]) : 0;

    if (!ctx || port <= 0) {
        fputs("usage: probe PORT\n", stderr);
        return 2;
    }
    for (int i = 0; i < RUNS; i++) {
        theirs[i] = bare(ctx, port);
        ours[i] = probe(port);
    }
    qsort(ours, RUNS, sizeof(ours[0]), by_number);
    qsort(theirs, RUNS, sizeof(theirs[0]), by_number);
    printf("%lld %lld\n", (long long)ours[RUNS / 2], (long long)theirs[RUNS / 2]);
    SSL_CTX_free(ctx);
    return 0;
}
