/* The command line: the two tables, the parser over them, the help made from them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"

#define ARGV_MAX 16

/* Parses "pgseal" and these words; the caller clears ret. */
static bool parse(struct args *ret, struct err *err, const char *words[])
{
    static char program[] = "pgseal";
    char *argv[ARGV_MAX] = {program};
    size_t n;
    const struct command *commands = command_table(&n);
    int argc = 1;

    memset(err, 0, sizeof(*err));
    for (; words[argc - 1]; argc++) {
        union {
            const char *in;
            char *out;
        } word = {words[argc - 1]};
        argv[argc] = word.out;
    }
    return args_parse(commands, n, argc, argv, ret, err);
}
#define PARSE(ret, err, ...) parse(ret, err, (const char *[]){__VA_ARGS__, NULL})

static void refused(const char *words[], enum err_code code, const char *in_message,
                    const char *in_hint)
{
    struct args args;
    struct err err;

    if (parse(&args, &err, words))
        fail_msg("\"%s …\" was taken", words[0]);
    assert_int_equal(err.code, code);
    if (!strstr(err.msg, in_message))
        fail_msg("\"%s\" lacks \"%s\"", err.msg, in_message);
    if (in_hint && !strstr(err.hint, in_hint))
        fail_msg("\"%s\" lacks \"%s\"", err.hint, in_hint);
    args_clear(&args);
}
#define REFUSED(message, hint, ...)                                                                \
    refused((const char *[]){__VA_ARGS__, NULL}, ERR_USAGE, message, hint)

static void test_tables(void **state)
{
    size_t n_options, n_commands;
    const struct option_info *options = option_table(&n_options);
    const struct command *commands = command_table(&n_commands);

    (void)state;
    assert_int_equal(n_options, OPT_COUNT);
    for (size_t i = 0; i < n_options; i++) {
        assert_int_equal(options[i].option, i);
        assert_true(*options[i].help);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(options[i].name, options[k].name);
            assert_true(options[i].letter == 0 || options[i].letter != options[k].letter);
        }
    }
    for (size_t i = 0; i < n_commands; i++) {
        char first[32], second[32];
        int words = sscanf(commands[i].name, "%31s %31s", first, second);

        assert_ptr_equal(command_find(commands, n_commands, first, words == 2 ? second : NULL),
                         &commands[i]);
        assert_int_equal(command_is_group(commands, n_commands, first), words == 2);
        assert_true(commands[i].max_names < 0 || commands[i].max_names >= commands[i].min_names);
        assert_true((commands[i].max_names != 0) == (*commands[i].names != '\0'));
        assert_non_null(commands[i].run);
    }
}

