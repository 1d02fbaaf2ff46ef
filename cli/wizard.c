/* wizard.c - the way from the command line into the wizard. */
#include "config.h"

#include "cli/wizard.h"

#include <stdlib.h>
#include <unistd.h>

bool cli_has_terminal(const struct cli *cli)
{
    return !cli->out.json && !args_has(cli->args, OPT_NO_INPUT) && isatty(STDIN_FILENO) == 1 &&
           isatty(STDOUT_FILENO) == 1;
}

bool cli_wizard(struct cli *cli, const struct app_options *app, enum wizard_start start,
                struct err *err)
{
    struct wizard_options options = {.app = *app, .start = start};
    char *folder = NULL;

    if (app->store_folder == NULL) {
        folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);
        if (folder == NULL)
            return false;
        options.app.store_folder = folder;
    }
    options.app.read_only = args_has(cli->args, OPT_READ_ONLY);
    options.theme.colour = !args_has(cli->args, OPT_NO_COLOR);
    options.theme.unicode = !cli->out.ascii;
    cli->exit = wizard_run(&options, err);
    free(folder);
    return err->code == ERR_NONE;
}
