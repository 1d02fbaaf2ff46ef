/* import_folder.c - index, certificates and lists of another CA tool, put together by serial number. */
#include "config.h"

#include "core/store/import_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"
#include "core/store/index_txt.h"

#define DEPTH_MAX 4
#define FILES_MAX 4000000
#define CERT_MAX  65536
#define LIST_MAX  (64u << 20)

struct walk {
    const struct import_spec *spec;
    struct import_folder *folder;
    struct import_report *report;
    size_t files;
};

void import_note(struct import_report *report, const char *fmt, ...)
{
    struct strbuf raw = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;
    va_list args;

    if (report->n_notes == IMPORT_NOTES_MAX) {
        report->notes_left_off++;
        return;
    }
    va_start(args, fmt);
    strbuf_vprintf(&raw, fmt, args);
    va_end(args);
    text_clean(&clean, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_clear(&raw);
    report->notes = mem_realloc_array(report->notes, report->n_notes + 1, sizeof(*report->notes));
    report->notes[report->n_notes++] = strbuf_steal(&clean);
}

void import_folder_clear(struct import_folder *folder)
{
    for (size_t i = 0; i < folder->n; i++) {
        cert_free(folder->entries[i].cert);
        free(folder->entries[i].subject);
    }
    free(folder->entries);
    memset(folder, 0, sizeof(*folder));
}

static struct import_entry *push(struct import_folder *folder, const struct serial *serial)
{
    struct import_entry *entry;

    if ((folder->n & (folder->n - 1)) == 0) /* grows by doubling */
        folder->entries = mem_realloc_array(folder->entries, folder->n == 0 ? 1 : folder->n * 2,
                                            sizeof(*folder->entries));
    entry = &folder->entries[folder->n++];
    memset(entry, 0, sizeof(*entry));
    entry->serial = *serial;
    return entry;
}

/* ---- what the files hold ---- */

static void take_cert(struct walk *walk, struct cert *cert)
{
    struct serial serial = cert_serial(cert);

    if (cert_equal(cert, walk->spec->cert) || !cert_issued_by(cert, walk->spec->cert)) {
        cert_free(cert);
        return;
    }
    push(walk->folder, &serial)->cert = cert;
}

static void take_crl(struct walk *walk, const char *path, const struct crl *crl)
{
    uint64_t number = 0;
    struct crl_entry item;

    if (!crl_signed_by(crl, walk->spec->cert)) {
        import_note(walk->report, _("\"%s\" is a list that this CA did not sign: passed over"),
                    path);
        return;
    }
    if (crl_number(crl, &number) && number > walk->report->crl_number)
        walk->report->crl_number = number;
    if (crl_next_update(crl) > walk->report->crl_end)
        walk->report->crl_end = crl_next_update(crl);
    for (size_t i = 0; i < crl_count(crl); i++) {
        struct import_entry *entry;

        if (!crl_entry_at(crl, i, &item))
            continue;
        entry = push(walk->folder, &item.serial);
        entry->revoked_at = item.revoked_at > 0 ? item.revoked_at : 1;
        entry->reason = item.reason;
    }
}

static void take_blocks(struct walk *walk, const char *path, const struct strbuf *bytes)
{
    struct err unreadable = ERR_INIT;
    struct pem pem;

    pem_scan(bytes->data, bytes->len, &pem);
    for (size_t i = 0; i < pem.n; i++) {
        const struct pem_block *block = &pem.blocks[i];

        if (block->kind == PEM_CERTIFICATE) {
            struct cert *cert = cert_from_der(block->der.data, block->der.len, &unreadable);

            if (cert != NULL)
                take_cert(walk, cert);
        } else if (block->kind == PEM_CRL) {
            struct crl *crl = crl_from_der(block->der.data, block->der.len, &unreadable);

            if (crl != NULL)
                take_crl(walk, path, crl);
            crl_free(crl);
        }
    }
    if (pem.n == 0 && pem.problem != PEM_FINE)
        import_note(walk->report, _("\"%s\" has nothing that can be read"), path);
    pem_clear(&pem);
}

/* Large lists are read as lists; the scanner is for what people paste. */
static void take_list(struct walk *walk, const char *path, const struct strbuf *bytes)
{
    struct err err = ERR_INIT;
    struct crl *crl = crl_from_pem(bytes->data, bytes->len, &err);

    if (crl == NULL)
        crl = crl_from_der(bytes->data, bytes->len, &err);
    if (crl != NULL)
        take_crl(walk, path, crl);
    else
        import_note(walk->report, _("\"%s\" is no list of revoked certificates"), path);
    crl_free(crl);
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t size = strlen(end);

    return len >= size && strcasecmp(name + len - size, end) == 0;
}

static void read_one(struct walk *walk, const char *path, const char *name)
{
    bool list = ends_with(name, ".crl") || strcasecmp(name, "crl.pem") == 0;
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (!list && !ends_with(name, ".pem") && !ends_with(name, ".crt") && !ends_with(name, ".cer") &&
        !ends_with(name, ".cert"))
        return;
    if (!fs_read(path, list ? LIST_MAX : CERT_MAX, &bytes, &err))
        import_note(walk->report, "%s", err.msg);
    else if (list)
        take_list(walk, path, &bytes);
    else
        take_blocks(walk, path, &bytes);
    strbuf_wipe(&bytes); /* a key may stand in it too */
}

/* ---- the folder ---- */

struct level {
    DIR *dir;
    char *path;
};

static bool open_level(struct walk *walk, struct level *level, char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    level->dir = fd >= 0 ? fdopendir(fd) : NULL;
    level->path = path;
    if (level->dir != NULL)
        return true;
    import_note(walk->report, _("\"%s\" cannot be read: %s"), path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    return false;
}

/* Private keys are nobody's business, here too. */
static bool is_private(const char *name)
{
    return strncmp(name, "private", 7) == 0 || strcmp(name, "reqs") == 0 ||
           strcmp(name, "reqs_by_serial") == 0;
}

static bool walk_on(struct walk *walk, struct level *levels, int *depth, const char *name,
                    struct err *err)
{
    char *path = fs_join(levels[*depth].path, name);
    struct stat st;

    if (lstat(path, &st) != 0) {
        import_note(walk->report, _("\"%s\" cannot be read: %s"), path, strerror(errno));
        free(path);
        return true;
    }
    if (S_ISDIR(st.st_mode)) {
        if (*depth + 1 < DEPTH_MAX && !is_private(name) &&
            open_level(walk, &levels[*depth + 1], path))
            ++*depth;
        else if (*depth + 1 >= DEPTH_MAX || is_private(name))
            free(path);
        return true;
    }
    if (S_ISREG(st.st_mode)) {
        read_one(walk, path, name);
        walk->files++;
    }
    free(path);
    if (walk->files > FILES_MAX)
        return err_set(err, ERR_TOO_LARGE, _("the folder has more than %d files"), FILES_MAX);
    if (walk->files % 64 == 0 && walk->spec->progress != NULL)
        walk->spec->progress(walk->spec->arg, walk->files);
    if (walk->spec->cancelled != NULL && walk->spec->cancelled(walk->spec->arg))
        return err_set(err, ERR_CANCELLED, _("the import was stopped"));
    return true;
}

static bool walk_folder(struct walk *walk, const char *folder, struct err *err)
{
    struct level levels[DEPTH_MAX];
    int depth = 0;
    bool ok = true;

    if (!open_level(walk, &levels[0], mem_strdup(folder)))
        return err_set(err, ERR_FILE, _("the folder \"%s\" cannot be read"), folder);
    while (depth >= 0) {
        struct dirent *entry = ok ? readdir(levels[depth].dir) : NULL;

        if (entry == NULL) {
            closedir(levels[depth].dir);
            free(levels[depth].path);
            depth--;
        } else if (entry->d_name[0] != '.') {
            ok = walk_on(walk, levels, &depth, entry->d_name, err);
        }
    }
    return ok;
}

/* ---- the index ---- */

static void take_index(struct walk *walk, const struct index_txt *index)
{
    for (size_t i = 0; i < index->n_odd; i++)
        import_note(walk->report, _("index.txt line %zu: %s"), index->odd[i].line,
                    index->odd[i].why);
    for (size_t i = 0; i < index->n; i++) {
        struct import_entry *entry = push(walk->folder, &index->entries[i].serial);

        entry->indexed = true;
        entry->subject = mem_strdup(index->entries[i].subject);
        entry->not_after = index->entries[i].not_after;
        entry->revoked_at = index->entries[i].revoked_at;
        entry->reason = index->entries[i].reason;
    }
}

static bool read_index(struct walk *walk, const char *path, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct index_txt index;
    bool ok = fs_read(path, INDEX_TXT_MAX, &bytes, err);

    if (ok) {
        index_parse(bytes.data, bytes.len, &index);
        take_index(walk, &index);
        index_clear(&index);
    }
    strbuf_clear(&bytes);
    return ok;
}

/* The number that "openssl ca" would give its next list: the last one's plus one. */
static void read_crl_number(struct walk *walk, const char *folder)
{
    char *path = fs_join(folder, "crlnumber");
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* not there, or no number: the lists have theirs */
    uint8_t bytes[8];
    size_t len = 0;
    uint64_t number = 0;

    if (fs_read(path, 100, &text, &ignored)) {
        while (text.len > 0 && strchr("\r\n \t", text.data[text.len - 1]) != NULL)
            strbuf_truncate(&text, text.len - 1);
        if (text_parse_hex(text.data, bytes, sizeof(bytes), &len))
            for (size_t i = 0; i < len; i++)
                number = number << 8 | bytes[i];
        if (number > 0 && number - 1 > walk->report->crl_number)
            walk->report->crl_number = number - 1;
    }
    strbuf_clear(&text);
    free(path);
}

/* ---- together ---- */

static int compare(const void *a, const void *b)
{
    const struct import_entry *one = a;
    const struct import_entry *two = b;

    return serial_compare(&one->serial, &two->serial);
}

/* Everything about one number into one entry: the earliest revocation, the first certificate. */
static void merge(struct import_folder *folder, struct import_report *report)
{
    size_t kept = 0;

    if (folder->n == 0)
        return;
    qsort(folder->entries, folder->n, sizeof(*folder->entries), compare);
    for (size_t i = 1; i < folder->n; i++) {
        struct import_entry *to = &folder->entries[kept];
        struct import_entry *from = &folder->entries[i];
        char hex[SERIAL_HEX_MAX];

        if (!serial_equal(&to->serial, &from->serial)) {
            folder->entries[++kept] = *from;
            continue;
        }
        if (to->cert != NULL && from->cert != NULL && !cert_equal(to->cert, from->cert))
            import_note(report,
                        _("two certificates have the serial number %s: one is kept, and "
                          "revoking it revokes both"),
                        serial_format_hex(hex, &to->serial));
        if (to->cert == NULL)
            to->cert = from->cert;
        else
            cert_free(from->cert);
        if (to->subject == NULL)
            to->subject = from->subject;
        else
            free(from->subject);
        to->indexed = to->indexed || from->indexed;
        to->not_after = to->not_after != 0 ? to->not_after : from->not_after;
        if (from->revoked_at != 0 &&
            (to->revoked_at <= 1 || (from->revoked_at > 1 && from->revoked_at < to->revoked_at))) {
            to->revoked_at = from->revoked_at;
            to->reason = from->reason != CRL_UNSPECIFIED ? from->reason : to->reason;
        }
    }
    folder->n = kept + 1;
}

bool import_folder_read(const struct import_spec *spec, struct import_folder *ret,
                        struct import_report *report, struct err *err)
{
    struct import_folder folder = {NULL, 0};
    struct walk walk = {.spec = spec, .folder = &folder, .report = report};
    char *base = fs_join(spec->folder, "pki"); /* of easy-rsa, when its parent was named */
    char *index = fs_join(base, "index.txt");
    bool ok = false;

    if (!fs_exists(index)) {
        free(index);
        free(base);
        base = mem_strdup(spec->folder);
        index = fs_join(base, "index.txt");
    }
    if (!fs_exists(index)) {
        err_set(err, ERR_FILE, _("there is no index.txt in \"%s\""), spec->folder);
        err_hint(err,
                 _("Without the folder (--index) only the CA's certificate and key are imported."));
        goto out;
    }
    if (!read_index(&walk, index, err) || !walk_folder(&walk, base, err))
        goto out;
    read_crl_number(&walk, base);
    merge(&folder, report);
    *ret = folder;
    folder.n = 0;
    folder.entries = NULL;
    ok = true;
out:
    import_folder_clear(&folder);
    free(index);
    free(base);
    return ok;
}
