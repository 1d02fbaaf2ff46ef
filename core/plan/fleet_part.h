/*
 * fleet_part.h - the inside of a fleet, for fleet*.c only.
 */
#ifndef PGSEAL_PLAN_FLEET_PART_H
#define PGSEAL_PLAN_FLEET_PART_H

#include "core/plan/fleet.h"

struct fleet {
    struct store *store;
    struct fleet_member *members;
    size_t n;
    size_t accept_refused;
    char group[24]; /* what ties the plans of one run together in the journal */
};

#endif
