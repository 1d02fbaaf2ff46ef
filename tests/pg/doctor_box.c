/* doctor_box.c - the doctor's answers, kept until the next question. */
#include "config.h"

#include "tests/pg/doctor_box.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"

/* ---- asking ---- */

static struct doctor doctor; /* of the last question; freed by the next */

struct secret *secret_of(const char *text)
{
    struct secret *secret = text ? secret_new(256) : NULL;

    if (text)
        assert_true(secret_set(secret, text, strlen(text)));
    return secret;
}

void ask(struct health_box *box, const struct ask *what)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=require"
                            " gssencmode=disable passfile=/dev/null/none %s",
                            box->plan.target.tls_port, what->user ? what->user : "alice",
                            what->params ? what->params : "");
    struct params *params = doctor_parse(text, &err);
    struct doctor_request request = {.params = params,
                                     .cert_file = what->cert,
                                     .key_file = what->key,
                                     .root_file = what->root,
                                     .store = what->blind ? NULL : box->plan.store,
                                     .admin = what->blind ? NULL : box->plan.admin};
    struct secret *password = secret_of(what->password);
    struct secret *passphrase = secret_of(what->passphrase);

    request.password = password;
    request.key_passphrase = passphrase;
    assert_ok(params != NULL, &err);
    doctor_clear(&doctor);
    if (!doctor_run(&request, &doctor, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    secret_free(password);
    secret_free(passphrase);
    params_free(params);
    free(text);
}

const struct doctor_try *tried(enum doctor_sslmode mode)
{
    return &doctor.tries[mode];
}

static void print_doctor(void)
{
    for (int i = 0; i < DOCTOR_SSLMODES; i++)
        print_message("# %s in=%d tls=%d PS-%d %s | %s\n",
                      doctor_sslmode_name(doctor.tries[i].mode), doctor.tries[i].in,
                      doctor.tries[i].tls, (int)doctor.tries[i].code, doctor.tries[i].cause,
                      doctor.tries[i].said);
    for (size_t i = 0; i < doctor.findings.n; i++)
        print_message("# PS-%d %s: %s\n", (int)doctor.findings.rows[i].code,
                      doctor.findings.rows[i].object, doctor.findings.rows[i].message);
}

/* sslmode=require is refused with this code, and its cause says this. */
void expect(enum err_code code, const char *cause)
{
    const struct doctor_try *one = tried(DOCTOR_REQUIRE);

    if (one->in || one->code != code || !strstr(one->cause, cause)) {
        print_doctor();
        fail_msg("PS-%d \"%s\" was expected", (int)code, cause);
    }
    assert_true(one->said[0] && one->fix[0]);
    assert_false(doctor_is_well(&doctor));
}

void expect_in(enum doctor_sslmode mode, bool tls, enum err_code code)
{
    const struct doctor_try *one = tried(mode);

    if (!one->in || one->tls != tls || one->code != code) {
        print_doctor();
        fail_msg("in by %s was expected", doctor_sslmode_name(mode));
    }
}

void expect_finding(enum err_code code)
{
    if (!findings_find(&doctor.findings, code, NULL)) {
        print_doctor();
        fail_msg("finding PS-%d was expected", (int)code);
    }
}

/* ---- files of clients ---- */

char *write_text(struct health_box *box, const char *name, const void *bytes, size_t len,
                 unsigned mode)
{
    char *path = mem_printf("%s/%s", demo_store(box->plan.demo), name);
    struct err err = ERR_INIT;

    assert_ok(fs_write_replace(path, bytes, len, (mode_t)mode, &err), &err);
    return path;
}

struct files write_pair(struct health_box *box, const char *name, const struct pair *pair,
                        const struct cert *also)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct secret *key = key_to_pem(pair->key, NULL, 0, &err);
    char *cert_name = mem_printf("%s.crt", name);
    char *key_name = mem_printf("%s.key", name);
    struct files files;

    fixture_pem(&pem, pair->cert);
    if (also)
        fixture_pem(&pem, also);
    files.cert = write_text(box, cert_name, pem.data, pem.len, 0644);
    files.key = write_text(box, key_name, secret_data(key), secret_len(key), 0600);
    strbuf_clear(&pem);
    secret_free(key);
    free(cert_name);
    free(key_name);
    return files;
}

void files_clear(struct files *files)
{
    free(files->cert);
    free(files->key);
}

void ask_with(struct health_box *box, const struct pair *pair, const char *params)
{
    struct files files = write_pair(box, "asked", pair, NULL);

    ask(box, &(struct ask){.params = params, .cert = files.cert, .key = files.key});
    files_clear(&files);
}

struct pair our_ca(const struct health_box *box)
{
    return (struct pair){.cert = box->plan.ca->cert, .key = box->plan.ca_key};
}

/* ---- by openssl ---- */

void openssl(struct health_box *box, const char *commands)
{
    char *script = mem_printf("cd '%s' && umask 077 && { %s ; } >/dev/null 2>&1",
                              demo_store(box->plan.demo), commands);

    assert_int_equal(system(script), 0);
    free(script);
}

void write_ca(struct health_box *box)
{
    struct pair ca = our_ca(box);
    struct files files = write_pair(box, "ca", &ca, NULL);

    files_clear(&files);
}

void ask_made(struct health_box *box, const char *cert, const char *key, const char *params)
{
    char *cert_file = mem_printf("%s/%s", demo_store(box->plan.demo), cert);
    char *key_file = mem_printf("%s/%s", demo_store(box->plan.demo), key);

    ask(box, &(struct ask){.cert = cert_file, .key = key_file, .params = params});
    free(cert_file);
    free(key_file);
}

/* ---- the box ---- */

const struct doctor *doctor_box_answer(void)
{
    return &doctor;
}

int doctor_box_setup(void **state)
{
    setenv("HOME", "/nonexistent", 1); /* nothing of the user's own slips in */
    return health_box_setup(state);
}

int doctor_box_teardown(void **state)
{
    doctor_clear(&doctor);
    return health_box_teardown(state);
}
