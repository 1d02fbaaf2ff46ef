/*
 * client_trust_job.h - the trust file for clients that a page makes: which CAs there are, the file made and
 * tried on running servers, and written; each in a job.
 *
 * Rules    a CA of the store goes in by its root: that is what a client trusts. What has ended is left out,
 *          and said. A server that does not fit
 *          to it is an error, and nothing is written.
 */
#ifndef PGSEAL_SCREENS_CLIENT_TRUST_JOB_H
#define PGSEAL_SCREENS_CLIENT_TRUST_JOB_H

#include "core/pki/trust_file.h"
#include "core/store/authority.h"
#include "core/store/foreign.h"
#include "screens/pages.h"
#include "screens/source_fields.h"

#define CLIENT_TRUST_CAS 64 /* lines of the form */

struct client_trust_ca {
    int64_t authority_id, foreign_id; /* one of them */
    char *name;
    char *label; /* with its end; translated */
    bool ended;
    bool picked;
};

/* How one server saw the file. */
struct client_trust_seen {
    char *server;
    bool full; /* verify-full, too */
    char *why; /* not so; "" */
};

enum client_trust_format { CLIENT_TRUST_PEM, CLIENT_TRUST_P12, CLIENT_TRUST_P12_OLD };

struct client_trust {
    struct client_trust_pick pick; /* what is ticked at first */
    char *pick_server;
    /* load */
    struct client_trust_ca *cas;
    size_t n_cas;
    char **servers; /* of the store, and clusters */
    size_t n_servers;
    /* answers */
    bool others;
    struct source_input input;
    char *tried; /* names and addresses, blanks between them */
    char *path;
    enum client_trust_format format;
    struct secret *passphrase; /* NULL: that of every Java truststore */
    /* look */
    struct trust_file file;
    unsigned cleaned; /* enum pem_cleaned */
    struct client_trust_seen *seen;
    size_t n_seen;
};

void client_trust_clear(struct client_trust *self);
/* The next name of a list with blanks or commas between them: its length, *at moved to it; 0: no more. */
size_t client_trust_next_name(const char **at);
bool client_trust_load(struct client_trust *self, const char *store_folder,
                       struct err *err) MUST_CHECK;
/* Makes file from what is picked, and tries it: ERR_SERVER_NOT_VERIFIED for a server that it does not
 * fit. */
bool client_trust_look(struct client_trust *self, const char *store_folder, bool (*stopped)(void *),
                       void *arg, struct err *err) MUST_CHECK;
bool client_trust_write(const struct client_trust *self, struct err *err) MUST_CHECK;

#endif
