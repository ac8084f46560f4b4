"""The size of the product, and imports that hide in functions."""

import ast

from scripts.paths import ROOT
from tests.harness.test_imports import files

PRODUCT = ("scripts", "suite", "shared_app", "whichloop/src")
# Lines and statements at most, and why: to grow, add a row.
PARTS = {
    "app, suite, commands, servers, whichloop": (12_240, 6_970),
    "whichloop: causes told once, codes": (340, 160),
    "whichloop: lanes as SVG": (340, 215),
    "whichloop: cures that were tried": (250, 135),
    "whichloop: objects in the audit, its forms": (880, 540),
    "whichloop: messages in logs, groups and others' words": (345, 190),
    "whichloop: harmless on others' suites": (100, 70),
    "whichloop: cures tried by version": (125, 75),
    "whichloop: an audit that costs less": (90, 50),
    "whichloop: code in the audit, its page, loop factories": (345, 220),
    "the workshop's runner, its check": (1_720, 1_110),
    "whichloop: any driver, any keeper": (350, 250),
    "whichloop: hangs, silent callbacks": (560, 350),
    "whichloop: advise": (510, 355),
    "whichloop: a page of HTML": (240, 155),
    "report, one page": (540, 325),
    "whichloop: options and dependencies in the audit": (160, 90),
}
TEST_LINES = {
    "all": 10_600,
    "whichloop: causes told once, codes": 130,
    "whichloop: lanes as SVG": 285,
    "whichloop: cures that were tried": 540,
    "whichloop: objects in the audit, its forms": 460,
    "whichloop: messages in logs, groups and others' words": 240,
    "whichloop: harmless on others' suites": 170,
    "whichloop: advise": 380,
    "whichloop: a page of HTML": 190,
    "report, one page": 455,
    "the workshop, others of its tests": 190,
    "whichloop: cures tried by version, nine suites": 690,
    "whichloop: code in the audit, its page, loop factories": 190,
    "the workshop's runner, its check": 400,
    "whichloop: any driver, any keeper": 385,
    "whichloop: hangs, silent callbacks": 310,
    "whichloop: options and dependencies in the audit": 150,
}
# Imports inside functions, and calls that import, in the whole repository, tests included.
MAX_INNER_IMPORTS = 15


def is_code(node: ast.AST) -> bool:
    """Is it a statement, and no docstring?"""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return isinstance(node, ast.stmt) and not docstring


def test_the_product_is_within_its_size():
    texts = [path.read_text("utf-8") for path in files(*PRODUCT)]
    lines = sum(len(text.splitlines()) for text in texts)
    statements = sum(is_code(node) for text in texts for node in ast.walk(ast.parse(text)))

    assert lines <= sum(lines for lines, _ in PARTS.values())
    assert statements <= sum(statements for _, statements in PARTS.values())


def test_the_tests_are_within_their_size():
    paths = (ROOT / "tests").rglob("*.py")  # the zoo's suites as well

    assert sum(len(path.read_text("utf-8").splitlines()) for path in paths) <= sum(
        TEST_LINES.values()
    )


def inner_imports(tree: ast.Module) -> set[int]:
    """The lines of imports inside functions, and of calls that import."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = ast.walk(node)
            lines |= {i.lineno for i in inner if isinstance(i, ast.Import | ast.ImportFrom)}
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            lines |= (
                {node.lineno} if name in ("import_module", "resolve_name", "__import__") else set()
            )
    return lines


def test_imports_inside_functions_are_few():
    inner = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files(*PRODUCT, "tests")
        for line in sorted(inner_imports(ast.parse(path.read_text("utf-8"))))
    ]

    assert len(inner) <= MAX_INNER_IMPORTS, "\n".join(inner)
