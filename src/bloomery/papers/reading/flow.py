"""A paper's reading order: headings, paragraphs and displays, and so what stands around each equation."""

from dataclasses import dataclass, field, replace

from bloomery.papers.reading.document import DisplayEquation, Place, Section


@dataclass(frozen=True)
class Paragraph:
    text: str
    cites: tuple[str, ...] = ()  # numbers of the equations that it refers to


@dataclass(frozen=True)
class Displayed:
    """A numbered row; rows of one display share its count."""

    equation: DisplayEquation
    display: int


@dataclass
class Flow:
    """Sections and paragraphs as they come; `equations` and `sections` when all are there."""

    _items: list[Section | Paragraph | Displayed] = field(default_factory=list)

    def heading(self, section: Section) -> None:
        self._items.append(section)

    def paragraph(self, text: str, cites: tuple[str, ...] = ()) -> None:
        if text:
            self._items.append(Paragraph(text, cites))

    def equation(self, equation: DisplayEquation, display: int) -> None:
        self._items.append(Displayed(equation, display))

    def section(self) -> str:
        """Where the flow stands: the number of the section, or the title of one without."""
        last = next((item for item in reversed(self._items) if isinstance(item, Section)), None)
        return "" if last is None else last.number or last.title

    def place(self, path: str, line: int = 0, page: int | None = None) -> Place:
        return Place(path, line, self.section(), page)

    def equations(self) -> tuple[DisplayEquation, ...]:
        """Each with the paragraphs before and after it, and the equations that these refer to."""
        return tuple(
            self._surrounded(item, index)
            for index, item in enumerate(self._items)
            if isinstance(item, Displayed)
        )

    def sections(self) -> tuple[Section, ...]:
        """Each with its text; what stands before the first heading is in none."""
        found: list[tuple[Section, list[str]]] = []
        for item in self._items:
            match item:
                case Section():
                    found.append((item, []))
                case Paragraph() if found:
                    found[-1][1].append(item.text)
                case Displayed() if found:
                    found[-1][1].append(f"[({item.equation.number})]")
        return tuple(replace(section, text="\n\n".join(texts)) for section, texts in found)

    def _surrounded(self, item: Displayed, index: int) -> DisplayEquation:
        before, after = self._next_to(item, index, -1), self._next_to(item, index, 1)
        cites = dict.fromkeys((*before.cites, *item.equation.cites, *after.cites))
        cites.pop(item.equation.number, None)
        return replace(item.equation, before=before.text, after=after.text, cites=tuple(cites))

    def _next_to(self, displayed: Displayed, index: int, step: int) -> Paragraph:
        """The paragraph next to a display, beyond its own other rows."""
        index += step
        while 0 <= index < len(self._items):
            item = self._items[index]
            if isinstance(item, Paragraph):
                return item
            if isinstance(item, Section) or item.display != displayed.display:
                break
            index += step
        return Paragraph("")
