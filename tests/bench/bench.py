#!/usr/bin/env python3
"""bench.py - measures pgseal beside its peers on the same work, in one run, and prints ratios.

Run by "make bench". It never fails on a time: it prints, and a person reads.
  PGSEAL   the program (set by the makefile)
  BENCH    names of what to run, separated by blanks; default all of ALL (make bench BENCH="issue batch")
  BENCH_STORE   how many certificates the store grows to (1000000: a minute)
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True  # the source tree stays as it is
import ca  # noqa: E402
import panel  # noqa: E402
import rotation  # noqa: E402

PGSEAL = os.environ.get("PGSEAL", "./pgseal")
DOWN, UP, ESC, QUIT = b"\x1b[B", b"\x1b[A", b"\x1b", b"\x11"


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def line(what, value, aim, note=""):
    print(f"  {what:<52} {value:>12}   {aim:<22} {note}", flush=True)


class Terminal:
    """A program on a pty of its own."""

    def __init__(self, argv, rows=24, columns=80):
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = b""

    def read(self, seconds):
        """What came within the time; b"" for nothing."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return b""
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return b""
        self.output += got
        return got

    def wait_for(self, text, seconds=20):
        """Seconds from the start until text stood in the output."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if text in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\([A-Z0-9]", b"", self.output):
                return time.perf_counter() - self.started
            self.read(0.05)
        raise SystemExit(f"bench: {text!r} did not appear; the end of the output: {self.output[-400:]!r}")

    def settle(self, seconds=0.3):
        while self.read(seconds):
            pass

    def key(self, key, limit=12.0):
        """Seconds from a key to the first byte that it painted; None for nothing in the limit."""
        start = time.perf_counter()
        os.write(self.fd, key)
        got = self.read(limit)
        took = time.perf_counter() - start
        while self.read(0.004):
            pass
        return took if got else None

    def end(self):
        """For a program that may not know our key: killed."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def close(self):
        try:
            os.write(self.fd, QUIT)
            for _ in range(50):
                self.read(0.02)
                pid, _status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    os.close(self.fd)
                    return
                os.write(self.fd, b"y")
        except (OSError, ChildProcessError):
            return
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def switches(pid):
    """Context switches of all threads of a process so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            total += sum(int(row.split()[1]) for row in status if "ctxt_switches" in row)
    return total


def first_frame(folder):
    times = []
    for i in range(15):
        terminal = Terminal([PGSEAL, "--store", os.path.join(folder, "none")])
        times.append(terminal.wait_for(b"What do you want"))
        terminal.close()
    peer = []
    for i in range(15):
        start = time.perf_counter()
        subprocess.run(["psql", "--version"], stdout=subprocess.DEVNULL, check=True)
        peer.append(time.perf_counter() - start)
    median, beside = statistics.median(times), statistics.median(peer)
    line("first frame of the wizard, from exec (median of 15)", f"{median * 1000:.1f} ms", "aim 20 ms")
    line("  beside \"psql --version\"", f"{beside * 1000:.1f} ms", f"ratio {median / beside:.2f}")


def report_keys(what, times):
    lost = times.count(None)
    seen = [t for t in times if t is not None]
    line(what, f"{percentile(seen, 50) * 1000:.2f} ms", "median")
    line("", f"{percentile(seen, 99) * 1000:.2f} ms", "99th, aim 5 ms", f"{lost} keys without an answer" if lost else "")


def key_to_paint(folder):
    terminal = Terminal([PGSEAL, "--store", os.path.join(folder, "none")])
    terminal.wait_for(b"What do you want")
    terminal.settle()
    report_keys("key to paint, home page (400 keys)", [terminal.key(DOWN if i % 2 == 0 else UP) for i in range(400)])
    before = switches(terminal.pid)
    time.sleep(5)
    line("wake-ups of an idle page in 5 s", str(switches(terminal.pid) - before), "aim 0")
    terminal.close()


def backends(data):
    """Pids of the postmaster's children that serve the panel."""
    with open(os.path.join(data, "postmaster.pid")) as pid_file:
        postmaster = int(pid_file.readline())
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit():
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                if parent == postmaster:
                    found.append(int(name))
        except OSError:
            continue
    return found + [postmaster]


