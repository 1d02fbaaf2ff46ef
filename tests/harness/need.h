/*
 * need.h - programs of others that a test works with.
 *
 * Use      first thing in main(): "if (!need(have_command("certtool"), "certtool (gnutls-bin)")) return 0;".
 * Rules    cmocka's skip() counts as a failure under TAP, so a whole program is skipped. With
 *          PGSEAL_TEST_REQUIRE_PG set, as "./bootstrap check" does, it fails instead: that installs all
 *          that tests work with, and a check must not leave out anything in silence.
 */
#ifndef PGSEAL_TESTS_NEED_H
#define PGSEAL_TESTS_NEED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

static inline bool have_command(const char *name)
{
    char *command = mem_printf("command -v '%s' >/dev/null 2>&1", name);
    bool found = system(command) == 0;

    free(command);
    return found;
}

/* For one test of a program, which may be left out: nothing is printed. */
static inline bool need_some(bool found, const char *what)
{
    if (!found && getenv("PGSEAL_TEST_REQUIRE_PG")) {
        printf("1..1\nnot ok 1 - %s is not here\n", what);
        exit(1);
    }
    return found;
}

static inline bool need(bool found, const char *what)
{
    if (!need_some(found, what))
        printf("1..0 # SKIP %s is not here\n", what);
    return found;
}

#endif
