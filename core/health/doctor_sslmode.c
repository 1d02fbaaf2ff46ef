/* doctor_sslmode.c - libpq's names for its modes, weakest first. */
#include "config.h"

#include "core/health/doctor.h"

static const char *const mode_names[DOCTOR_SSLMODES] = {
    [DOCTOR_DISABLE] = "disable",     [DOCTOR_ALLOW] = "allow",
    [DOCTOR_PREFER] = "prefer",       [DOCTOR_REQUIRE] = "require",
    [DOCTOR_VERIFY_CA] = "verify-ca", [DOCTOR_VERIFY_FULL] = "verify-full",
};

const char *doctor_sslmode_name(enum doctor_sslmode mode)
{
    return mode_names[mode];
}
