#!/usr/bin/env python3
"""Keys and signatures of `netpolc sign`, against minisign itself: each takes what the other made.

usage: signature_test.py BIN_DIRECTORY [--long]     --long: keys of minisign's with a password, too; each costs seconds and a GiB
"""
import os
import pathlib
import pty
import re
import select
import stat
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
LONG = "--long" in sys.argv[2:]
PASSWORD = "correct horse, battery"
failed = checked = 0


def run(*command, typed="", **environment):
    env = dict(os.environ, **environment)
    return subprocess.run([str(word) for word in command], input=typed, capture_output=True, text=True, env=env, timeout=300, start_new_session=True)


def check(what, done, code=0, says=""):
    global failed, checked
    checked += 1
    if done.returncode != code or says not in done.stdout + done.stderr:
        failed += 1
        print("FAIL %s: exit %d, not %d%s\n%s%s" % (what, done.returncode, code, ", with " + says if says else "", done.stdout, done.stderr))


def expect(what, holds):
    check(what, subprocess.CompletedProcess([], 0 if holds else 1, "", ""))


def sign(bundle, key, *more, **environment):
    return run(BIN / "netpolc", "sign", bundle, "--key", key, *more, **environment)


def loader(bundle, key):
    return run(BIN / "netpol-loader", "check", bundle, "--trusted-keys", key, "--require-signature")


def minisign_verify(bundle, key):
    return run("minisign", "-V", "-p", key, "-m", bundle / "bundle.json", "-x", bundle / "bundle.json.minisig")


def test_keys(home, bundle):
    ours, theirs = home / "ours", home / "theirs"
    check("keys are made", run(BIN / "netpolc", "sign", "--generate", ours, "--no-password"), says="keep " + str(ours) + ".key to yourself")
    expect("the secret key is its owner's alone", stat.S_IMODE(os.stat(str(ours) + ".key").st_mode) == 0o600)
    check("keys are not replaced", run(BIN / "netpolc", "sign", "--generate", ours, "--no-password"), 2, "is there already; keys are never replaced")
    check("minisign makes keys", run("minisign", "-G", "-W", "-p", str(theirs) + ".pub", "-s", str(theirs) + ".key"))
    for name in (ours, theirs):
        key, public = str(name) + ".key", str(name) + ".pub"
        check("we sign with the key of " + name.name, sign(bundle, key, "--comment", "release 7 é"))
        check("minisign takes it", minisign_verify(bundle, public), says="release 7 é")
        check("the loader takes it", loader(bundle, public), says="release 7 é")
        for legacy in ([], ["-l"]):
            check("minisign signs with the key of %s %s" % (name.name, legacy), run("minisign", "-S", *legacy, "-s", key, "-m", bundle / "bundle.json", "-x", bundle / "bundle.json.minisig", "-t", "by hand"))
            check("the loader takes it", loader(bundle, public), says="by hand")
    check("by the other key", loader(bundle, str(ours) + ".pub"), 2, "which is not one of the 1 trusted keys")
    return ours


def test_signatures(bundle, key):
    first = sign(bundle, str(key) + ".key")
    check("signing without a comment", first)
    signature = bundle / "bundle.json.minisig"
    text = signature.read_bytes()
    expect("its comment is the bundle's digest", re.search(rb"\ntrusted comment: netpolc bundle [0-9a-f]{64}\n", text))
    check("once more", sign(bundle, str(key) + ".key"))
    expect("the same gives the same bytes", signature.read_bytes() == text)
    expect("nothing else is left", sorted(path.name for path in bundle.iterdir()) == ["bundle.json", "bundle.json.minisig", "programs"])
    check("two lines", sign(bundle, str(key) + ".key", "--comment", "a\nb"), 2, "--comment: a comment is one line of text")
    check("no key", sign(bundle, str(key) + ".pub"), 2, "is no secret key of minisign")
    check("no file", sign(bundle, str(key) + ".none"), 2, "No such file or directory")
    check("nothing to sign", run(BIN / "netpolc", "sign"), 2, "sign needs a bundle and --key")
    some = next((bundle / "programs").glob("*.c"))
    kept = some.read_bytes()
    some.write_bytes(kept + b"\n")
    check("a damaged bundle is not signed", sign(bundle, str(key) + ".key"), 2, some.name)
    expect("... and the former signature stays", signature.read_bytes() == text)
    some.write_bytes(kept)


def test_password(home, bundle):
    key, public = str(home / "locked") + ".key", str(home / "locked") + ".pub"
    check("keys with a password are made", run(BIN / "netpolc", "sign", "--generate", home / "locked", NETPOLC_SIGN_PASSWORD=PASSWORD))
    check("minisign signs with it", run("minisign", "-S", "-s", key, "-m", bundle / "bundle.json", "-x", bundle / "bundle.json.minisig", typed=PASSWORD + "\n"))
    check("the loader takes it", loader(bundle, public))
    check("nobody is asked where nobody is", sign(bundle, key), 2, "no terminal to ask for it")
    if not LONG:
        return
    (home / "password").write_text(PASSWORD + "\n")
    check("we sign with it", sign(bundle, key, "--password-file", home / "password"))
    check("minisign takes it", minisign_verify(bundle, public))
    check("another password", sign(bundle, key, NETPOLC_SIGN_PASSWORD="x"), 2, "is not opened by this password")
    key, public = home / "theirs-locked.key", home / "theirs-locked.pub"
    check("minisign makes a key with a password", run("minisign", "-G", "-p", public, "-s", key, typed=(PASSWORD + "\n") * 2))
    check("we sign with it", sign(bundle, key, NETPOLC_SIGN_PASSWORD=PASSWORD))
    check("minisign takes it", minisign_verify(bundle, public))


def typed_at_terminal(words, lines):
    """(exit code, what the terminal showed)"""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(words[0], words)
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        try:
            got = os.read(terminal, 4096) if ready else b""
        except OSError:  # its other end is closed
            got = b""
        if not got:
            break
        shown += got
        if lines and shown.endswith(b": "):
            os.write(terminal, lines.pop(0))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_terminal(home):
    os.environ.pop("NETPOLC_SIGN_PASSWORD", None)
    words = [str(BIN / "netpolc"), "sign", "--generate", str(home / "typed")]
    code, shown = typed_at_terminal(words, [b"one secret\n", b"another secret\n"])
    expect("two passwords that differ: %d %s" % (code, shown), code == 2 and "the two passwords differ" in shown and "secret" not in shown)
    code, shown = typed_at_terminal(words, [b"wrong\x15\n", b"\n"])
    expect("an empty password: %d %s" % (code, shown), code == 2 and "the password is empty" in shown)
    code, shown = typed_at_terminal(words, [b"one\x03"])
    expect("an interrupted one: %d %s" % (code, shown), code == 2 and "no password was given" in shown)
    expect("no key was made", not list(home.glob("typed*")))


def main():
    with tempfile.TemporaryDirectory(prefix="signatures-") as name:
        home = pathlib.Path(name)
        bundle = home / "bundle"
        check("compile", run(BIN / "netpolc", "compile", "-f", TOP / "testdata/policies/article", "-o", bundle))
        key = test_keys(home, bundle)
        test_signatures(bundle, key)
        test_terminal(home)
        test_password(home, bundle)
    print("%d checks of keys and signatures, %d failed" % (checked, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
