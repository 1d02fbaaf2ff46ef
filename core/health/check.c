/* check.c - what the parts of a check share: names, dates, and what could not be seen. */
#include "config.h"

#include "core/health/check.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"

bool check_is_soon(const struct check *check, int64_t life, int64_t end)
{
    int64_t within = check->request->within_days * CLOCK_DAY;

    if (within <= 0) {
        within = SERVER_CHECK_WITHIN_DAYS * CLOCK_DAY;
        if (life / 3 < within)
            within = life / 3;
    }
    return end - check->now <= within;
}

bool check_uses_crls(const struct check *check)
{
    return *settings_value(&check->settings, "ssl_crl_file") ||
           *settings_value(&check->settings, "ssl_crl_dir");
}

char *check_name(char out[CHECK_NAME_SIZE], const struct cert *cert)
{
    struct strbuf name = STRBUF_INIT;

    cert_format_subject(cert, &name);
    if (name.len == 0)
        strbuf_add_str(&name, _("(no name)"));
    text_clean_copy(out, CHECK_NAME_SIZE, name.data);
    strbuf_clear(&name);
    return out;
}

void check_not_seen(struct check *check, const char *object, const char *fmt, ...)
{
    char text[256];
    struct strbuf why = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&why, fmt, args);
    va_end(args);
    text_clean_copy(text, sizeof(text), why.data);
    strbuf_clear(&why);
    finding_add(check->findings, FINDING_INFO, ERR_NOT_SEEN, object, "%s", text);
}
