/*
 * kit.c - what a client gets, as files: all of them or none.
 *
 * Everything is made in memory first, then written in one go. A new folder gets its name when all of
 * it lasts; in one that is there, files that came before one that cannot be written are taken away.
 */
#include "config.h"

#include "core/kit/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/kit/connect_part.h"
#include "core/pki/pkcs12.h"

enum { FILE_CERTIFICATE, FILE_ROOT, FILE_KEY, FILE_P12, FILE_PK8, FILE_README, FILE_COUNT };

struct kit_file {
    char *name; /* NULL: not made */
    mode_t mode;
    struct strbuf open;    /* public content, or: */
    struct secret *closed; /* secret content */
};

struct kit {
    struct kit_file files[FILE_COUNT];
    struct kit_file *more; /* for programs */
    size_t n_more;
    char *folder, *planned_key, *planned_pk8; /* NULL without programs */
};

void kit_files_clear(struct kit_files *files)
{
    free(files->certificate);
    free(files->key);
    free(files->root);
    free(files->p12);
    free(files->pk8);
    free(files->readme);
    for (size_t i = 0; i < files->n_more; i++)
        free(files->more[i]);
    free(files->more);
    memset(files, 0, sizeof(*files));
}

static void kit_clear(struct kit *kit)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        free(kit->files[i].name);
        strbuf_clear(&kit->files[i].open);
        secret_free(kit->files[i].closed);
    }
    for (size_t i = 0; i < kit->n_more; i++) {
        free(kit->more[i].name);
        strbuf_clear(&kit->more[i].open);
    }
    free(kit->more);
    free(kit->folder);
    free(kit->planned_key);
    free(kit->planned_pk8);
}

static unsigned formats_of(const struct kit_spec *spec)
{
    unsigned formats = spec->formats != 0 ? spec->formats : KIT_PEM;

    return (formats & KIT_P12_OLD) != 0 ? formats | KIT_P12 : formats;
}

char *kit_file_base(const char *role, enum issued_kind kind)
{
    struct strbuf base = STRBUF_INIT;

    for (const char *at = role; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= '0' && *at <= '9') || *at == '_' ||
                     (base.len > 0 && strchr(".-+@", *at) != NULL);

        strbuf_add_char(&base, plain ? *at : '_');
    }
    if (strcasecmp(base.data, "root") == 0)
        strbuf_add_str(&base, kind == ISSUED_SERVER ? "-server" : "-client");
    return strbuf_steal(&base);
}

static void name_file(struct kit *kit, int i, const char *base, const char *suffix, mode_t mode)
{
    kit->files[i].name = mem_printf("%s%s", base, suffix);
    kit->files[i].mode = mode;
}

/* Which files there will be. */
static void kit_plan(struct kit *kit, const struct kit_spec *spec)
{
    char *base = kit_file_base(spec->issued->role, spec->issued->kind);
    unsigned formats = formats_of(spec);
    bool has_key = spec->key != NULL || spec->key_follows;

    memset(kit, 0, sizeof(*kit));
    for (int i = 0; i < FILE_COUNT; i++)
        strbuf_init(&kit->files[i].open);
    name_file(kit, FILE_CERTIFICATE, base, ".crt", FS_MODE_PUBLIC);
    name_file(kit, FILE_ROOT, "root", ".crt", FS_MODE_PUBLIC);
    if (has_key && (formats & KIT_PEM) != 0)
        name_file(kit, FILE_KEY, base, ".key", FS_MODE_SECRET);
    if (has_key && (formats & KIT_P12) != 0)
        name_file(kit, FILE_P12, base, ".p12", FS_MODE_SECRET);
    if (has_key && (formats & KIT_PK8) != 0)
        name_file(kit, FILE_PK8, base, ".pk8", FS_MODE_SECRET);
    name_file(kit, FILE_README, "README", ".txt", FS_MODE_PUBLIC);
    free(base);
}

static const char *name_of(const struct kit *kit, int i)
{
    return kit->files[i].name != NULL ? kit->files[i].name : "";
}

static size_t n_parents(const struct kit_spec *spec)
{
    return spec->parents != NULL ? spec->parents->n : 0;
}

/* The certificate with the intermediate CAs behind it, which the other side does not have; and the
 * roots, which it must have. */
