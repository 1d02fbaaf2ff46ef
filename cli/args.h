/*
 * args.h - the command line: the table of options, the shape of a command, the parser over both.
 *
 * Source   design/cli.md is the contract; GNU and POSIX habits for the rest: "--name=value" and
 *          "--name value", short letters together, "--" ends the options, any order.
 * Shapes   the same two tables feed the parser, --help and the completions.
 * Errors   ERR_USAGE with the flag or word at fault; ERR_BAD_VALUE for a number out of its range.
 * Memory   values are borrowed from argv.
 */
#ifndef PGSEAL_CLI_ARGS_H
#define PGSEAL_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

enum option {
    /* understood by every command */
    OPT_HELP,
    OPT_VERSION,
    OPT_STORE,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_NO_COLOR,
    OPT_ASCII,
    OPT_PLAIN,
    OPT_NO_INPUT,
    OPT_READ_ONLY,
    /* taken by every command, and with a meaning where something is changed */
    OPT_DRY_RUN,
    OPT_YES,
    OPT_TRY,
    OPT_CONFIRM,
    OPT_ACCEPT_REFUSED,
    OPT_PASSPHRASE_FILE,
    OPT_PASSPHRASE_FD,
    OPT_KEY_PASSPHRASE_FILE,
    OPT_P12_PASSPHRASE_FILE,
    /* a command's own */
    OPT_ADDRESS,
    OPT_ACCEPT_DROPPED,
    OPT_ACCEPT_GAPS,
    OPT_ACCEPT_LEFT,
    OPT_ADD,
    OPT_ALL,
    OPT_ANSWERS,
    OPT_ARCHIVE,
    OPT_AS_TEXT,
    OPT_AT,
    OPT_CA,
    OPT_CERT,
    OPT_CHAIN,
    OPT_CRL,
    OPT_CSR,
    OPT_CSR_OUT,
    OPT_CSV,
    OPT_DATABASE,
    OPT_DAYS,
    OPT_DER,
    OPT_DESTROY,
    OPT_END_SESSIONS,
    OPT_ENDS_SINCE,
    OPT_ENDS_UNTIL,
    OPT_FINDINGS,
    OPT_FOR,
    OPT_FORGET,
    OPT_FORMAT,
    OPT_FROM,
    OPT_HANDED,
    OPT_HOST,
    OPT_INDEX,
    OPT_INTERMEDIATE,
    OPT_KEEP,
    OPT_KEY,
    OPT_LIMIT,
    OPT_MAP,
    OPT_MAP_ROLE,
    OPT_MEMBER_OF,
    OPT_METHOD,
    OPT_MONTHS,
    OPT_NEW_PASSPHRASE_FILE,
    OPT_NAGIOS,
    OPT_NO_PASSPHRASE,
    OPT_NOTE,
    OPT_OLD_FILE,
    OPT_ONCE,
    OPT_OPENSSL,
    OPT_OUT,
    OPT_PASTE,
    OPT_PKCS12,
    OPT_PRINT_CRON,
    OPT_PRODUCTION,
    OPT_PROVIDER,
    OPT_QUIET_TIME,
    OPT_READINESS,
    OPT_REASON,
    OPT_RECORD,
    OPT_REPAIR,
    OPT_REPLACE,
    OPT_REQUIRE,
    OPT_REVOKE,
    OPT_ROLE,
    OPT_SAVE_ANSWERS,
    OPT_SAVE_PLAN,
    OPT_SEARCH,
    OPT_ROOT,
    OPT_SAME_KEY,
    OPT_SERVER,
    OPT_SERVERS,
    OPT_SESSION,
    OPT_SINCE,
    OPT_SORT,
    OPT_STATE,
    OPT_SUBJECT,
    OPT_TEST,
    OPT_TO,
    OPT_TO_FILE,
    OPT_TOUR,
    OPT_UNTIL,
    OPT_WATCH,
    OPT_WITHIN,
    OPT_WITHOUT,
    OPT_WITHOUT_KEYS,
    OPT_WITHOUT_TLS,
    OPT_COUNT
};

/* A set of options: more than 64 of them. Both compilers have the type; ISO C11 does not. */
__extension__ typedef unsigned __int128 option_set;

#define OPTION_BIT(option) ((option_set)1 << (option))
#define OPTIONS_COMMON     (OPTION_BIT(OPT_DRY_RUN) - 1) /* every bit below */
/* What the wizard takes: "pgseal" without a command, and "pgseal demo". */
#define OPTIONS_WIZARD   (OPTION_BIT(OPT_ANSWERS) | OPTION_BIT(OPT_SAVE_ANSWERS))
#define OPTIONS_CHANGING ((OPTION_BIT(OPT_ADDRESS) - 1) & ~OPTIONS_COMMON)

struct option_info {
    enum option option;  /* the row's own index: a test compares */
    const char *name;    /* "store": given as --store */
    char letter;         /* 'q', or 0 */
    const char *value;   /* "DIR" in the help; NULL: takes no value */
    bool value_optional; /* only as --watch=SECONDS */
    bool repeats;
    const char *words; /* "ec-p256 ed25519" for the completions; NULL: anything */
    const char *help;  /* one line, not translated yet */
};

struct cli;

struct command {
    const char *name;     /* "ca create": one or two words */
    const char *names;    /* "NAME" or "SERIAL|FILE|-", for the help; "" for none */
    int min_names;        /* fewer: ERR_USAGE */
    int max_names;        /* more: ERR_USAGE; -1: any number */
    option_set options;   /* its own; of OPTIONS_CHANGING those that the help shows: all commands
                              take them, so that a script may give them everywhere */
    const char *summary;  /* one line, not translated yet */
    const char *examples; /* lines, each with its newline; "" for none */
    bool (*run)(struct cli *cli, struct err *err);
};

const struct option_info *option_table(size_t *ret_n);
const struct option_info *option_info(enum option option);
/* Word by word, of these commands; NULL: no such command. second may be NULL. */
const struct command *command_find(const struct command *commands, size_t n, const char *first,
                                   const char *second);
/* True for the first word of a two-word command: "ca", "server". */
bool command_is_group(const struct command *commands, size_t n, const char *word);

struct args {
    const struct command *commands; /* the table that it was read by */
    size_t n_commands;
    const struct command *command; /* NULL: none was named */
    const char *group;             /* "ca" with nothing after it, for its help; else NULL */
    const char **names;            /* owned array, borrowed strings; without the command's words */
    size_t n_names;
    struct args_values {
        const char **items; /* owned array, borrowed strings; "" for a flag without a value */
        size_t n;
    } options[OPT_COUNT];
};

/* Reads argv[1] and on, by this table of commands. On failure ret is as far as it came (so that --json still counts) and is
 * to be cleared as well. */
bool args_parse(const struct command *commands, size_t n_commands, int argc, char *const *argv,
                struct args *ret, struct err *err) MUST_CHECK;
void args_clear(struct args *args);

bool args_has(const struct args *args, enum option option);
const char *args_value(const struct args *args, enum option option); /* the last one; NULL: none */
/* A number within bounds, or fallback when it was not given. */
bool args_int(const struct args *args, enum option option, int64_t min, int64_t max,
              int64_t fallback, int64_t *ret, struct err *err) MUST_CHECK;
/* True with the value, else ERR_NEEDS_ANSWER that names the flag. */
bool args_need(const struct args *args, enum option option, const char **ret,
               struct err *err) MUST_CHECK;

#endif
