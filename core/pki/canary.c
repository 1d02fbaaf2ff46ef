/* canary.c - two certificates per CA that nobody logs in with. */
#include "config.h"

#include "core/pki/canary.h"

#include "core/pki/key.h"

/* RFC 5280 wants a name somewhere. PostgreSQL takes the role from the CN alone, and ".invalid"
 * (RFC 2606) is nobody's host. */
#define CANARY_HOST "canary.pgseal.invalid"

struct cert *canary_renew(const struct cert *issuer, const struct key *issuer_key, int64_t now,
                          const struct key *key, struct err *err)
{
    struct name *subject = name_new_empty();
    struct san san;
    struct cert *cert = NULL;
    struct cert_request request = {
        .profile = PROFILE_CANARY,
        .subject = subject,
        .san = &san,
        .key = key,
        .not_before = now - CERT_BACKDATE,
        .not_after = cert_not_after(issuer),
    };

    san_init(&san);
    if (request.not_before < cert_not_before(issuer))
        request.not_before = cert_not_before(issuer);
    if (san_add(&san, CANARY_HOST, err) && serial_random(&request.serial, err))
        cert = cert_sign(&request, issuer, issuer_key, err);
    san_clear(&san);
    name_free(subject);
    return cert;
}

bool canary_make(const struct cert *issuer, const struct key *issuer_key, int64_t now,
                 struct canary *ret, struct err *err)
{
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, err);
    struct cert *cert;

    if (!key)
        return false;
    cert = canary_renew(issuer, issuer_key, now, key, err);
    if (!cert) {
        key_free(key);
        return false;
    }
    ret->key = key;
    ret->cert = cert;
    return true;
}

void canary_clear(struct canary *canary)
{
    key_free(canary->key);
    cert_free(canary->cert);
    canary->key = NULL;
    canary->cert = NULL;
}
