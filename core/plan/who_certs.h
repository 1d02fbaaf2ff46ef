/*
 * who_certs.h - which roles have a certificate that the server would take, for simulate.h.
 *
 * Limits   the store knows its own CAs only: with a foreign CA in ssl_ca_file a role without one of
 *          ours may have one of theirs, so it stays SIMULATE_CERTS_UNKNOWN. Without a store: all do.
 */
#ifndef PGSEAL_PLAN_WHO_CERTS_H
#define PGSEAL_PLAN_WHO_CERTS_H

#include "core/pg/simulate.h"
#include "core/store/db.h"

/* Sets who->certs of the roles that can log in, and the certs of the maps' lines. store may be NULL. */
bool who_certs(struct store *store, struct conn *conn, struct simulate_who *who,
               struct err *err) MUST_CHECK;

#endif
