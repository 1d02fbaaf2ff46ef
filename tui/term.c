#include "config.h"

#include "tui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/intl.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/terminfo.h"

#define ESCAPE_DELAY_MS 100

#define PAIR_OK   1
#define PAIR_WARN 2
#define PAIR_BAD  3

static const char paste_on[] = "\033[?2004h";
static const char paste_off[] = "\033[?2004l";
/* Paste mode off, cursor keys and keypad normal, colours off, cursor visible, first screen. */
static const char leave[] = "\033[?2004l\033[?1l\033>\033[0m\033[?25h\033[?1049l";

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT};

/* For the handlers of fatal signals, which have no argument. */
static struct {
    volatile sig_atomic_t active;
    int fd;
    struct termios saved;
    struct sigaction old[ARRAY_LEN(fatal_signals)];
} rescue;

struct term {
    int in, out;
    FILE *in_file, *out_file;
    SCREEN *screen;
    struct termios saved;
    char type[64];         /* what TERM says */
    const char *used_type; /* what newterm() took */
    bool utf8, colour;
    bool gone;
    struct cell *painted; /* what curses was told last; NULL: all is to be told */
    int painted_rows, painted_columns;
    bool painted_colour;
};

/* -- every way out -------------------------------------------------------------------------- */

static void restore_now(void)
{
    ssize_t written;

    if (!rescue.active)
        return;
    rescue.active = 0;
    written = write(rescue.fd, leave, sizeof(leave) - 1);
    (void)written;
    (void)tcsetattr(rescue.fd, TCSANOW, &rescue.saved);
}

/* Restores the terminal, then lets the signal do what it would have done. Only calls that POSIX
 * allows in a handler. */
static void on_fatal(int signal)
{
    int saved_errno = errno;

    restore_now();
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++) {
        if (fatal_signals[i] == signal)
            (void)sigaction(signal, &rescue.old[i], NULL);
    }
    (void)raise(signal); /* pending until this handler returns */
    errno = saved_errno;
}

static void arm_rescue(struct term *term)
{
    struct sigaction action = {.sa_handler = on_fatal};

    rescue.fd = term->out;
    rescue.saved = term->saved;
    rescue.active = 1;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++) {
        (void)sigaction(fatal_signals[i], &action, &rescue.old[i]);
        /* whoever started us ignores it, as nohup does: then it is not the end */
        if (rescue.old[i].sa_handler == SIG_IGN)
            (void)sigaction(fatal_signals[i], &rescue.old[i], NULL);
    }
}

static void disarm_rescue(void)
{
    rescue.active = 0;
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
        (void)sigaction(fatal_signals[i], &rescue.old[i], NULL);
}

/* -- opening -------------------------------------------------------------------------------- */

static bool no_terminal(struct err *err, const char *why)
{
    return err_set(err, ERR_TERMINAL, _("the wizard needs a terminal: %s"), why);
}

static int open_tty(int flags)
{
    int fd = open("/dev/tty", flags | O_CLOEXEC | O_NOCTTY);
    char name[128];

    if (fd < 0 && ttyname_r(STDIN_FILENO, name, sizeof(name)) == 0)
        fd = open(name, flags | O_CLOEXEC | O_NOCTTY);
    return fd;
}

