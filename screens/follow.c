/* follow.c - a text field that follows another one. */
#include "config.h"

#include "screens/follow.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void follow(struct form *form, int id, char **last, const char *value)
{
    const char *now = form_text(form, id);
    bool own = strcmp(now, *last) != 0 && strcmp(now, value) != 0;
    char *copy;

    if (own || (now[0] == '\0' && (*last)[0] != '\0' && form_focused(form) == id)) /* emptied */
        return;
    copy = mem_strdup(value);
    if (strcmp(now, value) != 0) /* setting moves the cursor */
        form_set_text(form, id, value);
    free(*last);
    *last = copy;
}
