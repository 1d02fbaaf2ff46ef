/* doctor.c - "doctor": what an application would meet under every sslmode, and why. */
#include "config.h"

#include "core/health/doctor.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- JSON ---- */

static json_t *file_json(const char *path, bool found)
{
    return json_pack("{s:o, s:b}", "path", json_text(path), "found", found);
}

static json_t *try_json(const struct doctor_try *one)
{
    char code[16];

    snprintf(code, sizeof(code), "PS-%04d", (int)one->code);
    return json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "sslmode",
                     doctor_sslmode_name(one->mode), "chosen", one->chosen, "in", one->in,
                     "wants_password", one->wants_password, "tls", one->tls, "certificate_sent",
                     one->cert_sent, "tls_version", json_text(one->tls_version), "sqlstate",
                     json_text(one->sqlstate), "said", json_text(one->said), "code",
                     one->code ? json_string(code) : json_null(), "cause", json_text(one->cause),
                     "help", json_text(one->fix));
}

static json_t *doctor_json(const struct doctor *doctor)
{
    json_t *tries = json_array();
    json_t *cas = json_array();

    for (int i = 0; i < DOCTOR_SSLMODES; i++)
        json_array_append_new(tries, try_json(&doctor->tries[i]));
    for (size_t i = 0; i < doctor->n_accepted_cas; i++)
        json_array_append_new(cas, json_string_or_empty(doctor->accepted_cas[i]));
    return json_pack("{s:o, s:i, s:o, s:o, s:{s:o, s:o, s:o}, s:b, s:b, s:o, s:o, s:o, s:b, s:I}",
                     "host", json_string_or_empty(doctor->host), "port", doctor->port, "user",
                     json_string_or_empty(doctor->user), "database",
                     json_string_or_empty(doctor->database), "files", "certificate",
                     file_json(doctor->cert_file, doctor->cert_found), "key",
                     file_json(doctor->key_file, doctor->key_found), "root",
                     file_json(doctor->root_file, doctor->root_found), "server_tls",
                     doctor->server_tls, "asks_certificate", doctor->server_asks, "accepted_cas",
                     cas, "tries", tries, "findings", findings_json(&doctor->findings), "well",
                     doctor_is_well(doctor), "took_ms", (json_int_t)doctor->took_ms);
}

/* ---- text ---- */

static void print_file(const struct output *output, const char *label, const char *path, bool found)
{
    char *text = mem_printf("%s  %s", path, found ? "[ok]" : _("[--] not there"));

    output_pair(output, label, text);
    free(text);
}

static const char *mark_of(const struct doctor_try *one)
{
    if (one->wants_password)
        return "[..]";
    if (!one->in)
        return "[xx]";
    return one->code == ERR_NONE ? "[ok]" : "[!!]";
}

static void print_try(const struct output *output, const struct doctor_try *one)
{
    char how[80];

    if (one->in)
        snprintf(how, sizeof(how), one->cert_sent ? _("in, %s, with the certificate") : _("in, %s"),
                 one->tls ? one->tls_version : _("without TLS"));
    else
        snprintf(how, sizeof(how), "%s",
                 one->wants_password ? _("as far as the password") : _("refused"));
    output_line(output, "%s %-11s %s%s", mark_of(one), doctor_sslmode_name(one->mode), how,
                one->chosen ? _("   <- what the application uses") : "");
    if (one->code == ERR_NONE)
        return;
    if (*one->said)
        output_line(output, _("     said:  %s"), one->said);
    output_line(output, _("     cause: PS-%04d %s"), (int)one->code, one->cause);
    output_line(output, _("     help:  %s"), one->fix);
}

/* Several sslmodes often say the same: once is enough. */
static bool same_as(const struct doctor_try *a, const struct doctor_try *b)
{
    return a->code != ERR_NONE && a->in == b->in && a->code == b->code &&
           text_equal(a->cause, b->cause) && text_equal(a->said, b->said) &&
           a->wants_password == b->wants_password;
}

