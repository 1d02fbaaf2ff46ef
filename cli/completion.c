/*
 * completion.c - "completion": scripts for bash, zsh and fish, made from the tables of options and commands.
 *
 * Source   bash(1) "Programmable Completion"; zshcompsys(1) bashcompinit; fish complete(1).
 */
#include "config.h"

#include <string.h>

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/base/text.h"

/* Second words of a group, or first words when group is NULL; each once. */
static void add_words(struct strbuf *out, const struct args *args, const char *group)
{
    const struct command *commands = args->commands;
    size_t group_len = group ? strlen(group) : 0;
    const char *last = "";
    size_t last_len = 0;

    for (size_t i = 0; i < args->n_commands; i++) {
        const char *word = commands[i].name;
        size_t len;

        if (group) {
            if (strncmp(word, group, group_len) != 0 || word[group_len] != ' ')
                continue;
            word += group_len + 1;
        }
        len = strcspn(word, " ");
        if (len == last_len && strncmp(word, last, len) == 0)
            continue;
        if (out->len > 0)
            strbuf_add_char(out, ' ');
        strbuf_add(out, word, len);
        last = word;
        last_len = len;
    }
}

static void add_flags(struct strbuf *out, option_set set)
{
    size_t n;
    const struct option_info *options = option_table(&n);

    for (size_t i = 0; i < n; i++)
        if (set & OPTION_BIT(options[i].option))
            strbuf_printf(out, "%s--%s", out->len > 0 ? " " : "", options[i].name);
}

/* What follows a flag: its words, else files for those that name one. */
static void bash_values(struct strbuf *out)
{
    size_t n;
    const struct option_info *options = option_table(&n);

    for (size_t i = 0; i < n; i++) {
        if (!options[i].value || options[i].value_optional)
            continue;
        if (options[i].words)
            strbuf_printf(out,
                          "        --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
                          options[i].name, options[i].words);
        else if (strstr(options[i].value, "FILE") || strstr(options[i].value, "DIR") ||
                 strstr(options[i].value, "PATH"))
            strbuf_printf(out, "        --%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n",
                          options[i].name);
        else
            strbuf_printf(out, "        --%s) return ;;\n", options[i].name);
    }
}

/* Also what zsh runs, through bashcompinit. */
static void bash_script(struct strbuf *out, const struct args *args)
{
    const struct command *commands = args->commands;
    size_t n = args->n_commands;
    struct strbuf words = STRBUF_INIT;

    strbuf_add_str(out, "_pgseal()\n{\n"
                        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                        "    local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]} flags= words=\n"
                        "    COMPREPLY=()\n"
                        "    case $prev in\n");
    bash_values(out);
    strbuf_add_str(out, "    esac\n    case \"$first $second\" in\n");
    for (size_t i = 0; i < n; i++) {
        strbuf_reset(&words);
        add_flags(&words, commands[i].options | OPTIONS_COMMON);
        strbuf_printf(out, "        \"%s%s) flags='%s' ;;\n", commands[i].name,
                      strchr(commands[i].name, ' ') ? "\"" : " \"*", words.data);
    }
    strbuf_add_str(out, "    esac\n    if ((COMP_CWORD == 1)); then\n");
    strbuf_reset(&words);
    add_words(&words, args, NULL);
    strbuf_printf(
        out, "        words='%s'\n    elif ((COMP_CWORD == 2)); then\n        case $first in\n",
        words.data);
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(commands[i].name, " ");
        char group[32] = "";

        if (commands[i].name[len] == '\0' || len >= sizeof(group) ||
            (i > 0 && strncmp(commands[i - 1].name, commands[i].name, len + 1) == 0))
            continue;
        memcpy(group, commands[i].name, len);
        strbuf_reset(&words);
        add_words(&words, args, group);
        strbuf_printf(out, "            %s) words='%s' ;;\n", group, words.data);
    }
    strbuf_add_str(out,
                   "        esac\n    fi\n"
                   "    if [[ $cur == -* ]]; then\n"
                   "        COMPREPLY=($(compgen -W \"$flags --help --version\" -- \"$cur\"))\n"
                   "    elif [[ -n $words ]]; then\n"
                   "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                   "    else\n"
                   "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                   "    fi\n}\ncomplete -F _pgseal pgseal\n");
    strbuf_clear(&words);
}

static void fish_option(struct strbuf *out, const char *when, const struct option_info *info)
{
    struct strbuf help = STRBUF_INIT;

    if (!text_quote_shell(&help, gettext(info->help)))
        strbuf_add_str(&help, "''");
    strbuf_printf(out, "complete -c pgseal%s -l %s", when, info->name);
    if (info->letter)
        strbuf_printf(out, " -s %c", info->letter);
    if (info->words)
        strbuf_printf(out, " -x -a '%s'", info->words);
    else if (info->value && !info->value_optional)
        strbuf_add_str(out, " -r");
    strbuf_printf(out, " -d %s\n", help.data);
    strbuf_clear(&help);
}

static void fish_script(struct strbuf *out, const struct args *args)
{
    const struct command *commands = args->commands;
    size_t n_commands = args->n_commands;
    size_t n_options;
    const struct option_info *options = option_table(&n_options);
    struct strbuf words = STRBUF_INIT;

    add_words(&words, args, NULL);
    strbuf_printf(out, "complete -c pgseal -n __fish_use_subcommand -f -a '%s'\n", words.data);
    for (size_t i = 0; i < n_options; i++)
        if (OPTIONS_COMMON & OPTION_BIT(options[i].option))
            fish_option(out, "", &options[i]);
    for (size_t i = 0; i < n_commands; i++) {
        size_t len = strcspn(commands[i].name, " ");
        struct strbuf when = STRBUF_INIT;

        if (commands[i].name[len] == ' ') {
            strbuf_printf(out,
                          "complete -c pgseal -n '__fish_seen_subcommand_from %.*s; and not "
                          "__fish_seen_subcommand_from %s' -f -a %s\n",
                          (int)len, commands[i].name, commands[i].name + len + 1,
                          commands[i].name + len + 1);
            strbuf_printf(&when,
                          " -n '__fish_seen_subcommand_from %.*s; and "
                          "__fish_seen_subcommand_from %s'",
                          (int)len, commands[i].name, commands[i].name + len + 1);
        } else {
            strbuf_printf(&when, " -n '__fish_seen_subcommand_from %s'", commands[i].name);
        }
        for (size_t k = 0; k < n_options; k++)
            if (commands[i].options & OPTION_BIT(options[k].option))
                fish_option(out, when.data, &options[k]);
        strbuf_clear(&when);
    }
    strbuf_clear(&words);
}

bool run_completion(struct cli *cli, struct err *err)
{
    const char *shell = cli->args->names[0];
    struct strbuf out = STRBUF_INIT;

    if (strcmp(shell, "bash") == 0) {
        strbuf_add_str(&out, "# bash completion for pgseal\n");
        bash_script(&out, cli->args);
    } else if (strcmp(shell, "zsh") == 0) {
        strbuf_add_str(&out, "#compdef pgseal\nautoload -U +X bashcompinit && bashcompinit\n");
        bash_script(&out, cli->args);
    } else if (strcmp(shell, "fish") == 0) {
        fish_script(&out, cli->args);
    } else {
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not bash, zsh or fish"), shell);
    }
    fwrite(out.data, 1, out.len, stdout);
    strbuf_clear(&out);
    return true;
}
