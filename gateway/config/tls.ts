/** Certificates and keys that the file names: read, checked, and given to the sockets as text. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { hostPattern } from './hosts.ts'

/** A `tls` table of the file. */
export interface TlsTable {
  cert?: string | string[] | undefined
  key?: string | string[] | undefined
  client_ca?: string | undefined
  ca?: string | undefined
  min_version?: '1.2' | '1.3' | undefined
  server_name?: string | undefined
  sni?: SniTable[] | undefined
}

interface SniTable {
  hosts: string[]
  cert: string | string[]
  key: string | string[]
}

/** Certificates with their keys, one pair for each type of key. */
export interface KeyPairs {
  cert: string[]
  key: string[]
}

/** TLS of a listener. */
export interface ServerTls extends KeyPairs {
  /** Clients need a certificate that these have signed. */
  clientCa?: string
  minVersion: '1.2' | '1.3'
  /** Certificates for other names. */
  sni: (KeyPairs & { hosts: string[] })[]
}

/** TLS to the targets of an upstream. */
export interface ClientTls {
  ca?: string
  cert?: string
  key?: string
  serverName?: string
}

/** Reads the files of `tls` tables, whose paths are relative to a folder, and collects the problems. */
export class TlsReader {
  readonly problems: string[] = []

  constructor(readonly folder: string) {}

  server(table: TlsTable, key: string): ServerTls {
    const clientCa = this.#authority(table.client_ca, `${key}.client_ca`)
    return {
      ...this.#pairs(table, key),
      ...(clientCa === undefined ? {} : { clientCa }),
      minVersion: table.min_version ?? '1.2',
      sni: (table.sni ?? []).map((each, i) => this.#named(each, `${key}.sni[${i}]`)),
    }
  }

  #named(table: SniTable, key: string): KeyPairs & { hosts: string[] } {
    return { ...this.#pairs(table, key), hosts: table.hosts.map((host) => hostPattern(host) ?? host) }
  }

  client(table: TlsTable, key: string): ClientTls {
    const ca = this.#authority(table.ca, `${key}.ca`)
    const { cert, key: keys } =
      table.cert === undefined && table.key === undefined ? { cert: [], key: [] } : this.#pairs(table, key)
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert[0] === undefined ? {} : { cert: cert[0] }),
      ...(keys[0] === undefined ? {} : { key: keys[0] }),
      ...(table.server_name === undefined ? {} : { serverName: table.server_name }),
    }
  }

  #pairs(table: Pick<TlsTable, 'cert' | 'key'>, key: string): KeyPairs {
    const certs = [table.cert ?? []].flat().map((path, i) => this.#file(path, `${key}.cert[${i}]`))
    const keys = [table.key ?? []].flat().map((path, i) => this.#file(path, `${key}.key[${i}]`))
    if (certs.length !== keys.length) this.problems.push(`${key}: cert and key belong together`)
    const types = certs.map((cert, i) => this.#check(cert, keys[i], key, i))
    if (types.some((type, i) => type !== undefined && types.indexOf(type) !== i))
      this.problems.push(`${key}.key: two keys of one type; use one of each, like RSA and EC`)
    return { cert: certs.map((cert) => cert ?? ''), key: keys.map((text) => text ?? '') }
  }

  /** @returns the type of the key if certificate and key are right */
  #check(cert: string | undefined, key: string | undefined, path: string, i: number): string | undefined {
    if (cert === undefined || key === undefined) return undefined
    const certificate = this.#certificate(cert, `${path}.cert[${i}]`)
    try {
      const privateKey = createPrivateKey(key)
      if (certificate === undefined || certificate.checkPrivateKey(privateKey))
        return privateKey.asymmetricKeyType
      this.problems.push(`${path}.key[${i}]: is not the key of ${path}.cert[${i}]`)
    } catch {
      this.problems.push(`${path}.key[${i}]: is not a private key in PEM without a password`)
    }
    return undefined
  }

  /** The certificate of an authority that signs those of the other side. */
  #authority(path: string | undefined, key: string): string | undefined {
    const text = this.#file(path, key)
    if (text !== undefined) this.#certificate(text, key)
    return text
  }

  #certificate(text: string, key: string): X509Certificate | undefined {
    try {
      return new X509Certificate(text)
    } catch {
      this.problems.push(`${key}: is not a certificate in PEM`)
      return undefined
    }
  }

  #file(path: string | undefined, key: string): string | undefined {
    if (path === undefined) return undefined
    try {
      return readFileSync(resolve(this.folder, path), 'utf8')
    } catch (error) {
      this.problems.push(`${key}: ${path} cannot be read: ${(error as Error).message}`)
      return undefined
    }
  }
}
