#!/usr/bin/env python3
"""The GitHub Action, GitLab's template and the hooks of pre-commit, run as those would run them, in a repository made for it.

usage: ci_templates_test.py NETPOLC

Steps of the Action are run with their inputs' defaults and what an event gives; `gh` is one that writes down what it is asked.
"""
import json, os, pathlib, re, subprocess, sys, tempfile

import yaml

NETPOLC = pathlib.Path(sys.argv[1]).resolve()
TOP = pathlib.Path(__file__).resolve().parent.parent
SHOP = TOP / "testdata/diff/shop"
ASSERTIONS = """apiVersion: netpolc.dev/v1
kind: ReachabilityTest
metadata: {name: shop}
tests:
- {name: cart reaches redis, from: shop/cart, to: shop/redis, port: 6379, expect: %s}
"""
failed = 0

GH = """#!/bin/sh
echo "$*" >> "$GH_LOG"
case "$*" in *--jq*) cat "$GH_KNOWN" ;; esac
for word; do case "$word" in body=@*) cp "${word#body=@}" "$GH_BODY" ;; esac; done
"""


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print("FAIL %s\n%s" % (what, said))


def git(top, *words):
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words], cwd=top, check=True, capture_output=True, text=True).stdout.strip()


def repository(home):
    top = home / "repository"
    (top / "policies").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    (top / "cluster.yaml").write_text((SHOP / "cluster.yaml").read_text())
    (top / "policies/shop.yaml").write_text((SHOP / "before/policies.yaml").read_text())
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "before")
    git(top, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(top, "checkout", "-q", "-b", "change")
    (top / "policies/shop.yaml").write_text((SHOP / "after/policies.yaml").read_text())
    git(top, "commit", "-qam", "after")
    return top


def environment(home, **more):
    path = home / "bin"
    path.mkdir(exist_ok=True)
    if not (path / "netpolc").exists():
        (path / "netpolc").symlink_to(NETPOLC)
        (path / "gh").write_text(GH)
        (path / "gh").chmod(0o755)
    return {k: v for k, v in os.environ.items() if not k.startswith("NETPOLC_")} | {"PATH": "%s:%s" % (path, os.environ["PATH"]), "HOME": str(home), "NO_COLOR": "1"} | more


def value(text, inputs, event):
    """An expression of the Action: an input, or one of those that the event gives."""
    for pattern, known in ((r"^\$\{\{ inputs\.([\w-]+) \}\}$", inputs), (r"^\$\{\{ (.*) \}\}$", event)):
        found = re.match(pattern, text)
        if found and found[1] in known:
            return known[found[1]]
    raise KeyError(text)


def action(home, top):
    described = yaml.safe_load((TOP / "action.yml").read_text())
    lint, test, diff = described["runs"]["steps"]
    event = {"inputs.base != '' && inputs.base || format('origin/{0}', github.base_ref)": "origin/main", "github.token": "t", "github.repository": "o/r", "github.event.pull_request.number": "7"}

    def run(step, **given):
        inputs = {name: str(one["default"]) for name, one in described["inputs"].items()} | (given.pop("paths", None) or {"policies": "policies\n", "cluster": "cluster.yaml"}) | {k.replace("_", "-"): v for k, v in given.items()}
        more = {name: value(text, inputs, event) for name, text in step["env"].items()}
        files = {name: str(home / name.lower()) for name in ("GH_LOG", "GH_KNOWN", "GH_BODY", "GITHUB_STEP_SUMMARY")}
        for name in files.values():
            if not name.endswith("gh_known"):
                pathlib.Path(name).write_text("")
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=top, env=environment(home, **more, **files), capture_output=True, text=True, timeout=60)

    read = lambda name: (home / name).read_text()
    (home / "gh_known").write_text("")
    done = run(lint, lint_fail_on="never", sarif="lint.sarif")
    check("lint", done.returncode == 0 and '"version": "2.1.0"' in (top / "lint.sarif").read_text(), done.stderr)
    (top / "bad.yaml").write_text("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {}\n")
    check("lint of what is wrong", run(lint, policies="policies\nbad.yaml").returncode == 2)
    (top / "bad.yaml").unlink()
    (top / "lint.sarif").unlink()

    settings(top, lambda step, **given: run(step, paths={"cluster": ""}, **given), lint, test, diff)

    done = run(test)
    check("no assertions, no test", done.returncode == 0 and not done.stdout, done.stdout + done.stderr)
    (top / "policies/netpolc-test.yaml").write_text(ASSERTIONS % "allow")
    done = run(test)
    check("assertions", done.returncode == 0 and "cart reaches redis" in done.stdout, done.stdout + done.stderr)
    (top / "policies/netpolc-test.yaml").write_text(ASSERTIONS % "deny")
    check("assertions that fail", run(test, test_sarif="test.sarif").returncode == 1 and '"ruleId": "test/failed"' in (top / "test.sarif").read_text())
    (top / "test.sarif").unlink()
    (top / "policies/netpolc-test.yaml").unlink()

    done = run(diff)
    check("diff", done.returncode == 0 and "NEW INTERNET EXPOSURE" in done.stdout and done.stdout.startswith("::error "), done.stdout + done.stderr)
    check("summary", "NEW INTERNET EXPOSURE" in read("github_step_summary"))
    check("a comment", "--method POST repos/o/r/issues/7/comments" in read("gh_log") and read("gh_body").startswith("<!-- netpolc -->\n### What passes"), read("gh_log"))
    (home / "gh_known").write_text("99\n")
    run(diff)
    check("the same comment", "--method PATCH repos/o/r/issues/comments/99" in read("gh_log") and "POST" not in read("gh_log"), read("gh_log"))
    (home / "gh_known").write_text("")
    check("no comment", run(diff, comment="false").returncode == 0 and not read("gh_log"))
    check("fails on what opens", run(diff, diff_fail_on="opened").returncode == 1)
    check("a wrong path", run(diff, policies="polices").returncode == 2 and not read("gh_log"))
    git(top, "checkout", "-q", "origin/main")
    check("nothing changed, nothing said", run(diff).returncode == 0 and "POST" not in read("gh_log"), read("gh_log"))
    git(top, "checkout", "-q", "change")


