/* out_folder.c - the field for a folder that gets private keys. */
#include "config.h"

#include "screens/out_folder.h"

#include <stdlib.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

char *out_folder_propose(const struct app *app, enum issued_kind kind, const char *name)
{
    char *path = mem_printf("%s/%s/%s", app_store_folder(app),
                            kind == ISSUED_SERVER ? "servers" : "clients", name);
    char text[1024];

    app_short_path(path, text, sizeof(text));
    free(path);
    return mem_strdup(text);
}

void out_folder_say(struct form *form, int id)
{
    const char *text = form_text(form, id);
    char *path;

    if (text[0] == '\0') {
        form_say(form, id, MARK_TODO, NULL);
        return;
    }
    path = app_full_path(text);
    if (fs_is_in_checkout(path))
        form_say(form, id, MARK_WARN,
                 _("in a checkout of git or the like: a key there may be committed"));
    else
        form_say(form, id, MARK_OK, NULL);
    free(path);
}
