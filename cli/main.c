/*
 * main.c - where the program starts: a safe process, the command line, the command, the exit code.
 */
#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/log.h"
#include "core/base/mem.h"

/* A closed standard descriptor would be given to the next file that is opened, and the store would
 * get our messages. The wrong direction on purpose: what is written there fails and is noticed. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

static void set_output(struct output *output, const struct args *args)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    const char *accessible = getenv("ACCESSIBLE");

    output->json = args_has(args, OPT_JSON);
    output->quiet = args_has(args, OPT_QUIET);
    output->verbose = (int)args->options[OPT_VERBOSE].n;
    output->ascii = args_has(args, OPT_ASCII);
    output->plain =
        args_has(args, OPT_PLAIN) || (accessible && *accessible && strcmp(accessible, "0"));
    output->color = !args_has(args, OPT_NO_COLOR) && !output->plain && !(no_color && *no_color) &&
                    term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

static void open_log(void)
{
    struct err ignored = ERR_INIT; /* a log that cannot be written is silently off */
    char *folder = fs_state_folder(&ignored);
    char *path = NULL;

    if (folder && fs_make_folder(folder, &ignored)) {
        path = fs_join(folder, "pgseal.log");
        log_open(path);
    }
    free(path);
    free(folder);
}

/* --help, --version and a group without a command; false: none of them. */
static bool run_help(const struct args *args)
{
    struct strbuf text = STRBUF_INIT;

    if (args_has(args, OPT_VERSION))
        help_version(&text);
    else if (args->group)
        help_group(&text, args->group);
    else if (args_has(args, OPT_HELP) && args->command)
        help_command(&text, args->command);
    else if (args_has(args, OPT_HELP))
        help_program(&text);
    else
        return false;
    fwrite(text.data, 1, text.len, stdout);
    strbuf_clear(&text);
    return true;
}

static bool run_wizard(struct cli *cli, struct err *err)
{
    char *folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);
    bool done = folder && cli_wizard(cli, folder, NULL, false, false, err);

    free(folder);
    return done;
}

static bool run(struct cli *cli, struct err *err)
{
    if (run_help(cli->args)) {
        if (cli->args->group && !args_has(cli->args, OPT_HELP))
            cli->exit = EXIT_USAGE;
        return true;
    }
    if (cli->args->command)
        return cli->args->command->run(cli, err);
    return run_wizard(cli, err);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct args args;
    struct cli cli = {.args = &args};
    const struct command *commands;
    size_t n_commands;
    bool done;

    fill_standard_descriptors();
    secret_protect_process();
    mem_share_heaps();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error with a message */
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers in JSON and CSV have a point */
    bindtextdomain("pgseal", LOCALEDIR);
    textdomain("pgseal");

    commands = command_table(&n_commands);
    done = args_parse(commands, n_commands, argc, argv, &args, &err);
    set_output(&cli.out, &args);
    if (done) {
        open_log();
        done = run(&cli, &err);
    }
    if (!done) {
        if (cli.exit == 0)
            cli.exit = cli_exit_code(err.code);
        output_error(&cli.out, &err);
        log_error("%s: PS-%04d %s", args.command ? args.command->name : "", (int)err.code, err.msg);
    }
    if (!output_close(&err) && cli.exit == 0 && output_reader_gone()) {
        cli.exit = 128 + SIGPIPE; /* as if it had not been ignored: nobody wants to read why */
    } else if (ferror(stdout) && cli.exit == 0) {
        cli.out.json = false;
        cli.exit = EXIT_FAILED;
        output_error(&cli.out, &err);
    }
    cli_clear(&cli);
    args_clear(&args);
    return cli.exit;
}
