/*
 * word_list.h - the words of the field, each explained in two sentences.
 *
 * Read by  the page "Words explained" (F3), "pgseal words", the tests.
 * Text     untranslated (N_()): the reader calls gettext().
 */
#ifndef PGSEAL_CORE_BASE_WORD_LIST_H
#define PGSEAL_CORE_BASE_WORD_LIST_H

#include <stddef.h>

#include "core/base/attr.h"

struct word {
    const char *word;       /* "CRL" */
    const char *title;      /* "certificate revocation list" */
    const char *text;       /* two or three sentences */
    const char *postgresql; /* what PostgreSQL calls it, or "" */
    const char *by_hand;    /* a command that shows it, or "" */
    const char *see;        /* other words, or "" */
};

const struct word *word_list(size_t *ret_n);
/* The index of a word (case does not matter); the list's length when it is not there. */
size_t word_find(const char *word);
/* The index of the word that a person means: the word, the only one that has it as
 * a part ("SSL" of "TLS/SSL"), the only one that begins so. The list's length when there is none. */
size_t word_meant(const char *text);
/* Words that are like text, the nearest first, at most max of them; how many. */
size_t word_near(const char *text, size_t *ret, size_t max);

#endif
