#!/usr/bin/env python3
"""Captures before tshark: what --pcap writes is, frame by frame, what the trace tells, and tshark
finds in it what a capture of real hosts holds. The program is the argument.

Played are the lessons and the scenarios of tests/captures, which lose packets and break machines.
Of each the capture of the whole network must agree with the trace in

- frames: as many as packets sent, at the same times, from the same hosts, each named in its comment;
- checksums: each one right, as packets leave their hosts undamaged; dissection: SMTP, IMAP and DNS on their ports, nothing malformed;
- marks: tshark takes for sent again what the trace says was sent again (see explain_marks), and
  warns of nothing but the resets that are there; so a run without loss or failure has no mark;
- mails: --export-objects finds each message that crossed the network, octet for octet what its author
  sent, behind the fields that servers put in front; but none that went in records of TLS;
- secrets: what follows STARTTLS is nothing but records of TLS, and nothing else is.

The capture of a server is looked at for its dissection and for checksums that are wrong where the
scenario corrupts packets and only there, and a run without captures must have the
same digest."""

import json
import re
import sys
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

from units import check_units, result_of, run

# Checksums are not verified unless asked for. A capture shows a segment that is lost and its
# repetition both, which tshark puts together only when told to look for segments out of order.
PREFERENCES = ["tcp.check_checksum", "ip.check_checksum", "udp.check_checksum", "smtp.decryption",
               "tcp.reassemble_out_of_order"]
FIELDS = ["frame.comment", "frame.time_epoch", "frame.interface_name", "frame.protocols", "tcp.srcport",
          "tcp.dstport", "tcp.len", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
          "icmp.checksum.status", "_ws.expert.severity", "_ws.expert.message"]
MARKS = ["tcp.analysis.retransmission", "tcp.analysis.out_of_order", "tcp.analysis.keep_alive",
         "tcp.analysis.keep_alive_ack", "tcp.analysis.zero_window_probe", "tcp.analysis.zero_window_probe_ack",
         "tcp.analysis.zero_window", "tcp.analysis.window_full", "tcp.analysis.window_update",
         "tcp.analysis.duplicate_ack", "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment",
         "tcp.analysis.reused_ports"]
WARNING = 0x600000
SENDING = {"tcp.send", "udp.send", "icmp.send"}
RESENT = {"retransmission after timeout", "fast retransmission", "tail loss probe",
          "retransmission in smaller segments"}
PROTOCOLS = {25: "smtp", 587: "smtp", 143: "imap", 53: "dns"}
NANOSECONDS = 10**9
COMPLAINTS = 20  # that are shown of a scenario


def tshark(capture, *arguments):
    options = [part for name in PREFERENCES for part in ("-o", f"{name}:TRUE")]
    return run(["tshark", "-n", "-r", str(capture), *options, *arguments], LC_ALL="C.UTF-8")


def read_frames(capture, *arguments):
    """The frames as dictionaries of those fields that they have; and what else tshark said."""
    columns = FIELDS + MARKS
    fields = [part for name in columns for part in ("-e", name)]
    done = tshark(capture, "-T", "fields", "-E", "separator=/t", *fields, *arguments)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    frames = [{name: value for name, value in zip(columns, line) if value} for line in lines
              if len(line) == len(columns)]
    rest = ["\t".join(line) for line in lines if len(line) != len(columns)]
    complaints = [f"tshark: {text}" for text in rest if not text.startswith("Running as user")]
    return frames, complaints + [f"tshark: exit {done.returncode}"] * (done.returncode != 0)


# ---- The trace ----

def read_trace(path):
    header, *records = map(json.loads, path.read_text("utf-8").splitlines())
    return int(datetime.fromisoformat(header["start"]).timestamp()) * NANOSECONDS, records


def note_repetitions(records):
    """Adds to each tcp.send whether its octets, SYN or FIN have been sent before: a tail loss probe
    may carry new ones (RFC 8985 section 7.3)."""
    ends = {}
    for record in records:
        if record["kind"] != "tcp.send" or "connection" not in record:
            continue
        occupied = record["tcp.len"] + ("SYN" in record["tcp.flags"]) + ("FIN" in record["tcp.flags"])
        end = (record["tcp.seq_raw"] + occupied) % 2**32
        before = ends.get(record["connection"])
        is_new = before is None or 0 < (end - before) % 2**32 < 2**31
        record["repeats"] = occupied > 0 and not is_new
        if occupied > 0 and is_new:
            ends[record["connection"]] = end


