"""The page around a derivation: its style, in the taste of the report, and a frame that loads nothing."""

from __future__ import annotations

from html import escape

COLOURS = """
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #26272b; --soft: #6a6c74; --rule: #e2e2dd;
  --good: #2e8b62; --warn: #b7791f; --bad: #c0392b; --line-1: #2a6fbb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --card: #1e2024; --ink: #e4e4e0; --soft: #9a9ca5; --rule: #35373d;
    --good: #58b98b; --warn: #d9a441; --bad: #e8705f; --line-1: #6aa9ee;
  }
}
"""

BODY = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 860px; padding: 28px 20px 48px; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
}
@media screen and (max-width: 760px) { body { padding: 18px 14px 36px; font-size: 15px; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #222; --soft: #555; --rule: #ccc; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 12px; }
}
"""

STYLE = """
.derivation h1 { margin: 0; font-size: 1.75em; line-height: 1.2; overflow-wrap: anywhere; }
.derivation .summary { margin: 8px 0 24px; font-size: 1.06em; max-width: 70ch; }
.derivation ol { list-style: none; margin: 0; padding: 0; }
.derivation .step {
  margin: 0 0 14px; padding: 14px 18px 12px; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
}
.derivation .step header { display: flex; align-items: baseline; gap: 10px; }
.derivation h2 { flex: 1; margin: 0; font-size: 1.1em; line-height: 1.35; }
.derivation h2 .number {
  display: inline-block; min-width: 1.5em; padding-right: 0.4em; color: var(--soft); font-weight: 500;
}
.derivation .badge {
  padding: 0 9px; border: 1px solid currentColor; border-radius: 99px; font-size: 12px; line-height: 1.6;
  color: var(--soft);
}
.derivation .proved .badge, .derivation .checked .badge { color: var(--good); }
.derivation .proved .badge { background: var(--good); border-color: var(--good); color: var(--card); }
.derivation .stated .badge { color: var(--line-1); }
.derivation .refuted .badge { background: var(--bad); border-color: var(--bad); color: var(--card); }
.derivation .refuted.step { border-color: var(--bad); }
.derivation p { margin: 8px 0 0; max-width: 76ch; }
.derivation .formula { margin: 6px 0 0; padding: 3px 0; overflow-x: auto; overflow-y: hidden; }
.derivation .formula math { width: max-content; min-width: 100%; }
.derivation .plain { font: 0.9em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.derivation math {
  font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "DejaVu Math TeX Gyre", math; font-size: 1.08em;
}
.derivation .chain mtd { padding: 0.22em 0.12em; text-align: left; }
.derivation .chain mtd:first-child { text-align: right; }
.derivation .cases mtd { padding: 0.15em 0.5em 0.15em 0.1em; text-align: left; }
.derivation .how { margin-top: 10px; color: var(--soft); font-size: 0.85em; }
.derivation .note { margin-top: 8px; padding-left: 10px; border-left: 3px solid var(--warn); font-size: 0.9em; }
.derivation .note b { color: var(--warn); font-weight: 600; }
.derivation sub { font-size: 0.75em; line-height: 0; }
@media screen and (max-width: 760px) {
  .derivation .step { padding: 12px 12px 10px; }
  .derivation h1 { font-size: 1.5em; }
}
@media print { .derivation .step { break-inside: avoid; } .derivation .formula { overflow: visible; } }
"""


def frame(title: str, body: str, style: str = STYLE) -> str:
    """Return a complete page around ``body``, which is HTML already. The page is well-formed XML."""
    return f"""<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{escape(title)}</title>
<style>{COLOURS}{BODY}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
