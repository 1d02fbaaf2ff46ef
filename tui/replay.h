/*
 * replay.h - a wizard's answers: written down while a person gives them, given again in a later run.
 *
 * Source   cli.md, --answers and --save-answers; ux.md 10.10.
 * Writes   what stood in a form when its button took it, and which line of a menu was chosen; the file
 *          is whole after each of them, mode 0600, and never takes another file's place. Not written:
 *          passphrases, pasted texts, fields that are always asked, answers to questions.
 * Gives    only on the page that comes next in the file: chooses the line, fills in the form, and goes
 *          on by < Next > when all of it was answered. A button that does more than going on is left to
 *          the person, as every question is: nothing is made or changed by a file alone. Where an
 *          answer is missing or not possible here, it stops there with the focus.
 * Errors   ERR_ANSWERS ends the wizard: the file names what the page has not.
 * How      as keys, through the navigator: pages cannot tell.
 */
#ifndef PGSEAL_TUI_REPLAY_H
#define PGSEAL_TUI_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "tui/screen.h"

struct navigator;
struct replay;

/* save, load: files, or NULL. ERR_FILE_EXISTS, ERR_FILE, ERR_ANSWERS. */
struct replay *replay_new(const char *save, const char *load, struct err *err) MUST_CHECK;
void replay_free(struct replay *replay); /* NULL is fine */
/* Before a key goes to the page on top. */
void replay_see_key(struct replay *replay, const struct screen *top, uint32_t key);
/* When nothing else is to be done: gives the next answers where they belong. True when it did. */
bool replay_go(struct replay *replay, struct navigator *navigator) MUST_CHECK;
/* Why the wizard was ended; false: it was not. */
bool replay_failed(const struct replay *replay, struct err *err);
/* For the end: that answers were left over, from which line on; that they could not be written, and why.
 * NULL: nothing of that. Caller frees. */
char *replay_say(const struct replay *replay) MUST_CHECK;

#endif
