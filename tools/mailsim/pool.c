/* Work in child processes. See pool.h.
 *
 * A child gets a few numbers in a row, writes a line for each result, and ends. What it says on
 * standard error is kept in case it dies; then the rest of its numbers goes to another child. */
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH = 16,            /* numbers that a child gets at most */
    SILENCE_MAX = 600,     /* seconds without a result after which a child is taken to hang */
    DEATH_TEXT_MAX = 4000, /* octets kept of what a dying child says */
    READ_SIZE = 4096,
};

typedef struct Child {
    pid_t pid; /* 0: no child */
    int results, complaints;
    uint64_t next, end; /* the number that it is at; behind the last */
    GString *text;      /* of results, not yet a whole line */
    GString *said;
    bool is_killed; /* for hanging */
} Child;

typedef struct Range {
    uint64_t next, end;
} Range;

typedef struct Pool {
    const PoolWork *work;
    Child *children;
    Range fresh;       /* not given to anybody */
    GArray *again;     /* Range: left over by children that died */
    GPtrArray *lines;  /* of each number: NULL, or 'r' and a result, or 'd' and a death */
    uint64_t reported; /* how many of them are told */
    bool is_over;
} Pool;

unsigned pool_processors(void)
{
    return MAX(1U, g_get_num_processors());
}

/* ---- The child ---- */

static _Noreturn void be_child(const PoolWork *work, Range range, int results, int complaints)
{
    dup2(complaints, STDERR_FILENO);
    FILE *out = fdopen(results, "w");
    for (uint64_t number = range.next; out != NULL && number < range.end; number++) {
        g_autoptr(GString) result = g_string_new(NULL);
        work->run(work->owner, number, result);
        g_strdelimit(result->str, "\n\r", ' ');
        fprintf(out, "%s\n", result->str);
        fflush(out);
    }
    /* Without the parent's exit handlers, and without its buffers being written twice. */
    _exit(out == NULL);
}

static bool start_child(Pool *pool, Child *child, Range range)
{
    int results[2], complaints[2];
    if (pipe(results) != 0)
        return false;
    if (pipe(complaints) != 0) {
        close(results[0]);
        close(results[1]);
        return false;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(results[0]);
        close(complaints[0]);
        be_child(pool->work, range, results[1], complaints[1]);
    }
    close(results[1]);
    close(complaints[1]);
    if (pid < 0) {
        close(results[0]);
        close(complaints[0]);
        return false;
    }
    *child = (Child){pid,       results[0],         complaints[0],      range.next,
                     range.end, g_string_new(NULL), g_string_new(NULL), false};
    return true;
}

/* ---- What children say ---- */

static void keep(Pool *pool, uint64_t number, char kind, const char *text)
{
    pool->lines->pdata[number - pool->work->first] = g_strdup_printf("%c%s", kind, text);
}

/* Tells what is known, in order. */
static void report(Pool *pool)
{
    while (!pool->is_over && pool->reported < pool->work->count) {
        char *line = pool->lines->pdata[pool->reported];
        if (line == NULL)
            return;
        bool is_result = line[0] == 'r';
        uint64_t number = pool->work->first + pool->reported++;
        pool->is_over = !pool->work->done(pool->work->owner, number, is_result ? line + 1 : NULL,
                                          is_result ? NULL : line + 1);
        g_clear_pointer(&pool->lines->pdata[pool->reported - 1], g_free);
    }
}

static void take_results(Pool *pool, Child *child)
{
    char *end;
    while ((end = strchr(child->text->str, '\n')) != NULL) {
        *end = '\0';
        keep(pool, child->next++, 'r', child->text->str);
        g_string_erase(child->text, 0, end + 1 - child->text->str);
    }
}

/* Reads what there is; false at the end of it. */
static bool read_into(int file, GString *text, gsize most)
{
    char bytes[READ_SIZE];
    ssize_t count = read(file, bytes, sizeof bytes);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    if (text->len < most)
        g_string_append_len(text, bytes, count);
    return count > 0;
}

static char *death_text(const Child *child, int status)
{
    g_strchomp(child->said->str);
    if (child->is_killed)
        return g_strdup_printf("it hangs: no result within %d s", SILENCE_MAX);
    if (*child->said->str != '\0')
        return g_strdup(child->said->str);
    if (WIFSIGNALED(status))
        return g_strdup_printf("it died of signal %d (%s)", WTERMSIG(status),
                               strsignal(WTERMSIG(status)));
    return g_strdup_printf("it ended with status %d", WEXITSTATUS(status));
}

