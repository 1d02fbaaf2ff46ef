/*
 * stop.h - Ctrl-C, SIGTERM and SIGHUP of a command that stops by itself, between two steps.
 *
 * Use      stop_hold(); the work, with stop_asked as its "cancelled"; stop_release(). A signal that the
 *          caller ignores, as under nohup(1), stays ignored.
 */
#ifndef PGSEAL_CLI_STOP_H
#define PGSEAL_CLI_STOP_H

#include <stdbool.h>

void stop_hold(void);
bool stop_asked(void *unused);
/* 128 + the signal that came, which has done its work now; 0: none. */
int stop_release(void);

#endif
