/*
 * source_fields.h - the fields that ask for a text: a paste, or a file on this machine.
 *
 * Secrets  a private key in a paste is thrown away at once. What a file holds is wiped when it is freed.
 */
#ifndef PGSEAL_SCREENS_SOURCE_FIELDS_H
#define PGSEAL_SCREENS_SOURCE_FIELDS_H

#include "core/base/err.h"
#include "core/base/strbuf.h"
#include "tui/form.h"

struct source_fields {
    int choice, paste, file; /* ids of the fields */
    size_t seen;             /* bytes of the paste box that were looked at */
    bool key;                /* a private key was in it: it is wiped */
};

struct source_input {
    char *path; /* or NULL: it was pasted */
    struct strbuf bytes;
    unsigned mode; /* of the file; 0: not known */
};

/* paste, file: their label, why, help and word; path: what stands in the file field at first. */
void source_fields_add(struct source_fields *ret, struct form *form, const struct form_field *paste,
                       const struct form_field *file, const char *path);
/* For the form's check: shows the one that was chosen; it is open while it is empty. A private key in
 * the box is wiped before anything is drawn, and the box says so. */
void source_fields_check(struct source_fields *fields, struct form *form);
bool source_fields_from_file(const struct source_fields *fields, const struct form *form);

void source_input_init(struct source_input *input);
void source_input_clear(struct source_input *input); /* wipes */
void source_fields_take(const struct source_fields *fields, const struct form *form,
                        struct source_input *ret);
/* In a job: the file's bytes, if it is one. */
bool source_input_read(struct source_input *input, size_t max, struct err *err) MUST_CHECK;

#endif