static bool make_certs(const struct kit_spec *spec, struct strbuf *chain, struct strbuf *root,
                       struct err *err)
{
    const struct cert *at = spec->ca;
    bool only_roots = spec->only_roots || at == NULL;

    if (!cert_to_pem(spec->issued->cert, chain, err))
        return false;
    for (size_t i = 0; i < n_parents(spec); i++) {
        if (!cert_to_pem(at != NULL ? at : spec->parents->certs[i], chain, err))
            return false;
        at = at != NULL ? spec->parents->certs[i] : NULL;
    }
    if (!only_roots && !cert_to_pem(at, root, err))
        return false;
    for (size_t i = 0; spec->roots != NULL && i < spec->roots->n; i++) {
        if ((only_roots || !cert_equal(spec->roots->certs[i], at)) &&
            !cert_to_pem(spec->roots->certs[i], root, err))
            return false;
    }
    return true;
}

static bool make_p12(struct kit *kit, const struct kit_spec *spec, struct err *err)
{
    struct cert_list chain;

    cert_list_init(&chain);
    if (spec->ca != NULL)
        cert_list_take(&chain, cert_dup(spec->ca));
    for (size_t i = 0; i < n_parents(spec); i++)
        cert_list_take(&chain, cert_dup(spec->parents->certs[i]));
    kit->files[FILE_P12].closed =
        pkcs12_build(spec->key, spec->issued->cert, &chain, spec->p12_passphrase,
                     (spec->formats & KIT_P12_OLD) != 0, err);
    cert_list_clear(&chain);
    return kit->files[FILE_P12].closed != NULL;
}

/* ---- for programs ---- */

static void take_more(void *arg, char *name, mode_t mode, struct strbuf *content)
{
    struct kit *kit = arg;
    struct kit_file *file;

    kit->more = mem_realloc_array(kit->more, kit->n_more + 1, sizeof(*kit->more));
    file = &kit->more[kit->n_more++];
    *file = (struct kit_file){.name = name, .mode = mode};
    strbuf_init(&file->open);
    strbuf_add(&file->open, content->data, content->len);
}

/* The names also of what is still to come into the folder. */
static char *planned_name(const struct kit *kit, int i, const char *base, const char *suffix)
{
    return kit->files[i].name != NULL ? mem_strdup(kit->files[i].name)
                                      : mem_printf("%s%s", base, suffix);
}

static bool plan_more(struct kit *kit, const struct kit_spec *spec, struct err *err)
{
    const struct kit_connect *connect = spec->connect;
    char *base = kit_file_base(spec->issued->role, spec->issued->kind);
    const struct connect_names names = {
        .certificate = kit->files[FILE_CERTIFICATE].name,
        .root = kit->files[FILE_ROOT].name,
        .key = kit->planned_key = planned_name(kit, FILE_KEY, base, ".key"),
        .pk8 = kit->planned_pk8 = planned_name(kit, FILE_PK8, base, ".pk8"),
        .p12 = kit->files[FILE_P12].name,
        .use_p12 = kit->files[FILE_P12].name != NULL && kit->files[FILE_PK8].name == NULL,
        .key_locked = spec->key_passphrase != NULL,
    };
    struct connect_one shape = {
        .role = connect->role != NULL ? connect->role : spec->issued->role,
        .database = connect->database,
        .names = &names,
    };

    free(base);
    shape.folder = kit->folder =
        connect->at != NULL ? mem_strdup(connect->at) : fs_whole_path(spec->folder);
    return kit_connect_check(connect, err) && connect_make(connect, &shape, take_more, kit, err);
}

