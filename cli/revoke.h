/* revoke.h - the parts of "revoke". */
#ifndef PGSEAL_CLI_REVOKE_H
#define PGSEAL_CLI_REVOKE_H

#include "cli/command.h"
#include "core/pki/crl.h"

/* *ret_found false and true: no imported CA knows that number. */
bool revoke_serial_only(struct cli *cli, enum crl_reason reason, int days, bool *ret_found,
                        struct err *err) MUST_CHECK;

#endif
