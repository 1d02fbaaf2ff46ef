/* profile.c - which extensions a certificate gets. */
#include "config.h"

#include "core/pki/profile.h"

#include <stddef.h>

#include "core/base/attr.h"

static const struct profile_info profiles[] = {
    [PROFILE_CA] = {.profile = PROFILE_CA,
                    .name = "ca",
                    .basic = "critical,CA:TRUE",
                    .key_usage = "keyCertSign,cRLSign",
                    .extended_usage = NULL,
                    .is_ca = true,
                    .default_days = 3650},
    [PROFILE_CLIENT] = {.profile = PROFILE_CLIENT,
                        .name = "client",
                        .basic = "critical,CA:FALSE",
                        .key_usage = "digitalSignature",
                        .extended_usage = "clientAuth",
                        .default_days = 365},
    [PROFILE_SERVER] = {.profile = PROFILE_SERVER,
                        .name = "server",
                        .basic = "critical,CA:FALSE",
                        .key_usage = "digitalSignature",
                        .extended_usage = "serverAuth",
                        .default_days = 365},
    [PROFILE_CANARY] = {.profile = PROFILE_CANARY,
                        .name = "canary",
                        .basic = "critical,CA:FALSE",
                        .key_usage = "digitalSignature",
                        .extended_usage = "clientAuth",
                        .default_days = 3650},
};

const struct profile_info *profile_info(enum profile profile)
{
    return (size_t)profile < ARRAY_LEN(profiles) ? &profiles[profile] : NULL;
}
