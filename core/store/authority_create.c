/* authority_create.c - a new CA: its key, its self-signed certificate. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/authority_make.h"

#define DAYS_MAX 36500

static struct cert *make_cert(const struct name *subject, const struct key *key, int days,
                              struct err *err)
{
    int64_t now = clock_now();
    struct cert_request request = {
        .profile = PROFILE_CA,
        .subject = subject,
        .key = key,
        .not_before = now - CERT_BACKDATE,
        .not_after = now + (days == 0 ? AUTHORITY_DEFAULT_DAYS : days) * CLOCK_DAY,
    };

    if (!serial_random(&request.serial, err))
        return NULL;
    return cert_sign(&request, NULL, key, err);
}

struct authority *authority_create(struct store *store, const struct authority_spec *spec,
                                   struct err *err)
{
    struct authority_making making = {
        .name = spec->name, .act = "ca create", .passphrase = spec->passphrase};
    struct authority *authority = NULL;
    struct name *subject = NULL;

    if (!authority_check_name(spec->name, err))
        return NULL;
    if (spec->days < 0 || spec->days > DAYS_MAX) {
        err_set(err, ERR_BAD_VALUE, _("%d days are not between 1 and %d"), spec->days, DAYS_MAX);
        return NULL;
    }
    subject = spec->subject != NULL ? name_parse(spec->subject, err)
                                    : name_new_common_name(spec->name, err);
    /* Asked twice: here before a slow key is made, and again while nobody else can write. */
    if (subject == NULL || !authority_check_unique(store, spec->name, subject, 0, err))
        goto out;
    making.key = key_generate(spec->key_type, spec->cancelled, spec->cancelled_arg, err);
    if (making.key == NULL)
        goto out;
    making.cert = make_cert(subject, making.key, spec->days, err);
    if (making.cert != NULL)
        authority = authority_store(store, &making, err);
out:
    authority_making_clear(&making);
    name_free(subject);
    return authority;
}
