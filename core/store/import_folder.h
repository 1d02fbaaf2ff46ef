/*
 * import_folder.h - inside core/store only: what lies in the folder of another CA tool.
 *
 * Shapes   entries sorted by serial number; each has what index, files and lists know of it.
 */
#ifndef PGSEAL_STORE_IMPORT_FOLDER_H
#define PGSEAL_STORE_IMPORT_FOLDER_H

#include "core/store/authority_import.h"

struct import_entry {
    struct serial serial;
    struct cert *cert; /* or NULL */
    bool indexed;
    char *subject;      /* of the index; or NULL */
    int64_t not_after;  /* of the index; 0: not known */
    int64_t revoked_at; /* 0: not */
    enum crl_reason reason;
};
struct import_folder {
    struct import_entry *entries;
    size_t n;
};

bool import_folder_read(const struct import_spec *spec, struct import_folder *ret,
                        struct import_report *report, struct err *err) MUST_CHECK;
void import_folder_clear(struct import_folder *folder);
void import_note(struct import_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
