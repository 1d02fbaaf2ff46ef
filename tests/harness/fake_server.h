/*
 * fake_server.h - a listener on 127.0.0.1 that answers with what a test wants.
 *
 * Use      each connection is handed to answer() on a thread of its own; when it returns the
 *          connection is closed. fake_stop() ends a waiting answer() by closing its connection.
 */
#ifndef PGSEAL_TESTS_FAKE_SERVER_H
#define PGSEAL_TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fake;

struct fake *fake_start(void (*answer)(int fd, void *arg), void *arg);
int fake_port(const struct fake *fake);
int fake_connections(const struct fake *fake); /* how many came */
void fake_stop(struct fake *fake);

/* For answer(): all of it or nothing. */
bool fake_read(int fd, void *bytes, size_t len);
void fake_write(int fd, const void *bytes, size_t len);
void fake_wait_for_end(int fd); /* reads until the other side is gone */
/* The startup packet of protocol 3, after a "N" to an SSLRequest or GSSENCRequest. */
bool fake_read_startup(int fd);
/* One message of the protocol: type, length, body. */
void fake_message(int fd, char type, const void *body, size_t len);
/* AuthenticationOk, ParameterStatus server_version, BackendKeyData, ReadyForQuery. */
void fake_let_in(int fd, const char *server_version);
/* Reads messages up to Sync, or to Terminate or the end: then false. */
bool fake_read_query(int fd);
/* The same, with the text of the statement that was parsed. */
bool fake_read_sql(int fd, char *sql, size_t size);
/* What follows a statement with rows (cells row by row, text or NULL), and one without. */
void fake_rows(int fd, const char *const *cells, int rows, int columns);
void fake_done(int fd);
/* ErrorResponse and ReadyForQuery: the statement was refused, the connection lives. */
void fake_refuse(int fd, const char *sqlstate, const char *text);
/* ErrorResponse */
void fake_error(int fd, const char *severity, const char *sqlstate, const char *text);

#endif
