/* The table of TCP's states: whole, and what the engine really does. Each trigger is brought about
 * by a segment, a call or the time, in each state where it can be. */
#include "tcp_case.h"

static void test_table_is_whole(void **state)
{
    (void)state;
    assert_null(state_table_find_defect(&tcp_table));
    assert_int_equal(tcp_table.state_count, 11);
}

static void bring_user_timeout(TcpCase *s)
{
    TcpState from = tcp_state(s->tcp);
    if (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT)
        case_write(s, 10);
    if (from == TCP_FIN_WAIT_2)
        tcp_close(s->tcp);
    case_drain(s);
    for (unsigned i = 0; i < 30 && !tcp_is_finished(s->tcp); i++) {
        expect_deadline(s, tcp_deadline(s->tcp));
        case_drain(s);
    }
}

/* Brings the trigger about; false where nothing outside can: opening twice, a timeout of a timer
 * that does not run in that state, a return to LISTEN without having come from there. */
static bool bring(TcpCase *s, TcpTrigger trigger)
{
    TcpInfo info = tcp_peek_info(s->tcp);
    bool opening = info.state == TCP_SYN_SENT;
    uint32_t seq = opening ? PEER_ISS : info.rcv_nxt;
    uint32_t ack = MAX(info.snd_una, (uint32_t)OUR_ISS + 1);
    switch (trigger) {
    case TCP_ON_CLOSE:
        tcp_close_sending(s->tcp);
        break;
    case TCP_ON_ABORT:
        tcp_abort(s->tcp);
        break;
    case TCP_ON_SYN:
        peer_sends(s, S, seq, 0, 0);
        break;
    case TCP_ON_SYN_ACK:
        peer_sends(s, S | A, PEER_ISS, OUR_ISS + 1, 0);
        break;
    case TCP_ON_ACK_OF_SYN:
        peer_sends(s, A, seq, OUR_ISS + 1, 0);
        break;
    case TCP_ON_FIN:
        peer_sends(s, F | A, seq, ack, 0);
        break;
    case TCP_ON_ACK_OF_FIN:
        peer_sends(s, A, seq, OUR_ISS + 2, 0);
        break;
    case TCP_ON_RST:
        peer_sends(s, R | A, seq, ack, 0);
        break;
    case TCP_ON_UNREACHABLE:
        tcp_icmp_unreachable(s->tcp, TCP_ICMP_PORT_UNREACHABLE);
        break;
    case TCP_ON_USER_TIMEOUT:
        if (info.state == TCP_TIME_WAIT)
            return false;
        bring_user_timeout(s);
        break;
    case TCP_ON_TIME_WAIT_TIMEOUT:
        if (info.state != TCP_TIME_WAIT)
            return false;
        expect_deadline(s, tcp_deadline(s->tcp));
        break;
    case TCP_ON_PASSIVE_OPEN:
    case TCP_ON_ACTIVE_OPEN:
    case TCP_ON_RETURN_TO_LISTEN:
    case TCP_TRIGGER_COUNT:
        return false;
    }
    case_drain(s);
    return true;
}

static void test_each_cell_is_what_happens(void **state)
{
    (void)state;
    unsigned walked = 0;
    for (TcpState from = TCP_SYN_SENT; from < TCP_STATE_COUNT; from++) {
        for (TcpTrigger trigger = 0; trigger < TCP_TRIGGER_COUNT; trigger++) {
            TcpCase s;
            case_init(&s, TCP_PROFILE_LINUX);
            case_reach(&s, from);
            if (bring(&s, trigger)) {
                const StateCell *cell =
                    state_table_cell(&tcp_table, (uint8_t)from, (uint8_t)trigger);
                if (tcp_state(s.tcp) != cell->next)
                    fail_msg("[%s][%s] leads to %s", tcp_table.states[from],
                             tcp_table.events[trigger], tcp_table.states[tcp_state(s.tcp)]);
                walked++;
            }
            case_end(&s);
        }
    }
    assert_int_equal(walked, 9 * 10); /* nine states; ten triggers, one timeout of two in each */
}

/* A finished connection takes no segments and waits for nothing. */
static void test_closed_stays_closed(void **state)
{
    (void)state;
    for (TcpTrigger trigger = TCP_ON_CLOSE; trigger <= TCP_ON_UNREACHABLE; trigger++) {
        TcpCase s;
        case_init(&s, TCP_PROFILE_RFC);
        case_reach(&s, TCP_TIME_WAIT);
        tcp_abort(s.tcp);
        if (bring(&s, trigger))
            expect_state(&s, CLOSED);
        assert_int_equal(case_write(&s, 5), 0);
        assert_int_equal(tcp_deadline(s.tcp), SIM_NEVER);
        case_end(&s);
    }
}

typedef struct Seen {
    TcpState states[8];
    unsigned count;
} Seen;

static void see(void *context, TcpState from, TcpState to, TcpTrigger trigger)
{
    Seen *seen = context;
    assert_int_equal(state_table_cell(&tcp_table, (uint8_t)from, (uint8_t)trigger)->next, to);
    assert_true(seen->count < G_N_ELEMENTS(seen->states));
    seen->states[seen->count++] = to;
}

/* The observer sees both steps that one segment makes. */
static void test_observer(void **state)
{
    (void)state;
    TcpCase s;
    Seen seen = {0};
    case_init(&s, TCP_PROFILE_RFC);
    case_reach(&s, TCP_FIN_WAIT_1);
    tcp_set_observer(s.tcp, see, &seen);
    peer_sends(&s, F | A, PEER_ISS + 1, OUR_ISS + 2, 0);
    case_drain(&s);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.states[0], TCP_FIN_WAIT_2);
    assert_int_equal(seen.states[1], TCP_TIME_WAIT);
    case_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole),
        cmocka_unit_test(test_each_cell_is_what_happens),
        cmocka_unit_test(test_closed_stays_closed),
        cmocka_unit_test(test_observer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
