#!/usr/bin/env python3
"""Compiles policies and has netpolc prove every program of the bundles.

usage: scenarios.py NETPOLC POLICIES [VECTORS]
  NETPOLC   the netpolc binary
  POLICIES  directories of manifests (testdata/policies)
  VECTORS   the unpacked conformance vectors: run.py, visible/, visible-1.20/
Exit status 0 when all were proved. The last line is 'N programs proved, N failed'.
"""
import concurrent.futures, importlib.util, json, os, pathlib, re, subprocess, sys, tempfile


def runner(directory):
    spec = importlib.util.spec_from_file_location("run", directory / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prove(binary, arguments, bundle):
    """Proved programs, and what was said of the others. Policies that can't be compiled have none."""
    compiled = subprocess.run([binary, "compile", *arguments, "-o", bundle, "--l7=drop"], capture_output=True, text=True, timeout=600)
    if compiled.returncode != 0:
        return 0, [] if compiled.returncode == 3 else [compiled.stderr.strip()], []
    done = subprocess.run([binary, "prove", bundle, *arguments, "-o", "json", "--jobs", "1"], capture_output=True, text=True, timeout=600)
    if not done.stdout.startswith("["):
        return 0, [done.stderr.strip()], []
    programs = json.loads(done.stdout)
    bad = ["%s: %s" % (p["endpoints"][0], [x for x in p["parts"] if x["answer"] != "proved"]) for p in programs if p["answer"] != "proved"]
    if (done.returncode == 0) != (not bad):
        bad.append("exit code %d" % done.returncode)
    return sum(p["answer"] == "proved" for p in programs), bad, [float(t) for t in re.findall(r"(?:median|longest) (\d+) ms", done.stderr)]


def scenario_arguments(run, scenario, version, home):
    (home / "policies").mkdir()
    (home / "cluster.json").write_text(json.dumps(run.manifests(scenario)))
    for n, text in enumerate(scenario["policies"]):
        (home / "policies" / ("%02d.yaml" % n)).write_text(text)
    arguments = ["-f", str(home / "cluster.json"), "-f", str(home / "policies"), "--keep-going", "--lax", "--cilium-version", version]
    if scenario.get("fqdnIPs"):
        (home / "resolutions.json").write_text(json.dumps(scenario["fqdnIPs"]))
        arguments += ["--resolutions", str(home / "resolutions.json")]
    return arguments


def jobs(policies, vectors=None):
    """Names, and what makes the arguments of each in a directory of its own."""
    out = [(path.name, lambda home, path=path: ["-f", str(path)]) for path in sorted(policies.iterdir())]
    if vectors:
        run = runner(vectors)
        for folder, version in (("visible", "1.18"), ("visible-1.20", "1.20")):
            for path in sorted((vectors / folder).glob("*.json")):
                for s in json.loads(path.read_text())["scenarios"]:
                    out.append((s["name"] + " (" + version + ")", lambda home, s=s, v=version: scenario_arguments(run, s, v, home)))
    return out


def main():
    binary = os.path.abspath(sys.argv[1])
    todo = jobs(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None)

    def one(job):
        with tempfile.TemporaryDirectory(prefix="prove-") as home:
            return prove(binary, job[1](pathlib.Path(home)), os.path.join(home, "bundle"))

    good, failed, times = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, _), (proved, bad, took) in zip(todo, pool.map(one, todo)):
            good += proved
            failed += len(bad)
            times += took[:1]
            for text in bad[:3]:
                print("%s: %s" % (name, text), flush=True)
    times.sort()
    if times:
        print("of %d bundles, a program takes %.0f ms in the middle, 95 %% under %.0f ms" % (len(times), times[len(times) // 2], times[len(times) * 95 // 100]))
    print("%d programs proved, %d failed" % (good, failed))
    sys.exit(0 if good and not failed else 1)


if __name__ == "__main__":
    main()
