/*
 * wizard.h - the way from the command line into the wizard.
 *
 * Use      "pgseal" alone, "pgseal demo" and "pgseal sessions" on a terminal.
 * Errors   ERR_TERMINAL (exit 69) where there is no usable terminal.
 */
#ifndef PGSEAL_CLI_WIZARD_H
#define PGSEAL_CLI_WIZARD_H

#include "cli/command.h"
#include "screens/wizard.h"

/* Standard input and output are a terminal, and nothing was said against asking. */
bool cli_has_terminal(const struct cli *cli) MUST_CHECK;

/* Runs until its last page is gone; cli->exit is its exit code. app->store_folder NULL: the one
 * that --store, the environment or XDG name. */
bool cli_wizard(struct cli *cli, const struct app_options *app, enum wizard_start start,
                struct err *err) MUST_CHECK;

#endif
