/* Files that a run writes. See output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static bool is_same_file(const char *a, const char *b)
{
    GStatBuf first, second;
    return g_stat(a, &first) == 0 && g_stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

bool output_spares(const char *input, const char *path)
{
    const char *equals = path != NULL ? strchr(path, '=') : NULL;
    if (path == NULL ||
        !(is_same_file(input, path) || (equals != NULL && is_same_file(input, equals + 1))))
        return true;
    fprintf(stderr, "mailsim: %s: this would overwrite what is to be read\n", path);
    return false;
}

bool output_is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

bool output_open(OutputFile *output, const char *path)
{
    int descriptor = output_is_standard(path)
                         ? dup(STDOUT_FILENO)
                         : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    *output = (OutputFile){.path = path};
    output->file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
    if (output->file != NULL)
        return true;
    fprintf(stderr, "mailsim: %s: cannot be written: %s\n", path, g_strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return false;
}

void output_write(void *owner, Span bytes)
{
    OutputFile *output = owner;
    if (fwrite(bytes.data, 1, bytes.length, output->file) != bytes.length)
        output->has_failed = true;
}

bool output_close(OutputFile *output)
{
    if (output->file == NULL)
        return true;
    bool is_written = fclose(output->file) == 0 && !output->has_failed;
    output->file = NULL;
    if (!is_written)
        fprintf(stderr, "mailsim: %s: could not be written to its end\n", output->path);
    return is_written;
}
