#!/usr/bin/env python3
"""Certificates in bundles: the same bytes whoever writes them, and none that is not of its program.

usage: certificates_test.py NETPOLC TESTDATA
"""
import hashlib, ipaddress, json, os, pathlib, re, shutil, subprocess, sys, tempfile

PARTS = {"constants", "np_policy_ingress", "np_policy_egress", "np_admit_in", "np_admit_out", "shared functions", "rows"}


def check(condition, text):
    if not condition:
        raise SystemExit("FAIL  " + text)


def run(*words, expect=0):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300)
    check(done.returncode == expect, "%s ended with %d, not %d:\n%s%s" % (" ".join(map(str, words)), done.returncode, expect, done.stdout, done.stderr))
    return done


def files_of(bundle):
    return {str(p.relative_to(bundle)): p.read_bytes() for p in sorted(bundle.rglob("*")) if p.is_file()}


def sealed(bundle, manifest):
    for path in manifest["files"]:
        manifest["files"][path] = hashlib.sha256((bundle / path).read_bytes()).hexdigest()
    manifest["digest"] = ""
    text = lambda: json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    manifest["digest"] = hashlib.sha256(text().encode()).hexdigest()
    (bundle / "bundle.json").write_text(text())


class Case:
    def __init__(self, netpolc, policies, home):
        self.netpolc, self.policies, self.home = netpolc, policies, home
        self.proved = home / "proved"
        run(netpolc, "compile", "--prove", "--jobs", 1, policies, "-o", self.proved)
        self.manifest = json.loads((self.proved / "bundle.json").read_text())

    def prove(self, bundle, *words, expect=0):
        return run(self.netpolc, "prove", bundle, "-f", self.policies, *words, expect=expect)

    def copy(self, change):
        bundle = self.home / "changed"
        shutil.rmtree(bundle, ignore_errors=True)
        shutil.copytree(self.proved, bundle)
        manifest = json.loads((bundle / "bundle.json").read_text())
        change(bundle, manifest)
        return bundle


def says_what_was_proved(case):
    for program in case.manifest["programs"]:
        path = program["certificate"]
        text = (case.proved / path).read_bytes()
        check(path == "proofs/%s.json" % program["digest"] and case.manifest["files"][path] == hashlib.sha256(text).hexdigest(), "named with its checksum")
        certificate = json.loads(text)
        check(certificate["bytecode"] == hashlib.sha256((case.proved / program["object"]).read_bytes()).hexdigest(), "the object's digest")
        check(certificate["subject"] == ("node" if "nodes" in program else "pod"), "whose program it is")
        rows = {}
        for direction in ("ingress", "egress"):
            lines = ["words %d" % program["words"][direction]] + [" ".join([str(r["identity"]), *r["words"]]) for r in sorted(program["peers"][direction], key=lambda r: r["identity"])]
            rows[direction] = hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()
        check(certificate["rows"] == rows, "the rows' digests")
        for proof in certificate["proofs"]:
            check(len(proof["table"]) == 64 and {p["part"] for p in proof["parts"]} >= PARTS, "the table, and all parts")
            check(all(p["answer"] == "proved" and p["solverSteps"] >= 0 for p in proof["parts"]), "each proved")
        check_grounds(certificate)


def check_grounds(certificate):
    check(certificate["by"]["netpolc"] and certificate["by"]["z3"] and certificate["by"]["stepsAtMost"], "by whom")
    documented = " ".join((pathlib.Path(__file__).resolve().parents[2] / "docs" / "proofs.md").read_text().split())
    for grounds in ("assumed", "trusted", "notCovered"):
        check(certificate[grounds], grounds)
        for text in certificate[grounds]:
            check("* " + text in documented, "docs/proofs.md does not say: " + text)


PROTOCOLS = {"TCP": 1, "UDP": 2, "SCTP": 3, "ICMP": 4, "ICMPv6": 5}