static void choose_locale(struct term *term)
{
    if (!setlocale(LC_CTYPE, "") && !setlocale(LC_CTYPE, "C.UTF-8"))
        log_info("no locale: ASCII only");
    term->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* What the shell exports freezes the size; without the second one PuTTY shows "lqqk". */
static void clean_environment(void)
{
    (void)unsetenv("LINES");
    (void)unsetenv("COLUMNS");
    (void)setenv("NCURSES_NO_UTF8_ACS", "1", 0);
}

static bool open_screen(struct term *term, struct err *err)
{
    const char *types[] = {term->type, "xterm-256color", "vt100"};

    for (size_t i = 0; i < ARRAY_LEN(types) && !term->screen; i++) {
        switch (terminfo_ask(types[i], term->out)) {
        case TERMINFO_UNKNOWN:
            break;
        case TERMINFO_CANNOT_MOVE:
            return err_set(err, ERR_TERMINAL, _("terminal type \"%s\" cannot move the cursor"),
                           types[i]);
        case TERMINFO_GOOD:
            term->screen = newterm(types[i], term->out_file, term->in_file);
            term->used_type = types[i];
            break;
        }
    }
    if (!term->screen)
        return no_terminal(err, _("its type is not known here"));
    if (term->used_type != term->type)
        log_info("terminal type \"%s\" is not known here: using %s", term->type, term->used_type);
    return true;
}

static void start_colours(struct term *term)
{
    /* without default colours a background would be painted: rather none at all */
    if (!has_colors() || start_color() == ERR || use_default_colors() == ERR || COLORS < 8 ||
        COLOR_PAIRS <= PAIR_BAD)
        return;
    term->colour = init_pair(PAIR_OK, COLOR_GREEN, -1) != ERR &&
                   init_pair(PAIR_WARN, COLOR_YELLOW, -1) != ERR &&
                   init_pair(PAIR_BAD, COLOR_RED, -1) != ERR;
}

static void enter(struct term *term)
{
    (void)raw();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)leaveok(stdscr, FALSE);
    (void)scrollok(stdscr, FALSE);
    (void)typeahead(-1); /* curses never looks at the input */
    (void)curs_set(1);
    term_write(term, paste_on, sizeof(paste_on) - 1);
}

static void free_term(struct term *term)
{
    if (term->in_file)
        (void)fclose(term->in_file);
    else if (term->in >= 0)
        (void)close(term->in);
    if (term->out_file)
        (void)fclose(term->out_file);
    else if (term->out >= 0)
        (void)close(term->out);
    free(term->painted);
    free(term);
}

static bool open_files(struct term *term, struct err *err)
{
    term->in = open_tty(O_RDONLY | O_NONBLOCK);
    term->out = open_tty(O_RDWR);
    if (term->in < 0 || term->out < 0)
        return err_set_errno(err, ERR_TERMINAL, errno, _("the wizard needs a terminal: /dev/tty"));
    if (tcgetattr(term->out, &term->saved))
        return err_set_errno(err, ERR_TERMINAL, errno, _("the wizard needs a terminal: tcgetattr"));
    term->in_file = fdopen(term->in, "r");
    term->out_file = fdopen(term->out, "w");
    if (!term->in_file || !term->out_file)
        return err_set_errno(err, ERR_TERMINAL, errno, _("the wizard needs a terminal: fdopen"));
    return true;
}

struct term *term_open(struct err *err)
{
    const char *type = getenv("TERM");
    struct term *term;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        no_terminal(err, _("standard input or output is none"));
        return NULL;
    }
    if (!type || !type[0] || strcmp(type, "dumb") == 0) {
        no_terminal(err, type && type[0] ? _("TERM is \"dumb\"") : _("TERM is not set"));
        return NULL;
    }
    term = mem_zalloc(sizeof(*term));
    term->in = term->out = -1;
    snprintf(term->type, sizeof(term->type), "%s", type);
    if (!open_files(term, err)) {
        free_term(term);
        return NULL;
    }
    choose_locale(term);
    clean_environment();
    (void)set_escdelay(ESCAPE_DELAY_MS); /* ESCDELAY in the environment wins, in newterm() */
    if (!open_screen(term, err)) {
        free_term(term);
        return NULL;
    }
    arm_rescue(term);
    enter(term);
    return term;
}

void term_close(struct term *term)
{
    if (!term)
        return;
    if (!term->gone) {
        term_write(term, paste_off, sizeof(paste_off) - 1);
        (void)endwin();
        (void)tcsetattr(term->out, TCSANOW, &term->saved);
    }
    disarm_rescue();
    delscreen(term->screen);
    free_term(term);
}

/* -- what it can ---------------------------------------------------------------------------- */

int term_fd(const struct term *term)
{
    return term->in;
}

void term_limit_theme(struct term *term, struct theme *theme)
{
    if (theme->colour) /* start_color() sends "default colours": nothing to see, but not nothing */
        start_colours(term);
    theme->colour = theme->colour && term->colour;
    theme->unicode = theme->unicode && term->utf8;
}

const char *term_instead(const struct term *term, const char **ret_unknown)
{
    *ret_unknown = term->type;
    return term->used_type == term->type ? NULL : term->used_type;
}

