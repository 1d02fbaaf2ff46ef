/*
 * publish_visit.h - the inside of a publication: one server gets its lists and loses its sessions.
 *
 * Use      core/plan/publish*.c only.
 */
#ifndef PGSEAL_PLAN_PUBLISH_VISIT_H
#define PGSEAL_PLAN_PUBLISH_VISIT_H

#include "core/plan/publish.h"

struct publish_visit {
    struct store *store; /* of the thread; all borrowed */
    struct server *server;
    const struct cert_list *revoked; /* or NULL */
    const struct plan_watch *watch;
    struct publish_result *result; /* as new: PUBLISH_OPEN */
    struct conn *(*login)(void *arg, struct server *server, struct secret **ret_password,
                          struct err *err);
    void *login_arg;
    const bool *comes_again; /* set by the login: a person will be asked later, and nothing is
                              * noted of this; or NULL */
};

void publish_visit(const struct publish_visit *order);

#endif
