/** What makes one kind of pet differ from another. Everything else in this folder is common to all kinds. */
export interface Kind {
  /** Plural and lower case: the table, the path and the service are called so. */
  name: string
  /** The one property that only this kind has. */
  trait: string
  defaults: { port: number; adminPort: number; databasePath: string }
}

/** Environment variables of a kind start with this and an underscore. */
export const prefixOf = (kind: Kind): string => kind.name.toUpperCase()

/** The collection's path, as routes and `http_route` spell it. */
export const pathOf = (kind: Kind): `/${string}/` => `/${kind.name}/`