static void print_tries(const struct output *output, const struct doctor *doctor)
{
    for (int i = 0; i < DOCTOR_SSLMODES; i++) {
        const struct doctor_try *one = &doctor->tries[i];

        if (i > 0 && same_as(one, &doctor->tries[i - 1]))
            output_line(output, _("%s %-11s the same%s"), mark_of(one),
                        doctor_sslmode_name(one->mode),
                        one->chosen ? _("   <- what the application uses") : "");
        else
            print_try(output, one);
    }
}

static void print_doctor(const struct output *output, const struct doctor *doctor)
{
    char text[320];

    snprintf(text, sizeof(text), "%s port %d", *doctor->host ? doctor->host : _("socket"),
             doctor->port);
    output_pair(output, _("server"), text);
    snprintf(text, sizeof(text), _("\"%s\" into \"%s\""), doctor->user, doctor->database);
    output_pair(output, _("login"), text);
    print_file(output, _("certificate"), doctor->cert_file, doctor->cert_found);
    print_file(output, _("key"), doctor->key_file, doctor->key_found);
    print_file(output, _("root"), doctor->root_file, doctor->root_found);
    for (size_t i = 0; i < doctor->n_accepted_cas; i++)
        output_pair(output, i == 0 ? _("client CAs") : "", doctor->accepted_cas[i]);
    print_tries(output, doctor);
    findings_print(output, &doctor->findings);
    if (doctor_is_well(doctor))
        output_line(output, _("[ok] the application gets in"));
}

/* ---- the command ---- */

static bool run(struct cli *cli, struct doctor_request *request, struct doctor *ret,
                struct err *err)
{
    struct secret *password = NULL;
    bool wants = false;
    bool done = doctor_run(request, ret, err);

    for (int i = 0; done && i < DOCTOR_SSLMODES; i++)
        wants = wants || (ret->tries[i].chosen && ret->tries[i].wants_password);
    if (!wants || !ask_possible(cli))
        return done;
    password = ask_secret(cli, _("Password of the login"), _("it in ~/.pgpass"), err);
    doctor_clear(ret);
    if (!password)
        return false;
    request->password = password;
    done = doctor_run(request, ret, err);
    request->password = NULL;
    secret_free(password);
    return done;
}

/* --server: its admin may read the files that the verdict depends on. */
static bool open_admin(struct cli *cli, struct conn **ret, struct err *err)
{
    const char *name = args_value(cli->args, OPT_SERVER);
    struct server *server;

    if (!name)
        return true;
    server = cli_server(cli, name, err);
    if (!server)
        return false;
    *ret = cli_connect(cli, server, NULL, err);
    server_free(server);
    return *ret != NULL;
}

bool run_doctor(struct cli *cli, struct err *err)
{
    struct doctor_request request = {.cert_file = args_value(cli->args, OPT_CERT),
                                     .key_file = args_value(cli->args, OPT_KEY),
                                     .root_file = args_value(cli->args, OPT_ROOT)};
    struct params *params = doctor_parse(cli->args->names[0], err);
    struct secret *passphrase = NULL;
    struct conn *admin = NULL;
    struct doctor doctor;
    bool done = false;

    if (!params)
        return false;
    if (!cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, &passphrase, err) ||
        !cli_store_if_any(cli, err) || !open_admin(cli, &admin, err))
        goto out;
    request.params = params;
    request.store = cli->store;
    request.admin = admin;
    request.key_passphrase = passphrase;
    if (!run(cli, &request, &doctor, err))
        goto out;
    done = true;
    if (cli->out.json)
        output_json(doctor_json(&doctor), false);
    else
        print_doctor(&cli->out, &doctor);
    if (!doctor_is_well(&doctor))
        cli->exit = EXIT_FOUND;
    doctor_clear(&doctor);
out:
    conn_close(admin);
    secret_free(passphrase);
    params_free(params);
    return done;
}
