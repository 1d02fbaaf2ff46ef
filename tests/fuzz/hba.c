/* hba.c - fuzz target: any bytes as pg_hba.conf. The first byte chooses the server's version. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/pg/hba.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool prints_as(const struct hba *hba, const uint8_t *bytes, size_t len)
{
    struct strbuf out = STRBUF_INIT;
    bool same;

    hba_print(hba, &out);
    same = out.len == len && memcmp(out.data, bytes, len) == 0;
    strbuf_clear(&out);
    return same;
}

static void check_lines(const struct hba *hba)
{
    struct hba_client client = {.database = "db", .role = "role", .address = "10.0.0.1"};
    bool sure;

    for (size_t i = 0; i < hba->n; i++) {
        const struct hba_line *line = &hba->lines[i];
        struct strbuf text = STRBUF_INIT;
        struct err err = ERR_INIT;
        struct hba again;

        check((line->kind == HBA_BAD) == (line->reason[0] != '\0'));
        if (line->kind == HBA_RULE && hba_format_rule(&line->rule, &text, &err)) {
            hba_parse(text.data, text.len, hba->server_version, &again);
            check(again.n == 1 && again.lines[0].kind == HBA_RULE && again.lines[0].ours);
            check(hba_rule_equal(&line->rule, &again.lines[0].rule));
            hba_clear(&again);
        }
        strbuf_clear(&text);
    }
    check(hba_first_match(hba, &client, &sure) < (int)hba->n);
    client.address = "10.0.0.0/8";
    client.database = NULL;
    check(hba_first_match(hba, &client, &sure) < (int)hba->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int versions[] = {130000, 140000, 150018, 160000, 180004};
    static const char line[] = "hostssl all role all cert # pgseal\n";
    struct err err = ERR_INIT;
    struct hba hba;
    bool ends;
    size_t at;

    if (size < 2)
        return 0;
    hba_parse(data + 2, size - 2, versions[data[0] % 5], &hba);
    check(prints_as(&hba, data + 2, size - 2));
    check_lines(&hba);
    at = data[1] % (hba.n + 1);
    ends = at < hba.n || size == 2 || data[size - 1] == '\n';
    if (hba_insert(&hba, at, line, &err)) {
        check(at < hba.n && hba.lines[at].ours && hba.lines[at].kind == HBA_RULE);
        hba_remove(&hba, at);
        if (ends)
            check(prints_as(&hba, data + 2, size - 2));
    }
    hba_clear(&hba);
    return 0;
}
