/* secret.c - memory for secrets: own pages, locked, not dumped, wiped. */
#include "config.h"

#include "core/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct secret {
    size_t mapped;   /* bytes of the mapping, this struct included */
    size_t capacity; /* without the NUL */
    size_t len;
    char data[];
};

struct secret *secret_new(size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (sizeof(struct secret) + capacity + 1 + page - 1) / page * page;
    struct secret *secret =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (secret == MAP_FAILED) {
        fputs("pgseal: out of memory\n", stderr);
        abort();
    }
    /* RLIMIT_MEMLOCK may be small: then the page can be swapped, and that is all we can do. */
    (void)mlock(secret, mapped);
    (void)madvise(secret, mapped, MADV_DONTDUMP);
    (void)madvise(secret, mapped, MADV_WIPEONFORK);
    secret->mapped = mapped;
    secret->capacity = capacity;
    return secret;
}

void secret_free(struct secret *secret)
{
    size_t mapped;

    if (secret == NULL)
        return;
    mapped = secret->mapped;
    explicit_bzero(secret, mapped);
    (void)munmap(secret, mapped);
}

void secret_wipe(struct secret *secret)
{
    explicit_bzero(secret->data, secret->capacity + 1);
    secret->len = 0;
}

const char *secret_data(const struct secret *secret)
{
    return secret->data;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

size_t secret_capacity(const struct secret *secret)
{
    return secret->capacity;
}

bool secret_add(struct secret *secret, const void *bytes, size_t len)
{
    if (len > secret->capacity - secret->len)
        return false;
    if (len > 0)
        memcpy(secret->data + secret->len, bytes, len);
    secret->len += len;
    secret->data[secret->len] = '\0';
    return true;
}

bool secret_set(struct secret *secret, const void *bytes, size_t len)
{
    if (len > secret->capacity)
        return false;
    secret_wipe(secret);
    return secret_add(secret, bytes, len);
}

bool secret_add_code_point(struct secret *secret, uint32_t c)
{
    char bytes[4];
    size_t len = text_encode(bytes, c);
    bool added = len > 0 && secret_add(secret, bytes, len);

    explicit_bzero(bytes, sizeof(bytes));
    return added;
}

void secret_truncate(struct secret *secret, size_t len)
{
    if (len >= secret->len)
        return;
    explicit_bzero(secret->data + len, secret->len - len);
    secret->len = len;
}

void secret_backspace(struct secret *secret)
{
    size_t len = secret->len;

    while (len > 0 && ((unsigned char)secret->data[len - 1] & 0xc0) == 0x80)
        len--;
    if (len > 0)
        len--;
    secret_truncate(secret, len);
}

size_t secret_characters(const struct secret *secret)
{
    size_t n = 0;

    for (size_t i = 0; i < secret->len; i++)
        n += ((unsigned char)secret->data[i] & 0xc0) != 0x80;
    return n;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    unsigned char differs = 0;

    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        differs |= (unsigned char)(a->data[i] ^ b->data[i]);
    return differs == 0;
}

struct secret *secret_dup(const struct secret *secret)
{
    struct secret *copy;

    if (secret == NULL)
        return NULL;
    copy = secret_new(secret->capacity);
    memcpy(copy->data, secret->data, secret->len + 1);
    copy->len = secret->len;
    return copy;
}

/* Reads up to the first line end, byte by byte: what follows belongs to the descriptor's owner. */
static struct secret *read_line(int fd, const char *what, struct err *err)
{
    struct secret *secret = secret_new(SECRET_PASSPHRASE_MAX);
    char c;

    for (;;) {
        ssize_t got = read(fd, &c, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set_errno(err, ERR_FILE, errno, _("cannot read the passphrase from %s"), what);
            goto fail;
        }
        if (got == 0 || c == '\n')
            break;
        if (c == '\0' || !secret_add(secret, &c, 1)) {
            err_set(err, ERR_BAD_VALUE, _("the first line of %s is no passphrase"), what);
            err_hint(err, _("At most %d bytes, without NUL."), SECRET_PASSPHRASE_MAX);
            goto fail;
        }
    }
    if (secret->len > 0 && secret->data[secret->len - 1] == '\r')
        secret_truncate(secret, secret->len - 1);
    explicit_bzero(&c, 1);
    if (secret->len == 0) {
        err_set(err, ERR_BAD_VALUE, _("the passphrase in %s is empty"), what);
        goto fail;
    }
    return secret;

fail:
    explicit_bzero(&c, 1);
    secret_free(secret);
    return NULL;
}

struct secret *secret_read_fd(int fd, struct err *err)
{
    char what[32];

    snprintf(what, sizeof(what), "descriptor %d", fd);
    return read_line(fd, what, err);
}

struct secret *secret_read_file(const char *path, struct err *err)
{
    struct secret *secret = NULL;
    struct stat st;
    char *what = mem_printf("\"%s\"", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot open the passphrase file \"%s\""), path);
        goto out;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err_set(err, ERR_FILE_UNSAFE, _("\"%s\" is not a regular file"), path);
        goto out;
    }
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 077) != 0) {
        err_set(err, ERR_FILE_UNSAFE, _("the passphrase file \"%s\" can be read by others"), path);
        err_cause(err, "%s", _("Whoever reads it can use the key that it opens."));
        err_hint(err, _("chmod 600 %s"), path);
        goto out;
    }
    secret = read_line(fd, what, err);
out:
    if (fd >= 0)
        close(fd);
    free(what);
    return secret;
}

struct secret *secret_read_whole_fd(int fd, const char *what, size_t max, struct err *err)
{
    struct secret *secret = secret_new(max);
    char chunk[1024];
    bool ok = false;

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set_errno(err, ERR_FILE, errno, _("cannot read \"%s\""), what);
            break;
        }
        if (got == 0) {
            ok = true;
            break;
        }
        if (!secret_add(secret, chunk, (size_t)got)) {
            err_set(err, ERR_TOO_LARGE, _("\"%s\" is larger than %zu bytes"), what, max);
            break;
        }
    }
    explicit_bzero(chunk, sizeof(chunk));
    if (ok)
        return secret;
    secret_free(secret);
    return NULL;
}

struct secret *secret_read_whole(const char *path, size_t max, struct err *err)
{
    struct secret *secret = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot open \"%s\""), path);
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err_set(err, ERR_FILE, _("\"%s\" is not a regular file"), path);
    else
        secret = secret_read_whole_fd(fd, path, max, err);
    close(fd);
    return secret;
}

void secret_protect_process(void)
{
    struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)umask(077);
}
