/* args_parse.c - the words of a command line, read by the tables of options and commands. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* "ca create" has the group "ca"; "list" has none. */
static bool in_group(const struct command *command, const char *word)
{
    size_t len = strlen(word);

    return strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

bool command_is_group(const struct command *commands, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (in_group(&commands[i], word))
            return true;
    return false;
}

const struct command *command_find(const struct command *commands, size_t n, const char *first,
                                   const char *second)
{
    for (size_t i = 0; i < n; i++) {
        const struct command *command = &commands[i];
        if (text_equal(command->name, first))
            return command;
        if (second && in_group(command, first) &&
            text_equal(command->name + strlen(first) + 1, second))
            return command;
    }
    return NULL;
}

static void push(const char ***items, size_t *n, const char *item)
{
    *items = mem_realloc_array(*items, *n + 1, sizeof(**items));
    (*items)[*n] = item;
    *n += 1;
}

static bool unknown_option(const char *word, size_t len, struct err *err)
{
    size_t n;
    const struct option_info *options = option_table(&n);
    const struct option_info *best = NULL;
    char name[32] = "";
    size_t best_distance = 3; /* more edits than that are another word */

    if (len < sizeof(name))
        memcpy(name, word, len);
    for (size_t i = 0; i < n; i++) {
        size_t distance = text_distance(name, options[i].name);
        if (distance < best_distance) {
            best_distance = distance;
            best = &options[i];
        }
    }
    err_set(err, ERR_USAGE, _("there is no flag \"--%.*s\""), (int)len, word);
    if (best)
        err_hint(err, _("Did you mean --%s?"), best->name);
    return false;
}

/* The words of a command the other way round: "ca rotate". */
static const struct command *find_swapped(const struct args *args, const char *first,
                                          const char *second)
{
    const struct command *found = NULL;
    char *swapped = mem_printf("%s %s", second, first);

    for (size_t i = 0; i < args->n_commands && found == NULL; i++) {
        if (text_equal(swapped, args->commands[i].name))
            found = &args->commands[i];
    }
    free(swapped);
    return found;
}

static bool unknown_command(const struct args *args, const char *first, const char *second,
                            struct err *err)
{
    bool is_group = command_is_group(args->commands, args->n_commands, first);
    const struct command *best = second ? find_swapped(args, first, second) : NULL;
    char typed[64];
    size_t best_distance = best ? 0 : 4;

    text_clean_copy(typed, sizeof(typed), first);
    if (second && is_group) {
        size_t len = strlen(typed);
        if (len + 2 < sizeof(typed)) {
            typed[len] = ' ';
            text_clean_copy(typed + len + 1, sizeof(typed) - len - 1, second);
        }
    }
    for (size_t i = 0; i < args->n_commands; i++) {
        size_t distance = text_distance(typed, args->commands[i].name);
        if (distance < best_distance) {
            best_distance = distance;
            best = &args->commands[i];
        }
    }
    err_set(err, ERR_USAGE, _("there is no command \"%s\""), typed);
    if (best)
        err_hint(err, _("Did you mean \"pgseal %s\"?"), best->name);
    else if (is_group)
        err_hint(err, _("See \"pgseal %s --help\"."), first);
    return false;
}

static void set_option(struct args *args, const struct option_info *info, const char *value)
{
    struct args_values *values = &args->options[info->option];

    push(&values->items, &values->n, value);
}

/* --name, --name=value, --name value; moves *at over a value that stands apart. */
static bool parse_long(int argc, char *const *argv, int *at, struct args *args, struct err *err)
{
    size_t n;
    const struct option_info *options = option_table(&n);
    const char *word = argv[*at] + 2;
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;

    for (size_t i = 0; i < n; i++) {
        const struct option_info *info = &options[i];
        if (strlen(info->name) != len || strncmp(info->name, word, len) != 0)
            continue;
        if (!info->value) {
            if (value)
                return err_set(err, ERR_USAGE, _("\"--%s\" takes no value"), info->name);
            value = "";
        } else if (!value && info->value_optional) {
            value = "";
        } else if (!value) {
            if (*at + 1 >= argc)
                return err_set(err, ERR_USAGE, _("\"--%s\" wants a value: %s"), info->name,
                               info->value);
            value = argv[++*at];
        }
        set_option(args, info, value);
        return true;
    }
    return unknown_option(word, len, err);
}

/* -q, -qv: letters take no values. */
static bool parse_letters(const char *letters, struct args *args, struct err *err)
{
    size_t n;
    const struct option_info *options = option_table(&n);
    for (; *letters; letters++) {
        const struct option_info *found = NULL;
        for (size_t i = 0; i < n; i++)
            if (options[i].letter == *letters)
                found = &options[i];
        if (!found)
            return err_set(err, ERR_USAGE, _("there is no flag \"-%c\""), *letters);
        set_option(args, found, "");
    }
    return true;
}

/* Takes the command's one or two words off the names. */
static bool take_command(struct args *args, struct err *err)
{
    const char *first, *second;
    size_t words;

    if (args->n_names > 0 && strcmp(args->names[0], "help") == 0) { /* "help ca create", as git */
        set_option(args, option_info(OPT_HELP), "");
        args->n_names--;
        memmove(args->names, args->names + 1, args->n_names * sizeof(*args->names));
    }
    first = args->n_names > 0 ? args->names[0] : NULL;
    second = args->n_names > 1 ? args->names[1] : NULL;
    if (!first)
        return true;
    if (!second && command_is_group(args->commands, args->n_commands, first)) {
        args->group = first;
        return true;
    }
    args->command = command_find(args->commands, args->n_commands, first, second);
    if (!args->command)
        return unknown_command(args, first, second, err);
    words = strchr(args->command->name, ' ') ? 2 : 1;
    args->n_names -= words;
    memmove(args->names, args->names + words, args->n_names * sizeof(*args->names));
    return true;
}

static bool check_command(const struct args *args, struct err *err)
{
    size_t n;
    const struct option_info *options = option_table(&n);
    const struct command *command = args->command;
    option_set allowed = command->options | OPTIONS_COMMON | OPTIONS_CHANGING;

    for (size_t i = 0; i < n; i++) {
        if (!args_has(args, options[i].option))
            continue;
        if (!(allowed & OPTION_BIT(options[i].option)))
            return err_set(err, ERR_USAGE, _("\"pgseal %s\" has no flag \"--%s\""), command->name,
                           options[i].name);
        if (!options[i].repeats && options[i].value && args->options[i].n > 1)
            return err_set(err, ERR_USAGE, _("\"--%s\" was given twice"), options[i].name);
    }
    if (args->n_names < (size_t)command->min_names) {
        err_set(err, ERR_USAGE, _("\"pgseal %s\" wants %s"), command->name, command->names);
        return err_hint(err, _("See \"pgseal %s --help\"."), command->name);
    }
    if (command->max_names >= 0 && args->n_names > (size_t)command->max_names)
        return err_set(err, ERR_USAGE, _("\"pgseal %s\" does not know what to do with \"%s\""),
                       command->name, args->names[command->max_names]);
    return true;
}

bool args_parse(const struct command *commands, size_t n_commands, int argc, char *const *argv,
                struct args *ret, struct err *err)
{
    bool words_only = false;

    memset(ret, 0, sizeof(*ret));
    ret->commands = commands;
    ret->n_commands = n_commands;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (words_only || word[0] != '-' || word[1] == '\0') {
            push(&ret->names, &ret->n_names, word);
        } else if (strcmp(word, "--") == 0) {
            words_only = true;
        } else if (word[1] == '-') {
            if (!parse_long(argc, argv, &i, ret, err))
                return false;
        } else if (!parse_letters(word + 1, ret, err)) {
            return false;
        }
    }
    if (args_has(ret, OPT_VERSION))
        return true;
    if (!take_command(ret, err))
        return false;
    if (!ret->command || args_has(ret, OPT_HELP))
        return true;
    return check_command(ret, err);
}
