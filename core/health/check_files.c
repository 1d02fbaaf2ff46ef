/* check_files.c - would the server load its TLS files if it started now? */
#include "config.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/check.h"
#include "core/pki/ossl.h"

#define KEY_MAX       65536
#define DIR_FILES_MAX 64

/* ---- is the server's disk here? ---- */

/* pg_control begins with the system identifier, as eight bytes in the machine's order. */
static void find_out_where(struct check *check)
{
    const char *folder = check->settings.data_directory;
    char *path = mem_printf("%s/global/pg_control", folder);
    char text[32];
    uint64_t identifier = 0;
    struct stat st;
    int fd = folder[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;

    if (fd >= 0 && read(fd, &identifier, sizeof(identifier)) == (ssize_t)sizeof(identifier) &&
        stat(folder, &st) == 0) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)identifier);
        check->is_here = text_equal(text, check->out->system_identifier);
        check->server_uid = st.st_uid;
    }
    if (fd >= 0)
        close(fd);
    free(path);
}

/* ---- files in general ---- */

static void add_restart(struct check *check)
{
    if (check->ssl)
        check->out->restart_fails = true;
}

static void judge_state(struct check *check, const char *setting, const struct tls_file *file,
                        enum finding_act act)
{
    struct finding *finding = NULL;

    switch (file->state) {
    case TLS_FILE_UNSET:
    case TLS_FILE_READ:
    case TLS_FILE_HAS_KEY:
        return;
    case TLS_FILE_NOT_SEEN:
        check_not_seen(check, setting, _("the file \"%s\": your role may not look"), file->path);
        return;
    case TLS_FILE_MISSING:
        finding = finding_add(check->findings, FINDING_ERROR, ERR_TLS_FILE_MISSING, setting,
                              _("\"%s\" is not there on the server"), file->path);
        break;
    case TLS_FILE_UNREADABLE:
        finding = finding_add(check->findings, FINDING_ERROR, ERR_TLS_FILE_UNREADABLE, setting,
                              _("\"%s\" cannot be read by the server: %s"), file->path, file->why);
        break;
    }
    finding_mend(finding, act, "");
    add_restart(check);
}

static void judge_content(struct check *check, const char *setting, const struct tls_file *file,
                          enum finding_act act)
{
    if (file->state != TLS_FILE_READ)
        return;
    if (!file->loads) {
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_TLS_FILE_DAMAGED, setting,
                                 _("\"%s\" does not load: %s"), file->path, file->load_error),
                     act, "");
        add_restart(check);
    }
    if (file->n_skipped > 0)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_PEM_SKIPPED, setting,
                                 _("\"%s\" has %zu blocks that PostgreSQL does not see"),
                                 file->path, file->n_skipped),
                     act, "");
}

/* A change after the last reload; the wire tells of certificates and CAs, of lists nobody does. */
static void judge_time(struct check *check, const char *setting, const struct tls_file *file)
{
    if (file->state != TLS_FILE_READ || file->changed_at <= check->loaded_at)
        return;
    finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_TLS_STALE, setting,
                             _("\"%s\" was changed after the last reload"), file->path),
                 ACT_RELOAD, "");
}

/* ---- the key ---- */

/* Whether the server can read it and whether it is encrypted, told by the server: the key stays. */
static bool ask_about_key(struct check *check, const char *path, bool *ret_there,
                          bool *ret_encrypted, struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.position(pg_catalog.pg_read_binary_file($1::text),"
                              " '\\x454e43525950544544'::bytea) > 0"; /* ENCRYPTED */
    struct err why = ERR_INIT;
    struct tls_file file = {.state = TLS_FILE_READ};
    struct result *result = conn_exec(check->conn, sql, 1, &path, &why);

    *ret_there = result != NULL;
    *ret_encrypted = result && result_bool(result, 0, 0);
    result_free(result);
    if (*ret_there)
        return true;
    if (conn_state(check->conn) != CONN_IDLE) {
        *err = why;
        return false;
    }
    file.state =
        text_equal(conn_sqlstate(check->conn), "58P01") ? TLS_FILE_MISSING : TLS_FILE_UNREADABLE;
    file.path = mem_strdup(path);
    text_clean_copy(file.why, sizeof(file.why), why.msg);
    judge_state(check, "ssl_key_file", &file, ACT_SERVER_TLS);
    free(file.path);
    return true;
}

/* be-secure-common.c check_ssl_key_file_permissions(). */
static void judge_key_mode(struct check *check, const char *path)
{
    struct stat st;
    const char *wrong = NULL;

    if (stat(path, &st) != 0)
        return;
    if (!S_ISREG(st.st_mode))
        wrong = _("it is not a regular file");
    else if (st.st_uid != check->server_uid && st.st_uid != 0)
        wrong = _("it belongs to another user");
    else if (st.st_uid == check->server_uid && (st.st_mode & (S_IRWXG | S_IRWXO)))
        wrong = _("group or others may read it");
    else if (st.st_uid == 0 && st.st_uid != check->server_uid &&
             (st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)))
        wrong = _("it is root's, and more than the group may read it");
    if (!wrong)
        return;
    finding_add(check->findings, FINDING_ERROR, ERR_SERVER_KEY_MODE, "ssl_key_file",
                _("\"%s\" has mode %04o: %s"), path, (unsigned)(st.st_mode & 07777), wrong);
    add_restart(check);
}

