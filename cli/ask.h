/*
 * ask.h - questions to the person at the terminal: passphrases, yes or no, a name to type.
 *
 * Source   readpassphrase(3) for the manners: an open of /dev/tty of our own, echo off for secrets,
 *          the terminal as before after every end, a signal (Ctrl-C, Ctrl-Z, hang-up) included.
 * Rules    --no-input, or no terminal: ERR_NEEDS_ANSWER that names the flag (exit 2). The end of the
 *          input counts as "no".
 * Errors   ERR_NEEDS_ANSWER, ERR_REFUSED_BY_USER, ERR_CONFIRM.
 */
#ifndef PGSEAL_CLI_ASK_H
#define PGSEAL_CLI_ASK_H

#include "cli/command.h"

/* flag: what to give instead, such as "--passphrase-file=FILE". Caller frees. */
struct secret *ask_secret(struct cli *cli, const char *prompt, const char *flag,
                          struct err *err) MUST_CHECK;
/* Twice, until both are equal (three tries). Never empty. */
struct secret *ask_new_secret(struct cli *cli, const char *what, const char *flag,
                              struct err *err) MUST_CHECK;
/* True for yes and with --yes; ERR_REFUSED_BY_USER for anything else. */
bool ask_yes(struct cli *cli, const char *question, struct err *err) MUST_CHECK;
/* A severe act: --confirm=NAME, or the name typed. */
bool ask_name(struct cli *cli, const char *act, const char *name, struct err *err) MUST_CHECK;
/* True when a question could be asked now. */
bool ask_possible(const struct cli *cli);

#endif
