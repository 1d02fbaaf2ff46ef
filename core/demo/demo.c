/* demo.c - a private PostgreSQL. */
#include "config.h"

#include "core/demo/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/demo/keeper.h"
#include "core/demo/programs.h"
#include "core/demo/roles.h"

#define INIT_MS    70000
#define READY_MS   30000
#define STOP_MS    25000
#define SHORT_MS   5000
#define PORT_TRIES 5
#define LOG_MAX    (16 * 1024 * 1024)

struct demo {
    char *folder;
    char *store;
    char *data;
    char *socket;
    char *log;
    char *bindir;
    char *conninfo;
    bool keep;
    bool stopped;
    int port;
    int pid;
    struct keeper keeper; /* link -1: given up */
    struct demo_role roles[DEMO_ROLES];
    size_t n_roles;
    void (*progress)(void *arg, const char *line);
    void *progress_arg;
};

static void tell(const struct demo *demo, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(const struct demo *demo, const char *fmt, ...)
{
    struct strbuf line = STRBUF_INIT;
    va_list args;

    if (demo->progress == NULL)
        return;
    va_start(args, fmt);
    strbuf_vprintf(&line, fmt, args);
    va_end(args);
    demo->progress(demo->progress_arg, line.data);
    strbuf_clear(&line);
}

/* ---- where ---- */

/* The longest socket name must fit: a server does not start with a longer one. */
static bool socket_fits(const char *folder)
{
    return strlen(folder) + strlen("/socket/.s.PGSQL.65535") <
           sizeof(((struct sockaddr_un *)0)->sun_path);
}

static bool add_random(struct strbuf *out, size_t n, struct err *err)
{
    unsigned char bytes[32];

    if (getrandom(bytes, n, 0) != (ssize_t)n)
        return err_set_errno(err, ERR_DEMO, errno, _("no random numbers"));
    strbuf_add_hex(out, bytes, n);
    return true;
}

/* A name that nobody has, in $TMPDIR when the server's user can get there, else in /tmp. */
static char *temporary_folder(const struct server_user *user, struct err *err)
{
    const char *const places[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    struct strbuf path = STRBUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        /* steady: under sudo TMPDIR may be another user's, who could put a link in our place */
        if (places[i] == NULL || places[i][0] != '/' || access(places[i], W_OK | X_OK) != 0 ||
            (user->other && !fs_is_steady_folder(places[i])) ||
            !server_user_reaches(user, places[i]))
            continue;
        strbuf_reset(&path);
        strbuf_printf(&path, "%s/pgseal-demo-", places[i]);
        if (!add_random(&path, 8, err))
            goto fail;
        if (socket_fits(path.data))
            return strbuf_steal(&path);
    }
    err_set(err, ERR_DEMO, _("there is no usable folder for temporary files"));
    err_hint(err, _("Set TMPDIR to a short path that the server's user can reach."));
fail:
    strbuf_clear(&path);
    return NULL;
}

/* The absolute name of a folder that is to be made: its parent is there. */
static char *kept_folder(const char *keep, const struct server_user *user, struct err *err)
{
    char *copy = mem_strdup(keep);
    char *parent = NULL;
    char *path = NULL;
    char *slash;
    size_t len = strlen(copy);

    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    slash = strrchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    parent = realpath(slash == NULL ? "." : slash == copy ? "/" : copy, NULL);
    if (parent == NULL) {
        err_set_errno(err, ERR_FILE, errno, _("cannot use \"%s\""), keep);
        goto out;
    }
    path = fs_join(parent, slash == NULL ? copy : slash + 1);
    if (fs_exists(path)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
        goto fail;
    }
    if (user->other && !fs_is_steady_folder(parent)) { /* root gives folders away by name there */
        err_set(err, ERR_FILE_UNSAFE, _("others could move away what is made in \"%s\""), parent);
        err_hint(err, _("Choose a folder of your own."));
        goto fail;
    }
    if (!socket_fits(path)) {
        err_set(err, ERR_DEMO, _("\"%s\" is too long for a socket in it"), path);
        err_hint(err, _("Choose a folder with a shorter path."));
        goto fail;
    }
    if (!server_user_reaches(user, parent)) {
        err_set(err, ERR_DEMO, _("the server's user cannot get to \"%s\""), parent);
        err_cause(err, _("The server does not run as root, and a folder on the way is closed to "
                         "others."));
        err_hint(err, _("Choose a folder below /var/tmp or /srv."));
        goto fail;
    }
    goto out;
fail:
    free(path);
    path = NULL;
out:
    free(parent);
    free(copy);
    return path;
}

/* A port of 127.0.0.1 that is free now. Somebody may be faster: then it is tried again. */
static int free_port(struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        port = ntohs(address.sin_port);
    else
        err_set_errno(err, ERR_DEMO, errno, _("no free port on 127.0.0.1"));
    if (fd >= 0)
        close(fd);
    return port;
}

/* ---- what the server said ---- */

/* The last line of the log that tells of a failure, else the last line. */
static bool last_words(const struct demo *demo, struct strbuf *ret)
{
    struct strbuf log = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    char *save = NULL;
    bool serious = false;

    strbuf_reset(ret);
    if (!fs_read(demo->log, LOG_MAX, &log, &ignored))
        return false;
    for (const char *line = strtok_r(log.capacity > 0 ? log.data : NULL, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        bool bad = strstr(line, "FATAL:") != NULL || strstr(line, "error:") != NULL ||
                   strstr(line, "could not") != NULL;

        if ((!bad && serious) || strstr(line, "the database system is ") != NULL)
            continue; /* the second one is what our own pings hear while it starts */
        serious = bad;
        strbuf_reset(ret);
        strbuf_add_str(ret, line);
    }
    strbuf_clear(&log);
    return ret->len > 0;
}

static bool fail_with_words(const struct demo *demo, const char *what, struct err *err)
{
    struct strbuf words = STRBUF_INIT;

    if (last_words(demo, &words))
        err_set(err, ERR_DEMO, "%s: %s", what, words.data);
    else
        err_set(err, ERR_DEMO, "%s", what);
    strbuf_clear(&words);
    return false;
}

/* ---- the server ---- */

/* Asks the keeper; one that does not answer is given up, and cleans up by itself. */
static bool ask(struct demo *demo, enum keeper_op op, int port, int timeout_ms,
                struct keeper_answer *ret, struct err *err)
{
    if (demo->keeper.link < 0)
        return err_set(err, ERR_DEMO, _("the private PostgreSQL has been stopped"));
    if (keeper_ask(&demo->keeper, op, port, timeout_ms, ret, err))
        return true;
    close(demo->keeper.link);
    demo->keeper.link = -1;
    return false;
}

static PGPing ping(const struct demo *demo)
{
    char port[12];
    const char *const keywords[] = {"host",       "hostaddr",        "port",
                                    "user",       "dbname",          "sslmode",
                                    "gssencmode", "connect_timeout", NULL};
    const char *const values[] = {demo->socket, "",        port, "admin", "postgres",
                                  "disable",    "disable", "5",  NULL};

    snprintf(port, sizeof(port), "%d", demo->port);
    return PQpingParams(keywords, values, 0);
}

/* Waits until the server lets the superuser in, or has ended. */
static bool wait_ready(struct demo *demo, struct err *err)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000000L};
    int64_t deadline = clock_mono_ms() + READY_MS;

    while (clock_mono_ms() < deadline) {
        struct keeper_answer answer;

        if (ping(demo) == PQPING_OK)
            return true;
        if (!ask(demo, KEEPER_ASK, 0, SHORT_MS, &answer, err))
            return false;
        if (answer.number == 0)
            return fail_with_words(demo, "the private PostgreSQL ended at once", err);
        (void)nanosleep(&pause, NULL);
    }
    return fail_with_words(demo, "the private PostgreSQL did not become ready", err);
}

