import { expect, test } from 'bun:test'
import type { Family } from '../model/family.ts'
import { CreationTimes } from './created.ts'

const family = (name: string): Family => ({ name, help: '', type: 'counter', series: [] })
const jobs = family('jobs_total')
const START = 1000
const [DOGS, CATS, BIRDS] = ['of="dogs"', 'of="cats"', 'of="birds"']

test('series of the first page count since the start, later ones since the page before', () => {
  const times = new CreationTimes(START)
  expect(times.page(1010)(jobs, DOGS)).toBe(START)
  times.page(1020)
  expect(times.page(1030)(jobs, CATS)).toBe(1020)
  expect(times.page(1040)(jobs, BIRDS)).toBe(1030)
})

test('a series keeps its time, also after pages without it', () => {
  const times = new CreationTimes(START)
  times.page(1010)
  expect(times.page(1020)(jobs, DOGS)).toBe(1010)
  expect(times.page(1030)(jobs, DOGS)).toBe(1010)
  times.page(1040)
  expect(times.page(1050)(jobs, DOGS)).toBe(1010)
})

test('the same labels in two families are two series', () => {
  const times = new CreationTimes(START)
  times.page(1010)(jobs, DOGS)
  expect(times.page(1020)(family('errors_total'), DOGS)).toBe(1010)
})

test('above the limit a new series counts since the start, and the others keep their times', () => {
  const times = new CreationTimes(START, 2)
  times.page(1010)
  const first = times.page(1020)
  expect([first(jobs, DOGS), first(jobs, CATS), first(jobs, BIRDS)]).toEqual([1010, 1010, START])
  const second = times.page(1030)
  expect([second(jobs, BIRDS), second(jobs, DOGS), second(jobs, CATS)]).toEqual([START, 1010, 1010])
})

test('without a given time a page is made now', () => {
  const times = new CreationTimes(START)
  const before = Date.now() / 1000
  times.page()
  const created = times.page()(jobs, DOGS)
  expect(created).toBeWithin(before, Date.now() / 1000 + 0.001)
})
