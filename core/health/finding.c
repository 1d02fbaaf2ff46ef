/* finding.c - a growing list; rows are owned by it. */
#include "config.h"

#include "core/health/finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"

const char *finding_severity_name(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_ERROR:
        return "error";
    case FINDING_WARNING:
        return "warning";
    case FINDING_INFO:
        break;
    }
    return "info";
}

const char *finding_act_name(enum finding_act act)
{
    switch (act) {
    case ACT_NONE:
        break;
    case ACT_SERVER_TLS:
        return "tls";
    case ACT_TRUST:
        return "trust";
    case ACT_UNTRUST:
        return "untrust";
    case ACT_ROTATE:
        return "rotate";
    case ACT_CRL:
        return "crl";
    case ACT_CRL_REFRESH:
        return "crl-refresh";
    case ACT_REQUIRE:
        return "require";
    case ACT_ROLE:
        return "role";
    case ACT_ISSUE:
        return "issue";
    case ACT_RELOAD:
        return "reload";
    case ACT_RESTART:
        return "restart";
    }
    return "";
}

static char *clean_format(const char *fmt, va_list args) PRINTF_LIKE(1, 0);

static char *clean_format(const char *fmt, va_list args)
{
    struct strbuf raw = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;

    strbuf_vprintf(&raw, fmt, args);
    text_clean(&out, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_clear(&raw);
    return strbuf_steal(&out);
}

struct finding *finding_add(struct findings *findings, enum finding_severity severity,
                            enum err_code code, const char *object, const char *fmt, ...)
{
    const struct err_code_info *info = err_code_info((int)code);
    struct strbuf clean = STRBUF_INIT;
    struct finding *finding;
    va_list args;

    findings->rows = mem_realloc_array(findings->rows, findings->n + 1, sizeof(findings->rows[0]));
    finding = &findings->rows[findings->n++];
    text_clean(&clean, object, strlen(object), TEXT_ONE_LINE);
    *finding = (struct finding){.severity = severity,
                                .code = code,
                                .object = strbuf_steal(&clean),
                                .cause = mem_strdup(info ? gettext(info->cause) : ""),
                                .fix = mem_strdup(info ? gettext(info->help) : ""),
                                .act_on = mem_strdup("")};
    va_start(args, fmt);
    finding->message = clean_format(fmt, args);
    va_end(args);
    return finding;
}

struct finding *finding_cause(struct finding *finding, const char *fmt, ...)
{
    va_list args;

    free(finding->cause);
    va_start(args, fmt);
    finding->cause = clean_format(fmt, args);
    va_end(args);
    return finding;
}

struct finding *finding_fix(struct finding *finding, const char *fmt, ...)
{
    va_list args;

    free(finding->fix);
    va_start(args, fmt);
    finding->fix = clean_format(fmt, args);
    va_end(args);
    return finding;
}

struct finding *finding_mend(struct finding *finding, enum finding_act act, const char *act_on)
{
    struct strbuf clean = STRBUF_INIT;

    finding->act = act;
    free(finding->act_on);
    text_clean(&clean, act_on, strlen(act_on), TEXT_ONE_LINE);
    finding->act_on = strbuf_steal(&clean);
    return finding;
}

void findings_sort(struct findings *findings)
{
    struct finding *sorted = mem_array(findings->n + 1, sizeof(sorted[0]));
    size_t n = 0;

    for (int severity = FINDING_ERROR; severity <= FINDING_INFO; severity++) {
        for (size_t i = 0; i < findings->n; i++) {
            if ((int)findings->rows[i].severity == severity)
                sorted[n++] = findings->rows[i];
        }
    }
    free(findings->rows);
    findings->rows = sorted;
}

size_t findings_count(const struct findings *findings, enum finding_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < findings->n; i++)
        n += findings->rows[i].severity == severity;
    return n;
}

const struct finding *findings_find(const struct findings *findings, enum err_code code,
                                    const char *object)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = &findings->rows[i];

        if (finding->code == code && (!object || strcmp(finding->object, object) == 0))
            return finding;
    }
    return NULL;
}

void findings_clear(struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        free(findings->rows[i].object);
        free(findings->rows[i].message);
        free(findings->rows[i].cause);
        free(findings->rows[i].fix);
        free(findings->rows[i].act_on);
    }
    free(findings->rows);
    *findings = (struct findings){.n = 0};
}
