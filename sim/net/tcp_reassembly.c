/* Text that arrives in the window, put in order (RFC 9293 §3.10.7.4, seventh step and SHLD-31).
 *
 * Pieces behind a gap are kept by rising sequence number and may overlap; what overlaps is cut away
 * when they are delivered. Nothing beyond the peer's FIN is ever delivered. */
#include "net/tcp_internal.h"

#include <string.h>

void tcp_reassembly_clear(TcpConnection *tcp)
{
    for (uint32_t i = 0; i < tcp->piece_count; i++)
        slice_clear(&tcp->pieces[i].text);
    g_clear_pointer(&tcp->pieces, g_free);
    tcp->piece_count = tcp->piece_capacity = 0;
}

/* Appends to the receive buffer what of the text lies beyond RCV.NXT, and before the FIN. Takes the
 * text. */
static void deliver_text(TcpConnection *tcp, uint32_t seq, const Slice *text)
{
    uint32_t end = seq + (uint32_t)text->length;
    if (G_UNLIKELY(tcp->fin_known) && seq_is_before(tcp->rcv_fin, end))
        end = tcp->rcv_fin;
    bool is_new = seq_is_before(tcp->rcv_nxt, end);
    uint32_t skip = tcp->rcv_nxt - seq;
    uint32_t length = is_new ? end - tcp->rcv_nxt : 0;
    slice_queue_take(&tcp->receiving, (Slice){text->bytes, text->offset + skip, length});
    if (!is_new)
        return;
    tcp->rcv_nxt = end;
    tcp_notify(tcp, TCP_EVENT_READABLE);
}

bool tcp_reassembly_deliver(TcpConnection *tcp)
{
    uint32_t done = 0;
    while (done < tcp->piece_count && seq_is_at_or_before(tcp->pieces[done].seq, tcp->rcv_nxt)) {
        deliver_text(tcp, tcp->pieces[done].seq, &tcp->pieces[done].text);
        done++;
    }
    if (done == 0)
        return false;
    tcp->piece_count -= done;
    memmove(tcp->pieces, tcp->pieces + done, tcp->piece_count * sizeof *tcp->pieces);
    if (tcp->piece_count == 0)
        tcp_reassembly_clear(tcp);
    return true;
}

static bool piece_covers(const TcpPiece *piece, uint32_t seq, uint32_t end)
{
    return seq_is_at_or_before(piece->seq, seq) &&
           seq_is_at_or_before(end, piece->seq + (uint32_t)piece->text.length);
}

void tcp_reassembly_keep(TcpConnection *tcp, uint32_t seq, Slice text)
{
    uint32_t at = tcp->piece_count;
    while (at > 0 && seq_is_before(seq, tcp->pieces[at - 1].seq))
        at--;
    if (tcp->piece_count == TCP_REASSEMBLY_MAXIMUM ||
        (at > 0 && piece_covers(&tcp->pieces[at - 1], seq, seq + (uint32_t)text.length))) {
        slice_clear(&text);
        return;
    }
    if (tcp->piece_count == tcp->piece_capacity) {
        tcp->piece_capacity = MAX(2 * tcp->piece_capacity, 4);
        tcp->pieces = g_renew(TcpPiece, tcp->pieces, tcp->piece_capacity);
    }
    memmove(tcp->pieces + at + 1, tcp->pieces + at, (tcp->piece_count - at) * sizeof *tcp->pieces);
    tcp->pieces[at] = (TcpPiece){seq, text};
    tcp->piece_count++;
}

bool tcp_reassemble(TcpConnection *tcp, uint32_t seq, const Slice *text)
{
    if (G_UNLIKELY(seq_is_before(tcp->rcv_nxt, seq))) {
        tcp_reassembly_keep(tcp, seq, *text);
        return true;
    }
    bool gap = tcp->piece_count > 0;
    deliver_text(tcp, seq, text);
    if (gap)
        tcp_reassembly_deliver(tcp);
    return gap;
}
