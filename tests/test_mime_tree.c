/* The MIME parts of a message, RFC 2046. */
#include "mail/mime_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* "text/plain:body", and the parts of a part in parentheses behind it. */
static void append_shown(GString *text, const MimePart *part)
{
    g_string_append_printf(text, "%s/%s", part->content.type, part->content.subtype);
    if (part->part_count == 0)
        g_string_append_printf(text, ":%.*s", (int)part->body.length,
                               (const char *)part->body.data);
    for (size_t i = 0; i < part->part_count; i++) {
        g_string_append_c(text, '(');
        append_shown(text, part->parts[i]);
        g_string_append_c(text, ')');
    }
}

static char *shown(const char *message)
{
    MimePart *root = mime_tree_new(span_of_text(message));
    GString *text = g_string_new(NULL);
    append_shown(text, root);
    mime_tree_free(root);
    return g_string_free(text, FALSE);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *message, *parts;
    } cases[] = {
        {"", "text/plain:"},
        {"\r\nhello", "text/plain:hello"},
        {MIXED "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
         "multipart/mixed(text/plain:one)(text/plain:two)"},
        /* RFC 2046 §5.1.1: the line end before the delimiter is the delimiter's; a boundary that
         * only begins like ours is none. */
        {MIXED "--b\r\n\r\none\r\n\r\n--bb\r\n--b\t\r\n\r\n--b--",
         "multipart/mixed(text/plain:one\r\n\r\n--bb)(text/plain:)"},
        {MIXED "--b\r\n\r\none\r\n--b--x\r\n--b\r\n\r\ntwo\r\n--b--",
         "multipart/mixed(text/plain:one\r\n--b--x)(text/plain:two)"},
        /* The end may be missing; what follows it is no part. */
        {MIXED "--b\r\n\r\none\r\n", "multipart/mixed(text/plain:one\r\n)"},
        {MIXED "x\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo", "multipart/mixed(text/plain:one)"},
        {MIXED "--b--\r\n", "text/plain:--b--\r\n"},
        /* LF alone, as files may have. */
        {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
         "multipart/mixed(text/plain:one)"},
        /* §5.1.5: a digest's parts are messages; but not where their Content-Type is wrong. */
        {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\nin\r\n"
         "--b\r\nContent-Type: nonsense\r\n\r\ny\r\n--b--\r\n",
         "multipart/digest(message/rfc822(text/plain:in))(text/plain:y)"},
        /* §5.2.1: a message in a transfer encoding is not looked into. */
        {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==",
         "application/octet-stream:U3ViamVjdA=="},
        {"Content-Type: MULTIPART/Mixed; x; y=; z = (c) \"1\"; BOUNDARY=\"a b\\c\"\r\n\r\n"
         "--a bc\r\nContent-Type: image/png\r\n\r\n.\r\n--a bc--\r\n",
         "MULTIPART/Mixed(image/png:.)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *parts = shown(cases[i].message);
        assert_string_equal(parts, cases[i].parts);
    }
}

static void test_field(void **state)
{
    (void)state;
    MimePart *root = mime_tree_new(span_of_text(
        "Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"; size=3\r\n\r\n"));
    MimeField field = mime_part_field(root, "content-disposition");
    assert_string_equal(field.type, "attachment");
    assert_null(field.subtype);
    assert_int_equal(field.parameters->len, 2);
    assert_string_equal(g_array_index(field.parameters, MimeParameter, 0).value, "a \"b\".txt");
    assert_string_equal(g_array_index(field.parameters, MimeParameter, 1).name, "size");
    mime_field_clear(&field);
    field = mime_part_field(root, "Content-Location");
    assert_null(field.type);
    mime_tree_free(root);
}

static void expect_decoded(const char *message, const char *content)
{
    MimePart *root = mime_tree_new(span_of_text(message));
    Octets *decoded = mime_part_decode(root);
    assert_non_null(decoded);
    assert_int_equal(octets_length(decoded), strlen(content));
    assert_memory_equal(octets_data(decoded), content, strlen(content));
    octets_unref(decoded);
    mime_tree_free(root);
}

static void test_decode(void **state)
{
    (void)state;
    expect_decoded("Content-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n", "hello");
    expect_decoded("Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\n c\r\n",
                   "a=b c\r\n");
    expect_decoded("Content-Transfer-Encoding: base64\r\n\r\naGVsbG8", "hello");
    expect_decoded("Content-Transfer-Encoding: base64\r\n\r\naGVsbA\r\n", "hell");
    expect_decoded("Content-Transfer-Encoding: quoted-printable\r\n\r\nfoo  \t \r\nx=  \r\ny",
                   "foo\r\nxy");
    expect_decoded("Content-Transfer-Encoding: 8bit\r\n\r\n=3D", "=3D");
    expect_decoded("\r\n=3D", "=3D");
    MimePart *root = mime_tree_new(span_of_text("Content-Transfer-Encoding: uuencode\r\n\r\n"));
    assert_null(mime_part_decode(root));
    mime_tree_free(root);
}

static void test_is_bounded(void **state)
{
    (void)state;
    /* Each message holds the next one. */
    g_autoptr(GString) deep = g_string_new(NULL);
    for (int i = 0; i < 2 * MIME_DEPTH_MAX; i++)
        g_string_append(deep, "Content-Type: message/rfc822\r\n\r\n");
    MimePart *root = mime_tree_new(span_of_text(deep->str));
    unsigned depth = 0;
    for (const MimePart *part = root; part->part_count > 0; part = part->parts[0])
        depth++;
    assert_int_equal(depth, MIME_DEPTH_MAX); /* and the deepest is octets */
    mime_tree_free(root);

    g_autoptr(GString) wide = g_string_new(MIXED);
    for (int i = 0; i < 2 * MIME_PARTS_MAX; i++)
        g_string_append(wide, "--b\r\n\r\nx\r\n");
    root = mime_tree_new(span_of_text(wide->str));
    assert_int_equal(root->part_count + 1, MIME_PARTS_MAX);
    mime_tree_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_field),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