def settings(top, run, lint, test, diff):
    """Without `policies` and `cluster`: all of the checkout, or what the settings name."""
    (top / "other.yaml").write_text("a: [")
    check("all of the checkout", run(lint).returncode == 2)
    (top / ".netpolc.yaml").write_text("files: [policies, cluster.yaml]\n")
    done = run(lint, lint_fail_on="never")
    check("the settings' files", done.returncode == 0 and "read 2 files" in done.stderr, done.stderr)
    check("an input goes before them", run(lint, policies=".").returncode == 2)
    done = run(diff)
    check("a comparison of the settings' files", done.returncode == 0 and "NEW INTERNET EXPOSURE" in done.stdout, done.stdout + done.stderr)
    (top / "policies/netpolc-test.yaml").write_text(ASSERTIONS % "allow")
    done = run(test)
    check("assertions among the settings' files", done.returncode == 0 and "cart reaches redis" in done.stdout, done.stdout + done.stderr)
    for name in ("policies/netpolc-test.yaml", ".netpolc.yaml", "other.yaml"):
        (top / name).unlink()


def gitlab(home, top):
    yaml.SafeLoader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))
    template = yaml.safe_load((TOP / "docs/ci/netpolc.gitlab-ci.yml").read_text())
    quality = lambda job: json.loads((top / template[job]["artifacts"]["reports"]["codequality"]).read_text())

    def run(job, **given):
        more = template["variables"] | {"NETPOLC_POLICIES": "policies", "NETPOLC_CLUSTER": "cluster.yaml", "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(top, "rev-parse", "origin/main")} | given
        return subprocess.run(["sh", "-e", "-c", "\n".join(template[job]["script"])], cwd=top, env=environment(home, **more), capture_output=True, text=True, timeout=60)

    check("gitlab, lint", run("netpolc-lint", NETPOLC_LINT_FAIL_ON="never").returncode == 0 and isinstance(quality("netpolc-lint"), list))
    (top / "bad.yaml").write_text("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {}\n")
    check("gitlab, lint of what is wrong", run("netpolc-lint", NETPOLC_POLICIES="bad.yaml").returncode == 2 and quality("netpolc-lint")[0]["severity"] == "blocker", quality("netpolc-lint"))
    (top / "bad.yaml").unlink()
    (top / "netpolc-lint.json").unlink()
    (top / "other.yaml").write_text("a: [")
    named = {"NETPOLC_POLICIES": "", "NETPOLC_CLUSTER": "", "NETPOLC_LINT_FAIL_ON": "never"}
    check("gitlab, all of the checkout", run("netpolc-lint", **named).returncode == 2)
    (top / ".netpolc.yaml").write_text("files: [policies, cluster.yaml]\n")
    check("gitlab, the settings' files", run("netpolc-lint", **named).returncode == 0)
    (top / ".netpolc.yaml").unlink()
    (top / "other.yaml").unlink()
    (top / "policies/netpolc-test.yaml").write_text(ASSERTIONS % "allow")
    check("gitlab, test", run(".netpolc-test").returncode == 0 and "cart reaches redis" in (top / "netpolc-test.xml").read_text() and quality(".netpolc-test") == [])
    (top / "netpolc-test.xml").unlink()
    (top / "netpolc-test.json").unlink()
    (top / "policies/netpolc-test.yaml").unlink()
    done = run("netpolc-diff")
    check("gitlab, diff", done.returncode == 0 and "NEW INTERNET EXPOSURE" in (top / "netpolc-diff.md").read_text(), done.stderr)
    check("gitlab, diff beside the lines", any(one["severity"] == "critical" and one["location"]["path"] == "policies/shop.yaml" for one in quality("netpolc-diff")), quality("netpolc-diff"))
    check("gitlab, diff that fails", run("netpolc-diff", NETPOLC_DIFF_FAIL_ON="opened").returncode == 1)
    (top / "netpolc-diff.md").unlink()
    (top / "netpolc-diff.json").unlink()


def hooks(home, top):
    """From a repository that has the hooks and nothing else."""
    source = home / "hooks"
    source.mkdir()
    (source / ".pre-commit-hooks.yaml").write_text((TOP / ".pre-commit-hooks.yaml").read_text())
    git(source, "init", "-q", "-b", "main")
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "hooks")
    (top / ".pre-commit-config.yaml").write_text("repos:\n- repo: %s\n  rev: %s\n  hooks: [{id: netpolc-lint}, {id: netpolc-test}, {id: netpolc-diff}]\n" % (source, git(source, "rev-parse", "HEAD")))
    (top / "policies/netpolc-test.yaml").write_text(ASSERTIONS % "allow")
    (top / ".netpolc.yaml").write_text("files: [policies, cluster.yaml]\nlint: {fail-on: warning, ignore: [NP]}\n")
    git(top, "add", "-A")

    def run(*words):
        return subprocess.run(["pre-commit", "run", "--all-files", *words], cwd=top, env=environment(home), capture_output=True, text=True, timeout=120)

    done = run()
    check("pre-commit", done.returncode == 0 and "netpolc lint" in done.stdout and "Passed" in done.stdout, done.stdout + done.stderr)
    (top / "policies/shop.yaml").write_text((SHOP / "after/policies.yaml").read_text().replace("8080", "80800"))
    git(top, "add", "-A")
    done = run()
    check("pre-commit, what is wrong", done.returncode == 1 and "error[NP" in done.stdout, done.stdout + done.stderr)
    (top / "policies/shop.yaml").write_text((SHOP / "after/policies.yaml").read_text().replace('port: "8080"', 'port: "8081"'))
    git(top, "add", "-A")
    done = run("netpolc-diff", "--hook-stage", "manual")
    check("pre-commit, what opens", done.returncode == 1 and "8081" in done.stdout, done.stdout + done.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="ci-templates-") as home:
        home = pathlib.Path(home)
        top = repository(home)
        action(home, top)
        gitlab(home, top)
        hooks(home, top)
    print("templates for CI: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
