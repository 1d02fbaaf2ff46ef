/* source_fields.c - a text: pasted, or from a file. */
#include "config.h"

#include "screens/source_fields.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/app.h"

#define PASTE_ROWS 6

enum { SOURCE_PASTE, SOURCE_FILE };

static const struct form_field choice_field = {
    .label = N_("It comes from"),
    .why = N_("A paste goes into a box of its own: no key of it can run anything. A file is only "
              "read."),
    .word = "PEM",
};
static const struct choice_item choice_items[] = {
    {N_("a paste"), N_("Ctrl-Shift-V, Shift-Insert or the right mouse button")},
    {N_("a file"), N_("on this machine; PEM or DER")},
};

void source_fields_add(struct source_fields *ret, struct form *form, const struct form_field *paste,
                       const struct form_field *file, const char *path)
{
    bool named = path != NULL && path[0] != '\0';

    ret->choice = form_add_choice(form, &choice_field, choice_items, ARRAY_LEN(choice_items),
                                  named ? SOURCE_FILE : SOURCE_PASTE);
    ret->paste = form_add_paste(form, paste, PASTE_ROWS);
    ret->file = form_add_text(form, file, path);
}

bool source_fields_from_file(const struct source_fields *fields, const struct form *form)
{
    return form_choice(form, fields->choice) == SOURCE_FILE;
}

void source_fields_check(const struct source_fields *fields, struct form *form)
{
    bool file = source_fields_from_file(fields, form);
    size_t len;

    form_show(form, fields->paste, !file);
    form_show(form, fields->file, file);
    (void)form_bytes(form, fields->paste, &len);
    if (file)
        form_say(form, fields->file, form_text(form, fields->file)[0] != '\0' ? MARK_OK : MARK_TODO,
                 NULL);
    else if (len == 0)
        form_say(form, fields->paste, MARK_TODO, NULL);
}

void source_input_init(struct source_input *input)
{
    *input = (struct source_input){.path = NULL};
    strbuf_init(&input->bytes);
}

void source_input_clear(struct source_input *input)
{
    free(input->path);
    strbuf_wipe(&input->bytes);
    source_input_init(input);
}

void source_fields_take(const struct source_fields *fields, const struct form *form,
                        struct source_input *ret)
{
    const char *bytes;
    size_t len;

    source_input_clear(ret);
    if (source_fields_from_file(fields, form)) {
        ret->path = app_full_path(form_text(form, fields->file));
        return;
    }
    bytes = form_bytes(form, fields->paste, &len);
    strbuf_add(&ret->bytes, bytes, len);
}

bool source_input_read(struct source_input *input, size_t max, struct err *err)
{
    struct stat st;

    if (input->path == NULL)
        return true;
    strbuf_wipe(&input->bytes);
    if (stat(input->path, &st) == 0)
        input->mode = (unsigned)st.st_mode & 07777;
    return fs_read(input->path, max, &input->bytes, err);
}
