/* revoke.h - the parts of "revoke". */
#ifndef PGSEAL_CLI_REVOKE_H
#define PGSEAL_CLI_REVOKE_H

#include "cli/command.h"
#include "core/plan/revoke.h"

/* What an imported CA knows by its number only; with --ca also what nobody knows. request: reason, days,
 * servers and the door. *ret_found false and true: there is no such number, and no --ca. */
bool revoke_serial_only(struct cli *cli, const struct revoke_request *request, bool *ret_found,
                        struct err *err) MUST_CHECK;

#endif
