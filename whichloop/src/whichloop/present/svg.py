"""A recording as an SVG picture that stands alone: the lanes and threads that text shows. Pure."""

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from whichloop.present.picture import (
    NO_CROSSING,
    NO_LOOP,
    Lane,
    Picture,
    Tests,
    kind_of,
    pictures_of,
    short,
)
from whichloop.present.section import life
from whichloop.present.style import STYLE
from whichloop.present.threads import Thread, alike, legend
from whichloop.records import Ran, Recording

NAMESPACE = "http://www.w3.org/2000/svg"
# All in pixels. No letter of a monospaced font of 13 pixels is wider than LETTER.
LETTER, LINE, MARGIN, GAP = 8, 18, 16, 12
# The ticks drawn are a STEP apart, or more where they are few.
STEP, ROOM = 28, 560
# What is longer is cut; its <title> has it whole. In letters.
NAME, LABEL, WORDS = 44, 20, 110
# Names below a lane take so many lines at most; the others are counted.
MAX_LINES = 6
# Threads differ in number and dashes; colour comes on top.
DASHES = ("7 4", "2 4", "14 4", "12 4 2 4", "7 3 2 3 2 3", "4 8")
TITLE = "Event loops, and the objects that were used on another loop than their own"
KEY = (
    "A lane is an event loop from where it was opened to where it was closed; arrow: still open.",
    "Dot: an object bound to the loop. Cross: it was used there. One number: one object, or alike.",
)
_NOT_IN_XML = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw_svg(recordings: Sequence[Recording], tests: Tests = None, every: bool = False) -> str:
    """Draw what was recorded in one process or several, one below the other, as an SVG document in
    ASCII; which loops are drawn, and what the others did, is as in ``draw_lanes``."""
    root = svg_element(pictures_of(recordings, tests, every))
    ET.indent(root, " ")
    return ET.tostring(root).decode()  # other letters than ASCII's as references


def svg_element(pictures: Iterable[Picture], *, in_page: bool = False) -> ET.Element:
    """The document's root. ``in_page``: without its style, which a page has once; and loops and
    marks can be pointed at, or reached with the keyboard, and then tell who did what, and where."""
    drawing = _Drawing()
    for picture in pictures:
        drawing.add(picture)
    return drawing.document(in_page)


