#!/usr/bin/env python3
"""Real mail programs judge a live session over loopback: clients that send to and read from our
servers, and receivers that our servers deliver to. The program is the argument. Each session is
recorded, and played again it must have the same digest.

Nothing here waits for a time: for lines that the program prints, and for processes that end. The
bound on that is there only so that a defect cannot hang the step."""

import email
import imaplib
import json
import os
import queue
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from units import check_units, result_of

BOUND = 90  # seconds
MAILSIM = str(Path(sys.argv[1]).resolve())
SCENARIO = str(Path("tests/judges/open.yaml").resolve())
STARTTLS = str(Path("tests/judges/starttls.yaml").resolve())  # offered by both servers
PATIENT = str(Path("tests/judges/patient.yaml").resolve())  # tries again after hours, for days
BOUNCES = str(Path("tests/judges/bounces.yaml").resolve())  # with notices of every kind
POSTFIX = Path("build/judges/postfix").resolve()
MEMORY = 200 * 1024  # KiB that a session may take; one is sent 1 GB


class Session:
    """A live session: its ports, and, after its end, its facts, records, digest and summary."""

    def __init__(self, folder, *options, scenario=SCENARIO, speed=20, replays=True):
        self.folder, self.scenario, self.replays = Path(folder), scenario, replays
        command = [MAILSIM, "live", "--speed", str(speed), "--level", "mail", *options,
                   "--facts", str(self.folder / "facts")]
        if replays:
            command += ["--digest", "--record", str(self.folder / "record")]
        self.process = subprocess.Popen([*command, scenario], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace")
        self.watchdog = threading.Timer(BOUND, self.process.kill)
        self.watchdog.start()
        self.ports, self.lines, self.peak = {}, [], 0
        self.output = queue.Queue()  # read at once, so that the session never waits for us
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        while line := self.output.get():
            self.lines.append(line)
            if found := re.match(r"(\S+) +(\S+) +127\.0\.0\.1 (\d+)$", line):
                self.ports[found[1].split(".")[1], found[2]] = int(found[3])
            if line.startswith("Ctrl-C"):
                break

    def read(self):
        for line in self.process.stdout:
            self.output.put(line)
        self.output.put("")

    def wait_for(self, pattern, times=1):
        """Until so many lines of the timeline have matched."""
        count = sum(bool(re.search(pattern, line)) for line in self.lines)
        while count < times:
            line = self.output.get()
            if not line:
                raise RuntimeError(f"ended before {pattern!r}: {''.join(self.lines[-20:])}")
            self.lines.append(line)
            count += bool(re.search(pattern, line))

    def end(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        peak = re.search(r"VmHWM:\s+(\d+)", status)  # none when it has ended by itself
        self.peak = int(peak[1]) if peak else 0
        self.process.send_signal(signal.SIGINT)
        self.reader.join()
        while not self.output.empty():
            self.lines.append(self.output.get())
        self.lines = [line for line in self.lines if line]
        self.watchdog.cancel()
        return list(self.judge())

    def judge(self):
        """What is wrong with the session itself: books, digest, memory."""
        if (status := self.process.wait()) != 0:
            yield f"the session exits with {status}: {''.join(self.lines[-30:])}"
            return
        if self.peak > MEMORY:
            yield f"the session took {self.peak} KiB"
        if not self.replays:
            return
        digest = self.lines[-1].strip()
        again = subprocess.run([MAILSIM, "run", "--quiet", "--digest", "--inputs",
                                str(self.folder / "record"), self.scenario], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if again.stdout.strip() != digest:
            yield f"live {digest}, played again {again.stdout.strip()} (exit {again.returncode})"

    def facts(self):
        return json.loads((self.folder / "facts").read_text("utf-8"))


def in_session(judge, **options):
    """The result of a judge, a generator of complaints about a session, and of the session."""
    def check():
        with tempfile.TemporaryDirectory(prefix="mailsim-") as folder:
            session = Session(folder, **options)
            try:
                complaints = list(judge(session))
            except Exception as error:  # pylint: disable=broad-except
                complaints = [repr(error)]
            return result_of(complaints + session.end())
    return check


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BOUND,
                          encoding="utf-8", errors="replace", check=False, **options)


def complain(done):
    return [] if done.returncode == 0 else [f"{done.args[0]}: exit {done.returncode}: {done.stdout[-2000:]}"]


# ---- Clients ----

TO = "bob@gmail.example"


def swaks(session, *arguments, service="smtp"):
    return complain(run(["swaks", "--server", f"127.0.0.1:{session.ports['naver', service]}", "--from",
                         "alice@naver.example", "--to", TO, *arguments]))


def judge_swaks(session):
    big = session.folder / "big"
    big.write_text(("x" * 70 + "\n") * 145000, "ascii")  # 10.4 MB with CRLF
    yield from swaks(session)
    yield from swaks(session, "--pipeline")
    yield from swaks(session, "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret",
                     service="submission")
    yield from swaks(session, "--auth", "LOGIN", "--auth-user", "alice", "--auth-password", "secret",
                     service="submission")
    yield from swaks(session, "--body", f"@{big}")
    if not swaks(session, "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "wrong",
                 service="submission"):
        yield "a wrong password is taken"
    session.wait_for("is in the mailbox of", 5)


def judge_curl(session):
    mail = session.folder / "mail"
    mail.write_bytes(b"Subject: by curl\r\nMessage-ID: <curl@x.example>\r\n\r\n.a dot\r\n..two\r\n")
    yield from complain(run(["curl", "-sS", f"smtp://127.0.0.1:{session.ports['naver', 'smtp']}/me.example",
                             "--mail-from", "me@x.example", "--mail-rcpt", TO, "-T", str(mail)]))
    session.wait_for("curl is in the mailbox of")
    done = run(["curl", "-sS", "-u", "bob:secret",
                f"imap://127.0.0.1:{session.ports['gmail', 'imap']}/INBOX;MAILINDEX=1"])
    yield from complain(done)
    if not done.stdout.replace("\r\n", "\n").endswith("\n\n.a dot\n..two\n"):
        yield f"curl reads {done.stdout!r}"


def judge_msmtp(session):
    yield from complain(run(["msmtp", "--file=/dev/null", "--host=127.0.0.1", "--tls=off", "--auth=plain",
                             "--user=alice", "--passwordeval=echo secret", "--from=alice@naver.example",
                             f"--port={session.ports['naver', 'submission']}", TO],
                            input="Subject: by msmtp\n\nHello\n"))
    session.wait_for("is in the mailbox of")


def judge_python(session):
    text = "Subject: by smtplib\r\nMessage-ID: <smtplib@x.example>\r\n\r\n.dot\r\nend\r\n"
    with smtplib.SMTP("127.0.0.1", session.ports["naver", "smtp"], timeout=BOUND) as client:
        if refused := client.sendmail("me@x.example", [TO, "anybody@naver.example"], text):
            yield f"smtplib: {refused}"
    session.wait_for("smtplib is in the mailbox of", 2)
    with imaplib.IMAP4("127.0.0.1", session.ports["gmail", "imap"], timeout=BOUND) as client:
        client.login("bob", "secret")
        client.select()
        raw = client.fetch("1", "(RFC822)")[1][0][1]
        if not raw.endswith(text.encode("ascii")):
            yield f"imaplib reads {raw!r}"
        if (said := client.append("Nowhere", None, None, b"Subject: x\r\n\r\n"))[0] != "NO" or b"TRYCREATE" not in said[1][0]:
            yield f"APPEND into a mailbox that is not there: {said}"
        if b"NONEXISTENT" not in (said := client.delete("Nowhere"))[1][0]:
            yield f"DELETE of a mailbox that is not there: {said}"
        client.subscribe("Lists")
        if b"Lists" not in (said := client.lsub())[1][0]:
            yield f"LSUB after SUBSCRIBE: {said}"
        client.append("INBOX", None, '"17-Jul-1996 02:44:25 -0700"',
                      b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n")
        if client.noop()[0] != "OK" or client.search(None, "ALL")[1] != [b"1 2"]:
            yield "what the session has added to its own mailbox is not there"
        said = client.fetch("2", "(INTERNALDATE)")[1][0]
        if time.mktime(imaplib.Internaldate2tuple(said)) != 837596665:
            yield f"APPEND of 1996 has the date {said!r}"
        if (said := client.append("INBOX", None, '"01-Jan-2400 00:00:00 +0000"', b"Subject: x\r\n\r\n"))[0] != "NO":
            yield f"APPEND of a date that no simulation reaches: {said}"
        client.literal = "GRÜSSE".encode()
        if (said := client.search("UTF-8", "SUBJECT"))[1] != [b"2"]:
            yield f"SEARCH for the text of an encoded word: {said}"
        client.store("2", "+FLAGS", r"\Deleted")
        client.store("1", "+FLAGS", r"\Deleted")
        client.expunge()
        if client.search(None, "ALL")[1] != [b""]:
            yield "the message is not expunged"


def postfix(name, *arguments):
    """A program of Postfix, unpacked beside the build (tools/setup.sh), or that of the machine."""
    places = os.pathsep.join([str(POSTFIX / "usr/sbin"), os.environ["PATH"], "/usr/sbin"])
    if not (program := shutil.which(name, path=places)):
        raise RuntimeError(f"Postfix's {name} is neither in {POSTFIX} nor in PATH: `tools/setup.sh check` "
                           "fetches it with `apt-get download postfix`, for which it needs a network")
    user = ["-u", "nobody"] if name == "smtp-sink" and os.geteuid() == 0 else []
    return [program, *user, *arguments]


ENVIRONMENT = os.environ | {"LD_LIBRARY_PATH": str(POSTFIX / "usr/lib/postfix")}


def judge_smtp_source(session):
    yield from complain(run(postfix("smtp-source", "-s", "5", "-m", "50", "-l", "3000", "-f", "me@x.example",
                                    "-t", TO, f"127.0.0.1:{session.ports['naver', 'smtp']}"),
                            env=ENVIRONMENT))
    session.wait_for("is in the mailbox of", 50)


# ---- The README ----

def judge_readme(session):
    """The section's very lines, typed with nc; a person types after the lesson's own mail is there."""
    session.wait_for("is in the mailbox of bob@gmail.example")
    section = Path("README.md").read_text("utf-8").split("## Talk to a simulated server by hand")[1]
    shown = section.split("```")[3].strip("\n").splitlines()
    is_content = False
    typed = []
    for line in shown:
        if is_content or not re.match(r"\d\d\d ", line):
            typed.append(line)
        is_content = line.startswith("354") or (is_content and line != ".")
    done = run(["nc", "-C", "127.0.0.1", str(session.ports["gmail", "smtp"])], input="\n".join(typed) + "\n")
    replies = [line for line in shown if line not in typed]
    if done.stdout.splitlines() != replies:
        yield f"nc shows {done.stdout!r}, the README {replies}"
    session.wait_for("is in the mailbox of bob@gmail.example", 2)


# ---- Clients that misbehave ----

def dial(session):
    peer = socket.create_connection(("127.0.0.1", session.ports["gmail", "smtp"]), BOUND)
    return peer, peer.makefile("rb")


STEPS = [b"", b"EHLO x.example\r\n", b"MAIL FROM:<a@x.example>\r\n", b"RCPT TO:<bob@gmail.example>\r\n",
         b"DATA\r\n", b"Subject: half\r\n\r\nhal"]


def judge_stops(session):
    """Goes away after each step; then a whole message must still get through, octet by octet."""
    for count in range(1, len(STEPS) + 1):
        peer, replies = dial(session)
        for step in STEPS[:count]:
            peer.sendall(step)
            if step.startswith(b"Subject"):
                break
            while (line := replies.readline())[3:4] == b"-":
                pass
            if not re.match(rb"[23]\d\d ", line):
                yield f"after {step}: {line}"
        replies.close()
        peer.close()
    peer, replies = dial(session)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in b"".join(STEPS[1:]) + b"\r\n.\r\nQUIT\r\n":
        peer.sendall(bytes([octet]))
    said = replies.read()
    if b"250 2.0.0 Ok: queued" not in said:
        yield f"a client that drips: {said}"
    session.wait_for("is in the mailbox of bob@gmail.example")
    if sum("accepts" in line for line in session.lines) != 1:
        yield "a message that was not whole has been accepted"


def flood(session, steps, megabytes, end):
    """So much without a line end, or until the server closes; then an end. What the server says."""
    peer, replies = dial(session)
    said = []
    reader = threading.Thread(target=lambda: said.extend(read_lines(replies)))
    reader.start()
    for step in steps:
        peer.sendall(step)
    block = b"x" * (1 << 20)
    try:
        for _ in range(megabytes):
            peer.sendall(block)
        peer.sendall(end)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    reader.join()
    replies.close()
    peer.close()
    return said


def read_lines(replies):
    try:
        yield from replies
    except OSError:
        pass


def judge_flood(session, command=1024, command_end=b"", content=100):
    """So many MB as a command, and as content. Then a whole message must get through. 1 GB is not
    recorded: a recording so long is not read again."""
    for steps, megabytes, end, wanted in ((STEPS[:1], command, command_end, rb"(500|421) "),
                                          (STEPS[1:5], content, b"\r\n.\r\n", rb"(500|552) ")):
        said = flood(session, steps, megabytes, end)
        if not said or not re.match(wanted, said[-1]):
            yield f"after {steps[-1]} and {megabytes} MB without a line end: {said}"
    with smtplib.SMTP("127.0.0.1", session.ports["gmail", "smtp"], timeout=BOUND) as client:
        client.sendmail("me@x.example", [TO], "Subject: whole\r\nMessage-ID: <whole@x.example>\r\n\r\nx\r\n")
    session.wait_for("whole is in the mailbox of bob@gmail.example")
    if sum("accepts" in line for line in session.lines) != 1:
        yield "a message that was not whole has been accepted"


# ---- Receivers: Postfix's smtp-sink ----

SENT, RETURNED, DEFERRED = "relayed", "bounced", "queued"
COMMANDS = ["CONNECT", "EHLO", "HELO", "MAIL", "RCPT", "DATA", ".", "RSET", "QUIT"]

# What Postfix makes of the mail when smtp-sink refuses for good (-f) or for now (-r), closes (-q) or
# says 421 and closes (-Q) at each of COMMANDS. A greeting with 5yz means another host, or later
# (smtp_skip_5xx_greeting); who refuses EHLO is greeted with HELO, unless it closes; nothing is reset
# on the way; and at QUIT the message has been taken over.
FATES = {
    "f": [DEFERRED, SENT, RETURNED, RETURNED, RETURNED, RETURNED, RETURNED, SENT, SENT],
    "r": [DEFERRED, SENT, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, SENT, SENT],
    "q": [DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, SENT, SENT],
    "Q": [DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, DEFERRED, SENT, SENT],
}


def start_sink(*switches):
    """On a free port: smtp-sink does not say which it has, so one is found that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = subprocess.Popen(postfix("smtp-sink", *switches, f"127.0.0.1:{port}", "100"), env=ENVIRONMENT,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while sink.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return sink, port
        except ConnectionRefusedError:
            continue
    raise RuntimeError(f"smtp-sink: {sink.stderr.read()}")


def check_sinks(switch):
    sinks, options, wanted = [], [], {}
    try:
        for number, (command, fate) in enumerate(zip(COMMANDS, FATES[switch])):
            more = ["-e"] if command == "HELO" else []
            sink, port = start_sink(*more, f"-{switch}", command)
            sinks.append(sink)
            domain = f"d{number}.example"
            options += ["--deliver", f"{domain}=127.0.0.1:{port}"]
            wanted[f"x@{domain}"] = (f"-{switch} {command}", fate)
        with tempfile.TemporaryDirectory(prefix="mailsim-") as folder:
            return result_of(deliver(Session(folder, *options, scenario=PATIENT), wanted))
    except RuntimeError as error:
        return result_of([str(error)])
    finally:
        for sink in sinks:
            sink.kill()
            sink.wait()


def deliver(session, wanted):
    """Sends a mail to each address; complains of those whose first attempt ended otherwise than wanted."""
    complaints = []
    try:
        with smtplib.SMTP("127.0.0.1", session.ports["naver", "smtp"], timeout=BOUND) as client:
            for number, address in enumerate(wanted):
                client.sendmail("alice@naver.example", [address],
                                f"Subject: x\r\nMessage-ID: <m{number}@x.example>\r\n\r\nx\r\n")
        session.wait_for(r"m\d for \S+ (is now with|waits until)|returns m\d for", len(wanted))
    except Exception as error:  # pylint: disable=broad-except
        complaints.append(repr(error))
    if complaints := complaints + session.end():
        return complaints
    fates = {recipient["address"]: recipient["status"] for mail in session.facts()["mails"]
             for recipient in mail["recipients"]}
    for address, (what, fate) in wanted.items():
        if fates.get(address) != fate:
            complaints.append(f"{what}: {fates.get(address)}, not {fate}: "
                              + "".join(line for line in session.lines if address in line))
    return complaints


AIOSMTPD = """
import sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
class Keep:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:1], *sys.argv[2:], *responses[1:]]
    async def handle_DATA(self, server, session, envelope):
        print(envelope.mail_from, *envelope.rcpt_tos, len(envelope.content), flush=True)
        return "250 OK"
class Watched(SMTP):
    async def smtp_STARTTLS(self, arg):
        print("STARTTLS", flush=True)
        await self.push("454 4.7.0 Not now")
class Watching(Controller):
    def factory(self):
        return Watched(self.handler, **self.SMTP_kwargs)
controller = Watching(Keep(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
"""


class Aiosmtpd:
    """A server that prints what it takes; `offers` are lines of its reply to EHLO."""

    def __init__(self, *offers):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = subprocess.Popen(["/usr/bin/python3", "-c", AIOSMTPD, str(self.port), *offers],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.server.stdout.readline() != "ready\n":
            raise RuntimeError("aiosmtpd does not start")

    def end(self):
        return self.server.communicate("", timeout=BOUND)[0]


def check_aiosmtpd():
    server = Aiosmtpd()
    with tempfile.TemporaryDirectory(prefix="mailsim-") as folder:
        session = Session(folder, "--deliver", f"d0.example=127.0.0.1:{server.port}")
        complaints = deliver(session, {"x@d0.example": ("aiosmtpd", SENT)})
        said = server.end()
        if not said.startswith("alice@naver.example x@d0.example "):
            complaints.append(f"aiosmtpd has {said!r}")
        return result_of(complaints)


def ask_for_tls(session):
    """What is wrong when real clients look for STARTTLS at servers that offer it to simulated ones."""
    for service in ("smtp", "submission"):
        with smtplib.SMTP("127.0.0.1", session.ports["naver", service], timeout=BOUND) as client:
            client.ehlo()
            if client.has_extn("starttls") or client.docmd("STARTTLS")[0] != 500:
                yield f"STARTTLS is there for smtplib ({service})"
        done = run(["swaks", "--server", f"127.0.0.1:{session.ports['naver', service]}", "--tls",
                    "--quit-after", "TLS"])
        if done.returncode == 0 or "Host did not advertise STARTTLS" not in done.stdout:
            yield f"STARTTLS is there for swaks ({service}): {done.stdout}"


def check_starttls():
    """Its records are only simulated: no real program may be offered it, nor be asked for it."""
    server = Aiosmtpd("250-STARTTLS")
    with tempfile.TemporaryDirectory(prefix="mailsim-") as folder:
        session = Session(folder, "--deliver", f"d0.example=127.0.0.1:{server.port}", scenario=STARTTLS)
        complaints = list(ask_for_tls(session))
        complaints += deliver(session, {"x@d0.example": ("aiosmtpd", SENT), TO: ("inside", "delivered")})
        said = server.end()
        if not said.startswith("alice@naver.example x@d0.example "):
            complaints.append(f"aiosmtpd has {said!r}")
        trace = Path(folder) / "trace"
        run([MAILSIM, "run", "--quiet", "--trace", str(trace), "--inputs", str(session.folder / "record"),
             STARTTLS])
        asked = [record["host"] for line in trace.read_text("utf-8").splitlines()[1:]
                 if (record := json.loads(line)).get("smtp.command_line") == "STARTTLS"]
        if asked.count("mail.naver.example") != 1:
            complaints.append(f"between simulated servers there was no STARTTLS: {asked}")
        return result_of(complaints)


# ---- Readers of bounces: flufl.bounce, as Mailman has it, and Sisimai ----

FLUFL = """
import email, sys
from flufl.bounce import all_failures
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        temporary, permanent = all_failures(email.message_from_binary_file(file))
    for word, addresses in (("delayed", temporary), ("failed", permanent)):
        for address in sorted(addresses):
            print(path, address.decode(), word)
"""

SISIMAI = """
use Sisimai;
for my $path (@ARGV) {
    for my $it (@{Sisimai->make($path, delivered => 1) // []}) {
        print join(" ", $path, $it->recipient->address, $it->action, $it->deliverystatus, $it->reason,
                   $it->rhost, $it->messageid), "\\n";
    }
}
"""

# Of each notice what Sisimai must read; the first two columns behind the name are flufl.bounce's too,
# which passes over good news.
NOTICES = """
unknown.bounce nobody@gmail.example failed 5.1.1 userunknown mail.gmail.example unknown@naver.example
several.bounce nobody@gmail.example failed 5.1.1 userunknown mail.gmail.example several@naver.example
several.bounce noone@gmail.example failed 5.1.1 userunknown mail.gmail.example several@naver.example
large.bounce bob@gmail.example failed 5.3.4 mesgtoobig mail.gmail.example large@naver.example
nowhere.bounce bob@nowhere.example failed 5.1.2 hostunknown mail.naver.example nowhere@naver.example
down.delay bob@down.example delayed 4.4.1 expired mail.down.example down@naver.example
down.bounce bob@down.example failed 4.4.1 expired mail.down.example down@naver.example
full.delay bob@full.example delayed 4.3.1 systemfull mail.full.example full@naver.example
full.bounce bob@full.example failed 4.3.1 systemfull mail.full.example full@naver.example
relayed.relayed bob@old.example relayed 2.0.0 delivered mail.old.example relayed@naver.example
delivered.delivered bob@gmail.example delivered 2.0.0 delivered mail.gmail.example delivered@naver.example
""".split("\n")[1:-1]


def fetch_notices(session):
    """Alice's mailbox, in its order, as files that are named after the mails."""
    folder = session.folder / "notices"
    folder.mkdir()
    with imaplib.IMAP4("127.0.0.1", session.ports["naver", "imap"], timeout=BOUND) as client:
        client.login("alice", "secret")
        client.select()
        for number in client.search(None, "ALL")[1][0].split():
            raw = client.fetch(number, "(RFC822)")[1][0][1]
            name = re.search(rb"^Message-ID: <(.*?)@", raw, re.M)[1].decode("ascii")
            (folder / name).write_bytes(raw)
            yield folder / name


# Mail::IMAPClient's own grammar reads ENVELOPE and BODYSTRUCTURE; it tells each part: its path, its type, its
# size as told, and the octets that come.
STRUCTURES = r"""
use strict; use warnings; use Mail::IMAPClient; use Mail::IMAPClient::BodyStructure;
my $imap = Mail::IMAPClient->new(Server => "127.0.0.1", Port => $ARGV[0], User => "alice",
                                 Password => "secret", Uid => 1) or die $@;
$imap->select("INBOX") or die $imap->LastError;
for my $uid ($imap->messages) {
    my $envelope = $imap->get_envelope($uid) or die "envelope of $uid";
    $envelope->from_addresses =~ /^Mail Delivery System <MAILER-DAEMON@/ or die "sender of $uid";
    walk($uid, $imap->get_bodystructure($uid) // die "structure of $uid");
}
sub walk {
    my ($uid, $parent) = @_;
    for my $part ($parent->bodystructure) {
        my $type = lc($part->bodytype . "/" . $part->bodysubtype);
        my $octets = $type =~ /multipart/ ? "" : $imap->bodypart_string($uid, $part->id);
        print join(" ", $uid, $part->id, $type, $part->bodysize // "-", length $octets), "\n";
        walk($uid, $part);
    }
}
"""


def parts_of(message, number=""):
    """Path and type of the parts, as IMAP numbers them (RFC 9051 §6.4.5.1)."""
    children = message.get_payload() if message.get_content_maintype() == "multipart" else [message]
    for i, part in enumerate(children, 1):
        path, kind = f"{number}.{i}".lstrip("."), part.get_content_type()
        yield path, kind
        if kind == "message/rfc822":
            yield from parts_of(part.get_payload(0), path)


def judge_structures(session, paths):
    done = run(["perl", "-e", STRUCTURES, str(session.ports["naver", "imap"])])
    yield from complain(done)
    read = {tuple(line.split()) for line in done.stdout.splitlines()}
    for uid, path, kind, size, length in read:
        if size != length:
            yield f"Mail::IMAPClient reads that part {path} of {uid} has {size} octets, and gets {length}"
    wanted = {(str(uid), *part) for uid, path in enumerate(paths, 1)
              for part in parts_of(email.message_from_bytes(path.read_bytes()))}
    if wanted != {line[:3] for line in read}:
        yield f"Mail::IMAPClient reads {sorted(wanted ^ {line[:3] for line in read})}"


def judge_bounces(session):
    session.wait_for(r"(delay|bounce|relayed|delivered) is in the mailbox of alice", len(NOTICES) - 1)
    paths = list(fetch_notices(session))
    yield from judge_structures(session, paths)
    folder, names = paths[0].parent, sorted(path.name for path in paths)
    news = [line for line in NOTICES if line.split()[2] in ("failed", "delayed")]
    for command, wanted in ((["/usr/bin/python3", "-c", FLUFL], [" ".join(line.split()[:3]) for line in news]),
                            (["perl", "-e", SISIMAI], NOTICES)):
        done = run([*command, *names], cwd=folder)
        yield from complain(done)
        if (read := sorted(done.stdout.splitlines())) != sorted(wanted):
            yield f"{command[0]} reads {sorted(set(read) ^ set(wanted))}"


def check_call(options, words):
    done = run([MAILSIM, "live", *options, SCENARIO])
    return result_of([] if done.returncode == 2 and words in done.stdout else [f"it says: {done.stdout}"])


CALLS = [(["--deliver", "out.example=192.0.2.1:25"], "only a loopback address"),
         (["--deliver", "gmail.example=127.0.0.1:25"], "a server of the scenario serves it"),
         (["--port", "mail.gmail.exmple:smtp=2525"], "no such server"),
         (["--port", "mail.gmail.example:pop=2525"], "smtp, submission or imap"),
         (["--speed", "0"], "above 0")]

UNITS = (
    [(f"live {' '.join(options)}", lambda options=options, words=words: check_call(options, words))
     for options, words in CALLS]
    + [("README by hand", in_session(judge_readme, scenario=str(Path("scenarios/01-first-mail/scenario.yaml").resolve()))),
       ("swaks", in_session(judge_swaks)), ("curl", in_session(judge_curl)), ("msmtp", in_session(judge_msmtp)),
       ("smtplib and imaplib", in_session(judge_python)), ("smtp-source", in_session(judge_smtp_source)),
       ("clients that stop or drip", in_session(judge_stops)),
       ("clients that send 1 GB without a line end", in_session(judge_flood, replays=False)),
       ("clients that send 40 MB so, recorded", in_session(lambda session: judge_flood(session, 40, b"\r\n", 20))),
       ("flufl.bounce, Sisimai and Mail::IMAPClient", in_session(judge_bounces, scenario=BOUNCES)),
       ("aiosmtpd", check_aiosmtpd),
       ("STARTTLS", check_starttls)]
    + [(f"smtp-sink -{switch}", lambda switch=switch: check_sinks(switch)) for switch in FATES])

check_units([unit for unit in UNITS if len(sys.argv) < 3 or unit[0] in sys.argv[2:]])
