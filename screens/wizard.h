/*
 * wizard.h - the wizard as a whole: what "pgseal" without a command runs.
 */
#ifndef PGSEAL_SCREENS_WIZARD_H
#define PGSEAL_SCREENS_WIZARD_H

#include "core/base/err.h"
#include "screens/app.h"
#include "tui/theme.h"

enum wizard_start { WIZARD_HOME, WIZARD_SESSIONS };

struct wizard_options {
    struct app_options app;
    struct theme theme; /* what is allowed: the terminal may know less */
    enum wizard_start start;
    bool plain;                         /* lines and questions, no screen: tui/plain.h */
    const char *save_answers, *answers; /* files of answers, or NULL (tui/replay.h) */
    /* What is to be said of those files at the end, or NULL; the caller frees. May be NULL. */
    char **ret_said;
};

/* Runs until the last page is gone. The exit code: 0, 129, 130, 143; 69 with err when there is no
 * usable terminal; any with err when the files of answers cannot be used. */
int wizard_run(const struct wizard_options *options, struct err *err) MUST_CHECK;

#endif
