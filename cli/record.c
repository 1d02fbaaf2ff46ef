#include "config.h"

#include "cli/record.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"

static json_t *subject_json(const struct cert *cert, bool issuer)
{
    struct strbuf text = STRBUF_INIT;
    json_t *json;

    if (issuer)
        cert_format_issuer(cert, &text);
    else
        cert_format_subject(cert, &text);
    json = json_string_or_empty(text.data);
    strbuf_clear(&text);
    return json;
}

json_t *record_cert(const struct cert *cert)
{
    char hex[SERIAL_HEX_MAX], decimal[SERIAL_DECIMAL_MAX], sha256[CERT_SHA256_HEX];
    struct serial serial = cert_serial(cert);

    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "serial", serial_format_hex(hex, &serial),
        "serial_decimal", serial_format_decimal(decimal, &serial), "subject",
        subject_json(cert, false), "issuer", subject_json(cert, true), "not_before",
        json_time(cert_not_before(cert)), "not_after", json_time(cert_not_after(cert)), "key_type",
        key_type_name(cert_key_type(cert)), "sha256", cert_sha256_hex(cert, sha256));
}

json_t *record_issued(const struct issued *issued)
{
    json_t *json = record_cert(issued->cert);

    json_object_set_new(json, "ca", json_string_or_empty(issued->authority));
    json_object_set_new(json, "role", json_string_or_empty(issued->role));
    json_object_set_new(json, "kind", json_string(issued_kind_name(issued->kind)));
    json_object_set_new(json, "note", json_text(issued->note));
    return json;
}

json_t *record_issued_state(const struct issued *issued, int within_days)
{
    json_t *json = record_issued(issued);
    enum issued_state state = issued_state_at(issued, clock_now(), within_days);
    bool revoked = issued->revoked_at != 0;

    json_object_set_new(json, "state", json_string(issued_state_name(state)));
    json_object_set_new(json, "delivered", json_boolean(issued->delivered));
    json_object_set_new(json, "revoked_at", json_time(issued->revoked_at));
    json_object_set_new(json, "reason",
                        revoked ? json_string(crl_reason_name(issued->reason)) : json_null());
    return json;
}

json_t *record_authority(const struct authority *authority)
{
    char sha256[CERT_SHA256_HEX];

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:b, s:b, s:{s:I, s:o, s:o}}", "name",
        json_string_or_empty(authority->name), "subject", subject_json(authority->cert, false),
        "not_before", json_time(cert_not_before(authority->cert)), "not_after",
        json_time(cert_not_after(authority->cert)), "key_type",
        key_type_name(cert_key_type(authority->cert)), "sha256",
        cert_sha256_hex(authority->cert, sha256), "issued", (json_int_t)authority->issued,
        "revoked", (json_int_t)authority->revoked, "has_key", authority->has_key, "retired",
        authority->retired, "crl", "number", (json_int_t)authority->crl.number, "this_update",
        json_time(authority->crl.this_update), "next_update",
        json_time(authority->crl.next_update));
}

json_t *record_san(const struct cert *cert)
{
    struct san san;
    struct err ignored = ERR_INIT; /* a SAN that cannot be read is shown as none */
    json_t *list = json_array();

    san_init(&san);
    if (cert_san(cert, &san, &ignored))
        for (size_t i = 0; i < san.n; i++)
            json_array_append_new(list, json_string_or_empty(san.entries[i].text));
    san_clear(&san);
    return list;
}

char *record_date(char *out, size_t size, int64_t when)
{
    char minute[CLOCK_TEXT_MAX];
    long long days = (long long)clock_days_until(when);

    clock_format_minute(minute, when);
    if (days == 0)
        snprintf(out, size, _("%s UTC (today)"), minute);
    else if (clock_now() >= when)
        snprintf(out, size,
                 ngettext("%s UTC (%lld day ago)", "%s UTC (%lld days ago)", (unsigned long)-days),
                 minute, -days);
    else
        snprintf(out, size,
                 ngettext("%s UTC (in %lld day)", "%s UTC (in %lld days)", (unsigned long)days),
                 minute, days);
    return out;
}

/* The SHA-256 of a certificate as people compare it: "3C:7A:…". */
static void fingerprint(const struct cert *cert, struct strbuf *out)
{
    uint8_t sha256[CERT_SHA256_SIZE];

    cert_sha256(cert, sha256);
    for (size_t i = 0; i < sizeof(sha256); i++)
        strbuf_printf(out, "%s%02X", i > 0 ? ":" : "", sha256[i]);
}

void record_print_cert(const struct output *output, const struct cert *cert)
{
    struct strbuf text = STRBUF_INIT;
    struct serial serial = cert_serial(cert);
    struct err ignored = ERR_INIT; /* a SAN that cannot be read is shown as none */
    char buffer[96], minute[CLOCK_TEXT_MAX];
    struct san san;

    cert_format_subject(cert, &text);
    output_pair(output, _("subject"), *text.data ? text.data : _("(empty)"));
    strbuf_reset(&text);
    cert_format_issuer(cert, &text);
    output_pair(output, _("issuer"), text.data);
    output_pair(output, _("serial"), serial_format_hex(buffer, &serial));
    output_pair(output, _("decimal"), serial_format_decimal(buffer, &serial));
    snprintf(buffer, sizeof(buffer), "%s UTC", clock_format_minute(minute, cert_not_before(cert)));
    output_pair(output, _("valid from"), buffer);
    output_pair(output, _("valid until"),
                record_date(buffer, sizeof(buffer), cert_not_after(cert)));
    output_pair(output, _("key"), key_type_title(cert_key_type(cert)));
    san_init(&san);
    strbuf_reset(&text);
    if (cert_san(cert, &san, &ignored))
        san_format(&san, &text);
    output_pair(output, _("names"), text.data);
    san_clear(&san);
    strbuf_reset(&text);
    fingerprint(cert, &text);
    output_pair(output, "SHA-256", text.data);
    strbuf_clear(&text);
}
