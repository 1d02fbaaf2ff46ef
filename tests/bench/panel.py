"""panel.py - the live panel beside psql's \\watch, pg_activity and pg_top, on one server, in one run.

Part of bench.py. Of each program, asked once a second, in a terminal of 45 x 160:
  client CPU and server CPU per refresh   /proc/PID/task/*/schedstat over WINDOW seconds
  bytes per refresh                       what came out of the pty
  first frame                             from exec until its first rows stood there
  key to paint, frozen                    the server's processes under SIGSTOP, then keys: median / 99th (the
                                          peers: one; psql takes none while it watches)
  memory                                  VmRSS
  PANEL_SESSIONS   how many sessions, separated by blanks (default "10 200 1000"; 5000 needs 16 GB)
  PANEL_WINDOW     seconds (default 10)
"""
import glob
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

SIZES = [int(n) for n in os.environ.get("PANEL_SESSIONS", "10 200 1000").split()]
WINDOW = float(os.environ.get("PANEL_WINDOW", "10"))
HOLD = os.path.join(os.environ.get("BENCH_PROGRAMS", "tests/bench"), "hold")
ROWS, COLUMNS = 45, 160
QUERY = ("SELECT a.pid, a.datname, a.usename, a.application_name, a.client_addr, a.backend_start, a.state, s.ssl,"
         " s.version, s.cipher, s.client_dn, s.client_serial, s.issuer_dn FROM pg_stat_activity a"
         " JOIN pg_stat_ssl s USING (pid) ORDER BY a.backend_start")


def programs():
    """The folder of initdb."""
    found = shutil.which("initdb")
    if found:
        return os.path.dirname(os.path.realpath(found))
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    return folders[0] if folders else None