/* On the server's machine only: does it belong to the certificate? */
static void judge_key_pair(struct check *check, const char *path)
{
    struct secret *pem = NULL;
    struct key *key = NULL;
    struct err why = ERR_INIT;

    if (check->cert.certs.n == 0)
        return;
    pem = secret_read_whole(path, KEY_MAX, &why);
    if (!pem)
        return;
    key = key_from_pem(secret_data(pem), secret_len(pem), NULL, &why);
    secret_free(pem);
    if (!key) {
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_TLS_FILE_DAMAGED,
                                 "ssl_key_file", _("\"%s\" does not load: %s"), path, why.msg),
                     ACT_SERVER_TLS, "");
        add_restart(check);
    } else if (!cert_matches_key(check->cert.certs.certs[0], key)) {
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_SERVER_KEY_OTHER,
                                 "ssl_key_file",
                                 _("\"%s\" is not the key of the first certificate in \"%s\""),
                                 path, check->cert.path),
                     ACT_SERVER_TLS, "");
        add_restart(check);
    }
    key_free(key);
}

static bool check_key(struct check *check, struct err *err)
{
    const char *setting = settings_value(&check->settings, "ssl_key_file");
    bool command = *settings_value(&check->settings, "ssl_passphrase_command") != '\0';
    char *path;
    bool there = false, encrypted = false;
    bool done = true;

    if (check->cert.state == TLS_FILE_NOT_SEEN || !*setting)
        return true;
    path = tls_file_path(check->settings.data_directory, setting);
    done = ask_about_key(check, path, &there, &encrypted, err);
    if (done && there && encrypted && !command)
        finding_mend(
            finding_add(check->findings, FINDING_WARNING, ERR_KEY_PASSPHRASE, "ssl_key_file",
                        _("\"%s\" is encrypted, and there is no ssl_passphrase_command"), path),
            ACT_SERVER_TLS, "");
    if (done && there && check->is_here) {
        judge_key_mode(check, path);
        if (!encrypted)
            judge_key_pair(check, path);
    } else if (done && there) {
        check_not_seen(check, "ssl_key_file",
                       _("mode and owner of \"%s\": only on the server's machine"), path);
    }
    free(path);
    return done;
}

/* ---- ssl_crl_dir ---- */

/* "5a1b2c3d.r0": a list; "5a1b2c3d.0": a CA that becomes trusted. */
static bool hash_name(const char *name, bool *ret_list)
{
    size_t at = strspn(name, "0123456789abcdef");
    size_t digits;

    if (at != 8 || name[at] != '.')
        return false;
    *ret_list = name[++at] == 'r';
    at += *ret_list;
    digits = strspn(name + at, "0123456789");
    return digits > 0 && digits < 5 && name[at + digits] == '\0';
}

static bool hash_fits(const char *name, const struct crl *crl)
{
    char hash[16];
    int good = 0;
    unsigned long value = X509_NAME_hash_ex(X509_CRL_get_issuer(ossl_crl(crl)), NULL, NULL, &good);

    snprintf(hash, sizeof(hash), "%08lx", value);
    return good && strncmp(hash, name, 8) == 0;
}

/* OpenSSL counts from ".r0" and stops at the first number that is missing. */
static bool is_reached(const struct result *names, const char *name)
{
    long number = strtol(name + 10, NULL, 10);
    bool reached = true;

    for (long lower = 0; reached && lower < number; lower++) {
        char wanted[40];

        snprintf(wanted, sizeof(wanted), "%.8s.r%ld", name, lower);
        reached = false;
        for (int i = 0; !reached && i < result_rows(names); i++)
            reached = text_equal(result_get(names, i, 0), wanted);
    }
    return reached;
}

static bool read_dir_file(struct check *check, const char *folder, const char *name, bool list,
                          struct err *err)
{
    char *path = mem_printf("%s/%s", folder, name);
    struct tls_file file;
    bool done = tls_file_read(check->conn, "", path, list ? TLS_FILE_CRL : TLS_FILE_CA, &file, err);

