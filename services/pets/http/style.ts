/** The style sheet of the admin page: light and dark, from phones to large screens. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --back: #ffffff; --soft: #f3f5f7; --line: #8a94a0; --link: #0b5cad;
  --good: #14532d; --good-back: #e3f5e8; --bad: #8c1515; --bad-back: #fdeaea; }
@media (prefers-color-scheme: dark) { :root { --text: #e8ebee; --back: #14171b; --soft: #20252b; --line: #76828f;
  --link: #8cc2ff; --good: #b6ecc6; --good-back: #12321e; --bad: #ffb4b4; --bad-back: #431818; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--back); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding: .75rem 1rem; background: var(--soft);
  border-bottom: 1px solid var(--line); }
header nav { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; margin-left: auto; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, .table:focus-visible { outline: 3px solid var(--link);
  outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem; background: var(--back); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
input, select, button, .button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: .375rem; padding: .5rem .75rem; min-height: 2.75rem; }
input[type=checkbox] { min-height: 0; width: 1.25rem; height: 1.25rem; vertical-align: middle; }
button, .button { display: inline-block; cursor: pointer; background: var(--soft); text-decoration: none; }
button.link { min-height: 0; padding: 0; border: 0; background: none; color: var(--link); text-decoration: underline; }
.danger { color: var(--bad); }
.filters { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center; margin: 1rem 0; }
.fields label { display: block; font-weight: 600; }
.fields input[type=checkbox] + label { display: inline; }
.fields input:not([type=checkbox]) { width: 100%; max-width: 40rem; }
.error, .problem { color: var(--bad); }
.problem, .done { padding: .75rem 1rem; border-radius: .375rem; background: var(--bad-back); overflow-wrap: anywhere; }
.done { color: var(--good); background: var(--good-back); }
.problem a { color: inherit; }
[aria-invalid=true] { border: 2px solid var(--bad); }
.error { display: block; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: .375rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .5rem .75rem; text-align: left; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: normal; overflow-wrap: anywhere; min-width: 8rem; }
td { overflow-wrap: anywhere; }
thead th { background: var(--soft); white-space: nowrap; }
.pages { display: flex; gap: 1rem; margin: 1rem 0; }
`
