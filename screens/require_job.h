/*
 * require_job.h - what the page of access rules needs: the rules, roles and sessions of the server now;
 * and the intent that it ends in.
 */
#ifndef PGSEAL_SCREENS_REQUIRE_JOB_H
#define PGSEAL_SCREENS_REQUIRE_JOB_H

#include "core/pg/simulate.h"
#include "screens/attempt.h"

struct rules_facts { /* ok false: the page works without them, and says why */
    char *store_folder, *server;
    bool ok;
    bool wants_password;
    struct hba hba;
    struct simulate_who who;
    struct err err;
};
struct job *rules_facts_start(struct app *app, void *owner) MUST_CHECK;
void rules_facts_free(void *data);

struct require_data {
    bool remove;  /* our rules go away again: these lines, or all; nothing else of this counts */
    int *lines;   /* their numbers in the file of lines_of, for the command */
    char **texts; /* the lines themselves: what goes, on each member */
    size_t n_lines;
    char *lines_of; /* the server whose file it is; or NULL */
    char *database, *address;
    char **roles;
    size_t n_roles;
    enum access_method method;
    char *map;      /* of pg_ident.conf: names in certificates that are not the role's; or NULL */
    char **map_cns; /* lines that it shall have */
    char **map_roles;
    size_t n_map;
    /* of a login that proves it; role NULL: none is tried */
    char *probe_role, *probe_cert, *probe_key, *probe_root;
};
void require_data_free(void *data);
extern const struct attempt_intent require_intent;
/* " --database … --role …": as the commands take it; not for remove. */
void require_options(const struct require_data *data, struct strbuf *out);

#endif