    if (!done) {
        free(path);
        return false;
    }
    judge_state(check, "ssl_crl_dir", &file, ACT_CRL);
    for (size_t i = 0; list && i < file.n_crls; i++) {
        if (!hash_fits(name, file.crls[i]))
            continue;
        check->dir_crls =
            mem_realloc_array(check->dir_crls, check->n_dir_crls + 1, sizeof(check->dir_crls[0]));
        check->dir_crls[check->n_dir_crls++] = file.crls[i];
        file.crls[i] = NULL;
    }
    for (size_t i = 0; !list && i < file.certs.n; i++)
        cert_list_take(&check->dir_cas, cert_dup(file.certs.certs[i]));
    tls_file_clear(&file);
    free(path);
    return true;
}

static void judge_dir(struct check *check, const char *path, const char *wrong)
{
    bool other_lists = check->crl.n_crls > 0;

    finding_mend(finding_add(check->findings, other_lists ? FINDING_WARNING : FINDING_ERROR,
                             ERR_CRL_DIR, "ssl_crl_dir", "\"%s\": %s", path, wrong),
                 ACT_CRL, "");
}

static bool check_dir(struct check *check, struct err *err)
{
    const char *setting = settings_value(&check->settings, "ssl_crl_dir");
    char *path = tls_file_path(check->settings.data_directory, setting);
    const char *value = path;
    struct err why = ERR_INIT;
    struct result *result = NULL;
    int n_named = 0;
    bool done = true;

    if (!*setting)
        goto out;
    result =
        conn_exec(check->conn, "SELECT pg_catalog.pg_ls_dir($1::text) ORDER BY 1", 1, &value, &why);
    if (!result && conn_state(check->conn) != CONN_IDLE) {
        *err = why;
        done = false;
    } else if (!result && text_equal(conn_sqlstate(check->conn), "58P01")) {
        check->dir_seen = true;
        judge_dir(check, path, _("there is no such folder on the server"));
    } else if (!result) {
        check_not_seen(check, "ssl_crl_dir", "\"%s\": %s", path, why.msg);
    }
    if (!result)
        goto out;
    check->dir_seen = true;
    for (int i = 0; done && i < result_rows(result) && n_named < DIR_FILES_MAX; i++) {
        const char *name = result_get(result, i, 0);
        bool list = false;

        if (!name || !hash_name(name, &list) || (list && !is_reached(result, name)))
            continue;
        n_named++;
        done = read_dir_file(check, path, name, list, err);
    }
    if (done && check->n_dir_crls == 0)
        judge_dir(check, path,
                  result_rows(result) == 0 ? _("the folder is empty")
                  : n_named == 0           ? _("no file is named by its hash")
                                           : _("no list is in the file of its issuer's hash"));
out:
    result_free(result);
    free(path);
    return done;
}

/* ---- all ---- */

static bool read_file(struct check *check, const char *setting, enum tls_file_kind kind,
                      struct tls_file *ret, struct err *err)
{
    return tls_file_read(check->conn, check->settings.data_directory,
                         settings_value(&check->settings, setting), kind, ret, err);
}

static void judge_private_key(struct check *check, const char *setting, const struct tls_file *file)
{
    if (file->state == TLS_FILE_HAS_KEY)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_KEY_IN_CA_FILE, setting,
                                 _("\"%s\" holds a private key"), file->path),
                     ACT_TRUST, "");
}

bool check_files(struct check *check, struct err *err)
{
    find_out_where(check);
    if (!read_file(check, "ssl_cert_file", TLS_FILE_CERT, &check->cert, err) ||
        !read_file(check, "ssl_ca_file", TLS_FILE_CA, &check->ca, err) ||
        !read_file(check, "ssl_crl_file", TLS_FILE_CRL, &check->crl, err))
        return false;
    check->out->n_cas = check->ca.certs.n;
    if (check->ssl) { /* while it is off the files are not opened at all */
        judge_state(check, "ssl_cert_file", &check->cert, ACT_SERVER_TLS);
        judge_content(check, "ssl_cert_file", &check->cert, ACT_SERVER_TLS);
        if (!check_key(check, err))
            return false;
    }
    judge_state(check, "ssl_ca_file", &check->ca, ACT_TRUST);
    judge_content(check, "ssl_ca_file", &check->ca, ACT_TRUST);
    judge_private_key(check, "ssl_ca_file", &check->ca);
    judge_state(check, "ssl_crl_file", &check->crl, ACT_CRL);
    judge_content(check, "ssl_crl_file", &check->crl, ACT_CRL);
    judge_private_key(check, "ssl_crl_file", &check->crl);
    judge_time(check, "ssl_crl_file", &check->crl);
    return check_dir(check, err);
}
