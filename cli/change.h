/*
 * change.h - one change to one server, from the connection to "kept" or "taken back".
 *
 * Use      change_open(), build a plan over change->target, change_apply(), change_close().
 * Rules    moderate (design/ux.md 3.4): the plan is shown and a question asked, --yes answers it; on
 *          a server that is marked "production" its name must be typed or given by --confirm.
 *          Ctrl-C, SIGTERM and SIGHUP while it runs: the step is finished, all is taken back, exit 4.
 *          Ctrl-Z waits until the end.
 */
#ifndef PGSEAL_CLI_CHANGE_H
#define PGSEAL_CLI_CHANGE_H

#include "cli/command.h"
#include "core/plan/plan.h"

struct change {
    struct cli *cli;
    struct server *server;
    struct conn *admin;
    struct secret *password; /* the administrator's, when it was asked for */
    char *tls_host;
    struct plan_target target;
    bool confirmed; /* the person has said yes to more than this already: no question */
};

/* Opens the store, loads the server, logs in. change_close() is right after a failure too. Refuses
 * with ERR_UNFINISHED where a change was begun and neither kept nor taken back. */
bool change_open(struct cli *cli, const char *name, struct change *ret, struct err *err) MUST_CHECK;
/* The same for whoever takes such a change back. */
bool change_open_unfinished(struct cli *cli, const char *name, struct change *ret,
                            struct err *err) MUST_CHECK;
void change_close(struct change *change);

/* Shows, asks, applies, keeps. plan is taken; NULL: err is set already. Sets cli->exit to 4 or 5
 * where that is what happened. Prints the result. */
bool change_apply(struct change *change, struct plan *plan, struct err *err) MUST_CHECK;

/* Writes the plan's intent as a new file (saved.h). */
bool change_save(struct change *change, const struct plan *plan, const char *path,
                 struct err *err) MUST_CHECK;
/* Who says "keep": --try leaves it to "plan keep", a person is asked, a script has said it by --yes. */
bool change_keep_mode(const struct change *change, enum plan_keep *ret, int *ret_seconds,
                      struct err *err) MUST_CHECK;

/* ---- change_show.c: before it is agreed to ---- */

/* The review: on standard output when it is the result (--dry-run), else beside the question. */
void change_show_plan(const struct output *output, const struct plan *plan, bool is_result);
/* Who could not come back; plan_apply() compares the number. */
void change_show_refused(const struct output *output, const struct plan *plan);
/* {"id","server","state","steps"} */
json_t *change_plan_json(const struct plan *plan, const char *server) MUST_CHECK;

/* ---- change_watch.c: while it runs ---- */

/* Reports of a running plan as lines on standard error, or into a JSON list. */
struct change_report {
    const struct output *output;
    const char *server; /* before each line, where several are changed at once; or NULL */
    json_t *saw;        /* list of lines, or NULL */
};
struct plan_watch change_watch(struct change_report *report) MUST_CHECK;

/* While a change is open: signals wait, and the watch's stop() looks for them. */
void change_hold_signals(void);
void change_release_signals(void);

/* ---- change_run.c: of one server or of a cluster ---- */

struct fleet_order;
/*
 * The whole of it for a server's name or a cluster's: then the members one after the other, standbys
 * first, the primary last. Where one fails, what was done on the others is offered to be taken back
 * (order->go_on: it is not). cli->exit: 4 where everything was taken back, 5 where some have it and
 * some do not.
 */
bool change_run(struct cli *cli, const char *name, const struct fleet_order *order,
                struct err *err) MUST_CHECK;

/* ---- change_fleet.c: a cluster's members ---- */

/* As change_run(), for a cluster's name only. */
bool change_run_cluster(struct cli *cli, const char *cluster, const struct fleet_order *order,
                        struct err *err) MUST_CHECK;
/* "server undo CLUSTER [PLAN]" */
bool change_undo_cluster(struct cli *cli, const char *cluster, const char *given,
                         struct err *err) MUST_CHECK;

/* ---- server_change.c: the rules that were asked for ---- */

/* What "server require" was told: database, roles, addresses, method, map and its lines.
 * change_clear_rules() is right after a failure too. */
struct change_rules {
    struct access_rules_intent intent;
    struct access_rules_probe probe; /* --cert, --key: a login to try */
    struct access_map_line *map_lines;
    char **texts; /* owned: what the lines point to */
    size_t n_texts;
};
bool change_read_rules(const struct args *args, struct change_rules *ret,
                       struct err *err) MUST_CHECK;
void change_clear_rules(struct change_rules *rules);

#endif
