/*
 * authority_change.h - a CA that is there: its certificate again, another passphrase, the end.
 *
 * Order    one commit is the switch each time; files that it leaves without a use are removed after it,
 *          and when that is interrupted, by the next change or by "fsck --repair".
 * Errors   ERR_POLICY, ERR_BAD_VALUE, ERR_CA_KEY, ERR_PASSPHRASE, store errors.
 */
#ifndef PGSEAL_STORE_AUTHORITY_CHANGE_H
#define PGSEAL_STORE_AUTHORITY_CHANGE_H

#include "core/store/authority.h"

struct authority_renewed {
    struct authority *authority; /* with the new certificate; owned */
    bool same_serial;            /* see below */
};

/*
 * The CA's certificate again: same name, same key, a new end. Every certificate that it signed goes
 * on verifying. New canaries over the old canaries' keys, and the next list, go with it; the former
 * certificate stays known (authority_find()).
 *
 * Certificates from elsewhere may name their issuer's serial number (easy-rsa, openssl's
 * "keyid,issuer:always"): where a valid one does, the new certificate keeps that number, else they
 * would be orphaned. days 0: AUTHORITY_DEFAULT_DAYS. An intermediate CA cannot renew itself:
 * ERR_POLICY; authority_request_renewal() and authority_install() do it with its root.
 */
bool authority_renew(struct store *store, const struct authority *authority, const struct key *key,
                     int days, struct authority_renewed *ret, struct err *err) MUST_CHECK;

/* The key file again with another passphrase (NULL: none); the old file is gone afterwards. 200 ms
 * twice. authority->key_encrypted is updated. */
bool authority_set_passphrase(struct store *store, struct authority *authority,
                              const struct key *key, const struct secret *passphrase,
                              struct err *err) MUST_CHECK;

/*
 * Its private keys are removed for ever, and it is not listed any more. What it issued stays in the
 * store, as does its name when it had issued anything. ERR_POLICY while a server of the store trusts
 * it: that server could get no list of it any more.
 */
bool authority_delete(struct store *store, const struct authority *authority,
                      struct err *err) MUST_CHECK;

#endif
