/** Test helper. The kind of each service, in the order of their list: fields, names and default ports. */
import { services } from './names.ts'
import type { Kind } from './pets/model/kind.ts'

export const kinds: readonly Kind[] = await Promise.all(
  services.map(async (name) => {
    const { kind } = (await import(`./${name}/model.ts`)) as { kind: Kind }
    return kind
  }),
)
