/*
 * store_box.h - for tests: a store in a temporary folder, and things to put into it.
 *
 * Every function ends the test (cmocka's fail) when it cannot do what it says.
 */
#ifndef PGSEAL_TESTS_STORE_BOX_H
#define PGSEAL_TESTS_STORE_BOX_H

#include "core/store/revoked.h"

#define BOX_NOW INT64_C(1795298142) /* 2026-11-21T20:15:42Z */

struct box {
    char *folder; /* temporary, with everything of the test inside */
    char *store_folder;
    struct store *store;
};

/* The clock stands at BOX_NOW afterwards; box_set_now() moves it. */
void box_open(struct box *box);
void box_close(struct box *box); /* deletes the folder; the real clock again */
/* The same as a test's setup and teardown: *state is a struct box. */
int box_setup(void **state);
int box_teardown(void **state);
void box_reopen(struct box *box, enum store_mode mode);
void box_set_now(int64_t now);

/* With a CA in it, "Acme". */
struct ca_box {
    struct box box;
    struct authority *authority;
    struct key *key;
};
int ca_box_setup(void **state); /* *state is a struct ca_box */
int ca_box_teardown(void **state);

struct secret *box_secret(const char *text);
struct authority *box_authority(struct box *box, const char *name, struct key **ret_key);
struct issued *box_issue(struct box *box, const struct authority *authority, const struct key *key,
                         const char *role, int days);
/* Runs a command with "sh -c"; returns its exit status and what it printed (caller frees). */
int box_run(char **ret_output, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *box_read(const char *path); /* caller frees */

/* assert that a call failed with this code and clean its error for the next */
void box_assert_err(struct err *err, enum err_code code);
#define BOX_OK(call)                                                                               \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, err.msg);                                                    \
    } while (0)

#endif
