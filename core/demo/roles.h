/*
 * roles.h - inside core/demo only: alice, bob and carol, with passwords of this one run.
 *
 * Errors   ERR_DEMO with the server's words.
 */
#ifndef PGSEAL_DEMO_ROLES_H
#define PGSEAL_DEMO_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/demo/load.h"

#define DEMO_ROLES 3

/* Their names, and a random password for each. */
bool demo_roles_name(struct demo_role roles[DEMO_ROLES], struct err *err) MUST_CHECK;
/* Makes the roles and the database on the server with this socket folder and port. */
bool demo_roles_make(const char *socket, int port_number, const struct demo_role *roles,
                     size_t n_roles, struct err *err) MUST_CHECK;

#endif
