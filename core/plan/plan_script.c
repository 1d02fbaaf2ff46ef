/* plan_script.c - a plan as a shell script, for reading. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"
#include "core/store/issued.h"

static void add_quoted(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "FILE");
}

/* Made while the plan runs; of one that is there already nothing is shown. */
static void script_key(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    if (plan->n_hosts == 0) {
        strbuf_add_str(out, "# (a private key, mode 0600: copied by its owner, never shown)\n");
        return;
    }
    strbuf_add_str(out, "(umask 077; openssl genpkey -algorithm EC -pkeyopt "
                        "ec_paramgen_curve:P-256 -out ");
    add_quoted(out, step->file);
    strbuf_add_str(out, ")\n");
}

static bool is_address(const char *host)
{
    return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == '\0';
}

static void script_server_cert(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    char *key = mem_strndup(step->file, strlen(step->file) - 3); /* "crt" */
    char *key_path = mem_printf("%skey", key);

    strbuf_add_str(out, "# ca.crt and ca.key: of the CA; its passphrase is asked for\n"
                        "openssl req -new -out server.csr -key ");
    add_quoted(out, key_path);
    strbuf_printf(out,
                  " -subj %s%s\n"
                  "printf '%%s\\n' basicConstraints=critical,CA:FALSE \\\n"
                  "    keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth \\\n"
                  "    authorityKeyIdentifier=keyid subjectAltName=",
                  strchr(plan->hosts[0], '/') ? "/" : "/CN=",
                  strchr(plan->hosts[0], '/') ? "" : plan->hosts[0]);
    for (size_t i = 0; i < plan->n_hosts; i++)
        strbuf_printf(out, "%s%s:%s", i ? "," : "", is_address(plan->hosts[i]) ? "IP" : "DNS",
                      plan->hosts[i]);
    strbuf_printf(out,
                  " > server.ext\n"
                  "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days %d \\\n"
                  "    -extfile server.ext -out ",
                  plan->days ? plan->days : ISSUED_SERVER_DAYS);
    add_quoted(out, step->file);
    strbuf_add_char(out, '\n');
    free(key_path);
    free(key);
}

static void script_file(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    if (strcmp(step->kind, "key") == 0) {
        script_key(plan, step, out);
    } else if (strcmp(step->kind, "server_cert") == 0) {
        script_server_cert(plan, step, out);
    } else if (step->by_hand) {
        strbuf_add_str(out, step->by_hand);
    } else if (step->bytes.len > 0) {
        strbuf_add_str(out, "cat > ");
        add_quoted(out, step->file);
        strbuf_printf(out, " <<'PGSEAL'\n%sPGSEAL\n", step->bytes.data);
    }
}

static void script_sql(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    strbuf_add_str(out, "psql ");
    if (!text_quote_shell(out, plan->target.server->conninfo))
        strbuf_add_str(out, "CONNINFO");
    strbuf_add_str(out, " -c ");
    if (!text_quote_shell(out, step->sql))
        strbuf_add_str(out, "SQL");
    strbuf_add_char(out, '\n');
}

void plan_script(const struct plan *plan, struct strbuf *out)
{
    strbuf_printf(out,
                  "#!/bin/sh\n# %s\n# Files are written on the server, as its own user.\nset -e\n",
                  plan->title);
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        strbuf_printf(out, "\n# %zu %c %s\n", i + 1, (char)step->mark, step->title);
        if (*step->effect)
            strbuf_printf(out, "#   %s\n", step->effect);
        if (step->mark == PLAN_SAME)
            continue;
        if (*step->file)
            script_file(plan, step, out);
        if (*step->sql)
            script_sql(plan, step, out);
    }
}
