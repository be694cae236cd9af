#!/usr/bin/env python3
"""Runs the commands that README.md, docs/ and testdata/console/ show and compares what they print.

usage: docs_test.py BIN_DIRECTORY      NETPOLC_BLESS=1 rewrites what the documents show

In a ```console block, "$ netpolc …" is run in an empty directory with testdata/ in it (a line that ends
in a backslash goes on); the lines up to the next "$" are what it prints, stderr before stdout. Commands that
are not netpolc's need root or a build and are counted, not run. Times ("0.12 s"), digests, numbers of instructions and
solver steps, and the version of Z3 are not compared.
"""
import os, pathlib, re, subprocess, sys, tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
BLESS = os.environ.get("NETPOLC_BLESS") == "1"
BLOCK = re.compile(r"(```console\n)(.*?)(```)", re.S)


def steps(block):
    """[(command lines, output lines)]"""
    out = []
    for line in block.splitlines():
        if line.startswith("$ "):
            out.append(([line], []))
        elif out and not out[-1][1] and out[-1][0][-1].endswith("\\"):
            out[-1][0].append(line)
        elif out:
            out[-1][1].append(line)
    return out


def printed(command, home, environment):
    done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=home, env=environment, timeout=120)
    return (done.stderr + done.stdout).rstrip("\n").splitlines()


def same(shown, got):
    def plain(lines):
        return [re.sub(r"\d+\.\d+ s\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b|\d+ instructions|(?<=solverSteps\":)\d+|(?<=solverSteps\": )\d+|(?<=instructions\":)\d+|(?<=instructions\": )\d+|(?<=\"z3\": \")[0-9.]+", "N", line.rstrip()) for line in lines]
    return plain(shown) == plain(got)


def main():
    environment = dict(os.environ, PATH=os.path.abspath(sys.argv[1]) + ":" + os.environ["PATH"], NO_COLOR="1", LC_ALL="C.UTF-8")
    run = left = failed = 0
    with tempfile.TemporaryDirectory(prefix="docs-") as home:
        os.symlink(TOP / "testdata", os.path.join(home, "testdata"))
        for path in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")), *sorted((TOP / "testdata/console").glob("*.md"))]:
            text = path.read_text()

            def block(match):
                nonlocal run, left, failed
                lines = []
                for command, shown in steps(match[2]):
                    lines += command
                    source = "\n".join(line.removeprefix("$ ") for line in command)
                    if not source.startswith("netpolc "):
                        left += 1
                        lines += shown
                        continue
                    run += 1
                    got = printed(source, home, environment)
                    if not same(shown, got):
                        if not BLESS:
                            failed += 1
                            print("%s: `%s` prints\n%s\nand not\n%s\n" % (path.relative_to(TOP), source, "\n".join(got), "\n".join(shown)))
                        shown = got
                    lines += shown
                return match[1] + "\n".join(lines) + "\n" + match[3]

            new = BLOCK.sub(block, text)
            if BLESS and new != text:
                path.write_text(new)
    print("%d commands run, %d failed, %d are not netpolc's" % (run, failed, left))
    sys.exit(1 if failed or not run else 0)


if __name__ == "__main__":
    main()
