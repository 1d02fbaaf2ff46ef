/*
 * pg_version.h - what the PostgreSQL of the tests has, where an expectation depends on its version.
 *
 * Source   the release notes of 14 to 18; tried with the programs of 13, 14, 15, 16, 17 and 18.
 * Use      "if (pg_has(PG_CRL_DIR))". The only place where tests know of versions. A program that
 *          is all about something later is skipped by need_pg_feature() of tests/pg/need_pg.h.
 * Cost     a run of "postgres --version".
 */
#ifndef PGSEAL_TESTS_PG_VERSION_H
#define PGSEAL_TESTS_PG_VERSION_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/demo/programs.h"

enum pg_feature {
    PG_CRL_DIR,          /* the setting ssl_crl_dir */
    PG_CLIENTCERT_WORDS, /* clientcert=1 and =no-verify are refused */
    PG_CONTINUED_LINES,  /* a backslash at the end of a line of pg_hba.conf or pg_ident.conf */
    PG_CHECK_INTERVAL,   /* the setting client_connection_check_interval */
    PG_PARAMETER_GRANTS, /* GRANT ALTER SYSTEM ON PARAMETER: less than a superuser changes TLS */
    PG_ALTER_SWITCH,     /* the setting allow_alter_system */
    PG_DIRECT_TLS,       /* TLS without an SSLRequest before it */
};

struct pg_feature_info {
    const char *name;
    int since; /* 14 */
};

static inline const struct pg_feature_info *pg_feature_info(enum pg_feature feature)
{
    static const struct pg_feature_info table[] = {
        [PG_CRL_DIR] = {"ssl_crl_dir", 14},
        [PG_CLIENTCERT_WORDS] = {"clientcert by words alone", 14},
        [PG_CONTINUED_LINES] = {"lines that go on in the next one", 14},
        [PG_CHECK_INTERVAL] = {"client_connection_check_interval", 14},
        [PG_PARAMETER_GRANTS] = {"GRANT ALTER SYSTEM ON PARAMETER", 15},
        [PG_ALTER_SWITCH] = {"allow_alter_system", 17},
        [PG_DIRECT_TLS] = {"direct TLS", 17},
    };

    return &table[feature];
}

/* 15; 0: there are no programs, or they say nothing. */
static inline int pg_major(void)
{
    struct err err = ERR_INIT;
    char *bindir = programs_find(NULL, &err);
    char *command = mem_printf("'%s/postgres' --version", bindir ? bindir : "");
    FILE *said = popen(command, "r");
    int major = 0;

    if (said && fscanf(said, "postgres (PostgreSQL) %d", &major) != 1)
        major = 0;
    if (said)
        (void)pclose(said);
    free(command);
    free(bindir);
    return major;
}

static inline bool pg_has(enum pg_feature feature)
{
    return pg_major() >= pg_feature_info(feature)->since;
}

#endif
