/*
 * login_kit.h - the tests of "pgseal kit" that share the server of login.c.
 */
#ifndef PGSEAL_TESTS_INTEROP_LOGIN_KIT_H
#define PGSEAL_TESTS_INTEROP_LOGIN_KIT_H

#include <stdbool.h>

#include "core/demo/demo.h"

#define JDBC "/usr/share/java/postgresql.jar"

struct lab {
    char *folder;
    struct demo *demo;
};

/* Answers with all that it takes: name and command that is quietly true when it is there. */
bool installed(const char *what, const char *command);

void test_kit_programs(void **state);
void test_kit_odd_names(void **state);
void test_kit_locked_key(void **state);
void test_kit_without_key(void **state);
void test_kit_java(void **state);
void test_kit_refused(void **state);

#endif
