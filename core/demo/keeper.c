/* keeper.c - the process that owns the demo's server. */
#include "config.h"

#include "core/demo/keeper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"

#define INIT_MS      60000
#define FAST_MS      6000 /* SIGINT: sessions are ended, a checkpoint is written */
#define IMMEDIATE_MS 3000 /* SIGQUIT */
#define FOREVER      (-1)

struct request {
    enum keeper_op op;
    int port;
};

struct state {
    const struct keeper_job *job;
    int link;     /* to pgseal */
    int owner_fd; /* pidfd of pgseal, or -1 */
    int log_fd;
    pid_t server; /* 0: not running */
    pid_t load;
    int port;
    bool made_folder;
};

/* ---- what the server's processes are ---- */

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In a child of the keeper: gives up root for good; false when anything of it fails. */
static bool become(const struct server_user *user)
{
    if (!user->other)
        return true;
    return setgroups(1, &user->gid) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
           setresuid(user->uid, user->uid, user->uid) == 0 && setuid(0) != 0;
}

/* Turns a fresh child into a process of the server's user without terminal, input or relatives. */
static void settle_child(const struct state *state, pid_t keeper, int death_signal)
{
    int null = open("/dev/null", O_RDONLY);

    reset_signals();
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(state->log_fd, STDOUT_FILENO) < 0 ||
        dup2(state->log_fd, STDERR_FILENO) < 0)
        _exit(126);
    (void)setsid();
    umask(077);
    if (!become(&state->job->user) || chdir(state->job->data) != 0)
        _exit(126);
    /* After the change of user, which clears it; then the parent may have gone already. */
    (void)prctl(PR_SET_PDEATHSIG, death_signal);
    if (getppid() != keeper)
        _exit(126);
}

_Noreturn static void exec_program(const struct state *state, const char *name, char **argv)
{
    /* None of the user's variables: libpq and the server read many of them. */
    const char *libraries = getenv("LD_LIBRARY_PATH");
    char *library_path = libraries != NULL ? mem_printf("LD_LIBRARY_PATH=%s", libraries) : NULL;
    /* Kerberos would leave a file in /var/tmp against replays. */
    char *env[] = {mem_strdup("PATH=/usr/bin:/bin"),   mem_strdup("LC_ALL=C"), mem_strdup("TZ=UTC"),
                   mem_strdup("KRB5RCACHENAME=none:"), library_path,           NULL};

    argv[0] = fs_join(state->job->bindir, name); /* initdb looks for postgres beside argv[0] */
    execve(argv[0], argv, env);
    _exit(127);
}

/* ---- settings ---- */

static bool append_file(const char *name, int flags, const char *text)
{
    int fd = open(name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    size_t len = strlen(text);
    bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;

    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    return ok;
}

/* A value of postgresql.conf: quotes are doubled, backslashes too. */
static void quote_setting(struct strbuf *out, const char *text)
{
    strbuf_add_char(out, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            strbuf_add_char(out, *at);
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '\'');
}

/* Runs in a child, as the server's user, in the data directory: a root that writes files in a folder
 * of somebody else can be led astray. */
static bool write_settings(const struct keeper_job *job)
{
    struct strbuf text = STRBUF_INIT;
    bool ok;

    if (job->primary_socket != NULL) { /* all else came with the copy */
        strbuf_add_str(&text, "\nunix_socket_directories = ");
        quote_setting(&text, job->socket);
        strbuf_add_char(&text, '\n');
        ok = append_file("postgresql.conf", O_APPEND, text.data);
        strbuf_clear(&text);
        return ok;
    }
    strbuf_add_str(&text, "\n# pgseal demo: a server for an hour, that nobody will miss\n"
                          "listen_addresses = '127.0.0.1'\n"
                          "unix_socket_permissions = 0700\n"
                          "max_connections = 60\n"
                          "shared_buffers = 16MB\n"
                          "dynamic_shared_memory_type = mmap # goes with the folder\n"
                          "fsync = off\n"
                          "full_page_writes = off\n"
                          "synchronous_commit = off\n"
                          "autovacuum = off\n"
                          "password_encryption = 'scram-sha-256' # 13 would write md5\n"
                          "log_line_prefix = '%m [%p] %q%u@%d %h '\n"
                          "unix_socket_directories = ");
    quote_setting(&text, job->socket);
    strbuf_add_str(&text, job->replicated ? "\nwal_level = replica\nmax_wal_senders = 4\n"
                                          : "\nwal_level = minimal\nmax_wal_senders = 0\n");
    ok = append_file("postgresql.conf", O_APPEND, text.data) &&
         (!job->replicated ||
          append_file("pg_hba.conf", O_TRUNC, "local replication admin trust\n")) &&
         append_file(
             "pg_hba.conf", job->replicated ? O_APPEND : O_TRUNC,
             "# TYPE  DATABASE  USER   ADDRESS       METHOD\n"
             "# the superuser: only through the socket, in a folder that nobody else enters\n"
             "local   all       admin                trust\n"
             "host    all       admin  all           reject\n"
             "# as in every new cluster\n"
             "host    all       all    127.0.0.1/32  scram-sha-256\n"
             "host    all       all    ::1/128       scram-sha-256\n");
    strbuf_clear(&text);
    return ok;
}

/* ---- waiting ---- */

static void reap(struct state *state)
{
    if (state->server > 0 && waitpid(state->server, NULL, WNOHANG) == state->server)
        state->server = 0;
    if (state->load > 0 && waitpid(state->load, NULL, WNOHANG) == state->load)
        state->load = 0;
}

/* Sleeps until a child ended (SIGCHLD is blocked outside of this), pgseal says something (only when
 * listen is set) or is gone, or the time is over. False when pgseal is gone. */
static bool doze(const struct state *state, bool listen, int64_t ms)
{
    struct pollfd fds[] = {{.fd = state->link, .events = listen ? POLLIN : 0},
                           {.fd = state->owner_fd, .events = POLLIN}};
    struct timespec timeout = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = ms % 1000 * 1000000};
    sigset_t none;

    sigemptyset(&none);
    if (ppoll(fds, ARRAY_LEN(fds), ms < 0 ? NULL : &timeout, &none) <= 0)
        return true;
    return (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) == 0 && fds[1].revents == 0;
}

