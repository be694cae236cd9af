#!/usr/bin/env python3
"""What belongs to the command line as such: completion in three shells, manual pages, examples, suggestions, and settings.

usage: command_line_test.py NETPOLC
"""
import os, pathlib, re, subprocess, sys, tempfile

from terminal import on_terminal

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
SHOP = TOP / "testdata/diff/shop"
OURS = ("NETPOLC_", "XDG_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR")
# Whoever runs it may have settings at home.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
failed = 0


def run(words, cwd=None, text=None, **more):
    return subprocess.run(words, cwd=cwd, env=CLEAN | more, capture_output=True, text=True, timeout=120, input=text)


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print("FAIL %s\n%s" % (what, said))


# Each shell: what it offers for a line that ends at the cursor.
def bash(script, line, **more):
    words = line.split(" ")
    quoted = " ".join("'%s'" % w for w in words)
    source = "compopt() { OFFER_FILES=1; }; source '%s'; COMP_WORDS=(%s); COMP_CWORD=%d; _netpolc; printf '%%s\\n' \"${COMPREPLY[@]}\" ${OFFER_FILES:+FILES}" % (script, quoted, len(words) - 1)
    return run(["bash", "--norc", "-c", source], **more)


def zsh(script, line, **more):
    words = line.split(" ")
    quoted = " ".join("'%s'" % w for w in words)
    source = """
      _describe() { local one name=${@[-1]}; for one in "${(@P)name}"; do [[ ${one%%%%:*} == ${words[CURRENT]}* ]] && print -r -- ${one%%%%:*}; done }
      _files() { print FILES }
      compadd() { shift; local one; for one in "$@"; do [[ $one == ${words[CURRENT]}* ]] && print -r -- $one; done }
      compset() { words[CURRENT]=${words[CURRENT]#*=} }
      words=(%s); CURRENT=%d
      source '%s'""" % (quoted, len(words), script)
    return run(["zsh", "-f", "-c", source], **more)


def fish(script, line, **more):
    return run(["fish", "--no-config", "-c", "source '%s'; complete -C '%s' | string replace -r '\\t.*' ''" % (script, line)], **more)


OFFERS = [  # line, some that must be offered, some that must not
    ("netpolc ver", ["verify", "version"], ["lint", "never"]),
    ("netpolc verify n", ["never"], ["version"]),
    ("netpolc verify --fr", ["--from"], ["--to", "--fail-on"]),
    ("netpolc lint --fa", ["--fail-on"], ["--from"]),
    ("netpolc diff -o ", ["text", "sarif"], ["--git", "verify"]),
    ("netpolc diff --fail-on o", ["opened"], ["closed"]),
    ("netpolc verify -f only --co", ["--color"], ["--git"]),  # `only` is a value here, no command
    ("netpolc verify --color=al", ["always"], ["never", "--all-ports"]),
    ("netpolc verify --mil", [], ["--milliseconds"]),
    ("netpolc verify never --mil", ["--milliseconds"], []),  # of the options that short help leaves out, too
    ("netpolc lint --help", ["--help", "--help-all"], []),
    ("netpolc explain po", ["policy"], ["NP040", "flow"]),
    ("netpolc explain NP04", ["NP040"], ["policy", "NP104"]),
    ("netpolc explain NP10", ["NP104"], []),
    ("netpolc lint --select NP04", ["NP040", "NP042"], ["NP104"]),
    ("netpolc lint --ignore NP10", [], ["NP104"]),  # no finding
    ("netpolc schema Diff", ["DiffResult"], ["LintLine"]),
    ("netpolc completion z", ["zsh"], ["bash"]),
    ("netpolc verify never -o j", ["json"], ["text", "jsonl"]),
    ("netpolc lint -o sarif=x -o gi", ["github", "gitlab"], ["sarif"]),
]


