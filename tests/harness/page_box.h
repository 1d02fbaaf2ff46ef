/*
 * page_box.h - a page with a real store, a real loop and no terminal.
 *
 * Clock    stands at BOX_NOW (store_box.h). HOME and the current folder are set so that pictures have
 *          no path of this machine in them.
 * Waits    page_box_wait() runs the loop until the page shows a text, at most 20 s; else the test
 *          fails with what the page shows.
 */
#ifndef PGSEAL_TESTS_HARNESS_PAGE_BOX_H
#define PGSEAL_TESTS_HARNESS_PAGE_BOX_H

#include "screens/app.h"
#include "tests/harness/store_box.h"
#include "tests/harness/ui.h"

struct page_box {
    struct box box;
    struct app *app;
    struct loop *loop;
    struct navigator *navigator;
    const char *wanted; /* what page_box_wait() waits for */
    bool seen, late;
};

/* store_folder NULL: the box's own; else one that does not exist, with a name fit for a picture. */
void page_box_open(struct page_box *box, const char *server, const char *store_folder,
                   const struct theme *theme);
void page_box_close(struct page_box *box);
void page_box_wait(struct page_box *box, const char *text);
void page_box_keys(struct page_box *box, uint32_t key, int times);
/* Goes once round the page by Tab: at each focus the Why text fits its three rows, there is help where
 * there is a field, and the word is in the list. */
void page_box_check_texts(struct page_box *box, const struct screen *page, int tabs);

#endif
