/*
 * publish.h - lists of revoked certificates on their way to servers, as lines and as JSON.
 */
#ifndef PGSEAL_CLI_PUBLISH_H
#define PGSEAL_CLI_PUBLISH_H

#include "cli/change.h"
#include "core/plan/publish.h"

/* How the commands log in: asks for a password where a person is there. arg: the struct cli. */
struct fleet_door publish_door(struct cli *cli);

/* --server NAME… (clusters' names too), each known; ret empty when none was given. */
bool publish_named_servers(struct cli *cli, struct server_list *ret, struct err *err) MUST_CHECK;

/*
 * The progress of a run on standard error, from begin to end; not to be moved. Ctrl-C, SIGTERM and SIGHUP
 * meanwhile: servers whose turn it is are taken back, the rest are left for the next "crl refresh".
 */
struct publish_progress {
    struct change_report report;
    struct plan_watch plan;
    bool several;               /* servers: each line says which */
    struct publish_watch watch; /* for publish_run(), revoke_run() */
};
void publish_progress_begin(struct cli *cli, struct publish_progress *ret);
void publish_progress_end(struct publish_progress *progress);

/* One line for each server on standard output. */
void publish_print(struct cli *cli, const struct publish_results *results);
/* [{"server", "state", "published", "plan", "sessions_ended", "error", "help"}] */
json_t *publish_json(const struct publish_results *results) MUST_CHECK;
/* Where it is not complete: err is the first failure and names who is left, cli->exit is 5. revoked:
 * this was about a certificate that must not be accepted any more. */
bool publish_judge(struct cli *cli, const struct publish_results *results, bool revoked,
                   struct err *err) MUST_CHECK;

#endif
