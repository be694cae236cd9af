#!/usr/bin/env python3
"""`netpolc verify same` against itself: what says the same in other words is proved to be the same, and every change of
a token is refuted by a witness, about which `netpolc verify` then says the same for either set, with a pod that is as the
witness says.

usage: same_test.py BIN [DIRECTORY]    DIRECTORY: testdata/same

Each directory below has policies.yaml; `changes`, a line each: what is changed, and `old >> new` once or more (`\\n` is the
end of a line); same-*.yaml, which mean what policies.yaml means; and, if need be, cluster.yaml for all and `flags`.
Reordered, repeated and renamed documents of policies.yaml are made here.
"""
import concurrent.futures, json, os, pathlib, re, subprocess, sys, tempfile

POD = re.compile(r"^(?P<ns>[^/\[]+)/\[(?P<labels>[^\]]*)\](?: \((?P<more>.*)\))?$")


class Topic:
    def __init__(self, binary, path, home):
        self.binary, self.path, self.home = binary, path, home
        self.base = (path / "policies.yaml").read_text()
        self.flags = (path / "flags").read_text().split() if (path / "flags").exists() else []
        self.cluster = ["-f", "cluster.yaml"] if (path / "cluster.yaml").exists() else []

    def netpolc(self, *arguments):
        done = subprocess.run([self.binary, "verify", *arguments, *self.flags, "-o", "json"], cwd=self.path, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def written(self, name, text):
        path = self.home / (self.path.name + "-" + re.sub(r"\W+", "-", name) + ".yaml")
        path.write_text(text)
        return str(path)

    def changes(self):
        for line in (self.path / "changes").read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            what, *edits = [part.replace("\\n", "\n") for part in line.split(" | ")]
            text = self.base
            for edit in edits:
                old, new = re.fullmatch(r"(.*) >>(?: (.*))?", edit, re.S).groups()
                if text.count(old) != 1:
                    sys.exit(f"{self.path}/changes: {what}: {old!r} is there {text.count(old)} times")
                text = text.replace(old, new or "")
            yield what, text

    def same(self):
        for path in sorted(self.path.glob("same-*.yaml")):
            yield path.stem, path.read_text()
        documents = self.base.split("---\n")
        twins = [re.sub(r"(metadata:\s*\{?\s*name: )", r"\1twin-of-", d) for d in documents if "kind: CiliumCIDRGroup" not in d]
        yield "the other way round", "---\n".join(d if d.endswith("\n") else d + "\n" for d in reversed(documents))
        # Of a ClusterNetworkPolicy a second one of the same priority says nothing more, either.
        yield "everything twice", "---\n".join(documents + twins)
        yield "other names", re.sub(r"(kind: (?!CiliumCIDRGroup)\w+\nmetadata:\s*\{?\s*name: )", r"\1x-", self.base)
        yield "comments and blank lines", "# a comment\n\n" + self.base.replace("\nspec:", "   # why\n\nspec:")

    # ---- one comparison

    def compare(self, name, text):
        return self.netpolc("same", *self.cluster, "--before", "policies.yaml", "--after", self.written(name, text))

    def must_be_same(self, name, text):
        status, out, err = self.compare(name, text)
        return None if status == 0 else f"{self.path.name}, {name}: not proved the same (exit {status})\n{out}{err}"

    # (complaint, whether the witness was asked about again)
    def must_differ(self, name, text):
        status, out, err = self.compare(name, text)
        if status != 1:
            return f"{self.path.name}, {name}: no difference was found (exit {status})\n{out}{err}", False
        answer = json.loads(out)
        # Other pods, names or a request that the witness needs: the command has put these before the interpreter.
        if answer["witness"].get("given") or "request" in answer["witness"]:
            return None, False
        asked = self.question(answer["witness"])
        if asked is None:
            return None, False
        ends, manifests = asked
        for which, policies in ("before", "policies.yaml"), ("after", self.written(name, text)):
            extra = ["-f", self.written(name + " witness", manifests)] if manifests else []
            status, again, err = self.netpolc(*ends, *self.cluster, "-f", policies, *extra)
            if status not in (0, 1) or json.loads(again.splitlines()[0])["verdict"] != answer[which]["verdict"]:
                return f"{self.path.name}, {name}: of {which}, the witness says {answer[which]['verdict']}, and verify says\n{again}{err}\n{out}", True
        return None, True

    # ---- a witness as an ordinary question

    def question(self, witness):
        manifests, ends = [], []
        for n, (option, end) in enumerate((("--from", witness["from"]), ("--to", witness["to"]))):
            pod = POD.match(end)
            if pod:
                manifests += manifests_of(pod, f"witness-{n}")
                end = f"{pod['ns']}/witness-{n}"
            ends += [option, end]
        if "icmpType" in witness:
            ends += ["--icmp" if witness["protocol"] == "ICMP" else "--icmpv6", str(witness["icmpType"])]
        elif witness["protocol"] in ("TCP", "UDP", "SCTP"):
            ends += ["--port", f"{witness['port']}/{witness['protocol']}"]
        else:
            return None
        return ends, "".join("---\n" + json.dumps(m) + "\n" for m in manifests)


def manifests_of(pod, name):
    labels = dict(l.split("=", 1) for l in pod["labels"].split(",") if l)
    out = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": pod["ns"], "labels": labels},
           "spec": {"containers": [{"name": "c", "image": "example/c", "ports": []}]}}
    namespace = {}
    for part in (pod["more"] or "").split(", "):
        if part.startswith("service account "):
            out["spec"]["serviceAccountName"] = part.removeprefix("service account ")
        elif part.startswith("its label "):
            key, value = part.removeprefix("its label ").split("=", 1)
            namespace[key] = value
        elif part.startswith("port "):
            port, number, protocol = re.fullmatch(r"port (.*)=(\d+)/(\w+)", part).groups()
            out["spec"]["containers"][0]["ports"].append({"name": port, "containerPort": int(number), "protocol": protocol})
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": pod["ns"], "labels": namespace}}] if namespace else []
    return made + [out]


def main():
    binary = os.path.abspath(sys.argv[1])
    directory = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent.parent / "testdata/same").resolve()
    same, changed, asked, wrong = 0, 0, 0, []
    with tempfile.TemporaryDirectory(prefix="same-") as home, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        topics = [Topic(binary, path, pathlib.Path(home)) for path in sorted(directory.iterdir()) if path.is_dir()]
        kept = [pool.submit(topic.must_be_same, *one) for topic in topics for one in topic.same()]
        differing = [pool.submit(topic.must_differ, *one) for topic in topics for one in topic.changes()]
        for future in kept:
            same += 1
            if (complaint := future.result()) is not None:
                wrong.append(complaint)
        for future in differing:
            changed += 1
            complaint, again = future.result()
            asked += again
            if complaint is not None:
                wrong.append(complaint)
    for complaint in wrong:
        print("FAIL", complaint)
    print(f"{same} ways to say the same, {changed} changes, {asked} of whose witnesses were asked about again; {len(wrong)} wrong")
    # Three in four can be asked about again, or this test has become blind.
    return 1 if wrong or asked * 4 < changed * 3 else 0


if __name__ == "__main__":
    sys.exit(main())
