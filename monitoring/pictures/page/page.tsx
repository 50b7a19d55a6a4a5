/** Draws a whole dashboard: the grid of panels, closed rows opened, and says when all panels have their data. */

import '@fontsource/inter/400.css'
import '@fontsource/inter/500.css'
import { ThemeContext } from '@grafana/data'
import { GlobalStyles } from '@grafana/ui'
import { createRoot } from 'react-dom/client'
import { theme } from './fields.ts'
import { Panel } from './panels.tsx'
import type { PanelModel, Task } from './query.ts'

const COLUMNS = 24
const ROW_HEIGHT = 30
const GAP = 8

declare global {
  interface Window {
    task: Task
    left: number
  }
}

function Dashboard({ task, width }: { task: Task; width: number }) {
  const panels = opened(task.dashboard.panels)
  window.left = panels.filter(({ type }) => type !== 'row').length
  const columnWidth = (width + GAP) / COLUMNS
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * (ROW_HEIGHT + GAP)
  return (
    <div
      style={{
        position: 'relative',
        width,
        height,
        margin: GAP,
        fontFamily: 'Inter',
        color: theme.colors.text.primary,
      }}
    >
      {panels.map((panel) => {
        const { x, y, w, h } = panel.gridPos
        const box = {
          left: x * columnWidth,
          top: y * (ROW_HEIGHT + GAP),
          width: w * columnWidth - GAP,
          height: h * (ROW_HEIGHT + GAP) - GAP,
        }
        return (
          <div key={panel.id} style={{ position: 'absolute', ...box }}>
            {panel.type === 'row' ? (
              <div style={{ fontSize: 16, fontWeight: 500, lineHeight: `${box.height}px` }}>
                {panel.title}
              </div>
            ) : (
              <Panel
                panel={panel}
                task={task}
                width={box.width}
                height={box.height}
                onDone={() => window.left--}
              />
            )}
          </div>
        )
      })}
    </div>
  )
}

/** Closed rows hold their panels, which have places of their own below them. */
const opened = (panels: PanelModel[]): PanelModel[] =>
  panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])

document.body.style.cssText = `margin: 0; background: ${theme.colors.background.canvas}; font-size: 14px; line-height: 1.5; font-family: Inter; color: ${theme.colors.text.primary}`
createRoot(document.getElementById('root')!).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <Dashboard task={window.task} width={document.documentElement.clientWidth - 2 * GAP} />
  </ThemeContext.Provider>,
)
