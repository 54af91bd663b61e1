/* Bytes to send, contents by reference. See imap_output.h. */
#include "proto/imap_output.h"

#include "core/check.h"

/* A content and how many octets of text go before it, after the content in front of it. */
typedef struct OutputContent {
    size_t text_before;
    Slice content;
} OutputContent;

static void content_clear(void *content)
{
    slice_clear(&((OutputContent *)content)->content);
}

void imap_output_init(ImapOutput *output)
{
    *output = (ImapOutput){.contents = g_array_new(FALSE, FALSE, sizeof(OutputContent))};
    g_array_set_clear_func(output->contents, content_clear);
    buffer_init(&output->text, IMAP_OUTPUT_TEXT_MAXIMUM);
}

void imap_output_clear(ImapOutput *output)
{
    buffer_clear(&output->text);
    g_array_unref(output->contents);
    *output = (ImapOutput){0};
}

bool imap_output_append(ImapOutput *output, Span text)
{
    if (!buffer_append(&output->text, text))
        return false;
    output->length += text.length;
    return true;
}

/* Text that is behind every content that waits. */
static size_t text_at_end(const ImapOutput *output)
{
    size_t behind = output->text.length;
    for (guint i = 0; i < output->contents->len; i++)
        behind -= g_array_index(output->contents, OutputContent, i).text_before;
    return behind;
}

bool imap_output_append_slice(ImapOutput *output, Slice content)
{
    if (content.length <= IMAP_OUTPUT_COPY_MAXIMUM)
        return imap_output_append(output, slice_span(content));
    if (output->contents->len >= IMAP_OUTPUT_CONTENTS_MAXIMUM)
        return false;
    OutputContent entry = {text_at_end(output), slice_ref(content, 0, content.length)};
    g_array_append_val(output->contents, entry);
    output->length += content.length;
    return true;
}

Span imap_output_peek(const ImapOutput *output)
{
    Span text = buffer_peek(&output->text);
    if (output->contents->len == 0)
        return text;
    const OutputContent *first = &g_array_index(output->contents, OutputContent, 0);
    if (first->text_before == 0)
        return slice_span(first->content);
    return span_of(text.data, first->text_before);
}

/* Drops octets from the front of the first content. */
static void consume_content(ImapOutput *output, OutputContent *first, size_t count)
{
    Slice whole = first->content;
    CHECK(count <= whole.length);
    if (count == whole.length) {
        g_array_remove_index(output->contents, 0);
        return;
    }
    first->content = slice_ref(whole, count, whole.length - count);
    slice_clear(&whole);
}

void imap_output_consume(ImapOutput *output, size_t count)
{
    CHECK(count <= imap_output_peek(output).length);
    output->length -= count;
    OutputContent *first =
        output->contents->len > 0 ? &g_array_index(output->contents, OutputContent, 0) : NULL;
    if (first != NULL && first->text_before == 0) {
        consume_content(output, first, count);
        return;
    }
    buffer_consume(&output->text, count);
    if (first != NULL)
        first->text_before -= count;
}
