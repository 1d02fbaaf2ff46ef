/* crl.h - a list of revoked certificates, shown. */
#ifndef PGSEAL_CLI_CRL_H
#define PGSEAL_CLI_CRL_H

#include "cli/command.h"

/* Its number and its dates. */
void crl_print(struct cli *cli, const struct authority *authority, const struct crl *crl);

#endif
