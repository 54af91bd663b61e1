/* A peer with a script, in place of one side of a whole run with two servers: what no agent would
 * say can be said, and silence lasts as long as wanted. */
#pragma once

#include "scenario_play.h"

#include "scenario/simulation_internal.h"

#define SERVER_A(more) "  mx.a.example: {domains: [a.example], users: {alice: {}}" more "}\n"
#define SERVER_B(more)                                                                             \
    "  mx.b.example: {domains: [b.example], users: {bob: {}, away: {forward: [x@a.example]}, "     \
    "here: {forward: [x@a.example, here@b.example]}}" more "}\n"
#define WORLD(a, b, mails, timeline, more)                                                         \
    "mailsim: 1\n" more "servers:\n" SERVER_A(a)                                                   \
        SERVER_B(b) "people:\n"                                                                    \
                    "  alice: {address: alice@a.example}\n"                                        \
                    "  bob: {address: bob@b.example}\n"                                            \
                    "mails: {" mails "}\n"                                                         \
                    "timeline: [" timeline "]\n"
#define LUNCH "lunch: {from: alice, to: [bob@b.example]}"
#define SEND  "{at: 1 s, do: send, mail: lunch}"

/* Says the next part whenever what it has heard since the last one holds the words before it. */
typedef struct Peer {
    const char *const *parts; /* what to say */
    const char *const *cues;  /* what to hear before; "": nothing */
    size_t part_count, next;
    Host *host;          /* where it is */
    Ipv4Address address; /* what it connects to; 0: it takes port 25 over from the program there */
    bool is_deaf;        /* reads nothing once it has said all */
    GString *heard;
    GString *all;
} Peer;

static inline void peer_say(Stream *stream, const char *text)
{
    g_autoptr(Octets) bytes = octets_new(text, strlen(text));
    assert_int_equal(stream_write(stream, (Slice){bytes, 0, strlen(text)}), strlen(text));
}

static inline void peer_on_event(void *owner, Stream *stream, StreamEvent event)
{
    Peer *peer = owner;
    if (event == STREAM_FAILED || event == STREAM_CLOSED)
        return;
    Span input = stream_peek(stream);
    while (input.length > 0 && !(peer->is_deaf && peer->next == peer->part_count)) {
        g_string_append_len(peer->heard, (const char *)input.data, (gssize)input.length);
        g_string_append_len(peer->all, (const char *)input.data, (gssize)input.length);
        stream_consume(stream, input.length);
        input = stream_peek(stream);
    }
    while (peer->next < peer->part_count &&
           strstr(peer->heard->str, peer->cues[peer->next]) != NULL) {
        g_string_truncate(peer->heard, 0);
        peer_say(stream, peer->parts[peer->next++]);
    }
    if (event == STREAM_PEER_CLOSED)
        stream_close(stream);
}

static inline StreamHandler peer_accept(void *owner, Stream *stream)
{
    Peer *peer = owner;
    while (peer->next < peer->part_count && *peer->cues[peer->next] == '\0')
        peer_say(stream, peer->parts[peer->next++]);
    return (StreamHandler){peer_on_event, owner};
}

static inline void peer_begin(void *owner, void *data)
{
    (void)data;
    Peer *peer = owner;
    if (peer->address != 0) {
        assert_non_null(
            host_connect(peer->host, peer->address, 25, (StreamHandler){peer_on_event, peer}));
        return;
    }
    host_unlisten(peer->host, 25, 0);
    host_listen(peer->host, 25, peer_accept, peer);
}

/* The peer's turn comes before the timeline's. */
static inline void peer_schedule(Peer *peer, const Played *played)
{
    EventAction action = {peer_begin, peer, NULL, NULL};
    simulator_schedule(played->run->simulation->simulator, SIM_SECOND / 2, host_node(peer->host),
                       EVENT_FOREGROUND, action);
}

/* In place of mx.b.example, which is played in this world. */
static inline void play_server(Peer *peer, Played *played)
{
    peer->host = played->run->simulation->servers[1].machine.host;
    peer_schedule(peer, played);
    played_run(played);
}

/* At the place of mx.a.example, a client of mx.b.example. What it sends has no author. */
static inline void play_client(Peer *peer, Played *played)
{
    const Simulation *simulation = played->run->simulation;
    peer->host = simulation->servers[0].machine.host;
    peer->address = host_address(simulation->servers[1].machine.host);
    books_trust_server(played->run->books, "mx.b.example");
    peer_schedule(peer, played);
    played_run(played);
}

/* At the place of Alice's agent, a client of mx.a.example; mx.b.example is played too. */
static inline void play_both_ends(Peer *client, Peer *server, Played *played)
{
    const Simulation *simulation = played->run->simulation;
    client->host = g_array_index(simulation->agents, SimulatedAgent, 0).machine.host;
    client->address = host_address(simulation->servers[0].machine.host);
    books_trust_server(played->run->books, "mx.a.example");
    peer_schedule(client, played);
    play_server(server, played);
}

static inline void peer_free(Peer *peer)
{
    g_string_free(peer->heard, TRUE);
    g_string_free(peer->all, TRUE);
}

static inline Peer peer_new(const char *const *parts, const char *const *cues, size_t count)
{
    return (Peer){.parts = parts,
                  .cues = cues,
                  .part_count = count,
                  .heard = g_string_new(NULL),
                  .all = g_string_new(NULL)};
}

typedef struct Exchange {
    const char *line, *reply; /* the reply to it begins so */
} Exchange;

/* Says the lines to mx.b.example one by one, in the world prepared. */
static inline void hold_conversation(const Exchange *exchanges, size_t count, Played *played)
{
    g_autofree const char **parts = g_new0(const char *, count + 1);
    g_autofree const char **cues = g_new0(const char *, count + 1);
    cues[0] = "220 ";
    for (size_t i = 0; i < count; i++) {
        parts[i] = exchanges[i].line;
        cues[i + 1] = exchanges[i].reply;
    }
    Peer peer = peer_new(parts, cues, count);
    play_client(&peer, played);
    if (peer.next < count || strstr(peer.heard->str, cues[count]) == NULL)
        fail_msg("%zu lines were answered as they should be:\n%s", peer.next, peer.all->str);
    peer_free(&peer);
}

/* The same in a world with these options; a mail comes into that mailbox (NULL: none). */
static inline void converse(const Exchange *exchanges, size_t count, const char *options,
                            const char *mailbox)
{
    g_autofree char *text =
        g_strdup_printf(WORLD("", "%s", "", "{at: 1 min, do: fetch, who: bob}", ""), options);
    Played played = played_prepare(text);
    hold_conversation(exchanges, count, &played);
    if (mailbox != NULL) {
        g_autofree char *conditions = g_strdup_printf("host=mx.b.example user=%s", mailbox);
        assert_int_equal(played_count(&played, "mailbox.store", conditions), 1);
    }
    played_end(&played);
}