def says_what_may_be_dropped_outside(case):
    xdp = case.manifest["xdp"]
    check(xdp["certificate"] == "proofs/np_xdp.json", "the path of the certificate for external devices")
    text = (case.proved / xdp["certificate"]).read_bytes()
    check(case.manifest["files"][xdp["certificate"]] == hashlib.sha256(text).hexdigest(), "named with its checksum")
    certificate = json.loads(text)
    check(certificate["program"] == "np_xdp" and certificate["subject"] == "external device", "whose program it is")
    check(certificate["bytecode"] == hashlib.sha256((case.proved / xdp["object"]).read_bytes()).hexdigest(), "the object's digest")
    lines = ["services %d" % xdp["services"]] + sorted("behind " + ipaddress.ip_address(a).packed.hex() for a in xdp["behindServices"])
    for program in sorted(case.manifest["programs"], key=lambda p: p["digest"]):
        lines += ["program " + program["digest"]] if "outside" in program else []
        for group in program.get("outside", []):
            lines.append("identities " + " ".join(str(i) for first, last in group["identities"] for i in range(first, last + 1)))
            lines.append("egress " + ("denied" if group["egressDenied"] else "open"))
            lines += ["denied %d %d %d %s" % (PROTOCOLS[protocol], first, last, why) for protocol, first, last, why in group["denied"]]
    check(certificate["denied"] == hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest(), "the digest of what is denied")
    check([[p["part"] for p in proof["parts"]] for proof in certificate["proofs"]] == [["shared functions", "denied"]], "its parts")
    check_grounds(certificate)


def what_may_be_dropped_outside_is_what_policies_deny(case):
    def edited(change):
        def work(bundle, manifest):
            change(manifest)
            sealed(bundle, manifest)
        return work

    def certified(change):
        def work(bundle, manifest):
            path = bundle / manifest["xdp"]["certificate"]
            content = json.loads(path.read_text())
            change(content)
            path.write_text(json.dumps(content))
            sealed(bundle, manifest)
        return work

    def denies(manifest):
        return next(p for p in manifest["programs"] if "outside" in p)["outside"]

    def another_object(bundle, manifest):
        path = bundle / manifest["xdp"]["object"]
        path.write_bytes(path.read_bytes().replace(b"np_denied", b"np_dinied"))
        sealed(bundle, manifest)

    other = "denies other than its table"
    for change, code, said in (
            (edited(lambda m: denies(m)[0]["denied"][0].__setitem__(3, "rule" if denies(m)[0]["denied"][0][3] == "default" else "default")), 1, other),
            (edited(lambda m: denies(m)[0].update(egressDenied=not denies(m)[0]["egressDenied"])), 1, other),
            (edited(lambda m: denies(m)[0]["identities"].append([300, 300])), 1, other),
            (edited(lambda m: denies(m).pop()), 1, other),
            (edited(lambda m: m["xdp"].update(services=not m["xdp"]["services"])), 1, "other `services`"),
            (edited(lambda m: m["xdp"]["behindServices"].append("203.0.113.77")), 1, "other `behindServices`"),
            (another_object, 3, "programs/np_xdp.o is not the runtime's")):
        bundle = case.copy(change)
        before = files_of(bundle)
        done = case.prove(bundle, "--write", expect=code)
        check("np_xdp  external devices" in done.stdout and said in done.stdout and "no certificate was written" in done.stderr, "%s: %s" % (said, done.stdout))
        check(files_of(bundle) == before, "nothing is written")
    for change, said in ((certified(lambda c: c.update(denied="0" * 64)), "is of others that are denied from outside"),
                         (certified(lambda c: c.update(bytecode="0" * 64)), "is of another object"),
                         (certified(lambda c: c.update(subject="pod")), "is not of a program of an external device"),
                         (certified(lambda c: c["proofs"][0]["parts"].pop()), "does not speak of denied"),
                         (certified(lambda c: c["proofs"].pop()), "has no proof")):
        done = case.prove(case.copy(change), expect=1)
        check("  certificate proofs/np_xdp.json " + said in done.stdout, "%s: %s" % (said, done.stdout))