def frozen_server(folder):
    keep = tempfile.mkdtemp(prefix="pgseal-bench-", dir="/var/tmp")
    os.rmdir(keep)
    terminal = Terminal([PGSEAL, "demo", "--keep", keep])
    try:
        terminal.wait_for(b"What do you want", 60)
        os.write(terminal.fd, b"3")
        terminal.wait_for(b"sessions", 20)
        time.sleep(1)
        terminal.settle()
        report_keys("key to paint, live sessions (200 keys)", [terminal.key(DOWN if i % 2 == 0 else UP) for i in range(200)])
        pids = backends(os.path.join(keep, "data"))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(3)
            terminal.settle(0.05)
            report_keys("  the same with the server under SIGSTOP", [terminal.key(DOWN if i % 2 == 0 else UP) for i in range(200)])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    finally:
        terminal.close()
        shutil.rmtree(keep, ignore_errors=True)


def timed(argv, env=None, stdin=None):
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=env, stdin=subprocess.DEVNULL)
    return time.perf_counter() - start


def simulate(folder):
    program = os.path.join(os.environ.get("BENCH_PROGRAMS", "tests/bench"), "simulate")
    said = subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout
    line("simulate 1,000 rules over 1,000 sessions (median of 21)", f"{int(said.split()[0]) / 1000:.1f} ms", "aim 50 ms")


def check(folder):
    """A server with TLS, a CA and its CRL, by the command as a whole process."""
    keep = tempfile.mkdtemp(prefix="pgseal-bench-", dir="/var/tmp")
    os.rmdir(keep)
    terminal = Terminal([PGSEAL, "demo", "--keep", keep])
    try:
        terminal.wait_for(b"What do you want", 60)
        store = ["--store", os.path.join(keep, "store"), "--no-input", "--yes"]
        for change in (["ca", "create", "Bench CA", "--no-passphrase"], ["server", "tls", "demo"], ["server", "trust", "demo"]):
            timed([PGSEAL] + change + store)
        took = [timed([PGSEAL, "server", "check", "demo"] + store) for _ in range(11)]
        line("server check, whole process (median of 11)", f"{statistics.median(took) * 1000:.0f} ms", "aim 500 ms")
    finally:
        terminal.close()
        shutil.rmtree(keep, ignore_errors=True)