/* Every help fits 80 columns and names each of its own flags. */
static void test_help(void **state)
{
    size_t n;
    const struct command *commands = command_table(&n);

    (void)state;
    for (size_t i = 0; i <= n; i++) {
        struct strbuf text = STRBUF_INIT;
        char *save = NULL;

        if (i < n)
            help_command(&text, &commands[i]);
        else
            help_program(&text);
        for (int k = 0; k < OPT_COUNT && i < n; k++) {
            char flag[40];

            snprintf(flag, sizeof(flag), "--%s", option_info((enum option)k)->name);
            if (commands[i].options & OPTION_BIT(k))
                assert_non_null(strstr(text.data, flag));
        }
        for (char *line = strtok_r(text.data, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            if (strlen(line) > 84 || (strlen(line) > 80 && strncmp(line, "  pgseal", 8) != 0))
                fail_msg("%zu columns: %s", strlen(line), line);
        strbuf_clear(&text);
    }
}

static void test_forms(void **state)
{
    struct args args;
    struct err err;

    (void)state;
    assert_true(PARSE(&args, &err, "--store", "/s", "issue", "client", "alice", "--days=90", "-qv",
                      "-v", "--json"));
    assert_string_equal(args.command->name, "issue client");
    assert_int_equal(args.n_names, 1);
    assert_string_equal(args.names[0], "alice");
    assert_string_equal(args_value(&args, OPT_STORE), "/s");
    assert_string_equal(args_value(&args, OPT_DAYS), "90");
    assert_true(args_has(&args, OPT_QUIET) && args_has(&args, OPT_JSON));
    assert_int_equal(args.options[OPT_VERBOSE].n, 2);
    assert_false(args_has(&args, OPT_YES));
    assert_null(args_value(&args, OPT_OUT));
    args_clear(&args);

    /* "--" ends the options, "-" is a name, an empty value is a value */
    assert_true(PARSE(&args, &err, "show", "--", "--days"));
    assert_string_equal(args.names[0], "--days");
    args_clear(&args);
    assert_true(PARSE(&args, &err, "show", "-"));
    assert_string_equal(args.names[0], "-");
    args_clear(&args);
    assert_true(PARSE(&args, &err, "ca", "create", "x", "--subject="));
    assert_string_equal(args_value(&args, OPT_SUBJECT), "");
    args_clear(&args);

    /* an optional value stands behind "=" only */
    assert_true(PARSE(&args, &err, "sessions", "--watch", "db1"));
    assert_string_equal(args.names[0], "db1");
    assert_string_equal(args_value(&args, OPT_WATCH), "");
    args_clear(&args);

    /* repeated */
    assert_true(PARSE(&args, &err, "server", "tls", "db1", "--host", "a", "--host=b"));
    assert_int_equal(args.options[OPT_HOST].n, 2);
    assert_string_equal(args.options[OPT_HOST].items[0], "a");
    args_clear(&args);

    assert_true(PARSE(&args, &err, "ca"));
    assert_null(args.command);
    assert_string_equal(args.group, "ca");
    args_clear(&args);
    assert_true(PARSE(&args, &err, "issue", "client", "--help")); /* no ROLE is needed for help */
    args_clear(&args);
    assert_true(PARSE(&args, &err, "help", "issue", "client"));
    assert_true(args_has(&args, OPT_HELP));
    assert_string_equal(args.command->name, "issue client");
    args_clear(&args);
    assert_true(PARSE(&args, &err, "help"));
    assert_null(args.command);
    args_clear(&args);
    assert_true(parse(&args, &err, (const char *[]){NULL}));
    assert_null(args.command);
    args_clear(&args);
}

static void test_refused(void **state)
{
    (void)state;
    REFUSED("no flag \"--dais\"", "--days", "list", "--dais", "3");
    REFUSED("no flag \"-z\"", NULL, "list", "-z");
    REFUSED("no command \"lisst\"", "pgseal list", "lisst");
    REFUSED("no command \"ca creat\"", "pgseal ca create", "ca", "creat", "x");
    REFUSED("no command \"ca\xef\xbf\xbd[2J\"", NULL, "ca\033[2J");
    REFUSED("wants a value", NULL, "list", "--ca");
    REFUSED("takes no value", NULL, "list", "--json=yes");
    REFUSED("has no flag \"--days\"", NULL, "list", "--days", "3");
    REFUSED("given twice", NULL, "issue", "client", "x", "--days", "3", "--days=4");
    REFUSED("wants NAME", "ca create --help", "ca", "create");
    REFUSED("does not know what to do with \"y\"", NULL, "ca", "show", "x", "y");
}

static void test_numbers(void **state)
{
    struct args args;
    struct err err;
    int64_t value = -1;

    (void)state;
    assert_true(PARSE(&args, &err, "issue", "client", "x", "--days=12x"));
    assert_false(args_int(&args, OPT_DAYS, 1, 100, 7, &value, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_non_null(strstr(err.msg, "12x"));
    args_clear(&args);
    assert_true(PARSE(&args, &err, "issue", "client", "x", "--days=101"));
    assert_false(args_int(&args, OPT_DAYS, 1, 100, 7, &value, &err));
    assert_true(args_int(&args, OPT_DAYS, 1, 101, 7, &value, &err));
    assert_int_equal(value, 101);
    assert_true(args_int(&args, OPT_LIMIT, 1, 100, 7, &value, &err));
    assert_int_equal(value, 7);
    args_clear(&args);
    assert_true(PARSE(&args, &err, "sessions", "--watch"));
    assert_true(args_int(&args, OPT_WATCH, 1, 100, 2, &value, &err));
    assert_int_equal(value, 2);
    args_clear(&args);
}

static void test_need(void **state)
{
    struct args args;
    struct err err;
    const char *value = NULL;

    (void)state;
    assert_true(PARSE(&args, &err, "server", "require", "db1", "--role", "alice"));
    assert_false(args_need(&args, OPT_DATABASE, &value, &err));
    assert_int_equal(err.code, ERR_NEEDS_ANSWER);
    assert_non_null(strstr(err.msg, "--database"));
    assert_true(args_need(&args, OPT_ROLE, &value, &err));
    assert_string_equal(value, "alice");
    args_clear(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),  cmocka_unit_test(test_help),
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