void term_teach(const struct term *term, struct input *input)
{
    static const struct {
        const char *capability;
        uint32_t key;
    } keys[] = {
        {"kcuu1", KEY_CODE_UP},     {"kcud1", KEY_CODE_DOWN},    {"kcub1", KEY_CODE_LEFT},
        {"kcuf1", KEY_CODE_RIGHT},  {"khome", KEY_CODE_HOME},    {"kend", KEY_CODE_END},
        {"kpp", KEY_CODE_PAGE_UP},  {"knp", KEY_CODE_PAGE_DOWN}, {"kdch1", KEY_CODE_DELETE},
        {"kich1", KEY_CODE_INSERT}, {"kcbt", KEY_CODE_BACK_TAB}, {"kent", KEY_CODE_ENTER},
        {"kf1", KEY_CODE_F1},       {"kf2", KEY_CODE_F2},        {"kf3", KEY_CODE_F3},
        {"kf4", KEY_CODE_F4},       {"kf5", KEY_CODE_F5},        {"kf6", KEY_CODE_F6},
        {"kf7", KEY_CODE_F7},       {"kf8", KEY_CODE_F8},        {"kf9", KEY_CODE_F9},
        {"kf10", KEY_CODE_F10},
    };

    (void)term;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *bytes = tigetstr(keys[i].capability);

        if (bytes && bytes != (char *)-1)
            input_add_key(input, bytes, keys[i].key);
    }
    input_set_escape_delay(input, get_escdelay());
}

/* -- reading -------------------------------------------------------------------------------- */

