/* quote.c - one quoter for each language of the lines that a kit gives. */
#include "config.h"

#include "core/kit/quote.h"

#include <stdint.h>
#include <string.h>

#include "core/base/text.h"

static void add_escaped(struct strbuf *out, const char *text, char quote)
{
    strbuf_add_char(out, quote);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == quote || *at == '\\')
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, quote);
}

void quote_double(struct strbuf *out, const char *text)
{
    add_escaped(out, text, '"');
}

void quote_single(struct strbuf *out, const char *text)
{
    add_escaped(out, text, '\'');
}

void quote_url(struct strbuf *out, const char *text, bool keep_slash)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL || (keep_slash && c == '/'))
            strbuf_add_char(out, (char)c);
        else
            strbuf_printf(out, "%%%02X", c);
    }
}

void quote_properties(struct strbuf *out, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    bool first = true;

    while (at < end) {
        uint32_t c = text_next(&at, end);

        if (c == '\\' || (first && c == ' '))
            strbuf_printf(out, "\\%c", (char)c);
        else if (c < 0x80)
            strbuf_add_char(out, (char)c);
        else if (c < 0x10000)
            strbuf_printf(out, "\\u%04x", (unsigned)c);
        else /* as a pair: Java's characters have 16 bits */
            strbuf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)),
                          (unsigned)(0xdc00 + (c & 0x3ff)));
        first = false;
    }
}

void quote_dotnet(struct strbuf *out, const char *text)
{
    if (text[0] != '\0' && strpbrk(text, " ;'\"=") == NULL) {
        strbuf_add_str(out, text);
        return;
    }
    strbuf_add_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            strbuf_add_char(out, '"');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '"');
}

bool quote_service(struct strbuf *out, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || text[len - 1] == ' ')
        return false;
    strbuf_add_str(out, text);
    return true;
}