ENDPOINTS = [  # line, all that is offered
    ("netpolc verify -f cluster.yaml --from shop/c", ["shop/cart"]),
    ("netpolc verify cluster.yaml --port 1 --to shop/f", ["shop/frontend"]),
    ("netpolc verify never --from any -f cluster.yaml --except-from shop/c", ["shop/cart"]),
    ("netpolc verify -f none.yaml --from s", []),
    ("netpolc explain endpoint -f cluster.yaml shop/f", ["shop/frontend"]),
    ("netpolc endpoint get -f cluster.yaml shop/f", ["shop/frontend"]),
    ("netpolc identity get -f cluster.yaml shop/f", ["shop/frontend"]),
    ("netpolc explain policy -f policies.yaml shop/r", ["shop/redis-ingress"]),
    ("netpolc explain policy policies.yaml media/", ["media/uploader"]),
    ("netpolc explain policy -f none.yaml shop/", []),
    ("netpolc explain policy -f hostile-policies.yaml a/", ["a/good"]),
    ("netpolc verify -f hostile.yaml --from a", ["a/good"]),
]


def endpoints_at(home):
    """Where the program is in the path, and there are manifests, one with a name that a shell would run."""
    at = home / "endpoints"
    if not at.exists():
        at.mkdir()
        (home / "bin").mkdir()
        (home / "bin/netpolc").symlink_to(NETPOLC)
        (at / "cluster.yaml").write_text((SHOP / "cluster.yaml").read_text())
        pod = "apiVersion: v1\nkind: Pod\nmetadata: {namespace: a, name: %s}\n"
        (at / "policies.yaml").write_text((SHOP / "after/policies.yaml").read_text())
        policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {namespace: a, name: %s}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
        (at / "hostile-policies.yaml").write_text("---\n".join(policy % name for name in ("good", '"$(touch${IFS}here)"')))
        (at / "hostile.yaml").write_text("---\n".join(pod % name for name in ("good", '"$(touch${IFS}here)"', '"b;touch here"')))
    check("no name was run", not (at / "here").exists())
    return at


def completion(home):
    for name, ask in (("bash", bash), ("zsh", zsh), ("fish", fish)):
        script = home / ("netpolc." + name)
        script.write_text(run([NETPOLC, "completion", name]).stdout)
        for line, wanted, unwanted in OFFERS:
            if name == "bash":
                line = line.replace("=", " = ")  # as it divides words
            done = ask(script, line)
            offered = [w.split("=")[-1] if w.startswith("--") and "=" in w else w for w in done.stdout.split()]
            check("%s: %s" % (name, line), not done.stderr and set(wanted) <= set(offered) and not set(unwanted) & set(offered), done.stdout + done.stderr)
        for line, wanted in ENDPOINTS:
            done = ask(script, line, cwd=endpoints_at(home), PATH="%s:%s" % (home / "bin", os.environ["PATH"]))
            check("%s: %s" % (name, line), not done.stderr and [w for w in done.stdout.split() if w != "FILES"] == wanted, done.stdout + done.stderr)
    endpoints_at(home)
    for name, ask in (("bash", bash), ("zsh", zsh)):
        check(name + ": files", "FILES" in ask(home / ("netpolc." + name), "netpolc lint ").stdout.split())
        line = "netpolc lint -o sarif=x" if name == "zsh" else "netpolc lint -o sarif = x"
        done = ask(home / ("netpolc." + name), line)
        check(name + ": files of forms", done.stdout.split() == ["FILES"], done.stdout + done.stderr)
    done = run([NETPOLC, "completion", "tcsh"])
    check("no such shell", done.returncode == 2, done.stderr)


