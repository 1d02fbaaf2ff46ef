/*
 * batch.c - many client certificates at once.
 *
 * Cost     for each certificate: a key, a signature, four files, one row. What is the same for all is
 *          done once a chunk: the commit, the sync of the file system, the line in the log.
 */
#include "config.h"

#include "core/kit/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/issued_many.h"

#define CHUNK        1000  /* rows that may be lost to a kill between the commit and the files */
#define CRT_MAX      65536 /* a certificate with its chain */
#define STAGING_NAME ".pgseal-batch"

struct batch {
    struct store *store;
    const struct batch_spec *spec;
    struct batch_result *result;
    size_t *missing; /* indexes of rows that are to be made */
    size_t n_missing;
    struct issued_lost *lost; /* recorded by earlier runs, never written */
    size_t n_lost;
    int folder; /* open, or -1 */
    /* the chunk */
    struct issued_list rows;
    struct key **keys;
    struct issued_list delivered; /* of the chunk before, to be marked with the next commit */
    struct issued_list found;     /* their files are there, their rows do not know it yet */
};

static void free_rows(struct issued_list *list)
{
    issued_list_clear(list);
}

static void clear_keys(struct batch *batch)
{
    for (size_t i = 0; i < batch->rows.n; i++)
        key_free(batch->keys[i]);
    free(batch->keys);
    batch->keys = NULL;
}

static void batch_clear(struct batch *batch)
{
    clear_keys(batch);
    free_rows(&batch->rows);
    free_rows(&batch->delivered);
    free_rows(&batch->found);
    issued_lost_free(batch->lost, batch->n_lost);
    free(batch->missing);
    if (batch->folder >= 0)
        close(batch->folder);
}

static void push(struct issued_list *list, struct issued *issued)
{
    if ((list->n & (list->n - 1)) == 0) /* grows by doubling */
        list->rows =
            mem_realloc_array(list->rows, list->n == 0 ? 1 : list->n * 2, sizeof(*list->rows));
    list->rows[list->n++] = issued;
}

static bool cancelled(const struct batch *batch)
{
    return batch->spec->cancelled != NULL && batch->spec->cancelled(batch->spec->arg);
}

static void report(const struct batch *batch)
{
    if (batch->spec->progress != NULL)
        batch->spec->progress(batch->spec->arg, batch->result->made, batch->n_missing);
}

/* ---- what is there already ---- */

/* The certificate of a role's folder must be one of ours; which row it is tells whether it counts. */
static bool look_at_present(struct batch *batch, const struct batch_row *row, const char *base,
                            struct err *err)
{
    char *path = mem_printf("%s/%s/%s.crt", batch->spec->folder, base, base);
    struct strbuf pem = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    struct cert *cert = NULL;
    struct issued *issued = NULL;
    char hex[SERIAL_HEX_MAX];
    struct serial serial;

    if (fs_read(path, CRT_MAX, &pem, &ignored))
        cert = cert_from_pem(pem.data, pem.len, &ignored);
    if (cert != NULL) {
        serial = cert_serial(cert);
        issued = issued_find(batch->store, serial_format_hex(hex, &serial), &ignored);
    }
    if (issued == NULL || !cert_equal(issued->cert, cert) || strcmp(issued->role, row->role) != 0) {
        err_set(err, ERR_FILE_EXISTS,
                _("\"%s/%s\" is there, and has no certificate of this store for the role \"%s\""),
                batch->spec->folder, base, row->role);
        err_hint(err, _("Move it away, or take another folder (--out)."));
        issued_free(issued);
        issued = NULL;
    } else {
        batch->result->present++;
        if (issued->revoked_at != 0 || issued->not_after <= clock_now())
            batch->result->ended++;
    }
    free(path);
    strbuf_clear(&pem);
    cert_free(cert);
    if (issued == NULL)
        return false;
    if (issued->delivered)
        issued_free(issued);
    else
        push(&batch->found, issued); /* killed between the files and the mark */
    return true;
}

static bool find_missing(struct batch *batch, struct err *err)
{
    const struct batch_list *list = batch->spec->list;
    bool none = !fs_exists(batch->spec->folder);

    batch->missing = mem_array(list->n + 1, sizeof(*batch->missing));
    for (size_t i = 0; i < list->n; i++) {
        char *base = none ? NULL : kit_file_base(list->rows[i].role, ISSUED_CLIENT);
        char *path = none ? NULL : fs_join(batch->spec->folder, base);
        bool ok = true;

        if (none || !fs_exists(path))
            batch->missing[batch->n_missing++] = i;
        else
            ok = look_at_present(batch, &list->rows[i], base, err);
        free(path);
        free(base);
        if (!ok)
            return false;
    }
    return true;
}

