#!/usr/bin/env python3
"""`netpolc report` as its readers have it: the page in a headless Chromium, the graph in Graphviz, the tables in a CSV reader; what
policies cost, as `compile` and `lint` say it.

usage: report_test.py NETPOLC [DIRECTORY]      screenshots are left in DIRECTORY, if it is given
"""
import base64, csv, io, json, os, pathlib, random, subprocess, sys, tempfile, time, xml.etree.ElementTree as ElementTree

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
KEPT = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
CLUSTER = ["-f", str(TOP / "testdata/diff/shop/cluster.yaml")]
SHOP = [*CLUSTER, str(TOP / "testdata/diff/shop/after")]
COMPARED = [*SHOP, "--against", str(TOP / "testdata/diff/shop/before")]
failed = 0


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print("FAIL %s\n%s" % (what, said))


def report(form, inputs=SHOP):
    done = subprocess.run([NETPOLC, "report", *inputs, "-o", form], capture_output=True, text=True, timeout=120)
    check("report -o " + form, done.returncode == 0, done.stderr)
    return done.stdout


class Browser:
    def __init__(self, dark=False, width=1280, scripts=True):
        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=%d,1400" % width):
            options.add_argument(word)
        if dark:
            options.add_argument("--force-dark-mode")
            options.add_argument("--blink-settings=preferredColorScheme=0")
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def __enter__(self):
        return self.driver

    def __exit__(self, *_):
        self.driver.quit()


def keep(driver, name, whole=False):
    """As a picture: what is seen, or the whole page."""
    if not KEPT:
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    if whole:
        taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (KEPT / (name + ".png")).write_bytes(base64.b64decode(taken["data"]))
    else:
        driver.save_screenshot(str(KEPT / (name + ".png")))


