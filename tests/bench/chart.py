# SPDX-License-Identifier: MIT
"""Two charts as SVG, in light and in dark as the reader's screen is set.

Each is a list of SVG elements put together from four shapes; colours are classes, so that one style sheet serves both.
"""

from html import escape

from figures import number

STYLE = """\
  <style>
    text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; }
    .small { font-size: 11px; fill: #59636e; }
    .back { fill: #ffffff; }
    .grid { stroke: #d1d9e0; }
    .mark { stroke: #59636e; stroke-dasharray: 4 3; }
    .ours { fill: #0969da; stroke: #0969da; }
    .other { fill: #9aa4b0; stroke: none; }
    .bare { fill: #d1d9e0; stroke: none; }
    .line { fill: none; stroke: #0969da; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .small { fill: #9198a1; }
      .back { fill: #0d1117; }
      .grid { stroke: #3d444d; }
      .mark { stroke: #9198a1; }
      .ours { fill: #4493f8; stroke: #4493f8; }
      .other { fill: #656c76; }
      .bare { fill: #3d444d; }
      .line { stroke: #4493f8; }
    }
  </style>"""

WIDTH = 840


def words(x, y, text, css="", anchor="start"):
    return f'  <text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(text)}</text>'


def line(x1, y1, x2, y2, css):
    return f'  <line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def bar(x, y, width, height, css):
    return f'  <rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{css}" rx="2"/>'


def dot(x, y):
    return f'  <circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="ours"/>'


def svg(height, title, caption, shapes):
    """A whole picture: background, title, caption below, and the shapes."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">', STYLE, bar(0, 0, WIDTH, height, "back"),
        words(20, 28, title, "title"), *shapes, words(20, height - 12, caption, "small"), "</svg>", ""])


# -- CPU of a query, the better peer being 1 ---------------------------------------------------------------------------

PEERS = ("NSD", "Knot")
CSS = {"acmezone": "ours", "bare sockets": "bare"}
LEFT, RIGHT, TOP, BAR, GAP = 270, 20, 62, 15, 16
ORDER = ("acmezone", *PEERS, "bare sockets")


def ratios(loads, caption):
    """`loads`: for each kind of load the CPU of a query by server."""
    relative = {load: {name: by_server[name] / min(by_server[peer] for peer in PEERS)
                       for name in ORDER if name in by_server} for load, by_server in loads.items()}
    most = max(value for by_server in relative.values() for value in by_server.values())
    scale = (WIDTH - LEFT - RIGHT) / most
    shapes, y = [], TOP
    for load, by_server in relative.items():
        shapes.append(words(20, y + BAR - 3, load))
        for name, value in by_server.items():
            css = CSS.get(name, "other")
            shapes += [words(LEFT - 44, y + BAR - 4, name, "small", "end"), bar(LEFT, y, value * scale, BAR - 3, css),
                       words(LEFT - 8, y + BAR - 4, number(value), "small", "end")]
            y += BAR
        y += GAP
    mark = [line(LEFT + scale, TOP - 8, LEFT + scale, y - GAP, "mark"),
            words(LEFT + scale, TOP - 12, "the better of NSD and Knot", "small", "middle")]
    return svg(y + 22, "CPU time of a DNS query: less is better", caption, shapes + mark)


# -- Growth ------------------------------------------------------------------------------------------------------------

PANELS = (("cpu_us", "CPU µs a query"), ("start_ms", "start to first answer, ms"),
          ("private_mib", "private memory, MiB"))
PANEL_GAP, PANEL_TOP, PANEL_HEIGHT = 40, 70, 170


def growth(found, caption):
    """`found["sizes"]`: for each size its number of accounts and the ratios that PANELS name."""
    width = (WIDTH - 40 - PANEL_GAP * (len(PANELS) - 1)) / len(PANELS)
    shapes = []
    for at, (key, title) in enumerate(PANELS):
        shapes += panel(20 + at * (width + PANEL_GAP), width, title, [(size["accounts"], size[key])
                                                                      for size in found["sizes"]])
    ends = [short(found["sizes"][at]["accounts"]) for at in (0, -1)]
    return svg(PANEL_TOP + PANEL_HEIGHT + 56, f"Growth from {ends[0]} to {ends[1]} accounts", caption, shapes)


def panel(left, width, title, points):
    """One quantity over the number of accounts, from zero up; thin lines show the range of the rounds."""
    bottom = PANEL_TOP + PANEL_HEIGHT
    most = max(figure.high for _, figure in points) * 1.2
    xs = [left + width * (at + 0.5) / len(points) for at in range(len(points))]

    def y(value):
        return bottom - PANEL_HEIGHT * value / most

    shapes = [words(left, PANEL_TOP - 12, title), line(left, bottom, left + width, bottom, "grid")]
    path = " ".join(f"{x:.1f},{y(figure.value):.1f}" for x, (_, figure) in zip(xs, points))
    shapes.append(f'  <polyline points="{path}" class="line"/>')
    for x, (accounts, figure) in zip(xs, points):
        shapes += [line(x, y(figure.low), x, y(figure.high), "ours"), dot(x, y(figure.value)),
                   words(x, y(figure.high) - 8, number(figure.value), "", "middle"),
                   words(x, bottom + 18, short(accounts), "small", "middle")]
    return shapes


def short(accounts):
    """10000 -> '10 k'."""
    return f"{accounts // 10**6} M" if accounts >= 10**6 else f"{accounts // 10**3} k"
