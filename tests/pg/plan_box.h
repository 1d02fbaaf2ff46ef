/*
 * plan_box.h - for tests of plans: a fresh PostgreSQL, a store that knows it, an admin connection.
 *
 * Every function ends the test (cmocka's fail) when it cannot do what it says.
 */
#ifndef PGSEAL_TESTS_PLAN_BOX_H
#define PGSEAL_TESTS_PLAN_BOX_H

#include "core/demo/demo.h"
#include "core/kit/kit.h"
#include "core/plan/plan.h"
#include "core/plan/proof.h"

struct plan_box {
    struct demo *demo;
    struct store *store;
    struct server *server;
    struct conn *admin;
    struct authority *ca; /* "Test CA", its key unencrypted */
    struct key *ca_key;
    struct plan_target target;
    struct strbuf seen; /* what plan_apply() reported: a line each */
    struct plan_watch watch;
    unsigned n_kits;
};

/* The files that a change touches. */
struct plan_files {
    char *auto_conf;
    char *hba;
    char *ident;
    char
        *lists; /* of the folder of plan_box_use_lists(): names and texts in order; "" without it */
};

void plan_box_open(struct plan_box *box);
void plan_box_close(struct plan_box *box);
struct authority *plan_box_authority(struct plan_box *box, const char *name, struct key **ret_key);

/* plan_apply() with PLAN_KEEP_WHEN_PROVEN must succeed; frees the plan, returns its id. */
int64_t plan_box_keep(struct plan_box *box, struct plan *plan);
void plan_box_tls(struct plan_box *box);   /* server_tls of box->ca, kept */
void plan_box_trust(struct plan_box *box); /* trust_ca of box->ca alone, kept */
/* As the admin's choice: no ssl_crl_file, and ssl_crl_dir is a new folder. */
void plan_box_use_lists(struct plan_box *box);
/* Files of a client certificate; the caller kit_files_clear()s. */
void plan_box_kit(struct plan_box *box, const struct authority *ca, const struct key *key,
                  const char *role, struct kit_files *ret);
void plan_box_saw(const struct plan_box *box, const char *part); /* else the test fails */

struct plan_files plan_box_files(const struct plan_box *box);
void plan_files_clear(struct plan_files *files);
/* All of them are byte for byte as they were. */
void plan_box_same_files(const struct plan_box *box, const struct plan_files *before);
char *plan_box_value(struct plan_box *box, const char *setting); /* caller frees */
struct handshake plan_box_handshake(const struct plan_box *box);
size_t plan_box_count_files(const struct plan_box *box, const char *prefix);
/* The server stops and starts again: what it was given is good enough for that. The admin connection
 * is opened anew. */
void plan_box_restart(struct plan_box *box);

#endif
