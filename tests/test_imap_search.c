/* What SEARCH finds in a message: texts are looked for in what a person reads (RFC 9051 §6.4.4). */
#include "imap_test_session.h"

#include "mail/message_search.h"

static const char *const messages[] = {
    /* 1: encoded words, one of them cut over a fold; quoted-printable */
    ("From: =?utf-8?B?6rmA66+87IiY?= <minsu@naver.example>\r\n"
     "Subject: =?utf-8?Q?Caf=C3=89?= =?utf-8?Q?_Z=C3=BCrich?=\r\n\tat noon\r\n"
     "Content-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "Gr=C3=BC=C3=9Fe aus Z=\r\n=C3=BCrich, 100=25\r\n"),
    /* 2: base64 of UTF-8, "점심 먹자" */
    ("To: =?euc-kr?B?sei5zrz2?= <minsu@naver.example>\r\nSubject: Lunch\r\n"
     "Content-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\n7KCQ7IusIOuoueyekA==\r\n"),
    /* 3: octets of two other charsets, an attachment, and its fields */
    ("Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n"
     "preamble\r\n--cut\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xc9t\xe9\r\n"
     "--cut\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n\r\n\xc1\xa1\xbd\xc9\r\n"
     "--cut\r\nContent-Type: application/octet-stream; name=plan.bin\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nc2VjcmV0IHBsYW4=\r\n--cut--\r\n"),
    /* 4: a message within, and what bounces hold */
    ("Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=cut\r\n\r\n"
     "--cut\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n"
     "--cut\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?us-ascii?Q?inn=65r?=\r\n\r\n"
     "Deep within\r\n--cut--\r\n"),
    /* 5: nothing of it can be decoded */
    ("Subject: =?klingon?B?AAAA?= =?utf-8?B?!?=\r\nContent-Type: text/plain; charset=klingon\r\n"
     "\r\nna\xffked\r\n"),
    /* 6: an unknown transfer encoding */
    ("Subject: odd\r\nContent-Transfer-Encoding: x-odd\r\n\r\nhidden\r\n"),
    /* 7: ISO-2022-JP looks like ASCII and is not: "日本" */
    ("Subject: jp\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B\r\n"),
};

static void begin(Session *session)
{
    session_begin(session);
    test_mailbox_clear(&session->node.inbox);
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        test_mailbox_add_text(&session->node.inbox, messages[i], 0);
    say(session, "a LOGIN bob secret\r\nb SELECT INBOX\r\n");
}

/* `key` finds the messages of these numbers. */
static void expect_found(Session *session, const char *key, const char *numbers)
{
    g_autofree char *command = g_strdup_printf("1 SEARCH %s\r\n", key);
    g_autofree char *answer = g_strdup_printf("* SEARCH%s\r\n1 OK SEARCH completed\r\n", numbers);
    expect(session, command, answer);
}

/* A key beyond ASCII, as a literal: quoted strings of UTF-8 are for clients of rev2. */
static void expect_found_text(Session *session, const char *name, const char *text,
                              const char *numbers)
{
    g_autofree char *key = g_strdup_printf("%s {%zu+}\r\n%s", name, strlen(text), text);
    expect_found(session, key, numbers);
}

static void test_fields_are_decoded(void **state)
{
    (void)state;
    Session session;
    begin(&session);
    expect_found_text(&session, "FROM", "김민수", " 1");
    expect_found_text(&session, "TO", "민수", " 2");
    expect_found_text(&session, "SUBJECT", "café zürich", " 1");
    expect_found_text(&session, "HEADER Subject", "CAFÉ ZÜ", " 1");
    expect_found(&session, "SUBJECT \"rich at NOON\"", " 1");
    expect_found(&session, "SUBJECT \"=?utf-8\"", "");
    expect_found(&session, "SUBJECT Q?Caf", "");
    expect_found(&session, "FROM NAVER.example", " 1");
    expect_found(&session, "SUBJECT inner", "");
    expect_found(&session, "HEADER Subject \"\"", " 1 2 3 4 5 6 7");
    session_end(&session);
}

static void test_bodies_are_decoded(void **state)
{
    (void)state;
    Session session;
    begin(&session);
    expect_found_text(&session, "BODY", "aus zürich", " 1");
    expect_found(&session, "BODY \"100%\"", " 1");
    expect_found(&session, "BODY =C3", "");
    expect_found_text(&session, "BODY", "점심", " 2 3");
    expect_found(&session, "BODY 7KCQ7IusIOuoueyekA", "");
    expect_found_text(&session, "BODY", "été", " 3");
    expect_found_text(&session, "BODY", "日本", " 7");
    expect_found(&session, "BODY ked", " 5");
    expect_found(&session, "BODY \"\"", " 1 2 3 4 5 6 7");
    session_end(&session);
}

/* Full case folding: one letter may become two. */
static void test_case_of_any_letter(void **state)
{
    (void)state;
    Session session;
    begin(&session);
    expect_found(&session, "BODY GRUSSE", "");
    expect_found_text(&session, "BODY", "GRÜSSE", " 1");
    expect_found_text(&session, "BODY", "grüße", " 1");
    session_end(&session);
}

static void test_parts_that_are_looked_at(void **state)
{
    (void)state;
    Session session;
    begin(&session);
    expect_found(&session, "BODY \"secret plan\"", "");
    expect_found(&session, "BODY c2VjcmV0", "");
    expect_found(&session, "BODY plan.bin", "");
    expect_found(&session, "TEXT PLAN.bin", " 3");
    expect_found(&session, "BODY \"status: 5.1.1\"", " 4");
    expect_found(&session, "BODY \"subject:inner\"", "");
    expect_found(&session, "BODY \"Subject: inner\"", " 4");
    expect_found(&session, "BODY outer", "");
    expect_found(&session, "TEXT outer", " 4");
    expect_found(&session, "TEXT \"deep WITHIN\"", " 4");
    expect_found(&session, "BODY hidden", "");
    expect_found(&session, "OR BODY within BODY \"100%\"", " 1 4");
    session_end(&session);
}

static void test_key_must_be_utf8(void **state)
{
    (void)state;
    Session session;
    begin(&session);
    expect_part(&session, "1 SEARCH BODY {1+}\r\n\xff\r\n", "1 BAD ");
    expect_part(&session, "2 SEARCH SUBJECT {1+}\r\n\xc3\r\n", "2 BAD ");
    assert_null(message_search_key(span_of("a\0b", 3)));
    session_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_decoded), cmocka_unit_test(test_bodies_are_decoded),
        cmocka_unit_test(test_case_of_any_letter), cmocka_unit_test(test_parts_that_are_looked_at),
        cmocka_unit_test(test_key_must_be_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
