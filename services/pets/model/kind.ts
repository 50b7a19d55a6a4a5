/** The differences between one kind of pet and another. The rest of services/pets is common to all kinds. */
export interface Kind {
  /** Plural, in lower case: the name of the table, the path and the service. */
  name: string
  /** The one property that only this kind has. */
  trait: string
  defaults: { port: number; adminPort: number; databasePath: string }
}

/** Environment variables of a kind start with this prefix and an underscore. */
export const prefixOf = (kind: Kind): string => kind.name.toUpperCase()

/** The collection's path, as routes and `http_route` spell it. */
export const pathOf = (kind: Kind): `/${string}/` => `/${kind.name}/`
