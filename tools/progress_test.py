#!/usr/bin/env python3
"""The line that says what a long command is at: on a terminal, after half a second, and gone in the end.

usage: progress_test.py NETPOLC
"""
import concurrent.futures, os, pathlib, re, subprocess, sys, tempfile, time

from terminal import on_terminal

NETPOLC = os.path.abspath(sys.argv[1])
ARTICLE = pathlib.Path(__file__).resolve().parent.parent / "testdata/policies/article"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("NETPOLC_") and k != "CI"} | {"TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
LINE = re.compile(r"\r(reading|compiling programs|proving programs|running tests|asking)[^\r\n]*\x1b\[K")
ASK = ["--from", "production/frontend", "--to", "production/backend", "--port", "8080/TCP"]
failed = 0


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print("FAIL %s\n%r" % (what, said))


def slowly(seconds, *words, stdout=False, **environment):
    """What comes through stdin takes its time, so that the machine's speed is no matter."""
    text = "---\n".join((ARTICLE / name).read_text() for name in ("policies.yaml", "cluster.yaml"))
    with on_terminal([NETPOLC, *words, "-f", "-"], stdout=stdout, stdin=subprocess.PIPE, env=CLEAN | environment) as run:
        time.sleep(seconds)
        run.process.stdin.write(text.encode())
        run.process.stdin.close()
        run.screen_left = run.screen()
        return run


def shown():
    run = slowly(1.2, "verify", *ASK)
    said = run.bytes.decode()
    check("it is shown", LINE.search(said), said)
    check("and says for how long", "reading   1 s" in said, said)
    check("and is gone", run.process.returncode == 0 and [line for line in run.screen_left if line] == ["read 1 files · 3 policies · 5 endpoints · 0 services · Cilium 1.18"], run.screen_left)
    run = slowly(0.7, "verify", *ASK, stdout=True)
    check("before the answer", run.screen_left[1].startswith("ALLOWED  production/frontend") and not any("reading" in line for line in run.screen_left), run.screen_left)
    run = slowly(0.7, "verify", "--from", "nobody/none", "--to", "any", "--port", "1/TCP")
    check("before a complaint", run.process.returncode == 2 and not any("reading" in line for line in run.screen_left), run.screen_left)


def no_line(run):
    return b"\r" not in run.bytes.replace(b"\r\n", b"") and b"\x1b[K" not in run.bytes


def not_shown():
    cases = (("on request", ["--progress=never"], {}), ("by settings", [], {"NETPOLC_PROGRESS": "never"}), ("on a dumb terminal", [], {"TERM": "dumb"}),
             ("without one that is known", [], {"TERM": ""}), ("in CI", [], {"CI": "true"}), ("where only errors are wanted", ["-q"], {}))
    with concurrent.futures.ThreadPoolExecutor() as pool:  # they do little but wait
        runs = list(pool.map(lambda case: slowly(0.7, "verify", *ASK, *case[1], **case[2]), cases))
    for (what, *_), run in zip(cases, runs):
        check("not " + what, no_line(run), run.bytes)
    began = time.monotonic()
    run = slowly(0, "verify", *ASK)
    check("not early", no_line(run) or time.monotonic() - began > 0.5, run.bytes)
    with open(ARTICLE / "policies.yaml", "rb") as policies:
        source = subprocess.Popen(["sh", "-c", "sleep 0.7; cat"], stdin=policies, stdout=subprocess.PIPE)
        done = subprocess.run([NETPOLC, "lint", "-f", "-"], stdin=source.stdout, env=CLEAN, capture_output=True)
        source.stdout.close()
        source.wait()
    check("not in a pipe", b"\r" not in done.stderr and b"\x1b" not in done.stderr, done.stderr)


def counts():
    """Programs that are compiled and proved are counted."""
    policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p%d, namespace: a}\nspec: {endpointSelector: {matchLabels: {n: x%d}}, ingress: [{toPorts: [{ports: [{port: \"%d\", protocol: TCP}]}]}]}\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x%d, namespace: a, labels: {n: x%d}}\n"
    text = "---\n".join([policy % (i, i, 1000 + i) + "---\n" + pod % (i, i) for i in range(40)])
    with tempfile.TemporaryDirectory(prefix="progress-") as home:
        (pathlib.Path(home) / "in.yaml").write_text(text)
        with on_terminal([NETPOLC, "compile", "-f", "in.yaml", "-f", "-", "-o", "bundle"], stdin=subprocess.PIPE, cwd=home, env=CLEAN) as run:
            time.sleep(0.6)
            run.process.stdin.close()
            left = run.screen()
    said = run.bytes.decode()
    check("programs are counted", run.process.returncode == 0 and re.search(r"\rcompiling programs   \d+ of 40", said), said)
    check("and the line is gone", [line.split(" ")[0] for line in left if line] == ["read", "compiled"], left)


def main():
    shown()
    not_shown()
    counts()
    print("progress: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
