#include "config.h"

#include "tui/input.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/secret.h"
#include "core/base/text.h"
#include "tui/utf8.h"

#define ESCAPE_DELAY_MS  100
#define PASTE_SILENCE_MS 3000
#define BURST_SILENCE_MS 120
#define QUIET_MS         300
#define BURST_MIN        40 /* bytes that nobody types within one read */
#define SEQUENCE_MAX     64
#define STRING_MAX       4096 /* OSC, DCS: answers of the terminal; dropped */

static const char paste_begin[] = "\033[200~";
static const char paste_end[] = "\033[201~";

enum state {
    STATE_GROUND,
    STATE_ESCAPE, /* in sequence[]: Esc and what followed */
    STATE_STRING, /* inside OSC, DCS, PM, APC: until BEL or ST */
    STATE_PASTE,
    STATE_BURST
};

struct alias {
    char bytes[16];
    uint32_t key;
};

struct input {
    input_emit *emit;
    void *arg;
    int64_t escape_delay;
    enum state state;
    int64_t last; /* when the last byte came */

    char sequence[SEQUENCE_MAX];
    size_t sequence_len;
    size_t string_len;

    unsigned char utf8[4]; /* a character that is not whole yet */
    size_t utf8_len, utf8_need;

    struct secret *paste; /* collects a paste or a burst */
    size_t end_matched;   /* bytes of paste_end that were seen */
    bool cut;
    bool has_markers; /* the terminal knows bracketed paste */

    int64_t quiet_until;  /* 0: keys are keys */
    struct secret *quiet; /* what came in the quiet time */

    struct alias *aliases;
    size_t n_aliases;
};

struct input *input_new(input_emit *emit, void *arg)
{
    struct input *input = mem_zalloc(sizeof(*input));

    input->emit = emit;
    input->arg = arg;
    input->escape_delay = ESCAPE_DELAY_MS;
    return input;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    secret_free(input->paste);
    secret_free(input->quiet);
    free(input->aliases);
    explicit_bzero(input, sizeof(*input));
    free(input);
}

void input_set_escape_delay(struct input *input, int64_t delay_ms)
{
    input->escape_delay = delay_ms;
}

void input_add_key(struct input *input, const char *bytes, uint32_t key)
{
    struct alias *alias;

    if (bytes[0] != '\033' || strlen(bytes) < 2 || strlen(bytes) >= sizeof(alias->bytes))
        return;
    input->aliases =
        mem_realloc_array(input->aliases, input->n_aliases + 1, sizeof(*input->aliases));
    alias = &input->aliases[input->n_aliases++];
    memset(alias, 0, sizeof(*alias));
    memcpy(alias->bytes, bytes, strlen(bytes));
    alias->key = key;
}

/* -- what is told --------------------------------------------------------------------------- */

/* In the quiet time after a paste a character is text, and what is no text is dropped. */
static void keep_quiet(struct input *input, uint32_t key)
{
    if (key >= KEY_CODE_UP || (key < 0x20 && key != KEY_CODE_ENTER && key != KEY_CODE_TAB))
        return;
    if (!input->quiet)
        input->quiet = secret_new(INPUT_PASTE_MAX);
    if (!secret_add_code_point(input->quiet, key))
        input->quiet_until = input->last; /* full: more than any person types in that time */
}

static void emit_key(struct input *input, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    if (input->quiet_until) {
        keep_quiet(input, key);
        return;
    }
    input->emit(input->arg, &event);
    explicit_bzero(&event, sizeof(event));
}

static void emit_paste(struct input *input, struct secret **paste, bool whole)
{
    struct event event = {.type = EVENT_PASTE, .paste_whole = whole};
    struct secret *text = *paste;

    *paste = NULL;
    event.paste = secret_data(text);
    event.paste_len = secret_len(text);
    input->emit(input->arg, &event);
    secret_free(text);
}

static void end_quiet(struct input *input)
{
    input->quiet_until = 0;
    if (input->quiet)
        emit_paste(input, &input->quiet, true);
}

/* -- paste ---------------------------------------------------------------------------------- */

static void begin_paste(struct input *input, enum state state)
{
    if (input->quiet_until)
        end_quiet(input);
    input->paste = secret_new(INPUT_PASTE_MAX);
    input->cut = false;
    input->end_matched = 0;
    input->state = state;
}