/* The child has closed its results. */
static void bury(Pool *pool, Child *child)
{
    int status = 0;
    while (read_into(child->complaints, child->said, DEATH_TEXT_MAX)) {
    }
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (child->next < child->end) {
        g_autofree char *death = death_text(child, status);
        keep(pool, child->next++, 'd', death);
        Range rest = {child->next, child->end};
        if (rest.next < rest.end)
            g_array_append_val(pool->again, rest);
    }
    close(child->results);
    close(child->complaints);
    g_string_free(child->text, TRUE);
    g_string_free(child->said, TRUE);
    *child = (Child){0};
}

/* ---- The parent ---- */

/* The next numbers to do; empty: none are left. */
static Range next_range(Pool *pool)
{
    if (pool->again->len > 0) {
        Range range = g_array_index(pool->again, Range, pool->again->len - 1);
        g_array_set_size(pool->again, pool->again->len - 1);
        return range;
    }
    /* Small pieces of what is left, so that all children end at about the same time. */
    uint64_t left = pool->fresh.end - pool->fresh.next;
    uint64_t count = CLAMP(left / (4 * pool->work->jobs), 1, BATCH);
    Range range = {pool->fresh.next, pool->fresh.next + MIN(count, left)};
    pool->fresh.next = range.end;
    return range;
}

/* Gives work to who has none; false when the system refuses and nobody is at work. */
static bool start_children(Pool *pool)
{
    unsigned running = 0;
    for (unsigned i = 0; i < pool->work->jobs; i++) {
        Child *child = &pool->children[i];
        if (child->pid == 0 && !pool->is_over) {
            Range range = next_range(pool);
            if (range.next < range.end && !start_child(pool, child, range))
                g_array_append_val(pool->again, range);
        }
        running += child->pid != 0;
    }
    return running > 0 || pool->is_over || pool->reported == pool->work->count;
}

/* Waits until a child says something, and takes it in. */
static void listen_to_children(Pool *pool)
{
    unsigned jobs = pool->work->jobs;
    g_autofree struct pollfd *files = g_new0(struct pollfd, 2 * (gsize)jobs);
    for (unsigned i = 0; i < jobs; i++) {
        const Child *child = &pool->children[i];
        files[2 * i] = (struct pollfd){child->pid != 0 ? child->results : -1, POLLIN, 0};
        files[2 * i + 1] = (struct pollfd){child->pid != 0 ? child->complaints : -1, POLLIN, 0};
    }
    bool is_silent = poll(files, 2 * (nfds_t)jobs, SILENCE_MAX * 1000) == 0;
    for (unsigned i = 0; i < jobs; i++) {
        Child *child = &pool->children[i];
        if (child->pid == 0)
            continue;
        if (is_silent || pool->is_over) {
            child->is_killed = true;
            kill(child->pid, SIGKILL);
        }
        if ((files[2 * i + 1].revents & POLLIN) != 0)
            read_into(child->complaints, child->said, DEATH_TEXT_MAX);
        if (files[2 * i].revents == 0)
            continue;
        bool goes_on = read_into(child->results, child->text, G_MAXSIZE);
        take_results(pool, child);
        if (!goes_on)
            bury(pool, child);
    }
}

bool pool_run(const PoolWork *work)
{
    Pool pool = {.work = work,
                 .children = g_new0(Child, work->jobs),
                 .fresh = {work->first, work->first + work->count},
                 .again = g_array_new(FALSE, FALSE, sizeof(Range)),
                 .lines = g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_set_size(pool.lines, (gint)work->count);
    bool is_well = true;
    while (!pool.is_over && pool.reported < work->count) {
        is_well = start_children(&pool);
        if (!is_well)
            break;
        listen_to_children(&pool);
        report(&pool);
    }
    if (!is_well)
        fprintf(stderr, "mailsim: no process can be started: %s\n", g_strerror(errno));
    for (unsigned i = 0; i < work->jobs; i++) {
        if (pool.children[i].pid != 0) {
            kill(pool.children[i].pid, SIGKILL);
            bury(&pool, &pool.children[i]);
        }
    }
    g_free(pool.children);
    g_array_unref(pool.again);
    g_ptr_array_unref(pool.lines);
    return is_well;
}
