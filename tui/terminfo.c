#include "config.h"

#include "tui/terminfo.h"

#include <curses.h>
/* after curses.h */
#include <term.h>

enum terminfo_answer terminfo_ask(const char *type, int fd)
{
    enum terminfo_answer answer = TERMINFO_GOOD;
    int status = 0;
    const char *cup;

    if (setupterm(type, fd, &status) != OK)
        return status == 1 ? TERMINFO_CANNOT_MOVE : TERMINFO_UNKNOWN; /* 1: a printing terminal */
    cup = tigetstr("cup");
    if (!cup || cup == (char *)-1)
        answer = TERMINFO_CANNOT_MOVE;
    (void)del_curterm(cur_term);
    return answer;
}