def change(folder):
    """The probe beside a bare handshake, and a CA given to a server: applied, proven, kept."""
    keep = tempfile.mkdtemp(prefix="pgseal-bench-", dir="/var/tmp")
    os.rmdir(keep)
    terminal = Terminal([PGSEAL, "demo", "--keep", keep])
    try:
        terminal.wait_for(b"What do you want", 60)
        store = ["--store", os.path.join(keep, "store"), "--no-input", "--yes"]
        for first in (["ca", "create", "Bench CA", "--no-passphrase"], ["server", "tls", "demo"]):
            timed([PGSEAL] + first + store)
        with open(os.path.join(keep, "data", "postmaster.pid")) as pid_file:
            port = pid_file.read().split("\n")[3]
        program = os.path.join(os.environ.get("BENCH_PROGRAMS", "tests/bench"), "probe")
        said = subprocess.run([program, port], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
        line("probe of a server (median of 101)", f"{int(said[0]) / 1000:.2f} ms", "")
        line("  beside a bare handshake", f"{int(said[1]) / 1000:.2f} ms", f"ratio {int(said[0]) / int(said[1]):.2f}, aim 1.5")
        took = []
        for _ in range(7):
            took.append(timed([PGSEAL, "server", "trust", "demo"] + store))
            timed([PGSEAL, "server", "undo", "demo"] + store)
        line("server trust, applied and proven (median of 7)", f"{statistics.median(took) * 1000:.0f} ms", "aim 1000 ms")
    finally:
        terminal.close()
        shutil.rmtree(keep, ignore_errors=True)


def revoke(folder):
    """From the command's start to psql's refusal, on a server on loopback."""
    keep = tempfile.mkdtemp(prefix="pgseal-bench-", dir="/var/tmp")
    os.rmdir(keep)
    terminal = Terminal([PGSEAL, "demo", "--keep", keep])
    try:
        terminal.wait_for(b"What do you want", 60)
        store = ["--store", os.path.join(keep, "store"), "--no-input", "--yes"]
        for change in (["ca", "create", "Bench CA", "--no-passphrase"], ["server", "tls", "demo"], ["server", "trust", "demo"]):
            timed([PGSEAL] + change + store)
        probe = subprocess.run([PGSEAL, "server", "show", "demo", "--json"] + store, stdout=subprocess.PIPE, check=True,
                               text=True, stdin=subprocess.DEVNULL).stdout
        port = json.loads(probe)["tls_port"]
        took = []
        for i in range(5):
            kit = os.path.join(folder, f"revoked{i}")
            timed([PGSEAL, "issue", "client", "alice", "--out", kit] + store)
            start = time.perf_counter()
            subprocess.run([PGSEAL, "revoke", "alice", "--end-sessions", "--confirm=alice"] + store, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            said = subprocess.run(["psql", "-w", f"host=127.0.0.1 port={port} user=alice dbname=app sslmode=require "
                                   f"sslcert={kit}/alice.crt sslkey={kit}/alice.key"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False).stderr
            took.append(time.perf_counter() - start)
            if "revoked" not in said:
                raise SystemExit("not refused: " + said)
        line("revoke to refused by psql, loopback (median of 5)", f"{statistics.median(took) * 1000:.0f} ms", "aim 1000 ms")
    finally:
        terminal.close()
        shutil.rmtree(keep, ignore_errors=True)


def big_crl(folder):
    """100,000 revocations from one index.txt: signed by us from the store, by openssl ca from the index."""
    ca = os.path.join(folder, "big")
    os.mkdir(ca)
    path = os.path.join(ca, "ca")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    path + ".key", "-out", path + ".crt", "-subj", "/CN=Big", "-days", "3650"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(path + ".key", 0o600)
    with open(os.path.join(ca, "index.txt"), "w") as out:
        for i in range(100000):
            out.write(f"R\t450101000000Z\t260101000000Z,keyCompromise\t{0x4F000000 + i:08X}\tunknown\t/CN=role{i}\n")
    for name, text in (("crlnumber", "01\n"), ("serial", "60000000\n"), ("index.txt.attr", "unique_subject = no\n")):
        with open(os.path.join(ca, name), "w") as out:
            out.write(text)
    with open(os.path.join(ca, "openssl.cnf"), "w") as out:
        out.write(f"[ca]\ndefault_ca = d\n[d]\ndir = {ca}\ndatabase = {ca}/index.txt\nserial = {ca}/serial\n"
                  f"crlnumber = {ca}/crlnumber\ncertificate = {path}.crt\nprivate_key = {path}.key\n"
                  "default_md = sha256\ndefault_crl_days = 30\n")
    store = ["--store", os.path.join(folder, "bigstore"), "--no-input", "--yes"]
    subprocess.run([PGSEAL, "ca", "import", "Big", "--cert", path + ".crt", "--key", path + ".key", "--index", ca,
                    "--no-passphrase"] + store, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    ours = [timed([PGSEAL, "crl", "sign", "--quiet"] + store) for _ in range(3)]
    theirs = [timed(["openssl", "ca", "-config", os.path.join(ca, "openssl.cnf"), "-gencrl", "-out",
                     os.path.join(ca, "out.crl")]) for _ in range(3)]
    a, b = statistics.median(ours), statistics.median(theirs)
    line("sign a CRL of 100,000 entries (median of 3)", f"{a * 1000:.0f} ms", "")
    line("  beside openssl ca -gencrl, same index", f"{b * 1000:.0f} ms", f"{b / a:.2f} x faster, aim 2 x")


def live_panel(folder):
    panel.panel(folder, PGSEAL, Terminal)


def rotate(folder):
    rotation.rotate(folder, PGSEAL, line)


ALL = {"first_frame": first_frame, "key_to_paint": key_to_paint, "frozen_server": frozen_server, "simulate": simulate,
       "change": change, "check": check, "revoke": revoke, "rotate": rotate, "big_crl": big_crl, "live_panel": live_panel,
       **ca.benches(line, timed, PGSEAL)}


def main():
    wanted = os.environ.get("BENCH", " ".join(ALL)).split()
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        sys.exit(f"bench: {unknown[0]} is not one of: {' '.join(ALL)}")
    print("figures are this machine's and this moment's; quote the ratios", flush=True)
    for name in wanted:
        folder = tempfile.mkdtemp(prefix="pgseal-bench-")
        try:
            ALL[name](folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
