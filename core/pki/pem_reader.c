/* pem_reader.c - the characters of a pasted text as PEM would have them. */
#include "config.h"

#include "core/pki/pem_reader.h"

#include <string.h>

#include "core/base/text.h"
#include "core/pki/pem.h"

void pem_reader_init(struct pem_reader *reader, const void *bytes, size_t len)
{
    memset(reader, 0, sizeof(*reader));
    reader->at = bytes;
    reader->end = reader->at + len;
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        reader->at += 3;
        reader->cleaned = PEM_CLEANED_BOM;
    } else if (len >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0) {
        reader->at += 2;
        reader->encoding = PEM_UTF16_LE;
        reader->cleaned = PEM_CLEANED_BOM;
    } else if (len >= 2 && memcmp(bytes, "\xfe\xff", 2) == 0) {
        reader->at += 2;
        reader->encoding = PEM_UTF16_BE;
        reader->cleaned = PEM_CLEANED_BOM;
    }
}

/* One code point; a lone byte of Windows-1252 becomes what it means there. Not at the end. */
static uint32_t code_point(struct pem_reader *reader)
{
    const uint8_t *from = reader->at;
    uint32_t c;

    if (reader->encoding == PEM_UTF8) {
        const char *at = (const char *)from;

        c = text_next(&at, (const char *)reader->end);
        reader->at = (const uint8_t *)at;
        if (c == 0 && reader->at == from)
            reader->at++; /* a NUL in the text, not its end */
        if (c != 0xfffd || reader->at - from != 1)
            return c;
        return *from == 0x96 || *from == 0x97 ? 0x2013 : *from == 0xa0 ? 0xa0 : c;
    }
    if (reader->end - from < 2) {
        reader->at = reader->end;
        return 0xfffd;
    }
    reader->at += 2;
    return reader->encoding == PEM_UTF16_LE ? (uint32_t)(from[0] | from[1] << 8)
                                            : (uint32_t)(from[0] << 8 | from[1]);
}

static bool is_dash(uint32_t c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe58 || c == 0xfe63 || c == 0xff0d;
}

static bool is_space(uint32_t c)
{
    return c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_invisible(uint32_t c)
{
    return c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* After a backslash: "\n" and "\r" as JSON and environment files write line ends. */
static bool escaped_line_end(struct pem_reader *reader, int *ret)
{
    struct pem_reader ahead = *reader;
    uint32_t c = ahead.at < ahead.end ? code_point(&ahead) : 0;

    if (c != 'n' && c != 'r')
        return false;
    *reader = ahead;
    reader->cleaned |= PEM_CLEANED_ONE_LINE;
    *ret = c == 'n' ? '\n' : ' ';
    return true;
}

static void skip_line_feed(struct pem_reader *reader)
{
    struct pem_reader ahead = *reader;

    if (ahead.at < ahead.end && code_point(&ahead) == '\n')
        *reader = ahead;
}

int pem_reader_next(struct pem_reader *reader)
{
    while (reader->at < reader->end) {
        uint32_t c = code_point(reader);
        int line_end;

        if (c == '\\' && escaped_line_end(reader, &line_end))
            return line_end;
        if (c == '\n' || (c >= 0x20 && c <= 0x7e))
            return (int)c;
        if (c == '\t')
            return ' ';
        if (c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85) {
            if (c == '\r')
                skip_line_feed(reader);
            reader->cleaned |= PEM_CLEANED_LINE_ENDS;
            return '\n';
        }
        if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) {
            reader->cleaned |= PEM_CLEANED_CONTROL;
        } else if (is_invisible(c)) {
            reader->cleaned |= PEM_CLEANED_SPACES;
        } else if (is_space(c)) {
            reader->cleaned |= PEM_CLEANED_SPACES;
            return ' ';
        } else {
            return is_dash(c) ? PEM_CHAR_LONG_DASH : PEM_CHAR_OTHER;
        }
    }
    return PEM_CHAR_END;
}