static bool launch(struct demo *demo, int port, struct err *err)
{
    struct keeper_answer answer;

    if (!ask(demo, KEEPER_START, port, SHORT_MS, &answer, err))
        return false;
    if (!answer.ok)
        return err_set(err, ERR_DEMO, _("the private PostgreSQL cannot be started"));
    demo->pid = answer.number;
    return wait_ready(demo, err);
}

static bool launch_on_free_port(struct demo *demo, struct err *err)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        demo->port = free_port(err);
        if (demo->port == 0)
            return false;
        if (launch(demo, demo->port, err))
            return true;
        /* LC_ALL=C: "could not bind IPv4 address "127.0.0.1": Address already in use" */
        if (strstr(err->msg, "TCP/IP") == NULL && strstr(err->msg, "in use") == NULL)
            return false;
    }
    return false;
}

static bool initialise(struct demo *demo, struct err *err)
{
    struct keeper_answer answer;

    if (!ask(demo, KEEPER_INIT, 0, INIT_MS, &answer, err))
        return false;
    if (!answer.ok && answer.number == EEXIST)
        return err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), demo->folder);
    if (!answer.ok && answer.number != 0)
        return err_set_errno(err, ERR_DEMO, answer.number, _("cannot make the folder \"%s\""),
                             demo->folder);
    if (!answer.ok)
        return fail_with_words(demo, "the data directory was not made", err);
    return true;
}

