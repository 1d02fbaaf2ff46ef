/* crl.h - a list of revoked certificates, shown. */
#ifndef PGSEAL_CLI_CRL_H
#define PGSEAL_CLI_CRL_H

#include "cli/command.h"

json_t *crl_json(const struct authority *authority, const struct crl *crl) MUST_CHECK;
/* Its number and dates; as JSON with its entries. */
void crl_print(struct cli *cli, const struct authority *authority, const struct crl *crl);

#endif