static bool kit_make(struct kit *kit, const struct kit_spec *spec, struct err *err)
{
    struct readme_names names = {
        .certificate = name_of(kit, FILE_CERTIFICATE),
        .key = name_of(kit, FILE_KEY),
        .root = name_of(kit, FILE_ROOT),
        .p12 = name_of(kit, FILE_P12),
        .pk8 = name_of(kit, FILE_PK8),
    };

    if (!make_certs(spec, &kit->files[FILE_CERTIFICATE].open, &kit->files[FILE_ROOT].open, err) ||
        (spec->connect != NULL && !plan_more(kit, spec, err)))
        return false;
    names.folder = kit->folder;
    names.planned_key = kit->planned_key;
    names.planned_pk8 = kit->planned_pk8;
    if (kit->files[FILE_KEY].name != NULL) {
        kit->files[FILE_KEY].closed =
            key_to_pem(spec->key, spec->key_passphrase, KEY_ROUNDS_CLIENT, err);
        if (kit->files[FILE_KEY].closed == NULL)
            return false;
    }
    if (kit->files[FILE_P12].name != NULL && !make_p12(kit, spec, err))
        return false;
    if (kit->files[FILE_PK8].name != NULL) {
        kit->files[FILE_PK8].closed = key_to_pkcs8_der(spec->key, err);
        if (kit->files[FILE_PK8].closed == NULL)
            return false;
    }
    return readme_write(spec, &names, &kit->files[FILE_README].open, err);
}

static bool check_formats(const struct kit_spec *spec, struct err *err)
{
    if (spec->key != NULL || spec->key_follows || (formats_of(spec) & (KIT_P12 | KIT_PK8)) == 0)
        return true;
    err_set(err, ERR_POLICY, _("without the private key there is no .p12 and no .pk8"));
    return err_hint(err, _("The request's key stayed where it was made: ask for \"pem\" only."));
}

static bool check_pieces(const struct kit_spec *spec, struct err *err)
{
    if (spec->key_follows)
        return err_set(err, ERR_INTERNAL, _("the key of \"%s\" is still missing"),
                       spec->issued->role);
    if (spec->key != NULL && !cert_matches_key(spec->issued->cert, spec->key))
        return err_set(err, ERR_INTERNAL, _("key and certificate of \"%s\" do not belong together"),
                       spec->issued->role);
    if (spec->ca != NULL && !cert_issued_by(spec->issued->cert, spec->ca))
        return err_set(err, ERR_INTERNAL, _("the certificate of \"%s\" is not one of this CA"),
                       spec->issued->role);
    return true;
}

/* ---- the folder ---- */

static bool check_folder(const char *folder, struct err *err)
{
    if (fs_check_own_folder(folder, err)) {
        if (access(folder, W_OK | X_OK) == 0)
            return true;
        return err_set_errno(err, ERR_FILE, errno, _("cannot write into \"%s\""), folder);
    }
    if (err->code == ERR_STORE_OWNER) /* it is a folder, not a store */
        return err_set(err, ERR_FILE_UNSAFE, _("the folder \"%s\" belongs to somebody else"),
                       folder);
    return false;
}

static bool check_above(const char *folder, struct err *err)
{
    char *at = fs_nearest(folder);
    bool ok = access(at, W_OK | X_OK) == 0 ||
              err_set_errno(err, ERR_FILE, errno, _("cannot make a folder in \"%s\""), at);

    free(at);
    return ok;
}

static bool check_file(const struct kit_file *file, const char *folder, struct err *err)
{
    char *path = file->name != NULL ? fs_join(folder, file->name) : NULL;
    bool ok = path == NULL || !fs_exists(path) ||
              err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);

    free(path);
    return ok;
}

static bool check_files(const struct kit *kit, const char *folder, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < FILE_COUNT; i++)
        ok = check_file(&kit->files[i], folder, err);
    for (size_t i = 0; ok && i < kit->n_more; i++)
        ok = check_file(&kit->more[i], folder, err);
    return ok;
}

bool kit_check(const struct kit_spec *spec, struct err *err)
{
    struct kit kit;
    bool ok;

    if (!check_formats(spec, err))
        return false;
    kit_plan(&kit, spec);
    ok = spec->connect == NULL || plan_more(&kit, spec, err);
    if (ok && !fs_exists(spec->folder))
        ok = check_above(spec->folder, err);
    else
        ok = ok && check_folder(spec->folder, err) && check_files(&kit, spec->folder, err);
    kit_clear(&kit);
    return ok;
}

#define CRT_MAX (1u << 20)

