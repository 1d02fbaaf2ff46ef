/*
 * health_box.h - for tests of checks: a server in good health, and words to make it ill.
 *
 * Every function ends the test (cmocka's fail) when it cannot do what it says.
 */
#ifndef PGSEAL_TESTS_HEALTH_BOX_H
#define PGSEAL_TESTS_HEALTH_BOX_H

#include "core/health/server_check.h"
#include "tests/pg/plan_box.h"
#include "tests/unit/pki_fixture.h"

struct health_box {
    struct plan_box plan;      /* TLS on, its CA trusted with its CRL */
    struct server_check check; /* the last one */
    struct kit_files alice;    /* a certificate for alice */
    char *ca_file;             /* names that the settings have */
    char *crl_file;
};

/* Rules under which nothing is to be complained about: alice by certificate. */
#define HEALTH_RULES                                                                               \
    "local all admin trust\n"                                                                      \
    "hostnossl all alice 127.0.0.1/32 reject\n"                                                    \
    "hostssl all alice 127.0.0.1/32 cert\n"                                                        \
    "hostssl all all 127.0.0.1/32 scram-sha-256\n"

int health_box_setup(void **state);
int health_box_teardown(void **state);

void health_check(struct health_box *box);
/* Checks, again for a while, until this finding is there (object NULL: any); returns it. */
const struct finding *health_expect(struct health_box *box, enum finding_severity severity,
                                    enum err_code code, const char *object);
/* Checks until nothing is wrong. */
void health_expect_well(struct health_box *box);
void health_expect_none(const struct health_box *box, enum err_code code);

/* Files of the data directory, owned by the server's user. */
void health_write(struct health_box *box, const char *name, const void *bytes, size_t len,
                  unsigned mode);
void health_read(struct health_box *box, const char *name, struct strbuf *out);
char *health_path(struct health_box *box, const char *name) MUST_CHECK;
void health_set(struct health_box *box, const char *setting, const char *value); /* and reload */
void health_reset(struct health_box *box, const char *setting);                  /* and reload */
void health_reload(struct health_box *box);
void health_rules(struct health_box *box, const char *text); /* and reload */
/* ssl_ca_file or ssl_crl_file: a file "test.pem" with this text. */
void health_set_text(struct health_box *box, const char *setting, const struct strbuf *text);
/* The settings of the beginning. */
void health_heal(struct health_box *box);

/* Fixtures at today's date. */
struct pair health_ca(const char *cn);
struct pair health_leaf(const struct pair *ca, enum profile profile, const char *cn);

#endif
