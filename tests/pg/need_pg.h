/*
 * need_pg.h - a test program that needs a PostgreSQL says so first thing in main().
 *
 * Shapes   cmocka's skip() counts as a failure under TAP, so a whole program is skipped:
 *          "if (!need_pg()) return 0;". With PGSEAL_TEST_REQUIRE_PG set (CI) it fails instead. A
 *          program about something that came later: "need_pg_feature(PG_CRL_DIR)", behind it.
 */
#ifndef PGSEAL_TESTS_NEED_PG_H
#define PGSEAL_TESTS_NEED_PG_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/demo/programs.h"
#include "tests/harness/need.h"
#include "tests/harness/pg_version.h"

static inline bool need_pg(void)
{
    struct err err = ERR_INIT;
    char *bindir = programs_find(NULL, &err);
    bool found = bindir != NULL;

    free(bindir);
    return need(found, "the programs of PostgreSQL: initdb, postgres");
}

static inline bool need_pg_feature(enum pg_feature feature)
{
    const struct pg_feature_info *info = pg_feature_info(feature);

    if (!pg_has(feature))
        printf("1..0 # SKIP %s came with PostgreSQL %d, and this is %d\n", info->name, info->since,
               pg_major());
    return pg_has(feature);
}

#endif