static int compare_lost(const void *key, const void *item)
{
    const struct issued_lost *lost = item;

    return strcmp(key, lost->role);
}

static const struct issued_lost *find_lost(const struct batch *batch, const char *role)
{
    if (batch->n_lost == 0)
        return NULL;
    return bsearch(role, batch->lost, batch->n_lost, sizeof(*batch->lost), compare_lost);
}

static bool begin(struct batch *batch, struct store *store, const struct batch_spec *spec,
                  struct batch_result *result, struct err *err)
{
    memset(batch, 0, sizeof(*batch));
    memset(result, 0, sizeof(*result));
    batch->store = store;
    batch->spec = spec;
    batch->result = result;
    batch->folder = -1;
    if (fs_exists(spec->folder) && !fs_check_own_folder(spec->folder, err))
        return false;
    return find_missing(batch, err) &&
           issued_lost_list(store, spec->authority->id, &batch->lost, &batch->n_lost, err);
}

static bool is_cut(const struct batch *batch, const struct batch_row *row)
{
    int days = row->days > 0           ? row->days
               : batch->spec->days > 0 ? batch->spec->days
                                       : ISSUED_CLIENT_DAYS;

    return clock_now() + days * CLOCK_DAY > cert_not_after(batch->spec->authority->cert);
}

bool batch_check(struct store *store, const struct batch_spec *spec, struct batch_result *ret,
                 struct err *err)
{
    struct batch batch;
    bool ok = begin(&batch, store, spec, ret, err);

    if (ok)
        ret->made = batch.n_missing;
    for (size_t i = 0; ok && i < batch.n_missing; i++) {
        const struct batch_row *row = &spec->list->rows[batch.missing[i]];

        ret->remade += find_lost(&batch, row->role) != NULL;
        ret->cut += is_cut(&batch, row);
    }
    batch_clear(&batch);
    return ok;
}

/* ---- a chunk ---- */

static bool sign_one(struct batch *batch, const struct batch_row *row, struct err *err)
{
    const struct batch_spec *spec = batch->spec;
    const struct issued_lost *lost = find_lost(batch, row->role);
    const struct issued replaced = {.id = lost != NULL ? lost->id : row->replaces};
    struct issue_spec issue = {
        .kind = ISSUED_CLIENT,
        .role = row->role,
        .note = row->note,
        .usual_days = row->days > 0 ? row->days : spec->days,
        .for_writing = (spec->formats & (KIT_P12 | KIT_P12_OLD)) == 0, /* PKCS#12 compares keys */
        .replaces = replaced.id != 0 ? &replaced : NULL,
    };
    struct key *key = key_generate(row->has_key_type ? row->key_type : spec->key_type,
                                   spec->cancelled, spec->arg, err);
    struct issued *issued;

    if (key == NULL)
        return false;
    issue.key = key;
    issued = issued_sign(spec->authority, spec->authority_key, &issue, err);
    if (issued == NULL) {
        key_free(key);
        return err_prefix(err, _("line %zu"), row->line);
    }
    batch->keys[batch->rows.n] = key;
    push(&batch->rows, issued);
    return true;
}

/* In memory only: whoever stops here has changed nothing. */
static bool sign_chunk(struct batch *batch, size_t from, size_t n, struct err *err)
{
    batch->keys = mem_array(n, sizeof(*batch->keys));
    for (size_t i = 0; i < n; i++) {
        if (cancelled(batch))
            return err_set(err, ERR_CANCELLED, _("the batch was stopped"));
        if (!sign_one(batch, &batch->spec->list->rows[batch->missing[from + i]], err))
            return false;
    }
    return true;
}

static bool write_one(struct batch *batch, size_t i, int staging, struct err *err)
{
    const struct batch_spec *spec = batch->spec;
    struct kit_spec kit = {
        .folder = spec->folder,
        .formats = spec->formats,
        .issued = batch->rows.rows[i],
        .key = batch->keys[i],
        .ca = spec->authority->cert,
        .parents = spec->parents,
        .roots = spec->roots,
        .key_passphrase = spec->key_passphrase,
        .p12_passphrase = spec->p12_passphrase,
        .server_host = spec->server_host,
        .server_port = spec->server_port,
    };
    char *base = kit_file_base(batch->rows.rows[i]->role, ISSUED_CLIENT);
    bool ok = kit_write_at(&kit, staging, base, err);

    free(base);
    return ok;
}