static void add_paste(struct input *input, const char *bytes, size_t len)
{
    size_t room = INPUT_PASTE_MAX - secret_len(input->paste);

    if (len > room) {
        input->cut = true;
        len = room;
    }
    if (len > 0 && !secret_add(input->paste, bytes, len))
        input->cut = true;
}

static void end_paste(struct input *input, bool whole)
{
    bool bracketed = input->state == STATE_PASTE;

    input->state = STATE_GROUND;
    emit_paste(input, &input->paste, whole && !input->cut);
    if (bracketed && whole)
        input->quiet_until = input->last + QUIET_MS;
}

/* Bytes of a bracketed paste; returns how many were taken. */
static size_t feed_paste(struct input *input, const char *bytes, size_t len)
{
    size_t begin = 0, i = 0;

    while (i < len) {
        if (input->end_matched > 0) {
            if (bytes[i] == paste_end[input->end_matched]) {
                input->end_matched++;
                i++;
                begin = i;
                if (input->end_matched == strlen(paste_end)) {
                    end_paste(input, true);
                    return i;
                }
                continue;
            }
            /* not the marker: what matched was text (only its first byte is an Esc) */
            add_paste(input, paste_end, input->end_matched);
            input->end_matched = 0;
            begin = i;
        }
        if (bytes[i] == '\033') {
            add_paste(input, bytes + begin, i - begin);
            input->end_matched = 1;
            begin = i + 1;
        }
        i++;
    }
    if (input->end_matched == 0)
        add_paste(input, bytes + begin, len - begin);
    return len;
}

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

static bool is_burst(const struct input *input, const char *bytes, size_t len)
{
    bool line_end = false, line_follows = false;

    if (input->has_markers || memchr(bytes, '\033', len))
        return false;
    if (memmem(bytes, len, "-----BEGIN ", 11))
        return true;
    for (size_t i = 0; i < len; i++) {
        if (is_line_end(bytes[i]))
            line_end = true;
        else if (line_end)
            line_follows = true;
    }
    return line_follows && len >= BURST_MIN;
}

/* -- keys ----------------------------------------------------------------------------------- */

static void emit_broken(struct input *input)
{
    input->utf8_len = input->utf8_need = 0;
    emit_key(input, UTF8_REPLACEMENT);
}

static void feed_utf8(struct input *input, unsigned char byte)
{
    const char *at = (const char *)input->utf8;
    uint32_t code_point;

    input->utf8[input->utf8_len++] = byte;
    if (input->utf8_len < input->utf8_need)
        return;
    code_point = text_next(&at, at + input->utf8_len);
    input->utf8_len = input->utf8_need = 0;
    emit_key(input, code_point);
}

static void feed_ground(struct input *input, unsigned char byte)
{
    if (input->utf8_need > 0) {
        if ((byte & 0xc0) == 0x80) {
            feed_utf8(input, byte);
            return;
        }
        emit_broken(input);
    }
    if (byte == 0x1b) {
        input->state = STATE_ESCAPE;
        input->sequence[0] = '\033';
        input->sequence_len = 1;
    } else if (byte >= 0xc2 && byte <= 0xf4) {
        input->utf8_need = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        feed_utf8(input, byte);
    } else if (byte >= 0x80) {
        emit_broken(input);
    } else if (byte == 0x7f || byte == 0x08) {
        emit_key(input, KEY_CODE_BACKSPACE);
    } else if (byte == '\r' || byte == '\n') {
        emit_key(input, KEY_CODE_ENTER);
    } else if (byte != 0) {
        emit_key(input, byte);
    }
}

static uint32_t key_of_letter(char c)
{
    switch (c) {
    case 'A':
    case 'a':
        return KEY_CODE_UP;
    case 'B':
    case 'b':
        return KEY_CODE_DOWN;
    case 'C':
    case 'c':
        return KEY_CODE_RIGHT;
    case 'D':
    case 'd':
        return KEY_CODE_LEFT;
    case 'H':
        return KEY_CODE_HOME;
    case 'F':
        return KEY_CODE_END;
    case 'Z':
        return KEY_CODE_BACK_TAB;
    case 'P':
        return KEY_CODE_F1;
    case 'Q':
        return KEY_CODE_F2;
    case 'R':
        return KEY_CODE_F3;
    case 'S':
        return KEY_CODE_F4;
    default:
        return 0;
    }
}

