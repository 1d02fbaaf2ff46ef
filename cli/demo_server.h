/*
 * demo_server.h - the demo's PostgreSQL as a server of its store.
 *
 * Use      "pgseal demo" opens the wizard on it, "pgseal demo --tour" the journey.
 */
#ifndef PGSEAL_CLI_DEMO_SERVER_H
#define PGSEAL_CLI_DEMO_SERVER_H

#include "core/demo/demo.h"
#include "core/store/server.h"

#define DEMO_SERVER "demo"      /* its name in the demo's store */
#define DEMO_HOST   "127.0.0.1" /* where it listens for clients */

/* Makes it known to this store, open for writing. */
bool demo_add_server(struct store *store, const struct demo *demo, struct err *err) MUST_CHECK;

#endif
