#!/usr/bin/env python3
"""Whether what `netpolc import` writes has the answers of what it read, and what `netpolc export` writes is what `replay` would see.

usage: import_test.py BIN [TESTDATA]

Of each input: `verify --all-ports` of everything, the codes of `lint`, `endpoint list` and `identity list` are the same before and
after, `diff` finds nothing, a second import writes the same bytes, and one file holds what a directory does. Of each input, too:
the flows of `export flows`, given to `replay`, are neither dropped nor opened, and `replay` takes all of them for verdicts.
With `--redact` the answers are the same under other names, the same key gives the same bytes and another key others, and no word of a
name, a label's value, a DNS name or an address is left. Of the dump in testdata/import: nothing called SECRET is in what is written.
"""
import gzip, json, pathlib, re, subprocess, sys, tempfile

BIN = sys.argv[1]
DATA = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent.parent / "testdata")
FAILED = []


def run(*words, stdin=None):
    return subprocess.run([BIN, *map(str, words)], capture_output=True, text=True, input=stdin)


def check(name, good, detail=""):
    if not good:
        FAILED.append(name)
        print("FAIL %s\n%s" % (name, detail[:2000]))


def inputs():
    out = {"dump": [DATA / "import/dump.json"], "dump.gz": [DATA / "import/dump.json.gz"], "outside": [DATA / "import/outside.yaml"], "traps": [DATA / "import/traps.yaml"], "written": [DATA / "import/dump.json", DATA / "import/written.yaml"],
           "sysdump": [DATA / "replay/cilium-sysdump-20260504.zip"], "shop": [DATA / "diff/shop/cluster.yaml", DATA / "replay/shop/policies.yaml"]}
    for case in sorted((DATA / "policies").iterdir()):
        files = sorted(case.glob("*.yaml"))
        if files and not (case / "flags").exists():
            out["policies/" + case.name] = files
    return out


def answers(paths):
    """What netpolc says of them, without places and without what it says while reading."""
    files = [word for path in paths for word in ("-f", path)]
    lint = run("lint", *files, "-o", "jsonl")
    found = [json.loads(line)["finding"] for line in lint.stdout.splitlines() if line.startswith('{"finding"')]
    codes = sorted((one["code"], re.sub(r"\S*:\d+", "", one["message"])) for one in found)
    lists = [run(kind, "list", *files, "-o", "json").stdout for kind in ("endpoint", "identity")]
    every = run("verify", *files, "--from", "any", "--to", "any", "--all-ports", "-o", "jsonl")
    return {"verify": (every.returncode, every.stdout), "lint": (lint.returncode, codes), "lists": lists}


def same_answers(name, paths, home):
    files = [word for path in paths for word in ("-f", path)]
    done = run("import", *files, "-o", home / "once")
    if done.returncode:
        return check(name, False, "import ended with %d: %s" % (done.returncode, done.stderr))
    before, after = answers(paths), answers([home / "once"])
    for question in before:
        check("%s: %s" % (name, question), before[question] == after[question], "before %s\nafter %s" % (before[question], after[question]))
    if len(paths) == 1:
        diff = run("diff", paths[0], home / "once")
        check(name + ": diff", diff.returncode in (0, 3) and "unchanged" in diff.stdout or diff.returncode == 0, diff.stdout + diff.stderr)
    run("import", home / "once", "-o", home / "twice")
    whole = run("import", *files).stdout
    check(name + ": one file", run("import", "-", stdin=whole).stdout == whole, "one file is not read as it was written")
    texts = [{p.name: p.read_text() for p in (home / folder).iterdir()} for folder in ("once", "twice")]
    check(name + ": again", texts[0] == texts[1], "a second import writes something else")
    return texts[0]


def round_trip(name, paths, home):
    files = [word for path in paths for word in ("-f", path)]
    done = run("export", "flows", *files, "--time", "2026-05-04T10:00:00Z")
    if done.returncode == 2:
        return check(name + ": export", "no pair of ends" in done.stderr, done.stderr)
    (home / "flows.jsonl").write_text(done.stdout)
    replayed = run("replay", home / "flows.jsonl", *files, "-o", "json")
    check(name + ": replay", replayed.returncode in (0, 3), replayed.stdout + replayed.stderr)
    if replayed.returncode not in (0, 3):
        return
    result = json.loads(replayed.stdout)
    (home / "flows.jsonl.gz").write_bytes(gzip.compress(done.stdout.encode()))
    check(name + ": compressed flows", run("replay", home / "flows.jsonl.gz", *files, "-o", "json").stdout == replayed.stdout)
    check(name + ": flips", not result["dropped"] and not result["opened"], replayed.stdout)
    left = {why: count for why, count in result["notJudged"].items() if why not in ("otherDrop",)}
    check(name + ": all are judged", not left, str(left))