/* Waits for a child that is not the server or the load. False when pgseal has gone or it took too
 * long: then the child and its group are killed. */
static bool await(const struct state *state, pid_t pid, int64_t ms, int *ret_status)
{
    int64_t deadline = clock_mono_ms() + ms;

    for (;;) {
        pid_t got = waitpid(pid, ret_status, WNOHANG);
        int64_t left = deadline - clock_mono_ms();

        if (got != 0)
            return got == pid;
        if (left <= 0 || !doze(state, false, left)) {
            (void)kill(-pid, SIGKILL); /* it called setsid() */
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, ret_status, 0);
            return false;
        }
    }
}

/* Waits until the server has ended; pgseal being gone is no reason to stop waiting. */
static bool server_ended(struct state *state, int64_t ms)
{
    struct timespec timeout;
    int64_t deadline = clock_mono_ms() + ms;
    sigset_t none;

    sigemptyset(&none);
    for (;;) {
        int64_t left = deadline - clock_mono_ms();

        reap(state);
        if (state->server == 0)
            return true;
        if (left <= 0)
            return false;
        timeout =
            (struct timespec){.tv_sec = (time_t)(left / 1000), .tv_nsec = left % 1000 * 1000000};
        (void)ppoll(NULL, 0, &timeout, &none);
    }
}

/* ---- the server ---- */

/* The parent of a process, by /proc; 0 when it cannot be known. */
static pid_t parent_of(const char *pid_name)
{
    char *path = mem_printf("/proc/%s/stat", pid_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[512];
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    const char *name_end;
    long parent = 0;

    if (fd >= 0)
        close(fd);
    free(path);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    name_end = strrchr(text, ')');
    if (name_end != NULL && strlen(name_end) > 4)
        parent = strtol(name_end + 4, NULL, 10);
    return (pid_t)parent;
}

/* The server's backends lead sessions of their own: they are found by their parent. */
static void signal_backends(const struct state *state, int number)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == state->server)
            (void)kill((pid_t)strtol(entry->d_name, NULL, 10), number);
    }
    closedir(dir);
}

static bool freeze(struct state *state, bool frozen)
{
    if (state->server == 0)
        return false;
    if (frozen && kill(state->server, SIGSTOP) != 0) /* first: it makes no new backends then */
        return false;
    signal_backends(state, frozen ? SIGSTOP : SIGCONT);
    return frozen || kill(state->server, SIGCONT) == 0;
}

static pid_t spawn(const struct state *state, int death_signal)
{
    pid_t keeper = getpid();
    pid_t pid = fork();

    if (pid == 0)
        settle_child(state, keeper, death_signal);
    return pid;
}

