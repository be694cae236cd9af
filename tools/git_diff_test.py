#!/usr/bin/env python3
"""`netpolc diff --git` over a repository made for it, against the same states on disk.

usage: git_diff_test.py NETPOLC

What --git says must be what `diff A B` says of two directories with the same files, but for where files lie. Links, files
that come and go, submodules, shallow clones, and what can't be read are each tried once.
"""
import json, os, pathlib, subprocess, sys, tempfile

NETPOLC = os.path.abspath(sys.argv[1])
DATA = pathlib.Path(__file__).resolve().parent.parent / "testdata/diff/shop"
BEFORE, AFTER, CLUSTER = ((DATA / name).read_text() for name in ("before/policies.yaml", "after/policies.yaml", "cluster.yaml"))
ENVIRONMENT = dict(os.environ, NO_COLOR="1", HOME="/nonexistent", GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.com",
                   GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.com", GIT_AUTHOR_DATE="2024-01-01T00:00:00Z", GIT_COMMITTER_DATE="2024-01-01T00:00:00Z")
failed = 0


def git(top, *words):
    return subprocess.run(["git", "-c", "protocol.file.allow=always", *words], cwd=top, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout.strip()


def commit(top, message):
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", message)
    return git(top, "rev-parse", "HEAD")


def netpolc(cwd, *words):
    return subprocess.run([NETPOLC, *words], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)


def check(what, done, code, *texts, absent=()):
    global failed
    said = done.stdout + done.stderr
    wrong = [t for t in texts if t not in said] + ["not " + t for t in absent if t in said]
    if done.returncode != code or wrong:
        failed += 1
        print("FAIL %s: exit %d (expected %d), missing %s\n%s" % (what, done.returncode, code, wrong, said))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    with tempfile.TemporaryDirectory(prefix="git-diff-") as home:
        home = pathlib.Path(home)
        top = home / "repository"
        top.mkdir()
        git(top, "init", "-q", "-b", "main")
        write(top / "policies/shop/all.yaml", BEFORE)
        write(top / "cluster.yaml", CLUSTER)
        write(top / "policies/shop/README.md", "not: [a manifest\n")
        base = commit(top, "before")
        git(top, "checkout", "-q", "-b", "change")
        write(top / "policies/shop/all.yaml", AFTER)
        head = commit(top, "after")
        # What the settings name is looked for in both commits; on disk there is but one state of it.
        write(top / ".netpolc.yaml", "files: [policies, cluster.yaml]\n")
        check("files of the settings", netpolc(top, "diff", "--git", "main...change", "--fail-on", "opened"), 1, "NEW INTERNET EXPOSURE")
        check("files of the settings, as a report", netpolc(top, "report", "--git", "main...change", "-o", "csv"), 0, ",opened,")
        (top / ".netpolc.yaml").unlink()
        git(top, "checkout", "-q", "main")
        write(top / "policies/shop/all.yaml", BEFORE.replace("8080", "8081"))
        commit(top, "main went on")
        write(home / "a/policies/shop/all.yaml", BEFORE)
        write(home / "b/policies/shop/all.yaml", AFTER)

        # The same as of directories. `...` starts where the branch left main, `..` at main as it is.
        common = ["-f", "cluster.yaml"]
        plain = netpolc(home, "diff", "a/policies", "b/policies", "-f", "repository/cluster.yaml")
        text = plain.stdout.replace("a/policies", "policies").replace("b/policies", "policies")
        squeezed = lambda out: [" ".join(line.split()) for line in out.splitlines()]
        for what in ("main...change", "%s..%s" % (base, head), "%s...change" % base[:12]):
            done = netpolc(top, "diff", "--git", what, "policies", *common)
            check(what, done, 1, "NEW INTERNET EXPOSURE")
            if squeezed(done.stdout) != squeezed(text):
                check(what + " says something else than of directories:\n" + text, done, -1)
        check("main..change", netpolc(top, "diff", "--git", "main..change", "policies", *common), 1, "8081")
        check("nothing changed", netpolc(top, "diff", "--git", "change..change", "policies", *common), 0, "No difference")
        git(top, "checkout", "-q", "change")
        check("HEAD left out", netpolc(top, "diff", "--git", "main...", "policies", *common), 1, "NEW INTERNET EXPOSURE")
        check("no paths: all that is here", netpolc(top / "policies", "diff", "--git", "main...", "-f", "../cluster.yaml"), 1, "NEW INTERNET EXPOSURE", "./shop/all.yaml:8")
        check("from elsewhere", netpolc(home, "diff", "--git", "main...change", "repository/policies", "-f", "repository/cluster.yaml"), 1, "repository/policies/shop/all.yaml:8")
        check("cluster from the commits", netpolc(top, "diff", "--git", "main...change", "policies", "cluster.yaml"), 1, "NEW INTERNET EXPOSURE")

        # The working tree.
        check("working tree, clean", netpolc(top, "diff", "--git", "HEAD", "policies", *common), 0, "No difference")
        write(top / "policies/shop/all.yaml", BEFORE)
        check("working tree, changed", netpolc(top, "diff", "--git", "HEAD", "policies", *common), 1, "closed")
        git(top, "checkout", "-q", "--", ".")

        # What came, what went, what was never there.
        (top / "policies/shop/all.yaml").rename(top / "policies/moved.yaml")
        commit(top, "moved")
        check("moved, nothing else", netpolc(top, "diff", "--git", "HEAD~..HEAD", "policies", *common), 0, "No difference")
        check("a path that came", netpolc(top, "diff", "--git", "HEAD~..HEAD", "policies/moved.yaml", *common), 1, "`policies/moved.yaml` is not in")
        check("a path that went", netpolc(top, "diff", "--git", "HEAD~..HEAD", "policies/shop/all.yaml", *common), 1, "is no more after the change")
        check("a path astray", netpolc(top, "diff", "--git", "main...", "polices", *common), 2, "`polices` is in neither of the two commits")
        check("outside", netpolc(top, "diff", "--git", "main...", "policies", "../a", *common), 2, "outside of the repository")
        check("no commit", netpolc(top, "diff", "--git", "man...", "policies", *common), 2, "`man` is no commit of this repository")
        check("no repository", netpolc(home, "diff", "--git", "main...", "a", *common), 2, "in no git repository")
        check("stdin", netpolc(top, "diff", "--git", "main...", "-", *common), 2, "stdin is in no commit")
        git(top, "checkout", "-q", "--orphan", "other")
        commit(top, "other")
        check("nothing in common", netpolc(top, "diff", "--git", "main...other", "policies", *common), 2, "have no commit in common")
        git(top, "checkout", "-q", "change")

        # Files that are no files.
        os.symlink("moved.yaml", top / "policies/again.yaml")
        commit(top, "a link")
        check("a link to a file", netpolc(top, "diff", "--git", "HEAD~..HEAD", "policies", *common), 0, "read 3 files", "replaces an earlier one")
        os.remove(top / "policies/again.yaml")
        for name, target, why in (("out", "../../x.yaml", "outside of the repository"), ("nowhere", "x.yaml", "something that is not in it"), ("round", "round.yaml", "too many links")):
            os.symlink(target, top / ("policies/%s.yaml" % name))
            commit(top, name)
            check("a link " + name, netpolc(top, "diff", "--git", "main...", "policies", *common), 2, "policies/%s.yaml" % name, why)
            os.remove(top / ("policies/%s.yaml" % name))
        write(top / "policies/large.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 1\n" % 0)
        commit(top, "lfs")
        check("a file in LFS", netpolc(top, "diff", "--git", "main...", "policies", *common), 2, "its text is in Git LFS")
        (top / "policies/large.yaml").unlink()
        commit(top, "no lfs")
        git(home, "init", "-q", "-b", "main", "module")
        write(home / "module/x.yaml", BEFORE)
        commit(home / "module", "module")
        git(top, "submodule", "add", "-q", str(home / "module"), "policies/module")
        commit(top, "submodule")
        check("a submodule", netpolc(top, "diff", "--git", "main...", "policies", *common), 2, "`policies/module` cannot be read", "submodule")
        check("beside a submodule", netpolc(top, "diff", "--git", "main...", "policies/moved.yaml", *common), 1, "default-deny")

        # A shallow clone says that it is one; a bare one, and one of somebody else, are read as well.
        git(home, "clone", "-q", "--depth", "1", "file://" + str(top), "shallow")
        check("a shallow clone", netpolc(home / "shallow", "diff", "--git", "HEAD~3...", "policies", *common), 2, "shallow clone", "fetch-depth: 0")
        git(home, "clone", "-q", "--bare", str(top), "bare")
        check("a bare one", netpolc(home / "bare", "diff", "--git", "main...change~1", "policies", "-f", "../repository/cluster.yaml"), 1, "NEW INTERNET EXPOSURE")
        if os.getuid() == 0:
            for path in [home / "bare", *(home / "bare").rglob("*")]:
                os.chown(path, 12345, 12345)
            check("of somebody else", netpolc(home / "bare", "diff", "--git", "main...change~1", "policies", "-f", "../repository/cluster.yaml"), 1, "NEW INTERNET EXPOSURE")

        # Places are those of the commit, not of what lies on disk.
        write(top / "policies/moved.yaml", "---\n" * 50)
        found = json.loads(netpolc(top, "diff", "--git", "main...HEAD~1", "policies", *common, "-o", "sarif").stdout)
        at = found["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        if at["artifactLocation"]["uri"] != "policies/moved.yaml" or at["region"]["startLine"] != 8:
            check("places of the commit: %s" % at, plain, -1)
    print("diff --git: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
