"""What bounds a step: its parts beside what a core can do at most, and a picture of it."""
import json
import math

from common import AS_ROOT, BIN, HAS_BF16, ROOT, run
from table import Row

PICTURE = ROOT / "build/roofline.svg"  # the one in README.md is a copy
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 520, 70, 30, 20, 50
X_DECADES, Y_DECADES = (-1, 4), (-2, 4)  # operations a byte; GFLOP/s
COLOURS = {"convolutions": "#1f77b4", "memory passes": "#d62728", "loss": "#2ca02c", "optimiser": "#9467bd", "all-reduce": "#8c564b"}
LINE = 15  # between labels
LETTER = 8  # at most


def place(intensity, rate):
    """Of a point in the picture."""
    x = (math.log10(intensity) - X_DECADES[0]) / (X_DECADES[1] - X_DECADES[0])
    y = (math.log10(rate) - Y_DECADES[0]) / (Y_DECADES[1] - Y_DECADES[0])
    return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, anchor="start", colour="#333"):
    """A piece of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def grid():
    """Lines and numbers of the decades."""
    parts = []
    for decade in range(X_DECADES[0], X_DECADES[1] + 1):
        (x, bottom), (_, top) = place(10.0**decade, 10.0**Y_DECADES[0]), place(10.0**decade, 10.0**Y_DECADES[1])
        parts += [f'<path d="M{x:.0f} {bottom:.0f}V{top:.0f}" stroke="#ddd"/>', text(x, bottom + 18, f"{10.0**decade:g}", "middle")]
    for decade in range(Y_DECADES[0], Y_DECADES[1] + 1):
        (left, y), (right, _) = place(10.0**X_DECADES[0], 10.0**decade), place(10.0**X_DECADES[1], 10.0**decade)
        parts += [f'<path d="M{left:.0f} {y:.0f}H{right:.0f}" stroke="#ddd"/>', text(left - 8, y + 4, f"{10.0**decade:g}", "end")]
    parts.append(text(WIDTH / 2, HEIGHT - 10, "operations for each byte that is read or written at least", "middle"))
    parts.append(text(8, 18, "GFLOP/s of one core"))
    return parts


def draw(parts, peak, bandwidth, precision):
    """The picture: what a core can do as a line, each part of a step as a point."""
    ridge = peak / bandwidth
    corners = [place(10.0**X_DECADES[0], bandwidth * 10.0**X_DECADES[0]), place(ridge, peak), place(10.0**X_DECADES[1], peak)]
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *grid(),
             '<polyline fill="none" stroke="#333" stroke-width="2" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in corners) + '"/>',
             text(corners[2][0], corners[2][1] - 8, f"product of matrices, {precision}: {peak:.0f} GFLOP/s", "end"),
             text(place(1, bandwidth)[0] - 12, place(1, bandwidth)[1] - 4, f"copy: {bandwidth:.1f} GB/s", "end")]
    places = {part["part"]: place(part["gflop"] / part["gbyte"], part["gflop"] / part["seconds"]) for part in parts}
    free = corners[2][1] + 4  # above it no label has room: points are labelled from the top, each label below the one before
    for name, (x, y) in sorted(places.items(), key=lambda each: each[1][1]):
        colour = next(colour for kind, colour in COLOURS.items() if name.startswith(kind))
        free = max(free + LINE, y + 4)
        start = x + 25
        for other_x, other_y in sorted(places.values()):  # a label begins behind a point that it would cover
            if start < other_x < start + LETTER * len(name) and abs(other_y - free + 5) < LINE:
                start = other_x + LETTER
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        lines.append(f'<path d="M{x:.0f} {y:.0f}L{start - 3:.0f} {free - 4:.0f}" stroke="{colour}"/>')
        lines.append(text(start, free, name, colour=colour))
    PICTURE.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def all_reduce():
    """Of a bucket of 25 MiB over two ranks of this machine, as a part of a step."""
    line = json.loads(run(["mpirun", "-n", 2, "--oversubscribe", *AS_ROOT, BIN / "bench_comm"])[0].splitlines()[-1])
    bucket = 25 << 20
    return {"part": "all-reduce, 2 ranks", "gflop": bucket / 4 / 2 / 1e9, "gbyte": bucket / 1e9, "seconds": line["all_reduce_us"] / 1e6}


def bench_roofline(_):
    """The more of a bound a part reaches, the less is left to gain."""
    precision = "bf16" if HAS_BF16 else "fp32"
    out, _ = run([BIN / "bench_roofline", precision])
    product, copy, *parts = map(json.loads, out.splitlines())
    parts.append(all_reduce())
    peak, bandwidth = product["gflop"] / product["seconds"], copy["gbyte"] / copy["seconds"]
    draw(parts, peak, bandwidth, precision)
    for part in parts:
        name, more = f"roofline: {part['part']}, {precision}", {"share_of_peak": round(part["gflop"] / part["seconds"] / peak, 4)}
        if peak < bandwidth * part["gflop"] / part["gbyte"]:
            yield Row(name, "GFLOP/s", [part["gflop"] / part["seconds"]], "products of matrices", [peak], more=more)
        else:
            yield Row(name, "GB/s", [part["gbyte"] / part["seconds"]], "copying", [bandwidth], more=more)