static bool start_server(struct state *state, int port)
{
    const struct keeper_job *job = state->job;
    pid_t pid;

    reap(state);
    if (state->server != 0)
        return false;
    pid = spawn(state, SIGINT);
    if (pid == 0) {
        if (port > 0) {
            char *line = mem_printf("port = %d\n", port);

            if (!append_file("postgresql.conf", O_APPEND, line))
                _exit(126);
        }
        exec_program(state, "postgres",
                     (char *[]){NULL, mem_strdup("-D"), mem_strdup(job->data), NULL});
    }
    if (pid < 0)
        return false;
    if (port > 0)
        state->port = port;
    state->server = pid;
    return true;
}

static bool stop_server(struct state *state)
{
    static const struct {
        int number;
        int ms;
    } ways[] = {{SIGINT, FAST_MS}, {SIGQUIT, IMMEDIATE_MS}, {SIGKILL, IMMEDIATE_MS}};

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        reap(state);
        if (state->server == 0)
            return true;
        (void)kill(state->server, ways[i].number);
        (void)freeze(state, false); /* a stopped process hears nothing */
        if (server_ended(state, ways[i].ms))
            return true;
    }
    return false;
}

static bool start_load(struct state *state)
{
    pid_t keeper = getpid();

    if (state->load != 0 || state->server == 0)
        return state->load != 0;
    state->load = fork();
    if (state->load == 0) {
        reset_signals();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != keeper)
            _exit(126);
        close(state->link);
        close(state->log_fd);
        if (state->owner_fd >= 0)
            close(state->owner_fd);
        load_run(state->job->roles, state->job->n_roles, state->port);
    }
    return state->load > 0;
}

static void stop_load(struct state *state)
{
    if (state->load <= 0)
        return;
    (void)kill(state->load, SIGKILL);
    (void)waitpid(state->load, NULL, 0);
    state->load = 0;
}

/* ---- the folder ---- */

/* As root, the folder is root's and lets the server's group pass; what is in it is 0700 of the one
 * who needs it. */
