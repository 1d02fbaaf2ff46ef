/* kit_look.c - a client's folder: which files to try a login with. */
#include "config.h"

#include "screens/kit_look.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/cert.h"

#define FILE_MAX  ((size_t)256 * 1024)
#define FILES_MAX 1000 /* of a folder that is none of ours */

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);

    return n > m && strcmp(name + n - m, ending) == 0;
}

/* True when the file is the certificate of a client: then the fields are set. */
static bool take_cert(struct kit_look *self, const char *path)
{
    struct strbuf pem = STRBUF_INIT, name = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* another file that ends so */
    struct cert *cert = NULL;
    bool good = false;

    if (fs_read(path, FILE_MAX, &pem, &ignored))
        cert = cert_from_pem(pem.data, pem.len, &ignored);
    if (cert != NULL && !cert_is_ca(cert) && cert_for_clients(cert)) {
        (void)cert_common_name(cert, &name);
        self->role = strbuf_steal(&name);
        self->cert = mem_strdup(path);
        self->not_after = cert_not_after(cert);
        good = true;
    }
    cert_free(cert);
    strbuf_clear(&pem);
    strbuf_clear(&name);
    return good;
}

static bool find_cert(struct kit_look *self)
{
    DIR *dir = opendir(self->folder);
    struct dirent *entry;
    bool found = false;

    if (dir == NULL)
        return err_set(&self->err, ERR_FILE, _("there is no folder \"%s\""), self->folder);
    for (int i = 0; !found && i < FILES_MAX && (entry = readdir(dir)) != NULL; i++) {
        char *path;

        if (!ends_with(entry->d_name, ".crt") || strcmp(entry->d_name, "root.crt") == 0)
            continue;
        path = fs_join(self->folder, entry->d_name);
        found = take_cert(self, path);
        free(path);
    }
    closedir(dir);
    return found || err_set(&self->err, ERR_FILE, _("no client's certificate (*.crt) in \"%s\""),
                            self->folder);
}

static bool look_at_key(struct kit_look *self)
{
    size_t stem = strlen(self->cert) - strlen(".crt");
    struct strbuf bytes = STRBUF_INIT;

    self->key = mem_printf("%.*s.key", (int)stem, self->cert);
    if (!fs_read(self->key, FILE_MAX, &bytes, &self->err))
        return false;
    self->key_encrypted = key_pem_is_encrypted(bytes.data, bytes.len);
    explicit_bzero(bytes.data, bytes.len);
    strbuf_clear(&bytes);
    return true;
}

static void look_run(struct job *job, void *data)
{
    struct kit_look *self = data;

    (void)job;
    if (!find_cert(self) || !look_at_key(self))
        return;
    self->root = fs_join(self->folder, "root.crt");
    if (!fs_exists(self->root))
        self->root[0] = '\0';
    self->ok = true;
}

void kit_look_free(void *data)
{
    struct kit_look *self = data;

    if (self == NULL)
        return;
    free(self->folder);
    free(self->role);
    free(self->cert);
    free(self->key);
    free(self->root);
    free(self);
}

static const struct job_ops look_ops = {"client's folder", look_run, kit_look_free};

struct job *kit_look_start(struct app *app, void *owner, const char *folder)
{
    struct kit_look *self = mem_zalloc(sizeof(*self));

    self->folder = app_full_path(folder);
    return job_start(app_loop(app), owner, &look_ops, self);
}
