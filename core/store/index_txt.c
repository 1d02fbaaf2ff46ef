/* index_txt.c - the "index.txt" of "openssl ca". */
#include "config.h"

#include "core/store/index_txt.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { FIELD_STATUS, FIELD_END, FIELD_REVOKED, FIELD_SERIAL, FIELD_FILE, FIELD_SUBJECT, FIELDS };

void index_clear(struct index_txt *index)
{
    for (size_t i = 0; i < index->n; i++)
        free(index->entries[i].subject);
    free(index->entries);
    free(index->odd);
    memset(index, 0, sizeof(*index));
}

static void add_odd(struct index_txt *index, size_t line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void add_odd(struct index_txt *index, size_t line, const char *fmt, ...)
{
    char text[sizeof(index->odd->why)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if ((index->n_odd & (index->n_odd - 1)) == 0) /* grows by doubling */
        index->odd = mem_realloc_array(index->odd, index->n_odd == 0 ? 1 : index->n_odd * 2,
                                       sizeof(*index->odd));
    index->odd[index->n_odd].line = line;
    text_clean_copy(index->odd[index->n_odd].why, sizeof(text), text);
    index->n_odd++;
}

/* ---- fields ---- */

/* Fields without their backslashes; true when there are exactly as many as there should be. */
static bool split(const char *line, size_t len, struct strbuf fields[FIELDS])
{
    int field = 0;

    for (int i = 0; i < FIELDS; i++)
        strbuf_reset(&fields[i]);
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\t') {
            if (++field == FIELDS)
                return false;
            continue;
        }
        if (line[i] == '\\' && i + 1 < len && (line[i + 1] == '\t' || line[i + 1] == '\\'))
            i++;
        strbuf_add_char(&fields[field], line[i]);
    }
    return field == FIELDS - 1;
}

static bool two_digits(const char *at, int *ret)
{
    if (!isdigit((unsigned char)at[0]) || !isdigit((unsigned char)at[1]))
        return false;
    *ret = (at[0] - '0') * 10 + at[1] - '0';
    return true;
}

