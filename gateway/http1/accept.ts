/** Reads `Accept` (RFC 9110 section 12.5.1), as far as error pages need it. */

/** Whether the client asks for HTML by name, with a weight above 0. */
export const acceptsHtml = (values: readonly string[]): boolean =>
  values
    .flatMap((value) => value.toLowerCase().split(','))
    .some(
      (range) =>
        /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/.test(range) &&
        !/;\s*q=0(\.0*)?\s*(;|$)/.test(range),
    )
