# SPDX-License-Identifier: MIT
"""What was found, as text for the terminal and as Markdown between the markers of docs/bench.md."""

import os
import platform
import time
from pathlib import Path

import chart
import servers
from figures import number

BEGIN, END = "<!-- figures, written by make bench -->", "<!-- end of figures -->"
TARGET_COLUMNS = ["", "measured (range of the rounds)", "wanted", ""]


def text(scene):
    """The tables of a scene."""
    lines = []
    for table in scene.tables:
        lines += ["", table.title, "", *aligned([table.columns, *table.rows])]
    return "\n".join(lines + [""] + scene.notes)


def targets(scenes):
    """The targets of all scenes and how they were met."""
    return "\n".join(["", "Targets", "", *aligned([TARGET_COLUMNS, *target_rows(scenes)])])


def target_rows(scenes):
    return [[target.text, str(target.figure), target.wanted, target.verdict]
            for scene in scenes for target in scene.targets]


def aligned(rows):
    """Lines of columns: the first to the left, the others to the right."""
    rows = [[number(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
            for row in rows]


def markdown_table(columns, rows):
    """Lines of a Markdown table."""
    cells = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return ["| " + " | ".join(number(cell) for cell in row) + " |" for row in cells]


def machine():
    """Where this was measured, in one line."""
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    virtual = ", virtual" if "hypervisor" in Path("/proc/cpuinfo").read_text() else ""
    return f"{len(models)} cores {models[0]}{virtual}, {memory:.0f} GiB, Linux {platform.release()}"


def date():
    return time.strftime("%Y-%m-%d")


def markdown(scenes, command):
    lines = [f"Measured on {date()} by `{command}`: {machine()}. Compared: {', '.join(servers.versions())}.", "",
             "![CPU of a query, to the better of NSD and Knot](ratios.svg)", "",
             "![Growth from 10,000 to 10,000,000 accounts](growth.svg)", "",
             "### Targets", "", *markdown_table(TARGET_COLUMNS, target_rows(scenes))]
    for scene in scenes:
        for table in scene.tables:
            lines += ["", f"### {table.title}", "", *markdown_table(table.columns, table.rows)]
        lines += ["", *scene.notes] if scene.notes else []
    return "\n".join(lines)


def write(scenes, folder, command):
    """Writes bench.md, between its markers if it has them, and the charts for which there are figures."""
    path = folder / "bench.md"
    old = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{markdown(scenes, command)}\n{END}{after}")
    caption = f"{machine()} · {date()}"
    found = {scene.name: scene.chart for scene in scenes}
    if "growth" in found:
        (folder / "growth.svg").write_text(chart.growth(found["growth"], caption))
    if "udp" in found and "tcp" in found:
        (folder / "ratios.svg").write_text(chart.ratios(found["udp"] | found["tcp"], caption))
    return path