def same_bytes_whoever_writes_them(case):
    other = case.home / "other"
    shutil.rmtree(other, ignore_errors=True)
    run(case.netpolc, "compile", "--prove", "--jobs", 3, case.policies, "-o", other)
    check(files_of(other) == files_of(case.proved), "--jobs changes bytes")
    run(case.netpolc, "compile", case.policies, "-o", other)
    plain = files_of(other)
    check(not any(path.startswith("proofs/") for path in plain), "no certificate without --prove")
    case.prove(other)
    check(files_of(other) == plain, "prove alone writes nothing")
    case.prove(other, "--write")
    check(files_of(other) == files_of(case.proved), "prove --write differs from compile --prove")
    case.prove(other, "--write", "--jobs", 1)
    check(files_of(other) == files_of(case.proved), "writing again changes bytes")


def known_proofs_give_the_same_bytes(case):
    other, cache, count = case.home / "cached", case.home / "cache", len(case.manifest["programs"])
    for expected in ("", ", %d of them in a former run" % count):
        done = run(case.netpolc, "compile", "--prove", "--cache", cache, case.policies, "-o", other)
        check(re.search(r"proved %d programs in [0-9.]+ s%s\n" % (count, expected), done.stderr), done.stderr)
        check(files_of(other) == files_of(case.proved), "a cache changes bytes")
    done = run(case.netpolc, "compile", "--prove", "--cache", cache, "--steps", 1, case.policies, "-o", case.home / "none", expect=3)
    check("UNDECIDED" in done.stderr, "a proof with more steps is none with fewer")


def of_its_program_or_named(case):
    def certificate(bundle, manifest, n=0):
        return bundle / manifest["programs"][n]["certificate"]

    def edited(change):
        def work(bundle, manifest):
            path = certificate(bundle, manifest)
            content = json.loads(path.read_text())
            change(content)
            path.write_text(json.dumps(content))
            sealed(bundle, manifest)
        return work

    def another_object(bundle, manifest):
        path = bundle / manifest["programs"][0]["object"]
        path.write_bytes(path.read_bytes() + b"\0")  # an ELF file with something behind it
        sealed(bundle, manifest)

    def unsealed(bundle, manifest):
        certificate(bundle, manifest).write_text("{}")

    def gone(bundle, manifest):
        certificate(bundle, manifest).unlink()

    def swapped(bundle, manifest):
        one, other = manifest["programs"][0], manifest["programs"][1]
        one["certificate"], other["certificate"] = other["certificate"], one["certificate"]
        sealed(bundle, manifest)

    changes = [(another_object, "is of another object"), (unsealed, "was changed since it was written"), (gone, "can't be read"),
               (edited(lambda c: c["proofs"][0]["parts"][2].update(answer="undecided")), "says that np_policy_egress is not proved"),
               (edited(lambda c: c["proofs"][0]["parts"].pop(0)), "does not speak of constants"),
               (edited(lambda c: c["proofs"][0].update(table="0" * 64)), "is of other decision tables"),
               (edited(lambda c: c["rows"].update(egress="0" * 64)), "is of other rows of peers"),
               (edited(lambda c: c.pop("rows")), "is not as netpolc writes it"),
               (edited(lambda c: c["selectors"].update(ingress="0" * 64)), "is of other selectors of peers"),
               (edited(lambda c: c.update(subject="host")), "is not of a program of a")]
    if len(case.manifest["programs"]) > 1:
        changes.append((swapped, "is of another program"))
    for change, said in changes:
        bundle = case.copy(change)
        done = case.prove(bundle, expect=1)
        check("  certificate proofs/" in done.stdout and said in done.stdout, "%s: %s" % (said, done.stdout))
        if change is unsealed:
            listed = json.loads(case.prove(bundle, "-o", "json", expect=1).stdout)
            check(any(not p["certificate"]["belongs"] and said in p["certificate"]["why"] for p in listed), said + " in JSON")
        if change in (unsealed, gone):
            failed = case.prove(bundle, "--write", expect=2)
            check("proofs/" in failed.stderr, failed.stderr)
        elif change is swapped:
            case.prove(bundle, "--write")
            check(files_of(bundle) == files_of(case.proved), "written anew after: " + said)


