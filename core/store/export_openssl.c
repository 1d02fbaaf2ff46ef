/* export_openssl.c - a CA as a folder for "openssl ca". */
#include "config.h"

#include "core/store/export_openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/name.h"
#include "core/store/index_txt.h"
#include "core/store/key_file.h"
#include "core/store/sql.h"

struct writer {
    struct store *store;
    const struct export_openssl *export;
    char *path; /* absolute, of DIR as it will be called */
    char *temporary;
    int folder;   /* open: temporary */
    int newcerts; /* open: temporary/newcerts */
    struct strbuf index;
    size_t certs;
};

static bool report(const struct writer *writer, struct err *err)
{
    const struct export_openssl *export = writer->export;

    if (export->progress != NULL && writer->certs % 64 == 0)
        export->progress(export->arg, writer->certs, (size_t) export->authority->issued);
    if (export->cancelled != NULL && export->cancelled(export->arg))
        return err_set(err, ERR_CANCELLED, _("the export was stopped"));
    return true;
}

/* ---- certificates and index ---- */

static bool write_cert(struct writer *writer, const struct serial *serial, const struct cert *cert,
                       struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    struct strbuf name = STRBUF_INIT;
    bool ok;

    for (size_t i = 0; i < serial->len; i++)
        strbuf_printf(&name, "%02X", serial->bytes[i]);
    strbuf_add_str(&name, ".pem");
    ok = cert_to_pem(cert, &pem, err) &&
         fs_write_at(writer->newcerts, name.data, pem.data, pem.len, FS_MODE_PUBLIC, err);
    strbuf_clear(&name);
    strbuf_clear(&pem);
    return ok;
}

static bool add_row(struct writer *writer, const struct sql *sql, int64_t now, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    struct serial serial;
    struct name *name;
    struct cert *cert;
    size_t len = 0;
    const void *der = sql_blob(sql, 0, &len);
    bool ok;

    cert = cert_from_der(der, len, err);
    if (cert == NULL)
        return false;
    serial = cert_serial(cert);
    name = cert_subject(cert);
    name_format_slash(name, &subject);
    index_write(&writer->index, &serial, cert_not_after(cert), sql_int(sql, 1),
                (enum crl_reason)sql_int(sql, 2), subject.data, now);
    ok = write_cert(writer, &serial, cert, err);
    writer->certs++;
    name_free(name);
    cert_free(cert);
    strbuf_clear(&subject);
    return ok && report(writer, err);
}

static bool add_certs(struct writer *writer, int64_t now, struct err *err)
{
    struct sql *sql = sql_new(writer->store,
                              "SELECT cert, revoked_at, reason FROM issued WHERE authority_id = ?1"
                              " ORDER BY id",
                              err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok)
        sql_bind_int(sql, 1, writer->export->authority->id);
    while (ok && (ok = sql_step(sql, &row, err)) && row)
        ok = add_row(writer, sql, now, err);
    sql_free(sql);
    return ok;
}

static bool add_numbers(struct writer *writer, int64_t now, struct err *err)
{
    struct sql *sql =
        sql_new(writer->store,
                "SELECT serial, subject, not_after, revoked_at, reason FROM serial_only"
                " WHERE authority_id = ?1",
                err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok)
        sql_bind_int(sql, 1, writer->export->authority->id);
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        struct serial serial;
        size_t len = 0;
        const void *bytes = sql_blob(sql, 0, &len);
        char *subject = sql_text(sql, 1);
        int64_t end =
            sql_is_null(sql, 2) ? cert_not_after(writer->export->authority->cert) : sql_int(sql, 2);

        ok = serial_from_bytes(&serial, bytes, len, err);
        if (ok)
            index_write(&writer->index, &serial, end, sql_int(sql, 3),
                        (enum crl_reason)sql_int(sql, 4), subject, now);
        free(subject);
    }
    sql_free(sql);
    return ok;
}

/* ---- the other files ---- */

/* For a value of openssl's configuration: what it would take for a variable or a comment. */
static void add_value(struct strbuf *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr("\\$#\"'`", *at) != NULL)
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, *at);
    }
}

static void make_config(const struct writer *writer, struct strbuf *out)
{
    strbuf_printf(out,
                  "# The CA \"%s\", written by \"pgseal ca export --openssl\". What is revoked or "
                  "issued here is\n# not known to pgseal: work with one of the two.\n"
                  "#   openssl ca -config openssl.cnf -status SERIAL\n"
                  "#   openssl ca -config openssl.cnf -revoke newcerts/SERIAL.pem\n"
                  "#   openssl ca -config openssl.cnf -gencrl -out crl.pem\n"
                  "#   openssl ca -config openssl.cnf -extensions client -in alice.csr\n\n"
                  "[ca]\ndefault_ca = ca_default\n\n[ca_default]\ndir = ",
                  writer->export->authority->name);
    add_value(out, writer->path);
    strbuf_add_str(out, "\n"
                        "certificate = $dir/ca.crt\n"
                        "private_key = $dir/private/ca.key\n"
                        "database = $dir/index.txt\n"
                        "new_certs_dir = $dir/newcerts\n"
                        "serial = $dir/serial\n"
                        "rand_serial = yes\n"
                        "crlnumber = $dir/crlnumber\n"
                        "default_md = default\n"
                        "default_days = 365\n"
                        "default_crl_days = 365\n"
                        "unique_subject = no\n"
                        "copy_extensions = none\n"
                        "email_in_dn = no\n"
                        "policy = policy\n"
                        "x509_extensions = client\n"
                        "crl_extensions = crl\n\n"
                        "[policy]\ncommonName = supplied\n\n"
                        "[client]\n"
                        "basicConstraints = critical, CA:FALSE\n"
                        "keyUsage = critical, digitalSignature\n"
                        "extendedKeyUsage = clientAuth\n"
                        "subjectKeyIdentifier = hash\n"
                        "authorityKeyIdentifier = keyid\n\n"
                        "[server]\n"
                        "basicConstraints = critical, CA:FALSE\n"
                        "keyUsage = critical, digitalSignature\n"
                        "extendedKeyUsage = serverAuth\n"
                        "subjectKeyIdentifier = hash\n"
                        "authorityKeyIdentifier = keyid\n\n"
                        "[crl]\nauthorityKeyIdentifier = keyid\n");
}

