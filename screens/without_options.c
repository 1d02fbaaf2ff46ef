/* without_options.c - sentences of core as a page says them. */
#include "config.h"

#include "screens/without_options.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Bytes from the opening parenthesis to behind its closing one; 0: there is none. */
static size_t group_length(const char *text)
{
    int depth = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '(')
            depth++;
        else if (text[i] == ')' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* "--out", behind the parenthesis or a blank. */
static bool has_option(const char *text, size_t len)
{
    for (size_t i = 1; i + 2 < len; i++)
        if ((text[i - 1] == '(' || text[i - 1] == ' ') && text[i] == '-' && text[i + 1] == '-' &&
            isalpha((unsigned char)text[i + 2]))
            return true;
    return false;
}

void without_options(const char *text, char *out, size_t size)
{
    size_t n = 0;

    while (*text != '\0' && n + 1 < size) {
        size_t len = text[0] == ' ' && text[1] == '(' ? group_length(text + 1) : 0;

        if (len > 0 && has_option(text + 1, len))
            text += 1 + len;
        else
            out[n++] = *text++;
    }
    out[n] = '\0';
}
