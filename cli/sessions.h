/*
 * sessions.h - what "sessions" does once and what it does again and again share.
 *
 * Shapes   one struct watched a server; its poller is used while it is watched, its conn for one look.
 */
#ifndef PGSEAL_CLI_SESSIONS_H
#define PGSEAL_CLI_SESSIONS_H

#include "cli/command.h"
#include "core/watch/poller.h"
#include "core/watch/recorder.h"
#include "core/watch/snapshot.h"

struct watched {
    struct server *server;
    struct session_book *book;
    struct recorder *recorder;
    struct poller *poller;
    enum poller_state told; /* the last state that was said */
};

/* ---- sessions_servers.c ---- */

/* The servers that were named, a cluster's members for its name, each once; all of the store where none
 * was. *ret: names for the caller to free, with the array. */
bool sessions_names(struct cli *cli, char ***ret, size_t *ret_n, struct err *err) MUST_CHECK;
void sessions_names_free(char **names, size_t n);
/* Those, to be watched. */
bool sessions_servers(struct cli *cli, struct watched **ret, size_t *ret_n,
                      struct err *err) MUST_CHECK;
void sessions_servers_free(struct watched *servers, size_t n);

/* Looks the certificates up; what the store has is not needed for the rest. */
bool sessions_look_up(struct cli *cli, struct watched *watched, const struct sessions *sessions,
                      struct err *err) MUST_CHECK;
/* Writes down what waits (force: also when it is not due). */
bool sessions_record(struct cli *cli, struct watched *watched, bool force,
                     struct err *err) MUST_CHECK;

/* ---- sessions_print.c ---- */

/* Prints one snapshot as the flags ask. documents: several servers' JSON is collected there; NULL:
 * one document. *ret_found: sessions that need a look. */
void sessions_print(struct cli *cli, const struct watched *watched, const struct sessions *sessions,
                    const struct sessions_rights *rights, json_t *documents, size_t *ret_found);
void sessions_print_csv_header(void);

/* ---- sessions_watch.c ---- */

/* Until a signal: its number in *ret_signal; or until nobody reads standard output: 0. */
bool sessions_watch(struct cli *cli, struct watched *servers, size_t n, int64_t seconds,
                    int *ret_signal, struct err *err) MUST_CHECK;

/* ---- readiness.c ---- */

/* Over live sessions (servers NULL: none) and what was seen of these servers since then. */
bool sessions_readiness(struct cli *cli, struct watched *servers, size_t n,
                        struct err *err) MUST_CHECK;

#endif
