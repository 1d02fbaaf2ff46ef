/* crl.c - "crl show", "crl export". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/crl.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/revoked.h"

/* With its entries. */
static json_t *document(const struct authority *authority, const struct crl *crl)
{
    json_t *entries = json_array();

    for (size_t i = 0; i < crl_count(crl); i++) {
        struct crl_entry entry;
        char hex[SERIAL_HEX_MAX], decimal[SERIAL_DECIMAL_MAX];

        if (!crl_entry_at(crl, i, &entry))
            continue;
        json_array_append_new(
            entries,
            json_pack("{s:s, s:s, s:o, s:s}", "serial", serial_format_hex(hex, &entry.serial),
                      "serial_decimal", serial_format_decimal(decimal, &entry.serial), "revoked_at",
                      json_time(entry.revoked_at), "reason", crl_reason_name(entry.reason)));
    }
    return json_pack(
        "{s:o, s:I, s:o, s:o, s:I, s:o, s:o}", "ca", json_string_or_empty(authority->name),
        "number", (json_int_t)authority->crl.number, "this_update",
        json_time(authority->crl.this_update), "next_update", json_time(authority->crl.next_update),
        "ahead", (json_int_t)authority->crl.ahead, "until", json_time(authority->crl.until),
        "entries", entries);
}

/* The name behind a serial number: a role, a host, or the canary that every list begins with. */
static char *entry_name(struct cli *cli, const struct serial *serial)
{
    struct err unknown = ERR_INIT; /* issued elsewhere: a list without a name is still a list */
    char hex[SERIAL_HEX_MAX];
    struct issued *issued = issued_find(cli->store, serial_format_hex(hex, serial), &unknown);
    char *name;

    if (!issued)
        return mem_strdup("");
    name =
        mem_strdup(issued->kind == ISSUED_CANARY_REVOKED ? _("(canary of this CA)") : issued->role);
    issued_free(issued);
    return name;
}

static void print_entries(struct cli *cli, const struct crl *crl)
{
    static const char *const headers[] = {"SERIAL", "NAME", "REVOKED", "REASON"};
    const size_t columns = ARRAY_LEN(headers);
    size_t n = crl_count(crl);
    char **cells = mem_array(n * columns + 1, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        struct crl_entry entry;
        char **row = cells + i * columns;
        char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

        if (!crl_entry_at(crl, i, &entry))
            continue;
        row[0] = mem_strdup(serial_format_hex(hex, &entry.serial));
        row[1] = entry_name(cli, &entry.serial);
        row[2] = mem_strdup(clock_format_minute(date, entry.revoked_at));
        row[3] = mem_strdup(crl_reason_name(entry.reason));
    }
    output_table(&cli->out, columns, headers, n, (const char *const *)cells);
    for (size_t i = 0; i < n * columns; i++)
        free(cells[i]);
    free(cells);
}

void crl_print(struct cli *cli, const struct authority *authority, const struct crl *crl)
{
    char buffer[96];

    if (cli->out.json) {
        output_json(document(authority, crl), false);
        return;
    }
    output_pair(&cli->out, _("CA"), authority->name);
    snprintf(buffer, sizeof(buffer), "%llu", (unsigned long long)authority->crl.number);
    output_pair(&cli->out, _("number"), buffer);
    output_pair(&cli->out, _("made"),
                record_date(buffer, sizeof(buffer), authority->crl.this_update));
    output_pair(&cli->out, _("ends"),
                record_date(buffer, sizeof(buffer), authority->crl.next_update));
    if (authority->crl.ahead > 0) {
        char text[160];

        snprintf(text, sizeof(text), _("%llu lists, the last one ends %s"),
                 (unsigned long long)authority->crl.ahead,
                 record_date(buffer, sizeof(buffer), authority->crl.until));
        output_pair(&cli->out, _("for later"), text);
    }
}

bool run_crl_show(struct cli *cli, struct err *err)
{
    struct authority *authority;
    struct crl *crl = NULL;

    if (!cli_store(cli, STORE_READ, err))
        return false;
    authority = cli_authority(cli, err);
    if (authority)
        crl = authority_crl(cli->store, authority, err);
    if (crl)
        crl_print(cli, authority, crl);
    if (crl && !cli->out.json)
        print_entries(cli, crl);
    crl_free(crl);
    authority_free(authority);
    return crl != NULL;
}

bool run_crl_export(struct cli *cli, struct err *err)
{
    struct authority *authority = NULL;
    struct crl *crl = NULL;
    struct strbuf out = STRBUF_INIT;
    bool done = false;

    if (!cli_store(cli, STORE_READ, err))
        return false;
    authority = cli_authority(cli, err);
    if (!authority)
        return false;
    crl = authority_crl(cli->store, authority, err);
    if (!crl)
        goto out;
    if (args_has(cli->args, OPT_DER) ? !crl_to_der(crl, &out, err) : !crl_to_pem(crl, &out, err))
        goto out;
    done = cli_write_export(cli, &out, document(authority, crl), err);
out:
    strbuf_clear(&out);
    crl_free(crl);
    authority_free(authority);
    return done;
}
