/*
 * wire.h - inside core/pg only: a connection to a server's port, up to its answer to SSLRequest.
 *
 * Source   PostgreSQL 55.2.10; connect(2), tcp(7).
 * Units    deadlines are clock_mono_ms() values; descriptors do not block.
 * Errors   ERR_NO_CONNECTION, ERR_TIMEOUT, ERR_NOT_POSTGRES.
 */
#ifndef PGSEAL_PG_WIRE_H
#define PGSEAL_PG_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

/* host is a name, an address or a socket folder. A descriptor for the caller to close(), or -1. */
int wire_open(const char *host, int port, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* events as for poll(2). */
bool wire_wait(int fd, short events, int64_t deadline_ms, struct err *err) MUST_CHECK;
/* Sends SSLRequest and reads the one byte that comes back. */
bool wire_ask_tls(int fd, int64_t deadline_ms, bool *ret_tls, struct err *err) MUST_CHECK;

#endif
