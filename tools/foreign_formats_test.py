#!/usr/bin/env python3
"""What `netpolc diff`, `lint` and `test` write for others, as those read it: Markdown rendered by cmark-gfm, which is what GitHub renders
with, SARIF held against the schema of SARIF 2.1.0 (testdata/sarif), and GitLab's code quality reports.

usage: foreign_formats_test.py NETPOLC
"""
import html.parser, json, os, pathlib, re, shutil, subprocess, sys, tempfile, warnings

warnings.simplefilter("ignore")
import jsonschema

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
SHOP = ["-f", "testdata/diff/shop/cluster.yaml"]
UNSAFE = ["testdata/test/nodes"]  # where parts of the built-in pack fail
HOSTILE = "we|ird `code` <script>alert(1)</script> <img src=x> [l](u) *b* _i_ ~s~ # &amp; www.example.com http://example.com @all.yaml"
TAGS = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "br", "strong", "code"}
failed = 0


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print("FAIL %s\n%s" % (what, str(said)[:2000]))


def netpolc(*arguments, cwd=TOP):
    done = subprocess.run([NETPOLC, *arguments], cwd=cwd, env=dict(os.environ, NO_COLOR="1"), capture_output=True, text=True, timeout=120)
    check("netpolc " + " ".join(arguments), done.returncode in (0, 1, 3), done.stderr)
    return done.stdout


# ---- Markdown ---------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Elements and the text in them; what is not closed as it was opened is a fault."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.faults, self.rows, self.paragraphs = [], [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append("left open: %s" % self.open)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "br":
            if self.rows and "td" in self.open:
                self.rows[-1][-1] += "\n"
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "p":
            self.paragraphs.append("")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag == "br":
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append("</%s> closes nothing" % tag)

    def handle_data(self, data):
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        elif "p" in self.open:
            self.paragraphs[-1] += data


def render(text):
    """As GitHub does; raw HTML is let through, so that it would show."""
    done = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough"], input=text, capture_output=True, text=True, timeout=60)
    check("cmark-gfm", done.returncode == 0, done.stderr)
    return Page(done.stdout)


def check_page(what, text, lines):
    """A heading, paragraphs, and one table with a row for each line that was said as JSON or text."""
    page = render(text)
    check(what + ": well-formed", not page.faults, page.faults)
    check(what + ": no other element than those of a table", set(page.tags) <= TAGS, sorted(set(page.tags) - TAGS))
    check(what + ": one table", page.tags.count("table") == (1 if lines else 0), text)
    check(what + ": cells", all(len(row) == 4 for row in page.rows), page.rows)
    check(what + ": under 64 KB", len(text.encode()) < 65536, len(text))
    check(what + ": what it counts stands in a paragraph", any(one.startswith(("Reachability:", "No difference:")) for one in page.paragraphs), page.paragraphs)
    return page


def text_lines(text):
    """First lines of entries: symbol and word."""
    return [found.group(2) for found in re.finditer(r"^  ([-+~!?]) (\w+(?: way)?) ", text, re.M)]


def markdown():
    for what, arguments in (("shop", ["testdata/diff/shop/before", "testdata/diff/shop/after", *SHOP]),
                            ("review", ["testdata/diff/review/before", "testdata/diff/review/after", "-f", "testdata/diff/review/cluster.yaml", "--flows", "testdata/diff/review/flows.json"]),
                            ("requests", ["testdata/diff/proxies/before.yaml", "testdata/diff/proxies/requests.yaml", *SHOP]),
                            ("nothing", ["testdata/diff/shop/before", "testdata/diff/unchanged", *SHOP])):
        lines = text_lines(netpolc("diff", *arguments))
        page = check_page(what, netpolc("diff", *arguments, "-o", "markdown"), lines)
        check(what + ": a row for each line", [row[0][2:] for row in page.rows[1:]] == lines, (lines, page.rows))


