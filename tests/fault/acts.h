/*
 * acts.h - for tests: everything that changes a store, as a table; and the state that each of them
 * begins with.
 *
 * Shapes   box.folder/store, and box.folder/out with one kit a folder. The store has the CA "Acme" with
 *          alice (with her kit), bob (revoked, on the list), and whatever the act needs.
 */
#ifndef PGSEAL_TESTS_ACTS_H
#define PGSEAL_TESTS_ACTS_H

#include "core/base/attr.h"
#include "tests/harness/store_box.h"

#define ACTS_PASSPHRASE "the new passphrase"

enum act_touches { TOUCHES_ROWS, TOUCHES_KITS, TOUCHES_KEYS };

struct act {
    const char *name;
    void (*prepare)(struct box *box); /* beyond the usual state; or NULL */
    bool (*run)(struct box *box, struct err *err);
    /* Whether the store says that it was done. */
    bool (*is_done)(struct box *box);
    /* What run() says when it was done already: this, or that it worked once more. */
    enum err_code again;
    enum act_touches touches; /* beside the store's rows and lists */
};

extern const struct act acts[];
extern const size_t n_acts;

void acts_prepare(struct box *box, const struct act *act);
char *acts_path(const struct box *box, const char *name); /* in box.folder/out; caller frees */
/* As "issue client" does it: checked, recorded, written into out/FOLDER, marked. */
bool acts_issue_kit(struct box *box, const char *role, const char *folder,
                    const struct issued *replaces, struct err *err) MUST_CHECK;
int64_t acts_number(struct store *store, const char *query);

#endif