/* The keypad in application mode: ESC O x */
static uint32_t key_of_keypad(char c)
{
    if (c == 'M')
        return KEY_CODE_ENTER;
    if (c == 'I')
        return KEY_CODE_TAB;
    if (c >= 'p' && c <= 'y')
        return (uint32_t)('0' + (c - 'p'));
    if (c >= 'j' && c <= 'o')
        return (uint32_t)('*' + (c - 'j'));
    if (c == 'X')
        return '=';
    return key_of_letter(c);
}

/* ESC [ number ~ */
static uint32_t key_of_number(long number)
{
    static const struct {
        long number;
        uint32_t key;
    } keys[] = {
        {1, KEY_CODE_HOME},    {2, KEY_CODE_INSERT},    {3, KEY_CODE_DELETE}, {4, KEY_CODE_END},
        {5, KEY_CODE_PAGE_UP}, {6, KEY_CODE_PAGE_DOWN}, {7, KEY_CODE_HOME},   {8, KEY_CODE_END},
        {11, KEY_CODE_F1},     {12, KEY_CODE_F2},       {13, KEY_CODE_F3},    {14, KEY_CODE_F4},
        {15, KEY_CODE_F5},     {17, KEY_CODE_F6},       {18, KEY_CODE_F7},    {19, KEY_CODE_F8},
        {20, KEY_CODE_F9},     {21, KEY_CODE_F10},
    };

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].number == number)
            return keys[i].key;
    }
    return 0;
}

/* The key of a whole CSI or SS3 sequence; 0: none of ours. */
static uint32_t key_of_sequence(const struct input *input)
{
    const char *s = input->sequence;
    char last = s[input->sequence_len - 1];

    for (size_t i = 0; i < input->n_aliases; i++) {
        if (strlen(input->aliases[i].bytes) == input->sequence_len &&
            memcmp(input->aliases[i].bytes, s, input->sequence_len) == 0)
            return input->aliases[i].key;
    }
    if (s[1] == 'O')
        return key_of_keypad(last);
    if (s[2] == '[') /* Linux console: ESC [ [ A is F1 */
        return last >= 'A' && last <= 'E' ? KEY_CODE_F1 + (uint32_t)(last - 'A') : 0;
    if (last == '~' || last == '^' || last == '$' || last == '@') /* rxvt's are with Shift, Ctrl */
        return s[2] >= '0' && s[2] <= '9' ? key_of_number(strtol(s + 2, NULL, 10)) : 0;
    return s[2] >= '<' && s[2] <= '?' ? 0 : key_of_letter(last); /* an answer, a mouse: no key */
}

static bool is_paste_marker(const struct input *input, const char *marker)
{
    return input->sequence_len == strlen(marker) &&
           memcmp(input->sequence, marker, input->sequence_len) == 0;
}

static void end_sequence(struct input *input)
{
    uint32_t key;

    input->state = STATE_GROUND;
    if (is_paste_marker(input, paste_begin)) {
        input->has_markers = true;
        begin_paste(input, STATE_PASTE);
        return;
    }
    input->sequence[input->sequence_len] = '\0';
    key = key_of_sequence(input);
    if (key)
        emit_key(input, key);
}

/* Esc and one more byte that begins no sequence. */
static void end_pair(struct input *input, char byte)
{
    input->state = STATE_GROUND;
    if (byte >= '1' && byte <= '9') {
        emit_key(input, KEY_CODE_F1 + (uint32_t)(byte - '1'));
    } else if (byte == '0') {
        emit_key(input, KEY_CODE_F10);
    } else if (byte == '\t') {
        emit_key(input, KEY_CODE_BACK_TAB); /* old terminals */
    } else {
        emit_key(input, KEY_CODE_ESC);
        feed_ground(input, (unsigned char)byte);
    }
}

/* The second byte of a sequence, after Esc. */
static void feed_second(struct input *input, char byte)
{
    switch (byte) {
    case '[':
    case 'O':
        input->sequence[input->sequence_len++] = byte;
        break;
    case ']': /* OSC, DCS, SOS, PM, APC */
    case 'P':
    case 'X':
    case '^':
    case '_':
        input->sequence[input->sequence_len++] = byte;
        input->state = STATE_STRING;
        input->string_len = 0;
        break;
    default:
        end_pair(input, byte);
    }
}

