/*
 * ca_act.h - inside screens only: what the acts on one CA share.
 */
#ifndef PGSEAL_SCREENS_CA_ACT_H
#define PGSEAL_SCREENS_CA_ACT_H

#include "core/store/authority_request.h"
#include "screens/act.h"
#include "screens/key_protection.h"
#include "screens/source_fields.h"

struct ca_act {
    char *name;
    bool may_wait; /* a request that waits for its certificate will do too */
    /* what the store says */
    struct authority *authority; /* NULL: it is a request that waits for its certificate */
    struct authority_request *request;
    struct authority_parents parents;
    int64_t valid; /* certificates of it that are neither ended nor revoked */
    char *servers; /* that trust it: "db1, db2", or "" */
    /* fields and answers */
    int file_id, chain_id, days_id, what_id, folder_id;
    struct key_protection protection;
    struct source_fields source;
    struct source_input input;
    char *path;
    bool chain;
    bool whole; /* a folder for "openssl ca", with the key */
    size_t certs;
    int days;
    struct secret *passphrase;
    /* results */
    char *pem;
    bool same_serial;
    int64_t not_after;
};

struct ca_act *ca_act_new(const char *name) MUST_CHECK;
/* For struct act_ops. */
bool ca_act_load(void *data, struct act_job *job, struct err *err);
const char *ca_act_locked(const void *data);
const char *ca_act_copy(const void *data);
void ca_act_free(void *data);
/* For a step that has file_id. */
void ca_act_check_file(void *arg, struct form *form);
/* "pgseal ca WORDS 'Acme PG Root'" */
void ca_act_command(const struct ca_act *self, struct strbuf *out, const char *words);
/* "~/Acme-PG-Root.crt" in the current folder. */
void ca_act_propose_file(const char *name, const char *ending, char *out, size_t size);

#endif
