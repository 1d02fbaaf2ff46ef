/*
 * answers.h - the answers of a wizard as a text that people read and write.
 *
 * Source   cli.md, --answers and --save-answers.
 * Shapes   "pgseal answers 1", then a part "[new-ca]" for each page that was answered, in order; in it
 *          "label = value", one a line, the label as in English. "#" begins a comment line. A menu has
 *          one label, ANSWERS_CHOOSE. What is secret, and what was pasted, is never in it.
 * Errors   ERR_ANSWERS with the line at fault; ERR_TOO_LARGE.
 * Threads  none of its own.
 */
#ifndef PGSEAL_TUI_ANSWERS_H
#define PGSEAL_TUI_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

#define ANSWERS_MAX    (256u * 1024u) /* bytes of a file */
#define ANSWERS_CHOOSE "Choose"

struct answer {
    char *label, *value; /* owned, clean, one line */
    unsigned line;       /* in the file, from 1 on */
};
struct answers_part {
    char *page; /* owned */
    unsigned line;
    struct answer *list; /* owned */
    size_t n;
};
struct answers {
    struct answers_part *parts; /* owned */
    size_t n;
};

/* On failure ret is empty. */
bool answers_parse(const char *text, size_t len, struct answers *ret, struct err *err) MUST_CHECK;
void answers_clear(struct answers *answers);

/* How a file begins; then a part, with its answers. */
void answers_add_head(struct strbuf *out);
void answers_add_part(struct strbuf *out, const char *page);
void answers_add(struct strbuf *out, const char *label, const char *value);
void answers_add_comment(struct strbuf *out, const char *text);

#endif
