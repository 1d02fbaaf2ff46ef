/* plan.c - the plan as a thing: its steps and their fields, for those who make, run and show it. */
#include "config.h"

#include "core/plan/step.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/guard.h"

/* ---- life ---- */

static void step_clear(struct step *step)
{
    free(step->title);
    free(step->effect);
    free(step->sql);
    free(step->file);
    free(step->saw);
    free(step->by_hand);
    json_decref(step->data);
    strbuf_clear(&step->bytes);
    secret_free(step->secret);
    cert_list_clear(&step->certs);
}

static void probe_clear(struct access_rules_probe *probe)
{
    const char *const texts[] = {probe->role, probe->database, probe->cert_file, probe->key_file,
                                 probe->root_file};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free((char *)(uintptr_t)texts[i]); /* our own copies, const for the reader only */
    secret_free((struct secret *)(uintptr_t)probe->password);
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n; i++)
        step_clear(&plan->steps[i]);
    free(plan->steps);
    for (size_t i = 0; i < plan->n_hosts; i++)
        free(plan->hosts[i]);
    free(plan->hosts);
    for (size_t i = 0; i < plan->n_probes; i++)
        probe_clear(&plan->probes[i]);
    free(plan->probes);
    free(plan->title);
    json_decref(plan->intent);
    settings_clear(&plan->settings);
    files_free(plan->files);
    if (plan->has_before)
        handshake_clear(&plan->before);
    cert_free(plan->leaf);
    authority_free(plan->authority);
    key_free(plan->authority_key);
    plan_clear_refused(plan);
    guard_free(plan->guard); /* kept or taken back, it is gone; else it goes on waiting */
    free(plan);
}

/* ---- steps ---- */

static void set_text(char **text, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void set_text(char **text, const char *fmt, va_list args)
{
    struct strbuf dirty = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;

    strbuf_vprintf(&dirty, fmt, args);
    text_clean(&clean, dirty.data, dirty.len, TEXT_ONE_LINE);
    free(*text);
    *text = strbuf_steal(&clean);
    strbuf_clear(&dirty);
}

void step_set_title(struct step *step, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&step->title, fmt, args);
    va_end(args);
}

void step_set_saw(struct step *step, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&step->saw, fmt, args);
    va_end(args);
}

const char *step_text(const struct step *step, const char *field)
{
    const char *text = json_string_value(json_object_get(step->data, field));

    return text ? text : "";
}

bool step_is(const struct step *step, const char *field)
{
    return json_is_true(json_object_get(step->data, field));
}

const char *step_hash(const struct strbuf *bytes, char hex[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    struct strbuf text = STRBUF_INIT;

    hex[0] = '\0';
    if (EVP_Digest(bytes->data, bytes->len, digest, &len, EVP_sha256(), NULL) == 1 && len == 32) {
        strbuf_add_hex(&text, digest, len);
        memcpy(hex, text.data, 65);
    }
    strbuf_clear(&text);
    return hex;
}

char *plan_path(const struct plan *plan, const char *name)
{
    const char *folder = plan->settings.data_directory;

    return name[0] == '/' ? mem_strdup(name)
                          : mem_printf("%s/%s", *folder ? folder : "DATA_DIRECTORY", name);
}

/* ---- for readers ---- */

const char *plan_title(const struct plan *plan)
{
    return plan->title;
}

int64_t plan_id(const struct plan *plan)
{
    return plan->id;
}

enum journal_plan_state plan_state(const struct plan *plan)
{
    return plan->state;
}

size_t plan_count(const struct plan *plan)
{
    return plan->n;
}

struct plan_step_view plan_step(const struct plan *plan, size_t i)
{
    const struct step *step = &plan->steps[i];

    return (struct plan_step_view){.n = (int)i + 1,
                                   .mark = step->mark,
                                   .title = step->title,
                                   .effect = step->effect,
                                   .sql = step->sql,
                                   .file = step->file,
                                   .lines = step_text(step, "lines"),
                                   .state = step->state,
                                   .saw = step->saw,
                                   .took_ms = step->took_ms};
}

bool plan_nothing_to_do(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].mark != PLAN_SAME && plan->steps[i].mark != PLAN_LOOK)
            return false;
    }
    return true;
}

const struct strbuf *plan_wanted_hba(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if (step->mark == PLAN_CHANGE && strcmp(step->kind, "hba") == 0)
            return &step->bytes;
    }
    return NULL;
}

const struct strbuf *plan_wanted_ident(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if (step->mark == PLAN_CHANGE && strcmp(step->kind, "ident") == 0)
            return &step->bytes;
    }
    return NULL;
}
