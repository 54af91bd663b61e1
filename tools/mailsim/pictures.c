/* Pictures of a run. See pictures.h. */
#include "pictures.h"

#include "export/diagram.h"
#include "export/map_picture.h"
#include "export/queue_picture.h"
#include "output.h"
#include "terminal.h"

#include <string.h>

enum { PICTURES_MAXIMUM = 4 };

typedef enum PictureKind {
    PICTURE_LADDER,
    PICTURE_QUEUE,
    PICTURE_MAP,
    PICTURE_MERMAID
} PictureKind;

typedef struct Picture {
    PictureKind kind;
    const char *path;
    OutputFile file;
    Diagram *diagram;    /* of ladder and Mermaid */
    QueuePicture *queue; /* of queue */
} Picture;

struct Pictures {
    const Run *run;
    Picture items[PICTURES_MAXIMUM];
    size_t count;
};

/* ---- The options ---- */

static bool add(Pictures *pictures, PictureKind kind, const char *path)
{
    if (pictures->count == PICTURES_MAXIMUM) {
        fprintf(stderr, "mailsim: a run draws at most %d pictures\n", PICTURES_MAXIMUM);
        return false;
    }
    pictures->items[pictures->count++] = (Picture){.kind = kind, .path = path};
    return true;
}

static bool add_svg(Pictures *pictures, const char *argument)
{
    static const char *const KINDS[] = {
        [PICTURE_LADDER] = "ladder=", [PICTURE_QUEUE] = "queue=", [PICTURE_MAP] = "map="};
    for (size_t kind = 0; kind < G_N_ELEMENTS(KINDS); kind++) {
        if (g_str_has_prefix(argument, KINDS[kind]))
            return add(pictures, (PictureKind)kind, argument + strlen(KINDS[kind]));
    }
    size_t word = strspn(argument, "abcdefghijklmnopqrstuvwxyz");
    if (argument[word] == '=') {
        fprintf(stderr, "mailsim: --svg %s: the picture is ladder, queue or map\n", argument);
        return false;
    }
    return add(pictures, PICTURE_LADDER, argument);
}

static bool add_all(Pictures *pictures, const PicturesOptions *options)
{
    for (char *const *argument = options->svg; argument != NULL && *argument != NULL; argument++) {
        if (!add_svg(pictures, *argument))
            return false;
    }
    return options->mermaid == NULL || add(pictures, PICTURE_MERMAID, options->mermaid);
}

static bool begin(Picture *picture, const Run *run, const PicturesOptions *options)
{
    if (!output_open(&picture->file, picture->path))
        return false;
    Trace *trace = simulation_trace(run->simulation);
    const char *title = local_text_choose(&run->scenario->title, terminal_language());
    if (picture->kind == PICTURE_QUEUE) {
        picture->queue = queue_picture_new(trace, title);
    } else if (picture->kind != PICTURE_MAP) {
        g_autoptr(GArray) columns = terminal_list_columns(run, NULL);
        DiagramOptions diagram = {options->level,
                                  title,
                                  options->follow,
                                  options->is_unfolded,
                                  (const NodeId *)(const void *)columns->data,
                                  columns->len,
                                  run->topology->nodes,
                                  run->topology->node_count};
        picture->diagram = diagram_new(trace, &diagram);
    }
    return true;
}

Pictures *pictures_new(const Run *run, const PicturesOptions *options)
{
    Pictures *pictures = g_new0(Pictures, 1);
    pictures->run = run;
    bool is_well = add_all(pictures, options);
    for (size_t i = 0; is_well && i < pictures->count; i++)
        is_well = begin(&pictures->items[i], run, options);
    if (!is_well)
        g_clear_pointer(&pictures, pictures_free);
    return pictures;
}

/* ---- Writing ---- */

static void write_map(const Run *run, GString *out)
{
    const Topology *network = run->topology;
    MapPicture map = {
        local_text_choose(&run->scenario->title, terminal_language()),
        network->nodes,
        network->node_count,
        network->links,
        network->link_count,
    };
    map_picture_write(&map, out);
}

static void write_picture(const Pictures *pictures, Picture *picture, GString *out)
{
    switch (picture->kind) {
    case PICTURE_LADDER:
        diagram_write_svg(picture->diagram, out);
        return;
    case PICTURE_MERMAID:
        diagram_write_mermaid(picture->diagram, out);
        return;
    case PICTURE_QUEUE:
        queue_picture_write(picture->queue, out);
        return;
    case PICTURE_MAP:
        write_map(pictures->run, out);
        return;
    }
}

bool pictures_finish(Pictures *pictures)
{
    bool is_written = true;
    for (size_t i = 0; i < pictures->count; i++) {
        Picture *picture = &pictures->items[i];
        g_autoptr(GString) text = g_string_new(NULL);
        write_picture(pictures, picture, text);
        output_write(&picture->file, span_of(text->str, text->len));
        is_written = output_close(&picture->file) && is_written;
    }
    return is_written;
}

void pictures_free(Pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++) {
        g_clear_pointer(&pictures->items[i].diagram, diagram_free);
        g_clear_pointer(&pictures->items[i].queue, queue_picture_free);
        output_close(&pictures->items[i].file);
    }
    g_free(pictures);
}
