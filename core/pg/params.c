/* params.c - keywords are kept sorted: the ones that people look for first, then by the alphabet. */
#include "config.h"

#include "core/pg/params.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define PARAMS_TEXT_MAX 8192

struct param {
    char *keyword;
    char *value;
};

struct params {
    struct param *items;
    size_t n;
};

static int keyword_rank(const char *keyword)
{
    static const char *const first[] = {"service", "host", "hostaddr", "port", "user", "dbname"};

    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        if (!strcmp(keyword, first[i]))
            return (int)i;
    return (int)ARRAY_LEN(first);
}

static int keyword_compare(const char *a, const char *b)
{
    int ranks = keyword_rank(a) - keyword_rank(b);

    return ranks ? ranks : strcmp(a, b);
}

/* A password or a key's passphrase may be among them. */
static void free_value(char *value)
{
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
}

struct params *params_new(void)
{
    return mem_zalloc(sizeof(struct params));
}

void params_free(struct params *params)
{
    if (!params)
        return;
    for (size_t i = 0; i < params->n; i++) {
        free(params->items[i].keyword);
        free_value(params->items[i].value);
    }
    free(params->items);
    free(params);
}

struct params *params_dup(const struct params *params)
{
    struct params *dup = params_new();

    for (size_t i = 0; i < params->n; i++)
        params_set(dup, params->items[i].keyword, params->items[i].value);
    return dup;
}

static void remove_at(struct params *params, size_t i)
{
    free(params->items[i].keyword);
    free_value(params->items[i].value);
    params->n--;
    memmove(&params->items[i], &params->items[i + 1], (params->n - i) * sizeof(params->items[0]));
}

void params_set(struct params *params, const char *keyword, const char *value)
{
    size_t at = 0;

    while (at < params->n && keyword_compare(params->items[at].keyword, keyword) < 0)
        at++;
    if (at < params->n && !strcmp(params->items[at].keyword, keyword)) {
        if (value) {
            char *copy = mem_strdup(value); /* value may be the old one */

            free_value(params->items[at].value);
            params->items[at].value = copy;
        } else {
            remove_at(params, at);
        }
        return;
    }
    if (!value)
        return;
    params->items = mem_realloc_array(params->items, params->n + 1, sizeof(params->items[0]));
    memmove(&params->items[at + 1], &params->items[at],
            (params->n - at) * sizeof(params->items[0]));
    params->items[at].keyword = mem_strdup(keyword);
    params->items[at].value = mem_strdup(value);
    params->n++;
}

const char *params_get(const struct params *params, const char *keyword)
{
    for (size_t i = 0; i < params->n; i++)
        if (!strcmp(params->items[i].keyword, keyword))
            return params->items[i].value;
    return NULL;
}

size_t params_count(const struct params *params)
{
    return params->n;
}

bool params_at(const struct params *params, size_t i, const char **ret_keyword,
               const char **ret_value)
{
    if (i >= params->n)
        return false;
    *ret_keyword = params->items[i].keyword;
    *ret_value = params->items[i].value;
    return true;
}

/* libpq marks what must not be shown with "*": password, sslpassword, and what later versions add. */
static bool is_secret(const PQconninfoOption *option)
{
    return option->dispchar && option->dispchar[0] == '*';
}

static struct params *take_options(const PQconninfoOption *options, struct err *err)
{
    struct params *params = params_new();

    for (const PQconninfoOption *option = options; option->keyword; option++) {
        if (!option->val)
            continue;
        if (is_secret(option)) {
            err_set(err, ERR_USAGE, _("\"%s\" does not belong into a connection string"),
                    option->keyword);
            err_cause(err, "%s", _("Connection strings are stored and shown."));
            err_hint(err, "%s", _("Leave it out: passwords come from ~/.pgpass or are asked for."));
            params_free(params);
            return NULL;
        }
        params_set(params, option->keyword, option->val);
    }
    return params;
}

static bool is_service_name(const char *text)
{
    return text[0] && !strchr(text, '=') && !strstr(text, "://");
}

static bool check_service_name(const char *name, struct err *err)
{
    if (strpbrk(name, " \t\r\n[]'\"\\/") || !text_is_clean(name)) {
        err_set(err, ERR_USAGE, _("\"%s\" is neither a connection string nor a service name"),
                name);
        return err_hint(err, "%s",
                        _("Write \"host=db1 user=admin\", \"postgresql://admin@db1/\", or the name "
                          "of a service of pg_service.conf."));
    }
    return true;
}

struct params *params_parse(const char *text, struct err *err)
{
    PQconninfoOption *options = NULL;
    struct params *params = NULL;
    char *words = NULL;

    if (strlen(text) > PARAMS_TEXT_MAX) {
        err_set(err, ERR_TOO_LARGE, _("the connection string is longer than %d bytes"),
                PARAMS_TEXT_MAX);
        return NULL;
    }
    if (is_service_name(text)) {
        if (!check_service_name(text, err))
            return NULL;
        params = params_new();
        params_set(params, "service", text);
        return params;
    }

    options = PQconninfoParse(text, &words);
    if (!options) {
        char clean[160];

        /* libpq repeats the text in its message, and with it a password: only the kind is said. */
        text_clean_copy(clean, sizeof(clean), words && !strstr(text, "password") ? words : "");
        clean[strcspn(clean, "\r\n")] = '\0';
        err_set(err, ERR_USAGE, _("the connection string cannot be read%s%s"), clean[0] ? ": " : "",
                clean);
        err_hint(err, "%s", _("Write it as libpq does: \"host=db1 port=5432 user=admin\"."));
        goto out;
    }
    params = take_options(options, err);
out:
    PQconninfoFree(options);
    PQfreemem(words);
    return params;
}

bool params_format(const struct params *params, struct strbuf *out, struct err *err)
{
    for (size_t i = 0; i < params->n; i++) {
        strbuf_printf(out, "%s%s=", i ? " " : "", params->items[i].keyword);
        if (!text_quote_conninfo(out, params->items[i].value))
            return err_set(err, ERR_BAD_VALUE, _("the value of \"%s\" cannot be written"),
                           params->items[i].keyword);
    }
    return true;
}

bool params_is_local(const struct params *params)
{
    const char *host = params_get(params, "host");
    const char *hostaddr = params_get(params, "hostaddr");

    if (hostaddr && hostaddr[0])
        return false;
    /* '@' is an abstract socket. A list of hosts is local when its first one is. */
    return !host || !host[0] || host[0] == '/' || host[0] == '@';
}
