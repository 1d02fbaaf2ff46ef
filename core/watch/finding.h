/*
 * finding.h - what is to be said about a session: found in one place, for the page and the commands.
 *
 * Source   design/cli.md names the findings in JSON; facts: PostgreSQL cuts names at 63 bytes and takes
 *          them from clients, so a certificate is known by issuer and serial (session_book.h), never by
 *          its name.
 * Shapes   a set of findings is an unsigned with one bit each. Weight: a note needs nobody; LOOK wants
 *          to be looked at ([!!]); ACT wants something done ([xx]).
 * Text     untranslated (N_()): the reader calls gettext().
 */
#ifndef PGSEAL_WATCH_FINDING_H
#define PGSEAL_WATCH_FINDING_H

#include "core/pg/sessions.h"
#include "core/watch/session_book.h"

enum finding {
    FINDING_NO_TLS = 1 << 0,
    FINDING_OLD_TLS = 1 << 1,
    FINDING_NO_CERTIFICATE = 1 << 2,
    FINDING_REVOKED = 1 << 3,
    FINDING_SOON = 1 << 4,
    FINDING_ENDED = 1 << 5,
    FINDING_OLD_CA = 1 << 6, /* retired, or there is a newer generation */
    FINDING_UNKNOWN_CA = 1 << 7,
    FINDING_WEAK_CIPHER = 1 << 8,
    FINDING_NOT_ISSUED = 1 << 9,     /* the name of a CA of ours, a serial that it never gave out */
    FINDING_OTHER_ROLE = 1 << 10,    /* issued for another role than the one that is used */
    FINDING_SUPERSEDED = 1 << 11,    /* there is a newer certificate for its role */
    FINDING_BEFORE_RELOAD = 1 << 12, /* what was reloaded since does not reach it */
    FINDING_POOLER = 1 << 13,        /* probably: set by finding_poolers() */
    FINDING_SYSTEM = 1 << 14         /* the provider's own: set by snapshot_judge() */
};

enum finding_weight {
    FINDING_WEIGHT_NONE,
    FINDING_WEIGHT_NOTE,
    FINDING_WEIGHT_LOOK,
    FINDING_WEIGHT_ACT
};

#define FINDING_SOON_DAYS 30

struct finding_info {
    enum finding finding;
    const char *name; /* "no-tls": JSON, filters */
    enum finding_weight weight;
    int rank;         /* among several the highest is the one that a row shows */
    const char *word; /* "no TLS": beside a mark */
    const char *text; /* what it means */
    const char *mend; /* what mends it: a command or a page; "" for nothing */
};

const struct finding_info *finding_table(size_t *ret_n);
/* certificate NULL: none, or not looked up yet. now: seconds UTC. */
unsigned finding_of(const struct session *session, const struct session_certificate *certificate,
                    int64_t now);
/* Adds FINDING_POOLER to findings[i] where rows[i] looks like one of a pooler's: several roles from
 * one address without certificates of their own, or an application name as PgBouncer makes it. */
void finding_poolers(const struct sessions *sessions, unsigned *findings);
const struct finding_info *finding_worst(unsigned findings); /* NULL: none */
enum finding_weight finding_weight(unsigned findings);
static inline bool finding_needs_look(unsigned findings)
{
    return finding_weight(findings) >= FINDING_WEIGHT_LOOK;
}
unsigned finding_by_name(const char *name); /* 0: no such finding */
void finding_names(unsigned findings, const char *separator, struct strbuf *out);

bool finding_is_old_tls(const char *version);
bool finding_is_weak_cipher(const char *version, const char *cipher, int bits);

#endif