static void feed_escape(struct input *input, char byte)
{
    const char *s = input->sequence;
    size_t len = input->sequence_len;
    bool final;

    if (len == 1) {
        feed_second(input, byte);
        return;
    }
    if (byte == '\033') { /* a sequence that was broken off */
        input->sequence_len = 1;
        return;
    }
    if (len + 1 >= SEQUENCE_MAX || (unsigned char)byte < 0x20 || (unsigned char)byte > 0x7e) {
        input->state = STATE_GROUND;
        return;
    }
    input->sequence[input->sequence_len++] = byte;
    if (s[1] == 'O')
        final = byte < '0' || byte > '9'; /* ESC O 2 P: old xterm with Shift */
    else if (len == 2)
        final = byte >= '@' && byte != '[' && byte != 'M';
    else if (s[2] == '[')
        final = true;
    else if (s[2] == 'M') /* mouse, one byte each: button, column, row */
        final = len == 5;
    else
        final = byte >= '@' || (byte == '$' && s[2] >= '0' && s[2] <= '9');
    if (final)
        end_sequence(input);
}

static void feed_string(struct input *input, char byte)
{
    input->string_len++;
    if (byte == '\a' || byte == '\x18' || byte == '\x1a' || input->string_len > STRING_MAX) {
        input->state = STATE_GROUND;
    } else if (input->sequence[input->sequence_len - 1] == '\033' && input->sequence_len == 3) {
        input->state = STATE_GROUND;
        if (byte != '\\')
            feed_second(input, byte);
    } else if (byte == '\033') {
        input->sequence[2] = byte;
        input->sequence_len = 3;
    }
}

/* -- time ----------------------------------------------------------------------------------- */

int64_t input_deadline(const struct input *input)
{
    int64_t deadline = -1;

    switch (input->state) {
    case STATE_GROUND:
        break;
    case STATE_ESCAPE:
    case STATE_STRING:
        deadline = input->last + input->escape_delay;
        break;
    case STATE_PASTE:
        deadline = input->last + PASTE_SILENCE_MS;
        break;
    case STATE_BURST:
        deadline = input->last + BURST_SILENCE_MS;
        break;
    }
    if (input->quiet_until && (deadline < 0 || input->quiet_until < deadline))
        deadline = input->quiet_until;
    return deadline;
}

static void end_escape(struct input *input)
{
    size_t len = input->sequence_len;

    input->state = STATE_GROUND;
    if (len == 1) {
        emit_key(input, KEY_CODE_ESC);
    } else if (len == 2 && input->string_len == 0) { /* Alt and a letter */
        uint32_t second = (unsigned char)input->sequence[1];

        emit_key(input, KEY_CODE_ESC);
        emit_key(input, second);
    }
    /* longer: a key that was cut off by a bad line is dropped, not typed */
}

void input_tick(struct input *input, int64_t now_ms)
{
    if (input->quiet_until && now_ms >= input->quiet_until)
        end_quiet(input);
    switch (input->state) {
    case STATE_GROUND:
        break;
    case STATE_ESCAPE:
    case STATE_STRING:
        if (now_ms >= input->last + input->escape_delay)
            end_escape(input);
        break;
    case STATE_PASTE:
        if (now_ms >= input->last + PASTE_SILENCE_MS)
            end_paste(input, false);
        break;
    case STATE_BURST:
        if (now_ms >= input->last + BURST_SILENCE_MS)
            end_paste(input, true);
        break;
    }
}

void input_feed(struct input *input, const void *data, size_t len, int64_t now_ms)
{
    const char *bytes = data;
    size_t i = 0;

    input_tick(input, now_ms);
    input->last = now_ms;
    if (input->state == STATE_GROUND && !input->quiet_until && is_burst(input, bytes, len))
        begin_paste(input, STATE_BURST);
    while (i < len) {
        switch (input->state) {
        case STATE_GROUND:
            feed_ground(input, (unsigned char)bytes[i++]);
            break;
        case STATE_ESCAPE:
            input->string_len = 0;
            feed_escape(input, bytes[i++]);
            break;
        case STATE_STRING:
            feed_string(input, bytes[i++]);
            break;
        case STATE_PASTE:
            i += feed_paste(input, bytes + i, len - i);
            break;
        case STATE_BURST:
            add_paste(input, bytes + i, len - i);
            i = len;
            break;
        }
    }
}