/* Whole folders appear under their names, in order; *ret_n of them did. */
static bool move_chunk(struct batch *batch, const char *staging, size_t *ret_n, struct err *err)
{
    bool ok = true;
    struct err sync = ERR_INIT;

    for (*ret_n = 0; ok && *ret_n < batch->rows.n;) {
        char *base = kit_file_base(batch->rows.rows[*ret_n]->role, ISSUED_CLIENT);
        char *from = fs_join(staging, base);
        char *to = fs_join(batch->spec->folder, base);

        ok = fs_rename_folder(from, to, err);
        free(base);
        free(from);
        free(to);
        if (ok)
            (*ret_n)++;
    }
    if (!fs_sync_folder(batch->folder, &sync)) {
        *ret_n = 0; /* nobody knows which: the next run looks at each */
        if (ok)
            *err = sync;
        return false;
    }
    return ok;
}

static bool write_chunk(struct batch *batch, size_t *ret_n, struct err *err)
{
    char *prefix = fs_join(batch->spec->folder, STAGING_NAME);
    char *path = mem_printf("%s-%ld", prefix, (long)getpid());
    struct err ignored = ERR_INIT;
    int staging = -1;
    bool ok;

    *ret_n = 0;
    if (mkdir(path, 0700) != 0 && errno == EEXIST) /* of a killed run that had our number */
        (void)(!fs_remove_tree(path, &ignored) || mkdir(path, 0700) != 0);
    staging = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ok = staging >= 0 || err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), path);
    for (size_t i = 0; ok && i < batch->rows.n; i++)
        ok = write_one(batch, i, staging, err);
    ok = ok && fs_sync_all(staging, err) && move_chunk(batch, path, ret_n, err);
    if (staging >= 0)
        close(staging);
    if (!ok || rmdir(path) != 0)
        (void)!fs_remove_tree(path, &ignored);
    free(path);
    free(prefix);
    return ok;
}

static const char *what_of(const struct batch_spec *spec, char *out, size_t size)
{
    (void)snprintf(out, size, "into \"%s\"", spec->folder);
    return out;
}

/* The first n rows of the chunk have their files. */
static void count_chunk(struct batch *batch, size_t n)
{
    int64_t ca_end = cert_not_after(batch->spec->authority->cert);

    for (size_t i = 0; i < batch->rows.n; i++) {
        if (i >= n) {
            batch->result->lost++;
            continue;
        }
        batch->result->remade += find_lost(batch, batch->rows.rows[i]->role) != NULL;
        batch->result->cut += batch->rows.rows[i]->not_after == ca_end;
    }
    batch->result->made += n;
    for (size_t i = 0; i < n; i++)
        push(&batch->delivered, batch->rows.rows[i]);
    for (size_t i = n; i < batch->rows.n; i++)
        issued_free(batch->rows.rows[i]);
    clear_keys(batch);
    free(batch->rows.rows);
    memset(&batch->rows, 0, sizeof(batch->rows));
    report(batch);
}

static bool run_chunk(struct batch *batch, size_t from, size_t n, struct err *err)
{
    char what[200];
    size_t written = 0;
    bool ok;

    if (!sign_chunk(batch, from, n, err) ||
        !issued_many_record(batch->store, batch->spec->authority, batch->rows.rows, n,
                            &batch->delivered, what_of(batch->spec, what, sizeof(what)), err))
        return false;
    free_rows(&batch->delivered);
    ok = write_chunk(batch, &written, err);
    count_chunk(batch, written);
    return ok;
}

static bool open_folder(struct batch *batch, struct err *err)
{
    if (!fs_exists(batch->spec->folder) && !fs_make_folder(batch->spec->folder, err))
        return false;
    batch->folder = open(batch->spec->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (batch->folder < 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot open \"%s\""), batch->spec->folder);
    if (faccessat(batch->folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot write into \"%s\""),
                             batch->spec->folder);
    return true;
}

static void set_state(const struct batch_result *result, struct err *err)
{
    if (result->lost > 0)
        err_state(
            err, _("%zu certificates were made; %zu more were recorded, and nobody has their keys"),
            result->made, result->lost);
    else if (result->made > 0)
        err_state(err, _("%zu certificates were made, the others were not begun"), result->made);
}

bool batch_run(struct store *store, const struct batch_spec *spec, struct batch_result *ret,
               struct err *err)
{
    struct batch batch;
    struct err marking = ERR_INIT;
    bool ok = begin(&batch, store, spec, ret, err) && open_folder(&batch, err) &&
              issued_many_delivered(store, &batch.found, err);

    for (size_t at = 0; ok && at < batch.n_missing; at += CHUNK) {
        size_t n = batch.n_missing - at < CHUNK ? batch.n_missing - at : CHUNK;

        ok = run_chunk(&batch, at, n, err);
    }
    /* also after a failure: what has its files says so */
    if (!issued_many_delivered(store, &batch.delivered, &marking) && ok) {
        *err = marking;
        ok = false;
    }
    batch_clear(&batch);
    if (!ok) {
        set_state(ret, err);
        err_hint(err, _("Run it again: only what is missing is made."));
    }
    return ok;
}
