/*
 * keeper.h - the small process that owns the demo's server, and cleans up whatever happens.
 *
 * Source   prctl(2) PR_SET_PDEATHSIG (cleared by a change of user, bound to the thread that forked:
 *          so the server's parent is a process with one thread of its own), pidfd_open(2),
 *          socketpair(2) SOCK_SEQPACKET.
 * Shapes   pgseal -> keeper -> initdb, postgres, load. pgseal asks over a socket pair, one question
 *          at a time. The keeper ends the server and removes the folder when it is told to, when
 *          the socket's other end is gone, or when pgseal's process is (a forked child may hold the
 *          socket open). When the keeper itself is killed, the kernel ends the server (SIGINT, fast
 *          shutdown) and pgseal removes the folder.
 * Errors   ERR_DEMO.
 */
#ifndef PGSEAL_DEMO_KEEPER_H
#define PGSEAL_DEMO_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/demo/load.h"
#include "core/demo/programs.h"

/* What the keeper works on; it has its own copy from fork() on. */
struct keeper_job {
    const char *folder; /* made by the keeper, so that no moment leaves it behind */
    const char *data;
    const char *socket;
    const char *log;
    const char *bindir;
    bool keep; /* the folder stays */
    struct server_user user;
    const struct demo_role *roles;
    size_t n_roles;
    bool replicated;            /* standbys may follow it */
    const char *primary_socket; /* a standby of that one; NULL: a cluster of its own */
    int primary_port;
};

enum keeper_op {
    KEEPER_INIT, /* folders, initdb or pg_basebackup, settings; number: errno of a folder, else 0 */
    KEEPER_START,  /* postgres on port, 0: the same as before; number: its pid */
    KEEPER_ASK,    /* number: the server's pid, 0 when it has ended */
    KEEPER_STOP,   /* a fast shutdown, waited for */
    KEEPER_FREEZE, /* SIGSTOP to every process of the server */
    KEEPER_THAW,
    KEEPER_LOAD, /* starts load_run() */
    KEEPER_QUIT  /* all of it ends; number: errno of the folder's removal */
};

struct keeper_answer {
    bool ok;
    int number;
};

struct keeper {
    pid_t pid;
    int link;
};

bool keeper_fork(const struct keeper_job *job, struct keeper *ret, struct err *err) MUST_CHECK;
/* False with ERR_DEMO when the keeper is gone or silent for timeout_ms. */
bool keeper_ask(const struct keeper *keeper, enum keeper_op op, int port, int timeout_ms,
                struct keeper_answer *ret, struct err *err) MUST_CHECK;

#endif
