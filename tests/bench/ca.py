"""ca.py - the certificate authority beside its peers: one certificate, a thousand, a million.

Imported by bench.py. Each peer makes the same: an EC P-256 key, a client certificate, both as files. What a peer
does in a loop is measured on a few and given per certificate.
"""
import os
import shutil
import statistics
import subprocess

EASYRSA = "/usr/share/easy-rsa/easyrsa"
EXTENSIONS = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"
TEMPLATE = 'cn = "{}"\nexpiration_days = 365\nsigning_key\ntls_www_client\n'


def benches(line, timed, pgseal):
    programs = os.environ.get("BENCH_PROGRAMS", "tests/bench")

    def ms(seconds):
        return f"{seconds * 1000:.1f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"

    def make_store(folder):
        store = os.path.join(folder, "store")
        timed([pgseal, "ca", "create", "Bench CA", "--no-passphrase", "--yes", "--no-input", "--store", store])
        return ["--no-input", "--yes", "--store", store]

    def openssl(folder, n):
        """Seconds for each of n certificates by openssl req and openssl x509 -req."""
        ca, extensions = os.path.join(folder, "ca"), os.path.join(folder, "client.ext")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        timed(["openssl", "req", "-x509", *key, "-keyout", ca + ".key", "-out", ca + ".crt", "-subj", "/CN=B", "-days", "3650"])
        with open(extensions, "w") as out:
            out.write(EXTENSIONS)
        took = []
        for i in range(n):
            name = os.path.join(folder, f"o{i}")
            took.append(timed(["openssl", "req", "-new", *key, "-keyout", name + ".key", "-out", name + ".csr",
                               "-subj", f"/CN=role{i}"]) +
                        timed(["openssl", "x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key",
                               "-set_serial", str(i + 1), "-days", "365", "-extfile", extensions, "-out", name + ".crt"]))
        return took

    def certtool(folder, n):
        ca, template = os.path.join(folder, "tool-ca"), os.path.join(folder, "template")
        ec = ["--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1"]
        with open(template, "w") as out:
            out.write('cn = "B"\nca\ncert_signing_key\nexpiration_days = 3650\n')
        timed(["certtool", *ec, "--outfile", ca + ".key"])
        timed(["certtool", "--generate-self-signed", "--load-privkey", ca + ".key", "--template", template,
               "--outfile", ca + ".crt"])
        took = []
        for i in range(n):
            name = os.path.join(folder, f"t{i}")
            with open(template, "w") as out:
                out.write(TEMPLATE.format(f"role{i}"))
            took.append(timed(["certtool", *ec, "--outfile", name + ".key"]) +
                        timed(["certtool", "--generate-certificate", "--load-privkey", name + ".key", "--load-ca-certificate",
                               ca + ".crt", "--load-ca-privkey", ca + ".key", "--template", template,
                               "--outfile", name + ".crt"]))
        return took

    def easyrsa(folder, n):
        env = dict(os.environ, EASYRSA_BATCH="1", EASYRSA_ALGO="ec", EASYRSA_CURVE="prime256v1",
                   EASYRSA_PKI=os.path.join(folder, "pki"))
        timed([EASYRSA, "init-pki"], env)
        timed([EASYRSA, "build-ca", "nopass"], dict(env, EASYRSA_REQ_CN="B"))
        return [timed([EASYRSA, "build-client-full", f"role{i}", "nopass"], env) for i in range(n)]

    def peers(folder, n):
        """Name and median seconds per certificate of each peer that is installed."""
        found = [("openssl req + openssl x509 -req", openssl, n, 100)]
        if os.access(EASYRSA, os.X_OK):
            found.append(("easy-rsa build-client-full", easyrsa, max(3, n // 4), 1000))
        if shutil.which("certtool"):
            found.append(("certtool, two calls", certtool, n, None))
        return [(name, statistics.median(run(folder, count)), aim) for name, run, count, aim in found]

    def issue(folder):
        """One certificate, as a whole process."""
        store = make_store(folder)
        ours = [timed([pgseal, "issue", "client", f"role{i}", "--out", os.path.join(folder, f"kit{i}"), *store])
                for i in range(20)]
        theirs = openssl(folder, 20)
        a, b = statistics.median(ours), statistics.median(theirs)
        line("issue client, whole process (median of 20)", ms(a), "")
        line("  beside openssl req + openssl x509 -req", ms(b), f"{b / a:.2f} x slower, aim 3 x")
        a, b = min(ours), min(theirs)
        line("  the fastest of each", f"{a * 1000:.1f}, {b * 1000:.1f} ms", f"{b / a:.2f} x")

    def batch(folder):
        """A thousand certificates with their kits; beside libcrypto alone, and per certificate beside the peers."""
        n = int(os.environ.get("BENCH_BATCH", "1000"))
        roles = os.path.join(folder, "roles")
        with open(roles, "w") as out:
            out.writelines(f"role{i}\n" for i in range(n))
        ours, bare = [], []
        for i in range(3):
            store = make_store(os.path.join(folder, f"run{i}"))
            ours.append(timed([pgseal, "issue", "batch", roles, "--out", os.path.join(folder, f"kits{i}"), *store]))
            plain = os.path.join(folder, f"bare{i}")
            os.mkdir(plain)
            bare.append(timed([os.path.join(programs, "bare"), plain, str(n)]))
        a, b = statistics.median(ours), statistics.median(bare)
        line(f"{n} certificates with PEM kits, one batch (median of 3)", f"{a:.2f} s", f"{ms(a / n)} each")
        line("  beside a bare libcrypto loop", f"{b:.2f} s", f"ratio {a / b:.2f}, aim 1.5")
        for name, each, aim in peers(folder, 20):
            line(f"  beside {name}", ms(each), f"{each * n / a:.0f} x slower each" + (f", aim {aim} x" if aim else ""))

    def store(folder):
        """Ten to a million certificates: BENCH_STORE says how many at most."""
        most = os.environ.get("BENCH_STORE", "1000000")
        print(subprocess.run([os.path.join(programs, "store"), folder, most], stdout=subprocess.PIPE, check=True,
                             text=True).stdout, end="", flush=True)
        flags = ["--no-input", "--store", os.path.join(folder, "store")]
        for what, args in (("list, first page of 50", ["list", "--limit", "50"]),
                           ("list --role", ["list", "--role", "role0000005"]),
                           ("list --search, a prefix of roles", ["list", "--search", "role00000", "--limit", "50"]),
                           ("list --state expiring", ["list", "--state", "expiring", "--limit", "50"]),
                           ("issue client", None)):
            if args:
                took = [timed([pgseal, *args, *flags]) for _ in range(7)]
            else:
                took = [timed([pgseal, "issue", "client", f"new{i}", "--out", os.path.join(folder, f"new{i}"), "--yes", *flags])
                        for i in range(7)]
            line(f"  {what}, whole process, {int(most):,} certificates", ms(statistics.median(took)), "aim 50 ms")

    return {"issue": issue, "batch": batch, "store": store}
