#!/usr/bin/env python3
"""`netpolc report` as its readers have it: the page in a headless Chromium, the graph in Graphviz, the table in a CSV reader.

usage: report_test.py NETPOLC [DIRECTORY]      screenshots are left in DIRECTORY, if it is given
"""
import csv, io, json, os, pathlib, random, subprocess, sys, tempfile, time, xml.etree.ElementTree as ElementTree

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
KEPT = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
SHOP = ["-f", str(TOP / "testdata/diff/shop/cluster.yaml"), "-f", str(TOP / "testdata/diff/shop/after")]
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


def keep(driver, name):
    if KEPT:
        KEPT.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(KEPT / (name + ".png")))


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
        check("nothing is fetched", driver.execute_script("return performance.getEntriesByType('resource').length") == 0)
        said = [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        check("console", not said, said)
        check("no sideways scrolling", driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))


def read_elsewhere(page):
    with Browser(dark=True) as driver:
        driver.get(page.as_uri())
        keep(driver, "dark")
        colours = driver.execute_script("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor, matchMedia('(prefers-color-scheme: dark)').matches]")
        check("dark", colours[2] and colours[0] != "rgb(28, 33, 40)", colours)
    with Browser(width=500) as driver:
        driver.get(page.as_uri())
        keep(driver, "narrow")
        check("narrow", driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))
    with Browser(scripts=False) as driver:
        driver.get(page.as_uri())
        keep(driver, "no-script")
        check("without scripts", not driver.find_element(By.ID, "filter").is_displayed() and driver.find_element(By.ID, "matrix").is_displayed() and driver.find_element(By.ID, "graph").is_displayed())
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
    page.write_text(report("html", ["-f", str(TOP / "testdata/diff/shop/cluster.yaml"), "-f", str(policy)]))
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
    check("another form", done.returncode == 2 and "expected html, csv, dot or svg" in done.stderr, done.stderr)
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
    source = home / "large.json"
    source.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    page = home / "large.html"
    began = time.monotonic()
    page.write_text(report("html", ["-f", str(source)]))
    made = time.monotonic() - began
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
    check("large: times", made < 20 and shown < 10 and used < 10, (made, shown, used))
    print("1,000 workloads: made in %.1f s, %.1f MB, shown in %.1f s, filter and cell %.1f s" % (made, page.stat().st_size / 1e6, shown, used))


def main():
    with tempfile.TemporaryDirectory(prefix="report-") as home:
        home = pathlib.Path(home)
        page = home / "report.html"
        page.write_text(report("html"))
        read(page)
        read_elsewhere(page)
        hostile(home)
        others(home)
        large(home)
    print("report: %s" % ("%d checks failed" % failed if failed else "all checks hold"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
