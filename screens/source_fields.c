/* source_fields.c - a text: pasted, or from a file. */
#include "config.h"

#include "screens/source_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
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
    {N_("a paste"), N_("into the box below")},
    {N_("a file"), N_("on this machine; PEM or DER")},
};

void source_fields_add(struct source_fields *ret, struct form *form, const struct form_field *paste,
                       const struct form_field *file, const char *path)
{
    bool named = path != NULL && path[0] != '\0';

    *ret = (struct source_fields){.seen = 0};
    ret->choice = form_add_choice(form, &choice_field, choice_items, ARRAY_LEN(choice_items),
                                  named ? SOURCE_FILE : SOURCE_PASTE);
    ret->paste = form_add_paste(form, paste, PASTE_ROWS);
    ret->file = form_add_text(form, file, path);
}

bool source_fields_from_file(const struct source_fields *fields, const struct form *form)
{
    return form_choice(form, fields->choice) == SOURCE_FILE;
}

/* Looks once at each paste. */
static void look(struct source_fields *fields, struct form *form)
{
    struct pem pem;
    char note[60] = "";
    size_t len;
    const char *bytes = form_bytes(form, fields->paste, &len);

    if (len == fields->seen)
        return;
    fields->key = false;
    if (len > 0) {
        pem_scan(bytes, len, &pem);
        fields->key = pem.has_private_key || pem_count(&pem, PEM_ENCRYPTED_KEY) > 0;
        if (pem.n > 0 && !fields->key)
            snprintf(note, sizeof(note), ngettext("%zu block", "%zu blocks", pem.n), pem.n);
        pem_clear(&pem);
    }
    if (fields->key)
        form_wipe(form, fields->paste);
    form_set_box_note(form, fields->paste, note);
    (void)form_bytes(form, fields->paste, &fields->seen);
}

void source_fields_check(struct source_fields *fields, struct form *form)
{
    bool file = source_fields_from_file(fields, form);

    form_show(form, fields->paste, !file);
    form_show(form, fields->file, file);
    look(fields, form);
    if (file)
        form_say(form, fields->file, form_text(form, fields->file)[0] != '\0' ? MARK_OK : MARK_TODO,
                 NULL);
    else if (fields->key)
        form_say(form, fields->paste, MARK_BAD,
                 _("This is a private key. It was thrown away and not stored. Treat it as known to "
                   "others: its owner makes a new one."));
    else
        form_say(form, fields->paste, fields->seen > 0 ? MARK_OK : MARK_TODO, NULL);
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
