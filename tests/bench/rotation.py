"""rotation.py - the machine's part of a rotation of many roles from one CA to the next, beside the same by hand.

Part of bench.py. A private server with TLS, as many sessions as there are roles, each with its own certificate. By
hand: openssl for the certificates (a few, times the roles), psql for the settings, the look by a query over
pg_stat_ssl that is joined with a list of serial numbers.
  ROTATE_ROLES   how many roles and sessions (default 1000)
"""
import os
import statistics
import subprocess
import time

import panel

ROLES = int(os.environ.get("ROTATE_ROLES", "1000"))
SAMPLE = 20
EXTENSIONS = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"
LOOK = ("SELECT a.usename, a.application_name, a.client_addr, count(*) FROM pg_stat_activity a JOIN pg_stat_ssl s USING"
        " (pid) WHERE s.client_serial IS NOT NULL AND s.issuer_dn = '/CN=Old' GROUP BY 1, 2, 3")


class Server(panel.Server):
    """Managed by the program that is measured."""

    def certificates(self, pgseal):
        self.pgseal = pgseal
        self.flags = ["--store", self.store, "--no-input", "--yes"]
        self.ours(["ca", "create", "Old", "--no-passphrase"])
        roles = os.path.join(self.folder, "roles")
        with open(roles, "w") as out:
            out.writelines(f"role{i}\n" for i in range(ROLES))
        self.ours(["issue", "batch", roles, "--out", self.folder + "/old"])

    def ours(self, args):
        start = time.perf_counter()
        done = subprocess.run([self.pgseal] + args + self.flags, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True)
        if done.returncode:
            raise SystemExit(f"bench: pgseal {' '.join(args)}: {done.stdout}")
        return time.perf_counter() - start

    def start(self, sessions):
        server = panel.as_server()
        self.run([self.bin + "/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync"], **server)
        with open(self.data + "/postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nmax_connections = {sessions + 30}\n"
                       f"unix_socket_directories = '{self.folder}'\nfsync = off\nshared_buffers = 32MB\nautovacuum = off\n")
        with open(self.data + "/pg_hba.conf", "w") as hba:
            hba.write("local all postgres trust\nhostssl postgres all 127.0.0.1/32 cert\n")
        self.postmaster = subprocess.Popen([self.bin + "/postgres", "-D", self.data], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **server)
        for _ in range(200):
            if self.ask("SELECT 1") == "1":
                break
            time.sleep(0.05)
        self.ask(f"DO $$ BEGIN FOR i IN 0..{ROLES - 1} LOOP EXECUTE 'CREATE ROLE role' || i || ' LOGIN'; END LOOP; END $$")
        self.ours(["server", "add", "db1", f"host={self.folder} port={self.port} user=postgres dbname=postgres",
                   "--address", f"127.0.0.1:{self.port}"])
        self.ours(["server", "tls", "db1", "--ca", "Old", "--host", "127.0.0.1"])
        self.ours(["server", "trust", "db1", "--ca", "Old"])

    def hold(self, kits):
        self.release()
        self.holder = subprocess.Popen([panel.HOLD, str(self.port), str(ROLES), kits], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise SystemExit("bench: the sessions could not be opened")

    def release(self):
        if self.holder:
            self.holder.stdin.close()
            self.holder.wait()
            self.holder = None


def seconds(argv, **more):
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, stdin=subprocess.DEVNULL, **more)
    return time.perf_counter() - start


def certificates_by_hand(folder):
    """Seconds for a CA, and for each certificate: key, request, signature."""
    authority, extensions = os.path.join(folder, "ca"), os.path.join(folder, "client.ext")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    first = seconds(["openssl", "req", "-x509", *key, "-keyout", authority + ".key", "-out", authority + ".crt", "-subj", "/CN=N",
                     "-days", "3650"])
    with open(extensions, "w") as out:
        out.write(EXTENSIONS)
    took = []
    for i in range(SAMPLE):
        name = os.path.join(folder, f"r{i}")
        took.append(seconds(["openssl", "req", "-new", *key, "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                             f"/CN=role{i}"]) +
                    seconds(["openssl", "x509", "-req", "-in", name + ".csr", "-CA", authority + ".crt", "-CAkey",
                             authority + ".key", "-set_serial", str(i + 1), "-days", "365", "-extfile", extensions, "-out",
                             name + ".crt"]))
    return first, statistics.median(took)


def settings_by_hand(server):
    """Seconds for one change of ssl_ca_file: what it is stays, so nothing is harmed."""
    psql = [server.bin + "/psql", "-XAtq", "-h", server.folder, "-p", str(server.port), "-U", "postgres", "-c"]
    now = server.ask("SHOW ssl_ca_file")
    return seconds(psql + [f"ALTER SYSTEM SET ssl_ca_file = '{now}'"]) + seconds(psql + ["SELECT pg_reload_conf()"])


def look_by_hand(server):
    psql = [server.bin + "/psql", "-XAtq", "-h", server.folder, "-p", str(server.port), "-U", "postgres", "-c"]
    return statistics.median(seconds(psql + [LOOK]) for _ in range(7))


def rotate(folder, pgseal, line):
    if not panel.programs():
        print("  rotate: no PostgreSQL is here", flush=True)
        return
    server = Server(pgseal, ROLES)
    try:
        kits = os.path.join(folder, "kits")
        server.hold(server.folder + "/old")
        steps = [("begin", server.ours(["rotate", "ca", "Old", "--quiet-time", "1s"])),
                 ("a new CA", server.ours(["rotate", "next", "--no-passphrase"])),
                 ("trusted beside the old one", server.ours(["rotate", "next"])),
                 (f"{ROLES} kits", server.ours(["rotate", "next", "--out", kits]))]
        look_old = statistics.median(server.ours(["rotate", "status", "Old"]) for _ in range(7))
        by_hand = look_by_hand(server)
        server.hold(kits)
        look_new = statistics.median(server.ours(["rotate", "status", "Old"]) for _ in range(7))
        time.sleep(2)  # the quiet time
        steps += [("all have moved", server.ours(["rotate", "next"])),
                  ("the old CA goes, proven", server.ours(["rotate", "next"])),
                  ("its key stays as an archive", server.ours(["rotate", "finish", "--confirm", "Old"]))]
        for what, took in steps:
            line(f"rotate {ROLES} roles: {what}", f"{took * 1000:.0f} ms", "")
        first, each = certificates_by_hand(folder)
        change = settings_by_hand(server)
        ours = sum(took for _, took in steps) + look_old
        theirs = first + each * ROLES + 2 * change + by_hand
        line("  the whole, with one look", f"{ours:.2f} s", "")
        line("  beside openssl and psql, nothing proven", f"{theirs:.2f} s", f"{theirs / ours:.1f} x slower")
        line(f"rotate status, {ROLES} sessions of the old CA (median of 7)", f"{look_old * 1000:.0f} ms", "aim 100 ms")
        line("  all with the new one", f"{look_new * 1000:.0f} ms", "aim 100 ms")
        line("  beside psql over pg_stat_ssl", f"{by_hand * 1000:.0f} ms", f"ratio {look_old / by_hand:.2f}")
    finally:
        server.close()