def nothing_without_proof(case):
    bundle = case.copy(lambda *_: None)
    before = files_of(bundle)
    done = run(case.netpolc, "compile", "--prove", "--steps", 1, case.policies, "-o", bundle, expect=3)
    check("UNDECIDED np_" in done.stderr and "no bundle was written" in done.stderr and not done.stdout, done.stderr)
    check(files_of(bundle) == before, "the former bundle stays")
    run(case.netpolc, "compile", "--prove", "--steps", 1, case.policies, "-o", case.home / "none", expect=3)
    check(not (case.home / "none").exists(), "there is no bundle")
    done = case.prove(bundle, "--write", "--steps", 1, expect=3)
    check("no certificate was written" in done.stderr and files_of(bundle) == before, done.stderr)

    def other_rows(directory, manifest):
        rows = next(p["peers"][d] for p in manifest["programs"] for d in ("ingress", "egress") if p["peers"][d])
        rows[0]["words"][0] = "0x%016x" % (int(rows[0]["words"][0], 16) ^ 2)
        sealed(directory, manifest)
    bundle = case.copy(other_rows)
    before = files_of(bundle)
    done = case.prove(bundle, "--write", expect=1)
    check("rows " in done.stdout and "has other bits than the table says" in done.stdout and "no certificate was written" in done.stderr, done.stdout)
    check(files_of(bundle) == before, "nothing is written")


def comments_change_nothing(case):
    """But for where rules are written, which bundle.json says."""
    policies = case.home / "commented"
    policies.mkdir()
    for path in case.policies.iterdir():
        (policies / path.name).write_text("# a comment\n" + path.read_text())
    other = case.home / "commented-bundle"
    run(case.netpolc, "compile", "--prove", policies, "-o", other)
    same = {path: text for path, text in files_of(other).items() if path.startswith("proofs/")}
    check(same == {path: text for path, text in files_of(case.proved).items() if path.startswith("proofs/")}, "a comment changes certificates")


def manifests_of_another_cluster_are_none(case):
    with_more = case.home / "more"
    with_more.mkdir()
    for path in case.policies.iterdir():
        shutil.copy(path, with_more)
    (with_more / "zz.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: newcomer, namespace: elsewhere}\nspec: {containers: [{name: c, image: c}]}\n")
    other = case.home / "more-bundle"
    run(case.netpolc, "compile", with_more, "-o", other)
    check("elsewhere/newcomer" in case.prove(other, expect=2).stderr, "an endpoint that the manifests lack")
    done = run(case.netpolc, "prove", case.proved, "-f", with_more, expect=2)
    check("no program for elsewhere/newcomer" in done.stderr, done.stderr)


def main():
    netpolc, testdata = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    tests = [says_what_was_proved, says_what_may_be_dropped_outside, same_bytes_whoever_writes_them, known_proofs_give_the_same_bytes, what_may_be_dropped_outside_is_what_policies_deny, of_its_program_or_named, nothing_without_proof, comments_change_nothing, manifests_of_another_cluster_are_none]
    with tempfile.TemporaryDirectory(prefix="certificates-") as home:
        for name in ("article", "host-firewall"):
            place = pathlib.Path(home) / name
            place.mkdir()
            case = Case(netpolc, testdata / "policies" / name, place)
            for test in tests if name == "article" else tests[:4]:
                test(case)
    print("%d tests of certificates, four of them with a node's program" % len(tests))


if __name__ == "__main__":
    main()
