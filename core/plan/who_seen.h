/*
 * who_seen.h - sessions of before, from the sightings, for simulate.h: the nightly job that is not
 * connected now.
 *
 * Rule     what is connected now in the same way is not said twice; what differs by application or TLS
 *          version only is one. The name in a certificate is the store's; of others it is unknown.
 */
#ifndef PGSEAL_PLAN_WHO_SEEN_H
#define PGSEAL_PLAN_WHO_SEEN_H

#include "core/pg/simulate.h"
#include "core/store/db.h"

#define WHO_SEEN_MAX  1000
#define WHO_SEEN_DAYS 90

/* Adds to who->seen what was seen on this server since then; no sightings yet: none. */
bool who_seen(struct store *store, const char *server, int64_t since, struct simulate_who *who,
              struct err *err) MUST_CHECK;

#endif
