/*
 * steps.h - where a person is in a wizard: "Home > Create a CA  [ok] 1 Details  [>>] 2 Passphrase".
 */
#ifndef PGSEAL_SCREENS_STEPS_H
#define PGSEAL_SCREENS_STEPS_H

#include <stddef.h>

#include "tui/screen.h"

/* Fills path and path_right ("2 of 3", "done"). steps: N_() words; at == n: all are done. */
void steps_frame(struct frame *ret, const char *where, const char *const *steps, size_t n,
                 size_t at);

#endif
