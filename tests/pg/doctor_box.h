/*
 * doctor_box.h - for tests of the doctor: a question, its answer, and certificates to ask with.
 *
 * Every function ends the test (cmocka's fail) when it cannot do what it says, and shows all that the
 * doctor said.
 */
#ifndef PGSEAL_TESTS_DOCTOR_BOX_H
#define PGSEAL_TESTS_DOCTOR_BOX_H

#include "core/health/doctor.h"
#include "tests/pg/health_box.h"

struct ask {
    const char *params; /* beside host, port, dbname, user, sslmode=require */
    const char *user;
    const char *cert, *key, *root;
    const char *password;
    const char *passphrase;
    bool blind; /* without the admin's connection and without a store */
};

/* The last answer; freed by the next question, and by doctor_box_teardown(). */
const struct doctor *doctor_box_answer(void);
int doctor_box_setup(void **state); /* as health_box, with a HOME that holds nothing */
int doctor_box_teardown(void **state);

void ask(struct health_box *box, const struct ask *what);
const struct doctor_try *tried(enum doctor_sslmode mode);
/* sslmode=require is refused with this code, and its cause says this. */
void expect(enum err_code code, const char *cause);
void expect_in(enum doctor_sslmode mode, bool tls, enum err_code code);
void expect_finding(enum err_code code);

struct secret *secret_of(const char *text);
struct files {
    char *cert, *key;
};
char *write_text(struct health_box *box, const char *name, const void *bytes, size_t len,
                 unsigned mode);
struct files write_pair(struct health_box *box, const char *name, const struct pair *pair,
                        const struct cert *also);
void files_clear(struct files *files);
void ask_with(struct health_box *box, const struct pair *pair, const char *params);
struct pair our_ca(const struct health_box *box);

/* Certificates that pgseal does not make: by openssl, a fixed command in the store's folder. */
void openssl(struct health_box *box, const char *commands);
void write_ca(struct health_box *box); /* ca.crt and ca.key there */
void ask_made(struct health_box *box, const char *cert, const char *key, const char *params);

#endif
