/*
 * hold.c - holds sessions open for the bench: of ten, six show a certificate, two only speak TLS, two
 * are in clear text.
 *
 * hold PORT N CERT KEY: roles role0 … role9 in database postgres on 127.0.0.1. Says "ready" when all
 * are there, and ends when its standard input does.
 * hold PORT N FOLDER: roles role0 … each with the kit FOLDER/roleI of its own.
 */
#include "config.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static PGconn *log_in(const char *port, long i, const char *cert, const char *key)
{
    char role[16], application[32];
    const char *const keywords[] = {
        "host",       "port",    "user",    "dbname", "application_name",
        "gssencmode", "sslmode", "sslcert", "sslkey", NULL};
    const char *const values[] = {"127.0.0.1",
                                  port,
                                  role,
                                  "postgres",
                                  application,
                                  "disable",
                                  i % 10 < 8 ? "require" : "disable",
                                  i % 10 < 6 ? cert : "/nonexistent",
                                  i % 10 < 6 ? key : "/nonexistent",
                                  NULL};

    snprintf(role, sizeof(role), "role%ld", i % 10);
    snprintf(application, sizeof(application), "service %ld", i % 23);
    return PQconnectdbParams(keywords, values, 0);
}

static PGconn *log_in_by_kit(const char *port, long i, const char *folder)
{
    char role[32], application[32], cert[4096], key[4096];
    const char *const keywords[] = {"host",    "port",    "user",   "dbname", "application_name",
                                    "sslmode", "sslcert", "sslkey", NULL};
    const char *const values[] = {"127.0.0.1", port, role, "postgres", application,
                                  "require",   cert, key,  NULL};

    snprintf(role, sizeof(role), "role%ld", i);
    snprintf(application, sizeof(application), "service %ld", i % 23);
    snprintf(cert, sizeof(cert), "%s/%s/%s.crt", folder, role, role);
    snprintf(key, sizeof(key), "%s/%s/%s.key", folder, role, role);
    return PQconnectdbParams(keywords, values, 0);
}

int main(int argc, char **argv)
{
    long n = argc == 4 || argc == 5 ? strtol(argv[2], NULL, 10) : 0;
    char byte;

    for (long i = 0; i < n; i++) {
        /* held until the process ends */
        PGconn *conn =
            argc == 4 ? log_in_by_kit(argv[1], i, argv[3]) : log_in(argv[1], i, argv[3], argv[4]);

        if (PQstatus(conn) != CONNECTION_OK) {
            fprintf(stderr, "hold: session %ld: %s", i, PQerrorMessage(conn));
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return n > 0 ? 0 : 2;
}
