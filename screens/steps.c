/* steps.c - where a person is in a wizard. */
#include "config.h"

#include "screens/steps.h"

#include <stdio.h>

#include "core/base/intl.h"
#include "core/base/strbuf.h"

void steps_frame(struct frame *ret, const char *where, const char *const *steps, size_t n,
                 size_t at)
{
    struct strbuf path = STRBUF_INIT;

    strbuf_printf(&path, _("Home > %s"), where);
    for (size_t i = 0; i < n; i++) {
        enum mark mark = i < at ? MARK_OK : i == at ? MARK_HERE : MARK_TODO;

        strbuf_printf(&path, "  %s %zu %s", mark_text(mark), i + 1, gettext(steps[i]));
    }
    snprintf(ret->path, sizeof(ret->path), "%s", path.data);
    if (at < n)
        snprintf(ret->path_right, sizeof(ret->path_right), _("%zu of %zu"), at + 1, n);
    else
        snprintf(ret->path_right, sizeof(ret->path_right), "%s", _("done"));
    strbuf_clear(&path);
}
