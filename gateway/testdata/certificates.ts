/** Certificates for tests: an authority, and certificates that it signs. Made by openssl once for each test run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
const RSA = ['-newkey', 'rsa:2048']

export class Certificates implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'gw-tls-'))

  constructor() {
    this.authority('ca')
  }

  path(file: string): string {
    return join(this.folder, file)
  }

  text(file: string): string {
    return readFileSync(this.path(file), 'utf8')
  }

  /** A self-signed certificate: `name.pem` and `name.key`. */
  authority(name: string): void {
    this.#openssl(
      'req',
      '-x509',
      ...P256,
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    )
  }

  /** A certificate for these names: `name.pem` and `name.key`. */
  sign(name: string, names: string, type: 'EC' | 'RSA' = 'EC'): void {
    this.#openssl(
      'req',
      ...(type === 'EC' ? P256 : RSA),
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      'csr',
    )
    const extensions = join(this.folder, 'extensions')
    writeFileSync(extensions, `subjectAltName=${names}`)
    this.#openssl(
      'x509',
      '-req',
      '-in',
      'csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      extensions,
      '-out',
      `${name}.pem`,
    )
  }

  #openssl(...args: string[]): void {
    const { success, stderr } = Bun.spawnSync(['openssl', ...args], { cwd: this.folder, stderr: 'pipe' })
    if (!success) throw new Error(`openssl ${args[0]}: ${stderr}`)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
