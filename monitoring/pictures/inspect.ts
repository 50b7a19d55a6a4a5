/** What a person would not see or not be able to read on a drawn dashboard. */

export type Finding = { panel: string; what: string; detail: string }

/** Runs in the page, so it refers to nothing outside. */
export function inspect(): Finding[] {
  const SMALLEST_PX = 9
  const findings: Finding[] = []
  for (const element of document.querySelectorAll<HTMLElement>('[data-panel]')) {
    const panel = element.dataset['panel']!
    const add = (what: string, detail: string) => findings.push({ panel, what, detail })
    const isText = element.dataset['type'] === 'text'
    const texts = [...element.querySelectorAll<HTMLElement>('*')].filter(
      (each) => each.children.length === 0 && each.textContent!.trim() !== '',
    )
    const hasDrawing = element.querySelector('canvas, svg, [data-empty], table, [role="grid"]') !== null
    if (texts.length === 0 && !hasDrawing) add('blank', '')
    for (const text of texts) {
      const size = Number.parseFloat(getComputedStyle(text).fontSize)
      const { left, right } = text.getBoundingClientRect()
      const box = element.getBoundingClientRect()
      const isWide = text.scrollWidth > text.clientWidth + 1 && getComputedStyle(text).display !== 'inline'
      if (element.dataset['type'] === 'stat' && (isWide || left < box.left - 1 || right > box.right + 1))
        add('cut off', text.textContent!)
      if (size < SMALLEST_PX) add('small text', `${size.toFixed(1)} px: ${text.textContent}`)
    }
    for (const box of element.querySelectorAll<HTMLElement>('div, ul')) {
      const isClipped =
        getComputedStyle(box).overflowY !== 'visible' && box.scrollHeight > box.clientHeight + 4
      if (isClipped && box.closest('[role="grid"]') === null && !isText)
        add('cut off', `${box.scrollHeight} px in ${box.clientHeight} px: ${box.textContent!.slice(0, 60)}`)
    }
    for (const canvas of element.querySelectorAll<HTMLCanvasElement>('.uplot canvas')) {
      const context = canvas.getContext('2d')!
      for (const [side, x] of [
        ['left', 0],
        ['right', canvas.width - 1],
      ] as const) {
        const column = context.getImageData(x, 0, 1, canvas.height).data
        if (column.some((value) => value !== 0)) add('cut off', `at the ${side} edge of the graph`)
      }
    }
    if (texts.some((text) => /NaN|undefined|Infinity/.test(text.textContent!)))
      add(
        'nonsense',
        texts
          .map((text) => text.textContent)
          .join(' ')
          .slice(0, 80),
      )
  }
  return findings
}

/** A value of a tile: its text, and red, green and blue of its background. */
export type Tile = { text: string; background: string[] }

/** Runs in the page, too. */
export function tiles(): Tile[] {
  return [...document.querySelectorAll<HTMLElement>('[data-type="stat"]')].flatMap((panel) =>
    [...panel.querySelectorAll<HTMLElement>('*')]
      .filter((each) => each.style.backgroundImage !== '' || each.style.background.includes('gradient'))
      .map((each) => ({
        text: each.textContent!,
        background: getComputedStyle(each)
          .backgroundImage.match(/\d+(?=[,)])/g)!
          .slice(-3),
      })),
  )
}
