/*
 * address.h - where the clients of a server connect: what every proof needs.
 */
#ifndef PGSEAL_PLAN_ADDRESS_H
#define PGSEAL_PLAN_ADDRESS_H

#include "core/store/server.h"

/* Caller frees *ret_host: "" when there is only a socket. Errors of params.h. */
bool plan_tls_address(const struct server *server, char **ret_host, int *ret_port,
                      struct err *err) MUST_CHECK;
/* ERR_BAD_VALUE: this server has no address that a proof could ask. */
bool plan_no_tls_address(const struct server *server, struct err *err);

#endif