def _letters(text: str) -> int:
    """How many columns a text takes: letters of Chinese, Japanese and Korean, and emoji, two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cut(text: str, letters: int) -> str:
    if _letters(text) <= letters:
        return text
    while _letters(text) >= letters:
        text = text[: letters - 1] if len(text) >= letters else text[:-1]
    return f"{text}…"


def _sentence(row: Ran) -> str:
    return f"{row.kind} {row.name}" + (f", {row.outcome}" if row.outcome else "")


class _Drawing:
    """What is drawn so far: lines lie under words, words under marks. ``y`` is where the next thing
    goes, ``right`` where the widest ends; ``told`` says the same in sentences."""

    def __init__(self) -> None:
        self.lines, self.words, self.marks = (ET.Element("g") for _ in range(3))
        self.spots: list[tuple[int, int, list[str]]] = []  # where, and what is told there
        self.y, self.right, self.number = MARGIN, 0, 0
        self.told: list[str] = []
        self.x: dict[int | None, int] = {}  # by tick
        self.lane: dict[str, int] = {}  # how far down a loop's lane is, by its name

    def document(self, in_page: bool) -> ET.Element:
        for words in KEY:
            self._line(words, kind="dim")
        width, height = str(self.right + MARGIN), str(self.y + MARGIN)
        box = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
        # Of a picture ("img") a screen reader shows no parts.
        role = {"role": "group", "aria-label": TITLE} if in_page else {"role": "img"}
        root = ET.Element("svg", {"xmlns": NAMESPACE, "class": "whichloop"} | role | box)
        if not in_page:
            put(root, "title", TITLE)
        put(root, "desc", " ".join(self.told))
        if not in_page:
            put(root, "style").text = STYLE
        put(root, "rect", **{"class": "paper", "width": width, "height": height})
        root.extend([self.lines, self.words, self.marks])
        for x, y, told in self.spots if in_page else []:
            self._spot(put(root, "g"), x, y, told)
        return root

    def _spot(self, group: ET.Element, x: int, y: int, told: list[str]) -> None:
        """Something to point at, with its words in a box beside it, within the picture."""
        group.attrib |= {"class": "spot", "tabindex": "0", "role": "img"}
        group.set("aria-label", clean(", ".join(told)))
        put(group, "circle", cx=str(x), cy=str(y), r="11")
        tip = put(group, "g", **{"class": "tip", "aria-hidden": "true"})
        shown = [_cut(words, WORDS) for words in told]
        width = LETTER * max(map(_letters, shown)) + 2 * GAP
        left, height = max(min(x, self.right - width), 0), LINE * len(shown) + GAP
        top = y + GAP if y + GAP + height < self.y else y - GAP - height
        put(tip, "rect", x=str(left), y=str(top), width=str(width), height=str(height), rx="4")
        for at, words in enumerate(shown, 1):
            put(tip, "text", words, x=str(left + GAP), y=str(top + LINE * at))

    def add(self, picture: Picture) -> None:
        """Draw one process's loops below what is there."""
        if not picture.lanes and not picture.folds:
            self._tell(NO_LOOP)
        loops = [lane.loop for lane in picture.lanes]
        ids = max([_letters(_cut(loop.id, LABEL)) for loop in loops], default=0)
        kinds = max([_letters(_cut(kind_of(loop), LABEL)) for loop in loops], default=0)
        self.kinds_at = MARGIN + LETTER * ids + GAP
        self.start = self.kinds_at + LETTER * kinds + 2 * GAP
        step = max(STEP, ROOM // max(len(picture.ticks), 1))
        self.x = {tick: self.start + step * at for at, tick in enumerate(picture.ticks)}
        self.end = self.start + step * len(picture.ticks)
        for lane in picture.lanes:
            self._lane(lane)
        self.y += LINE
        for words in picture.folds:
            self._tell(f"… {words}")
        for threads in alike(picture.threads):
            self.y += LINE // 2
            self._threads(threads)
        if not picture.crossed:
            self._tell(NO_CROSSING)
        self.y += LINE

    def _lane(self, lane: Lane) -> None:
        """A loop's life, and what ran on it: beside its lane if that is one thing, or below."""
        loop, self.y = lane.loop, self.y + 2 * LINE
        y = self.lane[loop.id] = self.y - LINE
        start, end = self.x[loop.born], self.end if loop.closed is None else self.x[loop.closed]
        self._text(MARGIN, y, loop.id, letters=LABEL, full=f"loop {loop.id}", kind="strong")
        owner = f"loop {loop.id}: {loop.owner}"
        self._text(self.kinds_at, y, kind_of(loop), letters=LABEL, full=owner)
        last = f"M{end - 7} {y - 6}l7 6l-7 6" if loop.closed is None else f"M{end} {y - 7}v14"
        _path(self.lines, f"M{start} {y - 7}v14M{start} {y}H{end}{last}", "life")
        self.spots.append((start, y, [f"loop {loop.id}, {kind_of(loop)}", life(loop)]))
        names = [_sentence(row) for row in lane.rows]
        names += [f"{lane.unnamed} more set-ups and tests"] if lane.unnamed else []
        state = "still open" if loop.closed is None else "closed"
        ran = f": {'; '.join(names)}" if names else ""
        self.told.append(f"Loop {loop.id}, {kind_of(loop)}, {state}{ran}.")
        if len(lane.rows) != 1 or lane.unnamed:
            self._below(lane, start)
            return
        width = LETTER * _letters(_cut(short(lane.rows[0]), NAME))
        after, before = end + GAP, start - GAP - width
        if after + width <= self.end or before < self.start:
            self._name(after, y, lane.rows[0])
        else:
            self._name(before, y, lane.rows[0])

    def _below(self, lane: Lane, start: int) -> None:
        """Names below a lane, each from its own tick on, in as many lines as that takes."""
        ends: list[int] = []
        unnamed, first = lane.unnamed, self.y
        for row in lane.rows:
            x = self.x[row.tick]
            at = next((at for at, end in enumerate(ends) if end + GAP <= x), len(ends))
            if at == MAX_LINES:
                unnamed += 1
                continue
            y = first + LINE * at
            ends[at : at + 1] = [self._name(x + 4, y, row)]
            _path(self.lines, f"M{x} {self.lane[lane.loop.id]}V{y + 5}", "flag")
        if unnamed:
            ends = ends or [start]
            end = min(ends)
            y = first + LINE * ends.index(end)
            self._text(end + GAP, y, f"… {unnamed} more set-ups and tests", kind="dim")
        self.y += LINE * len(ends)

    def _threads(self, threads: list[Thread]) -> None:
        """Threads that are alike between their lanes, and a line each for where they end."""
        colour = {"class": f"c{self.number % len(DASHES)}"}
        dashes = DASHES[self.number % len(DASHES)]
        self.number += 1
        lines, marks = put(self.lines, "g", **colour), put(self.marks, "g", **colour)
        told = legend(threads)
        label = f"{threads[0].label} {self.number}"
        sentence = f"{label}: {'; '.join(words for _, words in told)}."
        self.told.append(sentence)
        put(lines, "title", sentence)
        for thread in threads:
            x, y = self.x.get(thread.bound, self.start), self.lane[thread.bound_to]
            self._mark(marks, "bound", x, y)
            at = f"bound to {thread.bound_to} at {thread.bound_at}"
            self.spots.append((x, y, [label, at, f"by {thread.bound_by}"]))
            for use in thread.uses:
                to_x, to_y = self.x[use.tick], self.lane[use.used_on]
                middle = (y + to_y) // 2
                d = f"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y}"
                _path(lines, d, "thread", dashes)
                self._mark(marks, "crossed", to_x, to_y)
                at = f"used on {use.used_on} at {use.at or 'a line not known'}"
                self.spots.append((to_x, to_y, [label, at, f"by {use.by}"]))
        self._text(MARGIN, self.y, str(self.number), kind="strong")
        _path(lines, f"M{MARGIN + 28} {self.y}h60", "thread", dashes)
        self._line(threads[0].label, kind="strong", indent=104)
        for sign, words in told:
            self._mark(marks, sign, MARGIN + 110, self.y, numbered=False)
            self._line(words, indent=124)

    def _mark(
        self, parent: ET.Element, sign: str, x: int, y: int, *, numbered: bool = True
    ) -> None:
        """A dot where an object bound, a cross where it was used, with the number beside it."""
        if sign == "bound":
            put(parent, "circle", cx=str(x), cy=str(y), r="6", **{"class": sign})
        else:
            _path(parent, f"M{x - 6} {y - 6}l12 12M{x - 6} {y + 6}l12 -12", sign)
        if numbered:
            self._text(x + 8, y - 9, str(self.number))

    def _name(self, x: int, y: int, row: Ran) -> int:
        return self._text(x, y, short(row), letters=NAME, full=_sentence(row))

    def _tell(self, words: str) -> None:
        self._line(words, kind="dim")
        self.told.append(f"{words}.")

    def _line(self, words: str, *, kind: str = "", indent: int = 0) -> None:
        self._text(MARGIN + indent, self.y, words, kind=kind)
        self.y += LINE

    def _text(
        self, x: int, y: int, words: str, *, letters: int = WORDS, full: str = "", kind: str = ""
    ) -> int:
        """Words around the height ``y``, on paper that dims lines behind them; where they end."""
        shown = _cut(words, letters)
        end = x + LETTER * _letters(shown)
        group = put(self.words, "g", **({"class": kind} if kind else {}))
        if full or shown != words:
            put(group, "title", full or words)
        # No higher than letters: the number beside a mark must not hide the lane.
        box = {"x": x, "y": y - 8, "width": end - x, "height": 15}
        paper = {"class": "paper", "fill-opacity": "0.7"}
        put(group, "rect", **paper, **{key: str(box[key]) for key in box})
        put(group, "text", shown, x=str(x), y=str(y + 4))
        self.right = max(self.right, end)
        return end


def put(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    """A new element. Its text may be a stranger's: what XML cannot hold is replaced."""
    element = ET.SubElement(parent, tag, attributes)
    element.text = text and clean(text)
    return element


def clean(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _path(parent: ET.Element, d: str, kind: str, dashes: str = "") -> None:
    dashed = {"stroke-dasharray": dashes} if dashes else {}
    put(parent, "path", d=d, **{"class": kind}, **dashed)
