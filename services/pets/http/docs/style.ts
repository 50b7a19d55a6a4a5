/** What the page of the API docs has beside the common style: methods, operations, tables of fields, responses. */
export const DOCS_STYLE = `
.operation { border: 1px solid var(--line); border-radius: .375rem; margin: .5rem 0; }
.operation summary { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; padding: .75rem; cursor: pointer; }
.operation summary:focus-visible, textarea:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.operation > div { padding: 0 .75rem .75rem; }
.method { font: 600 .875rem ui-monospace, monospace; min-width: 4rem; padding: .125rem .375rem; border-radius: .25rem;
  text-align: center; background: var(--soft); border: 1px solid var(--line); }
code, pre, textarea { font: .875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: .75rem; background: var(--soft); border-radius: .375rem; white-space: pre-wrap; margin: .5rem 0; }
textarea { width: 100%; min-height: 9rem; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: .375rem; padding: .5rem .75rem; }
h3 { margin: 1rem 0 .5rem; font-size: 1rem; }
h2 code { font-size: inherit; }
.try label { display: block; font-weight: 600; margin-top: .5rem; }
.try input { width: 100%; max-width: 40rem; }
.required::after { content: " (required)"; font-weight: normal; }
`
