/* doctor_login.c - libpq with a deadline of our own, and its message taken apart. */
#include "config.h"

#include "core/health/doctor_login.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor.h"
#include "core/pg/passfile.h"

#define NO_SUCH_VALUE "pgseal-asks-only"
#define EXTRA         10

/* ---- keywords ---- */

struct words {
    const char **keywords, **values;
    size_t n;
};

static void words_add(struct words *words, const char *keyword, const char *value)
{
    words->keywords[words->n] = keyword; /* the last one of a keyword wins */
    words->values[words->n++] = value;
}

static struct words words_of(const struct params *params)
{
    size_t n = params_count(params);
    struct words words = {.keywords = mem_array(n + EXTRA, sizeof(char *)),
                          .values = mem_array(n + EXTRA, sizeof(char *))};

    for (size_t i = 0; i < n; i++) {
        const char *keyword = NULL, *value = NULL;

        if (params_at(params, i, &keyword, &value))
            words_add(&words, keyword, value);
    }
    return words;
}

static void words_clear(struct words *words)
{
    free(words->keywords);
    free(words->values);
}

/* ---- what libpq would use ---- */

struct doctor_effective {
    PQconninfoOption *options;
};

const char *doctor_effective_get(const struct doctor_effective *effective, const char *keyword)
{
    for (const PQconninfoOption *option = effective->options; option && option->keyword; option++) {
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    }
    return NULL;
}

void doctor_effective_free(struct doctor_effective *effective)
{
    if (!effective)
        return;
    PQconninfoFree(effective->options);
    free(effective);
}

/* With a channel_binding that does not exist libpq reads everything, refuses, and opens no socket. */
struct doctor_effective *doctor_effective_new(const struct params *params, struct err *err)
{
    struct doctor_effective *effective = mem_zalloc(sizeof(*effective));
    struct words words = words_of(params);
    PGconn *pg;
    const char *seen;

    words_add(&words, "channel_binding", NO_SUCH_VALUE);
    words_add(&words, "passfile", DOCTOR_NO_FILE);
    pg = PQconnectStartParams(words.keywords, words.values, 0);
    effective->options = pg ? PQconninfo(pg) : NULL;
    seen = doctor_effective_get(effective, "channel_binding");
    if (!text_equal(seen, NO_SUCH_VALUE)) {
        char clean[200];

        text_clean_copy(clean, sizeof(clean), pg ? PQerrorMessage(pg) : "");
        err_set(err, ERR_USAGE, "%s", clean);
        doctor_effective_free(effective);
        effective = NULL;
    }
    PQfinish(pg);
    words_clear(&words);
    return effective;
}

/* ---- the message ---- */

/* Lines become one; what begins with a blank is advice, DETAIL, LOCATION. */
static char *one_line(const char *text)
{
    struct strbuf out = STRBUF_INIT;

    while (*text) {
        size_t len = strcspn(text, "\r\n");

        if (len > 0 && text[0] != '\t' && !text_starts_with(text, "LOCATION:")) {
            if (out.len > 0)
                strbuf_add_str(&out, "; ");
            text_clean(&out, text, len, TEXT_ONE_LINE);
        }
        text += len;
        text += strspn(text, "\r\n");
    }
    return strbuf_steal(&out);
}

/* "FATAL:  28000: text": the last one, since later tries come later. Returns what follows, or NULL. */
static const char *find_sqlstate(const char *text, char ret[6])
{
    const char *found = NULL;

    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 1, ":  ")) {
        size_t len = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (len != 5 || at[8] != ':' || at[9] != ' ')
            continue;
        memcpy(ret, at + 3, 5);
        ret[5] = '\0';
        found = at + 10;
    }
    return found;
}

/* "LOCATION:  ClientAuthentication, auth.c:428": the word before it is translated, the rest is not. */
static void find_routine(const char *after, char *ret, size_t size)
{
    const char *place = NULL;
    const char *line = after;
    char *word;

    for (const char *at = strstr(after, ".c:"); at; at = strstr(at + 1, ".c:"))
        place = at;
    if (!place)
        return;
    for (const char *at = after; at < place; at++) {
        if (*at == '\n')
            line = at + 1;
    }
    line = strstr(line, ":  ");
    if (!line || line > place)
        return;
    line += 3;
    word = mem_strndup(line, strcspn(line, ",\n"));
    text_clean_copy(ret, size, word);
    free(word);
}

