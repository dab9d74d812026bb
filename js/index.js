// A datastore for js-libp2p that keeps the records of the DHT in typed trees. The store itself is a
// program in Go (./program), compiled to WebAssembly, which keeps it in IndexedDB.
import { BaseDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { NotFoundError, OpenFailedError } from 'interface-store'

/**
 * @typedef {import('interface-datastore').Pair} Pair
 * @typedef {import('interface-datastore').Batch} Batch
 * @typedef {{ signal?: AbortSignal }} AbortOptions
 *
 * The functions that the program offers, and those for each open store.
 * @typedef {{ open: (...args: any[]) => Promise<Store>, functions: () => number, end: () => void }} Offer
 * @typedef {Record<string, (...args: any[]) => Promise<any>>} Store
 */

let started = 0

/** The program that keeps the stores of a page. One is enough for any number of stores. */
export class Program {
  /** @param {Offer} offer */
  constructor (offer) {
    this.offer = offer
  }

  /** Ends the program and frees its memory. Close its stores first. */
  end () {
    this.offer.end()
  }
}

/**
 * Starts the program. wasm_exec.js has to be loaded before: that of the Go release that has compiled
 * the program.
 *
 * @param {string | URL | WebAssembly.Module} source - the address of the program, or the program
 * @returns {Promise<Program>}
 */
export async function start (source) {
  const globals = /** @type {any} */ (globalThis)
  if (globals.Go == null) throw new Error('wasm_exec.js is not loaded')
  const go = new globals.Go()
  const instance = source instanceof WebAssembly.Module
    ? await WebAssembly.instantiate(source, go.importObject)
    : (await WebAssembly.instantiateStreaming(fetch(source), go.importObject)).instance
  const name = `netabase-datastore ${started++}`
  return new Promise((resolve, reject) => {
    globals[name] = (/** @type {Offer} */ offer) => {
      delete globals[name]
      resolve(new Program(offer))
    }
    go.argv = ['netabase', name]
    go.run(instance).then(() => reject(new Error('the program has ended')), reject)
  })
}

/**
 * @typedef {object} Options
 * @property {string} name - the name of the database in IndexedDB
 * @property {Array<string | object>} [schemas] - schema files of the trees whose records it keeps, as text or
 *   parsed. Defaults to none: then records are kept, but not as rows.
 * @property {string} [datastorePrefix] - the datastorePrefix of kad-dht. Defaults to "/dht".
 * @property {boolean} [relaxed] - whether writes do not wait for the disk: a loss of power can take back
 *   the last. Defaults to false.
 */

/**
 * A datastore of js-libp2p in a page or a worker. One at a time may have a database open: open waits two
 * seconds for another to close it, and then fails with a LockedError.
 */
export class NetabaseDatastore extends BaseDatastore {
  /** @type {Store | undefined} */
  #store

  /**
   * @param {Program} program - of start
   * @param {Options} options
   */
  constructor (program, options) {
    super()
    this.program = program
    this.options = options
  }

  /** Opens the store, and creates it if it is not there. */
  async open () {
    if (this.#store != null) throw new OpenFailedError('the store is open already')
    const { name, schemas = [], datastorePrefix = '/dht', relaxed = false } = this.options
    const files = schemas.map((s) => typeof s === 'string' ? s : JSON.stringify(s))
    this.#store = await this.program.offer.open(name, datastorePrefix, files, relaxed)
  }

  /** Closes the store. Other calls that are under way may fail. */
  async close () {
    const store = this.#store
    if (store == null) return
    this.#store = undefined
    try {
      await store.close()
    } finally {
      store.release()
    }
  }

  /**
   * Calls a function of the store.
   *
   * @param {AbortOptions | undefined} options
   * @param {string} name
   * @param {...any} args
   */
  async #call (options, name, ...args) {
    options?.signal?.throwIfAborted()
    if (this.#store == null) throw named('ClosedError', 'the store is not open')
    try {
      return await this.#store[name](...args)
    } catch (error) {
      throw /** @type {Error} */ (error).name === 'NotFoundError' ? new NotFoundError() : error
    }
  }

  /**
   * @param {Key} key
   * @param {Uint8Array} value
   * @param {AbortOptions} [options]
   * @returns {Promise<Key>}
   */
  async put (key, value, options) {
    await this.#call(options, 'put', key.toString(), value)
    return key
  }

  /**
   * @param {Key} key
   * @param {AbortOptions} [options]
   * @returns {Promise<Uint8Array>}
   */
  async get (key, options) {
    return this.#call(options, 'get', key.toString())
  }

  /**
   * @param {Key} key
   * @param {AbortOptions} [options]
   * @returns {Promise<boolean>}
   */
  async has (key, options) {
    return this.#call(options, 'has', key.toString())
  }

  /**
   * @param {Key} key
   * @param {AbortOptions} [options]
   * @returns {Promise<void>}
   */
  async delete (key, options) {
    await this.#call(options, 'delete', key.toString())
  }

  /**
   * Collects changes, which commit makes in their order and all at once, except for those that are refused.
   *
   * @returns {Batch}
   */
  batch () {
    /** @type {Array<string | Uint8Array | null>} */
    let changes = []
    return {
      put: (key, value) => { changes.push(key.toString(), value) },
      delete: (key) => { changes.push(key.toString(), null) },
      commit: async (options) => {
        await this.#call(options, 'write', changes)
        changes = []
      }
    }
  }

  /**
   * @param {import('interface-datastore').Query} q
   * @param {AbortOptions} [options]
   * @returns {AsyncGenerator<Pair>}
   */
  async * _all (q, options) {
    for await (const page of this.#pages(q.prefix, false, options)) {
      for (let i = 0; i < page.length; i += 2) yield { key: new Key(page[i], false), value: page[i + 1] }
    }
  }

  /**
   * @param {import('interface-datastore').KeyQuery} q
   * @param {AbortOptions} [options]
   * @returns {AsyncGenerator<Key>}
   */
  async * _allKeys (q, options) {
    for await (const page of this.#pages(q.prefix, true, options)) {
      for (let i = 0; i < page.length; i += 2) yield new Key(page[i], false)
    }
  }

  /**
   * Yields lists of keys, each with its value behind it.
   *
   * @param {string | undefined} prefix
   * @param {boolean} keysOnly
   * @param {AbortOptions | undefined} options
   * @returns {AsyncGenerator<any[]>}
   */
  async * #pages (prefix = '/', keysOnly, options) {
    if (!prefix.startsWith('/')) return // since every key does
    const number = await this.#call(options, 'query', prefix, keysOnly)
    try {
      while (true) {
        const page = await this.#call(options, 'next', number)
        if (page.length === 0) return
        yield page
      }
    } finally {
      if (this.#store != null) await this.#call({}, 'end', number)
    }
  }

  /**
   * The validators and selectors of the trees, for kadDHT: they take what peers in Go take.
   *
   * @returns {{ validators: Record<string, (key: Uint8Array, value: Uint8Array) => Promise<void>>,
   *   selectors: Record<string, (key: Uint8Array, values: Uint8Array[]) => any> }}
   */
  rules () {
    /** @type {Record<string, any>} */
    const validators = {}
    /** @type {Record<string, any>} */
    const selectors = {}
    for (const schema of this.options.schemas ?? []) {
      const { tree } = typeof schema === 'string' ? JSON.parse(schema) : schema
      validators[tree] = async (/** @type {Uint8Array} */ key, /** @type {Uint8Array} */ value) =>
        this.#call({}, 'validate', key, value)
      selectors[tree] = async (/** @type {Uint8Array} */ key, /** @type {Uint8Array[]} */ values) =>
        this.#call({}, 'select', key, values)
    }
    return { validators, selectors }
  }

  /**
   * Returns the record key of a row and the row's value, for put of kad-dht. In a signed tree the value of
   * the record is a signed envelope, which this does not make.
   *
   * @param {string} tree - its full name, "shop.item"
   * @param {object} row - as DAG-JSON has it: bytes are {"/": {"bytes": "AQID"}}
   * @returns {Promise<{ key: Uint8Array, value: Uint8Array }>}
   */
  async encode (tree, row) {
    const [key, value] = await this.#call({}, 'encode', tree, JSON.stringify(row))
    return { key, value }
  }

  /**
   * Returns a row, as DAG-JSON has it. Numbers above 2^53 lose digits.
   *
   * @param {string} tree - its full name
   * @param {string | number} key - its primary key, as people write it
   * @returns {Promise<any>}
   */
  async row (tree, key) {
    return JSON.parse(await this.#call({}, 'row', tree, String(key)))
  }

  /**
   * Finds rows by an index, in the order of their primary keys.
   *
   * @param {string} tree - its full name
   * @param {string} index - the index's own name
   * @param {string | number} key - the index key, as people write it
   * @param {{ limit?: number }} [options] - how many rows at most: 1,000 unless it is given
   * @returns {Promise<any[]>}
   */
  async find (tree, index, key, { limit = 1000 } = {}) {
    const rows = await this.#call({}, 'find', tree, index, String(key), limit)
    return rows.map((/** @type {string} */ row) => JSON.parse(row))
  }

  /**
   * Keeps the value of a record that kad-dht's get has found: it does not itself.
   *
   * @param {Uint8Array} key - the record key
   * @param {Uint8Array} value
   */
  async keep (key, value) {
    await this.#call({}, 'keep', key, value)
  }
}

/**
 * @param {string} name
 * @param {string} message
 */
function named (name, message) {
  const error = new Error(message)
  error.name = name
  return error
}
