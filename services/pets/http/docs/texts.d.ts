/** The script of the page is imported as a text. */
declare module '*.js' {
  const text: string
  export default text
}
