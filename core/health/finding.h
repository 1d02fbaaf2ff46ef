/*
 * finding.h - what is wrong with a server or will be: named, explained, and which page mends it.
 *
 * Shapes   a finding's code is a row of err_code.h, so "explain" knows it; cause and fix are the row's
 *          own text unless the finding knows better. All text is clean and translated.
 * Order    errors, warnings, infos; within these as they were found.
 */
#ifndef PGSEAL_HEALTH_FINDING_H
#define PGSEAL_HEALTH_FINDING_H

#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"

enum finding_severity {
    FINDING_ERROR,   /* somebody is locked out, let in wrongly, or the next restart fails */
    FINDING_WARNING, /* it will be so, or protects less than it seems to */
    FINDING_INFO     /* worth knowing; not a problem */
};
const char *finding_severity_name(enum finding_severity severity); /* "error": JSON */

enum finding_act {           /* what mends it: the page that opens, or the command */
                   ACT_NONE, /* by hand: the fix says what */
                   ACT_SERVER_TLS,
                   ACT_TRUST,       /* give it a CA and its CRL */
                   ACT_UNTRUST,     /* take a CA away */
                   ACT_ROTATE,      /* begin the change to another CA */
                   ACT_CRL,         /* publish the current CRLs */
                   ACT_CRL_REFRESH, /* sign a new one first */
                   ACT_REQUIRE,     /* access rules */
                   ACT_ROLE,        /* create a role, or let it log in */
                   ACT_ISSUE,       /* issue a client certificate */
                   ACT_RELOAD,
                   ACT_RESTART
};
const char *finding_act_name(enum finding_act act); /* "trust": JSON; "" for ACT_NONE */

struct finding {
    enum finding_severity severity;
    enum err_code code;
    char *object;  /* "ssl_ca_file", "CA \"Acme\"", "pg_hba.conf line 12" */
    char *message; /* lower case, no full stop */
    char *cause;   /* sentences */
    char *fix;     /* sentences */
    enum finding_act act;
    char *act_on; /* CA or role that the act is about, or "" */
};
struct findings {
    struct finding *rows;
    size_t n;
};

/* Adds a finding with the code's own cause and help; borrowed until the next one is added. */
struct finding *finding_add(struct findings *findings, enum finding_severity severity,
                            enum err_code code, const char *object, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* These replace the code's own words; they return the finding. */
struct finding *finding_cause(struct finding *finding, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct finding *finding_fix(struct finding *finding, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct finding *finding_mend(struct finding *finding, enum finding_act act, const char *act_on);

void findings_sort(struct findings *findings);
size_t findings_count(const struct findings *findings, enum finding_severity severity);
/* The first one with this code (and this object, unless NULL); NULL: none. */
const struct finding *findings_find(const struct findings *findings, enum err_code code,
                                    const char *object);
void findings_clear(struct findings *findings);

#endif
