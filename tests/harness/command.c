/* command.c - one run of $PGSEAL without a terminal, and all that it said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/command.h"

#define ARGS_MAX   48
#define WAIT_S     60
#define OUTPUT_MAX (64u << 20)

char *command_box(void)
{
    struct err err = ERR_INIT;
    char *folder = fs_make_temp_folder("pgseal-command", &err);
    char *store;

    if (!folder)
        fail_msg("%s", err.msg);
    store = fs_join(folder, "store");
    setenv("HOME", folder, 1);
    setenv("PGSEAL_STORE", store, 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(chdir(folder), 0);
    free(store);
    return folder;
}

void command_box_free(char *folder)
{
    struct err err = ERR_INIT;

    assert_int_equal(chdir("/"), 0);
    if (!fs_remove_tree(folder, &err))
        fail_msg("%s", err.msg);
    free(folder);
}

/* An unnamed file, filled and rewound. */
static int temp_file(const char *text)
{
    char path[] = "/tmp/pgseal-command-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    assert_true(fd >= 0);
    unlink(path);
    if (text) {
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

static char *read_back(int fd)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    lseek(fd, 0, SEEK_SET);
    if (!fs_read_fd(fd, "output", OUTPUT_MAX, &text, &err))
        fail_msg("%s", err.msg);
    close(fd);
    return strbuf_steal(&text);
}

static void child(const struct command_options *options, char *const *argv, int in, int out,
                  int err_fd)
{
    setsid();
    alarm(WAIT_S);
    if (options->file_size_limit > 0) {
        struct rlimit limit = {(rlim_t)options->file_size_limit, (rlim_t)options->file_size_limit};

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    dup2(out, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    if (options->input_closed)
        close(STDIN_FILENO);
    else
        dup2(in, STDIN_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

static void run_argv(struct command_result *ret, const struct command_options *options,
                     const char *const *args)
{
    static const struct command_options plain;
    const char *program;
    char *argv[ARGS_MAX] = {0};
    int in, out, err_fd, status;
    pid_t pid;
    size_t n = 0;

    options = options ? options : &plain;
    program = options->program ? options->program : getenv("PGSEAL");
    assert_non_null(program);
    argv[n++] = mem_strdup(program);
    for (; *args; args++) {
        assert_true(n + 1 < ARGS_MAX);
        argv[n++] = mem_strdup(*args);
    }
    in = options->input ? temp_file(options->input) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    out = options->output ? open(options->output, O_WRONLY | O_CLOEXEC) : temp_file(NULL);
    err_fd = temp_file(NULL);
    assert_true(in >= 0 && out >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(options, argv, in, out, err_fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ret->err = read_back(err_fd);
    if (options->output) {
        close(out);
        ret->out = mem_strdup("");
    } else {
        ret->out = read_back(out);
    }
    close(in);
    while (n > 0)
        free(argv[--n]);
}

void command_run(struct command_result *ret, const struct command_options *options, ...)
{
    const char *args[ARGS_MAX] = {0};
    size_t n = 0;
    va_list list;

    va_start(list, options);
    while (n + 1 < ARGS_MAX && (args[n] = va_arg(list, const char *)))
        n++;
    va_end(list);
    run_argv(ret, options, args);
}

void command_clear(struct command_result *result)
{
    free(result->out);
    free(result->err);
    memset(result, 0, sizeof(*result));
}

static void show(const struct command_result *result, const char *const *args)
{
    fputs("# pgseal", stderr);
    for (; *args; args++)
        fprintf(stderr, " %s", *args);
    fprintf(stderr, "\n# status %d\n%s%s\n", result->status, result->out, result->err);
}

char *command_expect(int status, const char *args[])
{
    struct command_result result;

    run_argv(&result, NULL, args);
    if (result.status != status) {
        show(&result, args);
        fail_msg("status %d, and %d was expected", result.status, status);
    }
    free(result.err);
    return result.out;
}

void command_expect_error(int status, const char *text, const char *args[])
{
    struct command_result result;

    run_argv(&result, NULL, args);
    if (result.status != status || !strstr(result.err, text)) {
        show(&result, args);
        fail_msg("status %d, and %d with \"%s\" was expected", result.status, status, text);
    }
    command_clear(&result);
}

json_t *command_expect_json(int status, const char *args[])
{
    char *text = command_expect(status, args);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!json)
        fail_msg("not one JSON document: %s\n%s", error.text, text);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c > 126)
            fail_msg("not ASCII: %s", text);
    assert_int_equal(json_integer_value(json_object_get(json, "v")), 1);
    free(text);
    return json;
}

char *command_read(const char *path)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (!fs_read(path, OUTPUT_MAX, &text, &err))
        fail_msg("%s", err.msg);
    return strbuf_steal(&text);
}

void command_write(const char *path, const char *text, unsigned mode)
{
    struct err err = ERR_INIT;

    if (!fs_write_replace(path, text, strlen(text), (mode_t)mode, &err))
        fail_msg("%s", err.msg);
}

unsigned command_mode(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        fail_msg("\"%s\" is not there", path);
    return (unsigned)(st.st_mode & 07777);
}
