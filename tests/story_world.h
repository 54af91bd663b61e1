/* Hand-written traces for the tests of audit/story, and what it tells of them. Alice sends lunch
 * from her laptop by way of a.example to Bob at b.example. */
#pragma once

#include "audit/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define BOB   "bob@b.example"
#define CAROL "carol@b.example"
#define ALICE "alice@a.example"

typedef struct World {
    Simulator *simulator;
    Trace *trace;
    Story *story;
    NodeId laptop, a, b;
} World;

static inline World world_new(unsigned width)
{
    World world = {.simulator = simulator_new(1)};
    world.laptop = simulator_add_node(world.simulator, "alice.laptop");
    world.a = simulator_add_node(world.simulator, "a.example");
    world.b = simulator_add_node(world.simulator, "b.example");
    world.trace = trace_new(world.simulator);
    StoryOptions options = {.mail = "lunch", .width = width};
    world.story = story_new(world.trace, &options);
    return world;
}

static inline void world_free(World *world)
{
    story_free(world->story);
    trace_free(world->trace);
    simulator_free(world->simulator);
}

/* Time passes, and what comes then is still caused by what was. */
static inline void go_to(const World *world, SimTime time)
{
    Cause cause = *simulator_cause(world->simulator);
    simulator_run(world->simulator, (SimulatorLimits){.until = time});
    *simulator_cause(world->simulator) = cause;
}

static inline void assert_tells(const World *w, const char *text)
{
    g_autofree char *story = story_tell(w->story);
    if (strstr(story, text) == NULL)
        print_error("%s", story);
    assert_non_null(strstr(story, text));
}

/* ---- Records ---- */

static inline void act(const World *w, const char *action, const char *subject)
{
    *simulator_cause(w->simulator) = (Cause){{0}};
    TRACE(w->trace, NODE_TIMELINE, TIMELINE_ACTION, 0, .action = action, .subject = subject);
}

static inline uint64_t crash(const World *w, NodeId node)
{
    act(w, "crash", "b.example");
    return TRACE(w->trace, node, HOST_CRASH, 0, .program = "mail server");
}

static inline void submit(const World *w, const char *to)
{
    act(w, "send", "lunch");
    TRACE(w->trace, w->laptop, AGENT_COMPOSE, 0, .mail = "lunch", .from = ALICE, .to = to,
          .subject = "Lunch?", .size = 265);
    TRACE(w->trace, w->laptop, AGENT_SUBMIT, 0, .mail = "lunch", .server = "a.example");
}

static inline void accept_mail(const World *w, NodeId node, const char *recipient)
{
    TRACE(w->trace, node, QUEUE_ENTER, 0, .entry = "1-1", .mail = "lunch", .length = 1);
    TRACE(w->trace, node, MAIL_ACCEPTED, 0, .mail = "lunch", .recipient = recipient,
          .sender = ALICE, .entry = "1-1");
}

static inline void attempt(const World *w, NodeId node, const char *recipient, uint64_t number,
                           const char *transport)
{
    TRACE(w->trace, node, QUEUE_ATTEMPT, 0, .entry = "1-1", .mail = "lunch", .recipient = recipient,
          .attempt = number, .transport = transport);
}

static inline void defer(const World *w, const char *recipient, const char *reason,
                         uint64_t because, SimTime until)
{
    TRACE(w->trace, w->a, QUEUE_DEFER, because, .entry = "1-1", .mail = "lunch",
          .recipient = recipient, .reason = span_of_text(reason), .next_at = until);
}

static inline void fail_to_connect(const World *w, uint64_t because)
{
    TRACE(w->trace, w->a, TCP_CONNECT, 0, .remote = "b.example", .remote_port = 25);
    TRACE(w->trace, w->a, TCP_FAILED, because, .remote = "b.example",
          .reason = "connection refused");
    TRACE(w->trace, w->a, SMTP_STATE, 0, .machine = "smtp-client", .from = "CONNECT",
          .to = "CLOSED");
}

static inline void answer(const World *w, uint64_t code, const char *text)
{
    TRACE(w->trace, w->b, SMTP_REPLY, 0, .code = code, .text = span_of_text(text));
    TRACE(w->trace, w->a, SMTP_STATE, 0, .machine = "smtp-client", .from = "RCPT", .to = "READY");
}

static inline void relay(const World *w, const char *recipient)
{
    TRACE(w->trace, w->a, MAIL_RELAYED, 0, .mail = "lunch", .recipient = recipient, .entry = "1-1",
          .next = "b.example", .reply = span_of_text("250 Ok"));
}

static inline void deliver(const World *w, const char *recipient)
{
    TRACE(w->trace, w->b, MAIL_DELIVERED, 0, .mail = "lunch", .recipient = recipient,
          .entry = "1-1", .uid = 1);
}

/* What the rule of b.example decides, and its reply. */
static inline uint64_t refuse_by_rule(const World *w, const char *reason)
{
    uint64_t verdict = TRACE(w->trace, w->b, POLICY_VERDICT, 0, .policy = "quota",
                             .verdict = "deferred", .reason = reason);
    answer(w, 452, "4.2.2 Mailbox full");
    return verdict;
}

/* Alice has sent it, her server has it, and the first attempt begins. */
static inline void reach_a(const World *w)
{
    go_to(w, SIM_SECOND);
    submit(w, BOB);
    accept_mail(w, w->a, BOB);
    attempt(w, w->a, BOB, 1, "smtp");
}
