/*
 * rotate.h - what the commands of "rotate" share.
 */
#ifndef PGSEAL_CLI_ROTATE_H
#define PGSEAL_CLI_ROTATE_H

#include "cli/command.h"
#include "core/rotate/rotate.h"

/* Starts the rotation (store open for writing), shows its phases and says how it goes on. --dry-run: what
 * would be started, and nothing is written. */
bool rotate_begin(struct cli *cli, const struct rotate_start *start, struct err *err) MUST_CHECK;
/* The certificate in the file that this option names; *ret stays NULL where it was not given. */
bool rotate_read_cert(struct cli *cli, enum option option, struct cert **ret,
                      struct err *err) MUST_CHECK;
/* --quiet-time; 0: not given. */
bool rotate_quiet_option(struct cli *cli, int64_t *ret, struct err *err) MUST_CHECK;
/* Opens the store for writing; the one that the first argument names, or the only one. Caller frees. */
struct rotation *rotate_find_named(struct cli *cli, struct err *err) MUST_CHECK;
/* Measured; ask: on the servers too. */
bool rotate_ask(struct cli *cli, struct rotation *rotation, bool ask, struct rotate_status *ret,
                struct err *err) MUST_CHECK;

/* The phases as a picture, what was measured, what blocks. */
void rotate_print(struct cli *cli, const struct rotation *rotation,
                  const struct rotate_status *status);
json_t *rotate_json(const struct rotation *rotation, const struct rotate_status *status) MUST_CHECK;
/* --dry-run of the phase's act, or of its way back: what it would do (act, in words; plans, kits), who
 * would be refused and the number that accepts it; then the rotation as it is, measured. */
bool rotate_show_ahead(struct cli *cli, struct rotation *rotation,
                       const struct rotate_request *request, bool back, const char *act,
                       struct err *err) MUST_CHECK;
/* "client CA": for people. */
const char *rotate_kind_words(enum rotation_kind kind);
/* As it stands behind "pgseal rotate next": in quotes where a shell wants them. Caller frees. */
char *rotate_shell_name(const struct rotation *rotation) MUST_CHECK;

#endif
