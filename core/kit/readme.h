/*
 * readme.h - inside core/kit only: what stands in a kit's README.txt.
 *
 * Shapes   plain text, at most 78 columns where names allow; lines to try are quoted for the shell
 *          and for libpq, and name the files as they lie in the kit's folder.
 */
#ifndef PGSEAL_KIT_README_H
#define PGSEAL_KIT_README_H

#include "core/base/strbuf.h"
#include "core/kit/kit.h"

struct readme_names { /* file names without the folder; "" where not made; borrowed */
    const char *certificate, *key, *root, *p12, *pk8;
    /* with spec->connect: the folder as the client's lines name it; and how the key's files are to be
     * called where they are not made */
    const char *folder, *planned_key, *planned_pk8;
};

bool readme_write(const struct kit_spec *spec, const struct readme_names *names, struct strbuf *out,
                  struct err *err) MUST_CHECK;

#endif