bool kit_is_there(const char *folder, const struct issued *issued)
{
    char *base = kit_file_base(issued->role, issued->kind);
    char *path = mem_printf("%s/%s.crt", folder, base);
    char *last = fs_join(folder, "README.txt"); /* of those that are linked one by one */
    struct strbuf pem = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    struct cert *cert = NULL;
    bool there;

    if (fs_exists(path) && fs_exists(last) && fs_read(path, CRT_MAX, &pem, &ignored))
        cert = cert_from_pem(pem.data, pem.len, &ignored);
    there = cert != NULL && cert_equal(cert, issued->cert);
    cert_free(cert);
    strbuf_clear(&pem);
    free(last);
    free(path);
    free(base);
    return there;
}

/* ---- writing ---- */

/* For the caller to free(). */
static struct fs_new_file *list_files(const struct kit *kit, size_t *ret_n)
{
    struct fs_new_file *ret = mem_array(FILE_COUNT + kit->n_more, sizeof(*ret));
    size_t n = 0;

    for (int i = 0; i < FILE_COUNT; i++) {
        const struct kit_file *file = &kit->files[i];

        if (file->name == NULL)
            continue;
        ret[n].name = file->name;
        ret[n].bytes = file->closed != NULL ? secret_data(file->closed) : file->open.data;
        ret[n].len = file->closed != NULL ? secret_len(file->closed) : file->open.len;
        ret[n++].mode = file->mode;
    }
    for (size_t i = 0; i < kit->n_more; i++)
        ret[n++] = (struct fs_new_file){.name = kit->more[i].name,
                                        .bytes = kit->more[i].open.data,
                                        .len = kit->more[i].open.len,
                                        .mode = kit->more[i].mode};
    *ret_n = n;
    return ret;
}

static bool write_files(const struct kit *kit, const char *folder, struct err *err)
{
    size_t n;
    struct fs_new_file *files = list_files(kit, &n);
    bool ok = fs_exists(folder) ? fs_write_new_files(folder, files, n, err)
                                : fs_write_new_folder(folder, files, n, err);

    free(files);
    return ok;
}

static char *path_of(const struct kit *kit, const char *folder, int i)
{
    return kit->files[i].name != NULL ? fs_join(folder, kit->files[i].name) : mem_strdup("");
}

bool kit_write(const struct kit_spec *spec, struct kit_files *ret, struct err *err)
{
    struct kit kit;
    char *folder = NULL;
    bool ok = false;

    kit_plan(&kit, spec);
    if (!kit_check(spec, err) || !check_pieces(spec, err) || !kit_make(&kit, spec, err) ||
        !write_files(&kit, spec->folder, err))
        goto out;
    folder = realpath(spec->folder, NULL);
    if (folder == NULL) {
        err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), spec->folder);
        goto out;
    }
    ret->certificate = path_of(&kit, folder, FILE_CERTIFICATE);
    ret->key = path_of(&kit, folder, FILE_KEY);
    ret->root = path_of(&kit, folder, FILE_ROOT);
    ret->p12 = path_of(&kit, folder, FILE_P12);
    ret->pk8 = path_of(&kit, folder, FILE_PK8);
    ret->readme = path_of(&kit, folder, FILE_README);
    ret->more = mem_array(kit.n_more + 1, sizeof(*ret->more));
    for (ret->n_more = 0; ret->n_more < kit.n_more; ret->n_more++)
        ret->more[ret->n_more] = fs_join(folder, kit.more[ret->n_more].name);
    ok = true;
out:
    kit_clear(&kit);
    free(folder);
    return ok;
}

bool kit_write_at(const struct kit_spec *spec, int folder, const char *name, struct err *err)
{
    struct fs_new_file *files = NULL;
    struct kit kit;
    size_t n;
    int fd = -1;
    bool ok = false;

    kit_plan(&kit, spec);
    if (!check_formats(spec, err) || !kit_make(&kit, spec, err))
        goto out;
    if (mkdirat(folder, name, 0700) != 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot make the folder \"%s\""), name);
        goto out;
    }
    fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ok = fd >= 0 || err_set_errno(err, ERR_FILE, errno, _("cannot open the folder \"%s\""), name);
    files = list_files(&kit, &n);
    for (size_t i = 0; ok && i < n; i++)
        ok = fs_write_at(fd, files[i].name, files[i].bytes, files[i].len, files[i].mode, err);
out:
    if (fd >= 0)
        close(fd);
    free(files);
    kit_clear(&kit);
    return ok;
}
