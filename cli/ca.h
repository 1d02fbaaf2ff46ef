/*
 * ca.h - what the commands around a CA share.
 */
#ifndef PGSEAL_CLI_CA_H
#define PGSEAL_CLI_CA_H

#include "cli/command.h"

/* The passphrase of a key from now on: from the file that this option names (OPT_PASSPHRASE_FILE: or
 * the descriptor), none on purpose (--no-passphrase), or asked twice. *ret NULL: none. A weak one is
 * said. */
bool ca_new_passphrase(struct cli *cli, enum option option, struct secret **ret,
                       struct err *err) MUST_CHECK;

#endif