def list_sent(records):
    """What the capture of the network holds: packets as they leave their hosts, or, from behind NAT, the
    NAT router, where they are otherwise what the host has sent."""
    first, sent = {}, []
    for record in records:
        if record["kind"] in SENDING:
            is_private = [record.get(key, "").startswith("10.") for key in ("ip.src", "ip.dst")]
            if is_private == [True, False]:
                first[record["packet"]] = record
            else:
                sent.append(record)
        elif record["kind"] == "nat.translate" and record["direction"] == "out":
            place = {key: record[key] for key in ("seq", "t", "host")}
            sent.append({**first.get(record["packet"], record), **place})
    return sent


def is_eventful(records):
    """Whether a packet is lost or a machine fails, so that tshark has something to mark."""
    return any(record["kind"] in ("link.drop", "link.duplicate", "host.crash", "host.power_off") for record in records)


def find_hidden(records):
    """The connections that go on behind STARTTLS, by the name that their client gives them; and the
    ports of each, for which the trace has a packet that opens it."""
    asked = {record["connection"] for record in records
             if record["kind"] == "smtp.command" and record["smtp.command_line"] == "STARTTLS"}
    ports = {frozenset((record["tcp.srcport"], record["tcp.dstport"])) for record in records
             if record["kind"] == "tcp.send" and record.get("connection") in asked}
    return asked, ports


# ---- One frame and its record ----

def check_place(frame, record, start):
    seconds, fraction = frame["frame.time_epoch"].split(".")
    if int(seconds) * NANOSECONDS + int(fraction) != start + record["t"]:
        yield f"is at {frame['frame.time_epoch']}, {record['t']} ns after the start in the trace"
    if frame["frame.interface_name"] != record["host"]:
        yield f"is from {frame['frame.interface_name']}, not {record['host']}"


def is_discarded(record, host):
    """Whether a packet has come to the host, which threw it away before its TCP or UDP had it."""
    return (record["kind"] == "link.drop" and "to" not in record and record["reason"] != "listen queue full"
            and record["packet"].split("#")[0] != host)


def check_damage(frame, record):
    """What the trace says of a damaged packet is what its octets show."""
    layer = record["reason"].removeprefix("wrong ").removesuffix(" checksum").lower()
    if frame.get(f"{layer}.checksum.status") == "1":
        yield f"has a right checksum, against the trace's word: {record['reason']}"


def check_checksums(frame):
    statuses = [frame.get(f"{name}.checksum.status") for name in ("ip", "tcp", "udp", "icmp")]
    if "icmp" in frame["frame.protocols"]:
        statuses = [frame["ip.checksum.status"].split(",")[0], frame["icmp.checksum.status"]]
    if any(status not in (None, "1") for status in statuses):
        yield "has a wrong checksum"


def check_dissection(frame, record, hidden_ports=frozenset()):
    """The payload is what its port says, or a record; tshark looks at repeated octets once."""
    if "_ws.malformed" in frame["frame.protocols"]:
        yield "is malformed"
    ports = {int(port) for key in ("tcp.srcport", "tcp.dstport") for port in frame.get(key, "").split(",") if port}
    wanted = {PROTOCOLS[port] for port in ports & PROTOCOLS.keys() if frame.get("tcp.len", "0") != "0"}
    if ":udp" in frame["frame.protocols"] and "icmp" not in frame["frame.protocols"]:
        wanted = {"dns"}
    found = set(frame["frame.protocols"].split(":"))
    is_hidden = frozenset(ports) in hidden_ports
    if "tls" in found and not is_hidden:
        yield "is dissected as tls, without STARTTLS"
    if is_hidden:  # a record that goes on in the next segment is no protocol's yet
        return
    for protocol in wanted - found:
        if not record.get("repeats"):
            yield f"is not dissected as {protocol}, but as {frame['frame.protocols']}"


