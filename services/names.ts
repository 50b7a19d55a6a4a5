/**
 * The services of the stack, in the order in which they are listed. Code and tests outside of a service go over this list, and the tests of
 * files that must name each service (compose, manifests, routes, scrapes) compare them with it.
 */
export const services = ['dogs', 'cats'] as const

export type ServiceName = (typeof services)[number]