def narrow(driver, width):
    """A window of the browser is never as narrow as a telephone."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def read(page):
    """With scripts: nothing to complain of, cells and names say what they stand for, the filter filters."""
    with Browser() as driver:
        driver.get(page.as_uri())
        keep(driver, "light")
        check("names are spoken of", "1 rule allows DNS names" in driver.find_element(By.TAG_NAME, "body").text)
        cell = driver.find_element(By.CSS_SELECTOR, "button.cell[title^='shop/cart → shop/redis']")
        check("cell of shop/cart → shop/redis", cell.text == "P", cell.text)
        cell.click()
        details = driver.find_element(By.ID, "details").text
        check("details", "shop/cart → shop/redis" in details and "TCP 6379" in details, details)
        keep(driver, "cell")
        shown = lambda: [row for row in driver.find_elements(By.CSS_SELECTOR, "#matrix tbody tr") if row.is_displayed()]
        rows = len(shown())
        driver.find_element(By.ID, "filter").send_keys("MEDIA")
        check("filter", len(shown()) == 1 and driver.find_element(By.ID, "found").text == "1 of %d rows" % rows, driver.find_element(By.ID, "found").text)
        driver.execute_script("const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input'))")
        check("no filter", len(shown()) == rows)
        end = driver.find_element(By.XPATH, "//*[local-name()='text' and @data-end][text()='redis']")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", end)
        end.click()
        on = driver.find_elements(By.CSS_SELECTOR, "#graph .edge.on")
        check("lines of one name", on and len(on) < len(driver.find_elements(By.CSS_SELECTOR, "#graph .edge")), len(on))
        keep(driver, "graph")
        end.click()
        check("all lines again", not driver.find_elements(By.CSS_SELECTOR, "#graph.chosen"))
        meaning = driver.find_element(By.XPATH, "//td[starts-with(., 'CiliumNetworkPolicy shop/redis-ingress')]/details")
        check("a meaning is folded", "tcp" not in meaning.text.lower(), meaning.text)
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", meaning)
        meaning.find_element(By.TAG_NAME, "summary").click()
        check("a policy's meaning", "for pods with app=redis in namespace shop; switches default deny on for ingress" in meaning.text and "allows from pods with" in meaning.text and "on TCP 6379" in meaning.text, meaning.text)
        keep(driver, "meaning")
        check("nothing is fetched", driver.execute_script("return performance.getEntriesByType('resource').length") == 0)
        said = [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        check("console", not said, said)
        check("no sideways scrolling", driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))


def shown_rows(driver):
    return [row for row in driver.find_elements(By.CSS_SELECTOR, "#matrix tbody tr") if row.is_displayed()]


def read_changes(page):
    """Cells and lines say what has changed, by signs, and one can have these alone."""
    with Browser() as driver:
        driver.get(page.as_uri())
        keep(driver, "changes", whole=True)
        cell = lambda pair: driver.find_element(By.CSS_SELECTOR, "button.cell[title^='%s']" % pair)
        said = {pair: cell(pair).text for pair in ("shop/legacy → shop/orders", "entity:world-ipv4 → shop/frontend", "shop/cart → shop/redis", "shop/cart → shop/orders")}
        check("marks", said == {"shop/legacy → shop/orders": "D−", "entity:world-ipv4 → shop/frontend": "P+", "shop/cart → shop/redis": "P~", "shop/cart → shop/orders": "P"}, said)
        lines = [row.text for row in driver.find_elements(By.CSS_SELECTOR, "#changes ~ .scroll table")[0].find_elements(By.CSS_SELECTOR, "tbody tr")]
        check("list of changes", any("world → shop/frontend" in one and "NEW INTERNET EXPOSURE" in one and "frontend-ingress" in one for one in lines) and any(one.startswith("−") for one in lines), lines)
        cell("shop/legacy → shop/orders").click()
        details = driver.find_element(By.ID, "details").text
        check("details of a change", "closed: TCP 8080,9090 → nothing" in details, details)
        driver.find_element(By.CSS_SELECTOR, "button.cell[title^='shop/legacy → shop/orders'] .sign").click()
        check("a sign is part of its cell", driver.find_elements(By.CSS_SELECTOR, ".cell.chosen[title^='shop/legacy → shop/orders']"))
        rows, columns = len(shown_rows(driver)), [one for one in driver.find_elements(By.CSS_SELECTOR, "#matrix thead th") if one.is_displayed()]
        driver.find_element(By.ID, "only-changes").click()
        names = [row.find_element(By.TAG_NAME, "th").text for row in shown_rows(driver)]
        check("only changes", len(names) < rows and {"media/uploader", "shop/legacy", "shop/cart"} <= set(names) and "shop/orders" not in names, names)
        check("only columns with changes", not driver.find_element(By.XPATH, "//table[@id='matrix']//thead//th[contains(., 'remote-node') and @class='unchanged'] | //table[@id='matrix']//tbody//tr[th='shop/orders']").is_displayed(), len(columns))
        edges = lambda kind: driver.find_elements(By.CSS_SELECTOR, "#graph .edge" + kind)
        check("lines of changes", edges(".opened") and edges(".closed") and edges(".changed") and edges(":not(.opened, .closed, .changed)") and not any(one.is_displayed() for one in edges(":not(.opened, .closed, .changed)")))
        dashes = [driver.execute_script("return getComputedStyle(arguments[0].querySelector('path')).strokeDasharray", edges(kind)[0]) for kind in (".opened", ".closed", ".changed")]
        check("lines differ by more than colour", len(set(dashes)) == 3, dashes)
        keep(driver, "only-changes", whole=True)
        said = [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        check("console", not said, said)


def read_costs(page):
    with Browser() as driver:
        driver.get(page.as_uri())
        driver.execute_script("document.getElementById('cost').scrollIntoView()")
        keep(driver, "cost")
        plots = driver.find_elements(By.CSS_SELECTOR, "svg.plot")
        named = [(one.get_attribute("role"), one.find_element(By.TAG_NAME, "title").get_attribute("textContent"), one.find_element(By.TAG_NAME, "desc").get_attribute("textContent")) for one in plots]
        check("plots", len(plots) == 2 and all(role == "img" and title and "the most is" in said for role, title, said in named), named)
        check("plots scale", all("logarithmic" in one.text for one in plots))
        check("costs", len(driver.find_elements(By.CSS_SELECTOR, "#costs tbody tr")) == len(plots[0].find_elements(By.CSS_SELECTOR, ".bar")) == 5)
        check("headroom is named as what it is", "static ones" in driver.find_element(By.TAG_NAME, "body").text)


def costs(home):
    """The numbers are those of `compile` and `lint`."""
    bundle = home / "bundle"
    subprocess.run([NETPOLC, "compile", *SHOP, "-o", str(bundle)], capture_output=True, check=True)
    expected = {}
    for program in json.loads((bundle / "bundle.json").read_text())["programs"]:
        numbers = [program["instructions"], *program["ruleCount"].values(), *(len(one) for one in program["peers"].values())]
        expected[" ".join(sorted(program["endpoints"]))] = [str(one) for one in numbers]
    rows = rows_of(report("cost"))
    got = {row["endpoints"]: [row[key] for key in ("instructions", "ingress_rules", "egress_rules", "ingress_peer_rows", "egress_peer_rows")] for row in rows}
    check("costs as compile has them", got == expected, (got, expected))
    check("without compiling", [row["instructions"] for row in rows_of(report("cost", [*SHOP, "--instructions", "none"]))] == [""] * len(rows))
    check("said where it is left out", "Programs were not compiled" in report("html", [*SHOP, "--instructions", "none"]) and "Programs were not compiled" not in report("html"))
    config = home / "config.yaml"
    config.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {bpf-policy-map-max: '256'}}\n")
    policy = home / "many.yaml"
    policy.write_text(json.dumps({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "many", "namespace": "shop"}, "spec": {
        "endpointSelector": {"matchLabels": {"app": "cart"}},
        "egress": [{"toCIDR": ["10.%d.0.0/16" % n for n in range(40)], "toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"} for port in range(1000, 1010)]}]}]}}))
    many = [*CLUSTER, str(config), str(policy)]
    found = subprocess.run([NETPOLC, "lint", *many, "--select", "NP090"], capture_output=True, text=True)
    row = next(one for one in rows_of(report("cost", many)) if "shop/cart" in one["endpoints"].split())
    check("the policy map as lint has it", "`shop/cart` need %s entries of its policy map, which holds %s" % (row["policy_map_entries"], row["policy_map_max"]) in found.stdout, (row, found.stdout))
    check("over the limit", 'class="bar over"' in report("html", many))


def names(home):
    """Names are ends: by what --resolutions says, and as what they would resolve to."""
    rows = rows_of(report("csv"))
    check("a name is a destination", ["some TCP 443"] == [row["passes"] + " " + row["traffic"] for row in rows if row["from"] == "media/uploader" and row["to"] == "fqdn:storage.example.com"], rows[:3])
    check("and no source", not any(row["from"].startswith("fqdn:") for row in rows))
    check("a name in the graph", '"fqdn:storage.example.com" [label="storage.example.com"]' in report("dot"))
    known = home / "resolutions.json"
    known.write_text(json.dumps({"storage.example.com": ["198.51.100.7", "198.51.100.8"], "other.example.com": ["198.51.100.9"]}))
    resolved = [*SHOP, "--resolutions", str(known)]
    ends = {row["to"] for row in rows_of(report("csv", resolved)) if row["from"] == "media/uploader"}
    check("a name with addresses", "fqdn:storage.example.com" in ends and not any(one.startswith("ip:") or "other" in one for one in ends), ends)
    pattern = home / "pattern.yaml"
    pattern.write_text(json.dumps({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "all", "namespace": "shop"}, "spec": {
        "endpointSelector": {"matchLabels": {"app": "cart"}}, "egress": [{"toFQDNs": [{"matchPattern": "*.example.com"}]}]}}))
    for given, said in (([], "whatever names that match resolve to: no address is given for these"), (["--resolutions", str(known)], "other.example.com resolves to 198.51.100.9 (--resolutions); storage.example.com resolves to 198.51.100.7, 198.51.100.8 (--resolutions); and whatever other names that match resolve to")):
        inputs = [*CLUSTER, str(pattern), *given]
        ends = {row["to"] for row in rows_of(report("csv", inputs)) if row["from"] == "shop/cart" and not row["to"].startswith(("shop/", "media/"))}
        check("a pattern", ends == {"fqdn:*.example.com"}, ends)
        check("how a pattern is known", said in report("html", inputs))
    check("how it is known", "storage.example.com resolves to 198.51.100.7, 198.51.100.8 (--resolutions)" in report("html", resolved) and "no address is given for it" in report("html"))


def compared(home):
    rows = {(row["from"], row["to"]): row for row in rows_of(report("csv", COMPARED))}
    line = lambda *pair: [rows[pair][key] for key in ("passes", "traffic", "change", "before")]
    check("csv: closed", line("shop/legacy", "shop/orders") == ["nothing", "nothing", "closed", "TCP 8080,9090"], line("shop/legacy", "shop/orders"))
    check("csv: opened", line("entity:world-ipv4", "shop/frontend") == ["some", "TCP 8080", "opened", "nothing"])
    check("csv: narrowed", line("shop/cart", "shop/redis") == ["some", "TCP 6379", "narrowed", "TCP all"])
    check("csv: as before", line("shop/cart", "shop/orders")[2:] == ["", ""])
    lines = json.loads(subprocess.run([NETPOLC, "diff", *CLUSTER, str(TOP / "testdata/diff/shop/before"), str(TOP / "testdata/diff/shop/after"), "-o", "json"], capture_output=True, text=True).stdout)["traffic"]
    pairs = {(a, b) for line in lines for a in line["from"] for b in line["to"] if a != b}
    check("the pairs that diff has", len([row for row in rows.values() if row["change"] not in ("", "new")]) == len(pairs), len(pairs))
    done = subprocess.run(["dot", "-Tsvg"], input=report("dot", COMPARED), capture_output=True, text=True)
    check("dot of changes", done.returncode == 0 and "closed: TCP 8080,9090" in done.stdout and "stroke-dasharray" in done.stdout, done.stderr)
    check("svg of changes", len(ElementTree.fromstring(report("svg", COMPARED)).findall(".//*[@class='edge closed']")) > 1)
    git = lambda *words: subprocess.run(["git", "-C", str(home / "repository"), "-c", "user.name=n", "-c", "user.email=e@x", *words], capture_output=True, check=True)
    (home / "repository").mkdir()
    git("init", "-q")
    policies = home / "repository/policies.yaml"
    policies.write_text((TOP / "testdata/diff/shop/before/policies.yaml").read_text())
    git("add", "-A")
    git("commit", "-qm", "before")
    policies.write_text((TOP / "testdata/diff/shop/after/policies.yaml").read_text())
    check("against a commit", report("csv", [*CLUSTER, str(policies), "--git", "HEAD"]) == report("csv", COMPARED))
    git("commit", "-qam", "after")
    check("two commits", report("csv", [*CLUSTER, str(policies), "--git", "HEAD~1..HEAD"]) == report("csv", COMPARED))
    done = subprocess.run([NETPOLC, "report", "-f", "x.yaml", "--against", "y.yaml", "-o", "csv"], capture_output=True, text=True)
    check("nothing to compare with", done.returncode == 2 and "-f is what both have" in done.stderr, done.stderr)


def read_elsewhere(page):
    with Browser(dark=True) as driver:
        driver.get(page.as_uri())
        keep(driver, "dark")
        colours = driver.execute_script("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor, matchMedia('(prefers-color-scheme: dark)').matches]")
        check("dark", colours[2] and colours[0] != "rgb(28, 33, 40)", colours)
    with Browser() as driver:
        narrow(driver, 400)
        driver.get(page.as_uri())
        keep(driver, "narrow", whole=True)
        width, inside, needed = driver.execute_script("const page = document.documentElement; return [window.innerWidth, page.clientWidth, page.scrollWidth]")
        check("narrow: nothing is wider than what the scrollbar leaves", width == 400 and needed == inside, (width, inside, needed))
    with Browser(scripts=False) as driver:
        driver.get(page.as_uri())
        keep(driver, "no-script")
        check("without scripts", not driver.find_element(By.ID, "filter").is_displayed() and driver.find_element(By.ID, "matrix").is_displayed() and driver.find_element(By.ID, "graph").is_displayed())
        check("changes without scripts", len(driver.find_elements(By.CSS_SELECTOR, "#matrix .cell .sign")) > 5 and "shop/legacy → shop/orders" in driver.find_element(By.TAG_NAME, "body").text)
        only = driver.find_element(By.ID, "only-changes")
        only.click()
        check("only changes without scripts", not driver.find_element(By.CSS_SELECTOR, "#graph .edge:not(.opened, .closed, .changed)").is_displayed())
        only.click()
        summary = driver.find_element(By.TAG_NAME, "summary")
        summary.click()
        check("exact ports without scripts", "TCP 6379" in driver.find_element(By.CSS_SELECTOR, "details").text)


def hostile(home):
    """Names are text, whatever is in them. Files are where such names can come from."""
    home = home / "a<b>&\"'"
    home.mkdir()
    policy = home / "</script><script>alert(1)</script>.yaml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text((TOP / "testdata/diff/shop/after/policies.yaml").read_text())
    page = home / "page.html"
    page.write_text(report("html", [*CLUSTER, "-f", str(policy)]))
    check("no element of a name", "<script>alert" not in page.read_text())
    with Browser() as driver:
        driver.get(page.as_uri())
        check("a hostile name is shown", "alert(1)" in driver.find_element(By.TAG_NAME, "body").text)


def others(home):
    check("the same bytes", report("html") == report("html"))
    rows = list(csv.reader(io.StringIO(report("csv"))))
    check("csv", rows[0] == ["from", "to", "passes", "traffic"] and ["shop/cart", "shop/redis", "some", "TCP 6379"] in rows and {len(row) for row in rows} == {4}, rows[:3])
    root = ElementTree.fromstring(report("svg"))
    check("svg", root.tag.endswith("svg") and any("TCP 6379" in (one.text or "") for one in root.iter()))
    done = subprocess.run(["dot", "-Tjson"], input=report("dot"), capture_output=True, text=True)
    graph = json.loads(done.stdout) if done.returncode == 0 else {}
    names = {one["_gvid"]: one["name"] for one in graph.get("objects", [])}
    edges = {(names[one["tail"]], names[one["head"]], one["label"]) for one in graph.get("edges", [])}
    check("dot", ("shop/cart", "shop/redis", "TCP 6379") in edges, done.stderr)
    file = home / "written.csv"
    subprocess.run([NETPOLC, "report", *SHOP, "-o", str(file)], capture_output=True)
    check("to a file", file.read_bytes() == report("csv").replace("\n", "\n").encode() or list(csv.reader(file.open())) == rows)
    done = subprocess.run([NETPOLC, "report", *SHOP, "-o", "report.pdf"], capture_output=True, text=True)
    check("another form", done.returncode == 2 and "expected html, csv, dot, svg or cost" in done.stderr, done.stderr)
    several = subprocess.run([NETPOLC, "report", *SHOP, "-o", "csv=" + str(home / "pairs"), "-o", "cost=" + str(home / "costs"), "-o", "dot"], capture_output=True, text=True)
    check("several outputs", several.stdout == report("dot") and (home / "pairs").read_bytes() == file.read_bytes() and (home / "costs").read_text().startswith("endpoints,"), several.stderr)
    done = subprocess.run([NETPOLC, "report", *SHOP, "-o", str(home / "nowhere/report.html")], capture_output=True, text=True)
    check("nowhere to write", done.returncode == 2 and "cannot be written" in done.stderr, done.stderr)


def large(home):
    """A thousand workloads in fifty namespaces, with two policies each of which half a thousand are different."""
    draw = random.Random(1)
    objects = []
    for n in range(50):
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns%02d" % n}})
    for w in range(1000):
        ns = "ns%02d" % (w % 50)
        objects.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w%04d" % w, "namespace": ns, "labels": {"app": "w%04d" % w}}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
        objects.append({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "p%04d" % w, "namespace": ns}, "spec": {
            "endpointSelector": {"matchLabels": {"app": "w%04d" % w}},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "w%04d" % (50 * draw.randrange(20) + w % 50)}}], "toPorts": [{"ports": [{"port": str(draw.choice((80, 443, 8080))), "protocol": "TCP"}]}]}]}})
    source, former = home / "large.json", home / "former.json"
    source.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    # Every tenth policy is new.
    fewer = [one for one in objects if not (one["kind"] == "CiliumNetworkPolicy" and one["metadata"]["name"].endswith("0"))]
    former.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": fewer}))
    page = home / "large.html"
    began = time.monotonic()
    page.write_text(report("html", [str(source)]))
    made = time.monotonic() - began
    check("large: said that programs are left out", "Programs were not compiled" in page.read_text())
    began = time.monotonic()
    page.write_text(report("html", [str(source), "--against", str(former)]))
    compared = time.monotonic() - began
    with Browser() as driver:
        began = time.monotonic()
        driver.get(page.as_uri())
        check("large: matrix by namespace", len(driver.find_elements(By.CSS_SELECTOR, "#matrix tbody tr")) < 70)
        shown = time.monotonic() - began
        began = time.monotonic()
        driver.find_element(By.ID, "filter").send_keys("w0123")
        driver.find_element(By.CSS_SELECTOR, "#matrix tbody tr:not(.hidden) button.cell").click()
        check("large: details", driver.find_elements(By.CSS_SELECTOR, "#details td"))
        used = time.monotonic() - began
        keep(driver, "large")
    check("large: times", made < 20 and compared < 30 and shown < 10 and used < 10, (made, compared, shown, used))
    print("1,000 workloads: made in %.1f s, compared in %.1f s, %.1f MB, shown in %.1f s, filter and cell %.1f s" % (made, compared, page.stat().st_size / 1e6, shown, used))


def main():
    with tempfile.TemporaryDirectory(prefix="report-") as home:
        home = pathlib.Path(home)
        page = home / "report.html"
        page.write_text(report("html"))
        read(page)
        read_costs(page)
        changes = home / "changes.html"
        changes.write_text(report("html", COMPARED))
        read_changes(changes)
        read_elsewhere(changes)
        costs(home)
        names(home)
        compared(home)
        hostile(home)
        others(home)
        large(home)
    print("report: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
