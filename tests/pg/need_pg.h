/*
 * need_pg.h - a test program that needs a PostgreSQL says so first thing in main().
 *
 * Shapes   cmocka's skip() counts as a failure under TAP, so a whole program is skipped:
 *          "if (!need_pg()) return 0;". With PGSEAL_TEST_REQUIRE_PG set (CI) it fails instead.
 */
#ifndef PGSEAL_TESTS_NEED_PG_H
#define PGSEAL_TESTS_NEED_PG_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/demo/programs.h"

static inline bool need_pg(void)
{
    struct err err = ERR_INIT;
    char *bindir = programs_find(NULL, &err);
    bool found = bindir != NULL;

    free(bindir);
    if (found)
        return true;
    if (getenv("PGSEAL_TEST_REQUIRE_PG") != NULL) {
        printf("1..1\nnot ok 1 - %s\n", err.msg);
        exit(1);
    }
    printf("1..0 # SKIP %s\n", err.msg);
    return false;
}

#endif