/* YYMMDDHHMMSSZ (1950 to 2049) or YYYYMMDDHHMMSSZ. */
static bool parse_time(const char *text, size_t len, int64_t *ret)
{
    int part[7] = {0};
    size_t parts = len / 2;
    struct tm tm = {.tm_isdst = 0};
    int year;

    if ((len != 13 && len != 15) || text[len - 1] != 'Z')
        return false;
    for (size_t i = 0; i < parts; i++)
        if (!two_digits(text + i * 2, &part[i]))
            return false;
    year = len == 15 ? part[0] * 100 + part[1] : part[0] + (part[0] < 50 ? 2000 : 1900);
    tm.tm_year = year - 1900;
    tm.tm_mon = part[parts - 5] - 1;
    tm.tm_mday = part[parts - 4];
    tm.tm_hour = part[parts - 3];
    tm.tm_min = part[parts - 2];
    tm.tm_sec = part[parts - 1];
    if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

static enum crl_reason parse_reason(struct index_txt *index, size_t line, const char *text)
{
    size_t len = strcspn(text, ",");
    char *word = mem_strndup(text, len);
    enum crl_reason reason = CRL_UNSPECIFIED;
    struct err unknown = ERR_INIT;

    if (strcmp(word, "holdInstruction") == 0)
        reason = CRL_CERTIFICATE_HOLD;
    else if (strcmp(word, "keyTime") == 0)
        reason = CRL_KEY_COMPROMISE;
    else if (strcmp(word, "CAkeyTime") == 0 || strcmp(word, "CACompromise") == 0)
        reason = CRL_CA_COMPROMISE;
    else if (*word != '\0' && !crl_reason_parse(word, &reason, &unknown))
        add_odd(index, line, _("the reason \"%.40s\" is not known: taken as unspecified"), word);
    free(word);
    return reason;
}

/* A revoked line counts as revoked, whatever is odd about its date: nothing revoked is lost. */
static void read_revocation(struct index_txt *index, struct index_entry *entry, const char *text)
{
    size_t len = strcspn(text, ",");

    if (entry->status != 'R') {
        if (*text != '\0')
            add_odd(index, entry->line, _("it is not revoked, and has a date of revocation"));
        return;
    }
    if (!parse_time(text, len, &entry->revoked_at) || entry->revoked_at <= 0) {
        add_odd(index, entry->line, _("revoked at a time that cannot be read"));
        entry->revoked_at = 1;
    }
    if (text[len] == ',')
        entry->reason = parse_reason(index, entry->line, text + len + 1);
}

static bool read_entry(struct index_txt *index, const struct strbuf fields[FIELDS],
                       struct index_entry *entry)
{
    struct err bad = ERR_INIT;
    struct strbuf subject = STRBUF_INIT;
    const char *status = fields[FIELD_STATUS].data;

    if (strlen(status) != 1 || strchr("VRE", *status) == NULL) {
        add_odd(index, entry->line, _("its status is not V, R or E"));
        return false;
    }
    entry->status = *status;
    if (!serial_parse_hex(&entry->serial, fields[FIELD_SERIAL].data, &bad)) {
        add_odd(index, entry->line, _("its serial number cannot be read"));
        return false;
    }
    if (!parse_time(fields[FIELD_END].data, fields[FIELD_END].len, &entry->not_after)) {
        add_odd(index, entry->line, _("its end cannot be read"));
        entry->not_after = 0;
    }
    read_revocation(index, entry, fields[FIELD_REVOKED].data);
    text_clean(&subject, fields[FIELD_SUBJECT].data, fields[FIELD_SUBJECT].len, TEXT_ONE_LINE);
    entry->subject = strbuf_steal(&subject);
    return true;
}

static void push(struct index_txt *index, const struct index_entry *entry)
{
    if ((index->n & (index->n - 1)) == 0) /* grows by doubling */
        index->entries = mem_realloc_array(index->entries, index->n == 0 ? 1 : index->n * 2,
                                           sizeof(*index->entries));
    index->entries[index->n++] = *entry;
}

/* ---- the same number twice ---- */

static int compare(const void *a, const void *b)
{
    const struct index_entry *one = a;
    const struct index_entry *two = b;
    int order = serial_compare(&one->serial, &two->serial);

    return order != 0 ? order : (one->line > two->line) - (one->line < two->line);
}

/* "openssl ca" run in parallel writes such: one entry stays, and revoked wins. */
static void merge_twice(struct index_txt *index)
{
    size_t kept = 0;

    if (index->n == 0)
        return;
    qsort(index->entries, index->n, sizeof(*index->entries), compare);
    for (size_t i = 1; i < index->n; i++) {
        struct index_entry *last = &index->entries[kept];
        struct index_entry *entry = &index->entries[i];

        if (!serial_equal(&last->serial, &entry->serial)) {
            index->entries[++kept] = *entry;
            continue;
        }
        add_odd(index, entry->line, _("its serial number is that of line %zu"), last->line);
        if (last->revoked_at == 0 && entry->revoked_at != 0) {
            last->status = 'R';
            last->revoked_at = entry->revoked_at;
            last->reason = entry->reason;
        }
        free(entry->subject);
    }
    index->n = kept + 1;
}

void index_parse(const char *bytes, size_t len, struct index_txt *ret)
{
    struct strbuf fields[FIELDS];
    const char *at = bytes;
    const char *end = bytes + len;
    size_t line = 0;

    memset(ret, 0, sizeof(*ret));
    for (int i = 0; i < FIELDS; i++)
        strbuf_init(&fields[i]);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        struct index_entry entry = {.line = ++line};
        size_t size = (size_t)(stop - at);

        if (size > 0 && at[size - 1] == '\r')
            size--;
        if (size == 0 || *at == '#')
            ; /* blank, or a comment: TXT_DB passes over both */
        else if (!split(at, size, fields))
            add_odd(ret, line, _("it has not six fields with tabs between"));
        else if (read_entry(ret, fields, &entry))
            push(ret, &entry);
        at = newline != NULL ? newline + 1 : end;
    }
    for (int i = 0; i < FIELDS; i++)
        strbuf_clear(&fields[i]);
    merge_twice(ret);
}

/* ---- writing ---- */

/* As ASN1_TIME does it: two digits for the year up to 2049. */
static void add_time(struct strbuf *out, int64_t when)
{
    time_t seconds = (time_t)when;
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    if (tm.tm_year < 150)
        strbuf_printf(out, "%02d", tm.tm_year % 100);
    else
        strbuf_printf(out, "%04d", tm.tm_year + 1900);
    strbuf_printf(out, "%02d%02d%02d%02d%02dZ", tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                  tm.tm_sec);
}

static void add_serial(struct strbuf *out, const struct serial *serial)
{
    for (size_t i = 0; i < serial->len; i++)
        strbuf_printf(out, "%02X", serial->bytes[i]);
}

void index_write(struct strbuf *out, const struct serial *serial, int64_t not_after,
                 int64_t revoked_at, enum crl_reason reason, const char *subject, int64_t now)
{
    strbuf_add_char(out, revoked_at != 0 ? 'R' : not_after < now ? 'E' : 'V');
    strbuf_add_char(out, '\t');
    add_time(out, not_after);
    strbuf_add_char(out, '\t');
    if (revoked_at != 0)
        add_time(out, revoked_at);
    if (revoked_at != 0 && reason != CRL_UNSPECIFIED)
        strbuf_printf(out, ",%s",
                      reason == CRL_CA_COMPROMISE      ? "CACompromise"
                      : reason == CRL_CERTIFICATE_HOLD ? "certificateHold"
                                                       : crl_reason_name(reason));
    strbuf_add_char(out, '\t');
    add_serial(out, serial);
    strbuf_add_str(out, "\tunknown\t");
    if (*subject == '\0')
        add_serial(out, serial);
    for (const char *at = subject; *at != '\0'; at++) {
        if (*at == '\\' || *at == '\t')
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '\n');
}
