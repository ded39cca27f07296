#!/usr/bin/env python3
"""table.py RESULTS: the bench's files as tables: medians, ratios and the goals of the design beside them."""
import glob
import os
import statistics
import sys

folder = sys.argv[1]
MEMORY_GOAL_KIB = 8 * 1024


def turns(*names):
    """Rows of turns' output by label: (median ms, mean of two sessions, median of more; peak KiB; failures; fastest ms)."""
    rows = {}
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            continue
        for line in open(path, encoding="utf-8"):
            cells = line.rstrip("\n").split("\t")
            if len(cells) == 6:
                rows.setdefault(cells[0], []).append((float(cells[1]), int(cells[4]), int(cells[5]), float(cells[2])))
    return {k: (statistics.median(x[0] for x in v) if len(v) > 2 else statistics.mean(x[0] for x in v), max(x[1] for x in v), sum(x[2] for x in v), min(x[3] for x in v)) for k, v in rows.items()}


def together(one, other):
    """Two rows as one: what both take."""
    return one[0] + other[0], max(one[1], other[1]), one[2] + other[2], one[3] + other[3]


def verdict(value, goal, at_least=False):
    return "met" if (value >= goal if at_least else value <= goal) else "MISSED"


def line(*cells):
    print("  " + f"{cells[0]:<44}" + "".join(f"{c:>14}" for c in cells[1:]))


def times(title, rows, base, goals):
    print(f"\n{title}")
    line("", "ms", f"x {base}", "goal", "fastest", f"x {base}", "peak KiB", "failed")
    for label, (ms, kib, failed, fastest) in rows.items():
        ratio = ms / rows[base][0]
        goal = goals.get(label)
        line(label, f"{ms:.2f}", f"{ratio:.2f}", f"<= {goal} {verdict(ratio, goal)}" if goal else "", f"{fastest:.2f}", f"{fastest / rows[base][3]:.2f}", kib, failed)


alone = turns("first-alone.tsv", "second-alone.tsv")
beside = turns("first-beside.tsv", "second-beside.tsv")
reads = turns("first-reads.tsv", "second-reads.tsv")
life = turns("first-life.tsv", "second-life.tsv")
crowd = turns("first-crowd.tsv", "second-crowd.tsv")
podman = turns("podman.out")
if "run-d" in life:
    life["run-d + rm-f"] = together(life["run-d"], life["rm-f"])
if "podman-run-d" in podman:
    podman["podman-run-d + rm-f"] = together(podman["podman-run-d"], podman["podman-rm-f"])

times("A lone `run --rm IMAGE true`", alone, "floor", {"run": 1.8, "run-none": 1.5})
times("The same while another container lives (floor: still making its own user namespace)", beside, "floor", {"run": 1.2, "run-none": 1.2})
times("Commands that only read", reads, "glib", {"version": 3, "ps": 3, "images": 3})

for title, rows in (("Containers that outlive their command", life), ("`ps -a` of a crowd, most of it stopped", crowd)):
    if rows:
        print(f"\n{title}")
        line("", "ms", "fastest", "peak KiB", "failed")
        for label, (ms, kib, failed, fastest) in rows.items():
            line(label, f"{ms:.2f}", f"{fastest:.2f}", kib, failed)

if podman:
    with open(os.path.join(folder, "podman.out"), encoding="utf-8") as f:
        print(f"\nBeside {f.readline().strip()}")
    line("", "podman ms", "coracle ms", "times faster", "goal")
    pairs = [("podman", "run", alone, 15), ("podman-none", "run-none", alone, 15), ("podman-ps", "ps", reads, 15), ("podman-images", "images", reads, 15),
             ("podman-version", "version", reads, 15), ("podman-exec", "exec", life, 25), ("podman-run-d + rm-f", "run-d + rm-f", life, 12),
             ("podman-ps-crowd", "ps-crowd", crowd, 15)]
    for theirs, ours, rows, goal in pairs:
        if theirs in podman and ours in rows:
            faster = podman[theirs][0] / rows[ours][0]
            line(ours, f"{podman[theirs][0]:.1f}", f"{rows[ours][0]:.2f}", f"{faster:.1f}", f">= {goal} {verdict(faster, goal, True)}")

large = {tool: turns(f"images-{tool}.tsv") for tool in ("coracle", "podman", "skopeo")}
if large["coracle"]:
    print("\nThe large image: five layers, Debian with gcc and python3, 20,000 small files, 60 MB that do not compress; Debian's docker-registry on loopback")
    line("", "coracle ms", "podman ms", "skopeo ms", "times faster", "goal", "peak KiB", "podman KiB")
    none = (float("nan"), 0, 0, 0.0)
    for what, goal in (("pull", 4), ("pull-again", None), ("save", 5), ("load", 2), ("push", 2), ("rmi", None)):
        ours, podman_row, skopeo_row = (large[tool].get(what, none) for tool in ("coracle", "podman", "skopeo"))
        faster = podman_row[0] / ours[0]
        wanted = f"<= 30 ms {verdict(ours[0], 30)}" if what == "pull-again" else f">= {goal} {verdict(faster, goal, True)}" if goal and podman_row[0] > 0 else ""
        line(what, f"{ours[0]:.0f}", f"{podman_row[0]:.0f}", f"{skopeo_row[0]:.0f}", f"{faster:.1f}", wanted, ours[1], podman_row[1])
    most = max(row[1] for label, row in large["coracle"].items() if label not in ("sync", "rm"))
    print(f"  peak memory with the large image: {most} KiB (goal <= 102400: {verdict(most, 102400)})")

peak = max(kib for rows in (alone, beside, reads, life, crowd) for label, (_, kib, _, _) in rows.items() if label not in ("floor", "bwrap", "glib"))
print(f"\nPeak memory of the command line: {peak} KiB (goal <= {MEMORY_GOAL_KIB}: {verdict(peak, MEMORY_GOAL_KIB)})")

resident = {}
for path in glob.glob(os.path.join(folder, "*-resident.tsv")):
    for row in open(path, encoding="utf-8"):
        name, kib = row.split("\t")
        resident[name] = max(resident.get(name, 0), int(kib))
for name, kib in sorted(resident.items()):
    print(f"Resident while a container runs: {name} {kib} KiB")


def parts(title, pattern):
    rows = {}
    for path in glob.glob(os.path.join(folder, pattern)):
        for row in open(path, encoding="utf-8"):
            name, _, ms = row.rstrip("\n").partition("\t")
            rows.setdefault(name, []).append(float(ms.split("\t")[0]))
    if rows:
        print(f"\n{title}")
        for name, values in rows.items():
            line(name, f"{statistics.median(values):.2f}")
        line("together", f"{sum(statistics.median(v) for v in rows.values()):.2f}")


parts("What the floor is made of (ms)", "*-floor-parts.tsv")
parts("The budget of `run`: its parts measured alone (ms; several overlap, see the design)", "budget-*.tsv")
