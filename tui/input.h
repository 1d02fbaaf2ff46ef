/*
 * input.h - bytes from a terminal become keys and pastes; no terminal needed.
 *
 * Source   ECMA-48 (CSI, SS3), xterm's control sequences, the table in the facts about terminals
 *          (PuTTY, rxvt, Linux console, cursor keys in normal mode); bracketed paste (mode 2004).
 * Units    now_ms is any clock that only goes forward.
 * Rules    - an Esc is a key when nothing follows for the escape delay (100 ms);
 *          - Alt-digit is the function key; an unknown sequence is dropped whole, never typed;
 *          - between the paste markers every byte is text. One event, at most 256 kB, ends with the
 *            marker or after 3 s of silence;
 *          - without markers: many bytes at once with a line end in them are a paste too (a burst);
 *            120 ms of silence end it. Off as soon as the terminal has sent a marker;
 *          - for 300 ms after a paste keys are text: a marker inside the clipboard must not let the
 *            rest run as commands. That text comes as a paste of its own.
 * Secrets  what was typed or pasted is wiped here after it was emitted.
 */
#ifndef PGSEAL_TUI_INPUT_H
#define PGSEAL_TUI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "tui/event.h"

#define INPUT_PASTE_MAX ((size_t)256 * 1024)

struct input;
typedef void input_emit(void *arg, const struct event *event); /* EVENT_KEY, EVENT_PASTE */

struct input *input_new(input_emit *emit, void *arg) MUST_CHECK;
void input_free(struct input *input);
void input_set_escape_delay(struct input *input, int64_t delay_ms);
/* A key's string from terminfo; only ones that begin with Esc are taken, they win over our own. */
void input_add_key(struct input *input, const char *bytes, uint32_t key);

/* All bytes that were read at once. */
void input_feed(struct input *input, const void *bytes, size_t len, int64_t now_ms);
/* When input_tick() has something to do; -1: never, wait for bytes. */
int64_t input_deadline(const struct input *input);
void input_tick(struct input *input, int64_t now_ms);

#endif