KNOWN = {"kube", "system", "public", "node", "lease", "default", "kubernetes", "dns", "coredns", "cilium", "config", "hubble", "svc", "pod", "cluster", "local", "true", "false", "localhost"}


def under_other_names(line, names):
    def end(text):
        kind, colon, rest = text.partition(":")
        if colon:
            host = names.get(rest + ("/128" if ":" in rest else "/32"), "?").split("/")[0]
            return text if kind == "entity" else kind + ":" + names.get(rest, host)
        return "/".join(names.get(part + " (workload)", names.get(part, part)) for part in text.split("/"))
    pair = json.loads(line)
    return json.dumps({**pair, "from": end(pair["from"]), "to": end(pair["to"])})


def every_pair(path):
    return run("verify", "-f", path, "--from", "any", "--to", "any", "--all-ports", "-o", "jsonl").stdout.splitlines()


def redacted(name, home):
    done = [run("import", home / "once", "--redact", "--redact-key", key, "--redact-map", home / "names.json", "-o", home / (key + ".yaml")) for key in ("other", "key")]
    if any(one.returncode for one in done):
        return check(name + ": redact", False, done[0].stderr + done[1].stderr)
    names = json.loads((home / "names.json").read_text())
    before = sorted(under_other_names(line, names) for line in every_pair(home / "once"))
    after = sorted(json.dumps(json.loads(line)) for line in every_pair(home / "key.yaml"))
    # An end that stands for what is left of a prefix has no name of its own in the input.
    known = lambda lines: [line for line in lines if '"cidr:' not in line]
    check(name + ": redacted verdicts", known(before) == known(after) and len(before) == len(after), "before %s\nafter %s" % (before, after))
    texts = {key: (home / (key + ".yaml")).read_text() for key in ("key", "other")}
    check(name + ": another key", (texts["key"] != texts["other"]) == any(old != new for old, new in names.items()))
    check(name + ": same key", run("import", home / "once", "--redact", "--redact-key", "key").stdout == texts["key"])
    check(name + ": both names", name != "traps" or {"very-long-name-of-a-picker-of-ripe-pears (workload)", "http-web (port)", "http-web"} <= set(names), str(sorted(names)))
    words = {word for old, new in ((re.sub(r" \(.*\)$", "", old), new) for old, new in names.items()) if old != new for word in ([old] if re.fullmatch(r"[0-9a-f:./]*[.:][0-9a-f:./]*", old) else re.findall(r"\w+", old))} - KNOWN
    values = [re.sub(r"^\s*(- )*(\"[^\"]*\"|[\w./-]+):( |$)", "", line).strip("- ") for line in texts["key"].splitlines() if not re.match(r"\s*(- )*(kind|apiVersion|key|path|host|type|method|protocol|port|policyTypes|name: X-Desk|value: audit)\b", line)]
    left = {word for word in words if len(word) > 2 and not word.isdigit() for value in values if re.search(r"(?<![\w.:])%s(?![\w.:])" % re.escape(word), value.split("=")[-1])}
    check(name + ": words", not left, str(left))


def main():
    for name, paths in inputs().items():
        with tempfile.TemporaryDirectory() as home:
            texts = same_answers(name, paths, pathlib.Path(home))
            round_trip(name, paths, pathlib.Path(home))
            redacted(name, pathlib.Path(home))
            if name in ("dump", "dump.gz", "written") and texts is not None:
                check(name + ": secrets", not any("SECRET" in text for text in texts.values()), str(texts))
            if name == "written" and texts is not None:
                check("comments", "its author's, and stays" in texts["policies.yaml"] and "netpolc:ignore NP024" in texts["policies.yaml"], texts["policies.yaml"])
    print("%d inputs, %d failures" % (len(inputs()), len(FAILED)))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