static void take_refusal(PGconn *pg, struct doctor_login *ret)
{
    const char *text = PQerrorMessage(pg);
    const char *said = find_sqlstate(text, ret->sqlstate);

    ret->needs_password = PQconnectionNeedsPassword(pg) == 1;
    ret->used_password = PQconnectionUsedPassword(pg) == 1;
    ret->said = one_line(text);
    if (!said)
        return;
    ret->names_in_text = memchr(said, '"', strcspn(said, "\r\n")) != NULL;
    find_routine(said, ret->routine, sizeof(ret->routine));
}

/* ---- the login ---- */

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg; /* libpq would write it to standard error */
    (void)result;
}

static void hook_key_passphrase(void)
{
    PQsetSSLKeyPassHook_OpenSSL(PQdefaultSSLKeyPassHook_OpenSSL);
}

static bool wait_socket(PGconn *pg, short events, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = PQsocket(pg), .events = events};
    int64_t left = deadline_ms - clock_mono_ms();

    return left > 0 && fd.fd >= 0 && poll(&fd, 1, (int)left) > 0;
}

/* True when in; false with what was said, or timed_out. */
static bool wait_in(PGconn *pg, int64_t deadline_ms, bool *ret_timed_out)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (PQstatus(pg) != CONNECTION_BAD) {
        if (!wait_socket(pg, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms)) {
            *ret_timed_out = true;
            return false;
        }
        status = PQconnectPoll(pg);
        if (status == PGRES_POLLING_OK)
            return true;
        if (status == PGRES_POLLING_FAILED)
            return false;
    }
    return false;
}

/* The server's own view of this session. A pooler may have none: then it stays empty. */
static void ask_session(PGconn *pg, int64_t deadline_ms, struct doctor_login *ret)
{
    static const char sql[] =
        "SELECT client_serial::pg_catalog.text, client_dn FROM pg_catalog.pg_stat_ssl"
        " WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()";
    PGresult *result = NULL;

    if (!PQsendQueryParams(pg, sql, 0, NULL, NULL, NULL, NULL, 0))
        return;
    while (PQisBusy(pg)) {
        if (!wait_socket(pg, POLLIN, deadline_ms) || !PQconsumeInput(pg))
            return;
    }
    result = PQgetResult(pg);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
        text_clean_copy(ret->client_serial, sizeof(ret->client_serial), PQgetvalue(result, 0, 0));
        text_clean_copy(ret->client_dn, sizeof(ret->client_dn), PQgetvalue(result, 0, 1));
    }
    PQclear(result);
}

static PGconn *start(const struct doctor_login_request *request)
{
    struct words words = words_of(request->params);
    struct strbuf loose = STRBUF_INIT;
    PGconn *pg;

    words_add(&words, "sslmode", request->sslmode);
    words_add(&words, "client_encoding", "UTF8");
    if (request->without_cert) {
        words_add(&words, "sslcert", DOCTOR_NO_FILE);
        words_add(&words, "sslkey", DOCTOR_NO_FILE);
    }
    if (request->password)
        words_add(&words, "password", secret_data(request->password));
    if (request->key_passphrase)
        words_add(&words, "sslpassword", secret_data(request->key_passphrase));
    if (passfile_is_loose(request->params, &loose)) /* libpq would say so on standard error */
        words_add(&words, "passfile", DOCTOR_NO_FILE);
    strbuf_clear(&loose);
    pg = PQconnectStartParams(words.keywords, words.values, 0);
    words_clear(&words);
    return pg;
}

void doctor_login_run(const struct doctor_login_request *request, struct doctor_login *ret)
{
    static pthread_once_t hooked = PTHREAD_ONCE_INIT;
    int64_t deadline_ms = clock_mono_ms() + request->timeout_ms;
    PGconn *pg;

    pthread_once(&hooked, hook_key_passphrase);
    *ret = (struct doctor_login){.in = false};
    pg = start(request);
    if (!pg) {
        ret->said = mem_strdup(_("libpq has no memory for a connection"));
        return;
    }
    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    (void)PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
    if (wait_in(pg, deadline_ms, &ret->timed_out)) {
        ret->in = true;
        ret->tls = PQsslInUse(pg) == 1;
        ret->used_password = PQconnectionUsedPassword(pg) == 1;
        if (ret->tls)
            text_clean_copy(ret->version, sizeof(ret->version),
                            PQsslAttribute(pg, "protocol") ? PQsslAttribute(pg, "protocol") : "");
        ask_session(pg, deadline_ms, ret);
        ret->said = mem_strdup("");
    } else if (ret->timed_out) {
        ret->said = mem_strdup(_("no answer in time"));
    } else {
        ret->tls = PQsslInUse(pg) == 1;
        take_refusal(pg, ret);
    }
    PQfinish(pg);
}

void doctor_login_clear(struct doctor_login *login)
{
    free(login->said);
    *login = (struct doctor_login){.in = false};
}