/* ---- life and end ---- */

/* Names everything and starts the keeper; nothing is on the disk yet. */
static bool prepare(struct demo *demo, const struct demo_options *options, struct err *err)
{
    struct server_user user;
    struct keeper_job job;
    struct strbuf conninfo = STRBUF_INIT;

    demo->bindir = programs_find(options->bindir, err);
    if (demo->bindir == NULL || !server_user_find(&user, err))
        return false;
    demo->folder = options->keep != NULL ? kept_folder(options->keep, &user, err)
                                         : temporary_folder(&user, err);
    if (demo->folder == NULL || (!options->quiet_roles && !demo_roles_name(demo->roles, err)))
        return false;
    demo->n_roles = options->quiet_roles ? 0 : DEMO_ROLES;
    demo->store = fs_join(demo->folder, "store");
    demo->data = fs_join(demo->folder, "data");
    demo->socket = fs_join(demo->folder, "socket");
    demo->log = fs_join(demo->folder, "log");
    job = (struct keeper_job){.folder = demo->folder,
                              .data = demo->data,
                              .socket = demo->socket,
                              .log = demo->log,
                              .bindir = demo->bindir,
                              .keep = demo->keep,
                              .user = user,
                              .roles = demo->roles,
                              .n_roles = demo->n_roles,
                              .replicated = options->replicated};
    if (options->standby_of != NULL) {
        job.primary_socket = options->standby_of->socket;
        job.primary_port = options->standby_of->port;
    }
    if (!text_quote_conninfo(&conninfo, demo->socket))
        return err_set(err, ERR_DEMO, _("\"%s\" cannot be a folder of sockets"), demo->socket);
    demo->conninfo = strbuf_steal(&conninfo);
    tell(demo, _("PostgreSQL found in %s"), demo->bindir);
    return keeper_fork(&job, &demo->keeper, err);
}

static bool bring_up(struct demo *demo, const struct demo_options *options, struct err *err)
{
    struct keeper_answer answer;
    char *quoted;

    if (!initialise(demo, err))
        return false;
    tell(demo, _("a new cluster in %s"), demo->folder);
    if (!launch_on_free_port(demo, err))
        return false;
    quoted = demo->conninfo;
    demo->conninfo = mem_printf("host=%s port=%d user=admin dbname=postgres", quoted, demo->port);
    free(quoted);
    tell(demo, _("the server listens on 127.0.0.1, port %d"), demo->port);
    if (options->quiet_roles)
        return true;
    if (!demo_roles_make(demo->socket, demo->port, demo->roles, demo->n_roles, err))
        return false;
    tell(demo, _("roles alice, bob and carol, database %s"), DEMO_DATABASE);
    if (!options->with_load)
        return true;
    if (!ask(demo, KEEPER_LOAD, 0, SHORT_MS, &answer, err))
        return false;
    return answer.ok || err_set(err, ERR_DEMO, _("cannot make a process"));
}

/* A PGSERVICE or PGSSLMODE that is meant for another server would go into every connection. libpq
 * itself knows their names. */
static void forget_environment(void)
{
    PQconninfoOption *options = PQconndefaults();

    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->envvar != NULL)
            (void)unsetenv(option->envvar);
    (void)unsetenv("PGREQUIRESSL");
    PQconninfoFree(options);
}

struct demo *demo_start(const struct demo_options *options, struct err *err)
{
    struct demo *demo = mem_zalloc(sizeof(*demo));

