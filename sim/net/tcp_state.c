/* The states of a TCP connection: the table, the one door through which each transition passes, and
 * the end of a connection.
 *
 * Source: RFC 9293 §3.3.2 (figure 5) and §3.10. A trigger is something that moves a connection, not
 * every segment: what a segment does in a state is in tcp_input.c, in the RFC's order. LISTEN's row
 * describes what the host does for us. */
#include "net/tcp_internal.h"

typedef enum Action {
    ACTION_NONE,
    ACTION_ERROR,
    ACTION_CREATE,
    ACTION_SYN,
    ACTION_SYN_ACK,
    ACTION_ACK,
    ACTION_CHALLENGE,
    ACTION_FIN,
    ACTION_RST,
    ACTION_ESTABLISH,
    ACTION_WAIT,
    ACTION_WAIT_AGAIN,
    ACTION_DELETE,
    ACTION_DELETE_AND_RST,
    ACTION_DELETE_AND_TELL,
    ACTION_RETURN,
    ACTION_NOTE,
    ACTION_DROP,
    ACTION_COUNT,
} Action;

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_NONE] = "nothing to do",
    [ACTION_ERROR] = "the call is an error",
    [ACTION_CREATE] = "create TCB",
    [ACTION_SYN] = "create TCB, send SYN",
    [ACTION_SYN_ACK] = "send SYN,ACK",
    [ACTION_ACK] = "send ACK",
    [ACTION_CHALLENGE] = "send ACK, drop the segment",
    [ACTION_FIN] = "send FIN",
    [ACTION_RST] = "send RST",
    [ACTION_ESTABLISH] = "the connection is open",
    [ACTION_WAIT] = "start the time-wait timer",
    [ACTION_WAIT_AGAIN] = "send ACK, restart the time-wait timer",
    [ACTION_DELETE] = "delete TCB",
    [ACTION_DELETE_AND_RST] = "send RST, delete TCB",
    [ACTION_DELETE_AND_TELL] = "tell the user, delete TCB",
    [ACTION_RETURN] = "listen again",
    [ACTION_NOTE] = "note the error",
    [ACTION_DROP] = "drop the segment",
};