def as_server():
    """initdb refuses root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


class Server:
    """A private PostgreSQL with TLS, which takes everybody for who they say they are."""

    def __init__(self, pgseal, sessions):
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="pgseal-bench-pg-", dir="/var/tmp")
        self.data = os.path.join(self.folder, "data")
        self.store = os.path.join(self.folder, "store")
        self.port = 20000 + os.getpid() % 20000
        self.postmaster = self.holder = None
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
        os.chmod(self.folder, 0o755)
        try:
            self.certificates(pgseal)
            self.start(sessions)
        except BaseException:
            self.close()
            raise

    def run(self, argv, **more):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **more)

    def certificates(self, pgseal):
        keep = ["--store", self.store, "--no-input", "--yes"]
        self.run([pgseal, "ca", "create", "Bench CA", "--no-passphrase"] + keep)
        self.run([pgseal, "issue", "server", "localhost", "--out", self.folder + "/server"] + keep)
        self.run([pgseal, "issue", "client", "role0", "--out", self.folder + "/client"] + keep)
        self.run([pgseal, "ca", "export", "Bench CA", "--out", self.folder + "/root.crt", "--store", self.store])

    def start(self, sessions):
        server = as_server()
        self.run([self.bin + "/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync"], **server)
        for name in ("crt", "key"):
            shutil.copy(glob.glob(f"{self.folder}/server/*.{name}")[0], f"{self.data}/server.{name}")
            os.chmod(f"{self.data}/server.{name}", 0o600)
            if server:
                shutil.chown(f"{self.data}/server.{name}", "postgres", "postgres")
        shutil.copy(self.folder + "/root.crt", self.data + "/root.crt")
        os.chmod(self.data + "/root.crt", 0o644)
        with open(self.data + "/postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nmax_connections = {sessions + 30}\n"
                       f"unix_socket_directories = '{self.folder}'\nfsync = off\nssl = on\nssl_ca_file = 'root.crt'\n"
                       "shared_buffers = 32MB\nautovacuum = off\n")
        self.postmaster = subprocess.Popen([self.bin + "/postgres", "-D", self.data], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **server)
        for _ in range(200):
            if self.ask("SELECT 1") == "1":
                break
            time.sleep(0.05)
        for i in range(10):
            self.ask(f"CREATE ROLE role{i} LOGIN")
        cert, key = (glob.glob(f"{self.folder}/client/*.{name}")[0] for name in ("crt", "key"))
        self.holder = subprocess.Popen([HOLD, str(self.port), str(sessions), cert, key], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise SystemExit("bench: the sessions could not be opened")

    def ask(self, sql):
        done = subprocess.run([self.bin + "/psql", "-XAtq", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-c", sql],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return done.stdout.decode().strip()

    def conninfo(self):
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres sslmode=require sslcert=/nonexistent"

    def freeze(self, on):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.postmaster.pid)], stdout=subprocess.PIPE)
        for pid in [int(p) for p in children.stdout.split()] + [self.postmaster.pid]:
            try:
                os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
            except ProcessLookupError:
                continue  # a peer that logs in anew for each refresh

    def close(self):
        if self.holder:
            self.holder.stdin.close()
            self.holder.wait()
        if self.postmaster:
            self.postmaster.send_signal(signal.SIGQUIT)
            self.postmaster.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu_ms(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path) as stat:
                total += int(stat.read().split()[0])
        except OSError:
            continue
    return total / 1e6


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        for row in status:
            if row.startswith("VmRSS"):
                return int(row.split()[1]) / 1024
    return 0.0


class Peer:
    """How to run a program against the server, and what its first rows look like."""

    def __init__(self, name, argv, first, key, env=None, once_a_second=b"", needs=None):
        self.name, self.argv, self.first, self.key = name, argv, first, key
        self.env, self.once_a_second, self.needs = env or {}, once_a_second, needs


def peers(server, pgseal):
    env = {"PGSSLMODE": "require", "PGSSLCERT": "/nonexistent"}
    target = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
    return [
        Peer("pgseal", [pgseal, "sessions", "bench", "--store", server.store], b"service", b"\x1b[B", once_a_second=b"+"),
        Peer("psql \\watch", [server.bin + "/psql", "-X", "-P", "pager=off", "-c", QUERY + " \\watch 1", server.conninfo()],
             b"service", b""),
        Peer("pg_activity", ["pg_activity"] + target + ["-d", "postgres", "--refresh", "1"], b"RUNNING", b"j", env, needs="pg_activity"),
        Peer("pg_top", ["pg_top"] + target + ["-d", "postgres", "-s", "1", "-i"], b"role", b"h", env, needs="pg_top"),
    ]


def psql_watch(peer):
    """psql takes \\watch from its input, not from -c."""
    script = tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False)
    script.write(QUERY + " \\watch 1\n")
    script.close()
    os.chmod(script.name, 0o644)
    return [peer.argv[0], "-X", "-P", "pager=off", "-f", script.name, peer.argv[-1]]


def measure(peer, server, terminal_class):
    argv = psql_watch(peer) if peer.name.startswith("psql") else peer.argv
    os.environ.update(peer.env)
    first = []
    for _ in range(3):
        terminal = terminal_class(argv, ROWS, COLUMNS)
        first.append(terminal.wait_for(peer.first, 30))
        terminal.end()
    before = set(server.ask("SELECT pid FROM pg_stat_activity").split())
    terminal = terminal_class(argv, ROWS, COLUMNS)
    terminal.wait_for(peer.first, 30)
    if peer.once_a_second:
        os.write(terminal.fd, peer.once_a_second)
    until = time.perf_counter() + 3
    while time.perf_counter() < until:
        terminal.read(0.1)
    backends = set(server.ask("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").split()) - before
    client, backend, got = cpu_ms(terminal.pid), sum(cpu_ms(p) for p in backends), 0
    until = time.perf_counter() + WINDOW
    while time.perf_counter() < until:
        got += len(terminal.read(min(0.2, max(0.001, until - time.perf_counter()))))
    client, backend = cpu_ms(terminal.pid) - client, sum(cpu_ms(p) for p in backends) - backend
    memory = rss_mb(terminal.pid)
    keys = []
    server.freeze(True)
    try:
        time.sleep(2.5)
        terminal.settle(0.05)
        if peer.key:
            keys = [terminal.key(peer.key, 10.0) for _ in range(100 if peer.name == "pgseal" else 1)]
    finally:
        server.freeze(False)
    terminal.end()
    for name in peer.env:
        os.environ.pop(name, None)
    keys.sort(key=lambda seconds: seconds or 99)
    return {"client": client / WINDOW, "server": backend / WINDOW if backends else None, "bytes": got / WINDOW,
            "first": statistics.median(first) * 1000, "rss": memory,
            "keys": keys}


def show(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def show_keys(keys):
    """Median / 99th of a hundred."""
    if not keys:
        return "no keys"
    if keys[-1] is None:
        return "over 10 s"
    return f"{keys[len(keys) // 2] * 1000:.1f} / {keys[len(keys) * 99 // 100] * 1000:.1f} ms"


def panel(folder, pgseal, terminal_class):
    if not programs():
        print("  no PostgreSQL here: not measured")
        return
    print(f"  {'sessions':>8} {'program':<13} {'client CPU':>10} {'bytes':>8} {'server CPU':>10} {'first frame':>11}"
          f" {'key, frozen':>15} {'memory':>8}", flush=True)
    print(f"  {'':>8} {'aim at 1,000':<13} {'2 ms':>10} {'500':>8} {'8 ms':>10} {'50 ms':>11} {'5 ms':>15} {'15 MB':>8}", flush=True)
    for sessions in SIZES:
        server = Server(pgseal, sessions)
        try:
            subprocess.run([pgseal, "server", "add", "bench", server.conninfo(), "--store", server.store, "--no-input"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for peer in peers(server, pgseal):
                if sessions > 1000 and peer.name != "pgseal":
                    continue
                if peer.needs and not shutil.which(peer.needs):
                    print(f"  {sessions:>8} {peer.name:<13} not installed", flush=True)
                    continue
                m = measure(peer, server, terminal_class)
                key = show_keys(m["keys"])
                print(f"  {sessions:>8} {peer.name:<13} {show(m['client'], 2):>7} ms {m['bytes']:>8.0f} {show(m['server'], 2):>7} ms"
                      f" {m['first']:>8.0f} ms {key:>15} {m['rss']:>5.1f} MB", flush=True)
        finally:
            server.close()
