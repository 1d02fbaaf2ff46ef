/*
 * event.h - what can happen to a page.
 *
 * Keys     Unicode code points for text; control characters as their byte (KEY_CODE_CTRL('o'));
 *          the rest from enum key_code, after term.c's alias table (PuTTY, rxvt, Linux console,
 *          Alt-digit).
 * Target   jobs, timers and watches belong to the page that started them: their events go to it,
 *          also when another page is on top. Keys and pastes go to the page on top.
 */
#ifndef PGSEAL_TUI_EVENT_H
#define PGSEAL_TUI_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_CODE_CTRL(letter) ((uint32_t)(letter)&0x1fu)

enum key_code {
    KEY_CODE_ENTER = 0x0d,
    KEY_CODE_TAB = 0x09,
    KEY_CODE_ESC = 0x1b,
    KEY_CODE_UP = 0x110000, /* above Unicode */
    KEY_CODE_DOWN,
    KEY_CODE_LEFT,
    KEY_CODE_RIGHT,
    KEY_CODE_HOME,
    KEY_CODE_END,
    KEY_CODE_PAGE_UP,
    KEY_CODE_PAGE_DOWN,
    KEY_CODE_BACKSPACE,
    KEY_CODE_DELETE,
    KEY_CODE_INSERT,
    KEY_CODE_BACK_TAB,
    KEY_CODE_F1,
    KEY_CODE_F2,
    KEY_CODE_F3,
    KEY_CODE_F4,
    KEY_CODE_F5,
    KEY_CODE_F6,
    KEY_CODE_F7,
    KEY_CODE_F8,
    KEY_CODE_F9,
    KEY_CODE_F10
};

enum event_type {
    EVENT_SHOWN,  /* the page came on top (first time, or again) */
    EVENT_HIDDEN, /* another page lies over it */
    EVENT_KEY,
    EVENT_PASTE,
    EVENT_RESIZE, /* only to be told: draw() gets the size from its canvas */
    EVENT_JOB,    /* a job ended: job_take() its data */
    EVENT_JOB_PROGRESS,
    EVENT_TIMER,
    EVENT_WATCH, /* a watched descriptor is ready */
    EVENT_QUIT_ASKED, /* F10, Ctrl-Q, Ctrl-C: the page may push a question; stay means "go on quitting" */
    EVENT_STOP /* SIGHUP, SIGTERM: finish the step, take back; the loop ends when jobs ended */
};

struct job;
struct timer;
struct watch;

struct event {
    enum event_type type;
    uint32_t key;      /* EVENT_KEY */
    const char *paste; /* EVENT_PASTE: raw bytes, borrowed until event() returns, then wiped */
    size_t paste_len;
    bool paste_whole;     /* false: cut at 256 kB or no end marker came */
    struct job *job;      /* EVENT_JOB, EVENT_JOB_PROGRESS */
    unsigned done, total; /* EVENT_JOB_PROGRESS */
    const char *text;     /* EVENT_JOB_PROGRESS: borrowed */
    struct timer *timer;  /* EVENT_TIMER */
    struct watch *watch;  /* EVENT_WATCH */
    unsigned ready;       /* EVENT_WATCH: enum loop_ready */
};

#endif
