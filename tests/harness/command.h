/*
 * command.h - one run of $PGSEAL without a terminal, and all that it said.
 *
 * Rules    the program runs in a session of its own: /dev/tty does not exist for it. Its store is
 *          the one of PGSEAL_STORE in the environment, its home the folder that command_box() made.
 *          A failure fails the cmocka test and shows what was printed.
 */
#ifndef PGSEAL_TESTS_HARNESS_COMMAND_H
#define PGSEAL_TESTS_HARNESS_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"

/* A new folder 0700 with HOME, PGSEAL_STORE and the current folder in it; caller frees by
 * command_box_free(), which deletes it. */
char *command_box(void) MUST_CHECK;
void command_box_free(char *folder);

struct command_options {
    const char *input;    /* for standard input; NULL: /dev/null */
    bool input_closed;    /* standard input is not open at all */
    const char *output;   /* a file for standard output, such as /dev/full; NULL: caught */
    long file_size_limit; /* RLIMIT_FSIZE in bytes with SIGXFSZ ignored; 0: none */
    const char *program;  /* NULL: $PGSEAL; else looked up in PATH */
};
struct command_result {
    int status; /* exit code, or 128 + signal */
    char *out;  /* standard output */
    char *err;  /* standard error */
};

/* Arguments end with NULL. Waits at most a minute. */
void command_run(struct command_result *ret, const struct command_options *options, ...)
    __attribute__((sentinel));
void command_clear(struct command_result *result);

/* Runs, and fails the test unless it ends with this status; what it printed to standard output,
 * for the caller to free(). */
char *command_expect(int status, const char *args[]) MUST_CHECK;
#define EXPECT(status, ...) command_expect((status), (const char *[]){__VA_ARGS__, NULL})
/* The same, and standard error must hold this text. */
void command_expect_error(int status, const char *text, const char *args[]);
#define EXPECT_ERROR(status, text, ...)                                                            \
    command_expect_error((status), (text), (const char *[]){__VA_ARGS__, NULL})
/* The same for --json: one document with "v":1, ASCII only. Caller json_decref()s. */
json_t *command_expect_json(int status, const char *args[]) MUST_CHECK;
#define EXPECT_JSON(status, ...) command_expect_json((status), (const char *[]){__VA_ARGS__, NULL})

char *command_read(const char *path) MUST_CHECK; /* a text file; caller frees */
void command_write(const char *path, const char *text, unsigned mode);
unsigned command_mode(const char *path); /* 0600 */

#endif
