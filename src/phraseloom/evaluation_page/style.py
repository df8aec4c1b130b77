"""How the page looks, in light and in dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #1f2430; --soft: #5b6270; --line: #dfe1e6;
  --generated: #c4501b; --real: #2f6db5; --real-fill: rgba(47, 109, 181, 0.22);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161b; --card: #1c1f26; --ink: #e8eaf0; --soft: #a4abb9; --line: #343944;
    --generated: #f39a62; --real: #7db3f2; --real-fill: rgba(125, 179, 242, 0.25);
  }
  .picture { filter: invert(0.9) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-size: 16px; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 1.25rem; margin: 44px 0 6px; letter-spacing: -0.005em; }
h3 { font-size: 1rem; margin: 0 0 6px; }
p { margin: 0 0 12px; max-width: 72ch; }
.soft { color: var(--soft); }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 18px; font-weight: 600; }
.key::before { content: ""; width: 12px; height: 12px; border-radius: 50%; background: var(--mark); }
.key.of-generated { --mark: var(--generated); color: var(--generated); }
.key.of-real { --mark: var(--real); color: var(--real); }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.wide:focus-visible { outline: 3px solid var(--real); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 12px 14px 4px; color: var(--soft); }
th, td { padding: 4px 12px; text-align: left; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: 0.85rem; }
tbody th { font-weight: 400; }
tbody th[scope="rowgroup"] { font-weight: 650; padding-top: 16px; background: transparent; }
td.ratio { text-align: right; }
.range-text { color: var(--soft); font-size: 0.85rem; }
.grid-of-charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); }
.grid-of-charts.narrow { grid-template-columns: repeat(auto-fill, minmax(min(100%, 325px), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
figcaption { font-size: 0.92rem; margin-bottom: 6px; overflow-wrap: anywhere; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
svg text.lane { fill: var(--ink); }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .range, svg .mean { stroke-width: 2.5; stroke-linecap: round; }
svg .generated { fill: var(--generated); stroke: var(--generated); }
svg .real { fill: var(--real); stroke: var(--real); }
svg circle { stroke: none !important; }
svg .song { fill-opacity: 0.55; }
svg .outline { stroke-width: 2; stroke-linejoin: round; }
svg .real.outline { fill: var(--real-fill); }
svg .generated.outline { fill: none; }
.pair { display: grid; gap: 16px; grid-template-columns: 1fr; margin-bottom: 28px; }
.song-pictures { display: grid; gap: 12px; grid-template-columns: minmax(0, 3.4fr) minmax(0, 1fr); align-items: start; }
@media (max-width: 760px) { .song-pictures { grid-template-columns: 1fr; } }
.picture { display: block; width: 100%; height: auto; border-radius: 6px; }
dl { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 0; font-size: 0.9rem; }
dl div { display: flex; gap: 6px; }
dt { color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
"""
