/* store_box.c - a store in a temporary folder. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/store_box.h"

static int64_t now = BOX_NOW;

static int64_t box_now(void)
{
    return now;
}

void box_set_now(int64_t when)
{
    now = when;
}

void box_open(struct box *box)
{
    struct err err = ERR_INIT;

    now = BOX_NOW;
    clock_replace(box_now);
    box->folder = fs_make_temp_folder("pgseal-test", &err);
    if (box->folder == NULL)
        fail_msg("%s", err.msg);
    box->store_folder = fs_join(box->folder, "store");
    box->store = store_open(box->store_folder, STORE_CREATE, &err);
    if (box->store == NULL)
        fail_msg("%s", err.msg);
}

void box_close(struct box *box)
{
    struct err err = ERR_INIT;

    store_close(box->store);
    if (!fs_remove_tree(box->folder, &err))
        fail_msg("%s", err.msg);
    free(box->store_folder);
    free(box->folder);
    clock_replace(NULL);
}

int box_setup(void **state)
{
    struct box *box = mem_zalloc(sizeof(*box));

    box_open(box);
    *state = box;
    return 0;
}

int box_teardown(void **state)
{
    box_close(*state);
    free(*state);
    return 0;
}

void box_reopen(struct box *box, enum store_mode mode)
{
    struct err err = ERR_INIT;

    store_close(box->store);
    box->store = store_open(box->store_folder, mode, &err);
    if (box->store == NULL)
        fail_msg("%s", err.msg);
}

struct secret *box_secret(const char *text)
{
    struct secret *secret = secret_new(SECRET_PASSPHRASE_MAX);

    if (!secret_set(secret, text, strlen(text)))
        fail_msg("too long for a secret");
    return secret;
}

struct authority *box_authority(struct box *box, const char *name, struct key **ret_key)
{
    struct err err = ERR_INIT;
    struct authority_spec spec = {.name = name, .key_type = KEY_EC_P256};
    struct authority *authority = authority_create(box->store, &spec, &err);

    if (authority == NULL)
        fail_msg("%s", err.msg);
    if (ret_key != NULL) {
        *ret_key = authority_unlock(box->store, authority, NULL, &err);
        if (*ret_key == NULL)
            fail_msg("%s", err.msg);
    }
    return authority;
}

int ca_box_setup(void **state)
{
    struct ca_box *box = mem_zalloc(sizeof(*box));

    box_open(&box->box);
    box->authority = box_authority(&box->box, "Acme", &box->key);
    *state = box;
    return 0;
}

int ca_box_teardown(void **state)
{
    struct ca_box *box = *state;

    authority_free(box->authority);
    key_free(box->key);
    box_close(&box->box);
    free(box);
    return 0;
}

struct issued *box_issue(struct box *box, const struct authority *authority, const struct key *key,
                         const char *role, int days)
{
    struct err err = ERR_INIT;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = role, .days = days, .key = own};
    struct issued *issued;

    if (own == NULL)
        fail_msg("%s", err.msg);
    issued = issued_make(box->store, authority, key, &spec, &err);
    if (issued == NULL)
        fail_msg("%s", err.msg);
    key_free(own);
    return issued;
}

int box_run(char **ret_output, const char *fmt, ...)
{
    char command[4096];
    char chunk[4096];
    struct strbuf output = STRBUF_INIT;
    size_t got;
    va_list args;
    FILE *pipe;
    int status;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    fflush(stdout);
    pipe = popen(command, "r");
    if (pipe == NULL)
        fail_msg("cannot run \"%s\"", command);
    while ((got = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
        strbuf_add(&output, chunk, got);
    status = pclose(pipe);
    if (ret_output != NULL)
        *ret_output = strbuf_steal(&output);
    else
        strbuf_clear(&output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

char *box_read(const char *path)
{
    struct err err = ERR_INIT;
    struct strbuf content = STRBUF_INIT;

    if (!fs_read(path, 1 << 20, &content, &err))
        fail_msg("%s", err.msg);
    return strbuf_steal(&content);
}

void box_assert_err(struct err *err, enum err_code code)
{
    if (err->code != code)
        fail_msg("error %d (%s), expected %d", (int)err->code, err->msg, (int)code);
    *err = (struct err)ERR_INIT;
}
