"""The look of a report: one style sheet for light, dark and print, nothing fetched from anywhere."""

from __future__ import annotations

# After Okabe and Ito (2008), darkened or lightened to a contrast of 3 : 1 with their ground.
LIGHT_SERIES = ("#0b6fae", "#c24e00", "#00795b", "#a4478a", "#4d5358", "#8f6a00")
DARK_SERIES = ("#62b5ea", "#f58f4e", "#34c79d", "#e393c8", "#c5c9cd", "#e3b53a")
COLOURS = len(LIGHT_SERIES)

LIGHT = {
    "ground": "#f6f5f1", "surface": "#ffffff", "sunken": "#f3f1ec", "edge": "#dcd9d0",
    "text": "#21262b", "muted": "#5b626a", "accent": "#0f6466", "best": "#e1efee",
    "worse": "#fbe9e1", "alarm": "#a33c00",
}  # fmt: skip
DARK = {
    "ground": "#15181b", "surface": "#1d2125", "sunken": "#23282d", "edge": "#3a4147",
    "text": "#e6e5e1", "muted": "#a4abb3", "accent": "#74c7c2", "best": "#1d3b3c",
    "worse": "#46281b", "alarm": "#ffb08a",
}  # fmt: skip


def _variables(theme: dict[str, str], series: tuple[str, ...]) -> str:
    named = theme | {f"series-{number}": colour for number, colour in enumerate(series)}
    return ":root { " + " ".join(f"--{name}: {colour};" for name, colour in named.items()) + " }"


_SERIES = "\n".join(f".series-{number} {{ --own: var(--series-{number}); }}" for number in range(COLOURS))

CSS = f"""
{_variables(LIGHT, LIGHT_SERIES)}
@media screen and (prefers-color-scheme: dark) {{ {_variables(DARK, DARK_SERIES)} }}
{_SERIES}
@media screen {{ :root {{ color-scheme: light dark; }} }}
* {{ box-sizing: border-box; }}
body {{
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}}
main {{ max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }}
h2 {{ font-size: 1.2rem; line-height: 1.3; margin: 0 0 4px; }}
p {{ max-width: 46rem; margin: 0 0 12px; }}
.lead {{ font-size: 1.05rem; }}
.muted, figcaption p, caption, .interval {{ color: var(--muted); }}
.facts {{ display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 20px 0 0; padding: 0; }}
.facts dt {{ font-size: 0.8rem; color: var(--muted); }}
.facts dd {{ margin: 0; font-weight: 600; overflow-wrap: anywhere; }}
section {{
  margin-top: 24px; padding: 22px 24px; background: var(--surface); border: 1px solid var(--edge); border-radius: 10px;
}}
figure {{ margin: 18px 0 0; }}
figcaption {{ font-weight: 600; margin-bottom: 6px; }}
figcaption p {{ font-weight: 400; font-size: 0.9rem; margin: 0; }}
.pair {{ display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 28px; align-items: start; }}
@media (max-width: 860px) {{ .pair {{ grid-template-columns: minmax(0, 1fr); }} }}
@media (max-width: 520px) {{ main {{ padding: 24px 12px 40px; }} section {{ padding: 16px 14px; }} }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 0.9rem; margin-top: 14px; }}
.pair table {{ margin-top: 0; font-size: 0.85rem; }}
.pair .interval {{ display: inline-block; min-width: 8.6em; margin-left: 4px; }}
.pair thead th {{ white-space: normal; vertical-align: bottom; }}
.stack svg {{ max-width: 760px; }}
caption {{ text-align: left; font-size: 0.95em; padding-bottom: 6px; }}
th, td {{ padding: 6px 10px; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--edge); }}
thead th {{ font-size: 0.89em; font-weight: 600; color: var(--muted); white-space: nowrap; }}
tbody th {{ font-weight: 500; }}
th:first-child, td:first-child {{ padding-left: 4px; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.interval {{ display: block; font-size: 0.87em; }}
.best {{ background: var(--best); }}
.best b {{ color: var(--accent); }}
.worse {{ background: var(--worse); }}
.worse b {{ color: var(--alarm); }}
.better-point {{ --own: var(--accent); }}
.worse-point {{ --own: var(--alarm); }}
.open-point {{ --own: var(--muted); }}
.open-point .marker {{ fill: var(--surface); stroke: var(--own); stroke-width: 2; }}
summary {{ cursor: pointer; color: var(--accent); font-size: 0.9rem; }}
svg {{ display: block; width: 100%; min-width: 420px; height: auto; font-family: inherit; overflow: visible; }}
svg text {{ font-size: 12px; fill: var(--text); }}
svg .tick, svg .axis {{ fill: var(--muted); }}
svg .group, svg .value {{ font-weight: 600; }}
svg .value, svg .tick {{ font-variant-numeric: tabular-nums; }}
svg .grid {{ stroke: var(--edge); fill: none; }}
svg .zero {{ stroke: var(--muted); fill: none; }}
svg .line {{ stroke: var(--own); stroke-width: 2; fill: none; stroke-linejoin: round; }}
svg .marker {{ fill: var(--own); stroke: var(--surface); stroke-width: 1.2; }}
svg .bar {{ fill: var(--own); }}
svg .band {{ fill: var(--own); opacity: 0.16; }}
svg .error {{ stroke: var(--own); stroke-width: 1.4; fill: none; opacity: 0.7; }}
svg rect + .error {{ stroke: var(--text); opacity: 1; }}
footer {{ margin-top: 28px; font-size: 0.85rem; color: var(--muted); }}
@media print {{
  :root {{ color-scheme: light; background: white; }}
  body {{ background: none; font-size: 10.5pt; }}
  main {{ max-width: none; padding: 0; }}
  section {{ border: 0; padding: 0; }}
  h2, figcaption, thead {{ break-after: avoid; }}
  figure, tr {{ break-inside: avoid; }}
  .scroll {{ overflow: visible; }}
  table, .pair table {{ font-size: 8pt; }}
  th, td {{ padding: 3px 5px; }}
  .pair {{ gap: 16px; }}
  .pair table {{ max-width: 500px; }}
  svg, .stack svg {{ min-width: 0; max-width: 500px; }}
  svg, .best, .worse {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  details::details-content {{ content-visibility: visible; block-size: auto; }}
}}
"""
