/*
 * own_mounts.h - mounts that only this process and what it starts can see.
 *
 * Use      once, first thing in main(), while there is one thread; then mount(2). False: it is not
 *          allowed here, and the program is skipped.
 * Source   mount_namespaces(7), user_namespaces(7).
 */
#ifndef PGSEAL_TESTS_OWN_MOUNTS_H
#define PGSEAL_TESTS_OWN_MOUNTS_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/base/mem.h"

static inline bool own_mounts_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return good;
}

/* Root just may; others may in a namespace where they are themselves. */
static inline bool own_mounts(void)
{
    char *users = mem_printf("%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
    char *groups = mem_printf("%u %u 1", (unsigned)getegid(), (unsigned)getegid());
    bool good = geteuid() == 0 ? unshare(CLONE_NEWNS) == 0
                               : unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                                     own_mounts_map("/proc/self/setgroups", "deny") &&
                                     own_mounts_map("/proc/self/gid_map", groups) &&
                                     own_mounts_map("/proc/self/uid_map", users);

    free(users);
    free(groups);
    return good && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#endif
