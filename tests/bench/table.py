"""What benchmarks say: the rows of one table."""
import json
import statistics
from dataclasses import dataclass, field

WIDTHS = (58, 30, 46, 6, 13)
HEADER = ("figure", "ours", "beside it", "ratio", "MiB")


def spread(values, digits=3):
    """Median, and least and most where there are several: "1.73 (1.71 to 1.74)"."""
    def text(value):
        return f"{value:.{digits}g}" if abs(value) < 999.5 else f"{value:.0f}"
    middle = text(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({text(min(values))} to {text(max(values))})"


@dataclass
class Row:
    """One figure of ours beside a peer's or a limit, measured in the same minutes."""
    figure: str
    unit: str
    ours: list                      # a number a run
    beside: str = ""                # what stands beside it; nothing: it stands alone
    theirs: list = field(default_factory=list)
    less_is_better: bool = False
    mib: float = None               # peak memory of a process
    mib_beside: float = None
    more: dict = field(default_factory=dict)  # further figures
    command: str = ""

    def ratio(self):
        """Above 1: better than what stands beside it."""
        if not self.theirs:
            return None
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        if self.less_is_better:
            ours, theirs = theirs, ours
        return ours / theirs if theirs else float("inf")

    def as_json(self):
        """One line; numbers as measured."""
        line = {"figure": self.figure, "unit": self.unit, "ours": statistics.median(self.ours), "ours_runs": self.ours}
        if self.theirs:
            line |= {"beside": self.beside, "theirs": statistics.median(self.theirs), "their_runs": self.theirs, "ratio": round(self.ratio(), 4)}
        line |= {"mib": self.mib, "mib_beside": self.mib_beside, **self.more, "command": self.command}
        return json.dumps({key: value for key, value in line.items() if value is not None})

    def as_text(self):
        """A line of the table."""
        beside = f"{spread(self.theirs)}  {self.beside}" if self.theirs else ""
        ratio = f"{self.ratio():.2f}" if self.theirs else ""
        mib = " / ".join(f"{each:.0f}" for each in (self.mib, self.mib_beside) if each is not None)
        return line_of((self.figure, f"{spread(self.ours)} {self.unit}", beside, ratio, mib), self.command)


def line_of(cells, command):
    """Cells in their columns, the command last."""
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS)) + "  " + command


def header():
    """The line above the rows."""
    return line_of(HEADER, "command")
