/* wizard.c - from the command line into the wizard. */
#include "config.h"

#include "screens/wizard.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/base/intl.h"

bool cli_on_terminal(const struct cli *cli)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !args_has(cli->args, OPT_NO_INPUT) &&
           !cli->out.json;
}

/* Pages only read until something is done: a store of an older pgseal would stay shut to all of them.
 * What is wrong otherwise is theirs to say. */
static void bring_up_to_date(const char *folder)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(folder, STORE_READ, &err);

    if (!store && err.code == ERR_STORE)
        store = store_open(folder, STORE_WRITE, &err);
    store_close(store);
}

/* Nothing can be painted there: the questions can be asked all the same. */
static bool is_dumb(const char *term)
{
    return term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

static bool run_wizard(struct cli *cli, const struct wizard_options *options, struct err *err)
{
    struct wizard_options whole = *options;
    char *said = NULL;

    whole.plain = cli->out.plain || is_dumb(getenv("TERM"));
    whole.answers = args_value(cli->args, OPT_ANSWERS);
    whole.save_answers = args_value(cli->args, OPT_SAVE_ANSWERS);
    whole.ret_said = &said;
    whole.app.read_only = args_has(cli->args, OPT_READ_ONLY);
    whole.theme =
        (struct theme){.colour = cli->out.color,
                       .unicode = !cli->out.ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    if (cli->out.json || args_has(cli->args, OPT_NO_INPUT)) {
        err_set(err, ERR_USAGE, _("no command was given, and the wizard needs a person"));
        return err_hint(err, _("See \"pgseal --help\"."));
    }
    bring_up_to_date(whole.app.store_folder);
    cli->exit = wizard_run(&whole, err);
    if (err->code == ERR_NONE && said != NULL)
        output_note(&cli->out, "%s", said);
    free(said);
    if (err->code == ERR_ANSWERS)
        cli->exit = 0; /* the code says it */
    return err->code == ERR_NONE;
}

bool cli_wizard(struct cli *cli, const char *folder, const char *server, bool sessions, bool demo,
                struct err *err)
{
    return run_wizard(
        cli,
        &(struct wizard_options){.app = {.store_folder = folder, .server = server, .demo = demo},
                                 .start = sessions ? WIZARD_SESSIONS : WIZARD_HOME},
        err);
}

bool cli_panel(struct cli *cli, const char *folder, const char *const *servers, size_t n,
               struct err *err)
{
    return run_wizard(cli,
                      &(struct wizard_options){.app = {.store_folder = folder,
                                                       .server = servers[0],
                                                       .watched = servers,
                                                       .n_watched = n},
                                               .start = WIZARD_SESSIONS},
                      err);
}