def check_expert(frame, record):
    """Only resets, repetitions and segments out of order are worth a warning of tshark's."""
    severities = map(int, frame.get("_ws.expert.severity", "0").split(","))
    if max(severities) < WARNING or "RST" in record.get("tcp.flags", "") or record.get("repeats"):
        return
    yield f"is warned of: {frame['_ws.expert.message']}"


def check_reason(record):
    """The trace's own word against its sequence numbers."""
    if record["kind"] != "tcp.send" or record["reason"] == "tail loss probe":
        return
    if record.get("repeats", False) != (record["reason"] in RESENT):
        yield f"is a {record['reason']}, against its sequence number"


def explain_marks(frame, record):
    """tshark sees numbers alone. It calls a repetition a retransmission (some fast, some spurious) or,
    when it comes soon after higher numbers, out of order; acknowledgements that loss repeats are
    duplicates. Keep-alives and window probes go by the same names in the trace, answers to them and
    windows that are full, empty or open again tell of nothing wrong, and neither does a port that is
    used again after a long time. A number that has never been seen would be one of ours."""
    marks = {mark.removeprefix("tcp.analysis.") for mark in MARKS if mark in frame}
    resent = marks & {"retransmission", "out_of_order"}
    if bool(resent) != record.get("repeats", False):
        yield f"is marked {sorted(marks)}, but in the trace a {record.get('reason')}"
    for mark, reason in (("keep_alive", "keep-alive"), ("zero_window_probe", "window probe")):
        if (mark in marks) != (record.get("reason") == reason):
            yield f"is marked {sorted(marks)}, but in the trace a {record.get('reason')}"
    for mark in marks & {"lost_segment", "ack_lost_segment"}:
        yield f"is marked {mark}"


def check_quiet(frame):
    marks = [mark for mark in MARKS if mark in frame]
    if marks:
        yield f"is marked {marks}, though nothing is lost and nobody fails"


# ---- A capture ----

def check_network_capture(capture, mails, start, records):
    sent = list_sent(records)
    frames, complaints = read_frames(capture, "--export-objects", f"imf,{mails}")
    if len(frames) != len(sent):
        return complaints + [f"{len(frames)} frames, but {len(sent)} packets in the trace"]
    is_quiet = not is_eventful(records)
    hidden, hidden_ports = find_hidden(records)
    if hidden and not any(":tls" in frame["frame.protocols"] for frame in frames):
        complaints.append("STARTTLS was sent, but no frame holds a record")
    for number, (frame, record) in enumerate(zip(frames, sent), 1):
        said = frame.get("frame.comment", "")
        found = [] if re.match(rf"record {record['seq']}\b", said) else [f"says {said!r}"]
        for check in (check_place(frame, record, start), check_checksums(frame),
                      check_dissection(frame, record, hidden_ports), check_expert(frame, record), check_reason(record),
                      explain_marks(frame, record), check_quiet(frame) if is_quiet else ()):
            found += check
        complaints += [f"frame {number} (record {record['seq']}) {text}" for text in found]
    return complaints


def read_mail(path, sizes):
    """A message as it was sent. On its way by SMTP it has a second dot where a line begins with one
    (RFC 5321 section 4.5.2), which tshark leaves there; so its size tells by which way it went."""
    octets = path.read_bytes()
    if sizes[len(octets)] > 0:
        return octets
    return re.sub(rb"^\.\.", b".", octets, flags=re.M)


def check_mails(folder, records):
    """Each message that a client has sent whole or fetched is there, and no other; and on each hop it
    is, octet for octet, what its author sent behind the fields that servers have put in front."""
    chunked = {record["connection"] for record in records if record["kind"] == "smtp.command"
               and record["smtp.command_line"].startswith("BDAT")}
    hidden, _ = find_hidden(records)
    whole = [record for record in records if record["kind"] in ("smtp.content", "agent.receive")
             and record.get("connection") not in hidden]
    wanted = Counter(record["size"] for record in whole if record.get("connection") not in chunked)
    # tshark overlooks a BDAT that shares its segment with other commands (RFC 3030 section 2).
    maybe = Counter(record["size"] for record in whole if record.get("connection") in chunked)
    hops = {}
    for path in sorted(folder.iterdir()):
        octets = read_mail(path, wanted + maybe)
        wanted[len(octets)] -= 1
        name = re.search(rb"^Message-ID: *(\S+)", octets, re.M | re.I)
        hops.setdefault(name[1] if name else path.name, []).append(octets)
    complaints = [f"mails of {size} octets: the trace has {left:+} of them beside those that tshark finds"
                  for size, left in sorted(wanted.items()) if not -maybe[size] <= left <= 0]
    for name, messages in hops.items():
        first = min(messages, key=len)
        complaints += [f"{name}: {len(octets)} octets that do not end with the {len(first)} first sent"
                       for octets in messages if not octets.endswith(first)
                       or re.sub(rb"^(Received|Return-Path):.*\r\n([ \t].*\r\n)*", b"",
                                 octets[:len(octets) - len(first)], flags=re.M)]
    return complaints


