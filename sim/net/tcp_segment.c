/* Segments in packets, and their records in the trace. */
#include "net/tcp_socket.h"

static const char *sending_text(SegmentSending sending)
{
    static const char *const TEXTS[] = {
        [SEGMENT_SENDING_FIRST] = "first sending",
        [SEGMENT_SENDING_PURE_ACK] = "acknowledgment",
        [SEGMENT_SENDING_TIMEOUT_RESEND] = "retransmission after timeout",
        [SEGMENT_SENDING_FAST_RESEND] = "fast retransmission",
        [SEGMENT_SENDING_SMALLER_RESEND] = "retransmission in smaller segments",
        [SEGMENT_SENDING_TAIL_LOSS_PROBE] = "tail loss probe",
        [SEGMENT_SENDING_WINDOW_PROBE] = "window probe",
        [SEGMENT_SENDING_KEEP_ALIVE] = "keep-alive",
        [SEGMENT_SENDING_RESET] = "reset",
    };
    return TEXTS[sending];
}

static bool is_retransmission(SegmentSending sending)
{
    return sending == SEGMENT_SENDING_TIMEOUT_RESEND || sending == SEGMENT_SENDING_FAST_RESEND ||
           sending == SEGMENT_SENDING_SMALLER_RESEND;
}

static void trace_send(NetworkNode *node, TraceRef connection, const Packet *packet)
{
    Trace *trace = node->network->trace;
    const Segment *segment = &packet->tcp;
    trace_add_tally(trace, node->id, TRACE_TALLY_SEGMENTS);
    if (is_retransmission((SegmentSending)segment->sending))
        trace_add_tally(trace, node->id, TRACE_TALLY_RETRANSMISSIONS);
    if (TRACE_PASS_OVER(trace, TCP_SEND))
        return;
    TraceFields_TCP_SEND fields = {
        .connection = connection,
        .packet = packet->ref,
        .source = packet->source,
        .source_port = segment->source_port,
        .destination = packet->destination,
        .destination_port = segment->destination_port,
        .sequence_number = segment->seq,
        .acknowledgment = segment->flags & SEGMENT_ACK ? segment->ack : 0,
        .flags = packet_tcp_flags_text(segment->flags),
        .window = segment->window,
        .length = segment_payload_size(segment),
        .reason = sending_text((SegmentSending)segment->sending),
    };
    trace_write_packet(trace, node->id, TRACE_TCP_SEND, packet->because, &fields,
                       packet_for_trace(packet));
}

/* Takes the segment. `source` is the node's own address, or a forged one. */
static void send_from(NetworkNode *node, TraceRef connection, Ipv4Address source,
                      Ipv4Address remote, uint64_t because, const Segment *segment)
{
    Packet *packet = network_new_packet(node, PACKET_TCP, remote);
    packet->source = source;
    packet->because = because;
    packet->tcp = *segment;
    trace_send(node, connection, packet);
    network_send(node, packet);
}

void tcp_send_segment(Host *host, TraceRef connection, Ipv4Address remote, uint64_t because,
                      const Segment *segment)
{
    send_from(host->node, connection, host->node->address, remote, because, segment);
}

void tcp_send_forged(NetworkNode *node, Ipv4Address source, Ipv4Address remote, uint64_t because,
                     const Segment *segment)
{
    send_from(node, (TraceRef){0}, source, remote, because, segment);
}

void tcp_trace_receive(Host *host, TraceRef connection, const Packet *packet)
{
    const Segment *segment = &packet->tcp;
    if (TRACE_PASS_OVER(host->trace, TCP_RECEIVE))
        return;
    TraceFields_TCP_RECEIVE fields = {
        .connection = connection,
        .packet = packet->ref,
        .sequence_number = segment->seq,
        .acknowledgment = segment->flags & SEGMENT_ACK ? segment->ack : 0,
        .flags = packet_tcp_flags_text(segment->flags),
        .length = segment_payload_size(segment),
    };
    trace_write_packet(host->trace, host->node->id, TRACE_TCP_RECEIVE, 0, &fields,
                       packet_for_trace(packet));
}

void tcp_trace_state(Host *host, TraceRef connection, TcpState from, TcpState to)
{
    if (TRACE_PASS_OVER(host->trace, TCP_STATE))
        return;
    TRACE(host->trace, host->node->id, TCP_STATE, 0, .connection = connection,
          .from = tcp_table.states[from], .to = tcp_table.states[to]);
}

void tcp_trace_timeout(Host *host, TraceRef connection, const char *timer)
{
    TRACE(host->trace, host->node->id, TCP_TIMEOUT, 0, .connection = connection, .timer = timer);
}

const char tcp_time_wait_timer_name[] = "time-wait";
