"""What --require-proof lets into the kernel: tests of kernel_test.py."""
import hashlib
import json
import os

from kernel_world import PINS, check, run


def sealed(bundle, manifest):
    """Writes bundle.json with right checksums and a right digest: damage would be noticed without any proof."""
    for path in manifest["files"]:
        manifest["files"][path] = hashlib.sha256((bundle / path).read_bytes()).hexdigest()
    manifest["digest"] = ""
    manifest["digest"] = hashlib.sha256((json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def tampered(world, bundle, name, change):
    """A copy of the bundle on which change(directory, manifest, the server's program) was tried."""
    copy = world.home / name
    run("rm", "-rf", str(copy))
    run("cp", "-r", str(bundle), str(copy))
    manifest = json.loads((copy / "bundle.json").read_text())
    change(copy, manifest, next(p for p in manifest["programs"] if p["endpoints"] == ["t/server"]))
    sealed(copy, manifest)
    return copy


def another_object(copy, manifest, program):
    """Another tag: it is loaded and decides alike, but nobody proved it."""
    content, tag = (copy / program["object"]).read_bytes(), int(program["tag"], 16).to_bytes(8, "little")
    check(content.count(tag) == 1, "the tag is once in the object")
    (copy / program["object"]).write_bytes(content.replace(tag, bytes([tag[0] ^ 1]) + tag[1:]))


def other_rows(copy, manifest, program):
    """The stranger gets the bits of the client."""
    number = {label: i["id"] for i in manifest["identities"] for label in i["labels"] if label.startswith("k8s:app=")}
    rows = {row["identity"]: row for row in program["peers"]["ingress"]}
    rows[number["k8s:app=stranger"]]["words"] = rows[number["k8s:app=client"]]["words"]


def undecided_part(copy, manifest, program):
    path = copy / program["certificate"]
    certificate = json.loads(path.read_text())
    certificate["proofs"][0]["parts"][-1]["answer"] = "undecided"
    path.write_text(json.dumps(certificate))


def no_certificate(copy, manifest, program):
    path = program.pop("certificate")
    del manifest["files"][path]
    (copy / path).unlink()


def anothers_certificate(copy, manifest, program):
    program["certificate"] = next(p["certificate"] for p in manifest["programs"] if p is not program)


def test_only_what_was_proved_is_loaded(world, mode):
    failed = world.load(world.a, "--require-proof", *mode, expect=2)
    check("has no certificate" in failed.stderr and "netpolc compile --prove" in failed.stderr, failed.stderr)
    check(not os.path.exists(PINS) and not (world.home / "state").exists(), "nothing is made on the node before")
    proved = world.home / "bundle-proved"
    if not proved.exists():
        run(world.netpolc, "compile", "--prove", "-f", str(world.home / "policies-a"), "-o", str(proved))
    world.load(proved, "--require-proof", *mode)
    world.enforced()
    before = world.programs()
    for change, said in ((another_object, "`bytecode`: is of another object than programs/"), (other_rows, "`rows.ingress`: is of another set of peers"),
                         (undecided_part, "says that rows is undecided"), (no_certificate, "of t/server has no certificate"), (anothers_certificate, "`program`: is of another program")):
        bundle = tampered(world, proved, "tampered", change)
        failed = world.load(bundle, "--require-proof", *mode, expect=2)
        check(said in failed.stderr and "netpolc compile --prove" in failed.stderr and str(bundle) in failed.stderr, "%s: %s" % (change.__name__, failed.stderr))
        check(world.programs() == before, "the former programs are in place")
    world.enforced()
    # it is the certificate that made the difference: who asks for none gets what the bundle says
    world.load(tampered(world, proved, "tampered", another_object), *mode)
    world.load(tampered(world, proved, "tampered", other_rows), *mode)
    check(world.reaches("stranger", 8080), "the stranger is taken for a client")
