/** The title of each status, for the status line and for problem+json, in the words of RFC 9110. */
import { STATUS_CODES } from 'node:http'

/** Node keeps older words for two of them. */
export const STATUS_TITLES: Readonly<Record<number, string | undefined>> = {
  ...STATUS_CODES,
  413: 'Content Too Large',
  422: 'Unprocessable Content',
}
