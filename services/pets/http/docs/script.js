/** The script of the API docs: shows the form of each operation, sends its request, and shows the response. */

for (const form of document.querySelectorAll('form.try')) {
  form.hidden = false
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send(form)
  })
}

// A link to an operation opens it.
addEventListener('hashchange', openLinked)
openLinked()

function openLinked() {
  const operation = document.getElementById(location.hash.slice(1))
  if (operation instanceof HTMLDetailsElement) operation.open = true
}

async function send(form) {
  const output = form.querySelector('pre')
  output.hidden = false
  output.textContent = 'Sending'
  try {
    output.textContent = await textOf(await fetch(...requestOf(form)))
  } catch (error) {
    output.textContent = `No response: ${error.message}`
  }
}

/** The arguments of fetch. An empty input is not sent. */
function requestOf({ dataset, elements }) {
  let path = dataset.path
  const query = new URLSearchParams()
  const headers = {}
  for (const {
    name,
    value,
    dataset: { in: place },
  } of elements) {
    if (place === 'path') path = path.replace(`{${name}}`, () => encodeURIComponent(value))
    else if (place === 'query' && value !== '') query.set(name, value)
    else if (place === 'header' && value !== '') headers[name] = value
  }
  const { body } = elements
  if (body) headers['Content-Type'] = dataset.type
  const url = query.size === 0 ? path : `${path}?${query}`
  return [url, { method: dataset.method.toUpperCase(), headers, body: body?.value }]
}

async function textOf(response) {
  const fields = ['content-type', 'etag', 'link', 'location', 'allow', 'retry-after'].flatMap((name) =>
    response.headers.has(name) ? [`${name}: ${response.headers.get(name)}`] : [],
  )
  const body = await response.text()
  return [`${response.status} ${response.statusText}`, ...fields, '', pretty(body)].join('\n').trimEnd()
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
