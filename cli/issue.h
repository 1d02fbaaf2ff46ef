/*
 * issue.h - what the commands that issue share.
 */
#ifndef PGSEAL_CLI_ISSUE_H
#define PGSEAL_CLI_ISSUE_H

#include "core/kit/kit.h"

/* "pem,p12" -> set of enum kit_format; PEM is always there. */
bool issue_parse_formats(const char *text, unsigned *ret, struct err *err) MUST_CHECK;

#endif
