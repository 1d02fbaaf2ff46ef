/* key_file.c - private keys beside the store, never in it. */
#include "config.h"

#include "core/store/key_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"

#define KEY_FILE_MAX 32768 /* an RSA-4096 key is 3.5 kB */

/* Names come from the store, and a store may come from a backup that somebody else had in his hands:
 * none of them leads out of keys/. */
static bool is_plain(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static char *key_path(const struct store *store, const char *name)
{
    return mem_printf("%s/keys/%s", store_folder(store), name);
}

static bool refuse_name(const char *name, struct err *err)
{
    return err_set(err, ERR_CA_KEY, _("\"%s\" is no name of a private key's file"), name);
}

static void add_safe_name(struct strbuf *out, const char *authority)
{
    for (const char *at = authority; *at != '\0' && out->len < 40; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x80 && isalnum(c))
            strbuf_add_char(out, (char)tolower(c));
        else if (out->len > 0 && out->data[out->len - 1] != '-')
            strbuf_add_char(out, '-');
    }
    if (out->len > 0 && out->data[out->len - 1] != '-')
        strbuf_add_char(out, '-');
}

char *key_file_name(const char *authority, const struct cert *cert, const char *suffix)
{
    struct strbuf name = STRBUF_INIT;
    char hex[CERT_SHA256_HEX];

    add_safe_name(&name, authority);
    strbuf_add(&name, cert_sha256_hex(cert, hex), 12);
    strbuf_add_str(&name, suffix);
    return strbuf_steal(&name);
}

char *key_file_new_name(const char *authority, const struct cert *cert, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    struct serial random;
    char hex[CERT_SHA256_HEX];

    if (!serial_random(&random, err))
        return NULL;
    add_safe_name(&name, authority);
    if (cert != NULL) {
        strbuf_add(&name, cert_sha256_hex(cert, hex), 12);
        strbuf_add_char(&name, '-');
    }
    strbuf_add_hex(&name, random.bytes, 6);
    strbuf_add_str(&name, ".key");
    return strbuf_steal(&name);
}

bool key_file_write(const struct store *store, const char *name, const struct secret *pem,
                    struct err *err)
{
    char *path = key_path(store, name);
    bool ok = is_plain(name)
                  ? fs_write_new(path, secret_data(pem), secret_len(pem), FS_MODE_SECRET, err)
                  : refuse_name(name, err);

    free(path);
    return ok;
}

static bool check_file(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return err_set(err, ERR_FILE_UNSAFE, _("\"%s\" is not a file of yours"), path);
    if ((st.st_mode & 077) != 0) {
        err_set(err, ERR_KEY_MODE, _("the private key \"%s\" can be read by others"), path);
        return err_hint(err, _("chmod 600 %s"), path);
    }
    return true;
}

struct secret *key_file_read(const struct store *store, const char *name, struct err *err)
{
    char *path = key_path(store, name);
    struct secret *secret = NULL;
    int fd = -1;

    if (!is_plain(name)) {
        (void)refuse_name(name, err);
        goto out;
    }
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        err_set(err, ERR_CA_KEY, _("the private key \"%s\" is not here"), path);
        goto out;
    }
    if (fd < 0) {
        err_set_errno(err, ERR_CA_KEY, errno, _("cannot open the private key \"%s\""), path);
        goto out;
    }
    if (!check_file(fd, path, err))
        goto out;
    secret = secret_read_whole_fd(fd, path, KEY_FILE_MAX, err);
    if (secret == NULL && err->code == ERR_TOO_LARGE)
        err->code = ERR_CA_KEY;
out:
    if (fd >= 0)
        close(fd);
    free(path);
    return secret;
}

bool key_file_exists(const struct store *store, const char *name)
{
    char *path = key_path(store, name);
    bool exists = is_plain(name) && fs_exists(path);

    free(path);
    return exists;
}

void key_file_remove(const struct store *store, const char *name)
{
    char *path = key_path(store, name);

    if (is_plain(name))
        (void)unlink(path);
    free(path);
}