def check_host_capture(capture, host, records):
    """Packets sent by the host and received there. tshark waits for what has not come before it looks
    at what came after, so that only a run without loss is dissected frame by frame."""
    seen = [record for record in records if record["host"] == host and "packet" in record
            and (record["kind"] in SENDING or record["kind"].endswith(".receive") or is_discarded(record, host))]
    frames, complaints = read_frames(capture)
    said = [int(re.match(r"record (\d+)", frame["frame.comment"])[1]) for frame in frames]
    if said != [record["seq"] for record in seen]:
        return complaints + [f"{host}'s own capture has {len(said)} frames, the trace {len(seen)} packets"]
    is_quiet = not is_eventful(records)
    _, hidden_ports = find_hidden(records)
    for number, (frame, record) in enumerate(zip(frames, seen), 1):
        is_damaged = record.get("reason", "").startswith("wrong ")
        found = list(check_damage(frame, record) if is_damaged else check_checksums(frame))
        if is_quiet:
            found += [*check_dissection(frame, record, hidden_ports), *check_quiet(frame)]
        complaints += [f"{host}'s frame {number} {text}" for text in found]
    return complaints


def play(scenario, *arguments):
    done = run([sys.argv[1], "run", "--quiet", "--digest", *map(str, arguments), str(scenario)],
               G_SLICE="always-malloc")
    return done.stdout, [] if done.returncode == 0 else [f"exit {done.returncode}: {done.stdout}"]


def check_scenario(scenario, host):
    with tempfile.TemporaryDirectory(prefix="mailsim-") as name:
        folder = Path(name)
        capture, own, trace = folder / "network.pcapng", folder / "host.pcapng", folder / "trace.ndjson"
        plain, complaints = play(scenario)
        digest, more = play(scenario, "--pcap", capture, "--pcap-at", f"{host}={own}", "--trace", trace)
        complaints += more
        if complaints:
            return result_of(complaints)
        if digest != plain:
            complaints.append(f"{plain} without captures, {digest} with them")
        start, records = read_trace(trace)
        note_repetitions(records)
        mails = folder / "mails"
        mails.mkdir()
        complaints += check_network_capture(capture, mails, start, records)
        if "bare_newlines:" not in scenario.read_text("utf-8"):  # there servers disagree on where a mail ends
            complaints += check_mails(mails, records)
        complaints += check_host_capture(own, host, records)
        return result_of(complaints[:COMPLAINTS])


def first_server(scenario):
    return re.search(r"^servers:\n(?: *#.*\n)*  ([\w.-]+):", scenario.read_text("utf-8"), re.M)[1]


def check_call(arguments, wanted):
    """A call that is refused, with these words."""
    said, complaints = play("scenarios/01-first-mail/scenario.yaml", *arguments)
    return result_of([] if complaints and complaints[0].startswith("exit 2") and wanted in said
                     else [f"it says: {said}"])


CALLS = [(["--pcap-at", "mail.naver.exmple=x"], "did you mean `mail.naver.example`?"),
         (["--pcap-at", "mail.naver.example"], "HOST=FILE"),
         (["--pcap", "/proc/self/exe"], "cannot be written")]

check_units([(str(path), lambda path=path: check_scenario(path, first_server(path)))
             for folder in ("scenarios", "tests/captures") for path in sorted(Path(folder).rglob("*.yaml"))]
            + [(" ".join(arguments), lambda arguments=arguments, wanted=wanted: check_call(arguments, wanted))
               for arguments, wanted in CALLS])
