/*
 * use_part.h - inside core/rotate/use*.c only: what was seen, and which of it is of the certificates that
 * are asked about.
 */
#ifndef PGSEAL_ROTATE_USE_PART_H
#define PGSEAL_ROTATE_USE_PART_H

#include "core/rotate/use.h"

/* The sightings with a certificate on these servers. Nothing recorded yet: none. */
bool use_sightings(struct store *store, const struct server_list *servers, const char *issuer,
                   int64_t since, struct sighting_list *ret, struct err *err) MUST_CHECK;

struct use_match {
    struct store *store; /* borrowed */
    const struct use_of *of;
    char *issuer;         /* NULL: of->certificates */
    int64_t authority_id; /* 0: a foreign one */
    bool ask;             /* another CA of ours is called alike: the serial number tells */
    const struct use_certificate **sorted;
};
bool use_match_init(struct store *store, const struct use_of *of, struct use_match *ret,
                    struct err *err) MUST_CHECK;
void use_match_clear(struct use_match *match);
bool use_matches(const struct use_match *match, const struct sighting *seen, bool *ret,
                 struct err *err) MUST_CHECK;

#endif