static const char *const state_names[TCP_STATE_COUNT] = {
    [TCP_CLOSED] = "CLOSED",           [TCP_LISTEN] = "LISTEN",
    [TCP_SYN_SENT] = "SYN-SENT",       [TCP_SYN_RECEIVED] = "SYN-RECEIVED",
    [TCP_ESTABLISHED] = "ESTABLISHED", [TCP_FIN_WAIT_1] = "FIN-WAIT-1",
    [TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [TCP_CLOSE_WAIT] = "CLOSE-WAIT",
    [TCP_CLOSING] = "CLOSING",         [TCP_LAST_ACK] = "LAST-ACK",
    [TCP_TIME_WAIT] = "TIME-WAIT",
};

static const char *const trigger_names[TCP_TRIGGER_COUNT] = {
    [TCP_ON_PASSIVE_OPEN] = "passive OPEN",
    [TCP_ON_ACTIVE_OPEN] = "active OPEN",
    [TCP_ON_CLOSE] = "CLOSE",
    [TCP_ON_ABORT] = "ABORT",
    [TCP_ON_SYN] = "rcv SYN",
    [TCP_ON_SYN_ACK] = "rcv SYN,ACK",
    [TCP_ON_ACK_OF_SYN] = "rcv ACK of SYN",
    [TCP_ON_FIN] = "rcv FIN",
    [TCP_ON_ACK_OF_FIN] = "rcv ACK of FIN",
    [TCP_ON_RST] = "rcv RST",
    [TCP_ON_RETURN_TO_LISTEN] = "rcv RST or SYN after passive OPEN",
    [TCP_ON_UNREACHABLE] = "ICMP hard error",
    [TCP_ON_USER_TIMEOUT] = "user timeout",
    [TCP_ON_TIME_WAIT_TIMEOUT] = "time-wait timeout",
};

#define TO(state, what, where)                                                                     \
    {                                                                                              \
        TCP_##state, ACTION_##what, 0, "RFC 9293 " where                                           \
    }
/* A second OPEN, in every state but CLOSED and LISTEN. */
#define NO_OPEN(state)                                                                             \
    [TCP_ON_PASSIVE_OPEN] = TO(state, ERROR, "§3.10.1"), [TCP_ON_ACTIVE_OPEN] =                    \
                                                             TO(state, ERROR, "§3.10.1")
/* Triggers that cannot occur, or do nothing, in a synchronised state. */
#define SYNCHRONISED(state)                                                                        \
    NO_OPEN(state), [TCP_ON_SYN] = TO(state, CHALLENGE, "§3.10.7.4 (4)"),                          \
                    [TCP_ON_SYN_ACK] = TO(state, CHALLENGE, "§3.10.7.4 (1), (4)"),                 \
                    [TCP_ON_ACK_OF_SYN] = TO(state, NONE, "§3.10.7.4 (5)"),                        \
                    [TCP_ON_RETURN_TO_LISTEN] = TO(state, NONE, "§3.10.7.4 (2), (4)"),             \
                    [TCP_ON_UNREACHABLE] = TO(state, NOTE, "§3.9.2.2")

static const StateCell
    cells[TCP_STATE_COUNT][TCP_TRIGGER_COUNT] =
        {
            [TCP_CLOSED] =
                {
                    [TCP_ON_PASSIVE_OPEN] = TO(LISTEN, CREATE, "§3.10.1"),
                    [TCP_ON_ACTIVE_OPEN] = TO(SYN_SENT, SYN, "§3.10.1"),
                    [TCP_ON_CLOSE] = TO(CLOSED, ERROR, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, ERROR, "§3.10.5"),
                    [TCP_ON_SYN] = TO(CLOSED, RST, "§3.10.7.1"),
                    [TCP_ON_SYN_ACK] = TO(CLOSED, RST, "§3.10.7.1"),
                    [TCP_ON_ACK_OF_SYN] = TO(CLOSED, RST, "§3.10.7.1"),
                    [TCP_ON_FIN] = TO(CLOSED, RST, "§3.10.7.1"),
                    [TCP_ON_ACK_OF_FIN] = TO(CLOSED, RST, "§3.10.7.1"),
                    [TCP_ON_RST] = TO(CLOSED, DROP, "§3.10.7.1"),
                    [TCP_ON_RETURN_TO_LISTEN] = TO(CLOSED, DROP, "§3.10.7.1"),
                    [TCP_ON_UNREACHABLE] = TO(CLOSED, NONE, "§3.9.2.2"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, NONE, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(CLOSED, NONE, "§3.10.8"),
                },
            [TCP_LISTEN] =
                {
                    [TCP_ON_PASSIVE_OPEN] = TO(LISTEN, ERROR, "§3.10.1"),
                    [TCP_ON_ACTIVE_OPEN] = TO(SYN_SENT, SYN, "§3.10.1"),
                    [TCP_ON_CLOSE] = TO(CLOSED, DELETE, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE, "§3.10.5"),
                    [TCP_ON_SYN] = TO(SYN_RECEIVED, SYN_ACK, "§3.10.7.2 (3)"),
                    [TCP_ON_SYN_ACK] = TO(LISTEN, RST, "§3.10.7.2 (2)"),
                    [TCP_ON_ACK_OF_SYN] = TO(LISTEN, RST, "§3.10.7.2 (2)"),
                    [TCP_ON_FIN] = TO(LISTEN, DROP, "§3.10.7.2 (4)"),
                    [TCP_ON_ACK_OF_FIN] = TO(LISTEN, RST, "§3.10.7.2 (2)"),
                    [TCP_ON_RST] = TO(LISTEN, DROP, "§3.10.7.2 (1)"),
                    [TCP_ON_RETURN_TO_LISTEN] = TO(LISTEN, DROP, "§3.10.7.2 (1)"),
                    [TCP_ON_UNREACHABLE] = TO(LISTEN, NONE, "§3.9.2.2"),
                    [TCP_ON_USER_TIMEOUT] =
                        TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(LISTEN, NONE, "§3.10.8"),
                },
            [TCP_SYN_SENT] =
                {
                    NO_OPEN(SYN_SENT),
                    [TCP_ON_CLOSE] = TO(CLOSED, DELETE, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE, "§3.10.5"),
                    [TCP_ON_SYN] = TO(SYN_RECEIVED, SYN_ACK, "§3.10.7.3 (4)"),
                    [TCP_ON_SYN_ACK] = TO(ESTABLISHED, ACK, "§3.10.7.3 (4)"),
                    [TCP_ON_ACK_OF_SYN] = TO(SYN_SENT, DROP, "§3.10.7.3 (5)"),
                    [TCP_ON_FIN] = TO(SYN_SENT, DROP, "§3.10.7.3 (5)"),
                    [TCP_ON_ACK_OF_FIN] = TO(SYN_SENT, RST, "§3.10.7.3 (1)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.3 (2)"),
                    [TCP_ON_RETURN_TO_LISTEN] = TO(SYN_SENT, NONE, "§3.10.7.3 (2)"),
                    [TCP_ON_UNREACHABLE] = TO(CLOSED, DELETE_AND_TELL, "§3.9.2.2"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(SYN_SENT, NONE, "§3.10.8"),
                },
            [TCP_SYN_RECEIVED] =
                {
                    NO_OPEN(SYN_RECEIVED),
                    [TCP_ON_CLOSE] = TO(FIN_WAIT_1, FIN, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE_AND_RST, "§3.10.5"),
                    [TCP_ON_SYN] = TO(SYN_RECEIVED, CHALLENGE, "§3.10.7.4 (1), (4)"),
                    [TCP_ON_SYN_ACK] = TO(ESTABLISHED, ESTABLISH, "§3.5 figure 7"),
                    [TCP_ON_ACK_OF_SYN] = TO(ESTABLISHED, ESTABLISH, "§3.10.7.4 (5)"),
                    [TCP_ON_FIN] = TO(CLOSE_WAIT, ACK, "§3.10.7.4 (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(SYN_RECEIVED, RST, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.4 (2)"),
                    [TCP_ON_RETURN_TO_LISTEN] = TO(LISTEN, RETURN, "§3.10.7.4 (2), (4)"),
                    [TCP_ON_UNREACHABLE] = TO(SYN_RECEIVED, NOTE, "§3.9.2.2"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(SYN_RECEIVED, NONE, "§3.10.8"),
                },
            [TCP_ESTABLISHED] =
                {
                    SYNCHRONISED(ESTABLISHED),
                    [TCP_ON_CLOSE] = TO(FIN_WAIT_1, FIN, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE_AND_RST, "§3.10.5"),
                    [TCP_ON_FIN] = TO(CLOSE_WAIT, ACK, "§3.10.7.4 (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(ESTABLISHED, CHALLENGE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(ESTABLISHED, NONE, "§3.10.8"),
                },
            [TCP_FIN_WAIT_1] =
                {
                    SYNCHRONISED(FIN_WAIT_1),
                    [TCP_ON_CLOSE] = TO(FIN_WAIT_1, NONE, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE_AND_RST, "§3.10.5"),
                    [TCP_ON_FIN] = TO(CLOSING, ACK, "§3.10.7.4 (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(FIN_WAIT_2, NONE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(FIN_WAIT_1, NONE, "§3.10.8"),
                },
            [TCP_FIN_WAIT_2] =
                {
                    SYNCHRONISED(FIN_WAIT_2),
                    [TCP_ON_CLOSE] = TO(FIN_WAIT_2, NONE, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE_AND_RST, "§3.10.5"),
                    [TCP_ON_FIN] = TO(TIME_WAIT, WAIT, "§3.10.7.4 (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(FIN_WAIT_2, NONE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(FIN_WAIT_2, NONE, "§3.10.8"),
                },
            [TCP_CLOSE_WAIT] =
                {
                    SYNCHRONISED(CLOSE_WAIT),
                    [TCP_ON_CLOSE] = TO(LAST_ACK, FIN, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE_AND_RST, "§3.10.5"),
                    [TCP_ON_FIN] = TO(CLOSE_WAIT, CHALLENGE, "§3.10.7.4 (1), (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(CLOSE_WAIT, CHALLENGE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE_AND_TELL, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(CLOSE_WAIT, NONE, "§3.10.8"),
                },
            [TCP_CLOSING] =
                {
                    SYNCHRONISED(CLOSING),
                    [TCP_ON_CLOSE] = TO(CLOSING, ERROR, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE, "§3.10.5"),
                    [TCP_ON_FIN] = TO(CLOSING, CHALLENGE, "§3.10.7.4 (1), (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(TIME_WAIT, WAIT, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(CLOSING, NONE, "§3.10.8"),
                },
            [TCP_LAST_ACK] =
                {
                    SYNCHRONISED(LAST_ACK),
                    [TCP_ON_CLOSE] = TO(LAST_ACK, ERROR, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE, "§3.10.5"),
                    [TCP_ON_FIN] = TO(LAST_ACK, CHALLENGE, "§3.10.7.4 (1), (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(CLOSED, DELETE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(LAST_ACK, NONE, "§3.10.8"),
                },
            [TCP_TIME_WAIT] =
                {
                    SYNCHRONISED(TIME_WAIT),
                    [TCP_ON_CLOSE] = TO(TIME_WAIT, ERROR, "§3.10.4"),
                    [TCP_ON_ABORT] = TO(CLOSED, DELETE, "§3.10.5"),
                    [TCP_ON_FIN] = TO(TIME_WAIT, WAIT_AGAIN, "§3.10.7.4 (5), (8)"),
                    [TCP_ON_ACK_OF_FIN] = TO(TIME_WAIT, NONE, "§3.10.7.4 (5)"),
                    [TCP_ON_RST] = TO(CLOSED, DELETE, "§3.10.7.4 (2)"),
                    [TCP_ON_USER_TIMEOUT] = TO(CLOSED, DELETE_AND_TELL, "§3.10.8"),
                    [TCP_ON_TIME_WAIT_TIMEOUT] = TO(CLOSED, DELETE, "§3.10.8"),
                },
};

const StateTable tcp_table = {
    .name = "tcp",
    .title = "TCP connection",
    .source = "RFC 9293 §3.3.2, §3.10",
    .states = state_names,
    .events = trigger_names,
    .actions = action_names,
    .state_count = TCP_STATE_COUNT,
    .event_count = TCP_TRIGGER_COUNT,
    .action_count = ACTION_COUNT,
    .initial = TCP_CLOSED,
    .cells = &cells[0][0],
};

/* A trigger that leaves the state as it is must not come here: who fires one expects a transition.
 */
void tcp_set_state(TcpConnection *tcp, TcpTrigger trigger)
{
    TcpState from = tcp->state;
    const StateCell *cell = state_table_cell(&tcp_table, tcp->state, (uint8_t)trigger);
    CHECK(cell->next != from);
    tcp->state = cell->next;
    if (tcp->observer != NULL)
        tcp->observer(tcp->observer_context, from, tcp->state, trigger);
}

void tcp_notify(TcpConnection *tcp, TcpEventKind event)
{
    tcp->events |= (uint16_t)(1u << event);
}

void tcp_end(TcpConnection *tcp, TcpTrigger trigger, TcpEventKind event)
{
    /* After a clean close what was received may still be read; RFC 9293 §3.10.7.4 flushes all
     * queues when the connection breaks. */
    bool broken = event != TCP_EVENT_CLOSED;
    tcp_set_state(tcp, trigger);
    tcp_timer_stop_all(tcp);
    tcp->unacknowledged = (uint32_t)tcp->sending.length;
    slice_queue_clear(&tcp->sending);
    tcp_reassembly_clear(tcp);
    if (broken) {
        slice_queue_clear(&tcp->receiving);
        tcp->events = 0;
        tcp_notify(tcp, event);
    }
    tcp_notify(tcp, TCP_EVENT_CLOSED);
}

void tcp_send_reset(TcpConnection *tcp, uint32_t seq)
{
    tcp->reset = true;
    tcp->reset_seq = seq;
}

void tcp_check(const TcpConnection *tcp)
{
    CHECK(tcp->state < TCP_STATE_COUNT);
    CHECK(tcp->sending.length <= tcp->options->send_buffer);
    CHECK(tcp->piece_count <= TCP_REASSEMBLY_MAXIMUM);
    if (tcp_is_finished(tcp) || tcp->state == TCP_TIME_WAIT)
        return;
    CHECK(seq_is_at_or_before(tcp->snd_una, tcp->snd_resend));
    CHECK(seq_is_at_or_before(tcp->snd_resend, tcp->snd_nxt));
    CHECK(seq_is_at_or_before(tcp->snd_nxt, tcp_data_end(tcp) + 1));
    CHECK(seq_is_at_or_before(tcp->rcv_nxt, tcp->rcv_adv));
    CHECK(tcp->receiving.length + tcp_rcv_wnd(tcp) <= tcp->options->receive_buffer);
    CHECK(tcp->cwnd >= tcp->mss || !tcp_syn_is_acked(tcp));
    /* What is outstanding is always waited for. */
    CHECK(tcp_flight(tcp) == 0 || tcp->retransmit_at != SIM_NEVER);
}