def hostile():
    """File names and requests that would be markup. What is in a cell is what the text output says there."""
    with tempfile.TemporaryDirectory() as directory:
        name = HOSTILE.replace("/", "\u2215")
        policy = (TOP / "testdata/diff/proxies/before.yaml").read_text()
        other = policy.replace("path: /orders", "path: '/<script>[|]`x`</script>'")
        for side, text in (("before", policy), ("after", other)):
            (pathlib.Path(directory) / side).mkdir()
            (pathlib.Path(directory) / side / name).write_text(text)
        cluster = str(TOP / "testdata/diff/shop/cluster.yaml")
        arguments = ["diff", "before", "after", "-f", cluster]
        page = check_page("hostile names", netpolc(*arguments, "-o", "markdown", cwd=directory), ["changed"])
        why = page.rows[1][3] if len(page.rows) > 1 and len(page.rows[1]) == 4 else ""
        check("hostile names: stay text", name in why, page.rows)
        check("hostile requests: stay text", any("GET /<script>|`x`</script> now allowed" in row[2] for row in page.rows if len(row) == 4), page.rows)


def long():
    """Of more than fits the rest is counted, below the table."""
    with tempfile.TemporaryDirectory() as directory:
        policies, pods = [], []
        for n in range(500):
            name = "workload-with-a-name-of-some-length-%04d" % n
            pods.append("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: d}\nspec: {selector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s}}, spec: {containers: []}}}\n" % (name, name, name))
            policies.append("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: %s, namespace: d}\nspec:\n  endpointSelector: {matchLabels: {app: %s}}\n  ingress: [{fromEndpoints: [{matchLabels: {app: %s}}], toPorts: [{ports: [{port: \"%d\", protocol: TCP}]}]}]\n" % (name, name, "workload-with-a-name-of-some-length-%04d" % ((n + 1) % 500), 1000 + n))
        root = pathlib.Path(directory)
        for file, documents in (("pods.yaml", pods), ("before.yaml", [one.replace('"1', '"2') for one in policies]), ("after.yaml", policies)):
            (root / file).write_text("---\n".join(documents))
        text = netpolc("diff", "before.yaml", "after.yaml", "-f", "pods.yaml", "--no-safety", "-o", "markdown", cwd=directory)
        page = check_page("long", text, ["changed"])
        rest = re.search(r"and (\d+) more lines", page.paragraphs[-1])
        check("long: what is left is counted below the table", rest is not None and int(rest.group(1)) + len(page.rows) - 1 == 500, page.paragraphs)


# ---- SARIF -------------------------------------------------------------------------------------------------

def sarif():
    schema = jsonschema.Draft4Validator(json.loads((TOP / "testdata/sarif/sarif-2.1.0-rtm.5.json").read_text()))
    logs = {}
    for what, arguments in (("diff", ["diff", "testdata/diff/shop/before", "testdata/diff/shop/after", *SHOP]),
                            ("diff with everything", ["diff", "testdata/diff/review/before", "testdata/diff/review/after", "-f", "testdata/diff/review/cluster.yaml", "--flows", "testdata/diff/review/flows.json"]),
                            ("diff of requests", ["diff", "testdata/diff/proxies/before.yaml", "testdata/diff/proxies/requests.yaml", *SHOP]),
                            ("diff without a difference", ["diff", "testdata/diff/shop/before", "testdata/diff/shop/before", *SHOP]),
                            ("lint", ["lint", "testdata/diff/deny/after.yaml", *SHOP]), ("lint of the shop", ["lint", "testdata/diff/shop/after", *SHOP]),
                            ("test", ["test", "testdata/test/shop"]), ("test without a failure", ["test", "testdata/test/shop", "--filter", "the API reaches its database"]), ("the built-in pack", ["test", "--safety-only", *UNSAFE])):
        logs[what] = json.loads(netpolc(*arguments, "-o", "sarif"))
        errors = list(schema.iter_errors(logs[what]))
        check("SARIF of " + what, not errors, ["%s: %s" % ("/".join(map(str, one.absolute_path)), one.message[:200]) for one in errors])
    check("SARIF of a test that passes is empty", logs["test without a failure"]["runs"][0]["results"] == [])
    results = {one["ruleId"]: one for one in logs["test"]["runs"][0]["results"]}
    check("SARIF: a failed assertion and one about nobody", set(results) == {"test/failed", "test/vacuous"} and all("tests/netpolc-test.yaml" in json.dumps(one["locations"]) for one in results.values()), results)
    check("SARIF: a failed assertion names the rules", "policies/shop.yaml" in json.dumps(results["test/failed"].get("relatedLocations")), results)
    results = logs["the built-in pack"]["runs"][0]["results"]
    check("SARIF of the built-in pack is at rules", results and all(one["ruleId"].startswith("safety/") and one.get("locations") for one in results), results)
    results = logs["diff with everything"]["runs"][0]["results"]
    check("SARIF: a broken safety assertion is an error with a place", any(one["ruleId"] == "diff/broken" and one["level"] == "error" and one.get("locations") for one in results), results)
    for run in (log["runs"][0] for log in logs.values()):
        known = {rule["id"] for rule in run["tool"]["driver"].get("rules", [])}
        check("SARIF: rules of results are described", {one["ruleId"] for one in run["results"]} <= known, known)
        prints = [one["partialFingerprints"]["netpolc/v1"] for one in run["results"]]
        check("SARIF: fingerprints differ", len(set(prints)) == len(prints), prints)
    # That the schema refuses anything at all.
    broken = json.loads(json.dumps(logs["diff"]))
    del broken["runs"][0]["results"][0]["message"]
    check("SARIF without a message is refused", list(schema.iter_errors(broken)))


