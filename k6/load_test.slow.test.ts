/** The load test itself, against services in memory: on the runner, and by k6 where its program is on PATH. */

import { describe, expect, test as bunTest } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasK6, names, run, serve, thresholdsCrossed } from './testdata/programs.ts'

const runTimeoutMs = 120_000
const stepSeconds = 6
/** Above the threshold of half a second. */
const tooSlowMs = 700

type Pet = { id: number; is_test: boolean }

describe.each(names)('on %s', (program) => {
  const test = program === 'k6' ? bunTest.skipIf(!hasK6) : bunTest

  test(
    'passes against services that work, has used every operation and leaves no row behind',
    async () => {
      const services = new FakeServices()
      using server = serve((request) => services.answer(request))
      const { exitCode, output } = await run(program, server.url, '--vus', '5', '--stage', '2s:10,4s:20')
      expect({ exitCode, output }).toEqual({ exitCode: 0, output })
      // Flags replaced the shape.
      expect(output).toMatch(/^flags: \d+ requests in \d+ s/m)
      expect(services.pets.size).toBe(0)
      expect([...services.seen].toSorted()).toEqual([
        'DELETE /cats/:id/',
        'DELETE /dogs/:id/',
        'GET /cats/',
        'GET /cats/clean/',
        'GET /dogs/',
        'GET /dogs/clean/',
        'POST /cats/',
        'POST /dogs/',
        'PUT /cats/:id/',
        'PUT /dogs/:id/',
      ])
    },
    runTimeoutMs,
  )

  test(
    'fails when lists fail now and then',
    async () => {
      const services = new FakeServices()
      let requests = 0
      using server = serve((request) =>
        ++requests % 20 === 0 && request.method === 'GET'
          ? new Response(null, { status: 503 })
          : services.answer(request),
      )
      const { exitCode, output } = await run(program, server.url, '--vus', '5', '--duration', '3s')
      expect({ exitCode, output }).toEqual({ exitCode: thresholdsCrossed, output })
      expect(output).toMatch(/thresholds on metrics .*http_req_failed\{op:list\}/)
    },
    runTimeoutMs,
  )

  test(
    'finds the step that breaks the services, says so, and writes all numbers into a file',
    async () => {
      const services = new FakeServices()
      const manyRequests = 100 * stepSeconds + 50
      let requests = 0
      using server = serve(async (request) => {
        if (++requests > manyRequests) await Bun.sleep(tooSlowMs)
        return services.answer(request)
      })
      const folder = mkdtempSync(join(tmpdir(), 'k6-'))
      const file = join(folder, 'summary.json')
      const settings = ['SHAPE=breakpoint', `STEP_SECONDS=${stepSeconds}`, `SUMMARY=${file}`]
      const { exitCode, output } = await run(
        program,
        server.url,
        ...settings.flatMap((setting) => ['-e', setting]),
      )
      expect({ exitCode, output }).toEqual({ exitCode: thresholdsCrossed, output })
      expect(output).toMatch(/^breakpoint: \d+ requests/m)
      expect(output).toContain('Breaking point: 200 iterations a second are too many; 100 could be kept.')
      expect(Object.keys((await Bun.file(file).json()).metrics)).toContain('http_req_duration{step:0100}')
      rmSync(folder, { recursive: true })
    },
    runTimeoutMs,
  )
})

/** Both services' API, as far as the load test uses it. */
class FakeServices {
  readonly seen = new Set<string>()
  readonly pets = new Map<string, Pet>()
  #nextId = 1

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const [, service, last] = /^\/(dogs|cats)\/(?:(\d+|clean)\/)?$/.exec(pathname) ?? []
    if (service === undefined) return new Response(null, { status: 404 })
    const route = `${request.method} ${pathname.replace(/\d+/, ':id')}`
    this.seen.add(route)

    switch (route.replace(service, 'pets')) {
      case 'GET /pets/':
        return Response.json(this.#of(service).slice(0, 100))
      case 'POST /pets/': {
        const pet = { ...(await request.json()), id: this.#nextId++ }
        this.pets.set(`${service} ${pet.id}`, pet)
        return Response.json(pet, { status: 201 })
      }
      case 'PUT /pets/:id/': {
        const pet = this.pets.get(`${service} ${last}`)
        return pet === undefined ? new Response(null, { status: 404 }) : Response.json(pet)
      }
      case 'DELETE /pets/:id/':
        return new Response(null, { status: this.pets.delete(`${service} ${last}`) ? 200 : 404 })
      case 'GET /pets/clean/':
        for (const { id } of this.#of(service)) this.pets.delete(`${service} ${id}`)
        return new Response(null)
      default:
        return new Response(null, { status: 405 })
    }
  }

  #of(service: string): Pet[] {
    return [...this.pets].filter(([key]) => key.startsWith(service)).map(([, pet]) => pet)
  }
}
