/*
 * tour.h - "pgseal demo --tour": the whole journey on a private PostgreSQL, seen on the wire.
 *
 * Shapes   ten steps; each prints what it saw, a check a line. A step that cannot go on ends the
 *          journey, the last one (stop, nothing left) runs always.
 * Errors   what went wrong is a failed check with the error's text, not an error of the command.
 */
#ifndef PGSEAL_CLI_TOUR_H
#define PGSEAL_CLI_TOUR_H

#include "cli/command.h"
#include "core/demo/demo.h"
#include "core/pg/handshake.h"
#include "core/plan/plan.h"
#include "core/plan/proof.h"
#include "core/store/issued.h"

/* Runs it; keep as in demo.h. cli->exit is 1 when a check failed. */
bool tour_run(struct cli *cli, const char *keep, struct err *err) MUST_CHECK;

/* ---- tour_acts.c: what the steps are made of ---- */

struct tour_kit { /* what one client was given */
    struct issued *issued;
    char *folder, *cert_file, *key_file;
};

struct tour {
    struct cli *cli;
    struct demo *demo;
    struct server *server;
    struct conn *admin;
    struct plan_target target;
    struct authority *ca, *ca2; /* first and second generation */
    struct key *ca_key, *ca2_key;
    char *root_file;
    struct tour_kit alice, bob, alice2;
    int passed, failed;
    json_t *steps; /* finished ones */
    json_t *saw;   /* of the running step */
};

/* Prints and counts one thing that was looked at; returns ok. */
bool tour_check(struct tour *tour, bool ok, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A failed check with an error's text; always false. */
bool tour_error(struct tour *tour, const struct err *err);
/* One handshake with the demo server; cert NULL: without. roots NULL: not verified. */
bool tour_handshake(struct tour *tour, const struct cert *roots, const struct tour_kit *kit,
                    struct handshake *ret) MUST_CHECK;
/* Applies and keeps; prints what the proof saw. plan is taken, NULL: err says why. */
bool tour_apply(struct tour *tour, struct plan *plan, struct err *err) MUST_CHECK;
/* A new key and certificate for a role, and its kit. */
bool tour_issue(struct tour *tour, const struct authority *ca, const struct key *ca_key,
                const char *role, const char *folder, struct tour_kit *ret) MUST_CHECK;

/* ---- tour_steps.c: the steps; false: the journey cannot go on ---- */

bool tour_server_tls(struct tour *tour);
bool tour_trust(struct tour *tour);
bool tour_rules(struct tour *tour);
bool tour_revoke(struct tour *tour);
bool tour_rotate(struct tour *tour);
bool tour_take_back(struct tour *tour);

#endif