# ---- GitLab ------------------------------------------------------------------------------------------------

ISSUE = {"type": "object", "additionalProperties": False, "required": ["description", "check_name", "fingerprint", "severity", "location"], "properties": {
    "description": {"type": "string", "minLength": 1, "pattern": "^[^\\n]*$"}, "check_name": {"type": "string", "minLength": 1}, "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
    "location": {"type": "object", "required": ["path", "lines"], "properties": {
        "path": {"type": "string", "pattern": "^[^/]", "not": {"pattern": r"^\./"}}, "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}}}}}}


def moved(text):
    """The same policies, ten lines further down."""
    return "#\n" * 10 + text


def gitlab():
    """What GitLab asks of an entry, and that it is known again when lines have moved."""
    schema = jsonschema.Draft7Validator({"type": "array", "items": ISSUE})
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        shutil.copytree(TOP / "testdata", root / "testdata", ignore=lambda at, names: [n for n in names if pathlib.Path(at).name == "testdata" and n not in ("diff", "test")])
        reports = {}
        for what, arguments, touched in (("lint", ["lint", "./testdata/diff/deny/after.yaml", *SHOP, "--fail-on", "never"], "testdata/diff/deny/after.yaml"),
                                         ("diff", ["diff", "testdata/diff/shop/before", "testdata/diff/shop/after", *SHOP], "testdata/diff/shop/after/policies.yaml"),
                                         ("test", ["test", "testdata/test/shop"], "testdata/test/shop/tests/netpolc-test.yaml"),
                                         ("absolute", ["lint", directory + "/testdata/diff/deny/after.yaml", *SHOP, "--fail-on", "never"], None)):
            report = reports[what] = json.loads(netpolc(*arguments, "-o", "gitlab", cwd=root))
            check("code quality of " + what, report and not list(schema.iter_errors(report)), [one.message for one in schema.iter_errors(report)] or report)
            prints = [one["fingerprint"] for one in report]
            check("code quality of %s: fingerprints differ" % what, len(set(prints)) == len(prints), report)
            if touched is None:
                continue
            file = root / touched
            before = file.read_text()
            file.write_text(moved(before))
            again = json.loads(netpolc(*arguments, "-o", "gitlab", cwd=root))
            file.write_text(before)
            check("code quality of %s: known again" % what, sorted(prints) == sorted(one["fingerprint"] for one in again), (report, again))
            check("code quality of %s: lines have moved" % what, [one["location"] for one in report] != [one["location"] for one in again], again)
        check("code quality: absolute paths are made relative", [one["location"] for one in reports["absolute"]] == [one["location"] for one in reports["lint"]], reports["absolute"])
        for form in ("sarif", "github"):
            for path in ("./testdata/diff/deny/after.yaml", directory + "/testdata/diff/deny/after.yaml"):
                said = netpolc("lint", path, *SHOP, "--fail-on", "never", "-o", form, cwd=root)
                check("%s: files as the repository knows them" % form, "testdata/diff/deny/after.yaml" in said and "./testdata" not in said and directory not in said, said)
        check("code quality: levels", {one["severity"] for one in reports["test"]} == {"critical", "major"} and "critical" in {one["severity"] for one in reports["diff"]}, reports)


if __name__ == "__main__":
    for part in (markdown, hostile, long, sarif, gitlab):
        part()
    print("foreign formats: %d failed" % failed)
    sys.exit(1 if failed else 0)
