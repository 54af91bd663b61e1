/* Fuzz target: segments at times, and calls of the user, that the input chooses, into one TCP
 * connection. It must not crash, must keep its invariants (tcp_check, called inside), and must not
 * send for ever. The input is a row of 8-octet steps. */
#include "net/tcp.h"

#include "core/check.h"

enum { STEP_SIZE = 8, SEGMENTS_PER_STEP = 65536, ISS = 1000, PEER_ISS = 5000 };

typedef struct Player {
    TcpConnection *tcp;
    SimTime now;
} Player;

static void drain(Player *player)
{
    Segment out;
    TcpEvent event;
    unsigned count = 0;
    while (tcp_next_event(player->tcp, &event))
        CHECK(event.kind <= TCP_EVENT_CLOSED);
    while (tcp_next_segment(player->tcp, player->now, &out)) {
        CHECK(segment_payload_size(&out) <= UINT16_MAX);
        CHECK(++count < SEGMENTS_PER_STEP);
        segment_clear(&out);
    }
    CHECK(tcp_deadline(player->tcp) > player->now || tcp_is_finished(player->tcp));
}

/* Numbers near those that the connection knows, so that most segments pass the first checks. */
static uint32_t near(uint32_t number, uint8_t offset)
{
    return number + (uint32_t)(int32_t)(int8_t)offset * ((offset & 1) != 0 ? 1 : 37);
}

static Slice zeros(size_t length)
{
    Octets *octets = octets_allocate(length);
    memset(octets->here, 0, length);
    return (Slice){octets, 0, length};
}

static void play_segment(Player *player, const uint8_t *step)
{
    TcpInfo info = tcp_peek_info(player->tcp);
    uint32_t peer_seq = info.state == TCP_SYN_SENT ? PEER_ISS : info.rcv_nxt;
    uint32_t ack = (step[0] & 0x10) != 0 ? info.snd_nxt : info.snd_una;
    size_t length = step[5] * (size_t)((step[0] & 0x20) != 0 ? 8 : 1);
    Segment segment = {
        .flags = step[1],
        .seq = near(peer_seq, step[2]),
        .ack = near(ack, step[3]),
        .window = (uint16_t)(step[4] * 257),
        .mss = (uint16_t)(step[6] * 8),
        .window_scale = (step[7] & 0x80) != 0 ? step[7] & 0x0F : SEGMENT_NO_WINDOW_SCALE,
        .payload = zeros(length),
    };
    if ((step[7] & 0x40) != 0)
        segment.payload_rest = slice_ref(segment.payload, length / 3, length - length / 3);
    tcp_receive(player->tcp, &segment, player->now);
    segment_clear(&segment);
}

static void play_write(Player *player, size_t length)
{
    Slice text = zeros(length);
    CHECK(tcp_write(player->tcp, text) <= length);
    slice_clear(&text);
}

static void play_time(Player *player, const uint8_t *step)
{
    SimTime deadline = tcp_deadline(player->tcp);
    if ((step[1] & 1) != 0 && deadline != SIM_NEVER)
        player->now = MAX(player->now, deadline);
    else
        player->now += step[2] * 10 * SIM_MILLISECOND;
    tcp_time_out(player->tcp, player->now);
}

static void play_step(Player *player, const uint8_t *step)
{
    switch (step[0] & 0x0F) {
    case 0:
        play_write(player, step[1] * (size_t)step[2]);
        break;
    case 1:
        tcp_consume(player->tcp, MIN(tcp_readable(player->tcp), step[1] * (size_t)step[2]));
        break;
    case 2:
    case 3:
    case 4:
        play_time(player, step);
        break;
    case 5:
        tcp_close_sending(player->tcp);
        break;
    case 6:
        if ((step[1] & 3) == 0)
            tcp_close(player->tcp);
        break;
    case 7:
        if (step[1] == 0)
            tcp_abort(player->tcp);
        else
            tcp_icmp_unreachable(player->tcp, (TcpIcmp)(step[1] % (TCP_ICMP_PORT_UNREACHABLE + 1)));
        break;
    default: /* half of all steps */
        play_segment(player, step);
        break;
    }
    drain(player);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < STEP_SIZE)
        return 0;
    TcpOptions options;
    tcp_options_init(&options, (data[0] & 1) != 0 ? TCP_PROFILE_LINUX : TCP_PROFILE_RFC);
    options.keep_alive_idle = (data[0] & 2) != 0 ? SIM_MINUTE : SIM_NEVER;
    options.user_timeout = (data[0] & 4) != 0 ? SIM_MINUTE : SIM_NEVER;
    options.receive_buffer = (data[0] & 8) != 0 ? 500 : options.receive_buffer;
    options.send_buffer = (data[0] & 16) != 0 ? 700 : options.send_buffer;
    Segment syn = {.seq = PEER_ISS,
                   .flags = SEGMENT_SYN,
                   .window = (uint16_t)(data[2] * 257),
                   .mss = (uint16_t)(data[3] * 8),
                   .window_scale = SEGMENT_NO_WINDOW_SCALE};
    Player player = {.tcp = (data[1] & 1) != 0 ? tcp_new_passive(&options, ISS, &syn, 0)
                                               : tcp_new_active(&options, ISS, 0)};
    drain(&player);
    for (size_t at = STEP_SIZE; at + STEP_SIZE <= size; at += STEP_SIZE)
        play_step(&player, data + at);
    tcp_free(player.tcp);
    return 0;
}