static bool make_folders(struct state *state)
{
    const struct keeper_job *job = state->job;
    const struct server_user *user = &job->user;

    if (mkdir(job->folder, 0700) != 0)
        return false;
    state->made_folder = true;
    state->log_fd =
        open(job->log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (state->log_fd < 0 || mkdir(job->data, 0700) != 0 || mkdir(job->socket, 0700) != 0)
        return false;
    if (!user->other)
        return true;
    return lchown(job->data, user->uid, user->gid) == 0 &&
           lchown(job->socket, user->uid, user->gid) == 0 &&
           lchown(job->folder, (uid_t)-1, user->gid) == 0 && chmod(job->folder, 0710) == 0;
}

_Noreturn static void exec_basebackup(const struct state *state)
{
    const struct keeper_job *job = state->job;

    exec_program(state, "pg_basebackup",
                 (char *[]){NULL, mem_strdup("-D"), mem_strdup(job->data), mem_strdup("-h"),
                            mem_strdup(job->primary_socket), mem_strdup("-p"),
                            mem_printf("%d", job->primary_port), mem_strdup("-U"),
                            mem_strdup("admin"), mem_strdup("-R"), mem_strdup("-c"),
                            mem_strdup("fast"), mem_strdup("--no-sync"), NULL});
}

/* One child does it: initdb or pg_basebackup; another one writes our lines. */
static bool run_initdb(const struct state *state)
{
    int status = -1;
    pid_t pid = spawn(state, SIGTERM);

    if (pid == 0 && state->job->primary_socket != NULL)
        exec_basebackup(state);
    if (pid == 0)
        exec_program(state, "initdb",
                     (char *[]){NULL, mem_strdup("-D"), mem_strdup(state->job->data),
                                mem_strdup("-U"), mem_strdup("admin"), mem_strdup("-A"),
                                mem_strdup("trust"), mem_strdup("-E"), mem_strdup("UTF8"),
                                mem_strdup("--locale=C"), mem_strdup("--no-sync"), NULL});
    if (pid < 0 || !await(state, pid, INIT_MS, &status) || status != 0)
        return false;
    pid = spawn(state, SIGTERM);
    if (pid == 0)
        _exit(write_settings(state->job) ? 0 : 1);
    return pid > 0 && await(state, pid, INIT_MS, &status) && status == 0;
}

static struct keeper_answer initialise(struct state *state)
{
    if (!make_folders(state))
        return (struct keeper_answer){.number = errno};
    return (struct keeper_answer){.ok = run_initdb(state)};
}

/* Everything ends. Returns 0 or the errno of what could not be removed. */
static int clean_up(struct state *state)
{
    struct err err = ERR_INIT;

    stop_load(state);
    if (!stop_server(state))
        return EBUSY;
    if (state->job->keep || !state->made_folder)
        return 0;
    errno = 0;
    if (fs_remove_tree(state->job->folder, &err))
        return 0;
    return errno != 0 ? errno : EIO;
}

/* ---- the process ---- */

static struct keeper_answer serve(struct state *state, const struct request *request)
{
    struct keeper_answer answer = {.ok = true};

    reap(state);
    switch (request->op) {
    case KEEPER_INIT:
        return initialise(state);
    case KEEPER_START:
        answer.ok = start_server(state, request->port);
        answer.number = (int)state->server;
        break;
    case KEEPER_ASK:
        answer.number = (int)state->server;
        break;
    case KEEPER_STOP:
        answer.ok = stop_server(state);
        break;
    case KEEPER_FREEZE:
    case KEEPER_THAW:
        answer.ok = freeze(state, request->op == KEEPER_FREEZE);
        break;
    case KEEPER_LOAD:
        answer.ok = start_load(state);
        break;
    case KEEPER_QUIT:
        answer.number = clean_up(state);
        answer.ok = answer.number == 0;
        break;
    }
    return answer;
}

static void do_nothing(int number)
{
    (void)number; /* its arrival ends ppoll() */
}

/* Away from pgseal's terminal, its files and its signals: Ctrl-C is for pgseal, which then tells. */
static void settle_keeper(struct state *state, int link, pid_t owner)
{
    static const int ignored[] = {SIGHUP,  SIGINT,  SIGTERM, SIGQUIT, SIGPIPE,
                                  SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
    const struct sigaction on_child = {.sa_handler = do_nothing};
    sigset_t child;
    int null;

    (void)setsid();
    reset_signals();
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)sigaction(SIGCHLD, &on_child, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);

    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(126);
    /* The link alone goes on: a pipe of pgseal's held open here would hang its reader. */
    if ((link != 3 && dup2(link, 3) < 0) || fcntl(3, F_SETFD, FD_CLOEXEC) != 0)
        _exit(126);
    closefrom(4);
    state->link = 3;
    state->owner_fd = -1;
#ifdef SYS_pidfd_open
    state->owner_fd = (int)syscall(SYS_pidfd_open, owner, 0); /* close-on-exec by itself */
#endif
    if (getppid() != owner || chdir("/") != 0)
        _exit(126);
    umask(077);
    (void)prctl(PR_SET_NAME, "pgseal-demo");
}

_Noreturn static void keeper_main(const struct keeper_job *job, int link, pid_t owner)
{
    struct state state = {.job = job, .log_fd = -1};
    bool done = false;

    settle_keeper(&state, link, owner);
    while (!done) {
        struct request request;
        struct keeper_answer answer;
        ssize_t got;

        reap(&state);
        if (!doze(&state, true, FOREVER))
            break;
        got = recv(state.link, &request, sizeof(request), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue; /* a child ended, that was all */
        if (got != (ssize_t)sizeof(request))
            break;
        answer = serve(&state, &request);
        done = request.op == KEEPER_QUIT;
        if (send(state.link, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(done || clean_up(&state) == 0 ? 0 : 1);
}

bool keeper_fork(const struct keeper_job *job, struct keeper *ret, struct err *err)
{
    pid_t owner = getpid();
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set_errno(err, ERR_DEMO, errno, _("cannot make a socket pair"));
    pid = fork();
    if (pid == 0)
        keeper_main(job, ends[1], owner);
    close(ends[1]);
    if (pid < 0) {
        int saved = errno;

        close(ends[0]);
        return err_set_errno(err, ERR_DEMO, saved, _("cannot make a process"));
    }
    ret->pid = pid;
    ret->link = ends[0];
    return true;
}

bool keeper_ask(const struct keeper *keeper, enum keeper_op op, int port, int timeout_ms,
                struct keeper_answer *ret, struct err *err)
{
    struct request request;
    int64_t deadline = clock_mono_ms() + timeout_ms;

    memset(&request, 0, sizeof(request));
    request.op = op;
    request.port = port;
    if (send(keeper->link, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        return err_set(err, ERR_DEMO, _("the process that keeps the private PostgreSQL is gone"));
    for (;;) {
        struct pollfd at = {.fd = keeper->link, .events = POLLIN};
        int64_t left = deadline - clock_mono_ms();

        if (left <= 0)
            return err_set(err, ERR_DEMO, _("the process that keeps the private PostgreSQL hangs"));
        if (poll(&at, 1, (int)left) > 0)
            break;
    }
    if (recv(keeper->link, ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret))
        return err_set(err, ERR_DEMO, _("the process that keeps the private PostgreSQL is gone"));
    return true;
}
