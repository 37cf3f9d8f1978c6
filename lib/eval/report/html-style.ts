/** The report's style sheet: no fonts, pictures or scripts from anywhere; tables scroll sideways on a phone, with a shadow where there is more, the page does not. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #2a8a4a; --bad: #c0392b; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 62rem; overflow-wrap: break-word; }
h1 { font-size: 1.4rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.scroll { overflow-x: auto; background: linear-gradient(to left, Canvas 40%, transparent) right / 2rem 100% no-repeat local, linear-gradient(to left, #8889, transparent) right / .8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.bar { display: grid; grid-template: "label bar count" / 11rem 1fr 3rem; gap: 0 .7rem; align-items: center; margin: .15rem 0; }
.bar span { grid-area: label; } .bar i { grid-area: bar; } .bar em { grid-area: count; font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }
.bar b { display: block; height: .7rem; background: currentColor; opacity: .45; border-radius: 2px; min-width: 2px; }
.sub { font-size: .9rem; opacity: .75; } .sub span { padding-left: 1rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .7rem; }
summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); border-radius: 4px; padding: .5rem; margin: .3rem 0; font-size: .85rem; }
.right { color: var(--good); } .wrong { color: var(--bad); }
small, .note { opacity: .75; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; }
@media (prefers-color-scheme: dark) { :root { --good: #5cc27d; --bad: #ff8a7a; } }
@media (max-width: 36rem) { table { font-size: .9rem; } th { white-space: normal; } th, td { padding-right: .4rem; }
th:first-child, td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; } th:last-child, td:last-child { padding-right: 0; }
.bar { grid-template: "label count" "bar bar" / 1fr 3rem; } }
`;
