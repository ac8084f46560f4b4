"""The colours of the SVG picture and of HTML: light, or dark where the reader's scheme is."""

_COLOURS = {
    "light": "#fff #1f2328 #59636e #0969da #bc4c00 #1a7f37 #8250df #bf3989 #7d4e00",
    "dark": "#0d1117 #e6edf3 #9198a1 #58a6ff #f0883e #3fb950 #bc8cff #f778ba #d29922",
}
# Plain rules, for programs that draw SVG but know neither CSS variables nor schemes.
_RULES = """
.whichloop .paper {{ fill: {0}; }}
.whichloop text {{ fill: {1}; }}
.whichloop .dim text {{ fill: {2}; }}
.whichloop .life, .whichloop .flag {{ stroke: {2}; }}
.whichloop .c0 {{ color: {3}; }}
.whichloop .c1 {{ color: {4}; }}
.whichloop .c2 {{ color: {5}; }}
.whichloop .c3 {{ color: {6}; }}
.whichloop .c4 {{ color: {7}; }}
.whichloop .c5 {{ color: {8}; }}
"""
_LIGHT, _DARK = (_RULES.format(*colours.split()) for colours in _COLOURS.values())
STYLE = f"""
.whichloop {{ color-scheme: light dark; font: 13px monospace; }}
.whichloop .strong text {{ font-weight: bold; }}
.whichloop .life {{ fill: none; stroke-width: 2; }}
.whichloop .thread, .whichloop .crossed {{ fill: none; stroke: currentColor; stroke-width: 2; }}
.whichloop .crossed {{ stroke-width: 3; }}
.whichloop .bound {{ fill: currentColor; }}
{_LIGHT}@media (prefers-color-scheme: dark) {{{_DARK}}}
"""
# Both, for a fragment in a page, and for one that is the whole page.
HTML_STYLE = f"""{STYLE}
section.whichloop, details.whichloop {{ font: inherit; line-height: 1.5; }}
figure.whichloop {{ margin: 1rem 0; overflow-x: auto; }}
figure.whichloop svg {{ min-width: 46rem; width: 100%; height: auto; max-width: 80rem; }}
.whichloop .spot {{ fill: none; outline: none; pointer-events: all; }}
.whichloop .spot > circle {{ stroke-width: 2; }}
.whichloop .spot:focus > circle, .whichloop .spot:hover > circle {{ stroke: currentColor; }}
.whichloop .tip {{ visibility: hidden; pointer-events: none; }}
.whichloop .spot:focus .tip, .whichloop .spot:hover .tip {{ visibility: visible; }}
.whichloop .tip rect {{ fill: Canvas; stroke: currentColor; }}
.whichloop .tip text {{ fill: CanvasText; }}
.whichloop article {{ margin: 2rem 0; max-width: 46rem; }}
.whichloop dt {{ font-weight: 600; }}
.whichloop dd {{ margin: 0 0 .4rem 1.5rem; }}
.whichloop p, .whichloop dd, .whichloop td {{ overflow-wrap: anywhere; }}
.whichloop details, details.whichloop > div {{ overflow-x: auto; }}
.whichloop table {{ border-collapse: collapse; margin: .75rem 0; }}
.whichloop caption {{ text-align: start; font-weight: 600; }}
.whichloop :is(th, td) {{ text-align: start; vertical-align: top; padding: .2rem 1.2rem .2rem 0; }}
"""
