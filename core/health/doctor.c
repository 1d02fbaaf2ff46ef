/* doctor.c - the order of looking: files, wire, server, then one login for each sslmode. */
#include "config.h"

#include "core/health/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor_state.h"

#define TIMEOUT_MS   5000
#define DEFAULT_PORT 5432

/* ---- where it goes ---- */

/* The first one of a comma-separated list; the others are the application's way on. */
static char *first_of(const char *list)
{
    return mem_strndup(list ? list : "", strcspn(list ? list : "", ","));
}

static bool read_target(struct doctoring *self, struct err *err)
{
    struct doctor *out = self->out;
    const char *mode = doctor_effective_get(self->effective, "sslmode");
    char *host = first_of(doctor_effective_get(self->effective, "host"));
    char *address = first_of(doctor_effective_get(self->effective, "hostaddr"));
    char *port = first_of(doctor_effective_get(self->effective, "port"));
    const char *user = doctor_effective_get(self->effective, "user");
    const char *database = doctor_effective_get(self->effective, "dbname");
    int64_t number = DEFAULT_PORT;
    bool good = true;

    self->is_socket = !*address && (!*host || host[0] == '/' || host[0] == '@');
    if (*port && !text_parse_int(port, 1, 65535, &number))
        good = err_set(err, ERR_BAD_VALUE, _("\"%s\" is no port"), port);
    out->port = (int)number;
    out->host = mem_strdup(*host ? host : address);
    self->connect_to = mem_strdup(*address ? address : host);
    out->user = mem_strdup(user ? user : "");
    out->database = mem_strdup(database && *database ? database : out->user);
    self->host = *host ? out->host : "";
    self->user = out->user;
    self->database = out->database;
    self->mode = DOCTOR_PREFER;
    for (int i = 0; mode && i < DOCTOR_SSLMODES; i++) {
        enum doctor_sslmode one = (enum doctor_sslmode)i;

        if (strcmp(mode, doctor_sslmode_name(one)) == 0)
            self->mode = one;
    }
    free(host);
    free(address);
    free(port);
    return good;
}

/* The files that were named beside the connection string stand in it for libpq. */
static void take_files(struct doctoring *self)
{
    if (self->request->cert_file)
        params_set(self->params, "sslcert", self->request->cert_file);
    if (self->request->key_file)
        params_set(self->params, "sslkey", self->request->key_file);
    if (self->request->root_file)
        params_set(self->params, "sslrootcert", self->request->root_file);
}

static void copy_files(struct doctoring *self)
{
    struct doctor *out = self->out;

    out->cert_file = mem_strdup(self->cert.path);
    out->key_file = mem_strdup(self->key.path);
    out->root_file = mem_strdup(self->root.path);
    out->cert_found = self->cert.found;
    out->key_found = self->key.found;
    out->root_found = self->root.found;
}

/* ---- logins ---- */

static void login(struct doctoring *self, enum doctor_sslmode mode, bool without_cert,
                  struct doctor_login *ret)
{
    struct doctor_login_request request = {.params = self->params,
                                           .sslmode = doctor_sslmode_name(mode),
                                           .without_cert = without_cert,
                                           .password = self->request->password,
                                           .key_passphrase = self->request->key_passphrase,
                                           .timeout_ms = self->timeout_ms};

    doctor_login_run(&request, ret);
}

/* A certificate that is refused ends logins that need none: does this one need it? */
static void try_without_cert(struct doctoring *self)
{
    struct doctor_login seen;

    if (!self->tried_cert || self->with_cert.verdict != HANDSHAKE_REFUSED)
        return;
    login(self, DOCTOR_REQUIRE, true, &seen);
    self->needs_no_cert = seen.in || seen.needs_password || strcmp(seen.sqlstate, "28P01") == 0;
    doctor_login_clear(&seen);
}