def commands(home):
    """Every command: its page, its help, its examples."""
    run([NETPOLC, "man", "--directory", str(home / "man")])
    pages = sorted((home / "man").iterdir())
    check("pages of all commands", len(pages) > 20, pages)
    for page in pages:
        done = run(["mandoc", "-T", "lint", "-W", "warning", str(page)])
        # A page without a date is the same whenever it is made.
        said = [line for line in done.stdout.splitlines() if "missing date" not in line]
        check("mandoc of " + page.name, not said, "\n".join(said))
        words = re.search(r"^\\fB(netpolc.*?)\\fR", page.read_text(), re.M)[1].replace("\\-", "-").split()
        text = run([NETPOLC, *words[1:], "--help"]).stdout
        short_help(words, page.read_text(), text)
        check("help of " + page.stem, text.startswith(("netpolc compiles", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")), text)
        golden = (TOP / "testdata/console/help.md").read_text()
        check("help of %s is in testdata/console/help.md" % page.stem, "$ %s --help\n" % " ".join(words) in golden)
        for example in re.findall(r"^  (netpolc [^|>\n]*)", text, re.M):
            done = run(["sh", "-c", example.replace("netpolc", NETPOLC, 1)], cwd=home)
            check("an example is not understood: " + example, "--help" not in done.stderr and "there is no" not in done.stderr, done.stderr)
    check("man of one", ".TH NETPOLC-VERIFY-NEVER 1" in run([NETPOLC, "man", "verify", "never"]).stdout)
    check("man of none", "did you mean `never`?" in run([NETPOLC, "man", "verify", "nver"]).stderr)


def options_of(text):
    return re.findall(r"^  (?:-\w,)?(--[a-z0-9-]+)", text, re.M)


def short_help(words, page, text):
    """What --help shows: a dozen options besides itself, with examples; --help-all shows what the manual page does."""
    name, shown = " ".join(words), options_of(text)
    full = run([NETPOLC, *words[1:], "--help-all"])
    everything = options_of(full.stdout)
    documented = [o.replace("\\-", "-") for o in re.findall(r"^\.TP\n(?:\\fB\\-\w\\fR, )?\\fB(\\-\\-[a-z0-9\\-]+)\\fR", page, re.M)]
    check("%s --help-all has what the manual page has" % name, full.returncode == 0 and sorted(everything) == sorted(documented), (everything, documented))
    few = len(set(everything) - {"--help", "--help-all"}) <= 12
    check("%s: --help-all is shown where it shows more" % name, few != ("--help-all" in shown), text)
    if few:
        return check("%s: little help is whole" % name, text == full.stdout, text)
    check("%s: more than a dozen options, and compiler/command_line/short_help.cpp does not say which are shown" % name, 4 <= len(shown) <= 14, text)
    check("%s: what is required is shown" % name, re.findall(r"REQUIRED", text) == re.findall(r"REQUIRED", full.stdout), text)
    check("%s: three examples" % name, len(re.findall(r"^  netpolc ", text, re.M)) >= 3, text)


def suggestions():
    for words, text in ((["verfy"], "there is no command `verfy`; did you mean `verify`?"), (["xyzzy"], "there is no command `xyzzy`; the commands are:"),
                        (["lint", "--fail-one", "x", "a"], "there is no option `--fail-one` of `lint`; did you mean `--fail-on`?"),
                        (["verify", "never", "--form=x"], "there is no option `--form` of `never`; did you mean `--from`?"),
                        (["verify", "--quux"], "there is no option `--quux` of `verify`")):
        done = run([NETPOLC, *words])
        check(" ".join(words), done.returncode == 2 and text in done.stderr and not done.stdout, done.stderr)


def settings(home):
    top = home / "settings"
    (top / "sub/deeper").mkdir(parents=True)
    for name in ("after/policies.yaml", "cluster.yaml"):
        (top / pathlib.Path(name).name).write_text((SHOP / name).read_text())
    file = top / ".netpolc.yaml"

    def netpolc(*words, at=top, **environment):
        return run([NETPOLC, *words], cwd=at, **environment)

    pair = ["--from", "shop/cart", "--to", "shop/redis", "--port", "6379/TCP"]
    file.write_text('cilium-version: "1.19"\nfiles: [policies.yaml, cluster.yaml]\nlint: {fail-on: never, errors-only: false}\nverify:\n  never: {steps: 5000}\n')
    done = netpolc("verify", *pair)
    check("files and version", done.returncode == 0 and "Cilium 1.19" in done.stderr and "read 2 files" in done.stderr, done.stdout + done.stderr)
    done = netpolc("verify", *pair, at=top / "sub/deeper")
    check("from below", done.returncode == 0 and "../../policies.yaml" in done.stdout, done.stdout + done.stderr)
    check("the command line counts first", "Cilium 1.17" in netpolc("verify", *pair, "--cilium-version", "1.17", NETPOLC_CILIUM_VERSION="1.18").stderr)
    check("the environment counts next", "Cilium 1.18" in netpolc("verify", *pair, NETPOLC_CILIUM_VERSION="1.18").stderr)
    check("an empty variable is none", "Cilium 1.19" in netpolc("verify", *pair, NETPOLC_CILIUM_VERSION="").stderr)
    check("a wrong value in the environment", netpolc("verify", *pair, NETPOLC_CILIUM_VERSION="1.9").returncode == 2)
    done = netpolc("lint", "policies.yaml")
    check("files that are named are all", "read 1 files" in done.stderr, done.stderr)
    done = netpolc("lint", ".")
    check("the settings are no manifest", "read 2 files" in done.stderr and "NP05" not in done.stderr, done.stderr)
    # The recording is no manifest; paths are the file's; where an import goes is no form of an answer.
    (top / "flows.jsonl").write_text((TOP / "testdata/replay/shop/flows.jsonl").read_text())
    done = netpolc("replay", "flows.jsonl")
    check("a recording leaves the files as they are", done.returncode == 1 and "Replay:" in done.stdout, done.stdout + done.stderr)
    file.write_text('output: json\nfiles: [policies.yaml, cluster.yaml]\nlint: {output: [text, sarif=out.sarif]}\n')
    done = netpolc("lint", at=top / "sub/deeper")
    check("files that are written lie beside the settings", (top / "out.sarif").exists() and not (top / "sub/deeper/out.sarif").exists(), done.stderr)
    done = netpolc("import", "policies.yaml")
    check("an import goes to stdout", done.returncode == 0 and "kind: CiliumNetworkPolicy" in done.stdout and not (top / "json").exists(), done.stdout + done.stderr)
    file.write_text('cilium-version: "1.19"\nfiles: [policies.yaml, cluster.yaml]\nlint: {fail-on: never, errors-only: false}\nverify:\n  never: {steps: 5000}\n')
    # What the environment gives for an option that takes several values.
    check("one of another command", netpolc("endpoint", "list").returncode == 0)
    for text, said in (("cilium-verison: x\n", "did you mean `cilium-version`?"), ("lint: {fail-one: x}\n", "did you mean `fail-on`?"), ("lint: 5\n", "expected options of `lint`"),
                       ("- a\n", "is not one mapping"), ("lint: {errors-only: 7}\n", "expected true or false"), ("a: [\n", "NP002"), ("lint: {ignore: [[a]]}\n", "expected a text"),
                       ("lint: {severity: {NP041: fatal}}\n", "expected error, warning, note or off"), ("lint: {severity: {NP0041: off}}\n", "did you mean `NP041`?"),
                       ("lint: {severity: {NP104: note}}\n", "`NP104` is no finding: it is always an error"), ("lint: {severity: [NP041: off]}\n", "expected a text"),
                       ("lint: {fix: true}\n", "`lint` has no such option"), ("verify: {never: {stops: 5}}\n", "did you mean `steps`?")):
        file.write_text(text)
        done = netpolc("lint", "policies.yaml")
        check(text, done.returncode == 2 and said in done.stderr and ".netpolc.yaml:" in done.stderr and not done.stdout, done.stdout + done.stderr)
    home_settings(top, file, netpolc, pair)
    file.unlink()
    check("without", "Cilium 1.18" in netpolc("verify", "-f", "policies.yaml", "-f", "cluster.yaml", *pair).stderr)


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n"


def ignored_files(home):
    """`ignore` in the settings: globs as in .gitignore, of what lies below directories, on disk and in commits."""
    top = home / "ignored"
    names = ["a.yaml", "charts/values.yaml", "charts/templates/b.yaml", "deep/er/old.yaml", "deep/er/new.yaml", "sub/x[1]/c.yaml"]
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(NAMESPACE % name.replace("/", "-").replace(".", "-").replace("[", "").replace("]", ""))
    settings_file = top / ".netpolc.yaml"

    def files(*words, at=top):
        done = run([NETPOLC, "lint", *words], cwd=at)
        found = re.search(r"read (\d+) files", done.stderr)
        return int(found[1]) if found else done.stderr

    def expect(name, text, number, *words, at=top):
        settings_file.write_text(text)
        got = files(*words, at=at)
        check("ignored files: " + name, got == number, str(got))

    expect("nothing", "cilium-version: '1.18'\n", 6, ".")
    expect("a directory, and a name", "ignore: [charts/, '**/old.yaml']\n", 3, ".")
    expect("from below", "ignore: [deep/er/old.yaml, /a.yaml]\n", 1, ".", at=top / "deep")
    expect("by another way", "ignore: [deep/er/old.yaml]\n", 1, "../deep", at=top / "charts")
    expect("the last one counts", "ignore: ['*.yaml', '!new.yaml']\n", 1, ".")
    expect("nothing comes back of a directory that is left out", "ignore: [deep/, '!new.yaml']\n", 4, ".")
    expect("what is named is read", "ignore: ['*.yaml']\n", 2, "a.yaml", "charts/values.yaml")
    expect("a name with brackets", "ignore: ['b.yaml', 'c.yaml']\n", 4, ".")
    expect("brackets of the directory itself", "ignore: []\n", 6, ".")
    (top / "sub/x[1]/.netpolc.yaml").write_text("ignore: [c.yaml]\n")
    (top / "sub/x[1]/d.yaml").write_text(NAMESPACE % "d")
    check("ignored files: settings in a directory with brackets", files(".", at=top / "sub/x[1]") == 1)
    (top / "sub/x[1]/.netpolc.yaml").unlink()
    (top / "sub/x[1]/d.yaml").unlink()
    expect("the command line counts first", "ignore: ['*.yaml']\n", 5, "--ignore-files", "a.yaml", ".")
    for text in ("ignore: [NP024]\n", "ignore: [[a]]\n"):
        settings_file.write_text(text)
        done = run([NETPOLC, "lint", "."], cwd=top)
        check("ignored files: " + text, done.returncode == 2 and ".netpolc.yaml:1:10: error[NP490]" in done.stderr, done.stderr)
    settings_file.write_text("ignore: [charts/, '**/old.yaml']\n")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=top, check=True, capture_output=True)
    done = run([NETPOLC, "diff", "--git", "HEAD", "."], cwd=top)
    check("ignored files: in a commit", done.stderr.count("read 3 files") == 2, done.stdout + done.stderr)


def agent_options(home):
    """--cilium-config, from the settings and from the environment."""
    top = home / "options"
    (top / "sub").mkdir(parents=True)
    (top / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, labels: {app: a}}\nspec: {containers: []}\n")
    (top / "always.yaml").write_text("policyEnforcementMode: always\n")
    (top / "never.yaml").write_text("policyEnforcementMode: never\n")
    (top / ".netpolc.yaml").write_text("cilium-config: always.yaml\ncluster-name: east\n")

    def ask(*words, at="sub", **environment):
        return run([NETPOLC, "verify", "-f", str(top / "pod.yaml"), "--from", "world", "--to", "shop/a", "--port", "80", *words], cwd=top / at, **environment).returncode

    check("options of the settings, beside them", ask() == 1)
    check("options of the environment", ask(at=".", NETPOLC_CILIUM_CONFIG="never.yaml") == 0)
    check("options of the command line", ask("--cilium-config", "../never.yaml") == 0)
    labels = run([NETPOLC, "identity", "list", "-f", "pod.yaml"], cwd=top).stdout
    check("the cluster's name of the settings", "io.cilium.k8s.policy.cluster=east" in labels, labels)


def home_settings(top, file, netpolc, pair):
    """$XDG_CONFIG_HOME/netpolc/config.yaml: what nothing nearer says."""
    config = top / "home/.config/netpolc/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text('cilium-version: "1.16"\nlint: {errors-only: true, fail-on: warning}\n')
    here, at_home = ["-f", "policies.yaml", "-f", "cluster.yaml"], {"XDG_CONFIG_HOME": str(top / "home/.config")}
    file.write_text("lint: {fail-on: never}\n")
    check("settings at home", "Cilium 1.16" in netpolc("verify", *here, *pair, **at_home).stderr)
    check("in ~/.config", "Cilium 1.16" in netpolc("verify", *here, *pair, HOME=str(top / "home")).stderr)
    check("a relative XDG_CONFIG_HOME is ignored", "Cilium 1.18" in netpolc("verify", *here, *pair, XDG_CONFIG_HOME="home/.config").stderr)
    check("and ~/.config is asked then", "Cilium 1.16" in netpolc("verify", *here, *pair, XDG_CONFIG_HOME="home/.config", HOME=str(top / "home")).stderr)
    file.write_text('cilium-version: "1.17"\n')
    check("the nearer file counts first", "Cilium 1.17" in netpolc("verify", *here, *pair, **at_home).stderr)
    check("the environment before both", "Cilium 1.19" in netpolc("verify", *here, *pair, NETPOLC_CILIUM_VERSION="1.19", **at_home).stderr)
    check("the command line before all", "Cilium 1.20" in netpolc("verify", *here, *pair, "--cilium-version", "1.20", NETPOLC_CILIUM_VERSION="1.19", **at_home).stderr)
    broken = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {endpointSelector: {}, ingress: [{fromEntitties: [all]}]}\n"
    (top / "unknown-field.yaml").write_text(broken)
    lax = dict(at_home)
    config.write_text("lax: true\n")
    check("a flag at home", netpolc("lint", "unknown-field.yaml", **lax).returncode == 0)
    file.write_text("lax: false\n")
    check("and against it nearby", netpolc("lint", "unknown-field.yaml", **lax).returncode == 2)
    check("and for it in the environment", netpolc("lint", "unknown-field.yaml", NETPOLC_LAX="1", **lax).returncode == 0)
    file.write_text("lax: true\n")
    check("and against both there", netpolc("lint", "unknown-field.yaml", NETPOLC_LAX="false", **lax).returncode == 2)
    for text, said in (("cilium-verison: x\n", "did you mean `cilium-version`?"), ("- a\n", "`config.yaml` is not one mapping")):
        config.write_text(text)
        done = netpolc("lint", "policies.yaml", **at_home)
        check("at home: " + text, done.returncode == 2 and said in done.stderr and "netpolc/config.yaml:" in done.stderr and not done.stdout, done.stderr)


def colours():
    """Flag, NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE, TERM=dumb, terminal: what comes first counts."""
    ask = [NETPOLC, "verify", str(SHOP / "after"), str(SHOP / "cluster.yaml"), "--from", "shop/cart", "--to", "shop/redis", "--port", "6379/TCP"]

    def coloured(words, terminal, **environment):
        with on_terminal(ask + words, stdout=terminal, env={k: v for k, v in CLEAN.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | environment) as screen:
            return "\x1b[" in screen.all()

    for words, terminal, environment, wanted in (
            ([], True, {}, True), ([], False, {}, False), ([], True, {"TERM": "dumb"}, False), ([], True, {"NO_COLOR": "1"}, False), ([], True, {"NO_COLOR": ""}, True),
            ([], False, {"FORCE_COLOR": "1"}, True), ([], False, {"CLICOLOR_FORCE": "1"}, True), ([], False, {"CLICOLOR_FORCE": "0"}, False), ([], False, {"FORCE_COLOR": ""}, False),
            ([], True, {"FORCE_COLOR": "1", "TERM": "dumb"}, True), ([], True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
            (["--color=always"], False, {"NO_COLOR": "1"}, True), (["--color=never"], True, {"FORCE_COLOR": "1"}, False)):
        check("colours: %s, %s, %s" % (words, "terminal" if terminal else "pipe", environment), coloured(words, terminal, **environment) == wanted)


def plugin(home):
    link = home / "kubectl-netpolc"
    link.symlink_to(NETPOLC)
    check("kubectl netpolc", "kubectl netpolc [OPTIONS] SUBCOMMAND" in run([str(link), "--help"]).stdout)
    check("kubectl netpolc verify", "kubectl netpolc verify" in run([str(link), "verify", "--help"]).stdout)


def main():
    with tempfile.TemporaryDirectory(prefix="command-line-") as home:
        home = pathlib.Path(home)
        completion(home)
        commands(home)
        suggestions()
        settings(home)
        ignored_files(home)
        agent_options(home)
        plugin(home)
    colours()
    print("command line: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