int term_read(struct term *term, char *bytes, size_t size)
{
    ssize_t n;

    do {
        n = read(term->in, bytes, size);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return (int)n;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return -1; /* end of file or EIO: the window or the line is closed */
}

void term_size(const struct term *term, int *ret_rows, int *ret_columns)
{
    (void)term;
    getmaxyx(stdscr, *ret_rows, *ret_columns);
}

static void forget_painted(struct term *term)
{
    free(term->painted);
    term->painted = NULL;
}

void term_resized(struct term *term)
{
    struct winsize size;

    if (term->gone || ioctl(term->out, TIOCGWINSZ, &size) || size.ws_row == 0 || size.ws_col == 0)
        return;
    if (size.ws_row != LINES || size.ws_col != COLS) {
        (void)resize_term(size.ws_row, size.ws_col);
        forget_painted(term);
        /* A window that grows again may show cells of before (tmux does): all is painted anew. */
        (void)clearok(curscr, TRUE);
    }
}

/* -- painting ------------------------------------------------------------------------------- */

static attr_t attributes_of(enum style style)
{
    switch (style) {
    case STYLE_TITLE:
    case STYLE_FOCUS:
        return A_REVERSE;
    case STYLE_STRONG:
    case STYLE_KEY:
    case STYLE_WARN:
    case STYLE_BAD:
        return A_BOLD;
    case STYLE_NORMAL:
    case STYLE_RULE:
    case STYLE_LABEL:
    case STYLE_VALUE:
    case STYLE_OK:
    case STYLE_COUNT_:
        break;
    }
    return A_NORMAL;
}

static short pair_of(enum style style, bool colour)
{
    if (!colour)
        return 0;
    switch (style) {
    case STYLE_OK:
        return PAIR_OK;
    case STYLE_WARN:
        return PAIR_WARN;
    case STYLE_BAD:
        return PAIR_BAD;
    case STYLE_NORMAL:
    case STYLE_TITLE:
    case STYLE_RULE:
    case STYLE_LABEL:
    case STYLE_VALUE:
    case STYLE_FOCUS:
    case STYLE_STRONG:
    case STYLE_KEY:
    case STYLE_COUNT_:
        break;
    }
    return 0;
}

/* The cell's characters for curses. Where curses would take another width than the canvas did, or
 * does not know the character, it is a question mark: a border must not move. */
static void cell_text(const struct cell *cell, int width, wchar_t out[CCHARW_MAX + 1])
{
    const char *at = cell->text, *end = at + strlen(at);
    size_t n = 0;

    while (at < end && n < CCHARW_MAX) {
        wchar_t c = (wchar_t)text_next(&at, end);
        int is = wcwidth(c);

        if (n == 0 && is != width)
            c = L'?';
        else if (n > 0 && is != 0)
            continue;
        out[n++] = c;
    }
    out[n] = L'\0';
}

static void paint_cell(const struct canvas *canvas, int row, int column, bool colour)
{
    const struct cell *cell = canvas_cell(canvas, row, column);
    const struct cell *next = canvas_cell(canvas, row, column + 1);
    wchar_t text[CCHARW_MAX + 1];
    cchar_t cchar;
    int width = next && next->text[0] == '\0' ? 2 : 1;

    if (cell->text[0] == '\0')
        return; /* the right half of a wide one */
    cell_text(cell, width, text);
    if (setcchar(&cchar, text, attributes_of(cell->style), pair_of(cell->style, colour), NULL) ==
        OK)
        (void)mvadd_wch(row, column, &cchar); /* ERR in the last corner, where it is drawn too */
}

/* Nearly all are one byte: a call for each would be half of the work. */
static bool same_text(const char *a, const char *b)
{
    return a[0] == b[0] && ((a[0] != '\0' && a[1] == '\0' && b[1] == '\0') || strcmp(a, b) == 0);
}

/* Remembers a row; true when it is another one than curses was told before. */
static bool row_changed(struct term *term, const struct canvas *canvas, int row, int columns)
{
    struct cell *painted = term->painted + (size_t)row * (size_t)columns;
    bool changed = false;

    for (int column = 0; column < columns; column++) {
        const struct cell *cell = canvas_cell(canvas, row, column);

        if (cell->style == painted[column].style && same_text(cell->text, painted[column].text))
            continue;
        painted[column] = *cell;
        changed = true;
    }
    return changed;
}

/* Curses finds what has changed, but to tell it all cells costs ten times as much as to compare
 * them here: a live page changes a few rows. */
static void paint_rows(struct term *term, const struct canvas *canvas, int rows, int columns)
{
    bool colour = term->colour && canvas_theme(canvas)->colour;
    bool all = !term->painted || term->painted_rows != rows || term->painted_columns != columns ||
               term->painted_colour != colour;

    if (all) {
        forget_painted(term);
        term->painted = mem_array((size_t)rows * (size_t)columns + 1, sizeof(*term->painted));
        term->painted_rows = rows;
        term->painted_columns = columns;
        term->painted_colour = colour;
        (void)erase();
    }
    for (int row = 0; row < rows; row++) {
        if (!row_changed(term, canvas, row, columns) && !all)
            continue;
        (void)move(row, 0);
        (void)clrtoeol();
        for (int column = 0; column < columns; column++)
            paint_cell(canvas, row, column, colour);
    }
}

void term_paint(struct term *term, const struct canvas *canvas)
{
    int rows, columns, row, column;

    if (term->gone)
        return;
    term_size(term, &rows, &columns);
    paint_rows(term, canvas, rows < canvas_rows(canvas) ? rows : canvas_rows(canvas),
               columns < canvas_columns(canvas) ? columns : canvas_columns(canvas));
    if (!canvas_cursor_at(canvas, &row, &column))
        row = column = 0;
    (void)move(row, column); /* last: braille and speech follow it */
    (void)wnoutrefresh(stdscr);
    (void)doupdate();
}

void term_redraw(struct term *term)
{
    (void)term;
    (void)clearok(curscr, TRUE);
}

void term_write(struct term *term, const char *bytes, size_t len)
{
    if (term->gone)
        return;
    (void)fflush(term->out_file);
    while (len > 0) {
        ssize_t n = write(term->out, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* the reading side will tell that it is gone */
        bytes += n;
        len -= (size_t)n;
    }
}

void term_gone(struct term *term)
{
    term->gone = true;
    rescue.active = 0;
}

/* -- Ctrl-Z --------------------------------------------------------------------------------- */

void term_suspend(struct term *term)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, old;
    sigset_t set, old_set;

    term_write(term, paste_off, sizeof(paste_off) - 1);
    (void)def_prog_mode();
    (void)endwin();
    (void)tcsetattr(term->out, TCSANOW, &term->saved);
    rescue.active = 0;

    sigemptyset(&stop.sa_mask);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    (void)sigaction(SIGTSTP, &stop, &old);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, &old_set);
    (void)kill(0, SIGTSTP); /* the whole job: sudo, a pipe's other end */
    (void)pthread_sigmask(SIG_SETMASK, &old_set, NULL);
    (void)sigaction(SIGTSTP, &old, NULL);

    rescue.active = 1;
    (void)reset_prog_mode();
    term_resized(term);
    term_write(term, paste_on, sizeof(paste_on) - 1);
    (void)clearok(curscr, TRUE);
}
