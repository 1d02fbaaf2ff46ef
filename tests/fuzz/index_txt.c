/* index_txt.c - fuzz target: any bytes as the index.txt of another CA tool. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/store/index_txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What we write is read back as it was. */
static void check_entry(const struct index_entry *entry)
{
    struct strbuf line = STRBUF_INIT;
    struct index_txt again;

    check(text_is_clean(entry->subject) && entry->serial.len > 0);
    check((entry->status == 'R') == (entry->revoked_at != 0));
    if (entry->not_after < 0 || entry->revoked_at < 0 || entry->not_after > 253402300799)
        return;
    index_write(&line, &entry->serial, entry->not_after, entry->revoked_at, entry->reason,
                entry->subject, 0);
    index_parse(line.data, line.len, &again);
    check(again.n == 1 && again.n_odd == 0);
    check(serial_equal(&again.entries[0].serial, &entry->serial));
    check(again.entries[0].not_after == entry->not_after);
    check(again.entries[0].revoked_at == entry->revoked_at);
    check(again.entries[0].reason == entry->reason);
    if (*entry->subject)
        check(strcmp(again.entries[0].subject, entry->subject) == 0);
    index_clear(&again);
    strbuf_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1);
    struct index_txt index;

    memcpy(bytes, data, size); /* a block of its own: reading beyond it is seen */
    index_parse(bytes, size, &index);
    for (size_t i = 0; i < index.n; i++) {
        check_entry(&index.entries[i]);
        check(i == 0 || serial_compare(&index.entries[i - 1].serial, &index.entries[i].serial) < 0);
    }
    for (size_t i = 0; i < index.n_odd; i++)
        check(index.odd[i].line > 0 && index.odd[i].why[0] && text_is_clean(index.odd[i].why));
    index_clear(&index);
    free(bytes);
    return 0;
}