    forget_environment();
    demo->keeper.link = -1;
    demo->keep = options->keep != NULL;
    demo->progress = options->progress;
    demo->progress_arg = options->progress_arg;
    if (prepare(demo, options, err) && bring_up(demo, options, err))
        return demo;
    demo_free(demo);
    return NULL;
}

static bool process_gone(pid_t pid)
{
    return pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH);
}

/* When somebody killed the keeper, the kernel has sent SIGINT to the server: what is left to do is
 * ours. */
static void clean_up_alone(const struct demo *demo)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000000L};
    int64_t deadline = clock_mono_ms() + STOP_MS;
    struct err ignored = ERR_INIT;

    while (!process_gone(demo->pid) && clock_mono_ms() < deadline)
        (void)nanosleep(&pause, NULL);
    if (!demo->keep && process_gone(demo->pid))
        (void)!fs_remove_tree(demo->folder, &ignored);
}

bool demo_stop(struct demo *demo, bool *ret_nothing_left, struct err *err)
{
    struct keeper_answer answer = {.ok = true};
    bool told = true;
    bool nothing_left;

    if (!demo->stopped && demo->keeper.pid > 0) {
        told = ask(demo, KEEPER_QUIT, 0, STOP_MS, &answer, err);
        if (demo->keeper.link >= 0)
            close(demo->keeper.link);
        demo->keeper.link = -1;
        while (waitpid(demo->keeper.pid, NULL, 0) < 0 && errno == EINTR)
            ;
        if (!told)
            clean_up_alone(demo);
        demo->stopped = true;
    }
    nothing_left = process_gone(demo->pid) && (demo->keep || !fs_exists(demo->folder));
    if (ret_nothing_left != NULL)
        *ret_nothing_left = nothing_left;
    if (!nothing_left) {
        err_set(err, ERR_DEMO, _("something of the private PostgreSQL is left in \"%s\""),
                demo->folder);
        return err_state(err, _("the server's process was %d"), demo->pid);
    }
    demo->pid = 0;
    return true;
}

void demo_free(struct demo *demo)
{
    struct err ignored = ERR_INIT;

    if (demo == NULL)
        return;
    if (!demo->stopped && demo->keeper.pid > 0)
        (void)!demo_stop(demo, NULL, &ignored);
    if (demo->keeper.link >= 0)
        close(demo->keeper.link);
    explicit_bzero(demo->roles, sizeof(demo->roles));
    free(demo->folder);
    free(demo->store);
    free(demo->data);
    free(demo->socket);
    free(demo->log);
    free(demo->bindir);
    free(demo->conninfo);
    free(demo);
}

bool demo_restart(struct demo *demo, struct err *err)
{
    struct keeper_answer answer;

    if (!ask(demo, KEEPER_STOP, 0, STOP_MS, &answer, err))
        return false;
    if (!answer.ok)
        return err_set(err, ERR_DEMO, _("the private PostgreSQL does not end"));
    return launch(demo, 0, err);
}

bool demo_freeze(struct demo *demo, bool frozen, struct err *err)
{
    struct keeper_answer answer;

    if (!ask(demo, frozen ? KEEPER_FREEZE : KEEPER_THAW, 0, SHORT_MS, &answer, err))
        return false;
    return answer.ok || err_set(err, ERR_DEMO, _("the private PostgreSQL has ended"));
}

/* ---- facts ---- */

const char *demo_folder(const struct demo *demo)
{
    return demo->folder;
}

const char *demo_store(const struct demo *demo)
{
    return demo->store;
}

const char *demo_data(const struct demo *demo)
{
    return demo->data;
}

const char *demo_socket(const struct demo *demo)
{
    return demo->socket;
}

const char *demo_log(const struct demo *demo)
{
    return demo->log;
}

const char *demo_bindir(const struct demo *demo)
{
    return demo->bindir;
}

int demo_port(const struct demo *demo)
{
    return demo->port;
}

int demo_pid(const struct demo *demo)
{
    return demo->pid;
}

int demo_keeper_pid(const struct demo *demo)
{
    return demo->keeper.pid;
}

const char *demo_admin_conninfo(const struct demo *demo)
{
    return demo->conninfo;
}

const char *demo_password(const struct demo *demo, const char *role)
{
    for (size_t i = 0; i < demo->n_roles; i++) {
        if (strcmp(demo->roles[i].name, role) == 0)
            return demo->roles[i].password;
    }
    return "";
}
