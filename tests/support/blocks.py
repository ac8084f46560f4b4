"""The blocks of Python and ini that a README offers, and how a reader would paste them.

A block names its file in its first line, as a comment: `# conftest.py`.
"""

import ast
import re

BLOCK = re.compile(r"^```(?:python|ini)\n(# ([\w*./]+).*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str, only: str = "*") -> list[tuple[str, str]]:
    """(file, block) of each fenced block that names its file."""
    matches = BLOCK.finditer(text)
    return [(match[2], match[1]) for match in matches if only in ("*", match[2])]


def paste(text: str, file: str, block: str) -> str:
    """`text`, which is that of `file`, with the block in it."""
    return paste_ini(text, block) if file.endswith(".ini") else paste_python(text, block)


def paste_python(text: str, block: str) -> str:
    """`text` with the block where the first definition stood that it replaces, else at the end."""
    new = {getattr(node, "name", None) for node in ast.parse(block).body} - {None}
    old = [node for node in ast.parse(text).body if getattr(node, "name", None) in new]
    lines = text.splitlines()
    at = start_of(old[0]) if old else len(lines)
    replaced = {number for node in old for number in range(start_of(node), node.end_lineno or 0)}
    before, after = (
        [line for number, line in enumerate(lines) if number in part and number not in replaced]
        for part in (range(at), range(at, len(lines)))
    )
    return "\n".join([*before, "", block, *after, ""])


def start_of(node: ast.stmt) -> int:
    """The index of its first line, decorators included."""
    return min([node.lineno, *(word.lineno for word in getattr(node, "decorator_list", ()))]) - 1


def paste_ini(text: str, block: str) -> str:
    """`text` with the block's options set; a block with a header is the whole file."""
    if "[pytest]" in block:
        return block
    for line in block.splitlines()[1:]:
        text = re.sub(rf"^{line.partition(' =')[0]} =.*\n", "", text, flags=re.MULTILINE)
        text += f"{line}\n"
    return text


def statements(text: str, file: str) -> set[str]:
    """The options of an ini file, or the statements of a module: no imports, no docstrings."""
    if file.endswith(".ini"):
        return {line for line in text.splitlines() if line and not line.startswith("#")}
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    imports = (ast.Import, ast.ImportFrom)
    return {ast.unparse(node) for node in tree.body if not isinstance(node, imports)}
