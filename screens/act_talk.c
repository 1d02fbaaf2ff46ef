/* act_talk.c - the two sides of an act: the job tells and asks, the page shows and answers. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/act_parts.h"

#define WAKE_MS 200 /* a page that was left gives no answer: the job looks by itself */

struct act_job *act_job_new(void)
{
    struct act_job *self = mem_zalloc(sizeof(*self));
    pthread_condattr_t attributes;

    atomic_init(&self->stop, false);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->heard, &attributes);
    pthread_condattr_destroy(&attributes);
    return self;
}

void act_job_free(void *data)
{
    struct act_job *self = data;

    if (self->data != NULL)
        self->ops->free(self->data);
    for (size_t i = 0; i < ACT_LOCKS; i++)
        secret_free(self->passphrases[i]);
    for (size_t i = 0; i < self->n_told; i++)
        free(self->told[i].text);
    free(self->told);
    free(self->wants);
    secret_free(self->answer);
    free(self->store_folder);
    pthread_cond_destroy(&self->heard);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* ---- the job's side ---- */

const char *act_store_folder(const struct act_job *job)
{
    return job->store_folder;
}

const struct secret *act_passphrase(const struct act_job *job)
{
    return job->passphrases[0];
}

const struct secret *act_passphrase_of(const struct act_job *job, size_t i)
{
    return i < ACT_LOCKS ? job->passphrases[i] : NULL;
}

void act_passphrase_is_wrong(struct act_job *job, size_t i)
{
    job->wrong = i < ACT_LOCKS ? i : 0;
}

bool act_stopped(void *arg)
{
    struct act_job *job = arg;

    return atomic_load(&job->stop) || job_cancelled(job->job);
}

static void wake_page(struct act_job *job)
{
    job_progress(job->job, job->done, job->total, NULL);
}

void act_progress(struct act_job *job, size_t done, size_t total)
{
    job->done = (unsigned)done;
    job->total = (unsigned)total;
    wake_page(job);
}

void act_tell(struct act_job *job, enum mark mark, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    pthread_mutex_lock(&job->lock);
    if (job->n_told > 0 && job->told[job->n_told - 1].mark == MARK_BUSY)
        free(job->told[--job->n_told].text);
    job->told = mem_realloc_array(job->told, job->n_told + 1, sizeof(*job->told));
    job->told[job->n_told++] = (struct act_told){mark, strbuf_steal(&text)};
    pthread_mutex_unlock(&job->lock);
    strbuf_clear(&text);
    wake_page(job);
}

/* Under the lock. */
static void wait_a_little(struct act_job *job)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAKE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&job->heard, &job->lock, &until);
}

struct secret *act_ask(struct act_job *job, const char *what, bool was_wrong)
{
    struct secret *answer;

    pthread_mutex_lock(&job->lock);
    job->wants = mem_strdup(what);
    job->was_wrong = was_wrong;
    job->answered = false;
    wake_page(job);
    while (!job->answered && !act_stopped(job))
        wait_a_little(job);
    answer = job->answer;
    job->answer = NULL;
    free(job->wants);
    job->wants = NULL;
    pthread_mutex_unlock(&job->lock);
    wake_page(job);
    return answer;
}

/* ---- the page's side ---- */

static const struct form_field secret_field = {
    .label = N_("Password"),
    .why = N_("The server asks for the administrator's password. It is used for this login and "
              "kept nowhere; ~/.pgpass was looked at before."),
    .help = N_("Esc leaves it out: this server is then not reached, and caught up later."),
    .word = "passphrase",
    .width = 34,
};

static void check_asked(void *arg, struct form *form)
{
    (void)arg;
    form_say(form, 1, secret_len(form_secret(form, 1)) > 0 ? MARK_NONE : MARK_TODO, NULL);
}

static void show_question(struct act_page *self, const struct act_job *job)
{
    self->asked = form_new(N_("Log in"), N_("Leave it out"), check_asked, NULL);
    form_add_line(self->asked, NULL, job->wants);
    form_add_secret(self->asked, &secret_field);
    form_add_line(self->asked, NULL, job->was_wrong ? _("The last one was not right.") : "");
    form_recheck(self->asked);
}

void act_hear(struct act_page *self)
{
    struct act_job *job = self->running;

    pthread_mutex_lock(&job->lock);
    lines_clear(self->lines);
    for (size_t i = 0; i < job->n_told; i++)
        lines_add(self->lines, 0, job->told[i].mark, NULL, job->told[i].text);
    if (job->wants != NULL && !job->answered && self->asked == NULL) {
        show_question(self, job);
    } else if (job->wants == NULL && self->asked != NULL) {
        form_free(self->asked);
        self->asked = NULL;
    }
    pthread_mutex_unlock(&job->lock);
}

static void answer(struct act_page *self, bool given)
{
    struct act_job *job = self->running;

    pthread_mutex_lock(&job->lock);
    if (given)
        job->answer = secret_dup(form_secret(self->asked, 1));
    job->answered = true;
    pthread_cond_signal(&job->heard);
    pthread_mutex_unlock(&job->lock);
    form_free(self->asked);
    self->asked = NULL;
}

bool act_asked_event(struct act_page *self, const struct event *event)
{
    if (self->asked == NULL || self->job == NULL)
        return false;
    switch (form_event(self->asked, event)) {
    case FORM_SUBMIT:
        answer(self, true);
        break;
    case FORM_CANCEL:
        answer(self, false);
        break;
    case FORM_IGNORED:
    case FORM_CHANGED:
        break;
    }
    return true;
}