static bool write_text(const struct writer *writer, const char *name, const struct strbuf *text,
                       struct err *err)
{
    return fs_write_at(writer->folder, name, text->data, text->len, FS_MODE_PUBLIC, err);
}

static char *key_file_of(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT key_file FROM authority WHERE id = ?1", err);
    bool row = false;
    char *name = NULL;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (sql_step(sql, &row, err) && row)
        name = sql_text(sql, 0);
    sql_free(sql);
    return name;
}

static bool write_key(const struct writer *writer, struct err *err)
{
    char *file = key_file_of(writer->store, writer->export->authority->id, err);
    struct secret *pem = file != NULL ? key_file_read(writer->store, file, err) : NULL;
    int folder = -1;
    bool ok = false;

    if (pem == NULL)
        goto out;
    if (mkdirat(writer->folder, "private", 0700) == 0)
        folder = openat(writer->folder, "private", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s/private\""), writer->temporary);
    else
        ok = fs_write_at(folder, "ca.key", secret_data(pem), secret_len(pem), FS_MODE_SECRET, err);
out:
    if (folder >= 0)
        close(folder);
    secret_free(pem);
    free(file);
    return ok;
}

static bool write_files(const struct writer *writer, struct err *err)
{
    static const char attr[] = "unique_subject = no\n";
    const struct authority *authority = writer->export->authority;
    struct crl *crl = authority_crl(writer->store, authority, err);
    struct strbuf text = STRBUF_INIT;
    bool ok =
        crl != NULL && crl_to_pem(crl, &text, err) && write_text(writer, "crl.pem", &text, err);

    crl_free(crl);
    strbuf_reset(&text);
    ok = ok && cert_to_pem(authority->cert, &text, err) && write_text(writer, "ca.crt", &text, err);
    strbuf_reset(&text);
    make_config(writer, &text);
    ok = ok && write_text(writer, "openssl.cnf", &text, err) &&
         write_text(writer, "index.txt", &writer->index, err) &&
         fs_write_at(writer->folder, "index.txt.attr", attr, strlen(attr), FS_MODE_PUBLIC, err) &&
         fs_write_at(writer->folder, "serial", "01\n", 3, FS_MODE_PUBLIC, err);
    strbuf_reset(&text);
    strbuf_printf(&text, "%016llX\n",
                  (unsigned long long)(authority->crl.number + authority->crl.ahead) + 1);
    ok = ok && write_text(writer, "crlnumber", &text, err) && write_key(writer, err);
    strbuf_clear(&text);
    return ok;
}

/* ---- the folder ---- */

static bool open_folders(struct writer *writer, struct err *err)
{
    char *absolute;

    if (fs_exists(writer->export->folder))
        return err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), writer->export->folder);
    if (writer->export->folder[0] == '/') {
        absolute = mem_strdup(writer->export->folder);
    } else {
        char here[PATH_MAX];

        if (getcwd(here, sizeof(here)) == NULL)
            return err_set_errno(err, ERR_FILE, errno, _("the current folder has no name"));
        absolute = fs_join(here, writer->export->folder);
    }
    while (strlen(absolute) > 1 && absolute[strlen(absolute) - 1] == '/')
        absolute[strlen(absolute) - 1] = '\0';
    writer->path = absolute;
    writer->temporary = mem_printf("%s.pgseal-%ld.tmp", absolute, (long)getpid());
    if (strchr(absolute, '\n') != NULL)
        return err_set(err, ERR_BAD_VALUE, _("the folder's name has a line end"));
    if (!fs_make_folder(writer->temporary, err))
        return false;
    writer->folder = open(writer->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->folder >= 0 && mkdirat(writer->folder, "newcerts", 0700) == 0)
        writer->newcerts = openat(writer->folder, "newcerts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->newcerts < 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), writer->temporary);
    return true;
}

static void close_folders(struct writer *writer, bool keep)
{
    struct err ignored = ERR_INIT;

    if (writer->newcerts >= 0)
        close(writer->newcerts);
    if (writer->folder >= 0)
        close(writer->folder);
    if (!keep && writer->temporary != NULL && fs_exists(writer->temporary))
        (void)!fs_remove_tree(writer->temporary, &ignored);
    free(writer->temporary);
    free(writer->path);
    strbuf_clear(&writer->index);
}

bool export_openssl(struct store *store, const struct export_openssl *export, size_t *ret_certs,
                    struct err *err)
{
    struct writer writer = {.store = store, .export = export, .folder = -1, .newcerts = -1};
    int64_t now = clock_now();
    bool ok;

    strbuf_init(&writer.index);
    if (!store_begin(store, err)) { /* certificates and list are of one moment */
        close_folders(&writer, true);
        return false;
    }
    ok = open_folders(&writer, err) && add_certs(&writer, now, err) &&
         add_numbers(&writer, now, err) && write_files(&writer, err);
    store_rollback(store); /* nothing was written there */
    ok = ok && fs_sync_all(writer.folder, err) &&
         fs_rename_folder(writer.temporary, writer.path, err);
    if (ok)
        *ret_certs = writer.certs;
    close_folders(&writer, ok);
    return ok;
}
