#!/usr/bin/env python3
"""The systemd unit of the daemon: that systemd understands it, and how much it leaves to whoever takes the process over.

usage: unit_test.py      77: skipped, where there is no systemd-analyze
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
UNIT = TOP / "debian" / "netpolc-loader.service"
# In tenths, as `systemd-analyze security` counts exposure: 100 is everything, below 20 is what it calls OK. Three capabilities
# and being root are what is left.
THRESHOLD = 20
THREE = {"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"}


def analyze(*words):
    return subprocess.run(["systemd-analyze", *[str(word) for word in words]], capture_output=True, text=True, env=dict(os.environ, SYSTEMD_PAGER="cat", LC_ALL="C"), timeout=60)


def main():
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is not installed")
        sys.exit(77)
    failed = []
    text = UNIT.read_text()
    capabilities = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.M)
    if len(capabilities) != 1 or set(capabilities[0].split()) != THREE:
        failed.append("capabilities are %s" % capabilities)
    for line in ("Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=300", "RuntimeDirectoryPreserve=yes"):
        if line not in text.splitlines():
            failed.append("the unit lacks `%s`" % line)
    with tempfile.TemporaryDirectory(prefix="unit-") as home:
        # The program is where the package puts it, and perhaps not on this machine.
        unit = pathlib.Path(home) / UNIT.name
        unit.write_text(re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", text, flags=re.M).replace("Documentation=man:netpol-loader(8)\n", ""))
        done = analyze("verify", "--man=no", unit)
        of_this = [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line or str(unit) in line]
        if done.returncode != 0 or of_this:
            failed.append("systemd-analyze verify: exit %d\n%s" % (done.returncode, done.stdout + done.stderr))
        done = analyze("security", "--offline=true", "--threshold=%d" % THRESHOLD, unit)
        level = re.findall(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
        if done.returncode != 0 or not level:
            failed.append("systemd-analyze security: exit %d\n%s%s" % (done.returncode, done.stdout, done.stderr))
        # It can fail: without its sandbox it is over the threshold.
        bare = unit.read_text()
        unit.write_text(re.sub(r"^(Protect|Restrict|Private|SystemCall|Capability|NoNew).*\n", "", bare, flags=re.M))
        if analyze("security", "--offline=true", "--threshold=%d" % THRESHOLD, unit).returncode == 0:
            failed.append("a unit without a sandbox is below the threshold, too")
    for why in failed:
        print("FAIL", why)
    print("exposure %s of 10, %d failed" % (level[0] if level else "unknown", len(failed)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