/* allow and prefer try twice, with TLS and without; what is to be mended is the one with TLS. */
static void tell_of_tls(struct doctor_try *both, const struct doctor_try *tls)
{
    if (both->in || tls->in || tls->code == ERR_SSL_OFF || tls->code == ERR_TLS_NOT_LOADED ||
        both->code == ERR_CLIENT_OPTION)
        return;
    free(both->cause);
    free(both->fix);
    both->code = tls->code;
    both->cause = mem_strdup(tls->cause);
    both->fix = mem_strdup(tls->fix);
    both->wants_password = tls->wants_password;
    both->cert_sent = tls->cert_sent;
}

static void try_all(struct doctoring *self)
{
    for (int i = 0; i < DOCTOR_SSLMODES; i++) {
        struct doctor_try *one = &self->out->tries[i];
        struct doctor_login seen;

        one->mode = (enum doctor_sslmode)i;
        one->chosen = one->mode == self->mode;
        login(self, one->mode, false, &seen);
        doctor_explain(self, &seen, one);
        self->gave_password = self->gave_password || (one->chosen && seen.used_password);
        doctor_login_clear(&seen);
    }
    tell_of_tls(&self->out->tries[DOCTOR_ALLOW], &self->out->tries[DOCTOR_REQUIRE]);
    tell_of_tls(&self->out->tries[DOCTOR_PREFER], &self->out->tries[DOCTOR_REQUIRE]);
}

/* ---- all ---- */

static void clear(struct doctoring *self)
{
    params_free(self->params);
    params_free(self->newer);
    doctor_effective_free(self->effective);
    free(self->connect_to);
    free(self->cert.path);
    free(self->key.path);
    free(self->root.path);
    free(self->list.path);
    for (size_t i = 0; i < self->n_lists; i++)
        crl_free(self->lists[i]);
    free(self->lists);
    cert_list_clear(&self->certs);
    cert_list_clear(&self->roots);
    key_free(self->loaded_key);
    if (self->has_wire)
        handshake_clear(&self->wire);
    if (self->tried_cert)
        handshake_clear(&self->with_cert);
    hba_clear(&self->hba);
}

bool doctor_run(const struct doctor_request *request, struct doctor *ret, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    struct doctor out = {.port = 0};
    struct doctoring self = {.request = request,
                             .out = &out,
                             .params = params_dup(request->params),
                             .timeout_ms =
                                 request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS};
    bool done = false;

    cert_list_init(&self.certs);
    cert_list_init(&self.roots);
    take_files(&self);
    doctor_take_newer(&self);
    self.effective = doctor_effective_new(self.params, err); /* before names become addresses */
    if (!self.effective || !read_target(&self, err) || !conn_resolve(self.params, err))
        goto out;
    doctor_read_files(&self);
    copy_files(&self);
    doctor_look_at_wire(&self);
    if (!doctor_look_at_server(&self, err))
        goto out;
    try_without_cert(&self);
    try_all(&self);
    doctor_judge_newer(&self);
    findings_sort(&out.findings);
    out.took_ms = clock_mono_ms() - start_ms;
    done = true;
out:
    clear(&self);
    if (done)
        *ret = out;
    else
        doctor_clear(&out);
    return done;
}

bool doctor_is_well(const struct doctor *doctor)
{
    for (int i = 0; i < DOCTOR_SSLMODES; i++) {
        const struct doctor_try *one = &doctor->tries[i];

        if (one->chosen && (!one->in || one->code != ERR_NONE))
            return false;
    }
    return findings_count(&doctor->findings, FINDING_ERROR) == 0;
}

void doctor_clear(struct doctor *doctor)
{
    findings_clear(&doctor->findings);
    for (int i = 0; i < DOCTOR_SSLMODES; i++) {
        free(doctor->tries[i].said);
        free(doctor->tries[i].cause);
        free(doctor->tries[i].fix);
    }
    for (size_t i = 0; i < doctor->n_accepted_cas; i++)
        free(doctor->accepted_cas[i]);
    free(doctor->accepted_cas);
    free(doctor->host);
    free(doctor->user);
    free(doctor->database);
    free(doctor->cert_file);
    free(doctor->key_file);
    free(doctor->root_file);
    *doctor = (struct doctor){.port = 0};
}
