/*
 * without_options.h - sentences of core as a page says them.
 *
 * Why      core speaks to the command line and to pages: where an option of a command is the way out, it
 *          stands in parentheses, "Name the servers (--server NAME)." A page has fields instead: it
 *          leaves such parentheses away.
 */
#ifndef PGSEAL_SCREENS_WITHOUT_OPTIONS_H
#define PGSEAL_SCREENS_WITHOUT_OPTIONS_H

#include <stddef.h>

/* Without its parentheses that have an option in them; at most size bytes with the NUL. out may be text. */
void without_options(const char *text, char *out, size_t size);

#endif
