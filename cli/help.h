/*
 * help.h - --help and --version, made from the tables of args.h. Short, examples first.
 */
#ifndef PGSEAL_CLI_HELP_H
#define PGSEAL_CLI_HELP_H

#include "cli/args.h"
#include "core/base/strbuf.h"

void help_program(struct strbuf *out);
void help_group(struct strbuf *out, const char *group); /* "ca": its commands */
void help_command(struct strbuf *out, const struct command *command);
void help_version(struct strbuf *out);

#endif
