"""What benchmarks share: rows with limits, and how a process or a stage is measured."""
import json
import os
import subprocess
import sys
import time


class Table:
    """Rows for people, the same as data, and whether a limit was missed."""

    def __init__(self):
        self.data, self.missed = [], 0

    def heading(self, text, columns):
        print("\n%s\n%-40s %12s %12s %12s  %s" % ((text, "") + columns))

    def row(self, name, milliseconds, median, other=None, limit=None, note=""):
        # A stage that is told by a difference can come out as nothing on a busy machine.
        ratio = "" if other is None or milliseconds == 0 else ("1/%.1f" % (other / milliseconds) if milliseconds < other else "%.1f" % (milliseconds / other))
        verdict = ""
        if limit is not None:
            good = milliseconds <= limit
            self.missed += not good
            verdict = "%s %.0f ms" % ("within" if good else "MISSED", limit)
        print("%-40s %12s %12s %12s  %s" % (name, "%.1f ms" % milliseconds, "%.1f ms" % median, "" if other is None else "%.0f ms" % other,
                                            "  ".join(x for x in (ratio, verdict, note) if x)))
        self.data.append({"name": name, "ms": milliseconds, "median": median, "other": other, "limit": limit, "note": note})

    def check(self, name, value, limit, unit):
        """Something that isn't a time, with its limit."""
        good = value <= limit
        self.missed += not good
        print("%-40s %12s %s" % (name, ("%.2f %s" if isinstance(value, float) and value < 10 else "%.0f %s") % (value, unit),
                                 "%26s %s %g %s" % ("", "within" if good else "MISSED", limit, unit)))
        self.data.append({"name": name, "value": value, "unit": unit, "limit": limit})

    def finish(self, path):
        """Writes the data, says how it went, and returns the exit status."""
        if path:
            path.write_text(json.dumps(self.data, indent=2) + "\n")
        print("\nevery limit is kept" if not self.missed else "\n%d limits are missed" % self.missed)
        return 1 if self.missed else 0


def measured(command, **kwargs):
    """Seconds of wall and processor time and peak memory in MiB of one run."""
    start = time.monotonic()
    child = subprocess.Popen([str(c) for c in command], **kwargs)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode


def stages(binary, *arguments):
    out = subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit("bench: netpolc-bench %s: %s" % (" ".join(map(str, arguments)), out.stderr.strip()))
    return json.loads(out.stdout)


def peak_of(command):
    return measured(command, stdout=subprocess.DEVNULL)[2]


def machine():
    name = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    return "%d × %s, load %s" % (os.cpu_count(), name, open("/proc/loadavg").read().split()[0])
