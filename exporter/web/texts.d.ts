/** Files of the page that are imported as texts. */
declare module '*.css' {
  const text: string
  export default text
}
declare module '*.svg' {
  const text: string
  export default text
}
declare module '*.js' {
  const text: string
  export default text
}
