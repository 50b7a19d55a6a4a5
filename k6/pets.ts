/**
 * What users do to the pets of a service. Only rows marked is_test are changed and deleted, so that a test may
 * run against a system that holds real ones.
 */

import type { Operation } from './mix.ts'
import { send, type Service } from './requests.ts'

type Pet = { id: number; is_test: boolean }

/** One function for each operation of the mix. */
export const operations: Readonly<Record<Operation, (service: Service) => Promise<unknown>>> = {
  list: (service) => send('list', service),
  create: (service) => send('create', service, { body: newPet() }),
  change: (service) => withTestPet(service, (id) => send('change', service, { id, body: changedPet() })),
  delete: (service) => withTestPet(service, (id) => send('delete', service, { id })),
}

/** A pet to create. The original sends `likes_to_bark` to cats as well, and clients like it must go on working. */
export function newPet(): object {
  return { name: 'test_dog', breed: 'test_breed', likes_to_bark: Math.random() < 0.5, is_test: true }
}

/** A pet's new properties; whether it is a test row is not among those that can change. */
export function changedPet(): object {
  return { name: 'changed_dog', breed: 'changed_breed', likes_to_bark: Math.random() < 0.5 }
}

/** Picks a random pet of the list. The original took the first one, for which its users raced each other. */
async function withTestPet(service: Service, act: (id: number) => Promise<unknown>): Promise<void> {
  const response = await send('list', service)
  if (response.status !== 200) return
  const pets = (response.json() as Pet[]).filter((pet) => pet.is_test)
  const pet = pets[Math.floor(Math.random() * pets.length)]
  if (pet !== undefined) await act(pet.id)
}
